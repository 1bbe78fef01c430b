//! IMAP4rev1 without I/O: codec, session rules, server and client machine, server-side algorithms.
#![no_std]

extern crate alloc;

pub mod encode;
pub mod error;
pub mod message;
pub mod parse;
pub mod types;
