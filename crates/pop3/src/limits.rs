//! Every limit of both machines, by name.

use core::time::Duration;

/// How much, how often and how long. `Default` gives values for the open Internet.
///
/// A limit of zero is not "no limit": it lets nothing pass.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Server: octets of a command line, CR LF included. RFC 2449 4 demands 255, the default. Over it: `-ERR` and a
    /// violation, as soon as it is certain.
    pub command_line_max: usize,
    /// Both: octets of an AUTH line and of a SASL challenge or response, CR LF included (RFC 5034 4 sets no limit for
    /// these). Default 12,288. Over it: a server as above, and the exchange is over; a client gives up.
    pub auth_line_max: usize,
    /// Server: the number of violations at which the connection is closed, after login. Default 10. Client: the
    /// number of malformed rows at which it gives up.
    pub violations_max: u32,
    /// Server: the same before login. Default 3.
    pub violations_before_login_max: u32,
    /// Server: the number of refused logins at which the connection is closed, behind the refusal. Default 3.
    pub auth_failures_max: u32,
    /// Server: challenges within one AUTH exchange. In place of the next: `-ERR [SYS/PERM]`, and the exchange is
    /// over. Default 16.
    pub auth_steps_max: u32,
    /// Server: commands that bring no message closer (NOOP, RSET, CAPA, STAT, LANG, UTF8, USER, a cancelled AUTH, a
    /// message that is not there) between two that do. In place of the answer to the next: `-ERR`, and the end.
    /// Default 100.
    pub junk_commands_max: u32,
    /// Server: how long a client may take from the greeting to a successful login. Default 3 minutes.
    pub login_timeout: Duration,
    /// Server: how long a client may take for a command, from the one before to its CR LF (RFC 1939 3: at least 10
    /// minutes, the default). Octets that trickle in do not move it; progress of a long answer does. When it expires
    /// the connection is closed without a word and nothing is removed.
    pub command_timeout: Duration,
    /// Both: octets that may wait to be sent before a body's writer is told to wait. Default 64 KiB.
    pub send_high_water: usize,
    /// Client: octets of a line of an answer, CR LF included. RFC 2449 4 allows 512; the default is 2,048.
    pub reply_line_max: usize,
    /// Client: how long the server may be silent while an answer is due. Default 5 minutes.
    pub reply_timeout: Duration,
    /// Client: lines of an answer to CAPA that are kept; what is over it is dropped. Default 100.
    pub capabilities_max: usize,
    /// Client: rows of the answer to LIST, UIDL, LANG or CAPA. Default 2,000,000. Over it: a protocol error.
    pub rows_max: u64,
    /// Client: octets of one message. Default 1 GiB. Over it: a protocol error.
    pub body_max: u64,
    /// Client: commands sent ahead of their answers where the server allows it (RFC 2449 6.6). Default 32.
    pub pipeline_max: usize,
}

impl Limits {
    /// The first limit that is zero, by its name. Zero is never "no limit": it lets nothing through, which nobody wants, so a
    /// configuration that holds it is a mistake.
    pub fn zero(&self) -> Option<&'static str> {
        let Self {
            command_line_max,
            auth_line_max,
            violations_max,
            violations_before_login_max,
            auth_failures_max,
            auth_steps_max,
            junk_commands_max,
            login_timeout,
            command_timeout,
            send_high_water,
            reply_line_max,
            reply_timeout,
            capabilities_max,
            rows_max,
            body_max,
            pipeline_max,
        } = self;
        let zero = [
            ("command_line_max", *command_line_max == 0),
            ("auth_line_max", *auth_line_max == 0),
            ("violations_max", *violations_max == 0),
            ("violations_before_login_max", *violations_before_login_max == 0),
            ("auth_failures_max", *auth_failures_max == 0),
            ("auth_steps_max", *auth_steps_max == 0),
            ("junk_commands_max", *junk_commands_max == 0),
            ("login_timeout", login_timeout.is_zero()),
            ("command_timeout", command_timeout.is_zero()),
            ("send_high_water", *send_high_water == 0),
            ("reply_line_max", *reply_line_max == 0),
            ("reply_timeout", reply_timeout.is_zero()),
            ("capabilities_max", *capabilities_max == 0),
            ("rows_max", *rows_max == 0),
            ("body_max", *body_max == 0),
            ("pipeline_max", *pipeline_max == 0),
        ];
        zero.iter().find_map(|(name, is_zero)| is_zero.then_some(*name))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_line_max: 255,
            auth_line_max: 12 * 1024,
            violations_max: 10,
            violations_before_login_max: 3,
            auth_failures_max: 3,
            auth_steps_max: 16,
            junk_commands_max: 100,
            login_timeout: Duration::from_secs(3 * 60),
            command_timeout: Duration::from_secs(10 * 60),
            send_high_water: posthaste_wire::HIGH_WATER_DEFAULT,
            reply_line_max: 2048,
            reply_timeout: Duration::from_secs(5 * 60),
            capabilities_max: 100,
            rows_max: 2_000_000,
            body_max: 1024 * 1024 * 1024,
            pipeline_max: 32,
        }
    }
}
