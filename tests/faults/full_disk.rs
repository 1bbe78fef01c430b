//! REL-06: the disk fills up. Mail is refused for now and nothing is half there; when there is room again, all goes on
//! without anybody's help.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use crate::{
    ledger::{Ledger, Outcome, State},
    load::{Kind, Load},
    machine::{self, Dice},
    message, program,
    server::{self, ALICE, BOB, Server, Setting},
    talk::{Imap, Talk},
    tracer::{self, Tracer},
};

/// A file system of its own, which is small.
#[derive(Debug)]
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(size: &str) -> Option<Self> {
        Self::mount_at(server::new_folder(), size)
    }

    fn mount_at(folder: PathBuf, size: &str) -> Option<Self> {
        let path = folder.to_str().unwrap();
        let size = format!("size={size},mode=0700");
        let mounted = program::run(Path::new("/bin/mount"), ["-t", "tmpfs", "-o", &size, "tmpfs", path], b"");
        let is_mounted = mounted.code == Some(0);
        let disk = Self(folder);
        machine::skip_unless(is_mounted, "a tmpfs cannot be mounted").then_some(disk)
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let block = vec![7; 64 * 1024];
        let mut file = fs::File::create(self.0.join("filling")).unwrap();
        for size in [block.len(), 4096, 1] {
            while std::io::Write::write_all(&mut file, &block[..size]).is_ok() {}
        }
    }

    fn free(&self) {
        let _ = fs::remove_file(self.0.join("filling"));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        program::run(Path::new("/bin/umount"), ["-l", self.0.to_str().unwrap()], b"");
        let _ = fs::remove_dir(&self.0);
    }
}

fn on(disk: &SmallDisk, free_space: &str) -> Setting {
    with_data(disk.0.join("data"), free_space)
}

fn with_data(data: PathBuf, free_space: &str) -> Setting {
    let configuration = format!("[limits]\nfree_space = \"{free_space}\"\n");
    Setting { configuration, data: Some(data), ..Setting::default() }
}

#[test]
fn rel_06_mail_is_refused_before_the_disk_is_full() {
    if !machine::is_root() {
        return;
    }
    let Some(disk) = SmallDisk::mount("64m") else { return };
    let server = Server::start_with(on(&disk, "16M"));
    let mut talk = Talk::mail(server.ports(), "smtp").unwrap();
    assert_eq!(talk.deliver(ALICE, &message::message(1)), Outcome::Acknowledged);
    disk.fill();
    let (code, reply) = talk.command("MAIL FROM:<sender@remote.test>").unwrap();
    assert_eq!(code, 452, "{reply}");
    assert!(reply.starts_with("452 4.3.1 "), "{reply}");
    let mut imap = Imap::open(server.ports(), ALICE).unwrap();
    let (outcome, _) = imap.append("INBOX", &message::message(2));
    assert_eq!(outcome, Outcome::Refused(0));
    disk.free();
    assert_eq!(talk.deliver(ALICE, &message::message(3)), Outcome::Acknowledged);
    let (outcome, _) = imap.append("INBOX", &message::message(4));
    assert_eq!(outcome, Outcome::Acknowledged);
    imap.ok("SELECT INBOX");
    let rows = imap.messages("1:*", "BODY.PEEK[]").unwrap();
    let ids: Vec<_> = rows.iter().map(|row| message::id_of(&row.octets).unwrap()).collect();
    assert_eq!(ids, [1, 3, 4]);
    server.check();
}

#[test]
fn rel_06_the_disk_of_large_contents_and_that_of_arriving_mail_are_looked_at_too() {
    if !machine::is_root() {
        return;
    }
    for name in ["contents", "spool"] {
        let data = server::new_folder();
        let directory = data.join(name);
        fs::create_dir(&directory).unwrap();
        let Some(disk) = SmallDisk::mount_at(directory, "64m") else { return };
        // As file systems have one of their own, which is nobody's mail.
        fs::create_dir(disk.0.join("lost+found")).unwrap();
        let server = Server::start_with(with_data(data.clone(), "16M"));
        let mut talk = Talk::mail(server.ports(), "smtp").unwrap();
        let mut imap = Imap::open(server.ports(), ALICE).unwrap();
        let filed = message::sized(1, 300_000);
        assert_eq!(talk.deliver(ALICE, &filed), Outcome::Acknowledged, "{name}");
        disk.fill();
        let (code, reply) = talk.command("MAIL FROM:<sender@remote.test>").unwrap();
        assert_eq!(code, 452, "{name}: {reply}");
        assert_eq!(imap.append("INBOX", &message::message(2)).0, Outcome::Refused(0), "{name}");
        disk.free();
        assert_eq!(talk.deliver(ALICE, &message::message(3)), Outcome::Acknowledged, "{name}");
        assert_eq!(imap.append("INBOX", &filed).0, Outcome::Acknowledged, "{name}");
        server.check();
        drop((server, disk));
        fs::remove_dir_all(data).unwrap();
    }
}

#[test]
fn rel_06_a_write_that_finds_no_room_is_refused_and_the_next_that_does_is_not() {
    let Some(strace) = tracer::find() else { return };
    let server = Server::start();
    let ledger = Ledger::default();
    let mut talk = Talk::mail(server.ports(), "smtp").unwrap();
    let mut imap = Imap::open(server.ports(), ALICE).unwrap();
    let mut both = || {
        let (first, second) = (ledger.id(), ledger.id());
        let new = State::at("INBOX", &[], None);
        let attempt = || (talk.deliver(BOB, &message::message(first)), None);
        let (by_smtp, _) = ledger.attempt(BOB, first, new.clone(), attempt);
        let attempt = || imap.append("INBOX", &message::message(second));
        let (by_imap, _) = ledger.attempt(ALICE, second, new, attempt);
        (by_smtp, by_imap)
    };
    let done = (Outcome::Acknowledged, Outcome::Acknowledged);
    for n in 1..=5 {
        assert_eq!(both(), done, "{}", server.log());
        let inject = format!("inject=pwrite64:error=ENOSPC:when={n}+");
        let trace = Tracer::attach(&strace, &server, "pwrite64", &["-e", &inject]);
        // The first may find the room that others left.
        let refused = machine::eventually(Duration::from_secs(10), || {
            (both() == (Outcome::Refused(452), Outcome::Refused(0))).then_some(())
        });
        assert!(refused.is_some(), "{inject}: mail is taken\n{}", server.log());
        assert!(!server.whole_log().contains("accepts no more changes"), "{}", server.log());
        trace.detach();
        assert_eq!(both(), done, "{inject}\n{}", server.log());
        ledger.audit(&server);
        server.check();
    }
    ledger.show("no room");
    server.assert_no_panic();
}

#[test]
fn rel_06_a_disk_that_is_full_at_any_moment_loses_nothing() {
    if !machine::is_root() {
        return;
    }
    // More than the mail of all rounds, so that there is room again when the file that fills it is gone.
    let Some(disk) = SmallDisk::mount("256m") else { return };
    // As good as no reserve: the failing write is what is tested.
    let mut server = Server::start_with(on(&disk, "1"));
    let ledger = Arc::new(Ledger::default());
    let mut dice = Dice::new(6);
    let rounds = if machine::is_long() { 100 } else { 8 };
    for _ in 0..rounds {
        let load = Load::start(&server, &ledger, Kind::All, &mut dice);
        // Moments of chance, not waits for something.
        thread::sleep(Duration::from_millis(50 + dice.below(150)));
        disk.fill();
        thread::sleep(Duration::from_millis(50 + dice.below(150)));
        disk.free();
        thread::sleep(Duration::from_millis(100));
        load.stop();
        assert!(server.is_running(), "{}", server.log());
        // It works again, of itself.
        let mut talk = Talk::mail(server.ports(), "smtp").unwrap();
        let id = ledger.id();
        let attempt = || (talk.deliver(ALICE, &message::message(id)), None);
        let (outcome, _) = ledger.attempt(ALICE, id, State::at("INBOX", &[], None), attempt);
        assert_eq!(outcome, Outcome::Acknowledged, "there is room again\n{}", server.log());
        ledger.audit(&server);
        server.check();
    }
    ledger.show("full at any moment");
    // What is logged goes with what is tried: a line tells how a message ended, one more why it is refused. Nothing is
    // told over and over because the disk stays full.
    let (attempts, failed) = ledger.attempts();
    let log = server.whole_log();
    let complaints = log.lines().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")).count();
    let (lines, rare) = (log.lines().count(), 20 * rounds);
    println!(
        "{attempts} attempts, {failed} failed, {lines} lines, {complaints} complaints, {} octets",
        log.len()
    );
    assert!(lines <= 2 * attempts + rare, "{lines} lines of log of {attempts} attempts");
    assert!(complaints <= failed + rare, "{complaints} complaints of {failed} failed attempts");
    assert!(log.len() <= 400 * lines, "{} octets in {lines} lines of log", log.len());
    server.assert_no_panic();
    server.kill();
    server.launch();
    ledger.audit(&server);
    server.check();
}
