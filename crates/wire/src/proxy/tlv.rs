//! The vectors behind the addresses of a version 2 header: type, length, value, of what else a proxy knows.
//!
//! Checked once, when they come in; what they mean is for whoever asks. Only the checksum is looked at here.

use alloc::vec::Vec;
use bytes::Bytes;

use super::{HEADER_MAX, ProxyError};

/// The type of the vector that holds a CRC32C of the whole header.
pub const TLV_CRC32C: u8 = 0x03;

/// The type of the vector that holds the protocol agreed on over the connection, such as by ALPN (RFC 7301).
pub const TLV_ALPN: u8 = 0x01;

/// The type of the vector that holds the host name that the client asked for, in UTF-8, such as by SNI (RFC 6066 3).
pub const TLV_AUTHORITY: u8 = 0x02;

/// Vectors of type and value, in the order in which they travel. Types may occur more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tlvs(Bytes);

impl Tlvs {
    /// Vectors to be written. `None` when they cannot be part of a header: they are longer than [`HEADER_MAX`] in
    /// all, or a [`TLV_CRC32C`] is not four octets long or comes twice.
    pub fn new<'a>(vectors: impl IntoIterator<Item = (u8, &'a [u8])>) -> Option<Self> {
        let mut octets = Vec::new();
        for (kind, value) in vectors {
            octets.push(kind);
            octets.extend_from_slice(&u16::try_from(value.len()).ok()?.to_be_bytes());
            octets.extend_from_slice(value);
            if octets.len() > HEADER_MAX {
                return None;
            }
        }
        find_checksum(&octets).ok()?;
        Some(Self(octets.into()))
    }

    /// A copy of vectors that came in and were checked.
    pub(super) fn copy(checked: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(checked))
    }

    /// The vectors, as type and value.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let mut rest = self.octets();
        core::iter::from_fn(move || {
            let (kind, value, behind) = split_first(rest)?;
            rest = behind;
            Some((kind, value))
        })
    }

    /// The value of the first vector of this type.
    pub fn find(&self, kind: u8) -> Option<&[u8]> {
        self.iter().find(|(it, _)| *it == kind).map(|(_, value)| value)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they travel.
    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }
}

/// Checks that `octets` are whole vectors, and says at which octet the value of the checksum stands, if one does.
pub(super) fn find_checksum(octets: &[u8]) -> Result<Option<usize>, ProxyError> {
    let mut rest = octets;
    let mut checksum = None;
    while !rest.is_empty() {
        let offset = octets.len().saturating_sub(rest.len());
        let (kind, value, behind) = split_first(rest).ok_or(ProxyError::Tlv { offset })?;
        if kind == TLV_CRC32C {
            if value.len() != 4 {
                return Err(ProxyError::Tlv { offset });
            }
            if checksum.replace(offset.saturating_add(HEAD_OCTETS)).is_some() {
                return Err(ProxyError::Checksum);
            }
        }
        rest = behind;
    }
    Ok(checksum)
}

/// Type and length.
const HEAD_OCTETS: usize = 3;

/// Type and value of the first vector, and what is behind it. `None` when it is cut off.
fn split_first(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([kind, high, low], rest) = octets.split_first_chunk::<HEAD_OCTETS>()?;
    let (value, behind) = rest.split_at_checked(u16::from_be_bytes([*high, *low]).into())?;
    Some((*kind, value, behind))
}
