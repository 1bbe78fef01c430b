//! The administration of a running server, over the socket in its data directory and over TCP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

#[path = "admin/access.rs"]
mod access;
#[path = "admin/directory.rs"]
mod directory;
#[path = "admin/discovery.rs"]
mod discovery;
#[path = "admin/http.rs"]
mod http;
#[path = "admin/login.rs"]
mod login;
#[path = "admin/mailboxes.rs"]
mod mailboxes;
#[path = "admin/office.rs"]
mod office;
