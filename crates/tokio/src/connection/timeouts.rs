//! The deadlines of the driver. What a machine waits for is a limit of the machine.

use std::time::Duration;

/// The deadlines of the driver itself. Those of the protocol are limits of the machine.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// How long the peer may take for each 16 KiB that are sent to it, or for what is left when that is less.
    /// Then the connection is cut. 5 minutes.
    pub write: Duration,
    /// How long a TLS handshake may take in all. 30 seconds.
    pub handshake: Duration,
    /// How long the orderly end of a connection may take once everything has been sent: closing the own side,
    /// and waiting for the peer to close its side so that the last reply is not lost to a reset. 2 seconds.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            write: Duration::from_secs(5 * 60),
            handshake: Duration::from_secs(30),
            close: Duration::from_secs(2),
        }
    }
}
