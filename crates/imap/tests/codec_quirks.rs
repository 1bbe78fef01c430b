//! What servers are known to send although no grammar has it, each with where it was reported: it is understood, and
//! told as a repair. Nothing of it is ever written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use bytes::Bytes;
use core::num::NonZeroU32;
use posthaste_imap::parse;
use posthaste_imap::types::*;

fn read(line: impl AsRef<[u8]>) -> (Response, Repairs) {
    let line = Bytes::copy_from_slice(line.as_ref());
    let parsed = parse::response(&line, &ParseContext::client())
        .unwrap_or_else(|error| panic!("{}: {error}", line.escape_ascii()));
    (parsed.response, parsed.repairs)
}

fn row(items: &str) -> (Vec<FetchItem>, Repairs) {
    let (Response::Fetch(_, items), repairs) = read(format!("* 1 FETCH ({items})")) else {
        panic!("{items}")
    };
    (items, repairs)
}

fn code(line: &str) -> (Option<ResponseCode>, Repairs) {
    let (Response::Untagged(status) | Response::Tagged(_, status), repairs) = read(line) else {
        panic!("{line}")
    };
    (status.code, repairs)
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn uids(first: u32, last: u32) -> UidSet {
    UidSet::new([number(first)..=number(last)])
}

/// modern-email/defects#28, MailKit#225.
#[test]
fn defects_28_mailkit_225_a_code_without_text() {
    for (line, expected) in [
        ("* OK [HIGHESTMODSEQ 1]", ResponseCode::HighestModSeq(1)),
        ("* OK [UNSEEN 27]", ResponseCode::Unseen(27)),
        ("a OK [READ-WRITE]", ResponseCode::ReadWrite),
    ] {
        assert_eq!(code(line), (Some(expected), Repairs::MISSING_TEXT), "{line}");
    }
}

/// modern-email/defects#7, imap-codec#638, himalaya#556.
#[test]
fn defects_7_imap_codec_638_a_bare_continuation() {
    assert_eq!(read("+"), (Response::Continue(Bytes::new()), Repairs::MISSING_TEXT));
    assert_eq!(read("+ "), (Response::Continue(Bytes::new()), Repairs::default()));
    let (Response::Continue(text), _) = read("+ YWJj  ") else { panic!() };
    assert_eq!(parse::authenticate::sasl_challenge(&text).unwrap().expose(), b"abc");
}

/// swift-nio-imap#757, #762, MailKit#371, #777, #878, #1076, #1393, #1446, #1700, #1841, imap-codec#700,
/// modern-email/defects#50, #53, himalaya#649.
#[test]
fn mailkit_777_swift_nio_imap_757_a_structure_that_is_none_costs_itself_only() {
    for bad in [
        // A missing subtype, parts that are none, a text described as a multipart, nothing at all.
        "(\"TEXT\" NIL (\"CHARSET\" \"x\") NIL NIL \"7BIT\" 1 1)",
        "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" NIL NIL)",
        "(NIL NIL NIL NIL NIL NIL NIL)",
        "(\"MIXED\" (\"BOUNDARY\" NIL) NIL NIL)",
        "(() \"MIXED\")",
        "()",
        "NIL",
    ] {
        let (items, repairs) = row(&format!("UID 7 BODYSTRUCTURE {bad} FLAGS (\\Seen)"));
        assert_eq!(items[0], FetchItem::Uid(number(7)), "{bad}");
        assert_eq!(items[2], FetchItem::Flags(Flags::from([Flag::Seen])), "{bad}");
        match &items[1] {
            FetchItem::Opaque { name, value } => {
                assert_eq!((&name[..], &value[..]), (&b"BODYSTRUCTURE"[..], bad.as_bytes()));
                assert_eq!(repairs, Repairs::MALFORMED_ITEM, "{bad}");
            }
            other => {
                assert!(matches!(other, FetchItem::BodyStructure(_)) && !repairs.is_empty(), "{other:?}");
            }
        }
    }
}

/// MailKit#371, imap-codec#700: a message part that is described like any other, NIL for the encoding or a boundary.
#[test]
fn imap_codec_700_structures_that_can_be_read_are_read() {
    for odd in [
        "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 5)",
        "(\"MESSAGE\" \"delivery-status\" NIL NIL NIL \"7BIT\" 5)",
        "(\"TEXT\" \"PLAIN\" (\"BOUNDARY\" NIL) NIL NIL NIL 5 1)",
        "((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 5 1) \"MIXED\" (\"BOUNDARY\" NIL) NIL NIL)",
    ] {
        let (items, _) = row(&format!("BODYSTRUCTURE {odd}"));
        assert!(matches!(items[0], FetchItem::BodyStructure(_)), "{odd}: {items:?}");
    }
}

/// mail-api#209, imap-codec#697, swift-nio-imap#265, davmail#122, python/cpython#117152, modern-email/defects#9.
#[test]
fn mail_api_209_imap_codec_697_davmail_122_spaces_too_many() {
    for line in [
        "* 1 FETCH (FLAGS (\\Seen) UID 4 )",
        "* 1 FETCH (FLAGS (\\Seen ) UID 4)",
        "* 1 FETCH (ENVELOPE (NIL NIL ((NIL NIL \"a\" \"b\") (NIL NIL \"c\" \"d\")) NIL NIL NIL NIL NIL NIL NIL))",
        "* 1 FETCH (BODYSTRUCTURE ((\"a\" \"b\" NIL NIL NIL \"7BIT\" 1) (\"a\" \"b\" NIL NIL NIL \"7BIT\" 1) \"m\"))",
        "*  1 EXISTS",
        "* CAPABILITY IMAP4rev1 ",
        "* SEARCH 1 2 ",
        "* STATUS x (MESSAGES 1) ",
        "* QUOTA \"\" ( STORAGE 1  2 )",
    ] {
        assert_eq!(read(line).1, Repairs::EXTRA_SPACE, "{line}");
    }
}

/// modern-email/defects#52, MailKit#150, #1010, #1686, #1602, #1838, #1840, neomutt#3830, purelymail#446.
#[test]
fn mailkit_1838_defects_52_impossible_numbers() {
    assert_eq!(code("* OK [UIDVALIDITY 0] x").0, Some(ResponseCode::UidValidity(0)));
    assert_eq!(code("* OK [UIDNEXT 0] x").0, Some(ResponseCode::UidNext(0)));
    assert_eq!(code("* OK [UIDNEXT 99999999999] x").0, Some(ResponseCode::UidNext(99_999_999_999)));
    assert_eq!(code("* OK [HIGHESTMODSEQ 0] x").0, Some(ResponseCode::HighestModSeq(0)));
    let (items, repairs) = row("UID 3 MODSEQ (-1) RFC822.SIZE 1.86931e+06");
    assert!(matches!(items[1], FetchItem::Opaque { .. }));
    assert_eq!((&items[0], &items[2]), (&FetchItem::Uid(number(3)), &FetchItem::Rfc822Size(1_869_310)));
    assert!(repairs.contains(Repairs::ODD_NUMBER.with(Repairs::MALFORMED_ITEM)));
    let (Response::Quota { resources, .. }, _) = read("* QUOTA \"\" (STORAGE 5000000000 9000000000)") else {
        panic!()
    };
    assert_eq!((resources[0].usage, resources[0].limit), (5_000_000_000, 9_000_000_000));
}

/// ruby/net-imap#250, MailKit#115, #555.
#[test]
fn net_imap_250_mailkit_555_codes_in_the_wrong_place_or_empty() {
    let copy = ResponseCode::CopyUid { uid_validity: number(14), source: uids(1, 3), target: uids(7, 9) };
    assert_eq!(code("* [COPYUID 14 1:3 7:9] moved").0, Some(copy.clone()));
    assert_eq!(code("* OK [COPYUID 14 1:3 7:9] moved"), (Some(copy), Repairs::default()));
    let empty = ResponseCode::CopyUid {
        uid_validity: number(14),
        source: UidSet::default(),
        target: UidSet::default(),
    };
    assert_eq!(code("a OK [COPYUID 14  ] x"), (Some(empty), Repairs::ODD_LIST));
    let (found, repairs) = code("a OK [APPENDUID x y] done");
    assert!(matches!(found, Some(ResponseCode::Other { .. })) && repairs == Repairs::MALFORMED_CODE);
}

/// MailKit#193, #771, #1042, #1906, #195, ruby/net-imap#272.
#[test]
fn mailkit_193_net_imap_272_flags_that_are_none() {
    let (Response::Flags(flags), repairs) =
        read("* FLAGS (\\Seen \\* NIL [mailing]list \"two words\" $ok \\Xyz)")
    else {
        panic!()
    };
    assert_eq!(repairs, Repairs::ODD_FLAG);
    assert!(flags.contains(&Flag::Seen) && flags.contains(&Flag::new("$ok").unwrap()));
    assert!(flags.contains(&Flag::new("\\Xyz").unwrap()));
    assert_eq!((flags.len(), flags.iter().filter(|flag| matches!(flag, Flag::Odd(_))).count()), (7, 3));
    assert_eq!(row("FLAGS NIL").1, Repairs::ODD_LIST);
}

/// modern-email/defects#38, #46, imap-backup#119.
#[test]
fn defects_38_eight_bit_octets_in_strings() {
    let (items, repairs) = row("ENVELOPE (NIL \"Gr\u{fc}\u{df}e\" NIL NIL NIL NIL NIL NIL NIL NIL) UID 1");
    let FetchItem::Envelope(envelope) = &items[0] else { panic!() };
    assert_eq!(envelope.subject.as_ref().unwrap().to_str(), Some("Gr\u{fc}\u{df}e"));
    assert_eq!(repairs, Repairs::ODD_STRING);
    let (Response::List(list), repairs) = read(b"* LIST () \"/\" \"Entw\xfcrfe\"") else { panic!() };
    assert_eq!(list.mailbox.raw(), Some(&b"Entw\xfcrfe"[..]));
    assert!(repairs.contains(Repairs::ODD_MAILBOX));
}

/// bichon#197, async-imap#131, MailKit#1654.
#[test]
fn mailkit_1654_bichon_197_capabilities_of_all_kinds() {
    let (Response::Capability(found), repairs) =
        read("* CAPABILITY IMAP4rev1 LITERAL + AUTH= XYZ=1(2 STARTTLS")
    else {
        panic!()
    };
    assert!(found.contains(&Capability::LiteralPlus) && found.contains(&Capability::StartTls));
    assert!(found.iter().any(|capability| capability.is("auth=")));
    assert_eq!(repairs, Repairs::ODD_CAPABILITY);
    let (Response::Capability(found), repairs) = read("* CAPABILITY IMAP4rev1 LITERAL+ X-NEW APPENDLIMIT=x")
    else {
        panic!()
    };
    assert!(repairs.is_empty() && found.iter().all(|capability| !capability.is("LITERAL")));
    assert_eq!(found[3].to_string(), "APPENDLIMIT=x");
}

/// modern-email/defects#13, #15, MailKit#1512.
#[test]
fn defects_15_mailkit_1512_empty_lists_and_nil() {
    assert_eq!(read("* STATUS x ()").0, Response::Status(Mailbox::new("x").unwrap(), Vec::new()));
    assert_eq!(read("* ID ()"), (Response::Id(IdParameters::default()), Repairs::ODD_LIST));
    assert_eq!(read("* ID NIL"), (Response::Id(IdParameters::default()), Repairs::default()));
    assert_eq!(read("* NAMESPACE NIL NIL NIL").0, Response::Namespace(Namespaces::default()));
}

/// modern-email/defects#40, himalaya#518, #572, nextcloud/mail#12487, imap-next#87.
#[test]
fn defects_40_nextcloud_12487_sets_go_up_and_fit_a_line() {
    let read = |text: &str| {
        parse::sequence::sequence_set(&Bytes::from(text.to_owned()), &ParseContext::server()).unwrap()
    };
    assert_eq!(read("5:1,9,7:8,*:12").normalised().to_string(), "1:5,7:9,12:*");
    let numbers = (1..20_000).step_by(2).filter_map(NonZeroU32::new);
    let set = SequenceSet::from_numbers(numbers).unwrap();
    let pieces = set.split(8_000);
    assert!(pieces.len() > 5 && pieces.iter().all(|piece| piece.to_string().len() <= 8_000));
    let joined: Vec<String> = pieces.iter().map(ToString::to_string).collect();
    assert_eq!(joined.join(","), set.to_string());
    // A limit that nothing fits gives single ranges, not nothing.
    assert_eq!(read("1:5,9").split(0).len(), 2);
}

/// MailKit#945, larch#7, MailKit#428.
#[test]
fn mailkit_945_larch_7_names_with_tabs_and_strings_without_quotes() {
    let (Response::List(list), repairs) = read("* LIST () \"/\" a\tb") else { panic!() };
    assert_eq!(list.mailbox.raw(), Some(&b"a\tb"[..]));
    assert!(repairs.contains(Repairs::ODD_STRING));
    let (items, repairs) =
        row("ENVELOPE (NIL hello ((Joe NIL joe example.org)) NIL NIL NIL NIL NIL NIL NIL)");
    let FetchItem::Envelope(envelope) = &items[0] else { panic!("{items:?}") };
    assert_eq!(envelope.from[0].host.as_ref().unwrap().to_str(), Some("example.org"));
    assert_eq!(repairs, Repairs::ODD_STRING);
    assert_eq!(read("* 0 FETCH (UID 1)").1, Repairs::ODD_NUMBER);
}

/// dovecot/core#283, swift-nio-imap#698.
#[test]
fn dovecot_283_swift_nio_imap_698_deep_nesting_costs_the_item() {
    for open in ["(", "((\"a\" \"b\" NIL NIL NIL \"7BIT\" 1)"] {
        let deep = open.repeat(20_000);
        let line = Bytes::from(format!("* 1 FETCH (UID 1 BODYSTRUCTURE {deep}"));
        assert!(parse::response(&line, &ParseContext::client()).is_err());
    }
    let (open, close) = ("(".repeat(90), ")".repeat(90));
    let (items, _) = row(&format!("UID 1 BODYSTRUCTURE {open}{close} FLAGS ()"));
    assert!(matches!(&items[1], FetchItem::Opaque { .. }) && items.len() == 3);
}
