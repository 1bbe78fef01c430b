//! Runs: messages that lie together and whose flags were changed alike, kept in one row. To flag a whole mailbox writes
//! one row where all its messages have the same flags, and never more than one for each message.
//!
//! The row of a message and the run it lies in both say what its flags are; the one with the higher mod-sequence is
//! right. So a change of one message writes its row, and no run has to be taken apart for it. Runs do not overlap, and
//! each has a message: what a new one covers is taken out of those before it, and one that has become empty goes.

use rusqlite::{Connection, params};

use super::messages::{key, keys, uid_of};
use crate::store::flags::{keywords_from_column, keywords_to_column};
use crate::store::{Flags, MailboxId, MessageMeta, StoreError, SystemFlags};

/// All messages of a mailbox from one UID to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) flags: Flags,
    pub(super) modseq: u64,
}

/// Gives messages the flags of the runs they lie in. They ascend, and lie within the UIDs named.
pub(super) fn lay_over(
    sql: &Connection,
    mailbox: MailboxId,
    (first, last): (u32, u32),
    metas: &mut [MessageMeta],
) -> Result<(), StoreError> {
    let runs = overlapping(sql, mailbox, first, last)?;
    let mut rest = metas;
    for run in runs {
        let start = rest.partition_point(|meta| meta.uid < run.first);
        let end = rest.partition_point(|meta| meta.uid <= run.last);
        for meta in rest.get_mut(start..end).unwrap_or_default() {
            if meta.modseq < run.modseq {
                meta.flags.clone_from(&run.flags);
                meta.modseq = run.modseq;
            }
        }
        rest = rest.get_mut(end..).unwrap_or_default();
    }
    Ok(())
}

/// Whether some run of a mailbox is newer than `modseq`.
pub(super) fn any_since(sql: &Connection, mailbox: MailboxId, modseq: u64) -> Result<bool, StoreError> {
    let (first, last) = keys(mailbox, 0, u32::MAX);
    let mut query = sql.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM flag_runs WHERE id BETWEEN ?1 AND ?2 AND modseq > ?3)",
    )?;
    Ok(query.query_row(params![first, last, modseq], |row| row.get(0))?)
}

/// Writes runs, which ascend and are newer than all that is there.
pub(super) fn write(sql: &Connection, mailbox: MailboxId, runs: &[Run]) -> Result<(), StoreError> {
    // What lies far between two of them is not even read.
    for near in runs.chunk_by(|one, next| next.first.saturating_sub(one.last) <= NEAR) {
        let (Some(first), Some(last)) = (near.first(), near.last()) else { continue };
        let before = overlapping(sql, mailbox, first.first, last.last)?;
        if let (Some(first), Some(last)) = (before.first(), before.last()) {
            sql.prepare_cached("DELETE FROM flag_runs WHERE id BETWEEN ?1 AND ?2")?
                .execute([key(mailbox, first.first), key(mailbox, last.first)])?;
        }
        for run in left_of(&before, near) {
            insert(
                sql,
                mailbox,
                &run,
                "INSERT INTO flag_runs (id, last, flags, keywords, modseq)
                 SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM messages WHERE id BETWEEN ?1 AND ?2)",
            )?;
        }
        for run in near {
            insert(
                sql,
                mailbox,
                run,
                "INSERT INTO flag_runs (id, last, flags, keywords, modseq)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
        }
    }
    Ok(())
}

/// Messages with these UIDs have gone: so do runs that have no other.
pub(super) fn clear(
    sql: &Connection,
    mailbox: MailboxId,
    gone: impl IntoIterator<Item = (u32, u32)>,
) -> Result<(), StoreError> {
    let (first, last) = keys(mailbox, 0, u32::MAX);
    let any: bool = sql
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM flag_runs WHERE id BETWEEN ?1 AND ?2)")?
        .query_row([first, last], |row| row.get(0))?;
    if !any {
        return Ok(());
    }
    let mut delete = sql.prepare_cached(
        "DELETE FROM flag_runs
         WHERE id BETWEEN coalesce((SELECT max(id) FROM flag_runs WHERE id <= ?1), ?1) AND ?2 AND last >= ?1
         AND NOT EXISTS (SELECT 1 FROM messages s WHERE s.id BETWEEN flag_runs.id AND flag_runs.last)",
    )?;
    for (first, last) in gone {
        delete.execute(keys(mailbox, first, last))?;
    }
    Ok(())
}

/// All messages of a mailbox have gone.
pub(super) fn clear_all(sql: &Connection, mailbox: MailboxId) -> Result<(), StoreError> {
    sql.prepare_cached("DELETE FROM flag_runs WHERE id BETWEEN ?1 AND ?2")?.execute(keys(
        mailbox,
        0,
        u32::MAX,
    ))?;
    Ok(())
}

/// The runs in which some of these UIDs lie, ascending.
fn overlapping(sql: &Connection, mailbox: MailboxId, first: u32, last: u32) -> Result<Vec<Run>, StoreError> {
    let mut query = sql.prepare_cached(
        "SELECT id, last, flags, keywords, modseq FROM flag_runs
         WHERE id BETWEEN coalesce((SELECT max(id) FROM flag_runs WHERE id <= ?1), ?1) AND ?2 AND last >= ?1
         ORDER BY id",
    )?;
    let mut rows = query.query(keys(mailbox, first, last))?;
    let mut runs: Vec<Run> = Vec::new();
    while let Some(row) = rows.next()? {
        let keywords: String = row.get(3)?;
        runs.push(Run {
            first: uid_of(row.get(0)?),
            last: uid_of(row.get(1)?),
            flags: Flags {
                system: SystemFlags::from_bits(row.get(2)?),
                keywords: keywords_from_column(&keywords),
            },
            modseq: row.get(4)?,
        });
    }
    Ok(runs)
}

fn insert(sql: &Connection, mailbox: MailboxId, run: &Run, statement: &str) -> Result<(), StoreError> {
    let (first, last) = keys(mailbox, run.first, run.last);
    sql.prepare_cached(statement)?.execute(params![
        first,
        last,
        run.flags.system.bits(),
        keywords_to_column(&run.flags.keywords),
        run.modseq,
    ])?;
    Ok(())
}

/// What is left of runs where others are put over them. Both ascend.
fn left_of(runs: &[Run], others: &[Run]) -> Vec<Run> {
    let mut left = Vec::new();
    let mut others = others.iter().peekable();
    for run in runs {
        while others.next_if(|other| other.last < run.first).is_some() {}
        let mut rest = Some(run.first);
        // The last of these may reach into the next run.
        for other in others.clone().take_while(|other| other.first <= run.last) {
            let end = other.first.checked_sub(1);
            if let (Some(first), Some(last)) = (rest, end)
                && first <= last
            {
                left.push(Run { first, last, ..run.clone() });
            }
            rest = other.last.checked_add(1).filter(|next| *next <= run.last);
        }
        left.extend(rest.map(|first| Run { first, ..run.clone() }));
    }
    left
}

/// So many UIDs between two new runs are looked at together with them.
const NEAR: u32 = 1_000;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn runs(pieces: &[(u32, u32)], modseq: u64) -> Vec<Run> {
        let mut next = 0;
        let runs = pieces.iter().map(|(gap, length)| {
            let first = next + gap;
            next = first + length + 1;
            Run { first, last: first + length, flags: Flags::default(), modseq }
        });
        runs.collect()
    }

    fn by_uid(runs: &[Run]) -> BTreeMap<u32, u64> {
        let each = runs.iter().flat_map(|run| (run.first..=run.last).map(|uid| (uid, run.modseq)));
        let map: BTreeMap<u32, u64> = each.clone().collect();
        assert_eq!(map.len(), each.count(), "they overlap");
        map
    }

    proptest! {
        #[test]
        fn what_is_left_is_what_the_others_do_not_cover(
            olds in prop::collection::vec((0_u32..4, 0_u32..9), 0..8),
            news in prop::collection::vec((0_u32..4, 0_u32..9), 0..8),
        ) {
            let (olds, news) = (runs(&olds, 1), runs(&news, 2));
            let left = left_of(&olds, &news);
            prop_assert!(left.is_sorted_by(|one, next| one.last < next.first));
            let mut wanted = by_uid(&olds);
            let covered = by_uid(&news);
            wanted.retain(|uid, _| !covered.contains_key(uid));
            prop_assert_eq!(by_uid(&left), wanted);
        }
    }
}
