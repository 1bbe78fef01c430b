//! Deadlines by name.
//!
//! Each machine lists its timers in an enum. The table holds at most one deadline per name, so that `poll_timeout`
//! can say not only when but also why. It knows nothing of what happens when one fires.

use core::time::Duration;

use crate::Time;

/// The names of a machine's timers: a field-less enum of `N` variants.
pub trait TimerName<const N: usize>: Copy + PartialEq + core::fmt::Debug + 'static {
    /// All names, in the order in which timers that expire at the same time are reported.
    const ALL: [Self; N];
}

/// At most one deadline for each of `N` names.
///
/// Memory: 16 octets a name, no allocation.
#[derive(Clone, Debug)]
pub struct TimerTable<T, const N: usize> {
    slots: [(T, Option<Time>); N],
}

impl<T: TimerName<N>, const N: usize> TimerTable<T, N> {
    /// A table in which nothing is armed.
    pub fn new() -> Self {
        Self { slots: T::ALL.map(|name| (name, None)) }
    }

    /// Arms `name` to expire `after` from `now`; replaces an earlier deadline of the same name.
    pub fn arm(&mut self, name: T, now: Time, after: Duration) {
        self.set(name, Some(now.after(after)));
    }

    /// Arms `name` unless it is armed already: the deadline of a whole phase, which progress does not move.
    pub fn arm_once(&mut self, name: T, now: Time, after: Duration) {
        if self.deadline(name).is_none() {
            self.arm(name, now, after);
        }
    }

    /// Disarms `name`.
    pub fn disarm(&mut self, name: T) {
        self.set(name, None);
    }

    /// Disarms all.
    pub fn disarm_all(&mut self) {
        for (_, deadline) in &mut self.slots {
            *deadline = None;
        }
    }

    /// The deadline of `name`, where it is armed.
    pub fn deadline(&self, name: T) -> Option<Time> {
        self.slots.iter().find(|(slot, _)| *slot == name).and_then(|(_, deadline)| *deadline)
    }

    /// The earliest deadline and its name; of equal deadlines the name that stands first in [`TimerName::ALL`].
    pub fn next(&self) -> Option<(T, Time)> {
        let armed = self.slots.iter().filter_map(|(name, deadline)| Some((*name, (*deadline)?)));
        armed.min_by_key(|(_, deadline)| *deadline)
    }

    /// Disarms and returns the earliest timer whose deadline is not after `now`. Called until it returns `None`.
    pub fn expire(&mut self, now: Time) -> Option<T> {
        let (name, deadline) = self.next()?;
        if deadline > now {
            return None;
        }
        self.disarm(name);
        Some(name)
    }

    fn set(&mut self, name: T, deadline: Option<Time>) {
        if let Some(slot) = self.slots.iter_mut().find(|(slot, _)| *slot == name) {
            slot.1 = deadline;
        }
    }
}

impl<T: TimerName<N>, const N: usize> Default for TimerTable<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Name {
        Idle,
        Command,
    }

    impl TimerName<2> for Name {
        const ALL: [Self; 2] = [Self::Idle, Self::Command];
    }

    fn at(seconds: u64) -> Time {
        Time::from_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn earliest_comes_first_and_ties_go_by_order_of_names() {
        let mut timers = TimerTable::<Name, 2>::new();
        assert_eq!(timers.next(), None);
        timers.arm(Name::Command, at(0), Duration::from_secs(5));
        timers.arm(Name::Idle, at(0), Duration::from_secs(9));
        assert_eq!(timers.next(), Some((Name::Command, at(5))));
        timers.arm(Name::Idle, at(0), Duration::from_secs(5));
        assert_eq!(timers.next(), Some((Name::Idle, at(5))));
    }

    #[test]
    fn expires_each_timer_once_and_not_before_its_time() {
        let mut timers = TimerTable::<Name, 2>::new();
        timers.arm(Name::Idle, at(0), Duration::from_secs(3));
        timers.arm(Name::Command, at(0), Duration::from_secs(2));
        assert_eq!(timers.expire(at(1)), None);
        assert_eq!(timers.expire(at(3)), Some(Name::Command));
        assert_eq!(timers.expire(at(3)), Some(Name::Idle));
        assert_eq!(timers.expire(at(3)), None);
    }

    #[test]
    fn arm_once_keeps_the_first_deadline() {
        let mut timers = TimerTable::<Name, 2>::new();
        timers.arm_once(Name::Command, at(0), Duration::from_secs(2));
        timers.arm_once(Name::Command, at(1), Duration::from_secs(2));
        assert_eq!(timers.deadline(Name::Command), Some(at(2)));
        timers.disarm_all();
        assert_eq!(timers.next(), None);
    }
}
