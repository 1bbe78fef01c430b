//! Sessions of all protocols against a running server: what one of them does, the others see; what is refused
//! leaves nothing behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

#[path = "sessions/durable.rs"]
mod durable;
#[path = "sessions/greylisting.rs"]
mod greylisting;
#[path = "support/held.rs"]
mod held;
#[path = "sessions/imap.rs"]
mod imap;
#[path = "sessions/login.rs"]
mod login;
#[path = "sessions/mailboxes.rs"]
mod mailboxes;
#[path = "sessions/model.rs"]
mod model;
#[path = "sessions/plaintext.rs"]
mod plaintext;
#[path = "sessions/pop3.rs"]
mod pop3;
#[path = "support/server.rs"]
mod server;
#[path = "sessions/serving.rs"]
mod serving;
#[path = "sessions/smtp.rs"]
mod smtp;
#[path = "sessions/submission.rs"]
mod submission;
#[path = "sessions/waiting.rs"]
mod waiting;
