//! The end of the log (WAL) after a commit that failed while it was flushed. All of it may be in the file then, and
//! whoever opens the database next would take it for done, although everybody was told that it is not.
//!
//! How many frames of the log count is in the index of the log, which the writer changes after the flush only
//! (<https://www.sqlite.org/walformat.html>). What lies behind them is cut off here. Nobody else reads it: readers and
//! the checkpoint stop at the last frame that counts. A log that was begun again and failed at its first commit counts
//! no frame; all of its former ones are in the database, and flushed, or it would not have been begun again.
//!
//! The index is asked for through SQLite: a process that opens its file and closes it again loses the locks on it.

use std::fs::File;

use rusqlite::Connection;

use crate::store::StoreError;

/// Cuts off what was written behind the last commit that succeeded. For the writer, with no transaction open.
pub(super) fn cut(sql: &Connection) -> Result<(), StoreError> {
    // A database in memory has no log.
    let Some(database) = sql.path().filter(|path| !path.is_empty()) else { return Ok(()) };
    let frames: u64 = sql.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1))?;
    let page: u64 = sql.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let end = page.saturating_add(FRAME_HEADER).saturating_mul(frames).saturating_add(LOG_HEADER);
    let failed = |error| StoreError::io("cutting the log of the database", &error);
    let log = File::options().write(true).open(format!("{database}-wal")).map_err(failed)?;
    if log.metadata().map_err(failed)?.len() > end {
        log.set_len(end).map_err(failed)?;
        // The disk has failed already: this may, too, and then the file is shorter for this machine only.
        log.sync_data().map_err(failed)?;
    }
    Ok(())
}

/// Octets in front of the first frame.
const LOG_HEADER: u64 = 32;
/// Octets in front of the page of each frame.
const FRAME_HEADER: u64 = 24;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::{Path, PathBuf};

    use super::*;

    fn open(path: &Path) -> Connection {
        super::super::connect(path).unwrap()
    }

    fn beside(path: &Path, suffix: &str) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    }

    fn insert(sql: &Connection, what: &str) {
        sql.execute("INSERT INTO facts VALUES (?1)", [what]).unwrap();
    }

    /// What somebody finds who opens the files as they are now, as after a crash.
    fn found(path: &Path) -> Vec<String> {
        let elsewhere = tempfile::tempdir().unwrap();
        let copy = elsewhere.path().join("copy");
        for suffix in ["", "-wal"] {
            fs::copy(beside(path, suffix), beside(&copy, suffix)).unwrap();
        }
        let sql = open(&copy);
        let mut facts = sql.prepare("SELECT fact FROM facts ORDER BY fact").unwrap();
        facts.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// A database with `kept` committed, and with the frames of a second commit in its log that does not count.
    fn with_a_failed_commit(folder: &Path) -> (PathBuf, Connection) {
        let (first, second) = (folder.join("first"), folder.join("second"));
        let sql = open(&first);
        sql.execute_batch("CREATE TABLE facts (fact)").unwrap();
        insert(&sql, "kept");
        for suffix in ["", "-wal"] {
            fs::copy(beside(&first, suffix), beside(&second, suffix)).unwrap();
        }
        let other = open(&second);
        let count: u32 = other.query_row("SELECT count(*) FROM facts", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 1);
        let before = fs::read(beside(&first, "-wal")).unwrap().len();
        insert(&sql, "refused");
        let log = fs::read(beside(&first, "-wal")).unwrap();
        let mut target = File::options().append(true).open(beside(&second, "-wal")).unwrap();
        target.write_all(&log[before..]).unwrap();
        (second, other)
    }

    #[test]
    fn rel_08_a_commit_that_failed_does_not_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let (path, sql) = with_a_failed_commit(folder.path());
        assert_eq!(found(&path), ["kept", "refused"], "this is what is to be prevented");
        cut(&sql).unwrap();
        assert_eq!(found(&path), ["kept"]);
        cut(&sql).unwrap();
        // Whoever has it open does not mind.
        insert(&sql, "later");
        assert_eq!(found(&path), ["kept", "later"]);
    }

    #[test]
    fn rel_08_readers_and_the_checkpoint_do_not_notice_the_cut() {
        let folder = tempfile::tempdir().unwrap();
        let (path, sql) = with_a_failed_commit(folder.path());
        let (reader, checkpoint) = (open(&path), open(&path));
        let count = |sql: &Connection| sql.query_row("SELECT count(*) FROM facts", [], |row| row.get(0));
        reader.execute_batch("BEGIN").unwrap();
        assert_eq!(count(&reader), Ok(1));
        cut(&sql).unwrap();
        assert_eq!(count(&reader), Ok(1));
        reader.execute_batch("COMMIT").unwrap();
        super::super::checkpoint::run(&checkpoint).unwrap();
        assert_eq!(count(&reader), Ok(1));
        assert_eq!(found(&path), ["kept"]);
        insert(&sql, "later");
        assert_eq!(found(&path), ["kept", "later"]);
    }

    #[test]
    fn rel_08_of_a_log_that_was_begun_again_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("database");
        let sql = open(&path);
        sql.execute_batch("CREATE TABLE facts (fact)").unwrap();
        let facts: Vec<String> = (100..300).map(|number| number.to_string()).collect();
        for fact in &facts {
            insert(&sql, fact);
        }
        super::super::checkpoint::run(&sql).unwrap();
        let before = fs::metadata(beside(&path, "-wal")).unwrap().len();
        // More than is kept in memory: it is written over the former frames, then given up.
        sql.execute_batch("PRAGMA cache_size = 4; BEGIN IMMEDIATE; UPDATE facts SET fact = randomblob(500)")
            .unwrap();
        sql.execute_batch("ROLLBACK").unwrap();
        let frames: u32 = sql.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1)).unwrap();
        assert_eq!(frames, 0, "the log has not begun again");
        assert!(fs::metadata(beside(&path, "-wal")).unwrap().len() >= before);
        cut(&sql).unwrap();
        assert_eq!(fs::metadata(beside(&path, "-wal")).unwrap().len(), LOG_HEADER);
        assert_eq!(found(&path), facts);
        insert(&sql, "later");
        assert_eq!(found(&path).len(), facts.len() + 1);
    }

    #[test]
    fn a_database_in_memory_has_nothing_to_cut() {
        cut(&Connection::open_in_memory().unwrap()).unwrap();
    }
}
