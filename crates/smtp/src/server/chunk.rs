//! BDAT (RFC 3030 2): content in chunks of so many octets, whatever they are. There is no dot-stuffing and no 354; a
//! chunk that is refused is read all the same, as octets and never as commands, and the answer comes behind it.
//!
//! What is legal between two chunks is the business of `session`; what the message may hold, that of `content`.

use alloc::vec;

use posthaste_wire::Counted;

use super::content::Message;
use super::machine::Phase;
use super::token::Source;
use super::{BodyAborted, Data, Event, Server};
use crate::{ProtocolError, Rejection, Reply, Transaction, Violation};

/// A chunk that is coming in.
#[derive(Debug)]
pub(super) struct Chunk {
    counted: Counted,
    length: u64,
    then: Then,
}

/// What follows a chunk.
#[derive(Debug)]
enum Then {
    /// It is counted, and more of the message may come.
    More,
    /// The message is complete.
    End,
    /// It was not for the message.
    Refuse(Refused),
}

/// What is said behind the octets of a chunk that was refused.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) reply: Reply,
    /// How often: once, but with LMTP a last chunk is answered for each recipient (RFC 2033 4.3).
    pub(super) replies: usize,
    /// What the client did wrong, where it did.
    pub(super) violation: Option<Violation>,
}

impl Server {
    /// BDAT where it is legal.
    pub(super) fn bdat(&mut self, length: u64, last: bool) {
        // An empty chunk brings the message no closer.
        if length == 0 && !last && !self.spare_junk() {
            return;
        }
        let limit = self.config.limits.message_max;
        let room = self.message.as_ref().map_or(limit, |message| message.room(limit));
        if length > room {
            self.message_of_chunks_too_big(length, last);
        } else if self.message.is_some() {
            self.read_chunk(length, last);
        } else if let Some(transaction) = self.session.take() {
            let ticket = self.issue();
            let source = Source::Chunk { length, last };
            self.events.push_back(Event::Data(Data { ticket, transaction, source }));
        }
    }

    /// The application wants the content.
    pub(super) fn chunk_accepted(&mut self, transaction: Transaction, length: u64, last: bool) {
        self.message = Some(Message::new(transaction));
        self.session.chunks();
        self.read_chunk(length, last);
        self.arm_behind_answer();
    }

    /// The application does not want the content.
    pub(super) fn chunk_rejected(
        &mut self,
        recipients: usize,
        length: u64,
        last: bool,
        rejection: Rejection,
    ) {
        let reply = rejection.into_reply();
        self.excuse_behind(recipients);
        let replies = if last && self.is_lmtp() { recipients } else { 1 };
        self.drain(length, Refused { reply, replies, violation: None });
    }

    /// Reads a chunk only to throw it away, and answers behind it. One that is too large for that ends the session.
    pub(super) fn drain(&mut self, length: u64, refused: Refused) {
        let limits = &self.config.limits;
        let limit = limits.chunk_drain_max.max(limits.message_max);
        if length > limit {
            for _ in 0..refused.replies.max(1) {
                self.put(&refused.reply);
            }
            self.events.extend(refused.violation.map(Event::Violation));
            self.fail(ProtocolError::ChunkTooBig { length, limit }, None);
            return;
        }
        self.phase =
            Phase::Chunk(Chunk { counted: Counted::new(length), length, then: Then::Refuse(refused) });
        self.arm();
    }

    /// Reads octets of a chunk. Whether there were any, or its end.
    pub(super) fn chunk(&mut self) -> bool {
        let Phase::Chunk(chunk) = &mut self.phase else { return false };
        let octets = chunk.counted.read(&mut self.receive);
        let done = chunk.counted.is_done();
        let advanced = done || !octets.is_empty();
        if !matches!(chunk.then, Then::Refuse(_)) {
            self.body(octets);
        }
        if done {
            self.chunk_end();
        }
        advanced
    }

    fn chunk_end(&mut self) {
        let Phase::Chunk(chunk) = core::mem::replace(&mut self.phase, Phase::Command) else { return };
        match chunk.then {
            Then::More => {
                let text = alloc::format!("{} octets received", chunk.length);
                self.put(&Reply::fixed_lines(250, (2, 0, 0), vec![text]));
                self.arm();
            }
            Then::End => {
                // The transaction is with the message, and leaves with it.
                let _ = self.session.reset();
                self.message_end();
            }
            Then::Refuse(Refused { reply, replies, violation }) => {
                self.arm();
                for _ in 0..replies {
                    self.put(&reply);
                }
                if let Some(violation) = violation {
                    self.count_violation(violation);
                }
            }
        }
    }

    fn read_chunk(&mut self, length: u64, last: bool) {
        let then = if last { Then::End } else { Then::More };
        self.phase = Phase::Chunk(Chunk { counted: Counted::new(length), length, then });
        self.arm();
    }

    /// The transaction ends here, before a single octet of the chunk is read.
    fn message_of_chunks_too_big(&mut self, length: u64, last: bool) {
        let recipients = self.message.as_ref().map_or_else(|| self.session.recipients(), Message::recipients);
        self.drop_transaction(BodyAborted::TooBig);
        self.excuse_behind(recipients);
        let limit = self.config.limits.message_max;
        // A large message is no fault: it is told and not counted.
        self.events.push_back(Event::Violation(Violation::ChunksTooBig { limit }));
        let replies = if last && self.is_lmtp() { recipients } else { 1 };
        let reply = Rejection::message_too_big().into_reply();
        self.drain(length, Refused { reply, replies, violation: None });
    }
}
