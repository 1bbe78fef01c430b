//! The proof that the protocol crates need no `std`: a static library with a panic handler of its own.
//!
//! `std` brings a panic handler along, and a program may have only one. When any crate below links `std`, building
//! this library fails with ``found duplicate lang item `panic_impl` ``. It is built and never run.
#![no_std]

extern crate alloc;

use core::{
    alloc::{GlobalAlloc, Layout},
    panic::PanicInfo,
    ptr,
};

// A dependency that no item names is not linked, and proves nothing.
use posthaste_imap as _;
use posthaste_pop3 as _;
use posthaste_sasl as _;
use posthaste_smtp as _;
use posthaste_wire as _;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// An allocator that never has memory: the crates only have to link against one.
struct NoMemory;

#[global_allocator]
static ALLOCATOR: NoMemory = NoMemory;

// SAFETY: no memory is ever handed out, which the contract of `alloc` permits, so none can come back.
unsafe impl GlobalAlloc for NoMemory {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
