//! The client's deadlines by name, and when each is armed.

use crate::client::queue::Sending;
use crate::client::setup::Phase;
use crate::client::{Client, idle};
use posthaste_wire::TimerName;

/// What a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timer {
    /// The greeting, STARTTLS and the capabilities, all told ([`setup_timeout`](crate::client::ClientLimits::setup_timeout)).
    Setup,
    /// Any sign of a server that owes an answer ([`response_timeout`](crate::client::ClientLimits::response_timeout)).
    Response,
    /// More of a literal that has begun ([`literal_timeout`](crate::client::ClientLimits::literal_timeout)): the
    /// server announced more octets than it sends.
    Literal,
    /// The moment to renew IDLE ([`idle_renewal`](crate::client::ClientLimits::idle_renewal)); no fault of anybody.
    IdleRenewal,
    /// The end of the conversation after LOGOUT ([`logout_timeout`](crate::client::ClientLimits::logout_timeout)).
    Logout,
}

pub(crate) const COUNT: usize = 5;

impl TimerName<COUNT> for Timer {
    const ALL: [Self; COUNT] = [Self::Setup, Self::Response, Self::Literal, Self::IdleRenewal, Self::Logout];
}

impl Client {
    /// Arms and disarms the timers for a silent server.
    pub(crate) fn watch(&mut self) {
        let waits_for_us = self.challenges.is_open()
            || match &self.sending {
                Some((_, Sending::Writing { .. })) => true,
                Some((_, Sending::Idle(idle))) => idle.stage == idle::Stage::Idling,
                Some((_, Sending::Pieces { .. } | Sending::Authenticate { .. })) | None => false,
            };
        let limits = &self.config.limits;
        let is_ready = matches!(self.phase, Phase::Ready) && !self.is_over();
        if is_ready && self.reader.is_within_literal() {
            self.timers.arm_once(Timer::Literal, self.now, limits.literal_timeout);
            self.timers.disarm(Timer::Response);
            return;
        }
        self.timers.disarm(Timer::Literal);
        if is_ready && !self.running.is_empty() && !waits_for_us {
            self.timers.arm_once(Timer::Response, self.now, limits.response_timeout);
        } else {
            self.timers.disarm(Timer::Response);
        }
    }
}
