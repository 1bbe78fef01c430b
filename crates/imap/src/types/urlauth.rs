//! Commands around authorised URLs (RFC 4467, RFC 5524). URLs are strings here: RFC 5092 is not read.

use crate::types::{AString, BodyStructure, Label, Mailbox};
use alloc::boxed::Box;
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

/// `url-fetch-arg`: one URL of URLFETCH, and what is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlFetch {
    /// `url-full`
    pub url: AString,
    /// What is wanted (RFC 5524): each once, and not both of `BINARY` and `BODY`. Empty for the octets as they stand
    /// in the message, as RFC 4467 has it.
    pub items: Vec<UrlFetchItem>,
}

impl From<AString> for UrlFetch {
    fn from(url: AString) -> Self {
        Self { url, items: Vec::new() }
    }
}

/// `url-fetch-param` (RFC 5524, section 3.1)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UrlFetchItem {
    /// `BODY`: the octets as they stand in the message.
    Body,
    /// `BINARY`: the octets without their transfer encoding.
    Binary,
    /// `BODYPARTSTRUCTURE`: what kind of octets these are.
    BodyPartStructure,
}

impl UrlFetchItem {
    /// Every item, in the order in which RFC 5524 lists them.
    pub const EVERY: [Self; 3] = [Self::Body, Self::Binary, Self::BodyPartStructure];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Body => "BODY",
            Self::Binary => "BINARY",
            Self::BodyPartStructure => "BODYPARTSTRUCTURE",
        }
    }
}

/// One URL of a URLFETCH response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedUrl {
    /// `url-full`
    pub url: AString,
    /// What it stands for.
    pub data: UrlData,
}

/// What a URL stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlData {
    /// `urldata-simple`: the octets, where nothing else was asked for; `None`, which is NIL, when they cannot be had.
    Octets(Option<Bytes>),
    /// `url-metadata`: what was asked for (RFC 5524). The encoder writes NIL where there is none.
    Items(Vec<UrlItem>),
}

/// `url-metadata-el` (RFC 5524, section 3.2)
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlItem {
    /// `BODY`
    Body(Option<Bytes>),
    /// `BINARY`: `None` when the transfer encoding is not known.
    Binary(Option<Bytes>),
    /// `BODYPARTSTRUCTURE`: of the octets as they are sent.
    BodyPartStructure(Box<BodyStructure>),
}

/// `URLMECH`: one mechanism and its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlMechanism {
    /// The mechanism.
    pub name: Label,
    /// Its data, decoded from base64.
    pub data: Option<Bytes>,
}
