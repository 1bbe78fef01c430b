//! The examples of this crate do what they say, against each other over sockets, and with Python's imaplib where it is
//! installed; `POSTHASTE_REQUIRE_CLIENTS=1` demands it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::duplicate_mod,
    dead_code,
    reason = "test code; each example brings its driver, and its own main is not run"
)]

#[path = "../examples/proxy.rs"]
mod proxy;
#[path = "../examples/read.rs"]
mod read;
#[path = "../examples/resync.rs"]
mod resync;
#[path = "../examples/serve.rs"]
mod serve;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use posthaste_imap::client::{Known, Method};
use posthaste_imap::types::{DateTime, Flag, Flags};
use posthaste_imap::{Bytes, Secret};
use serve::mailbox::Mailbox;

/// A listener whose connections are each served by `serve`.
fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    address
}

/// The server of the example with these messages.
fn server(messages: &[&str]) -> (String, Arc<Mutex<Mailbox>>) {
    let mut mailbox = Mailbox::new();
    for message in messages {
        let received = DateTime::from_unix_seconds(0, 0).unwrap();
        mailbox.append(Bytes::from((*message).to_owned()), Flags::new(), received).unwrap();
    }
    let mailbox = Arc::new(Mutex::new(mailbox));
    let shared = Arc::clone(&mailbox);
    let address = listen(move |stream| {
        // What goes wrong is seen at the other end.
        let _ = serve::serve(stream, &shared);
    });
    (address, mailbox)
}

/// The proxy of the example in front of a server.
fn proxied(server: String) -> String {
    listen(move |stream| drop(proxy::serve(stream, &server)))
}

fn read_open(address: &str, password: &str) -> Result<read::Link, Box<dyn std::error::Error>> {
    read::open(TcpStream::connect(address).unwrap(), "ann", Secret::from(password), "INBOX")
}

fn long_message() -> String {
    format!("Subject: long\r\nFrom: Bob <bob@b.test>\r\n\r\n{}", "a line of text {5}\r\n".repeat(30_000))
}

/// The flags of each message, and its octets.
fn state(mailbox: &Mutex<Mailbox>) -> Vec<(u32, String, usize)> {
    let mailbox = mailbox.lock().unwrap();
    let flags = |flags: &Flags| flags.iter().map(|flag| flag.to_string()).collect::<Vec<_>>().join(" ");
    let messages = mailbox.messages.iter();
    messages.map(|message| (message.uid.get(), flags(&message.flags), message.content.len())).collect()
}

#[test]
fn read_lists_the_newest_and_prints_one_and_changes_nothing() {
    let hostile = "Subject: =?utf-8?q?caf=C3=A9_=1B[31mred?=\r\nFrom: bob@b.test\r\n\r\n.\r\n";
    let long = long_message();
    let (address, mailbox) = server(&["", hostile, &long]);
    let mut link = read_open(&address, "secret").unwrap();
    let mut table = Vec::new();
    read::list(&mut link, 2, &mut table).unwrap();
    let table = String::from_utf8(table).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[1].contains("2 N") && lines[1].contains("bob@b.test"), "{table}");
    assert!(lines[1].ends_with("caf\u{e9} [31mred"), "nothing is said to the terminal: {table:?}");
    assert!(lines[2].contains("Bob") && lines[2].ends_with("long"), "{table}");
    let mut all = Vec::new();
    read::list(&mut link, u32::MAX, &mut all).unwrap();
    assert_eq!(String::from_utf8(all).unwrap().lines().count(), 4);
    let mut printed = Vec::new();
    read::print(&mut link, NonZeroU32::new(3).unwrap(), &mut printed).unwrap();
    assert_eq!(printed, long.into_bytes());
    let error = read::print(&mut link, NonZeroU32::new(4).unwrap(), &mut printed).unwrap_err();
    assert_eq!(error.to_string(), "there is no message with UID 4");
    read::close(link).unwrap();
    assert!(state(&mailbox).iter().all(|(_, flags, _)| flags.is_empty()));
    let error = read_open(&address, "guess").err().unwrap();
    assert!(error.to_string().starts_with("refused: "), "{error}");
}

/// A client that says what the test says.
struct Raw(BufReader<TcpStream>);

impl Raw {
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut raw = Self(BufReader::new(stream));
        assert!(raw.line().starts_with("* OK"));
        raw
    }

    fn login(address: &str) -> Self {
        let mut raw = Self::connect(address);
        raw.say("in LOGIN ann secret\r\n");
        raw.until("in OK");
        raw
    }

    fn say(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).unwrap();
        assert!(line.ends_with(b"\r\n"), "cut after {:?}", String::from_utf8_lossy(&line));
        String::from_utf8(line).unwrap()
    }

    /// All up to and with the line that begins so.
    fn until(&mut self, start: &str) -> String {
        let mut heard = String::new();
        loop {
            let line = self.line();
            heard.push_str(&line);
            if line.starts_with(start) {
                return heard;
            }
        }
    }
}

#[test]
fn serve_tells_one_session_what_another_does() {
    let (address, _) = server(&["Subject: a\r\n\r\n", "Subject: b\r\n\r\n"]);
    let (mut one, mut other) = (Raw::login(&address), Raw::login(&address));
    one.say("1 SELECT INBOX\r\n2 IDLE\r\n");
    one.until("+ ");
    other.say("1 SELECT INBOX\r\n2 STORE 1 +FLAGS (\\Deleted)\r\n3 EXPUNGE\r\n4 APPEND INBOX {12+}\r\nSubject: c\r\n\r\n");
    let heard = other.until("4 OK");
    assert!(heard.contains("* 1 FETCH (UID 1 FLAGS (\\Deleted))\r\n2 OK"), "{heard}");
    assert!(heard.contains("* 1 EXPUNGE\r\n3 OK"), "{heard}");
    assert!(heard.contains("* 2 EXISTS\r\n4 OK [APPENDUID"), "{heard}");
    // All of it comes without asking; how it is put together depends on the moment.
    let heard = one.until("* 2 EXISTS");
    assert!(heard.contains("* 1 EXPUNGE\r\n"), "{heard}");
    one.say("DONE\r\n");
    one.until("2 OK");
}

#[test]
fn serve_shifts_no_numbers_under_a_command_that_uses_them() {
    let (address, _) = server(&["Subject: a\r\n\r\n", "Subject: b\r\n\r\n"]);
    let (mut one, mut other) = (Raw::login(&address), Raw::login(&address));
    one.say("1 SELECT INBOX\r\n");
    one.until("1 OK");
    other.say("1 SELECT INBOX\r\n2 STORE 1 +FLAGS.SILENT (\\Deleted)\r\n3 EXPUNGE\r\n");
    other.until("3 OK");
    one.say("2 FETCH 2 BODY.PEEK[HEADER.FIELDS (SUBJECT)]\r\n");
    let heard = one.until("2 OK");
    assert!(heard.contains("Subject: b") && !heard.contains("EXPUNGE"), "{heard}");
    one.say("3 NOOP\r\n");
    assert_eq!(one.line(), "* 1 EXPUNGE\r\n");
    one.say("4 FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]\r\n");
    assert!(one.until("4 OK").contains("Subject: b"));
}

/// Runs a script of Python with `imaplib`, which asserts for itself. Not where there is no Python.
fn python(script: &str, address: &str) {
    let port = address.rsplit(':').next().unwrap();
    let python = Command::new("python3")
        .args(["-B", "-c", script, port])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(python) = python else {
        let required = std::env::var_os("POSTHASTE_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
        assert!(!required, "python3 is not installed, and POSTHASTE_REQUIRE_CLIENTS=1 demands it");
        println!("skipped: python3 is not installed");
        return;
    };
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

const CONNECT: &str = r#"
import imaplib, sys, time
def ok(answer):
    assert answer[0] == "OK", answer
    return answer[1]
imap = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]), timeout=20)
ok(imap.login("ann", "secret"))
"#;

#[test]
fn serve_is_what_imaplib_expects() {
    let (address, mailbox) = server(&["Subject: one\r\nFrom: Bob <bob@b.test>\r\n\r\nfirst body\r\n"]);
    let script = r#"
assert ok(imap.list()) == [b'(\\HasNoChildren) "/" INBOX'], imap.list()
assert ok(imap.lsub()) == ok(imap.list())
assert ok(imap.list('""', '""')) == [b'(\\Noselect) "/" ""'], imap.list('""', '""')
assert ok(imap.select()) == [b"1"]
message = b"Subject: two\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + "café {3}\r\n".encode() * 3000
ok(imap.append("INBOX", r"(\Flagged)", imaplib.Time2Internaldate(time.time()), message))
ok(imap.noop())
assert ok(imap.search(None, "ALL")) == [b"1 2"]
assert ok(imap.search(None, "FLAGGED", "BODY", '"CAF"')) == [b"2"]
assert ok(imap.search(None, "FROM", "bob", "NOT", "SUBJECT", "two")) == [b"1"]
assert ok(imap.uid("SEARCH", "HEADER", "Subject", "two")) == [b"2"]
assert ok(imap.fetch("2", "(BODY.PEEK[])"))[0][1] == message
assert ok(imap.fetch("2", "(BODY.PEEK[]<9.3>)"))[0][1] == b"two"
assert b'"one"' in ok(imap.fetch("1", "(ENVELOPE)"))[0]
assert b'"TEXT" "PLAIN"' in ok(imap.fetch("2", "(BODYSTRUCTURE)"))[0].upper()
assert b"Seen" not in ok(imap.fetch("1", "(FLAGS)"))[0]
assert ok(imap.fetch("1", "(BODY[TEXT])"))[0][1] == b"first body\r\n"
assert b"Seen" in ok(imap.fetch("1", "(FLAGS)"))[0]
assert b"Deleted" in ok(imap.store("1", "+FLAGS", r"(\Deleted $Label)"))[0]
assert ok(imap.search(None, "KEYWORD", "$Label")) == [b"1"]
assert ok(imap.expunge()) == [b"1"]
assert b"MESSAGES 1" in ok(imap.status("INBOX", "(MESSAGES UNSEEN UIDNEXT)"))[0]
assert imap.create("Other")[0] == "NO"
assert imap.copy("1", "Other")[0] == "NO"
ok(imap.select(readonly=True))
assert imap.store("1", "+FLAGS", r"(\Deleted)")[0] == "NO"
ok(imap.close())
imap.logout()
"#;
    python(&format!("{CONNECT}{script}"), &address);
    if python_is_there() {
        let length = "Subject: two\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n".len() + 11 * 3000;
        assert_eq!(state(&mailbox), [(2, "\\Flagged".to_owned(), length)]);
    }
}

fn python_is_there() -> bool {
    Command::new("python3").arg("--version").output().is_ok()
}

#[test]
fn the_proxy_lets_messages_through_and_no_mark() {
    let long = long_message();
    let (address, mailbox) = server(&[&long]);
    let proxy = proxied(address);
    let mut link = read_open(&proxy, "secret").unwrap();
    let mut printed = Vec::new();
    read::print(&mut link, NonZeroU32::MIN, &mut printed).unwrap();
    assert_eq!(printed, long.as_bytes());
    read::close(link).unwrap();

    let mut raw = Raw::login(&proxy);
    raw.say("1 SELECT INBOX\r\n2 FETCH 1 (BODY[]<0.5> FLAGS)\r\n3 STORE 1 +FLAGS (\\Deleted)\r\n4 NOOP\r\n");
    let heard = raw.until("4 ");
    assert!(
        heard.contains("1 OK [READ-ONLY]") && heard.contains("\r\n3 NO ") && heard.contains("\r\n4 OK "),
        "{heard}"
    );
    // The name may come in any form.
    raw.say("5 SELECT {5}\r\n");
    raw.until("+ ");
    raw.say("INBOX\r\n6 select {5+}\r\nINBOX\r\n7 FETCH 1 BODY[TEXT]\r\n");
    let heard = raw.until("7 ");
    assert!(heard.contains("5 OK [READ-ONLY]") && heard.contains("6 OK [READ-ONLY]"), "{heard}");
    assert_eq!(state(&mailbox), [(1, String::new(), long.len())]);
    let script = r#"
try:
    imap.select()
    assert False, "SELECT opens it for writing"
except imaplib.IMAP4.readonly:
    pass
imap.shutdown()
"#;
    python(&format!("{CONNECT}{script}"), &proxy);
}

#[test]
fn the_proxy_refuses_for_itself_and_is_never_out_of_step() {
    let (address, mailbox) = server(&["Subject: a\r\n\r\n"]);
    let proxy = proxied(address);
    let mut raw = Raw::login(&proxy);
    // A literal that is refused never comes; one that comes anyway is not read as commands.
    raw.say(
        "1 DELETE {5}\r\n2 DELETE {24+}\r\nx APPEND INBOX {1+}\r\ny\r\n\r\n3 COMPRESS DEFLATE\r\n4 NOOP\r\n",
    );
    let heard = raw.until("4 ");
    let tags: Vec<&str> = heard.lines().map(|line| line.split_at(4).0).collect();
    assert_eq!(tags, ["1 NO", "2 NO", "3 NO", "4 OK"], "{heard}");
    // The server refuses a literal: what follows is a command again.
    raw.say("5 APPEND Nowhere {9}\r\n");
    raw.until("5 NO");
    raw.say("6 SELECT INBOX\r\n7 APPEND INBOX {12}\r\n");
    assert!(raw.until("+ ").contains("6 OK [READ-ONLY]"));
    raw.say("8 SELECT INB\r\n9 IDLE\r\n");
    assert!(raw.until("+ ").contains("7 OK [APPENDUID"));
    raw.say("DONE\r\nnonsense\r\n10 NOOP\r\n");
    let heard = raw.until("10 OK");
    assert!(heard.contains("9 OK") && heard.contains("* BAD"), "{heard}");
    assert!(!heard.contains("8 "), "a literal is no command: {heard}");
    assert_eq!(state(&mailbox).len(), 2);
    // What some take for a line end ends the conversation.
    raw.say("11 NOOP\n12 SELECT INBOX\r\n");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut raw.0, &mut rest).unwrap_or_default();
    assert_eq!(rest, "");
}

#[test]
fn the_proxy_takes_out_what_it_cannot_see_through() {
    let server = scripted(vec![
        ("", "* OK [CAPABILITY IMAP4rev1 STARTTLS XTHING COMPRESS=DEFLATE] STARTTLS {3}\r\n"),
        ("a XTHING \"x\"", "* XDATA {3}\r\n+ \r (y\r\n* 1 XROW ~{2}\r\n\0\r\r\na OK [XCODE] {5}\r\n"),
        ("b CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS IDLE\r\nb OK [CAPABILITY STARTTLS] done\r\n"),
        // A `+` that nobody asked for invites no command to pass unseen.
        ("c NOOP", "+ go on\r\nc OK \r\n"),
        ("e EXAMINE x", "e OK \r\n"),
    ]);
    let mut raw = Raw(BufReader::new(TcpStream::connect(proxied(server)).unwrap()));
    raw.0.get_ref().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(raw.line(), "* OK [CAPABILITY IMAP4rev1 XTHING] STARTTLS {3}\r\n");
    raw.say("a XTHING \"x\"\r\nb CAPABILITY\r\nd STARTTLS\r\nc NOOP\r\ne SELECT x\r\n");
    let heard = raw.until("e ");
    let (data, rest) = heard.split_at(heard.find("* CAP").unwrap());
    assert_eq!(data, "* XDATA {3}\r\n+ \r (y\r\n* 1 XROW ~{2}\r\n\0\r\r\na OK [XCODE] {5}\r\n");
    let rest: Vec<&str> = rest.lines().collect();
    assert_eq!(rest[0], "* CAPABILITY IMAP4rev1 IDLE");
    assert!(rest[1].starts_with("b OK") && !rest[1].contains("STARTTLS"), "{rest:?}");
    assert!(rest[2].starts_with("d NO "), "{rest:?}");
    assert_eq!(rest[3..], ["+ go on", "c OK ", "e OK "]);
}

#[test]
fn the_proxy_passes_the_lines_of_a_login_as_they_are() {
    let server = scripted(vec![
        ("", "* OK [CAPABILITY IMAP4rev1] hello\r\n"),
        ("a AUTHENTICATE X", "+ QQ==\r\n"),
        ("x SELECT y", "+ \r\n"),
        ("*", "a NO cancelled\r\n"),
        ("b EXAMINE y", "b BAD not yet\r\n"),
    ]);
    let mut raw = Raw::connect(&proxied(server));
    // Even a line that looks like a command, for here it is none.
    raw.say("a AUTHENTICATE X\r\nx SELECT y\r\n*\r\nb SELECT y\r\n");
    assert_eq!(raw.until("b "), "+ QQ==\r\n+ \r\na NO cancelled\r\nb BAD not yet\r\n");
}

/// A server that hears just these lines, in this order, and answers so. The first answer is the greeting.
fn scripted(script: Vec<(&'static str, &'static str)>) -> String {
    listen(move |stream| {
        let mut stream = BufReader::new(stream);
        for (expected, answer) in &script {
            let mut line = String::new();
            if !expected.is_empty() {
                stream.read_line(&mut line).unwrap();
            }
            if line.trim_end() != *expected {
                let complaint = format!("* BYE heard {line:?} and not {expected:?}\r\n");
                stream.get_mut().write_all(complaint.as_bytes()).unwrap();
                return;
            }
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    })
}

/// One run of the example: what it prints, what it knows then, and how it found out.
fn resync(address: &str, known: Option<Known>) -> (String, Known, Method) {
    let mut printed = Vec::new();
    let stream = TcpStream::connect(address).unwrap();
    let (known, method) =
        resync::resync(stream, "ann", Secret::from("secret"), "INBOX", known, &mut printed).unwrap();
    (String::from_utf8(printed).unwrap(), known, method)
}

#[test]
fn resync_prints_what_has_changed_since_the_last_run() {
    let (address, mailbox) = server(&["Subject: a\r\n\r\n", "Subject: b\r\n\r\n", "Subject: c\r\n\r\n"]);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("resync-{}.state", std::process::id()));
    assert_eq!(resync::load(&file).unwrap(), None);
    let (printed, known, method) = resync(&address, None);
    assert_eq!((printed.as_str(), method, known.uids.to_string().as_str()), ("", Method::Full, "1:3"));
    resync::save(&file, &known).unwrap();
    {
        let mut mailbox = mailbox.lock().unwrap();
        mailbox.store(2, posthaste_imap::types::StoreAction::Add, &Flags::from([Flag::Deleted]));
        mailbox.expunge(|_| true);
        let received = DateTime::from_unix_seconds(0, 0).unwrap();
        mailbox.append(Bytes::from_static(b"\r\n"), Flags::from([Flag::Seen]), received);
    }
    let (printed, known, _) = resync(&address, resync::load(&file).unwrap());
    assert_eq!(printed, "= 1\n= 3\n+ 4 \\Seen\n- 2\n");
    assert_eq!(known.uids.to_string(), "1,3:4");
    resync::save(&file, &known).unwrap();
    assert_eq!(resync::load(&file).unwrap(), Some(known));
    std::fs::write(&file, "7\n1\n").unwrap();
    assert_eq!(resync::load(&file).unwrap_err().to_string(), "the state file is cut short");
    std::fs::remove_file(&file).unwrap();
}

fn known(highest_mod_seq: Option<u64>) -> Option<Known> {
    let uid_validity = NonZeroU32::new(7).unwrap();
    Some(Known { uid_validity, highest_mod_seq, uids: "1:3,9".parse().unwrap() })
}

#[test]
fn resync_hears_by_qresync_what_is_gone() {
    let address = scripted(vec![
        ("", "* OK [CAPABILITY IMAP4rev1 ENABLE QRESYNC] hello\r\n"),
        ("A1 LOGIN ann secret", "A1 OK [CAPABILITY IMAP4rev1 ENABLE QRESYNC] in\r\n"),
        ("A2 ENABLE QRESYNC", "* ENABLED QRESYNC\r\nA2 OK on\r\n"),
        (
            "A3 SELECT INBOX (QRESYNC (7 40 1:3,9))",
            "* 4 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 13] x\r\n* OK [HIGHESTMODSEQ 45] x\r\n* VANISHED (EARLIER) 2\r\n\
             * 2 FETCH (UID 3 FLAGS (\\Seen $New) MODSEQ (44))\r\n* 4 FETCH (UID 12 FLAGS () MODSEQ (45))\r\nA3 OK x\r\n",
        ),
        ("A4 LOGOUT", "* BYE bye\r\nA4 OK bye\r\n"),
    ]);
    let (printed, known, method) = resync(&address, known(Some(40)));
    assert_eq!(printed, "- 2\n= 3 \\Seen $New\n+ 12\n");
    assert_eq!((known.highest_mod_seq, method), (Some(45), Method::QResync));
    assert_eq!(known.uids.to_string(), "1,3,9,12");
}

#[test]
fn resync_asks_by_condstore_for_changes_and_looks_itself_for_what_is_gone() {
    let address = scripted(vec![
        ("", "* OK [CAPABILITY IMAP4rev1 CONDSTORE ESEARCH] hello\r\n"),
        ("A1 LOGIN ann secret", "A1 OK [CAPABILITY IMAP4rev1 CONDSTORE ESEARCH] in\r\n"),
        (
            "A2 SELECT INBOX (CONDSTORE)",
            "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 10] x\r\n* OK [HIGHESTMODSEQ 45] x\r\nA2 OK x\r\n",
        ),
        (
            "A3 UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 40)",
            "* 3 FETCH (UID 9 FLAGS (\\Seen) MODSEQ (44))\r\nA3 OK x\r\n",
        ),
        ("A4 UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"A4\") UID ALL 1:2,9\r\nA4 OK x\r\n"),
        ("A5 LOGOUT", "* BYE bye\r\nA5 OK bye\r\n"),
    ]);
    let (printed, known, method) = resync(&address, known(Some(40)));
    assert_eq!(printed, "= 9 \\Seen\n- 3\n");
    assert_eq!((known.highest_mod_seq, method), (Some(45), Method::CondStore));
    assert_eq!(known.uids.to_string(), "1:2,9");
}

#[test]
fn resync_starts_over_in_another_mailbox() {
    let address = scripted(vec![
        ("", "* OK [CAPABILITY IMAP4rev1] hello\r\n"),
        ("A1 LOGIN ann secret", "A1 OK [CAPABILITY IMAP4rev1] in\r\n"),
        ("A2 SELECT INBOX", "* 1 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\nA2 OK x\r\n"),
        ("A3 UID FETCH 1:* (UID FLAGS)", "* 1 FETCH (UID 2 FLAGS ())\r\nA3 OK x\r\n"),
        ("A4 LOGOUT", "* BYE bye\r\nA4 OK bye\r\n"),
    ]);
    let (printed, known, method) = resync(&address, known(None));
    assert_eq!(printed, "! the mailbox is another one\n+ 2\n");
    assert_eq!((known.uid_validity.get(), method, known.uids.len()), (8, Method::Full, 1));
}
