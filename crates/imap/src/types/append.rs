//! APPEND, all but the message (RFC 9051, section 6.3.12).

use crate::types::{DateTime, Flag, Mailbox};
use alloc::vec::Vec;

/// The arguments of APPEND in front of the literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendHead {
    /// Where the message goes.
    pub mailbox: Mailbox,
    /// Its flags.
    pub flags: Vec<Flag>,
    /// Its internal date, the time of the APPEND when `None`.
    pub date_time: Option<DateTime>,
}
