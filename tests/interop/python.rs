//! Python's own smtplib, imaplib and poplib: each script of `scripts/` is a test, and one is a tool by which other
//! tests look into a mailbox.

use std::path::Path;

use crate::{
    program::{self, Output},
    server::{ALICE, BOB, HOST, PASSWORD, Server},
};

/// Runs a script. It is told where the server is in arguments of the form `name=value`, which are printed when it
/// fails, so that it can be run by hand.
#[track_caller]
pub(crate) fn script(server: &Server, name: &str, more: &[&str]) -> Output {
    let python = program::find("python3").expect("the test has looked for python3");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/scripts").join(name);
    let mut arguments = vec!["-B".to_owned(), path.display().to_string()];
    arguments.extend([
        format!("host={HOST}"),
        format!("certificate={}", server.certificate().display()),
        format!("alice={ALICE}"),
        format!("bob={BOB}"),
        format!("password={PASSWORD}"),
    ]);
    for listener in ["smtp", "submission", "submissions", "imap", "imaps", "pop3", "pop3s"] {
        arguments.push(format!("{listener}={}", server.port(listener)));
    }
    arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
    program::run(&python, arguments, b"")
}

/// The headers of all messages in an INBOX, in order.
#[track_caller]
pub(crate) fn headers(server: &Server, account: &str) -> Vec<String> {
    let text = script(server, "mailbox_tool.py", &["do=headers", &format!("user={account}")]).text();
    text.split('\u{c}').map(str::trim).filter(|header| !header.is_empty()).map(str::to_owned).collect()
}

/// All messages in an INBOX, in order, octet for octet.
#[track_caller]
pub(crate) fn messages(server: &Server, account: &str) -> Vec<String> {
    let text = script(server, "mailbox_tool.py", &["do=messages", &format!("user={account}")]).text();
    text.split_terminator('\u{c}').map(str::to_owned).collect()
}

/// `SUBJECT | FLAGS` of all messages in an INBOX, in order; flags in alphabetical order.
#[track_caller]
pub(crate) fn flags(server: &Server, account: &str) -> Vec<String> {
    let text = script(server, "mailbox_tool.py", &["do=flags", &format!("user={account}")]).text();
    text.lines().map(str::to_owned).collect()
}

/// Adds a flag to the message with this subject in an INBOX.
#[track_caller]
pub(crate) fn add_flag(server: &Server, account: &str, subject: &str, flag: &str) {
    let (user, subject, flag) =
        (format!("user={account}"), format!("subject={subject}"), format!("flag={flag}"));
    script(server, "mailbox_tool.py", &["do=add-flag", &user, &subject, &flag]).success();
}

/// Removes the message with this subject from an INBOX.
#[track_caller]
pub(crate) fn remove(server: &Server, account: &str, subject: &str) {
    let (user, subject) = (format!("user={account}"), format!("subject={subject}"));
    script(server, "mailbox_tool.py", &["do=remove", &user, &subject]).success();
}

#[track_caller]
fn passes(name: &str) {
    if program::find("python3").is_none() {
        return;
    }
    let server = Server::start();
    let output = script(&server, name, &[]);
    assert_eq!(output.code, Some(0), "{}", output.report());
}

#[test]
fn smtplib_sends_on_every_port_and_is_held_to_the_rules() {
    passes("send_smtplib.py");
}

#[test]
fn imaplib_reads_and_changes_a_mailbox() {
    passes("read_imaplib.py");
}

#[test]
fn poplib_reads_and_deletes() {
    passes("read_poplib.py");
}

#[test]
fn imaplib_and_poplib_see_the_same_octets() {
    passes("compare.py");
}
