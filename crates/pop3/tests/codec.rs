//! The codec: round trips, totality, and what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use bytes::BytesMut;
use posthaste_pop3::{
    ApopDigest, Bytes, Command, LanguageRange, LanguageTag, MechanismName, MessageNumber, Password, Secret,
    Uidl, UserName, encode, parse,
};
use proptest::prelude::*;

fn number() -> impl Strategy<Value = MessageNumber> {
    (1..=u32::MAX).prop_map(|number| MessageNumber::new(number).unwrap())
}

fn secret() -> impl Strategy<Value = Secret> {
    prop::collection::vec(any::<u8>(), 0..40).prop_map(Secret::new)
}

fn language() -> impl Strategy<Value = LanguageRange> {
    let tag = "[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8}){0,2}";
    let tag = tag.prop_map(|tag| LanguageRange::Tag(LanguageTag::new(&tag).unwrap()));
    prop_oneof![Just(LanguageRange::Any), tag]
}

fn command() -> impl Strategy<Value = Command> {
    let name = || "[!-~]([ -~é]{0,20}[!-~])?".prop_map(|name| UserName::new(name).unwrap());
    let word = "[!-~]{1,20}".prop_map(|name| UserName::new(name).unwrap());
    let password = prop::collection::vec(any::<u8>(), 1..40)
        .prop_filter_map("cannot be sent", |octets| Password::new(Secret::new(octets)).ok());
    let mechanism = "[A-Z0-9_-]{1,20}".prop_map(|name| MechanismName::new(&name).unwrap());
    prop_oneof![
        name().prop_map(Command::User),
        password.prop_map(Command::Pass),
        (word, "[0-9a-f]{32}").prop_map(|(name, digest)| Command::Apop {
            name,
            digest: ApopDigest::new(digest.as_bytes()).unwrap()
        }),
        (mechanism, prop::option::of(secret()))
            .prop_map(|(mechanism, initial)| Command::Auth { mechanism, initial }),
        prop::option::of(number()).prop_map(Command::List),
        prop::option::of(number()).prop_map(Command::Uidl),
        number().prop_map(Command::Retr),
        number().prop_map(Command::Dele),
        (number(), any::<u32>()).prop_map(|(number, lines)| Command::Top { number, lines }),
        prop::option::of(language()).prop_map(Command::Lang),
        Just(Command::Utf8),
        Just(Command::Capa),
        Just(Command::Stls),
        Just(Command::Stat),
        Just(Command::Noop),
        Just(Command::Rset),
        Just(Command::Quit),
    ]
}

fn line(command: &Command) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode::command(command, &mut out);
    out.to_vec()
}

proptest! {
    #[test]
    fn a_command_is_read_as_it_was_written(command in command()) {
        let line = line(&command);
        let content = line.strip_suffix(b"\r\n").unwrap();
        prop_assert!(!content.iter().any(|octet| matches!(octet, b'\r' | b'\n')), "one command, one line");
        prop_assert_eq!(parse::command(content), Ok(command));
    }

    #[test]
    fn keywords_are_read_in_any_case_and_never_as_a_prefix(command in command()) {
        let line = line(&command);
        let content = line.strip_suffix(b"\r\n").unwrap();
        let keyword = content.split(|octet| *octet == b' ').next().unwrap().len();
        let lower = [content[..keyword].to_ascii_lowercase(), content[keyword..].to_vec()].concat();
        prop_assert_eq!(parse::command(&lower), Ok(command));
        let longer = [&content[..keyword], &b"X"[..], &content[keyword..]].concat();
        prop_assert!(parse::command(&longer).is_err());
    }

    #[test]
    fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(command) = parse::command(&octets) {
            let line = line(&command);
            prop_assert_eq!(parse::command(line.strip_suffix(b"\r\n").unwrap()), Ok(command));
        }
        if let Ok(reply) = parse::reply(&Bytes::from(octets.clone())) {
            let mut out = BytesMut::new();
            encode::reply(&reply, &mut out);
            let line = out.freeze();
            prop_assert_eq!(parse::reply(&line.slice(..line.len() - 2)), Ok(reply));
        }
        let _ = (parse::challenge(&octets), parse::stat(&octets), parse::size_row(&octets));
        let _ = parse::uidl_row(&octets);
    }

    #[test]
    fn rows_are_read_whatever_the_spacing(
        number in number(), octets in any::<u64>(), id in "[!-~]{1,70}", spaces in " {1,4}", junk in "( .*)?",
    ) {
        let row = format!("{number}{spaces}{octets}{junk}");
        prop_assert_eq!(parse::size_row(row.as_bytes()), Ok((number, octets)));
        let row = format!("{number}{spaces}{id}{junk}");
        prop_assert_eq!(parse::uidl_row(row.as_bytes()), Ok((number, Uidl::new(&id).unwrap())));
    }
}

#[test]
fn pop_01_numbers_that_are_none_are_refused() {
    for line in [
        "RETR 0",
        "RETR -1",
        "RETR 4294967296",
        "RETR 1x",
        "RETR 1 2",
        "RETR",
        "RETR ",
        "RETR  1",
        "TOP 1 -1",
        "TOP 1 18446744073709551616",
        "TOP 1",
        "TOP 1 4294967296",
        "TOP 1 2 3",
        "LIST x",
        "LIST +1",
        "UIDL 0",
        "DELE",
        "DELE 1,2",
        "STAT 1",
        "NOOP x",
        "QUIT now",
        "\u{661}",
    ] {
        assert!(parse::command(line.as_bytes()).is_err(), "{line}");
    }
}

#[test]
fn an_error_says_where_and_what() {
    let error = parse::command(b"RETR 4294967296").unwrap_err();
    assert_eq!(error.to_string(), "message number expected at octet 5");
    assert_eq!(parse::command(b"XYZZY").unwrap_err().to_string(), "keyword expected at octet 0");
    assert_eq!(parse::command(b"STAT 1").unwrap_err().to_string(), "end of line expected at octet 5");
}

#[test]
fn spaces_at_the_end_of_a_line_are_forgiven_but_not_in_a_password() {
    assert_eq!(parse::command(b"LIST "), Ok(Command::List(None)));
    assert_eq!(parse::command(b"NOOP  "), Ok(Command::Noop));
    let Ok(Command::Pass(password)) = parse::command(b"PASS  two  words ") else { panic!() };
    assert_eq!(password.secret().expose(), b" two  words ");
}

#[test]
fn inj_13_an_argument_cannot_hold_a_line_end() {
    assert!(UserName::new("a\r\nDELE 1").is_err());
    assert!(UserName::new("a\nb").is_err());
    assert!(Password::new(Secret::from("x\r\nDELE 1\r\n")).is_err());
    assert!(MechanismName::new("PLAIN x").is_err());
    assert!(Uidl::new("a b").is_err());
    assert!(Uidl::new(&"x".repeat(71)).is_err());
}

#[test]
fn auth_02_base64_is_strict() {
    assert_eq!(parse::base64(b"AHUAcA==").unwrap().expose(), b"\0u\0p");
    for text in [
        "AHU AcA==",
        "AHUA\rcA==",
        "AHUAcA",
        "AHUAcA=",
        "AHUAcA===",
        "-_-_",
        "AHUAcB==",
        "A",
        "\x01\x02",
        "=AAA",
    ] {
        assert!(parse::base64(text.as_bytes()).is_err(), "{text:?}");
        assert!(parse::command(format!("AUTH PLAIN {text}").as_bytes()).is_err(), "{text:?}");
    }
}

#[test]
fn response_codes_are_told_from_text() {
    let read = |line: &'static str| parse::reply(&Bytes::from_static(line.as_bytes())).unwrap();
    let reply = read("-ERR [AUTH] no");
    assert_eq!((reply.code().unwrap().as_str(), reply.text().as_ref()), ("AUTH", &b"no"[..]));
    assert_eq!(read("-err [in-use]").code().unwrap().as_str(), "IN-USE");
    assert_eq!(read("+OK [not a code] x").code(), None);
    assert!(read("+OK").is_ok());
    assert!(parse::reply(&Bytes::from_static(b"+OKAY")).is_err());
    assert!(parse::reply(&Bytes::from_static(b"1 120")).is_err());
}
