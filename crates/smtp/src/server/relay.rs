//! What a trusted front end says about the client behind it: XCLIENT and XFORWARD as Postfix speaks them, and the
//! PROXY header in front of all. Whom to trust is the configuration's business; nobody else is heard.

use posthaste_wire::{Answer, Misuse, Ticket};

use super::{Event, Server};
use crate::{Attributes, Rejection, Reply, Text, Violation};

/// Token: XCLIENT. From now on the session is that of the client described.
#[derive(Debug)]
#[must_use = "the peer waits for an answer"]
pub struct Xclient {
    ticket: Ticket,
    attributes: Attributes,
}

/// Token: XFORWARD. The next message comes from the client described, as far as logs go.
#[derive(Debug)]
#[must_use = "the peer waits for an answer"]
pub struct Xforward {
    ticket: Ticket,
    attributes: Attributes,
}

impl Xclient {
    /// What is said of the client; all names are among those in the configuration.
    pub const fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// 220: believes it. The session begins anew with the greeting, and all that was said before is forgotten, but not
    /// what the peer has done wrong.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        if server.redeem(self.ticket)? == Answer::InTime {
            server.start_over();
        }
        Ok(())
    }

    /// As [`accept`](Self::accept), and the client counts as authenticated: the front end has checked who it is, and
    /// says so with `LOGIN=`.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept_authenticated(self, server: &mut Server) -> Result<(), Misuse> {
        if server.redeem(self.ticket)? == Answer::InTime {
            server.start_over();
            server.session.authenticate();
        }
        Ok(())
    }

    /// Does not believe it; nothing changes.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server, rejection: Rejection) -> Result<(), Misuse> {
        server.answer(self.ticket, &rejection.into_reply())
    }
}

impl Xforward {
    /// What is said of the client; all names are among those in the configuration. More may follow with the next
    /// XFORWARD; it holds until the next message has ended.
    pub const fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// 250: takes note of it.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        server.answer(self.ticket, &Reply::fixed(250, (2, 0, 0), "OK"))
    }

    /// Does not.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server, rejection: Rejection) -> Result<(), Misuse> {
        server.answer(self.ticket, &rejection.into_reply())
    }
}

impl Server {
    pub(super) fn xclient(&mut self, attributes: Attributes) {
        if are_offered(&attributes, &self.config.xclient) {
            let ticket = self.issue();
            self.events.push_back(Event::Xclient(Xclient { ticket, attributes }));
        } else {
            self.violation(Violation::UnknownParameter, &unknown_attribute());
        }
    }

    pub(super) fn xforward(&mut self, attributes: Attributes) {
        if are_offered(&attributes, &self.config.xforward) {
            let ticket = self.issue();
            self.events.push_back(Event::Xforward(Xforward { ticket, attributes }));
        } else {
            self.violation(Violation::UnknownParameter, &unknown_attribute());
        }
    }
}

fn are_offered(attributes: &Attributes, names: &[Text]) -> bool {
    let offered = |name: &str| names.iter().any(|offered| offered.as_str().eq_ignore_ascii_case(name));
    attributes.as_slice().iter().all(|attribute| offered(attribute.name()))
}

fn unknown_attribute() -> Reply {
    Reply::fixed(501, (5, 5, 4), "Attribute not supported")
}
