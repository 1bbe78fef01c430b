//! The commands as methods, each a thin layer over [`Client::command`] (RFC 9051 6).
//!
//! All return the [`CommandId`] of the queued command and fail with what [`Client::command`] fails with.

mod search;
mod session;
mod shared;
mod sync;

use crate::client::pieces::More;
use crate::client::{AppendContent, AppendMessage, Client, CommandId};
use crate::types::{
    AString, Addressing, AppendHead, Atom, Authenticate, Capability, Command, CopyCommand, Create, DateTime,
    FetchAttribute, FetchCommand, FetchModifiers, Flags, IdParameters, ListCommand, ListPattern, ListReturn,
    ListSelection, ListStyle, Login, Mailbox, ReplaceCommand, SearchCommand, SelectParameter, SequenceNumber,
    SequenceSet, SpecialUse, StatusAttribute, StoreCommand,
};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;
use posthaste_wire::{Misuse, Secret};

pub use session::FirstStatus;
pub use sync::Vanished;

type Result = core::result::Result<CommandId, Misuse>;

/// At any time.
impl Client {
    /// Asks for the capabilities (RFC 9051 6.1.1). The machine does so itself whenever they may have changed.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn capability(&mut self) -> Result {
        self.command(Command::Capability)
    }

    /// Does nothing, and lets the server tell what is new (RFC 9051 6.1.2).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn noop(&mut self) -> Result {
        self.command(Command::Noop)
    }

    /// Tells who is asking (RFC 2971).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn id(&mut self, parameters: IdParameters) -> Result {
        self.command(Command::Id(parameters))
    }

    /// Ends the conversation (RFC 9051 6.1.3).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn logout(&mut self) -> Result {
        self.command(Command::Logout)
    }
}

/// Before login.
impl Client {
    /// Logs in with a name and a password of ASCII (RFC 9051 6.2.3).
    ///
    /// # Errors
    /// As [`Client::command`]; also when the name or the password holds NUL, or anything beyond ASCII: no charset is said
    /// to the server, and such names go by [`authenticate`](Self::authenticate), PLAIN for one (RFC 9755 5).
    pub fn login(&mut self, user: &str, password: Secret) -> Result {
        let holds_nul = |argument| Misuse::Argument { argument, problem: "holds NUL" };
        let user = AString::new(Bytes::copy_from_slice(user.as_bytes())).map_err(|_| holds_nul("user"))?;
        let login = Login::new(user, password).map_err(|_| holds_nul("password"))?;
        self.command(Command::Login(login))
    }

    /// Begins a SASL exchange (RFC 9051 6.2.2). The initial response travels with the command where the server
    /// announces SASL-IR, and answers the first challenge otherwise; for mechanisms in which the server speaks first,
    /// and only for them, there is none.
    ///
    /// # Errors
    /// As [`Client::command`]; also when the name of the mechanism is no atom.
    pub fn authenticate(&mut self, mechanism: &str, initial: Option<Secret>) -> Result {
        let mechanism = Atom::new(Bytes::copy_from_slice(mechanism.as_bytes()))
            .map_err(|_| Misuse::Argument { argument: "mechanism", problem: "is not an atom" })?;
        self.command(Command::Authenticate(Authenticate { mechanism, initial }))
    }
}

/// Once logged in.
impl Client {
    /// Switches extensions on (RFC 9051 6.3.1).
    ///
    /// # Errors
    /// As [`Client::command`]; also when there is no capability in the list.
    pub fn enable(&mut self, capabilities: Vec<Capability>) -> Result {
        self.command(Command::Enable(capabilities))
    }

    /// Asks for the namespaces (RFC 9051 6.3.10).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn namespace(&mut self) -> Result {
        self.command(Command::Namespace)
    }

    /// Lists the mailboxes that match `pattern` (RFC 9051 6.3.9).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn list(&mut self, reference: Mailbox, pattern: ListPattern) -> Result {
        self.command(Command::List(ListCommand {
            style: ListStyle::Basic,
            selection: Vec::new(),
            reference,
            patterns: alloc::vec![pattern],
            returns: Vec::new(),
        }))
    }

    /// Lists mailboxes by several patterns, only some of them, with more about each: subscriptions, roles, STATUS,
    /// rights, metadata (RFC 5258, RFC 5819, RFC 6154, RFC 8440, RFC 9590).
    ///
    /// # Errors
    /// As [`Client::command`]; also when there is no pattern.
    pub fn list_extended(
        &mut self,
        selection: Vec<ListSelection>,
        reference: Mailbox,
        patterns: Vec<ListPattern>,
        returns: Vec<ListReturn>,
    ) -> Result {
        let style = ListStyle::Extended;
        self.command(Command::List(ListCommand { style, selection, reference, patterns, returns }))
    }

    /// Lists subscriptions (RFC 3501 6.3.9).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn lsub(&mut self, reference: Mailbox, pattern: ListPattern) -> Result {
        self.command(Command::Lsub { reference, pattern })
    }

    /// Subscribes (RFC 9051 6.3.7).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn subscribe(&mut self, mailbox: Mailbox) -> Result {
        self.command(Command::Subscribe(mailbox))
    }

    /// Unsubscribes (RFC 9051 6.3.8).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn unsubscribe(&mut self, mailbox: Mailbox) -> Result {
        self.command(Command::Unsubscribe(mailbox))
    }

    /// Makes a mailbox (RFC 9051 6.3.4).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn create(&mut self, mailbox: Mailbox) -> Result {
        self.command(Command::Create(Create { mailbox, special_use: Vec::new() }))
    }

    /// Makes a mailbox that has these roles (RFC 6154 3).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn create_with_use(&mut self, mailbox: Mailbox, special_use: Vec<SpecialUse>) -> Result {
        self.command(Command::Create(Create { mailbox, special_use }))
    }

    /// Deletes a mailbox (RFC 9051 6.3.5).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn delete(&mut self, mailbox: Mailbox) -> Result {
        self.command(Command::Delete(mailbox))
    }

    /// Renames a mailbox (RFC 9051 6.3.6).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn rename(&mut self, from: Mailbox, to: Mailbox) -> Result {
        self.command(Command::Rename { from, to })
    }

    /// Asks what a mailbox holds without selecting it (RFC 9051 6.3.11).
    ///
    /// # Errors
    /// As [`Client::command`]; also when nothing is asked.
    pub fn status(&mut self, mailbox: Mailbox, attributes: Vec<StatusAttribute>) -> Result {
        self.command(Command::Status(mailbox, attributes))
    }

    /// Opens a mailbox for reading and writing (RFC 9051 6.3.2).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn select(&mut self, mailbox: Mailbox, parameters: Vec<SelectParameter>) -> Result {
        self.command(Command::Select(mailbox, parameters))
    }

    /// Opens a mailbox for reading only (RFC 9051 6.3.3).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn examine(&mut self, mailbox: Mailbox, parameters: Vec<SelectParameter>) -> Result {
        self.command(Command::Examine(mailbox, parameters))
    }

    /// Stores a message of `length` octets (RFC 9051 6.3.12). [`Event::AppendReady`](crate::client::Event::AppendReady)
    /// asks for the octets when the server is ready for them. Without a date the server takes its own.
    ///
    /// # Errors
    /// As [`Client::command`]; also for a flag that a client cannot set, and for a message over the server's
    /// APPENDLIMIT.
    pub fn append(
        &mut self,
        mailbox: Mailbox,
        flags: impl Into<Flags>,
        date: Option<DateTime>,
        length: u64,
    ) -> Result {
        let message = AppendMessage { flags: flags.into(), date, content: AppendContent::Octets(length) };
        self.append_all(mailbox, [message])
    }

    /// Stores several messages, all or none (RFC 3502).
    /// [`Event::AppendReady`](crate::client::Event::AppendReady) comes for each in turn.
    ///
    /// # Errors
    /// As [`append`](Self::append); also when there is no message.
    pub fn append_all(
        &mut self,
        mailbox: Mailbox,
        messages: impl IntoIterator<Item = AppendMessage>,
    ) -> Result {
        let mut messages = messages.into_iter();
        let Some(AppendMessage { flags, date, content }) = messages.next() else {
            return Err(Misuse::Argument { argument: "messages", problem: "are none" });
        };
        let (data, mut more) = content.begin();
        for message in messages {
            if !message.flags.iter().all(|flag| flag.is_settable()) {
                return Err(Misuse::Argument { argument: "flags", problem: "hold one that cannot be set" });
            }
            more.extend(VecDeque::<More>::from(message));
        }
        self.enqueue(Command::Append(AppendHead { mailbox, flags, date_time: date }, data), more)
    }

    /// Puts a message in the place of another, which may be in the selected mailbox only (RFC 8508).
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn replace(
        &mut self,
        addressing: Addressing,
        replaced: SequenceNumber,
        mailbox: Mailbox,
        by: AppendMessage,
    ) -> Result {
        let AppendMessage { flags, date, content } = by;
        let (data, more) = content.begin();
        let head = AppendHead { mailbox, flags, date_time: date };
        let replace = ReplaceCommand { message: replaced, head, data };
        self.enqueue(Command::Replace(addressing, replace), more)
    }

    /// Waits for news without asking (RFC 2177), until [`done`](Client::done). The machine renews it in time.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn idle(&mut self) -> Result {
        self.command(Command::Idle)
    }
}

/// With a mailbox selected.
impl Client {
    /// Expunges and closes the mailbox (RFC 9051 6.4.1).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn close(&mut self) -> Result {
        self.command(Command::Close)
    }

    /// Closes the mailbox (RFC 9051 6.4.2).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn unselect(&mut self) -> Result {
        self.command(Command::Unselect)
    }

    /// Asks for a checkpoint (RFC 3501 6.4.1).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn check(&mut self) -> Result {
        self.command(Command::Check)
    }

    /// Removes the messages that are marked as deleted (RFC 9051 6.4.3).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn expunge(&mut self) -> Result {
        self.command(Command::Expunge)
    }

    /// Removes those of these messages that are marked as deleted (RFC 9051 6.4.9).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn uid_expunge(&mut self, uids: SequenceSet) -> Result {
        self.command(Command::UidExpunge(uids.into()))
    }

    /// Asks for data of messages by number (RFC 9051 6.4.5).
    ///
    /// # Errors
    /// As [`Client::command`]; also when nothing is asked.
    pub fn fetch(&mut self, set: SequenceSet, attributes: Vec<FetchAttribute>) -> Result {
        self.fetch_by(Addressing::Sequence, set, attributes)
    }

    /// Asks for data of messages by UID (RFC 9051 6.4.9).
    ///
    /// # Errors
    /// As [`Client::command`]; also when nothing is asked.
    pub fn uid_fetch(&mut self, uids: SequenceSet, attributes: Vec<FetchAttribute>) -> Result {
        self.fetch_by(Addressing::Uid, uids, attributes)
    }

    /// Changes flags (RFC 9051 6.4.6).
    ///
    /// # Errors
    /// As [`Client::command`]; also for a flag that a client cannot set.
    pub fn store(&mut self, addressing: Addressing, store: StoreCommand) -> Result {
        self.command(Command::Store(addressing, store))
    }

    /// Copies messages (RFC 9051 6.4.7).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn copy(&mut self, addressing: Addressing, set: SequenceSet, mailbox: Mailbox) -> Result {
        self.command(Command::Copy(addressing, CopyCommand { set: set.into(), mailbox }))
    }

    /// Moves messages (RFC 9051 6.4.8).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn move_messages(&mut self, addressing: Addressing, set: SequenceSet, mailbox: Mailbox) -> Result {
        self.command(Command::Move(addressing, CopyCommand { set: set.into(), mailbox }))
    }

    /// Searches the mailbox (RFC 9051 6.4.4). The charset is set where the text needs one. With RETURN a server that
    /// has no ESEARCH is asked without it; [`Event::Fallback`](crate::client::Event::Fallback) tells.
    ///
    /// # Errors
    /// As [`Client::command`]; also when there is no key.
    pub fn search(&mut self, addressing: Addressing, search: SearchCommand) -> Result {
        self.command(Command::Search(addressing, search))
    }

    fn fetch_by(
        &mut self,
        addressing: Addressing,
        set: SequenceSet,
        attributes: Vec<FetchAttribute>,
    ) -> Result {
        let modifiers = FetchModifiers::default();
        self.command(Command::Fetch(addressing, FetchCommand { set: set.into(), attributes, modifiers }))
    }
}
