//! Messages of the open mailbox: reading, flags, copying, removing (RFC 9051 6.4).

use std::num::NonZeroU32;

use posthaste_imap::client::{Event, MoveEnd};
use posthaste_imap::types::{
    AString, Addressing, Command, CopyCommand, FetchAttribute, FetchCommand, FetchItem, FetchModifiers,
    Flags, Mailbox, MessageSet, ResponseCode, SequenceSet, StoreAction, StoreCommand, StoreEcho, StoreLabels,
    UidSet,
};

use super::client::{Answer, Client};
use super::find::joined;
use super::{Changed, Error, Rows};

/// What STORE did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// The messages whose flags the server told, as they are now.
    pub changed: Vec<Changed>,
    /// The messages that a conditional STORE left alone, because they had changed (RFC 7162 3.1.3).
    pub modified: Option<SequenceSet>,
}

/// Where copies were put (RFC 4315).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// UIDVALIDITY of the other mailbox.
    pub uid_validity: NonZeroU32,
    /// UIDs in the open mailbox.
    pub source: UidSet,
    /// UIDs in the other mailbox, in the same order.
    pub target: UidSet,
}

/// Reading.
impl Client {
    /// Asks for data of messages by their numbers.
    ///
    /// Returns when the command is on its way; the rows come by [`Rows::next`].
    ///
    /// # Errors
    ///
    /// The session has ended. What else goes wrong, the rows tell.
    pub async fn fetch(
        &self,
        numbers: impl Into<MessageSet>,
        attributes: impl Into<Vec<FetchAttribute>>,
    ) -> Result<Rows, Error> {
        self.fetch_with(Addressing::Sequence, numbers, attributes, FetchModifiers::default()).await
    }

    /// Asks for data of messages by their UIDs, as [`fetch`](Self::fetch) does.
    ///
    /// # Errors
    ///
    /// As [`fetch`](Self::fetch).
    pub async fn uid_fetch(
        &self,
        uids: impl Into<MessageSet>,
        attributes: impl Into<Vec<FetchAttribute>>,
    ) -> Result<Rows, Error> {
        self.fetch_with(Addressing::Uid, uids, attributes, FetchModifiers::default()).await
    }

    /// As [`fetch`](Self::fetch), with modifiers: only what changed since, or only a page (RFC 7162, RFC 9394).
    ///
    /// # Errors
    ///
    /// As [`fetch`](Self::fetch).
    pub async fn fetch_with(
        &self,
        addressing: Addressing,
        set: impl Into<MessageSet>,
        attributes: impl Into<Vec<FetchAttribute>>,
        modifiers: FetchModifiers,
    ) -> Result<Rows, Error> {
        let fetch = FetchCommand { set: set.into(), attributes: attributes.into(), modifiers };
        self.rows(Command::Fetch(addressing, fetch)).await
    }
}

/// Changing.
impl Client {
    /// Changes flags, and tells what they are then (RFC 9051 6.4.6).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command); so with all calls below.
    pub async fn store(
        &self,
        addressing: Addressing,
        set: impl Into<MessageSet>,
        action: StoreAction,
        flags: impl Into<Flags>,
    ) -> Result<Stored, Error> {
        let (set, flags) = (set.into(), flags.into());
        let echo = StoreEcho::Report;
        self.store_with(addressing, StoreCommand { set, unchanged_since: None, action, echo, flags }).await
    }

    /// As [`store`](Self::store), with all that STORE has: silent, or only for messages that did not change (RFC 7162).
    ///
    /// What a conditional one left alone is in [`Stored::modified`]; the new mod-sequences of the others are in
    /// [`Stored::changed`], also when it is silent.
    ///
    /// ```no_run
    /// # async fn run(client: posthaste_tokio::imap::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use posthaste_imap::types::{Addressing, Flag, SequenceSet, StoreAction, StoreCommand, StoreEcho};
    ///
    /// # let seen_at = 12121;
    /// let answered = StoreCommand {
    ///     set: SequenceSet::all().into(),
    ///     unchanged_since: Some(seen_at),
    ///     action: StoreAction::Add,
    ///     echo: StoreEcho::Silent,
    ///     flags: [Flag::Answered].into(),
    /// };
    /// let stored = client.store_with(Addressing::Uid, answered).await?;
    /// if let Some(others_were_faster) = stored.modified {
    ///     println!("{others_were_faster:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command). A refusal may come after some messages were changed, as when others are gone: these
    /// changes come as [updates](super::Update), and what was left alone stands in the code of the
    /// [refusal](crate::ClientError::refusal) ([`ResponseCode::Modified`], RFC 7162 3.1.3).
    pub async fn store_with(&self, addressing: Addressing, store: StoreCommand) -> Result<Stored, Error> {
        let answer = self.ask(Command::Store(addressing, store)).await?;
        let statuses = answer.earlier.iter().chain([&answer.status]);
        let modified = joined(statuses.filter_map(|status| match &status.code {
            Some(ResponseCode::Modified(set)) => Some(set),
            _ => None,
        }));
        Ok(Stored { changed: changed(answer.data), modified })
    }

    /// Changes Gmail's labels (X-GM-EXT-1).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn store_labels(
        &self,
        addressing: Addressing,
        set: impl Into<MessageSet>,
        action: StoreAction,
        labels: impl Into<Vec<AString>>,
    ) -> Result<(), Error> {
        let (set, labels, echo) = (set.into(), labels.into(), StoreEcho::Silent);
        self.run(Command::StoreLabels(addressing, StoreLabels { set, action, echo, labels })).await
    }

    /// Copies messages, and tells where to when the server does (RFC 9051 6.4.7). All or none, but for UIDs that are more
    /// than the server copies at a time.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command). Where it took several commands, the first may have been done; where messages are
    /// given by number, more than the server takes are refused.
    pub async fn copy(
        &self,
        addressing: Addressing,
        set: impl Into<MessageSet>,
        mailbox: Mailbox,
    ) -> Result<Option<Copied>, Error> {
        let copy = CopyCommand { set: set.into(), mailbox };
        Ok(copied(&self.ask(Command::Copy(addressing, copy)).await?))
    }

    /// Moves messages (RFC 6851). Where the server has no MOVE they are copied, marked as deleted and, where it has
    /// UIDPLUS, removed; [`MoveEnd`] tells what is left.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command). Without MOVE, messages may have been copied and not removed.
    pub async fn move_messages(
        &self,
        uids: SequenceSet,
        mailbox: Mailbox,
    ) -> Result<(Option<Copied>, MoveEnd), Error> {
        let steps = self.look(move |machine| machine.move_steps(&uids, mailbox)).await?;
        let mut told = None;
        for command in steps.commands {
            let answer = self.ask(command).await?;
            told = told.or_else(|| copied(&answer));
        }
        Ok((told, steps.end))
    }

    /// Removes all messages that are marked as deleted, by whomever (RFC 9051 6.4.3). Which they were,
    /// [`updates`](Self::updates) tell.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn expunge(&self) -> Result<(), Error> {
        self.run(Command::Expunge).await
    }

    /// Removes those of these messages that are marked as deleted (RFC 9051 6.4.9).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn uid_expunge(&self, uids: impl Into<MessageSet>) -> Result<(), Error> {
        self.run(Command::UidExpunge(uids.into())).await
    }
}

/// Where the messages are, as the server has told of each part of the command: untagged, as of MOVE, or with its answer.
fn copied(answer: &Answer) -> Option<Copied> {
    let untagged = answer.data.iter().filter_map(|event| match event {
        Event::Untagged(status) => Some(status),
        _ => None,
    });
    let mut told: Vec<Copied> = Vec::new();
    for status in untagged.chain(&answer.earlier).chain([&answer.status]) {
        if let Some(ResponseCode::CopyUid { uid_validity, source, target }) = &status.code {
            let part = Copied { uid_validity: *uid_validity, source: source.clone(), target: target.clone() };
            if !told.contains(&part) {
                told.push(part);
            }
        }
    }
    let uid_validity = told.first()?.uid_validity;
    // UIDs of several lives of the other mailbox are not to be told as those of one.
    let is_one = told.iter().all(|part| part.uid_validity == uid_validity);
    let all =
        |of: fn(&Copied) -> &UidSet| UidSet::new(told.iter().flat_map(|part| of(part).ranges()).cloned());
    let whole = Copied { uid_validity, source: all(|part| &part.source), target: all(|part| &part.target) };
    is_one.then_some(whole)
}

/// The rows among data, as what changed.
fn changed(data: Vec<Event>) -> Vec<Changed> {
    let (mut rows, mut row) = (Vec::new(), None);
    for event in data {
        match (event, &mut row) {
            (Event::Row(number), _) => row = Some(Changed { number: Some(number), ..Changed::default() }),
            (Event::UidRow(uid), _) => row = Some(Changed { uid: Some(uid), ..Changed::default() }),
            (Event::Item(FetchItem::Uid(uid)), Some(row)) => row.uid = Some(uid),
            (Event::Item(FetchItem::Flags(flags)), Some(row)) => row.flags = Some(flags),
            (Event::Item(FetchItem::ModSeq(mod_seq)), Some(row)) => row.mod_seq = Some(mod_seq),
            (Event::RowEnd, _) => rows.extend(row.take()),
            _ => {}
        }
    }
    rows
}
