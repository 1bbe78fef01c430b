//! The answers to commands about messages (RFC 9051 6.4), FETCH apart: STORE, COPY, MOVE, EXPUNGE, SEARCH.

use alloc::vec::Vec;
use core::num::NonZeroU32;
use posthaste_wire::Misuse;

use super::{Asked, Copy, Expunge, Move, Search, Server, Store};
use crate::types::{Condition, FetchItem, Response, ResponseCode, SearchResponse, UidSet};

/// Which UIDs became which (RFC 4315 3). Both sets have the same length and order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyUid {
    /// UIDVALIDITY of the target.
    pub uid_validity: NonZeroU32,
    /// UIDs in the source.
    pub source: UidSet,
    /// UIDs in the target.
    pub target: UidSet,
}

impl From<CopyUid> for ResponseCode {
    fn from(copied: CopyUid) -> Self {
        Self::CopyUid { uid_validity: copied.uid_validity, source: copied.source, target: copied.target }
    }
}

impl Asked<Store> {
    /// Tells the flags a message has now.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn row(&self, server: &mut Server, seq: NonZeroU32, items: Vec<FetchItem>) -> Result<(), Misuse> {
        self.data(server, |server| server.send(&Response::Fetch(seq, items)))
    }

    /// The flags are changed.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        self.complete(server, None, "STORE completed", |_| {})
    }
}

impl Asked<Copy> {
    /// The copies are there; `None` where there was nothing to copy.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, copied: Option<CopyUid>) -> Result<(), Misuse> {
        self.complete(server, copied.map(ResponseCode::from), "COPY completed", |_| {})
    }
}

impl Asked<Move> {
    /// Tells which UIDs the messages have now, before they are expunged here (RFC 6851 4.3).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn moved(&self, server: &mut Server, moved: CopyUid) -> Result<(), Misuse> {
        self.data(server, |server| server.untagged(Condition::Ok, Some(moved.into()), "Moved UIDs"))
    }

    /// Tells that a message is gone from here: its sequence number at this moment.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn expunged(&self, server: &mut Server, seq: NonZeroU32) -> Result<(), Misuse> {
        self.data(server, |server| server.send(&Response::Expunge(seq)))
    }

    /// All have been moved.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        self.complete(server, None, "MOVE completed", |_| {})
    }
}

impl Asked<Expunge> {
    /// Tells that a message is gone: its sequence number at this moment.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn expunged(&self, server: &mut Server, seq: NonZeroU32) -> Result<(), Misuse> {
        self.data(server, |server| server.send(&Response::Expunge(seq)))
    }

    /// All are gone.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        self.complete(server, None, "EXPUNGE completed", |_| {})
    }
}

impl Asked<Search> {
    /// Tells what was found: sequence numbers, or UIDs where the command was UID SEARCH.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, found: Vec<NonZeroU32>) -> Result<(), Misuse> {
        let response = SearchResponse { numbers: found, mod_seq: None };
        self.complete(server, None, "SEARCH completed", |server| server.send(&Response::Search(response)))
    }
}
