//! The answers to GETMETADATA and SETMETADATA (RFC 5464): short values at once, long ones streamed.

use alloc::vec::Vec;

use bytes::Bytes;
use posthaste_wire::{Answer, Counted, Misuse};

use super::{Asked, GetMetadataOf, Refusal, Server, SetMetadata};
use crate::encode;
use crate::types::{EntryName, Metadata, MetadataData, MetadataEntry, Response, ResponseCode};

/// The answer to GETMETADATA, between two responses.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the client waits for the end of the answer"]
pub struct MetadataWriter {
    asked: Asked<GetMetadataOf>,
}

/// A value of a length that has been announced.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the value is not complete"]
pub struct ValueWriter {
    metadata: MetadataWriter,
    counted: Counted,
}

impl Asked<GetMetadataOf> {
    /// Begins the answer.
    pub fn begin(self) -> MetadataWriter {
        MetadataWriter { asked: self }
    }
}

impl MetadataWriter {
    /// What was asked.
    pub const fn request(&self) -> &GetMetadataOf {
        self.asked.request()
    }

    /// Sends entries with their values; none where `entries` is empty.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn values(&self, server: &mut Server, entries: Vec<MetadataEntry>) -> Result<(), Misuse> {
        if entries.is_empty() {
            return Ok(());
        }
        let mailbox = self.request().command.mailbox.clone();
        let data = MetadataData::Values(entries);
        self.asked.data(server, |server| server.send(&Response::Metadata(Metadata { mailbox, data })))
    }

    /// Announces one entry whose value has `length` octets, of any kind.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn value(self, server: &mut Server, name: &EntryName, length: u64) -> Result<ValueWriter, Misuse> {
        let context = server.encode_context();
        let mailbox = &self.request().command.mailbox;
        self.asked.data(server, |server| {
            server.in_row = true;
            server.out.encode(|out| encode::metadata::value_header(out, mailbox, name, length, context));
        })?;
        Ok(ValueWriter { metadata: self, counted: Counted::new(length) })
    }

    /// All values have been sent.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        self.asked.complete(server, None, "GETMETADATA completed", |_| {})
    }

    /// All values have been sent but those over the client's MAXSIZE, of which the longest has `octets`.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok_without_long(self, server: &mut Server, octets: u64) -> Result<(), Misuse> {
        let code = ResponseCode::MetadataLongEntries(octets);
        self.asked.complete(server, Some(code), "GETMETADATA completed", |_| {})
    }

    /// Not all values can be sent.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn no(self, server: &mut Server, refusal: Refusal) -> Result<(), Misuse> {
        self.asked.no(server, refusal)
    }
}

impl ValueWriter {
    /// How many octets are still due.
    pub const fn remaining(&self) -> u64 {
        self.counted.remaining()
    }

    /// Sends octets of the value.
    ///
    /// # Errors
    ///
    /// [`Misuse::Congested`] while the send queue is at its mark, [`Misuse::TooMuch`] past the announced length; in
    /// both cases nothing was taken. [`Misuse::WrongConnection`].
    pub fn write(&mut self, server: &mut Server, chunk: Bytes) -> Result<(), Misuse> {
        server.write_payload(&self.metadata.asked.ticket, &mut self.counted, chunk)
    }

    /// Ends the value and its response.
    ///
    /// # Errors
    ///
    /// [`Misuse::TooLittle`] when octets are still due: the client cannot be told any more where the value ends, and
    /// the machine closes the connection. [`Misuse::WrongConnection`].
    pub fn finish(self, server: &mut Server) -> Result<MetadataWriter, Misuse> {
        if server.finish_payload(&self.metadata.asked.ticket, self.counted)? == Answer::InTime {
            server.out.put(b")\r\n");
            server.end_row();
        }
        Ok(self.metadata)
    }
}

super::mailbox::plain! {
    SetMetadata, "SETMETADATA completed";
}
