//! Mail of an account as files and back, and back out of a backup: the operations, on a store that no server uses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

#[path = "mail/desk.rs"]
mod desk;
#[path = "mail/exchange.rs"]
mod exchange;
#[path = "mail/restore.rs"]
mod restore;
