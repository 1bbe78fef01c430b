//! Hostile commands: every reading is bounded, strict and without a panic; nothing secret is repeated.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use bytes::Bytes;
use posthaste_imap::error::{ParseError, ParseErrorKind};
use posthaste_imap::parse::{self, LiteralMarker, literal_marker};
use posthaste_imap::types::*;
use proptest::prelude::*;

fn command(line: impl AsRef<[u8]>) -> Result<Command, ParseError> {
    let line = Bytes::copy_from_slice(line.as_ref());
    parse::command(&line, &ParseContext::server()).map(|tagged| tagged.command)
}

fn assert_refused(line: impl AsRef<[u8]>) {
    let line = line.as_ref();
    assert!(command(line).is_err(), "accepted: {}", line.escape_ascii());
}

fn assert_taken(line: impl AsRef<[u8]>) {
    let line = line.as_ref();
    assert!(command(line).is_ok(), "{}: {:?}", line.escape_ascii(), command(line));
}

fn limit_of(line: impl AsRef<[u8]>) -> Option<usize> {
    match command(line).unwrap_err().kind {
        ParseErrorKind::Limit(limit) => Some(limit),
        _ => None,
    }
}

#[test]
fn imap_01_long_literals_are_announced_not_allocated() {
    for (digits, len) in [
        ("4294967295", 4_294_967_295),
        ("18446744073709551615", u64::MAX),
        ("18446744073709551616", u64::MAX),
        ("99999999999999999999", u64::MAX),
    ] {
        let LiteralMarker::Literal(header) = literal_marker(format!("A1 LOGIN {{{digits}}}").as_bytes())
        else {
            panic!("{digits}");
        };
        assert_eq!(header, LiteralHeader { len, synchronising: true, binary: false });
    }
    assert_eq!(literal_marker(b"A1 LOGIN {000000000000000000000}"), LiteralMarker::Malformed);
}

#[test]
fn imap_03_malformed_literal_headers_are_no_literals() {
    for tail in ["{-1}", "{-0}", "{+}", "{}", "{0x1}", "{1.0}", "{00000000000000000000005}", "{1++}", "{+1}"]
    {
        let line = format!("A1 LOGIN {tail}");
        assert_eq!(literal_marker(line.as_bytes()), LiteralMarker::Malformed, "{tail}");
        assert_refused(&line);
    }
    for tail in ["{1", "{1}x", "{1} ", "x}", "\"{1} x\" y}"] {
        assert_eq!(literal_marker(format!("A1 LOGIN {tail}").as_bytes()), LiteralMarker::None, "{tail}");
    }
    for (tail, len, synchronising, binary) in [
        ("{01}", 1, true, false),
        ("{0}", 0, true, false),
        ("{010+}", 10, false, false),
        ("~{7}", 7, true, true),
        ("~{7+}", 7, false, true),
        ("{00000000000000000005}", 5, true, false),
    ] {
        let marker = literal_marker(format!("A1 APPEND x {tail}").as_bytes());
        assert_eq!(marker, LiteralMarker::Literal(LiteralHeader { len, synchronising, binary }), "{tail}");
    }
    assert_eq!(literal_marker(b""), LiteralMarker::None);
    assert_eq!(literal_marker(b"}"), LiteralMarker::None);
}

#[test]
fn imap_07_nesting_is_bounded() {
    let max = ParseLimits::server().nesting_max;
    for (open, key, close) in [("(", "ALL", ")"), ("NOT ", "ALL", ""), ("OR ALL ", "ALL", "")] {
        let nested = |depth: usize| format!("A1 SEARCH {}{key}{}", open.repeat(depth), close.repeat(depth));
        assert_taken(nested(max));
        assert!(limit_of(nested(max + 1)).is_some(), "{open}");
        // Neither parsing nor dropping what was parsed so far may reach for the thread's stack.
        assert!(limit_of(nested(100_000)).is_some(), "{open}");
        assert_refused(format!("A1 SEARCH {}", open.repeat(100_000)));
    }
    assert_refused(format!("A1 FETCH 1 {}", "(".repeat(100_000)));
    assert_refused(format!("A1 STORE 1 FLAGS {}", "(".repeat(100_000)));
    assert_refused(format!("A1 ID {}", "(".repeat(100_000)));
    assert_refused(format!("A1 LIST {}", "(".repeat(100_000)));
    let mut before_login = ParseContext::server();
    before_login.limits = ParseLimits::before_login();
    let line = Bytes::from_static(b"A1 SEARCH (NOT ALL)");
    assert!(parse::command(&line, &before_login).is_err());
}

#[test]
fn imap_07_responses_nest_within_bounds() {
    let context = ParseContext::client();
    let deep =
        |open: &str, depth: usize| Bytes::from(format!("* 1 FETCH (BODYSTRUCTURE {}", open.repeat(depth)));
    for depth in [101, 100_000] {
        assert!(parse::response(&deep("(", depth), &context).is_err());
        assert!(parse::response(&deep("(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 1 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ", depth), &context).is_err());
        let namespace = Bytes::from(format!("* NAMESPACE {}", "(".repeat(depth)));
        assert!(parse::response(&namespace, &context).is_err());
        let unknown = Bytes::from(format!("* ESEARCH X {}", "(".repeat(depth)));
        assert!(parse::response(&unknown, &context).is_err());
    }
    let part = "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1)";
    let nested = |depth: usize| {
        let (open, close) = ("(".repeat(depth), " \"MIXED\")".repeat(depth));
        Bytes::from(format!("* 1 FETCH (BODYSTRUCTURE {open}{part}{close})"))
    };
    let read = |depth| match parse::response(&nested(depth), &context).map(|parsed| parsed.response) {
        Ok(Response::Fetch(_, items)) => matches!(items[..], [FetchItem::BodyStructure(_)]),
        _ => false,
    };
    assert!(read(99));
    assert!(!read(100));
}

#[test]
fn imap_08_sections_stay_in_range() {
    for item in [
        "BODY[0]",
        "BODY[4294967296]",
        "BODY[MIME]",
        "BODY[1.MIME.1]",
        "BODY[1.]",
        "BODY[.1]",
        "BODY[1..2]",
        "BODY[01]",
        "BODY[-1]",
        "BODY[HEADER.FIELDS ()]",
        "BODY[HEADER.FIELDS]",
        "BODY[HEADER.FIELDS (a]",
        "BODY[]<0.0>",
        "BODY[]<0>",
        "BODY[]<-1.1>",
        "BODY[]<4294967296.1>",
        "BODY[]<1.18446744073709551616>",
        "BODY[]<1.4294967296>",
        "BODY[]<1.1",
        "BINARY[1.MIME]",
        "BINARY.SIZE[1..]",
        "BINARY[HEADER]",
        "BODY[",
        "BODY[]]",
        "RFC822[]",
        "UNKNOWN",
        "",
        "()",
        "(FLAGS",
        "(FLAGS )",
        "( FLAGS)",
        "(FLAGS  UID)",
        "(ALL)",
        "FLAGS UID",
    ] {
        assert_refused(format!("A1 FETCH 1 {item}"));
    }
    assert!(limit_of(format!("A1 FETCH 1 BODY[1{}]", ".1".repeat(10_000))).is_some());
    let max = ParseLimits::server().section_depth_max;
    assert_taken(format!("A1 FETCH 1 BODY[1{}]", ".1".repeat(max - 1)));
    assert_eq!(limit_of(format!("A1 FETCH 1 BODY[1{}]", ".1".repeat(max))), Some(max));
    let widest = command("A1 FETCH 1 BODY.PEEK[4294967295.TEXT]<4294967295.4294967295>").unwrap();
    let Command::Fetch(_, fetch) = widest else { panic!() };
    let FetchAttribute::Section { partial: Some(partial), .. } = &fetch.attributes[0] else { panic!() };
    assert_eq!(u64::from(partial.offset) + u64::from(partial.count.get()), 8_589_934_590);
}

#[test]
fn imap_09_sets_stay_ranges() {
    for set in [
        "0",
        "1:0",
        "0:1",
        "4294967296",
        "1:2:3",
        ",1",
        "1,",
        "1,,2",
        ":1",
        "1:",
        "01",
        "-1",
        "1 :2",
        "**",
        "",
    ] {
        assert_refused(format!("A1 FETCH {set} FLAGS"));
        assert_refused(format!("A1 UID FETCH {set} FLAGS"));
    }
    for (text, largest, expected) in [
        ("1:4294967295", 9, vec![1..=u32::MAX]),
        ("4294967295:1", 9, vec![1..=u32::MAX]),
        ("*:*", 9, vec![9..=9]),
        ("*:1", 9, vec![1..=9]),
        ("3291:*", 9, vec![9..=3291]),
        ("1,1,1", 9, vec![1..=1]),
        ("5:4,3,9:*", 9, vec![3..=5, 9..=9]),
        ("*", 0, vec![0..=0]),
        ("4294967295,*", u32::MAX, vec![u32::MAX..=u32::MAX]),
    ] {
        let Command::Fetch(_, fetch) = command(format!("A1 FETCH {text} FLAGS")).unwrap() else { panic!() };
        let MessageSet::Numbers(set) = fetch.set else { panic!() };
        assert_eq!(set.resolve(largest), expected, "{text}");
        // Written back, a range with equal ends is one number.
        assert_eq!(set.to_string(), if text == "*:*" { "*" } else { text });
    }
    let max = ParseLimits::server().ranges_max;
    for range in ["1,", "1:*,"] {
        assert_taken(format!("A1 FETCH {}1 FLAGS", range.repeat(max - 1)));
        assert_eq!(limit_of(format!("A1 FETCH {}1 FLAGS", range.repeat(max))), Some(max));
        assert!(limit_of(format!("A1 FETCH {}1 FLAGS", range.repeat(100_000))).is_some());
    }
    // A response that names four thousand million UIDs costs two numbers.
    let line = Bytes::from_static(b"* OK [COPYUID 1 1:4294967295 1:4294967295] done");
    let parsed = parse::response(&line, &ParseContext::client()).unwrap();
    let Response::Untagged(Status { code: Some(ResponseCode::CopyUid { source, .. }), .. }) = parsed.response
    else {
        panic!()
    };
    assert_eq!((source.ranges().len(), source.len()), (1, 4_294_967_295));
}

#[test]
fn imap_11_impossible_dates_and_numbers_are_refused() {
    for key in [
        "SINCE 99-Jan-9999",
        "SINCE 31-Feb-2024",
        "SINCE 0-Jan-2024",
        "SINCE 1-Jan-24",
        "SINCE 1-Foo-2024",
        "SINCE \"1-Jan-2024",
        "LARGER 18446744073709551616",
        "LARGER -1",
        "SMALLER",
        "KEYWORD {1}\r\na",
        "KEYWORD \"a\"",
        "KEYWORD \\Seen",
        "NOT",
        "OR ALL",
        "OR",
        "()",
        "(ALL",
        "ALL)",
        "ALL ",
        " ALL",
        "ALL  SEEN",
        "UNKNOWN",
        "RETURN (MIN",
        "RETURN (PARTIAL 0:2) ALL",
        "RETURN (PARTIAL 1:18446744073709551615) ALL",
        "RETURN (PARTIAL -1:-4294967296) ALL",
        "RETURN (PARTIAL -1:2) ALL",
        "RETURN (PARTIAL 1:*) ALL",
        "OLDER 4294967296",
        "OLDER 0",
        "YOUNGER -1",
        "MODSEQ 18446744073709551616",
        // RFC 7162 7: 63 bits.
        "MODSEQ 9223372036854775808",
        "MODSEQ \"/flags/$a\" none 1",
        "EMAILID a.b",
        "FILTER a/b",
        "SAVEDON 30-Feb-2024",
        "FUZZY",
        "RETURN (MIN)",
        "CHARSET UTF-8",
    ] {
        assert_refused(format!("A1 SEARCH {key}"));
    }
    for set in ["1 FLAGS (CHANGEDSINCE 0)", "1 FLAGS (CHANGEDSINCE 9223372036854775808)"] {
        assert_refused(format!("A1 FETCH {set}"));
    }
    assert_refused("A1 STORE 1 (UNCHANGEDSINCE 9223372036854775808) FLAGS ()");
    assert_refused("A1 SELECT x (QRESYNC (1 9223372036854775808))");
    assert_taken("A1 FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775807)");
    assert_taken("A1 STORE 1 (UNCHANGEDSINCE 0) FLAGS ()");
    assert_taken("A1 SEARCH CHARSET x ALL");
    assert_taken("A1 SEARCH CHARSET utf-8 TEXT {2}\r\n\u{e4}");
    assert_taken("A1 SEARCH RETURN (PARTIAL -1:-4294967295 SAVE) MODSEQ 9223372036854775807 $");
    assert_taken("A1 UID SEARCH RETURN () 1:* (OR SEEN (NOT (NEW))) SINCE \"1-feb-2024\" SENTON 29-Feb-2024");
}

#[test]
fn imap_14_tags_are_checked_before_they_are_echoed() {
    let tag = |line: &[u8]| parse::tag(&Bytes::copy_from_slice(line), &ParseContext::server());
    for line in [
        &b""[..],
        b" NOOP",
        b"* NOOP",
        b"+ NOOP",
        b"a+b NOOP",
        b"a\x01 NOOP",
        b"a\x7f NOOP",
        b"a\x80 NOOP",
        b"tag( NOOP",
        b"tag{ NOOP",
        b"tag\" NOOP",
        b"t\\g NOOP",
        b"t%g NOOP",
        b"tag",
        b"tag\tNOOP",
        b"\0 NOOP",
    ] {
        assert!(tag(line).is_err(), "{}", line.escape_ascii());
        assert_refused(line);
    }
    let long = |length: usize| [&vec![b'a'; length][..], b" NOOP"].concat();
    assert_eq!(tag(&long(126)).unwrap().as_bytes(), &[b'a'; 126]);
    assert_eq!(tag(&long(127)).unwrap_err().kind, ParseErrorKind::Limit(126));
    assert!(tag(&long(65_536)).is_err());
    assert_eq!(tag(b"a]b[c} NOOP").unwrap().as_str(), "a]b[c}");
    // The tag is known although the command is not.
    assert_eq!(tag(b"a1 FOO BAR").unwrap().as_str(), "a1");
    assert_eq!(command("a1 FOO BAR").unwrap_err().kind, ParseErrorKind::Unknown);
}

#[test]
fn imap_15_quoted_strings_escape_two_octets_only() {
    let user = |line: &[u8]| match command(line) {
        Ok(Command::Login(login)) => Some(login.user().clone().into_bytes()),
        _ => None,
    };
    assert_eq!(user(br#"A1 LOGIN "a\"b" x"#).unwrap(), &b"a\"b"[..]);
    assert_eq!(user(br#"A1 LOGIN "a\\b" x"#).unwrap(), &b"a\\b"[..]);
    assert_eq!(user(br#"A1 LOGIN "" x"#).unwrap(), &b""[..]);
    for line in [
        &br#"A1 LOGIN "a\x" x"#[..],
        br#"A1 LOGIN "a x"#,
        br#"A1 LOGIN "a\"#,
        br#"A1 LOGIN "a\" x"#,
        b"A1 LOGIN \"a\0\" x",
        b"A1 LOGIN \"a\\\0\" x",
        b"A1 LOGIN \"a\r\n\" x",
        b"A1 LOGIN \"a\n\" x",
        b"A1 LOGIN \"a\r\" x",
        b"A1 LOGIN \"\xc3\xa4\" x",
        b"A1 LOGIN a\xe4 x",
        br#"A1 LOGIN "a"b x"#,
    ] {
        assert_refused(line);
    }
    let mut utf8 = ParseContext::server();
    utf8.utf8 = true;
    let read = |line: &'static [u8]| parse::command(&Bytes::from_static(line), &utf8);
    assert!(read(b"A1 LOGIN \"\xc3\xa4\" x").is_ok());
    assert!(read(b"A1 LOGIN \"\xc3\" x").is_err());
    let max = ParseLimits::server().quoted_max;
    assert_taken(format!("A1 LOGIN \"{}\" x", "a".repeat(max)));
    assert_eq!(limit_of(format!("A1 LOGIN \"{}\" x", "a".repeat(max + 1))), Some(max));
    assert!(limit_of(format!("A1 LOGIN \"{}\" x", "\\\"".repeat(1 << 19))).is_some());
}

#[test]
fn imap_16_literals_stand_for_strings_only() {
    for line in [
        "{2}\r\nA1 NOOP",
        "A1 {4}\r\nNOOP",
        "A1 FETCH {1}\r\n1 FLAGS",
        "A1 FETCH 1 {5}\r\nFLAGS",
        "A1 FETCH 1 BODY[{1}\r\n1]",
        "A1 STORE 1 FLAGS ({5}\r\n\\Seen)",
        "A1 STORE 1 FLAGS (\"a\")",
        "A1 STATUS INBOX ({6}\r\nUNSEEN)",
        "A1 ENABLE {1}\r\nX",
        "A1 AUTHENTICATE {5}\r\nPLAIN",
        "A1 SEARCH LARGER {1}\r\n1",
        "A1 SEARCH SINCE {10}\r\n1-Jan-2024",
        "A1 SEARCH {3}\r\nALL",
        "A1 LOGIN ~{1}\r\na b",
        "A1 SELECT ~{5}\r\nINBOX",
        "A1 LOGIN {1}\r\n\0 b",
        "A1 SELECT {2}\r\na\0",
        "A1 LOGIN {3}\r\nab",
        "A1 LOGIN {1}\nab b",
        "A1 LOGIN {1}",
        "A1 STORE 1 FLAGS (\\Recent)",
        "A1 STORE 1 FLAGS (\\*)",
        "A1 STORE 1 FLAGS (\\)",
        "A1 APPEND INBOX (\\Recent) {3}",
    ] {
        assert_refused(line);
    }
    assert_taken("A1 LOGIN {1}\r\na {0}\r\n");
    assert_taken("A1 LOGIN {4+}\r\na\r\nb \"\"");
    assert_taken("A1 APPEND {5}\r\nINBOX (\\Seen x) \" 1-Feb-2024 00:00:00 +0000\" ~{3+}");
}

#[test]
fn imap_17_id_is_bounded() {
    assert_taken("A1 ID NIL");
    assert_taken(format!("A1 ID ({} \"k\" NIL)", ["\"k\" \"v\""; 29].join(" ")));
    assert_refused(format!("A1 ID ({})", ["\"k\" \"v\""; 31].join(" ")));
    assert_refused(format!("A1 ID (\"{}\" \"v\")", "k".repeat(31)));
    assert_refused(format!("A1 ID (\"k\" \"{}\")", "v".repeat(1025)));
    for line in ["A1 ID", "A1 ID (\"k\")", "A1 ID (\"k\" (\"v\"))", "A1 ID (NIL \"v\")", "A1 ID (k v)"] {
        assert_refused(line);
    }
}

#[test]
fn imap_19_initial_responses_are_canonical_base64() {
    for text in ["a", "====", "YQ=", "YQ", "Y Q==", "YQ==YQ==", "YR==", "*", "", "YQ== "] {
        assert_refused(format!("A1 AUTHENTICATE PLAIN {text}"));
    }
    assert_taken("A1 AUTHENTICATE PLAIN");
    for (text, expected) in [("=", &b""[..]), ("YQ==", b"a"), ("AGEAYg==", b"\0a\0b")] {
        let read = command(format!("A1 AUTHENTICATE PLAIN {text}")).unwrap();
        let Command::Authenticate(authenticate) = read else { panic!() };
        assert_eq!(authenticate.initial.unwrap().expose(), expected);
    }
    assert_eq!(parse::authenticate::sasl_response(b"*").unwrap(), SaslResponse::Cancel);
    assert!(parse::authenticate::sasl_response(b"* ").is_err());
}

#[test]
fn imap_24_spaces_and_words_are_exact() {
    for line in [
        "a1  NOOP",
        "a1 NOOP ",
        "a1\tNOOP",
        " a1 NOOP",
        "a1 NO\u{d6}P",
        "a1 NOOP x",
        "a1 NOOP\r",
        "a1 CAPABILITY x",
        "a1 LOGIN a",
        "a1 LOGIN a b c",
        "a1 LOGIN  a b",
        "a1 SELECT",
        "a1 SELECT a b",
        "a1 SELECT a (X)",
        "a1 SELECT a ()",
        "a1 UID",
        "a1 UID NOOP",
        "a1 UID EXPUNGE",
        "a1 CREATE a (USE (\\X))",
        "a1 CREATE a (USE)",
        "a1 ENABLE",
        "a1 ENABLE ",
        "a1 STATUS a ()",
        "a1 STATUS a (X)",
        "a1 LIST (RECURSIVEMATCH) \"\" *",
        "a1 LIST (X) \"\" *",
        "a1 LIST \"\" () ",
        "a1 LIST \"\"",
        "a1 LIST \"\" * RETURN (X)",
        "a1 IDLE x",
        "a1 ",
        "a1 STORE 1 FLAGS",
        "a1 STORE 1 XFLAGS a",
        "a1 STORE 1 FLAGS a b ",
        "a1 APPEND a",
        "a1 APPEND a {3} ",
        "a1 APPEND a (\\Seen {3}",
        "a1 APPEND a \"1-Feb-2024 00:00:00 +0000\" {3}",
        "DONE",
    ] {
        assert_refused(line);
    }
    for line in [
        "a1 nOOp",
        "a1 uid fetch 1 (flags body[header.fields (a)]<0.1>)",
        "a1 store 1 -flags.silent a \\SEEN",
        "a1 list (subscribed recursivematch) \"\" (* %) return (children status (messages))",
        "a1 lsub \"\" *",
        "a1 select inbox (condstore)",
        "a1 fetch 1 full",
        "a1 fetch 1 rfc822.text",
        "a1 create x (use (\\sent))",
        "a1 list () \"\" *",
        "a1 LIST \"\" \"\"",
        "a1 STORE 1 FLAGS ()",
    ] {
        assert_taken(line);
    }
    assert!(
        parse::idle::is_done(b"done") && !parse::idle::is_done(b"DONE ") && !parse::idle::is_done(b"DONEX")
    );
}

#[test]
fn mbx_02_mailbox_names_have_one_spelling() {
    for name in [
        "&AC8-",
        "&AC4ALg-",
        "&AAA-",
        "&AA0ACg-",
        "&Jjo",
        "&Jjo!",
        "&U,BTFw-&ZeVnLIqe-",
        "&2AA-",
        "&ADw-",
        "&&",
        "&",
        "&AIU-",
        "&ICg-",
    ] {
        for line in
            [format!("A1 SELECT {name}"), format!("A1 SELECT \"{name}\""), format!("A1 LIST \"\" {name}")]
        {
            assert_eq!(command(&line).unwrap_err().kind, ParseErrorKind::MailboxName, "{line}");
        }
    }
    assert_eq!(command(b"A1 SELECT {2}\r\np\xe4").unwrap_err().kind, ParseErrorKind::MailboxName);
    assert_eq!(command(b"A1 SELECT {3}\r\na\r\n").unwrap_err().kind, ParseErrorKind::MailboxName);
    for (text, name) in [
        ("inbox", "INBOX"),
        ("InBoX", "INBOX"),
        ("INBOX/x", "INBOX/x"),
        ("inboxx", "inboxx"),
        ("a&-b", "a&b"),
    ] {
        let Command::Select(mailbox, _) = command(format!("A1 SELECT {text}")).unwrap() else { panic!() };
        assert_eq!((mailbox.as_str(), mailbox.is_inbox()), (name, name == "INBOX"));
    }
}

#[test]
fn limits_hold_for_every_list() {
    let max = ParseLimits::server().list_max;
    for (head, item, tail) in [
        ("A1 FETCH 1 (", "UID", ")"),
        ("A1 FETCH 1 BODY[HEADER.FIELDS (", "a", ")]"),
        ("A1 STORE 1 FLAGS (", "a", ")"),
        ("A1 STORE 1 FLAGS ", "a", ""),
        ("A1 SEARCH ", "ALL", ""),
        ("A1 SEARCH RETURN (", "MIN", ") ALL"),
        ("A1 STATUS a (", "UNSEEN", ")"),
        ("A1 LIST (", "REMOTE", ") \"\" *"),
        ("A1 LIST \"\" (", "*", ")"),
        ("A1 LIST \"\" * RETURN (", "CHILDREN", ")"),
        ("A1 ENABLE ", "X", ""),
        ("A1 APPEND a (", "a", ") {1}"),
        ("A1 CREATE a (USE (", "\\Sent", "))"),
        ("A1 SELECT a (", "CONDSTORE", ")"),
    ] {
        let line = |count: usize| format!("{head}{}{tail}", vec![item; count].join(" "));
        assert_taken(line(max));
        assert_eq!(limit_of(line(max + 1)), Some(max), "{head}");
    }
}

#[test]
fn errors_point_at_the_fault_and_repeat_no_secret() {
    let error = command("A1 FETCH 1 (FLAGS X\u{7f}Y)").unwrap_err();
    assert_eq!((error.offset, error.rule), (18, "fetch-att"));
    assert_eq!(error.to_string(), "unknown name in fetch-att at octet 18, near \"X\\x7fY)\"");
    for line in ["A1 LOGIN user \"hunter2\\x\"", "A1 LOGIN user \"hunter2", "A1 LOGIN user hunter2 hunter2"] {
        let error = command(line).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("unter"), "{error:?}");
    }
    let error = command("A1 AUTHENTICATE PLAIN hunter2!").unwrap_err();
    assert!(error.excerpt.is_empty());
    let login = command("A1 LOGIN user hunter2").unwrap();
    assert!(!format!("{login:?}").contains("hunter2"));
}

/// Lines that come near to commands.
fn near_command() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "A1 ",
        "FETCH ",
        "UID ",
        "STORE ",
        "SEARCH ",
        "LIST ",
        "LOGIN ",
        "STATUS ",
        "APPEND ",
        "ID ",
        "AUTHENTICATE ",
        "SELECT ",
        "CREATE ",
        "USE",
        "RETURN ",
        "CHARSET ",
        "UTF-8 ",
        "(",
        ")",
        "[",
        "]",
        "<",
        ">",
        "1",
        "*",
        ":",
        ",",
        ".",
        "{3}\r\nabc",
        "{3}",
        "{99}\r\nx",
        "~{1}\r\n\0",
        "\"a\"",
        "\"\\",
        "\"",
        " ",
        "BODY",
        "BODY.PEEK[",
        "HEADER",
        "FIELDS ",
        "MIME",
        "FLAGS",
        "NOT ",
        "OR ",
        "ALL",
        "NIL",
        "\\Seen",
        "&AC8-",
        "+",
        "-",
        "1-Jan-2024",
        "\" 1-Jan-2024 00:00:00 +0000\"",
        "* ",
        "OK ",
        "NO ",
        "[COPYUID 1 ",
        "[",
        "ENVELOPE ",
        "BODYSTRUCTURE ",
        "VANISHED ",
        "NAMESPACE ",
        "ESEARCH ",
        "LSUB ",
        "CAPABILITY ",
        "EXISTS",
        "\r\n",
        "\0",
        "\u{e9}",
    ]);
    let piece = prop_oneof![
        12 => words.prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4)
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_octets_make_a_parser_panic(octets in prop_oneof![
        near_command(),
        near_command().prop_map(|line| [b"A1 ", &line[..]].concat()),
        near_command().prop_map(|line| [b"* ", &line[..]].concat()),
        near_command().prop_map(|line| [b"* 1 FETCH (", &line[..]].concat()),
        prop::collection::vec(any::<u8>(), 0..100),
    ], offset in 0_usize..120, utf8 in any::<bool>()) {
        let line = Bytes::from(octets);
        for mut context in [ParseContext::server(), ParseContext::client()] {
            context.utf8 = utf8;
            let _ = parse::command(&line, &context);
            let _ = parse::tag(&line, &context);
            let _ = parse::command::name(&line, &context);
            let _ = parse::response(&line, &context);
            let _ = parse::append::prefix(&line, &context);
            let _ = parse::fetch::next_item(&line, offset, &context);
            let _ = parse::sequence::sequence_set(&line, &context);
        }
        let _ = literal_marker(&line);
        let _ = parse::fetch::row_start(&line);
        let _ = parse::authenticate::sasl_response(&line);
        let _ = parse::authenticate::sasl_challenge(&line);
        let _ = decode_modified_utf7(&line);
    }

    #[test]
    fn one_octet_too_many_or_too_few_is_no_command(line in prop::sample::select(vec![
        &b"A1 LOGIN \"a b\" {1}\r\nc"[..],
        b"A1 FETCH 1:* (FLAGS BODY[1.MIME]<0.10>)",
        b"A1 UID STORE 1 +FLAGS.SILENT (\\Seen)",
        b"A1 LIST (SUBSCRIBED) \"\" (\"*\") RETURN (STATUS (UNSEEN))",
        b"A1 SEARCH (OR SEEN NOT FROM {1}\r\nx)",
        b"A1 STATUS INBOX (MESSAGES)",
    ])) {
        prop_assert!(command(line).is_ok());
        prop_assert!(command(&line[..line.len() - 1]).is_err());
        for extra in [&b" "[..], b"\r", b"\r\n", b"\0", b")", b"x"] {
            let longer = [line, extra].concat();
            prop_assert!(command(&longer).is_err(), "{}", longer.escape_ascii());
        }
    }
}
