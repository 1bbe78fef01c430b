//! Commands, as a client writes them (RFC 9051, section 6, and the extensions of [`Command`]).

use super::writer::{EncodeContext, Fragment, Writer};
use crate::types::{AppendData, CatenateRun, Command, Mailbox, Tag};
use alloc::vec::Vec;

/// The pieces of `command` with its CRLF.
///
/// APPEND and REPLACE end behind the header of their first literal, see [`append`](super::append). Flags that are
/// none by the grammar are left out, and what cannot be written at all is replaced as each type's encoder documents.
pub fn command(tag: &Tag, command: &Command, context: EncodeContext) -> Vec<Fragment> {
    Writer::fragments_within(room_for_secrets(tag, command), context, |writer| {
        writer.put(tag.as_bytes());
        writer.octet(b' ');
        writer.text(command.name());
        writer.arguments(command);
        if !ends_in_literal(command) {
            writer.put(b"\r\n");
        }
    })
}

/// As many octets as the line of a command that holds a password can have; for all others the memory may grow.
fn room_for_secrets(tag: &Tag, command: &Command) -> usize {
    let Command::Login(login) = command else { return 0 };
    let strings = login.user().as_bytes().len().saturating_add(login.password().len());
    // In quotes each octet may have a backslash in front.
    strings.saturating_mul(2).saturating_add(tag.as_bytes().len()).saturating_add(LOGIN_ROOM)
}

/// The name of the command, the headers of two literals, spaces and the line end, with room to spare.
const LOGIN_ROOM: usize = 128;

fn ends_in_literal(command: &Command) -> bool {
    let data = match command {
        Command::Append(_, data) => data,
        Command::Replace(_, replace) => &replace.data,
        _ => return false,
    };
    !matches!(data, AppendData::Catenate(CatenateRun { text: None, .. }))
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
            | Command::Unauthenticate
            | Command::GetJmapAccess
            | Command::Idle => {}
            Command::Enable(capabilities) => self.capabilities(capabilities),
            Command::Language(strings) | Command::Comparator(strings) => self.spaced_astrings(strings),
            Command::UrlFetch(urls) => self.urls_to_fetch(urls),
            Command::CancelUpdate(tags) => {
                for tag in tags {
                    self.octet(b' ');
                    self.string_of(tag);
                }
            }
            Command::ResetKey(reset) => self.reset_key(reset),
            command => {
                self.octet(b' ');
                self.more_arguments(command);
            }
        }
    }

    fn more_arguments(&mut self, command: &Command) {
        match command {
            Command::Login(login) => self.login(login),
            Command::Authenticate(authenticate) => self.authenticate(authenticate),
            Command::Id(parameters) => self.id_parameters(parameters),
            Command::CompressDeflate => self.text("DEFLATE"),
            Command::List(list) => self.list_command(list),
            Command::Lsub { reference, pattern } | Command::XList { reference, pattern } => {
                self.lsub(reference, pattern);
            }
            Command::Create(create) => self.create(create),
            Command::Subscribe(mailbox)
            | Command::Unsubscribe(mailbox)
            | Command::Delete(mailbox)
            | Command::GetQuotaRoot(mailbox)
            | Command::GetAcl(mailbox)
            | Command::MyRights(mailbox) => self.mailbox(mailbox),
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
            Command::UidExpunge(set) => self.message_set(set),
            Command::Append(head, data) => self.append(head, data),
            Command::Replace(_, replace) => self.replace(replace),
            Command::Fetch(_, fetch) => self.fetch_command(fetch),
            Command::Store(_, store) => self.store(store),
            Command::StoreLabels(_, store) => self.store_labels(store),
            Command::Copy(_, copy) | Command::Move(_, copy) => self.copy(copy),
            Command::Search(_, search) => self.search(search),
            Command::Sort(_, sort) => self.sort(sort),
            Command::Thread(_, thread) => self.thread_command(thread),
            Command::Esearch(esearch) => self.esearch_command(esearch),
            Command::UidBatches(batches) => self.batches_command(batches),
            Command::Notify(notify) => self.notify(notify),
            Command::GetQuota(root) => self.astring(root.as_bytes()),
            Command::SetQuota { root, limits } => {
                self.astring(root.as_bytes());
                self.octet(b' ');
                self.quota_limits(limits);
            }
            Command::SetAcl { mailbox, identifier, change } => {
                self.mailbox_and(mailbox, identifier.as_bytes());
                self.octet(b' ');
                self.rights_change(*change);
            }
            Command::DeleteAcl { mailbox, identifier } | Command::ListRights { mailbox, identifier } => {
                self.mailbox_and(mailbox, identifier.as_bytes());
            }
            Command::GetMetadata(get) => self.get_metadata(get),
            Command::SetMetadata { mailbox, entries } => {
                self.mailbox(mailbox);
                self.octet(b' ');
                self.metadata_entries(entries);
            }
            Command::GenUrlAuth(urls) => self.urls_to_authorise(urls),
            // All others have no arguments and were written above.
            _ => {}
        }
    }

    fn mailbox_and(&mut self, mailbox: &Mailbox, string: &[u8]) {
        self.mailbox(mailbox);
        self.octet(b' ');
        self.astring(string);
    }
}
