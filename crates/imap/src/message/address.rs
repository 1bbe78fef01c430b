//! Address lists for `ENVELOPE` (RFC 5322 3.4 and 4.4, RFC 9051 7.5.2), read leniently.
//!
//! What mail would be sent to is never taken from a display name, and what cannot be an address becomes one without
//! a host rather than vanish. Encoded words stay encoded.

use alloc::vec::Vec;

use bytes::Bytes;

use super::lexer::{Word, WordKind, Words};

/// One address structure of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A mailbox.
    Mailbox {
        /// The display name, or the comment of old-style addresses.
        name: Option<Bytes>,
        /// The source route, `@a,@b`, that nothing uses any more.
        route: Option<Bytes>,
        /// The local part without its quotes. Empty when there is none.
        mailbox: Bytes,
        /// The domain. Empty, not absent, when there is none: absent would mean a group.
        host: Bytes,
    },
    /// The addresses up to the next [`Address::GroupEnd`] are members of this group.
    GroupStart(Bytes),
    /// The end of a group. There is one for each start, also when the field does not write it.
    GroupEnd,
}

impl Address {
    /// Reads a list of addresses from an unfolded value, at most `max` of them.
    ///
    /// Commas may be missing after `>`, groups and angle brackets may be left open, empty items are skipped.
    pub fn parse_list(value: &[u8], max: usize) -> Vec<Self> {
        let mut list = List { addresses: Vec::new(), max, group: false };
        let mut item = Item::default();
        for word in Words::of(value) {
            if list.is_full() {
                break;
            }
            match (&word.kind, item.place) {
                (WordKind::Special(b','), Place::Route) => item.route.push(word),
                (WordKind::Special(b','), _) => list.flush(&mut item),
                (WordKind::Special(b';'), _) => {
                    list.flush(&mut item);
                    list.end_group();
                }
                (WordKind::Special(b':'), Place::Before) if !list.group && !has_at(&item.words) => {
                    list.start_group(&mut item);
                }
                (WordKind::Special(b'<'), Place::Before) => item.place = Place::Angle,
                (WordKind::Special(b'<'), Place::After) => {
                    // Two addresses with the comma forgotten.
                    list.flush(&mut item);
                    item.place = Place::Angle;
                }
                (WordKind::Special(b'<'), Place::Angle | Place::Route) => {}
                (WordKind::Special(b'>'), Place::Angle | Place::Route) => item.place = Place::After,
                (WordKind::Special(b'>'), _) => {}
                (WordKind::Comment(text), _) => item.comment = Some(text.clone()),
                (WordKind::Special(b'@'), Place::Angle) if item.angle.is_empty() && item.route.is_empty() => {
                    item.place = Place::Route;
                    item.route.push(word);
                }
                (WordKind::Special(b':'), Place::Route) => item.place = Place::Angle,
                (_, Place::Route) => item.route.push(word),
                (_, Place::Angle) => item.angle.push(word),
                (_, Place::Before) => item.words.push(word),
                (_, Place::After) => item.trailing.push(word),
            }
        }
        list.flush(&mut item);
        list.end_group();
        list.addresses
    }
}

/// The addresses found so far. One place is kept for the end of an open group.
struct List {
    addresses: Vec<Address>,
    max: usize,
    group: bool,
}

impl List {
    fn is_full(&self) -> bool {
        self.addresses.len().saturating_add(usize::from(self.group)) >= self.max
    }

    fn flush(&mut self, item: &mut Item<'_>) {
        let item = core::mem::take(item);
        if !self.is_full() {
            self.addresses.extend(item.address());
        }
    }

    fn start_group(&mut self, item: &mut Item<'_>) {
        let item = core::mem::take(item);
        // A group takes two places.
        if self.addresses.len().saturating_add(1) < self.max {
            self.addresses.push(Address::GroupStart(phrase(&item.words).into()));
            self.group = true;
        }
    }

    fn end_group(&mut self) {
        if core::mem::take(&mut self.group) {
            self.addresses.push(Address::GroupEnd);
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before an angle bracket, if there is one.
    #[default]
    Before,
    /// Inside the angle brackets.
    Angle,
    /// Inside them, in the source route in front of the address.
    Route,
    /// Behind them.
    After,
}

/// The words of one address.
#[derive(Default)]
struct Item<'a> {
    place: Place,
    words: Vec<Word<'a>>,
    route: Vec<Word<'a>>,
    angle: Vec<Word<'a>>,
    trailing: Vec<Word<'a>>,
    comment: Option<Vec<u8>>,
}

impl Item<'_> {
    fn address(self) -> Option<Address> {
        let comment = self.comment.filter(|text| !text.is_empty());
        if self.place == Place::Before {
            return bare(&self.words, comment);
        }
        // A route that leads nowhere, `<@example.org>`, is an address without a local part.
        let (route, spec) = match (self.route.as_slice(), self.angle.as_slice()) {
            ([], spec) => (None, spec),
            (spec, []) => (None, spec),
            (route, spec) => (Some(joined(route)), spec),
        };
        let (local, host) = match last_at(spec) {
            Some(at) => (spec.get(..at)?, spec.get(at.saturating_add(1)..)?),
            None => (spec, &[][..]),
        };
        let mut name = phrase(&self.words);
        if name.is_empty() {
            name = phrase(&self.trailing);
        }
        mailbox(if name.is_empty() { comment } else { Some(name) }, route, joined(local), joined(host))
    }
}

/// An address without angle brackets: the words that touch the last `@`; what stands before them is a name.
fn bare(words: &[Word<'_>], comment: Option<Vec<u8>>) -> Option<Address> {
    let Some(at) = last_at(words) else {
        // One word is a mailbox without a host, several are a name without an address.
        return match words {
            [_, second, ..] if words.iter().skip(1).any(|word| word.spaced) && !is_special(second, b'.') => {
                mailbox(Some(phrase(words)), None, Vec::new(), Vec::new())
            }
            _ => mailbox(comment, None, joined(words), Vec::new()),
        };
    };
    let (before, behind) = (words.get(..at)?, words.get(at.saturating_add(1)..)?);
    let start = before.len().saturating_sub(touching(before.iter().rev()));
    let (name, local) = before.split_at_checked(start)?;
    let domain_len = domain_len(behind);
    let host = behind.get(..domain_len)?;
    let name = phrase(name);
    mailbox(if name.is_empty() { comment } else { Some(name) }, None, joined(local), joined(host))
}

/// How many words at the front of `backwards` are one local part: each touches the one before, or one of the two
/// is a dot (RFC 5322 4.4 allows white space around dots).
fn touching<'a>(backwards: impl Iterator<Item = &'a Word<'a>>) -> usize {
    let mut count = 0_usize;
    let mut later: Option<&Word<'_>> = None;
    for word in backwards {
        let joins =
            later.is_none_or(|later| !later.spaced || is_special(later, b'.') || is_special(word, b'.'));
        if !joins {
            break;
        }
        later = Some(word);
        count = count.saturating_add(1);
    }
    count
}

/// The same forwards, for a domain.
fn domain_len(words: &[Word<'_>]) -> usize {
    let mut count = 0_usize;
    let mut earlier: Option<&Word<'_>> = None;
    for word in words {
        let joins =
            earlier.is_none_or(|earlier| !word.spaced || is_special(earlier, b'.') || is_special(word, b'.'));
        if !joins {
            break;
        }
        earlier = Some(word);
        count = count.saturating_add(1);
    }
    count
}

/// An address, unless all of it is empty.
fn mailbox(
    name: Option<Vec<u8>>,
    route: Option<Vec<u8>>,
    mailbox: Vec<u8>,
    host: Vec<u8>,
) -> Option<Address> {
    let empty = name.is_none() && mailbox.is_empty() && host.is_empty();
    (!empty).then(|| Address::Mailbox {
        name: name.map(Bytes::from),
        route: route.map(Bytes::from),
        mailbox: mailbox.into(),
        host: host.into(),
    })
}

/// The words with the spaces between them.
fn phrase(words: &[Word<'_>]) -> Vec<u8> {
    let mut text = Vec::new();
    for word in words {
        if word.spaced && !text.is_empty() {
            text.push(b' ');
        }
        text.extend_from_slice(word.text());
    }
    text
}

/// The words without the spaces between them.
fn joined(words: &[Word<'_>]) -> Vec<u8> {
    let mut text = Vec::with_capacity(words.iter().map(|word| word.text().len()).sum());
    for word in words {
        text.extend_from_slice(word.text());
    }
    text
}

fn has_at(words: &[Word<'_>]) -> bool {
    last_at(words).is_some()
}

fn last_at(words: &[Word<'_>]) -> Option<usize> {
    words.iter().rposition(|word| is_special(word, b'@'))
}

fn is_special(word: &Word<'_>, special: u8) -> bool {
    word.kind == WordKind::Special(special)
}
