//! The content of a message, by DATA or in chunks (RFC 5321 4.1.1.4, 4.5.2, RFC 3030): its size, what may not be in
//! it, and what is said at its end. Only CR LF `.` CR LF ends a text; what ends a chunk is in `chunk`.

use bytes::Bytes;
use posthaste_wire::{DotDecoder, TextCheck};

use super::machine::Phase;
use super::{BodyAborted, BodyEnd, EightBitContent, Event, Server};
use crate::{BodyType, Rejection, Reply, Transaction};

/// A message that is coming in. Memory: the transaction; no content is kept.
#[derive(Debug)]
pub(super) struct Message {
    transaction: Transaction,
    check: TextCheck,
    size: u64,
    too_big: bool,
}

impl Message {
    pub(super) fn new(transaction: Transaction) -> Self {
        Self { transaction, check: TextCheck::new(), size: 0, too_big: false }
    }

    /// Whether the application has been told to throw it away.
    pub(super) const fn is_aborted(&self) -> bool {
        self.too_big
    }

    /// How many recipients it has.
    pub(super) fn recipients(&self) -> usize {
        self.transaction.recipients().len()
    }

    /// How many octets the limit leaves.
    pub(super) const fn room(&self, limit: u64) -> u64 {
        limit.saturating_sub(self.size)
    }

    /// Takes octets in. What the application gets of them, and whether the limit was passed just now.
    fn take(&mut self, mut chunk: Bytes, limit: u64) -> (Bytes, bool) {
        self.check.update(&chunk);
        if self.too_big {
            return (Bytes::new(), false);
        }
        let octets = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let room = self.room(limit);
        self.size = self.size.saturating_add(octets);
        self.too_big = octets > room;
        chunk.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        (chunk, self.too_big)
    }

    /// Why it is not acceptable as a whole: what the application is told and the client.
    fn fault(&self, eight_bit: EightBitContent) -> Option<(BodyAborted, Reply)> {
        let refuse = |detail, text| Reply::fixed(554, (5, 6, detail), text);
        let body = self.transaction.parameters().body.unwrap_or_default();
        if body == BodyType::BinaryMime {
            None
        } else if self.check.has_bare_line_end() {
            Some((BodyAborted::BareLineEnd, refuse(0, "Message holds a bare CR or LF")))
        } else if self.check.has_nul() {
            Some((BodyAborted::Nul, refuse(0, "Message holds a NUL")))
        } else if self.check.has_8bit() && body == BodyType::SevenBit && eight_bit == EightBitContent::Refuse
        {
            Some((BodyAborted::EightBit, refuse(1, "Message holds 8-bit octets that were not declared")))
        } else {
            None
        }
    }
}

impl Server {
    /// Begins to read the text behind DATA.
    pub(super) fn text_accepted(&mut self, transaction: Transaction) {
        // RFC 2920 3.1: DATA ends a group. What stands behind it was not written by a client that saw the 354.
        if !self.receive.is_empty() {
            let farewell = Reply::fixed(554, (5, 5, 0), "Data sent without waiting for the reply to DATA");
            self.fail(crate::ProtocolError::UnauthorisedPipelining, Some(&farewell));
            return;
        }
        self.put(&Reply::plain(354, alloc::vec!["Start mail input; end with <CRLF>.<CRLF>".into()]));
        self.message = Some(Message::new(transaction));
        self.phase = Phase::Text(DotDecoder::new());
        self.arm_behind_answer();
    }

    /// Reads the text behind DATA. Whether there was any, or its end.
    pub(super) fn text(&mut self) -> bool {
        let Phase::Text(decoder) = &mut self.phase else { return false };
        let (chunk, end) = decoder.read(&mut self.receive);
        let advanced = end || !chunk.is_empty();
        self.body(chunk);
        if end {
            self.message_end();
        }
        advanced
    }

    /// Passes octets of the message on.
    pub(super) fn body(&mut self, chunk: Bytes) {
        let Some(message) = &mut self.message else { return };
        let (chunk, over) = message.take(chunk, self.config.limits.message_max);
        if !chunk.is_empty() {
            self.events.push_back(Event::Body(chunk));
        }
        if over {
            self.events.push_back(Event::BodyAborted(BodyAborted::TooBig));
        }
    }

    /// The message is complete. It leaves the machine here, whatever the outcome.
    pub(super) fn message_end(&mut self) {
        let message = self.message.take();
        self.phase = Phase::Command;
        self.arm();
        let Some(message) = message else { return };
        let fault = message.fault(self.config.eight_bit);
        let recipients = message.recipients();
        let Message { transaction, check, size, too_big } = message;
        if too_big {
            self.put_end_replies(recipients, Rejection::message_too_big().reply());
        } else if let Some((reason, reply)) = fault {
            self.events.push_back(Event::BodyAborted(reason));
            self.put_end_replies(recipients, &reply);
        } else {
            let ticket = self.issue();
            let has_8bit = check.has_8bit();
            self.events.push_back(Event::BodyEnd(BodyEnd { ticket, transaction, size, has_8bit }));
        }
    }

    /// The answer to a message: with LMTP one for each recipient (RFC 2033 4.2).
    pub(super) fn put_end_replies(&mut self, recipients: usize, reply: &Reply) {
        let count = if self.is_lmtp() { recipients } else { 1 };
        for _ in 0..count {
            self.put(reply);
        }
    }
}
