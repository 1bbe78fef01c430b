//! A file descriptor that is kept for the moment when there are no others.
//!
//! A process without descriptors cannot even take a connection from the system's queue to close it: who connects then
//! waits there for as long as nobody else goes. Given up for a moment, the reserve makes room for just that. What the
//! connection is told, and how many are turned away at a time, is not decided here.

use std::io;

/// One descriptor, or none where even that could not be had.
#[derive(Debug)]
pub(super) struct Reserve {
    held: Option<Descriptor>,
}

/// A socket of nothing: unlike a file it needs no path, so it can be had in an empty root as well.
#[cfg(unix)]
type Descriptor = std::os::unix::net::UnixDatagram;

/// Elsewhere descriptors are not what runs out.
#[cfg(not(unix))]
type Descriptor = std::convert::Infallible;

impl Reserve {
    pub(super) fn new() -> Self {
        Self { held: open() }
    }

    /// Whether `error` says that there are no descriptors, in the process or in the system.
    pub(super) fn is_for(error: &io::Error) -> bool {
        cfg!(unix) && matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
    }

    /// Gives the descriptor up, so that the next one that is asked for can be had; whether there was one.
    pub(super) fn release(&mut self) -> bool {
        self.restore();
        self.held.take().is_some()
    }

    /// Keeps a descriptor again, where one can be had.
    pub(super) fn restore(&mut self) {
        if self.held.is_none() {
            self.held = open();
        }
    }
}

#[cfg(unix)]
fn open() -> Option<Descriptor> {
    Descriptor::unbound().ok()
}

#[cfg(not(unix))]
const fn open() -> Option<Descriptor> {
    None
}

/// The system has no more open files; the number is the same on every Unix.
const ENFILE: i32 = 23;

/// The process has no more open files; the number is the same on every Unix.
const EMFILE: i32 = 24;
