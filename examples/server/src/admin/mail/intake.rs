//! What comes into a mailbox, without what is in it already.
//!
//! Messages are told apart by their octets and by nothing else: dates and flags change, and a Message-ID is what its
//! sender says. Only messages of the same size are read for that, each once. What is there twice is passed over twice
//! and no more. Messages go in a few at a time: each few are there or not.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{Moved, wait};
use crate::admin::{Admin, Problem};
use crate::directory::Account;
use crate::exchange::Head;
use crate::ingest;
use crate::store::{
    BlobId, InternalDate, KEYWORDS_MAX, Keyword, Keywords, MailboxId, MailboxName, NewMessage, Room, Spool,
    Store, StoreError,
};

/// The way into an account.
pub(super) struct Intake<'a> {
    admin: &'a Admin,
    account: &'a Account,
    room: Room,
    mailbox: Option<Open>,
    moved: Moved,
}

/// The mailbox that messages go to.
struct Open {
    id: MailboxId,
    name: MailboxName,
    /// What is in it and was not yet met, by size.
    known: BTreeMap<u64, Vec<Known>>,
    keywords: BTreeSet<Keyword>,
    keywords_left_out: bool,
    waiting: Vec<NewMessage>,
    waiting_octets: u64,
}

/// A message that is there.
enum Known {
    Unread(BlobId),
    Read(Digested),
}

/// What a message is known by, beside its size.
type Digested = [u8; 32];

impl<'a> Intake<'a> {
    pub(super) fn new(admin: &'a Admin, account: &'a Account, room: Room) -> Self {
        Self { admin, account, room, mailbox: None, moved: Moved::default() }
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.moved.note(note);
    }

    /// Goes on with this mailbox, which is made and subscribed if it is missing.
    pub(super) fn open(&mut self, name: &MailboxName) -> Result<(), Problem> {
        let store = self.admin.store();
        let id = match wait(store.mailbox(self.account.id, name)) {
            Err(StoreError::NoSuchMailbox) => {
                let made = wait(store.create_mailbox(self.account.id, name, None))?;
                wait(store.subscribe(self.account.id, name.as_str()))?;
                made.id
            }
            found => found?.id,
        };
        let snapshot = wait(store.snapshot(id))?;
        let mut known: BTreeMap<u64, Vec<Known>> = BTreeMap::new();
        for message in snapshot.messages {
            known.entry(message.size).or_default().push(Known::Unread(message.blob));
        }
        self.mailbox = Some(Open {
            id,
            name: name.clone(),
            known,
            keywords: snapshot.keywords.into_iter().collect(),
            keywords_left_out: false,
            waiting: Vec::new(),
            waiting_octets: 0,
        });
        Ok(())
    }

    /// Takes a message, unless it is there or too large.
    pub(super) fn take(&mut self, arrival: Arrival, head: Head) -> Result<(), Problem> {
        let Some(open) = &mut self.mailbox else { return Ok(()) };
        let (size, max) = (arrival.size, arrival.max);
        let Some((spool, digest)) = arrival.end()? else {
            self.moved.left_out = self.moved.left_out.saturating_add(1);
            let name = open.name.as_str().escape_debug();
            self.moved.note(format!("{name}: a message of {size} octets was left out: {max} are allowed"));
            return Ok(());
        };
        if open.has(self.admin.store(), size, &digest)? {
            self.moved.there_already = self.moved.there_already.saturating_add(1);
            return Ok(());
        }
        let Head { mut flags, date } = head;
        flags.keywords = open.fitting(&flags.keywords);
        let date = InternalDate { seconds: date.seconds.clamp(DATE_MIN, DATE_MAX), ..date };
        let content = wait(async { ingest::complete(spool.finish().await?).await })?;
        open.waiting_octets = open.waiting_octets.saturating_add(size);
        open.waiting.push(NewMessage { content, flags, date });
        if open.waiting.len() >= WAITING_MAX || open.waiting_octets >= WAITING_OCTETS {
            self.flush()?;
        }
        Ok(())
    }

    /// Ends the mailbox.
    pub(super) fn close(&mut self) -> Result<(), Problem> {
        self.flush()?;
        if let Some(open) = self.mailbox.take() {
            self.moved.mailboxes = self.moved.mailboxes.saturating_add(1);
            if open.keywords_left_out {
                let name = open.name.as_str().escape_debug();
                self.moved.note(format!(
                    "{name}: some keywords were left out: a mailbox can have {KEYWORDS_MAX} different ones"
                ));
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Moved {
        self.moved
    }

    fn flush(&mut self) -> Result<(), Problem> {
        let Some(open) = &mut self.mailbox else { return Ok(()) };
        let waiting = std::mem::take(&mut open.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let octets = std::mem::take(&mut open.waiting_octets);
        let messages = waiting.len() as u64;
        wait(self.admin.store().append(open.id, self.room, waiting)).map_err(|error| {
            let so_far = format!("{error}; {} messages came in before", self.moved.messages);
            let remedy = match error {
                StoreError::OverQuota { .. } => "raise the quota, or ask to go beyond it",
                _ => "see to it",
            };
            let problem = Problem { detail: so_far, ..Problem::from(error) };
            problem.remedy(format!("{remedy}; what came in will not be doubled"))
        })?;
        self.moved.messages = self.moved.messages.saturating_add(messages);
        self.moved.octets = self.moved.octets.saturating_add(octets);
        Ok(())
    }
}

impl Open {
    /// Whether a message is there that was not yet met, which it is then.
    fn has(&mut self, store: &dyn Store, size: u64, digest: &Digested) -> Result<bool, StoreError> {
        let Some(known) = self.known.get_mut(&size) else { return Ok(false) };
        let mut at = 0;
        while let Some(one) = known.get_mut(at) {
            if let Known::Unread(blob) = one {
                *one = match digest_of(store, *blob) {
                    Ok(found) => Known::Read(found),
                    // Expunged and gone meanwhile.
                    Err(StoreError::NoSuchMessage) => {
                        known.swap_remove(at);
                        continue;
                    }
                    Err(error) => return Err(error),
                };
            }
            if matches!(one, Known::Read(found) if found == digest) {
                known.swap_remove(at);
                return Ok(true);
            }
            at = at.saturating_add(1);
        }
        Ok(false)
    }

    /// Those of the keywords that the mailbox has room for.
    fn fitting(&mut self, keywords: &Keywords) -> Keywords {
        let mut fitting = BTreeSet::new();
        for keyword in keywords.iter() {
            let has_room = u32::try_from(self.keywords.len()).is_ok_and(|count| count < KEYWORDS_MAX);
            if has_room || self.keywords.contains(keyword) {
                self.keywords.insert(keyword.clone());
                fitting.insert(keyword.clone());
            } else {
                self.keywords_left_out = true;
            }
        }
        fitting.into()
    }
}

/// A message that is arriving. What is too large is counted and not kept.
pub(super) struct Arrival {
    spool: Option<Spool>,
    /// Short pieces wait here for more.
    buffer: Vec<u8>,
    digest: Sha256,
    size: u64,
    max: u64,
}

impl Arrival {
    pub(super) fn new(admin: &Admin, max: u64) -> Self {
        let spool = Some(admin.store().spool());
        Self { spool, buffer: Vec::new(), digest: Sha256::new(), size: 0, max }
    }

    pub(super) fn write(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        self.size = self.size.saturating_add(octets.len() as u64);
        if self.size > self.max {
            self.spool = None;
            self.buffer = Vec::new();
            return Ok(());
        }
        self.buffer.extend_from_slice(octets);
        if self.buffer.len() >= BUFFER { self.pass_on() } else { Ok(()) }
    }

    fn pass_on(&mut self) -> Result<(), StoreError> {
        let Some(spool) = &mut self.spool else { return Ok(()) };
        self.digest.update(&self.buffer);
        wait(spool.write(&self.buffer))?;
        self.buffer.clear();
        Ok(())
    }

    /// The message, unless it is too large.
    fn end(mut self) -> Result<Option<(Spool, Digested)>, StoreError> {
        self.pass_on()?;
        let digest = self.digest.finalize().into();
        Ok(self.spool.map(|spool| (spool, digest)))
    }
}

fn digest_of(store: &dyn Store, blob: BlobId) -> Result<Digested, StoreError> {
    let mut content = wait(store.content(blob, 0..u64::MAX))?;
    let mut digest = Sha256::new();
    while let Some(chunk) = wait(content.next_chunk())? {
        digest.update(&chunk);
    }
    Ok(digest.finalize().into())
}

/// Messages that go in at once.
const WAITING_MAX: usize = 100;

/// Octets of them, after which they go in.
const WAITING_OCTETS: u64 = 4 << 20;

/// Octets that are passed on together.
const BUFFER: usize = 64 * 1024;

/// The first second of the year 1: a date of IMAP has four digits for the year (RFC 9051 9).
const DATE_MIN: i64 = -62_135_596_800;

/// The last second of the year 9999.
const DATE_MAX: i64 = 253_402_300_799;
