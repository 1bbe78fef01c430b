//! The answers about what an account may do and has: QUOTA (RFC 9208), ACL (RFC 4314), and UNAUTHENTICATE (RFC 8437),
//! which leaves it.

use alloc::vec::Vec;
use posthaste_wire::{Answer, Misuse};

use super::{
    Asked, DeleteAcl, Event, GetAcl, GetQuota, GetQuotaRoot, ListRightsOf, MyRights, Poll, Refusal, Server,
    SetAcl, SetQuota,
};
use crate::error::Violation;
use crate::types::{AString, Acl, ListRights, QuotaUsage, Response, Rights, Tag};

impl Asked<GetQuota> {
    /// Tells what is used and what may be.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, resources: Vec<QuotaUsage>) -> Result<(), Misuse> {
        let root = self.root.clone();
        self.complete(server, None, "GETQUOTA completed", |server| {
            server.send(&Response::Quota { root, resources });
        })
    }
}

impl Asked<GetQuotaRoot> {
    /// Tells the roots a mailbox counts for, each with what is used and what may be.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, roots: Vec<(AString, Vec<QuotaUsage>)>) -> Result<(), Misuse> {
        let mailbox = self.mailbox.clone();
        self.complete(server, None, "GETQUOTAROOT completed", |server| {
            let names = roots.iter().map(|(root, _)| root.clone()).collect();
            server.send(&Response::QuotaRoot { mailbox, roots: names });
            for (root, resources) in roots {
                server.send(&Response::Quota { root, resources });
            }
        })
    }
}

impl Asked<SetQuota> {
    /// Tells of another root whose limits have changed with it, or which mailboxes count for now (RFC 9208 4.1.3).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn changed(
        &self,
        server: &mut Server,
        root: AString,
        resources: Vec<QuotaUsage>,
    ) -> Result<(), Misuse> {
        self.data(server, |server| server.send(&Response::Quota { root, resources }))
    }

    /// The limits are set; tells them as they are now.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, resources: Vec<QuotaUsage>) -> Result<(), Misuse> {
        let root = self.root.clone();
        self.complete(server, None, "SETQUOTA completed", |server| {
            server.send(&Response::Quota { root, resources });
        })
    }
    /// Does not change the limits, and tells those that stay (RFC 9208 4.1.3).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn refuse(
        self,
        server: &mut Server,
        resources: Vec<QuotaUsage>,
        refusal: Refusal,
    ) -> Result<(), Misuse> {
        let root = self.root.clone();
        self.data(server, |server| server.send(&Response::Quota { root, resources }))?;
        self.no(server, refusal)
    }
}

/// Commands that change who may do what.
macro_rules! acl_changes {
    ($($request:ty),+) => {$(
        impl Asked<$request> {
            /// Tells of rights that have changed besides those the command names, of others or in other mailboxes
            /// (RFC 4314 5.1.1). A session that has such a mailbox selected, this one or another, is told by
            /// [`Update::Flags`](super::Update::Flags) and [`Notice::PermanentFlags`](super::Notice::PermanentFlags)
            /// which flags are left to it, and by [`Notice::Access`](super::Notice::Access) where none are.
            ///
            /// # Errors
            ///
            /// [`Misuse::WrongConnection`].
            pub fn changed(&self, server: &mut Server, acl: Acl) -> Result<(), Misuse> {
                self.data(server, |server| server.send(&Response::Acl(acl)))
            }
        }
    )+};
}

acl_changes!(SetAcl, DeleteAcl);

impl Asked<GetAcl> {
    /// Tells who may do what.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, entries: Vec<(AString, Rights)>) -> Result<(), Misuse> {
        let acl = Acl { mailbox: self.mailbox.clone(), entries };
        self.complete(server, None, "GETACL completed", |server| server.send(&Response::Acl(acl)))
    }
}

impl Asked<ListRightsOf> {
    /// Tells what the identifier always has, and what can be granted, set by set.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, required: Rights, optional: Vec<Rights>) -> Result<(), Misuse> {
        let (mailbox, identifier) = (self.mailbox.clone(), self.identifier.clone());
        let rights = ListRights { mailbox, identifier, required, optional };
        self.complete(server, None, "LISTRIGHTS completed", |server| {
            server.send(&Response::ListRights(rights));
        })
    }
}

impl Asked<MyRights> {
    /// Tells what the user may do.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, rights: Rights) -> Result<(), Misuse> {
        let mailbox = self.mailbox.clone();
        self.complete(server, None, "MYRIGHTS completed", |server| {
            server.send(&Response::MyRights { mailbox, rights });
        })
    }
}

/// The client leaves the account. It may have sent the next login behind, so that there is no NO to this (RFC 8437 3):
/// it is done, or the conversation is over.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the client waits for the answer"]
pub struct Unauthenticate {
    asked: Asked<()>,
}

impl Unauthenticate {
    /// Nobody is logged in any more, no mailbox is selected, and nothing is enabled (RFC 8437 3).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        self.asked.complete(server, None, "UNAUTHENTICATE completed", Server::log_out)
    }

    /// What the login brought cannot be forgotten: BYE.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn end(self, server: &mut Server, reason: Refusal) -> Result<(), Misuse> {
        if server.tickets.redeem(self.asked.ticket)? == Answer::InTime {
            server.bye(reason.code, reason.text);
        }
        Ok(())
    }
}

impl Server {
    /// Under COMPRESS the layer would have to end with the command: the client's behind its line, ours behind the OK
    /// (RFC 8437 4.1). There is no such order to a driver, so that it is not announced then; and as the client may have
    /// left its layer already, nothing it sends could be read after a refusal.
    pub(super) fn unauthenticate(&mut self, tag: Tag) -> Poll {
        if self.compressed {
            self.bye(None, "UNAUTHENTICATE is not possible under COMPRESS");
            return self.violation(Violation::NotOffered);
        }
        // As at UNSELECT, no expunge is told any more (RFC 8437 3).
        self.expunge_forbidden = true;
        let asked = self.ask(tag, ());
        Poll::Event(Event::Unauthenticate(Unauthenticate { asked }))
    }
}

super::mailbox::plain! {
    SetAcl, "SETACL completed";
    DeleteAcl, "DELETEACL completed";
}
