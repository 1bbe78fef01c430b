//! What becomes of a well-formed command: answered here, or a question to the application.
//!
//! One arm for each command, behind the `gate`. CAPABILITY, ID, ENABLE and LOGOUT need no application.

use super::extensions::Switch;
use super::gate::Closed;
use super::{
    Access, Asked, Close, Copy, Delete, DeleteAcl, Event, Expunge, Fetch, GetAcl, GetMetadataOf, GetQuota,
    GetQuotaRoot, Idle, ListRightsOf, Lsub, Move, MultiSearch, MyRights, Namespace, Noop, Poll, Refusal,
    Rename, Search, Select, Server, SetAcl, SetMetadata, SetQuota, Sort, StatusOf, Store, Subscribe, Thread,
    UidBatchesOf, Unselect, Unsubscribe,
};
use crate::charset::Charset;
use crate::error::Violation;
use crate::session::{State, Transition};
use crate::types::{
    AString, Addressing, Command, Condition, CopyCommand, EsearchCommand, FetchCommand, IdParameters,
    ListStyle, Response, ResponseCode, SearchKey, SearchReturn, Tag, UidBatchesCommand,
};

impl Server {
    pub(super) fn dispatch(&mut self, tag: Tag, command: Command) -> Poll {
        if let Err(closed) = self.gate(&command) {
            return self.refuse_at_gate(&tag, closed);
        }
        self.enable_by(&command);
        if let Some(refusal) = self.barred(&command).or_else(|| unreadable(&command)) {
            self.complete_no(&tag, refusal);
            return Poll::Again;
        }
        let event = match command {
            Command::Capability => {
                self.send(&Response::Capability(self.capabilities()));
                return self.done(&tag, "CAPABILITY completed");
            }
            Command::Id(parameters) => {
                let own = [("name", "Posthaste")]
                    .map(|(name, value)| (AString::replacing_nul(name), Some(AString::replacing_nul(value))));
                self.send(&Response::Id(IdParameters::new(own.into()).unwrap_or_default()));
                self.events.push_back(Event::Id(parameters));
                return self.done(&tag, "ID completed");
            }
            Command::Enable(asked) => {
                let on = self.enable(&asked);
                self.send(&Response::Enabled(on.clone()));
                if !on.is_empty() {
                    self.events.push_back(Event::Enabled(on));
                }
                return self.done(&tag, "ENABLE completed");
            }
            Command::Logout => {
                self.untagged(Condition::Bye, None, "Logging out");
                self.complete_ok(&tag, None, "LOGOUT completed");
                self.events.push_back(Event::Logout);
                self.close();
                return Poll::Again;
            }
            Command::StartTls => return self.start_tls(tag),
            Command::Authenticate(authenticate) => return self.authenticate(tag, authenticate),
            Command::CompressDeflate => return self.compress(tag),
            Command::Notify(command) => return self.notify(tag, command),
            Command::UidBatches(command) => return self.uid_batches(tag, command),
            Command::Unauthenticate => return self.unauthenticate(tag),
            // The framer hands literals over before the line ends: what comes whole has none, and is CATENATE of URLs.
            Command::Append(..) | Command::Replace(..) => {
                return self.refuse_at_gate(&tag, Closed::NotOffered);
            }
            Command::Login(login) => Event::Login(self.ask(tag, login)),
            Command::Noop | Command::Check => Event::Noop(self.ask(tag, Noop)),
            Command::Namespace => Event::Namespace(self.ask(tag, Namespace)),
            Command::List(list) => {
                self.extended_list |= list.style == ListStyle::Extended;
                Event::List(self.ask(tag, list))
            }
            Command::Lsub { reference, pattern } => Event::Lsub(self.ask(tag, Lsub { reference, pattern })),
            Command::Subscribe(mailbox) => Event::Subscribe(self.ask(tag, Subscribe { mailbox })),
            Command::Unsubscribe(mailbox) => Event::Unsubscribe(self.ask(tag, Unsubscribe { mailbox })),
            Command::Create(create) => Event::Create(self.ask(tag, create)),
            Command::Delete(mailbox) => Event::Delete(self.ask(tag, Delete { mailbox })),
            Command::Rename { from, to } => Event::Rename(self.ask(tag, Rename { from, to })),
            Command::Status(mailbox, attributes) => {
                Event::Status(self.ask(tag, StatusOf { mailbox, attributes }))
            }
            Command::Select(mailbox, parameters) => {
                self.select_anew(tag, Select { mailbox, access: Access::ReadWrite, parameters })
            }
            Command::Examine(mailbox, parameters) => {
                self.select_anew(tag, Select { mailbox, access: Access::ReadOnly, parameters })
            }
            Command::Close | Command::Unselect => self.leave(tag, &command),
            Command::Expunge => Event::Expunge(self.ask(tag, Expunge { uids: None })),
            Command::UidExpunge(uids) => Event::Expunge(self.ask(tag, Expunge { uids: Some(uids) })),
            Command::Fetch(addressing, FetchCommand { set, attributes, modifiers }) => {
                self.forbid_expunge(addressing);
                Event::Fetch(self.ask(tag, Fetch { addressing, set, attributes, modifiers }))
            }
            Command::Store(addressing, command) => {
                self.forbid_expunge(addressing);
                Event::Store(self.ask(tag, Store { addressing, command }))
            }
            Command::Search(addressing, command) => {
                self.forbid_expunge_within(addressing, &command.keys);
                Event::Search(self.ask(tag, Search { addressing, command }))
            }
            Command::Sort(addressing, command) => {
                self.forbid_expunge_within(addressing, &command.keys);
                Event::Sort(self.ask(tag, Sort { addressing, command }))
            }
            Command::Thread(addressing, command) => {
                self.forbid_expunge_within(addressing, &command.keys);
                Event::Thread(self.ask(tag, Thread { addressing, command }))
            }
            Command::Esearch(command) => Event::MultiSearch(self.ask(tag, MultiSearch { command })),
            Command::Copy(addressing, CopyCommand { set, mailbox }) => {
                Event::Copy(self.ask(tag, Copy { addressing, set, mailbox }))
            }
            Command::Move(addressing, CopyCommand { set, mailbox }) => {
                Event::Move(self.ask(tag, Move { addressing, set, mailbox }))
            }
            Command::Idle => {
                // Not `ask`: what is held back follows the `+`.
                let ticket = self.issue();
                Event::Idle(Asked { request: Idle, tag, ticket })
            }
            Command::GetQuota(root) => Event::GetQuota(self.ask(tag, GetQuota { root })),
            Command::GetQuotaRoot(mailbox) => Event::GetQuotaRoot(self.ask(tag, GetQuotaRoot { mailbox })),
            Command::SetQuota { root, limits } => Event::SetQuota(self.ask(tag, SetQuota { root, limits })),
            Command::GetAcl(mailbox) => Event::GetAcl(self.ask(tag, GetAcl { mailbox })),
            Command::SetAcl { mailbox, identifier, change } => {
                Event::SetAcl(self.ask(tag, SetAcl { mailbox, identifier, change }))
            }
            Command::DeleteAcl { mailbox, identifier } => {
                Event::DeleteAcl(self.ask(tag, DeleteAcl { mailbox, identifier }))
            }
            Command::ListRights { mailbox, identifier } => {
                Event::ListRights(self.ask(tag, ListRightsOf { mailbox, identifier }))
            }
            Command::MyRights(mailbox) => Event::MyRights(self.ask(tag, MyRights { mailbox })),
            Command::GetMetadata(command) => Event::GetMetadata(self.ask(tag, GetMetadataOf { command })),
            Command::SetMetadata { mailbox, entries } => {
                Event::SetMetadata(self.ask(tag, SetMetadata { mailbox, entries }))
            }
            _ => return self.refuse_at_gate(&tag, Closed::NotOffered),
        };
        Poll::Event(event)
    }

    fn refuse_at_gate(&mut self, tag: &Tag, closed: Closed) -> Poll {
        let (code, text, violation) = match closed {
            Closed::NotOffered => (None, "An extension that is not offered", Violation::NotOffered),
            Closed::NotEnabled => (None, "An extension that has to be enabled before", Violation::NotEnabled),
            Closed::UidRequired => {
                let code = Some(ResponseCode::UidRequired);
                (code, "Message numbers are not in use", Violation::UidRequired)
            }
            Closed::Contradiction => {
                let code = Some(ResponseCode::ClientBug);
                (code, "Arguments that contradict each other", Violation::Contradiction)
            }
            Closed::MailboxName => return self.refuse_name(tag),
        };
        self.bad(Some(tag), code, text);
        self.violation(violation)
    }

    fn refuse_name(&mut self, tag: &Tag) -> Poll {
        self.complete_no(tag, Refusal::new("No such name can be").with_code(ResponseCode::Cannot));
        self.violation(Violation::MailboxName)
    }

    /// Whatever becomes of the attempt, the mailbox that was selected no longer is (RFC 9051 6.3.2). The client is told
    /// where the line is between the one and the other (RFC 7162 3.2.11).
    fn select_anew(&mut self, tag: Tag, select: Select) -> Event {
        let extensions = &self.config.extensions;
        let tells = extensions.has(Switch::QResync) || extensions.has(Switch::Imap4Rev2);
        if self.state == State::Selected && tells {
            self.untagged(Condition::Ok, Some(ResponseCode::Closed), "Previous mailbox is closed");
        }
        self.select(Transition::Deselected);
        Event::Select(self.ask(tag, select))
    }

    /// CLOSE and UNSELECT tell of no expunge (RFC 9051 6.4.1); where nothing can be changed they are the same.
    fn leave(&mut self, tag: Tag, command: &Command) -> Event {
        self.expunge_forbidden = true;
        if *command == Command::Close && !self.is_read_only() {
            Event::Close(self.ask(tag, Close))
        } else {
            Event::Unselect(self.ask(tag, Unselect))
        }
    }

    fn forbid_expunge(&mut self, addressing: Addressing) {
        self.expunge_forbidden = addressing == Addressing::Sequence;
    }

    /// A UID command uses numbers all the same where its keys hold them (RFC 9051 5.5, 7.5.1).
    fn forbid_expunge_within(&mut self, addressing: Addressing, keys: &[SearchKey]) {
        let is_number = |key: &SearchKey| matches!(key, SearchKey::Sequence(_));
        self.forbid_expunge(addressing);
        self.expunge_forbidden |= keys.iter().any(|key| key.any(is_number));
    }

    /// What RFC 10022 3 lets no server take is refused here.
    fn uid_batches(&mut self, tag: Tag, command: UidBatchesCommand) -> Poll {
        if command.batches.is_some_and(|(first, last)| first > last) {
            return self.refuse_at_gate(&tag, Closed::Contradiction);
        }
        if command.size.get() < self.config.limits.uid_batch_min {
            self.complete_no(&tag, Refusal::new("Batches are too small").with_code(ResponseCode::TooFew));
            return Poll::Again;
        }
        Poll::Event(Event::UidBatches(self.ask(tag, UidBatchesOf { command })))
    }
}

/// Why a search in a charset that is not known is refused. One with SAVE is left to the application, whose saved result
/// is empty once that has failed (RFC 9051 6.4.4.3, RFC 5182 2.1).
fn unreadable(command: &Command) -> Option<Refusal> {
    let (charset, returns) = match command {
        Command::Search(_, search) | Command::Esearch(EsearchCommand { search, .. }) => {
            (search.charset.as_ref()?, &search.returns)
        }
        Command::Sort(_, sort) => (&sort.charset, &sort.returns),
        Command::Thread(_, thread) => (&thread.charset, &None),
        _ => return None,
    };
    let saves = returns.as_ref().is_some_and(|returns| returns.contains(&SearchReturn::Save));
    let known = Charset::for_strings(charset.as_bytes()).is_some();
    (!known && !saves).then(Refusal::bad_charset)
}
