//! Coming back to a mailbox that somebody else has changed: [`Resync`] tells exactly what happened meanwhile.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use posthaste_imap::client::{Change, Counted, Known, Method, Outcome, Resync};
use posthaste_imap::types::{Flag, Mailbox, ResponseCode};

use super::{ALICE, Dovecot, Session, run};

/// What a client remembers: whether each message is flagged.
type Memory = BTreeMap<u32, bool>;

/// Brings a mailbox up to date, applies what is told, and gives what to remember and what was told.
async fn catch_up(
    session: &mut Session,
    known: Option<Known>,
    memory: &mut Memory,
) -> (Known, Method, Vec<Change>) {
    let connection = session.connection();
    let mut resync = Resync::new(connection.machine(), Mailbox::inbox(), known);
    let mut told = Vec::new();
    loop {
        resync.run(connection.machine()).unwrap();
        match resync.outcome() {
            Some(Outcome::Done { known, method, counted }) => {
                assert_eq!(*counted, Counted::Right);
                for change in &told {
                    apply(memory, change);
                }
                return (known.clone(), *method, told);
            }
            Some(other) => panic!("{other:?}"),
            None => {}
        }
        let event = connection.next().await.unwrap().expect("the session goes on");
        told.extend(resync.observe(connection.machine(), &event));
    }
}

fn apply(memory: &mut Memory, change: &Change) {
    match change {
        Change::StartOver => memory.clear(),
        Change::New { uid, flags, .. } | Change::Flags { uid, flags, .. } => {
            memory.insert(uid.get(), flags.contains(&Flag::Flagged));
        }
        Change::Gone(uids) => memory.retain(|uid, _| !uids.iter().any(|gone| gone == *uid)),
    }
}

/// The UIDs that changes are of, apart from those that are gone.
pub(super) fn touched(told: &[Change]) -> Vec<u32> {
    let mut uids: Vec<u32> = told
        .iter()
        .filter_map(|change| match change {
            Change::New { uid, .. } | Change::Flags { uid, .. } => Some(uid.get()),
            _ => None,
        })
        .collect();
    uids.sort_unstable();
    uids.dedup();
    uids
}

/// A second session: flags, removes and adds.
pub(super) async fn meddle(other: &mut Session, flag: &str, remove: &str, add: usize) {
    other.run(&format!("UID STORE {flag} +FLAGS (\\Flagged)")).await;
    other.run(&format!("UID STORE {remove} +FLAGS (\\Deleted)")).await;
    other.run(&format!("UID EXPUNGE {remove}")).await;
    for number in 0..add {
        other.append("INBOX", format!("Subject: more {number}\r\n\r\n").as_bytes()).await;
    }
}

/// What is in the mailbox, read without any of this.
async fn truth(other: &mut Session) -> Memory {
    other.run("NOOP").await;
    let flagged = other.numbers("UID SEARCH FLAGGED").await;
    other.numbers("UID SEARCH ALL").await.into_iter().map(|uid| (uid, flagged.contains(&uid))).collect()
}

#[test]
fn dovecot_tells_by_qresync_what_changed_and_nothing_else() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut other = dovecot.filled(12).await;
        other.run("SELECT INBOX").await;

        let mut memory = Memory::new();
        let mut session = dovecot.session(ALICE).await;
        let (known, _, told) = catch_up(&mut session, None, &mut memory).await;
        assert_eq!(told.len(), 12, "{told:?}");
        assert_eq!(memory, truth(&mut other).await);
        drop(session);

        meddle(&mut other, "2,5", "3:4,12", 2).await;
        let mut session = dovecot.session(ALICE).await;
        let (known, method, told) = catch_up(&mut session, Some(known), &mut memory).await;
        assert_eq!(method, Method::QResync);
        assert_eq!(touched(&told), [2, 5, 13, 14], "{told:?}");
        assert_eq!(memory, truth(&mut other).await);
        drop(session);

        // Nothing happened: nothing is told.
        let mut session = dovecot.session(ALICE).await;
        let (known, _, told) = catch_up(&mut session, Some(known), &mut memory).await;
        assert_eq!(told, []);

        // The same connection again, which has the mailbox open and is told of what happens there.
        meddle(&mut other, "13", "1", 1).await;
        let (known, _, told) = catch_up(&mut session, Some(known), &mut memory).await;
        assert!(touched(&told).iter().all(|uid| [13, 15].contains(uid)), "{told:?}");
        assert_eq!(memory, truth(&mut other).await);
        drop(session);

        // Another UIDVALIDITY: everything starts over.
        let mut session = dovecot.session(ALICE).await;
        let old =
            Known { uid_validity: NonZeroU32::new(known.uid_validity.get() - 1).unwrap(), ..known.clone() };
        let (_, _, told) = catch_up(&mut session, Some(old), &mut memory).await;
        assert_eq!(told.first(), Some(&Change::StartOver));
        assert_eq!(memory, truth(&mut other).await);
        drop(session);

        // Without mod-sequences remembered, everything is compared.
        meddle(&mut other, "14", "6", 1).await;
        let mut session = dovecot.session(ALICE).await;
        let poor = Known { highest_mod_seq: None, ..known };
        let (_, method, _) = catch_up(&mut session, Some(poor), &mut memory).await;
        assert_eq!(method, Method::Full);
        assert_eq!(memory, truth(&mut other).await);
    });
}

#[test]
fn dovecot_does_not_store_over_a_change_that_was_not_seen() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut session = dovecot.filled(2).await;
        session.run("SELECT INBOX (CONDSTORE)").await;
        let seen = session.machine().mailbox().unwrap().highest_mod_seq.unwrap();
        let mut other = dovecot.session(ALICE).await;
        other.run("SELECT INBOX").await;
        other.run("UID STORE 2 +FLAGS (\\Flagged)").await;
        // RFC 7162 3.1.3: the one is stored, the other is named.
        let text = format!("UID STORE 1:2 (UNCHANGEDSINCE {seen}) FLAGS (\\Seen)");
        let (status, _) = session.done(&text).await;
        match status.code {
            Some(ResponseCode::Modified(set)) => assert_eq!(set.to_string(), "2"),
            code => panic!("{code:?}"),
        }
        assert_eq!(session.numbers("UID SEARCH SEEN").await, [1]);
        assert_eq!(session.numbers("UID SEARCH FLAGGED").await, [2]);
        let changed = session.rows(&format!("UID FETCH 1:* (FLAGS) (CHANGEDSINCE {seen})")).await;
        assert_eq!(changed.len(), 2, "{changed:?}");
    });
}
