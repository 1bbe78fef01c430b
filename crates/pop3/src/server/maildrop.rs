//! The maildrop as one session sees it: a list that was fixed at login, and the marks in it (RFC 1939 4).

use alloc::vec::Vec;

use crate::{MessageNumber, Uidl};

/// The messages of a maildrop at login. They keep their numbers while the session lasts, whatever happens to the
/// store meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maildrop {
    /// The messages, the first being number 1.
    pub messages: Vec<Listed>,
}

/// A message of a maildrop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its length in octets with every line end counted as CR LF, before dot-stuffing: what RETR will send.
    pub size: u64,
    /// Its unique-id.
    pub uidl: Uidl,
}

/// The maildrop and what is marked as deleted in it.
#[derive(Debug)]
pub(crate) struct Marked {
    messages: Vec<Listed>,
    deleted: Vec<bool>,
}

impl Marked {
    pub(crate) fn new(maildrop: Maildrop) -> Self {
        let deleted = alloc::vec![false; maildrop.messages.len()];
        Self { messages: maildrop.messages, deleted }
    }

    /// The message of this number, unless it is marked.
    pub(crate) fn message(&self, number: MessageNumber) -> Option<&Listed> {
        let index = number.index();
        if self.deleted.get(index).copied().unwrap_or(true) { None } else { self.messages.get(index) }
    }

    /// Marks a message. Whether there was one to mark.
    pub(crate) fn delete(&mut self, number: MessageNumber) -> bool {
        match self.deleted.get_mut(number.index()) {
            Some(mark) if !*mark => {
                *mark = true;
                true
            }
            _ => false,
        }
    }

    /// Takes all marks away.
    pub(crate) fn reset(&mut self) {
        self.deleted.fill(false);
    }

    /// The next message from `index` on that is not marked.
    pub(crate) fn next_from(&self, index: usize) -> Option<(MessageNumber, &Listed)> {
        let mut rest = self.messages.iter().zip(&self.deleted).enumerate().skip(index);
        let (index, (listed, _)) = rest.find(|(_, (_, deleted))| !**deleted)?;
        Some((MessageNumber::from_index(index)?, listed))
    }

    /// How many messages are not marked, and their octets.
    pub(crate) fn count(&self) -> (usize, u64) {
        let kept = self.messages.iter().zip(&self.deleted).filter(|(_, deleted)| !**deleted);
        kept.fold((0, 0), |(count, octets), (listed, _)| {
            (usize::saturating_add(count, 1), u64::saturating_add(octets, listed.size))
        })
    }

    /// The positions of the marked messages, from 0.
    pub(crate) fn marked(&self) -> Vec<usize> {
        self.deleted.iter().enumerate().filter(|(_, deleted)| **deleted).map(|(index, _)| index).collect()
    }
}
