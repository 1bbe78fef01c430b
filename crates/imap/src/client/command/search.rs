//! SORT, THREAD, searches over several mailboxes, and pages of a mailbox (RFC 5256, 5267, 7377, 9394, 10022).

use super::Result;
use crate::client::{Client, CommandId};
use crate::types::{
    AString, Addressing, Command, EsearchCommand, FetchAttribute, FetchCommand, FetchModifiers,
    MailboxFilter, PartialRange, SearchCommand, SearchKey, SearchReturn, SequenceSet, SortCommand,
    SortCriterion, ThreadAlgorithm, ThreadCommand, UidBatchesCommand,
};
use alloc::vec::Vec;
use bytes::Bytes;
use core::num::NonZeroU32;
use posthaste_wire::Misuse;

/// Searching and sorting, with a mailbox selected.
impl Client {
    /// Searches and sorts what is found (RFC 5256 3); with `returns` the answer is ESEARCH (RFC 5267).
    ///
    /// # Errors
    /// As [`Client::command`]; also when there is no criterion or no key.
    pub fn sort(
        &mut self,
        addressing: Addressing,
        criteria: Vec<SortCriterion>,
        keys: Vec<SearchKey>,
        returns: Option<Vec<SearchReturn>>,
    ) -> Result {
        self.command(Command::Sort(addressing, SortCommand { returns, criteria, charset: utf8()?, keys }))
    }

    /// Searches and puts what is found into threads (RFC 5256 3).
    ///
    /// # Errors
    /// As [`Client::command`]; also when there is no key.
    pub fn thread(
        &mut self,
        addressing: Addressing,
        algorithm: ThreadAlgorithm,
        keys: Vec<SearchKey>,
    ) -> Result {
        self.command(Command::Thread(addressing, ThreadCommand { algorithm, charset: utf8()?, keys }))
    }

    /// Searches several mailboxes at once (RFC 7377); the answer is an ESEARCH for each that has something.
    ///
    /// # Errors
    /// As [`Client::command`]; also when there is no key.
    pub fn search_mailboxes(&mut self, mailboxes: Vec<MailboxFilter>, search: SearchCommand) -> Result {
        self.command(Command::Esearch(EsearchCommand { mailboxes, search }))
    }

    /// Ends the updates of searches whose RETURN had UPDATE, named by the tags they had (RFC 5267 4.4).
    ///
    /// # Errors
    /// As [`Client::command`]; also when there is no tag.
    pub fn cancel_update(&mut self, tags: Vec<AString>) -> Result {
        self.command(Command::CancelUpdate(tags))
    }

    /// Asks for data of one page of messages (RFC 9394 3.3).
    ///
    /// # Errors
    /// As [`Client::command`]; also when nothing is asked.
    pub fn uid_fetch_page(
        &mut self,
        uids: SequenceSet,
        page: PartialRange,
        attributes: Vec<FetchAttribute>,
    ) -> Result {
        let modifiers = FetchModifiers { partial: Some(page), ..FetchModifiers::default() };
        self.command(Command::Fetch(
            Addressing::Uid,
            FetchCommand { set: uids.into(), attributes, modifiers },
        ))
    }

    /// Asks for the UIDs between which there are `size` messages each, from the newest (RFC 10022); only the batches
    /// from the first to the last of `batches` where that is given.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn uid_batches(
        &mut self,
        size: NonZeroU32,
        batches: Option<(NonZeroU32, NonZeroU32)>,
    ) -> core::result::Result<CommandId, Misuse> {
        self.command(Command::UidBatches(UidBatchesCommand { size, batches }))
    }
}

fn utf8() -> core::result::Result<AString, Misuse> {
    AString::new(Bytes::from_static(b"UTF-8"))
        .map_err(|_| Misuse::Argument { argument: "charset", problem: "holds NUL" })
}
