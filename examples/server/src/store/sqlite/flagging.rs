//! Changing flags: one statement for each run of messages that lie together and get the same keywords, so that a
//! change of a hundred thousand messages is one pass.

use rusqlite::params;

use super::messages::{Picked, Target, keys};
use super::writer::Txn;
use crate::store::flags::keywords_to_column;
use crate::store::{Flags, MailboxId, StoreError, StoreFlags, StoreMode, Stored, SystemFlags};

pub(super) fn store_flags(
    txn: &mut Txn<'_>,
    mailbox: MailboxId,
    change: StoreFlags,
) -> Result<Stored, StoreError> {
    let StoreFlags { uids, mode, flags, unchanged_since } = change;
    let mut target = Target::open(txn, mailbox)?;
    let picked = Picked::listed(txn.sql, &target.counts, uids)?;
    let limit = unchanged_since.unwrap_or(u64::MAX);
    let mut modified = Vec::new();
    let mut writes = Writes::new(mode, flags.system, &picked.runs);
    for mut meta in picked.metas {
        if meta.modseq > limit {
            modified.push(meta.uid);
            continue;
        }
        let before = meta.flags.clone();
        meta.flags.change(mode, &flags);
        if meta.flags == before {
            writes.pass();
            continue;
        }
        target.counts.remove_flags(&before, meta.size);
        target.counts.add_flags(&meta.flags, meta.size);
        meta.modseq = target.counts.modseq;
        writes.add(meta.uid, &before, &meta.flags);
        target.changed.push(meta);
    }
    if !target.changed.is_empty() && mode != StoreMode::Remove {
        let new = if let StoreMode::ReplaceWithin(mask) = mode { flags.within(mask) } else { flags };
        target.register(txn.sql, &new)?;
    }
    writes.run(txn, &target, limit)?;
    let changed = target.changed.clone();
    let modseq = target.close(txn).modseq;
    Ok(Stored { changed, modified, modseq })
}

/// Which rows get what.
struct Writes {
    /// Bits that stay as they are.
    keep: SystemFlags,
    /// Bits that are set.
    set: SystemFlags,
    /// Ranges of UIDs in which every message was asked for.
    runs: Vec<(u32, u32)>,
    /// The range the last message was in.
    at: usize,
    /// Ranges of UIDs, with the range they lie in and what the keywords of all that change become.
    writes: Vec<Write>,
    /// Whether a message that does not change has come after the last one that does.
    passed: bool,
}

struct Write {
    run: usize,
    first: u32,
    last: u32,
    keywords: Keep,
}

/// What becomes of the column of keywords.
#[derive(PartialEq, Eq)]
enum Keep {
    /// It stays.
    AsIs,
    /// It is this.
    Set(String),
}

impl Writes {
    fn new(mode: StoreMode, flags: SystemFlags, runs: &[(u32, u32)]) -> Self {
        let (keep, set) = match mode {
            StoreMode::Add => (SystemFlags::ALL, flags),
            StoreMode::Remove => (SystemFlags::ALL.without(flags), SystemFlags::NONE),
            StoreMode::Replace => (SystemFlags::NONE, flags),
            StoreMode::ReplaceWithin(mask) => {
                (SystemFlags::ALL.without(mask.system), flags.within(mask.system))
            }
        };
        Self { keep, set, runs: runs.to_vec(), at: 0, writes: Vec::new(), passed: false }
    }

    /// The message changes. To be called by ascending UID.
    fn add(&mut self, uid: u32, before: &Flags, after: &Flags) {
        while self.runs.get(self.at).is_some_and(|(_, last)| *last < uid) {
            self.at = self.at.saturating_add(1);
        }
        let keywords = if before.keywords == after.keywords {
            Keep::AsIs
        } else {
            Keep::Set(keywords_to_column(&after.keywords))
        };
        // One that has the flags already is not found by the statement; that it has the keywords is not looked at.
        let passed = std::mem::take(&mut self.passed) && keywords != Keep::AsIs;
        match self.writes.last_mut() {
            Some(write) if write.run == self.at && write.keywords == keywords && !passed => write.last = uid,
            _ => self.writes.push(Write { run: self.at, first: uid, last: uid, keywords }),
        }
    }

    /// A message that was asked for does not change.
    fn pass(&mut self) {
        self.passed = true;
    }

    fn run(&self, txn: &Txn<'_>, target: &Target, limit: u64) -> Result<(), StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        for write in &self.writes {
            let (first, last) = keys(target.counts.id, write.first, write.last);
            let (keep, set, modseq) = (self.keep.bits(), self.set.bits(), target.counts.modseq);
            match &write.keywords {
                Keep::AsIs => txn
                    .sql
                    .prepare_cached(
                        "UPDATE messages SET flags = (flags & ?3) | ?4, modseq = ?5
                         WHERE id BETWEEN ?1 AND ?2 AND modseq <= ?6 AND (flags & ?3) | ?4 <> flags",
                    )?
                    .execute(params![first, last, keep, set, modseq, limit])?,
                Keep::Set(keywords) => txn
                    .sql
                    .prepare_cached(
                        "UPDATE messages SET flags = (flags & ?3) | ?4, modseq = ?5, keywords = ?7
                         WHERE id BETWEEN ?1 AND ?2 AND modseq <= ?6",
                    )?
                    .execute(params![first, last, keep, set, modseq, limit, keywords])?,
            };
        }
        Ok(())
    }
}
