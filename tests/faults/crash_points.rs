//! REL-22: the server ends at each single call to its disk while it works through every kind of change: strace kills it
//! when the n-th comes, for every n until the work is done. Each command has happened or has not, nothing in between.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    ledger::{Ledger, Outcome, State, mailboxes},
    machine, message,
    server::{CAROL, Server},
    talk::{Imap, Talk},
    tracer::{self, Tracer},
};

/// All by which a file is changed.
const CALLS: &str = "pwrite64,fdatasync,fsync,ftruncate,unlink,unlinkat,rename,renameat2,openat,write";

#[test]
fn rel_22_each_command_happens_or_does_not_wherever_the_server_ends() {
    let Some(strace) = tracer::find() else { return };
    let ledger = Ledger::default();
    let mut server = Server::start();
    let mut mailboxes = Mailboxes::default();
    // Those between are for the long run.
    let step = if machine::is_long() { 1 } else { 4 };
    let mut n = 1;
    let mut points = 0;
    loop {
        let inject = format!("inject={CALLS}:signal=SIGKILL:when={n}");
        let trace = Tracer::attach(&strace, &server, CALLS, &["-e", &inject]);
        let done = work(&server, &ledger, &mut mailboxes, n);
        drop(trace);
        let ended = !server.is_running() || !done;
        if ended {
            server.wait(Duration::from_secs(10));
        } else {
            server.kill();
        }
        server.launch();
        ledger.audit(&server);
        mailboxes.audit(&server);
        server.check();
        points += 1;
        if !ended {
            break;
        }
        n += step;
    }
    ledger.show(&format!("{points} points, up to call {n} of a thread"));
    assert!(n > 10, "strace did not kill the server: {n}");
    server.assert_no_panic();
}

/// Which mailboxes are there, and which may be.
#[derive(Debug, Default)]
struct Mailboxes(BTreeMap<String, bool>);

impl Mailboxes {
    /// Tries a command that changes what mailboxes there are: each name, and whether it is there afterwards.
    fn attempt(&mut self, imap: &mut Imap, text: &str, after: &[(String, bool)]) -> Option<()> {
        for (name, _) in after {
            self.0.remove(name);
        }
        let (outcome, _) = imap.change(text);
        if outcome == Outcome::Acknowledged {
            self.0.extend(after.iter().cloned());
            return Some(());
        }
        assert_eq!(outcome, Outcome::Unknown, "{text}");
        None
    }

    fn audit(&self, server: &Server) {
        let mut imap = Imap::open(server.ports(), CAROL).unwrap();
        let there = mailboxes(&mut imap);
        for (name, is_there) in &self.0 {
            assert_eq!(there.contains(name), *is_there, "{name} in {there:?}");
        }
    }
}

/// Every kind of change, once; whether the server lived through all of them.
fn work(server: &Server, ledger: &Ledger, mailboxes: &mut Mailboxes, n: u32) -> bool {
    try_work(server, ledger, mailboxes, n).is_some()
}

fn try_work(server: &Server, ledger: &Ledger, mailboxes: &mut Mailboxes, n: u32) -> Option<()> {
    let name = |what: &str| format!("{what}{n}");
    for (listener, large) in [("smtp", false), ("lmtp", true)] {
        let mut talk = Talk::mail(server.ports(), listener).ok()?;
        let id = large_or_small(ledger, large);
        let attempt = || (talk.deliver(CAROL, &message::message(id)), None);
        acknowledged(ledger.attempt(CAROL, id, State::at("INBOX", &[], None), attempt))?;
    }
    let mut imap = Imap::open(server.ports(), CAROL).ok()?;
    let (one, two) = (name("One"), name("Two"));
    mailboxes.attempt(&mut imap, &format!("CREATE {one}"), &[(one.clone(), true)])?;
    mailboxes.attempt(&mut imap, &format!("CREATE {two}"), &[(two.clone(), true)])?;
    imap.command(&format!("SELECT {one}")).ok()?;
    let mut changed = Vec::new();
    for large in [false, false, true] {
        let id = large_or_small(ledger, large);
        let attempt = || imap.append(&one, &message::message(id));
        let uid = acknowledged(ledger.attempt(CAROL, id, State::at(&one, &[], None), attempt))?;
        changed.push((id, uid?));
    }
    let [(kept, kept_uid), (gone, gone_uid), (moved, moved_uid)] = changed[..] else { return None };
    let mut step =
        |id, next, text: String| acknowledged(ledger.attempt(CAROL, id, next, || imap.change(&text)));
    let flags = State::at(&one, &["\\Flagged", "own"], Some(kept_uid));
    step(kept, flags, format!("UID STORE {kept_uid} +FLAGS.SILENT (\\Flagged own)"))?;
    let flags = State::at(&one, &["\\Deleted"], Some(gone_uid));
    step(gone, flags, format!("UID STORE {gone_uid} +FLAGS.SILENT (\\Deleted)"))?;
    step(gone, State::Nowhere, "EXPUNGE".to_owned())?;
    step(moved, State::at(&two, &[], None), format!("UID MOVE {moved_uid} {two}"))?;
    // A copy is one message more: it is the only one of its name, and goes with its mailbox.
    imap.command("UNSELECT").ok()?;
    let (copies, renamed) = (name("Copies"), name("Renamed"));
    mailboxes.attempt(&mut imap, &format!("CREATE {copies}"), &[(copies.clone(), true)])?;
    mailboxes.attempt(&mut imap, &format!("SUBSCRIBE {copies}"), &[])?;
    let after = [(copies.clone(), false), (renamed.clone(), true)];
    mailboxes.attempt(&mut imap, &format!("RENAME {copies} {renamed}"), &after)?;
    mailboxes.attempt(&mut imap, &format!("SETACL {renamed} bob@example.test lr"), &[])?;
    mailboxes.attempt(&mut imap, &format!("DELETE {renamed}"), &[(renamed.clone(), false)])?;
    imap.command("LOGOUT").ok()?;
    Some(())
}

/// A number whose message is large, or small.
fn large_or_small(ledger: &Ledger, large: bool) -> message::Id {
    loop {
        let id = ledger.id();
        if (message::message(id).len() > 100_000) == large {
            return id;
        }
    }
}

/// The UID, where the server is still there.
fn acknowledged((outcome, uid): (Outcome, Option<u32>)) -> Option<Option<u32>> {
    assert!(!matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    (outcome == Outcome::Acknowledged).then_some(uid)
}
