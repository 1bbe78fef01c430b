//! REL-25: many connections that mostly wait, while mail is delivered: each hears of it soon, nothing is lost, and when
//! they go, so does what the server kept for them.

use std::{
    io::{ErrorKind, Read},
    net::TcpStream,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    ledger::{Ledger, Outcome, State},
    machine, message, program,
    server::{BOB, Server, Setting, USERS},
    talk::{Imap, Talk},
};

/// How many there are, for how long, and how many deliveries a second.
struct Crowd {
    idle: usize,
    pop3: usize,
    smtp: usize,
    lasts: Duration,
    deliveries: u32,
}

const SHORT: Crowd = Crowd { idle: 600, pop3: 200, smtp: 200, lasts: Duration::from_secs(20), deliveries: 5 };
const LONG: Crowd =
    Crowd { idle: 9000, pop3: 500, smtp: 500, lasts: Duration::from_secs(600), deliveries: 50 };

/// Whoever has not logged in three minutes after the greeting is disconnected, and comes again before that.
const LOGIN_WITHIN: Duration = Duration::from_secs(120);

/// A session that waits, and what it has heard.
struct Waiting {
    stream: TcpStream,
    exists: usize,
    heard: Vec<u8>,
}

#[test]
fn rel_25_many_connections_hear_of_new_mail_and_leave_nothing_behind() {
    let crowd = if machine::is_long() { LONG } else { SHORT };
    let all = crowd.idle + crowd.pop3 + crowd.smtp;
    let files = all + 500;
    // This process has one end of each connection.
    let own = format!("--nofile={files}:{files}");
    let Some(prlimit) = program::find("prlimit") else { return };
    let raised = program::run(&prlimit, ["--pid", &std::process::id().to_string(), &own], b"");
    if !machine::skip_unless(raised.code == Some(0), "there may not be so many descriptors") {
        return;
    }
    let under = vec!["/bin/sh".into(), "-c".into(), format!("ulimit -n {files}; exec \"$0\" \"$@\"").into()];
    let configuration = "[limits]\nconnections = 20000\nconnections_per_ip = 20000\n".to_owned();
    let mut server = Server::start_with(Setting { under, configuration, ..Setting::default() });
    // Hashes, connections to the store: what is there from the first log-in on belongs to the base.
    for user in USERS {
        drop(Imap::open(server.ports(), user).unwrap());
    }
    drop(Talk::mail(server.ports(), "smtp").unwrap());
    let base = settled_descriptors(server.pid());

    let begun = Instant::now();
    let mut idle: Vec<Waiting> = (0..crowd.idle).map(|_| wait(&server)).collect();
    let strangers = || -> Vec<Talk> {
        let mut all: Vec<Talk> =
            (0..crowd.pop3).map(|_| Talk::connect(server.ports()["pop3"]).unwrap()).collect();
        all.iter_mut().for_each(|talk| assert!(talk.line().unwrap().starts_with("+OK")));
        all
    };
    let (mut others, mut came) = (strangers(), Instant::now());
    let mut senders: Vec<Talk> =
        (0..crowd.smtp).map(|_| Talk::mail(server.ports(), "smtp").unwrap()).collect();
    println!("{all} connections in {:?}", begun.elapsed());
    assert!(machine::descriptors(server.pid()) >= base + all);

    let ledger = Arc::new(Ledger::default());
    let mut heard = Vec::new();
    let (begun, pause) = (Instant::now(), Duration::from_secs(1) / crowd.deliveries);
    let mut half = 0;
    let mut delivered = 0;
    while begun.elapsed() < crowd.lasts {
        let count = senders.len();
        let talk = &mut senders[delivered % count];
        let id = ledger.id();
        let attempt = || (talk.deliver(BOB, &message::message(id)), None);
        let (outcome, _) = ledger.attempt(BOB, id, State::at("INBOX", &[], None), attempt);
        assert_eq!(outcome, Outcome::Acknowledged, "{}", server.log());
        delivered += 1;
        let told = Instant::now();
        let mut deaf: Vec<usize> = (0..idle.len()).collect();
        while !deaf.is_empty() {
            deaf.retain(|index| !idle[*index].hears(delivered));
            assert!(
                told.elapsed() < Duration::from_secs(20),
                "{} of {} hear nothing",
                deaf.len(),
                idle.len()
            );
            heard.resize(delivered * idle.len() - deaf.len(), told.elapsed());
            thread::sleep(Duration::from_millis(2));
        }
        if came.elapsed() > LOGIN_WITHIN {
            (others, came) = (strangers(), Instant::now());
        }
        if half == 0 && begun.elapsed() > crowd.lasts / 2 {
            half = machine::memory(server.pid(), "RssAnon");
        }
        // The rate is what is asked for.
        let next = pause * u32::try_from(delivered).unwrap();
        thread::sleep(next.saturating_sub(begun.elapsed()));
    }
    heard.sort_unstable();
    let p99 = heard[heard.len() * 99 / 100];
    let end = machine::memory(server.pid(), "RssAnon");
    println!("{delivered} delivered, heard of by 99% in {p99:?}; {} MiB, then {} MiB", half >> 20, end >> 20);
    assert!(p99 < Duration::from_secs(1), "{p99:?}");
    // The index of a mailbox that grows, and some slack of the allocator.
    assert!(end < half + half / 20 + (8 << 20), "{half} octets of memory, then {end}");
    for talk in &mut others {
        talk.send("CAPA\r\n").unwrap();
        assert!(talk.line().unwrap().starts_with("+OK"), "{}", server.log());
    }

    drop((idle, others, senders));
    let back = machine::eventually(Duration::from_secs(30), || {
        (machine::descriptors(server.pid()) <= base + machine::LAZY_MAX).then_some(())
    });
    assert!(back.is_some(), "{} descriptors, and {base} before", machine::descriptors(server.pid()));
    ledger.audit(&server);
    server.check();
    assert!(server.is_running());
    server.assert_no_panic();
}

/// How many descriptors a process has once it has stopped closing some.
fn settled_descriptors(pid: u32) -> usize {
    let mut before = usize::MAX;
    let settled = machine::eventually(Duration::from_secs(10), || {
        let now = machine::descriptors(pid);
        thread::sleep(Duration::from_millis(200));
        (std::mem::replace(&mut before, now) == now).then_some(now)
    });
    settled.unwrap_or(before)
}

/// A session in IDLE on the INBOX to which all is delivered.
fn wait(server: &Server) -> Waiting {
    let mut imap = Imap::open(server.ports(), BOB).unwrap();
    imap.ok("SELECT INBOX");
    imap.send("IDLE").unwrap();
    assert!(imap.response().unwrap().text.starts_with('+'));
    let stream = imap.talk.stream;
    stream.set_nonblocking(true).unwrap();
    Waiting { stream, exists: 0, heard: Vec::new() }
}

impl Waiting {
    /// Whether it has heard of so many messages.
    fn hears(&mut self, wanted: usize) -> bool {
        let mut read = [0; 4096];
        while self.exists < wanted {
            match self.stream.read(&mut read) {
                Ok(0) => panic!("an idle session was closed: {}", self.heard.escape_ascii()),
                Ok(count) => self.heard.extend_from_slice(&read[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => panic!("an idle session was lost: {error}"),
            }
            while let Some(end) = self.heard.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.heard.drain(..end + 2).collect();
                let line = String::from_utf8_lossy(&line).into_owned();
                let exists = line.strip_prefix("* ").and_then(|line| line.trim_end().strip_suffix(" EXISTS"));
                if let Some(exists) = exists {
                    self.exists = exists.parse().unwrap();
                }
            }
        }
        true
    }
}
