//! Latencies in buckets of fixed relative width: bounded memory for any number of them, and quantiles that are right to
//! three per cent. The largest is kept as it was.

use std::time::Duration;

/// How often an operation took how long, in microseconds.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    count: u64,
    sum: u64,
    max: u64,
}

impl Histogram {
    /// One without any.
    pub fn new() -> Self {
        Self { counts: vec![0; BUCKETS], count: 0, sum: 0, max: 0 }
    }

    /// Notes one.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(micros)) {
            *count = count.saturating_add(1);
        }
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(micros);
        self.max = self.max.max(micros);
    }

    /// Takes all of another.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
    }

    /// How many there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The longest, in microseconds.
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// The mean, in microseconds; 0 without any.
    pub fn mean(&self) -> u64 {
        self.sum.checked_div(self.count).unwrap_or(0)
    }

    /// So many microseconds or less took `per_mille` of a thousand operations; 0 without any.
    pub fn quantile(&self, per_mille: u64) -> u64 {
        let rank = self.count.saturating_mul(per_mille).div_ceil(1000).max(1);
        let mut seen = 0_u64;
        for (index, count) in self.counts.iter().enumerate() {
            seen = seen.saturating_add(*count);
            if seen >= rank {
                return upper_end(index).min(self.max);
            }
        }
        0
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// Up to [`FINE`] each value has a bucket; above, each power of two has [`FINE`] / 2 of them.
fn bucket(micros: u64) -> usize {
    let bits = u64::BITS.saturating_sub(micros.leading_zeros());
    let shift = bits.saturating_sub(FINE.trailing_zeros());
    let index = (micros >> shift).saturating_add(u64::from(shift).saturating_mul(FINE / 2));
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The largest value of a bucket.
fn upper_end(index: usize) -> u64 {
    let index = u64::try_from(index).unwrap_or(u64::MAX);
    let shift = (index.saturating_sub(FINE / 2) / (FINE / 2)).min(u64::from(u64::BITS));
    let shift = if index < FINE { 0 } else { shift };
    let mantissa = index.saturating_sub(shift.saturating_mul(FINE / 2));
    let after = u128::from(mantissa.saturating_add(1)) << shift;
    u64::try_from(after.saturating_sub(1)).unwrap_or(u64::MAX)
}

const FINE: u64 = 64;

/// 64 for the small values, and 32 for each of the 58 powers of two above them.
const BUCKETS: usize = 64 + 58 * 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_its_bucket_and_no_bucket_is_wide() {
        let mut value = 0_u64;
        while value < u64::MAX / 3 {
            let index = bucket(value);
            assert!(index < BUCKETS, "{value}");
            let end = upper_end(index);
            assert!(value <= end && end - value <= value / 32, "{value} {end}");
            assert_eq!(bucket(end), index);
            assert_eq!(bucket(end + 1), index + 1, "{value}");
            value = value + value / 7 + 1;
        }
        assert!(bucket(u64::MAX) < BUCKETS);
    }

    #[test]
    fn quantiles_of_a_ramp() {
        let (mut low, mut high) = (Histogram::new(), Histogram::new());
        for micros in 1..=1000 {
            let half = if micros <= 500 { &mut low } else { &mut high };
            half.record(Duration::from_micros(micros));
        }
        low.merge(&high);
        assert_eq!((low.count(), low.max(), low.mean()), (1000, 1000, 500));
        for (per_mille, wanted) in [(1, 1), (500, 500), (900, 900), (990, 990), (1000, 1000)] {
            let found = low.quantile(per_mille);
            assert!(found >= wanted && found - wanted <= wanted / 32, "{per_mille}: {found}");
        }
        assert_eq!(Histogram::new().quantile(500), 0);
    }
}
