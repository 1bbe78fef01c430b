//! The PROXY header of a peer that may be hostile: read exactly, in any split, in bounded memory, or refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use core::net::{SocketAddrV4, SocketAddrV6};

use posthaste_testkit::measure;
use posthaste_wire::ReceiveBuffer;
use posthaste_wire::proxy::{
    Endpoints, HEADER_MAX, ProxyError, ProxyHeader, Relayed, TLV_CRC32C, Tlvs, Transport, UnixAddress, V1_MAX,
};
use proptest::prelude::*;

/// Sixteen octets, two IPv4 addresses, two ports, and a vector with the name of the server: written down by hand.
const V2_IP4: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x1b\
    \xc0\x00\x02\x01\xc6\x33\x64\x07\xc0\x00\x00\x19\x02\x00\x0cmail.example";

const V1_IP4: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.7 49152 25\r\n";

fn ip4(transport: Transport, tlvs: Tlvs) -> ProxyHeader {
    let (source, destination) = ("192.0.2.1:49152".parse().unwrap(), "198.51.100.7:25".parse().unwrap());
    ProxyHeader::Relayed(Relayed { transport, endpoints: Endpoints::Ip4 { source, destination }, tlvs })
}

/// What a reader that gets these pieces makes of them, and what is left in its buffer of what it got by then.
fn read<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Result<Option<ProxyHeader>, ProxyError>, Vec<u8>) {
    let mut buffer = ReceiveBuffer::new();
    for piece in pieces {
        buffer.push(piece);
        let result = ProxyHeader::read(&mut buffer);
        if result != Ok(None) {
            return (result, buffer.peek().to_vec());
        }
    }
    (Ok(None), buffer.peek().to_vec())
}

fn read_whole(input: &[u8]) -> Result<Option<ProxyHeader>, ProxyError> {
    read([input]).0
}

fn refused(input: &[u8]) -> ProxyError {
    read_whole(input).expect_err("this is no PROXY header")
}

/// Reads octet by octet and in all cuts in two what was read whole, and wants the same.
fn assert_any_split_reads_alike(input: &[u8]) {
    let (whole, _) = read([input]);
    let mut by_octet = ReceiveBuffer::new();
    let mut result = Ok(None);
    for (at, octet) in input.iter().enumerate() {
        by_octet.push(&[*octet]);
        result = ProxyHeader::read(&mut by_octet);
        match &result {
            Ok(Some(_)) => assert!(by_octet.is_empty(), "the header ended before octet {at}"),
            Ok(None) => assert_eq!(by_octet.peek(), &input[..=at], "nothing is taken of half a header"),
            Err(_) => {}
        }
        if result != Ok(None) {
            break;
        }
    }
    assert_eq!(result, whole, "octet by octet");
    for at in 1..input.len() {
        assert_eq!(read([&input[..at], &input[at..]]).0, whole, "cut at {at}");
    }
}

fn tlvs() -> impl Strategy<Value = Tlvs> {
    let vector = (any::<u8>(), prop::collection::vec(any::<u8>(), 0..40));
    prop::collection::vec(vector, 0..6).prop_map(|vectors| {
        let vectors = vectors.iter().filter(|(kind, _)| *kind != TLV_CRC32C);
        Tlvs::new(vectors.map(|(kind, value)| (*kind, &value[..]))).unwrap()
    })
}

fn transport() -> impl Strategy<Value = Transport> {
    prop_oneof![Just(Transport::Stream), Just(Transport::Datagram)]
}

fn ip_endpoints() -> impl Strategy<Value = Endpoints> {
    let ip4 = any::<[(u32, u16); 2]>().prop_map(|ends| {
        let [source, destination] = ends.map(|(ip, port)| SocketAddrV4::new(ip.into(), port));
        Endpoints::Ip4 { source, destination }
    });
    let bits = prop_oneof![any::<u128>(), 0..u128::from(u32::MAX), Just(0xffff_c000_0201_u128), Just(1)];
    let ip6 = prop::array::uniform2((bits, any::<u16>())).prop_map(|ends| {
        let [source, destination] = ends.map(|(ip, port)| SocketAddrV6::new(ip.into(), port, 0, 0));
        Endpoints::Ip6 { source, destination }
    });
    prop_oneof![ip4, ip6]
}

fn endpoints() -> impl Strategy<Value = Endpoints> {
    let path = || prop::collection::vec(any::<u8>(), 0..=UnixAddress::OCTETS);
    let unix = (path(), path()).prop_map(|(source, destination)| Endpoints::Unix {
        source: UnixAddress::new(&source).unwrap(),
        destination: UnixAddress::new(&destination).unwrap(),
    });
    prop_oneof![2 => ip_endpoints(), 1 => unix]
}

fn header() -> impl Strategy<Value = ProxyHeader> {
    let relayed = (transport(), endpoints(), tlvs()).prop_map(|(transport, endpoints, tlvs)| {
        ProxyHeader::Relayed(Relayed { transport, endpoints, tlvs })
    });
    prop_oneof![1 => Just(ProxyHeader::Local), 1 => Just(ProxyHeader::Unknown), 8 => relayed]
}

fn v1_header() -> impl Strategy<Value = ProxyHeader> {
    let relayed = ip_endpoints().prop_map(|endpoints| {
        ProxyHeader::Relayed(Relayed { transport: Transport::Stream, endpoints, tlvs: Tlvs::default() })
    });
    prop_oneof![1 => Just(ProxyHeader::Unknown), 4 => relayed]
}

/// Octets that begin like a header and then do as they please.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let start = prop::sample::select(vec![
        &b""[..],
        b"PROXY ",
        b"PROXY TCP4 ",
        b"PROXY TCP6 ::1 ",
        b"PROXY UNKNOWN",
        &V2_IP4[..12],
        &V2_IP4[..13],
        &V2_IP4[..14],
        &V2_IP4[..15],
        &V2_IP4[..16],
        &V2_IP4[..28],
    ]);
    let words = prop::collection::vec(prop::sample::select(&b" \r\n0123456789.:fTCP\0\x03\xff"[..]), 0..140);
    let rest = prop_oneof![prop::collection::vec(any::<u8>(), 0..140), words];
    (start, rest).prop_map(|(start, rest)| [start, &rest[..]].concat())
}

proptest! {
    #[test]
    fn cmd_21_version_2_round_trips_and_takes_no_octet_behind_it(header in header(), behind in "[A-Z\r\n]{0,20}") {
        let octets = header.encode_v2().unwrap();
        let (result, left) = read([&[&octets[..], behind.as_bytes()].concat()[..]]);
        prop_assert_eq!(result, Ok(Some(header)));
        prop_assert_eq!(left, behind.as_bytes());
    }

    #[test]
    fn cmd_21_version_1_round_trips_and_takes_no_octet_behind_it(header in v1_header(), behind in "[A-Z\r\n]{0,20}") {
        let octets = header.encode_v1().unwrap();
        prop_assert!(octets.len() <= V1_MAX);
        let (result, left) = read([&[&octets[..], behind.as_bytes()].concat()[..]]);
        prop_assert_eq!(result, Ok(Some(header)));
        prop_assert_eq!(left, behind.as_bytes());
    }

    #[test]
    fn cmd_21_any_split_of_a_header_reads_alike(header in header(), v1 in v1_header()) {
        assert_any_split_reads_alike(&header.encode_v2().unwrap());
        assert_any_split_reads_alike(&v1.encode_v1().unwrap());
    }

    #[test]
    fn cmd_21_any_split_of_noise_reads_alike_and_never_panics(noise in noise()) {
        let whole = read([&noise[..]]);
        for at in 1..noise.len() {
            prop_assert_eq!(&read([&noise[..at], &noise[at..]]).0, &whole.0, "cut at {}", at);
        }
        prop_assert_eq!(&read(noise.chunks(1)).0, &whole.0);
        if let Ok(Some(ProxyHeader::Relayed(relayed))) = whole.0 {
            prop_assert!(relayed.tlvs.iter().count() <= noise.len());
        }
    }

    #[test]
    fn cmd_21_one_octet_changed_is_refused_or_says_something_else(
        header in header(), at in any::<prop::sample::Index>(), other in 1..=u8::MAX,
    ) {
        let mut octets = header.encode_v2().unwrap().to_vec();
        let at = at.index(octets.len());
        octets[at] ^= other;
        // A LOCAL header may say anything in the octets that it does not use.
        let unused = header == ProxyHeader::Local && at == 13;
        prop_assert_eq!(read_whole(&octets) == Ok(Some(header)), unused);
    }

    #[test]
    fn cmd_21_a_checksum_is_verified(
        vectors in tlvs(), transport in transport(), endpoints in endpoints(),
        at in any::<prop::sample::Index>(), other in 1..=u8::MAX,
    ) {
        let with_sum = vectors.iter().chain([(TLV_CRC32C, &[0; 4][..])]);
        let tlvs = Tlvs::new(with_sum).unwrap();
        let header = ProxyHeader::Relayed(Relayed { transport, endpoints, tlvs });
        let octets = header.encode_v2().unwrap().to_vec();
        let again = read_whole(&octets).unwrap().unwrap();
        prop_assert_eq!(again.source(), header.source());
        prop_assert_eq!(&again.encode_v2().unwrap()[..], &octets[..]);
        // Whatever is changed behind the length is noticed.
        let mut broken = octets;
        let at = 16 + at.index(broken.len() - 16);
        broken[at] ^= other;
        let result = read_whole(&broken);
        let noticed = match &result {
            Err(ProxyError::Checksum | ProxyError::Tlv { .. }) => true,
            // The vector that held the checksum has become one of another type.
            Ok(Some(ProxyHeader::Relayed(relayed))) => relayed.tlvs.find(TLV_CRC32C).is_none(),
            _ => false,
        };
        prop_assert!(noticed, "{:?}", result);
    }
}

#[test]
fn the_examples_read_as_they_are_written() {
    assert_eq!(read_whole(V1_IP4), Ok(Some(ip4(Transport::Stream, Tlvs::default()))));
    assert_eq!(ip4(Transport::Stream, Tlvs::default()).encode_v1().unwrap(), V1_IP4);
    let tlvs = Tlvs::new([(2, &b"mail.example"[..])]).unwrap();
    let header = ip4(Transport::Stream, tlvs);
    assert_eq!(read_whole(V2_IP4), Ok(Some(header.clone())));
    assert_eq!(header.encode_v2().unwrap(), V2_IP4);
    assert_eq!(header.source(), Some("192.0.2.1:49152".parse().unwrap()));
    assert_eq!(header.destination(), Some("198.51.100.7:25".parse().unwrap()));
    let ip6 = read_whole(b"PROXY TCP6 2001:DB8::1 ::ffff:192.0.2.1 0 65535\r\n").unwrap().unwrap();
    assert_eq!(ip6.source(), Some("[2001:db8::1]:0".parse().unwrap()));
    assert_eq!(ip6.destination(), Some("[::ffff:192.0.2.1]:65535".parse().unwrap()));
}

#[test]
fn what_is_not_relayed_has_no_addresses() {
    for line in [&b"PROXY UNKNOWN\r\n"[..], b"PROXY UNKNOWN ffff:f::1 what ever 1 2 3 \xff\0\r\n"] {
        assert_eq!(read_whole(line), Ok(Some(ProxyHeader::Unknown)), "{line:?}");
    }
    let v2 = |rest: &[u8]| read_whole(&[&V2_IP4[..12], rest].concat());
    // LOCAL: the family and the block are to be passed over, whatever they are.
    assert_eq!(v2(b"\x20\x00\x00\x00"), Ok(Some(ProxyHeader::Local)));
    assert_eq!(v2(b"\x20\xff\x00\x03abc"), Ok(Some(ProxyHeader::Local)));
    // Neither a family nor a transport; one without the other is refused, see below.
    assert_eq!(v2(b"\x21\x00\x00\x02ab"), Ok(Some(ProxyHeader::Unknown)));
    assert_eq!(ProxyHeader::Unknown.source(), None);
    assert_eq!(ProxyHeader::Local.destination(), None);
}

#[test]
fn version_1_has_no_words_for_some_headers() {
    assert_eq!(ProxyHeader::Local.encode_v1(), None);
    assert_eq!(ip4(Transport::Datagram, Tlvs::default()).encode_v1(), None);
    assert_eq!(ip4(Transport::Stream, Tlvs::new([(4, &b""[..])]).unwrap()).encode_v1(), None);
}

#[test]
fn a_unix_address_ends_at_its_first_zero() {
    let address = UnixAddress::new(b"/run/mail.sock").unwrap();
    assert_eq!(address.octets().len(), UnixAddress::OCTETS);
    assert_eq!(address.path(), b"/run/mail.sock");
    assert_eq!(UnixAddress::new(&[b'x'; 108]).unwrap().path(), [b'x'; 108]);
    assert_eq!(UnixAddress::new(&[b'x'; 109]), None);
    assert_eq!(UnixAddress::new(b"").unwrap().path(), b"");
}

#[test]
fn cmd_21_each_field_of_version_1_broken_is_refused() {
    let cases: [(&[u8], ProxyError); 30] = [
        (b"EHLO client.example\r\n", ProxyError::Signature),
        (b"proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", ProxyError::Signature),
        (b"PROXYTCP4", ProxyError::Signature),
        (b"PROXY\tTCP4", ProxyError::Signature),
        (b"PROXY\r\n", ProxyError::Signature),
        (b" PROXY TCP4", ProxyError::Signature),
        (b"PROXY \r\n", ProxyError::Protocol),
        (b"PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n", ProxyError::Protocol),
        (b"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", ProxyError::Protocol),
        (b"PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n", ProxyError::Protocol),
        (b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", ProxyError::Protocol),
        (b"PROXY UNKNOWNS\r\n", ProxyError::Protocol),
        (b"PROXY TCP4\r\n", ProxyError::Words),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", ProxyError::Words),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", ProxyError::Words),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", ProxyError::Words),
        (b"PROXY TCP4  192.0.2.1 192.0.2.2 1\r\n", ProxyError::Address),
        (b"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", ProxyError::Address),
        (b"PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n", ProxyError::Address),
        (b"PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n", ProxyError::Address),
        (b"PROXY TCP4 ::1 192.0.2.2 1 2\r\n", ProxyError::Address),
        (b"PROXY TCP6 ::1 192.0.2.2 1 2\r\n", ProxyError::Address),
        (b"PROXY TCP6 ::1 fe80::1%lo 1 2\r\n", ProxyError::Address),
        (b"PROXY TCP6 ::1 1::2::3 1 2\r\n", ProxyError::Address),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", ProxyError::Port),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", ProxyError::Port),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", ProxyError::Port),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", ProxyError::BareLineEnd),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n", ProxyError::BareLineEnd),
        (b"PROXY UNKNOWN a\nb\r\n", ProxyError::BareLineEnd),
    ];
    for (input, error) in cases {
        assert_eq!(refused(input), error, "{}", input.escape_ascii());
        assert_any_split_reads_alike(input);
    }
}

#[test]
fn cmd_21_each_field_of_version_2_broken_is_refused() {
    let with = |at: usize, octets: &[u8]| {
        let mut input = V2_IP4.to_vec();
        input[at..at + octets.len()].copy_from_slice(octets);
        refused(&input)
    };
    for at in 0..12 {
        assert_eq!(with(at, b"#"), ProxyError::Signature, "octet {at}");
    }
    assert_eq!(with(12, b"\x11"), ProxyError::Version(1));
    assert_eq!(with(12, b"\x31"), ProxyError::Version(3));
    assert_eq!(with(12, b"\x22"), ProxyError::Command(2));
    assert_eq!(with(13, b"\x41"), ProxyError::Family(0x41));
    assert_eq!(with(13, b"\x13"), ProxyError::Family(0x13));
    assert_eq!(with(13, b"\x03"), ProxyError::Family(0x03));
    assert_eq!(with(13, b"\x21"), ProxyError::AddressesCut { length: 27, needed: 36 });
    assert_eq!(with(13, b"\x31"), ProxyError::AddressesCut { length: 27, needed: 216 });
    assert_eq!(with(14, b"\x00\x0b"), ProxyError::AddressesCut { length: 11, needed: 12 });
    assert_eq!(with(14, b"\x00\x1a"), ProxyError::Tlv { offset: 0 });
    assert_eq!(with(14, b"\x00\x0e"), ProxyError::Tlv { offset: 0 });
    assert_eq!(with(30, b"\x0d"), ProxyError::Tlv { offset: 0 });
    // The last octet of the first vector is cut off, or it is shorter and what follows is no vector.
    assert_eq!(with(30, b"\x0a"), ProxyError::Tlv { offset: 13 });
    // A checksum of another length than four, twice, or wrong.
    assert_eq!(with(28, b"\x03"), ProxyError::Tlv { offset: 0 });
    assert_eq!(with(28, b"\x03\0\x04abcd\x04\0\x05"), ProxyError::Checksum);
    assert_eq!(with(28, b"\x03\0\x04abcd\x03\0\x04abcd\x04"), ProxyError::Checksum);
    assert_eq!(with(28, b"\x04\0\x00\x03\0\x04abcd\x03\0\x02"), ProxyError::Tlv { offset: 10 });
    assert_eq!(Tlvs::new([(TLV_CRC32C, &[0; 4][..]), (TLV_CRC32C, &[0; 4][..])]), None);
    assert_eq!(Tlvs::new([(TLV_CRC32C, &[0; 5][..])]), None);
    assert_eq!(Tlvs::new([(4, &[0; HEADER_MAX][..])]), None);
}

#[test]
fn cmd_21_a_cut_header_is_never_one() {
    for header in [V1_IP4, V2_IP4] {
        for length in 0..header.len() {
            assert_eq!(read_whole(&header[..length]), Ok(None), "{length} octets");
        }
    }
}

#[test]
fn cmd_21_a_line_of_version_1_has_107_octets_at_most() {
    let line = |octets: usize| [&b"PROXY UNKNOWN "[..], &vec![b'x'; octets - 16], b"\r\n"].concat();
    assert_eq!(read_whole(&line(107)), Ok(Some(ProxyHeader::Unknown)));
    assert_eq!(refused(&line(108)), ProxyError::TooLong { limit: V1_MAX });
    assert_any_split_reads_alike(&line(107));
    assert_any_split_reads_alike(&line(108));
    assert_eq!(read_whole(&line(200)[..106]), Ok(None));
    assert_eq!(refused(&line(200)[..107]), ProxyError::TooLong { limit: V1_MAX });
}

#[test]
fn cmd_21_a_length_over_the_limit_is_refused_before_its_octets_come() {
    for length in [4_081_u16, 8_192, u16::MAX] {
        for command in [b"\x20\x00", b"\x21\x11"] {
            let head = [&V2_IP4[..12], command, &length.to_be_bytes()].concat();
            assert_eq!(refused(&head), ProxyError::TooLong { limit: HEADER_MAX });
        }
    }
    let longest = [&V2_IP4[..12], b"\x20\x00", &4_080_u16.to_be_bytes(), &[0; 4_080]].concat();
    assert_eq!(longest.len(), HEADER_MAX);
    assert_eq!(read_whole(&longest), Ok(Some(ProxyHeader::Local)));
    let value = [0; HEADER_MAX - 16 - 12 - 3];
    let header = ip4(Transport::Stream, Tlvs::new([(4, &value[..])]).unwrap());
    assert_eq!(header.encode_v2().unwrap().len(), HEADER_MAX);
    let longer = Tlvs::new([(4, &value[..]), (4, b"")]).unwrap();
    assert_eq!(ip4(Transport::Stream, longer).encode_v2(), None);
}

#[test]
fn cmd_21_a_hundred_kilobytes_are_refused_in_bounded_memory() {
    const READ_OCTETS: usize = 1_024;
    let starts: [&[u8]; 4] =
        [b"PROXY TCP4 ", b"PROXY UNKNOWN ", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", b"XCLIENT "];
    for start in starts {
        let flood = [start, &[b'x'; 100 * 1_024]].concat();
        let mut reads = 0;
        let measured = measure(|| {
            let mut buffer = ReceiveBuffer::new();
            for piece in flood.chunks(READ_OCTETS) {
                buffer.push(piece);
                reads += 1;
                match ProxyHeader::read(&mut buffer) {
                    Ok(None) => {}
                    Ok(Some(header)) => panic!("{header:?} out of {}", start.escape_ascii()),
                    Err(_) => return,
                }
            }
            panic!("{} was never refused", start.escape_ascii());
        });
        assert_eq!(reads, 1, "{}", start.escape_ascii());
        assert!(measured.peak <= 2 * READ_OCTETS as u64, "{measured:?}");
    }
}

#[test]
fn a_header_does_not_keep_the_read_it_came_in_alive() {
    let mut header = None;
    let measured = measure(|| {
        let mut buffer = ReceiveBuffer::new();
        buffer.push(&[V2_IP4, &[b'x'; 60_000]].concat());
        header = ProxyHeader::read(&mut buffer).unwrap();
    });
    assert!(header.is_some());
    assert!(measured.kept < 256, "{measured:?}");
}

#[test]
fn cmd_21_a_family_without_a_transport_or_a_transport_without_a_family_is_refused() {
    for half in (1..=u8::MAX).filter(|octet| octet >> 4 == 0 || octet & 0xf == 0) {
        let mut octets = ProxyHeader::Unknown.encode_v2().unwrap().to_vec();
        octets[13] = half;
        assert_eq!(read_whole(&octets), Err(ProxyError::Family(half)), "{half:#04x}");
    }
}
