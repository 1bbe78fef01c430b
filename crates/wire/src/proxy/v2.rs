//! Version 2: sixteen octets that say what follows and how long it is, two addresses, and vectors.
//!
//! The fields are judged in the order in which they come in, each as soon as it is there, so that a header that is
//! refused is refused for the same reason however it was cut up.

use alloc::vec::Vec;
use bytes::{Buf, BufMut, Bytes};
use core::net::{SocketAddrV4, SocketAddrV6};

use super::tlv::find_checksum;
use super::{Endpoints, HEADER_MAX, ProxyError, ProxyHeader, Relayed, Tlvs, Transport, UnixAddress};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version and command, family and transport, length.
const HEAD_OCTETS: usize = 16;

const IP4_OCTETS: usize = 2 * (4 + 2);
const IP6_OCTETS: usize = 2 * (16 + 2);
const UNIX_OCTETS: usize = 2 * UnixAddress::OCTETS;

const VERSION: u8 = 2;
const LOCAL: u8 = 0;
const PROXY: u8 = 1;

/// The header at the front of `input` and its length, or `None` while it may still become one.
pub(super) fn parse(input: &[u8]) -> Result<Option<(ProxyHeader, usize)>, ProxyError> {
    let seen = SIGNATURE.len().min(input.len());
    if input.get(..seen) != SIGNATURE.get(..seen) {
        return Err(ProxyError::Signature);
    }
    let mut fields = input.get(seen..).unwrap_or_default();
    let Ok(version_and_command) = fields.try_get_u8() else { return Ok(None) };
    let local = is_local(version_and_command)?;
    let Ok(family_and_transport) = fields.try_get_u8() else { return Ok(None) };
    // Whose header says that it is the proxy's own connection may say anything else.
    let family = if local { None } else { Family::new(family_and_transport)? };
    let Ok(length) = fields.try_get_u16() else { return Ok(None) };
    let length = usize::from(length);
    let whole = length.saturating_add(HEAD_OCTETS);
    if whole > HEADER_MAX {
        return Err(ProxyError::TooLong { limit: HEADER_MAX });
    }
    let needed = family.map_or(0, |(family, _)| family.octets());
    if length < needed {
        return Err(ProxyError::AddressesCut { length, needed });
    }
    let (Some(header), Some(block)) = (input.get(..whole), fields.get(..length)) else { return Ok(None) };
    let Some((family, transport)) = family else {
        let header = if local { ProxyHeader::Local } else { ProxyHeader::Unknown };
        return Ok(Some((header, whole)));
    };
    let (addresses, vectors) = block.split_at_checked(needed).unwrap_or((block, &[]));
    if let Some(at) = find_checksum(vectors)? {
        let at = at.saturating_add(HEAD_OCTETS).saturating_add(needed);
        verify(header, at)?;
    }
    let endpoints = family.endpoints(addresses).ok_or(ProxyError::AddressesCut { length, needed })?;
    let relayed = Relayed { transport, endpoints, tlvs: Tlvs::copy(vectors) };
    Ok(Some((ProxyHeader::Relayed(relayed), whole)))
}

fn is_local(version_and_command: u8) -> Result<bool, ProxyError> {
    match (version_and_command >> 4, version_and_command & 0xf) {
        (VERSION, LOCAL) => Ok(true),
        (VERSION, PROXY) => Ok(false),
        (VERSION, command) => Err(ProxyError::Command(command)),
        (version, _) => Err(ProxyError::Version(version)),
    }
}

#[derive(Clone, Copy)]
enum Family {
    Ip4,
    Ip6,
    Unix,
}

impl Family {
    /// `None` when both the family and the transport are left open. One without the other is not defined.
    fn new(family_and_transport: u8) -> Result<Option<(Self, Transport)>, ProxyError> {
        let refused = ProxyError::Family(family_and_transport);
        let family = match family_and_transport >> 4 {
            0 if family_and_transport == 0 => return Ok(None),
            1 => Self::Ip4,
            2 => Self::Ip6,
            3 => Self::Unix,
            _ => return Err(refused),
        };
        match family_and_transport & 0xf {
            1 => Ok(Some((family, Transport::Stream))),
            2 => Ok(Some((family, Transport::Datagram))),
            _ => Err(refused),
        }
    }

    /// How many octets the addresses and ports have.
    const fn octets(self) -> usize {
        match self {
            Self::Ip4 => IP4_OCTETS,
            Self::Ip6 => IP6_OCTETS,
            Self::Unix => UNIX_OCTETS,
        }
    }

    fn endpoints(self, mut octets: &[u8]) -> Option<Endpoints> {
        Some(match self {
            Self::Ip4 => {
                let (source, destination) = (octets.try_get_u32().ok()?, octets.try_get_u32().ok()?);
                let (source_port, destination_port) = ports(octets)?;
                Endpoints::Ip4 {
                    source: SocketAddrV4::new(source.into(), source_port),
                    destination: SocketAddrV4::new(destination.into(), destination_port),
                }
            }
            Self::Ip6 => {
                let (source, destination) = (octets.try_get_u128().ok()?, octets.try_get_u128().ok()?);
                let (source_port, destination_port) = ports(octets)?;
                Endpoints::Ip6 {
                    source: SocketAddrV6::new(source.into(), source_port, 0, 0),
                    destination: SocketAddrV6::new(destination.into(), destination_port, 0, 0),
                }
            }
            Self::Unix => {
                let (source, destination) = octets.split_at_checked(UnixAddress::OCTETS)?;
                Endpoints::Unix {
                    source: UnixAddress::new(source)?,
                    destination: UnixAddress::new(destination)?,
                }
            }
        })
    }
}

fn ports(mut octets: &[u8]) -> Option<(u16, u16)> {
    Some((octets.try_get_u16().ok()?, octets.try_get_u16().ok()?))
}

pub(super) fn encode(header: &ProxyHeader) -> Option<Bytes> {
    let mut octets = SIGNATURE.to_vec();
    let relayed = match header {
        ProxyHeader::Local => {
            octets.put_slice(&[VERSION << 4 | LOCAL, 0, 0, 0]);
            return Some(octets.into());
        }
        ProxyHeader::Unknown => {
            octets.put_slice(&[VERSION << 4 | PROXY, 0, 0, 0]);
            return Some(octets.into());
        }
        ProxyHeader::Relayed(relayed) => relayed,
    };
    let (family, addresses) = match &relayed.endpoints {
        Endpoints::Ip4 { .. } => (1, IP4_OCTETS),
        Endpoints::Ip6 { .. } => (2, IP6_OCTETS),
        Endpoints::Unix { .. } => (3, UNIX_OCTETS),
    };
    let transport = match relayed.transport {
        Transport::Stream => 1,
        Transport::Datagram => 2,
    };
    let vectors = relayed.tlvs.octets();
    let length = addresses.checked_add(vectors.len())?;
    if length.checked_add(HEAD_OCTETS)? > HEADER_MAX {
        return None;
    }
    octets.put_slice(&[VERSION << 4 | PROXY, family << 4 | transport]);
    octets.put_u16(u16::try_from(length).ok()?);
    put_endpoints(&relayed.endpoints, &mut octets);
    octets.put_slice(vectors);
    if let Some(at) = find_checksum(vectors).ok()? {
        let at = at.checked_add(HEAD_OCTETS)?.checked_add(addresses)?;
        let sum = checksum(&octets, at);
        octets.get_mut(at..)?.first_chunk_mut::<4>().map(|field| *field = sum.to_be_bytes())?;
    }
    Some(octets.into())
}

fn put_endpoints(endpoints: &Endpoints, octets: &mut Vec<u8>) {
    match endpoints {
        Endpoints::Ip4 { source, destination } => {
            octets.put_slice(&source.ip().octets());
            octets.put_slice(&destination.ip().octets());
            octets.put_u16(source.port());
            octets.put_u16(destination.port());
        }
        Endpoints::Ip6 { source, destination } => {
            octets.put_slice(&source.ip().octets());
            octets.put_slice(&destination.ip().octets());
            octets.put_u16(source.port());
            octets.put_u16(destination.port());
        }
        Endpoints::Unix { source, destination } => {
            octets.put_slice(source.octets());
            octets.put_slice(destination.octets());
        }
    }
}

fn verify(header: &[u8], at: usize) -> Result<(), ProxyError> {
    let field = header.get(at..).and_then(|rest| rest.first_chunk::<4>()).ok_or(ProxyError::Checksum)?;
    if checksum(header, at) == u32::from_be_bytes(*field) { Ok(()) } else { Err(ProxyError::Checksum) }
}

/// The CRC32C of `header` with its four octets from `at` on taken as zero. Bit by bit: a header is short, and most
/// have none.
fn checksum(header: &[u8], at: usize) -> u32 {
    /// The polynomial of Castagnoli, lowest bit first.
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let field = at..at.saturating_add(4);
    let remainder = header.iter().enumerate().fold(u32::MAX, |remainder, (index, octet)| {
        let octet = if field.contains(&index) { 0 } else { *octet };
        (0..8).fold(remainder ^ u32::from(octet), |remainder, _| {
            let carry = 0_u32.wrapping_sub(remainder & 1);
            (remainder >> 1) ^ (POLYNOMIAL & carry)
        })
    });
    !remainder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_castagnoli() {
        // The check value that catalogues of checksums give, and one with the field in the middle.
        assert_eq!(checksum(b"123456789", 100), 0xe306_9283);
        assert_eq!(checksum(b"123456789", 3), checksum(b"123\0\0\0\089", 100));
    }
}
