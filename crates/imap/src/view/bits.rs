//! A set of places, one bit each, that is asked for its first and its last.
//!
//! The first and the last word that may hold one are remembered, so that taking all out in either direction takes
//! one walk over the words.

use alloc::vec::Vec;

#[derive(Clone, Debug, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
    /// How many places there are.
    places: usize,
    count: usize,
    /// No word before this one, and none from `end` on, holds a place.
    start: usize,
    end: usize,
}

impl Bits {
    /// The empty set of so many places.
    pub(super) fn new(places: usize) -> Self {
        Self { words: alloc::vec![0; places.div_ceil(64)], places, ..Self::default() }
    }

    /// Makes room for one place more.
    pub(super) fn grow(&mut self) {
        self.places = self.places.saturating_add(1);
        if self.words.len() < self.places.div_ceil(64) {
            self.words.push(0);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn has(&self, place: usize) -> bool {
        self.words.get(place / 64).is_some_and(|word| word & mask(place) != 0)
    }

    pub(super) fn insert(&mut self, place: usize) {
        let at = place / 64;
        let Some(word) = self.words.get_mut(at).filter(|word| **word & mask(place) == 0) else { return };
        *word |= mask(place);
        (self.start, self.end) = match self.count {
            0 => (at, at.saturating_add(1)),
            _ => (self.start.min(at), self.end.max(at.saturating_add(1))),
        };
        self.count = self.count.saturating_add(1);
    }

    pub(super) fn remove(&mut self, place: usize) {
        let Some(word) = self.words.get_mut(place / 64).filter(|word| **word & mask(place) != 0) else {
            return;
        };
        *word &= !mask(place);
        self.count = self.count.saturating_sub(1);
    }

    /// The first place of the set.
    pub(super) fn first(&mut self) -> Option<usize> {
        if self.count == 0 {
            return None;
        }
        let words = self.words.get(self.start..self.end)?;
        let skipped = words.iter().position(|word| *word != 0)?;
        self.start = self.start.saturating_add(skipped);
        let word = self.words.get(self.start)?;
        place(self.start, word.trailing_zeros())
    }

    /// The last place of the set.
    pub(super) fn last(&mut self) -> Option<usize> {
        if self.count == 0 {
            return None;
        }
        let words = self.words.get(self.start..self.end)?;
        let skipped = words.iter().rev().position(|word| *word != 0)?;
        self.end = self.end.saturating_sub(skipped);
        let at = self.end.checked_sub(1)?;
        let word = self.words.get(at)?;
        place(at, 63_u32.saturating_sub(word.leading_zeros()))
    }
}

fn place(word: usize, bit: u32) -> Option<usize> {
    word.checked_mul(64)?.checked_add(usize::try_from(bit).ok()?)
}

/// The bit of a place in its word.
pub(super) fn mask(place: usize) -> u64 {
    // The remainder is below 64.
    1_u64.rotate_left(u32::try_from(place % 64).unwrap_or_default())
}
