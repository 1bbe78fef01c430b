//! The sans-IO contract of Posthaste: time, steps, the Machine trait, line, dot and counted framing, send queue, upgrade proof, secrets.
#![no_std]

extern crate alloc;
