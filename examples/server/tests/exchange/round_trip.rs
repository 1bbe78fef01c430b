//! What is written comes back: octets, flags, dates and names.

use std::collections::BTreeMap;

use posthaste_server::exchange::mbox::Messages;
use posthaste_server::exchange::{Format, LineEnds, LineScan};
use posthaste_server::store::{Flags, KEYWORD_MAX, KEYWORDS_MAX, Keyword, SystemFlags};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use crate::{Mail, all, flags, mail, read, write};

/// What readers of mbox look at, and what is nothing to them.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "From ",
        "From a@x Sat Nov 21 12:00:00 2026",
        ">",
        ">>From ",
        "Fro",
        "F",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "\r",
        "\n\n",
        "Status: RO\r\n",
        "X-Status: D\r\n",
        "X-Keywords: a\r\n",
        "Content-Length: 3\r\n",
        "X-Posthaste-Octets: 2\r\n",
        "Subject: hello",
        " folded",
        "\0",
        "text",
    ];
    let known = select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec());
    let on_the_wire = select(pieces.to_vec()).prop_map(|piece| {
        let lines = piece.replace('\r', "").replace('\n', "\r\n");
        lines.into_bytes()
    });
    let other = vec(any::<u8>(), 0..40);
    prop_oneof![
        3 => vec(on_the_wire, 0..24),
        2 => vec(known.clone(), 0..24),
        2 => vec(prop_oneof![3 => known, 1 => other], 0..24),
    ]
    .prop_map(|pieces| pieces.concat())
}

fn any_flags() -> impl Strategy<Value = Flags> {
    let system = [
        SystemFlags::ANSWERED,
        SystemFlags::FLAGGED,
        SystemFlags::DELETED,
        SystemFlags::SEEN,
        SystemFlags::DRAFT,
    ];
    let keywords = ["$Forwarded", "$Junk", "a", "B2", "work:later", "'"];
    let system = vec(select(system.to_vec()), 0..4);
    let system = system.prop_map(|all| all.into_iter().fold(SystemFlags::NONE, |all, one| all | one));
    let keywords = btree_set(select(keywords.to_vec()), 0..4)
        .prop_map(|all| all.into_iter().filter_map(Keyword::new).collect());
    (system, keywords).prop_map(|(system, keywords)| Flags { system, keywords })
}

fn mails() -> impl Strategy<Value = Vec<Mail>> {
    let one = (content(), any_flags(), 0..=4_000_000_000_i64);
    vec(one.prop_map(|(content, flags, seconds)| Mail { content, flags, seconds }), 0..5)
}

const NAMES: [&str; 6] = ["INBOX", "Sent", "a.b/c", "../x", "Entw\u{fc}rfe", "\u{53f0}\u{5317}"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn u22_what_is_written_is_read_again(
        mailboxes in vec(mails(), 1..4), piece in 1_usize..30, mbox in any::<bool>(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let format = if mbox { Format::Mbox } else { Format::Maildir };
        let named: Vec<(&str, Vec<Mail>)> = NAMES.into_iter().zip(mailboxes).collect();
        write(&directory, format, &named, piece);
        let found: BTreeMap<String, Vec<Mail>> = read(&directory.path().join("out")).into_iter().collect();
        let wanted: BTreeMap<String, Vec<Mail>> =
            named.into_iter().map(|(name, mails)| (name.to_owned(), mails)).collect();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn u22_an_mbox_is_read_the_same_in_any_pieces(
        text in vec(content(), 0..6), octets in 1_usize..80, is_mbox in any::<bool>(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mbox");
        let separator = b"\n\nFrom b Sat Nov 21 12:00:00 2026\n".to_vec();
        let begin: &[u8] = if is_mbox { b"From a Sat Nov 21 12:00:00 2026\n" } else { b"From " };
        let size = text.iter().map(Vec::len).sum::<usize>();
        let file = [begin, &text.join(&separator[..])].concat();
        std::fs::write(&path, &file).unwrap();
        let whole = all(&mut Messages::open(&path).unwrap());
        prop_assert_eq!(&whole, &all(&mut Messages::open_with(&path, octets).unwrap()));
        // Each LF may have become CR LF, and nothing is made from nothing.
        let read = whole.iter().map(|mail| mail.content.len()).sum::<usize>();
        prop_assert!(read <= 2 * (size + text.len() * separator.len()) + begin.len(), "{} of {}", read, size);
    }

    #[test]
    fn u22_line_ends_are_known_in_any_pieces(content in content(), piece in 1_usize..9) {
        let mut scan = LineScan::default();
        content.chunks(piece).for_each(|piece| scan.pass(piece));
        let text: Vec<u8> = content.iter().copied().filter(|octet| *octet != b'\r').collect();
        let back = text.split(|octet| *octet == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
        prop_assert_eq!(scan.end() == LineEnds::CrLf, back == content);
    }
}

#[test]
fn u22_files_have_lines_as_other_programs_do() {
    let directory = tempfile::tempdir().unwrap();
    let sent = Mail {
        flags: flags(SystemFlags::SEEN | SystemFlags::FLAGGED, &["a", "b"]),
        ..mail("S: x\r\n\r\nFrom me\r\n")
    };
    write(&directory, Format::Mbox, &[("Sent", vec![sent.clone(), mail("a\nb")])], 7);
    let file = std::fs::read_to_string(directory.path().join("out/Sent.mbox")).unwrap();
    assert_eq!(
        file,
        "From MAILER-DAEMON Sat Nov 21 09:20:00 2026\nStatus: RO\nX-Status: F\nX-Keywords: a b\nX-Posthaste-Octets: 17\nS: x\n\n>From me\n\nFrom MAILER-DAEMON Sat Nov 21 09:20:00 2026\nStatus: O\nX-Posthaste-Octets: 3 mixed\na\nb\n\n"
    );
    let directory = tempfile::tempdir().unwrap();
    write(&directory, Format::Maildir, &[("a/b", vec![sent])], 7);
    let folder = directory.path().join("out/.a.b");
    let file = std::fs::read_dir(folder.join("cur")).unwrap().next().unwrap().unwrap();
    let name = file.file_name().into_string().unwrap();
    assert!(name.ends_with(".M0000000001.posthaste,S=14,W=17:2,FSab"), "{name}");
    assert_eq!(std::fs::read(file.path()).unwrap(), b"S: x\n\nFrom me\n");
    assert_eq!(std::fs::read_to_string(folder.join("dovecot-keywords")).unwrap(), "0 a\n1 b\n");
    assert!(
        folder.join("maildirfolder").exists() && folder.join("new").is_dir() && folder.join("tmp").is_dir()
    );
}

#[test]
fn u22_as_many_and_as_long_keywords_as_there_may_be_come_back() {
    let long = |number: u32| format!("{number:0>width$}", width = KEYWORD_MAX);
    let keywords: Vec<String> = (0..KEYWORDS_MAX).map(long).collect();
    let keywords: Vec<&str> = keywords.iter().map(String::as_str).collect();
    let one = Mail { flags: flags(SystemFlags::SEEN, &keywords), ..mail("a: b\r\n\r\n") };
    let directory = tempfile::tempdir().unwrap();
    write(&directory, Format::Mbox, &[("INBOX", vec![one.clone()])], 9);
    assert_eq!(read(&directory.path().join("out")), [("INBOX".to_owned(), vec![one])]);
}

#[test]
fn u22_more_keywords_than_a_maildir_has_letters_are_told_of() {
    let directory = tempfile::tempdir().unwrap();
    let keywords: Vec<Keyword> = (0..30).filter_map(|number| Keyword::new(&format!("k{number}"))).collect();
    let name = posthaste_server::store::MailboxName::inbox();
    let mut export =
        posthaste_server::exchange::Export::begin(&directory.path().join("out"), Format::Maildir).unwrap();
    let writer = export.mailbox(&name, &keywords).unwrap();
    assert!(writer.note().unwrap().starts_with("4 keywords"));
    drop(export);
    // What is not finished leaves nothing.
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
