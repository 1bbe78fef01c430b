//! APPEND and REPLACE of the client: several messages, parts, limits, refusals in the middle.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;

use bytes::Bytes;
use client_support::{drive, enabled, ready, say, selected, sent, step};
use posthaste_imap::client::{AppendContent, AppendMessage, AppendPart, AppendWriter, Client, Event};
use posthaste_imap::types::{
    AString, Addressing, Capability, Command, Flag, Mailbox, ParseContext, SequenceNumber,
};
use posthaste_imap::{Misuse, Secret, Step, parse};

fn writer(client: &mut Client) -> AppendWriter {
    match step(client) {
        Step::Event(Event::AppendReady(writer)) => writer,
        other => panic!("{other:?}"),
    }
}

fn write(client: &mut Client, text: &'static str) {
    let mut writer = writer(client);
    writer.write(client, Bytes::from_static(text.as_bytes())).unwrap();
    writer.finish(client).unwrap();
}

#[test]
fn several_messages_go_in_one_command() {
    let mut client = selected("MULTIAPPEND LITERAL-");
    let second = AppendMessage { flags: [Flag::Seen].into(), ..AppendMessage::of(5) };
    let id =
        client.append_all(Mailbox::inbox(), [AppendMessage::of(3), second, AppendMessage::of(5000)]).unwrap();
    client.noop().unwrap();
    assert_eq!(sent(&mut client), "A3 APPEND INBOX {3+}\r\n");
    write(&mut client, "one");
    assert_eq!(sent(&mut client), "one (\\Seen) {5+}\r\n");
    let second = writer(&mut client);
    assert_eq!((second.id(), second.index(), second.length()), (id, 1, 5));
    let mut second = second;
    second.write(&mut client, Bytes::from_static(b"secon")).unwrap();
    second.finish(&mut client).unwrap();
    // Over 4096 octets it waits, with LITERAL- (RFC 7888 5).
    assert_eq!(sent(&mut client), "secon {5000}\r\n");
    assert!(matches!(step(&mut client), Step::NeedInput));
    client.handle_input(posthaste_imap::Time::ZERO, b"+ go\r\n");
    let mut third = writer(&mut client);
    third.write(&mut client, Bytes::from(vec![b'x'; 5000])).unwrap();
    third.finish(&mut client).unwrap();
    assert!(sent(&mut client).ends_with("xx\r\nA4 NOOP\r\n"));
    assert_eq!(say(&mut client, "A3 OK [APPENDUID 1 7:9] done\r\n"), [format!("Done {id:?} Ok")]);
}

#[test]
fn a_refusal_between_two_messages_ends_the_command() {
    // Waiting for the second `+`: nothing more is sent.
    let mut client = selected("MULTIAPPEND");
    client.append_all(Mailbox::inbox(), [AppendMessage::of(3), AppendMessage::of(5)]).unwrap();
    client.noop().unwrap();
    client.handle_input(posthaste_imap::Time::ZERO, b"+ go\r\n");
    write(&mut client, "one");
    assert!(sent(&mut client).ends_with("one {5}\r\n"));
    assert_eq!(say(&mut client, "A3 NO [OVERQUOTA] full\r\n"), ["Done CommandId(3) No"]);
    assert_eq!(sent(&mut client), "A4 NOOP\r\n");
    // In the middle of a literal: it is completed, and the line ends behind it.
    let mut client = selected("MULTIAPPEND LITERAL+");
    client.append_all(Mailbox::inbox(), [AppendMessage::of(3), AppendMessage::of(5)]).unwrap();
    client.noop().unwrap();
    let mut first = writer(&mut client);
    sent(&mut client);
    assert_eq!(say(&mut client, "A3 NO [OVERQUOTA] full\r\n"), ["Done CommandId(3) No"]);
    first.write(&mut client, Bytes::from_static(b"one")).unwrap();
    first.finish(&mut client).unwrap();
    assert_eq!(sent(&mut client), "one\r\nA4 NOOP\r\n");
    assert_eq!(drive(&mut client), Vec::<String>::new());
}

#[test]
fn parts_are_put_together_by_the_server() {
    let url = |url: &'static str| AppendPart::Url(AString::new(url).unwrap());
    let parts = |parts| AppendMessage { content: AppendContent::Parts(parts), ..AppendMessage::of(0) };
    let mut client = selected("CATENATE LITERAL+ MULTIAPPEND");
    client.append_all(Mailbox::inbox(), [parts(vec![url("/x"), AppendPart::Text(3), url("/y")])]).unwrap();
    write(&mut client, "abc");
    assert_eq!(sent(&mut client), "A3 APPEND INBOX CATENATE (URL /x TEXT {3+}\r\nabc URL /y)\r\n");
    client.append_all(Mailbox::inbox(), [parts(vec![url("/x")]), parts(vec![AppendPart::Text(1)])]).unwrap();
    write(&mut client, "z");
    assert_eq!(sent(&mut client), "A4 APPEND INBOX CATENATE (URL /x) CATENATE (TEXT {1+}\r\nz)\r\n");
    client.append_all(Mailbox::inbox(), [parts(vec![url("/x")]), AppendMessage::of(1)]).unwrap();
    write(&mut client, "z");
    assert_eq!(sent(&mut client), "A5 APPEND INBOX CATENATE (URL /x) {1+}\r\nz\r\n");
    client.append_all(Mailbox::inbox(), [parts(vec![url("/x")])]).unwrap();
    assert_eq!(sent(&mut client), "A6 APPEND INBOX CATENATE (URL /x)\r\n");
    say(&mut client, "A3 OK\r\nA4 OK\r\nA5 OK\r\nA6 OK\r\n");
}

#[test]
fn binary_utf8_and_replace_look_as_their_rfcs_want() {
    let logged_in = || {
        let capabilities = "IMAP4rev1 BINARY LITERAL+ REPLACE UTF8=ACCEPT ENABLE";
        let mut client = ready(capabilities);
        client.login("joe", Secret::from("pw")).unwrap();
        say(&mut client, &format!("A1 OK [CAPABILITY {capabilities}] in\r\n"));
        sent(&mut client);
        client
    };
    let mut client = logged_in();
    let message = |content| AppendMessage { content, ..AppendMessage::of(0) };
    client.append_all(Mailbox::inbox(), [message(AppendContent::Binary(2))]).unwrap();
    write(&mut client, "\0\0");
    assert_eq!(sent(&mut client), "A2 APPEND INBOX ~{2+}\r\n\0\0\r\n");
    let utf8 = message(AppendContent::Utf8(2));
    assert!(matches!(client.append_all(Mailbox::inbox(), [utf8.clone()]), Err(Misuse::NotNow { .. })));
    client.enable(vec![Capability::Utf8Accept]).unwrap();
    // Queued behind ENABLE, it is taken for enabled, and looked at again when its turn comes.
    client.append_all(Mailbox::inbox(), [utf8.clone()]).unwrap();
    say(&mut client, "A2 OK\r\n* ENABLED UTF8=ACCEPT\r\nA3 OK\r\n");
    assert_eq!(sent(&mut client), "A3 ENABLE UTF8=ACCEPT\r\nA4 APPEND INBOX UTF8 (~{2+}\r\n");
    let mut client = logged_in();
    client.enable(vec![Capability::Utf8Accept]).unwrap();
    client.append_all(Mailbox::inbox(), [utf8]).unwrap();
    assert_eq!(say(&mut client, "A2 OK\r\n"), ["Done CommandId(2) Ok", "NotSent CommandId(3)"]);
    let mut client = selected("REPLACE LITERAL+");
    let number = SequenceNumber::Number(core::num::NonZeroU32::MIN);
    client.replace(Addressing::Uid, number, Mailbox::inbox(), AppendMessage::of(2)).unwrap();
    write(&mut client, "ab");
    let line = sent(&mut client);
    assert_eq!(line, "A3 UID REPLACE 1 INBOX {2+}\r\nab\r\n");
    let head = Bytes::from(line.split("\r\n").next().unwrap().to_owned());
    let parsed = parse::command(&head, &ParseContext::server()).unwrap();
    assert!(matches!(parsed.command, Command::Replace(..)));
}

#[test]
fn what_the_server_would_refuse_is_not_sent() {
    let mut client = selected("APPENDLIMIT=10");
    assert_eq!(client.append_limit(), Some(10));
    assert!(client.append(Mailbox::inbox(), [], None, 10).is_ok());
    assert!(matches!(
        client.append(Mailbox::inbox(), [], None, 11),
        Err(Misuse::Argument { argument: "length", .. })
    ));
    assert!(client.append(Mailbox::inbox(), [Flag::Recent], None, 1).is_err());
    assert!(client.append_all(Mailbox::inbox(), []).is_err());
    let two = [AppendMessage::of(1), AppendMessage::of(1)];
    assert!(matches!(client.append_all(Mailbox::inbox(), two), Err(Misuse::NotNow { call: "APPEND", .. })));
    let binary = AppendMessage { content: AppendContent::Binary(1), ..AppendMessage::of(0) };
    assert!(client.append_all(Mailbox::inbox(), [binary]).is_err());
    assert_eq!(sent(&mut client), "A3 APPEND INBOX {10}\r\n");
}

#[test]
fn utf8_messages_close_their_parenthesis() {
    let mut client = enabled("UTF8=ACCEPT LITERAL+", &[Capability::Utf8Accept]);
    let utf8 = AppendMessage { content: AppendContent::Utf8(2), ..AppendMessage::of(0) };
    client.append_all(Mailbox::inbox(), [utf8]).unwrap();
    write(&mut client, "ab");
    assert!(sent(&mut client).ends_with("A4 APPEND INBOX UTF8 (~{2+}\r\nab)\r\n"));
}

#[test]
fn a_password_leaves_in_a_write_of_its_own() {
    let mut client = ready("IMAP4rev1 SASL-IR AUTH=PLAIN");
    client.authenticate("PLAIN", Some(Secret::from("\0joe\0pw"))).unwrap();
    assert_eq!(client.poll_transmit().as_deref(), Some(&b"A1 AUTHENTICATE PLAIN AGpvZQBwdw==\r\n"[..]));
    let mut client = ready("IMAP4rev1 SASL-IR");
    client.authenticate("EXTERNAL", Some(Secret::default())).unwrap();
    assert_eq!(sent(&mut client), "A1 AUTHENTICATE EXTERNAL =\r\n");
    let mut client = ready("IMAP4rev1");
    client.authenticate("EXTERNAL", Some(Secret::default())).unwrap();
    assert_eq!(sent(&mut client), "A1 AUTHENTICATE EXTERNAL\r\n");
    say(&mut client, "+ \r\n");
    assert_eq!(sent(&mut client), "\r\n");
    let mut client = ready("IMAP4rev1");
    client.login("j\no", Secret::from("pw\"\r\n")).unwrap();
    assert_eq!(sent(&mut client), "A1 LOGIN {3}\r\n");
    say(&mut client, "+ \r\n");
    assert_eq!(sent(&mut client), "j\no {5}\r\n");
    say(&mut client, "+ \r\n");
    assert_eq!(sent(&mut client), "pw\"\r\n\r\n");
}
