//! The session itself: compression, another user, what is told unasked, language (RFC 4978, 5255, 5465, 8437, 9698).

use super::Result;
use crate::client::Client;
use crate::types::{AString, Command, EventGroup, NotifyCommand, ResetKey, UrlFetch, UrlToAuthorise};
use alloc::vec::Vec;

/// About the session.
impl Client {
    /// Compresses the connection from the answer on (RFC 4978): [`Step::Upgrade`](crate::Step::Upgrade) follows
    /// [`Event::Done`](crate::client::Event::Done). Secrets and text that others choose should not share a compressed
    /// connection without thought.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn compress_deflate(&mut self) -> Result {
        self.command(Command::CompressDeflate)
    }

    /// Logs out without closing the connection (RFC 8437): another user can log in. Everything that was enabled or
    /// selected is gone.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn unauthenticate(&mut self) -> Result {
        self.command(Command::Unauthenticate)
    }

    /// Says what the server is to tell unasked, of which mailboxes (RFC 5465). News of other mailboxes than the
    /// selected one comes as STATUS and LIST events; when the server gives up, as an untagged status with
    /// NOTIFICATIONOVERFLOW: then nothing more comes.
    ///
    /// # Errors
    /// As [`Client::command`]; also when there is no group.
    pub fn notify(&mut self, groups: Vec<EventGroup>, first: FirstStatus) -> Result {
        let status = first == FirstStatus::Told;
        self.command(Command::Notify(NotifyCommand::Set { status, groups }))
    }

    /// Ends what [`notify`](Self::notify) began.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn notify_none(&mut self) -> Result {
        self.command(Command::Notify(NotifyCommand::None))
    }

    /// Chooses the language of texts for people, the first of these that the server has (RFC 5255 3); without any,
    /// asks which there are.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn language(&mut self, tags: Vec<AString>) -> Result {
        self.command(Command::Language(tags))
    }

    /// Chooses how text is compared (RFC 5255 4); without a name, asks what is in use.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn comparator(&mut self, names: Vec<AString>) -> Result {
        self.command(Command::Comparator(names))
    }

    /// Asks for URLs that others can read a message by (RFC 4467).
    ///
    /// # Errors
    /// As [`Client::command`]; also when there is no URL.
    pub fn gen_url_auth(&mut self, urls: Vec<UrlToAuthorise>) -> Result {
        self.command(Command::GenUrlAuth(urls))
    }

    /// Asks for what URLs stand for (RFC 4467), and in which form (RFC 5524).
    ///
    /// # Errors
    /// As [`Client::command`]; also when there is no URL.
    pub fn url_fetch(&mut self, urls: Vec<UrlFetch>) -> Result {
        self.command(Command::UrlFetch(urls))
    }

    /// Makes the URLs of a mailbox, or all, worthless (RFC 4467).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn reset_key(&mut self, reset: ResetKey) -> Result {
        self.command(Command::ResetKey(reset))
    }

    /// Asks where the same mail is to be had by JMAP (RFC 9698).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn jmap_access(&mut self) -> Result {
        self.command(Command::GetJmapAccess)
    }
}

/// Whether NOTIFY begins with a STATUS response for each mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstStatus {
    /// It does.
    Told,
    /// Only changes are told.
    NotTold,
}
