//! Quotas (RFC 9208; RFC 2087).

use crate::types::{Atom, Label};
use core::fmt;

/// `resource-name`: what is limited.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum QuotaResource {
    /// `STORAGE`: octets of all messages, in units of 1024.
    Storage,
    /// `MESSAGE`: how many messages.
    Message,
    /// `MAILBOX`: how many mailboxes.
    Mailbox,
    /// `ANNOTATION-STORAGE`: octets of all annotations, in units of 1024.
    AnnotationStorage,
    /// Another one.
    Other(Label),
}

impl QuotaResource {
    /// The name on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::Storage => "STORAGE",
            Self::Message => "MESSAGE",
            Self::Mailbox => "MAILBOX",
            Self::AnnotationStorage => "ANNOTATION-STORAGE",
            Self::Other(name) => name.as_str(),
        }
    }

    /// The resource called `name`, in any case.
    pub fn named(name: Atom) -> Self {
        let known = [Self::Storage, Self::Message, Self::Mailbox, Self::AnnotationStorage];
        known
            .into_iter()
            .find(|resource| name.is(resource.name()))
            .unwrap_or_else(|| Self::Other(Label::from(name)))
    }
}

impl fmt::Display for QuotaResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `quota-resource`: how much of a resource is used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QuotaUsage {
    /// What is limited.
    pub resource: QuotaResource,
    /// What is used, in the resource's unit.
    pub usage: u64,
    /// What may be used, in the same unit.
    pub limit: u64,
}

/// `setquota-resource`: a limit to set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QuotaLimit {
    /// What is limited.
    pub resource: QuotaResource,
    /// What may be used, in the resource's unit.
    pub limit: u64,
}
