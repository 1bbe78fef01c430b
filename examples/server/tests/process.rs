//! The server as a process: the sockets it is given, the user it becomes, and what it writes.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

#[path = "process/program.rs"]
mod program;
#[path = "process/remote.rs"]
mod remote;
#[path = "process/secrets.rs"]
mod secrets;
#[path = "process/start.rs"]
mod start;
