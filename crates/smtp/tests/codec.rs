//! What is written reads back as the same; what is read never panics.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use bytes::{Bytes, BytesMut};
use posthaste_smtp::{
    AuthIdentity, BodyType, Command, EnhancedStatus, ForwardPath, LocalPart, MailParameters, Mailbox,
    Parameter, RcptParameters, Reply, ReplyReader, ReversePath, Secret,
};
use proptest::prelude::*;

fn mailbox() -> impl Strategy<Value = Mailbox> {
    let domain = "([a-z0-9]{1,8}\\.){0,3}[a-z]{2,5}|\\[192\\.0\\.2\\.1\\]|\\[IPv6:2001:db8::1\\]";
    ("[ -~]{0,20}", domain).prop_map(|(local_part, domain)| {
        Mailbox::new(LocalPart::new(&local_part).unwrap(), domain.parse().unwrap()).unwrap()
    })
}

fn others() -> impl Strategy<Value = Vec<Parameter>> {
    prop::collection::btree_map("X[A-Z0-9-]{0,6}", prop::option::of("[!-<>-~]{1,6}"), 0..4).prop_map(|map| {
        map.iter().map(|(keyword, value)| Parameter::new(keyword, value.as_deref()).unwrap()).collect()
    })
}

fn command() -> impl Strategy<Value = Command> {
    let from = prop_oneof![Just(ReversePath::Null), mailbox().prop_map(ReversePath::Mailbox)];
    let to = prop_oneof![Just(ForwardPath::Postmaster), mailbox().prop_map(ForwardPath::Mailbox)];
    let auth = prop_oneof![Just(AuthIdentity::Unknown), mailbox().prop_map(AuthIdentity::Mailbox)];
    let body = prop_oneof![Just(BodyType::SevenBit), Just(BodyType::EightBitMime)];
    let parameters = (any::<Option<u64>>(), prop::option::of(body), prop::option::of(auth), others());
    prop_oneof![
        (from, parameters).prop_map(|(from, (size, body, auth, others))| {
            let mut parameters = MailParameters::default();
            (parameters.size, parameters.body) = (size, body);
            (parameters.auth, parameters.others) = (auth, others);
            Command::Mail { from, parameters }
        }),
        (to, others()).prop_map(|(to, others)| {
            let mut parameters = RcptParameters::default();
            parameters.others = others;
            Command::Rcpt { to, parameters }
        }),
        "[a-zA-Z0-9_]{1,20}(\\.[a-z0-9]{1,9}){0,3}".prop_map(|name| Command::Ehlo(name.parse().unwrap())),
        ("[!-~]([ -~]{0,30}[!-~])?", any::<bool>())
            .prop_map(|(text, smtp_utf8)| Command::Vrfy { text: text.parse().unwrap(), smtp_utf8 }),
        prop::option::of(prop::collection::vec(any::<u8>(), 0..40)).prop_map(|initial| Command::Auth {
            mechanism: "PLAIN".parse().unwrap(),
            initial: initial.map(Secret::new),
        }),
        Just(Command::Data),
        Just(Command::Rset),
        Just(Command::Quit),
        Just(Command::StartTls),
        Just(Command::Noop),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    let enhanced = prop::option::of((0u16..1000, 0u16..1000));
    // A text without status that begins with a digit could read as one with a status.
    (
        prop::sample::select(vec![2u16, 4, 5]),
        0u16..100,
        enhanced,
        "[A-Za-z][!-~\u{e9}]{0,40}(\n[A-Za-z][!-~ ]{0,9}[!-~])?",
    )
        .prop_map(|(class, rest, enhanced, text)| {
            let status = enhanced.map(|(subject, detail)| {
                EnhancedStatus::new(u8::try_from(class).unwrap(), subject, detail).unwrap()
            });
            Reply::new(class * 100 + rest, status, &text).unwrap()
        })
}

fn read(octets: &[u8]) -> Option<Reply> {
    let mut reader = ReplyReader::new();
    let mut last = None;
    for line in octets.strip_suffix(b"\r\n")?.split(|octet| *octet == b'\n') {
        last = reader.line(&Bytes::copy_from_slice(line.strip_suffix(b"\r").unwrap_or(line))).ok()?;
    }
    last
}

proptest! {
    #[test]
    fn a_mailbox_reads_back(mailbox in mailbox()) {
        prop_assert_eq!(mailbox.to_string().parse::<Mailbox>().unwrap(), mailbox);
    }

    #[test]
    fn a_command_reads_back(command in command()) {
        let mut out = BytesMut::new();
        command.encode(&mut out);
        let line = out.strip_suffix(b"\r\n").unwrap();
        prop_assert!(!line.contains(&b'\r') && !line.contains(&b'\n'));
        prop_assert_eq!(Command::parse(&Bytes::copy_from_slice(line)).unwrap(), command);
    }

    #[test]
    fn a_reply_reads_back(reply in reply()) {
        let mut out = BytesMut::new();
        reply.encode(&mut out);
        prop_assert_eq!(read(&out), Some(reply));
    }

    #[test]
    fn what_parses_is_a_fixed_point(line in "(?i)(mail from:|rcpt to:|auth |ehlo )[ -~]{0,40}") {
        if let Ok(command) = Command::parse(&line.into()) {
            let mut out = BytesMut::new();
            command.encode(&mut out);
            prop_assert_eq!(Command::parse(&Bytes::copy_from_slice(out.strip_suffix(b"\r\n").unwrap())), Ok(command));
        }
    }

    #[test]
    fn any_octets_are_survived(line in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = Command::parse(&line.clone().into());
        let _ = Command::parse(&[b"MAIL FROM:<", &line[..]].concat().into());
        let _ = Command::parse(&[b"RCPT TO:<\"", &line[..]].concat().into());
        let _ = ReplyReader::new().line(&[b"250-", &line[..]].concat().into());
        let _ = ReplyReader::new().line(&line.into());
    }
}

#[test]
fn source_routes_are_dropped() {
    let path: ForwardPath = "<@a.test,@b.test:c@d.test>".parse().unwrap();
    assert_eq!(path.to_string(), "<c@d.test>");
}

#[test]
fn quoting_is_only_how_it_is_written() {
    assert_eq!("\"abc\"@d.test".parse::<Mailbox>(), "abc@d.test".parse());
    assert_eq!("\"a \\\"b\"@d.test".parse::<Mailbox>().unwrap().local_part().as_str(), "a \"b");
}

#[test]
fn lengths_of_rfc_5321_4_5_3_1_are_exact() {
    let local = |octets: usize| "a".repeat(octets).parse::<LocalPart>();
    assert!(local(64).is_ok());
    assert!(local(65).is_err());
    let path = |octets: usize| {
        format!("<a@{}>", "d.".repeat(octets).get(..octets - 5).unwrap().to_owned() + "d")
            .parse::<ReversePath>()
    };
    assert!(path(256).is_ok());
    assert!(path(257).is_err());
}

#[test]
fn replies_as_servers_write_them_are_read() {
    assert!(read(b"250\r\n").unwrap().lines().eq([""]));
    assert!(read(b"220-a\r\n220-\r\n220 c\r\n").unwrap().lines().eq(["a", "", "c"]));
    let reply = read(b"550-5.1.1 no\r\n550 5.1.1 user\r\n").unwrap();
    assert_eq!(reply.enhanced(), EnhancedStatus::new(5, 1, 1).ok());
    assert_eq!(read(b"250-a\r\n550 b\r\n"), None);
    assert_eq!(read(b"1234\r\n"), None);
}
