//! Files that somebody has made to harm whoever reads them.

use std::path::Path;

use posthaste_server::exchange::{self, Format, INDEX};
use posthaste_server::store::StoreError;

use crate::read;

fn maildir(path: &Path) {
    for part in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(path.join(part)).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn u22_nothing_behind_a_link_in_a_maildir_is_read() {
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    maildir(&secret);
    std::fs::write(secret.join("cur/1:2,S"), "root:secret\n").unwrap();
    std::fs::write(secret.join("keywords"), "0 secret\n").unwrap();
    let root = directory.path().join("mail");
    maildir(&root);
    // A message, its keywords, a folder, the directory of a folder, the index.
    symlink(secret.join("cur/1:2,S"), root.join("cur/2:2,S")).unwrap();
    symlink(secret.join("keywords"), root.join("dovecot-keywords")).unwrap();
    symlink(&secret, root.join(".Linked")).unwrap();
    std::fs::create_dir(root.join(".Half")).unwrap();
    symlink(secret.join("cur"), root.join(".Half/cur")).unwrap();
    std::fs::create_dir_all(root.join(".New/cur")).unwrap();
    symlink(secret.join("cur"), root.join(".New/new")).unwrap();
    symlink(secret.join("keywords"), root.join(INDEX)).unwrap();
    std::fs::write(root.join("cur/3:2,Sa"), "mine\n").unwrap();
    let found = read(&root);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["INBOX", "New"]);
    assert_eq!((found[0].1.len(), found[1].1.len()), (1, 0));
    assert_eq!(found[0].1[0].content, b"mine\r\n");
    assert!(found[0].1[0].flags.keywords.is_empty());
    let (format, folders) = exchange::folders(&root).unwrap();
    assert_eq!(exchange::open(format, &folders[0]).unwrap().passed_over(), 1);
    // Who names a link means what is behind it.
    symlink(&root, directory.path().join("named")).unwrap();
    assert_eq!(read(&directory.path().join("named")), found);
    // Mailboxes in a directory of files.
    let files = directory.path().join("files");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(directory.path().join("other"), "From a Sat Nov 21 12:00:00 2026\n\n").unwrap();
    symlink(directory.path().join("other"), files.join("x.mbox")).unwrap();
    assert!(exchange::folders(&files).is_err());
}

#[cfg(unix)]
#[test]
fn u22_what_never_ends_is_not_begun() {
    use std::os::unix::net::UnixListener;
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    maildir(root);
    let made = std::process::Command::new("mkfifo").arg(root.join("cur/1")).status();
    assert!(made.unwrap().success());
    let _socket = UnixListener::bind(root.join("cur/2")).unwrap();
    assert_eq!(read(root)[0].1, []);
    assert!(exchange::folders(&root.join("cur/1")).is_err());
    assert!(exchange::folders(Path::new("/dev/zero")).is_err());
}

#[test]
fn u22_names_of_folders_are_never_paths() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("mail");
    maildir(&root);
    for name in ["...", "....", ". ", ".a\u{1}b", ".&Jjo", ".&AC8-etc&AC8-passwd", ".-rf"] {
        maildir(&root.join(name));
    }
    std::fs::write(root.join(INDEX), r#"{"mailboxes":{".-rf":"../../etc",".x":"/etc/passwd"}}"#).unwrap();
    // They are what they are called, and say nothing of where they lie.
    let (format, folders) = exchange::folders(&root).unwrap();
    assert_eq!((format, folders.len()), (Format::Maildir, 8));
    assert!(folders.iter().all(|folder| folder.path.starts_with(std::fs::canonicalize(&root).unwrap())));
    assert!(folders.iter().any(|folder| folder.name == "../../etc" && folder.path.ends_with(".-rf")));
    for broken in ["", "[]", r#"{"mailboxes":{".x":1}}"#] {
        std::fs::write(root.join(INDEX), broken).unwrap();
        assert!(exchange::folders(&root).unwrap_err().to_string().contains(INDEX), "{broken}");
    }
}

#[test]
fn u22_more_folders_than_an_account_may_have_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    maildir(root);
    for number in 0..10_000 {
        std::fs::create_dir_all(root.join(format!(".f{number}/cur"))).unwrap();
    }
    assert_eq!(exchange::folders(root).unwrap_err(), StoreError::TooManyMailboxes(5000));
}

#[test]
fn u22_an_endless_line_passes_in_pieces() {
    const SIZE: usize = 20 << 20;
    let directory = tempfile::tempdir().unwrap();
    for (before, after) in
        [("", ""), ("", "\n\nx"), ("Subject: ", ""), ("\n>>>", "\n"), ("\nFrom ", "\n"), ("\n\r", "")]
    {
        let path = directory.path().join("mbox");
        let long = "x".repeat(SIZE);
        std::fs::write(&path, format!("From a Sat Nov 21 12:00:00 2026\n{before}{long}{after}")).unwrap();
        let (format, folders) = exchange::folders(&path).unwrap();
        let mut reader = exchange::open(format, &folders[0]).unwrap();
        let (mut size, mut piece_max) = (0, 0);
        let head = reader.next(&mut |octets| {
            size += octets.len();
            piece_max = piece_max.max(octets.len());
            Ok(())
        });
        assert!(head.unwrap().is_some() && reader.next(&mut |_| Ok(())).unwrap().is_none());
        assert!(size >= SIZE && piece_max <= 64 * 1024, "{before:?}: {size} in pieces of {piece_max}");
    }
}

#[test]
fn u22_a_sink_that_has_enough_ends_the_reading() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mbox");
    std::fs::write(&path, "From a Sat Nov 21 12:00:00 2026\n\nx\n").unwrap();
    let (format, folders) = exchange::folders(&path).unwrap();
    let mut reader = exchange::open(format, &folders[0]).unwrap();
    assert_eq!(reader.next(&mut |_| Err(StoreError::Full)).unwrap_err(), StoreError::Full);
}

#[test]
fn u22_keywords_of_one_message_are_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mbox");
    let many: String = (0..5000).map(|number| format!("X-Keywords: k{number} l{number}\n")).collect();
    std::fs::write(&path, format!("From a Sat Nov 21 12:00:00 2026\n{many}\nx\n")).unwrap();
    let found = read(&path);
    assert_eq!(found[0].1[0].flags.keywords.iter().count(), 256);
    assert_eq!(found[0].1[0].content, b"\r\nx\r\n");
}

#[test]
fn u22_what_is_called_an_mbox_and_is_none_is_not_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("notes.txt"), "none").unwrap();
    std::fs::write(directory.path().join("Sent.mbox"), "none either").unwrap();
    let (format, folders) = exchange::folders(directory.path()).unwrap();
    assert_eq!((format, folders.len(), folders[0].name.as_str()), (Format::Mbox, 1, "Sent"));
    let error = exchange::open(format, &folders[0]).unwrap().next(&mut |_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("Sent.mbox"), "{error}");
}
