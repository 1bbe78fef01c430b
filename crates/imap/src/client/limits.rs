//! Every bound a client holds its server to, and the times it waits.
//!
//! RFC 9051 gives a server no bound on what it may say; these are ours. Payloads of FETCH stream and have no bound
//! here: the application stops when it has seen enough.

use core::time::Duration;

/// The bounds of one conversation as client.
///
/// Memory: one response or one FETCH item up to `response_max` (before login `response_preauth_max`), one read of the
/// driver, and the send queue up to `send_high_water`, one chunk and the commands the application has queued.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientLimits {
    /// Octets of one line between literals, CR LF included. A SEARCH response is one line. Longer is fatal.
    pub line_max: usize,
    /// Octets of one response or of one item of a FETCH row, with the literals in it. Longer is fatal.
    pub response_max: usize,
    /// Octets of one response before somebody has logged in. Longer is fatal.
    pub response_preauth_max: usize,
    /// Literals in one response or in one item of a FETCH row. More are fatal.
    pub literals_max: usize,
    /// Tagged responses that belong to no command that was sent, before the conversation is given up. While the
    /// connection is being set up, none is tolerated.
    pub strays_max: u32,
    /// Faults of the server that could be passed over, strays included, before the conversation is given up.
    pub violations_max: u32,
    /// Commands that may wait to be sent; one more is refused.
    pub queue_max: usize,
    /// Commands that may be in progress at the server at once; zero counts as one.
    pub running_max: usize,
    /// Octets in the send queue from which on the writer of a message waits; zero counts as one.
    pub send_high_water: usize,
    /// How long the server may take from the first octet on until the application may log in, STARTTLS included.
    pub setup_timeout: Duration,
    /// How long the server may be silent while it owes an answer.
    pub response_timeout: Duration,
    /// How long the server may be silent in the middle of a literal, for which it has announced the octets.
    pub literal_timeout: Duration,
    /// After how long an IDLE is ended and begun anew (RFC 2177 3: less than 30 minutes). Less than a
    /// second counts as one.
    pub idle_renewal: Duration,
    /// How long the server may take to end the conversation after LOGOUT.
    pub logout_timeout: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            line_max: 16 * 1024 * 1024,
            response_max: 64 * 1024 * 1024,
            response_preauth_max: 64 * 1024,
            literals_max: 100_000,
            strays_max: 10,
            violations_max: 100,
            queue_max: 10_000,
            running_max: 100,
            send_high_water: posthaste_wire::HIGH_WATER_DEFAULT,
            setup_timeout: Duration::from_secs(2 * 60),
            response_timeout: Duration::from_secs(5 * 60),
            literal_timeout: Duration::from_secs(2 * 60),
            idle_renewal: Duration::from_secs(29 * 60),
            logout_timeout: Duration::from_secs(30),
        }
    }
}
