//! The codec beside two others: `imap-codec` for both directions, `imap-proto` for what a client reads.
//!
//! What is written here has to mean the same there, and what is written there has to mean the same here. Where the
//! other side refuses, one row of a table has to say why; a refusal without a row is a failure.
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
use codec_support::generate::*;
use codec_support::{SplitLine, client, encoded, on_the_wire};
use imap_codec::decode::Decoder;
use imap_codec::encode::Encoder;
use imap_codec::{CommandCodec, ResponseCodec};
use posthaste_imap::encode::{self, EncodeContext, LiteralMode};
use posthaste_imap::parse;
use posthaste_imap::types::*;
use proptest::prelude::*;

/// A row: what the wire text holds where the other side refuses, and why it does.
type Refusal = (&'static str, &'static str);

/// Commands that `imap-codec` refuses. Names of commands stand with the space in front.
const COMMANDS: &[Refusal] = &[
    (" STARTTLS", "behind a feature of theirs that is off"),
    (" $", "SEARCHRES is not known there"),
    (" APPEND ", "its message is part of the value there, and streams here"),
    (" REPLACE ", "REPLACE is not known there"),
    (" CREATE ", "CREATE-SPECIAL-USE is not known there"),
    (" (USE (", "CREATE-SPECIAL-USE is not known there"),
    (" LIST ", "LIST-EXTENDED is behind a feature of theirs that is off"),
    (" ESEARCH ", "MULTISEARCH is not known there"),
    (" CANCELUPDATE", "CONTEXT is not known there"),
    (" UIDBATCHES ", "UIDBATCHES is not known there"),
    (" NOTIFY ", "NOTIFY is not known there"),
    (" UNAUTHENTICATE", "UNAUTHENTICATE is not known there"),
    (" GETACL ", "ACL is not known there"),
    (" SETACL ", "ACL is not known there"),
    (" DELETEACL ", "ACL is not known there"),
    (" LISTRIGHTS ", "ACL is not known there"),
    (" MYRIGHTS ", "ACL is not known there"),
    (" GENURLAUTH ", "URLAUTH is not known there"),
    (" URLFETCH", "URLAUTH is not known there"),
    (" RESETKEY", "URLAUTH is not known there"),
    (" LANGUAGE", "LANGUAGE is not known there"),
    (" COMPARATOR", "I18NLEVEL is not known there"),
    (" GETJMAPACCESS", "JMAPACCESS is not known there"),
    (" XLIST ", "XLIST is not known there"),
    ("X-GM-", "X-GM-EXT-1 is not known there"),
    ("EMAILID", "OBJECTID is not known there"),
    ("THREADID", "OBJECTID is not known there"),
    ("MAILBOXID", "OBJECTID is not known there"),
    ("APPENDLIMIT", "APPENDLIMIT is not known there"),
    ("PREVIEW", "PREVIEW is not known there"),
    ("SAVE", "SAVEDATE is not known there, nor SAVE"),
    ("FUZZY", "SEARCH=FUZZY is not known there"),
    ("FILTER ", "FILTERS is not known there"),
    ("RELEVANCY", "SEARCH=FUZZY is not known there"),
    ("RETURN (", "ESEARCH is not known there"),
    ("PARTIAL ", "PARTIAL is not known there"),
    ("MODSEQ", "not as a search key there"),
    ("BINARY.SIZE[]", "BINARY.SIZE of the whole message is not known there"),
    ("LARGER ", "a size has 32 bits there"),
    ("SMALLER ", "a size has 32 bits there"),
    ("THREAD ", "unknown algorithms are refused there"),
];

/// Responses that `imap-codec` refuses.
const RESPONSES: &[Refusal] = &[
    ("* PREAUTH", "there a greeting is no response"),
    ("* CAPABILITY\r\n", "there a list has at least one item"),
    ("* ENABLED\r\n", "there a list has at least one item"),
    ("[CAPABILITY]", "there a list has at least one item"),
    ("* ACL ", "ACL is not known there"),
    ("* LISTRIGHTS ", "ACL is not known there"),
    ("* MYRIGHTS ", "ACL is not known there"),
    ("* ESEARCH", "ESEARCH is not known there"),
    ("* UIDBATCHES", "UIDBATCHES is not known there"),
    (" UIDFETCH ", "UIDONLY is not known there"),
    ("* XLIST ", "XLIST is not known there"),
    ("* COMPARATOR ", "I18NLEVEL is not known there"),
    ("* LANGUAGE ", "LANGUAGE is not known there"),
    ("* JMAPACCESS ", "JMAPACCESS is not known there"),
    ("* GENURLAUTH", "URLAUTH is not known there"),
    ("* URLFETCH ", "URLAUTH is not known there"),
    ("* LIST (", "extended items are behind a feature of theirs that is off"),
    ("* LSUB (", "extended items are behind a feature of theirs that is off"),
    ("* QUOTA ", "there the list has at least one resource"),
    ("* NAMESPACE ", "TRANSLATION is not known there"),
    ("\"TRANSLATION\"", "TRANSLATION is not known there"),
    ("APPENDLIMIT", "APPENDLIMIT is not known there"),
    ("MAILBOXID", "OBJECTID is not known there"),
    ("EMAILID", "OBJECTID is not known there"),
    ("THREADID", "OBJECTID is not known there"),
    ("PREVIEW", "PREVIEW is not known there"),
    ("SAVEDATE", "SAVEDATE is not known there"),
    ("X-GM-", "X-GM-EXT-1 is not known there"),
    ("* STATUS ", "numbers have 32 bits there"),
    ("* SORT", "MODSEQ at the end is not known there"),
    ("* SEARCH", "zero as a mod-sequence is refused there"),
    ("RFC822.SIZE", "a size has 32 bits there"),
    ("BODY", "sizes and lines have 32 bits there"),
    ("INTERNALDATE", "there a second is never the sixtieth"),
    ("MODSEQ", "zero as a mod-sequence is refused there"),
    ("BINARY.SIZE[]", "BINARY.SIZE of the whole message is not known there"),
    (" BINARY[", "the origin of a partial is not known there"),
    ("(BINARY[", "the origin of a partial is not known there"),
    ("* METADATA ", "entries are read differently there"),
];

fn why(table: &[Refusal], wire: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(wire);
    table.iter().find(|(needle, _)| text.contains(needle)).map(|(_, reason)| *reason)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn imap_codec_and_this_crate_read_each_others_commands(tag in tag(), command in command()) {
        let context = EncodeContext { literals: LiteralMode::NonSynchronising, utf8: false };
        let wire = on_the_wire(&encode::command(&tag, &command, context));
        match CommandCodec::default().decode(&wire) {
            Ok((rest, theirs)) => {
                prop_assert!(rest.is_empty());
                let again = Bytes::from(CommandCodec::default().encode(&theirs).dump()).split_to_line();
                let read = parse::command(&again, &ParseContext::server()).unwrap();
                prop_assert_eq!(read, TaggedCommand { tag, command });
            }
            Err(_) => prop_assert!(why(COMMANDS, &wire).is_some(), "{}", wire.escape_ascii()),
        }
    }

    #[test]
    fn imap_codec_and_this_crate_read_each_others_responses(response in response()) {
        let mut wire = encoded(&response, false).to_vec();
        wire.extend_from_slice(b"\r\n");
        match ResponseCodec::default().decode(&wire) {
            Ok((rest, theirs)) => {
                prop_assert!(rest.is_empty());
                let again = Bytes::from(ResponseCodec::default().encode(&theirs).dump()).split_to_line();
                let read = parse::response(&again, &client(false)).unwrap();
                prop_assert_eq!(read.response, response);
            }
            Err(_) => prop_assert!(why(RESPONSES, &wire).is_some(), "{}", wire.escape_ascii()),
        }
    }

    #[test]
    fn imap_proto_reads_the_same_out_of_a_row(
        number in number(), uid in number(), size in any::<u32>(), flags in flags(), envelope in envelope()
    ) {
        let items = vec![
            FetchItem::Uid(uid),
            FetchItem::Rfc822Size(size.into()),
            FetchItem::Flags(flags.clone()),
            FetchItem::Envelope(Box::new(envelope.clone())),
        ];
        let mut wire = encoded(&Response::Fetch(number, items), false).to_vec();
        wire.extend_from_slice(b"\r\n");
        let (rest, theirs) = imap_proto::parser::parse_response(&wire).unwrap();
        prop_assert!(rest.is_empty());
        let imap_proto::Response::Fetch(read_number, read) = theirs else { panic!("{theirs:?}") };
        prop_assert_eq!(read_number, number.get());
        for item in read {
            match item {
                imap_proto::AttributeValue::Uid(read) => prop_assert_eq!(read, uid.get()),
                imap_proto::AttributeValue::Rfc822Size(read) => prop_assert_eq!(read, size),
                imap_proto::AttributeValue::Flags(read) => {
                    let read: Flags = read.iter().map(|text| Flag::new(text.to_string()).unwrap()).collect();
                    prop_assert_eq!(read, flags.clone());
                }
                imap_proto::AttributeValue::Envelope(read) => prop_assert_eq!(their_envelope(&read), our_envelope(&envelope)),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn imap_proto_reads_the_same_numbers(numbers in proptest::collection::vec(number(), 0..40)) {
        let response = Response::Search(SearchResponse { numbers: numbers.clone(), mod_seq: None });
        let mut wire = encoded(&response, false).to_vec();
        wire.extend_from_slice(b"\r\n");
        let (_, theirs) = imap_proto::parser::parse_response(&wire).unwrap();
        let imap_proto::Response::MailboxData(imap_proto::MailboxDatum::Search(read)) = theirs else { panic!() };
        prop_assert_eq!(read, numbers.into_iter().map(|number| number.get()).collect::<Vec<_>>());
    }
}

type Texts = Vec<Option<Vec<u8>>>;

fn our_envelope(envelope: &Envelope) -> (Texts, Vec<Texts>) {
    let text = |text: &NString| text.as_ref().map(|text| unescaped(text.as_bytes()));
    let addresses = |list: &Vec<Address>| -> Texts {
        list.iter().flat_map(|a| [&a.name, &a.adl, &a.mailbox, &a.host]).map(text).collect()
    };
    let lists =
        [&envelope.from, &envelope.sender, &envelope.reply_to, &envelope.to, &envelope.cc, &envelope.bcc];
    let texts = [&envelope.date, &envelope.subject, &envelope.in_reply_to, &envelope.message_id];
    (texts.map(text).into(), lists.map(addresses).into())
}

fn their_envelope(envelope: &imap_proto::Envelope<'_>) -> (Texts, Vec<Texts>) {
    type Text<'a> = Option<std::borrow::Cow<'a, [u8]>>;
    let text = |text: &Text<'_>| text.as_ref().map(|text| unescaped(text));
    let addresses = |list: &Option<Vec<imap_proto::Address<'_>>>| -> Texts {
        let list = list.iter().flatten();
        list.flat_map(|a| [text(&a.name), text(&a.adl), text(&a.mailbox), text(&a.host)]).collect()
    };
    let lists =
        [&envelope.from, &envelope.sender, &envelope.reply_to, &envelope.to, &envelope.cc, &envelope.bcc];
    let texts = [&envelope.date, &envelope.subject, &envelope.in_reply_to, &envelope.message_id];
    (texts.map(text).into(), lists.map(addresses).into())
}

/// `imap-proto` gives quoted strings as they stand on the wire, this crate gives what they mean: all backslashes
/// are left out on both sides.
fn unescaped(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|octet| *octet != b'\\').collect()
}

/// Lines on which the sides disagree: the line, whether this crate and `imap-codec` take it, and why they differ.
#[test]
fn every_disagreement_has_a_reason() {
    let commands: &[(&str, bool, bool, &str)] = &[
        (
            "a SELECT &AC8-",
            false,
            true,
            "modified UTF-7 is checked here: a slash in base64 is another spelling",
        ),
        ("a SELECT &Jjo", false, true, "modified UTF-7 is checked here: the shift has no end"),
        ("a STORE 1 FLAGS (\\Recent)", false, true, "no client sets it"),
        ("a FETCH 0 FLAGS", false, false, "zero is no message"),
        ("a LOGIN a", false, false, "an argument is missing"),
        (
            "a UID FETCH 1 (FLAGS) (VANISHED)",
            true,
            true,
            "that CHANGEDSINCE is missing is for the server to say",
        ),
        ("a NOOP ", false, false, "one space too many"),
        ("a APPEND x {3}", true, false, "the message streams here, and is part of the value there"),
        (
            "a GETMETADATA INBOX (MAXSIZE 1) /private/a",
            true,
            false,
            "the examples of RFC 5464 have it in this order",
        ),
    ];
    let mut wrong = Vec::new();
    for (line, ours, theirs, reason) in commands {
        let text = Bytes::from(line.to_string());
        let found = (
            parse::command(&text, &ParseContext::server()).is_ok(),
            CommandCodec::default().decode(format!("{line}\r\n").as_bytes()).is_ok(),
        );
        if found != (*ours, *theirs) {
            wrong.push(format!("{line}: {found:?}, {reason}"));
        }
    }
    let responses: &[(&str, bool, bool, bool, &str)] = &[
        ("* OK [HIGHESTMODSEQ 1]", true, false, true, "the text may be missing: Gmail leaves it out"),
        ("+", true, false, true, "a continuation without space and text"),
        ("* SEARCH 1 2 ", true, false, true, "a space at the end"),
        (
            "* 1 FETCH (UID 7 BODYSTRUCTURE (\"a\"))",
            true,
            false,
            false,
            "one bad item does not hide the row here",
        ),
        ("* 1 FETCH (X-NEW 5)", true, false, false, "unknown items are kept here"),
        ("* XNEW 1 2 3", true, false, false, "unknown responses are kept here"),
        ("* 4294967296 EXISTS", false, false, false, "no number of 32 bits"),
        (
            "* FLAGS (\\Seen [x] a]b)",
            true,
            false,
            true,
            "flags that are none are kept here and never written",
        ),
        ("* STATUS x (UIDNEXT 0)", true, false, true, "servers send zero"),
        ("* LIST () NIL \"a\u{e9}\"", true, false, false, "8-bit names are kept as they came"),
    ];
    for (line, ours, codec, proto, reason) in responses {
        let text = Bytes::from(line.to_string());
        let wire = format!("{line}\r\n");
        let found = (
            parse::response(&text, &client(false)).is_ok(),
            ResponseCodec::default().decode(wire.as_bytes()).is_ok(),
            imap_proto::parser::parse_response(wire.as_bytes()).is_ok_and(|(rest, _)| rest.is_empty()),
        );
        if found != (*ours, *codec, *proto) {
            wrong.push(format!("{line}: {found:?}, {reason}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
