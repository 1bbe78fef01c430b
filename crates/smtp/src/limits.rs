//! All limits of this crate by name, with their unit, their source and what happens at the edge.

use core::time::Duration;

/// What a machine takes from its peer, and for how long it waits. Each machine reads the limits of its role.
///
/// A server holds at most: one line, or one read; the paths of a transaction, so `recipients_max` times 256
/// octets; the send queue. A client holds: one reply; its queued envelopes; the send queue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Server: longest command line in octets, CR LF included (RFC 5321 4.5.3.1.4 asks for 512 and more with
    /// extensions). Longer: 500 5.5.2, once, and the line is dropped.
    pub command_line_max: usize,
    /// Server: longest line of an AUTH exchange in octets, CR LF included (RFC 4954 4.2 asks for 12,288).
    /// Longer: 500 5.5.6 and the exchange is over.
    pub auth_line_max: usize,
    /// Server: largest message in octets, dot-stuffing and end not counted (RFC 1870). Announced as `SIZE`. A
    /// message of exactly this size passes; a larger one is read to its end and refused with 552 5.3.4.
    pub message_max: u64,
    /// Server: most recipients of one message (RFC 5321 4.5.3.1.8 asks for 100). The next RCPT: 452 4.5.3.
    pub recipients_max: usize,
    /// Server: this many violations in a session are answered; with the last comes 421 4.7.0 and the end.
    pub violations_max: u32,
    /// Server: this many command lines with a bare CR or LF end the session, as above.
    pub bare_line_ends_max: u32,
    /// Server: how long a client may be silent between commands (RFC 5321 4.5.3.2.7: five minutes). Then 421.
    pub command_timeout: Duration,
    /// Server: how long a client may be silent inside a message. Then 421.
    pub data_timeout: Duration,
    /// Client: longest line of a reply in octets, CR LF included (RFC 5321 4.5.3.1.5 asks for 512).
    pub reply_line_max: usize,
    /// Client: longest reply in octets, all lines together.
    pub reply_max: usize,
    /// Client: how long to wait for the greeting (RFC 5321 4.5.3.2.1).
    pub greeting_timeout: Duration,
    /// Client: how long to wait for the reply to any command but those below (RFC 5321 4.5.3.2.2, .3).
    pub reply_timeout: Duration,
    /// Client: how long to wait for the reply to DATA (RFC 5321 4.5.3.2.4).
    pub data_start_timeout: Duration,
    /// Client: how long to wait for the reply to a chunk that is not the last (RFC 5321 4.5.3.2.5, for BDAT). Behind
    /// DATA there is no reply to wait for: how long a peer may take to read is the driver's to say, as only it sees.
    pub data_block_timeout: Duration,
    /// Client: how long to wait for the reply to the end of a message (RFC 5321 4.5.3.2.6). Too short a time
    /// here makes duplicates.
    pub data_end_timeout: Duration,
    /// Client: how many octets of content make a chunk of BDAT (RFC 3030 2); only the last has fewer. So many and
    /// one more write are held back while a server does not answer. Zero counts as one.
    pub chunk_max: usize,
    /// Client: how many chunks are sent ahead of their answers where `PIPELINING` is offered; one elsewhere. Zero
    /// counts as one.
    pub chunks_max: usize,
    /// Client: longest line of content in octets, CR LF included and dot-stuffing not (RFC 5321 4.5.3.1.6: 1000). A
    /// line of exactly this length passes; the chunk that makes one longer is refused. `usize::MAX` for no limit;
    /// binary content has none. Lines are never cut here.
    pub text_line_max: usize,
    /// Both: octets in the send queue from which on a body's writer is told to wait.
    pub send_high_water: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes.saturating_mul(60));
        Self {
            command_line_max: 2048,
            auth_line_max: 12_288,
            message_max: 50_000_000,
            recipients_max: 1000,
            violations_max: 10,
            bare_line_ends_max: 2,
            command_timeout: minutes(5),
            data_timeout: minutes(3),
            reply_line_max: 2048,
            reply_max: 64 * 1024,
            greeting_timeout: minutes(5),
            reply_timeout: minutes(5),
            data_start_timeout: minutes(2),
            data_block_timeout: minutes(3),
            data_end_timeout: minutes(10),
            chunk_max: 64 * 1024,
            chunks_max: 8,
            text_line_max: 1000,
            send_high_water: posthaste_wire::HIGH_WATER_DEFAULT,
        }
    }
}
