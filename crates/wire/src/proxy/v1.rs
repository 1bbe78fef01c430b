//! Version 1: one line of text, `PROXY TCP4 source destination port port`, at most 107 octets with its CR LF.

use alloc::format;
use alloc::string::String;
use bytes::Bytes;
use core::net::{Ipv6Addr, SocketAddrV4, SocketAddrV6};
use core::str::FromStr;
use memchr::memchr2;

use super::{Endpoints, ProxyError, ProxyHeader, Relayed, Tlvs, Transport, V1_MAX};

const SIGNATURE: &[u8] = b"PROXY ";

/// The header at the front of `input` and its length, or `None` while it may still become one.
pub(super) fn parse(input: &[u8]) -> Result<Option<(ProxyHeader, usize)>, ProxyError> {
    let seen = SIGNATURE.len().min(input.len());
    if input.get(..seen) != SIGNATURE.get(..seen) {
        return Err(ProxyError::Signature);
    }
    let window = input.get(..V1_MAX.min(input.len())).unwrap_or(input);
    let unfinished = if input.len() < V1_MAX { Ok(None) } else { Err(ProxyError::TooLong { limit: V1_MAX }) };
    // The first CR or LF of all decides: only a line end may be there.
    let Some(end) = memchr2(b'\r', b'\n', window) else { return unfinished };
    match window.get(end..).unwrap_or_default() {
        [b'\r', b'\n', ..] => {}
        [b'\r'] => return unfinished,
        _ => return Err(ProxyError::BareLineEnd),
    }
    let fields = window.get(SIGNATURE.len()..end).unwrap_or_default();
    Ok(Some((header(fields)?, end.saturating_add(2))))
}

fn header(fields: &[u8]) -> Result<ProxyHeader, ProxyError> {
    let mut words = fields.split(|octet| *octet == b' ');
    let endpoints = match words.next() {
        Some(b"TCP4") => {
            let (source, destination) = ends(words, SocketAddrV4::new)?;
            Endpoints::Ip4 { source, destination }
        }
        Some(b"TCP6") => {
            let (source, destination) = ends(words, |ip, port| SocketAddrV6::new(ip, port, 0, 0))?;
            Endpoints::Ip6 { source, destination }
        }
        // Whatever else the line says is to be ignored.
        Some(b"UNKNOWN") => return Ok(ProxyHeader::Unknown),
        _ => return Err(ProxyError::Protocol),
    };
    let tlvs = Tlvs::default();
    Ok(ProxyHeader::Relayed(Relayed { transport: Transport::Stream, endpoints, tlvs }))
}

/// Two addresses, then the port of each.
fn ends<'a, Ip: FromStr, Socket>(
    mut words: impl Iterator<Item = &'a [u8]>,
    socket: impl Fn(Ip, u16) -> Socket,
) -> Result<(Socket, Socket), ProxyError> {
    let mut word = || words.next().ok_or(ProxyError::Words);
    let (source, destination, source_port, destination_port) = (word()?, word()?, word()?, word()?);
    if words.next().is_some() {
        return Err(ProxyError::Words);
    }
    Ok((socket(address(source)?, port(source_port)?), socket(address(destination)?, port(destination_port)?)))
}

fn address<Ip: FromStr>(word: &[u8]) -> Result<Ip, ProxyError> {
    core::str::from_utf8(word).ok().and_then(|text| text.parse().ok()).ok_or(ProxyError::Address)
}

fn port(word: &[u8]) -> Result<u16, ProxyError> {
    // The parser of integers takes a sign and leading zeros; the protocol does not.
    let canonical = match word {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let text = core::str::from_utf8(word).ok().filter(|_| canonical);
    text.and_then(|text| text.parse().ok()).ok_or(ProxyError::Port)
}

pub(super) fn encode(header: &ProxyHeader) -> Option<Bytes> {
    let relayed = match header {
        ProxyHeader::Local => return None,
        ProxyHeader::Unknown => return Some(Bytes::from_static(b"PROXY UNKNOWN\r\n")),
        ProxyHeader::Relayed(relayed) => relayed,
    };
    if relayed.transport != Transport::Stream || !relayed.tlvs.is_empty() {
        return None;
    }
    let line = match &relayed.endpoints {
        Endpoints::Ip4 { source: from, destination: to } => {
            format!("PROXY TCP4 {} {} {} {}\r\n", from.ip(), to.ip(), from.port(), to.port())
        }
        Endpoints::Ip6 { source: from, destination: to } => {
            let (from_ip, to_ip) = (hexadecimal(from.ip()), hexadecimal(to.ip()));
            format!("PROXY TCP6 {from_ip} {to_ip} {} {}\r\n", from.port(), to.port())
        }
        Endpoints::Unix { .. } => return None,
    };
    Some(line.into())
}

/// All eight groups: the usual text form of an IPv4-mapped address has dots, for which the protocol has no place.
fn hexadecimal(ip: &Ipv6Addr) -> String {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    format!("{a:x}:{b:x}:{c:x}:{d:x}:{e:x}:{f:x}:{g:x}:{h:x}")
}
