//! Sequence sets and UID sets (RFC 9051, section 9: `sequence-set`, `uid-set`).
//!
//! Sets stay ranges: nothing here ever expands `1:4294967295`. Where the `$` of SEARCHRES may stand instead of
//! a set, the type is [`MessageSet`].

use crate::error::InvalidValue;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;
use core::ops::RangeInclusive;

/// `seq-number = nz-number / "*"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SequenceNumber {
    /// A message number or UID.
    Number(NonZeroU32),
    /// `*`: the largest number in use.
    Largest,
}

impl SequenceNumber {
    fn resolve(self, largest: u32) -> u32 {
        match self {
            Self::Number(number) => number.get(),
            Self::Largest => largest,
        }
    }

    fn written_len(self) -> usize {
        match self {
            Self::Number(number) => usize::try_from(number.ilog10()).unwrap_or_default().saturating_add(1),
            Self::Largest => 1,
        }
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Largest => f.write_str("*"),
        }
    }
}

/// `seq-number` (both ends equal) or `seq-range`, the ends in the order they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SequenceRange {
    /// One end.
    pub start: SequenceNumber,
    /// The other end, which may be the smaller one.
    pub end: SequenceNumber,
}

impl SequenceRange {
    /// One number.
    pub const fn single(number: NonZeroU32) -> Self {
        Self { start: SequenceNumber::Number(number), end: SequenceNumber::Number(number) }
    }

    /// `first:last`.
    pub const fn between(first: NonZeroU32, last: NonZeroU32) -> Self {
        Self { start: SequenceNumber::Number(first), end: SequenceNumber::Number(last) }
    }

    /// `first:*`.
    pub const fn from(first: NonZeroU32) -> Self {
        Self { start: SequenceNumber::Number(first), end: SequenceNumber::Largest }
    }

    fn written_len(self) -> usize {
        let start = self.start.written_len();
        if self.start == self.end {
            start
        } else {
            start.saturating_add(self.end.written_len()).saturating_add(1)
        }
    }

    /// The numbers meant when `largest` is the largest in use, ascending. Zero occurs only when `largest` is zero.
    pub fn resolve(self, largest: u32) -> RangeInclusive<u32> {
        let (a, b) = (self.start.resolve(largest), self.end.resolve(largest));
        a.min(b)..=a.max(b)
    }
}

impl fmt::Display for SequenceRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.start == self.end { self.start.fmt(f) } else { write!(f, "{}:{}", self.start, self.end) }
    }
}

/// `sequence-set`: one or more ranges, in the order they were written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SequenceSet(Vec<SequenceRange>);

impl SequenceSet {
    /// A set of these ranges.
    ///
    /// # Errors
    /// When there is no range.
    pub fn new(ranges: Vec<SequenceRange>) -> Result<Self, InvalidValue> {
        if ranges.is_empty() { Err(InvalidValue::new("sequence-set")) } else { Ok(Self(ranges)) }
    }

    /// A set of one number.
    pub fn single(number: NonZeroU32) -> Self {
        Self(alloc::vec![SequenceRange::single(number)])
    }

    /// `1:*`.
    pub fn all() -> Self {
        Self(alloc::vec![SequenceRange::from(NonZeroU32::MIN)])
    }

    /// The smallest set of these numbers: sorted, adjacent numbers joined. `None` when there are none.
    pub fn from_numbers(numbers: impl IntoIterator<Item = NonZeroU32>) -> Option<Self> {
        Self::from_uids(&UidSet::from_numbers(numbers))
    }

    /// The set of the same numbers. `None` when there are none.
    pub fn from_uids(set: &UidSet) -> Option<Self> {
        let ranges: Vec<_> = set.0.iter().map(|r| SequenceRange::between(*r.start(), *r.end())).collect();
        Self::new(ranges).ok()
    }

    /// The ranges as they were written.
    pub fn ranges(&self) -> &[SequenceRange] {
        &self.0
    }

    /// Whether `*` occurs.
    pub fn has_largest(&self) -> bool {
        self.0.iter().any(|r| r.start == SequenceNumber::Largest || r.end == SequenceNumber::Largest)
    }

    /// The largest number written out, `None` when there is only `*`.
    pub fn largest_number(&self) -> Option<NonZeroU32> {
        let ends = self.0.iter().flat_map(|range| [range.start, range.end]);
        ends.filter_map(|end| if let SequenceNumber::Number(number) = end { Some(number) } else { None })
            .max()
    }

    /// The set as ascending ranges that neither overlap nor touch, with `*` meaning `largest`.
    ///
    /// Takes time in the number of ranges only. Numbers above `largest` stay in; intersect with what exists.
    pub fn resolve(&self, largest: u32) -> Vec<RangeInclusive<u32>> {
        join(self.0.iter().map(|range| range.resolve(largest)).collect())
    }

    /// Whether `number` is meant when `largest` is the largest in use.
    pub fn contains(&self, number: u32, largest: u32) -> bool {
        self.0.iter().any(|range| range.resolve(largest).contains(&number))
    }

    /// The same set in ascending, joined form; ranges that end in `*` are kept last and as they are.
    #[must_use]
    pub fn normalised(&self) -> Self {
        let mut fixed = Vec::new();
        let mut open = Vec::new();
        for range in &self.0 {
            match (range.start, range.end) {
                (SequenceNumber::Number(a), SequenceNumber::Number(b)) => {
                    fixed.push(a.get().min(b.get())..=a.get().max(b.get()));
                }
                (SequenceNumber::Largest, end) => open.push(SequenceRange { start: end, end: range.start }),
                _ => open.push(*range),
            }
        }
        let joined = join(fixed).into_iter().filter_map(|range| {
            Some(SequenceRange::between(NonZeroU32::new(*range.start())?, NonZeroU32::new(*range.end())?))
        });
        open.sort_by_key(|range| range.start);
        // `3:*` covers `5:*` and, since the largest number is at least itself, `*`.
        open.truncate(1);
        Self(joined.chain(open).collect())
    }

    /// The same set as several, in order, of at most `octets_max` octets each when written. A single range that is
    /// longer stands alone. Servers bound a command line: 8,000 octets are safe with all that are known.
    pub fn split(&self, octets_max: usize) -> Vec<Self> {
        let (mut sets, mut current, mut length) = (Vec::new(), Vec::new(), 0_usize);
        for range in &self.0 {
            let written = range.written_len();
            if !current.is_empty() && length.saturating_add(written).saturating_add(1) > octets_max {
                sets.push(Self(core::mem::take(&mut current)));
                length = 0;
            }
            length = length.saturating_add(written).saturating_add(usize::from(!current.is_empty()));
            current.push(*range);
        }
        if !current.is_empty() {
            sets.push(Self(current));
        }
        sets
    }
}

impl fmt::Display for SequenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            range.fmt(f)?;
        }
        Ok(())
    }
}

/// What a command is about: numbers, or the result that an earlier SEARCH saved (RFC 5182).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MessageSet {
    /// `sequence-set`
    Numbers(SequenceSet),
    /// `$`
    Saved,
}

impl MessageSet {
    /// The numbers, `None` for `$`.
    pub const fn numbers(&self) -> Option<&SequenceSet> {
        match self {
            Self::Numbers(set) => Some(set),
            Self::Saved => None,
        }
    }
}

impl From<SequenceSet> for MessageSet {
    fn from(set: SequenceSet) -> Self {
        Self::Numbers(set)
    }
}

impl fmt::Display for MessageSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbers(set) => set.fmt(f),
            Self::Saved => f.write_str("$"),
        }
    }
}

/// `uid-set`: ranges of UIDs without `*`. The order matters: COPYUID pairs two sets number by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UidSet(Vec<RangeInclusive<NonZeroU32>>);

impl UidSet {
    /// A set of these ranges; a range written downwards is turned, because it means the same.
    pub fn new(ranges: impl IntoIterator<Item = RangeInclusive<NonZeroU32>>) -> Self {
        let turn = |r: RangeInclusive<NonZeroU32>| *r.start().min(r.end())..=*r.end().max(r.start());
        Self(ranges.into_iter().map(turn).collect())
    }

    /// The smallest set of these numbers: sorted, adjacent numbers joined.
    pub fn from_numbers(numbers: impl IntoIterator<Item = NonZeroU32>) -> Self {
        Self::joined(numbers.into_iter().map(|number| number..=number))
    }

    /// The smallest set of these ranges, each ascending.
    pub(crate) fn joined(ranges: impl IntoIterator<Item = RangeInclusive<NonZeroU32>>) -> Self {
        let ranges = join(ranges.into_iter().map(|range| range.start().get()..=range.end().get()).collect());
        let positive = |range: RangeInclusive<u32>| {
            Some(NonZeroU32::new(*range.start())?..=NonZeroU32::new(*range.end())?)
        };
        Self(ranges.into_iter().filter_map(positive).collect())
    }

    /// The ranges in their order, each ascending.
    pub fn ranges(&self) -> &[RangeInclusive<NonZeroU32>] {
        &self.0
    }

    /// Whether there are no UIDs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many UIDs there are, counting one twice when it occurs twice.
    pub fn len(&self) -> u64 {
        let ranges = self.0.iter();
        let lengths =
            ranges.map(|r| u64::from(r.end().get().saturating_sub(r.start().get())).saturating_add(1));
        lengths.fold(0, u64::saturating_add)
    }

    /// The UIDs one by one. Lazy: a hostile `1:4294967295` costs nothing until it is walked.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|range| range.start().get()..=range.end().get())
    }
}

impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            SequenceRange::between(*range.start(), *range.end()).fmt(f)?;
        }
        Ok(())
    }
}

/// Sorts ranges and joins those that overlap or touch.
fn join(mut ranges: Vec<RangeInclusive<u32>>) -> Vec<RangeInclusive<u32>> {
    ranges.sort_unstable_by_key(|range| *range.start());
    let mut joined: Vec<RangeInclusive<u32>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if *range.start() <= last.end().saturating_add(1) => {
                *last = *last.start()..=*last.end().max(range.end());
            }
            _ => joined.push(range),
        }
    }
    joined
}
