//! Near misses: valid lines with one thing wrong. Nothing panics, what is still understood is written and read as the
//! same, a command that is refused says where, and a row keeps the items that are not broken.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod codec_support;

use bytes::{Bytes, BytesMut};
use codec_support::generate::*;
use codec_support::{client, encoded, on_the_wire};
use posthaste_imap::encode::{self, EncodeContext, LiteralMode};
use posthaste_imap::parse;
use posthaste_imap::types::*;
use proptest::prelude::*;

/// One thing that is done to a line, at a place in it.
#[derive(Clone, Debug)]
enum Damage {
    Delete,
    Double,
    Replace(u8),
    Insert(u8),
    Cut,
    /// Everything up to here comes again.
    Repeat,
}

fn damage() -> impl Strategy<Value = (Damage, prop::sample::Index)> {
    let octet =
        || prop::sample::select(b"(){}[]<>\"\\ *%$~+-,:.&=0179aANZnil\r\n\0\t\x7f\x80\xe9\xff".to_vec());
    let damage = prop_oneof![
        Just(Damage::Delete),
        Just(Damage::Double),
        octet().prop_map(Damage::Replace),
        octet().prop_map(Damage::Insert),
        Just(Damage::Cut),
        Just(Damage::Repeat),
    ];
    (damage, any::<prop::sample::Index>())
}

fn damaged(line: &[u8], (damage, place): &(Damage, prop::sample::Index)) -> Bytes {
    if line.is_empty() {
        return Bytes::new();
    }
    let at = place.index(line.len());
    let (before, after) = line.split_at(at);
    match damage {
        Damage::Delete => [before, &after[1..]].concat(),
        Damage::Double => [before, &after[..1], after].concat(),
        Damage::Replace(octet) => [before, &[*octet], &after[1..]].concat(),
        Damage::Insert(octet) => [before, &[*octet], after].concat(),
        Damage::Cut => before.to_vec(),
        Damage::Repeat => [before, line].concat(),
    }
    .into()
}

fn written(tag: &Tag, command: &Command, utf8: bool) -> Bytes {
    let context = EncodeContext { literals: LiteralMode::NonSynchronising, utf8 };
    let wire = on_the_wire(&encode::command(tag, command, context));
    wire.strip_suffix(b"\r\n").map_or(wire.clone(), |line| wire.slice_ref(line))
}

fn rewritten(response: &Response, context: &ParseContext) -> Option<Response> {
    let mut out = BytesMut::new();
    let literals = LiteralMode::Synchronising;
    encode::response(&mut out, response, EncodeContext { literals, utf8: context.utf8 });
    let line = Bytes::copy_from_slice(out.strip_suffix(b"\r\n")?);
    let parsed = parse::response(&line, context);
    Some(parsed.unwrap_or_else(|error| panic!("{}: {error}", line.escape_ascii())).response)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_damaged_command_is_refused_with_a_place_or_comes_back(
        tag in tag(), command in command(), utf8 in any::<bool>(), damage in damage()
    ) {
        let line = damaged(&written(&tag, &command, utf8), &damage);
        let mut context = ParseContext::server();
        context.utf8 = utf8;
        match parse::command(&line, &context) {
            Err(error) => {
                prop_assert!(error.offset <= line.len());
                prop_assert!(error.excerpt.bytes().all(|octet| matches!(octet, b' '..=b'~')));
                prop_assert!(!error.rule.is_empty());
            }
            Ok(read) => {
                let again = written(&read.tag, &read.command, utf8);
                let second = parse::command(&again, &context);
                let second = second.unwrap_or_else(|error| panic!("{}: {error}", again.escape_ascii()));
                prop_assert_eq!(written(&second.tag, &second.command, utf8), again);
            }
        }
    }

    #[test]
    fn what_is_read_of_a_damaged_response_does_not_change_any_more(
        response in response(), utf8 in any::<bool>(), damage in damage()
    ) {
        let line = damaged(&encoded(&response, utf8), &damage);
        let context = client(utf8);
        if let Ok(first) = parse::response(&line, &context) {
            if let Some(second) = rewritten(&first.response, &context) {
                if let Some(third) = rewritten(&second, &context) {
                    prop_assert_eq!(third, second);
                }
            }
        }
    }

    #[test]
    fn an_octet_that_is_wrong_in_one_item_costs_no_other(
        before in proptest::collection::vec(fetch_item(), 0..3), item in fetch_item(),
        after in proptest::collection::vec(fetch_item(), 0..3),
        place in any::<prop::sample::Index>(), wrong in prop::sample::select(b"x7-.\x80\xff".to_vec()),
    ) {
        let of = |item: &FetchItem| {
            let row = encoded(&Response::Fetch(NUMBER, vec![item.clone()]), false);
            row["* 1 FETCH (".len()..row.len() - 1].to_vec()
        };
        let mut broken = of(&item);
        // What is said of lengths and nesting stays: a name, a number, a word or a text is wrong.
        let places: Vec<usize> = (0..broken.len()).filter(|at| broken[*at].is_ascii_alphanumeric()).collect();
        prop_assume!(!broken.contains(&b'{'));
        let at = places[place.index(places.len())];
        broken[at] = wrong;
        let mut pieces: Vec<Vec<u8>> = before.iter().map(of).collect();
        pieces.push(broken.clone());
        pieces.extend(after.iter().map(of));
        let line = [b"* 1 FETCH (", &pieces.join(&b' ')[..], b")"].concat();
        let parsed = parse::response(&Bytes::from(line), &client(false)).unwrap();
        let Response::Fetch(_, read) = parsed.response else { panic!() };
        prop_assert_eq!(read.len(), before.len() + 1 + after.len());
        prop_assert_eq!(&read[..before.len()], &before[..]);
        prop_assert_eq!(&read[before.len() + 1..], &after[..]);
        if let FetchItem::Opaque { name, value } = &read[before.len()] {
            prop_assert_eq!([&name[..], b" ", &value[..]].concat(), broken);
        }
    }

    #[test]
    fn a_broken_item_costs_that_item_and_no_other(
        items in proptest::collection::vec(fetch_item(), 1..4),
        bad in prop::sample::select(vec![
            "BODYSTRUCTURE (\"TEXT\")", "BODYSTRUCTURE NIL", "BODYSTRUCTURE ()", "BODYSTRUCTURE (((())))",
            "ENVELOPE (NIL NIL)", "ENVELOPE (1 2 3)", "INTERNALDATE \"yesterday\"", "INTERNALDATE NIL",
            "RFC822.SIZE -1", "MODSEQ 5", "MODSEQ (x)", "FLAGS \\Seen", "EMAILID x", "PREVIEW (a)", "UID 0",
            "X-UNKNOWN (a (b) \"c)\" {2}\r\n)) d)", "BODY[1.MIME.2] NIL",
        ]),
    ) {
        // The damage stands between items that are whole.
        let whole = encoded(&Response::Fetch(NUMBER, items.clone()), false);
        let start = b"* 1 FETCH (".len();
        let rest = &whole[start..];
        let mut line = b"* 1 FETCH (".to_vec();
        line.extend_from_slice(bad.as_bytes());
        line.push(b' ');
        line.extend_from_slice(rest);
        let parsed = parse::response(&Bytes::from(line), &client(false)).unwrap();
        let Response::Fetch(_, read) = parsed.response else { panic!() };
        let FetchItem::Opaque { name, value } = &read[0] else { panic!("{:?}", read[0]) };
        prop_assert_eq!([&name[..], b" ", &value[..]].concat(), bad.as_bytes());
        prop_assert_eq!(&read[1..], &items[..]);
    }
}

const NUMBER: core::num::NonZeroU32 = core::num::NonZeroU32::MIN;
