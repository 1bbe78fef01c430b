//! SASL mechanisms (RFC 4422) without I/O, client and server: octets in, octets out.
//!
//! An exchange knows nothing of the protocol that carries it, of base64 or of where passwords are kept. A server
//! hands it what the client sent and either sends a challenge or checks [`Credentials`]:
//!
//! ```
//! use posthaste_sasl::{Credentials, Secret, ServerStep, server};
//!
//! let mut exchange = server::Exchange::new("PLAIN").expect("PLAIN is known");
//! let step = exchange.start(Some(&Secret::from("\0ursel\0Geheim!")))?;
//! let ServerStep::Verify(Credentials { authentication, password, .. }) = step else {
//!     panic!("PLAIN takes one message");
//! };
//! assert_eq!(authentication, "ursel");
//! assert_eq!(password.expose(), b"Geheim!");
//! # Ok::<(), posthaste_sasl::SaslError>(())
//! ```
//!
//! A client asks for the strongest mechanism that both sides know and that the connection may carry:
//!
//! ```
//! use posthaste_sasl::{Mechanism, Secret, Security, client};
//!
//! assert_eq!(client::choose(&["LOGIN", "PLAIN"], Security::Tls), Some(Mechanism::Plain));
//! assert_eq!(client::choose(&["LOGIN", "PLAIN"], Security::Plain), None);
//! let exchange = client::Exchange::plain(None, "ursel", &Secret::from("Geheim!"))?;
//! assert_eq!(exchange.initial().expect("PLAIN speaks first").expose(), b"\0ursel\0Geheim!");
//! # Ok::<(), posthaste_sasl::SaslError>(())
//! ```
//!
//! # Mechanisms
//!
//! | mechanism | source | client | server |
//! | --- | --- | --- | --- |
//! | PLAIN | RFC 4616 | yes | yes |
//! | LOGIN | draft-murchison-sasl-login | yes | yes |
//!
//! Names are compared as they are; preparing them (RFC 4013, RFC 8265) is left to whoever looks users up.
//!
//! # Limits
//!
//! A name holds at most [`NAME_MAX`] octets, a password [`PASSWORD_MAX`]. An exchange holds one message and one
//! name; a password is wiped when dropped and never printed.
#![no_std]
#![warn(clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests may panic"))]

extern crate alloc;

pub mod client;
mod error;
mod login;
mod mechanism;
mod plain;
pub mod server;

pub use error::{Field, SaslError};
pub use mechanism::Mechanism;
pub use plain::{NAME_MAX, PASSWORD_MAX};
pub use posthaste_wire::{Secret, Security};
pub use server::{Credentials, ServerStep};
