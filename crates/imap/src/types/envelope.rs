//! The ENVELOPE of a message (RFC 9051, sections 7.5.2 and 9).

use crate::types::NString;
use alloc::vec::Vec;

/// `envelope`. Text is as the header had it: encoded words and charsets are not decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The Date field, unparsed.
    pub date: NString,
    /// The Subject field.
    pub subject: NString,
    /// From. An empty list is NIL, in this and the other address lists.
    pub from: Vec<Address>,
    /// Sender, a server fills in From.
    pub sender: Vec<Address>,
    /// Reply-To, a server fills in From.
    pub reply_to: Vec<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc.
    pub bcc: Vec<Address>,
    /// In-Reply-To.
    pub in_reply_to: NString,
    /// Message-ID.
    pub message_id: NString,
}

/// `address`; group syntax is written as marker addresses without a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The display name.
    pub name: NString,
    /// The obsolete source route.
    pub adl: NString,
    /// The local part; the group's name where `host` is NIL; NIL at a group's end.
    pub mailbox: NString,
    /// The domain; NIL marks group syntax.
    pub host: NString,
}
