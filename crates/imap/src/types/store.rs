//! STORE (RFC 9051, section 6.4.6; RFC 7162, section 3.1.3; Gmail's labels).

use crate::types::{AString, Flags, MessageSet};
use alloc::vec::Vec;

/// The arguments of STORE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreCommand {
    /// Which messages.
    pub set: MessageSet,
    /// `UNCHANGEDSINCE`: leave alone what has a higher mod-sequence (RFC 7162).
    pub unchanged_since: Option<u64>,
    /// What happens with the flags.
    pub action: StoreAction,
    /// Whether the server reports the new flags.
    pub echo: StoreEcho,
    /// The flags; an empty list with [`StoreAction::Replace`] clears all.
    pub flags: Flags,
}

/// The arguments of STORE with `X-GM-LABELS` (X-GM-EXT-1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreLabels {
    /// Which messages.
    pub set: MessageSet,
    /// What happens with the labels.
    pub action: StoreAction,
    /// Whether the server reports the new labels.
    pub echo: StoreEcho,
    /// The labels, as they stand on the wire: modified UTF-7, or a backslash and a name.
    pub labels: Vec<AString>,
}

/// What STORE does with the flags it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreAction {
    /// `FLAGS`
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

/// Whether STORE is answered with the new flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreEcho {
    /// A FETCH response with the new flags follows.
    Report,
    /// `.SILENT`: the client knows already.
    Silent,
}
