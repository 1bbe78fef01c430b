//! POP3 without I/O: codec, session rules, server and client machine.
#![no_std]

extern crate alloc;
