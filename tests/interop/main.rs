//! The reference server against clients that other people wrote, and against raw sockets, on loopback.
//!
//! Every test starts a server of its own, in a directory of its own, with two accounts, and asserts on content:
//! what one client put in is what another takes out. A client that is not installed skips its tests, unless
//! `POSTHASTE_REQUIRE_CLIENTS=1` is set. `POSTHASTE_BIN` names a server to test instead of the one built here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod binary;
mod crash;
mod curl;
mod dovecot;
mod exim;
mod identity;
mod mbsync;
mod openssl;
mod postfix;
mod program;
mod python;
mod raw;
mod sender;
mod server;
mod smuggling;
mod swaks;
