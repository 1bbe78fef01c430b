//! Answers of many lines that the server makes itself: LIST, UIDL (RFC 1939 5 and 7) and CAPA (RFC 2449 5).
//!
//! A list is written as the send queue empties, so that a maildrop of a million messages costs no more memory than
//! one of ten.

use posthaste_wire::SendQueue;

use super::maildrop::{Listed, Marked};
use super::{AuthPrivacy, Server, TlsOffer, UserPass};
use crate::encode::{append, clean};
use crate::{MessageNumber, Verb};

/// A list that is being written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    rows: Rows,
    /// The index of the next message.
    next: usize,
}

#[derive(Clone, Copy, Debug)]
enum Rows {
    Sizes,
    Ids,
}

impl Listing {
    pub(super) const fn sizes() -> Self {
        Self { rows: Rows::Sizes, next: 0 }
    }

    pub(super) const fn ids() -> Self {
        Self { rows: Rows::Ids, next: 0 }
    }

    fn row(self, number: MessageNumber, listed: &Listed, out: &mut SendQueue) {
        out.encode(|out| match self.rows {
            Rows::Sizes => append(out, format_args!("{number} {}\r\n", listed.size)),
            Rows::Ids => append(out, format_args!("{number} {}\r\n", listed.uidl)),
        });
    }

    /// Writes rows until the queue is full. Whether the list is complete.
    fn fill(&mut self, maildrop: &Marked, out: &mut SendQueue) -> bool {
        while !out.is_congested() {
            let Some((number, listed)) = maildrop.next_from(self.next) else {
                out.put(b".\r\n");
                return true;
            };
            self.row(number, listed, out);
            self.next = number.index().saturating_add(1);
        }
        false
    }
}

impl Server {
    pub(super) fn list(&mut self, listing: Listing) {
        let (count, octets) = self.count();
        self.say_format(format_args!("+OK {count} messages ({octets} octets)"));
        self.listing = Some(listing);
        self.fill_listing();
    }

    pub(super) fn list_one(&mut self, number: MessageNumber, listing: Listing) {
        match self.maildrop.as_ref().and_then(|maildrop| maildrop.message(number)) {
            Some(listed) => {
                self.out.put(b"+OK ");
                listing.row(number, listed, &mut self.out);
            }
            None => self.no_such_message(),
        }
    }

    pub(super) fn fill_listing(&mut self) {
        if let (Some(listing), Some(maildrop)) = (&mut self.listing, &self.maildrop)
            && listing.fill(maildrop, &mut self.out)
        {
            self.listing = None;
        }
    }

    /// Whether credentials are taken over this connection.
    pub(super) fn takes_credentials(&self) -> bool {
        self.config.auth_requires_tls == AuthPrivacy::NotRequired || self.security.is_private()
    }

    /// What can be done now, or could be in the other state (RFC 2449 6 names which may differ).
    pub(super) fn capa(&mut self) {
        let takes_credentials = self.takes_credentials();
        let offers_tls =
            self.state.allows(Verb::Stls) && self.config.tls == TlsOffer::StartTls && !self.security.is_tls();
        let config = &self.config;
        self.out.encode(|out| {
            let line = "+OK capability list follows\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n";
            append(out, format_args!("{line}"));
            if takes_credentials && config.user_pass == UserPass::Offered {
                append(out, format_args!("USER\r\n"));
            }
            if takes_credentials && !config.mechanisms.is_empty() {
                append(out, format_args!("SASL"));
                for mechanism in &config.mechanisms {
                    append(out, format_args!(" {mechanism}"));
                }
                append(out, format_args!("\r\n"));
            }
            if offers_tls {
                append(out, format_args!("STLS\r\n"));
            }
            if !config.implementation.is_empty() {
                append(out, format_args!("IMPLEMENTATION "));
                clean(&config.implementation, out);
                append(out, format_args!("\r\n"));
            }
            append(out, format_args!(".\r\n"));
        });
    }
}
