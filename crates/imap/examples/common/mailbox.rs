//! One mailbox in memory that all sessions share. Whatever happens to it is written down, and each session reads on
//! from where it was to bring its own view up to date.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use posthaste_imap::Bytes;
use posthaste_imap::message::{self, StructureForm, Summary};
use posthaste_imap::search::{self, BodySearch, Facts, Needle};
use posthaste_imap::types::{
    Date, DateTime, FetchAttribute, FetchItem, Flag, Flags, Partial, Payload, Section, SectionText,
    StoreAction,
};

/// A message. It never changes but for its flags, and then it is another value: a session may go on with the old one.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) uid: NonZeroU32,
    pub(crate) flags: Flags,
    pub(crate) received: DateTime,
    pub(crate) content: Bytes,
    /// Read once, when the message comes in.
    pub(crate) summary: Arc<Summary>,
}

impl Message {
    /// What FETCH says of it.
    pub(crate) fn item(&self, attribute: &FetchAttribute) -> Option<FetchItem> {
        let summary = &self.summary;
        let section = |payload, section: &Section, partial: Option<Partial>| {
            // Nothing is copied but a choice of fields.
            let data = summary.section(section, &self.content).map(|data| match data {
                Cow::Borrowed(octets) => self.content.slice_ref(octets),
                Cow::Owned(octets) => Bytes::from(octets),
            });
            let data = data.map(|data| match partial {
                Some(Partial { offset, count }) => {
                    data.slice_ref(message::partial(&data, offset.into(), count.get().into()))
                }
                None => data,
            });
            FetchItem::Payload { payload, data }
        };
        Some(match attribute {
            FetchAttribute::Uid => FetchItem::Uid(self.uid),
            FetchAttribute::Flags => FetchItem::Flags(self.flags.clone()),
            FetchAttribute::InternalDate => FetchItem::InternalDate(self.received),
            FetchAttribute::Rfc822Size => FetchItem::Rfc822Size(size(&self.content)),
            FetchAttribute::Envelope => FetchItem::Envelope(Box::new(summary.envelope().into())),
            FetchAttribute::Body => FetchItem::Body(Box::new(summary.body_structure(StructureForm::Plain))),
            FetchAttribute::BodyStructure => {
                FetchItem::BodyStructure(Box::new(summary.body_structure(StructureForm::Extended)))
            }
            FetchAttribute::Section { section: wanted, partial, .. } => {
                let origin = partial.map(|partial| partial.offset);
                section(Payload::Section { section: wanted.clone(), origin }, wanted, *partial)
            }
            FetchAttribute::Rfc822 => section(Payload::Rfc822, &Section::whole(), None),
            FetchAttribute::Rfc822Header => {
                section(Payload::Rfc822Header, &Section::new(None, Some(SectionText::Header)).ok()?, None)
            }
            FetchAttribute::Rfc822Text => {
                section(Payload::Rfc822Text, &Section::new(None, Some(SectionText::Text)).ok()?, None)
            }
            // Those of extensions that are not offered.
            _ => return None,
        })
    }
}

/// Whether an item marks the message as seen.
pub(crate) fn reads(attribute: &FetchAttribute) -> bool {
    use FetchAttribute::{Rfc822, Rfc822Text, Section};
    matches!(attribute, Section { peek: false, .. } | Rfc822 | Rfc822Text)
}

/// What happened to the message of this UID.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    Arrived(NonZeroU32),
    Flags(NonZeroU32),
    Expunged(NonZeroU32),
}

pub(crate) struct Mailbox {
    /// In the order of their UIDs.
    pub(crate) messages: Vec<Message>,
    pub(crate) changes: Vec<Change>,
    pub(crate) uid_validity: NonZeroU32,
    pub(crate) uid_next: NonZeroU32,
}

impl Mailbox {
    /// An empty mailbox, which no client has ever seen: nothing survives the process.
    pub(crate) fn new() -> Self {
        let validity = u32::try_from(now()).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        Self { messages: Vec::new(), changes: Vec::new(), uid_validity: validity, uid_next: NonZeroU32::MIN }
    }

    /// Adds a message; `None` when there are no UIDs left.
    pub(crate) fn append(&mut self, content: Bytes, flags: Flags, received: DateTime) -> Option<NonZeroU32> {
        let uid = self.uid_next;
        self.uid_next = uid.checked_add(1)?;
        let summary = Arc::new(Summary::scan(&content));
        self.messages.push(Message { uid, flags, received, content, summary });
        self.changes.push(Change::Arrived(uid));
        Some(uid)
    }

    pub(crate) fn find(&self, uid: u32) -> Option<&Message> {
        let at = self.messages.binary_search_by_key(&uid, |message| message.uid.get()).ok()?;
        self.messages.get(at)
    }

    pub(crate) fn store(&mut self, uid: u32, action: StoreAction, flags: &Flags) {
        let Ok(at) = self.messages.binary_search_by_key(&uid, |message| message.uid.get()) else { return };
        let Some(message) = self.messages.get_mut(at) else { return };
        match action {
            StoreAction::Replace => message.flags = flags.clone(),
            StoreAction::Add => flags.iter().for_each(|flag| message.flags.insert(&flag)),
            StoreAction::Remove => flags.iter().for_each(|flag| message.flags.remove(&flag)),
        }
        self.changes.push(Change::Flags(message.uid));
    }

    /// Takes away the messages that are marked as deleted and that `chosen` says yes to.
    pub(crate) fn expunge(&mut self, chosen: impl Fn(u32) -> bool) {
        let goes = |message: &Message| message.flags.contains(&Flag::Deleted) && chosen(message.uid.get());
        let gone = self.messages.iter().filter(|message| goes(message));
        self.changes.extend(gone.map(|message| Change::Expunged(message.uid)));
        self.messages.retain(|message| !goes(message));
    }
}

/// A message as SEARCH looks at it, with the number it has in one session.
pub(crate) struct Candidate<'a> {
    pub(crate) seq: u32,
    pub(crate) message: &'a Message,
}

impl Facts for Candidate<'_> {
    fn seq(&self) -> u32 {
        self.seq
    }

    fn uid(&self) -> u32 {
        self.message.uid.get()
    }

    fn has_flag(&self, flag: &Flag) -> bool {
        self.message.flags.contains(flag)
    }

    fn internal_date(&self) -> Option<Date> {
        Some(self.message.received.date())
    }

    fn size(&self) -> u64 {
        size(&self.message.content)
    }

    fn sent_date(&self) -> Option<Option<Date>> {
        let sent = self.message.summary.envelope().sent();
        Some(sent.and_then(|sent| Date::from_unix_days(sent.local_day()).ok()))
    }

    fn field_contains(&self, name: &str, needle: &Needle) -> Option<bool> {
        let header = self.message.summary.root().header.of(&self.message.content);
        Some(search::field_contains(header, name, needle))
    }

    fn body_contains(&self, needle: &Needle) -> Option<bool> {
        Some(BodySearch::run(&self.message.summary, &self.message.content, needle))
    }
}

pub(crate) fn size(content: &[u8]) -> u64 {
    u64::try_from(content.len()).unwrap_or(u64::MAX)
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
