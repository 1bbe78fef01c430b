//! Annotations of mailboxes and of the server (RFC 5464, RFC 9590).

use crate::error::InvalidValue;
use crate::types::Mailbox;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

/// `entry`: the path of an annotation, such as `/private/comment`. Ignores ASCII case.
#[derive(Clone)]
pub struct EntryName(String);

impl EntryName {
    /// Checks and takes `path`.
    ///
    /// # Errors
    /// When it does not begin with `/`, ends with `/`, holds `//`, a wildcard, or anything but printable ASCII
    /// (RFC 5464, section 3.2).
    pub fn new(path: impl Into<String>) -> Result<Self, InvalidValue> {
        let path = path.into();
        let printable = |octet: u8| matches!(octet, b' '..=b'~') && !matches!(octet, b'*' | b'%');
        let shape = path.starts_with('/') && !path.ends_with('/') && !path.contains("//");
        if shape && path.bytes().all(printable) { Ok(Self(path)) } else { Err(InvalidValue::new("entry")) }
    }

    /// The path as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn folded(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes().map(|octet| octet.to_ascii_lowercase())
    }
}

impl PartialEq for EntryName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for EntryName {}

impl PartialOrd for EntryName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EntryName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl Hash for EntryName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().for_each(|octet| octet.hash(state));
        0xff_u8.hash(state);
    }
}

impl fmt::Debug for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryName({})", self.0)
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The arguments of GETMETADATA. The empty mailbox stands for the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetMetadata {
    /// The mailbox, empty for the server.
    pub mailbox: Mailbox,
    /// Which entries.
    pub entries: Vec<EntryName>,
    /// `MAXSIZE`: leave out values with more octets.
    pub max_size: Option<u32>,
    /// `DEPTH`: what below the entries is meant as well.
    pub depth: MetadataDepth,
}

/// `scope-opt`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MetadataDepth {
    /// `0`: the entries themselves; also when nothing is said.
    #[default]
    Zero,
    /// `1`: and the entries directly below.
    One,
    /// `infinity`: and all entries below.
    Infinity,
}

/// `entry-value`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataEntry {
    /// Which entry.
    pub name: EntryName,
    /// Its value, of any octets; `None` is NIL: there is no such entry, or it is to be removed.
    pub value: Option<Bytes>,
}

/// The METADATA response. The empty mailbox stands for the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The mailbox, empty for the server.
    pub mailbox: Mailbox,
    /// What is told of it.
    pub data: MetadataData,
}

/// What a METADATA response tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataData {
    /// `entry-values`: entries with their values, as asked for.
    Values(Vec<MetadataEntry>),
    /// `entry-list`: entries that changed.
    Changed(Vec<EntryName>),
}
