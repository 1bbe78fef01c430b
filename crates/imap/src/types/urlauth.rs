//! Commands around authorised URLs (RFC 4467). URLs are strings here: RFC 5092 is not read.

use crate::types::{AString, Label, Mailbox};
use alloc::vec::Vec;
use bytes::Bytes;

/// One pair of GENURLAUTH: what to authorise, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlToAuthorise {
    /// `url-rump`
    pub url: AString,
    /// The mechanism, such as `INTERNAL`.
    pub mechanism: Label,
}

/// The arguments of RESETKEY.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResetKey {
    /// Which mailbox; all of them when `None`.
    pub mailbox: Option<Mailbox>,
    /// Which mechanisms; all of them when empty. Only with a mailbox.
    pub mechanisms: Vec<Label>,
}

/// One pair of a URLFETCH response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedUrl {
    /// `url-full`
    pub url: AString,
    /// What it stands for, NIL when it cannot be had.
    pub data: Option<Bytes>,
}

/// `URLMECH`: one mechanism and its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlMechanism {
    /// The mechanism.
    pub name: Label,
    /// Its data, decoded from base64.
    pub data: Option<Bytes>,
}
