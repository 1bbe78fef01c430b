//! IMAP4rev1 without I/O: codec, session rules, server and client machine, server-side algorithms.
#![no_std]
#![warn(clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests may panic"))]

extern crate alloc;

pub mod client;
pub mod encode;
pub mod error;
mod frame;
mod limits;
pub mod message;
pub mod parse;
pub mod pattern;
pub mod search;
pub mod server;
mod session;
pub mod types;
pub mod view;

pub use bytes::Bytes;
pub use error::{ParseError, ProtocolError, Violation};
pub use limits::Limits;
pub use posthaste_wire::{Layer, Machine, Misuse, Secret, Security, Step, Time, Upgrade};
pub use session::{Group, State, Transition};
