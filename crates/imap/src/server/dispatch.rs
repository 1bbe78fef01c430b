//! What becomes of a well-formed command: answered here, or a question to the application.
//!
//! One arm for each command. CAPABILITY, ID, ENABLE and LOGOUT need no application.

use alloc::vec::Vec;

use super::{
    Access, Close, Copy, Delete, Event, Expunge, Fetch, Idle, Lsub, Move, Namespace, Noop, Poll, Rename,
    Search, Select, Server, StatusOf, Store, Subscribe, Unselect, Unsubscribe,
};
use crate::error::Violation;
use crate::session::Transition;
use crate::types::{
    AString, Addressing, Command, Condition, CopyCommand, FetchAttribute, FetchCommand, IdParameters,
    ListStyle, MessageSet, Response, Tag,
};

impl Server {
    pub(super) fn dispatch(&mut self, tag: Tag, command: Command) -> Poll {
        if !is_offered(&command) {
            return self.not_offered(&tag);
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
            Command::Enable(_) => {
                // Nothing that changes by ENABLE is offered: an unknown name is no error (RFC 5161 3.1).
                self.send(&Response::Enabled(Vec::new()));
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
            Command::Append(..) => {
                // The framer hands literals over before the line ends: such a command cannot come whole.
                self.bad(Some(&tag), None, "Syntax error");
                return Poll::Again;
            }
            Command::Login(login) => Event::Login(self.ask(tag, login)),
            Command::Noop | Command::Check => Event::Noop(self.ask(tag, Noop)),
            Command::Namespace => Event::Namespace(self.ask(tag, Namespace)),
            Command::List(list) => Event::List(self.ask(tag, list)),
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
            Command::Close => Event::Close(self.ask(tag, Close)),
            Command::Unselect => Event::Unselect(self.ask(tag, Unselect)),
            Command::Expunge => Event::Expunge(self.ask(tag, Expunge { uids: None })),
            Command::UidExpunge(MessageSet::Numbers(uids)) => {
                Event::Expunge(self.ask(tag, Expunge { uids: Some(uids) }))
            }
            Command::Fetch(
                addressing,
                FetchCommand { set: MessageSet::Numbers(set), attributes, modifiers: _ },
            ) => {
                self.forbid_expunge(addressing);
                Event::Fetch(self.ask(tag, Fetch { addressing, set, attributes }))
            }
            Command::Store(addressing, command) => {
                self.forbid_expunge(addressing);
                Event::Store(self.ask(tag, Store { addressing, command }))
            }
            Command::Search(addressing, command) => {
                self.forbid_expunge(addressing);
                Event::Search(self.ask(tag, Search { addressing, command }))
            }
            Command::Copy(addressing, CopyCommand { set: MessageSet::Numbers(set), mailbox }) => {
                Event::Copy(self.ask(tag, Copy { addressing, set, mailbox }))
            }
            Command::Move(addressing, CopyCommand { set: MessageSet::Numbers(set), mailbox }) => {
                Event::Move(self.ask(tag, Move { addressing, set, mailbox }))
            }
            Command::Idle => Event::Idle(self.ask(tag, Idle)),
            _ => return self.not_offered(&tag),
        };
        Poll::Event(event)
    }

    fn not_offered(&mut self, tag: &Tag) -> Poll {
        self.bad(Some(tag), None, "An extension that is not offered");
        self.violation(Violation::NotOffered)
    }

    /// Whatever becomes of the attempt, the mailbox that was selected no longer is (RFC 9051 6.3.2).
    fn select_anew(&mut self, tag: Tag, select: Select) -> Event {
        self.select(Transition::Deselected);
        Event::Select(self.ask(tag, select))
    }

    fn forbid_expunge(&mut self, addressing: Addressing) {
        self.expunge_forbidden = addressing == Addressing::Sequence;
    }
}

/// Whether the command keeps to what is announced. The parser knows more: a proxy has to.
fn is_offered(command: &Command) -> bool {
    match command {
        // CONDSTORE (RFC 7162).
        Command::Select(_, parameters) | Command::Examine(_, parameters) => parameters.is_empty(),
        // LIST-EXTENDED (RFC 5258).
        Command::List(list) => list.style == ListStyle::Basic,
        // CREATE-SPECIAL-USE (RFC 6154 3).
        Command::Create(create) => create.special_use.is_empty(),
        // BINARY (RFC 3516) and CONDSTORE.
        Command::Fetch(_, fetch) => {
            let offered = fetch.attributes.iter().all(|attribute| {
                matches!(
                    attribute,
                    FetchAttribute::Flags
                        | FetchAttribute::Uid
                        | FetchAttribute::InternalDate
                        | FetchAttribute::Rfc822Size
                        | FetchAttribute::Envelope
                        | FetchAttribute::Body
                        | FetchAttribute::BodyStructure
                        | FetchAttribute::Section { .. }
                        | FetchAttribute::Rfc822
                        | FetchAttribute::Rfc822Header
                        | FetchAttribute::Rfc822Text
                )
            });
            offered && fetch.modifiers.is_empty() && fetch.set != MessageSet::Saved
        }
        // CONDSTORE and SEARCHRES (RFC 5182).
        Command::Store(_, store) => store.unchanged_since.is_none() && store.set != MessageSet::Saved,
        // ESEARCH (RFC 4731).
        Command::Search(_, search) => search.returns.is_none(),
        _ => true,
    }
}
