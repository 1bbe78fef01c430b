//! REL-11: many large messages at the same time, beside sessions that wait, in little memory: they pass through, and are
//! never all there as a whole.

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crate::{
    machine, message,
    server::{ALICE, BOB, Server, Setting},
    talk::{Imap, Talk},
};

const SENDERS: u64 = 20;
/// Sessions that wait meanwhile.
const WAITING: usize = 200;
/// What the server may keep in memory of its own, beside what the system keeps of files.
const BUDGET: u64 = 256 << 20;
/// What it may map altogether; more is refused by the system.
const ADDRESSES: u64 = 4 << 30;

#[test]
fn rel_11_large_messages_pass_through_little_memory() {
    let size = if machine::is_long() { 50 << 20 } else { 8 << 20 };
    let size = usize::try_from(size).unwrap() - 4096;
    let limit = format!("ulimit -v {}; exec \"$0\" \"$@\"", ADDRESSES / 1024);
    let under = vec!["/bin/sh".into(), "-c".into(), limit.into()];
    let configuration = "[limits]\nconnections_per_ip = 1000\n".to_owned();
    let mut server = Server::start_with(Setting { under, configuration, ..Setting::default() });
    let done = Arc::new(AtomicBool::new(false));
    let watcher = thread::spawn({
        let (done, pid) = (Arc::clone(&done), server.pid());
        move || {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(machine::memory(pid, "RssAnon"));
                thread::sleep(std::time::Duration::from_millis(20));
            }
            most
        }
    });
    let mut waiting: Vec<Imap> = (0..WAITING).map(|_| wait(&server)).collect();
    thread::scope(|scope| {
        for id in 1..=SENDERS {
            let ports = server.ports();
            scope.spawn(move || {
                let message = message::sized(id, size);
                if id % 2 == 0 {
                    let (outcome, _) = Imap::open(ports, BOB).unwrap().append("INBOX", &message);
                    assert_eq!(outcome, crate::ledger::Outcome::Acknowledged);
                    return;
                }
                let mut talk = Talk::mail(ports, "smtp").unwrap();
                for line in ["MAIL FROM:<sender@remote.test>", &format!("RCPT TO:<{ALICE}>"), "DATA"] {
                    talk.accepted(line);
                }
                // All have begun before any ends.
                for piece in message.chunks(100_000) {
                    talk.stream.write_all(piece).unwrap();
                }
                talk.accepted(".");
            });
        }
    });
    // All of them have heard of it.
    for imap in &mut waiting {
        assert!(imap.response().is_ok_and(|response| response.text.ends_with(" EXISTS")));
    }
    // And out again.
    let mut imap = Imap::open(server.ports(), ALICE).unwrap();
    imap.ok("EXAMINE INBOX");
    for number in 1..=SENDERS / 2 {
        let rows = imap.messages(&number.to_string(), "BODY.PEEK[]").unwrap();
        let id = message::id_of(&rows[0].octets).unwrap();
        assert!(message::is(&rows[0].octets, &message::sized(id, size)), "{id} has changed");
    }
    done.store(true, Ordering::Relaxed);
    let most = watcher.join().unwrap();
    println!("{} MiB at most", most >> 20);
    assert!(most < BUDGET, "{} MiB of memory for {SENDERS} messages of {} MiB", most >> 20, size >> 20);
    assert!(server.is_running());
    server.assert_no_panic();
}

/// A session in IDLE.
fn wait(server: &Server) -> Imap {
    let mut imap = Imap::open(server.ports(), ALICE).unwrap();
    imap.ok("SELECT INBOX");
    imap.send("IDLE").unwrap();
    assert!(imap.response().unwrap().text.starts_with('+'));
    imap
}
