//! Attacks on the codec by the ids of the catalogue: injection through arguments, hostile servers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod codec_support;

use bytes::Bytes;
use codec_support::on_the_wire;
use posthaste_imap::encode::{self, EncodeContext, Fragment, LiteralMode};
use posthaste_imap::parse::{self, LiteralMarker, literal_marker};
use posthaste_imap::types::*;
use posthaste_testkit::measure;

fn fragments(command: &Command, literals: LiteralMode) -> Vec<Fragment> {
    encode::command(&Tag::new("a").unwrap(), command, EncodeContext { literals, utf8: false })
}

fn read(line: &Bytes) -> Response {
    parse::response(line, &ParseContext::client()).unwrap().response
}

#[test]
fn inj_08_line_ends_travel_in_literals_and_wait_for_the_server() {
    let search = |text: &str| {
        let keys = vec![SearchKey::Text(AString::new(text.to_owned()).unwrap())];
        Command::Search(Addressing::Sequence, SearchCommand { returns: None, charset: None, keys })
    };
    let command = search("x\r\na DELETE INBOX");
    let pieces = fragments(&command, LiteralMode::Synchronising);
    assert!(matches!(&pieces[0], Fragment::Bytes(octets) if octets == "a SEARCH TEXT {17}\r\n"));
    assert_eq!(pieces[1], Fragment::SyncPoint);
    assert!(Mailbox::new("INBOX\r\nA2 DELETE x").is_err() && Mailbox::new("a\nb").is_err());
    assert!(AString::new("a\0").is_err());
}

#[test]
fn inj_09_no_argument_ends_a_line_like_a_literal() {
    for text in ["{0}", "{0+}", "{123}", "~{1}", "x {5}"] {
        let key = SearchKey::Text(AString::new(text).unwrap());
        let search = SearchCommand { returns: None, charset: None, keys: vec![key] };
        let line =
            on_the_wire(&fragments(&Command::Search(Addressing::Uid, search), LiteralMode::Synchronising));
        assert_eq!(literal_marker(&line[..line.len() - 2]), LiteralMarker::None, "{text}");
    }
}

#[test]
fn inj_10_what_is_no_atom_flag_entry_or_right_cannot_be_made() {
    for text in ["X\r\n", "", "a b", "FLAGS\r\n", "\\Seen\r\nA"] {
        assert!(Capability::new(text).is_err() && Flag::new(text).is_err() && Label::new(text).is_err());
        assert!(ObjectId::new(text).is_err() && EntryName::new(text).is_err());
    }
    assert!(Rights::new("lr\r\n").is_err() && Rights::new("L").is_err());
    assert!(
        EntryName::new("/a\r\n").is_err() && EntryName::new("/a*").is_err() && EntryName::new("/a/").is_err()
    );
    // An identifier of quotas or lists is a string: it is quoted, or a literal.
    let command = Command::GetQuota(AString::new("x\"\r\nA DELETE").unwrap());
    let line = on_the_wire(&fragments(&command, LiteralMode::NonSynchronising));
    assert_eq!(line, "a GETQUOTA {12+}\r\nx\"\r\nA DELETE\r\n");
}

#[test]
fn inj_11_literals_wait_unless_the_server_said_that_they_need_not() {
    let of = |octets: usize| Command::GetQuota(AString::new(vec![b'x'; octets]).unwrap());
    let waits = |octets, mode| fragments(&of(octets), mode).contains(&Fragment::SyncPoint);
    for (octets, synchronising, small, any) in
        [(2_000, true, false, false), (4_096, true, false, false), (4_097, true, true, false)]
    {
        assert_eq!(waits(octets, LiteralMode::Synchronising), synchronising);
        assert_eq!(waits(octets, LiteralMode::NonSynchronisingSmall), small, "{octets}");
        assert_eq!(waits(octets, LiteralMode::NonSynchronising), any);
    }
}

#[test]
fn inj_16_a_keyword_is_an_atom_and_nothing_else() {
    for line in ["a SEARCH KEYWORD {5}\r\na b\r\n", "a SEARCH KEYWORD \"a\"", "a STORE 1 FLAGS ({1}\r\na)"] {
        assert!(parse::command(&Bytes::from(line), &ParseContext::server()).is_err(), "{line}");
    }
}

#[test]
fn hst_01_an_announced_length_is_not_memory() {
    for length in
        ["4294967295", "18446744073709551615", "18446744073709551616", "99999999999999999999", "-1", ""]
    {
        let line = Bytes::from(format!("* 1 FETCH (BODY[] {{{length}}}"));
        let taken = measure(|| drop(parse::response(&line, &ParseContext::client())));
        assert!(taken.peak < 4_096, "{length}: {taken:?}");
        let inline = Bytes::from(format!("* 1 FETCH (BODY[] {{{length}}}\r\nabc)"));
        assert!(parse::response(&inline, &ParseContext::client()).is_err(), "{length}");
    }
}

#[test]
fn hst_03_sets_stay_ranges() {
    for line in [
        "* OK [COPYUID 1 1:4294967295 1:4294967295] x",
        "* VANISHED 1:4294967295",
        "* ESEARCH UID ALL 1:4294967295",
        "* OK [MODIFIED 1:*] x",
        "* UIDBATCHES 4294967295:1",
    ] {
        let line = Bytes::from(line);
        let taken = measure(|| drop(read(&line)));
        assert!(taken.peak < 4_096, "{}: {taken:?}", line.escape_ascii());
    }
}

#[test]
fn hst_04_nesting_is_bounded_in_every_response() {
    let (open, close) = ("(".repeat(100_000), ")".repeat(100_000));
    for line in [
        format!("* 1 FETCH (BODYSTRUCTURE {open}{close})"),
        format!("* 1 FETCH (X {open}{close})"),
        format!("* NAMESPACE {open}{close} NIL NIL"),
        format!("* 1 FETCH (ENVELOPE {open}{close})"),
        format!("* ESEARCH X {open}{close}"),
        format!("* LIST () NIL a (X {open}{close})"),
    ] {
        assert!(parse::response(&Bytes::from(line), &ParseContext::client()).is_err());
    }
    // Threads may be as deep as a mailbox has messages: they are a flat list, also when they are dropped.
    let ladder = "(1 (2)".repeat(100_000);
    let Response::Thread(threads) = read(&Bytes::from(format!("* THREAD {ladder}{close}"))) else { panic!() };
    assert_eq!(threads.nodes().len(), 200_000);
    drop(threads);
}

#[test]
fn hst_05_impossible_numbers_are_told() {
    for line in ["* 4294967296 EXISTS", "* 99999999999999999999999 EXPUNGE", "* 1 FETCH", "* -1 EXISTS x\0"] {
        let parsed = parse::response(&Bytes::from(line), &ParseContext::client());
        assert!(parsed.is_err() || matches!(parsed.unwrap().response, Response::Other(_)), "{line}");
    }
}

#[test]
fn imap_12_no_number_of_a_command_is_out_of_range() {
    for line in [
        "a REPLACE 0 INBOX {1}",
        "a REPLACE 1:2 INBOX {1}",
        "a GETMETADATA INBOX \"/a\u{ff}\"",
        "a GETMETADATA (MAXSIZE 4294967296) INBOX /a",
        "a GETMETADATA (DEPTH 2) INBOX /a",
        "a SETQUOTA \"\" (STORAGE 18446744073709551616)",
        "a SETQUOTA \"\" (STORAGE -1)",
        "a SELECT x (QRESYNC (0 1))",
        "a SELECT x (QRESYNC (1 0))",
        "a SELECT x (QRESYNC (1))",
        "a SELECT x (QRESYNC (1 1 *))",
        "a SELECT x (QRESYNC)",
        "a FETCH 1 FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 2)",
        "a FETCH 1 FLAGS ()",
        "a FETCH 1 FLAGS (X)",
        "a STORE 1 (UNCHANGEDSINCE -1) FLAGS ()",
        "a UIDBATCHES 0",
        "a UIDBATCHES 500 0:1",
        "a NOTIFY SET",
        "a NOTIFY SET (PERSONAL ())",
        "a COMPRESS LZW",
        "a SORT () UTF-8 ALL",
        "a SORT (REVERSE) UTF-8 ALL",
        "a APPEND x CATENATE ()",
        "a APPEND x UTF8 ({1}",
        "a SETACL INBOX joe L",
        "a LIST (RECURSIVEMATCH) \"\" *",
    ] {
        assert!(parse::command(&Bytes::from(line), &ParseContext::server()).is_err(), "{line}");
    }
}
