//! The tables, and how a database gets from any earlier version to the current one.
//!
//! `user_version` counts the migrations that have run. A migration that has been released never changes. What a row
//! of a large table refers to is kept right by the operations and looked at by the check, not by foreign keys: each
//! would be one more search for every message.

use rusqlite::Connection;

use crate::store::StoreError;

/// Whether the database has the current version, and not an older one.
pub(super) fn is_current(sql: &Connection) -> Result<bool, StoreError> {
    let (found, known) = versions(sql)?;
    if found > known { Err(StoreError::NewerSchema { found, known }) } else { Ok(found == known) }
}

/// The version it has, and the current one.
fn versions(sql: &Connection) -> Result<(u32, u32), StoreError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    Ok((sql.pragma_query_value(None, "user_version", |row| row.get(0))?, known))
}

/// Whether there is nothing in the database yet.
pub(super) fn is_new(sql: &Connection) -> Result<bool, StoreError> {
    Ok(versions(sql)?.0 == 0)
}

/// Brings the database to the current version, all or nothing.
pub(super) fn migrate(sql: &Connection) -> Result<(), StoreError> {
    let (found, known) = versions(sql)?;
    if found == known {
        return Ok(());
    }
    let Some(missing) = MIGRATIONS.get(found as usize..) else {
        return Err(StoreError::NewerSchema { found, known });
    };
    sql.execute_batch("BEGIN IMMEDIATE")?;
    let outcome = missing.iter().try_for_each(|migration| sql.execute_batch(migration));
    let outcome = outcome.and_then(|()| sql.pragma_update(None, "user_version", known));
    match outcome.and_then(|()| sql.execute_batch("COMMIT")) {
        Ok(()) => Ok(()),
        Err(error) => {
            if !sql.is_autocommit() {
                sql.execute_batch("ROLLBACK")?;
            }
            Err(error.into())
        }
    }
}

const MIGRATIONS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
    include_str!("schema/7.sql"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_run_once_and_a_newer_database_is_refused() {
        let sql = Connection::open_in_memory().unwrap();
        migrate(&sql).unwrap();
        migrate(&sql).unwrap();
        sql.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(migrate(&sql), Err(StoreError::NewerSchema { found: 99, .. })));
        assert!(sql.is_autocommit());
    }
}
