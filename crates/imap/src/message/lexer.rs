//! Words of structured fields (RFC 5322 3.2, RFC 2045 5.1): atoms, quoted strings, comments, domain literals.
//!
//! Works on unfolded values, never looks back and never recurses: a comment in a comment is a number. What is not
//! closed ends with the value. What the words mean is decided in `address` and `content`.

use alloc::vec::Vec;

use memchr::memchr2;

/// One word, and whether white space or a comment stands before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) kind: WordKind<'a>,
    pub(super) spaced: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WordKind<'a> {
    Atom(&'a [u8]),
    /// Without the quotes and backslashes.
    Quoted(Vec<u8>),
    /// With the brackets.
    DomainLiteral(&'a [u8]),
    /// Without the outer parentheses and the backslashes.
    Comment(Vec<u8>),
    /// One of `< > @ , ; : .`
    Special(u8),
}

impl Word<'_> {
    /// What a word adds to a name or an address; a comment adds nothing.
    pub(super) fn text(&self) -> &[u8] {
        match &self.kind {
            WordKind::Atom(octets) | WordKind::DomainLiteral(octets) => octets,
            WordKind::Quoted(octets) => octets,
            WordKind::Special(octet) => core::slice::from_ref(octet),
            WordKind::Comment(_) => &[],
        }
    }
}

/// Takes the words of an address list one by one.
#[derive(Clone, Debug)]
pub(super) struct Words<'a> {
    rest: &'a [u8],
    /// A bracket opens a domain literal only behind `@`; elsewhere it is an octet of an atom.
    after_at: bool,
    spaced: bool,
}

impl<'a> Words<'a> {
    pub(super) fn of(value: &'a [u8]) -> Self {
        Self { rest: value, after_at: false, spaced: false }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let trimmed = self.rest.trim_ascii_start();
        let spaced = self.spaced || trimmed.len() < self.rest.len();
        let (first, tail) = trimmed.split_first()?;
        let (kind, rest) = match first {
            b'(' => {
                let (comment, rest) = comment(tail);
                (WordKind::Comment(comment), rest)
            }
            b'"' => {
                let (quoted, rest) = quoted(tail);
                (WordKind::Quoted(quoted), rest)
            }
            b'[' if self.after_at => {
                let len = memchr2(b']', b'>', trimmed).map_or(trimmed.len(), |at| {
                    let closed = trimmed.get(at) == Some(&b']');
                    at.saturating_add(usize::from(closed))
                });
                let (literal, rest) = split(trimmed, len);
                (WordKind::DomainLiteral(literal), rest)
            }
            b'<' | b'>' | b'@' | b',' | b';' | b':' | b'.' => (WordKind::Special(*first), tail),
            _ => {
                let (atom, rest) = split(trimmed, atom_len(trimmed));
                (WordKind::Atom(atom), rest)
            }
        };
        self.rest = rest;
        self.spaced = matches!(kind, WordKind::Comment(_));
        self.after_at = match kind {
            WordKind::Comment(_) => self.after_at,
            _ => kind == WordKind::Special(b'@'),
        };
        Some(Word { kind, spaced })
    }
}

/// The content of a quoted string whose opening quote is gone, and what follows it.
pub(super) fn quoted(octets: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut content = Vec::new();
    let mut rest = octets;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'"' => break,
            b'\\' => {
                if let Some((escaped, tail)) = rest.split_first() {
                    content.push(*escaped);
                    rest = tail;
                }
            }
            other => content.push(*other),
        }
    }
    (content, rest)
}

/// The content of a comment whose opening parenthesis is gone, and what follows it.
pub(super) fn comment(octets: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut content = Vec::new();
    let mut depth = 0_usize;
    let mut rest = octets;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'\\' => {
                if let Some((escaped, tail)) = rest.split_first() {
                    content.push(*escaped);
                    rest = tail;
                }
                continue;
            }
            b'(' => depth = depth.saturating_add(1),
            b')' if depth == 0 => break,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        content.push(*first);
    }
    (content, rest)
}

/// The value with each comment turned into a space. Quoted strings are not looked for.
pub(super) fn without_comments(value: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'(' {
            plain.push(b' ');
            (_, rest) = comment(tail);
        } else {
            plain.push(*first);
            rest = tail;
        }
    }
    plain
}

/// Splits at an offset, or at the end when it is too far.
pub(super) fn split(octets: &[u8], at: usize) -> (&[u8], &[u8]) {
    octets.split_at_checked(at).unwrap_or((octets, &[]))
}

/// At least 1 when there is an octet.
fn atom_len(octets: &[u8]) -> usize {
    // Mailers write specials into encoded words; RFC 2047 5 forbids it, and everybody reads them as one word.
    let from = encoded_word_len(octets).unwrap_or(1);
    let ends = |octet: &u8| {
        octet.is_ascii_whitespace()
            || matches!(octet, b'<' | b'>' | b'@' | b',' | b';' | b':' | b'.' | b'"' | b'(')
    };
    let more = octets.get(from..).unwrap_or_default();
    from.saturating_add(more.iter().position(ends).unwrap_or(more.len()))
}

/// The length of the encoded word (`=?charset?encoding?text?=`) at the front.
fn encoded_word_len(octets: &[u8]) -> Option<usize> {
    if !octets.starts_with(b"=?") {
        return None;
    }
    let window = octets.get(..ENCODED_WORD_MAX).unwrap_or(octets);
    let mut marks = 0_u32;
    for (at, octet) in window.iter().enumerate() {
        match octet {
            b'?' => marks = marks.saturating_add(1),
            // The fourth mark ends the text.
            b'=' if marks == 4 => return at.checked_add(1),
            octet if octet.is_ascii_whitespace() => return None,
            _ => {}
        }
        if marks > 4 || (marks == 4 && *octet != b'?') {
            return None;
        }
    }
    None
}

/// RFC 2047 2 allows 75 octets; mailers exceed it.
const ENCODED_WORD_MAX: usize = 256;
