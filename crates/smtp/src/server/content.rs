//! The content of a message between 354 and its end (RFC 5321 4.1.1.4, 4.5.2): size, forbidden octets, and what
//! is said at the end. Only CR LF `.` CR LF ends it.

use bytes::Bytes;
use posthaste_wire::{DotDecoder, TextCheck};

use super::machine::Phase;
use super::{BodyAborted, BodyEnd, Event, Server};
use crate::{Rejection, Reply, Transaction};

/// A message that is coming in. Memory: the transaction; no content is kept.
#[derive(Debug)]
pub(super) struct Content {
    transaction: Transaction,
    decoder: DotDecoder,
    check: TextCheck,
    size: u64,
    too_big: bool,
}

impl Content {
    pub(super) fn new(transaction: Transaction) -> Self {
        Self { transaction, decoder: DotDecoder::new(), check: TextCheck::new(), size: 0, too_big: false }
    }

    /// Whether the application has been told to throw it away.
    pub(super) const fn is_aborted(&self) -> bool {
        self.too_big
    }

    /// Takes a chunk in. What the application gets of it, and whether the limit was passed just now.
    fn take(&mut self, mut chunk: Bytes, limit: u64) -> (Bytes, bool) {
        self.check.update(&chunk);
        if self.too_big {
            return (Bytes::new(), false);
        }
        let octets = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let room = limit.saturating_sub(self.size);
        self.size = self.size.saturating_add(octets);
        self.too_big = octets > room;
        chunk.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        (chunk, self.too_big)
    }
}

impl Server {
    /// Reads content. Whether there was any, or its end.
    pub(super) fn content(&mut self) -> bool {
        let Phase::Content(content) = &mut self.phase else { return false };
        let (chunk, end) = content.decoder.read(&mut self.receive);
        let advanced = end || !chunk.is_empty();
        let (chunk, over) = content.take(chunk, self.config.limits.message_max);
        if !chunk.is_empty() {
            self.events.push_back(Event::Body(chunk));
        }
        if over {
            self.events.push_back(Event::BodyAborted(BodyAborted::TooBig));
        }
        if end {
            self.content_end();
        }
        advanced
    }

    fn content_end(&mut self) {
        // The transaction leaves the machine here, whatever the outcome.
        let Phase::Content(content) = core::mem::replace(&mut self.phase, Phase::Command) else { return };
        let Content { transaction, check, size, too_big, decoder: _ } = content;
        let recipients = transaction.recipients().len();
        self.arm();
        if too_big {
            self.put_end_replies(recipients, Rejection::message_too_big().reply());
        } else if check.has_bare_line_end() {
            self.events.push_back(Event::BodyAborted(BodyAborted::BareLineEnd));
            self.put_end_replies(recipients, &Reply::fixed(554, (5, 6, 0), "Message holds a bare CR or LF"));
        } else if check.has_nul() {
            self.events.push_back(Event::BodyAborted(BodyAborted::Nul));
            self.put_end_replies(recipients, &Reply::fixed(554, (5, 6, 0), "Message holds a NUL"));
        } else {
            let ticket = self.issue();
            self.events.push_back(Event::BodyEnd(BodyEnd { ticket, transaction, size }));
        }
    }
}
