//! What other programs have written, and what they make of what is written here.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use posthaste_server::exchange::Format;
use posthaste_server::store::SystemFlags;
use tempfile::TempDir;

use crate::{Mail, flags, mail, read, write};

/// The messages of an mbox.
fn mbox(content: &str) -> Vec<Mail> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mbox");
    std::fs::write(&path, content).unwrap();
    let mut found = read(&path);
    assert_eq!(found.len(), 1);
    let (name, mails) = found.remove(0);
    assert_eq!(name, "INBOX");
    mails
}

fn texts(mails: &[Mail]) -> Vec<&str> {
    mails.iter().map(|mail| std::str::from_utf8(&mail.content).unwrap()).collect()
}

const FROM: &str = "From a@x Sat Nov 21 12:00:00 2026\n";

#[test]
fn u22_mboxo_and_mboxrd_are_read() {
    let mails = mbox(&format!(
        "{FROM}Subject: a\nStatus: RO\nX-Status: AF\n\tfolded\nTo: b\nX-Keywords: k $Junk\n\n>From x\n>>From y\nFrom the desk\n\nFrom nobody\n\n{FROM}To: c\n\n\n"
    ));
    assert_eq!(
        texts(&mails),
        [
            "Subject: a\r\nTo: b\r\n\r\nFrom x\r\n>From y\r\nFrom the desk\r\n\r\nFrom nobody\r\n",
            "To: c\r\n\r\n"
        ]
    );
    let system = SystemFlags::SEEN | SystemFlags::ANSWERED | SystemFlags::FLAGGED;
    assert_eq!(mails[0].flags, flags(system, &["k", "$Junk"]));
    assert_eq!((mails[0].seconds, mails[1].flags.is_empty()), (1_795_262_400, true));
}

#[test]
fn u22_an_mbox_without_a_date_has_that_of_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mbox");
    for seconds in [0, 1_000_000_000] {
        std::fs::write(&path, format!("From \n\na\n\n{FROM}\nb\n")).unwrap();
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        let dates: Vec<i64> = read(&path)[0].1.iter().map(|mail| mail.seconds).collect();
        assert_eq!(dates, [i64::try_from(seconds).unwrap(), 1_795_262_400]);
    }
}

#[test]
fn u22_an_mbox_with_crlf_is_read() {
    let lines = format!("{FROM}Subject: a\nStatus: R\n\nFrom x\n\n{FROM}To: c\n\nend").replace('\n', "\r\n");
    let mails = mbox(&lines);
    assert_eq!(texts(&mails), ["Subject: a\r\n\r\nFrom x\r\n", "To: c\r\n\r\nend"]);
    assert_eq!(mails[0].flags, flags(SystemFlags::SEEN, &[]));
}

#[test]
fn u22_mboxcl2_is_counted_where_the_count_is_right() {
    let text = format!(">From me\n\n{FROM}inner\n");
    let size = text.len();
    let counted =
        mbox(&format!("{FROM}Content-Length: {size}\nTo: b\n\n{text}\n{FROM}Content-Length: 4\n\nend\n"));
    let text = text.replace('\n', "\r\n");
    assert_eq!(texts(&counted), [format!("To: b\r\n\r\n{text}").as_str(), "\r\nend\r\n"]);
    // Whoever sends a wrong count hides nothing with it.
    for wrong in [0, 4, 5, size, 1_000_000] {
        let mails = mbox(&format!("{FROM}Content-Length: {wrong}\n\nx\n\n{FROM}\na\n\n{FROM}\nb\n"));
        assert_eq!(texts(&mails), ["\r\nx\r\n", "\r\na\r\n", "\r\nb\r\n"], "{wrong}");
    }
    for nonsense in ["-1", "99999999999999999999999", "x"] {
        assert_eq!(texts(&mbox(&format!("{FROM}Content-Length: {nonsense}\n\na\n"))), ["\r\na\r\n"]);
    }
}

#[test]
fn u22_what_is_no_mbox_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    std::fs::write(&path, "Subject: x\n\nFrom a\n").unwrap();
    let (format, folders) = posthaste_server::exchange::folders(&path).unwrap();
    let mut reader = posthaste_server::exchange::open(format, &folders[0]).unwrap();
    assert!(reader.next(&mut |_| Ok(())).unwrap_err().to_string().contains("no mbox"));
    std::fs::write(&path, "").unwrap();
    assert_eq!(read(&path), [("INBOX".to_owned(), vec![])]);
    assert!(
        posthaste_server::exchange::folders(directory.path()).unwrap_err().to_string().contains("no mail")
    );
}

#[test]
fn u22_a_maildir_of_dovecot_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    for folder in ["", ".Sent.2026", ".Entw&APw-rfe"] {
        for part in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(root.join(folder).join(part)).unwrap();
        }
    }
    std::fs::write(root.join("cur/1700000002.M1P2.host,S=4,W=5:2,RSa"), "b: c\n").unwrap();
    std::fs::write(root.join("new/1700000001.M1P2.host"), "a\n\nb\r\n").unwrap();
    std::fs::write(root.join("tmp/1700000000.M1P2.host"), "unfinished").unwrap();
    std::fs::write(root.join("dovecot-keywords"), "0 Later\n1 \\x\nnonsense\n99 y\n").unwrap();
    std::fs::write(root.join(".Sent.2026/cur/x:2,DFTPz"), "x").unwrap();
    let found = read(root);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["INBOX", "Entw\u{fc}rfe", "Sent/2026"]);
    assert_eq!(texts(&found[0].1), ["a\r\n\r\nb\r\n", "b: c\r\n"]);
    assert_eq!(found[0].1[1].flags, flags(SystemFlags::ANSWERED | SystemFlags::SEEN, &["Later"]));
    let system = SystemFlags::DRAFT | SystemFlags::FLAGGED | SystemFlags::DELETED;
    assert_eq!(found[2].1[0].flags, flags(system, &["$Forwarded"]));
}

#[test]
fn u22_messages_of_a_maildir_come_in_the_order_in_which_they_came() {
    let directory = tempfile::tempdir().unwrap();
    let names = ["9.x", "10.M99P7Q1.x", "10.M100P7Q2.x", "10.M100P7Q10.x", "1700000000.x,S=1:2,S", "other"];
    std::fs::create_dir(directory.path().join("cur")).unwrap();
    for name in names {
        std::fs::write(directory.path().join("cur").join(name), name).unwrap();
    }
    assert_eq!(texts(&read(directory.path())[0].1), names);
}

/// Runs a script of Python, which asserts for itself. Whether there is a Python.
fn python(script: &str, path: &Path) -> bool {
    let python = Command::new("python3")
        .args(["-B", "-c", script])
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(python) = python else {
        let required = std::env::var_os("POSTHASTE_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
        assert!(!required, "python3 is not installed, and POSTHASTE_REQUIRE_CLIENTS=1 demands it");
        println!("skipped: python3 is not installed");
        return false;
    };
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    true
}

fn example(format: Format) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let seen = flags(SystemFlags::SEEN | SystemFlags::ANSWERED, &["$Forwarded"]);
    let one = Mail { flags: seen, ..mail("Subject: one\r\n\r\nFrom here\r\n\r\nend\r\n") };
    let two = Mail { flags: flags(SystemFlags::FLAGGED, &[]), ..mail("Subject: two\r\n\r\nno end") };
    write(
        &directory,
        format,
        &[("INBOX", vec![one, two]), ("Sent/2026", vec![mail("Subject: three\r\n\r\n")])],
        5,
    );
    directory
}

#[test]
fn u22_python_reads_an_exported_maildir() {
    python(
        r#"
import mailbox, sys
box = mailbox.Maildir(sys.argv[1], create=False)
assert box.list_folders() == ["Sent.2026"], box.list_folders()
found = sorted((m["Subject"], m.get_flags(), m.get_payload(), m.get_date()) for m in box)
assert found == [("one", "PRS", "From here\n\nend\n", 1795252800.0), ("two", "F", "no end", 1795252800.0)], found
assert [m["Subject"] for m in box.get_folder("Sent.2026")] == ["three"]
"#,
        &example(Format::Maildir).path().join("out"),
    );
}

#[test]
fn u22_python_reads_an_exported_mbox() {
    python(
        r#"
import mailbox, os, sys
box = mailbox.mbox(os.path.join(sys.argv[1], "INBOX.mbox"), create=False)
found = [(m["Subject"], m.get_flags(), m.get_payload(), m.get_from()) for m in box]
since = "MAILER-DAEMON Sat Nov 21 09:20:00 2026"
assert found == [
    ("one", "ROA", ">From here\n\nend\n", since),
    ("two", "OF", "no end\n", since),
], found
assert [m["Subject"] for m in mailbox.mbox(os.path.join(sys.argv[1], "Sent.2026.mbox"))] == ["three"]
"#,
        &example(Format::Mbox).path().join("out"),
    );
}

const MESSAGES: &str = r#"
import mailbox, os, sys
def fill(box, kind):
    message = kind("Subject: one\n\nFrom here\n\nend\n")
    message.set_flags("RF" if kind is mailbox.mboxMessage else "SF")
    if kind is mailbox.mboxMessage:
        message.set_from("a@x", (2026, 11, 21, 12, 0, 0, 5, 325, 0))
    else:
        message.set_date(1795262400)
    box.add(message)
    box.add(kind("Subject: two\n\n"))
    box.flush()
"#;

#[test]
fn u22_what_python_writes_as_mbox_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mbox");
    let script = "fill(mailbox.mbox(sys.argv[1]), mailbox.mboxMessage)";
    if python(&format!("{MESSAGES}{script}"), &path) {
        let found = read(&path).remove(0).1;
        assert_eq!(texts(&found), ["Subject: one\r\n\r\nFrom here\r\n\r\nend\r\n", "Subject: two\r\n\r\n"]);
        assert_eq!(found[0].flags, flags(SystemFlags::SEEN | SystemFlags::FLAGGED, &[]));
        assert_eq!(found[0].seconds, 1_795_262_400);
    }
}

#[test]
fn u22_what_python_writes_as_maildir_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("maildir");
    let script = "box = mailbox.Maildir(sys.argv[1]); fill(box, mailbox.MaildirMessage); box.add_folder('A.B').add('x')";
    if python(&format!("{MESSAGES}{script}"), &path) {
        let found = read(&path);
        assert_eq!(
            texts(&found[0].1),
            ["Subject: one\r\n\r\nFrom here\r\n\r\nend\r\n", "Subject: two\r\n\r\n"]
        );
        assert_eq!(found[0].1[0].flags, flags(SystemFlags::SEEN | SystemFlags::FLAGGED, &[]));
        assert_eq!(found[0].1[0].seconds, 1_795_262_400);
        assert_eq!((found[1].0.as_str(), texts(&found[1].1)), ("A/B", vec!["x"]));
    }
}
