//! Annotations of folders and of the server (RFC 5464).

use std::collections::BTreeMap;

use bytes::Bytes;
use posthaste_imap::Misuse;
use posthaste_imap::server::{Asked, GetMetadataOf, Refusal, Server, SetMetadata};
use posthaste_imap::types::{Atom, EntryName, MailboxAttribute, MetadataDepth, MetadataEntry, ResponseCode};

use super::Store;

impl Store {
    /// RFC 6154 5.4: the role of a mailbox is an annotation, too.
    fn assign_role(&mut self, mailbox: &str) {
        let Some(at) = self.find(mailbox) else { return };
        let folder = &mut self.folders[at];
        let is_role = |attribute: &MailboxAttribute| matches!(attribute, MailboxAttribute::SpecialUse(_));
        folder.attributes.retain(|attribute| !is_role(attribute));
        let role = folder.annotations.get(&EntryName::new("/private/specialuse").unwrap());
        let role = role.and_then(|value| Atom::new(value.slice(1..)).ok()).map(MailboxAttribute::named);
        folder.attributes.extend(role.filter(is_role));
    }

    fn annotations(&mut self, mailbox: &str) -> Option<&mut BTreeMap<EntryName, Bytes>> {
        if mailbox.is_empty() {
            return Some(&mut self.annotations);
        }
        let at = self.find(mailbox)?;
        Some(&mut self.folders[at].annotations)
    }

    pub(super) fn get_metadata(
        &mut self,
        server: &mut Server,
        asked: Asked<GetMetadataOf>,
    ) -> Result<(), Misuse> {
        let command = asked.command.clone();
        let Some(annotations) = self.annotations(command.mailbox.as_str()) else {
            return asked.no(server, Refusal::nonexistent());
        };
        let is_wanted =
            |name: &EntryName| command.entries.iter().any(|it| is_within(it, name, command.depth));
        let wanted = annotations.iter().filter(|(name, _)| is_wanted(name));
        let fits = |value: &Bytes| command.max_size.is_none_or(|max| value.len() <= max as usize);
        let (short, long): (Vec<_>, Vec<_>) = wanted.partition(|(_, value)| fits(value));
        let entry = |(name, value): (&EntryName, &Bytes)| MetadataEntry {
            name: name.clone(),
            value: Some(value.clone()),
        };
        let longest = long.iter().map(|(_, value)| value.len() as u64).max();
        let writer = asked.begin();
        writer.values(server, short.into_iter().map(entry).collect())?;
        match longest {
            Some(octets) => writer.ok_without_long(server, octets),
            None => writer.ok(server),
        }
    }

    pub(super) fn set_metadata(
        &mut self,
        server: &mut Server,
        asked: Asked<SetMetadata>,
    ) -> Result<(), Misuse> {
        let max = self.annotations_max;
        let Some(annotations) = self.annotations(asked.mailbox.as_str()) else {
            return asked.no(server, Refusal::nonexistent());
        };
        let mut after = annotations.clone();
        for MetadataEntry { name, value } in asked.entries.clone() {
            match value {
                Some(value) => after.insert(name, value),
                None => after.remove(&name),
            };
        }
        // All are set or none (RFC 5464 4.3).
        if after.len() > max && after.len() > annotations.len() {
            return asked
                .no(server, Refusal::new("No more of them").with_code(ResponseCode::MetadataTooMany));
        }
        *annotations = after;
        let mailbox = asked.mailbox.clone();
        self.assign_role(mailbox.as_str());
        asked.ok(server)
    }
}

/// RFC 5464 4.2.2.
fn is_within(asked: &EntryName, name: &EntryName, depth: MetadataDepth) -> bool {
    if asked == name {
        return true;
    }
    let (asked, name) = (asked.as_str().to_ascii_lowercase(), name.as_str().to_ascii_lowercase());
    let Some(below) = name.strip_prefix(&format!("{asked}/")) else { return false };
    match depth {
        MetadataDepth::Zero => false,
        MetadataDepth::One => !below.contains('/'),
        MetadataDepth::Infinity => true,
    }
}
