//! The answers to commands about mailboxes (RFC 9051 6.3): SELECT, LIST, STATUS and those that are done or not.
//!
//! SELECT that has more to tell than numbers, what has changed since the client was last here (RFC 7162 3.2.5), goes
//! on in a writer: [`Selecting`].

use alloc::vec::Vec;
use core::num::NonZeroU32;
use posthaste_wire::Misuse;

use super::enabled::Feature;
use super::extensions::Switch;
use super::{
    Access, Asked, Close, Delete, IdleDone, Lsub, Message, Namespace, Noop, Refusal, Rename, Select, Server,
    StatusOf, Subscribe, Unselect, Unsubscribe,
};
use crate::session::Transition;
use crate::types::{
    Condition, Create, FetchItem, Flag, ListCommand, ListResponse, ListReturn, Mailbox, Namespaces, ObjectId,
    PermanentFlags, Response, ResponseCode, Rights, SelectParameter, StatusItem, UidSet,
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

/// What extensions add to it. The default is a mailbox without mod-sequences, whose UIDs last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectMore {
    /// HIGHESTMODSEQ; `None` is NOMODSEQ (RFC 7162 3.1.2). Told where CONDSTORE is offered.
    pub highest_mod_seq: Option<u64>,
    /// MAILBOXID (RFC 8474 4.2). Told where OBJECTID is offered.
    pub mailbox_id: Option<ObjectId>,
    /// The mailbox as LIST would show it, which IMAP4rev2 has here (RFC 9051 6.3.2). Told once that is enabled.
    pub list: Option<ListResponse>,
    /// Whether UIDs last: UIDNOTSTICKY where they do not (RFC 4315 3).
    pub uids: UidLife,
}

/// Whether the UIDs of a mailbox last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UidLife {
    /// They do.
    #[default]
    Sticky,
    /// Every time the mailbox is opened they are others.
    NotSticky,
}

/// A mailbox that is being opened, after its numbers and before the tagged OK: the place for what has changed since
/// the client was last here.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the client waits for the end of the answer"]
pub struct Selecting {
    asked: Asked<Select>,
}

impl Asked<Select> {
    /// Opens the mailbox.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, data: SelectData) -> Result<(), Misuse> {
        self.open(server, data, SelectMore::default())?.ok(server)
    }

    /// Tells the mailbox's numbers and goes on.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn open(self, server: &mut Server, data: SelectData, more: SelectMore) -> Result<Selecting, Misuse> {
        let read_only = self.access == Access::ReadOnly;
        self.data(server, |server| server.tell_mailbox(data, more, read_only))?;
        Ok(Selecting { asked: self })
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

impl Selecting {
    /// What was asked; a QRESYNC parameter says what the client knows.
    pub const fn request(&self) -> &Select {
        self.asked.request()
    }

    fn resync(&self) -> Result<(), Misuse> {
        let has = |parameter: &SelectParameter| matches!(parameter, SelectParameter::QResync(_));
        if self.request().parameters.iter().any(has) {
            return Ok(());
        }
        Err(Misuse::Argument { argument: "changes", problem: "are an answer to QRESYNC" })
    }

    /// Tells which of the messages that the client knows are gone: VANISHED (EARLIER) (RFC 7162 3.2.5.1).
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] where the command had no QRESYNC. [`Misuse::WrongConnection`].
    pub fn vanished(&self, server: &mut Server, uids: UidSet) -> Result<(), Misuse> {
        self.resync()?;
        if uids.is_empty() {
            return Ok(());
        }
        self.asked.data(server, |server| server.send(&Response::Vanished { earlier: true, uids }))
    }

    /// Tells what a message has now that has changed: its UID, FLAGS and MODSEQ (RFC 7162 3.2.5.1).
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] where the command had no QRESYNC, or for a message without UID under UIDONLY.
    /// [`Misuse::WrongConnection`].
    pub fn row(
        &self,
        server: &mut Server,
        message: impl Into<Message>,
        items: Vec<FetchItem>,
    ) -> Result<(), Misuse> {
        self.resync()?;
        let row = server.row(message.into(), items)?;
        self.asked.data(server, |server| server.send(&row))
    }

    /// The mailbox is open.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        let read_only = self.request().access == Access::ReadOnly;
        let text = if read_only { "EXAMINE completed" } else { "SELECT completed" };
        let code = if read_only { ResponseCode::ReadOnly } else { ResponseCode::ReadWrite };
        self.asked.complete(server, Some(code), text, |server| {
            // What was handed in since is about the mailbox that is open now.
            server.state = server.state.after(Transition::Selected);
            server.read_only = read_only;
        })
    }

    /// The mailbox cannot be opened after all.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn no(self, server: &mut Server, refusal: Refusal) -> Result<(), Misuse> {
        server.highest_mod_seq = None;
        self.asked.no(server, refusal)
    }
}

impl Server {
    fn tell_mailbox(&mut self, data: SelectData, more: SelectMore, read_only: bool) {
        let rev2 = self.is_enabled(Feature::Imap4Rev2);
        let extensions = &self.config.extensions;
        let (cond_store, object_id) = (extensions.has(Switch::CondStore), extensions.has(Switch::ObjectId));
        self.send(&Response::Flags(data.flags.defined.into()));
        self.send(&Response::Exists(data.exists));
        if !rev2 {
            self.send(&Response::Recent(data.recent));
            if let Some(unseen) = data.unseen {
                self.untagged(Condition::Ok, Some(ResponseCode::Unseen(unseen.get().into())), "First unseen");
            }
        }
        let permanent = if read_only { PermanentFlags::default() } else { data.flags.permanent };
        self.untagged(Condition::Ok, Some(ResponseCode::PermanentFlags(permanent)), "Flags permitted");
        let uid_validity = ResponseCode::UidValidity(data.uid_validity.get().into());
        self.untagged(Condition::Ok, Some(uid_validity), "UIDs valid");
        let uid_next = ResponseCode::UidNext(data.uid_next.get().into());
        self.untagged(Condition::Ok, Some(uid_next), "Predicted next UID");
        self.highest_mod_seq = more.highest_mod_seq.filter(|_| cond_store);
        match self.highest_mod_seq {
            Some(mod_seq) => {
                self.untagged(Condition::Ok, Some(ResponseCode::HighestModSeq(mod_seq)), "Highest");
            }
            None if cond_store => {
                self.untagged(Condition::Ok, Some(ResponseCode::NoModSeq), "No mod-sequences");
            }
            None => {}
        }
        if let Some(id) = more.mailbox_id.filter(|_| object_id) {
            self.untagged(Condition::Ok, Some(ResponseCode::MailboxId(id)), "Mailbox");
        }
        // RFC 9586 3: under UIDONLY they always last.
        if more.uids == UidLife::NotSticky && !self.is_enabled(Feature::UidOnly) {
            self.untagged(Condition::No, Some(ResponseCode::UidNotSticky), "UIDs do not last");
        }
        if let Some(list) = more.list.filter(|_| rev2) {
            self.send(&Response::List(list));
        }
    }
}

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
