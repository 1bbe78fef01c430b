//! The one mailbox, in memory, that all sessions share. Whatever happens to it is written down, and each session reads
//! on from where it was to bring its own view up to date.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use posthaste_imap::message::{self, StructureForm, Summary};
use posthaste_imap::search::{self, BodySearch, Facts, Needle};
use posthaste_imap::types::{
    Date, DateTime, FetchAttribute, FetchItem, Flag, Flags, Partial, Payload, Section, SectionText,
    StoreAction,
};
use tokio::sync::watch;

/// The mailbox, and who is told of its changes.
#[derive(Debug)]
pub(super) struct Shared {
    mailbox: Mutex<Mailbox>,
    news: watch::Sender<u64>,
    log: fn(&str),
}

impl Shared {
    pub(super) fn new(octets_max: u64, log: fn(&str)) -> Self {
        Self { mailbox: Mutex::new(Mailbox::new(octets_max)), news: watch::Sender::new(0), log }
    }

    pub(super) fn log(&self, line: &str) {
        (self.log)(line);
    }

    /// What one session did to the mailbox is complete even if it did not survive it.
    pub(super) fn lock(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many changes there have been; it is marked when there are more.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Adds a message; `None` when there is no room.
    pub(super) fn add(&self, content: Bytes, flags: Flags, received: DateTime) -> Option<NonZeroU32> {
        let uid = self.lock().append(content, flags, received);
        self.tell();
        uid
    }

    pub(super) fn store(&self, uid: u32, action: StoreAction, flags: &Flags) {
        self.lock().store(uid, action, flags);
        self.tell();
    }

    /// Takes away the messages that `goes` says yes to.
    pub(super) fn remove(&self, goes: impl Fn(&Message) -> bool) {
        self.lock().remove(goes);
        self.tell();
    }

    fn tell(&self) {
        let changes = self.lock().changed();
        self.news.send_replace(changes);
    }
}

/// A message. It never changes but for its flags, and then it is another value: a session may go on with the old one.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) uid: NonZeroU32,
    pub(super) flags: Flags,
    pub(super) received: DateTime,
    pub(super) content: Bytes,
    /// Read once, when the message comes in.
    pub(super) summary: Arc<Summary>,
}

impl Message {
    /// What FETCH says of it.
    pub(super) fn item(&self, attribute: &FetchAttribute) -> Option<FetchItem> {
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
pub(super) fn reads(attribute: &FetchAttribute) -> bool {
    use FetchAttribute::{Rfc822, Rfc822Text, Section};
    matches!(attribute, Section { peek: false, .. } | Rfc822 | Rfc822Text)
}

/// What happened to the message of this UID.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Arrived(NonZeroU32),
    Flags(NonZeroU32),
    Expunged(NonZeroU32),
}

#[derive(Debug)]
pub(super) struct Mailbox {
    /// In the order of their UIDs.
    pub(super) messages: Vec<Message>,
    pub(super) uid_validity: NonZeroU32,
    pub(super) uid_next: NonZeroU32,
    /// What happened last.
    changes: VecDeque<Change>,
    /// How many changes there were before those.
    forgotten: u64,
    octets_max: u64,
}

impl Mailbox {
    /// An empty mailbox, which no client has ever seen: nothing survives the process.
    pub(super) fn new(octets_max: u64) -> Self {
        let validity = u32::try_from(now()).unwrap_or_default();
        let validity = validity.saturating_add(MAILBOXES.fetch_add(1, Ordering::Relaxed));
        let uid_validity = NonZeroU32::new(validity).unwrap_or(NonZeroU32::MIN);
        let (messages, changes) = (Vec::new(), VecDeque::new());
        Self { messages, uid_validity, uid_next: NonZeroU32::MIN, changes, forgotten: 0, octets_max }
    }

    /// Adds a message; `None` when there is no room, or there are no UIDs left.
    fn append(&mut self, content: Bytes, flags: Flags, received: DateTime) -> Option<NonZeroU32> {
        let costs = |content: &Bytes| size(content).saturating_add(MESSAGE_COST);
        let held = self.messages.iter().map(|message| costs(&message.content)).fold(0, u64::saturating_add);
        if held.saturating_add(costs(&content)) > self.octets_max {
            return None;
        }
        let uid = self.uid_next;
        self.uid_next = uid.checked_add(1)?;
        let summary = Arc::new(Summary::scan(&content));
        self.messages.push(Message { uid, flags, received, content, summary });
        self.note(Change::Arrived(uid));
        Some(uid)
    }

    pub(super) fn find(&self, uid: u32) -> Option<&Message> {
        let at = self.messages.binary_search_by_key(&uid, |message| message.uid.get()).ok()?;
        self.messages.get(at)
    }

    fn store(&mut self, uid: u32, action: StoreAction, flags: &Flags) {
        let Ok(at) = self.messages.binary_search_by_key(&uid, |message| message.uid.get()) else { return };
        let Some(message) = self.messages.get_mut(at) else { return };
        match action {
            StoreAction::Replace => message.flags = flags.clone(),
            StoreAction::Add => flags.iter().for_each(|flag| message.flags.insert(&flag)),
            StoreAction::Remove => flags.iter().for_each(|flag| message.flags.remove(&flag)),
        }
        let uid = message.uid;
        self.note(Change::Flags(uid));
    }

    fn remove(&mut self, goes: impl Fn(&Message) -> bool) {
        let (gone, stay) = std::mem::take(&mut self.messages).into_iter().partition(goes);
        self.messages = stay;
        gone.iter().for_each(|message: &Message| self.note(Change::Expunged(message.uid)));
    }

    fn note(&mut self, change: Change) {
        if self.changes.len() >= CHANGES_MAX {
            self.changes.pop_front();
            self.forgotten = self.forgotten.saturating_add(1);
        }
        self.changes.push_back(change);
    }

    /// How many changes there have been.
    pub(super) fn changed(&self) -> u64 {
        self.forgotten.saturating_add(u64::try_from(self.changes.len()).unwrap_or(u64::MAX))
    }

    /// The changes behind the first `known`; `None` where some of them are forgotten.
    pub(super) fn changes_since(&self, known: u64) -> Option<impl Iterator<Item = Change> + '_> {
        let skipped = usize::try_from(known.checked_sub(self.forgotten)?).ok()?;
        Some(self.changes.iter().skip(skipped).copied())
    }
}

/// A message as SEARCH looks at it, with the number it has in one session.
pub(super) struct Candidate<'a> {
    pub(super) seq: u32,
    pub(super) message: &'a Message,
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

pub(super) fn size(content: &[u8]) -> u64 {
    u64::try_from(content.len()).unwrap_or(u64::MAX)
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// What a message counts for besides its octets: an empty one takes room as well.
const MESSAGE_COST: u64 = 1024;

/// So many changes are remembered for sessions that are busy. One that is further behind is ended.
const CHANGES_MAX: usize = 100_000;

/// How many mailboxes this process has had: those of one second are not taken for each other.
static MAILBOXES: AtomicU32 = AtomicU32::new(0);
