//! REL-08, REL-09: a disk that fails, and one that does less than it was asked for. strace answers for the system with
//! EIO; a library in front of that of C makes reads and writes short and interrupts them. It needs the C compiler that
//! SQLite was built with.

use std::{path::Path, time::Duration};

use crate::{
    ledger::{Ledger, Outcome, State},
    machine, message, program,
    server::{ALICE, BOB, Server, Setting},
    talk::{Imap, Talk},
    tracer::{self, Tracer},
};

/// So many deliveries reach each of the calls that are tried.
const DELIVERIES_MAX: u32 = 40;

#[test]
fn rel_08_a_failing_flush_is_refused_and_ends_all_changes() {
    let Some(strace) = tracer::find() else { return };
    fail_each(&strace, "fdatasync,fsync", &numbers(&[1, 2, 3, 6], 16));
}

#[test]
fn rel_08_a_failing_write_is_refused_and_ends_all_changes() {
    let Some(strace) = tracer::find() else { return };
    fail_each(&strace, "pwrite64", &numbers(&[1, 2, 5, 12, 30, 70], 100));
}

/// Which calls fail: these, or, in a long run, all up to one.
fn numbers(some: &[u32], last: u32) -> Vec<u32> {
    if machine::is_long() { (1..=last).collect() } else { some.to_vec() }
}

/// How long a disk fails.
#[derive(Debug, Clone, Copy)]
enum Span {
    Once,
    Ever,
}

/// Lets the n-th call of each thread, counted from a quiet server, fail, alone or with all behind it.
fn fail_each(strace: &Path, calls: &str, numbers: &[u32]) {
    let mut server = Server::start();
    let ledger = Ledger::default();
    for n in numbers {
        for span in [Span::Once, Span::Ever] {
            assert!(server.is_ready());
            let when = match span {
                Span::Once => n.to_string(),
                Span::Ever => format!("{n}+"),
            };
            let inject = format!("inject={calls}:error=EIO:when={when}");
            // The directory is flushed too, which was done before.
            let files = ["posthaste.sqlite", "posthaste.sqlite-wal"].map(|name| server.data().join(name));
            let [database, log] = files.each_ref().map(|file| file.to_str().unwrap());
            let trace = Tracer::attach(strace, &server, calls, &["-P", database, "-P", log, "-e", &inject]);
            let mut refused = 0;
            for _ in 0..=DELIVERIES_MAX {
                let (by_smtp, by_imap) = (deliver(&server, &ledger), append(&server, &ledger));
                let both = [by_smtp, by_imap];
                refused += both.iter().filter(|outcome| matches!(outcome, Outcome::Refused(_))).count();
                if refused >= 4 {
                    break;
                }
            }
            assert!(refused >= 4, "{inject}: the disk fails and mail is taken\n{}", server.log());
            // What is read is served still, and whoever watches is told.
            let mut imap = Imap::open(server.ports(), ALICE).unwrap();
            imap.ok("EXAMINE INBOX");
            drop(imap);
            // Whoever asks is told what was so a second ago.
            let told = machine::eventually(Duration::from_secs(10), || (!server.is_ready()).then_some(()));
            assert!(told.is_some(), "{inject}");
            trace.detach();
            // The disk answers again, and is not trusted: nothing is taken until somebody has looked.
            assert!(matches!(deliver(&server, &ledger), Outcome::Refused(_)), "{inject}\n{}", server.log());
            assert!(server.is_running(), "{inject}");
            server.kill();
            server.launch();
            ledger.audit(&server);
            server.check();
        }
    }
    ledger.show(calls);
    server.assert_no_panic();
}

fn deliver(server: &Server, ledger: &Ledger) -> Outcome {
    let mut talk = Talk::mail(server.ports(), "smtp").unwrap();
    let id = ledger.id();
    let attempt = || (talk.deliver(BOB, &message::message(id)), None);
    let (outcome, _) = ledger.attempt(BOB, id, State::at("INBOX", &[], None), attempt);
    if let Outcome::Refused(code) = outcome {
        assert!((400..500).contains(&code), "a failing disk is no reason for {code}");
    }
    outcome
}

fn append(server: &Server, ledger: &Ledger) -> Outcome {
    let mut imap = Imap::open(server.ports(), ALICE).unwrap();
    let id = ledger.id();
    ledger.attempt(ALICE, id, State::at("INBOX", &[], None), || imap.append("INBOX", &message::message(id))).0
}

#[test]
fn rel_09_short_and_interrupted_calls_are_finished() {
    let Some(compiler) = program::find("cc") else { return };
    let library = crate::server::new_folder().join("short.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults/short.c");
    let words =
        ["-shared", "-fPIC", "-O1", "-o", library.to_str().unwrap(), source.to_str().unwrap(), "-ldl"];
    program::run(&compiler, words, b"").success();
    let environment = vec![("LD_PRELOAD".into(), library.clone().into())];
    let mut server = Server::start_with(Setting { environment, ..Setting::default() });
    let ledger = Ledger::default();
    for _ in 0..40 {
        assert_eq!(deliver(&server, &ledger), Outcome::Acknowledged, "{}", server.log());
        assert_eq!(append(&server, &ledger), Outcome::Acknowledged, "{}", server.log());
    }
    ledger.audit(&server);
    server.kill();
    server.launch();
    ledger.audit(&server);
    server.check();
    server.assert_no_panic();
    assert!(server.terminate().success());
    let _ = std::fs::remove_dir_all(library.parent().unwrap());
}
