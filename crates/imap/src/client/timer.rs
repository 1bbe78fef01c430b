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
    /// The moment to renew IDLE ([`idle_renewal`](crate::client::ClientLimits::idle_renewal)); no fault of anybody.
    IdleRenewal,
    /// The end of the conversation after LOGOUT ([`logout_timeout`](crate::client::ClientLimits::logout_timeout)).
    Logout,
}

pub(crate) const COUNT: usize = 4;

impl TimerName<COUNT> for Timer {
    const ALL: [Self; COUNT] = [Self::Setup, Self::Response, Self::IdleRenewal, Self::Logout];
}

impl Client {
    /// Arms and disarms the timer for a silent server.
    pub(crate) fn watch(&mut self) {
        let waits_for_us = self.challenges.is_open()
            || match &self.sending {
                Some((_, Sending::Writing { .. })) => true,
                Some((_, Sending::Idle(idle))) => idle.stage == idle::Stage::Idling,
                Some((_, Sending::Pieces { .. } | Sending::Authenticate { .. })) | None => false,
            };
        let owes = matches!(self.phase, Phase::Ready) && !self.running.is_empty() && !waits_for_us;
        if owes && !self.is_over() {
            self.timers.arm_once(Timer::Response, self.now, self.config.limits.response_timeout);
        } else {
            self.timers.disarm(Timer::Response);
        }
    }
}
