//! What a piece of code takes from the heap: allocations, octets, and how many octets at once.
//!
//! Counts per thread, so that tests which run at the same time do not see each other. The allocator that counts
//! comes from the `allocation-counter` crate and is that of every program which links this one: writing a
//! `GlobalAlloc` needs `unsafe`, which the workspace forbids without exception, and of the crates that have one
//! this is the one that counts per thread and without back traces (`stats_alloc` and `peak_alloc` count for the
//! process, `dhat` profiles for the process). It depends on nothing and is used here only, so that it can be
//! replaced here.
//!
//! What it does not do: memory that another thread takes for the code is not seen, and growing a buffer always
//! counts as an allocation, whether or not it had to move.

/// What [`measure`] saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// How often memory was asked for, growing included.
    pub allocations: u64,
    /// How many octets were asked for in all.
    pub bytes: u64,
    /// The most octets that were held at one time, beyond what was held before.
    pub peak: u64,
    /// How many octets more are held now than before; less than none when older memory was given back.
    pub kept: i64,
}

/// Runs `job` and counts what it takes from the heap on this thread. Measurements may be nested.
///
/// To keep a result, let `job` write it to a variable outside.
pub fn measure(job: impl FnOnce()) -> Measured {
    let counted = allocation_counter::measure(job);
    Measured {
        allocations: counted.count_total,
        bytes: counted.bytes_total,
        peak: counted.bytes_max,
        kept: counted.bytes_current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn allocations_are_seen_to_the_octet() {
        let mut kept = Vec::new();
        let measured = measure(|| {
            drop(black_box(vec![1_u8; 100]));
            drop(black_box(vec![1_u8; 200]));
            kept = black_box(vec![1_u8; 30]);
        });
        assert_eq!(measured, Measured { allocations: 3, bytes: 330, peak: 200, kept: 30 });
        assert_eq!(measure(|| drop(kept)).kept, -30);
    }

    #[test]
    fn no_allocation_is_no_count() {
        let measured = measure(|| {
            black_box([0_u8; 64]);
        });
        assert_eq!(measured, Measured { allocations: 0, bytes: 0, peak: 0, kept: 0 });
    }

    #[test]
    fn other_threads_are_not_counted() {
        let (start, started) = std::sync::mpsc::sync_channel::<()>(0);
        let (done, finished) = std::sync::mpsc::sync_channel::<()>(0);
        let noise = std::thread::spawn(move || {
            started.recv().expect("the other side waits");
            drop(black_box(vec![0_u8; 1_000_000]));
            done.send(()).expect("the other side waits");
        });
        let measured = measure(|| {
            start.send(()).expect("the thread waits");
            finished.recv().expect("the thread answers");
        });
        noise.join().expect("the thread ends well");
        assert!(measured.bytes < 100_000, "{measured:?}");
    }
}
