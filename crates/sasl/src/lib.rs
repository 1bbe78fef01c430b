//! SASL mechanisms (RFC 4422) without I/O, client and server: octets in, octets out.
#![no_std]
#![warn(clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests may panic"))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod anonymous;
mod channel;
pub mod client;
mod cram;
mod error;
mod hash;
mod mechanism;
mod nonce;
mod oauth;
mod plain;
pub mod prepare;
mod scram;
pub mod server;

pub use channel::{BindingType, Channel, ChannelBinding};
pub use error::{Field, SaslError, ScramError};
pub use hash::Hash;
pub use mechanism::Mechanism;
pub use nonce::{NONCE_MAX, Nonce};
pub use oauth::{TOKEN_MAX, TokenError};
pub use posthaste_wire::{Secret, Security};
pub use prepare::{NAME_MAX, PASSWORD_MAX};
pub use scram::{ITERATIONS_DEFAULT, ITERATIONS_MAX, ITERATIONS_MIN, SALT_MAX, ScramKey};
