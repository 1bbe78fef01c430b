//! How a connection changes its layer: what was said in the old one leaves first, and nothing is read between.

use std::task::{Context, Poll, ready};

use posthaste_wire::{Layer, Machine};

use super::closing::Closing;
use super::{Connection, Phase, deadline_in};
use crate::{Error, Role};

impl<M: Machine> Connection<M> {
    /// Sends what belongs to the old layer, runs the handshake, and tells the machine.
    pub(super) fn poll_upgrade(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_output(cx).is_pending() {
            ready!(self.poll_write_limit(cx));
        }
        if self.write_lost.is_some() {
            self.phase = Phase::Closing(Closing::Flush);
            return Poll::Ready(());
        }
        let Phase::Upgrading { upgrade, deadline } = &mut self.phase else { return Poll::Ready(()) };
        if upgrade.layer() == Layer::Deflate {
            match self.stream.start_deflate(upgrade.ahead()) {
                Ok(()) => self.upgraded(),
                Err(error) => self.cut(Error::Io(error)),
            }
            return Poll::Ready(());
        }
        if deadline.is_none() {
            if upgrade.layer() != Layer::Tls || !self.role.has_tls() {
                let error = Error::NoLayer(upgrade.layer());
                self.cut(error);
                return Poll::Ready(());
            }
            *deadline = deadline_in(self.timeouts.handshake);
            if let Err(error) = self.stream.start_tls(&self.role) {
                self.cut(Error::Handshake(error));
                return Poll::Ready(());
            }
        }
        let deadline = *deadline;
        match self.stream.poll_tls(cx) {
            Poll::Ready(Ok(())) => self.upgraded(),
            Poll::Ready(Err(error)) => self.cut(Error::Handshake(error)),
            Poll::Pending => {
                ready!(self.alarm.poll(cx, deadline));
                self.observer.timeout("handshake");
                self.cut(Error::HandshakeTimeout(self.timeouts.handshake));
            }
        }
        Poll::Ready(())
    }

    fn upgraded(&mut self) {
        let Phase::Upgrading { upgrade, .. } = std::mem::replace(&mut self.phase, Phase::Open) else {
            return;
        };
        self.observer.upgraded(upgrade.layer(), &self.stream);
        if let Err(misuse) = self.machine.upgraded(self.clock.now(), upgrade, self.stream.security()) {
            self.cut(Error::Misuse(misuse));
        }
        self.keep_record();
    }
}

impl Role {
    const fn has_tls(&self) -> bool {
        matches!(self, Self::Server { tls: Some(_) } | Self::Client { tls: Some(_) })
    }
}
