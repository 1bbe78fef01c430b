//! STORE (RFC 9051, section 6.4.6).

use crate::types::{Flag, SequenceSet};
use alloc::vec::Vec;

/// The arguments of STORE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreCommand {
    /// Which messages.
    pub set: SequenceSet,
    /// What happens with the flags.
    pub action: StoreAction,
    /// Whether the server reports the new flags.
    pub echo: StoreEcho,
    /// The flags; an empty list with [`StoreAction::Replace`] clears all.
    pub flags: Vec<Flag>,
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
