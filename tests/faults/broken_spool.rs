//! REL-06, REL-08 where large messages wait until all of them has come: a disk that is full or fails there concerns that
//! message and no other. It is refused for now, nothing of it stays, and the store goes on.

use std::{fs, path::Path, time::Duration};

use crate::{
    ledger::{Ledger, Outcome, State},
    machine, message,
    message::Id,
    server::{ALICE, BOB, CAROL, Server},
    talk::{Imap, Talk},
    tracer::{self, Tracer},
};

/// Files that a server may make for messages while a test looks.
const FILES: usize = 100;

/// How a call fails, and how SMTP tells it: no room for now, or trouble here.
const FULL: (&str, &str) = ("ENOSPC", "452 4.3.1 ");
const BROKEN: (&str, &str) = ("EIO", "451 4.3.0 ");

/// Deliveries after which a call that is not the first of its thread has been reached.
const DELIVERIES_MAX: usize = 20;

#[test]
fn rel_06_rel_08_a_message_that_can_not_wait_on_the_disk_is_refused_alone() {
    let Some(strace) = tracer::find() else { return };
    let stage = Stage::new();
    for (call, failures) in [
        ("openat", &[FULL, BROKEN, ("EMFILE", BROKEN.1)][..]),
        ("write", &[FULL, BROKEN]),
        ("lseek", &[BROKEN]),
    ] {
        for (error, reply) in failures {
            let trace = stage.trace(&strace, call, &format!("inject={call}:error={error}:when=1+"));
            for listener in ["smtp", "lmtp"] {
                assert_eq!(stage.deliver(listener, true).unwrap_err().get(..10), Some(*reply), "{call}");
                // What needs no file of its own comes in beside it.
                stage.deliver(listener, false).unwrap();
            }
            assert_eq!(stage.append(true), Outcome::Refused(0), "{call}: {error}");
            assert_eq!(stage.append(false), Outcome::Acknowledged);
            drop(trace);
            stage.is_well(&format!("{call}: {error}"));
        }
    }
    stage.end("no place to wait");
}

#[test]
fn rel_08_a_call_that_fails_in_the_middle_of_a_waiting_message_refuses_it() {
    let Some(strace) = tracer::find() else { return };
    let stage = Stage::new();
    // Read for what is computed of it, then by the writer, whose other work must not suffer.
    for (call, n) in [("write", 2), ("read", 1), ("read", 2), ("read", 3), ("read", 5), ("lseek", 3)] {
        for span in ["", "+"] {
            let inject = format!("inject={call}:error=EIO:when={n}{span}");
            let trace = stage.trace(&strace, call, &inject);
            let mut refused = 0;
            for _ in 0..DELIVERIES_MAX {
                if let Err(reply) = stage.deliver("smtp", true) {
                    assert_eq!(reply.get(..10), Some(BROKEN.1), "{inject}");
                    refused += 1;
                }
                refused += usize::from(stage.append(true) == Outcome::Refused(0));
                stage.deliver("smtp", false).unwrap();
                if refused > 1 {
                    break;
                }
            }
            drop(trace);
            assert!(refused > 0, "{inject}: never reached\n{}", stage.server.log());
            stage.is_well(&inject);
        }
    }
    stage.end("broken where messages wait");
}

#[test]
fn rel_08_a_file_that_can_not_be_removed_is_no_reason_to_refuse_and_goes_at_the_next_start() {
    let Some(strace) = tracer::find() else { return };
    let mut stage = Stage::new();
    let trace = stage.trace(&strace, "unlink", "inject=unlink:error=EIO:when=1+");
    stage.deliver("smtp", true).unwrap();
    assert_eq!(stage.append(true), Outcome::Acknowledged);
    drop(trace);
    assert_eq!(stage.files(), 2);
    assert!(stage.server.terminate().success());
    stage.server.launch();
    stage.is_well("unlink");
    stage.end("not removed");
}

/// A server, and what it was sent.
struct Stage {
    server: Server,
    ledger: Ledger,
}

impl Stage {
    fn new() -> Self {
        Self { server: Server::start(), ledger: Ledger::default() }
    }

    /// Lets `call` on the files of waiting messages fail, in this way and on no other file.
    fn trace(&self, strace: &Path, call: &str, inject: &str) -> Tracer {
        let folder = self.server.data().join("spool");
        let file = |number: usize| folder.join(format!("{}-{number}", self.server.pid()));
        let files: Vec<String> =
            (0..FILES).map(|number| file(number).into_os_string().into_string().unwrap()).collect();
        let mut words = vec!["-e", inject];
        words.extend(files.iter().flat_map(|file| ["-P", file]));
        Tracer::attach(strace, &self.server, call, &words)
    }

    /// A number whose message waits in a file, or one that waits in memory.
    fn id(&self, is_large: bool) -> Id {
        loop {
            let id = self.ledger.id();
            if (message::message(id).len() > 100_000) == is_large {
                return id;
            }
        }
    }

    /// Sends a message; what the server says where it refuses it.
    fn deliver(&self, listener: &str, is_large: bool) -> Result<(), String> {
        let recipient = if listener == "lmtp" { CAROL } else { BOB };
        let mut talk = Talk::mail(self.server.ports(), listener).unwrap();
        for line in ["MAIL FROM:<sender@remote.test>", &format!("RCPT TO:<{recipient}>"), "DATA"] {
            talk.accepted(line);
        }
        let id = self.id(is_large);
        self.ledger.begin(recipient, id, State::at("INBOX", &[], None));
        talk.send([&message::message(id), &b".\r\n"[..]].concat()).unwrap();
        let (code, reply) = talk.reply().unwrap();
        let outcome = if code == 250 { Outcome::Acknowledged } else { Outcome::Refused(code) };
        self.ledger.end(recipient, id, outcome, None);
        // The session goes on whatever became of the message.
        talk.accepted("NOOP");
        if code == 250 { Ok(()) } else { Err(reply) }
    }

    fn append(&self, is_large: bool) -> Outcome {
        let mut imap = Imap::open(self.server.ports(), ALICE).unwrap();
        let id = self.id(is_large);
        let message = message::message(id);
        let new = State::at("INBOX", &[], None);
        let (outcome, _) = self.ledger.attempt(ALICE, id, new, || imap.append("INBOX", &message));
        imap.ok("NOOP");
        outcome
    }

    fn files(&self) -> usize {
        fs::read_dir(self.server.data().join("spool")).unwrap().count()
    }

    /// Nothing is left of what was refused, nothing is lost of what was taken, and what comes is taken again.
    #[track_caller]
    fn is_well(&self, after: &str) {
        let gone = machine::eventually(Duration::from_secs(10), || (self.files() == 0).then_some(()));
        assert!(gone.is_some(), "{after}: {} files are left", self.files());
        assert!(self.server.is_ready(), "{after}\n{}", self.server.log());
        assert_eq!(self.deliver("smtp", true), Ok(()), "{after}\n{}", self.server.log());
        assert_eq!(self.append(true), Outcome::Acknowledged, "{after}\n{}", self.server.log());
        self.ledger.audit(&self.server);
        self.server.check();
        let log = self.server.whole_log();
        assert!(!log.contains("accepts no more changes"), "{after}\n{}", self.server.log());
    }

    fn end(mut self, purpose: &str) {
        self.ledger.show(purpose);
        self.server.assert_no_panic();
        self.server.kill();
        self.server.launch();
        self.ledger.audit(&self.server);
        self.server.check();
    }
}
