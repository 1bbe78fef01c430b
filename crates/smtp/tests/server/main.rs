//! The server against what it may meet; each security case by its name. One module for each concept.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_imports,
    reason = "test code"
)]

mod auth;
mod bdat;
mod common;
mod data;
mod extensions;
mod limits;
mod model;
mod order;
mod relay;
mod syntax;
mod tls;
