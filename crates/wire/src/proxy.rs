//! The PROXY protocol header, versions 1 (text) and 2 (binary), as HAProxy's specification has it: what a proxy
//! puts in front of a connection to say for whom it made it.
//!
//! Decides where the header ends and refuses, as soon as that is certain, whatever is not exactly one. Who may
//! send a header at all is not decided here: anybody can claim any address with it, so it is to be read from
//! connections of proxies that the configuration names, from those always, and from nobody else.

use bytes::Bytes;
use core::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::ReceiveBuffer;

mod tlv;
mod v1;
mod v2;

pub use tlv::{TLV_ALPN, TLV_AUTHORITY, TLV_CRC32C, Tlvs};

/// The longest header that is read or written, in octets, its first and last included.
///
/// A header of version 1 is at most [`V1_MAX`]; one of version 2 announces up to 65,551 octets, of which addresses
/// need 232 at most. The rest is for vectors, the longest of which is a client's certificate.
pub const HEADER_MAX: usize = 4 * 1024;

/// The longest line of version 1, in octets, the CR LF included.
pub const V1_MAX: usize = 107;

/// What a proxy says of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// The proxy made the connection for itself, to see whether somebody listens. The addresses of the connection
    /// are the right ones. Version 2 only.
    Local,
    /// The proxy relays something for which it has no addresses. Those of the connection are the only ones.
    Unknown,
    /// The proxy relays a connection between these ends.
    Relayed(Relayed),
}

/// A connection that a proxy relays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// What carries it.
    pub transport: Transport,
    /// From where to where it was made, as the proxy saw it.
    pub endpoints: Endpoints,
    /// What else the proxy knows of it. Empty in version 1.
    pub tlvs: Tlvs,
}

/// What carries a relayed connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP, or a stream between UNIX sockets.
    Stream,
    /// UDP, or datagrams between UNIX sockets. Version 2 only.
    Datagram,
}

/// The two ends of a relayed connection, which are always of one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoints {
    /// IPv4.
    Ip4 {
        /// Who connected.
        source: SocketAddrV4,
        /// To what.
        destination: SocketAddrV4,
    },
    /// IPv6. Flow information and scope are zero when read and are not written.
    Ip6 {
        /// Who connected.
        source: SocketAddrV6,
        /// To what.
        destination: SocketAddrV6,
    },
    /// UNIX sockets. Version 2 only.
    Unix {
        /// Who connected.
        source: UnixAddress,
        /// To what.
        destination: UnixAddress,
    },
}

/// The address of a UNIX socket as it travels: 108 octets, the unused ones behind it zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnixAddress(Bytes);

/// Why octets are not a PROXY header. The connection is to be closed, without a word: whoever is there has not
/// begun to speak the protocol behind the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// Neither version begins like this.
    #[error("the connection does not begin with a PROXY header")]
    Signature,
    /// The header is longer than its version, or this decoder, allows.
    #[error("PROXY header is longer than {limit} octets")]
    TooLong {
        /// The limit that was passed, in octets.
        limit: usize,
    },
    /// A CR or LF stands alone in a line of version 1.
    #[error("a CR or LF stands alone in the PROXY line")]
    BareLineEnd,
    /// The protocol of version 1 is not `TCP4`, `TCP6` or `UNKNOWN`.
    #[error("unknown protocol in the PROXY line")]
    Protocol,
    /// The line of version 1 has more or fewer words than two addresses and two ports, one space between each.
    #[error("the PROXY line does not have two addresses and two ports")]
    Words,
    /// An address of version 1 is not one of the family that the line names.
    #[error("an address in the PROXY line does not fit its family")]
    Address,
    /// A port of version 1 is not a number up to 65,535 without leading zeros.
    #[error("a port in the PROXY line is not a number up to 65535 without leading zeros")]
    Port,
    /// The binary header is of another version.
    #[error("PROXY version {0} is not 2")]
    Version(u8),
    /// The command of version 2 is neither LOCAL nor PROXY.
    #[error("unknown PROXY command {0}")]
    Command(u8),
    /// The family or the transport of version 2 is none that is defined.
    #[error("unknown address family and transport {0:#04x}")]
    Family(u8),
    /// The length that version 2 announces is too small for the addresses of the family.
    #[error("{length} octets cannot hold the {needed} octets of the addresses")]
    AddressesCut {
        /// The length that was announced, in octets.
        length: usize,
        /// What the addresses of the family need, in octets.
        needed: usize,
    },
    /// A vector is longer than what is left of the header, or a checksum is not four octets long.
    #[error("the vector at octet {offset} behind the addresses is malformed")]
    Tlv {
        /// Where the vector starts, in octets behind the addresses.
        offset: usize,
    },
    /// The CRC32C in the header is not that of the header, or there is more than one.
    #[error("the checksum of the PROXY header is wrong")]
    Checksum,
}

impl ProxyHeader {
    /// Takes a header of either version off the front of `buffer`, and never an octet behind it. `Ok(None)` until
    /// it is complete; a connection that ends before that had none.
    ///
    /// Nothing is taken before the header is complete, and what may wait for that is bounded: by [`V1_MAX`] or
    /// [`HEADER_MAX`] octets and one read. A CRC32C is verified if there is one. What the header holds is copied,
    /// so that it does not keep the read alive.
    ///
    /// ```
    /// use posthaste_wire::ReceiveBuffer;
    /// use posthaste_wire::proxy::ProxyHeader;
    ///
    /// let mut buffer = ReceiveBuffer::new();
    /// buffer.push(b"PROXY TCP4 192.0.2.1 198.51.100.7 49152 25\r\nEHLO client.example\r\n");
    /// let header = ProxyHeader::read(&mut buffer)?.expect("all of it is there");
    /// assert_eq!(header.source().map(|it| it.to_string()).as_deref(), Some("192.0.2.1:49152"));
    /// assert_eq!(buffer.peek(), b"EHLO client.example\r\n");
    /// # Ok::<(), posthaste_wire::proxy::ProxyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ProxyError`], with the first octet that makes it certain. The buffer is then as it was.
    pub fn read(buffer: &mut ReceiveBuffer) -> Result<Option<Self>, ProxyError> {
        let input = buffer.peek();
        let parsed = match input.first() {
            None => return Ok(None),
            Some(b'P') => v1::parse(input)?,
            Some(_) => v2::parse(input)?,
        };
        Ok(parsed.map(|(header, length)| {
            drop(buffer.take(length));
            header
        }))
    }

    /// Who connected to the proxy, if that is known and not a UNIX socket.
    pub fn source(&self) -> Option<SocketAddr> {
        match self.endpoints()? {
            Endpoints::Ip4 { source, .. } => Some((*source).into()),
            Endpoints::Ip6 { source, .. } => Some((*source).into()),
            Endpoints::Unix { .. } => None,
        }
    }

    /// To what they connected, if that is known and not a UNIX socket.
    pub fn destination(&self) -> Option<SocketAddr> {
        match self.endpoints()? {
            Endpoints::Ip4 { destination, .. } => Some((*destination).into()),
            Endpoints::Ip6 { destination, .. } => Some((*destination).into()),
            Endpoints::Unix { .. } => None,
        }
    }

    /// The line of version 1. `None` when that version cannot say it: it knows only what is unknown, and TCP
    /// without further vectors.
    pub fn encode_v1(&self) -> Option<Bytes> {
        v1::encode(self)
    }

    /// The header in version 2. `None` when it would be longer than [`HEADER_MAX`], which takes long vectors.
    ///
    /// A vector of type [`TLV_CRC32C`] is written with the right checksum, whatever it holds.
    pub fn encode_v2(&self) -> Option<Bytes> {
        v2::encode(self)
    }

    fn endpoints(&self) -> Option<&Endpoints> {
        match self {
            Self::Relayed(relayed) => Some(&relayed.endpoints),
            Self::Local | Self::Unknown => None,
        }
    }
}

impl UnixAddress {
    /// How many octets an address has, in octets.
    pub const OCTETS: usize = 108;

    /// An address that begins with `path`. `None` when that is longer than an address.
    pub fn new(path: &[u8]) -> Option<Self> {
        let mut octets = [0; Self::OCTETS];
        octets.get_mut(..path.len())?.copy_from_slice(path);
        Some(Self(Bytes::copy_from_slice(&octets)))
    }

    /// All 108 octets.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// The path in the file system: the octets before the first zero. Empty for an abstract or unnamed socket.
    pub fn path(&self) -> &[u8] {
        self.0.split(|octet| *octet == 0).next().unwrap_or_default()
    }
}
