//! ENVELOPE (RFC 9051, section 9).

use super::writer::Writer;
use crate::types::{Address, Envelope};

impl Writer<'_> {
    pub(super) fn envelope(&mut self, envelope: &Envelope) {
        self.octet(b'(');
        self.nstring(&envelope.date);
        self.octet(b' ');
        self.nstring(&envelope.subject);
        let lists =
            [&envelope.from, &envelope.sender, &envelope.reply_to, &envelope.to, &envelope.cc, &envelope.bcc];
        for addresses in lists {
            self.octet(b' ');
            self.addresses(addresses);
        }
        self.octet(b' ');
        self.nstring(&envelope.in_reply_to);
        self.octet(b' ');
        self.nstring(&envelope.message_id);
        self.octet(b')');
    }

    fn addresses(&mut self, addresses: &[Address]) {
        if addresses.is_empty() {
            return self.text("NIL");
        }
        self.octet(b'(');
        for address in addresses {
            self.octet(b'(');
            self.separated([&address.name, &address.adl, &address.mailbox, &address.host], Self::nstring);
            self.octet(b')');
        }
        self.octet(b')');
    }
}
