//! Certificates that are ordered from an authority: a small one, on this machine, which looks as hard as a real one does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

#[path = "acme/authority.rs"]
mod authority;
#[path = "acme/der.rs"]
mod der;
#[path = "acme/jws.rs"]
mod jws;
#[path = "acme/orders.rs"]
mod orders;
#[path = "support/server.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod server;
#[path = "acme/serving.rs"]
mod serving;
