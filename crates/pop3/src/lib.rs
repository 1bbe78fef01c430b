//! POP3 without I/O: codec, session rules, server and client machine.
#![no_std]
#![warn(clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests may panic"))]

extern crate alloc;

pub mod client;
pub mod encode;
mod error;
mod limits;
pub mod parse;
pub mod server;
pub mod session;
mod types;

pub use bytes::Bytes;
pub use client::Client;
pub use error::{ParseError, ProtocolError, Violation};
pub use limits::Limits;
pub use posthaste_wire::{Layer, Machine, Misuse, Secret, Security, Step, Time, Upgrade};
pub use server::Server;
pub use types::{
    Capabilities, Command, InvalidArgument, MechanismName, MessageNumber, Password, Reply, ResponseCode,
    Status, Uidl, UserName, Verb,
};
