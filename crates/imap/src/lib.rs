//! IMAP4rev1 without I/O: codec, session rules, server and client machine, server-side algorithms.
#![no_std]

extern crate alloc;

pub mod error;
mod frame;
mod limits;
pub mod pattern;
pub mod search;
mod session;
pub mod types;
pub mod view;
pub use frame::{Marker, marker, texts};
pub use limits::Limits;
pub use session::{Group, State, Transition};
