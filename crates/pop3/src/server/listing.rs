//! The answers to LIST and UIDL (RFC 1939 5 and 7).
//!
//! A list is written as the send queue empties, so that a maildrop of a million messages costs no more memory than
//! one of ten.

use bytes::{BufMut, BytesMut};
use posthaste_wire::SendQueue;

use super::maildrop::{Listed, Marked};
use super::{Server, Text};
use crate::MessageNumber;
use crate::encode::decimal;

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

    fn row(self, number: MessageNumber, listed: &Listed, out: &mut BytesMut) {
        decimal(u64::from(number.value()), out);
        out.put_u8(b' ');
        match self.rows {
            Rows::Sizes => decimal(listed.size, out),
            Rows::Ids => out.put_slice(listed.uidl.as_bytes()),
        }
        out.put_slice(b"\r\n");
    }

    /// Writes rows until the queue is full. Whether the list is complete.
    fn fill(&mut self, maildrop: &Marked, out: &mut SendQueue) -> bool {
        let mut complete = false;
        while !complete && !out.is_congested() {
            out.encode(|out| {
                for _ in 0..ROWS_AT_ONCE {
                    let Some((number, listed)) = maildrop.next_from(self.next) else {
                        out.put_slice(b".\r\n");
                        complete = true;
                        return;
                    };
                    self.row(number, listed, out);
                    self.next = number.index().saturating_add(1);
                }
            });
        }
        complete
    }
}

/// Rows between two looks at the queue: about 2 KiB.
const ROWS_AT_ONCE: usize = 64;

impl Server {
    pub(super) fn list(&mut self, listing: Listing) {
        self.say_count();
        self.listing = Some(listing);
        self.fill_listing();
    }

    pub(super) fn list_one(&mut self, number: MessageNumber, listing: Listing) {
        match self.maildrop.as_ref().and_then(|maildrop| maildrop.message(number)) {
            Some(listed) => self.out.encode(|out| {
                out.put_slice(b"+OK ");
                listing.row(number, listed, out);
            }),
            None => self.err(Text::NoSuchMessage),
        }
    }

    pub(super) fn fill_listing(&mut self) {
        if let (Some(listing), Some(maildrop)) = (&mut self.listing, &self.maildrop) {
            if listing.fill(maildrop, &mut self.out) {
                self.listing = None;
            }
        }
    }
}
