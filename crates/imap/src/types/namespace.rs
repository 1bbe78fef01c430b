//! NAMESPACE (RFC 9051, section 7.3.5; RFC 2342).

use crate::types::{AString, Mailbox};
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

/// `namespace-descr`; unknown extensions are skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// The prefix of mailbox names, often empty, decoded to UTF-8.
    pub prefix: Mailbox,
    /// The hierarchy delimiter.
    pub delimiter: Option<char>,
    /// `TRANSLATION`: the prefix in the user's language (RFC 5255, section 3.4).
    pub translation: Option<AString>,
}
