//! The tag and the name of a command, and what the name needs, found without the grammar.
//!
//! Enough to refuse a command that is unknown or out of order before its literals are let in.

use alloc::string::String;
use bytes::Bytes;

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

/// What the rules depend on, for every command that is offered.
pub(super) fn group(name: &str) -> Option<Group> {
    COMMANDS.iter().find(|(command, _)| name.eq_ignore_ascii_case(command)).map(|(_, group)| *group)
}

const COMMANDS: [(&str, Group); 36] = [
    ("CAPABILITY", Group::Any),
    ("NOOP", Group::Any),
    ("LOGOUT", Group::Any),
    ("ID", Group::Any),
    ("STARTTLS", Group::NotAuthenticated),
    ("LOGIN", Group::NotAuthenticated),
    ("AUTHENTICATE", Group::NotAuthenticated),
    ("ENABLE", Group::Authenticated),
    ("NAMESPACE", Group::Authenticated),
    ("LIST", Group::Authenticated),
    ("LSUB", Group::Authenticated),
    ("SUBSCRIBE", Group::Authenticated),
    ("UNSUBSCRIBE", Group::Authenticated),
    ("CREATE", Group::Authenticated),
    ("DELETE", Group::Authenticated),
    ("RENAME", Group::Authenticated),
    ("STATUS", Group::Authenticated),
    ("SELECT", Group::Authenticated),
    ("EXAMINE", Group::Authenticated),
    ("APPEND", Group::Authenticated),
    ("IDLE", Group::Authenticated),
    ("CHECK", Group::Selected),
    ("CLOSE", Group::Selected),
    ("UNSELECT", Group::Selected),
    ("EXPUNGE", Group::Selected),
    ("FETCH", Group::Selected),
    ("STORE", Group::Selected),
    ("COPY", Group::Selected),
    ("MOVE", Group::Selected),
    ("SEARCH", Group::Selected),
    ("UID EXPUNGE", Group::Selected),
    ("UID FETCH", Group::Selected),
    ("UID STORE", Group::Selected),
    ("UID COPY", Group::Selected),
    ("UID MOVE", Group::Selected),
    ("UID SEARCH", Group::Selected),
];

/// The longest word that is compared with the names of commands, in octets.
const NAME_MAX: usize = 16;
