//! Which messages are fetched: all, or those that are new; and which go when they were kept long enough.
//!
//! Decides when a message counts as had: when the caller says that it is stored, and not before all of it has come.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use std::vec::IntoIter;

use bytes::Bytes;
use posthaste_pop3::client::{CommandId, Event, Seen};
use posthaste_pop3::{MessageNumber, Uidl};
use posthaste_wire::Misuse;
use tokio::io::{AsyncRead, ReadBuf};

use super::{Client, Dates, Error, Message};
use crate::client::Phase;

/// What a server says of a message before it is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// Its number in this session.
    pub number: MessageNumber,
    /// How many octets it has, as the server says, where it was asked.
    pub octets: Option<u64>,
    /// Its unique-id, where the server gives one.
    pub uidl: Option<Uidl>,
}

/// All messages, one after the other.
#[derive(Debug)]
#[must_use = "messages come with `next`"]
pub struct Messages<'a> {
    client: &'a mut Client,
    rows: IntoIter<Row>,
}

/// The messages that are new, one after the other.
#[derive(Debug)]
#[must_use = "messages come with `next`"]
pub struct NewMessages<'a> {
    client: &'a mut Client,
    seen: &'a mut Seen,
    rows: IntoIter<Row>,
}

/// A new message on its way. What [`Message`] says of its time and its end holds here, too.
#[derive(Debug)]
#[must_use = "the message comes in chunks, and counts as had when it is stored"]
pub struct NewMessage<'a> {
    message: Message<'a>,
    seen: &'a mut Seen,
    uidl: Uidl,
}

impl Client {
    /// All messages, one after the other.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub async fn messages(&mut self) -> Result<Messages<'_>, Error> {
        let rows = self.listing().await?.into_iter();
        Ok(Messages { client: self, rows })
    }

    /// The messages that are not in `seen`, one after the other, for clients that leave mail on the server. Those in
    /// `seen` that are no longer there are forgotten.
    ///
    /// ```no_run
    /// # async fn run(mut client: posthaste_tokio::pop3::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use posthaste_tokio::pop3::Seen;
    ///
    /// // As it was stored behind the last session.
    /// let mut seen = Seen::new();
    /// let mut new = client.fetch_new(&mut seen).await?;
    /// while let Some(mut message) = new.next().await? {
    ///     let mut file = tokio::fs::File::create(format!("{}.eml", message.number())).await?;
    ///     tokio::io::copy(&mut message, &mut file).await?;
    ///     file.sync_all().await?;
    ///     message.stored()?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat); [`Cause::Refused`](crate::Cause::Refused) by a server that has no unique-ids.
    pub async fn fetch_new<'a>(&'a mut self, seen: &'a mut Seen) -> Result<NewMessages<'a>, Error> {
        let (rows, refused) = self.rows().await?;
        if let Some(reply) = refused {
            return Err(self.session.refused(reply));
        }
        let mut comparison = seen.compare();
        for (row, uidl) in identified(&rows) {
            comparison.row(row.number, uidl);
        }
        let changes = comparison.finish();
        // A listing that does not name every message does not say what has gone.
        if rows.iter().all(|row| row.uidl.is_some()) {
            seen.forget(&changes.gone);
        }
        let new: BTreeMap<_, _> = changes.new.into_iter().collect();
        let rows: Vec<Row> = rows.into_iter().filter(|row| new.contains_key(&row.number)).collect();
        Ok(NewMessages { client: self, seen, rows: rows.into_iter() })
    }

    /// Marks for removal what is in `seen`, so stored, and has been so for as long as `keep`: the days that a user
    /// wants mail to stay on the server. `dates` are begun or continued; `now` is the time of the day. Gives back what was
    /// marked; it goes at [`quit`](Self::quit). Messages that share a unique-id stay.
    ///
    /// # Errors
    ///
    /// As [`fetch_new`](Self::fetch_new). A message that the server does not let go is none.
    pub async fn expire(
        &mut self,
        seen: &Seen,
        dates: &mut Dates,
        keep: Duration,
        now: SystemTime,
    ) -> Result<Vec<Uidl>, Error> {
        let (rows, refused) = self.rows().await?;
        if let Some(reply) = refused {
            return Err(self.session.refused(reply));
        }
        let mut numbers: BTreeMap<Uidl, Vec<MessageNumber>> = BTreeMap::new();
        for (row, uidl) in identified(&rows) {
            numbers.entry(uidl).or_default().push(row.number);
        }
        let had = seen.iter().filter(|uidl| numbers.contains_key(*uidl)).copied().collect();
        let old = dates.expired(had, keep, now);
        self.session.begin(Phase::Change);
        let mut due: BTreeMap<CommandId, Uidl> = BTreeMap::new();
        for uidl in old {
            if let Some([number]) = numbers.get(&uidl).map(Vec::as_slice) {
                due.insert(self.machine().dele(*number)?, uidl);
            }
        }
        let mut marked = Vec::new();
        while !due.is_empty() {
            if let Event::Reply { id, reply } = self.event().await? {
                marked.extend(due.remove(&id).filter(|_| reply.is_ok()));
            }
        }
        Ok(marked)
    }

    async fn retr_row(&mut self, row: Row) -> Result<Message<'_>, Error> {
        self.session.begin(Phase::Query);
        let id = self.machine().retr(row.number)?;
        self.message(id, row).await
    }
}

impl Messages<'_> {
    /// The next message; `None` behind the last. One that was not read to its end is passed over.
    ///
    /// # Errors
    ///
    /// As [`Client::retr`]. Behind a message that the server refuses, the next call goes on with the one after it.
    pub async fn next(&mut self) -> Result<Option<Message<'_>>, Error> {
        match self.rows.next() {
            Some(row) => self.client.retr_row(row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The messages that are still to come.
    pub fn rows(&self) -> &[Row] {
        self.rows.as_slice()
    }
}

impl NewMessages<'_> {
    /// The next new message; `None` behind the last.
    ///
    /// # Errors
    ///
    /// As [`Messages::next`].
    pub async fn next(&mut self) -> Result<Option<NewMessage<'_>>, Error> {
        let Some((row, uidl)) = self.rows.find_map(|row| Some((row, row.uidl?))) else { return Ok(None) };
        let message = self.client.retr_row(row).await?;
        Ok(Some(NewMessage { message, seen: self.seen, uidl }))
    }

    /// The messages that are still to come.
    pub fn rows(&self) -> &[Row] {
        self.rows.as_slice()
    }
}

impl NewMessage<'_> {
    /// Its number in this session.
    pub const fn number(&self) -> MessageNumber {
        self.message.number()
    }

    /// Its unique-id. Never a file name.
    pub const fn uidl(&self) -> &Uidl {
        &self.uidl
    }

    /// How many octets it has, as the server says.
    pub const fn octets(&self) -> Option<u64> {
        self.message.octets()
    }

    /// The next piece, as [`Message::next_chunk`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.message.next_chunk().await
    }

    /// The caller has stored it: it is not new any more.
    ///
    /// # Errors
    ///
    /// [`Misuse::NotNow`] when not all of it has been read: it stays new.
    pub fn stored(self) -> Result<(), Error> {
        if !self.message.is_complete() {
            return Err(Misuse::NotNow { call: "stored", state: "before the end of the message" }.into());
        }
        self.seen.extend([self.uidl]);
        Ok(())
    }

    /// As [`stored`](Self::stored), and marks it for removal, which happens at [`Client::quit`].
    ///
    /// # Errors
    ///
    /// As [`stored`](Self::stored) and [`Client::dele`]. It is not new any more where only the removal failed.
    pub async fn stored_and_dele(self) -> Result<(), Error> {
        if !self.message.is_complete() {
            return self.stored();
        }
        self.seen.extend([self.uidl]);
        let number = self.message.number();
        self.message.client.dele(number).await
    }
}

impl AsyncRead for NewMessage<'_> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().message).poll_read(cx, buf)
    }
}

fn identified(rows: &[Row]) -> impl Iterator<Item = (&Row, Uidl)> {
    rows.iter().filter_map(|row| Some((row, row.uidl?)))
}
