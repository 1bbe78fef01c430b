//! Names of mailboxes and names of files. Files have the name in modified UTF-7, a dot between the levels, as
//! Maildir++ has it; what would not come back from that comes back from the index.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use posthaste_imap::types::{decode_modified_utf7, encode_modified_utf7};
use serde::{Deserialize, Serialize};

use super::{Format, INDEX, create, read_small, reading, writing};
use crate::store::{MailboxName, SEPARATOR, StoreError};

/// Which file is which mailbox.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Index {
    /// Names of files, and the mailboxes they are.
    mailboxes: BTreeMap<String, String>,
    /// The names of files in small letters: some file systems do not tell them apart.
    #[serde(skip)]
    taken: BTreeSet<String>,
}

impl Index {
    /// The index of a directory; empty where there is none.
    pub(super) fn read(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(INDEX);
        let Some(octets) = read_small(&path, INDEX_MAX)? else { return Ok(Self::default()) };
        serde_json::from_slice(&octets).map_err(|error| reading(&path, &std::io::Error::other(error)))
    }

    pub(super) fn write(&self, directory: &Path) -> Result<(), StoreError> {
        let path = directory.join(INDEX);
        let file = create(&path)?;
        serde_json::to_writer_pretty(&file, self)
            .map_err(std::io::Error::other)
            .and_then(|()| file.sync_all())
            .map_err(|error| writing(&path, &error))
    }

    /// The mailbox that a file is, if it is known.
    pub(super) fn mailbox(&self, file: &str) -> Option<&str> {
        self.mailboxes.get(file).map(String::as_str)
    }

    /// Adds a mailbox; the file it is to have, which no other has. INBOX of a Maildir is the directory itself.
    pub(super) fn add(&mut self, name: &MailboxName, format: Format) -> String {
        let (before, after) = match format {
            Format::Maildir if name.is_inbox() => return String::new(),
            Format::Maildir => (".", ""),
            Format::Mbox => ("", MBOX),
        };
        let plain = file_name(name);
        let mut file = format!("{before}{plain}{after}");
        let mut count: u32 = 1;
        while !self.taken.insert(file.to_lowercase()) {
            count = count.saturating_add(1);
            file = format!("{before}{plain}-{count}{after}");
        }
        self.mailboxes.insert(file.clone(), name.to_string());
        file
    }
}

/// What a file that another program has written is called as a mailbox.
pub(super) fn mailbox_name(file: &str) -> String {
    let level = |part: &str| decode_modified_utf7(part.as_bytes()).unwrap_or_else(|| part.to_owned());
    file.split('.').map(level).collect::<Vec<_>>().join("/")
}

fn file_name(name: &MailboxName) -> String {
    let level = |part: &str| -> String {
        let safe = |c: char| if "./\\:<>|\"?*~".contains(c) { '_' } else { c };
        encode_modified_utf7(part).chars().map(safe).collect()
    };
    let whole = name.as_str().split(SEPARATOR).map(level).collect::<Vec<_>>().join(".");
    whole.chars().take(FILE_NAME_MAX).collect()
}

/// How a file of the format mbox ends.
pub(super) const MBOX: &str = ".mbox";

/// Octets of an index that are read: more than any number of mailboxes that an account may have needs.
const INDEX_MAX: u64 = 32 << 20;

/// Octets that a name makes of a file's name; file systems have 255.
const FILE_NAME_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u22_every_mailbox_has_a_file_of_its_own_and_none_leaves_the_directory() {
        let mut index = Index::default();
        let long = "\u{53f0}".repeat(80);
        let names = ["INBOX", "a.b", "a/b", "..", "A_B", "Entw\u{fc}rfe", "x/../../y", "a\\b:c", &long];
        let mut files = BTreeSet::new();
        for format in [Format::Maildir, Format::Mbox] {
            for name in names {
                let file = index.add(&MailboxName::new(name).unwrap(), format);
                assert!(!file.contains('/') && file.len() < 255 && !["..", "."].contains(&file.as_str()));
                assert!(files.insert(file.to_lowercase()), "{file}");
                assert_eq!(index.mailbox(&file).unwrap_or("INBOX"), name);
            }
        }
        assert_eq!(mailbox_name("Entw&APw-rfe.2026"), "Entw\u{fc}rfe/2026");
    }
}
