//! The answers to commands about mailboxes (RFC 9051 6.3) that are done or not, to STATUS and NAMESPACE, and to those that
//! leave the selected one. SELECT is in `select`, LIST in `list`.

use alloc::vec::Vec;
use posthaste_wire::Misuse;

use super::extensions::Switch;
use super::{
    Asked, Close, Delete, IdleDone, Namespace, Noop, Refusal, Rename, Server, StatusOf, Subscribe, Unselect,
    Unsubscribe,
};
use crate::session::Transition;
use crate::types::{Create, Namespaces, ObjectId, Response, ResponseCode, StatusItem};

impl Asked<StatusOf> {
    /// Tells what was asked.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, items: Vec<StatusItem>) -> Result<(), Misuse> {
        let mailbox = self.mailbox.clone();
        self.complete(server, None, "STATUS completed", |server| {
            server.send(&Response::Status(mailbox, items));
        })
    }
}

impl Asked<Namespace> {
    /// Tells the namespaces.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, namespaces: Namespaces) -> Result<(), Misuse> {
        self.complete(server, None, "NAMESPACE completed", |server| {
            server.send(&Response::Namespace(namespaces));
        })
    }
}

impl Asked<Close> {
    /// The messages marked `\Deleted` are gone and the mailbox is left.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        self.complete(server, None, "CLOSE completed", |server| server.select(Transition::Deselected))
    }
}

impl Asked<Unselect> {
    /// The mailbox is left.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        self.complete(server, None, "Mailbox is left", |server| server.select(Transition::Deselected))
    }
}

impl Asked<Create> {
    /// It is done, and the mailbox has this id: MAILBOXID (RFC 8474 4.1). Told where OBJECTID is offered.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok_with_id(self, server: &mut Server, id: ObjectId) -> Result<(), Misuse> {
        let code = server.config.extensions.has(Switch::ObjectId).then_some(ResponseCode::MailboxId(id));
        self.complete(server, code, "CREATE completed", |_| {})
    }
}

/// Commands that are done, with nothing to tell.
macro_rules! plain_answers {
    ($($request:ty, $text:literal;)*) => {$(
        impl Asked<$request> {
            /// It is done.
            ///
            /// # Errors
            ///
            /// [`Misuse::WrongConnection`].
            pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
                self.complete(server, None, $text, |_| {})
            }

            /// It is done, or refused.
            ///
            /// # Errors
            ///
            /// [`Misuse::WrongConnection`].
            pub fn done(self, server: &mut Server, outcome: Result<(), Refusal>) -> Result<(), Misuse> {
                match outcome {
                    Ok(()) => self.ok(server),
                    Err(refusal) => self.no(server, refusal),
                }
            }
        }
    )*};
}

pub(super) use plain_answers as plain;

plain! {
    Noop, "NOOP completed";
    Subscribe, "SUBSCRIBE completed";
    Unsubscribe, "UNSUBSCRIBE completed";
    Create, "CREATE completed";
    Delete, "DELETE completed";
    Rename, "RENAME completed";
    IdleDone, "IDLE completed";
}
