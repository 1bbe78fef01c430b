//! Which mailbox names a LIST pattern matches (RFC 9051 6.3.9): `*` is anything, `%` anything within one level; and
//! which of them are listed, with what is said of their children ([`list`], RFC 5258).
//!
//! Linear in the name for patterns of up to 63 characters, whatever they are, and in pattern times name over 64 for
//! longer ones: all states of the pattern are bits that move together, nothing is tried twice.

mod list;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

pub use list::{Listed, MailboxName, Selection, hierarchy_order, list};

/// A pattern, ready to be compared with many names.
///
/// ```
/// use posthaste_imap::pattern::Matcher;
///
/// let below_mail = Matcher::new("", "mail/%", '/');
/// assert!(below_mail.matches("mail/lists"));
/// assert!(!below_mail.matches("mail/lists/rust") && below_mail.ends_in_level());
/// // The reference is put in front as it stands.
/// assert!(Matcher::new("mail/", "*rust", '/').matches("mail/lists/rust"));
/// assert!(Matcher::new("", "inbox/*", '/').matches("INBOX/old"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    delimiter: char,
    /// Characters of the pattern at its front without a wildcard before them: most names differ here.
    prefix: Vec<char>,
    machine: Machine,
    ends_in_level: bool,
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
        let ends_in_level = pattern.ends_with('%');
        let literal =
            pieces.iter().map_while(|piece| if let Piece::One(one) = piece { Some(*one) } else { None });
        let prefix: Vec<char> = literal.collect();
        let machine = Machine::new(pieces.get(prefix.len()..).unwrap_or_default());
        Self { delimiter, prefix, machine, ends_in_level }
    }

    /// Whether `name` matches.
    pub fn matches(&self, name: &str) -> bool {
        let mut characters = name.chars();
        let at_front = self.prefix.iter().all(|expected| characters.next() == Some(*expected));
        at_front && self.machine.matches(characters, self.delimiter)
    }

    /// Whether the last character is `%`: then levels of the hierarchy that are no mailboxes are listed too
    /// (RFC 9051 6.3.9).
    pub fn ends_in_level(&self) -> bool {
        self.ends_in_level
    }
}

/// A pattern as an automaton whose states are bits: bit `i` is set when the characters so far match the first `i`
/// pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Machine {
    /// How many states there are: one more than pieces.
    states: usize,
    anything: Vec<u64>,
    level: Vec<u64>,
    /// For each character of the pattern the states it leads on from.
    ones: BTreeMap<char, Vec<u64>>,
    /// All that is left is `*`.
    is_everything: bool,
}

impl Machine {
    fn new(pieces: &[Piece]) -> Self {
        let states = pieces.len().saturating_add(1);
        let empty = || alloc::vec![0_u64; states.div_ceil(64)];
        let mut machine = Self {
            states,
            anything: empty(),
            level: empty(),
            ones: BTreeMap::new(),
            is_everything: pieces == [Piece::Anything],
        };
        for (at, piece) in pieces.iter().enumerate() {
            let words = match piece {
                Piece::Anything => &mut machine.anything,
                Piece::Level => &mut machine.level,
                Piece::One(one) => machine.ones.entry(*one).or_insert_with(empty),
            };
            if let Some(word) = words.get_mut(at / 64) {
                *word |= bit(at);
            }
        }
        machine
    }

    fn matches(&self, characters: core::str::Chars<'_>, delimiter: char) -> bool {
        if self.is_everything {
            return true;
        }
        if let ([anything], [level]) = (self.anything.as_slice(), self.level.as_slice()) {
            return self.matches_short(characters, delimiter, *anything, *level);
        }
        let mut reached = alloc::vec![0_u64; self.anything.len()];
        if let Some(first) = reached.first_mut() {
            *first = 1;
        }
        self.skip_empty(&mut reached);
        for character in characters {
            let ones = self.ones.get(&character);
            let mut carry = 0;
            let wild = self.anything.iter().zip(&self.level);
            for (at, (word, (anything, level))) in reached.iter_mut().zip(wild).enumerate() {
                let go = *word & ones.and_then(|ones| ones.get(at)).copied().unwrap_or_default();
                let stay = if character == delimiter { *anything } else { *anything | *level };
                *word = (*word & stay) | (go << 1) | carry;
                carry = go >> 63;
            }
            self.skip_empty(&mut reached);
        }
        let last = self.states.saturating_sub(1);
        reached.get(last / 64).is_some_and(|word| word & bit(last) != 0)
    }

    /// The same for up to 63 pieces, in registers.
    fn matches_short(
        &self,
        characters: core::str::Chars<'_>,
        delimiter: char,
        anything: u64,
        level: u64,
    ) -> bool {
        let wild = anything | level;
        let skip_empty = |reached: u64| reached | ((reached & wild) << 1);
        let mut reached = skip_empty(1);
        for character in characters {
            let ones = self.ones.get(&character).and_then(|ones| ones.first()).copied().unwrap_or_default();
            let stay = if character == delimiter { anything } else { wild };
            reached = skip_empty((reached & stay) | ((reached & ones) << 1));
            if reached == 0 {
                return false;
            }
        }
        reached & bit(self.states.saturating_sub(1)) != 0
    }

    /// A wildcard also matches nothing. No two wildcards stand side by side, so one step is enough.
    fn skip_empty(&self, reached: &mut [u64]) {
        let mut carry = 0;
        for (word, (anything, level)) in reached.iter_mut().zip(self.anything.iter().zip(&self.level)) {
            let skipped = *word & (anything | level);
            *word |= (skipped << 1) | carry;
            carry = skipped >> 63;
        }
    }
}

fn bit(at: usize) -> u64 {
    // The remainder is below 64.
    1_u64.rotate_left(u32::try_from(at % 64).unwrap_or_default())
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
