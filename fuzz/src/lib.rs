//! The bodies of the fuzz targets: what must hold for any octets.
//!
//! A body takes an input and panics when a property is broken. libFuzzer calls it through `fuzz_targets/`, and
//! `cargo test` calls it with every file of `corpus/`, so that what a fuzzer once found stays found.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a broken property is reported by a panic"
)]

mod imap_algorithms;
mod plan;
mod wire;

pub use imap_algorithms::{imap_summary, imap_threads, imap_view};
pub use wire::{wire_dot, wire_lines};

/// One fuzz target: its name, which is that of its corpus, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// Every target of this package.
pub const TARGETS: [Target; 5] = [
    ("wire_lines", wire_lines),
    ("wire_dot", wire_dot),
    ("imap_summary", imap_summary),
    ("imap_threads", imap_threads),
    ("imap_view", imap_view),
];
