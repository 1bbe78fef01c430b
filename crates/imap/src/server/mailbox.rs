//! The answers to commands about mailboxes (RFC 9051 6.3): SELECT, LIST, STATUS and those that are done or not.

use alloc::vec::Vec;
use core::num::NonZeroU32;
use posthaste_wire::Misuse;

use super::{
    Access, Asked, Close, Delete, IdleDone, Lsub, Namespace, Noop, Refusal, Rename, Select, Server, StatusOf,
    Subscribe, Unselect, Unsubscribe,
};
use crate::session::Transition;
use crate::types::{
    Condition, Create, Flag, ListCommand, ListResponse, Namespaces, PermanentFlags, Response, ResponseCode,
    StatusItem,
};

/// What a client learns when it opens a mailbox (RFC 9051 6.3.2; RECENT and UNSEEN of RFC 3501 6.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectData {
    /// Flags in use and flags that can be set.
    pub flags: SelectedFlags,
    /// How many messages there are.
    pub exists: u32,
    /// How many of them no session was told of before.
    pub recent: u32,
    /// The sequence number of the first message that is not seen.
    pub unseen: Option<NonZeroU32>,
    /// UIDVALIDITY.
    pub uid_validity: NonZeroU32,
    /// The UID the next message will have at least.
    pub uid_next: NonZeroU32,
}

/// The flags of a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectedFlags {
    /// Flags and keywords in use.
    pub defined: Vec<Flag>,
    /// Those the client can change for good.
    pub permanent: PermanentFlags,
}

impl Asked<Select> {
    /// Opens the mailbox.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, data: SelectData) -> Result<(), Misuse> {
        let read_only = self.access == Access::ReadOnly;
        let text = if read_only { "EXAMINE completed" } else { "SELECT completed" };
        let code = if read_only { ResponseCode::ReadOnly } else { ResponseCode::ReadWrite };
        self.complete(server, Some(code), text, |server| {
            server.select(Transition::Selected);
            server.read_only = read_only;
            server.send(&Response::Flags(data.flags.defined.into()));
            server.send(&Response::Exists(data.exists));
            server.send(&Response::Recent(data.recent));
            if let Some(unseen) = data.unseen {
                server.untagged(
                    Condition::Ok,
                    Some(ResponseCode::Unseen(unseen.get().into())),
                    "First unseen",
                );
            }
            let permanent = if read_only { PermanentFlags::default() } else { data.flags.permanent };
            server.untagged(Condition::Ok, Some(ResponseCode::PermanentFlags(permanent)), "Flags permitted");
            let uid_validity = ResponseCode::UidValidity(data.uid_validity.get().into());
            server.untagged(Condition::Ok, Some(uid_validity), "UIDs valid");
            let uid_next = ResponseCode::UidNext(data.uid_next.get().into());
            server.untagged(Condition::Ok, Some(uid_next), "Predicted next UID");
        })
    }

    /// Does not open it; no mailbox is selected then.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn refuse(self, server: &mut Server, refusal: Refusal) -> Result<(), Misuse> {
        self.no(server, refusal)
    }
}

impl Asked<ListCommand> {
    /// Sends one mailbox of the answer.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn row(&self, server: &mut Server, row: ListResponse) -> Result<(), Misuse> {
        self.data(server, |server| server.send(&Response::List(row)))
    }

    /// All mailboxes have been sent.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        self.complete(server, None, "LIST completed", |_| {})
    }
}

impl Asked<Lsub> {
    /// Sends one subscription of the answer.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn row(&self, server: &mut Server, row: ListResponse) -> Result<(), Misuse> {
        self.data(server, |server| server.send(&Response::Lsub(row)))
    }

    /// All subscriptions have been sent.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        self.complete(server, None, "LSUB completed", |_| {})
    }
}

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
        self.complete(server, None, "UNSELECT completed", |server| server.select(Transition::Deselected))
    }
}

/// Commands that are done, with nothing to tell.
macro_rules! plain {
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

plain! {
    Noop, "NOOP completed";
    Subscribe, "SUBSCRIBE completed";
    Unsubscribe, "UNSUBSCRIBE completed";
    Create, "CREATE completed";
    Delete, "DELETE completed";
    Rename, "RENAME completed";
    IdleDone, "IDLE completed";
}
