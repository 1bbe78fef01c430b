//! mbsync: one mailbox on both sides, with new messages, flags and deletions travelling either way.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    program, python,
    raw::Talk,
    server::{ALICE, HOST, PASSWORD, Server},
};

/// A Maildir and the server's INBOX, synchronised on demand.
struct Pair {
    mbsync: PathBuf,
    server: Server,
    configuration: PathBuf,
    maildir: PathBuf,
}

impl Pair {
    /// `None` when a program is not installed.
    #[track_caller]
    fn start(tls: &str, listener: &str) -> Option<Self> {
        let mbsync = program::find("mbsync")?;
        program::find("python3")?;
        let server = Server::start();
        let local = server.folder().join("local");
        fs::create_dir_all(&local).unwrap();
        let configuration = server.folder().join("mbsyncrc");
        fs::write(
            &configuration,
            format!(
                "IMAPAccount there\nHost 127.0.0.1\nPort {}\nUser {ALICE}\nPass \"{PASSWORD}\"\nAuthMechs LOGIN\n\
                 SSLType {tls}\nSystemCertificates no\nCertificateFile {}\nTimeout 30\n\n\
                 IMAPStore far\nAccount there\n\n\
                 MaildirStore near\nPath {local}/\nInbox {local}/INBOX\nSubFolders Verbatim\n\n\
                 Channel both\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Both\nExpunge Both\nSync All\n\
                 SyncState *\n",
                server.port(listener),
                server.certificate().display(),
                local = local.display(),
            ),
        )
        .unwrap();
        Some(Self { mbsync, server, configuration, maildir: local.join("INBOX") })
    }

    #[track_caller]
    fn sync(&self) {
        let configuration = self.configuration.as_os_str();
        let output = program::run(&self.mbsync, ["-c".as_ref(), configuration, "both".as_ref()], b"");
        assert_eq!(output.code, Some(0), "mbsync to {HOST}\n{}", output.report());
    }

    /// The local files: path and text, in the order of their names.
    fn files(&self) -> Vec<(PathBuf, String)> {
        let mut files = Vec::new();
        for folder in ["new", "cur"] {
            for entry in fs::read_dir(self.maildir.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                files.push((path, text));
            }
        }
        files.sort();
        files
    }

    /// The one local file with this subject.
    #[track_caller]
    fn file(&self, subject: &str) -> (PathBuf, String) {
        let header = format!("Subject: {subject}");
        let mut files = self.files();
        files.retain(|(_, text)| text.lines().any(|line| line == header));
        assert_eq!(files.len(), 1, "one local file has the subject {subject}: {:#?}", self.files());
        files.remove(0)
    }

    /// Renames a local file so that its flags are exactly `flags`.
    fn set_flags(&self, path: &Path, flags: &str) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let base = name.split(":2,").next().unwrap();
        fs::rename(path, self.maildir.join("cur").join(format!("{base}:2,{flags}"))).unwrap();
    }

    #[track_caller]
    fn deliver(&self, subject: &str) {
        let mut talk = Talk::greeted(&self.server, "smtp");
        talk.envelope("sender@remote.test", &[ALICE]);
        talk.send(format!("From: sender@remote.test\r\nSubject: {subject}\r\n\r\n..dot\r\nbody\r\n.\r\n"));
        talk.expect("250");
    }
}

fn flags_of(path: &Path) -> String {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    name.split_once(":2,").map(|(_, flags)| flags.to_owned()).unwrap_or_default()
}

#[test]
fn mbsync_carries_messages_flags_and_deletions_both_ways() {
    let Some(pair) = Pair::start("IMAPS", "imaps") else { return };
    let flags = || python::flags(&pair.server, ALICE);

    // A message from there, one from here.
    pair.deliver("from there");
    pair.sync();
    let (_, text) = pair.file("from there");
    assert!(text.replace("\r\n", "\n").ends_with("\n\n.dot\nbody\n"), "the text arrives unchanged: {text:?}");
    let here = pair.maildir.join("cur/1790000000.1_1.here:2,F");
    fs::write(&here, "From: alice@example.test\nSubject: from here\n\n.dot\nbody\n").unwrap();
    pair.sync();
    assert_eq!(flags(), ["from there |", "from here | \\Flagged"]);
    assert_eq!(pair.files().len(), 2);

    // Flags from here, and from there.
    let (path, _) = pair.file("from there");
    pair.set_flags(&path, "RS");
    python::add_flag(&pair.server, ALICE, "from here", "\\Seen");
    pair.sync();
    assert_eq!(flags(), ["from there | \\Answered \\Seen", "from here | \\Flagged \\Seen"]);
    let (path, _) = pair.file("from here");
    assert_eq!(flags_of(&path), "FS", "a flag set there arrives here");
    // And one taken away here.
    pair.set_flags(&path, "S");
    pair.sync();
    assert_eq!(flags(), ["from there | \\Answered \\Seen", "from here | \\Seen"]);

    // A deletion from here, and from there.
    let (path, _) = pair.file("from there");
    fs::remove_file(path).unwrap();
    pair.sync();
    assert_eq!(flags(), ["from here | \\Seen"]);
    python::remove(&pair.server, ALICE, "from here");
    pair.sync();
    assert_eq!(pair.files(), []);
    assert!(flags().is_empty());
}

#[test]
fn mbsync_starts_tls_and_moves_many_messages() {
    let Some(pair) = Pair::start("STARTTLS", "imap") else { return };
    for number in 0..20 {
        pair.deliver(&format!("number {number}"));
    }
    pair.sync();
    assert_eq!(pair.files().len(), 20);
    for (number, (path, _)) in pair.files().iter().enumerate() {
        if number % 2 == 0 {
            fs::remove_file(path).unwrap();
        }
    }
    pair.sync();
    pair.sync();
    assert_eq!(python::flags(&pair.server, ALICE).len(), 10);
    assert_eq!(pair.files().len(), 10);
}
