//! The answer to FETCH, row by row, with long payloads streamed (RFC 9051 6.4.5, 7.5.2).
//!
//! ```text
//!   FetchWriter ── row ──► RowWriter ── literal ──► LiteralWriter
//!       │  ▲                 │    ▲                     │
//!       │  └──── finish ─────┘    └────── finish ───────┘
//!       ├─ whole_row
//!       └─ ok, no
//! ```
//!
//! Each step takes the one before by value, so a row cannot begin within a row and a literal cannot end short.

use core::num::NonZeroU32;

use bytes::{Bytes, BytesMut};
use posthaste_wire::{Counted, Misuse};

use super::{Asked, Fetch, Message, Refusal, Server};
use crate::encode::{self, EncodeContext};
use crate::message::{Record, StructureForm};
use crate::types::{FetchItem, Payload, Response, ResponseCode, UidSet};

/// The answer to FETCH, between two rows.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the client waits for the end of the answer"]
pub struct FetchWriter {
    asked: Asked<Fetch>,
}

/// One row, between two items.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the row is not complete"]
pub struct RowWriter {
    fetch: FetchWriter,
    has_items: bool,
}

/// A payload of a length that has been announced.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the payload is not complete"]
pub struct LiteralWriter {
    row: RowWriter,
    counted: Counted,
}

impl Asked<Fetch> {
    /// Begins the answer.
    pub fn begin(self) -> FetchWriter {
        FetchWriter { asked: self }
    }
}

impl FetchWriter {
    /// What was asked.
    pub const fn request(&self) -> &Fetch {
        self.asked.request()
    }

    /// Tells which of the messages of a UID FETCH with VANISHED are gone (RFC 7162 3.2.6). Comes before all rows.
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] where the command had no VANISHED. [`Misuse::WrongConnection`].
    pub fn vanished(&self, server: &mut Server, uids: UidSet) -> Result<(), Misuse> {
        if !self.request().modifiers.vanished {
            return Err(Misuse::Argument { argument: "vanished", problem: "is an answer to VANISHED" });
        }
        if uids.is_empty() {
            return Ok(());
        }
        self.asked.data(server, |server| server.send(&Response::Vanished { earlier: true, uids }))
    }

    /// Tells how far it is, between two rows (RFC 9585): see [`Asked::progress`].
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn progress(&self, server: &mut Server, done: u32, of: Option<NonZeroU32>) -> Result<(), Misuse> {
        self.asked.progress(server, done, of)
    }

    /// Begins the row of `message`.
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] for a message without UID under UIDONLY. [`Misuse::WrongConnection`].
    pub fn row(self, server: &mut Server, message: impl Into<Message>) -> Result<RowWriter, Misuse> {
        let number = server.row_number(message.into())?;
        let uid_only = server.is_enabled(super::Feature::UidOnly);
        self.asked.data(server, |server| {
            server.in_row = true;
            server.out.encode(|out| {
                if uid_only {
                    encode::fetch::uid_row_start(out, number);
                } else {
                    encode::fetch::row_start(out, number);
                }
            });
        })?;
        Ok(RowWriter { fetch: self, has_items: false })
    }

    /// Sends the row of `message` at once, where all its items are at hand. A row of no items is left out.
    ///
    /// # Errors
    ///
    /// As [`row`](Self::row).
    pub fn whole_row(
        &self,
        server: &mut Server,
        message: impl Into<Message>,
        items: impl AsRef<[FetchItem]>,
    ) -> Result<(), Misuse> {
        let number = server.row_number(message.into())?;
        self.asked.data(server, |server| server.send_row(number, items.as_ref()))
    }

    /// All rows have been sent.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        self.asked.complete(server, None, "FETCH completed", |_| {})
    }

    /// Not all rows can be sent, because the content of a part cannot be decoded: UNKNOWN-CTE (RFC 3516 4.3).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn unknown_encoding(self, server: &mut Server) -> Result<(), Misuse> {
        self.no(server, Refusal::new("Unknown encoding").with_code(ResponseCode::UnknownCte))
    }

    /// Not all rows can be sent.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn no(self, server: &mut Server, refusal: Refusal) -> Result<(), Misuse> {
        self.asked.no(server, refusal)
    }
}

impl RowWriter {
    /// Sends an item whose value is at hand.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn item(&mut self, server: &mut Server, item: &FetchItem) -> Result<(), Misuse> {
        self.write(server, |out, context| encode::fetch::item(out, item, context))
    }

    /// Sends ENVELOPE as a stored summary has it: the same as [`item`](Self::item) of
    /// [`Summary::envelope`](crate::message::Summary::envelope), in a fraction of the time.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn envelope(&mut self, server: &mut Server, record: &Record<'_>) -> Result<(), Misuse> {
        self.write(server, |out, context| encode::fetch::envelope(out, record, context))
    }

    /// Sends BODY or BODYSTRUCTURE as a stored summary has it: the same as [`item`](Self::item) of
    /// [`Summary::body_structure`](crate::message::Summary::body_structure), in a fraction of the time.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn structure(
        &mut self,
        server: &mut Server,
        record: &Record<'_>,
        form: StructureForm,
    ) -> Result<(), Misuse> {
        self.write(server, |out, context| encode::fetch::structure(out, record, form, context))
    }

    /// Writes an item behind those before.
    fn write(
        &mut self,
        server: &mut Server,
        write: impl FnOnce(&mut BytesMut, EncodeContext),
    ) -> Result<(), Misuse> {
        let context = server.encode_context();
        let separate = core::mem::replace(&mut self.has_items, true);
        self.fetch.asked.data(server, |server| {
            server.out.encode(|out| {
                if separate {
                    encode::fetch::separator(out);
                }
                write(out, context);
            });
        })
    }

    /// Announces a payload of `length` octets.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn literal(
        mut self,
        server: &mut Server,
        payload: &Payload,
        length: u64,
    ) -> Result<LiteralWriter, Misuse> {
        self.write(server, |out, context| encode::fetch::payload_header(out, payload, length, context))?;
        Ok(LiteralWriter { row: self, counted: Counted::new(length) })
    }

    /// Ends the row.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn finish(self, server: &mut Server) -> Result<FetchWriter, Misuse> {
        self.fetch.asked.data(server, |server| {
            server.out.encode(encode::fetch::row_end);
            server.end_row();
        })?;
        Ok(self.fetch)
    }
}

impl LiteralWriter {
    /// How many octets are still due.
    pub const fn remaining(&self) -> u64 {
        self.counted.remaining()
    }

    /// Sends octets of the payload.
    ///
    /// # Errors
    ///
    /// [`Misuse::Congested`] while the send queue is at its mark, [`Misuse::TooMuch`] past the announced length; in
    /// both cases nothing was taken. [`Misuse::WrongConnection`].
    pub fn write(&mut self, server: &mut Server, chunk: Bytes) -> Result<(), Misuse> {
        server.write_payload(&self.row.fetch.asked.ticket, &mut self.counted, chunk)
    }

    /// Ends the payload.
    ///
    /// # Errors
    ///
    /// [`Misuse::TooLittle`] when octets are still due: the client cannot be told any more where the payload ends,
    /// and the machine closes the connection. [`Misuse::WrongConnection`].
    pub fn finish(self, server: &mut Server) -> Result<RowWriter, Misuse> {
        let Self { row, counted } = self;
        server.finish_payload(&row.fetch.asked.ticket, counted).map(|_| row)
    }
}
