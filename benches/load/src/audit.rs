//! Which messages are lost, there twice, or changed: what was acknowledged against what the mailboxes hold.
//!
//! A ledger is a file to which each acknowledged delivery is added, one line for each recipient, before the next is
//! begun: after a server was killed it says what must still be there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::LoadError;
use crate::content::Id;
use crate::imap::Session;
use crate::target::Target;

/// What was acknowledged: for each account the messages it must have.
pub type Acknowledged = BTreeMap<String, BTreeSet<Id>>;

/// What an audit found.
#[derive(Debug, Default)]
pub struct Audit {
    /// Messages that are where they must be.
    pub found: u64,
    /// Acknowledged and not there.
    pub lost: Vec<(String, Id)>,
    /// There more than once.
    pub doubled: Vec<(String, Id)>,
    /// With other octets than were sent.
    pub changed: Vec<(String, Id)>,
    /// There though nobody was told so, as after a server was killed between the two. No fault.
    pub unacknowledged: u64,
    /// How many were compared octet for octet.
    pub compared: u64,
}

/// A file of acknowledged deliveries.
#[derive(Debug)]
pub struct Ledger {
    file: Mutex<File>,
}

impl Ledger {
    /// Goes on with a file, or begins it.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        let file = File::options().create(true).append(true).open(path);
        let file = file.map_err(|error| LoadError::File(format!("{}: {error}", path.display())))?;
        Ok(Self { file: Mutex::new(file) })
    }

    /// Adds a delivery.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn add(&self, recipient: &str, id: Id) -> Result<(), LoadError> {
        let line = format!("{recipient}\t{id}\n");
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes()).map_err(|error| LoadError::File(error.to_string()))
    }

    /// Reads what is in a file. A last line without an end counts for nothing: it was being written.
    ///
    /// # Errors
    ///
    /// It cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Acknowledged, LoadError> {
        let failed =
            |problem: &dyn std::fmt::Display| LoadError::File(format!("{}: {problem}", path.display()));
        let mut file = BufReader::new(File::open(path).map_err(|error| failed(&error))?);
        let mut acknowledged = Acknowledged::new();
        let mut line = String::new();
        while file.read_line(&mut line).map_err(|error| failed(&error))? > 0 {
            let Some(whole) = line.strip_suffix('\n') else { break };
            let entry = whole.split_once('\t').and_then(|(recipient, id)| Some((recipient, Id::parse(id)?)));
            let (recipient, id) = entry.ok_or_else(|| failed(&format!("{whole:?} is no delivery")))?;
            acknowledged.entry(recipient.to_owned()).or_default().insert(id);
            line.clear();
        }
        Ok(acknowledged)
    }
}

impl Audit {
    /// What is wrong, in words.
    pub fn problems(&self) -> Vec<String> {
        let kinds = [("lost", &self.lost), ("there twice", &self.doubled), ("changed", &self.changed)];
        let told = kinds.iter().flat_map(|(what, found)| {
            found.iter().map(move |(account, id)| format!("{what}: {id} of {account}"))
        });
        told.collect()
    }

    /// Whether all is as it was acknowledged.
    pub const fn is_well(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.changed.is_empty()
    }
}

/// Compares what was acknowledged with the INBOX of each account. Where a front server hands messages on later, `patience`
/// is how long it may take. Of each account up to `sample` messages are compared octet for octet.
///
/// # Errors
///
/// The mailboxes cannot be read.
pub async fn audit(
    target: &Target,
    acknowledged: &Acknowledged,
    sample: u64,
    patience: Duration,
) -> Result<Audit, LoadError> {
    let begun = Instant::now();
    let mut audit = Audit::default();
    for (account, wanted) in acknowledged {
        loop {
            let (found, is_complete) = audit_account(target, account, wanted, sample).await?;
            if is_complete || begun.elapsed() >= patience {
                audit.take(found);
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    Ok(audit)
}

impl Audit {
    fn take(&mut self, other: Self) {
        self.found = self.found.saturating_add(other.found);
        self.lost.extend(other.lost);
        self.doubled.extend(other.doubled);
        self.changed.extend(other.changed);
        self.unacknowledged = self.unacknowledged.saturating_add(other.unacknowledged);
        self.compared = self.compared.saturating_add(other.compared);
    }
}

/// One account, and whether nothing is missing.
async fn audit_account(
    target: &Target,
    account: &str,
    wanted: &BTreeSet<Id>,
    sample: u64,
) -> Result<(Audit, bool), LoadError> {
    let mut session = Session::open(target, account).await?;
    let (exists, _) = session.select("INBOX").await?;
    let mut there: BTreeMap<Id, Vec<u32>> = BTreeMap::new();
    if exists > 0 {
        let fetch = "UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])";
        let note = |row: crate::imap::Row| {
            let id = row.payloads.first().and_then(|header| Id::of_header(header));
            if let (Some(id), Some(uid)) = (id, row.uid) {
                there.entry(id).or_default().push(uid);
            }
        };
        session.rows(fetch, note).await?;
    }
    let named = |id: &Id| (account.to_owned(), *id);
    let mut audit = Audit {
        lost: wanted.iter().filter(|id| !there.contains_key(id)).map(named).collect(),
        doubled: there.iter().filter(|(_, uids)| uids.len() > 1).map(|(id, _)| named(id)).collect(),
        ..Audit::default()
    };
    let count = |ids: usize| u64::try_from(ids).unwrap_or(u64::MAX);
    audit.found = count(wanted.iter().filter(|id| there.contains_key(id)).count());
    let runs: BTreeSet<u64> = wanted.iter().map(|id| id.seed).collect();
    let strangers = there.keys().filter(|id| runs.contains(&id.seed) && !wanted.contains(id));
    audit.unacknowledged = count(strangers.count());
    // Those of the sample are spread over all.
    let step = usize::try_from(count(wanted.len()).div_ceil(sample.max(1))).unwrap_or(usize::MAX).max(1);
    let sampled = wanted.iter().step_by(step).filter(|_| sample > 0);
    for (id, uid) in sampled.filter_map(|id| Some((id, there.get(id)?.first()?))) {
        let mut whole = false;
        let compare = |row: crate::imap::Row| {
            whole = row.payloads.first().is_some_and(|octets| id.is_whole(octets));
        };
        session.rows(&format!("UID FETCH {uid} (BODY.PEEK[])"), compare).await?;
        audit.compared = audit.compared.saturating_add(1);
        if !whole {
            audit.changed.push(named(id));
        }
    }
    session.logout().await?;
    let is_complete = audit.lost.is_empty();
    Ok((audit, is_complete))
}

/// A front server is given so long before the mailbox is looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Size;

    #[test]
    fn a_ledger_says_again_what_it_was_told_and_forgives_half_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let ids = [Id::new(9, 0, Size::Mixed), Id::new(9, 1, Size::Fixed(70))];
        for id in ids {
            Ledger::open(&path).unwrap().add("a@x.test", id).unwrap();
        }
        let wanted = Acknowledged::from([("a@x.test".to_owned(), BTreeSet::from(ids))]);
        assert_eq!(Ledger::read(&path).unwrap(), wanted);
        File::options().append(true).open(&path).unwrap().write_all(b"a@x.test\t<9.2").unwrap();
        assert_eq!(Ledger::read(&path).unwrap(), wanted);
        File::options().append(true).open(&path).unwrap().write_all(b"\n").unwrap();
        assert!(Ledger::read(&path).is_err());
    }
}
