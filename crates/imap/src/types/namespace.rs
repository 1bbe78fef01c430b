//! NAMESPACE (RFC 9051, section 7.3.5; RFC 2342).

use crate::types::Mailbox;
use alloc::vec::Vec;

/// The response to NAMESPACE; an empty list is NIL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// The user's own.
    pub personal: Vec<Namespace>,
    /// Other users'.
    pub other_users: Vec<Namespace>,
    /// Shared.
    pub shared: Vec<Namespace>,
}

/// `namespace-descr`; extensions are skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// The prefix of mailbox names, often empty, decoded to UTF-8.
    pub prefix: Mailbox,
    /// The hierarchy delimiter.
    pub delimiter: Option<char>,
}
