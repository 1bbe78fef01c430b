//! curl, as the client of all three protocols: every port, with STARTTLS and with TLS from the start.

use std::{fs, path::PathBuf};

use crate::{
    program::{self, Output},
    server::{ALICE, BOB, HOST, PASSWORD, Server},
};

/// Exit code of curl when the password is refused.
const LOGIN_DENIED: i32 = 67;

/// curl, led to one server whose certificate it trusts.
struct Curl {
    program: PathBuf,
    server: Server,
}

impl Curl {
    /// `None` when curl is not installed.
    #[track_caller]
    fn start() -> Option<Self> {
        let program = program::find("curl")?;
        Some(Self { program, server: Server::start() })
    }

    /// Runs curl on `SCHEME://HOST:PORT/PATH`, where the scheme is that of the listener.
    #[track_caller]
    fn run(&self, listener: &str, path: &str, more: &[&str]) -> Output {
        let scheme = match listener {
            "submission" => "smtp",
            "submissions" => "smtps",
            scheme => scheme,
        };
        let port = self.server.port(listener);
        let mut arguments: Vec<String> =
            ["--disable", "--silent", "--show-error", "--max-time", "30"].map(str::to_owned).into();
        arguments.extend(["--cacert".into(), self.server.certificate().display().to_string()]);
        arguments.extend(["--resolve".into(), format!("{HOST}:{port}:127.0.0.1")]);
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        arguments.push(format!("{scheme}://{HOST}:{port}/{path}"));
        program::run(&self.program, arguments, b"")
    }

    /// As [`run`](Self::run), logged in.
    #[track_caller]
    fn logged_in(&self, account: &str, listener: &str, path: &str, more: &[&str]) -> Output {
        let user = format!("{account}:{PASSWORD}");
        let mut arguments = vec!["--user", &user];
        if !listener.ends_with('s') {
            arguments.push("--ssl-reqd");
        }
        arguments.extend(more);
        self.run(listener, path, &arguments)
    }

    /// Writes a message to a file for uploads.
    fn file(&self, octets: &[u8]) -> String {
        let path = self.server.folder().join("message.eml");
        fs::write(&path, octets).unwrap();
        path.display().to_string()
    }

    /// Delivers a message to Alice by port 25.
    #[track_caller]
    fn deliver(&self, subject: &str) {
        let file = self.file(&message(subject));
        let mail = ["--mail-from", "sender@remote.test", "--mail-rcpt", ALICE, "--upload-file", &file];
        self.run("smtp", "client.test", &mail).success();
    }

    /// A message of an INBOX, by IMAP.
    #[track_caller]
    fn fetch(&self, account: &str, number: usize) -> Vec<u8> {
        self.logged_in(account, "imaps", &format!("INBOX;MAILINDEX={number}"), &[]).success()
    }
}

const BODY: &str = "first\r\n.dot\r\n.\r\n..\r\nFrom here on\r\n\r\nlast\r\n";

fn message(subject: &str) -> Vec<u8> {
    message_by("sender@remote.test", subject)
}

fn message_by(author: &str, subject: &str) -> Vec<u8> {
    format!("From: {author}\r\nTo: {ALICE}\r\nSubject: {subject}\r\n\r\n{BODY}").into_bytes()
}

/// Asserts that `octets` is the message of this subject, with whatever header the server put before it.
#[track_caller]
fn assert_is(octets: &[u8], subject: &str) {
    assert_ends(octets, &message(subject));
}

#[track_caller]
fn assert_ends(octets: &[u8], message: &[u8]) {
    assert!(octets.ends_with(message), "not {}:\n{}", message.escape_ascii(), octets.escape_ascii());
}

#[test]
fn curl_delivers_by_port_25_with_and_without_tls() {
    let Some(curl) = Curl::start() else { return };
    curl.deliver("in the clear");
    let file = curl.file(&message("by STARTTLS"));
    let mail =
        ["--ssl-reqd", "--mail-from", "sender@remote.test", "--mail-rcpt", ALICE, "--upload-file", &file];
    curl.run("smtp", "client.test", &mail).success();
    assert_is(&curl.fetch(ALICE, 1), "in the clear");
    assert_is(&curl.fetch(ALICE, 2), "by STARTTLS");
    curl.logged_in(ALICE, "imaps", "INBOX;MAILINDEX=3", &[]).fails_with(78);
}

#[test]
fn curl_submits_with_starttls_and_with_tls_and_with_each_mechanism() {
    let Some(curl) = Curl::start() else { return };
    let mut number = 0;
    for listener in ["submission", "submissions"] {
        for mechanism in ["PLAIN", "LOGIN"] {
            number += 1;
            let subject = format!("{listener} {mechanism}");
            let message = message_by(ALICE, &subject);
            let file = curl.file(&message);
            let option = format!("AUTH={mechanism}");
            let mail = [
                "--login-options",
                &option,
                "--mail-from",
                ALICE,
                "--mail-rcpt",
                BOB,
                "--upload-file",
                &file,
            ];
            curl.logged_in(ALICE, listener, "client.test", &mail).success();
            assert_ends(&curl.fetch(BOB, number), &message);
        }
    }
}

#[test]
fn curl_cannot_submit_without_the_password() {
    let Some(curl) = Curl::start() else { return };
    let file = curl.file(&message_by(ALICE, "refused"));
    let mail = ["--mail-from", ALICE, "--mail-rcpt", BOB, "--upload-file", &file];
    let wrong = [&["--user", "alice@example.test:wrong"][..], &mail].concat();
    curl.run("submissions", "client.test", &wrong).fails_with(LOGIN_DENIED);
    for (listener, more) in [("submissions", &[][..]), ("submission", &["--ssl-reqd"]), ("submission", &[])] {
        let output = curl.run(listener, "client.test", &[more, &mail].concat());
        assert_ne!(output.code, Some(0), "{listener} took mail without a password\n{}", output.report());
    }
    let status = curl.logged_in(BOB, "imaps", "", &["--request", "STATUS INBOX (MESSAGES)"]).text();
    assert!(status.contains("MESSAGES 0"), "{status}");
}

#[test]
fn curl_sends_no_password_in_the_clear_to_imap_and_pop3() {
    let Some(curl) = Curl::start() else { return };
    let user = format!("{ALICE}:{PASSWORD}");
    for listener in ["imap", "pop3"] {
        // Nothing is offered that a password could be sent by, so curl gives up by itself.
        curl.run(listener, "", &["--user", &user]).fails_with(LOGIN_DENIED);
    }
}

#[test]
fn curl_lists_searches_and_fetches_by_imap() {
    let Some(curl) = Curl::start() else { return };
    curl.deliver("a needle");
    curl.deliver("hay");
    for listener in ["imap", "imaps"] {
        let listed = curl.logged_in(ALICE, listener, "", &[]).text();
        assert!(
            listed.lines().any(|line| line.starts_with("* LIST (") && line.ends_with("INBOX")),
            "{listed}"
        );
        let found = curl.logged_in(ALICE, listener, "INBOX?SUBJECT%20needle", &[]).text();
        assert_eq!(found.trim_end(), "* SEARCH 1");
        let fetched = curl.logged_in(ALICE, listener, "INBOX;MAILINDEX=2", &[]).success();
        assert_is(&fetched, "hay");
        let field = "INBOX;MAILINDEX=1;SECTION=HEADER.FIELDS%20(SUBJECT)";
        assert_eq!(curl.logged_in(ALICE, listener, field, &[]).text(), "Subject: a needle\r\n\r\n");
    }
    let output = curl.run("imaps", "", &["--user", "alice@example.test:wrong"]);
    output.fails_with(LOGIN_DENIED);
}

#[test]
fn curl_appends_and_changes_by_imap() {
    let Some(curl) = Curl::start() else { return };
    let request =
        |path: &str, command: &str| curl.logged_in(ALICE, "imaps", path, &["--request", command]).text();
    request("", "CREATE Papers");
    let octets = message("appended");
    let file = curl.file(&octets);
    curl.logged_in(ALICE, "imap", "Papers", &["--upload-file", &file]).success();
    let fetched = curl.logged_in(ALICE, "imaps", "Papers;MAILINDEX=1", &[]).success();
    assert_eq!(fetched, octets, "the octets of APPEND come back unchanged");
    let stored = request("Papers", "STORE 1 +FLAGS (\\Flagged)");
    assert!(stored.contains("\\Flagged"), "{stored}");
    let copied = request("Papers", "COPY 1 INBOX");
    assert!(!copied.contains("NO"), "{copied}");
    assert_eq!(curl.fetch(ALICE, 1), octets, "COPY keeps the octets");
    request("Papers", "STORE 1 +FLAGS.SILENT (\\Deleted)");
    assert!(request("Papers", "EXPUNGE").contains("* 1 EXPUNGE"));
    let status = request("", "STATUS Papers (MESSAGES)");
    assert!(status.contains("MESSAGES 0"), "{status}");
}

#[test]
fn curl_reads_and_deletes_by_pop3() {
    let Some(curl) = Curl::start() else { return };
    curl.deliver("one");
    curl.deliver("two");
    for listener in ["pop3", "pop3s"] {
        let retrieved = curl.logged_in(ALICE, listener, "2", &[]).success();
        assert_is(&retrieved, "two");
        assert_eq!(retrieved, curl.fetch(ALICE, 2), "POP3 and IMAP give the same octets");
        let listed = curl.logged_in(ALICE, listener, "", &[]).text();
        let sizes: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').nth(1)).collect();
        assert_eq!(sizes.len(), 2, "{listed}");
        assert_eq!(sizes[1], retrieved.len().to_string(), "LIST gives the octets that RETR sends");
        let uidl = curl.logged_in(ALICE, listener, "", &["--request", "UIDL"]).text();
        assert_eq!(uidl.lines().count(), 2, "{uidl}");
        let top = curl.logged_in(ALICE, listener, "", &["--request", "TOP 1 0"]).text();
        assert!(top.contains("Subject: one\r\n") && !top.contains("first"), "{top}");
    }
    curl.logged_in(ALICE, "pop3s", "1", &["--list-only", "--request", "DELE"]).success();
    let listed = curl.logged_in(ALICE, "pop3s", "", &[]).text();
    assert_eq!(listed.lines().count(), 1, "{listed}");
    assert_is(&curl.fetch(ALICE, 1), "two");
}
