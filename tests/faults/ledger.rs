//! What was sent, what was acknowledged, and what may therefore be found.
//!
//! ```text
//!   begin(next) ---> { before, next } --- acknowledged ---> { next }
//!                          |
//!                          +--- refused, or never sent ---> { before }
//!                          +--- connection lost ----------> { before, next }, until an audit has seen which
//! ```
//!
//! The ledger is in the memory of the test, which is not the process that is killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    message::{self, FIELD, Id},
    server::{Ports, Server},
    talk::Imap,
};

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server said that it is done.
    Acknowledged,
    /// The server said no: a code of SMTP, or 0.
    Refused(u16),
    /// The connection was lost before all of it was said.
    Unsent,
    /// The connection was lost between the end and the answer.
    Unknown,
}

/// Where a message is, and how.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Nowhere,
    At {
        mailbox: String,
        flags: BTreeSet<String>,
        /// Where the server has said it.
        uid: Option<u32>,
    },
}

impl State {
    pub(crate) fn at(mailbox: &str, flags: &[&str], uid: Option<u32>) -> Self {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Self::At { mailbox: mailbox.to_owned(), flags, uid }
    }

    fn allows(&self, found: &Self) -> bool {
        match (self, found) {
            (
                Self::At { mailbox, flags, uid },
                Self::At { mailbox: found_mailbox, flags: found_flags, uid: found_uid },
            ) => mailbox == found_mailbox && flags == found_flags && (uid.is_none() || uid == found_uid),
            (one, other) => one == other,
        }
    }
}

/// All messages of a test.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    last: AtomicU64,
    tally: Mutex<Tally>,
    accounts: Mutex<BTreeMap<&'static str, Account>>,
}

/// How many attempts ended how. What an audit finds wrong is not counted, but ends the test.
#[derive(Debug, Default)]
struct Tally {
    acknowledged: usize,
    refused: usize,
    unsent: usize,
    unknown: usize,
    audits: usize,
}

#[derive(Debug, Default)]
struct Account {
    messages: BTreeMap<Id, Entry>,
    /// Which message each UID of a mailbox has ever meant.
    uids: BTreeMap<String, Uids>,
}

#[derive(Debug)]
struct Entry {
    /// It is in one of these.
    may_be: BTreeSet<State>,
    /// What is being tried.
    next: Option<State>,
    /// Its octets have been compared at this place.
    compared: Option<(String, u32)>,
}

#[derive(Debug, Default)]
struct Uids {
    validity: Option<u32>,
    meant: BTreeMap<u32, Id>,
}

impl Ledger {
    /// A number that no message has.
    pub(crate) fn id(&self) -> Id {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// To be noted before it is tried.
    pub(crate) fn begin(&self, user: &'static str, id: Id, next: State) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = accounts.entry(user).or_default().messages.entry(id).or_insert_with(|| Entry {
            may_be: BTreeSet::from([State::Nowhere]),
            next: None,
            compared: None,
        });
        entry.next = Some(next);
    }

    /// What became of it; `uid` where the server said which it is now.
    pub(crate) fn end(&self, user: &'static str, id: Id, outcome: Outcome, uid: Option<u32>) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let account = accounts.get_mut(user).unwrap();
        let entry = account.messages.get_mut(&id).unwrap();
        let mut next = entry.next.take().unwrap();
        if let (State::At { uid: told, mailbox, .. }, Some(uid)) = (&mut next, uid) {
            *told = Some(uid);
            let meant = &mut account.uids.entry(mailbox.clone()).or_default().meant;
            let before = meant.insert(uid, id);
            assert!(
                before.is_none_or(|before| before == id),
                "{user}: UID {uid} of {mailbox} is given again"
            );
        }
        self.tally(|tally| match outcome {
            Outcome::Acknowledged => tally.acknowledged += 1,
            Outcome::Refused(_) => tally.refused += 1,
            Outcome::Unsent => tally.unsent += 1,
            Outcome::Unknown => tally.unknown += 1,
        });
        match outcome {
            Outcome::Acknowledged => entry.may_be = BTreeSet::from([next]),
            Outcome::Unknown => {
                entry.may_be.insert(next);
            }
            Outcome::Refused(_) | Outcome::Unsent => {}
        }
    }

    /// As [`begin`](Self::begin), the attempt and [`end`](Self::end).
    pub(crate) fn attempt(
        &self,
        user: &'static str,
        id: Id,
        next: State,
        attempt: impl FnOnce() -> (Outcome, Option<u32>),
    ) -> (Outcome, Option<u32>) {
        self.begin(user, id, next);
        let (outcome, uid) = attempt();
        self.end(user, id, outcome, uid);
        (outcome, uid)
    }

    fn tally(&self, count: impl FnOnce(&mut Tally)) {
        count(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Shows how the attempts ended, and what the audits found: none of them has failed so far.
    pub(crate) fn show(&self, purpose: &str) {
        self.tally(|Tally { acknowledged, refused, unsent, unknown, audits }| {
            println!(
                "{purpose}: {acknowledged} acknowledged, {refused} refused, {unsent} not sent, {unknown} unknown; \
                 lost 0, duplicated 0, refused and there 0 in {audits} audits"
            );
        });
    }

    /// How many attempts have ended, and how many of them not well.
    pub(crate) fn attempts(&self) -> (usize, usize) {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = tally.refused + tally.unsent + tally.unknown;
        (tally.acknowledged + failed, failed)
    }

    /// How many messages are certainly somewhere.
    pub(crate) fn acknowledged(&self) -> usize {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = accounts.values().flat_map(|account| account.messages.values());
        entries.filter(|entry| !entry.may_be.contains(&State::Nowhere)).count()
    }

    /// The messages that are certainly somewhere, whatever is being tried.
    pub(crate) fn certain(&self) -> BTreeSet<(&'static str, Id)> {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |(user, account): (&&'static str, &Account)| {
            let certain =
                account.messages.iter().filter(|(_, entry)| !entry.may_be.contains(&State::Nowhere));
            certain.map(|(id, _)| (*user, *id)).collect::<Vec<_>>()
        };
        accounts.iter().flat_map(of).collect()
    }

    /// Asserts that all mailboxes of all users hold what they must, and notes what was left open. Nothing else may work
    /// on them meanwhile.
    #[track_caller]
    pub(crate) fn audit(&self, server: &Server) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut problems = Vec::new();
        for (user, account) in &mut *accounts {
            account.audit(user, server.ports(), &mut problems);
        }
        assert!(problems.is_empty(), "{}\n{}", problems.join("\n"), server.log());
        self.tally(|tally| tally.audits += 1);
    }
}

impl Account {
    fn audit(&mut self, user: &str, ports: &Ports, problems: &mut Vec<String>) {
        let mut imap = Imap::open(ports, user).unwrap();
        let mut found: BTreeMap<Id, Vec<State>> = BTreeMap::new();
        for mailbox in mailboxes(&mut imap) {
            let selected = imap.ok(&format!("EXAMINE {mailbox}"));
            let uids = self.uids.entry(mailbox.clone()).or_default();
            let (validity, uidnext) = (selected.number("UIDVALIDITY"), selected.number("UIDNEXT"));
            if uids.validity.replace(validity).is_some_and(|before| before != validity) {
                problems.push(format!("{user}: UIDVALIDITY of {mailbox} is another now"));
            }
            if uids.meant.last_key_value().is_some_and(|(highest, _)| *highest >= uidnext) {
                problems.push(format!(
                    "{user}: UIDNEXT {uidnext} of {mailbox} is behind {:?}",
                    uids.meant.last_key_value()
                ));
            }
            let mut new = Vec::new();
            for row in imap.messages("1:*", &format!("BODY.PEEK[HEADER.FIELDS ({FIELD})]")).unwrap() {
                let Some(id) = message::id_of(&row.octets) else {
                    problems.push(format!("{user}: UID {} of {mailbox} is nothing that was sent", row.uid));
                    continue;
                };
                if uids.meant.insert(row.uid, id).is_some_and(|before| before != id) {
                    problems.push(format!("{user}: UID {} of {mailbox} is {id} now", row.uid));
                }
                let flags = row.flags.split_whitespace().filter(|flag| *flag != "\\Recent");
                let flags = flags.map(str::to_owned).collect();
                found.entry(id).or_default().push(State::At {
                    mailbox: mailbox.clone(),
                    flags,
                    uid: Some(row.uid),
                });
                if let Some(entry) = self.messages.get_mut(&id) {
                    let place = Some((mailbox.clone(), row.uid));
                    if entry.compared != place {
                        entry.compared = place;
                        new.push(row.uid);
                    }
                }
            }
            for part in new.chunks(50) {
                let set = part.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
                let rows = imap.messages(&set, "BODY.PEEK[]").unwrap();
                if rows.len() != part.len() {
                    problems.push(format!("{user}: of {set} in {mailbox} come {} bodies", rows.len()));
                }
                for row in rows {
                    let id = uids.meant[&row.uid];
                    if !message::is_whole(id, &row.octets) {
                        problems.push(format!("{user}: {id} in {mailbox} has changed"));
                    }
                }
            }
        }
        self.compare(user, &found, problems);
    }

    fn compare(&mut self, user: &str, found: &BTreeMap<Id, Vec<State>>, problems: &mut Vec<String>) {
        for id in found.keys().filter(|id| !self.messages.contains_key(id)) {
            problems.push(format!("{user}: {id} was never sent"));
        }
        for (id, entry) in &mut self.messages {
            let is = match found.get(id).map(Vec::as_slice) {
                None => &State::Nowhere,
                Some([one]) => one,
                Some(several) => {
                    problems.push(format!("{user}: {id} is there more than once: {several:?}"));
                    continue;
                }
            };
            if entry.may_be.iter().any(|may| may.allows(is)) {
                entry.may_be = BTreeSet::from([is.clone()]);
            } else {
                problems.push(format!("{user}: {id} is {is:?} and may be {:?}", entry.may_be));
            }
        }
    }
}

/// The names of all mailboxes; those of these tests have no spaces.
pub(crate) fn mailboxes(imap: &mut Imap) -> Vec<String> {
    let answer = imap.ok("LIST \"\" \"*\"");
    let names = answer.untagged.iter().filter(|line| line.text.starts_with("* LIST"));
    names.map(|line| line.text.rsplit(' ').next().unwrap().trim_matches('"').to_owned()).collect()
}
