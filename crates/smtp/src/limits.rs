//! All limits of this crate by name, with their unit, their source and what happens at the edge.

use core::time::Duration;

/// What a machine takes from its peer, and for how long it waits. Each machine reads the limits of its role.
///
/// A server holds at most: one line, or one read; the envelope of one transaction, so `recipients_max` times one
/// command line; the send queue. A client holds: one reply; its queued envelopes; the send queue.
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
    /// Server: most recipients of one message (RFC 5321 4.5.3.1.8 asks for 100). The next RCPT: 452 4.5.3. When as
    /// many again were told so: 421 4.7.0 and the end.
    pub recipients_max: usize,
    /// Server: this many violations in a session are answered; with the last comes 421 4.7.0 and the end.
    pub violations_max: u32,
    /// Server: this many command lines with a bare CR or LF end the session, as above.
    pub bare_line_ends_max: u32,
    /// Server: RCPT commands that the application may refuse in one session. The next RCPT: 421 4.7.0 and the end:
    /// addresses are not guessed here.
    pub recipients_refused_max: u32,
    /// Server: MAIL commands in one session, refused ones counted. The next: 421 4.7.0 and the end. `None`: no limit.
    /// Announced as `MAILMAX` where LIMITS is (RFC 9422 4.1).
    pub transactions_max: Option<u32>,
    /// Server: attempts to authenticate that may fail in one session. With the last comes 421 4.7.0 and the end. What
    /// can only be tried again (class 4) does not count.
    pub auth_failures_max: u32,
    /// Server: challenges within one AUTH exchange. In place of the next: 454 4.7.0, and the exchange is over.
    pub auth_steps_max: u32,
    /// Server: commands that bring no message closer (NOOP, RSET, HELP, VRFY, EXPN, ETRN, a hello, an AUTH that was
    /// cancelled, an empty chunk that is not the last) between two messages. In place of the answer to the next:
    /// 421 4.7.0 and the end.
    pub junk_commands_max: u32,
    /// Server: largest chunk in octets that is read only to be thrown away, where the chunk itself is refused. A
    /// larger one, unless it is within `message_max`: the refusal at once, and the end.
    pub chunk_drain_max: u64,
    /// Server: how long a client may take for a command, from the answer to the one before to its CR LF, or for a line
    /// of an AUTH exchange (RFC 5321 4.5.3.2.7: five minutes). Octets that trickle in do not move it. Then 421.
    pub command_timeout: Duration,
    /// Server: how long a client may be silent inside a message or a chunk. Then 421.
    pub data_timeout: Duration,
    /// Server: least rate of a message, in octets a second. `data_timeout` runs from the start of the content; each
    /// octet moves the end of it by one part of this rate, never beyond `data_timeout` from then. So a client that is
    /// slower for as long gets 421.
    pub data_rate_min: u32,
    /// Server: how long a PROXY header may take. Then the connection is closed without a word.
    pub proxy_timeout: Duration,
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

impl Limits {
    /// The first limit that is zero, by its name. Zero is never "no limit": it lets nothing through, which nobody wants,
    /// so a configuration that holds it is a mistake ([`server::Config::validate`](crate::server::Config::validate)).
    pub fn zero(&self) -> Option<&'static str> {
        let Self {
            command_line_max,
            auth_line_max,
            message_max,
            recipients_max,
            violations_max,
            bare_line_ends_max,
            recipients_refused_max,
            transactions_max,
            auth_failures_max,
            auth_steps_max,
            junk_commands_max,
            chunk_drain_max,
            command_timeout,
            data_timeout,
            data_rate_min,
            proxy_timeout,
            reply_line_max,
            reply_max,
            greeting_timeout,
            reply_timeout,
            data_start_timeout,
            data_block_timeout,
            data_end_timeout,
            chunk_max,
            chunks_max,
            text_line_max,
            send_high_water,
        } = self;
        let zero = [
            ("command_line_max", *command_line_max == 0),
            ("auth_line_max", *auth_line_max == 0),
            ("message_max", *message_max == 0),
            ("recipients_max", *recipients_max == 0),
            ("violations_max", *violations_max == 0),
            ("bare_line_ends_max", *bare_line_ends_max == 0),
            ("recipients_refused_max", *recipients_refused_max == 0),
            ("transactions_max", *transactions_max == Some(0)),
            ("auth_failures_max", *auth_failures_max == 0),
            ("auth_steps_max", *auth_steps_max == 0),
            ("junk_commands_max", *junk_commands_max == 0),
            ("chunk_drain_max", *chunk_drain_max == 0),
            ("command_timeout", command_timeout.is_zero()),
            ("data_timeout", data_timeout.is_zero()),
            ("data_rate_min", *data_rate_min == 0),
            ("proxy_timeout", proxy_timeout.is_zero()),
            ("reply_line_max", *reply_line_max == 0),
            ("reply_max", *reply_max == 0),
            ("greeting_timeout", greeting_timeout.is_zero()),
            ("reply_timeout", reply_timeout.is_zero()),
            ("data_start_timeout", data_start_timeout.is_zero()),
            ("data_block_timeout", data_block_timeout.is_zero()),
            ("data_end_timeout", data_end_timeout.is_zero()),
            ("chunk_max", *chunk_max == 0),
            ("chunks_max", *chunks_max == 0),
            ("text_line_max", *text_line_max == 0),
            ("send_high_water", *send_high_water == 0),
        ];
        zero.iter().find_map(|(name, is_zero)| is_zero.then_some(*name))
    }
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
            recipients_refused_max: 100,
            transactions_max: None,
            auth_failures_max: 3,
            auth_steps_max: 16,
            junk_commands_max: 100,
            chunk_drain_max: 100_000_000,
            command_timeout: minutes(5),
            data_timeout: minutes(3),
            data_rate_min: 500,
            proxy_timeout: Duration::from_secs(5),
            reply_line_max: 2048,
            reply_max: 64 * 1024,
            greeting_timeout: minutes(5),
            reply_timeout: minutes(5),
            data_start_timeout: minutes(2),
            data_block_timeout: minutes(3),
            data_end_timeout: minutes(10),
            chunk_max: 256 * 1024,
            chunks_max: 4,
            text_line_max: 1000,
            send_high_water: posthaste_wire::HIGH_WATER_DEFAULT,
        }
    }
}
