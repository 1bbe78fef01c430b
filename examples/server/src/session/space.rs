//! Whether there is room for a message, and so much besides that is to be kept free.
//!
//! The system is asked rarely: where much is free, what it said holds for a moment, less what has been let in since. An
//! answer from memory is never another than the system's would be, as long as nobody writes to the disk faster than disks
//! are: where it could be, the system is asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is known of the room there is. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Space(Arc<Mutex<Option<Known>>>);

#[derive(Debug)]
struct Known {
    /// When the system was asked.
    asked: Instant,
    /// What was free, less what has been let in since.
    free: u64,
}

impl Space {
    /// Lets octets in if at least `kept` stay free, and whether it does. `ask` tells what is free; where it does not know,
    /// everything is let in.
    pub(super) fn takes(
        &self,
        octets: u64,
        kept: u64,
        now: Instant,
        ask: impl FnOnce() -> Option<u64>,
    ) -> bool {
        let wanted = kept.saturating_add(octets);
        // Whoever comes while the system is asked waits for the same answer.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Known { asked, free }) = &mut *known
            && now.saturating_duration_since(*asked) < HOLDS_FOR
            && *free >= wanted.saturating_add(WRITTEN_MAX)
        {
            *free = free.saturating_sub(octets);
            return true;
        }
        let free = ask();
        let takes = free.is_none_or(|free| free >= wanted);
        let let_in = if takes { octets } else { 0 };
        *known = free.map(|free| Known { asked: now, free: free.saturating_sub(let_in) });
        takes
    }
}

/// So long holds what the system said.
const HOLDS_FOR: Duration = Duration::from_millis(100);

/// More octets than others write to a disk in that time.
const WRITTEN_MAX: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn where_much_is_free_the_system_is_asked_once_in_a_while() {
        let (space, begin, asked) = (Space::default(), Instant::now(), Cell::new(0));
        let takes = |at: Duration| {
            let ask = || {
                asked.set(asked.get() + 1);
                Some(1 << 40)
            };
            space.clone().takes(MIB, 100 * MIB, begin + at, ask)
        };
        for message in 0..10_000 {
            assert!(takes(HOLDS_FOR * message / 1000));
        }
        assert_eq!(asked.get(), 10);
        // A clock that was read before somebody else asked.
        assert!(takes(Duration::ZERO));
        assert_eq!(asked.get(), 10);
    }

    #[test]
    fn rel_06_a_burst_does_not_pass_on_one_answer() {
        // Nothing of the burst is on the disk yet when the system is asked anew.
        let (space, now, kept, free) = (Space::default(), Instant::now(), 100 * MIB, 10 << 30);
        let asked = Cell::new(0_u64);
        let takes = |octets| {
            let ask = || {
                asked.set(asked.get() + 1);
                Some(free)
            };
            space.takes(octets, kept, now, ask)
        };
        for message in 1..=1000 {
            assert!(takes(50 * MIB));
            // Each answer holds for no more than what it says is free.
            assert!(message * 50 * MIB <= asked.get() * free);
        }
        assert!(asked.get() > 1);
        assert!(!takes(free) && !takes(u64::MAX));
    }

    #[test]
    fn a_refusal_is_not_remembered_and_what_is_not_known_refuses_nothing() {
        let (space, now) = (Space::default(), Instant::now());
        assert!(!space.takes(1, 100, now, || Some(100)));
        assert!(space.takes(1, 100, now, || Some(101)));
        assert!(space.takes(u64::MAX, 100, now, || None));
        assert!(!space.takes(1, 100, now, || Some(100)));
        // One that is too large says nothing of those that are not.
        assert!(!space.takes(2 << 40, 100, now, || Some(1 << 40)));
        assert!(space.takes(MIB, 100, now, || Some(1 << 40)));
    }

    proptest! {
        #[test]
        fn rel_06_what_is_remembered_answers_as_the_system_would(
            mut free in 0..6 * WRITTEN_MAX,
            kept in 0..2 * WRITTEN_MAX,
            steps in prop::collection::vec((0..50_u64, 0..WRITTEN_MAX / 4, 0..WRITTEN_MAX / 4, 0..20_u8), 1..100),
        ) {
            let (space, mut now) = (Space::default(), Instant::now());
            let (mut written, mut since) = (0, now);
            for (pause, octets, by_others, chance) in steps {
                now += Duration::from_millis(pause);
                if chance == 0 {
                    // Somebody makes room.
                    free += WRITTEN_MAX;
                }
                // Others write as much as a disk takes.
                if now - since >= HOLDS_FOR {
                    (written, since) = (0, now);
                }
                let by_others = by_others.min(free).min(WRITTEN_MAX / 2 - written);
                written += by_others;
                free -= by_others;
                let takes = space.takes(octets, kept, now, || Some(free));
                prop_assert_eq!(takes, free >= kept + octets);
                if takes {
                    free -= octets;
                }
            }
        }
    }
}
