//! Finding messages of the open mailbox, and of others: SEARCH, SORT, THREAD and what extensions make of them (RFC 9051
//! 6.4.4; RFC 4731, 5256, 5267, 7377, 9394, 10022).

use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use posthaste_imap::client::Event;
use posthaste_imap::types::{
    AString, Addressing, Command, EsearchCommand, EsearchResponse, MailboxFilter, SearchCommand, SearchKey,
    SearchReturn, SequenceSet, SortCommand, SortCriterion, ThreadAlgorithm, ThreadCommand, Threads,
    UidBatchesCommand,
};
use posthaste_wire::Misuse;

use super::Error;
use super::client::{Answer, Client};

/// What SEARCH with options found: what was asked for, as far as there is any.
pub type Found = EsearchResponse;

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
        let mut numbers = self.numbers(Command::Search(addressing, search)).await?;
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// The same in a form that does not grow with the mailbox: the least, the largest, how many, which (RFC 4731), or a
    /// page of it (RFC 9394). From a server without ESEARCH it is made of a plain answer; a page needs PARTIAL.
    ///
    /// ```no_run
    /// # async fn run(client: posthaste_tokio::imap::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::num::NonZeroU32;
    /// use posthaste_imap::types::{Addressing, PartialEnd, PartialRange, SearchKey, SearchReturn};
    ///
    /// let fifty = NonZeroU32::new(50).ok_or("none")?;
    /// let newest = PartialRange::new(PartialEnd::Newest, NonZeroU32::MIN, fifty);
    /// let returns = [SearchReturn::Count, SearchReturn::Partial(newest)];
    /// let found = client.search_for(Addressing::Uid, returns, [SearchKey::Unseen]).await?;
    /// println!("{:?} in all, the newest: {:?}", found.count, found.partial);
    /// # Ok(())
    /// # }
    /// ```
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
        Ok(found(answer, &returns, addressing))
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
        self.numbers(Command::Sort(addressing, sort)).await
    }

    /// The same in the forms of [`search_for`](Self::search_for) (RFC 5267). Needs ESORT.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn sort_for(
        &self,
        addressing: Addressing,
        criteria: impl Into<Vec<SortCriterion>>,
        returns: impl Into<Vec<SearchReturn>>,
        keys: impl Into<Vec<SearchKey>>,
    ) -> Result<Found, Error> {
        let (criteria, returns, keys) = (criteria.into(), returns.into(), keys.into());
        let sort = SortCommand { returns: Some(returns.clone()), criteria, charset: utf8()?, keys };
        let answer = self.ask(Command::Sort(addressing, sort)).await?;
        Ok(found(answer, &returns, addressing))
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
        let told = self.all_told(Command::Thread(addressing, thread), |event| match event {
            Event::Thread(threads) => Some(threads),
            _ => None,
        });
        let told = told.await?;
        Ok(Threads::new(told.iter().flat_map(Threads::nodes).cloned()))
    }

    /// Searches several mailboxes at once (RFC 7377): what was found in each that has something. Needs MULTISEARCH.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn search_mailboxes(
        &self,
        mailboxes: impl Into<Vec<MailboxFilter>>,
        returns: impl Into<Vec<SearchReturn>>,
        keys: impl Into<Vec<SearchKey>>,
    ) -> Result<Vec<Found>, Error> {
        let search = SearchCommand { returns: Some(returns.into()), charset: None, keys: keys.into() };
        let esearch = EsearchCommand { mailboxes: mailboxes.into(), search };
        self.all_told(Command::Esearch(esearch), esearched).await
    }

    /// Ends the updates of searches whose RETURN had UPDATE, by the [tags](Found::tag) of what they found (RFC 5267
    /// 4.3.5). Those of [`search_context`](Self::search_context) end by themselves when they are dropped; what others
    /// bring are [updates](super::Update::Other).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn cancel_update(&self, tags: impl Into<Vec<AString>>) -> Result<(), Error> {
        self.run(Command::CancelUpdate(tags.into())).await
    }

    /// The UIDs between which there are `size` messages each, from the newest (RFC 10022); only the batches from the first
    /// to the last of `batches` where that is given. Needs UIDBATCHES.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn uid_batches(
        &self,
        size: NonZeroU32,
        batches: Option<(NonZeroU32, NonZeroU32)>,
    ) -> Result<Vec<RangeInclusive<NonZeroU32>>, Error> {
        let command = Command::UidBatches(UidBatchesCommand { size, batches });
        let told = self.told(command, |event| match event {
            Event::UidBatches(told) => Some(told.batches),
            _ => None,
        });
        Ok(told.await?.unwrap_or_default())
    }

    async fn numbers(&self, command: Command) -> Result<Vec<NonZeroU32>, Error> {
        let told = self.all_told(command, |event| match event {
            Event::Search(found) | Event::Sort(found) => Some(found.numbers),
            _ => None,
        });
        Ok(told.await?.into_iter().flatten().collect())
    }
}

fn esearched(event: Event) -> Option<Found> {
    match event {
        Event::Esearch(found) => Some(found),
        _ => None,
    }
}

/// What was found, in the form that was asked for, whichever the server has answered in.
pub(crate) fn found(answer: Answer, returns: &[SearchReturn], addressing: Addressing) -> Found {
    let (mut numbers, mut whole) = (Vec::new(), None::<Found>);
    for event in answer.data {
        match event {
            Event::Esearch(part) => match &mut whole {
                None => whole = Some(part),
                // Of a search in parts each has a tag of its own (RFC 9738).
                Some(whole) if whole.tag != part.tag => join(whole, &part),
                Some(_) => {}
            },
            Event::Search(found) | Event::Sort(found) => numbers.extend(found.numbers),
            _ => {}
        }
    }
    whole.unwrap_or_else(|| posthaste_imap::client::esearch_of(&numbers, returns, addressing))
}

/// Adds what was found among other messages.
fn join(whole: &mut Found, part: &Found) {
    whole.min = whole.min.into_iter().chain(part.min).min();
    whole.max = whole.max.max(part.max);
    whole.mod_seq = whole.mod_seq.max(part.mod_seq);
    whole.count = match (whole.count, part.count) {
        (Some(whole), Some(part)) => Some(whole.saturating_add(part)),
        (whole, part) => whole.or(part),
    };
    whole.all = joined(whole.all.iter().chain(&part.all)).map(|all| all.normalised());
}

/// All of these sets in one; `None` of none.
pub(crate) fn joined<'a>(sets: impl Iterator<Item = &'a SequenceSet>) -> Option<SequenceSet> {
    SequenceSet::new(sets.flat_map(SequenceSet::ranges).copied().collect()).ok()
}

pub(crate) fn utf8() -> Result<AString, Misuse> {
    let problem = Misuse::Argument { argument: "charset", problem: "holds NUL" };
    AString::new(bytes::Bytes::from_static(b"UTF-8")).map_err(|_| problem)
}
