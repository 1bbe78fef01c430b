//! Parameters of SELECT and EXAMINE (RFC 4466, section 2.1; RFC 7162, sections 3.1.8 and 3.2.5).

use crate::types::UidSet;
use core::num::NonZeroU32;

/// A parameter in `SELECT mailbox (..)`; others are refused as unknown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SelectParameter {
    /// `CONDSTORE`
    CondStore,
    /// `QRESYNC (..)`
    QResync(QResync),
}

/// What a client remembers of a mailbox, so that the server can tell it what changed (RFC 7162, section 3.2.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QResync {
    /// The last UIDVALIDITY.
    pub uid_validity: NonZeroU32,
    /// The last mod-sequence, not zero.
    pub mod_seq: u64,
    /// The UIDs the client knows; all that there could be when `None`.
    pub known_uids: Option<UidSet>,
    /// `seq-match-data`: message numbers and the UIDs the client knows for them, pair by pair.
    pub match_data: Option<(UidSet, UidSet)>,
}
