//! How particular messages are read: structures, sections, addresses, dates, and what is hostile.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use bytes::Bytes;
use posthaste_imap::message::{
    Address, FieldChoice, Fields, Kind, Limits, Part, SentDate, Span, StructureForm, Summary, chosen_fields,
    partial,
};
use posthaste_imap::types::{AString, BodyStructure, PartPath, Section, SectionText};
use std::num::NonZeroU32;

/// The tree in short: `mixed(plain,html)`, `rfc822[plain]`.
fn tree(message: &str) -> String {
    let summary = Summary::scan(message.as_bytes());
    shown(&summary, 0)
}

fn shown(summary: &Summary, index: usize) -> String {
    let part = summary.part(index).unwrap();
    let inside: Vec<_> = summary.children(index).map(|(child, _)| shown(summary, child)).collect();
    match part.kind {
        Kind::Leaf => part.subtype.to_string(),
        Kind::Multipart => format!("{}({})", part.subtype, inside.join(",")),
        Kind::Message => format!("{}[{}]", part.subtype, inside.join(",")),
    }
}

fn root(message: &str) -> Part {
    Summary::scan(message.as_bytes()).root().clone()
}

fn charset(part: &Part) -> Option<&[u8]> {
    part.parameters.iter().find(|parameter| parameter.name == "charset").map(|found| &found.value[..])
}

fn section(path: &[u32], text: Option<SectionText>) -> Section {
    let numbers = path.iter().map(|number| NonZeroU32::new(*number).unwrap()).collect();
    Section::new(PartPath::new(numbers).ok(), text).unwrap()
}

fn text(message: &str, path: &[u32], text: Option<SectionText>) -> Option<String> {
    let summary = Summary::scan(message.as_bytes());
    let octets = summary.section(&section(path, text), message.as_bytes())?;
    Some(String::from_utf8(octets.into_owned()).unwrap())
}

// Types and their defaults

#[test]
fn a_message_without_mime_is_ascii_text() {
    let part = root("Subject: x\r\n\r\none\r\ntwo\r\n");
    assert_eq!((&*part.media_type, &*part.subtype, &*part.encoding), ("text", "plain", "7bit"));
    assert_eq!(charset(&part), Some(&b"us-ascii"[..]));
    assert_eq!((part.body.len(), part.lines), (10, 2));
}

#[test]
fn the_empty_message_is_an_empty_text() {
    let summary = Summary::scan(b"");
    assert_eq!(summary.parts().count(), 1);
    assert_eq!(summary.root().span(), Span { start: 0, end: 0 });
    assert_eq!(summary.envelope().sent(), None);
}

#[test]
fn content_fields_are_read() {
    let part = root(concat!(
        "Content-Type: (c) IMAGE/Png (c); NAME=\"a \\\"b\\\".png\" ; x=y z ; x=2; bad name=1; novalue; q=a(b)\r\n",
        "Content-Transfer-Encoding: (c) BASE64 ; junk\r\n",
        "Content-Disposition: Attachment;\r\n\tfilename*=utf-8''%e2; size=3 (octets)\r\n",
        "Content-ID: <i@d>\r\nContent-Description: =?utf-8?q?d?=\r\nContent-MD5: Q2hlY2s=\r\n",
        "Content-Language: de (c), en\r\nContent-Location: http://x/ y\r\nContent-ID: <second>\r\n\r\n",
    ));
    assert_eq!((&*part.media_type, &*part.subtype, &*part.encoding), ("image", "png", "base64"));
    let shown = |list: &[posthaste_imap::message::Parameter]| {
        list.iter().map(|p| format!("{}={}", p.name, String::from_utf8_lossy(&p.value))).collect::<Vec<_>>()
    };
    assert_eq!(shown(&part.parameters), ["name=a \"b\".png", "x=y z", "q=a(b)"]);
    let disposition = part.disposition.unwrap();
    assert_eq!(disposition.kind, "attachment");
    assert_eq!(shown(&disposition.parameters), ["filename*=utf-8''%e2", "size=3"]);
    assert_eq!(part.id.as_deref(), Some(&b"<i@d>"[..]));
    assert_eq!(part.description.as_deref(), Some(&b"=?utf-8?q?d?="[..]));
    assert_eq!(part.md5.as_deref(), Some(&b"Q2hlY2s="[..]));
    assert_eq!(part.languages, [b"de".to_vec(), b"en".to_vec()]);
    assert_eq!(part.location.as_deref(), Some(&b"http://x/ y"[..]));
}

#[test]
fn a_type_that_is_none_is_text() {
    for value in ["text", "", "/", "a/", "/b", "a b/c", "t\u{e9}xt/plain", ";charset=x"] {
        let part = root(&format!("Content-Type: {value}\r\n\r\n"));
        assert_eq!((&*part.media_type, &*part.subtype), ("text", "plain"), "{value:?}");
    }
    let part = root("Content-Type: text; charset=\"utf-8\"; name=x\r\n\r\n");
    assert_eq!((charset(&part), part.parameters.len()), (Some(&b"utf-8"[..]), 2));
    assert_eq!(charset(&root("Content-Type: text/html\r\n\r\n")), None);
}

#[test]
fn mime_05_parameters_are_capped() {
    let many: String = (0..1_100).map(|n| format!("; a{n}=b")).collect();
    let part = root(&format!("Content-Type: a/b{many}\r\nContent-Disposition: inline{many}\r\n\r\n"));
    assert_eq!(part.parameters.len(), 128);
    assert_eq!(part.disposition.unwrap().parameters.len(), 128);
}

#[test]
fn mime_05_a_structure_tells_parameters_in_sections_as_one() {
    let sections: String = (0..1_100).rev().map(|n| format!("; a*{n}=b")).collect();
    let message = format!(
        "Content-Type: image/png; name*1=.png; name*0=\"a b\"{sections}\r\n\
        Content-Disposition: attachment; filename*0*=iso-8859-1'de'gr%FC; filename*1=\"n s.png\"\r\n\r\n"
    );
    let summary = Summary::scan(message.as_bytes());
    let BodyStructure::Part(part) = summary.body_structure(StructureForm::Extended) else { panic!() };
    let pair = |(name, value): &(AString, AString)| {
        (name.to_str().unwrap().to_owned(), value.to_str().unwrap().to_owned())
    };
    let (name, value) = pair(&part.parameters[0]);
    assert_eq!((&*name, &*value), ("name", "a b.png"));
    // The first of the others is beyond the cap, so that they stay what they are.
    assert_eq!(part.parameters.len(), 127);
    let disposition = part.extension.unwrap().disposition.unwrap();
    let (name, value) = pair(&disposition.parameters[0]);
    assert_eq!((&*name, &*value), ("filename*", "utf-8'de'gr%C3%BCn%20s.png"));
    assert_eq!(disposition.parameters.len(), 1);
    // The summary has what the message has.
    assert_eq!(summary.root().parameters[0].name, "name*1");
}

// Structure

#[test]
fn multiparts_nest() {
    let message = concat!(
        "Content-Type: multipart/mixed; boundary=o\r\n\r\npreamble\r\n--o\r\n",
        "Content-Type: multipart/alternative; boundary=\"i\"\r\n\r\n",
        "--i\r\n\r\nplain\r\n--i\r\nContent-Type: text/html\r\n\r\nhtml\r\n--i--\r\nepilogue\r\n--i\r\n",
        "--o\r\nContent-Type: a/b\r\n\r\n\r\n--o--\r\n--o\r\nepilogue",
    );
    assert_eq!(tree(message), "mixed(alternative(plain,html),b)");
    assert_eq!(text(message, &[1, 1], None).as_deref(), Some("plain"));
    assert_eq!(text(message, &[1, 2], Some(SectionText::Mime)).unwrap(), "Content-Type: text/html\r\n\r\n");
    assert_eq!(text(message, &[2], None).as_deref(), Some(""));
    assert_eq!(text(message, &[3], None), None);
    assert_eq!(text(message, &[1, 1, 1], None), None);
    assert_eq!(text(message, &[1], Some(SectionText::Header)), None);
}

#[test]
fn line_ends_may_be_lf_or_mixed() {
    let message =
        "Content-Type: multipart/mixed;\n boundary=o\n\n--o\nA: b\n\none\ntwo\n--o\r\n\r\nx\n--o--\n";
    assert_eq!(tree(message), "mixed(plain,plain)");
    assert_eq!(text(message, &[1], None).as_deref(), Some("one\ntwo"));
    assert_eq!(text(message, &[2], None).as_deref(), Some("x"));
    assert_eq!(Summary::scan(message.as_bytes()).part(1).unwrap().lines, 1);
    // A CR alone ends no line.
    assert_eq!(tree("Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r--o--\r"), "plain");
}

#[test]
fn a_multipart_always_has_a_part() {
    for value in ["mixed", "mixed; boundary", "mixed; boundary=", "mixed; boundary=\"\"", "mixed; boundary=x"]
    {
        let part = root(&format!("Content-Type: multipart/{value}\r\n\r\n-- \r\n--\r\n----\r\n--y\r\n"));
        assert_eq!((part.kind, &*part.subtype), (Kind::Leaf, "plain"), "{value}");
        assert_eq!(charset(&part), Some(&b"us-ascii"[..]));
    }
    let long = "b".repeat(2049);
    assert_eq!(tree(&format!("Content-Type: multipart/mixed; boundary={long}\r\n\r\n--{long}\r\n")), "plain");
    assert_eq!(tree("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x--\r\n--x\r\n"), "plain");
    assert_eq!(tree("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x"), "mixed(plain)");
    assert_eq!(tree("Content-Type: multipart/mixed; boundary=x"), "plain");
}

#[test]
fn mime_02_boundaries_are_whole_lines() {
    let of = |boundary: &str, body: &str| {
        tree(&format!("Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n{body}"))
    };
    assert_eq!(of("ab", "--a\r\n--abc\r\n --ab\r\nx--ab\r\n"), "plain");
    assert_eq!(of("ab", "--ab \t\r\n\r\n--ab-\r\n--ab--x\r\n"), "mixed(plain)");
    assert_eq!(of("\"a b \"", "--a b\r\n\r\n--a b--"), "mixed(plain)");
    assert_eq!(of("a--", "--a--\r\n\r\n--a----\r\n--a--\r\n"), "mixed(plain)");
    assert_eq!(of("a; boundary=b", "--b\r\n\r\n--a\r\n"), "mixed(plain)");
    let sections = "Content-Type: multipart/mixed; boundary*1=b; boundary*0=a\r\n\r\n--ab\r\n\r\n--ab--";
    assert_eq!(tree(sections), "mixed(plain)");
}

#[test]
fn mime_01_the_innermost_multipart_is_asked_first() {
    let message = concat!(
        "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/related; boundary=a\r\n\r\n",
        "--a\r\n\r\n1\r\n--a\r\n\r\n2\r\n--a--\r\n--a\r\nContent-Type: x/y\r\n\r\n3\r\n--a--\r\n",
    );
    assert_eq!(tree(message), "mixed(related(plain,plain),y)");
    // An inner multipart that is not closed ends with the part it is in.
    let message = concat!(
        "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/related; boundary=ab\r\n\r\n",
        "--ab\r\n\r\n1\r\n--a\r\nContent-Type: x/y\r\n\r\n3\r\n--a--\r\n",
    );
    assert_eq!(tree(message), "mixed(related(plain),y)");
}

#[test]
fn a_digest_holds_messages() {
    let message = concat!(
        "Content-Type: multipart/digest; boundary=d\r\n\r\n",
        "--d\r\n\r\nSubject: one\r\n\r\n1\r\n--d\r\nContent-Type: text/html\r\n\r\n2\r\n--d--\r\n",
    );
    assert_eq!(tree(message), "digest(rfc822[plain],html)");
    let summary = Summary::scan(message.as_bytes());
    assert_eq!(summary.part(2).unwrap().envelope.as_ref().unwrap().subject.as_deref(), Some(&b"one"[..]));
    assert_eq!(
        tree("Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n--d\r\n\r\n--d--"),
        "digest(plain,rfc822[plain])"
    );
}

#[test]
fn an_encoded_message_is_not_looked_into() {
    for encoding in ["base64", "Quoted-Printable"] {
        let message =
            format!("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {encoding}\r\n\r\nU3Vi");
        let part = root(&message);
        assert_eq!(
            (part.kind, &*part.media_type, &*part.subtype),
            (Kind::Leaf, "application", "octet-stream")
        );
        assert_eq!(part.encoding, *encoding.to_ascii_lowercase());
    }
    assert_eq!(tree("Content-Type: message/delivery-status\r\n\r\nA: b\r\n\r\n"), "delivery-status");
}

// Sections

/// The shape of the example in RFC 9051 6.4.5.1; each text tells its own path.
const COMPLEX: &str = concat!(
    "Subject: outer\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n",
    "--a\r\n\r\n[1]\r\n",
    "--a\r\nContent-Type: application/octet-stream\r\n\r\n[2]\r\n",
    "--a\r\nContent-Type: message/rfc822\r\n\r\n",
    "Subject: 3\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n",
    "--b\r\n\r\n[3.1]\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n[3.2]\r\n--b--\r\n",
    "--a\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n",
    "--c\r\nContent-Type: image/gif\r\n\r\n[4.1]\r\n",
    "--c\r\nContent-Type: message/rfc822\r\n\r\nSubject: 4.2\r\n",
    "Content-Type: multipart/mixed; boundary=d\r\n\r\n",
    "--d\r\n\r\n[4.2.1]\r\n--d\r\nContent-Type: multipart/alternative; boundary=e\r\n\r\n",
    "--e\r\n\r\n[4.2.2.1]\r\n--e\r\nContent-Type: text/richtext\r\n\r\n[4.2.2.2]\r\n--e--\r\n--d--\r\n",
    "--c--\r\n",
    "--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: 5\r\nTo: x@y\r\n\r\n[5.1]\r\n",
    "--a--\r\n",
);

#[test]
fn each_path_of_the_complex_message_finds_its_part() {
    assert_eq!(
        tree(COMPLEX),
        "mixed(plain,octet-stream,rfc822[mixed(plain,octet-stream)],mixed(gif,rfc822[mixed(plain,alternative(plain,richtext))]),rfc822[plain])"
    );
    let paths: &[&[u32]] =
        &[&[1], &[2], &[3, 1], &[3, 2], &[4, 1], &[4, 2, 1], &[4, 2, 2, 1], &[4, 2, 2, 2], &[5, 1]];
    for path in paths {
        let name: Vec<_> = path.iter().map(u32::to_string).collect();
        assert_eq!(text(COMPLEX, path, None), Some(format!("[{}]", name.join("."))));
    }
    let header = |path: &[u32]| text(COMPLEX, path, Some(SectionText::Header));
    assert!(header(&[]).unwrap().starts_with("Subject: outer\r\n"));
    assert!(header(&[3]).unwrap().starts_with("Subject: 3\r\n"));
    assert!(header(&[4, 2]).unwrap().starts_with("Subject: 4.2\r\n"));
    assert_eq!((header(&[1]), header(&[4]), header(&[3, 1])), (None, None, None));
    assert_eq!(text(COMPLEX, &[5], Some(SectionText::Text)).as_deref(), Some("[5.1]"));
    assert_eq!(text(COMPLEX, &[5], None).as_deref(), Some("Subject: 5\r\nTo: x@y\r\n\r\n[5.1]"));
    assert_eq!(
        text(COMPLEX, &[5, 1], Some(SectionText::Mime)).as_deref(),
        Some("Subject: 5\r\nTo: x@y\r\n\r\n")
    );
    assert_eq!(
        text(COMPLEX, &[4, 1], Some(SectionText::Mime)).as_deref(),
        Some("Content-Type: image/gif\r\n\r\n")
    );
    for path in [&[6][..], &[1, 1], &[3, 3], &[5, 2], &[5, 1, 1], &[u32::MAX], &[1; 10_000]] {
        assert_eq!(text(COMPLEX, path, None), None);
    }
}

#[test]
fn the_only_part_of_a_plain_message_is_one() {
    let message = "Subject: x\r\n\r\nbody";
    assert_eq!(text(message, &[1], None).as_deref(), Some("body"));
    assert_eq!(text(message, &[1], Some(SectionText::Mime)).as_deref(), Some("Subject: x\r\n\r\n"));
    assert_eq!(text(message, &[2], None), None);
    assert_eq!(text(message, &[1], Some(SectionText::Text)), None);
}

#[test]
fn a_message_that_is_a_message_has_it_as_part_one() {
    let message = "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody";
    assert_eq!(text(message, &[1], None).as_deref(), Some("Subject: in\r\n\r\nbody"));
    assert_eq!(text(message, &[1], Some(SectionText::Header)).as_deref(), Some("Subject: in\r\n\r\n"));
    assert_eq!(text(message, &[1, 1], None).as_deref(), Some("body"));
}

#[test]
fn fields_are_chosen_by_name() {
    let names =
        |names: &[&str]| names.iter().map(|name| AString::new(name.to_string()).unwrap()).collect::<Vec<_>>();
    let message = "From x\r\nTo: a,\r\n b\r\nSubject : s\r\nTO:c\r\n: odd\r\n\r\nTo: body\r\n";
    let some = |list: &[&str]| text(message, &[], Some(SectionText::HeaderFields(names(list)))).unwrap();
    let others = |list: &[&str]| text(message, &[], Some(SectionText::HeaderFieldsNot(names(list)))).unwrap();
    assert_eq!(some(&["to", "X"]), "To: a,\r\n b\r\nTO:c\r\n\r\n");
    assert_eq!(some(&["SUBJECT"]), "Subject : s\r\n\r\n");
    assert_eq!(some(&["From"]), "\r\n");
    assert_eq!(others(&["tO"]), "From x\r\nSubject : s\r\n: odd\r\n\r\n");
    // RFC 9051 6.4.5.1: no empty line where the message has none.
    assert_eq!(chosen_fields(b"A: b", &names(&["a"]), FieldChoice::Named), b"A: b");
}

#[test]
fn partials_saturate() {
    assert_eq!(partial(b"0123", 1, 2), b"12");
    assert_eq!(partial(b"0123", 4, 1), b"");
    assert_eq!(partial(b"0123", u64::MAX, u64::MAX), b"");
    assert_eq!(Span { start: 10, end: 20 }.partial(5, u64::MAX), Span { start: 15, end: 20 });
}

#[test]
fn fields_are_unfolded() {
    let values: Vec<_> =
        Fields::of(b"A: x\r\n y\r\n\tz \r\nB:\0 \r q\r\n\r\n").map(|field| field.unfolded()).collect();
    assert_eq!(values, [&b"x y\tz"[..], b"q"]);
}

// Envelopes

fn addresses(value: &str) -> Vec<String> {
    let show = |octets: Bytes| String::from_utf8(octets.to_vec()).unwrap();
    let list = Address::parse_list(value.as_bytes(), 100);
    let shown = list.into_iter().map(|address| match address {
        Address::Mailbox { name, route, mailbox, host } => {
            let name = name.map(|name| show(name) + " ").unwrap_or_default();
            let route = route.map(|route| show(route) + ":").unwrap_or_default();
            format!("{name}<{route}{}|{}>", show(mailbox), show(host))
        }
        Address::GroupStart(name) => format!("{}:", show(name)),
        Address::GroupEnd => ";".to_owned(),
    });
    shown.collect()
}

#[test]
fn addresses_are_taken_apart() {
    assert_eq!(addresses("a@b.c"), ["<a|b.c>"]);
    assert_eq!(
        addresses("John Q. Doe <a@b.c>, \"D, J\" <\"x y\"@[1.2.3.4]>"),
        ["John Q. Doe <a|b.c>", "D, J <x y|[1.2.3.4]>"]
    );
    assert_eq!(addresses("a@b.c (John (J) Doe)"), ["John (J) Doe <a|b.c>"]);
    assert_eq!(addresses("x . y @ b . c (n)"), ["n <x.y|b.c>"]);
    assert_eq!(addresses("<@r,@s:a@b>, c@d"), ["<@r,@s:a|b>", "<c|d>"]);
    assert_eq!(addresses("=?utf-8?q?Doe,_J?= <a@b>"), ["=?utf-8?q?Doe,_J?= <a|b>"]);
    assert_eq!(addresses("J\u{f6}rg <j@\u{fc}.de>"), ["J\u{f6}rg <j|\u{fc}.de>"]);
    assert_eq!(addresses("Friends: a@b, <c@d>; e@f"), ["Friends:", "<a|b>", "<c|d>", ";", "<e|f>"]);
    assert_eq!(addresses("undisclosed-recipients:;"), ["undisclosed-recipients:", ";"]);
}

#[test]
fn broken_addresses_keep_what_they_have() {
    assert_eq!(addresses("root"), ["<root|>"]);
    assert_eq!(addresses("John Doe"), ["John Doe <|>"]);
    assert_eq!(addresses("John Doe a@b"), ["John Doe <a|b>"]);
    assert_eq!(addresses("<a@b> <c@d>"), ["<a|b>", "<c|d>"]);
    assert_eq!(addresses("<@example.org>"), ["<|example.org>"]);
    assert_eq!(addresses("N <a@b, c@d"), ["N <a|b>", "<c|d>"]);
    assert_eq!(addresses("g: a@b"), ["g:", "<a|b>", ";"]);
    assert_eq!(addresses("a@b;c@d"), ["<a|b>", "<c|d>"]);
    for nothing in ["", " ", "<>", ", ,", "\"\"", "()", "<<<>>>"] {
        assert_eq!(addresses(nothing), [""; 0], "{nothing:?}");
    }
}

#[test]
fn mime_07_no_address_comes_out_of_a_display_name() {
    assert_eq!(addresses("\"a@b\" <c@d>"), ["a@b <c|d>"]);
    assert_eq!(addresses("a@b <c@d>"), ["a@b <c|d>"]);
    assert_eq!(addresses("\"alice@evil.test]<bob@example.org>\""), ["<alice@evil.test]<bob@example.org>|>"]);
    assert_eq!(addresses("alice@evil.test]<bob@example.org>"), ["alice@evil.test] <bob|example.org>"]);
    assert_eq!(addresses("a@malicious.org@important.com"), ["<a@malicious.org|important.com>"]);
    assert_eq!(addresses("a (<x@y>) <c@d>"), ["a <c|d>"]);
}

#[test]
fn envelope_members_are_absent_empty_or_defaulted() {
    let message =
        "From: a@b\r\nSender: \r\nTo: c@d\r\nTO: e@f\r\nSubject:\r\nFrom: z@z\r\nSubject: 2\r\n\r\n";
    let summary = Summary::scan(message.as_bytes());
    let envelope = summary.envelope();
    assert_eq!(envelope.from.len(), 1);
    assert_eq!((envelope.sender(), envelope.reply_to()), (&envelope.from[..], &envelope.from[..]));
    assert_eq!(envelope.to.len(), 2);
    assert_eq!(envelope.subject.as_deref(), Some(&b""[..]));
    assert_eq!((&envelope.date, &envelope.message_id), (&None, &None));
}

#[test]
fn mime_06_authors_that_are_nobody() {
    for from in ["From: g:;", "From:", "From: <>", "From: (c)", "X: y"] {
        let summary = Summary::scan(format!("{from}\r\n\r\n").as_bytes());
        assert_eq!(summary.envelope().sender(), summary.envelope().from);
    }
}

// Dates

fn sent(date: &str) -> Option<(i64, i16)> {
    SentDate::parse(date.as_bytes()).map(|date| (date.unix_seconds, date.zone_minutes))
}

#[test]
fn dates_in_all_their_forms() {
    let moment = 880_127_706; // 21 Nov 1997 15:55:06 UTC
    assert_eq!(sent("Fri, 21 Nov 1997 09:55:06 -0600"), Some((moment, -360)));
    assert_eq!(sent("21 Nov 97 09:55:06 CST"), Some((moment, -360)));
    assert_eq!(sent("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600"), Some((moment, -360)));
    assert_eq!(sent("Fri, 21\r\n Nov 1997 (c (c)) 15:55:06 (c) GMT"), Some((moment, 0)));
    assert_eq!(sent("Fri Nov 21 15:55:06 1997"), Some((moment, 0)));
    assert_eq!(sent("21-Nov-1997 15:55:06 Z"), Some((moment, 0)));
    assert_eq!(sent("21 November 1997 15:55:06 -0000"), Some((moment, 0)));
    assert_eq!(sent("21 Nov 1997"), Some((moment - 57_306, 0)));
    assert_eq!(sent("31 Dec 2016 23:59:60 +0000"), Some((1_483_228_800, 0)));
    assert_eq!(
        sent("1 Jan 49 00:00 +0000").map(|date| date.0),
        sent("1 Jan 2049 00:00 +0000").map(|date| date.0)
    );
    assert_eq!(
        sent("1 Jan 100 00:00 +0000").map(|date| date.0),
        sent("1 Jan 2000 00:00 +0000").map(|date| date.0)
    );
}

#[test]
fn mime_10_days_that_are_none() {
    for date in [
        "",
        "x",
        "99 Feb 99999 99:99:60 +9999",
        "30 Feb 2024",
        "29 Feb 2023",
        "29 Feb 1900",
        "0 Jan 2000",
        "1 Jan 0000",
        "1 Jan",
        "1 2000",
        "99999999999999999999 Jan 2000",
    ] {
        assert_eq!(sent(date), None, "{date:?}");
    }
    assert!(sent("29 Feb 2000 0:00 +2359").is_some());
    // RFC 5256 2.2: a time that is none is midnight.
    for date in ["1 Jan 2000 24:00", "1 Jan 2000 1:2:3:4"] {
        assert_eq!(sent(date), sent("1 Jan 2000 0:00"), "{date:?}");
    }
    assert_eq!(sent(&"(".repeat(1_000_000)), None);
}

// Hostile messages

#[test]
fn mime_01_deep_nesting_is_capped() {
    let multiparts: String = (0..10_000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"))
        .collect();
    let same = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n".repeat(10_000);
    let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(10_000);
    let both =
        "Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n"
            .repeat(10_000);
    for message in [multiparts, same, messages, both] {
        let summary = Summary::scan(message.as_bytes());
        let chain =
            std::iter::successors(Some(0), |index| summary.children(*index).next().map(|(child, _)| child));
        let last = chain.clone().last().unwrap();
        assert_eq!(chain.count(), 100);
        let last = summary.part(last).unwrap();
        assert_eq!((last.kind, &*last.subtype), (Kind::Leaf, "octet-stream"));
    }
}

#[test]
fn mime_02_many_parts_are_capped() {
    let message =
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned() + &"--b\r\n".repeat(1_000_000);
    let summary = Summary::scan(message.as_bytes());
    assert_eq!(summary.parts().count(), 10_000);
    let last = summary.part(9_999).unwrap();
    assert_eq!((&*last.media_type, last.body.end), ("application", message.len()));
    assert!(last.body.len() > 4_000_000);
}

#[test]
fn mime_03_large_headers_are_capped() {
    let message = format!("{}Subject: late\r\n\r\nbody", "X: y\r\n".repeat(20));
    let mut limits = Limits::default();
    limits.header_max = 100;
    let summary = Summary::scan_within(message.as_bytes(), &limits);
    assert_eq!((summary.envelope().subject.as_ref(), summary.root().body.len()), (None, 4));
    let message =
        format!("Subject: {}\r\nTo: {}a@b\r\n\r\n", "x".repeat(1_000_000), "a@b, ".repeat(1_000_000));
    let summary = Summary::scan(message.as_bytes());
    assert_eq!(summary.envelope().subject.as_ref().unwrap().len(), 100 * 1024 - 1);
    assert_eq!(summary.envelope().to.len(), 10_240);
}

#[test]
fn mime_04_address_bombs_are_linear() {
    for junk in
        ["(", "<", "<@,", "@", "g:", "\"", ".", "[", "a ", "a@b ", "=?a?b?c,", "a@b;", ",", "\\", "<a:"]
    {
        let list = Address::parse_list(junk.repeat(1_000_000 / junk.len()).as_bytes(), 10_240);
        assert!(list.len() <= 10_240);
    }
}

#[test]
fn summaries_are_send_and_sync() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Summary>();
}
