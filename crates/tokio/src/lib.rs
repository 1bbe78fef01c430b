//! Transport.
mod client;
mod connection;
mod error;
mod listen;
pub mod pop3;
pub mod smtp;
mod stream;
pub mod tls;

pub use client::{ClientError, ClientOptions, Credentials, TlsMode};
pub use connection::{Connection, Timeouts};
pub use error::Error;
pub use listen::{Accepted, Limits, Listener, Outcome, Refusal, serve};
pub use stream::{Role, Stream, Transport};
