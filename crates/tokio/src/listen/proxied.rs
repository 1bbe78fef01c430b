//! The PROXY header in front of a connection (HAProxy's specification, versions 1 and 2).
//!
//! Decides whose header is believed, and reads it to its last octet and not one further, so that what follows,
//! be it a command or a TLS handshake, is where it belongs. What a header says is `posthaste_wire::proxy`'s.

use std::io;
use std::time::Duration;

use posthaste_wire::ReceiveBuffer;
use posthaste_wire::proxy::{Endpoints, ProxyError, ProxyHeader, Transport};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Network, Source};

/// The proxies in front of a service: from which networks they connect, and how long their header may take.
///
/// A connection from one of them begins with a PROXY header of version 1 or 2, always: one that does not is closed
/// without a word. A header from anybody else is not looked for; it is then the first command of a client, or its
/// TLS handshake, and wrong as that. Such clients are served as if there were no proxies.
///
/// The connection of a proxy takes one of the places of [`Limits::connections_max`](super::Limits) and
/// [`Limits::preparing_max`](super::Limits) as soon as it is accepted, and one of its client's network when the header
/// has said which that is. A header that names no client, as those of a proxy that looks whether somebody
/// listens, leaves the connection the address it has, and is counted for no network. A client with an IP address is
/// never [`Security::Local`](crate::Security::Local), also where the proxy itself connects to a Unix socket.
///
/// The machine of SMTP can read a header as well (its `Config::with_proxy_header`); behind this it is to be left at
/// its default.
#[derive(Clone, Debug)]
pub struct Proxies {
    networks: Vec<Network>,
    unix: bool,
    timeout: Duration,
}

/// Why a connection from a proxy cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderError {
    #[error(transparent)]
    Malformed(#[from] ProxyError),
    #[error("the PROXY header speaks of datagrams")]
    Datagram,
    #[error("no complete PROXY header came: {0}")]
    Io(#[from] io::Error),
}

impl Proxies {
    /// Proxies in these networks. With none of them, and no Unix sockets, nobody is believed.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        Self { networks: networks.into_iter().collect(), unix: false, timeout: TIMEOUT }
    }

    /// Also whoever connects to a Unix socket of the service.
    #[must_use]
    pub fn with_unix_sockets(self) -> Self {
        Self { unix: true, ..self }
    }

    /// How long the whole header may take. 5 seconds.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub(super) fn trusts(&self, source: Source) -> bool {
        match source {
            Source::Ip(address) => self.networks.iter().any(|network| network.contains(address.ip())),
            Source::Unix => self.unix,
        }
    }

    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// Who connected, as the header has it. `None` when it names nobody.
pub(super) fn source(header: &ProxyHeader) -> Option<Source> {
    match header {
        ProxyHeader::Relayed(relayed) => Some(match relayed.endpoints {
            Endpoints::Ip4 { source, .. } => Source::Ip(source.into()),
            Endpoints::Ip6 { source, .. } => Source::Ip(source.into()),
            Endpoints::Unix { .. } => Source::Unix,
        }),
        ProxyHeader::Local | ProxyHeader::Unknown => None,
    }
}

/// Reads a header and nothing behind it. Bounded in octets by the decoder, in time by the caller.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<ProxyHeader, HeaderError> {
    let mut buffer = ReceiveBuffer::new();
    let mut chunk = [0; CHUNK_OCTETS];
    loop {
        let missing = surely_missing(buffer.peek()).clamp(1, CHUNK_OCTETS);
        let space = chunk.get_mut(..missing).unwrap_or_default();
        let count = stream.read(space).await?;
        if count == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        buffer.push(chunk.get(..count).unwrap_or_default());
        if let Some(header) = ProxyHeader::read(&mut buffer)? {
            if matches!(&header, ProxyHeader::Relayed(relayed) if relayed.transport == Transport::Datagram) {
                return Err(HeaderError::Datagram);
            }
            return Ok(header);
        }
    }
}

/// How many more octets belong to the header whatever they are.
fn surely_missing(header: &[u8]) -> usize {
    let seen = header.len();
    let length = match header {
        // Version 2 says how long it is.
        [b'\r', .., high, low] if seen == V2_HEAD => {
            V2_HEAD.saturating_add(u16::from_be_bytes([*high, *low]).into())
        }
        [b'\r', ..] if seen > V2_HEAD => {
            let length =
                header.get(V2_HEAD.saturating_sub(2)..V2_HEAD).and_then(|field| field.first_chunk::<2>());
            V2_HEAD.saturating_add(length.copied().map_or(0, u16::from_be_bytes).into())
        }
        [b'\r', ..] => V2_HEAD,
        _ if seen < V1_MIN => V1_MIN,
        // A line ends with CR LF: there is one more behind a CR, and two more behind anything else.
        [.., b'\r'] => seen.saturating_add(1),
        _ => seen.saturating_add(2),
    };
    length.saturating_sub(seen)
}

/// The shortest line of version 1: `PROXY UNKNOWN` with its line end.
const V1_MIN: usize = 15;

/// What version 2 always has: signature, version and command, family and transport, length.
const V2_HEAD: usize = 16;

/// So much of a header is read at a time.
const CHUNK_OCTETS: usize = 256;

const TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use posthaste_wire::proxy::{HEADER_MAX, Relayed, TLV_AUTHORITY, Tlvs};

    fn relayed(source: &str, destination: &str, tlvs: &[(u8, &[u8])]) -> ProxyHeader {
        let endpoints = match (source.parse().unwrap(), destination.parse().unwrap()) {
            (std::net::SocketAddr::V4(source), std::net::SocketAddr::V4(destination)) => {
                Endpoints::Ip4 { source, destination }
            }
            (std::net::SocketAddr::V6(source), std::net::SocketAddr::V6(destination)) => {
                Endpoints::Ip6 { source, destination }
            }
            _ => panic!("of two families"),
        };
        let tlvs = Tlvs::new(tlvs.iter().copied()).unwrap();
        ProxyHeader::Relayed(Relayed { transport: Transport::Stream, endpoints, tlvs })
    }

    fn headers() -> Vec<(ProxyHeader, Vec<u8>)> {
        let long = vec![b'x'; 3000];
        let mut all = Vec::new();
        for header in [
            ProxyHeader::Local,
            ProxyHeader::Unknown,
            relayed("192.0.2.1:1", "192.0.2.2:25", &[]),
            relayed("[2001:db8::1]:65535", "[2001:db8::2]:25", &[]),
            relayed("192.0.2.1:1", "192.0.2.2:25", &[(TLV_AUTHORITY, b"mail.example"), (0xe0, &long)]),
        ] {
            all.extend(header.encode_v1().map(|octets| (header.clone(), octets.to_vec())));
            all.extend(header.encode_v2().map(|octets| (header.clone(), octets.to_vec())));
        }
        all
    }

    #[tokio::test]
    async fn cmd_21_what_follows_the_header_is_left_on_the_stream() {
        for (header, octets) in headers() {
            for behind in ["", "E", "\r\n", "EHLO client.example\r\n"] {
                let mut stream = octets.clone();
                stream.extend_from_slice(behind.as_bytes());
                let mut stream = stream.as_slice();
                assert_eq!(read(&mut stream).await.unwrap(), header);
                assert_eq!(stream, behind.as_bytes());
            }
        }
    }

    #[tokio::test]
    async fn cmd_21_a_header_may_come_in_pieces() {
        for (header, octets) in headers() {
            for cut in 1..octets.len().min(300) {
                let (first, second) = octets.split_at(cut);
                let mut stream = first.chain(second).chain(b"rest".as_slice());
                assert_eq!(read(&mut stream).await.unwrap(), header);
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest).await.unwrap();
                assert_eq!(rest, b"rest", "cut at {cut}");
            }
        }
    }

    #[tokio::test]
    async fn cmd_21_a_truncated_header_is_none() {
        for (_, octets) in headers() {
            for length in 0..octets.len().min(300) {
                let mut stream = &octets[..length];
                let error = read(&mut stream).await.unwrap_err();
                assert!(matches!(error, HeaderError::Io(_)), "{length}: {error}");
            }
        }
    }

    #[tokio::test]
    async fn cmd_21_what_is_read_of_garbage_is_bounded() {
        let long_line = [b"PROXY TCP4 ".as_slice(), &[b'1'; 100_000]].concat();
        let long_block = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff".as_slice(), &[0; 100_000]].concat();
        let bad_family = b"\r\n\r\n\0\r\nQUIT\n\x21\x51\0\x0c123456789012".to_vec();
        for input in
            [long_line, long_block, bad_family, b"EHLO client.example\r\n".to_vec(), vec![0; 100_000]]
        {
            let mut stream = input.as_slice();
            let error = read(&mut stream).await.unwrap_err();
            assert!(matches!(error, HeaderError::Malformed(_)), "{error}");
            assert!(input.len() - stream.len() <= HEADER_MAX);
        }
    }

    #[test]
    fn cmd_21_only_the_networks_that_are_named_are_believed() {
        let proxies = Proxies::new(["10.0.0.0/8".parse().unwrap(), "2001:db8::/64".parse().unwrap()]);
        let trusts = |text: &str| proxies.trusts(Source::Ip(text.parse().unwrap()));
        assert!(trusts("10.9.8.7:1") && trusts("[::ffff:10.9.8.7]:1") && trusts("[2001:db8::1]:1"));
        assert!(!trusts("11.0.0.1:1") && !trusts("127.0.0.1:1") && !trusts("[2001:db8:0:1::1]:1"));
        assert!(!proxies.trusts(Source::Unix));
        assert!(proxies.clone().with_unix_sockets().trusts(Source::Unix));
    }
}
