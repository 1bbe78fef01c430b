//! What changed: CONDSTORE and QRESYNC (RFC 7162). How a whole mailbox is brought up to date: [`Resync`].
//!
//! [`Resync`]: crate::client::Resync

use super::Result;
use crate::client::Client;
use crate::types::{
    Addressing, Command, FetchAttribute, FetchCommand, FetchModifiers, Mailbox, QResync, SelectParameter,
    SequenceSet,
};
use alloc::vec;
use alloc::vec::Vec;

/// What changed.
impl Client {
    /// Selects a mailbox and asks what changed since it was known (RFC 7162 3.2.5). QRESYNC has to be enabled.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn select_qresync(&mut self, mailbox: Mailbox, known: QResync) -> Result {
        self.select(mailbox, vec![SelectParameter::QResync(known)])
    }

    /// Asks for data of those of these messages that changed since `mod_seq` (RFC 7162 3.1.4.1).
    ///
    /// # Errors
    /// As [`Client::command`]; also when nothing is asked.
    pub fn uid_fetch_changed(
        &mut self,
        uids: SequenceSet,
        attributes: Vec<FetchAttribute>,
        mod_seq: u64,
        vanished: Vanished,
    ) -> Result {
        let vanished = vanished == Vanished::Told;
        let modifiers = FetchModifiers { changed_since: Some(mod_seq), vanished, partial: None };
        self.command(Command::Fetch(
            Addressing::Uid,
            FetchCommand { set: uids.into(), attributes, modifiers },
        ))
    }
}

/// Whether what is gone is told, too (RFC 7162 3.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vanished {
    /// It is; QRESYNC has to be enabled.
    Told,
    /// It is not.
    NotTold,
}
