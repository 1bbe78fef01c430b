//! Every bound of an IMAP conversation, by name.
//!
//! The defaults are what servers that are trusted today use; RFC 9051 leaves most of them to the implementation
//! and asks for generous lines (RFC 9051 4, RFC 7162 4 for the 8,192 octets of a client's line).

use core::time::Duration;

/// The bounds a machine holds its peer to, and the times it waits.
///
/// Memory: a server holds at most one logical line (`command_max`, before login `command_preauth_max`), one read of
/// its driver, its send queue up to `send_high_water` and one chunk, and `updates_max` updates as large as the
/// application makes them.
///
/// Any values are safe: a conversation under limits that let nothing through is short and ends in order. What cannot be
/// meant is found by [`server::Config::validate`](crate::server::Config::validate).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of one line between literals, CR LF included. Longer: `BAD [TOOBIG]`, the line is dropped.
    pub line_max: usize,
    /// Octets of one line before login. Longer: `BAD [TOOBIG]`, the line is dropped.
    pub line_preauth_max: usize,
    /// Octets of one literal that becomes part of a command (a mailbox name, a search string). Longer: refused
    /// before the `+`; a non-synchronising one is dropped as it comes.
    pub literal_max: u64,
    /// The same before login (RFC 7888 4 allows to close the connection instead).
    pub literal_preauth_max: u64,
    /// Octets of a command with its literals.
    pub command_max: usize,
    /// The same before login.
    pub command_preauth_max: usize,
    /// Literals in one command.
    pub literals_max: usize,
    /// Octets of a message that APPEND or REPLACE may bring, announced as APPENDLIMIT (RFC 7889). More: `NO [TOOBIG]`.
    pub append_max: u64,
    /// Octets of all messages of one APPEND together (RFC 3502). More: `NO [TOOBIG]`, and none is kept.
    pub append_all_max: u64,
    /// Messages in one APPEND (RFC 3502). More: `NO [LIMIT]`, and none is kept.
    pub append_messages_max: u32,
    /// Octets of a non-synchronising literal that are dropped to keep the conversation going. More: `BYE`.
    pub drop_max: u64,
    /// Octets of one line of a SASL exchange, base64 and CR LF included (RFC 9051 4 has no number; RFC 4954 4.5.3
    /// has 12,288).
    pub sasl_line_max: usize,
    /// How deep search keys and parenthesised lists may nest. More than 100 counts as 100.
    pub nesting_max: usize,
    /// Ranges in one sequence set.
    pub ranges_max: usize,
    /// Items in one list: fetch attributes, flags, search keys, entries, names. More: `BAD [TOOBIG]`.
    pub list_max: usize,
    /// Updates that wait for the client ([`server::Server::update`](crate::server::Server::update)). More are not taken.
    pub updates_max: usize,
    /// The smallest batch of UIDBATCHES, which a server may not set higher than 500 (RFC 10022 3.1): more counts as 500.
    /// Smaller: `NO [TOOFEW]`.
    pub uid_batch_min: u32,
    /// Attempts to log in that may fail in one session, cancelled ones counted. With the last comes BYE.
    pub auth_failures_max: u32,
    /// Challenges within one AUTHENTICATE exchange. In place of the next: `NO`, and the exchange is over.
    pub auth_steps_max: u32,
    /// Commands in a row that bring nothing closer (CAPABILITY, ID, ENABLE, and before login NOOP) within a minute.
    /// In place of the answer to the next: BYE.
    pub junk_commands_max: u32,
    /// Commands refused for their form or their moment after which the connection is closed.
    pub violations_max: u32,
    /// The same before login.
    pub violations_preauth_max: u32,
    /// Octets in the send queue from which on literals and rows wait. Zero counts as one.
    pub send_high_water: usize,
    /// How long a client that has logged in may be silent (RFC 9051 5.4: at least 30 minutes).
    pub idle_timeout: Duration,
    /// How long a client may take to log in, all told.
    pub login_timeout: Duration,
    /// How long one command may take to arrive once it has begun; a streamed message is under `append_timeout`.
    pub command_timeout: Duration,
    /// How long the octets of a streamed message may pause.
    pub append_timeout: Duration,
}

impl Limits {
    /// The first limit that is zero, by its name. Zero is never "no limit": it lets nothing through, which nobody wants,
    /// so a configuration that holds it is a mistake ([`server::Config::validate`](crate::server::Config::validate)).
    pub fn zero(&self) -> Option<&'static str> {
        let Self {
            line_max,
            line_preauth_max,
            literal_max,
            literal_preauth_max,
            command_max,
            command_preauth_max,
            literals_max,
            append_max,
            append_all_max,
            append_messages_max,
            drop_max,
            sasl_line_max,
            nesting_max,
            ranges_max,
            list_max,
            updates_max,
            uid_batch_min,
            auth_failures_max,
            auth_steps_max,
            junk_commands_max,
            violations_max,
            violations_preauth_max,
            send_high_water,
            idle_timeout,
            login_timeout,
            command_timeout,
            append_timeout,
        } = self;
        let zero = [
            ("line_max", *line_max == 0),
            ("line_preauth_max", *line_preauth_max == 0),
            ("literal_max", *literal_max == 0),
            ("literal_preauth_max", *literal_preauth_max == 0),
            ("command_max", *command_max == 0),
            ("command_preauth_max", *command_preauth_max == 0),
            ("literals_max", *literals_max == 0),
            ("append_max", *append_max == 0),
            ("append_all_max", *append_all_max == 0),
            ("append_messages_max", *append_messages_max == 0),
            ("drop_max", *drop_max == 0),
            ("sasl_line_max", *sasl_line_max == 0),
            ("nesting_max", *nesting_max == 0),
            ("ranges_max", *ranges_max == 0),
            ("list_max", *list_max == 0),
            ("updates_max", *updates_max == 0),
            ("uid_batch_min", *uid_batch_min == 0),
            ("auth_failures_max", *auth_failures_max == 0),
            ("auth_steps_max", *auth_steps_max == 0),
            ("junk_commands_max", *junk_commands_max == 0),
            ("violations_max", *violations_max == 0),
            ("violations_preauth_max", *violations_preauth_max == 0),
            ("send_high_water", *send_high_water == 0),
            ("idle_timeout", idle_timeout.is_zero()),
            ("login_timeout", login_timeout.is_zero()),
            ("command_timeout", command_timeout.is_zero()),
            ("append_timeout", append_timeout.is_zero()),
        ];
        zero.iter().find_map(|(name, is_zero)| is_zero.then_some(*name))
    }

    /// The first pair of limits of which the first has to be no larger than the second and is, by their names.
    pub(crate) fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        let octets = |limit: usize| u64::try_from(limit).unwrap_or(u64::MAX);
        let pairs = [
            ("line_max", octets(self.line_max), "command_max", octets(self.command_max)),
            ("literal_max", self.literal_max, "command_max", octets(self.command_max)),
            (
                "line_preauth_max",
                octets(self.line_preauth_max),
                "command_preauth_max",
                octets(self.command_preauth_max),
            ),
            (
                "literal_preauth_max",
                self.literal_preauth_max,
                "command_preauth_max",
                octets(self.command_preauth_max),
            ),
            ("append_max", self.append_max, "append_all_max", self.append_all_max),
        ];
        let wrong = |(_, small, _, large): &&(_, u64, _, u64)| small > large;
        pairs.iter().find(wrong).map(|(small, _, large, _)| (*small, *large))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_max: 64 * 1024,
            line_preauth_max: 8 * 1024,
            literal_max: 128 * 1024,
            literal_preauth_max: 1024,
            command_max: 1024 * 1024,
            command_preauth_max: 16 * 1024,
            literals_max: 1000,
            append_max: 50 * 1024 * 1024,
            append_all_max: 500 * 1024 * 1024,
            append_messages_max: 1000,
            drop_max: 64 * 1024 * 1024,
            sasl_line_max: 12 * 1024,
            nesting_max: 32,
            ranges_max: 10_000,
            list_max: 1000,
            updates_max: 1000,
            uid_batch_min: 500,
            auth_failures_max: 3,
            auth_steps_max: 16,
            junk_commands_max: 100,
            violations_max: 20,
            violations_preauth_max: 3,
            send_high_water: posthaste_wire::HIGH_WATER_DEFAULT,
            idle_timeout: Duration::from_secs(30 * 60),
            login_timeout: Duration::from_secs(3 * 60),
            command_timeout: Duration::from_secs(5 * 60),
            append_timeout: Duration::from_secs(5 * 60),
        }
    }
}
