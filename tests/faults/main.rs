//! The reference server under faults: it is killed, its disk fills up or breaks, its memory, descriptors and clock are
//! limited or turned, and it is stopped in the middle of work. What it acknowledged must be there afterwards, once.
//!
//! Every test runs the real program on loopback, in a directory of its own. What belongs to strace, faketime or root is
//! skipped without them, unless `POSTHASTE_REQUIRE_CLIENTS=1` is set. Random choices come of a seed that a failure
//! shows; `POSTHASTE_FAULTS_SEED` sets it.
//!
//! `POSTHASTE_FAULTS_LONG=1` asks for the long runs: 500 kills, every call to the disk, 10,000 connections for ten
//! minutes, messages of 50 MB, 100 times a full disk. `POSTHASTE_FAULTS_CYCLES` is the number of kills alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

#[path = "../interop/binary.rs"]
mod binary;
#[path = "../interop/program.rs"]
#[allow(dead_code, reason = "shared with the tests of clients")]
mod program;

mod ledger;
mod load;
mod machine;
mod message;
mod server;
mod talk;
mod tracer;

mod backup;
mod broken_disk;
mod broken_spool;
mod clock;
mod crash_points;
mod descriptors;
mod full_disk;
mod killed;
mod many;
mod memory;
mod order;
mod sender;
mod stopped;
