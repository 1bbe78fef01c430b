//! The answer to SELECT and EXAMINE (RFC 9051 6.3.2, 6.3.3): the numbers of the mailbox, and who may change it.
//!
//! SELECT that has more to tell than numbers, what has changed since the client was last here (RFC 7162 3.2.5), goes
//! on in a writer: [`Selecting`].

use alloc::vec::Vec;
use core::num::NonZeroU32;
use posthaste_wire::Misuse;

use super::access::{Access, Opened};
use super::enabled::Feature;
use super::extensions::Switch;
use super::{Asked, Message, Refusal, Select, Server};
use crate::session::Transition;
use crate::types::{
    Condition, FetchItem, Flag, ListResponse, ObjectId, PermanentFlags, Response, ResponseCode,
    SelectParameter, UidSet,
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
    /// Whether the user may change it. With EXAMINE nobody may, whatever this says.
    pub access: Access,
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
    opened: Opened,
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
        let mut opened = Opened::new(self.access, data.access);
        self.data(server, |server| server.tell_mailbox(data, more, &mut opened))?;
        Ok(Selecting { asked: self, opened })
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
        let Self { asked, opened } = self;
        let examined = asked.access == Access::ReadOnly;
        let text = if examined { "EXAMINE completed" } else { "SELECT completed" };
        asked.complete(server, Some(opened.access().code()), text, |server| {
            // What was handed in since is about the mailbox that is open now.
            server.state = server.state.after(Transition::Selected);
            server.opened = opened;
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
    fn tell_mailbox(&mut self, data: SelectData, more: SelectMore, opened: &mut Opened) {
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
        let permanent = opened.permanent(data.flags.permanent);
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
