//! Points in time as the machines see them.
//!
//! A machine has no clock: every call that may arm or check a timer is told the time. What the number counts
//! from is the driver's choice; a machine only compares and adds.

use core::fmt;
use core::time::Duration;

/// A point in time: the duration since an epoch that the driver picked.
///
/// All calls on one machine use the same epoch. A driver usually takes the instant it was created as the epoch;
/// a simulator counts its own virtual time. Time that runs backwards is harmless: deadlines just come later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Duration);

impl Time {
    /// The epoch itself.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The latest time there is; a deadline that overflows ends here.
    pub const MAX: Self = Self(Duration::MAX);

    /// The point that lies `elapsed` after the epoch.
    pub const fn from_epoch(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How long after the epoch this point lies.
    pub const fn since_epoch(self) -> Duration {
        self.0
    }

    /// This point moved `duration` into the future; [`Time::MAX`] where that overflows.
    #[must_use]
    pub const fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// How long it takes from `earlier` to this point; zero where `earlier` is in fact later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Time::MAX.after(Duration::from_secs(1)), Time::MAX);
        let later = Time::ZERO.after(Duration::from_secs(2));
        assert_eq!(Time::ZERO.saturating_since(later), Duration::ZERO);
        assert_eq!(later.saturating_since(Time::ZERO), Duration::from_secs(2));
    }
}
