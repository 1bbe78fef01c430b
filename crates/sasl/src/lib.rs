//! SASL mechanisms without I/O, client and server.
#![no_std]

extern crate alloc;
