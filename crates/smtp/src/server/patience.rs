//! What one client may cost before it is sent away: violations, commands that lead nowhere, attempts at passwords and
//! at addresses. The numbers are in [`Limits`](crate::Limits); what a client has done it has done, whatever is
//! forgotten by STARTTLS or XCLIENT.

use super::machine::Phase;
use super::{Event, Server};
use crate::{Excess, ProtocolError, Reply, Violation};

/// What a client has done so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) violations: u32,
    pub(super) bare_line_ends: u32,
    /// Commands that led nowhere since the last message.
    pub(super) junk: u32,
    pub(super) auth_failures: u32,
    pub(super) recipients_refused: u32,
    /// RCPT commands beyond the limit in the open transaction.
    pub(super) recipients_beyond: usize,
    pub(super) transactions: u32,
}

impl Server {
    /// Answers and counts what the client did wrong; the last time is answered twice (RFC 5321 3.8).
    pub(super) fn violation(&mut self, violation: Violation, reply: &Reply) {
        self.put(reply);
        self.count_violation(violation);
    }

    /// As [`violation`](Self::violation), where the answer is queued already.
    pub(super) fn count_violation(&mut self, violation: Violation) {
        self.events.push_back(Event::Violation(violation));
        self.counters.violations = self.counters.violations.saturating_add(1);
        let limit = self.config.limits.violations_max;
        if self.counters.violations >= limit {
            self.fail(ProtocolError::TooManyViolations { limit }, Some(&too_many_violations()));
        }
    }

    pub(super) fn bare_line_end(&mut self) {
        self.counters.bare_line_ends = self.counters.bare_line_ends.saturating_add(1);
        let limit = self.config.limits.bare_line_ends_max;
        let reply = Reply::fixed(500, (5, 5, 2), "Bare CR or LF in a command line");
        self.violation(Violation::BareLineEnd, &reply);
        if self.counters.bare_line_ends >= limit && !matches!(self.phase, Phase::Closed) {
            self.fail(ProtocolError::TooManyViolations { limit }, Some(&too_many_violations()));
        }
    }

    /// Answers a command that leads nowhere, as long as there were not too many of them. Whether it was answered.
    pub(super) fn junk(&mut self, reply: &Reply) -> bool {
        let spared = self.spare_junk();
        if spared {
            self.put(reply);
        }
        spared
    }

    /// Counts a command that leads nowhere. Whether it is still to be answered.
    pub(super) fn spare_junk(&mut self) -> bool {
        let limit = self.config.limits.junk_commands_max;
        if self.counters.junk >= limit {
            self.exceed(Excess::JunkCommands, limit.into());
            return false;
        }
        self.counters.junk = self.counters.junk.saturating_add(1);
        true
    }

    /// Ends the session because a limit of it is reached.
    pub(super) fn exceed(&mut self, of: Excess, limit: u64) {
        let text = match of {
            Excess::JunkCommands => "Too many commands without a message",
            Excess::AuthFailures => "Too many failed authentications",
            Excess::RefusedRecipients => "Too many unknown recipients",
            Excess::Recipients => "Too many recipients",
            Excess::Transactions => "Too many messages in one session",
        };
        self.fail(ProtocolError::Excess { of, limit }, Some(&Reply::fixed(421, (4, 7, 0), text)));
    }
}

fn too_many_violations() -> Reply {
    Reply::fixed(421, (4, 7, 0), "Too many errors, closing transmission channel")
}
