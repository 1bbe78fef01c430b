//! COPY, MOVE (RFC 9051, sections 6.4.7 and 6.4.8) and REPLACE (RFC 8508).

use crate::types::{AppendData, AppendHead, Mailbox, MessageSet, SequenceNumber};

/// The arguments of COPY and MOVE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyCommand {
    /// Which messages.
    pub set: MessageSet,
    /// Where they go.
    pub mailbox: Mailbox,
}

/// The arguments of REPLACE, up to its literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplaceCommand {
    /// The message that goes away.
    pub message: SequenceNumber,
    /// Where the new one goes, its flags, its date.
    pub head: AppendHead,
    /// How the new one is given.
    pub data: AppendData,
}
