//! Texts that the benchmarks measure on, and a stopwatch for the ratio between two ways to do the same job.
//!
//! Nothing here depends on chance: every run measures the same octets.

use std::time::{Duration, Instant};

/// How much text a benchmark works on, in octets, before stuffing.
pub const TEXT_OCTETS: usize = 1024 * 1024;

/// The size of the pieces it comes in, in octets: a usual read from a socket.
pub const PIECE_OCTETS: usize = 16 * 1024;

/// Lines of 76 columns as a base64 attachment has them: no line starts with a dot.
pub fn plain_lines(octets: usize) -> Vec<u8> {
    let column = b"abcdefghijklmnopqrstuvwxyz+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl";
    repeat_lines(column, octets)
}

/// Lines of 76 columns that all start with a dot, once stuffed and ended: the most work a sender can make.
pub fn stuffed_lines(octets: usize) -> Vec<u8> {
    let column = b"..cdefghijklmnopqrstuvwxyz+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl";
    repeat_lines(column, octets)
}

/// Lines of 76 columns that all start with one dot, before stuffing.
pub fn dotted_lines(octets: usize) -> Vec<u8> {
    let column = b".bcdefghijklmnopqrstuvwxyz+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl";
    repeat_lines(column, octets)
}

/// Lines of two dots and nothing else, which are right both before and after stuffing: the most dots that a peer
/// can put into a text.
pub fn only_dots(octets: usize) -> Vec<u8> {
    repeat_lines(b"..", octets)
}

fn repeat_lines(column: &[u8], octets: usize) -> Vec<u8> {
    [column, b"\r\n"]
        .concat()
        .into_iter()
        .cycle()
        .take(octets / (column.len() + 2) * (column.len() + 2))
        .collect()
}

/// Runs both `rounds` times in turns and returns the shortest time of each. Turns, because a machine that gets
/// slower or faster meanwhile must not favour one side; the shortest, because noise only adds.
pub fn race(rounds: usize, mut ours: impl FnMut(), mut theirs: impl FnMut()) -> (Duration, Duration) {
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..rounds {
        best.0 = best.0.min(time(&mut ours));
        best.1 = best.1.min(time(&mut theirs));
    }
    best
}

fn time(job: &mut impl FnMut()) -> Duration {
    let start = Instant::now();
    job();
    start.elapsed()
}
