//! Transport.
mod connection;
mod error;
mod listen;
mod stream;
pub mod tls;

pub use connection::{Connection, Timeouts};
pub use error::Error;
pub use listen::{Accepted, Limits, Listener, Outcome, Refusal, serve};
pub use stream::{Role, Stream, Transport};
