//! The maildrop as one session sees it: a list that was fixed at login, and the marks in it (RFC 1939 4).

use alloc::vec::Vec;
use core::time::Duration;

use crate::{MessageNumber, Retention, Uidl};

/// The messages of a maildrop at login. They keep their numbers while the session lasts, whatever happens to the
/// store meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maildrop {
    messages: Vec<Listed>,
    octets: u64,
    expire: Option<Retention>,
    login_delay: Option<Duration>,
}

/// A message of a maildrop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its length in octets with every line end counted as CR LF, before dot-stuffing: what RETR will send. [`SentSize`](super::SentSize) counts it.
    pub size: u64,
    /// Its unique-id.
    pub uidl: Uidl,
}

/// A list of messages that cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMaildrop {
    /// Two messages have the same unique-id, so a client would take one for the other.
    #[error("messages at {first} and {second} have the same unique-id")]
    SameUidl {
        /// The position of the one, from 0.
        first: usize,
        /// The position of the other.
        second: usize,
    },
    /// There are more messages than numbers, or more octets than 64 bits count.
    #[error("the maildrop is too large to be counted")]
    TooLarge,
}

impl Maildrop {
    /// A maildrop of these messages, the first being number 1.
    ///
    /// # Errors
    ///
    /// [`InvalidMaildrop`] when unique-ids are not unique, or there is too much to be counted.
    pub fn new(messages: Vec<Listed>) -> Result<Self, InvalidMaildrop> {
        let octets = messages.iter().try_fold(0_u64, |sum, listed| sum.checked_add(listed.size));
        let (Some(octets), Ok(_)) = (octets, u32::try_from(messages.len())) else {
            return Err(InvalidMaildrop::TooLarge);
        };
        let mut sorted: Vec<(&Uidl, usize)> =
            messages.iter().enumerate().map(|(index, listed)| (&listed.uidl, index)).collect();
        // Most stores number their messages, so most lists are sorted already, which costs one pass.
        sorted.sort_unstable();
        for ((one, first), (other, second)) in sorted.iter().zip(sorted.iter().skip(1)) {
            if one == other {
                return Err(InvalidMaildrop::SameUidl { first: *first, second: *second });
            }
        }
        Ok(Self { messages, octets, expire: None, login_delay: None })
    }

    /// With this user's own EXPIRE, announced from now on (RFC 2449 6.7).
    #[must_use]
    pub fn with_expire(self, expire: Retention) -> Self {
        Self { expire: Some(expire), ..self }
    }

    /// With this user's own LOGIN-DELAY, announced from now on (RFC 2449 6.5).
    #[must_use]
    pub fn with_login_delay(self, login_delay: Duration) -> Self {
        Self { login_delay: Some(login_delay), ..self }
    }

    /// The messages, the first being number 1.
    pub fn messages(&self) -> &[Listed] {
        &self.messages
    }
}

/// The maildrop and what is marked as deleted in it.
#[derive(Debug)]
pub(super) struct Marked {
    maildrop: Maildrop,
    deleted: Vec<bool>,
    /// How many messages are not marked, and their octets.
    kept: (usize, u64),
}

impl Marked {
    pub(super) fn new(maildrop: Maildrop) -> Self {
        let deleted = alloc::vec![false; maildrop.messages.len()];
        let kept = (maildrop.messages.len(), maildrop.octets);
        Self { maildrop, deleted, kept }
    }

    /// The message of this number, unless it is marked.
    pub(super) fn message(&self, number: MessageNumber) -> Option<&Listed> {
        let index = number.index();
        if self.deleted.get(index).copied().unwrap_or(true) {
            None
        } else {
            self.maildrop.messages.get(index)
        }
    }

    /// Marks a message. Whether there was one to mark.
    pub(super) fn delete(&mut self, number: MessageNumber) -> bool {
        let Some(size) = self.message(number).map(|listed| listed.size) else { return false };
        if let Some(mark) = self.deleted.get_mut(number.index()) {
            *mark = true;
        }
        self.kept = (self.kept.0.saturating_sub(1), self.kept.1.saturating_sub(size));
        true
    }

    /// Takes all marks away.
    pub(super) fn reset(&mut self) {
        self.deleted.fill(false);
        self.kept = (self.maildrop.messages.len(), self.maildrop.octets);
    }

    /// The next message from `index` on that is not marked.
    pub(super) fn next_from(&self, index: usize) -> Option<(MessageNumber, &Listed)> {
        let gap = self.deleted.get(index..)?.iter().position(|deleted| !*deleted)?;
        let index = index.saturating_add(gap);
        Some((MessageNumber::from_index(index)?, self.maildrop.messages.get(index)?))
    }

    /// How many messages are not marked, and their octets.
    pub(super) const fn count(&self) -> (usize, u64) {
        self.kept
    }

    pub(super) const fn expire(&self) -> Option<Retention> {
        self.maildrop.expire
    }

    pub(super) const fn login_delay(&self) -> Option<Duration> {
        self.maildrop.login_delay
    }

    /// The positions of the marked messages, from 0.
    pub(super) fn marked(&self) -> Vec<usize> {
        self.deleted.iter().enumerate().filter(|(_, deleted)| **deleted).map(|(index, _)| index).collect()
    }
}
