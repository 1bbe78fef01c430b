//! Adding messages (RFC 9051 6.3.12).

use std::num::NonZeroU32;

use posthaste_imap::types::{DateTime, Flags, Mailbox, ResponseCode};
use tokio::io::AsyncRead;
use tokio::sync::oneshot;

use super::client::{Client, Request, Upload};
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
    body: Body,
    length: u64,
    flags: Flags,
    date: Option<DateTime>,
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
        let message = message.into();
        let length = u64::try_from(message.len()).unwrap_or(u64::MAX);
        Self { body: message.into(), length, flags: Flags::new(), date: None }
    }

    /// A message of exactly `length` octets that is read while it is sent.
    pub fn from_reader(reader: impl AsyncRead + Send + 'static, length: u64) -> Self {
        Self { body: Body::from_reader(reader), length, flags: Flags::new(), date: None }
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
        let Append { body, length, flags, date } = message;
        let (reply, answer) = oneshot::channel();
        let message = Upload { mailbox, flags, date, length, body };
        self.send(Request::Append { message, reply }).await?;
        let answer = answer.await.unwrap_or_else(|_| Err(self.lost(Phase::Change)))?;
        Ok(match answer.status.code {
            Some(ResponseCode::AppendUid { uid_validity, uids }) => {
                let uid = uids.ranges().first().map(|range| *range.start());
                uid.map(|uid| Appended { uid_validity, uid })
            }
            _ => None,
        })
    }
}
