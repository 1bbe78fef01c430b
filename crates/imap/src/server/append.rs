//! APPEND: the message comes in as a stream, after the application has agreed to take it (RFC 9051 6.3.12).

use core::num::NonZeroU32;

use posthaste_wire::{Answer, Misuse};

use super::{Append, Asked, Event, Phase, Poll, Refusal, Server};
use crate::error::Violation;
use crate::frame::Frame;
use crate::types::{AppendHead, LiteralHeader, ResponseCode, Tag, UidSet};

/// The end of the message that APPEND brought; its octets came as [`Event::Body`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendEnd;

impl Asked<Append> {
    /// Lets the message in: its octets come as [`Event::Body`], its end as [`Event::AppendEnd`].
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        if server.tickets.redeem(self.ticket)? == Answer::InTime {
            if self.request.synchronising {
                server.out.put(b"+ Ready\r\n");
            }
            server.framer.stream();
            server.append_nul = false;
            server.phase = Phase::Append(self.tag);
            server.arm_for_phase();
        }
        Ok(())
    }

    /// Refuses the message before it is let in; what is on its way is dropped unread.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn refuse(self, server: &mut Server, refusal: Refusal) -> Result<(), Misuse> {
        self.no(server, refusal)
    }
}

impl Asked<AppendEnd> {
    /// The message is stored: under which UID in which generation of the mailbox (RFC 4315 3).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, uid_validity: NonZeroU32, uid: NonZeroU32) -> Result<(), Misuse> {
        let code = ResponseCode::AppendUid { uid_validity, uids: UidSet::from_numbers([uid]) };
        self.complete(server, Some(code), "APPEND completed", |_| {})
    }
}

impl Server {
    /// The text in front of an APPEND's message is complete and well formed.
    pub(super) fn append(&mut self, tag: Tag, head: AppendHead, header: LiteralHeader) -> Poll {
        if header.len > self.config.limits.append_max {
            let limit = self.config.limits.append_max;
            if !header.synchronising && header.len > self.config.limits.drop_max {
                self.framer.refuse();
                self.bye(Some(ResponseCode::TooBig), "Message too long");
            } else {
                self.framer.refuse();
                self.complete_no(&tag, Refusal::new("Message too long").with_code(ResponseCode::TooBig));
            }
            return Poll::Event(Event::Violation(Violation::LiteralTooLong { limit }));
        }
        // RFC 9051 7.5.1: while a literal is negotiated, no command is in progress.
        self.expunge_forbidden = true;
        let request = Append { head, length: header.len, synchronising: header.synchronising };
        Poll::Event(Event::Append(self.ask(tag, request)))
    }

    pub(super) fn poll_append(&mut self) -> Poll {
        match self.framer.next(&self.frame_limits()) {
            Frame::NeedInput => Poll::NeedInput,
            Frame::Chunk(chunk, end) => {
                if end {
                    self.timers.disarm(super::Timer::Append);
                    if let Phase::Append(tag) = core::mem::replace(&mut self.phase, Phase::Command) {
                        self.phase = Phase::AppendTail(tag);
                        let timeout = self.config.limits.command_timeout;
                        self.timers.arm_once(super::Timer::Command, self.now, timeout);
                    }
                }
                // Only literal8 may hold NUL, and it is not offered (RFC 9051 4.3).
                let seen = self.append_nul;
                let nul = memchr::memchr(0, &chunk);
                self.append_nul |= nul.is_some();
                let before = chunk.slice(..nul.unwrap_or(chunk.len()));
                if before.is_empty() || seen { Poll::Again } else { Poll::Event(Event::Body(before)) }
            }
            // Nothing else comes while octets are due.
            Frame::Line(_) | Frame::Literal(_) | Frame::Refused | Frame::TooLong | Frame::Malformed(_) => {
                Poll::Again
            }
        }
    }

    /// Behind the message the line ends. Anything else is an extension that is not offered.
    pub(super) fn poll_append_tail(&mut self) -> Poll {
        let frame = self.framer.next(&self.frame_limits());
        if matches!(frame, Frame::NeedInput) {
            return Poll::NeedInput;
        }
        let Phase::AppendTail(tag) = core::mem::replace(&mut self.phase, Phase::Command) else {
            return Poll::Again;
        };
        self.timers.disarm(super::Timer::Command);
        match frame {
            Frame::Line(line) if line.is_empty() && core::mem::take(&mut self.append_nul) => {
                self.events.push_back(Event::BodyAborted);
                self.bad(Some(&tag), None, "A message may not hold NUL");
                self.violation(Violation::Nul)
            }
            Frame::Line(line) if line.is_empty() => {
                self.expunge_forbidden = false;
                Poll::Event(Event::AppendEnd(self.ask(tag, AppendEnd)))
            }
            Frame::Literal(header) => {
                self.events.push_back(Event::BodyAborted);
                let violation = Violation::LiteralTooLong { limit: 0 };
                self.refuse_literal(Some(&tag), header, None, "Only one message at a time", violation)
            }
            frame => {
                self.events.push_back(Event::BodyAborted);
                self.bad(Some(&tag), None, "Nothing may follow the message");
                self.end_if_unreadable(&frame);
                self.violation(Violation::AppendTail)
            }
        }
    }
}
