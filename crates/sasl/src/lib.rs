//! SASL mechanisms (RFC 4422) without I/O, client and server: octets in, octets out.
//!
//! An exchange knows nothing of the protocol that carries it, of base64 or of where passwords are kept, and
//! has neither clock nor randomness: a [`Nonce`] is made of octets that the caller gives. A whole login with
//! SCRAM, both sides:
//!
//! ```
//! use posthaste_sasl::server::{self, Event};
//! use posthaste_sasl::{Channel, Hash, Mechanism, Nonce, ScramKey, Secret, Security, client};
//!
//! // What the server keeps of the password, once. Salt, secret and nonces are random in a program.
//! let key = ScramKey::derive(Hash::Sha256, &Secret::from("Geheim!"), &[1; 16], 4096)?;
//! let decoys = server::Decoys::new(Secret::from([2; 32].as_slice())).with_iterations(4096);
//! let config = server::Config::new([Mechanism::ScramSha256, Mechanism::Plain]).with_decoys(decoys);
//! let channel = Channel::new(Security::Tls);
//! let offered: Vec<_> = config.offered(&channel).map(Mechanism::name).collect();
//!
//! // The client takes the strongest mechanism that is offered and allowed.
//! let credentials = client::Credentials::password("ursel", Secret::from("Geheim!"));
//! let policy = client::Policy::default();
//! let mut client = client::Exchange::choose(&offered, &credentials, &policy, &channel, Nonce::new([3; 18]))?;
//! assert_eq!(client.mechanism(), Mechanism::ScramSha256);
//!
//! let server = server::Exchange::new(client.mechanism().name(), &config, &channel, Nonce::new([4; 18]))?;
//! let mut event = server.start(client.initial().as_ref());
//! let user = loop {
//!     event = match event {
//!         // Ask the directory. That there is no such user is an answer that the client cannot tell from others.
//!         Event::Key(query) if query.user() == "ursel" => query.found(&key),
//!         Event::Key(query) => query.unknown(),
//!         // Over the wire and back.
//!         Event::Challenge(challenge) => {
//!             let response = client.respond(challenge.data())?;
//!             challenge.respond(&response)
//!         }
//!         Event::Success(success) => break success.identity().user().to_owned(),
//!         // Any other token is dropped here, and the login with it.
//!         event => panic!("refused: {event:?}"),
//!     };
//! };
//! // The server says so; the client believes it because the server proved that it knows the password.
//! client.finish(None)?;
//! assert_eq!(user, "ursel");
//! # Ok::<(), posthaste_sasl::SaslError>(())
//! ```
//!
//! # Design
//!
//! * **The server's steps are taken by value.** [`server::Exchange::start`], every token of [`server::Event`]
//!   and [`server::Challenge::respond`] give the next event for what they consume, so nothing can be called
//!   twice or out of order, and a token that is dropped is a login that failed.
//! * **Who it is and whom it may act for are two questions.** The second, [`server::Event::Authorization`],
//!   comes after the first is settled and only where it arises.
//! * **An unknown user is no special case.** It takes the same steps, computes the same hashes, shows a salt
//!   that stays the same ([`server::Decoys`]), and fails where a wrong password fails. For PLAIN and LOGIN
//!   the application has to see to it.
//! * **A client verifies.** With SCRAM a success is one only when the server proved that it knows the
//!   password.
//!
//! # Mechanisms
//!
//! | mechanism | source | client | server asks for |
//! | --- | --- | --- | --- |
//! | SCRAM-SHA-512(-PLUS) | draft-melnikov-scram-sha-512 | yes | [`server::KeyQuery`] |
//! | SCRAM-SHA-256(-PLUS) | RFC 7677 | yes | [`server::KeyQuery`] |
//! | SCRAM-SHA-1(-PLUS) | RFC 5802 | yes | [`server::KeyQuery`] |
//! | CRAM-MD5 | RFC 2195 | yes | [`server::PasswordQuery`] |
//! | OAUTHBEARER | RFC 7628 | yes | [`server::TokenCheck`] |
//! | XOAUTH2 | as Google and Microsoft describe it | yes | [`server::TokenCheck`] |
//! | PLAIN | RFC 4616 | yes | [`server::PasswordCheck`] |
//! | LOGIN | draft-murchison-sasl-login | yes | [`server::PasswordCheck`] |
//! | EXTERNAL | RFC 4422 A | yes | [`server::ExternalCheck`] |
//! | ANONYMOUS | RFC 4505 | yes | [`server::AnonymousCheck`] |
//!
//! | besides | status |
//! | --- | --- |
//! | RFC 4013 SASLprep | names and passwords, see [`prepare`] |
//! | RFC 5803 stored keys | [`ScramKey::encode`], [`ScramKey::decode`], in the form PostgreSQL uses |
//! | RFC 5929 `tls-unique`, `tls-server-end-point` | compared and sent; the data comes from the TLS library |
//! | RFC 9266 `tls-exporter` | so too |
//! | RFC 4422 3.7 security layers | none: TLS does that |
//! | OAUTH10A, GS2, DIGEST-MD5, NTLM, GSSAPI | no |
//!
//! # Limits
//!
//! | limit | value |
//! | --- | --- |
//! | name | [`NAME_MAX`] octets |
//! | password | [`PASSWORD_MAX`] octets |
//! | token | [`TOKEN_MAX`] octets |
//! | nonce of both sides | [`NONCE_MAX`] octets |
//! | salt | [`SALT_MAX`] octets |
//! | iterations, as a client accepts them and a key may have | [`ITERATIONS_MIN`] to [`ITERATIONS_MAX`] |
//! | message of SCRAM, of OAUTHBEARER and XOAUTH2 | 8,192 octets, 12,288 octets |
//! | messages of an exchange | at most three of the client and three of the server |
//!
//! An exchange holds its last messages and one key: some 20 KiB at the very most, for a token some 12 KiB.
//!
//! Passwords, tokens, keys and the data of bindings are wiped when dropped and never printed. Not wiped are
//! the few octets that a hash function leaves on the stack, and what a caller copies.
//!
//! # Features
//!
//! `std` (default): faster look-ups in the crates underneath. Without it the crate needs `alloc` only. MSRV
//! 1.85.
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
pub use mechanism::{Mechanism, Plaintext};
pub use nonce::{NONCE_MAX, Nonce};
pub use oauth::{TOKEN_MAX, TokenError};
pub use posthaste_wire::{Secret, Security};
pub use prepare::{NAME_MAX, PASSWORD_MAX};
pub use scram::{ITERATIONS_DEFAULT, ITERATIONS_MAX, ITERATIONS_MIN, SALT_MAX, ScramKey};
