//! Messages of the open mailbox: reading, flags, copying, removing, finding (RFC 9051 6.4).

use std::num::NonZeroU32;

use posthaste_imap::client::{Event, MoveEnd};
use posthaste_imap::types::{
    AString, Addressing, Command, CopyCommand, EsearchResponse, FetchAttribute, FetchCommand, FetchItem,
    FetchModifiers, Flags, Mailbox, MessageSet, ResponseCode, SearchCommand, SearchKey, SearchReturn,
    SequenceSet, SortCommand, SortCriterion, Status, StoreAction, StoreCommand, StoreEcho, ThreadAlgorithm,
    ThreadCommand, Threads, UidSet,
};
use posthaste_wire::Misuse;

use super::client::{Answer, Client};
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

/// What SEARCH with options found: what was asked for, as far as there is any.
pub type Found = EsearchResponse;

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
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn store_with(&self, addressing: Addressing, store: StoreCommand) -> Result<Stored, Error> {
        let answer = self.ask(Command::Store(addressing, store)).await?;
        let modified = match answer.status.code {
            Some(ResponseCode::Modified(set)) => Some(set),
            _ => None,
        };
        Ok(Stored { changed: changed(answer.data), modified })
    }

    /// Copies messages, and tells where to when the server does (RFC 9051 6.4.7).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn copy(
        &self,
        addressing: Addressing,
        set: impl Into<MessageSet>,
        mailbox: Mailbox,
    ) -> Result<Option<Copied>, Error> {
        let copy = CopyCommand { set: set.into(), mailbox };
        Ok(copied(self.ask(Command::Copy(addressing, copy)).await?.status))
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
            let untagged = answer.data.into_iter().find_map(|event| match event {
                Event::Untagged(status) => copied(status),
                _ => None,
            });
            told = told.or_else(|| copied(answer.status)).or(untagged);
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
        self.ask(Command::Expunge).await.map(drop)
    }

    /// Removes those of these messages that are marked as deleted (RFC 9051 6.4.9).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn uid_expunge(&self, uids: impl Into<MessageSet>) -> Result<(), Error> {
        self.ask(Command::UidExpunge(uids.into())).await.map(drop)
    }
}

/// Finding.
impl Client {
    /// The numbers or UIDs of the messages for which all `keys` are true (RFC 9051 6.4.4), in ascending order.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn search(
        &self,
        addressing: Addressing,
        keys: impl Into<Vec<SearchKey>>,
    ) -> Result<Vec<NonZeroU32>, Error> {
        let search = SearchCommand { returns: None, charset: None, keys: keys.into() };
        let answer = self.ask(Command::Search(addressing, search)).await?;
        let mut numbers: Vec<NonZeroU32> = answer.data.into_iter().flat_map(found_numbers).collect();
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// The same in a form that does not grow with the mailbox: the least, the largest, how many, which (RFC 4731). From a
    /// server without ESEARCH it is made of a plain answer.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn search_for(
        &self,
        addressing: Addressing,
        returns: impl Into<Vec<SearchReturn>>,
        keys: impl Into<Vec<SearchKey>>,
    ) -> Result<Found, Error> {
        let returns = returns.into();
        let search = SearchCommand { returns: Some(returns.clone()), charset: None, keys: keys.into() };
        let answer = self.ask(Command::Search(addressing, search)).await?;
        let mut numbers = Vec::new();
        for event in answer.data {
            match event {
                Event::Esearch(found) => return Ok(found),
                event => numbers.extend(found_numbers(event)),
            }
        }
        Ok(posthaste_imap::client::esearch_of(&numbers, &returns, addressing))
    }

    /// The messages for which all `keys` are true, sorted (RFC 5256).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn sort(
        &self,
        addressing: Addressing,
        criteria: impl Into<Vec<SortCriterion>>,
        keys: impl Into<Vec<SearchKey>>,
    ) -> Result<Vec<NonZeroU32>, Error> {
        let (criteria, keys) = (criteria.into(), keys.into());
        let sort = SortCommand { returns: None, criteria, charset: utf8()?, keys };
        let answer = self.ask(Command::Sort(addressing, sort)).await?;
        Ok(answer.data.into_iter().flat_map(found_numbers).collect())
    }

    /// The messages for which all `keys` are true, as threads (RFC 5256).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn thread(
        &self,
        addressing: Addressing,
        algorithm: ThreadAlgorithm,
        keys: impl Into<Vec<SearchKey>>,
    ) -> Result<Threads, Error> {
        let thread = ThreadCommand { algorithm, charset: utf8()?, keys: keys.into() };
        let answer = self.ask(Command::Thread(addressing, thread)).await?;
        let nodes = answer.data.iter().flat_map(|event| match event {
            Event::Thread(threads) => threads.nodes(),
            _ => &[],
        });
        Ok(Threads::new(nodes.cloned()))
    }
}

impl Answer {
    /// The last of the data that `of` takes.
    pub(crate) fn find<T>(self, of: impl Fn(Event) -> Option<T>) -> Option<T> {
        self.data.into_iter().rev().find_map(of)
    }
}

fn found_numbers(event: Event) -> Vec<NonZeroU32> {
    match event {
        Event::Search(found) | Event::Sort(found) => found.numbers,
        _ => Vec::new(),
    }
}

fn copied(status: Status) -> Option<Copied> {
    match status.code {
        Some(ResponseCode::CopyUid { uid_validity, source, target }) => {
            Some(Copied { uid_validity, source, target })
        }
        _ => None,
    }
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

fn utf8() -> Result<AString, Misuse> {
    let problem = Misuse::Argument { argument: "charset", problem: "holds NUL" };
    AString::new(bytes::Bytes::from_static(b"UTF-8")).map_err(|_| problem)
}
