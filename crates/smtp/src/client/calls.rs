//! What an application asks of a client: messages to be sent, authentication, signs of life, the end, and what is
//! left when the end came too soon.

use alloc::vec::Vec;

use posthaste_wire::{Misuse, Secret, Security, Time};

use super::machine::Phase;
use super::{AuthPrivacy, Client, Fate, TransactionId, Unfinished};
use crate::{Capabilities, Envelope, Hold, Mechanism, ReversePath};

impl Client {
    /// Queues a message; it is sent when those before it are done. Legal from the start: nothing of it leaves
    /// before [`Event::Ready`](super::Event::Ready).
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] without recipients, and where the envelope contradicts itself: a notification that is to
    /// be held back (RFC 4865 5.1.1), or a message that is to be held back beyond its time of delivery (5.2.1).
    /// [`Misuse::NotNow`] after [`quit`](Self::quit) or the end.
    pub fn send(&mut self, envelope: Envelope) -> Result<TransactionId, Misuse> {
        let refuse = |problem| Err(Misuse::Argument { argument: "envelope", problem });
        if envelope.recipients.is_empty() {
            return refuse("has no recipient");
        }
        if envelope.hold.is_some() && envelope.from == ReversePath::Null {
            return refuse("is that of a notification, which is not held back");
        }
        if let (Some(Hold::For(hold)), Some(by)) = (&envelope.hold, &envelope.deliver_by) {
            if i64::from(by.seconds) <= i64::from(*hold) {
                return refuse("is to be held back beyond its time of delivery");
            }
        }
        if self.quit || self.phase == Phase::Closed {
            return Err(Misuse::NotNow { call: "send", state: "at the end of a session" });
        }
        let id = TransactionId(self.next_id);
        self.next_id = self.next_id.saturating_add(1);
        self.queue.push_back((id, envelope));
        Ok(id)
    }

    /// Begins to authenticate (RFC 4954 4). An empty `initial` response is sent as such; without one the server
    /// is asked for a challenge. One that makes the command longer than 512 octets is kept for the challenge.
    ///
    /// # Errors
    ///
    /// [`Misuse::NotNow`] before [`Event::Ready`](super::Event::Ready), inside a message, twice, or on a connection
    /// that is not private where the configuration asks for that. [`Misuse::Argument`] when the server does not
    /// offer the mechanism, or the response is over [`Limits::auth_line_max`](crate::Limits::auth_line_max).
    pub fn authenticate(&mut self, mechanism: Mechanism, initial: Option<Secret>) -> Result<(), Misuse> {
        let refuse = |state| Err(Misuse::NotNow { call: "authenticate", state });
        if self.phase != Phase::Ready {
            return refuse("before the session is ready");
        }
        if self.config.auth_requires_tls == AuthPrivacy::Required && !self.security.is_private() {
            return refuse("on a connection that is not private");
        }
        if self.authenticated || self.auth.is_some() || self.transfer.is_some() || !self.expected.is_empty() {
            return refuse("while another exchange is under way or done");
        }
        if !self.capabilities.mechanisms().contains(&&mechanism) {
            return Err(Misuse::Argument { argument: "mechanism", problem: "is not offered" });
        }
        if initial.as_ref().is_some_and(|initial| !self.fits_line(initial)) {
            return Err(Misuse::Argument { argument: "initial response", problem: "is too long for a line" });
        }
        self.auth = Some((mechanism, initial));
        Ok(())
    }

    /// Asks the server for a sign of life (NOOP): keeps an idle connection open, or finds out that it is not before
    /// a message is queued on it. [`Event::Probed`](super::Event::Probed) follows.
    ///
    /// # Errors
    ///
    /// [`Misuse::NotNow`] unless the session [is idle](Self::is_idle).
    pub fn probe(&mut self) -> Result<(), Misuse> {
        if !self.is_idle() {
            return Err(Misuse::NotNow { call: "probe", state: "while the session is not idle" });
        }
        self.probe = true;
        Ok(())
    }

    /// Whether the session is open, nothing is under way or queued, and nothing that came in waits to be looked at:
    /// the next message would be begun at once.
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Ready
            && self.transfer.is_none()
            && self.auth.is_none()
            && self.expected.is_empty()
            && self.queue.is_empty()
            && self.events.is_empty()
            && self.receive.is_empty()
            && !(self.probe || self.reset_is_due || self.quit || self.eof || self.tickets.is_open())
    }

    /// Whether the server takes no further message on this connection (`MAILMAX`, RFC 9422 4.1).
    pub fn is_used_up(&self) -> bool {
        self.quota.used_up(&self.capabilities).is_some()
    }

    /// Takes back the messages that have no report: those that were not begun and, when the session is over, the one
    /// that was under way. Each message that was queued is reported or comes back here, never both.
    ///
    /// To be called when [`poll_event`](Self::poll_event) has returned [`Step::Closed`](crate::Step::Closed) or an
    /// error; before that, the messages that were not begun are simply not sent.
    pub fn take_unfinished(&mut self) -> Vec<Unfinished> {
        let over = self.phase == Phase::Closed;
        let begun = if over { self.take_transfer() } else { None };
        let queued = self.queue.drain(..).map(|(id, envelope)| {
            let recipients = envelope.recipients.iter().map(|_| Fate::NotTaken).collect();
            Unfinished { id, envelope, recipients }
        });
        begun.into_iter().chain(queued).collect()
    }

    /// Ends the session with QUIT behind the messages that are queued. No more can be queued.
    pub const fn quit(&mut self) {
        self.quit = true;
    }

    /// As [`quit`](Self::quit).
    pub const fn shutdown(&mut self, now: Time) {
        self.now = now;
        self.quit();
    }

    /// What protects the connection now.
    pub const fn security(&self) -> Security {
        self.security
    }

    /// What the server offers; empty before it has said so.
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
}
