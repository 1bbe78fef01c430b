//! What the client has turned on: ENABLE (RFC 5161), and the commands that turn CONDSTORE on (RFC 7162 3.1).

use super::Server;
use super::extensions::Switch;
use crate::types::{
    Capability, Command, Condition, FetchAttribute, ListReturn, ResponseCode, SearchKey, SelectParameter,
    StatusAttribute,
};
use alloc::vec::Vec;

/// What changes the answers once a client has asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Feature {
    /// CONDSTORE: every row with flags has a MODSEQ from now on (RFC 7162 3.1).
    CondStore,
    /// QRESYNC: what is gone is told by VANISHED (RFC 7162 3.2).
    QResync,
    /// UTF8=ACCEPT: names and quoted strings are UTF-8 (RFC 9755).
    Utf8Accept,
    /// IMAP4rev2 (RFC 9051).
    Imap4Rev2,
    /// UIDONLY: messages have no numbers (RFC 9586).
    UidOnly,
    /// METADATA: changes of annotations, of mailboxes and of the server, are told (RFC 5464 4.1).
    Metadata,
    /// METADATA-SERVER: changes of annotations of the server are told.
    MetadataServer,
}

/// The features that are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Enabled(u8);

impl Enabled {
    pub(super) const fn has(self, feature: Feature) -> bool {
        self.0 & feature.bit() != 0
    }

    const fn insert(&mut self, feature: Feature) {
        self.0 |= feature.bit();
    }
}

impl Feature {
    const ALL: [(Self, Switch, Capability); 7] = [
        (Self::CondStore, Switch::CondStore, Capability::CondStore),
        (Self::QResync, Switch::QResync, Capability::QResync),
        (Self::Utf8Accept, Switch::Utf8Accept, Capability::Utf8Accept),
        (Self::Imap4Rev2, Switch::Imap4Rev2, Capability::Imap4Rev2),
        (Self::UidOnly, Switch::UidOnly, Capability::UidOnly),
        (Self::Metadata, Switch::Metadata, Capability::Metadata),
        (Self::MetadataServer, Switch::MetadataServer, Capability::MetadataServer),
    ];

    const fn bit(self) -> u8 {
        match self {
            Self::CondStore => 1,
            Self::QResync => 2,
            Self::Utf8Accept => 4,
            Self::Imap4Rev2 => 8,
            Self::UidOnly => 16,
            Self::Metadata => 32,
            Self::MetadataServer => 64,
        }
    }
}

impl Server {
    /// Whether the client has turned `feature` on.
    pub const fn is_enabled(&self, feature: Feature) -> bool {
        self.enabled.has(feature)
    }

    /// Turns on what is offered; an unknown name is no error (RFC 5161 3.1). What is on now, of what was asked.
    pub(super) fn enable(&mut self, asked: &[Capability]) -> Vec<Capability> {
        let mut on = Vec::new();
        for (feature, switch, capability) in Feature::ALL {
            if asked.contains(&capability) && self.config.extensions.has(switch) {
                if matches!(feature, Feature::CondStore | Feature::QResync) {
                    self.enable_cond_store();
                }
                self.enabled.insert(feature);
                on.push(capability);
            }
        }
        on
    }

    fn enable_cond_store(&mut self) {
        if self.is_enabled(Feature::CondStore) {
            return;
        }
        self.enabled.insert(Feature::CondStore);
        // RFC 7162 3.1: the first such command in a mailbox brings its mod-sequence. An old value is a safe one: the
        // client asks for more than it would have to.
        if let Some(mod_seq) = self.highest_mod_seq.filter(|_| self.state == crate::State::Selected) {
            self.untagged(Condition::Ok, Some(ResponseCode::HighestModSeq(mod_seq)), "Highest");
        }
    }

    /// Turns CONDSTORE on where `command` is one that does (RFC 7162 3.1).
    pub(super) fn enable_by(&mut self, command: &Command) {
        let highest = |attributes: &[StatusAttribute]| attributes.contains(&StatusAttribute::HighestModSeq);
        let does = match command {
            Command::Select(_, parameters) | Command::Examine(_, parameters) => {
                parameters.contains(&SelectParameter::CondStore)
            }
            Command::Status(_, attributes) => highest(attributes),
            Command::List(list) => list
                .returns
                .iter()
                .any(|option| matches!(option, ListReturn::Status(attributes) if highest(attributes))),
            Command::Fetch(_, fetch) => {
                fetch.modifiers.changed_since.is_some() || fetch.attributes.contains(&FetchAttribute::ModSeq)
            }
            Command::Store(_, store) => store.unchanged_since.is_some(),
            Command::Search(_, search) => has_mod_seq(&search.keys),
            Command::Sort(_, sort) => has_mod_seq(&sort.keys),
            Command::Thread(_, thread) => has_mod_seq(&thread.keys),
            Command::Esearch(search) => has_mod_seq(&search.search.keys),
            _ => false,
        };
        if does {
            self.enable_cond_store();
        }
    }
}

/// Whether a search asks for mod-sequences.
pub(super) fn has_mod_seq(keys: &[SearchKey]) -> bool {
    let mut open: Vec<&SearchKey> = keys.iter().collect();
    while let Some(key) = open.pop() {
        match key {
            SearchKey::ModSeq(_) => return true,
            SearchKey::And(keys) => open.extend(keys),
            SearchKey::Not(key) | SearchKey::Fuzzy(key) => open.push(key),
            SearchKey::Or(one, other) => open.extend([&**one, &**other]),
            _ => {}
        }
    }
    false
}
