//! ESEARCH: the command over several mailboxes (RFC 7377), and the response (RFC 4731, 5267, 6203, 7162, 9394).

use crate::types::{AString, Mailbox, MailboxFilter, PartialRange, SearchCommand, SequenceSet};
use alloc::vec::Vec;
use core::num::NonZeroU32;

/// The arguments of ESEARCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EsearchCommand {
    /// `IN (..)`: which mailboxes; the selected one when empty.
    pub mailboxes: Vec<MailboxFilter>,
    /// What is looked for and how the answer is to look.
    pub search: SearchCommand,
}

/// `esearch-response`. Results of which there are none are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EsearchResponse {
    /// The tag of the command this answers.
    pub tag: Option<AString>,
    /// The mailbox this is about, with its UIDVALIDITY (RFC 7377).
    pub mailbox: Option<(Mailbox, NonZeroU32)>,
    /// The numbers are UIDs.
    pub uid: bool,
    /// `MIN`
    pub min: Option<NonZeroU32>,
    /// `MAX`
    pub max: Option<NonZeroU32>,
    /// `ALL`; in the order of the criteria after SORT.
    pub all: Option<SequenceSet>,
    /// `COUNT`
    pub count: Option<u32>,
    /// `MODSEQ`: the highest mod-sequence of the messages told of (RFC 7162).
    pub mod_seq: Option<u64>,
    /// `PARTIAL`: the range asked for, and the results in it (RFC 9394, RFC 5267).
    pub partial: Option<(PartialRange, Option<SequenceSet>)>,
    /// `ADDTO` and `REMOVEFROM`: how the result has changed since, one after the other (RFC 5267).
    pub changes: Vec<ContextChange>,
    /// `RELEVANCY`: 1 to 100 for each message of the result, in its order (RFC 6203).
    pub relevancy: Vec<u8>,
}

/// How the result of a search whose RETURN had UPDATE has changed (RFC 5267 4.3).
///
/// Each change starts from what the one before it left. The numbers are UIDs where the search was by UID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextChange {
    /// `ADDTO`: messages have come in.
    AddTo {
        /// Which place in the result, from 1, the first of them has now; `None`, as which `0` is read and written,
        /// for wherever the order of the mailbox puts each.
        position: Option<NonZeroU32>,
        /// The messages, in the order of the result.
        numbers: SequenceSet,
    },
    /// `REMOVEFROM`: messages have gone.
    RemoveFrom {
        /// Which place in the result, from 1, the first of them had; `None` for wherever they are.
        position: Option<NonZeroU32>,
        /// The messages, in the order of the result.
        numbers: SequenceSet,
    },
}
