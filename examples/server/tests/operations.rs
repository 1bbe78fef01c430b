//! Running the server: what the guide and the packaging say is so, and what watches the server is told the truth.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

#[path = "operations/check.rs"]
mod check;
#[path = "operations/guide.rs"]
mod guide;
#[path = "support/held.rs"]
mod held;
#[path = "operations/packaging.rs"]
mod packaging;
#[path = "support/server.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod server;
#[path = "operations/trace.rs"]
mod trace;
#[path = "operations/watch.rs"]
mod watch;
