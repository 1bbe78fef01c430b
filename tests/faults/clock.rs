//! REL-13: the clock of the machine jumps, by hours and by decades, in both directions. Sessions do not mind, mail gets a
//! date that some clock has shown, and nothing expires or panics.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    ledger::Outcome,
    machine, message, program,
    server::{ALICE, Server, Setting},
    talk::{Imap, Talk},
};

/// Where Debian has libfaketime for programs with threads.
fn library() -> Option<PathBuf> {
    program::find("faketime")?;
    let folders = fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path().join("faketime"));
    folders.map(|folder| folder.join("libfaketimeMT.so.1")).find(|file| file.is_file())
}

#[test]
fn rel_13_a_clock_that_jumps_harms_nothing() {
    let library = library();
    if !machine::skip_unless(library.is_some(), "libfaketime is not installed") {
        return;
    }
    let folder = crate::server::new_folder();
    let clock = folder.join("clock");
    set(&clock, "+0");
    let environment = [
        ("LD_PRELOAD", library.unwrap().into_os_string()),
        ("FAKETIME_TIMESTAMP_FILE", clock.clone().into_os_string()),
        ("FAKETIME_NO_CACHE", "1".into()),
        // What timers go by is another clock, which never jumps.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ("DONT_FAKE_MONOTONIC", "1".into()),
    ];
    let environment = environment.into_iter().map(|(name, value)| (name.into(), value)).collect();
    let mut server = Server::start_with(Setting { environment, ..Setting::default() });
    let mut waiting = Imap::open(server.ports(), ALICE).unwrap();
    waiting.ok("SELECT INBOX");
    let mut talk = Talk::mail(server.ports(), "smtp").unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let this_year = 1970 + now / 31_556_952;
    let jumps = [
        ("+3600", this_year..=this_year + 1),
        ("+0", this_year..=this_year + 1),
        ("-3600", this_year - 1..=this_year),
        ("-86400", this_year - 1..=this_year),
        ("+315576000", this_year + 9..=this_year + 11),
        ("@1970-01-01 00:00:01", 1970..=1970),
        ("@2038-01-19 03:14:06", 2038..=2038),
        ("@2106-02-07 06:28:14", 2106..=2106),
        // A leap second, and the end of daylight saving time.
        ("@2016-12-31 23:59:59", 2016..=2017),
        ("@2026-10-25 02:59:59", 2026..=2026),
        ("+0", this_year..=this_year + 1),
    ];
    for (number, (jump, years)) in (1_u64..).zip(jumps) {
        set(&clock, jump);
        let outcome = talk.deliver(ALICE, &message::message(number));
        assert_eq!(outcome, Outcome::Acknowledged, "{jump}\n{}", server.log());
        // Whoever was connected before is still, and who comes now is let in.
        waiting.ok("NOOP");
        let mut imap = Imap::open(server.ports(), ALICE).unwrap();
        imap.ok("SELECT INBOX");
        let answer = imap.ok(&format!("FETCH {number} (INTERNALDATE BODY.PEEK[HEADER.FIELDS (RECEIVED)])"));
        let response = answer.untagged.iter().find(|line| !line.literals.is_empty()).unwrap();
        let received = String::from_utf8_lossy(&response.literals[0]).into_owned();
        let date = response.text.split_once("INTERNALDATE \"").unwrap().1.split_once('"').unwrap().0;
        let year: u64 = date[7..11].parse().unwrap();
        assert!(years.contains(&year), "{jump}: {date}");
        assert!(years.clone().any(|year| received.contains(&format!(" {year} "))), "{jump}: {received}");
        // The store has a clock of its own.
        let (appended, uid) = imap.append("Trash", b"Subject: x\r\n\r\nx\r\n");
        assert_eq!((appended, uid.is_some()), (Outcome::Acknowledged, true), "{jump}");
    }
    let rows = waiting.messages("1:*", "BODY.PEEK[]").unwrap();
    assert_eq!(rows.len(), 11, "nothing goes because time has passed");
    for row in rows {
        assert!(message::is_whole(message::id_of(&row.octets).unwrap(), &row.octets));
    }
    assert!(server.is_running());
    server.assert_no_panic();
    // An administrator is answered by the same server.
    server.check();
    assert_eq!(server.terminate().code(), Some(0));
    let _ = fs::remove_dir_all(folder);
}

/// Turns the clock: a shift in seconds, or a moment from which it goes on.
fn set(file: &Path, to: &str) {
    // As a whole, so that nobody reads a half.
    let new = file.with_extension("new");
    fs::write(&new, format!("{to}\n")).unwrap();
    fs::rename(new, file).unwrap();
}
