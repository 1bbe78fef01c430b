//! APPEND and REPLACE: messages come in as a stream, each after the application has agreed to take it (RFC 9051 6.3.12;
//! RFC 3502 for several, RFC 3516 and RFC 9755 for other octets, RFC 8508 for REPLACE).
//!
//! ```text
//!   Append, Replace ─ accept ─► Body .. ─┬─► AppendEnd, ReplaceEnd ─ ok ─►
//!                                ▲       └─► AppendMore ─ accept ─┐
//!                                └────────────────────────────────┘
//! ```
//!
//! Whatever refuses or aborts, at whichever message, refuses all of them: the application keeps all or none.

use core::num::NonZeroU32;

use bytes::Bytes;
use posthaste_wire::{Answer, Misuse, Ticket};

use super::extensions::Switch;
use super::{Append, AppendMore, Asked, Event, Message, Phase, Poll, Refusal, Replace, Server, Timer};
use crate::error::Violation;
use crate::frame::Frame;
use crate::parse::append::{self, AppendNext};
use crate::types::{
    Addressing, AppendData, AppendHead, AppendOptions, Condition, LiteralHeader, ReplaceCommand,
    ResponseCode, Tag, UidSet,
};

/// The end of the messages that APPEND brought; their octets came as [`Event::Body`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendEnd {
    /// How many messages there are; more than one only with MULTIAPPEND.
    pub messages: u32,
}

/// The end of the message that REPLACE brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplaceEnd;

/// A message that is coming in, and those before it in the same command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    tag: Tag,
    purpose: Purpose,
    data: AppendData,
    /// How many messages there are, this one included.
    messages: u32,
    /// Their octets as announced.
    total: u64,
    /// A NUL has come where none may be: the rest is read and not taken.
    nul: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Append,
    Replace,
}

/// How far the messages of the command in progress are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It brings none.
    None,
    /// APPEND or REPLACE: nothing has come of them yet, or all has.
    Begun,
    /// Something has come, and more is due or asked about: when it is cut here, it comes to nothing.
    Incomplete,
}

/// How a message's octets were announced.
fn header(data: &AppendData) -> Option<LiteralHeader> {
    match data {
        AppendData::Literal(header) | AppendData::Utf8(header) => Some(*header),
        AppendData::Catenate(_) => None,
    }
}

impl Asked<Append> {
    /// Lets the message in: its octets come as [`Event::Body`], its end as [`Event::AppendEnd`], or as
    /// [`Event::AppendMore`] where another message follows.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        let Self { request: Append { length, data, .. }, tag, ticket } = self;
        let purpose = Purpose::Append;
        server.let_in(ticket, Arrival { tag, purpose, data, messages: 1, total: length, nul: false })
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

impl Asked<AppendMore> {
    /// Lets the next message in.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        let Self { request: AppendMore { data, messages, total, .. }, tag, ticket } = self;
        let purpose = Purpose::Append;
        server.let_in(ticket, Arrival { tag, purpose, data, messages, total, nul: false })
    }

    /// Refuses the next message, and with it all that came before it: none of them is to be kept.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn refuse(self, server: &mut Server, refusal: Refusal) -> Result<(), Misuse> {
        self.no(server, refusal)
    }
}

impl Asked<Replace> {
    /// Lets the message in: its octets come as [`Event::Body`], its end as [`Event::ReplaceEnd`].
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        let Self { request: Replace { length, data, .. }, tag, ticket } = self;
        let purpose = Purpose::Replace;
        server.let_in(ticket, Arrival { tag, purpose, data, messages: 1, total: length, nul: false })
    }
}

impl Asked<AppendEnd> {
    /// The message is stored: under which UID in which generation of the mailbox (RFC 4315 3).
    ///
    /// # Errors
    ///
    /// As [`ok_all`](Self::ok_all).
    pub fn ok(self, server: &mut Server, uid_validity: NonZeroU32, uid: NonZeroU32) -> Result<(), Misuse> {
        self.ok_all(server, uid_validity, UidSet::from_numbers([uid]))
    }

    /// All messages are stored, under these UIDs in the order they came (RFC 3502, RFC 4315 3).
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] where there are not as many UIDs as messages. [`Misuse::WrongConnection`].
    pub fn ok_all(self, server: &mut Server, uid_validity: NonZeroU32, uids: UidSet) -> Result<(), Misuse> {
        if uids.len() != u64::from(self.messages) {
            return Err(Misuse::Argument {
                argument: "uids",
                problem: "has another length than the messages",
            });
        }
        self.complete(
            server,
            Some(ResponseCode::AppendUid { uid_validity, uids }),
            "APPEND completed",
            |_| {},
        )
    }

    /// The messages are stored in a mailbox whose UIDs do not last.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok_without_uids(self, server: &mut Server) -> Result<(), Misuse> {
        self.complete(server, None, "APPEND completed", |_| {})
    }
}

impl Asked<ReplaceEnd> {
    /// The new message is stored under `uid`, and the old one is gone. An EXISTS, where the mailbox is the selected one,
    /// is handed in before.
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] for an old message without UID under QRESYNC or UIDONLY. [`Misuse::WrongConnection`].
    pub fn ok(
        self,
        server: &mut Server,
        uid_validity: NonZeroU32,
        uid: NonZeroU32,
        old: impl Into<Message>,
    ) -> Result<(), Misuse> {
        let replaced = replaced(server, uid_validity, uid, old.into())?;
        self.complete(server, None, "REPLACE completed", replaced)
    }

    /// The same, and the mailbox the old one was in has this mod-sequence now: HIGHESTMODSEQ (RFC 8508 4.5,
    /// RFC 7162 3.2.9).
    ///
    /// # Errors
    ///
    /// As [`ok`](Self::ok).
    pub fn ok_at(
        self,
        server: &mut Server,
        uid_validity: NonZeroU32,
        uid: NonZeroU32,
        old: impl Into<Message>,
        mod_seq: u64,
    ) -> Result<(), Misuse> {
        let replaced = replaced(server, uid_validity, uid, old.into())?;
        self.complete_at(server, mod_seq, "REPLACE completed", replaced)
    }
}

/// What is told of a replacement that is stored and of the message that is gone (RFC 8508 3.4).
fn replaced(
    server: &Server,
    uid_validity: NonZeroU32,
    uid: NonZeroU32,
    old: Message,
) -> Result<impl FnOnce(&mut Server) + use<>, Misuse> {
    let gone = server.expunge_response(&[old])?;
    let code = ResponseCode::AppendUid { uid_validity, uids: UidSet::from_numbers([uid]) };
    Ok(move |server: &mut Server| {
        server.untagged(Condition::Ok, Some(code), "Replacement is there");
        gone.iter().for_each(|response| server.send(response));
    })
}

impl Server {
    /// The text in front of an APPEND's message is complete and well formed.
    pub(super) fn append(&mut self, tag: Tag, head: AppendHead, data: AppendData) -> Poll {
        let Some(header) = self.admit(&tag, &data, 0) else { return Poll::Again };
        let request = Append { head, length: header.len, synchronising: header.synchronising, data };
        Poll::Event(Event::Append(self.ask(tag, request)))
    }

    /// The text in front of a REPLACE's message is complete and well formed.
    pub(super) fn replace(&mut self, tag: Tag, addressing: Addressing, command: ReplaceCommand) -> Poll {
        let ReplaceCommand { message, head, data } = command;
        let Some(header) = self.admit(&tag, &data, 0) else { return Poll::Again };
        if self.is_read_only() {
            self.complete_no(&tag, Refusal::read_only());
            return Poll::Again;
        }
        let (length, synchronising) = (header.len, header.synchronising);
        let request = Replace { addressing, message, head, length, synchronising, data };
        Poll::Event(Event::Replace(self.ask(tag, request)))
    }

    /// Whether a message may come; `None` where it was refused.
    fn admit(&mut self, tag: &Tag, data: &AppendData, total: u64) -> Option<LiteralHeader> {
        let Some(header) = header(data) else {
            let refused = self.refuse_tail(tag, "An extension that is not offered", Violation::NotOffered);
            return self.not_admitted(refused);
        };
        let utf8 = self.encode_context().utf8;
        let offered = match data {
            AppendData::Utf8(_) => utf8,
            _ => !header.binary || utf8 || self.config.extensions.has(Switch::Binary),
        };
        if !offered {
            let text = "No such literal without an extension";
            let refused = self.refuse_literal(Some(tag), header, None, text, Violation::NotOffered);
            return self.not_admitted(refused);
        }
        if self.is_past_literal_minus(&header) {
            let refused = self.refuse_large_literal(tag, header);
            return self.not_admitted(refused);
        }
        let all = total.saturating_add(header.len);
        if header.len > self.config.limits.append_max || all > self.config.limits.append_all_max {
            let limit = self.config.limits.append_max;
            if !header.synchronising && header.len > self.config.limits.drop_max {
                self.framer.refuse();
                self.bye(Some(ResponseCode::TooBig), "Message too long");
            } else {
                self.framer.refuse();
                self.complete_no(tag, Refusal::new("Message too long").with_code(ResponseCode::TooBig));
            }
            let violation = Violation::LiteralTooLong { limit };
            return self.not_admitted(Poll::Event(Event::Violation(violation)));
        }
        // RFC 3502 6.3.11: by an empty message a client gives up what it has begun. Without MULTIAPPEND nobody has said
        // so, and it is a message like any other.
        if header.len == 0 && self.config.extensions.has(Switch::MultiAppend) {
            self.framer.refuse();
            self.complete_no(tag, Refusal::new("No message is empty"));
            return None;
        }
        // RFC 9051 7.5.1: while a literal is negotiated, no command is in progress.
        self.expunge_forbidden = true;
        self.delivery = Delivery::Begun;
        Some(header)
    }

    fn not_admitted(&mut self, refused: Poll) -> Option<LiteralHeader> {
        if let Poll::Event(event) = refused {
            self.events.push_back(event);
        }
        None
    }

    fn let_in(&mut self, ticket: Ticket, arrival: Arrival) -> Result<(), Misuse> {
        if self.tickets.redeem(ticket)? == Answer::InTime {
            if header(&arrival.data).is_some_and(|header| header.synchronising) {
                self.out.put(b"+ Ready\r\n");
            }
            self.framer.stream();
            self.delivery = Delivery::Incomplete;
            self.phase = Phase::Append(arrival);
            self.arm_for_phase();
        }
        Ok(())
    }

    pub(super) fn poll_append(&mut self) -> Poll {
        let frame = self.framer.next(&self.frame_limits());
        let Phase::Append(arrival) = &mut self.phase else { return Poll::Again };
        match frame {
            Frame::NeedInput => Poll::NeedInput,
            Frame::Chunk(chunk, end) => {
                // Only a literal8 of BINARY may hold NUL (RFC 9051 4.3).
                let binary = matches!(arrival.data, AppendData::Literal(header) if header.binary)
                    && self.config.extensions.has(Switch::Binary);
                let seen = arrival.nul;
                let nul = if binary { None } else { memchr::memchr(0, &chunk) };
                arrival.nul |= nul.is_some();
                let before = chunk.slice(..nul.unwrap_or(chunk.len()));
                if end {
                    self.timers.disarm(Timer::Append);
                    if let Phase::Append(arrival) = core::mem::replace(&mut self.phase, Phase::Command) {
                        self.phase = Phase::AppendTail(arrival);
                    }
                    self.timers.arm_once(Timer::Command, self.now, self.config.limits.command_timeout);
                }
                if before.is_empty() || seen { Poll::Again } else { Poll::Event(Event::Body(before)) }
            }
            // Nothing else comes while octets are due.
            Frame::Line(_) | Frame::Literal(_) | Frame::Refused | Frame::TooLong(_) | Frame::Malformed(_) => {
                Poll::Again
            }
        }
    }

    /// Behind a message the line ends, or another message follows.
    pub(super) fn poll_append_tail(&mut self) -> Poll {
        let frame = self.framer.next(&self.frame_limits());
        if matches!(frame, Frame::NeedInput) {
            return Poll::NeedInput;
        }
        let Phase::AppendTail(arrival) = core::mem::replace(&mut self.phase, Phase::Command) else {
            return Poll::Again;
        };
        self.timers.disarm(Timer::Command);
        let tag = arrival.tag.clone();
        let (text, violation) = match frame {
            Frame::Malformed(_) | Frame::TooLong(_) => {
                self.abort_body();
                self.bad(Some(&tag), None, BEHIND);
                self.end_if_unreadable(&frame);
                return self.violation(Violation::AppendTail);
            }
            _ if arrival.nul => ("A message may not hold NUL", Violation::Nul),
            Frame::Line(line) => match append::next(&line, 0, &arrival.data, &self.parse_context()) {
                Ok(AppendNext::End) => {
                    self.expunge_forbidden = false;
                    return Poll::Event(self.arrived(arrival));
                }
                _ => (BEHIND, Violation::AppendTail),
            },
            Frame::Literal(_) => {
                let line = Bytes::copy_from_slice(self.framer.so_far());
                match append::next(&line, 0, &arrival.data, &self.parse_context()) {
                    Ok(AppendNext::Message(options, data, _)) => {
                        return self.append_more(arrival, options, data);
                    }
                    _ => (BEHIND, Violation::AppendTail),
                }
            }
            _ => (BEHIND, Violation::AppendTail),
        };
        self.abort_body();
        self.refuse_tail(&tag, text, violation)
    }

    fn arrived(&mut self, arrival: Arrival) -> Event {
        let Arrival { tag, purpose, messages, .. } = arrival;
        self.delivery = Delivery::Begun;
        match purpose {
            Purpose::Append => Event::AppendEnd(self.ask(tag, AppendEnd { messages })),
            Purpose::Replace => Event::ReplaceEnd(self.ask(tag, ReplaceEnd)),
        }
    }

    fn append_more(&mut self, arrival: Arrival, options: AppendOptions, data: AppendData) -> Poll {
        let Arrival { tag, purpose, messages, total, .. } = arrival;
        if purpose == Purpose::Replace || !self.config.extensions.has(Switch::MultiAppend) {
            self.abort_body();
            return self.refuse_tail(&tag, "Only one message at a time", Violation::NotOffered);
        }
        if messages >= self.config.limits.append_messages_max {
            self.abort_body();
            self.complete_no(&tag, Refusal::new("Too many messages").with_code(ResponseCode::Limit));
            return Poll::Again;
        }
        self.delivery = Delivery::Begun;
        let Some(header) = self.admit(&tag, &data, total) else {
            self.events.push_back(Event::BodyAborted);
            return Poll::Again;
        };
        self.delivery = Delivery::Incomplete;
        let request = AppendMore {
            options,
            length: header.len,
            synchronising: header.synchronising,
            data,
            messages: messages.saturating_add(1),
            total: total.saturating_add(header.len),
        };
        Poll::Event(Event::AppendMore(self.ask(tag, request)))
    }

    /// Refuses what stands behind or instead of a message, with the literal that may be announced there.
    pub(super) fn refuse_tail(&mut self, tag: &Tag, text: &'static str, violation: Violation) -> Poll {
        match self.framer.undecided() {
            Some(header) => self.refuse_literal(Some(tag), header, None, text, violation),
            None => {
                self.bad(Some(tag), None, text);
                self.violation(violation)
            }
        }
    }
}

const BEHIND: &str = "Nothing may follow the message";
