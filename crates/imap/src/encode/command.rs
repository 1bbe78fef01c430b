//! Commands, as a client writes them (RFC 9051, section 6).

use super::append;
use super::writer::{EncodeContext, Fragment, Writer};
use crate::types::{Command, Tag};
use alloc::vec::Vec;

/// The pieces of `command` with its CRLF.
///
/// APPEND ends behind the header of its literal, see [`append::prefix`]. Flags that are none by the grammar are
/// left out, and what cannot be written at all is replaced as each type's encoder documents.
pub fn command(tag: &Tag, command: &Command, context: EncodeContext) -> Vec<Fragment> {
    if let Command::Append(head, header) = command {
        return append::prefix(tag, head, *header, context);
    }
    Writer::fragments(context, |writer| {
        writer.put(tag.as_bytes());
        writer.octet(b' ');
        writer.text(command.name());
        writer.arguments(command);
        writer.put(b"\r\n");
    })
}

impl Writer<'_> {
    fn arguments(&mut self, command: &Command) {
        match command {
            Command::Capability
            | Command::Noop
            | Command::Logout
            | Command::StartTls
            | Command::Namespace
            | Command::Close
            | Command::Unselect
            | Command::Check
            | Command::Expunge
            | Command::Append(..)
            | Command::Idle => return,
            Command::Enable(capabilities) => return self.capabilities(capabilities),
            _ => self.octet(b' '),
        }
        match command {
            Command::Login(login) => self.login(login),
            Command::Authenticate(authenticate) => self.authenticate(authenticate),
            Command::Id(parameters) => self.id_parameters(parameters),
            Command::List(list) => self.list_command(list),
            Command::Lsub { reference, pattern } => self.lsub(reference, pattern),
            Command::Create(create) => self.create(create),
            Command::Subscribe(mailbox) | Command::Unsubscribe(mailbox) | Command::Delete(mailbox) => {
                self.mailbox(mailbox);
            }
            Command::Rename { from, to } => {
                self.mailbox(from);
                self.octet(b' ');
                self.mailbox(to);
            }
            Command::Status(mailbox, attributes) => {
                self.mailbox(mailbox);
                self.octet(b' ');
                self.status_attributes(attributes);
            }
            Command::Select(mailbox, parameters) | Command::Examine(mailbox, parameters) => {
                self.mailbox(mailbox);
                self.select_parameters(parameters);
            }
            Command::UidExpunge(set) => self.sequence_set(set),
            Command::Fetch(_, set, attributes) => {
                self.sequence_set(set);
                self.octet(b' ');
                self.fetch_attributes(attributes);
            }
            Command::Store(_, store) => self.store(store),
            Command::Copy(_, set, mailbox) | Command::Move(_, set, mailbox) => {
                self.sequence_set(set);
                self.octet(b' ');
                self.mailbox(mailbox);
            }
            Command::Search(_, search) => self.search(search),
            _ => {}
        }
    }
}
