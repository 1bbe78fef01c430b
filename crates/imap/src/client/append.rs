//! APPEND and REPLACE, the messages themselves: as many octets as were announced, no more and no fewer
//! (RFC 9051 6.3.12; RFC 3502 several at once, RFC 4469 in parts, RFC 7888, RFC 8508).
//!
//! What stands between two literals is written by the machine; the application writes the octets of each, one
//! after the other. What a command may announce is decided in `needs.rs`.

use crate::client::pieces::More;
use crate::client::queue::{Sending, Then};
use crate::client::{Client, CommandId, Event, ProtocolError};
use crate::types::{AString, AppendData, AppendOptions, CatenateRun, DateTime, Flags, LiteralHeader};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;
use posthaste_wire::{Answer, Misuse, Ticket};

/// One message of APPEND or REPLACE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendMessage {
    /// Its flags.
    pub flags: Flags,
    /// Its internal date; the server takes its own when `None`.
    pub date: Option<DateTime>,
    /// How it is given.
    pub content: AppendContent,
}

/// How a message is given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendContent {
    /// So many octets, none of them NUL.
    Octets(u64),
    /// So many octets of any value: a literal8 (RFC 3516).
    Binary(u64),
    /// So many octets of a message with UTF-8 in its header (RFC 6855 4).
    Utf8(u64),
    /// Parts that the server puts together (RFC 4469).
    Parts(Vec<AppendPart>),
}

/// A part of a message that the server puts together (RFC 4469).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendPart {
    /// What this URL stands for; relative to the selected mailbox where it is relative.
    Url(AString),
    /// So many octets.
    Text(u64),
}

impl AppendMessage {
    /// A message of so many octets without flags, dated by the server.
    pub const fn of(octets: u64) -> Self {
        Self { flags: Flags::new(), date: None, content: AppendContent::Octets(octets) }
    }
}

impl AppendContent {
    /// What stands in front of the first literal, and what follows it.
    pub(crate) fn begin(self) -> (AppendData, VecDeque<More>) {
        let literal = |len, binary| LiteralHeader { len, synchronising: true, binary };
        let data = match self {
            Self::Octets(len) => AppendData::Literal(literal(len, false)),
            Self::Binary(len) => AppendData::Literal(literal(len, true)),
            Self::Utf8(len) => AppendData::Utf8(literal(len, true)),
            Self::Parts(parts) => {
                let mut runs = VecDeque::from([CatenateRun::default()]);
                for part in parts {
                    let Some(run) = runs.back_mut() else { continue };
                    match part {
                        AppendPart::Url(url) => run.urls.push(url),
                        AppendPart::Text(len) => {
                            run.text = Some(literal(len, false));
                            runs.push_back(CatenateRun::default());
                        }
                    }
                }
                let first = runs.pop_front().unwrap_or_default();
                return (AppendData::Catenate(first), runs.into_iter().map(More::Parts).collect());
            }
        };
        (data, VecDeque::new())
    }
}

impl From<AppendMessage> for VecDeque<More> {
    /// A message behind another one.
    fn from(message: AppendMessage) -> Self {
        let AppendMessage { flags, date, content } = message;
        let (data, mut more) = content.begin();
        more.push_front(More::Message(AppendOptions { flags, date_time: date }, data));
        more
    }
}

/// The right to write the octets of one literal of APPEND: mostly a whole message.
///
/// The server was told how many there are and now waits for them: nothing else can be sent until
/// [`finish`](Self::finish). A writer that is dropped leaves the message incomplete, so that no half of it is ever
/// stored; the connection is then good for nothing but to be closed.
#[derive(Debug)]
#[must_use = "the server waits for the octets"]
pub struct AppendWriter {
    id: CommandId,
    index: usize,
    length: u64,
    ticket: Ticket,
}

impl AppendWriter {
    /// The APPEND it belongs to.
    pub const fn id(&self) -> CommandId {
        self.id
    }

    /// Which literal of the command this is, from 0: the message of [`Client::append_all`], or, where messages are
    /// given in parts, the text, counted through all of them.
    pub const fn index(&self) -> usize {
        self.index
    }

    /// How many octets were announced.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Writes a piece. Does nothing once the conversation has ended.
    ///
    /// # Errors
    /// [`Misuse::Congested`] at the high-water mark and [`Misuse::TooMuch`] beyond the announced length; then
    /// nothing was taken.
    pub fn write(&mut self, client: &mut Client, chunk: Bytes) -> Result<(), Misuse> {
        if client.writers.check(&self.ticket)? == Answer::Late {
            return Ok(());
        }
        if client.send.is_congested() {
            return Err(Misuse::Congested { high_water: client.config.limits.send_high_water });
        }
        if let Some((_, Sending::Writing { counted, .. })) = &mut client.sending {
            counted.write(chunk.len())?;
            client.send.push(chunk);
        }
        Ok(())
    }

    /// How many octets are still due.
    pub fn remaining(&self, client: &Client) -> u64 {
        match &client.sending {
            Some((_, Sending::Writing { counted, .. })) => counted.remaining(),
            _ => 0,
        }
    }

    /// Ends the octets. Where the command has more of them, [`Event::AppendReady`] comes again; the server's answer
    /// comes as [`Event::Done`]. Does nothing once the conversation has ended.
    ///
    /// # Errors
    /// [`Misuse::TooLittle`] when octets are still due: the message stays incomplete, see [`AppendWriter`].
    pub fn finish(self, client: &mut Client) -> Result<(), Misuse> {
        if client.writers.check(&self.ticket)? == Answer::Late {
            return Ok(());
        }
        if let Some((_, Sending::Writing { counted, .. })) = &client.sending {
            counted.finish()?;
            let _ = client.writers.redeem(self.ticket)?;
            client.after_literal();
            client.pump();
        }
        Ok(())
    }

    /// Gives the message up. The server waits for octets that will not come, so this ends the conversation: the next
    /// poll gives [`ProtocolError::AppendAborted`]. Nothing is stored.
    ///
    /// # Errors
    /// [`Misuse::WrongConnection`].
    pub fn abort(self, client: &mut Client) -> Result<(), Misuse> {
        if client.writers.redeem(self.ticket)? == Answer::InTime {
            client.fail(ProtocolError::AppendAborted);
        }
        Ok(())
    }
}

impl Client {
    /// The announcement is sent and, where one was due, the `+` is here.
    pub(crate) fn offer_writer(&mut self, id: Option<CommandId>, index: usize, length: u64) {
        if let Some(id) = id {
            let ticket = self.writers.issue();
            self.events.push_back(Event::AppendReady(AppendWriter { id, index, length, ticket }));
        }
    }

    /// All octets of a literal are on their way: goes on with what stands behind it.
    fn after_literal(&mut self) {
        let Some((serial, Sending::Writing { rest, .. })) = self.sending.take() else { return };
        if self.running.iter().any(|running| running.serial == serial) {
            self.send_pieces(serial, rest, Then::Nothing);
        } else {
            // The server has refused meanwhile: it passes over the rest of the command, which ends here.
            self.send.put(b"\r\n");
        }
    }
}
