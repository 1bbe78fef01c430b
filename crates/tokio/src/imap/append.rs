//! Adding messages: one, several at once, in parts, in the place of another (RFC 9051 6.3.12; RFC 3502, 3516, 4469,
//! 6855, 8508). How their octets travel stands in `task/upload.rs`.

use std::collections::VecDeque;
use std::num::NonZeroU32;

use posthaste_imap::client::{self as machine, AppendContent, AppendMessage};
use posthaste_imap::types::{
    AString, Addressing, DateTime, Flags, Mailbox, ResponseCode, SequenceNumber, Status, UidSet,
};
use tokio::io::AsyncRead;
use tokio::sync::oneshot;

use super::client::{Client, Destination, Request, Upload};
use super::{Error, Phase};
use crate::Body;

/// A message to be added to a mailbox: its octets, and what is noted of it.
///
/// ```
/// use posthaste_imap::types::Flag;
/// use posthaste_tokio::imap::Append;
///
/// let draft = Append::new("Subject: hello\r\n\r\n").with_flags([Flag::Draft]);
/// ```
#[derive(Debug)]
pub struct Append {
    content: Content,
    flags: Flags,
    date: Option<DateTime>,
}

#[derive(Debug)]
enum Content {
    Octets(Octets),
    Binary(Octets),
    Utf8(Octets),
    Parts(Vec<AppendPart>),
}

/// A part of a message that the server puts together (RFC 4469).
#[derive(Debug)]
pub struct AppendPart(Part);

#[derive(Debug)]
enum Part {
    Url(AString),
    Text(Octets),
}

/// So many octets, at hand or to be read.
#[derive(Debug)]
struct Octets {
    body: Body,
    length: u64,
}

/// Where a message was put (RFC 4315).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// UIDVALIDITY of the mailbox.
    pub uid_validity: NonZeroU32,
    /// The UID of the message.
    pub uid: NonZeroU32,
}

impl Append {
    /// A message that is at hand.
    pub fn new(message: impl Into<bytes::Bytes>) -> Self {
        Self::of(Content::Octets(Octets::new(message)))
    }

    /// A message of exactly `length` octets that is read while it is sent.
    pub fn from_reader(reader: impl AsyncRead + Send + 'static, length: u64) -> Self {
        Self::of(Content::Octets(Octets::from_reader(reader, length)))
    }

    /// A message that the server puts together, of what it has and what it is sent (RFC 4469): an answer with the
    /// attachment of the message it answers, say, which does not travel again. Needs CATENATE.
    ///
    /// ```
    /// use posthaste_imap::types::AString;
    /// use posthaste_tokio::imap::{Append, AppendPart};
    ///
    /// # fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let header = AppendPart::url(AString::new("/INBOX;UIDVALIDITY=7/;UID=20/;SECTION=HEADER")?);
    /// let message = Append::from_parts([header, AppendPart::text("Another body\r\n")]);
    /// # let _ = message;
    /// # Ok(())
    /// # }
    /// # run().unwrap();
    /// ```
    pub fn from_parts(parts: impl Into<Vec<AppendPart>>) -> Self {
        Self::of(Content::Parts(parts.into()))
    }

    const fn of(content: Content) -> Self {
        Self { content, flags: Flags::new(), date: None }
    }

    /// The same with flags.
    #[must_use]
    pub fn with_flags(self, flags: impl Into<Flags>) -> Self {
        Self { flags: flags.into(), ..self }
    }

    /// The same with an internal date; without one the server takes its own.
    #[must_use]
    pub fn with_date(self, date: DateTime) -> Self {
        Self { date: Some(date), ..self }
    }

    /// The same as octets of any value, NUL among them (RFC 3516). Needs BINARY. Parts stay what they are.
    #[must_use]
    pub fn as_binary(self) -> Self {
        self.map(Content::Binary)
    }

    /// The same as a message with UTF-8 in its header (RFC 6855 4). UTF8=ACCEPT has to be enabled. Parts stay what they
    /// are.
    #[must_use]
    pub fn as_utf8(self) -> Self {
        self.map(Content::Utf8)
    }

    fn map(self, form: fn(Octets) -> Content) -> Self {
        let content = match self.content {
            Content::Octets(octets) | Content::Binary(octets) | Content::Utf8(octets) => form(octets),
            parts @ Content::Parts(_) => parts,
        };
        Self { content, ..self }
    }

    /// What the machine is told of the message, and its octets, behind those of the messages before it.
    fn announce(self, bodies: &mut VecDeque<Body>) -> AppendMessage {
        let Self { content, flags, date } = self;
        let mut keep = |octets: Octets| {
            bodies.push_back(octets.body);
            octets.length
        };
        let content = match content {
            Content::Octets(octets) => AppendContent::Octets(keep(octets)),
            Content::Binary(octets) => AppendContent::Binary(keep(octets)),
            Content::Utf8(octets) => AppendContent::Utf8(keep(octets)),
            Content::Parts(parts) => {
                let part = |AppendPart(part)| match part {
                    Part::Url(url) => machine::AppendPart::Url(url),
                    Part::Text(octets) => machine::AppendPart::Text(keep(octets)),
                };
                AppendContent::Parts(parts.into_iter().map(part).collect())
            }
        };
        AppendMessage { flags, date, content }
    }
}

impl AppendPart {
    /// What an IMAP URL stands for; relative to the selected mailbox where it is relative.
    pub const fn url(url: AString) -> Self {
        Self(Part::Url(url))
    }

    /// Octets that are at hand.
    pub fn text(octets: impl Into<bytes::Bytes>) -> Self {
        Self(Part::Text(Octets::new(octets)))
    }

    /// Exactly `length` octets that are read while they are sent.
    pub fn from_reader(reader: impl AsyncRead + Send + 'static, length: u64) -> Self {
        Self(Part::Text(Octets::from_reader(reader, length)))
    }
}

impl Octets {
    fn new(octets: impl Into<bytes::Bytes>) -> Self {
        let octets = octets.into();
        let length = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        Self { body: octets.into(), length }
    }

    fn from_reader(reader: impl AsyncRead + Send + 'static, length: u64) -> Self {
        Self { body: Body::from_reader(reader), length }
    }
}

impl Client {
    /// Adds a message to a mailbox, and tells where it was put when the server does.
    ///
    /// Once it has begun, it goes on though the call is dropped: half a message cannot be taken back.
    ///
    /// # Errors
    ///
    /// As [`Cause`](crate::Cause) names them. A message of another length than was said, or one that cannot be read or
    /// for whose next piece [`idle_timeout`](crate::ClientOptions::idle_timeout) is too short, ends the session in the
    /// middle of it: the server adds nothing.
    pub async fn append(&self, mailbox: Mailbox, message: Append) -> Result<Option<Appended>, Error> {
        Ok(self.append_all(mailbox, [message]).await?.into_iter().next())
    }

    /// Adds several messages, all or none (RFC 3502), and tells where they were put when the server does, in their order.
    /// More than one needs MULTIAPPEND.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); also when there is no message.
    pub async fn append_all(
        &self,
        mailbox: Mailbox,
        messages: impl IntoIterator<Item = Append>,
    ) -> Result<Vec<Appended>, Error> {
        let mut bodies = VecDeque::new();
        let messages = messages.into_iter().map(|message| message.announce(&mut bodies)).collect();
        self.upload(Destination::Append { mailbox, messages }, bodies).await
    }

    /// Puts a message in the place of one of the selected mailbox, in the same mailbox or another (RFC 8508): a draft
    /// that was changed. Both happen or none. Needs REPLACE.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub async fn replace(
        &self,
        addressing: Addressing,
        replaced: SequenceNumber,
        mailbox: Mailbox,
        by: Append,
    ) -> Result<Option<Appended>, Error> {
        let mut bodies = VecDeque::new();
        let by = Box::new(by.announce(&mut bodies));
        let destination = Destination::Replace { addressing, replaced, mailbox, by };
        Ok(self.upload(destination, bodies).await?.into_iter().next())
    }

    /// Without a deadline for all of it: how long a message takes is up to its length. Each piece has its time.
    async fn upload(&self, destination: Destination, bodies: VecDeque<Body>) -> Result<Vec<Appended>, Error> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Append { message: Upload { destination, bodies }, reply }).await?;
        let told = answer.await.unwrap_or_else(|_| Err(self.lost(Phase::Change)))?;
        Ok(told.into_iter().find_map(appended).unwrap_or_default())
    }
}

/// RFC 4315 3, RFC 8508 3: in the tagged response, or for REPLACE in one before it.
fn appended(status: Status) -> Option<Vec<Appended>> {
    match status.code {
        Some(ResponseCode::AppendUid { uid_validity, uids }) => {
            let appended = |uid| Appended { uid_validity, uid };
            Some(first_uids(&uids).map(appended).collect())
        }
        _ => None,
    }
}

/// The UIDs of a set that a server made: no more than a command can have messages.
fn first_uids(uids: &UidSet) -> impl Iterator<Item = NonZeroU32> + '_ {
    uids.iter().filter_map(NonZeroU32::new).take(APPENDED_MAX)
}

/// More messages than that are in no APPEND.
const APPENDED_MAX: usize = 100_000;
