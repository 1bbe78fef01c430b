//! ENVELOPE (RFC 9051, section 9), wherever its strings are kept.

use super::writer::Writer;
use crate::types::{Address, Envelope, NString};
use core::{iter, slice};

/// The members of an envelope, as they are told.
pub(crate) struct EnvelopeMembers<'a, A> {
    pub(crate) date: Option<&'a [u8]>,
    pub(crate) subject: Option<&'a [u8]>,
    /// From, sender, reply-to, to, cc and bcc.
    pub(crate) addresses: [A; 6],
    pub(crate) in_reply_to: Option<&'a [u8]>,
    pub(crate) message_id: Option<&'a [u8]>,
}

/// The members of an address: name, source route, mailbox and host.
pub(crate) type AddressMembers<'a> = [Option<&'a [u8]>; 4];

impl Writer<'_> {
    pub(super) fn envelope<'a, A>(&mut self, envelope: EnvelopeMembers<'a, A>)
    where
        A: Iterator<Item = AddressMembers<'a>>,
    {
        self.octet(b'(');
        self.nstring(envelope.date);
        self.octet(b' ');
        self.nstring(envelope.subject);
        for addresses in envelope.addresses {
            self.octet(b' ');
            self.addresses(addresses);
        }
        self.octet(b' ');
        self.nstring(envelope.in_reply_to);
        self.octet(b' ');
        self.nstring(envelope.message_id);
        self.octet(b')');
    }

    fn addresses<'a>(&mut self, mut addresses: impl Iterator<Item = AddressMembers<'a>>) {
        let Some(first) = addresses.next() else { return self.text("NIL") };
        self.octet(b'(');
        for address in iter::once(first).chain(addresses) {
            self.octet(b'(');
            self.separated(address, Self::nstring);
            self.octet(b')');
        }
        self.octet(b')');
    }
}

impl Envelope {
    pub(super) fn members(&self) -> EnvelopeMembers<'_, Addresses<'_>> {
        let Self { date, subject, from, sender, reply_to, to, cc, bcc, in_reply_to, message_id } = self;
        EnvelopeMembers {
            date: octets(date),
            subject: octets(subject),
            addresses: [from, sender, reply_to, to, cc, bcc].map(|list| Addresses(list.iter())),
            in_reply_to: octets(in_reply_to),
            message_id: octets(message_id),
        }
    }
}

/// A list of addresses.
pub(crate) struct Addresses<'a>(slice::Iter<'a, Address>);

impl<'a> Iterator for Addresses<'a> {
    type Item = AddressMembers<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let Address { name, adl, mailbox, host } = self.0.next()?;
        Some([name, adl, mailbox, host].map(octets))
    }
}

/// The octets of a string.
pub(super) fn octets(string: &NString) -> Option<&[u8]> {
    string.as_ref().map(|string| string.as_bytes())
}
