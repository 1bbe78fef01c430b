//! Which mailbox names a LIST pattern matches (RFC 9051 6.3.9): `*` is anything, `%` anything within one level.
//!
//! Linear in pattern times name, whatever the pattern: no backtracking.

use alloc::vec;
use alloc::vec::Vec;

/// A pattern, ready to be compared with many names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    pieces: Vec<Piece>,
    delimiter: char,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    One(char),
    Level,
    Anything,
}

impl Matcher {
    /// The names that `reference` and `pattern` together match, in a hierarchy of `delimiter`.
    ///
    /// The pattern follows the reference as it stands. `INBOX` at the front matches in any case.
    pub fn new(reference: &str, pattern: &str, delimiter: char) -> Self {
        let mut pieces = Vec::new();
        // A reference is a name, in which nothing is special.
        pieces.extend(reference.chars().map(Piece::One));
        for character in pattern.chars() {
            match (character, pieces.last()) {
                ('*', Some(Piece::Anything)) | ('%', Some(Piece::Anything | Piece::Level)) => {}
                ('*', Some(Piece::Level)) => {
                    pieces.pop();
                    pieces.push(Piece::Anything);
                }
                ('*', _) => pieces.push(Piece::Anything),
                ('%', _) => pieces.push(Piece::Level),
                (character, _) => pieces.push(Piece::One(character)),
            }
        }
        fold_inbox(&mut pieces, delimiter);
        Self { pieces, delimiter }
    }

    /// Whether `name` matches.
    pub fn matches(&self, name: &str) -> bool {
        // reached[i]: the characters so far match the first i pieces.
        let mut reached = vec![false; self.pieces.len().saturating_add(1)];
        if let Some(start) = reached.first_mut() {
            *start = true;
        }
        self.skip_empty(&mut reached);
        for character in name.chars() {
            let mut next = vec![false; reached.len()];
            let states = reached.iter().zip(&self.pieces).enumerate();
            for (at, (_, piece)) in states.filter(|(_, (state, _))| **state) {
                let (stay, go) = match piece {
                    Piece::One(expected) => (false, *expected == character),
                    Piece::Level => (character != self.delimiter, false),
                    Piece::Anything => (true, false),
                };
                mark(&mut next, at, stay);
                mark(&mut next, at.saturating_add(1), go);
            }
            self.skip_empty(&mut next);
            reached = next;
        }
        reached.last().copied().unwrap_or_default()
    }

    /// A wildcard also matches nothing.
    fn skip_empty(&self, reached: &mut [bool]) {
        for (at, piece) in self.pieces.iter().enumerate() {
            let wild = matches!(piece, Piece::Level | Piece::Anything);
            let here = reached.get(at).copied().unwrap_or_default();
            mark(reached, at.saturating_add(1), wild && here);
        }
    }
}

fn mark(states: &mut [bool], at: usize, value: bool) {
    if let Some(state) = states.get_mut(at) {
        *state |= value;
    }
}

/// Writes a leading `INBOX` level in capitals, as the name itself is kept.
fn fold_inbox(pieces: &mut [Piece], delimiter: char) {
    let ends = match pieces.get(INBOX.len()) {
        None | Some(Piece::Level | Piece::Anything) => true,
        Some(Piece::One(character)) => *character == delimiter,
    };
    let is_inbox = pieces.len() >= INBOX.len()
        && pieces.iter().zip(INBOX.chars()).all(|(piece, expected)| match piece {
            Piece::One(character) => character.eq_ignore_ascii_case(&expected),
            Piece::Level | Piece::Anything => false,
        });
    if ends && is_inbox {
        for (piece, character) in pieces.iter_mut().zip(INBOX.chars()) {
            *piece = Piece::One(character);
        }
    }
}

const INBOX: &str = "INBOX";

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use proptest::prelude::*;

    /// The meaning of a pattern in the plainest way, with backtracking.
    fn model(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some((wild @ ('*' | '%'), rest)), _) => {
                model(rest, name)
                    || name
                        .split_first()
                        .is_some_and(|(first, name)| (*wild == '*' || *first != '/') && model(pattern, name))
            }
            (Some((a, pattern)), Some((b, name))) => a == b && model(pattern, name),
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_plain_meaning(
            pattern in prop::collection::vec(prop::sample::select(&['a', 'b', '/', '*', '%'][..]), 0..8),
            name in prop::collection::vec(prop::sample::select(&['a', 'b', '/'][..]), 0..8),
        ) {
            let text: String = pattern.iter().collect();
            let target: String = name.iter().collect();
            prop_assert_eq!(Matcher::new("", &text, '/').matches(&target), model(&pattern, &name));
        }
    }

    #[test]
    fn mbx_03_inbox_matches_in_any_case_as_a_whole_level_only() {
        assert!(Matcher::new("", "inbox", '/').matches("INBOX"));
        assert!(Matcher::new("", "InBox/%", '/').matches("INBOX/x"));
        assert!(Matcher::new("", "inbox*", '/').matches("INBOX"));
        assert!(!Matcher::new("", "inboxes", '/').matches("INBOXES"));
    }

    #[test]
    fn a_reference_is_taken_literally() {
        assert!(Matcher::new("a/", "%", '/').matches("a/b"));
        assert!(!Matcher::new("a*", "b", '/').matches("axb"));
        assert!(Matcher::new("a*", "b", '/').matches("a*b"));
    }

    #[test]
    fn imap_13_many_wildcards_cost_no_more_than_pattern_times_name() {
        let pattern = "*a%".repeat(500);
        let name = "a".repeat(2000);
        assert!(Matcher::new("", &pattern, '/').matches(&name));
        assert!(!Matcher::new("", &[&pattern, "b"].concat(), '/').matches(&name));
    }
}
