//! What comes into a mailbox, without what is in it already.
//!
//! Messages are told apart by size, second of the date and Message-ID; those without Message-ID by their octets. What
//! is there twice is passed over twice and no more. Messages go in a few at a time: each few are there or not.

use std::collections::BTreeMap;
use std::io::Read;

use posthaste_imap::message::Summary;
use sha2::{Digest, Sha256};

use super::{Moved, wait};
use crate::admin::{Admin, Problem};
use crate::directory::Account;
use crate::exchange::Head;
use crate::ingest;
use crate::store::{
    BlobId, InternalDate, MailboxId, MailboxName, MessageMeta, NewMessage, Spool, Spooled, StoreError,
};

/// The way into an account.
pub(super) struct Intake<'a> {
    admin: &'a Admin,
    account: &'a Account,
    mailbox: Option<Open>,
    moved: Moved,
}

/// The mailbox that messages go to.
struct Open {
    id: MailboxId,
    /// What is in it, and how often.
    known: BTreeMap<Identity, u32>,
    waiting: Vec<NewMessage>,
    waiting_octets: u64,
}

/// What a message is known by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    size: u64,
    seconds: i64,
    name: Name,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    MessageId(Vec<u8>),
    Digest([u8; 32]),
}

impl<'a> Intake<'a> {
    pub(super) fn new(admin: &'a Admin, account: &'a Account) -> Self {
        Self { admin, account, mailbox: None, moved: Moved::default() }
    }

    pub(super) fn note(&mut self, note: String) {
        self.moved.notes.push(note);
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
        let mut known = BTreeMap::new();
        for messages in wait(store.snapshot(id))?.messages.chunks(SUMMARIES) {
            self.identify(messages, &mut known)?;
        }
        self.mailbox = Some(Open { id, known, waiting: Vec::new(), waiting_octets: 0 });
        Ok(())
    }

    /// Takes a message, unless it is there.
    pub(super) fn take(&mut self, spool: Spool, head: Head) -> Result<(), Problem> {
        let spooled = wait(async { ingest::complete(spool.finish().await?).await })?;
        let mut content = spooled;
        let identity = Identity {
            size: content.size(),
            seconds: head.date.seconds,
            name: match message_id(content.summary()) {
                Some(id) => Name::MessageId(id),
                None => Name::Digest(digest_of(&mut content)?),
            },
        };
        let Some(open) = &mut self.mailbox else { return Ok(()) };
        if let Some(left) = open.known.get_mut(&identity)
            && *left > 0
        {
            *left = left.saturating_sub(1);
            self.moved.there_already = self.moved.there_already.saturating_add(1);
            return Ok(());
        }
        open.waiting_octets = open.waiting_octets.saturating_add(content.size());
        let Head { flags, date } = head;
        open.waiting.push(NewMessage { content, flags, date });
        if open.waiting.len() >= WAITING_MAX || open.waiting_octets >= WAITING_OCTETS { self.flush() } else { Ok(()) }
    }

    /// Ends the mailbox.
    pub(super) fn close(&mut self) -> Result<(), Problem> {
        self.flush()?;
        self.mailbox = None;
        self.moved.mailboxes = self.moved.mailboxes.saturating_add(1);
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
        let room = self.admin.directory().room(self.account);
        wait(self.admin.store().append(open.id, room, waiting)).map_err(|error| {
            let so_far = format!("{error}; {} messages came in before", self.moved.messages);
            let problem = Problem { detail: so_far, ..Problem::from(error) };
            problem.remedy("do something about it and ask again: what came in is not doubled")
        })?;
        self.moved.messages = self.moved.messages.saturating_add(messages);
        self.moved.octets = self.moved.octets.saturating_add(octets);
        Ok(())
    }

    /// Adds what some messages are known by.
    fn identify(&self, messages: &[MessageMeta], known: &mut BTreeMap<Identity, u32>) -> Result<(), StoreError> {
        let store = self.admin.store();
        let summaries = wait(store.summaries(messages.iter().map(|message| message.blob).collect()))?;
        for (message, summary) in messages.iter().zip(summaries) {
            let name = match message_id(&summary.unwrap_or_default()) {
                Some(id) => Name::MessageId(id),
                None => match self.read(message.blob) {
                    // Expunged and gone meanwhile.
                    Err(StoreError::NoSuchMessage) => continue,
                    name => name?,
                },
            };
            let InternalDate { seconds, .. } = message.date;
            let count = known.entry(Identity { size: message.size, seconds, name }).or_insert(0);
            *count = count.saturating_add(1);
        }
        Ok(())
    }

    /// What a message is known by that is stored without a summary or has no Message-ID.
    fn read(&self, blob: BlobId) -> Result<Name, StoreError> {
        let mut content = wait(self.admin.store().content(blob, 0..u64::MAX))?;
        let mut spool = self.admin.store().spool();
        while let Some(chunk) = wait(content.next_chunk())? {
            wait(spool.write(&chunk))?;
        }
        let mut content = wait(async { ingest::complete(spool.finish().await?).await })?;
        Ok(match message_id(content.summary()) {
            Some(id) => Name::MessageId(id),
            None => Name::Digest(digest_of(&mut content)?),
        })
    }
}

fn message_id(summary: &[u8]) -> Option<Vec<u8>> {
    Summary::from_bytes(summary)?.overview().message_id.clone()
}

fn digest_of(content: &mut Spooled) -> Result<[u8; 32], StoreError> {
    let mut digest = Sha256::new();
    let mut reader = content.reader()?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = reader.read(&mut buffer).map_err(|error| StoreError::io("reading a message", &error))?;
        match buffer.get(..read) {
            Some(octets) if read > 0 => digest.update(octets),
            _ => return Ok(digest.finalize().into()),
        }
    }
}

/// Messages of which the summaries are in memory at once.
const SUMMARIES: usize = 200;

/// Messages that go in at once.
const WAITING_MAX: usize = 100;

/// Octets of them, after which they go in.
const WAITING_OCTETS: u64 = 4 << 20;

/// Octets read at once.
const BUFFER: usize = 64 * 1024;
