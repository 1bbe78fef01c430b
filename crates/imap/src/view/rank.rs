//! Places of which each holds a message or not, that are counted and found by number.
//!
//! One bit for each place; over blocks of 512 places a Fenwick tree of how many are left. Counting, finding, taking
//! one away and adding one at the end all take logarithmic time.

use alloc::vec::Vec;

use super::bits::mask;

#[derive(Clone, Debug, Default)]
pub(super) struct Rank {
    words: Vec<u64>,
    /// A Fenwick tree: the node at `i`, counted from 1, is the sum of the blocks of `i`'s lowest bit up to `i`.
    sums: Vec<u32>,
    places: usize,
    count: usize,
}

impl Rank {
    /// So many places, each with a message.
    pub(super) fn full(places: usize) -> Self {
        let mut words = alloc::vec![u64::MAX; places / 64];
        if places % 64 > 0 {
            words.push(mask(places).wrapping_sub(1));
        }
        let mut sums: Vec<u32> =
            words.chunks(BLOCK_WORDS).map(|block| block.iter().map(|word| word.count_ones()).sum()).collect();
        for index in 1..=sums.len() {
            let value = sums.get(index.saturating_sub(1)).copied().unwrap_or_default();
            let above = index.saturating_add(lowest_bit(index));
            if let Some(sum) = above.checked_sub(1).and_then(|above| sums.get_mut(above)) {
                *sum = sum.saturating_add(value);
            }
        }
        Self { words, sums, places, count: places }
    }

    /// How many messages there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn has(&self, place: usize) -> bool {
        self.words.get(place / 64).is_some_and(|word| word & mask(place) != 0)
    }

    /// Adds a place at the end, with a message.
    pub(super) fn push(&mut self) {
        let place = self.places;
        self.places = place.saturating_add(1);
        if self.words.len() < self.places.div_ceil(64) {
            self.words.push(0);
        }
        if self.sums.len() < self.words.len().div_ceil(BLOCK_WORDS) {
            // The new node is the sum of the blocks below it, which are the end of what there is.
            let index = self.sums.len().saturating_add(1);
            let below = self.sum(index.saturating_sub(1));
            let before = self.sum(index.saturating_sub(lowest_bit(index)));
            self.sums.push(u32::try_from(below.saturating_sub(before)).unwrap_or(u32::MAX));
        }
        if let Some(word) = self.words.get_mut(place / 64) {
            *word |= mask(place);
        }
        self.count = self.count.saturating_add(1);
        self.add(place, |sum| sum.saturating_add(1));
    }

    /// Takes a message away; its place stays.
    pub(super) fn remove(&mut self, place: usize) {
        let Some(word) = self.words.get_mut(place / 64).filter(|word| **word & mask(place) != 0) else {
            return;
        };
        *word &= !mask(place);
        self.count = self.count.saturating_sub(1);
        self.add(place, |sum| sum.saturating_sub(1));
    }

    /// How many messages are before a place.
    pub(super) fn before(&self, place: usize) -> usize {
        let place = place.min(self.places);
        let (word, block) = (place / 64, place / BLOCK);
        let first = block.saturating_mul(BLOCK_WORDS);
        let whole = self.words.get(first..word).unwrap_or_default();
        let last = self.words.get(word).copied().unwrap_or_default() & mask(place).wrapping_sub(1);
        let ones = whole.iter().chain([&last]).map(|word| ones(*word));
        ones.fold(self.sum(block), usize::saturating_add)
    }

    /// The place of the message that has so many before it.
    pub(super) fn select(&self, before: usize) -> Option<usize> {
        if before >= self.count {
            return None;
        }
        let mut left = before;
        let mut block = 0_usize;
        let mut step = self.sums.len().checked_ilog2().map_or(0, |log| 1_usize.rotate_left(log));
        while step > 0 {
            let next = block.saturating_add(step);
            if let Some(sum) = next.checked_sub(1).and_then(|at| self.sums.get(at)).map(|sum| index(*sum)) {
                if sum <= left {
                    left = left.saturating_sub(sum);
                    block = next;
                }
            }
            step /= 2;
        }
        let first = block.saturating_mul(BLOCK_WORDS);
        for (at, word) in (first..).zip(self.words.get(first..)?) {
            let count = ones(*word);
            if left < count {
                let mut word = *word;
                for _ in 0..left {
                    word &= word.wrapping_sub(1);
                }
                return at.checked_mul(64)?.checked_add(index(word.trailing_zeros()));
            }
            left = left.saturating_sub(count);
        }
        None
    }

    /// The places with a message, from `start` up to `end`.
    pub(super) fn places(&self, start: usize, end: usize) -> impl Iterator<Item = usize> + '_ {
        let end = end.min(self.places);
        let words = (start / 64..).zip(self.words.get(start / 64..end.div_ceil(64)).unwrap_or_default());
        words
            .flat_map(move |(at, word)| {
                let base = at.saturating_mul(64);
                let mut rest = if base < start { word & !mask(start).wrapping_sub(1) } else { *word };
                core::iter::from_fn(move || {
                    let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                    rest &= rest.wrapping_sub(1);
                    Some(base.saturating_add(index(bit)))
                })
            })
            .take_while(move |place| *place < end)
    }

    /// The sum of the first blocks.
    fn sum(&self, blocks: usize) -> usize {
        let mut sum = 0_usize;
        let mut node = blocks;
        while let Some(at) = node.checked_sub(1) {
            sum = sum.saturating_add(self.sums.get(at).map(|sum| index(*sum)).unwrap_or_default());
            node = node.saturating_sub(lowest_bit(node));
        }
        sum
    }

    fn add(&mut self, place: usize, change: impl Fn(u32) -> u32) {
        let mut node = (place / BLOCK).saturating_add(1);
        while let Some(sum) = node.checked_sub(1).and_then(|at| self.sums.get_mut(at)) {
            *sum = change(*sum);
            node = node.saturating_add(lowest_bit(node));
        }
    }
}

fn lowest_bit(number: usize) -> usize {
    number & number.wrapping_neg()
}

fn ones(word: u64) -> usize {
    index(word.count_ones())
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

const BLOCK: usize = 512;
const BLOCK_WORDS: usize = BLOCK / 64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_and_places_are_those_of_a_list(
            full in 0_usize..2_000, steps in prop::collection::vec(prop::option::of(0_usize..2_500), 0..600),
        ) {
            let mut rank = Rank::full(full);
            let mut model = alloc::vec![true; full];
            for step in steps {
                match step {
                    None => {
                        rank.push();
                        model.push(true);
                    }
                    Some(place) => {
                        rank.remove(place);
                        if let Some(live) = model.get_mut(place) {
                            *live = false;
                        }
                    }
                }
            }
            let live: Vec<usize> = (0..model.len()).filter(|place| model[*place]).collect();
            prop_assert_eq!(rank.len(), live.len());
            prop_assert!(rank.places(0, usize::MAX).eq(live.iter().copied()));
            for (before, place) in live.iter().enumerate() {
                prop_assert_eq!(rank.select(before), Some(*place));
                prop_assert_eq!(rank.before(*place), before);
            }
            prop_assert_eq!(rank.select(live.len()), None);
            let (start, end) = (model.len() / 3, model.len() / 2);
            prop_assert!(rank.places(start, end).eq(live.iter().copied().filter(|place| (start..end).contains(place))));
        }
    }
}
