//! IMAP4rev1 without I/O: codec, session rules, server and client machine, server-side algorithms.
#![no_std]

extern crate alloc;

mod frame;
mod limits;
mod session;
pub use frame::{LiteralHeader, LiteralMode, Marker, marker, texts};
pub use limits::Limits;
pub use session::{Group, State, Transition};
