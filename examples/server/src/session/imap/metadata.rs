//! Annotations of mailboxes and of the account (RFC 5464): GETMETADATA, SETMETADATA.
//!
//! `/private` entries are the user's own, whosever the mailbox is. `/shared` ones of a mailbox are changed by whoever
//! may write there, those of the server by nobody here.

use posthaste_imap::server::{Asked, GetMetadataOf, Refusal, SetMetadata};
use posthaste_imap::types::{EntryName, Mailbox as ImapMailbox, MetadataDepth, MetadataEntry, ResponseCode};

use super::access::Failure;
use super::{Outcome, Session};
use crate::store::{Annotation, MailboxId};

impl Session {
    /// The mailbox that is annotated, if the user may do with it what is asked for; `None` is the server.
    async fn annotated(&self, mailbox: &ImapMailbox, needs: &str) -> Result<Option<MailboxId>, Failure> {
        if mailbox.as_str().is_empty() {
            return Ok(None);
        }
        Ok(Some(self.reach(mailbox, needs).await?.mailbox.id))
    }

    pub(super) async fn get_metadata(&mut self, asked: Asked<GetMetadataOf>) -> Outcome {
        let annotations = self.annotations(&asked.command.mailbox).await;
        self.sync().await?;
        let annotations = match annotations {
            Ok(annotations) => annotations,
            Err(failure) => return Ok(asked.no(self.connection.machine(), failure.refusal())?),
        };
        let command = asked.command.clone();
        let named = annotations.into_iter().filter_map(|Annotation { entry, value }| {
            let name = EntryName::new(entry).ok()?;
            let wanted = command.entries.iter().any(|asked| is_within(asked, &name, command.depth));
            wanted.then_some((name, value))
        });
        let max = command.max_size.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
        let (short, long): (Vec<_>, Vec<_>) = named.partition(|(_, value)| value.len() <= max);
        let mut entries: Vec<MetadataEntry> =
            short.into_iter().map(|(name, value)| MetadataEntry { name, value: Some(value) }).collect();
        // What was asked for by its own name and is not there is NIL (RFC 5464 4.2).
        let is_told = |name: &EntryName, entries: &[MetadataEntry]| {
            entries.iter().any(|entry| entry.name == *name) || long.iter().any(|(long, _)| long == name)
        };
        if command.depth == MetadataDepth::Zero {
            for name in &command.entries {
                if !is_told(name, &entries) {
                    entries.push(MetadataEntry { name: name.clone(), value: None });
                }
            }
        }
        let longest = long.iter().map(|(_, value)| value.len()).max();
        let writer = asked.begin();
        let server = self.connection.machine();
        writer.values(server, entries)?;
        match longest.and_then(|longest| u64::try_from(longest).ok()) {
            Some(octets) => writer.ok_without_long(server, octets)?,
            None => writer.ok(server)?,
        }
        Ok(())
    }

    async fn annotations(&self, mailbox: &ImapMailbox) -> Result<Vec<Annotation>, Failure> {
        let mailbox = self.annotated(mailbox, "lr").await?;
        Ok(self.context.store.annotations(self.own_id()?, mailbox).await?)
    }

    pub(super) async fn set_metadata(&mut self, asked: Asked<SetMetadata>) -> Outcome {
        let outcome = self.annotate(&asked.mailbox, &asked.entries).await;
        self.sync().await?;
        asked.done(self.connection.machine(), outcome.map_err(Failure::refusal))?;
        Ok(())
    }

    async fn annotate(&self, mailbox: &ImapMailbox, entries: &[MetadataEntry]) -> Result<(), Failure> {
        let folded = |name: &EntryName| name.as_str().to_ascii_lowercase();
        let is_shared = |entry: &MetadataEntry| folded(&entry.name).starts_with("/shared/");
        let is_private = |entry: &MetadataEntry| folded(&entry.name).starts_with("/private/");
        let shares = entries.iter().any(is_shared);
        let target = self.annotated(mailbox, if shares { "lrw" } else { "lr" }).await?;
        if !entries.iter().all(|entry| is_shared(entry) || is_private(entry)) {
            return Err(Refusal::cannot().into());
        }
        if target.is_none() && shares {
            return Err(Refusal::no_permission().into());
        }
        if entries.iter().any(|entry| entry.value.as_ref().is_some_and(|value| value.len() > VALUE_MAX)) {
            let max = u64::try_from(VALUE_MAX).unwrap_or(u64::MAX);
            return Err(Refusal::new("Value too long").with_code(ResponseCode::MetadataMaxSize(max)).into());
        }
        let changes = entries.iter().map(|entry| (folded(&entry.name), entry.value.clone())).collect();
        Ok(self.context.store.annotate(self.own_id()?, target, changes).await?)
    }
}

/// RFC 5464 4.2.2.
fn is_within(asked: &EntryName, name: &EntryName, depth: MetadataDepth) -> bool {
    if asked == name {
        return true;
    }
    let (asked, name) = (asked.as_str().to_ascii_lowercase(), name.as_str().to_ascii_lowercase());
    let Some(below) = name.strip_prefix(&asked).and_then(|rest| rest.strip_prefix('/')) else { return false };
    match depth {
        MetadataDepth::Zero => false,
        MetadataDepth::One => !below.contains('/'),
        MetadataDepth::Infinity => true,
    }
}

/// Octets of one value.
const VALUE_MAX: usize = 64 * 1024;
