//! The answers to LIST and LSUB (RFC 9051 6.3.9, RFC 5258), and the row that tells a client under which name a mailbox
//! is known here (RFC 9051 6.3.9.7).
//!
//! Extended data leaves only for clients that asked for it or have shown that they understand it (RFC 5258 3). Attributes
//! that contradict each other are left out by the encoder.

use alloc::vec::Vec;
use posthaste_wire::Misuse;

use super::enabled::Feature;
use super::{Append, Asked, Delete, Lsub, Rename, Server};
use crate::types::{
    Create, ListCommand, ListResponse, ListReturn, ListSelection, Mailbox, MailboxAttribute, Response,
    Rights, StatusItem,
};

impl Asked<ListCommand> {
    /// Tells the status of a mailbox behind its row, where the client asked for it (RFC 5819).
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] where the command had no `RETURN (STATUS ..)`. [`Misuse::WrongConnection`].
    pub fn status(
        &self,
        server: &mut Server,
        mailbox: Mailbox,
        items: Vec<StatusItem>,
    ) -> Result<(), Misuse> {
        if !self.returns.iter().any(|option| matches!(option, ListReturn::Status(_))) {
            return Err(Misuse::Argument { argument: "status", problem: "is an answer to RETURN (STATUS)" });
        }
        self.data(server, |server| server.send(&Response::Status(mailbox, items)))
    }

    /// Tells what the user may do with a mailbox behind its row, where the client asked for it (RFC 8440).
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] where the command had no `RETURN (MYRIGHTS)`. [`Misuse::WrongConnection`].
    pub fn my_rights(&self, server: &mut Server, mailbox: Mailbox, rights: Rights) -> Result<(), Misuse> {
        if !self.returns.contains(&ListReturn::MyRights) {
            return Err(Misuse::Argument {
                argument: "rights",
                problem: "are an answer to RETURN (MYRIGHTS)",
            });
        }
        self.data(server, |server| server.send(&Response::MyRights { mailbox, rights }))
    }

    /// Sends one mailbox of the answer. CHILDINFO is left out where the command had no RECURSIVEMATCH (RFC 5258 3.5), and a
    /// client that knows only the basic LIST of IMAP4rev1 is told `\Noselect` for `\NonExistent`.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn row(&self, server: &mut Server, mut row: ListResponse) -> Result<(), Misuse> {
        if !self.selection.contains(&ListSelection::RecursiveMatch) {
            row.child_info = Vec::new();
        }
        self.data(server, |server| {
            if !server.takes_extended_list() {
                row = basic(row);
            }
            server.send(&Response::List(row));
        })
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
    /// Sends one subscription of the answer. LSUB knows no extended data.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn row(&self, server: &mut Server, row: ListResponse) -> Result<(), Misuse> {
        let row = ListResponse { child_info: Vec::new(), ..basic(row) };
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

/// A row for a client of RFC 3501, which has no `\NonExistent` and takes what it is not told for a mailbox to be opened.
fn basic(mut row: ListResponse) -> ListResponse {
    row.old_name = None;
    for attribute in &mut row.attributes {
        if *attribute == MailboxAttribute::NonExistent {
            *attribute = MailboxAttribute::NoSelect;
        }
    }
    row
}

/// Commands whose argument may be another spelling of the name that is used here.
macro_rules! normalised {
    ($($request:ty, $supplied:expr, $attribute:expr;)*) => {$(
        impl Asked<$request> {
            /// Tells the name under which the mailbox is known here, where it is not the one that was given: LIST with
            /// OLDNAME (RFC 9051 6.3.9.7). `row` has the normalised name; the given one is filled in here. Left out
            /// for a client that has not shown that it understands extended LIST responses (RFC 5258 3): by IMAP4rev2,
            /// NOTIFY, or an extended LIST.
            ///
            /// # Errors
            ///
            /// [`Misuse::Argument`] where it is the one that was given. [`Misuse::WrongConnection`].
            pub fn normalised(&self, server: &mut Server, row: ListResponse) -> Result<(), Misuse> {
                let supplied: fn(&$request) -> &Mailbox = $supplied;
                self.send_normalised(server, row, supplied(self.request()).clone(), $attribute)
            }
        }
    )*};
}

normalised! {
    Create, |create| &create.mailbox, None;
    Rename, |rename| &rename.from, None;
    Delete, |delete| &delete.mailbox, Some(MailboxAttribute::NonExistent);
    Append, |append| &append.head.mailbox, None;
}

impl<T> Asked<T> {
    fn send_normalised(
        &self,
        server: &mut Server,
        mut row: ListResponse,
        supplied: Mailbox,
        attribute: Option<MailboxAttribute>,
    ) -> Result<(), Misuse> {
        if row.mailbox == supplied {
            return Err(Misuse::Argument { argument: "row", problem: "has the name that was given" });
        }
        row.attributes.extend(attribute);
        row.child_info = Vec::new();
        row.old_name = Some(supplied);
        self.data(server, |server| {
            if server.takes_extended_list() {
                server.send(&Response::List(row));
            }
        })
    }
}

impl Server {
    /// RFC 5258 3: no extended data for a client that may not understand it.
    pub(super) const fn takes_extended_list(&self) -> bool {
        self.extended_list || self.notify.is_set() || self.is_enabled(Feature::Imap4Rev2)
    }
}
