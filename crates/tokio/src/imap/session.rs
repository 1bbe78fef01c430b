//! The session: what it knows, and what both sides tell each other of themselves (RFC 9051 6.1, 6.3.1; RFC 2971, 4467,
//! 4978, 5255, 5465, 9698).

use std::num::NonZeroU32;

use posthaste_imap::client::{self as machine, Event, FirstStatus, MailboxState};
use posthaste_imap::types::{
    AString, Capability, Command, Comparator, EventGroup, FetchedUrl, IdParameters, Mailbox, NotifyCommand,
    ResetKey, UrlFetch, UrlToAuthorise,
};

use super::client::Client;
use super::{Error, MailboxStatus};

/// What the session knows already. Nothing is sent.
impl Client {
    /// What the server announces.
    ///
    /// # Errors
    ///
    /// The session has ended.
    pub async fn capabilities(&self) -> Result<Vec<Capability>, Error> {
        self.look(|machine| machine.capabilities().to_vec()).await
    }

    /// Whether the server announces a capability, as `MOVE`, compared without regard to case.
    ///
    /// # Errors
    ///
    /// The session has ended; so with all calls of this kind.
    pub async fn has_capability(&self, name: &'static str) -> Result<bool, Error> {
        self.look(move |machine| machine.has_capability(name)).await
    }

    /// What is switched on.
    ///
    /// # Errors
    ///
    /// The session has ended.
    pub async fn enabled(&self) -> Result<Vec<Capability>, Error> {
        self.look(|machine| machine.enabled().to_vec()).await
    }

    /// The open mailbox as the server has told of it up to now; `None` where none is open.
    ///
    /// # Errors
    ///
    /// The session has ended.
    pub async fn mailbox(&self) -> Result<Option<MailboxState>, Error> {
        self.look(|machine| machine.mailbox().cloned()).await
    }

    /// The longest message that the server takes, in octets, where it says so (RFC 7889).
    ///
    /// # Errors
    ///
    /// The session has ended.
    pub async fn append_limit(&self) -> Result<Option<u64>, Error> {
        self.look(machine::Client::append_limit).await
    }

    /// How many messages a command may name, where the server says so (RFC 9738).
    ///
    /// # Errors
    ///
    /// The session has ended.
    pub async fn message_limit(&self) -> Result<Option<NonZeroU32>, Error> {
        self.look(machine::Client::message_limit).await
    }
}

/// What both sides are told of each other.
impl Client {
    /// Switches extensions on, and tells which the server has switched on (RFC 5161). Not once a mailbox was selected.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command); so with all calls below.
    pub async fn enable(&self, capabilities: impl Into<Vec<Capability>>) -> Result<Vec<Capability>, Error> {
        let enabled = self.all_told(Command::Enable(capabilities.into()), |event| match event {
            Event::Enabled(enabled) => Some(enabled),
            _ => None,
        });
        Ok(enabled.await?.into_iter().flatten().collect())
    }

    /// Tells who is asking, and asks who answers (RFC 2971).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn id(&self, parameters: IdParameters) -> Result<IdParameters, Error> {
        let told = self.told(Command::Id(parameters), |event| match event {
            Event::Id(parameters) => Some(parameters),
            _ => None,
        });
        Ok(told.await?.unwrap_or_default())
    }

    /// Does nothing, and lets the server tell what is new (RFC 9051 6.1.2): see [`updates`](Self::updates).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn noop(&self) -> Result<(), Error> {
        self.run(Command::Noop).await
    }

    /// Compresses the connection from here on (RFC 4978). Secrets and text that others choose should not share a
    /// compressed connection without thought.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn compress(&self) -> Result<(), Error> {
        self.run(Command::CompressDeflate).await
    }

    /// Says what is to be told unasked, of which mailboxes (RFC 5465): see [`updates`](Self::updates). With no group, as
    /// without NOTIFY. Gives what the mailboxes hold now, where that is to be told first.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn notify(
        &self,
        groups: impl Into<Vec<EventGroup>>,
        first: FirstStatus,
    ) -> Result<Vec<(Mailbox, MailboxStatus)>, Error> {
        let groups = groups.into();
        let command = match groups.is_empty() {
            true => NotifyCommand::None,
            false => NotifyCommand::Set { status: first == FirstStatus::Told, groups },
        };
        let told = self.all_told(Command::Notify(command), |event| match event {
            Event::Status(mailbox, items) => Some((mailbox, MailboxStatus(items))),
            _ => None,
        });
        told.await
    }

    /// Chooses the language of texts for people, the first of these that the server has, and tells which it is (RFC 5255
    /// 3). Without any, asks which there are.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn language(&self, tags: impl Into<Vec<AString>>) -> Result<Vec<AString>, Error> {
        let told = self.told(Command::Language(tags.into()), |event| match event {
            Event::Language(tags) => Some(tags),
            _ => None,
        });
        Ok(told.await?.unwrap_or_default())
    }

    /// Chooses how text is compared, the first of these that the server has, and tells which it is (RFC 5255 4). Without
    /// a name, asks what is in use.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn comparator(&self, names: impl Into<Vec<AString>>) -> Result<Option<Comparator>, Error> {
        let told = self.told(Command::Comparator(names.into()), |event| match event {
            Event::Comparator(comparator) => Some(comparator),
            _ => None,
        });
        told.await
    }

    /// Where the same mail is to be had by JMAP (RFC 9698). The server's word, as everything it tells.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn jmap_access(&self) -> Result<AString, Error> {
        let told = self.owed(Command::GetJmapAccess, |event| match event {
            Event::JmapAccess(url) => Some(url),
            _ => None,
        });
        told.await
    }
}

/// Addresses of messages that others can read (RFC 4467).
impl Client {
    /// Asks for URLs that others can read a message by, in the order of `urls`.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn gen_url_auth(&self, urls: impl Into<Vec<UrlToAuthorise>>) -> Result<Vec<AString>, Error> {
        let told = self.all_told(Command::GenUrlAuth(urls.into()), |event| match event {
            Event::GenUrlAuth(urls) => Some(urls),
            _ => None,
        });
        Ok(told.await?.into_iter().flatten().collect())
    }

    /// Asks for what URLs stand for, and in which form (RFC 5524). All of it is held in memory.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn url_fetch(&self, urls: impl Into<Vec<UrlFetch>>) -> Result<Vec<FetchedUrl>, Error> {
        let told = self.all_told(Command::UrlFetch(urls.into()), |event| match event {
            Event::UrlFetch(urls) => Some(urls),
            _ => None,
        });
        Ok(told.await?.into_iter().flatten().collect())
    }

    /// Makes the URLs of a mailbox, or all, worthless.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn reset_key(&self, reset: ResetKey) -> Result<(), Error> {
        self.run(Command::ResetKey(reset)).await
    }
}
