//! Mailboxes as things of their own: names, creation, renaming, deletion, subscription, status
//! (RFC 9051, 6.3.4 to 6.3.11). What is in them is in `messages`.
//!
//! Parents always exist: creation makes them, and a mailbox with children is not deleted. A UIDVALIDITY is
//! never used twice in one account, so `(uidvalidity, uid)` names one message for ever.

use std::ops::Range;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::flags::{Keyword, SystemFlags};
use super::id::{AccountId, MailboxId};
use super::messages;
use super::name::MailboxName;
use super::writer::Txn;
use super::{SEPARATOR, Store};

/// Mailboxes of one account.
pub const MAILBOXES_MAX: u32 = 5000;
/// Different keywords in one mailbox.
pub const KEYWORDS_MAX: u32 = 256;

/// A mailbox, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// What stays the same when it is renamed.
    pub id: MailboxId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// With a UID, names a message for ever (RFC 9051, 2.3.1.1).
    pub uidvalidity: u32,
    /// The UID the next message will get.
    pub uidnext: u32,
    /// The highest mod-sequence of the mailbox (RFC 7162).
    pub modseq: u64,
    /// What the mailbox is for (RFC 6154).
    pub special_use: Option<SpecialUse>,
    /// Whether its name is subscribed.
    pub subscribed: bool,
}

/// The uses of RFC 6154 that the server gives to mailboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecialUse {
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

impl SpecialUse {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Archive, Self::Drafts, Self::Junk, Self::Sent, Self::Trash];

    /// The attribute of LIST, without its backslash; also the name the mailbox has at first.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Archive => "Archive",
            Self::Drafts => "Drafts",
            Self::Junk => "Junk",
            Self::Sent => "Sent",
            Self::Trash => "Trash",
        }
    }
}

impl ToSql for SpecialUse {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for SpecialUse {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        Self::ALL.into_iter().find(|special| special.as_str() == text).ok_or(FromSqlError::InvalidType)
    }
}

/// The numbers STATUS asks for (RFC 9051, 6.3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// `MESSAGES`
    pub messages: u32,
    /// `RECENT`: messages that no session has been told of as recent (RFC 3501).
    pub recent: u32,
    /// `UNSEEN`: messages without `\Seen`.
    pub unseen: u32,
    /// `DELETED`: messages with `\Deleted`.
    pub deleted: u32,
    /// `SIZE`, in octets.
    pub size: u64,
    /// `UIDNEXT`
    pub uidnext: u32,
    /// `UIDVALIDITY`
    pub uidvalidity: u32,
    /// `HIGHESTMODSEQ`
    pub modseq: u64,
}

impl Store {
    /// The mailbox of an account that has this name.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`].
    pub async fn mailbox(&self, account: AccountId, name: &MailboxName) -> Result<Mailbox, StoreError> {
        let name = name.clone();
        self.read(move |sql| find(sql, account, &name)?.ok_or(StoreError::NoSuchMailbox)).await
    }

    /// All mailboxes of an account, by name.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn mailboxes(&self, account: AccountId) -> Result<Vec<Mailbox>, StoreError> {
        self.read(move |sql| {
            let mut query = sql.prepare_cached(&select("m.account = ?1 ORDER BY m.name"))?;
            Ok(query.query_map([account], mailbox_from)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Makes a mailbox, and its parents where they are missing.
    ///
    /// # Errors
    ///
    /// [`StoreError::AlreadyExists`], [`StoreError::TooManyMailboxes`].
    pub async fn create_mailbox(
        &self,
        account: AccountId,
        name: &MailboxName,
    ) -> Result<Mailbox, StoreError> {
        let name = name.clone();
        self.write(move |txn| {
            create_parents(txn, account, &name)?;
            create(txn, account, &name, None)?;
            find(txn.sql, account, &name)?.ok_or(StoreError::NoSuchMailbox)
        })
        .await
    }

    /// Deletes a mailbox and all messages in it. Its name stays subscribed (RFC 9051, 6.3.7).
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`], [`StoreError::InboxStays`], [`StoreError::HasChildren`].
    pub async fn delete_mailbox(&self, account: AccountId, name: &MailboxName) -> Result<(), StoreError> {
        let name = name.clone();
        self.write(move |txn| {
            if name.is_inbox() {
                return Err(StoreError::InboxStays);
            }
            let mailbox = find(txn.sql, account, &name)?.ok_or(StoreError::NoSuchMailbox)?;
            if !children(txn.sql, account, &name)?.is_empty() {
                return Err(StoreError::HasChildren);
            }
            remove(txn, mailbox.id)
        })
        .await
    }

    /// Renames a mailbox and its children; makes the parents of the new name. Renaming INBOX moves its
    /// messages into a new mailbox and leaves INBOX and its children (RFC 9051, 6.3.6).
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`], [`StoreError::AlreadyExists`], [`StoreError::IntoItself`], and
    /// [`StoreError::Name`] if a child's name would become too long.
    pub async fn rename_mailbox(
        &self,
        account: AccountId,
        from: &MailboxName,
        to: &MailboxName,
    ) -> Result<(), StoreError> {
        let (from, to) = (from.clone(), to.clone());
        self.write(move |txn| rename(txn, account, &from, &to)).await
    }

    /// Subscribes a name, whether or not a mailbox has it.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchAccount`]; [`StoreError::TooManyMailboxes`] beyond that number of subscriptions.
    pub async fn subscribe(&self, account: AccountId, name: &MailboxName) -> Result<(), StoreError> {
        let name = name.clone();
        self.write(move |txn| {
            let count: u32 = txn
                .sql
                .prepare_cached("SELECT count(*) FROM subscriptions WHERE account = ?1")?
                .query_row([account], |row| row.get(0))?;
            if count >= MAILBOXES_MAX {
                return Err(StoreError::TooManyMailboxes(MAILBOXES_MAX));
            }
            add_subscription(txn.sql, account, &name)
        })
        .await
    }

    /// Takes a subscription back; one that does not exist is no error.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn unsubscribe(&self, account: AccountId, name: &MailboxName) -> Result<(), StoreError> {
        let name = name.clone();
        self.write(move |txn| {
            txn.sql
                .prepare_cached("DELETE FROM subscriptions WHERE account = ?1 AND name = ?2")?
                .execute(params![account, name.as_str()])?;
            Ok(())
        })
        .await
    }

    /// The subscribed names, sorted, also those that no mailbox has.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn subscriptions(&self, account: AccountId) -> Result<Vec<String>, StoreError> {
        self.read(move |sql| {
            let mut query =
                sql.prepare_cached("SELECT name FROM subscriptions WHERE account = ?1 ORDER BY name")?;
            Ok(query.query_map([account], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Counts what STATUS reports.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`].
    pub async fn status(&self, mailbox: MailboxId) -> Result<Status, StoreError> {
        self.read(move |sql| status(sql, mailbox)?.ok_or(StoreError::NoSuchMailbox)).await
    }

    /// The keywords that messages of the mailbox have or have had: what FLAGS announces.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn keywords(&self, mailbox: MailboxId) -> Result<Vec<Keyword>, StoreError> {
        self.read(move |sql| {
            let mut query =
                sql.prepare_cached("SELECT keyword FROM keywords WHERE mailbox = ?1 ORDER BY keyword")?;
            let names = query.query_map([mailbox], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            Ok(names.iter().filter_map(|name| Keyword::new(name)).collect())
        })
        .await
    }

    /// The UIDs of the messages that no session has claimed as `\Recent`, which are this caller's from now on
    /// (RFC 3501, 2.3.2). Messages that come later are not among them.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`].
    pub async fn claim_recent(&self, mailbox: MailboxId) -> Result<Range<u32>, StoreError> {
        self.write(move |txn| {
            let recent = unclaimed(txn.sql, mailbox)?;
            if !recent.is_empty() {
                txn.sql
                    .prepare_cached("UPDATE mailboxes SET recent_from = uidnext WHERE id = ?1")?
                    .execute([mailbox])?;
            }
            Ok(recent)
        })
        .await
    }

    /// The UIDs of the messages that no session has claimed as `\Recent`, which they stay.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`].
    pub async fn unclaimed_recent(&self, mailbox: MailboxId) -> Result<Range<u32>, StoreError> {
        self.read(move |sql| unclaimed(sql, mailbox)).await
    }
}

/// The mailboxes of a new account, all subscribed.
pub(crate) fn create_defaults(txn: &mut Txn<'_>, account: AccountId) -> Result<(), StoreError> {
    let inbox = MailboxName::inbox();
    create(txn, account, &inbox, None)?;
    add_subscription(txn.sql, account, &inbox)?;
    for special_use in SpecialUse::ALL {
        let name = MailboxName::new(special_use.as_str())?;
        create(txn, account, &name, Some(special_use))?;
        add_subscription(txn.sql, account, &name)?;
    }
    Ok(())
}

/// Removes everything an account has.
pub(crate) fn remove_all(txn: &mut Txn<'_>, account: AccountId) -> Result<(), StoreError> {
    let mailboxes: Vec<MailboxId> = txn
        .sql
        .prepare_cached("SELECT id FROM mailboxes WHERE account = ?1")?
        .query_map([account], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for mailbox in mailboxes {
        remove(txn, mailbox)?;
    }
    txn.sql.prepare_cached("DELETE FROM subscriptions WHERE account = ?1")?.execute([account])?;
    Ok(())
}

pub(super) fn find(
    sql: &Connection,
    account: AccountId,
    name: &MailboxName,
) -> Result<Option<Mailbox>, StoreError> {
    let mut query = sql.prepare_cached(&select("m.account = ?1 AND m.name = ?2"))?;
    Ok(query.query_row(params![account, name.as_str()], mailbox_from).optional()?)
}

fn create_parents(txn: &mut Txn<'_>, account: AccountId, name: &MailboxName) -> Result<(), StoreError> {
    for parent in name.parents() {
        if find(txn.sql, account, &parent)?.is_none() {
            create(txn, account, &parent, None)?;
        }
    }
    Ok(())
}

fn create(
    txn: &mut Txn<'_>,
    account: AccountId,
    name: &MailboxName,
    special_use: Option<SpecialUse>,
) -> Result<MailboxId, StoreError> {
    if find(txn.sql, account, name)?.is_some() {
        return Err(StoreError::AlreadyExists);
    }
    let count: u32 = txn
        .sql
        .prepare_cached("SELECT count(*) FROM mailboxes WHERE account = ?1")?
        .query_row([account], |row| row.get(0))?;
    if count >= MAILBOXES_MAX {
        return Err(StoreError::TooManyMailboxes(MAILBOXES_MAX));
    }
    let uidvalidity = new_uidvalidity(txn.sql, account)?;
    txn.sql
        .prepare_cached(
            "INSERT INTO mailboxes (account, name, uidvalidity, special_use) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![account, name.as_str(), uidvalidity, special_use])?;
    Ok(MailboxId(txn.sql.last_insert_rowid()))
}

/// A UIDVALIDITY above all that the account has used, and near the time: an account that is removed and
/// made again does not start with the old values.
fn new_uidvalidity(sql: &Connection, account: AccountId) -> Result<u32, StoreError> {
    let next: i64 = sql
        .prepare_cached("SELECT uidvalidity_next FROM accounts WHERE id = ?1")?
        .query_row([account], |row| row.get(0))
        .optional()?
        .ok_or(StoreError::NoSuchAccount)?;
    let value = u32::try_from(next.max(messages::InternalDate::now().seconds))
        .map_err(|_| StoreError::Database("no UIDVALIDITY left for the account".to_owned()))?;
    sql.prepare_cached("UPDATE accounts SET uidvalidity_next = ?2 WHERE id = ?1")?
        .execute(params![account, i64::from(value).saturating_add(1)])?;
    Ok(value)
}

fn remove(txn: &mut Txn<'_>, mailbox: MailboxId) -> Result<(), StoreError> {
    messages::remove_all(txn, mailbox)?;
    txn.sql.prepare_cached("DELETE FROM keywords WHERE mailbox = ?1")?.execute([mailbox])?;
    txn.sql.prepare_cached("DELETE FROM mailboxes WHERE id = ?1")?.execute([mailbox])?;
    txn.gone(mailbox);
    Ok(())
}

fn rename(
    txn: &mut Txn<'_>,
    account: AccountId,
    from: &MailboxName,
    to: &MailboxName,
) -> Result<(), StoreError> {
    let mailbox = find(txn.sql, account, from)?.ok_or(StoreError::NoSuchMailbox)?;
    if find(txn.sql, account, to)?.is_some() {
        return Err(StoreError::AlreadyExists);
    }
    if from.is_inbox() {
        create_parents(txn, account, to)?;
        let target = create(txn, account, to, None)?;
        messages::relocate(txn, mailbox.id, messages::all_uids(txn.sql, mailbox.id)?, target)?;
        return Ok(());
    }
    if to.below(from).is_some() {
        return Err(StoreError::IntoItself);
    }
    let mut moved = vec![(mailbox.id, to.clone())];
    for (id, name) in children(txn.sql, account, from)? {
        if let Some(rest) = MailboxName::new(&name)?.below(from) {
            moved.push((id, MailboxName::new(&format!("{to}{SEPARATOR}{rest}"))?));
        }
    }
    create_parents(txn, account, to)?;
    for (id, name) in moved {
        txn.sql
            .prepare_cached("UPDATE mailboxes SET name = ?2 WHERE id = ?1")?
            .execute(params![id, name.as_str()])?;
        txn.touch(id);
    }
    Ok(())
}

/// All mailboxes below a name.
fn children(
    sql: &Connection,
    account: AccountId,
    name: &MailboxName,
) -> Result<Vec<(MailboxId, String)>, StoreError> {
    // Text is compared by octets, and `0` is the octet after `/`.
    let mut query =
        sql.prepare_cached("SELECT id, name FROM mailboxes WHERE account = ?1 AND name > ?2 AND name < ?3")?;
    let found = query.query_map(params![account, format!("{name}/"), format!("{name}0")], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn add_subscription(sql: &Connection, account: AccountId, name: &MailboxName) -> Result<(), StoreError> {
    let known: bool = sql
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM accounts WHERE id = ?1)")?
        .query_row([account], |row| row.get(0))?;
    if !known {
        return Err(StoreError::NoSuchAccount);
    }
    sql.prepare_cached("INSERT OR IGNORE INTO subscriptions (account, name) VALUES (?1, ?2)")?
        .execute(params![account, name.as_str()])?;
    Ok(())
}

fn unclaimed(sql: &Connection, mailbox: MailboxId) -> Result<Range<u32>, StoreError> {
    sql.prepare_cached("SELECT recent_from, uidnext FROM mailboxes WHERE id = ?1")?
        .query_row([mailbox], |row| Ok(row.get(0)?..row.get(1)?))
        .optional()?
        .ok_or(StoreError::NoSuchMailbox)
}

fn status(sql: &Connection, mailbox: MailboxId) -> Result<Option<Status>, StoreError> {
    let mut query = sql.prepare_cached(
        "SELECT count(s.uid), count(s.uid) FILTER (WHERE s.uid >= m.recent_from),
                count(s.uid) FILTER (WHERE s.flags & ?2 = 0), count(s.uid) FILTER (WHERE s.flags & ?3 != 0),
                coalesce(sum(s.size), 0), m.uidnext, m.uidvalidity, m.modseq
         FROM mailboxes m LEFT JOIN messages s ON s.mailbox = m.id WHERE m.id = ?1 GROUP BY m.id",
    )?;
    let found =
        query.query_row(params![mailbox, SystemFlags::SEEN.bits(), SystemFlags::DELETED.bits()], |row| {
            Ok(Status {
                messages: row.get(0)?,
                recent: row.get(1)?,
                unseen: row.get(2)?,
                deleted: row.get(3)?,
                size: row.get(4)?,
                uidnext: row.get(5)?,
                uidvalidity: row.get(6)?,
                modseq: row.get(7)?,
            })
        });
    Ok(found.optional()?)
}

fn select(condition: &str) -> String {
    format!(
        "SELECT m.id, m.account, m.name, m.uidvalidity, m.uidnext, m.modseq, m.special_use, s.name IS NOT NULL
         FROM mailboxes m LEFT JOIN subscriptions s ON s.account = m.account AND s.name = m.name
         WHERE {condition}"
    )
}

fn mailbox_from(row: &Row<'_>) -> rusqlite::Result<Mailbox> {
    Ok(Mailbox {
        id: row.get(0)?,
        account: row.get(1)?,
        name: row.get(2)?,
        uidvalidity: row.get(3)?,
        uidnext: row.get(4)?,
        modseq: row.get(5)?,
        special_use: row.get(6)?,
        subscribed: row.get(7)?,
    })
}
