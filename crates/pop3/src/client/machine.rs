//! The contract of all machines, by delegation.

use bytes::Bytes;
use posthaste_wire::{Machine, Misuse, Security, Step, Time, Upgrade};

use super::{Client, Event};
use crate::ProtocolError;

impl Machine for Client {
    type Event = Event;
    type Error = ProtocolError;

    fn handle_input(&mut self, now: Time, input: &[u8]) {
        self.handle_input(now, input);
    }

    fn handle_eof(&mut self, now: Time) {
        self.handle_eof(now);
    }

    fn handle_timeout(&mut self, now: Time) {
        self.handle_timeout(now);
    }

    fn poll_event(&mut self) -> Result<Step<Event>, ProtocolError> {
        self.poll_event()
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.poll_transmit()
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.poll_timeout()
    }

    fn upgraded(&mut self, now: Time, upgrade: Upgrade, security: Security) -> Result<(), Misuse> {
        self.upgraded(now, upgrade, security)
    }

    fn is_congested(&self) -> bool {
        self.is_congested()
    }
}
