//! APPEND, all but the message (RFC 9051, section 6.3.12; RFC 3502, RFC 3516, RFC 4469, RFC 6855).
//!
//! A message is octets that stream, so a command as a value ends where its first literal begins. What stands
//! between two literals is a value again: the next message of MULTIAPPEND, the next part of CATENATE.

use crate::types::{AString, DateTime, Flags, LiteralHeader, Mailbox};
use alloc::vec::Vec;

/// The arguments of APPEND in front of the first message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendHead {
    /// Where the message goes.
    pub mailbox: Mailbox,
    /// Its flags.
    pub flags: Flags,
    /// Its internal date, the time of the APPEND when `None`.
    pub date_time: Option<DateTime>,
}

/// `append-opts`: what is said of a further message of MULTIAPPEND (RFC 3502).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppendOptions {
    /// Its flags.
    pub flags: Flags,
    /// Its internal date, the time of the APPEND when `None`.
    pub date_time: Option<DateTime>,
}

/// `append-data`: how a message is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendData {
    /// A literal or literal8: its octets are the message.
    Literal(LiteralHeader),
    /// `UTF8 (~{n}`: a literal8 whose octets are the message, then a parenthesis (RFC 6855, section 4).
    Utf8(LiteralHeader),
    /// `CATENATE (`: the message is put together from parts (RFC 4469).
    Catenate(CatenateRun),
}

/// Parts of CATENATE up to the next literal or the end of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatenateRun {
    /// `URL`: the octets a URL stands for.
    pub urls: Vec<AString>,
    /// `TEXT`: a literal whose octets follow; `None` when the list of parts ends here.
    pub text: Option<LiteralHeader>,
}
