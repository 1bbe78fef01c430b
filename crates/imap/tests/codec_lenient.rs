//! What servers send against the grammar is understood all the same, and said to have been repaired.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use bytes::{Bytes, BytesMut};
use posthaste_imap::encode::{self, EncodeContext};
use posthaste_imap::parse;
use posthaste_imap::parse::fetch::ItemStep;
use posthaste_imap::types::*;

fn read(line: impl AsRef<[u8]>) -> (Response, Repairs) {
    let line = Bytes::copy_from_slice(line.as_ref());
    let parsed = parse::response(&line, &ParseContext::client());
    let parsed = parsed.unwrap_or_else(|error| panic!("{}: {error}", line.escape_ascii()));
    (parsed.response, parsed.repairs)
}

fn status(line: &str) -> (Status, Repairs) {
    match read(line) {
        (Response::Untagged(status) | Response::Tagged(_, status), repairs) => (status, repairs),
        other => panic!("{other:?}"),
    }
}

fn items(line: impl AsRef<[u8]>) -> (Vec<FetchItem>, Repairs) {
    match read(line) {
        (Response::Fetch(_, items), repairs) => (items, repairs),
        other => panic!("{other:?}"),
    }
}

#[test]
fn text_may_be_missing() {
    for line in
        ["* OK", "A1 OK", "* OK ", "A1 NO [CONTACTADMIN]", "* OK [HIGHESTMODSEQ 1]", "* OK [UNSEEN 27] "]
    {
        let (status, repairs) = status(line);
        assert!(status.text.is_empty() && repairs == Repairs::MISSING_TEXT, "{line}");
    }
    assert_eq!(status("* OK [HIGHESTMODSEQ 1]").0.code, Some(ResponseCode::HighestModSeq(1)));
    assert_eq!(read("+").0, Response::Continue(Bytes::new()));
    assert_eq!(read("+"), (Response::Continue(Bytes::new()), Repairs::MISSING_TEXT));
    assert_eq!(read("+ "), (Response::Continue(Bytes::new()), Repairs::default()));
    let (Response::Continue(text), _) = read("+ YQ== ") else { panic!() };
    assert_eq!(parse::authenticate::sasl_challenge(&text).unwrap().expose(), b"a");
}

#[test]
fn codes_that_break_their_grammar_stay_as_text() {
    for (line, arguments) in [
        ("* OK [COPYUID] x", None),
        ("* OK [COPYUID 1 1:2 3:4 junk] x", Some("1 1:2 3:4 junk")),
        ("* OK [UIDNEXT abc] x", Some("abc")),
        ("* OK [CLOSED really] x", Some("really")),
        ("* OK [HIGHESTMODSEQ -1] x", Some("-1")),
    ] {
        let (status, repairs) = status(line);
        let Some(ResponseCode::Other { arguments: read, .. }) = status.code else { panic!("{line}") };
        assert_eq!(read.as_deref(), arguments.map(str::as_bytes), "{line}");
        assert_eq!((status.text, repairs), (Bytes::from("x"), Repairs::MALFORMED_CODE));
    }
    let (unknown, repairs) = status("* OK [X-NEW a b] x");
    assert!(repairs.is_empty() && matches!(unknown.code, Some(ResponseCode::Other { .. })));
    // No code at all, although it looks like one.
    let (text, repairs) = status("A1 OK [Error=\"a b\" c] done");
    assert_eq!((text.code, &text.text[..]), (None, &b"[Error=\"a b\" c] done"[..]));
    assert_eq!(repairs, Repairs::MALFORMED_CODE);
    let (empty, repairs) = status("* OK [COPYUID 14  ] x");
    assert!(matches!(empty.code, Some(ResponseCode::CopyUid { source, .. }) if source.is_empty()));
    assert_eq!(repairs, Repairs::ODD_LIST);
    let (bare, repairs) = status("* [COPYUID 1 2 3]");
    assert!(
        matches!(bare.code, Some(ResponseCode::CopyUid { .. })) && repairs.contains(Repairs::MALFORMED_CODE)
    );
    // Wide numbers, and zero.
    assert_eq!(status("* OK [UIDVALIDITY 0] x").0.code, Some(ResponseCode::UidValidity(0)));
    assert_eq!(status("* OK [UIDNEXT 4294967296] x").0.code, Some(ResponseCode::UidNext(1 << 32)));
}

#[test]
fn spaces_may_be_too_many() {
    for line in [
        "*  1 EXISTS",
        "* CAPABILITY IMAP4rev1  IDLE ",
        "* SEARCH 1 2 ",
        "* SEARCH ",
        "* STATUS a (UIDNEXT 1 ) ",
        "* LIST (\\Seen ) \"/\"  a ",
        "* FLAGS ( \\Seen)",
        "* 1 FETCH (UID 1 FLAGS (\\Seen) )",
        "* 1 FETCH (UID  1)",
        "* 1 FETCH (ENVELOPE (NIL NIL ((NIL NIL \"a\" \"b\") (NIL NIL \"c\" \"d\")) NIL NIL NIL NIL NIL NIL NIL ))",
        "* 1 FETCH (BODYSTRUCTURE ((\"a\" \"b\"  NIL NIL NIL \"7BIT\" 1) (\"a\" \"b\" NIL NIL NIL \"7BIT\" 1) \"m\"))",
    ] {
        let (response, repairs) = read(line);
        assert!(repairs.contains(Repairs::EXTRA_SPACE), "{line}");
        assert!(!repairs.contains(Repairs::MALFORMED_ITEM), "{line}: {response:?}");
    }
}

#[test]
fn strange_flags_are_kept_and_never_written() {
    let (Response::Flags(flags), repairs) = read("* FLAGS (\\Seen \\* NIL a]b [x] \"q r\" \\ $ok)") else {
        panic!()
    };
    let odd: Vec<_> = flags.iter().filter(|flag| matches!(flag, Flag::Odd(_))).collect();
    assert_eq!((flags.len(), odd.len(), repairs), (8, 5, Repairs::ODD_FLAG));
    let mut out = BytesMut::new();
    encode::response(&mut out, &Response::Flags(flags), EncodeContext::default());
    assert_eq!(out, "* FLAGS (\\Seen NIL $ok)\r\n");
    assert_eq!(items("* 1 FETCH (FLAGS NIL)"), (vec![FetchItem::Flags(Flags::new())], Repairs::ODD_LIST));
    let permanent = status("* OK [PERMANENTFLAGS (\\Seen \\*)] x");
    let expected = PermanentFlags { flags: Flags::from([Flag::Seen]), new_keywords: true };
    assert_eq!(permanent.0.code, Some(ResponseCode::PermanentFlags(expected)));
    assert!(permanent.1.is_empty());
}

#[test]
fn eight_bit_strings_are_octets() {
    let (Response::List(list), repairs) = read(b"* LIST () \"/\" \"Entw\xfcrfe\"") else { panic!() };
    assert!(repairs.contains(Repairs::ODD_STRING) && repairs.contains(Repairs::ODD_MAILBOX));
    // Such a mailbox can still be opened: its name goes back as it came.
    assert_eq!(list.mailbox.raw(), Some(&b"Entw\xfcrfe"[..]));
    let tag = Tag::new("A").unwrap();
    let select = Command::Select(list.mailbox, vec![]);
    let fragments = encode::command(&tag, &select, EncodeContext::default());
    let [encode::Fragment::Bytes(head), encode::Fragment::SyncPoint, encode::Fragment::Bytes(tail)] =
        &fragments[..]
    else {
        panic!("{fragments:?}")
    };
    assert_eq!((&head[..], &tail[..]), (&b"A SELECT {8}\r\n"[..], &b"Entw\xfcrfe\r\n"[..]));
    let (Response::List(list), _) = read("* LIST () \"/\" \"a\tb\"") else { panic!() };
    assert_eq!((list.mailbox.as_str(), list.mailbox.raw()), ("a\tb", Some(&b"a\tb"[..])));
    let (items, repairs) =
        items(b"* 1 FETCH (ENVELOPE (NIL \"gr\xfc\xdfe\\x\" NIL NIL NIL NIL NIL NIL NIL NIL))");
    let FetchItem::Envelope(envelope) = &items[0] else { panic!() };
    assert_eq!(envelope.subject.as_ref().unwrap().as_bytes(), b"gr\xfc\xdfex");
    assert_eq!(repairs, Repairs::ODD_STRING);
}

#[test]
fn empty_lists_and_nil_are_taken_for_each_other() {
    assert_eq!(read("* ID ()"), (Response::Id(IdParameters::default()), Repairs::ODD_LIST));
    let mailbox = Mailbox::new("a").unwrap();
    assert_eq!(read("* STATUS a ()"), (Response::Status(mailbox.clone(), vec![]), Repairs::default()));
    assert_eq!(read("* STATUS a NIL"), (Response::Status(mailbox, vec![]), Repairs::ODD_LIST));
    assert_eq!(
        read("* NAMESPACE NIL () NIL"),
        (Response::Namespace(Namespaces::default()), Repairs::ODD_LIST)
    );
}

#[test]
fn one_bad_item_does_not_hide_the_others() {
    for bad in [
        "BODYSTRUCTURE (\"MIXED\")",
        "BODYSTRUCTURE (\"text\" NIL NIL NIL NIL \"7bit\" 1 1)",
        "ENVELOPE (bare words)",
        "RFC822.SIZE 1.8x",
        "UID 0",
        "UID 4294967296",
        "INTERNALDATE \"yesterday\"",
        "INTERNALDATE NIL",
        "MODSEQ (-1)",
        "BODY[1.MIME.1] {3}\r\na)b",
        "BODY[0] \"a)b\"",
    ] {
        let (items, repairs) = items(format!("* 1 FETCH (UID 7 {bad} FLAGS (\\Seen))"));
        let [first, FetchItem::Opaque { name, value }, last] = &items[..] else { panic!("{bad}: {items:?}") };
        assert_eq!(
            (first, last),
            (&FetchItem::Uid(7.try_into().unwrap()), &FetchItem::Flags(Flags::from([Flag::Seen])))
        );
        assert_eq!([&name[..], b" ", &value[..]].concat(), bad.as_bytes());
        assert!(repairs == Repairs::MALFORMED_ITEM || bad.starts_with("BODY["), "{bad}");
    }
    // What is merely unknown is no fault.
    let (unknown, repairs) = items("* 1 FETCH (X-OTHER (\\Inbox \"a b\" (c)) X-ID (M1))");
    assert!(unknown.iter().all(|item| matches!(item, FetchItem::Opaque { .. })) && repairs.is_empty());
    let (Response::Status(_, items), repairs) = read("* STATUS a (X 1:2,* UNSEEN -1 Y (a (b)) MESSAGES 3)")
    else {
        panic!()
    };
    assert_eq!(items, [StatusItem::Messages(3)]);
    assert_eq!(repairs, Repairs::ODD_NUMBER);
}

#[test]
fn unknown_responses_are_kept() {
    for line in [
        "NOOP",
        "99 NOOP x",
        "XQUOTA (\\Inbox) \".\" INBOX",
        "QUOTAS \"\" (STORAGE 1 2)",
        "0 FETCH (UID 1)",
        "-1 EXISTS",
    ] {
        assert_eq!(read(format!("* {line}")).0, Response::Other(Bytes::from(line)));
    }
    assert!(read("* 0 EXPUNGE").1.contains(Repairs::ODD_NUMBER));
    for line in ["", "A1", "A1 ", "A1 PREAUTH x", "A1 OKAY", "A1 FETCH", "*", "* ", "* 4294967296 EXISTS"] {
        let line = Bytes::from(line);
        assert!(parse::response(&line, &ParseContext::client()).is_err(), "{}", line.escape_ascii());
    }
}

#[test]
fn a_row_streams_its_payloads() {
    let context = ParseContext::client();
    let line = Bytes::from_static(b"* 12 FETCH (FLAGS (\\Seen) BODY[TEXT]<5> {400000000000}");
    let (number, offset) = parse::fetch::row_start(&line).unwrap();
    assert_eq!(number, 12);
    let ItemStep::Item { item, next, .. } = parse::fetch::next_item(&line, offset, &context).unwrap() else {
        panic!()
    };
    assert_eq!(item, FetchItem::Flags(Flags::from([Flag::Seen])));
    let ItemStep::Payload { payload, header } = parse::fetch::next_item(&line, next, &context).unwrap()
    else {
        panic!()
    };
    let section = Section::new(None, Some(SectionText::Text)).unwrap();
    assert_eq!(payload, Payload::Section { section, origin: Some(5) });
    assert_eq!(header, LiteralHeader { len: 400_000_000_000, synchronising: true, binary: false });
    for (rest, expected) in [(" UID 3)", Some(6)), ("UID 3)", Some(5)), (")", None), (" )", None)] {
        match parse::fetch::next_item(&Bytes::from(rest), 0, &context).unwrap() {
            ItemStep::Item { next, .. } => assert_eq!(Some(next), expected),
            ItemStep::End => assert_eq!(expected, None),
            other => panic!("{other:?}"),
        }
    }
    // A literal inside an envelope is asked for, whether or not the envelope is sound so far.
    for line in ["ENVELOPE (NIL {3}", "ENVELOPE (bare {3}", "X-GM-LABELS (a {3}", "BODY[HEADER.FIELDS ({3}"] {
        let step = parse::fetch::next_item(&Bytes::from(line), 0, &context).unwrap();
        assert!(matches!(step, ItemStep::NeedLiteral(header) if header.len == 3), "{line}: {step:?}");
    }
    assert!(parse::fetch::next_item(&Bytes::from("UID 1"), 5, &context).is_err());
    assert!(parse::fetch::next_item(&Bytes::from("BODY[] {99999999999999999999}"), 0, &context).is_err());
    for line in ["* 12 EXISTS", "* SEARCH 1", "A1 OK FETCH (", "* 1 FETCHED (", "* x FETCH ("] {
        assert_eq!(parse::fetch::row_start(&Bytes::from(line)), None);
    }
}

#[test]
fn responses_repair_what_an_application_hands_them() {
    let written = |response: &Response, utf8| {
        let mut out = BytesMut::new();
        let context = EncodeContext { utf8, ..EncodeContext::default() };
        encode::response(&mut out, response, context);
        String::from_utf8_lossy(&out).into_owned()
    };
    let text = |text: &'static str| {
        Response::Untagged(Status {
            condition: Condition::No,
            code: None,
            text: Bytes::from_static(text.as_bytes()),
        })
    };
    assert_eq!(written(&text("a\r\n* OK b\0c"), false), "* NO a  * OK b c\r\n");
    assert_eq!(written(&text("[ALERT] x"), false), "* NO (ALERT] x\r\n");
    assert_eq!(written(&text("\u{e4}"), false), "* NO ??\r\n");
    assert_eq!(written(&text("\u{e4}"), true), "* NO \u{e4}\r\n");
    assert_eq!(written(&text(""), false), "* NO -\r\n");
    // Blanks alone would be read as nothing.
    assert_eq!(written(&text("\0"), false), "* NO -\r\n");
    assert_eq!(written(&text(" \r\n"), true), "* NO -\r\n");
    assert_eq!(written(&Response::Other(Bytes::from("x\r\ny")), false), "");
    let code = ResponseCode::Other {
        name: Atom::new("X").unwrap(),
        arguments: Some(Bytes::from_static(b"a]\r\nb\xff")),
    };
    let status = Status { condition: Condition::Ok, code: Some(code), text: Bytes::from("x") };
    assert_eq!(written(&Response::Untagged(status), false), "* OK [X ab] x\r\n");
    let payload = FetchItem::Payload { payload: Payload::Rfc822, data: Some(Bytes::from_static(b"a\0b")) };
    let opaque = FetchItem::Opaque { name: Bytes::from("X"), value: Bytes::from("\r\n") };
    let row = Response::Fetch(1.try_into().unwrap(), vec![opaque, payload]);
    assert_eq!(written(&row, false), "* 1 FETCH (RFC822 {3}\r\na?b)\r\n");
}
