//! Changing flags. Where many messages that lie together get the same, one row for all of them is written (`runs`), so
//! that a change of a hundred thousand messages is a few rows; else the rows of the messages themselves.

use rusqlite::params;

use super::messages::{Picked, Target, keys};
use super::runs::{self, Run};
use super::writer::Txn;
use crate::store::flags::keywords_to_column;
use crate::store::{Flags, Keywords, MailboxId, MessageMeta, StoreError, StoreFlags, StoreMode, Stored};

pub(super) fn store_flags(
    txn: &mut Txn<'_>,
    mailbox: MailboxId,
    change: StoreFlags,
) -> Result<Stored, StoreError> {
    let StoreFlags { uids, mode, flags, unchanged_since, known } = change;
    let before = txn.counters.mailbox(txn.sql, mailbox)?;
    let picked = match known.filter(|known| known.modseq == before.modseq) {
        Some(known) => Picked { metas: known.messages, ranges: known.ranges },
        None => Picked::listed(txn.sql, &before, uids)?,
    };
    let mut target = Target::open(txn, mailbox)?;
    let limit = unchanged_since.unwrap_or(u64::MAX);
    let mut modified = Vec::new();
    let mut changer = Changer::new(mode, &flags);
    let mut found = Runs::new(&picked.ranges);
    let mut metas = picked.metas;
    metas.retain_mut(|meta| {
        if meta.modseq > limit {
            modified.push(meta.uid);
            found.pass();
            return false;
        }
        let Some(after) = changer.change(&meta.flags) else {
            found.pass();
            return false;
        };
        target.counts.remove_flags(&meta.flags, meta.size);
        target.counts.add_flags(&after, meta.size);
        meta.flags = after;
        meta.modseq = target.counts.modseq;
        found.add(meta);
        true
    });
    let runs = found.runs;
    target.changed = metas;
    if !target.changed.is_empty() && mode != StoreMode::Remove {
        let new = if let StoreMode::ReplaceWithin(mask) = mode { flags.within(mask) } else { flags };
        target.register(txn.sql, &new)?;
    }
    if target.changed.len() >= runs.len().saturating_mul(RUN_MESSAGES) {
        runs::write(txn.sql, mailbox, &runs)?;
    } else {
        write_rows(txn, mailbox, &runs)?;
    }
    let (counts, changed) = target.close_with_changed(txn);
    Ok(Stored { changed, modified, modseq: counts.modseq })
}

fn write_rows(txn: &Txn<'_>, mailbox: MailboxId, runs: &[Run]) -> Result<(), StoreError> {
    let mut update = txn.sql.prepare_cached(
        "UPDATE messages SET flags = ?3, keywords = ?4, modseq = ?5 WHERE id BETWEEN ?1 AND ?2",
    )?;
    for Run { first, last, flags, modseq } in runs {
        let (first, last) = keys(mailbox, *first, *last);
        let keywords = keywords_to_column(&flags.keywords);
        update.execute(params![first, last, flags.system.bits(), keywords, modseq])?;
    }
    Ok(())
}

/// Says what flags become. Most messages have one of a few sets of keywords: what becomes of one is found out once for
/// messages in a row that have it, which share the memory afterwards too.
struct Changer<'a> {
    mode: StoreMode,
    flags: &'a Flags,
    system: Flags,
    /// The keywords of the last message, and what they became.
    last: Option<(Keywords, Keywords)>,
}

impl<'a> Changer<'a> {
    fn new(mode: StoreMode, flags: &'a Flags) -> Self {
        Self { mode, flags, system: flags.system.into(), last: None }
    }

    /// `None` where they stay as they are.
    fn change(&mut self, before: &Flags) -> Option<Flags> {
        let keywords = match &self.last {
            Some((keywords, changed)) if *keywords == before.keywords => changed.clone(),
            _ => {
                let mut changed = before.clone();
                changed.change(self.mode, self.flags);
                self.last = Some((before.keywords.clone(), changed.keywords.clone()));
                changed.keywords
            }
        };
        let mut after = Flags::from(before.system);
        after.change(self.mode, &self.system);
        after.keywords = keywords;
        (after != *before).then_some(after)
    }
}

/// Finds the runs of messages that have the same flags afterwards.
struct Runs<'a> {
    /// In which all messages are looked at.
    ranges: &'a [(u32, u32)],
    runs: Vec<Run>,
    /// The next message does not follow the last one.
    apart: bool,
}

impl<'a> Runs<'a> {
    fn new(ranges: &'a [(u32, u32)]) -> Self {
        Self { ranges, runs: Vec::new(), apart: true }
    }

    /// The message has changed. To be called by ascending UID.
    fn add(&mut self, meta: &MessageMeta) {
        while let Some(((_, last), later)) = self.ranges.split_first()
            && *last < meta.uid
        {
            self.ranges = later;
            self.apart = true;
        }
        match self.runs.last_mut() {
            Some(run) if !self.apart && run.flags == meta.flags => run.last = meta.uid,
            _ => self.runs.push(Run {
                first: meta.uid,
                last: meta.uid,
                flags: meta.flags.clone(),
                modseq: meta.modseq,
            }),
        }
        self.apart = false;
    }

    /// A message that was looked at has not changed.
    fn pass(&mut self) {
        self.apart = true;
    }
}

/// Messages that a run stands for, on average, where runs are written.
const RUN_MESSAGES: usize = 2;
