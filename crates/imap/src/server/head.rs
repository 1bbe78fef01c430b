//! The tag and the name of a command, and what the name needs, found without the grammar.
//!
//! Enough to refuse a command that is unknown or out of order before its literals are let in.

use alloc::string::String;
use bytes::Bytes;

use super::extensions::Switch;
use crate::session::Group;
use crate::types::Tag;

/// The tag and the name of a command, before its grammar is run.
pub(super) struct Head {
    pub(super) tag: Tag,
    /// In the case it was written; `UID` commands with their second word.
    pub(super) name: String,
}

impl Head {
    /// Looks at the first words only, so that a long command with many literals costs no more here than a short one.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let mut words = line.split(|octet| *octet == b' ');
        let tag = Tag::new(Bytes::copy_from_slice(words.next()?)).ok()?;
        let mut name = word(words.next());
        if name.eq_ignore_ascii_case("UID") {
            name = [name.as_str(), " ", word(words.next()).as_str()].concat();
        }
        Some(Self { tag, name })
    }
}

/// A word of a command's name; what is too long to be one is cut.
fn word(word: Option<&[u8]>) -> String {
    let word = word.unwrap_or_default();
    String::from_utf8_lossy(word.get(..word.len().min(NAME_MAX)).unwrap_or_default()).into_owned()
}

/// What a command needs: a state, and an extension where it belongs to one. `None` for a name nobody knows.
pub(super) fn needs(name: &str) -> Option<(Group, Option<Switch>)> {
    let row = COMMANDS.iter().find(|(command, ..)| name.eq_ignore_ascii_case(command));
    row.map(|(_, group, switch)| (*group, *switch))
}

const COMMANDS: [(&str, Group, Option<Switch>); 57] = [
    ("CAPABILITY", Group::Any, None),
    ("NOOP", Group::Any, None),
    ("LOGOUT", Group::Any, None),
    ("ID", Group::Any, None),
    ("STARTTLS", Group::NotAuthenticated, None),
    ("LOGIN", Group::NotAuthenticated, None),
    ("AUTHENTICATE", Group::NotAuthenticated, None),
    ("ENABLE", Group::Authenticated, None),
    ("NAMESPACE", Group::Authenticated, None),
    ("LIST", Group::Authenticated, None),
    ("LSUB", Group::Authenticated, None),
    ("SUBSCRIBE", Group::Authenticated, None),
    ("UNSUBSCRIBE", Group::Authenticated, None),
    ("CREATE", Group::Authenticated, None),
    ("DELETE", Group::Authenticated, None),
    ("RENAME", Group::Authenticated, None),
    ("STATUS", Group::Authenticated, None),
    ("SELECT", Group::Authenticated, None),
    ("EXAMINE", Group::Authenticated, None),
    ("APPEND", Group::Authenticated, None),
    ("IDLE", Group::Authenticated, None),
    ("COMPRESS", Group::Authenticated, Some(Switch::CompressDeflate)),
    ("UNAUTHENTICATE", Group::Authenticated, Some(Switch::Unauthenticate)),
    ("NOTIFY", Group::Authenticated, Some(Switch::Notify)),
    ("ESEARCH", Group::Authenticated, Some(Switch::MultiSearch)),
    ("GETQUOTA", Group::Authenticated, Some(Switch::Quota)),
    ("GETQUOTAROOT", Group::Authenticated, Some(Switch::Quota)),
    ("SETQUOTA", Group::Authenticated, Some(Switch::QuotaSet)),
    ("GETACL", Group::Authenticated, Some(Switch::Acl)),
    ("SETACL", Group::Authenticated, Some(Switch::Acl)),
    ("DELETEACL", Group::Authenticated, Some(Switch::Acl)),
    ("LISTRIGHTS", Group::Authenticated, Some(Switch::Acl)),
    ("MYRIGHTS", Group::Authenticated, Some(Switch::Acl)),
    ("GETMETADATA", Group::Authenticated, Some(Switch::MetadataServer)),
    ("SETMETADATA", Group::Authenticated, Some(Switch::MetadataServer)),
    ("CHECK", Group::Selected, None),
    ("CLOSE", Group::Selected, None),
    ("UNSELECT", Group::Selected, None),
    ("EXPUNGE", Group::Selected, None),
    ("FETCH", Group::Selected, None),
    ("STORE", Group::Selected, None),
    ("COPY", Group::Selected, None),
    ("MOVE", Group::Selected, None),
    ("SEARCH", Group::Selected, None),
    ("UID EXPUNGE", Group::Selected, None),
    ("UID FETCH", Group::Selected, None),
    ("UID STORE", Group::Selected, None),
    ("UID COPY", Group::Selected, None),
    ("UID MOVE", Group::Selected, None),
    ("UID SEARCH", Group::Selected, None),
    ("SORT", Group::Selected, Some(Switch::Sort)),
    ("UID SORT", Group::Selected, Some(Switch::Sort)),
    ("THREAD", Group::Selected, Some(Switch::Thread)),
    ("UID THREAD", Group::Selected, Some(Switch::Thread)),
    ("REPLACE", Group::Selected, Some(Switch::Replace)),
    ("UID REPLACE", Group::Selected, Some(Switch::Replace)),
    ("UIDBATCHES", Group::Selected, Some(Switch::UidBatches)),
];

/// The longest word that is compared with the names of commands, in octets.
const NAME_MAX: usize = 16;
