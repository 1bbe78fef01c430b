//! Reading: the newest messages in a table, and the text of one.

use posthaste_imap::types::Flags;

use crate::support::{READ_INBOX, Server, date};

const PARTS: &str = "From: =?utf-8?q?Urs=C3=A9l?= <ursel@mail.example>\r\n\
    Subject: =?iso-8859-1?q?caf=E9?=\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/alternative; boundary=b\r\n\
    \r\n\
    --b\r\n\
    Content-Type: text/html\r\n\
    \r\n\
    <p>no</p>\r\n\
    --b\r\n\
    Content-Type: text/plain; charset=iso-8859-1\r\n\
    Content-Transfer-Encoding: quoted-printable\r\n\
    \r\n\
    caf=E9 =1B[2J au lait\r\n\
    --b--\r\n";

#[tokio::test]
async fn the_newest_are_listed_and_nothing_changes() {
    let server = Server::start().await;
    let url = format!("imap://ursel@localhost:{}", server.sink.imap.port());
    let done = server.program(READ_INBOX).run([&url]).await;
    assert_eq!((done.is_ok, done.out.as_str()), (true, "0 messages\n"), "{done:?}");

    server.add("Subject: first\r\n\r\none\r\n");
    server.add("From: hans@mail.example\r\nSubject: second\r\n\r\ntwo\r\n");
    server.sink.add(PARTS, Flags::new(), date(1_700_000_000)).unwrap();
    let before = server.sink.messages();
    let done = server.program(READ_INBOX).run([&url, "2"]).await;
    let lines: Vec<&str> = done.out.lines().collect();
    let [count, second, third] = lines.as_slice() else { panic!("{done:?}") };
    assert_eq!(*count, "3 messages");
    assert!(
        second.contains("2  ") && second.contains("hans@mail.example") && second.ends_with("second"),
        "{second}"
    );
    assert!(third.contains("3 N") && third.contains("Ursél") && third.ends_with("café"), "{third}");
    assert_eq!(server.sink.messages(), before);
}

#[tokio::test]
async fn the_text_of_a_message_is_decoded() {
    let server = Server::start().await;
    let url = format!("imap://ursel@localhost:{}", server.sink.imap.port());
    server.sink.add(PARTS, Flags::new(), date(1_700_000_000)).unwrap();
    server.add("Subject: plain\r\n\r\njust text\r\n");
    let long = "0123456789\r\n".repeat(20_000);
    server.sink.add(format!("Subject: long\r\n\r\n{long}"), Flags::new(), date(1_700_000_000)).unwrap();
    server.add("Content-Type: image/png\r\n\r\nxxx\r\n");

    let before = server.sink.messages();
    let done = server.program(READ_INBOX).run([&url, "uid", "1"]).await;
    assert_eq!((done.is_ok, done.out.trim_end()), (true, "café [2J au lait"), "{done:?}");
    let done = server.program(READ_INBOX).run([&url, "uid", "2"]).await;
    assert_eq!((done.is_ok, done.out.trim_end()), (true, "just text"), "{done:?}");
    let done = server.program(READ_INBOX).run([&url, "uid", "3"]).await;
    assert!(done.is_ok && done.out.trim_end() == long.replace("\r\n", "\n").trim_end());
    let done = server.program(READ_INBOX).run([&url, "uid", "4"]).await;
    assert_eq!((done.is_ok, done.err.as_str()), (false, "Error: the message has no plain text\n"));
    let done = server.program(READ_INBOX).run([&url, "uid", "9"]).await;
    assert_eq!((done.is_ok, done.err.as_str()), (false, "Error: there is no message with the UID 9\n"));
    assert_eq!(server.sink.messages(), before);
}
