//! What extensions write and read, as the examples of their RFCs have it.
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
use codec_support::{encoded, on_the_wire};
use posthaste_imap::encode::{self, EncodeContext, LiteralMode};
use posthaste_imap::error::ParseErrorKind;
use posthaste_imap::parse;
use posthaste_imap::types::*;

/// What `line` is, once it has been found to be written the same way again.
fn command(line: &str) -> Command {
    let read = parse::command(&Bytes::copy_from_slice(line.as_bytes()), &ParseContext::server());
    let read = read.unwrap_or_else(|error| panic!("{line}: {error}"));
    let context = EncodeContext { literals: LiteralMode::NonSynchronising, utf8: false };
    let written = on_the_wire(&encode::command(&read.tag, &read.command, context));
    assert_eq!(written, format!("{line}\r\n"), "written differently");
    read.command
}

fn refused(line: &str) -> ParseErrorKind {
    let line = Bytes::copy_from_slice(line.as_bytes());
    match parse::command(&line, &ParseContext::server()) {
        Err(error) => error.kind,
        Ok(read) => panic!("{}: {read:?}", line.escape_ascii()),
    }
}

fn response(line: &str) -> Response {
    let line = Bytes::copy_from_slice(line.as_bytes());
    let read = parse::response(&line, &ParseContext::client());
    let read = read.unwrap_or_else(|error| panic!("{}: {error}", line.escape_ascii()));
    assert!(read.repairs.is_empty(), "{}: {:?}", line.escape_ascii(), read.repairs);
    assert_eq!(encoded(&read.response, false), line, "written differently");
    read.response
}

fn astring(text: &str) -> AString {
    AString::new(text.to_owned()).unwrap()
}

#[test]
fn url_fetch_says_what_is_wanted_of_each_url() {
    let Command::UrlFetch(urls) =
        command("a URLFETCH imap://h/INBOX (imap://h/x BINARY BODYPARTSTRUCTURE) (imap://h/y BODY)")
    else {
        panic!()
    };
    let items: Vec<_> = urls.iter().map(|url| &url.items[..]).collect();
    let expected: [&[UrlFetchItem]; 3] =
        [&[], &[UrlFetchItem::Binary, UrlFetchItem::BodyPartStructure], &[UrlFetchItem::Body]];
    assert_eq!(items, expected);
    // A list without parameters is as the URL alone.
    let line = Bytes::from("a URLFETCH (imap://h/x)");
    let read = parse::command(&line, &ParseContext::server()).unwrap();
    assert_eq!(read.command, Command::UrlFetch(vec![UrlFetch::from(astring("imap://h/x"))]));
    for line in [
        "a URLFETCH",
        "a URLFETCH ()",
        "a URLFETCH (x BODY BODY)",
        "a URLFETCH (x BODY BINARY)",
        "a URLFETCH (x BINARY BODYPARTSTRUCTURE BODY)",
        "a URLFETCH (x BODYPARTSTRUCTURE BODYPARTSTRUCTURE)",
        "a URLFETCH (x BODY",
        "a URLFETCH  x",
    ] {
        assert_eq!(refused(line), ParseErrorKind::Syntax, "{line}");
    }
    assert_eq!(refused("a URLFETCH (x CONVERT)"), ParseErrorKind::Unknown);
}

#[test]
fn url_fetch_answers_octets_or_what_was_wanted() {
    let Response::UrlFetch(urls) = response(
        "* URLFETCH x (BODYPARTSTRUCTURE (\"IMAGE\" \"PNG\" NIL NIL NIL \"BINARY\" 3)) (BINARY ~{3}\r\na\0b) \
        y NIL z \"plain\" u (BINARY NIL) v (BODY \"q\")",
    ) else {
        panic!()
    };
    assert_eq!(urls.len(), 5);
    let UrlData::Items(items) = &urls[0].data else { panic!() };
    assert!(
        matches!(&items[0], UrlItem::BodyPartStructure(body) if matches!(**body, BodyStructure::Part(_)))
    );
    assert_eq!(items[1], UrlItem::Binary(Some(Bytes::from("a\0b"))));
    assert_eq!(urls[1].data, UrlData::Octets(None));
    assert_eq!(urls[2].data, UrlData::Octets(Some(Bytes::from("plain"))));
    assert_eq!(urls[3].data, UrlData::Items(vec![UrlItem::Binary(None)]));
    assert_eq!(urls[4].data, UrlData::Items(vec![UrlItem::Body(Some(Bytes::from("q")))]));
    // The examples of RFC 5524 have an empty list where the grammar has NIL.
    let line = Bytes::from("* URLFETCH x (BODYPARTSTRUCTURE (\"IMAGE\" \"PNG\" () NIL NIL \"BINARY\" 123))");
    let read = parse::response(&line, &ParseContext::client()).unwrap();
    assert_eq!(read.repairs, Repairs::ODD_LIST);
    assert_eq!(Capability::new("urlauth=binary").unwrap(), Capability::UrlAuthBinary);
}

#[test]
fn urls_are_authorised_and_withdrawn() {
    let Command::GenUrlAuth(urls) =
        command("a GENURLAUTH imap://joe@h/INBOX/;uid=20;urlauth=anonymous INTERNAL")
    else {
        panic!()
    };
    assert!(urls[0].mechanism.is("internal"));
    assert_eq!(command("a RESETKEY"), Command::ResetKey(ResetKey::default()));
    let Command::ResetKey(reset) = command("a RESETKEY INBOX INTERNAL XSAMPLE") else { panic!() };
    assert_eq!(reset.mechanisms.len(), 2);
    let Response::GenUrlAuth(urls) = response("* GENURLAUTH imap://h/x;urlauth=anonymous:internal:91 y")
    else {
        panic!()
    };
    assert_eq!(urls.len(), 2);
    let status = response("* OK [URLMECH INTERNAL XSAMPLE=P34OKhO7VEkCbsiYY8rGEg==] mechanisms");
    assert!(
        matches!(&status, Response::Untagged(Status { code: Some(ResponseCode::UrlMech(_)), .. })),
        "{status:?}"
    );
}

#[test]
fn contexts_and_filters() {
    let Command::Search(_, search) =
        command("a SEARCH RETURN (UPDATE CONTEXT PARTIAL 1:500) FILTER saved-1 FUZZY BODY x")
    else {
        panic!()
    };
    assert!(matches!(&search.keys[..], [SearchKey::Filter(_), SearchKey::Fuzzy(_)]));
    command("a CANCELUPDATE \"B04\" \"C05\"");
    command("a SORT RETURN (MIN RELEVANCY) (REVERSE RELEVANCY DATE) UTF-8 ALL");
    command("a UID SEARCH X-GM-RAW in:inbox X-GM-LABELS \"\\\\Inbox\" X-GM-THRID 1 X-GM-MSGID 2");
    response("* ESEARCH (TAG \"B01\") UID ADDTO (0 32768:32769) REMOVEFROM (0 1,2)");
    // RFC 5267 4.3.2: their order counts, so it is kept.
    response("* ESEARCH (TAG \"B01\") UID REMOVEFROM (3 7) ADDTO (1 2 1 3) REMOVEFROM (1 3)");
    response("* ESEARCH (TAG \"B01\") ALL 1:3 RELEVANCY (4 100 1)");
    response("* NO [NOUPDATE \"B02\"] no");
    response("* NO [UNDEFINED-FILTER saved-1] no");
    assert_eq!(refused("a SEARCH FILTER a/b"), ParseErrorKind::Syntax);
}

#[test]
fn languages_limits_and_lists() {
    command("a LANGUAGE");
    command("a LANGUAGE FR-CA EN-CA");
    command("a COMPARATOR \"cz;*\" i;basic");
    response("* LANGUAGE (EN FR)");
    response("* COMPARATOR i;unicode-casemap");
    response("* NO [BADCOMPARATOR] no");
    command("a LIST \"\" (%) RETURN (METADATA (/shared/vendor/cmu/color) CHILDREN)");
    command("a XLIST \"\" *");
    response("* XLIST (\\HasNoChildren \\AllMail) \"/\" all");
    command("a GETJMAPACCESS");
    response("* JMAPACCESS \"https://example.com/.well-known/jmap\"");
    response("* 1 FETCH (X-GM-MSGID 18446744073709551615 X-GM-THRID 2 X-GM-LABELS (\\Inbox \"a b\"))");
    let code = response("a OK [MESSAGELIMIT 1000 23221] done");
    let expected = ResponseCode::MessageLimit { limit: 1000.try_into().unwrap(), uid: 23221.try_into().ok() };
    assert!(matches!(code, Response::Tagged(_, Status { code: Some(code), .. }) if code == expected));
    response(
        "* CAPABILITY MESSAGELIMIT=1000 SAVELIMIT=5 LIST-METADATA SEARCH=FUZZY CONTEXT=SORT URLAUTH=BINARY",
    );
}

#[test]
fn an_append_is_put_together_from_parts() {
    for line in [
        "a APPEND Drafts (\\Seen) CATENATE (URL /INBOX;UIDVALIDITY=785799047/;UID=113330)",
        "a APPEND Drafts CATENATE (URL x URL y TEXT {42+}",
        "a APPEND Drafts CATENATE (TEXT {42+}",
    ] {
        assert!(matches!(command(line), Command::Append(_, AppendData::Catenate(_))), "{line}");
    }
    response("a NO [BADURL /INBOX;UIDVALIDITY=785799047/;UID=113330] gone");
    response("a NO [TOOBIG] too big");
}
