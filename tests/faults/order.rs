//! REL-01: no answer leaves before what it promises is on the disk. strace sees both: the flush of the log of the
//! database, which must have returned 0, and the write of the answer to the socket.

use std::{ffi::OsStr, fs};

use crate::{
    message,
    server::{self, ALICE, PASSWORD, Server, Setting},
    talk::{Imap, Talk},
    tracer::{self, Tracer},
};

const CALLS: &str = "pwrite64,fdatasync,fsync,write,writev,sendto,sendmsg";

#[test]
fn rel_01_an_answer_leaves_after_the_flush_has_returned() {
    let Some(strace) = tracer::find() else { return };
    let server = Server::start();
    let ports = server.ports();
    let mut sessions = [Talk::mail(ports, "smtp").unwrap(), Talk::mail(ports, "lmtp").unwrap()];
    let mut imap = Imap::open(ports, ALICE).unwrap();
    imap.ok("CREATE Other");
    imap.ok("SELECT INBOX");

    // Small ones stay in memory until they are stored, large ones do not, and the largest stay in the file they came to.
    for (number, size) in [(1, 800), (2, 200_000), (3, 400_000)] {
        let assert_flushed = |trace: &str, words: &str| {
            assert_flushed(trace, words);
            if size == 400_000 {
                assert_file_flushed(trace);
            }
        };
        for talk in &mut sessions {
            let trace = Tracer::attach(&strace, &server, CALLS, &[]);
            for line in ["MAIL FROM:<sender@remote.test>", &format!("RCPT TO:<{ALICE}>"), "DATA"] {
                talk.accepted(line);
            }
            let mut data = message::sized(number, size);
            data.extend_from_slice(b".");
            talk.accepted(&String::from_utf8(data).unwrap());
            assert_flushed(&trace.detach(), "\"250 2.");
        }
        let trace = Tracer::attach(&strace, &server, CALLS, &[]);
        let (outcome, _) = imap.append("INBOX", &message::sized(number, size));
        assert_eq!(outcome, crate::ledger::Outcome::Acknowledged);
        assert_flushed(&trace.detach(), " OK [APPENDUID");
    }
    for command in [
        "STORE 1 +FLAGS (\\Flagged)",
        "COPY 1 Other",
        "STORE 1:2 +FLAGS (\\Deleted)",
        "EXPUNGE",
        "MOVE 1 Other",
    ] {
        let trace = Tracer::attach(&strace, &server, CALLS, &[]);
        let tag = imap.send(command).unwrap();
        let answer = imap.answer(&tag).unwrap();
        assert!(answer.is_ok(), "{command}: {}", answer.tagged);
        // Untagged responses may be told earlier, the tagged one may not.
        assert_flushed(&trace.detach(), &format!("{tag} OK"));
    }
    drop(imap);
    let mut pop3 = Talk::connect(ports["pop3"]).unwrap();
    pop3.line().unwrap();
    for line in [&format!("USER {ALICE}"), &format!("PASS {PASSWORD}"), "DELE 1"] {
        pop3.send(format!("{line}\r\n")).unwrap();
        assert!(pop3.line().unwrap().starts_with("+OK"), "{line}");
    }
    let trace = Tracer::attach(&strace, &server, CALLS, &[]);
    pop3.send("QUIT\r\n").unwrap();
    assert!(pop3.line().unwrap().starts_with("+OK"));
    assert_flushed(&trace.detach(), "\"+OK");
}

#[test]
fn rel_01_the_names_of_the_files_are_flushed_before_the_server_is_ready() {
    let Some(strace) = tracer::find() else { return };
    let folder = server::new_folder();
    let trace = folder.join("trace");
    // The tracer is the child (-D), so that the server is the process that was started.
    let words = ["-D", "-f", "-y", "-e", "trace=fsync,openat,write", "-e", "signal=none", "-o"];
    let under = [strace.as_os_str()].into_iter().chain(words.map(OsStr::new)).chain([trace.as_os_str()]);
    let server =
        Server::start_with(Setting { under: under.map(OsStr::to_owned).collect(), ..Setting::default() });
    let text = fs::read_to_string(&trace).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let at = |what: &dyn Fn(&str) -> bool| lines.iter().position(|line| what(line));
    let log = at(&|line| line.contains("openat(") && line.contains("-wal\""));
    let ready = at(&|line| line.contains("write(1<") && line.contains("\"ready "));
    let (log, ready) = (log.expect("no log is opened"), ready.expect("the server is not ready"));
    let directory = format!("<{}>", server.data().display());
    let is_flushed = |line: usize| {
        lines[line].contains("fsync(") && lines[line].contains(&directory) && returned(&lines[line..ready])
    };
    assert!((log..ready).any(is_flushed), "{directory} is not flushed:\n{text}");
    drop(server);
    let _ = fs::remove_dir_all(folder);
}

/// Asserts that the last answer which has these words was written after the log had been written and flushed.
#[track_caller]
fn assert_flushed(trace: &str, words: &str) {
    let lines: Vec<&str> = trace.lines().collect();
    let answer = lines.iter().rposition(|line| is_sent(line) && line.contains(words));
    let answer = answer.unwrap_or_else(|| panic!("no answer with {words:?} in\n{trace}"));
    let written =
        lines[..answer].iter().position(|line| line.contains("pwrite64(") && line.contains("-wal>"));
    let written = written.unwrap_or_else(|| panic!("nothing was written before {words:?} in\n{trace}"));
    // The thread that began the flush is the one whose flush must have ended.
    let flushed = (written..answer).any(|line| is_flush(lines[line]) && returned(&lines[line..answer]));
    assert!(flushed, "{words:?} left before the log was flushed:\n{trace}");
}

/// Asserts that a file of its own, and then its name, had been flushed before anything of the message was written to the
/// log of the database.
#[track_caller]
fn assert_file_flushed(trace: &str) {
    let lines: Vec<&str> = trace.lines().collect();
    let log = lines.iter().position(|line| line.contains("pwrite64(") && line.contains("-wal>")).unwrap();
    let flushed = |from: usize, call: &str, file: &str| {
        (from..log).find(|line| {
            lines[*line].contains(call) && lines[*line].contains(file) && returned(&lines[*line..log])
        })
    };
    let name = flushed(0, "fdatasync(", "/contents/").and_then(|file| flushed(file, "fsync(", "/contents>"));
    assert!(name.is_some(), "the file and its name were not flushed before the log was written:\n{trace}");
}

fn is_sent(line: &str) -> bool {
    ["write(", "writev(", "sendto(", "sendmsg("].iter().any(|call| line.contains(call))
        && !line.contains("pwrite64(")
}

fn is_flush(line: &str) -> bool {
    (line.contains("fdatasync(") || line.contains("fsync(")) && line.contains("-wal>")
}

/// Whether the call that the first line begins has returned 0 in these lines.
fn returned(lines: &[&str]) -> bool {
    let [first, rest @ ..] = lines else { return false };
    if !first.contains("<unfinished") {
        return first.trim_end().ends_with("= 0");
    }
    let thread = first.split(' ').next().unwrap();
    let end = rest.iter().find(|line| line.split(' ').next() == Some(thread) && line.contains("resumed>"));
    end.is_some_and(|line| line.trim_end().ends_with("= 0"))
}
