//! For clients that leave mail on the server: which messages are new and which have gone (RFC 1939 7, UIDL).
//!
//! Pure: holds unique-ids, compares them with a listing, and knows nothing of connections.

use alloc::vec::Vec;

use crate::{MessageNumber, Uidl};

/// The unique-ids of the messages that a client has already.
///
/// Memory: 75 octets an id. Cost: a listing in the order of the one before, with messages gone from it and new ones at its
/// end, as servers give it, is compared in one pass; an id that stands elsewhere, or nowhere, costs a binary search.
///
/// ```
/// use posthaste_pop3::client::Seen;
/// use posthaste_pop3::{MessageNumber, Uidl};
///
/// let id = |id| Uidl::new(id).unwrap();
/// let mut seen: Seen = [id("a"), id("b")].into_iter().collect();
/// let mut comparison = seen.compare();
/// // `Event::Uidl` by `Event::Uidl`, and when `Event::ListEnd` has come:
/// comparison.row(MessageNumber::new(1).unwrap(), id("b"));
/// comparison.row(MessageNumber::new(2).unwrap(), id("c"));
/// let changes = comparison.finish();
/// assert_eq!(changes.new, [(MessageNumber::new(2).unwrap(), id("c"))]);
/// assert_eq!(changes.gone, [id("a")]);
/// // What is new is known when it is stored, and what has gone is no longer.
/// seen.extend(changes.new.iter().map(|(_, uidl)| *uidl));
/// seen.forget(&changes.gone);
/// assert_eq!(seen.iter().map(Uidl::as_str).collect::<Vec<_>>(), ["b", "c"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// In the order in which they became known, which is that of the server's lists.
    ids: Vec<Uidl>,
}

impl Seen {
    /// Knows nothing.
    pub const fn new() -> Self {
        Self { ids: Vec::new() }
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ids, in the order in which they became known: to be stored between sessions.
    pub fn iter(&self) -> impl Iterator<Item = &Uidl> {
        self.ids.iter()
    }

    /// Begins to compare with a listing.
    pub fn compare(&self) -> Comparison<'_> {
        Comparison {
            seen: self,
            listed: alloc::vec![false; self.ids.len()],
            expected: 0,
            sorted: Vec::new(),
            new: Vec::new(),
        }
    }

    /// Forgets ids, as those of messages that have gone.
    pub fn forget(&mut self, ids: &[Uidl]) {
        let mut gone = ids.to_vec();
        gone.sort_unstable();
        self.ids.retain(|id| gone.binary_search(id).is_err());
    }
}

impl FromIterator<Uidl> for Seen {
    fn from_iter<I: IntoIterator<Item = Uidl>>(ids: I) -> Self {
        Self { ids: ids.into_iter().collect() }
    }
}

impl Extend<Uidl> for Seen {
    fn extend<I: IntoIterator<Item = Uidl>>(&mut self, ids: I) {
        self.ids.extend(ids);
    }
}

/// A comparison under way.
///
/// Only a listing that came to its end says what has gone: drop a comparison whose listing was cut.
#[derive(Clone, Debug)]
#[must_use = "the result comes with `finish`"]
pub struct Comparison<'a> {
    seen: &'a Seen,
    /// For each id that is known, whether it was listed.
    listed: Vec<bool>,
    /// The position of the id that a listing in the old order has next.
    expected: usize,
    /// Positions in the order of their ids; made when first needed.
    sorted: Vec<usize>,
    new: Vec<(MessageNumber, Uidl)>,
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The messages that are not known, in the order of the listing.
    pub new: Vec<(MessageNumber, Uidl)>,
    /// The ids that were known and are not listed any more.
    pub gone: Vec<Uidl>,
}

impl Comparison<'_> {
    /// Takes a row of the listing. Two messages with the same id, as servers have that make ids from content, are both
    /// known or both new.
    pub fn row(&mut self, number: MessageNumber, uidl: Uidl) {
        match self.find(&uidl) {
            Some(position) => {
                if let Some(listed) = self.listed.get_mut(position) {
                    *listed = true;
                }
                self.expected = position.saturating_add(1);
            }
            None => self.new.push((number, uidl)),
        }
    }

    /// What is new and what has gone, when the listing has come to its end.
    pub fn finish(mut self) -> Changes {
        let known = self.seen.ids.iter().zip(&self.listed);
        let mut gone: Vec<Uidl> = known.filter(|(_, listed)| !**listed).map(|(id, _)| *id).collect();
        if !gone.is_empty() {
            // An id that is known twice and was listed once is still there.
            self.sort();
            gone.retain(|id| self.places(id).all(|position| self.listed.get(position) == Some(&false)));
        }
        Changes { new: self.new, gone }
    }

    fn find(&mut self, uidl: &Uidl) -> Option<usize> {
        if self.seen.ids.get(self.expected) == Some(uidl) {
            return Some(self.expected);
        }
        self.sort();
        self.places(uidl).next()
    }

    /// The positions of an id, by binary search.
    fn places(&self, uidl: &Uidl) -> impl Iterator<Item = usize> {
        let ids = &self.seen.ids;
        let start = self.sorted.partition_point(|position| ids.get(*position) < Some(uidl));
        let behind = self.sorted.get(start..).unwrap_or_default().iter().copied();
        behind.take_while(move |position| ids.get(*position) == Some(uidl))
    }

    fn sort(&mut self) {
        let ids = &self.seen.ids;
        if self.sorted.is_empty() {
            self.sorted = (0..ids.len()).collect();
            // Stable, so that lists which are sorted in parts cost little more than a pass.
            self.sorted.sort_by_key(|position| ids.get(*position));
        }
    }
}
