//! SEARCH, SORT and THREAD on the wire: the entry names of MODSEQ, and strings in the charset that is named.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod codec_support;

use bytes::Bytes;
use codec_support::on_the_wire;
use posthaste_imap::charset::Charset;
use posthaste_imap::encode::{self, EncodeContext, LiteralMode};
use posthaste_imap::error::ParseErrorKind;
use posthaste_imap::parse;
use posthaste_imap::search::{Program, Scope, SearchError};
use posthaste_imap::types::*;

fn read(line: &[u8]) -> Result<Command, ParseErrorKind> {
    let line = Bytes::copy_from_slice(line);
    parse::command(&line, &ParseContext::server()).map(|read| read.command).map_err(|error| error.kind)
}

fn keys(command: Command) -> (Option<AString>, Vec<SearchKey>) {
    match command {
        Command::Search(_, search) => (search.charset, search.keys),
        Command::Sort(_, sort) => (Some(sort.charset), sort.keys),
        Command::Thread(_, thread) => (Some(thread.charset), thread.keys),
        other => panic!("{other:?}"),
    }
}

fn written(key: SearchKey) -> String {
    let search = SearchCommand { returns: None, charset: None, keys: vec![key] };
    let command = Command::Search(Addressing::Sequence, search);
    let context = EncodeContext { literals: LiteralMode::Synchronising, utf8: false };
    let line = on_the_wire(&encode::command(&Tag::new("a").unwrap(), &command, context));
    String::from_utf8(line.to_vec()).unwrap()
}

fn mod_seq(flag: Flag) -> SearchKey {
    let entry = Some(ModSeqEntry { flag, scope: ModSeqScope::All });
    SearchKey::ModSeq(ModSeqSearch { entry, mod_seq: 620_162_338 })
}

#[test]
fn the_entry_of_a_flag_is_lower_case_with_its_backslash_escaped() {
    for (flag, name) in [
        (Flag::Draft, "\\\\draft"),
        (Flag::Seen, "\\\\seen"),
        (Flag::Answered, "\\\\answered"),
        (Flag::Flagged, "\\\\flagged"),
        (Flag::Deleted, "\\\\deleted"),
        (Flag::new("\\XNew").unwrap(), "\\\\xnew"),
        (Flag::new("$MDNSent").unwrap(), "$mdnsent"),
    ] {
        assert_eq!(
            written(mod_seq(flag.clone())),
            format!("a SEARCH MODSEQ \"/flags/{name}\" all 620162338\r\n")
        );
        // In either case it is the same entry.
        for name in [name.to_owned(), name.to_ascii_uppercase(), flag.to_string_for_test()] {
            for prefix in ["/flags/", "/FLAGS/"] {
                let line = format!("a SEARCH MODSEQ \"{prefix}{name}\" ALL 620162338");
                assert_eq!(keys(read(line.as_bytes()).unwrap()).1, [mod_seq(flag.clone())], "{line}");
            }
        }
    }
}

trait Written {
    fn to_string_for_test(&self) -> String;
}

impl Written for Flag {
    /// The name in the capitals of the RFC, as it stands in a quoted string.
    fn to_string_for_test(&self) -> String {
        match self {
            Self::Keyword(name) => name.as_str().to_owned(),
            Self::Extension(name) => format!("\\\\{}", name.as_str()),
            system => format!("\\\\{system:?}"),
        }
    }
}

#[test]
fn what_has_no_entry_is_neither_read_nor_written() {
    for line in [
        // The backslash is not escaped.
        "a SEARCH MODSEQ \"/flags/\\Seen\" all 1",
        "a SEARCH MODSEQ \"/flags/\\\\recent\" all 1",
        "a SEARCH MODSEQ \"/flags/\" all 1",
        "a SEARCH MODSEQ \"/flags/a b\" all 1",
        "a SEARCH MODSEQ \"/flags\" all 1",
        "a SEARCH MODSEQ \"/flags/\\\\seen\" both 1",
        "a SEARCH MODSEQ \"/flags/\\\\seen\" 1",
        "a SEARCH MODSEQ /flags/x all 1",
    ] {
        assert_eq!(read(line.as_bytes()), Err(ParseErrorKind::Syntax), "{line}");
    }
    // All messages that changed at all are more than those whose flag did: nothing is missed.
    for flag in [Flag::Recent, Flag::Odd(Bytes::from("\"x"))] {
        assert_eq!(written(mod_seq(flag)), "a SEARCH MODSEQ 620162338\r\n");
    }
}

#[test]
fn strings_of_a_search_are_octets_of_the_charset_that_it_names() {
    for (line, text) in [
        (&b"a SEARCH CHARSET ISO-8859-1 SUBJECT {4}\r\ngr\xfcn"[..], "gr\u{fc}n"),
        (b"a UID SEARCH RETURN (ALL) CHARSET iso-8859-1 SUBJECT {4}\r\ngr\xfcn", "gr\u{fc}n"),
        (
            b"a SEARCH CHARSET KOI8-R SUBJECT {6}\r\n\xf0\xd2\xc9\xd7\xc5\xd4",
            "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}",
        ),
        (b"a SORT (DATE) SHIFT_JIS SUBJECT {4}\r\n\x93\xfa\x96\x7b", "\u{65e5}\u{672c}"),
        (b"a THREAD REFERENCES ISO-2022-JP SUBJECT {10}\r\n\x1b$BF|K\\\x1b(B", "\u{65e5}\u{672c}"),
        (b"a SEARCH CHARSET \"utf-8\" SUBJECT {5}\r\ngr\xc3\xbcn", "gr\u{fc}n"),
    ] {
        let (charset, keys) = keys(read(line).unwrap());
        let charset = Charset::of(charset.unwrap().as_bytes()).unwrap();
        let [SearchKey::Subject(subject)] = &keys[..] else { panic!("{keys:?}") };
        assert_eq!(charset.decode_strictly(subject.as_bytes()).unwrap(), text, "{}", line.escape_ascii());
    }
    // 8-bit octets come in literals; a quoted string has them as UTF-8 only.
    assert_eq!(read(b"a SEARCH CHARSET ISO-8859-1 SUBJECT \"gr\xfcn\""), Err(ParseErrorKind::Syntax));
    let scope = Scope { largest_seq: 1, largest_uid: 1, saved: &UidSet::default(), now: 0 };
    let search = |line: &[u8]| match read(line).unwrap() {
        Command::Search(_, search) => Program::new(&search, &scope),
        other => panic!("{other:?}"),
    };
    assert!(search(b"a SEARCH CHARSET ISO-8859-1 SUBJECT {4}\r\ngr\xfcn").is_ok());
    // What is not text of the charset is told when it is to become text.
    assert_eq!(search(b"a SEARCH CHARSET UTF-8 SUBJECT {4}\r\ngr\xfcn"), Err(SearchError::Charset));
    assert_eq!(search(b"a SEARCH SUBJECT {4}\r\ngr\xfcn"), Err(SearchError::Charset));
    // A charset that is not known is read as any name. No text of UTF-16 is without NUL, which no string carries.
    for name in ["X-UNKNOWN", "UTF-7", "\"\"", "ISO-2022-KR", "UTF-16"] {
        let line = format!("a SEARCH CHARSET {name} ALL");
        assert_eq!(search(line.as_bytes()), Err(SearchError::Charset), "{line}");
    }
}

#[test]
fn charsets_that_are_not_known_are_names_and_the_known_ones_are_listed() {
    for line in ["a SORT (DATE) X-UNKNOWN ALL", "a THREAD REFERENCES X-UNKNOWN ALL"] {
        assert!(read(line.as_bytes()).is_ok(), "{line}");
    }
    let ResponseCode::BadCharset(known) = ResponseCode::bad_charset() else { panic!() };
    assert_eq!([known[0].as_bytes(), known[1].as_bytes()], [&b"US-ASCII"[..], b"UTF-8"]);
    for name in &known {
        let line = [b"a SEARCH CHARSET ", name.as_bytes(), b" ALL"].concat();
        assert!(read(&line).is_ok(), "{name:?}");
    }
    assert!(known.iter().any(|name| name.as_bytes() == b"ISO-8859-1"));
}
