//! Two readings of the same message: Dovecot's and that of `posthaste_imap::message`, for envelopes, structures and
//! sections. Where they differ, the difference is listed here with its reason, and nothing else may differ.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use posthaste_imap::message::{Kind, StructureForm, Summary, TransferDecoder, partial};
use posthaste_imap::types::{
    AString, BodyKind, BodyPart, BodyStructure, FetchItem, PartPath, Payload, Section, SectionText,
};

use super::{ALICE, Dovecot, Session, messages, run, session};

/// A message of [`messages::varied`], what is told otherwise of it, and why.
type Explained = (&'static str, &'static [&'static str], &'static str);

const STRUCTURE: &[&str] = &["BODY", "BODYSTRUCTURE"];

const FIRST_PART: &[&str] = &["BODY[1]", "BODY[1.MIME]", "BINARY[1]", "BINARY.SIZE[1]"];

const EXPLAINED: &[Explained] = &[
    (
        "folded",
        &["ENVELOPE"],
        "RFC 5322 2.2.3 takes line ends away, Dovecot also the white space behind them",
    ),
    ("repeated", &["ENVELOPE"], "of repeated fields other than of recipients, the first counts here"),
    ("empty values", &["ENVELOPE"], "Dovecot invents an address where there is none"),
    ("an address in pieces", &["ENVELOPE"], "Dovecot invents mailboxes and hosts; here they are empty"),
    ("two at signs", &["ENVELOPE"], "Dovecot invents mailboxes and hosts; here the last at sign counts"),
    ("literals", &["ENVELOPE"], "Dovecot does not know white space around dots (RFC 5322 4.4)"),
    ("html", STRUCTURE, "Dovecot keeps the case of names that have none"),
    ("nested", STRUCTURE, "Dovecot gives every text a charset, RFC 2046 4.1.2 only text/plain"),
    ("forwarded multipart", STRUCTURE, "as above"),
    ("no subtype", STRUCTURE, "RFC 2045 5.2: what has no valid type is text/plain"),
    ("no type", STRUCTURE, "as above"),
    ("no empty line", &["BODY[HEADER.FIELDS (SUBJECT FROM X-NONE)]"], "RFC 9051 6.4.5.1: no line to add"),
    ("no boundary", STRUCTURE, "Dovecot makes up an empty part; here a text"),
    ("no boundary", FIRST_PART, "as above"),
    ("no parts", STRUCTURE, "as above"),
    ("no parts", FIRST_PART, "as above"),
    ("only an end", STRUCTURE, "as above"),
    ("only an end", FIRST_PART, "as above"),
    ("an empty part", &["BODY[1.MIME]"], "the one line end is the header's here and the delimiter's there"),
    ("a part without an empty line", &["BODY[1.MIME]"], "as above"),
    ("a boundary in another", &["BODY[1]"], "RFC 2046 5.1.1: the line end before a delimiter belongs to it"),
    (
        "a message in base64",
        STRUCTURE,
        "RFC 2046 5.2.1 forbids it; here it is octets, as it cannot be looked into",
    ),
    ("a message in base64", &["BODY[1.HEADER]", "BINARY[1]", "BINARY.SIZE[1]"], "as above"),
];

#[test]
fn dovecot_reads_envelopes_structures_and_sections_as_we_do() {
    let Some(dovecot) = Dovecot::start() else { return };
    let found = run(async {
        let mut session = dovecot.session(ALICE).await;
        session.run("SELECT INBOX").await;
        let mut found = BTreeSet::new();
        for (name, message) in messages::varied() {
            let uid = session.append("INBOX", &message).await;
            compare(&mut session, name, uid, &message, &mut found).await;
        }
        found
    });
    let explained = EXPLAINED
        .iter()
        .flat_map(|(name, what, _)| what.iter().map(|what| ((*name).to_owned(), (*what).to_owned())))
        .collect::<BTreeSet<_>>();
    assert_eq!(found, explained);
}

type Found = BTreeSet<(String, String)>;

async fn compare(session: &mut Session, name: &str, uid: NonZeroU32, message: &[u8], found: &mut Found) {
    let summary = Summary::scan(message);
    let mut differ = |what: &str, theirs: &dyn std::fmt::Debug, ours: &dyn std::fmt::Debug| {
        println!("{name}: {what}\n  dovecot: {theirs:?}\n  here:    {ours:?}");
        found.insert((name.to_owned(), what.to_owned()));
    };
    let rows = session.rows(&format!("UID FETCH {uid} (RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE)")).await;
    assert_eq!(rows[0].items.len(), 4, "{name}: {rows:?}");
    for item in &rows[0].items {
        match item {
            FetchItem::Rfc822Size(size) => {
                assert_eq!(usize::try_from(*size).unwrap(), message.len(), "{name}");
            }
            FetchItem::Envelope(theirs) => {
                let ours = summary.envelope().into();
                if **theirs != ours {
                    differ("ENVELOPE", theirs, &ours);
                }
            }
            FetchItem::Body(theirs) => {
                let ours = summary.body_structure(StructureForm::Plain);
                if **theirs != ours {
                    differ("BODY", theirs, &ours);
                }
            }
            FetchItem::BodyStructure(theirs) => {
                let ours = summary.body_structure(StructureForm::Extended);
                if **theirs != ours {
                    differ("BODYSTRUCTURE", theirs, &ours);
                }
            }
            item => panic!("{name}: {item:?}"),
        }
    }

    let sections: Vec<String> =
        sections(&summary).iter().map(|section| format!("BODY.PEEK[{section}]")).collect();
    let rows = session.rows(&format!("UID FETCH {uid} ({})", sections.join(" "))).await;
    assert_eq!(rows[0].payloads.len(), sections.len(), "{name}");
    for (payload, theirs) in &rows[0].payloads {
        let Payload::Section { section, .. } = payload else { panic!("{name}: {payload:?}") };
        // What is not there may be NIL or empty.
        let ours = summary.section(section, message).unwrap_or_default();
        if theirs.as_deref().unwrap_or_default() != &*ours {
            let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
            differ(&format!("BODY[{}]", written(section)), &theirs.as_deref().map(text), &text(&ours));
        }
    }
    for (path, part) in leaves(&summary) {
        // What cannot be decoded is refused.
        let id = session.queue(&format!("UID FETCH {uid} (BINARY.PEEK[{path}] BINARY.SIZE[{path}])"));
        let mut events = Vec::new();
        let status = session.wait(id, |event| events.push(event)).await;
        let theirs = status.is_ok().then(|| session::rows(events).remove(0));
        let decoded = summary.locate_decoded(Some(&part)).unwrap();
        let ours = decoded.encoding.map(|encoding| TransferDecoder::all(encoding, decoded.span.of(message)));
        let octets = theirs.as_ref().and_then(|row| row.payloads.first()?.1.clone());
        if octets != ours {
            differ(&format!("BINARY[{path}]"), &octets, &ours);
        }
        let size = theirs.iter().flat_map(|row| &row.items).find_map(|item| match item {
            FetchItem::BinarySize { size, .. } => Some(u64::from(*size)),
            _ => None,
        });
        if size != decoded.octets {
            differ(&format!("BINARY.SIZE[{path}]"), &size, &decoded.octets);
        }
    }
    for (offset, count) in
        [(0, 10), (5, 1), (message.len() - 1, 100), (message.len(), 1), (message.len() + 5, 5)]
    {
        let rows = session.rows(&format!("UID FETCH {uid} BODY.PEEK[]<{offset}.{count}>")).await;
        let (payload, theirs) = &rows[0].payloads[0];
        assert!(
            matches!(payload, Payload::Section { origin: Some(origin), .. } if *origin as usize == offset),
            "{name}: {payload:?}"
        );
        let ours = partial(message, offset as u64, count);
        assert_eq!(theirs.as_deref().unwrap_or_default(), ours, "{name}: <{offset}.{count}>");
    }
}

/// The parts that hold octets and no other parts, with their numbers.
fn leaves(summary: &Summary) -> Vec<(String, PartPath)> {
    let structure = summary.body_structure(StructureForm::Plain);
    let mut found = Vec::new();
    let mut open = vec![(Vec::new(), &structure)];
    while let Some((numbers, structure)) = open.pop() {
        match structure {
            BodyStructure::Multipart(multipart) => {
                for (part, number) in multipart.parts.iter().zip(1..) {
                    let number = NonZeroU32::new(number).unwrap();
                    open.push(([&numbers[..], &[number]].concat(), part));
                }
            }
            BodyStructure::Part(BodyPart { kind: BodyKind::Message { .. }, .. }) => {}
            BodyStructure::Part(_) => {
                let numbers = if numbers.is_empty() { vec![NonZeroU32::MIN] } else { numbers };
                let text = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
                found.push((text, PartPath::new(numbers).unwrap()));
            }
        }
    }
    found
}

/// Every section of a message that could be there, and a few that could not.
fn sections(summary: &Summary) -> Vec<String> {
    let mut texts: Vec<String> = vec![String::new(), "HEADER".into(), "TEXT".into()];
    texts.push("HEADER.FIELDS (SUBJECT from X-None)".into());
    texts.push("HEADER.FIELDS.NOT (Subject to)".into());
    let mut paths = vec![String::from("1"), "9".into()];
    let mut open: Vec<(usize, String)> = vec![(0, String::new())];
    while let Some((index, path)) = open.pop() {
        for ((child, part), number) in summary.children(index).zip(1..) {
            // A multipart in a message has the number of the message.
            let inner = summary.part(index).is_some_and(|part| part.kind == Kind::Message)
                && part.kind == Kind::Multipart;
            if inner {
                open.push((child, path.clone()));
                continue;
            }
            let path = if path.is_empty() { number.to_string() } else { format!("{path}.{number}") };
            // Dovecot takes the 1 of a part that is no message as that part, where RFC 9051 6.4.5.1 knows nothing.
            if part.kind == Kind::Message {
                paths.push(format!("{path}.1"));
            }
            open.push((child, path.clone()));
            paths.push(path);
        }
    }
    paths.sort();
    paths.dedup();
    for path in paths {
        for text in ["", ".MIME", ".HEADER", ".TEXT", ".HEADER.FIELDS (Subject)"] {
            texts.push(format!("{path}{text}"));
        }
    }
    texts
}

fn written(section: &Section) -> String {
    let numbers =
        |path: &PartPath| path.numbers().iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
    let names = |names: &[AString]| names.iter().map(AString::to_string_lossy).collect::<Vec<_>>().join(" ");
    let part = section.part().map(numbers);
    let text = section.text().map(|text| match text {
        SectionText::Header => "HEADER".to_owned(),
        SectionText::HeaderFields(fields) => format!("HEADER.FIELDS ({})", names(fields)),
        SectionText::HeaderFieldsNot(fields) => format!("HEADER.FIELDS.NOT ({})", names(fields)),
        SectionText::Text => "TEXT".to_owned(),
        SectionText::Mime => "MIME".to_owned(),
    });
    part.into_iter().chain(text).collect::<Vec<_>>().join(".")
}
