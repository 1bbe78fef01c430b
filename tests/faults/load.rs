//! Work for a server that may go away at any moment: deliveries by SMTP and LMTP, APPEND, STORE, MOVE and EXPUNGE, every
//! attempt in the ledger.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    ledger::{Ledger, Outcome, State},
    machine::Dice,
    server::{ALICE, BOB, CAROL, Ports, Server},
    talk::{Imap, Talk},
};

/// Threads that work until they are told to stop. A connection that is lost is opened again.
#[derive(Debug)]
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    workers: Vec<JoinHandle<()>>,
}

/// What a load does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Messages are added and stay as they are.
    Additions,
    /// Messages are added, changed, moved and removed.
    All,
}

impl Load {
    pub(crate) fn start(server: &Server, ledger: &Arc<Ledger>, kind: Kind, dice: &mut Dice) -> Self {
        let mut load = Self { stop: Arc::default(), workers: Vec::new() };
        load.spawn(server, ledger, dice, |work| work.deliver("smtp", BOB));
        load.spawn(server, ledger, dice, |work| work.deliver("smtp", ALICE));
        load.spawn(server, ledger, dice, |work| work.deliver("lmtp", ALICE));
        load.spawn(server, ledger, dice, Work::append);
        if kind == Kind::All {
            load.spawn(server, ledger, dice, |work| work.change("Work0", "Moved0"));
            load.spawn(server, ledger, dice, |work| work.change("Work1", "Moved1"));
        }
        load
    }

    fn spawn(
        &mut self,
        server: &Server,
        ledger: &Arc<Ledger>,
        dice: &mut Dice,
        work: impl Fn(&mut Work) -> io::Result<()> + Send + 'static,
    ) {
        let (stop, ledger, ports) = (Arc::clone(&self.stop), Arc::clone(ledger), server.ports().clone());
        let mut worker = Work { stop, ledger, ports, dice: dice.other() };
        self.workers.push(thread::spawn(move || {
            while !worker.is_over() {
                // Until the server is back, or for ever gone.
                if work(&mut worker).is_err() {
                    thread::sleep(Duration::from_millis(5));
                }
            }
        }));
    }

    /// Lets all finish what they are doing.
    #[track_caller]
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers {
            assert!(worker.join().is_ok(), "a client has given up");
        }
    }
}

struct Work {
    stop: Arc<AtomicBool>,
    ledger: Arc<Ledger>,
    ports: Ports,
    dice: Dice,
}

impl Work {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn deliver(&mut self, listener: &str, recipient: &'static str) -> io::Result<()> {
        let mut talk = Talk::mail(&self.ports, listener)?;
        while !self.is_over() {
            let id = self.ledger.id();
            let attempt = || (talk.deliver(recipient, &crate::message::message(id)), None);
            let (outcome, _) = self.ledger.attempt(recipient, id, State::at("INBOX", &[], None), attempt);
            go_on(outcome)?;
        }
        Ok(())
    }

    fn append(&mut self) -> io::Result<()> {
        let mut imap = Imap::open(&self.ports, CAROL)?;
        imap.command("CREATE Kept")?;
        while !self.is_over() {
            self.appended(&mut imap, "Kept")?;
        }
        Ok(())
    }

    fn appended(&self, imap: &mut Imap, mailbox: &str) -> io::Result<Option<(u64, u32)>> {
        let id = self.ledger.id();
        let attempt = || imap.append(mailbox, &crate::message::message(id));
        let (outcome, uid) = self.ledger.attempt(CAROL, id, State::at(mailbox, &[], None), attempt);
        go_on(outcome)?;
        Ok(uid.map(|uid| (id, uid)))
    }

    /// Changes messages of a mailbox that nobody else works on.
    fn change(&mut self, mailbox: &str, other: &str) -> io::Result<()> {
        let mut imap = Imap::open(&self.ports, CAROL)?;
        for name in [mailbox, other] {
            imap.command(&format!("CREATE {name}"))?;
        }
        if !imap.command(&format!("SELECT {mailbox}"))?.is_ok() {
            return Err(io::ErrorKind::NotFound.into());
        }
        while !self.is_over() {
            let Some((id, uid)) = self.appended(&mut imap, mailbox)? else { continue };
            let flagged = State::at(mailbox, &["\\Flagged"], Some(uid));
            let text = format!("UID STORE {uid} +FLAGS.SILENT (\\Flagged)");
            if !self.tried(&mut imap, id, flagged, &text)? {
                continue;
            }
            match self.dice.below(3) {
                0 => {
                    let moved = State::at(other, &["\\Flagged"], None);
                    self.tried(&mut imap, id, moved, &format!("UID MOVE {uid} {other}"))?;
                }
                1 => {
                    let deleted = State::at(mailbox, &["\\Deleted"], Some(uid));
                    let text = format!("UID STORE {uid} FLAGS.SILENT (\\Deleted)");
                    if self.tried(&mut imap, id, deleted, &text)? {
                        self.tried(&mut imap, id, State::Nowhere, &format!("UID EXPUNGE {uid}"))?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a command succeeded.
    fn tried(&self, imap: &mut Imap, id: u64, next: State, text: &str) -> io::Result<bool> {
        let (outcome, _) = self.ledger.attempt(CAROL, id, next, || imap.change(text));
        go_on(outcome)?;
        Ok(outcome == Outcome::Acknowledged)
    }
}

/// Whether the connection is still one. A server that says no is not asked again at once.
fn go_on(outcome: Outcome) -> io::Result<()> {
    match outcome {
        Outcome::Acknowledged => Ok(()),
        Outcome::Refused(421) | Outcome::Unsent | Outcome::Unknown => {
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Outcome::Refused(_) => {
            thread::sleep(Duration::from_millis(5));
            Ok(())
        }
    }
}
