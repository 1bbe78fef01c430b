//! What can be asked of a client at any moment: what the server has told, and which commands are where.
//!
//! Nothing here changes anything.

use crate::client::{Client, CommandId, MailboxState, Peer, Quirks};
use crate::session::State;
use crate::types::{Capability, Repairs, Tag};
use posthaste_wire::Security;

impl Client {
    /// The state of the conversation, as the server has confirmed it.
    pub const fn state(&self) -> State {
        self.state
    }

    /// What protects the connection.
    pub const fn security(&self) -> Security {
        self.security
    }

    /// What the server announced last; empty while it is not known.
    pub fn capabilities(&self) -> &[Capability] {
        self.capabilities.as_deref().unwrap_or_default()
    }

    /// Whether the server announced the capability called `name`, in any case.
    pub fn has_capability(&self, name: &str) -> bool {
        self.capabilities().iter().any(|capability| capability.is(name))
    }

    /// What is enabled: what the server confirmed of what ENABLE asked for (RFC 5161).
    pub fn enabled(&self) -> &[Capability] {
        &self.enabled
    }

    /// Whether the extension called `name` is enabled. QRESYNC brings CONDSTORE along (RFC 7162 3.2.3).
    pub fn is_enabled(&self, name: &str) -> bool {
        let named = |name: &str| self.enabled.iter().any(|capability| capability.is(name));
        named(name) || name.eq_ignore_ascii_case("CONDSTORE") && named("QRESYNC")
    }

    /// Whether ENABLE is still possible: not once a mailbox was selected, or will be by a command that is queued, even
    /// where it was closed again (RFC 5161 3.1, RFC 9051 6.3.1).
    pub fn may_enable(&self) -> bool {
        !self.expects_selected()
    }

    /// The longest message in octets that the server takes in every mailbox (RFC 7889 APPENDLIMIT).
    pub fn append_limit(&self) -> Option<u64> {
        self.capabilities().iter().find_map(|capability| match capability {
            Capability::AppendLimit(limit) => *limit,
            _ => None,
        })
    }

    /// Who the server is known to be, as far as it has told.
    pub const fn peer(&self) -> Peer {
        self.peer
    }

    /// How the server is treated.
    pub const fn quirks(&self) -> &Quirks {
        &self.quirks
    }

    /// How the server's responses have had to be repaired to be understood, all of them together.
    pub const fn repairs(&self) -> Repairs {
        self.repairs.with(self.reader.repairs())
    }

    /// The tag of a command in progress; ESEARCH and UIDBATCHES name it.
    pub fn tag(&self, id: CommandId) -> Option<&Tag> {
        self.running.iter().find(|running| running.id == Some(id)).map(|running| &running.tag)
    }

    /// The SASL mechanisms the server announced.
    pub fn mechanisms(&self) -> impl Iterator<Item = &str> {
        self.capabilities().iter().filter_map(Capability::auth_mechanism)
    }

    /// The selected mailbox.
    pub const fn mailbox(&self) -> Option<&MailboxState> {
        self.mailbox.as_ref()
    }

    /// Commands that were sent, in full or in part, and not answered, in their order.
    pub fn running(&self) -> impl Iterator<Item = CommandId> {
        self.running.iter().filter_map(|running| running.id)
    }

    /// Commands of which nothing was sent, in their order.
    pub fn queued(&self) -> impl Iterator<Item = CommandId> {
        self.queue.iter().filter_map(|queued| queued.id)
    }
}
