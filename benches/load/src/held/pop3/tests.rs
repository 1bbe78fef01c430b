use super::*;
use proptest::prelude::*;

/// After how many octets, given so many at a time, the end is found.
fn end(mut scan: Pop3Answer, octets: &[u8], at_once: usize) -> Option<usize> {
    let mut seen = 0;
    for piece in octets.chunks(at_once) {
        seen += piece.len();
        if scan.look(piece) == Found::End {
            return Some(seen);
        }
    }
    None
}

#[test]
fn the_end_of_a_message_is_the_line_that_is_a_dot() {
    for (answer, length) in [
        ("+OK 120 octets\r\nSubject: x\r\n\r\n..\r\n...\r\n.x\r\nx.\r\n.\r\n", None),
        ("+OK\r\n.\r\n", None),
        ("-ERR no such message\r\n.\r\n", Some(22)),
        ("+ok fine\r\n.\r\r\n.\n\r\n.\r\n", None),
    ] {
        let length = length.unwrap_or(answer.len());
        assert_eq!(end(Pop3Answer::long(), answer.as_bytes(), 1), Some(length), "{answer:?}");
        assert_eq!(end(Pop3Answer::long(), &answer.as_bytes()[..length - 1], 1), None, "{answer:?}");
    }
    assert_eq!(end(Pop3Answer::short(), b"+OK bye\r\n", 1), Some(9));
}

proptest! {
    #[test]
    fn any_split_ends_with_the_same_piece(
        text in prop::collection::vec(prop::sample::select(&b"\r\n\r\n..x"[..]), 0..60),
        says_yes in any::<bool>(),
        size in 1_usize..9,
    ) {
        let octets = [if says_yes { b"+OK x" } else { b"-ERR " }, &*text].concat();
        let whole = end(Pop3Answer::long(), &octets, 1);
        let piece = whole.map(|end| end.div_ceil(size).saturating_mul(size).min(octets.len()));
        prop_assert_eq!(end(Pop3Answer::long(), &octets, size), piece);
        // As it is said in words.
        let text = String::from_utf8(octets).unwrap();
        let first = text.find("\r\n").map(|at| at + 2);
        let dot = first.and_then(|first| Some(first + text.get(first - 2..)?.find("\r\n.\r\n")? + 3));
        prop_assert_eq!(whole, if says_yes { dot } else { first });
    }
}
