//! Where octets are between the stream and the machine: one buffer for each thread, whatever the number of its
//! connections.
//!
//! A read is taken by the machine before the next poll of anything, so no connection needs a buffer of its own, and an
//! idle one costs nothing. What stays behind is overwritten by the next read and is never shown to another connection.

use std::cell::RefCell;

/// Lets `read` use the buffer of this thread; or, inside of another read, one that is made for it.
pub(crate) fn with<T>(read: impl FnOnce(&mut [u8]) -> T) -> T {
    SPACE.with(|space| match space.try_borrow_mut() {
        Ok(mut space) => {
            space.resize(READ_MAX, 0);
            read(&mut space)
        }
        // A transport that is itself made of connections.
        Err(_) => read(&mut vec![0; READ_MAX]),
    })
}

thread_local! {
    static SPACE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// So much is read at a time.
const READ_MAX: usize = 64 * 1024;
