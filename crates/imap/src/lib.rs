//! IMAP4rev1 without I/O: codec, session rules, server and client machine, server-side algorithms.
#![no_std]

extern crate alloc;

pub mod message;
