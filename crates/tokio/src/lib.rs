//! Transport.
mod connection;
mod error;
mod stream;
pub mod tls;

pub use connection::{Connection, Timeouts};
pub use error::Error;
pub use stream::{Role, Stream, Transport};
