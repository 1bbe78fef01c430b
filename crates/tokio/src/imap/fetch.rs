//! What FETCH brings: rows, their items, and literals that are read like files (RFC 9051 6.4.5, 7.5.2).
//!
//! All of them own what they need: they may be kept, moved to other tasks and dropped in any order. What is dropped is
//! skipped. How rows travel stands in `pipe.rs`.

use std::future::poll_fn;
use std::io;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use posthaste_imap::types::{BodyStructure, DateTime, Envelope, FetchItem, Flags, Payload, Status};
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

use super::client::Client;
use super::pipe::{Found, Head, Name, Pipe};
use super::{Cause, Error, Phase};

/// The rows of a FETCH, as they arrive: a [`Stream`], or [`next`](Self::next) by [`next`](Self::next).
///
/// The next row comes when the one before it has been read to its end or dropped. While nobody reads, the session
/// holds some octets of what comes ([`ClientOptions::rows_octets_max`](crate::ClientOptions::rows_octets_max)) and
/// then reads no further: the server sends to all calls through one connection. After
/// [`reader_timeout`](crate::ClientOptions::reader_timeout) without a reader the rest is skipped and
/// [`Cause::Unread`](crate::Cause::Unread) is what the reader finds; all other calls go on. Dropped, the rest is skipped at once.
#[derive(Debug)]
#[must_use = "rows come when they are asked for"]
pub struct Rows {
    source: Source,
    is_over: bool,
}

/// A row of FETCH: a message, and what was asked of it.
///
/// Mostly everything is here when the row is: then [`next`](Self::next) has nothing to wait for. What is too long to be
/// held in memory ([`ClientOptions::inline_max`](crate::ClientOptions::inline_max)) comes as a [`Literal`]. Dropped, the
/// rest is skipped.
#[derive(Debug)]
#[must_use = "what is not read is skipped"]
pub struct Row {
    source: Source,
    head: Head,
    /// How many of the items at hand were given by `next`.
    given: usize,
    serial: u64,
}

/// What a row holds.
#[derive(Debug)]
#[non_exhaustive]
pub enum Part {
    /// An item, complete.
    Item(FetchItem),
    /// Octets that are too many to be an item.
    Literal(Literal),
}

/// Octets of a message, read as they come. Dropped, the rest is skipped.
///
/// An end of file is the end of the literal: when the connection is lost within it, reading fails.
#[derive(Debug)]
#[must_use = "what is not read is skipped"]
pub struct Literal {
    source: Source,
    payload: Payload,
    length: u64,
    serial: u64,
    chunk: Bytes,
    is_over: bool,
}

/// Where rows come from.
#[derive(Clone, Debug)]
struct Source {
    pipe: Arc<Pipe>,
    /// As long as somebody reads, the session is in use.
    client: Client,
}

impl Rows {
    pub(crate) const fn new(pipe: Arc<Pipe>, client: Client) -> Self {
        Self { source: Source { pipe, client }, is_over: false }
    }

    /// The next row; `None` when the command is complete. Cancel safe.
    ///
    /// A server may send rows of other messages than were asked for, and more than one of the same. Rows that tell of
    /// nothing but changed flags are [updates](super::Updates), unless flags are all that was asked for.
    ///
    /// # Errors
    ///
    /// As [`Cause`](crate::Cause) names them. Nothing follows.
    pub async fn next(&mut self) -> Result<Option<Row>, Error> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// The server's last word on the command, once [`next`](Self::next) has given `None`.
    pub fn status(&self) -> Option<Status> {
        self.source.pipe.status()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Row>, Error>> {
        if self.is_over {
            return Poll::Ready(Ok(None));
        }
        let found = ready!(self.source.pipe.poll_row(cx));
        self.is_over = !matches!(found, Ok(Some(_)));
        Poll::Ready(match found {
            Ok(found) => Ok(found.map(|(head, serial)| {
                let source = self.source.clone();
                Row { source, head, given: 0, serial }
            })),
            Err(error) => Err(self.source.error(error)),
        })
    }
}

impl Stream for Rows {
    type Item = Result<Row, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx).map(Result::transpose)
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        self.source.pipe.drop_rows();
    }
}

impl Row {
    /// The number of the message, as the server counted when it sent the row; `None` under UIDONLY (RFC 9586).
    pub const fn number(&self) -> Option<NonZeroU32> {
        match self.head.name {
            Name::Number(number) => Some(number),
            Name::Uid(_) => None,
        }
    }

    /// The UID, where the server has told it before the first literal, as it does when it was asked for.
    pub fn uid(&self) -> Option<NonZeroU32> {
        match self.head.name {
            Name::Uid(uid) => Some(uid),
            Name::Number(_) => self.find(|item| match item {
                FetchItem::Uid(uid) => Some(*uid),
                _ => None,
            }),
        }
    }

    /// The flags, where they are among the [`items`](Self::items).
    pub fn flags(&self) -> Option<&Flags> {
        self.find(|item| match item {
            FetchItem::Flags(flags) => Some(flags),
            _ => None,
        })
    }

    /// The envelope, where it is among the [`items`](Self::items).
    pub fn envelope(&self) -> Option<&Envelope> {
        self.find(|item| match item {
            FetchItem::Envelope(envelope) => Some(&**envelope),
            _ => None,
        })
    }

    /// The internal date (RFC 9051 2.3.3), where it is among the [`items`](Self::items).
    pub fn internal_date(&self) -> Option<DateTime> {
        self.find(|item| match item {
            FetchItem::InternalDate(date) => Some(*date),
            _ => None,
        })
    }

    /// The size of the message in octets, as the server says (RFC822.SIZE), where it is among the
    /// [`items`](Self::items).
    pub fn size(&self) -> Option<u64> {
        self.find(|item| match item {
            FetchItem::Rfc822Size(octets) => Some(*octets),
            _ => None,
        })
    }

    /// What parts the message has (BODYSTRUCTURE, or BODY, which tells less), where that is among the
    /// [`items`](Self::items).
    pub fn body_structure(&self) -> Option<&BodyStructure> {
        let full = self.find(|item| match item {
            FetchItem::BodyStructure(structure) => Some(&**structure),
            _ => None,
        });
        full.or_else(|| {
            self.find(|item| match item {
                FetchItem::Body(structure) => Some(&**structure),
                _ => None,
            })
        })
    }

    /// The items that are here: all of them, or those before the first literal.
    pub fn items(&self) -> &[FetchItem] {
        &self.head.items
    }

    /// Whether [`items`](Self::items) are all there is.
    pub const fn is_whole(&self) -> bool {
        self.head.is_whole
    }

    /// The next part, in the order in which the server sends them; `None` at the end of the row. A literal that was
    /// given before has to be read or dropped first. Cancel safe.
    ///
    /// # Errors
    ///
    /// As [`Cause`](crate::Cause) names them: the row is not complete then.
    pub async fn next(&mut self) -> Result<Option<Part>, Error> {
        if let Some(item) = self.head.items.get(self.given) {
            self.given = self.given.saturating_add(1);
            return Ok(Some(Part::Item(item.clone())));
        }
        if self.head.is_whole {
            return Ok(None);
        }
        match poll_fn(|cx| self.source.pipe.poll_part(self.serial, cx)).await {
            Found::Item(item) => Ok(Some(Part::Item(item))),
            Found::Literal { payload, length, literal: serial } => {
                let (source, chunk) = (self.source.clone(), Bytes::new());
                let literal = Literal { source, payload, length, serial, chunk, is_over: false };
                Ok(Some(Part::Literal(literal)))
            }
            Found::RowEnd => Ok(None),
            Found::Failed(error) => Err(self.source.error(error)),
        }
    }

    /// Reads the row to its end and gives all its items, with every payload in memory.
    ///
    /// # Errors
    ///
    /// [`Cause::TooLong`](crate::Cause::TooLong) when payloads have more than `octets_max` octets together; else as [`next`](Self::next).
    pub async fn collect(mut self, octets_max: usize) -> Result<Vec<FetchItem>, Error> {
        let mut items = Vec::new();
        let mut left = octets_max;
        while let Some(part) = self.next().await? {
            items.push(match part {
                Part::Item(item) => {
                    if let FetchItem::Payload { data: Some(data), .. } = &item {
                        left = self.source.spend(left, data.len(), octets_max)?;
                    }
                    item
                }
                Part::Literal(mut literal) => {
                    let mut data = Vec::new();
                    while let Some(chunk) = literal.next_chunk().await? {
                        left = self.source.spend(left, chunk.len(), octets_max)?;
                        data.extend_from_slice(&chunk);
                    }
                    FetchItem::Payload { payload: literal.payload.clone(), data: Some(data.into()) }
                }
            });
        }
        Ok(items)
    }

    fn find<'a, T>(&'a self, of: impl Fn(&'a FetchItem) -> Option<T>) -> Option<T> {
        self.head.items.iter().find_map(of)
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        if !self.head.is_whole {
            self.source.pipe.drop_row(self.serial);
        }
    }
}

impl Literal {
    /// What the octets are.
    pub const fn payload(&self) -> &Payload {
        &self.payload
    }

    /// How many octets the server announced. A claim until they are here: allocate nothing from it.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The next octets, as they came; `None` behind the last. Cancel safe.
    ///
    /// # Errors
    ///
    /// As [`Cause`](crate::Cause) names them: the literal is not complete then.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// All octets, or the rest of them.
    ///
    /// # Errors
    ///
    /// [`Cause::TooLong`](crate::Cause::TooLong) when they are more than `octets_max`; else as [`next_chunk`](Self::next_chunk).
    pub async fn to_bytes(mut self, octets_max: usize) -> Result<Bytes, Error> {
        let mut data = Vec::new();
        while let Some(chunk) = self.next_chunk().await? {
            self.source.spend(octets_max.saturating_sub(data.len()), chunk.len(), octets_max)?;
            data.extend_from_slice(&chunk);
        }
        Ok(data.into())
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        if !self.chunk.is_empty() {
            return Poll::Ready(Ok(Some(std::mem::take(&mut self.chunk))));
        }
        if self.is_over {
            return Poll::Ready(Ok(None));
        }
        let found = ready!(self.source.pipe.poll_chunk(self.serial, cx)).transpose();
        self.is_over = matches!(found, Ok(None));
        Poll::Ready(found.map_err(|error| self.source.error(error)))
    }
}

/// Fails with the [`Error`] of the session inside, when the connection is lost within the literal.
impl AsyncRead for Literal {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let octets = ready!(self.as_mut().poll_fill_buf(cx))?;
        let length = octets.len().min(buffer.remaining());
        buffer.put_slice(octets.get(..length).unwrap_or_default());
        self.consume(length);
        Poll::Ready(Ok(()))
    }
}

/// As it reads, without a copy: for [`tokio::io::copy_buf`], which a large literal is best written to a file with.
impl AsyncBufRead for Literal {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let literal = self.get_mut();
        if literal.chunk.is_empty() {
            match ready!(literal.poll_chunk(cx)) {
                Ok(chunk) => literal.chunk = chunk.unwrap_or_default(),
                Err(error) => return Poll::Ready(Err(io::Error::other(error))),
            }
        }
        Poll::Ready(Ok(&literal.chunk))
    }

    fn consume(mut self: Pin<&mut Self>, octets: usize) {
        let octets = octets.min(self.chunk.len());
        self.chunk.advance(octets);
    }
}

impl Drop for Literal {
    fn drop(&mut self) {
        self.source.pipe.drop_literal(self.serial);
    }
}

impl Source {
    /// What the session says of why there is no more.
    fn error(&self, error: Option<Error>) -> Error {
        error.unwrap_or_else(|| self.client.lost(Phase::Query))
    }

    fn spend(&self, left: usize, octets: usize, octets_max: usize) -> Result<usize, Error> {
        left.checked_sub(octets).ok_or_else(|| self.client.error(Phase::Query, Cause::TooLong(octets_max)))
    }
}
