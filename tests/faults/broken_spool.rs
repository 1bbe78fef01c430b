//! REL-06, REL-08 where large messages wait until all of them has come: a disk that is full or fails there concerns that
//! message and no other. It is refused for now, nothing of it stays, and the store goes on.

use std::{cell::Cell, fs, path::Path, time::Duration};

use crate::{
    ledger::{Ledger, Outcome, State},
    machine, message,
    message::{Id, Size},
    server::{ALICE, BOB, CAROL, Server},
    talk::{Imap, Talk},
    tracer::{self, Tracer},
};

/// Files that a server may make for messages while it is looked at.
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
    for (call, failures, sizes) in [
        ("openat", &[FULL, BROKEN, ("EMFILE", BROKEN.1)][..], &[Size::Large, Size::Filed][..]),
        ("write", &[FULL, BROKEN], &[Size::Large, Size::Filed]),
        ("lseek", &[BROKEN], &[Size::Large, Size::Filed]),
        // Where its file comes to stay.
        ("rename", &[FULL, BROKEN], &[Size::Filed]),
        ("fdatasync", &[FULL, BROKEN], &[Size::Filed]),
        ("fsync", &[FULL, BROKEN], &[Size::Filed]),
    ] {
        for ((error, reply), size) in failures.iter().flat_map(|it| sizes.iter().map(move |size| (it, *size)))
        {
            let trace = stage.trace(&strace, call, &format!("inject={call}:error={error}:when=1+"));
            for listener in ["smtp", "lmtp"] {
                assert_eq!(stage.deliver(listener, size).unwrap_err().get(..10), Some(*reply), "{call}");
                // What needs no file of its own comes in beside it.
                stage.deliver(listener, Size::Small).unwrap();
            }
            assert_eq!(stage.append(size), Outcome::Refused(0), "{call}: {error}");
            assert_eq!(stage.append(Size::Small), Outcome::Acknowledged);
            drop(trace);
            stage.is_well(&format!("{call}: {error}, {size:?}"));
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
                if let Err(reply) = stage.deliver("smtp", Size::Large) {
                    assert_eq!(reply.get(..10), Some(BROKEN.1), "{inject}");
                    refused += 1;
                }
                refused += usize::from(stage.append(Size::Large) == Outcome::Refused(0));
                stage.deliver("smtp", Size::Small).unwrap();
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
    stage.deliver("smtp", Size::Large).unwrap();
    assert_eq!(stage.append(Size::Large), Outcome::Acknowledged);
    drop(trace);
    assert_eq!(stage.waiting(), 2);
    assert!(stage.server.terminate().success());
    stage.server.launch();
    stage.is_well("unlink");
    // The same where a file was to stay, and did not come to it.
    let calls = ["inject=unlink:error=EIO:when=1+", "inject=fdatasync:error=EIO:when=1+"];
    let trace = stage.trace_all(&strace, "unlink,fdatasync", &calls);
    stage.deliver("smtp", Size::Filed).unwrap_err();
    drop(trace);
    assert_eq!(stage.kept(), stage.filed.get() + 1);
    assert!(stage.server.terminate().success());
    stage.server.launch();
    stage.is_well("unlink of what was to stay");
    stage.end("not removed");
}

/// A server, and what it was sent.
struct Stage {
    server: Server,
    ledger: Ledger,
    /// Messages that were taken and stay in files.
    filed: Cell<usize>,
}

impl Stage {
    fn new() -> Self {
        Self { server: Server::start(), ledger: Ledger::default(), filed: Cell::new(0) }
    }

    /// Lets `call` on the files of messages, and on the directory they stay in, fail in this way and on no other file.
    fn trace(&self, strace: &Path, call: &str, inject: &str) -> Tracer {
        self.trace_all(strace, call, &[inject])
    }

    fn trace_all(&self, strace: &Path, calls: &str, injections: &[&str]) -> Tracer {
        let (data, (prefix, last)) = (self.server.data(), self.last_name());
        let mut files = vec![data.join("contents")];
        for folder in ["spool", "contents"] {
            files.extend(
                (last..last + FILES).map(|number| data.join(folder).join(format!("{prefix}-{number:x}"))),
            );
        }
        let files: Vec<String> =
            files.into_iter().map(|file| file.into_os_string().into_string().unwrap()).collect();
        let mut words: Vec<&str> = injections.iter().flat_map(|inject| ["-e", inject]).collect();
        words.extend(files.iter().flat_map(|file| ["-P", file]));
        Tracer::attach(strace, &self.server, calls, &words)
    }

    /// How the names of all files of this run of the server begin, and the number in the last.
    fn last_name(&self) -> (String, usize) {
        let contents = self.server.data().join("contents");
        let names = || -> Vec<String> {
            let entries = fs::read_dir(&contents).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        };
        let before = names();
        assert_eq!(self.deliver("smtp", Size::Filed), Ok(()));
        let name = names().into_iter().find(|name| !before.contains(name)).expect("a file");
        let (prefix, number) = name.rsplit_once('-').unwrap();
        (prefix.to_owned(), usize::from_str_radix(number, 16).unwrap())
    }

    /// A number whose message has this size.
    fn id(&self, size: Size) -> Id {
        loop {
            let id = self.ledger.id();
            if Size::of(id) == size {
                return id;
            }
        }
    }

    fn taken(&self, size: Size) {
        self.filed.set(self.filed.get() + usize::from(size == Size::Filed));
    }

    /// Sends a message; what the server says where it refuses it.
    fn deliver(&self, listener: &str, size: Size) -> Result<(), String> {
        let recipient = if listener == "lmtp" { CAROL } else { BOB };
        let mut talk = Talk::mail(self.server.ports(), listener).unwrap();
        for line in ["MAIL FROM:<sender@remote.test>", &format!("RCPT TO:<{recipient}>"), "DATA"] {
            talk.accepted(line);
        }
        let id = self.id(size);
        self.ledger.begin(recipient, id, State::at("INBOX", &[], None));
        talk.send([&message::message(id), &b".\r\n"[..]].concat()).unwrap();
        let (code, reply) = talk.reply().unwrap();
        let outcome = if code == 250 { Outcome::Acknowledged } else { Outcome::Refused(code) };
        self.ledger.end(recipient, id, outcome, None);
        // The session goes on whatever became of the message.
        talk.accepted("NOOP");
        if code != 250 {
            return Err(reply);
        }
        self.taken(size);
        Ok(())
    }

    fn append(&self, size: Size) -> Outcome {
        let mut imap = Imap::open(self.server.ports(), ALICE).unwrap();
        let id = self.id(size);
        let message = message::message(id);
        let new = State::at("INBOX", &[], None);
        let (outcome, _) = self.ledger.attempt(ALICE, id, new, || imap.append("INBOX", &message));
        imap.ok("NOOP");
        if outcome == Outcome::Acknowledged {
            self.taken(size);
        }
        outcome
    }

    fn waiting(&self) -> usize {
        fs::read_dir(self.server.data().join("spool")).unwrap().count()
    }

    fn kept(&self) -> usize {
        fs::read_dir(self.server.data().join("contents")).unwrap().count()
    }

    /// Nothing is left of what was refused, nothing is lost of what was taken, and what comes is taken again.
    #[track_caller]
    fn is_well(&self, after: &str) {
        let is_clean = || (self.waiting() == 0 && self.kept() == self.filed.get()).then_some(());
        let gone = machine::eventually(Duration::from_secs(10), is_clean);
        let (waiting, kept, filed) = (self.waiting(), self.kept(), self.filed.get());
        assert!(gone.is_some(), "{after}: {waiting} files wait, {kept} are kept for {filed} messages");
        assert!(self.server.is_ready(), "{after}\n{}", self.server.log());
        for size in [Size::Large, Size::Filed] {
            assert_eq!(self.deliver("smtp", size), Ok(()), "{after}\n{}", self.server.log());
            assert_eq!(self.append(size), Outcome::Acknowledged, "{after}\n{}", self.server.log());
        }
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
