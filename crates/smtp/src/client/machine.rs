//! The client machine.

use bytes::Bytes;
use posthaste_wire::{Answer, DotEncoder, Machine, Misuse, Secret, Security, Step, Ticket, Time, Upgrade};

use super::{Config, Event, TransactionId};
use crate::{Envelope, Mechanism, ProtocolError};

/// Why a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// For the greeting.
    Greeting,
    /// For the reply to a command.
    Reply,
    /// For the reply to DATA.
    DataStart,
    /// For the reply to the end of a message.
    DataEnd,
}

/// One session of a client.
#[derive(Debug)]
pub struct Client {
    config: Config,
}

impl Client {
    /// A client.
    pub fn new(config: Config, _security: Security, _now: Time) -> Self {
        Self { config }
    }
    /// See [`Machine`].
    pub fn handle_input(&mut self, _now: Time, _input: &[u8]) {}
    /// See [`Machine`].
    pub fn handle_eof(&mut self, _now: Time) {}
    /// See [`Machine`].
    pub fn handle_timeout(&mut self, _now: Time) {}
    /// See [`Machine`].
    ///
    /// # Errors
    ///
    /// Sticky.
    pub fn poll_event(&mut self) -> Result<Step<Event>, ProtocolError> {
        Ok(Step::Closed)
    }
    /// See [`Machine`].
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        None
    }
    /// See [`Machine`].
    pub fn poll_timeout(&self) -> Option<Time> {
        None
    }
    /// What the next deadline is for.
    pub fn timer(&self) -> Option<Timer> {
        None
    }
    /// See [`Machine`].
    ///
    /// # Errors
    ///
    /// [`Misuse::NoUpgrade`].
    pub fn upgraded(&mut self, _now: Time, _upgrade: Upgrade, _security: Security) -> Result<(), Misuse> {
        Err(Misuse::NoUpgrade)
    }
    /// See [`Machine`].
    pub fn is_congested(&self) -> bool {
        false
    }
    /// Queues a message; it is sent when those before it are done.
    ///
    /// # Errors
    ///
    /// [`Misuse`].
    pub fn send(&mut self, _envelope: Envelope) -> Result<TransactionId, Misuse> {
        Err(Misuse::NotNow { call: "send", state: "yet" })
    }
    /// Begins to authenticate.
    ///
    /// # Errors
    ///
    /// [`Misuse`].
    pub fn authenticate(&mut self, _mechanism: Mechanism, _initial: Option<Secret>) -> Result<(), Misuse> {
        Err(Misuse::NotNow { call: "authenticate", state: "yet" })
    }
    /// Ends the session behind the messages that are queued.
    pub fn quit(&mut self) {}
    /// What protects the connection now.
    pub const fn security(&self) -> Security {
        Security::Plain
    }
    /// Same as quit.
    pub fn shutdown(&mut self, _now: Time) {}
    pub(super) fn check(&self, _ticket: &Ticket) -> Result<Answer, Misuse> {
        Ok(Answer::Late)
    }
    pub(super) fn redeem(&mut self, _ticket: Ticket) -> Result<Answer, Misuse> {
        Ok(Answer::Late)
    }
    pub(super) fn check_congestion(&self) -> Result<(), Misuse> {
        Ok(())
    }
    pub(super) fn write_body(&mut self, _encoder: &mut DotEncoder, _chunk: Bytes) {}
    pub(super) fn finish_body(&mut self, _encoder: &mut DotEncoder) {}
    pub(super) fn abort_body(&mut self) {}
    pub(super) fn respond(&mut self, _response: &Secret) {}
    pub(super) fn cancel_auth(&mut self) {}
}

impl Machine for Client {
    type Event = Event;
    type Error = ProtocolError;

    fn handle_input(&mut self, now: Time, input: &[u8]) {
        Self::handle_input(self, now, input);
    }

    fn handle_eof(&mut self, now: Time) {
        Self::handle_eof(self, now);
    }

    fn handle_timeout(&mut self, now: Time) {
        Self::handle_timeout(self, now);
    }

    fn poll_event(&mut self) -> Result<Step<Event>, ProtocolError> {
        Self::poll_event(self)
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        Self::poll_transmit(self)
    }

    fn poll_timeout(&self) -> Option<Time> {
        Self::poll_timeout(self)
    }

    fn upgraded(&mut self, now: Time, upgrade: Upgrade, security: Security) -> Result<(), Misuse> {
        Self::upgraded(self, now, upgrade, security)
    }

    fn is_congested(&self) -> bool {
        Self::is_congested(self)
    }
}
