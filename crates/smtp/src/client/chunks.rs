//! Content on its way out: dot-stuffed behind DATA (RFC 5321 4.5.2), or in counted chunks by BDAT (RFC 3030 2).
//!
//! Chunks are all of one size but the last: what is written in small pieces is gathered, what is written in large
//! ones is cut, without a copy. A chunk is sent only when nothing of the server waits to be read: what stands there
//! may say that no more is wanted.

use alloc::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use posthaste_wire::{DotEncoder, Misuse, SendQueue};

use super::machine::Expect;
use super::{Client, Event, Mode};
use crate::{Command, Keyword};

/// How the content of the present message travels.
#[derive(Debug)]
pub(super) enum Outgoing {
    Dots(DotEncoder),
    Chunks(Chunks),
}

/// What is to leave by BDAT.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    gathered: Gathered,
    /// Chunks that were sent and not answered.
    unanswered: usize,
    /// The content is complete.
    complete: bool,
    /// A writer was told to wait for an answer.
    awaited: bool,
}

/// Octets in order, cut anywhere without a copy. Small pieces are copied behind each other.
#[derive(Debug, Default)]
struct Gathered {
    pieces: VecDeque<Bytes>,
    /// Behind the last piece.
    tail: BytesMut,
    octets: usize,
}

impl Gathered {
    fn push(&mut self, piece: Bytes) {
        self.octets = self.octets.saturating_add(piece.len());
        if piece.len() < SMALL {
            self.tail.extend_from_slice(&piece);
            return;
        }
        if !self.tail.is_empty() {
            self.pieces.push_back(self.tail.split().freeze());
        }
        self.pieces.push_back(piece);
    }

    /// Moves the first `count` octets.
    fn pop(&mut self, count: usize, out: &mut SendQueue) {
        let mut count = count.min(self.octets);
        self.octets = self.octets.saturating_sub(count);
        while count > 0 {
            let mut piece = match self.pieces.pop_front() {
                Some(piece) => piece,
                None => self.tail.split().freeze(),
            };
            if piece.is_empty() {
                return;
            }
            if piece.len() > count {
                let mut behind = piece.clone();
                behind.advance(count);
                piece.truncate(count);
                self.pieces.push_front(behind);
            }
            count = count.saturating_sub(piece.len());
            out.push(piece);
        }
    }
}

impl Client {
    /// Takes octets of the content that were found good.
    pub(super) fn write_content(&mut self, octets: Bytes) {
        match &mut self.outgoing {
            Some(Outgoing::Dots(encoder)) => encoder.encode(octets, &mut self.send),
            Some(Outgoing::Chunks(chunks)) => chunks.gathered.push(octets),
            None => {}
        }
    }

    /// Whether a writer has to wait: for the peer to read, or for it to answer.
    pub(super) fn check_room(&mut self) -> Result<(), Misuse> {
        if self.send.is_congested() {
            return Err(Misuse::Congested { high_water: self.config.limits.send_high_water });
        }
        match &mut self.outgoing {
            Some(Outgoing::Chunks(chunks))
                if chunks.gathered.octets > self.config.limits.chunk_max.max(1) =>
            {
                chunks.awaited = true;
                Err(Misuse::Unanswered)
            }
            _ => Ok(()),
        }
    }

    /// The content is complete, `inside_line` or not. A server that has spoken behind DATA has not seen the end:
    /// then it is not sent.
    pub(super) fn finish_content(&mut self, inside_line: bool, binary: bool) {
        match &mut self.outgoing {
            Some(Outgoing::Dots(encoder)) if self.receive.is_empty() => {
                encoder.finish(&mut self.send);
                self.outgoing = None;
                self.expect_end();
            }
            Some(Outgoing::Chunks(chunks)) => {
                // Text is sent as lines (RFC 3030 2), as behind DATA.
                if inside_line && !binary {
                    chunks.gathered.push(Bytes::from_static(b"\r\n"));
                }
                chunks.complete = true;
                self.send_chunks();
            }
            Some(Outgoing::Dots(_)) | None => {}
        }
        self.arm();
        self.now_is_old = true;
    }

    /// Sends the chunks that are due. Whether there were any.
    pub(super) fn send_chunks(&mut self) -> bool {
        let pipelining = self.capabilities.has(Keyword::Pipelining);
        let window = if pipelining { self.config.limits.chunks_max.max(1) } else { 1 };
        let chunk_max = self.config.limits.chunk_max.max(1);
        let (mut sent, idle) = (false, self.expected.is_empty());
        while self.receive.is_empty() && !self.eof {
            let Some(Outgoing::Chunks(chunks)) = &mut self.outgoing else { break };
            let octets = chunks.gathered.octets;
            let last = chunks.complete && octets <= chunk_max;
            // With LMTP each recipient has an answer to the last chunk: they come when no other can.
            let alone = last && self.config.mode == Mode::Lmtp;
            if chunks.unanswered >= if alone { 1 } else { window } || !(last || octets > chunk_max) {
                break;
            }
            let count = octets.min(chunk_max);
            let length = u64::try_from(count).unwrap_or(u64::MAX);
            self.send.encode(|out| Command::Bdat { length, last }.encode(out));
            chunks.gathered.pop(count, &mut self.send);
            sent = true;
            if last {
                self.outgoing = None;
                self.expect_end();
            } else {
                chunks.unanswered = chunks.unanswered.saturating_add(1);
                self.expected.push_back(Expect::Chunk);
            }
        }
        // Otherwise the wait for an earlier answer goes on.
        if sent && idle {
            self.arm();
        }
        sent
    }

    /// As [`send_chunks`](Self::send_chunks), behind a call that tells no time.
    pub(super) fn chunk_due(&mut self) {
        self.now_is_old |= self.send_chunks();
    }

    /// Sends the chunks that are due, and tells a writer that waits when there is room. Whether anything was done.
    pub(super) fn poll_chunks(&mut self) -> bool {
        let sent = self.send_chunks();
        let chunk_max = self.config.limits.chunk_max.max(1);
        let id = self.transfer.as_ref().map(|transfer| transfer.id);
        if let (Some(Outgoing::Chunks(chunks)), Some(id)) = (&mut self.outgoing, id) {
            if chunks.awaited && chunks.gathered.octets <= chunk_max && self.tickets.is_open() {
                chunks.awaited = false;
                self.events.push_back(Event::Room(id));
                return true;
            }
        }
        sent
    }

    /// A chunk was taken.
    pub(super) fn chunk_taken(&mut self) {
        if let Some(Outgoing::Chunks(chunks)) = &mut self.outgoing {
            chunks.unanswered = chunks.unanswered.saturating_sub(1);
        }
    }

    /// Whether a writer is out beside which replies are read: those to earlier chunks, and the one that says that no more
    /// is wanted. A server may close the session at any time (RFC 5321 3.8), and one that was not heard would be taken for
    /// a connection that broke.
    pub(super) const fn reads_beside_writer(&self) -> bool {
        self.outgoing.is_some()
    }

    /// Whether content travels behind DATA, and its end was not sent.
    pub(super) const fn is_behind_data(&self) -> bool {
        matches!(self.outgoing, Some(Outgoing::Dots(_)))
    }

    fn expect_end(&mut self) {
        let Some(transfer) = &mut self.transfer else { return };
        transfer.is_whole = true;
        if self.config.mode == Mode::Lmtp {
            self.expected.extend(transfer.accepted().map(|index| Expect::End(Some(index))));
        } else {
            self.expected.push_back(Expect::End(None));
        }
    }
}

/// Pieces below this many octets are copied together.
const SMALL: usize = 4 * 1024;
