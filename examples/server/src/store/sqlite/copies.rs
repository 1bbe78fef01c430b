//! What becomes of a copy of the database when it is used: a store of its own, whose numbers name nothing else.
//!
//! The original went on after the copy was made, and clients remember what it called its messages. A copy that simply
//! went on counting would call other messages the same, and clients would show under them what they have kept
//! (RFC 9051 2.3.1.1, RFC 1939 7, RFC 8474). So a copy carries a mark, and whoever opens it first in order to write
//!
//! - gives every mailbox another UIDVALIDITY, above all its account has had and near the time, as new mailboxes get:
//!   what clients know of UIDs, mod-sequences and UIDLs is void;
//! - lets the ids of contents, which are those of conversations too, and of mailboxes go on from where the time is.
//!   Since [`EPOCH`] a number was set aside for each second, or several. The original can not have come there unless
//!   it gave out more than that for all of its life, nor another copy of the same backup that was used before.
//!
//! What is the same as before keeps its ids: clients need not fetch the contents that they have. The search index goes
//! up to an id that only rises.

use rusqlite::{Connection, params};

use super::writer::statement;
use crate::store::{MAILBOXES_MAX, StoreError};

/// Says of a database that it is a copy.
pub(super) fn mark(sql: &Connection) -> Result<(), StoreError> {
    Ok(sql.pragma_update(None, APPLICATION_ID, COPY)?)
}

/// Makes a store of its own of a database that is a copy. `now` is in seconds since 1970.
pub(super) fn settle(sql: &Connection, now: i64) -> Result<(), StoreError> {
    let id: i32 = sql.pragma_query_value(None, APPLICATION_ID, |row| row.get(0))?;
    if id != COPY {
        return Ok(());
    }
    statement(sql, "BEGIN IMMEDIATE")?;
    let settled = renew(sql, now).and_then(|()| statement(sql, "COMMIT"));
    if settled.is_err() && !sql.is_autocommit() {
        statement(sql, "ROLLBACK")?;
    }
    settled?;
    tracing::info!("this data directory is a copy: every mailbox has a new UIDVALIDITY");
    Ok(())
}

fn renew(sql: &Connection, now: i64) -> Result<(), StoreError> {
    // Beyond what the original can have given to mailboxes that it made within this second.
    let first = now.saturating_add(i64::from(MAILBOXES_MAX));
    sql.execute("UPDATE accounts SET uidvalidity_next = max(uidvalidity_next, ?1)", [first])?;
    sql.execute_batch(
        "UPDATE mailboxes SET uidvalidity = renewed.uidvalidity
         FROM (SELECT m.id, a.uidvalidity_next - 1 + row_number() OVER (PARTITION BY m.account ORDER BY m.id)
                   AS uidvalidity
               FROM mailboxes m JOIN accounts a ON a.id = m.account) AS renewed
         WHERE renewed.id = mailboxes.id;
         UPDATE accounts SET uidvalidity_next =
             uidvalidity_next + (SELECT count(*) FROM mailboxes m WHERE m.account = accounts.id);",
    )?;
    let beyond: i64 =
        sql.query_row("SELECT coalesce(max(uidvalidity_next), 0) FROM accounts", [], |row| row.get(0))?;
    if u32::try_from(beyond).is_err() {
        return Err(StoreError::Database("no UIDVALIDITY left for the mailboxes of a copy".to_owned()));
    }
    let seconds = now.saturating_sub(EPOCH).max(0);
    raise(sql, "blobs", seconds.saturating_mul(CONTENTS_A_SECOND).min(CONTENT_ID_MAX))?;
    raise(sql, "mailboxes", seconds.min(MAILBOX_ID_MAX))?;
    Ok(sql.pragma_update(None, APPLICATION_ID, 0)?)
}

/// The ids of a table go on above this one.
fn raise(sql: &Connection, table: &str, id: i64) -> Result<(), StoreError> {
    let raised =
        sql.execute("UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1", params![table, id])?;
    if raised == 0 {
        sql.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", params![table, id])?;
    }
    Ok(())
}

/// A number in the head of the file that is for whoever writes it.
const APPLICATION_ID: &str = "application_id";
/// It, in a copy that nobody has used: `PhCp`.
const COPY: i32 = 0x5068_4370;
/// 2026-01-01, in seconds since 1970.
const EPOCH: i64 = 1_767_225_600;
/// Ids of contents that are set aside for each second.
const CONTENTS_A_SECOND: i64 = 1 << 10;
/// A clock that is wrong leaves half of the ids there are (see `blobs::key`).
const CONTENT_ID_MAX: i64 = 1 << 42;
/// The same for mailboxes (see `messages::key`).
const MAILBOX_ID_MAX: i64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    const NOW: i64 = 1_800_000_000;

    /// A database with two accounts of two mailboxes each, one of them with a UIDVALIDITY ahead of the time.
    fn original() -> Connection {
        let sql = Connection::open_in_memory().unwrap();
        schema::migrate(&sql).unwrap();
        sql.execute_batch(
            "INSERT INTO accounts (id, uidvalidity_next) VALUES (1, 1790000003), (2, 1900000000);
             INSERT INTO mailboxes (account, name, uidvalidity) VALUES
                 (1, 'INBOX', 1790000001), (1, 'Sent', 1790000002), (2, 'INBOX', 1899999998), (2, 'Sent', 1899999999);
             INSERT INTO blobs (size, refs) VALUES (1, 1);",
        )
        .unwrap();
        sql
    }

    fn numbers(sql: &Connection) -> Vec<i64> {
        let mut query = sql.prepare("SELECT uidvalidity FROM mailboxes ORDER BY id").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn next(sql: &Connection, table: &str) -> i64 {
        sql.query_row("SELECT seq + 1 FROM sqlite_sequence WHERE name = ?1", [table], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn only_a_copy_is_renewed_and_only_once() {
        let sql = original();
        let before = numbers(&sql);
        settle(&sql, NOW).unwrap();
        assert_eq!((numbers(&sql), next(&sql, "blobs"), next(&sql, "mailboxes")), (before.clone(), 2, 5));
        mark(&sql).unwrap();
        settle(&sql, NOW).unwrap();
        let renewed = numbers(&sql);
        assert_eq!(renewed, [NOW + 5000, NOW + 5001, 1_900_000_000, 1_900_000_001]);
        settle(&sql, NOW + 1).unwrap();
        assert_eq!(numbers(&sql), renewed);
        let next: Vec<i64> = sql
            .prepare("SELECT uidvalidity_next FROM accounts")
            .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
            .unwrap();
        assert_eq!(next, [NOW + 5002, 1_900_000_002]);
    }

    #[test]
    fn two_copies_of_one_backup_give_out_different_numbers() {
        let (one, other) = (original(), original());
        for (sql, now) in [(&one, NOW), (&other, NOW + 60)] {
            mark(sql).unwrap();
            settle(sql, now).unwrap();
        }
        assert!(numbers(&one).iter().zip(numbers(&other)).take(2).all(|(one, other)| *one < other));
        assert!(next(&one, "blobs") + 60 * 1024 <= next(&other, "blobs"));
        assert!(next(&one, "mailboxes") + 60 <= next(&other, "mailboxes"));
    }

    #[test]
    fn a_wrong_clock_uses_up_no_numbers() {
        let empty = Connection::open_in_memory().unwrap();
        schema::migrate(&empty).unwrap();
        mark(&empty).unwrap();
        settle(&empty, i64::from(u32::MAX)).unwrap();
        assert!(
            next(&empty, "blobs") <= CONTENT_ID_MAX + 1 && next(&empty, "mailboxes") <= MAILBOX_ID_MAX + 1
        );
        // Nothing is lost where there are no numbers left.
        let sql = original();
        let before = numbers(&sql);
        mark(&sql).unwrap();
        assert!(settle(&sql, i64::from(u32::MAX)).is_err());
        assert_eq!(numbers(&sql), before);
        settle(&sql, 0).unwrap();
        assert_eq!(numbers(&sql)[0], 1_790_000_003);
        assert_eq!((next(&sql, "blobs"), next(&sql, "mailboxes")), (2, 5));
    }
}
