//! The envelope structure of a message (RFC 9051 7.5.2): the fields of its header that a list of messages shows.
//!
//! Strings are unfolded and not decoded. Absent and empty are told apart where IMAP does.

use alloc::vec::Vec;

use bytes::Bytes;

use super::{
    address::Address,
    date::SentDate,
    field::{Fields, lower_case, unfold},
    limits::Limits,
};

/// The data of `ENVELOPE`, of the message or of an enclosed one.
///
/// No CR, LF or NUL is in any of the strings; 8-bit octets may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope {
    /// The `Date` field as written. See [`Envelope::sent`].
    pub date: Option<Bytes>,
    /// The `Subject` field, encoded words and all.
    pub subject: Option<Bytes>,
    /// The authors. Of several `From` fields the first.
    pub from: Vec<Address>,
    /// What the `Sender` field says; empty when it does not. See [`Envelope::sender`].
    pub own_sender: Vec<Address>,
    /// What the `Reply-To` field says; empty when it does not. See [`Envelope::reply_to`].
    pub own_reply_to: Vec<Address>,
    /// The recipients of all `To` fields.
    pub to: Vec<Address>,
    /// The recipients of all `Cc` fields.
    pub cc: Vec<Address>,
    /// The recipients of all `Bcc` fields.
    pub bcc: Vec<Address>,
    /// The `In-Reply-To` field.
    pub in_reply_to: Option<Bytes>,
    /// The `Message-ID` field.
    pub message_id: Option<Bytes>,
}

impl Envelope {
    /// Reads the envelope from a header.
    pub fn read(header: &[u8], limits: &Limits) -> Self {
        let mut envelope = Self::default();
        let mut seen = Seen::default();
        for field in Fields::of(header) {
            let value = field.value.get(..limits.field_max).unwrap_or(field.value);
            envelope.note(field.name, value, &mut seen, limits.addresses_max);
        }
        envelope
    }

    /// The sender member: that of the author when the message names none.
    pub fn sender(&self) -> &[Address] {
        if self.own_sender.is_empty() { &self.from } else { &self.own_sender }
    }

    /// The reply-to member: that of the author when the message names none.
    pub fn reply_to(&self) -> &[Address] {
        if self.own_reply_to.is_empty() { &self.from } else { &self.own_reply_to }
    }

    /// When the message says it was sent; `None` without a date that exists.
    pub fn sent(&self) -> Option<SentDate> {
        SentDate::parse(self.date.as_deref()?)
    }

    fn note(&mut self, name: &[u8], value: &[u8], seen: &mut Seen, max: usize) {
        match lower_case(name, &mut [0; LONGEST]) {
            b"date" => set(&mut self.date, value),
            b"subject" => set(&mut self.subject, value),
            b"in-reply-to" => set(&mut self.in_reply_to, value),
            b"message-id" => set(&mut self.message_id, value),
            b"from" => first(&mut self.from, &mut seen.from, value, max),
            b"sender" => first(&mut self.own_sender, &mut seen.sender, value, max),
            b"reply-to" => first(&mut self.own_reply_to, &mut seen.reply_to, value, max),
            b"to" => append(&mut self.to, value, max),
            b"cc" => append(&mut self.cc, value, max),
            b"bcc" => append(&mut self.bcc, value, max),
            _ => {}
        }
    }
}

/// The envelope of a message without a header.
pub(super) static NONE: Envelope = Envelope {
    date: None,
    subject: None,
    from: Vec::new(),
    own_sender: Vec::new(),
    own_reply_to: Vec::new(),
    to: Vec::new(),
    cc: Vec::new(),
    bcc: Vec::new(),
    in_reply_to: None,
    message_id: None,
};

/// Which of the fields that count once have been there; one that was empty counts too.
#[derive(Default)]
struct Seen {
    from: bool,
    sender: bool,
    reply_to: bool,
}

fn set(member: &mut Option<Bytes>, value: &[u8]) {
    if member.is_none() {
        *member = Some(unfold(value).into());
    }
}

fn first(member: &mut Vec<Address>, seen: &mut bool, value: &[u8], max: usize) {
    if !core::mem::replace(seen, true) {
        append(member, value, max);
    }
}

fn append(member: &mut Vec<Address>, value: &[u8], max: usize) {
    let room = max.saturating_sub(member.len());
    if room > 0 {
        member.extend(Address::parse_list(&unfold(value), room));
    }
}

/// Octets of `in-reply-to`, the longest name of interest.
const LONGEST: usize = 11;
