//! What must hold between the rows, and what is done where it does not.
//!
//! A report reads one state beside everything else, on a connection of its own: the full-text index remembers on each
//! connection what its parts were, asks whether that is still so before it is searched, but not before it is checked,
//! and calls what has changed since damaged. A repair is one transaction of the writer, which does nothing
//! else meanwhile: it is for a store that is known to be hurt. What is lost stays lost: a content that is not whole is
//! told of, and stays with its messages.

use std::path::Path;

use rusqlite::Connection;

use super::files::Files;
use super::readers;
use super::writer::Txn;
use crate::store::{Check, Finding, Progress, StoreError};

/// Tells what does not fit together in the database at `path`.
pub(super) fn report(path: &Path, files: &Files, progress: &Progress) -> Result<Vec<Finding>, StoreError> {
    let sql = readers::connect(path)?;
    let _all = files.hold();
    readers::one_state(&sql, |sql| run(sql, files, Check::Report, progress))
}

/// Repairs what does not fit together, and tells it.
pub(super) fn repair(txn: &mut Txn<'_>, progress: &Progress) -> Result<Vec<Finding>, StoreError> {
    txn.counters.write(txn.sql)?;
    let findings = run(txn.sql, txn.files(), Check::Repair, progress)?;
    txn.counters.forget();
    txn.sweep();
    if !findings.is_empty() {
        txn.tell(crate::store::Change::Anything);
    }
    Ok(findings)
}

fn run(sql: &Connection, files: &Files, how: Check, progress: &Progress) -> Result<Vec<Finding>, StoreError> {
    let steps = (RULES.len() as u64).saturating_add(1);
    let mut findings = Vec::new();
    for (step, rule) in RULES.iter().enumerate() {
        progress.tell(step as u64, steps);
        let found: Vec<String> =
            sql.prepare(rule.find)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut repair = None;
        if let (Some((statement, done)), Check::Repair, false) = (rule.repair, how, found.is_empty()) {
            sql.execute_batch(statement)?;
            repair = Some(done.to_owned());
        }
        for place in found {
            findings.push(Finding { place, problem: rule.problem.to_owned(), repair: repair.clone() });
        }
    }
    progress.tell(steps.saturating_sub(1), steps);
    findings.extend(files.check(sql)?);
    progress.tell(steps, steps);
    Ok(findings)
}

/// Something that must hold.
struct Rule {
    /// Names the places where it does not.
    find: &'static str,
    problem: &'static str,
    /// What puts it right everywhere, and that in words.
    repair: Option<(&'static str, &'static str)>,
}

/// In the order in which they are repaired: rows that have to go first, then the numbers that count rows.
const RULES: &[Rule] = &[
    Rule {
        find: "SELECT 'the database: ' || integrity_check FROM pragma_integrity_check
               WHERE integrity_check <> 'ok'",
        problem: "the file is damaged",
        repair: None,
    },
    Rule {
        find: "SELECT 'mailbox ' || id FROM mailboxes WHERE account NOT IN (SELECT id FROM accounts)",
        problem: "it is of no account",
        repair: Some((
            "DELETE FROM messages WHERE id >> 32 IN
                 (SELECT id FROM mailboxes WHERE account NOT IN (SELECT id FROM accounts));
             DELETE FROM mailboxes WHERE account NOT IN (SELECT id FROM accounts)",
            "removed",
        )),
    },
    Rule {
        find: "SELECT 'mailbox ' || (id >> 32) || ', message ' || (id & 4294967295) FROM messages
               WHERE id >> 32 NOT IN (SELECT id FROM mailboxes)",
        problem: "it is in a mailbox that is not there",
        repair: Some(("DELETE FROM messages WHERE id >> 32 NOT IN (SELECT id FROM mailboxes)", "removed")),
    },
    Rule {
        find: "SELECT 'mailbox ' || (id >> 32) || ', message ' || (id & 4294967295) FROM messages
               WHERE blob NOT IN (SELECT id FROM blobs)",
        problem: "its content is gone",
        // Remembered as expunged: whoever has the mailbox open, or comes back to it, hears that it is gone.
        repair: Some((
            "UPDATE mailboxes SET modseq = modseq + 1, expunged_rows = expunged_rows +
                 (SELECT count(*) FROM messages s
                  WHERE s.id BETWEEN mailboxes.id << 32 AND (mailboxes.id << 32) + 4294967295
                  AND s.blob NOT IN (SELECT id FROM blobs))
             WHERE id IN (SELECT id >> 32 FROM messages WHERE blob NOT IN (SELECT id FROM blobs));
             INSERT INTO expunged (mailbox, modseq, uid)
                 SELECT m.id, m.modseq, s.id & 4294967295 FROM messages s JOIN mailboxes m ON m.id = s.id >> 32
                 WHERE s.blob NOT IN (SELECT id FROM blobs);
             DELETE FROM messages WHERE blob NOT IN (SELECT id FROM blobs)",
            "removed",
        )),
    },
    Rule {
        find: "SELECT 'expunged message ' || id FROM deleted
               WHERE blob NOT IN (SELECT id FROM blobs) OR account NOT IN (SELECT id FROM accounts)",
        problem: "its content or its account is gone",
        repair: Some((
            "DELETE FROM deleted
             WHERE blob NOT IN (SELECT id FROM blobs) OR account NOT IN (SELECT id FROM accounts)",
            "removed",
        )),
    },
    Rule {
        find: "SELECT 'content ' || b.id FROM blobs b WHERE b.id NOT IN (SELECT blob FROM files) AND (b.size <>
               (SELECT coalesce(sum(length(c.data)), 0) FROM contents c
                WHERE c.id BETWEEN b.id << 20 AND (b.id << 20) + 1048575)
               OR (SELECT count(*) FROM contents c
                   WHERE c.id BETWEEN b.id << 20 AND (b.id << 20) + 1048575) <> (b.size + 262143) / 262144)",
        problem: "it is not whole",
        repair: None,
    },
    Rule {
        find: "SELECT DISTINCT 'content ' || (id >> 20) FROM contents
               WHERE id >> 20 NOT IN (SELECT id FROM blobs) OR id >> 20 IN (SELECT blob FROM files)",
        problem: "octets of a content that is not there",
        repair: Some((
            "DELETE FROM contents WHERE id >> 20 NOT IN (SELECT id FROM blobs) OR id >> 20 IN (SELECT blob FROM files)",
            "removed",
        )),
    },
    Rule {
        find: "SELECT 'content ' || blob FROM files WHERE blob NOT IN (SELECT id FROM blobs)",
        problem: "the file of a content that is not there",
        // The file goes when the store is opened again.
        repair: Some(("DELETE FROM files WHERE blob NOT IN (SELECT id FROM blobs)", "removed")),
    },
    Rule {
        find: "SELECT 'content ' || blob FROM summaries WHERE blob NOT IN (SELECT id FROM blobs)",
        problem: "a summary of a content that is not there",
        repair: Some(("DELETE FROM summaries WHERE blob NOT IN (SELECT id FROM blobs)", "removed")),
    },
    Rule {
        find: "SELECT 'content ' || blob FROM line_sizes WHERE blob NOT IN (SELECT id FROM blobs)",
        problem: "the length of lines that are not there",
        repair: Some(("DELETE FROM line_sizes WHERE blob NOT IN (SELECT id FROM blobs)", "removed")),
    },
    Rule {
        find: "SELECT 'content ' || b.id FROM blobs b WHERE refs <>
               (SELECT count(*) FROM messages m WHERE m.blob = b.id)
               + (SELECT count(*) FROM deleted d WHERE d.blob = b.id)",
        problem: "its references are counted wrong",
        repair: Some((
            "UPDATE blobs SET refs = (SELECT count(*) FROM messages m WHERE m.blob = blobs.id)
                 + (SELECT count(*) FROM deleted d WHERE d.blob = blobs.id)",
            "counted again",
        )),
    },
    Rule {
        find: "SELECT DISTINCT 'mailbox ' || (id >> 32) FROM flag_runs WHERE NOT EXISTS
               (SELECT 1 FROM messages s WHERE s.id BETWEEN flag_runs.id AND flag_runs.last)",
        problem: "flags of messages that are not there",
        repair: Some((
            "DELETE FROM flag_runs WHERE NOT EXISTS
                 (SELECT 1 FROM messages s WHERE s.id BETWEEN flag_runs.id AND flag_runs.last)",
            "removed",
        )),
    },
    Rule {
        find: "SELECT 'mailbox ' || m.id FROM mailboxes m WHERE uidnext <=
               (SELECT coalesce(max(id) & 4294967295, 0) FROM messages
                WHERE id BETWEEN m.id << 32 AND (m.id << 32) + 4294967295)",
        problem: "a message has a UID that is still to be given out",
        repair: Some((
            "UPDATE mailboxes SET uidnext = max(uidnext, 1 +
                 (SELECT coalesce(max(s.id) & 4294967295, 0) FROM messages s
                  WHERE s.id BETWEEN mailboxes.id << 32 AND (mailboxes.id << 32) + 4294967295))",
            "the next UID is above it",
        )),
    },
    Rule {
        find: "SELECT 'mailbox ' || m.id FROM mailboxes m WHERE modseq < max(
               (SELECT coalesce(max(s.modseq), 0) FROM messages s
                WHERE s.id BETWEEN m.id << 32 AND (m.id << 32) + 4294967295),
               (SELECT coalesce(max(r.modseq), 0) FROM flag_runs r
                WHERE r.id BETWEEN m.id << 32 AND (m.id << 32) + 4294967295),
               (SELECT coalesce(max(e.modseq), 0) FROM expunged e WHERE e.mailbox = m.id))",
        problem: "something in it has a mod-sequence above its own",
        repair: Some((
            "UPDATE mailboxes SET modseq = max(modseq,
                 (SELECT coalesce(max(s.modseq), 0) FROM messages s
                  WHERE s.id BETWEEN mailboxes.id << 32 AND (mailboxes.id << 32) + 4294967295),
                 (SELECT coalesce(max(r.modseq), 0) FROM flag_runs r
                  WHERE r.id BETWEEN mailboxes.id << 32 AND (mailboxes.id << 32) + 4294967295),
                 (SELECT coalesce(max(e.modseq), 0) FROM expunged e WHERE e.mailbox = mailboxes.id))",
            "it has the highest",
        )),
    },
    Rule {
        find: "SELECT 'mailbox ' || e.mailbox FROM expunged e LEFT JOIN mailboxes m ON m.id = e.mailbox
               GROUP BY e.mailbox HAVING m.id IS NULL OR m.expunged_rows <> count(*)
               UNION SELECT 'mailbox ' || id FROM mailboxes WHERE expunged_rows > 0
               AND NOT EXISTS (SELECT 1 FROM expunged e WHERE e.mailbox = mailboxes.id)",
        problem: "what is remembered of expunged messages is counted wrong",
        repair: Some((
            "DELETE FROM expunged WHERE mailbox NOT IN (SELECT id FROM mailboxes);
             UPDATE mailboxes SET
                 expunged_rows = (SELECT count(*) FROM expunged e WHERE e.mailbox = mailboxes.id)",
            "counted again",
        )),
    },
    Rule {
        // As in current_messages, which cannot be joined this way without being made in full.
        find: "SELECT 'mailbox ' || m.id FROM mailboxes m
               LEFT JOIN messages s ON s.id BETWEEN m.id << 32 AND (m.id << 32) + 4294967295
               LEFT JOIN flag_runs r ON r.id = (SELECT max(id) FROM flag_runs WHERE id <= s.id)
                   AND r.last >= s.id AND r.modseq > s.modseq
               GROUP BY m.id HAVING m.messages <> count(s.id) OR m.octets <> coalesce(sum(s.size), 0)
               OR m.unseen <> count(s.id) FILTER (WHERE coalesce(r.flags, s.flags) & 8 = 0)
               OR m.deleted <> count(s.id) FILTER (WHERE coalesce(r.flags, s.flags) & 4 <> 0)
               OR m.deleted_octets <>
                   coalesce(sum(s.size) FILTER (WHERE coalesce(r.flags, s.flags) & 4 <> 0), 0)",
        problem: "its messages are counted wrong",
        repair: Some((
            "UPDATE mailboxes SET (messages, octets, unseen, deleted, deleted_octets) =
                 (SELECT count(s.id), coalesce(sum(s.size), 0),
                     count(s.id) FILTER (WHERE s.flags & 8 = 0), count(s.id) FILTER (WHERE s.flags & 4 <> 0),
                     coalesce(sum(s.size) FILTER (WHERE s.flags & 4 <> 0), 0)
                  FROM current_messages s
                  WHERE s.id BETWEEN mailboxes.id << 32 AND (mailboxes.id << 32) + 4294967295)",
            "counted again",
        )),
    },
    Rule {
        find: "SELECT 'account ' || a.id FROM accounts a LEFT JOIN mailboxes m ON m.account = a.id
               GROUP BY a.id HAVING a.messages <> coalesce(sum(m.messages), 0)
               OR a.octets <> coalesce(sum(m.octets), 0)",
        problem: "what it keeps is counted wrong",
        repair: Some((
            "UPDATE accounts SET (messages, octets) =
                 (SELECT coalesce(sum(m.messages), 0), coalesce(sum(m.octets), 0) FROM mailboxes m
                  WHERE m.account = accounts.id)",
            "counted again",
        )),
    },
    Rule {
        find: "SELECT 'account ' || a.id FROM accounts a LEFT JOIN deleted d ON d.account = a.id
               GROUP BY a.id HAVING a.deleted_messages <> count(d.id)
               OR a.deleted_octets <> coalesce(sum(d.size), 0)",
        problem: "what was expunged from it is counted wrong",
        repair: Some((
            "UPDATE accounts SET (deleted_messages, deleted_octets) =
                 (SELECT count(*), coalesce(sum(d.size), 0) FROM deleted d WHERE d.account = accounts.id)",
            "counted again",
        )),
    },
];
