//! Copying: octet for octet, with flags and dates, each message once, over lost connections too.

use posthaste_imap::types::{Flag, Flags, Keyword};

use crate::support::{COPY_MAILBOX, Done, Program, Server, Way, date};

#[tokio::test]
async fn everything_is_copied_once() {
    let (from, to) = (Server::start().await, Server::start().await);
    fill(&from);
    let done = copy(&from, &to, from.sink.imap.port()).await;
    assert_eq!((done.is_ok, done.out.as_str()), (true, "6 copied, 0 were there, 0 failed\n"), "{done:?}");
    assert_eq!(to.sink.messages(), from.sink.messages());

    let done = copy(&from, &to, from.sink.imap.port()).await;
    assert_eq!((done.is_ok, done.out.as_str()), (true, "0 copied, 6 were there, 0 failed\n"), "{done:?}");
    from.add("Message-ID: <later@mail.example>\r\n\r\nlater\r\n");
    let done = copy(&from, &to, from.sink.imap.port()).await;
    assert_eq!((done.is_ok, done.out.as_str()), (true, "1 copied, 6 were there, 0 failed\n"), "{done:?}");
    assert_eq!(to.sink.messages(), from.sink.messages());
}

#[tokio::test]
async fn an_empty_mailbox_is_copied() {
    let (from, to) = (Server::start().await, Server::start().await);
    let done = copy(&from, &to, from.sink.imap.port()).await;
    assert_eq!((done.is_ok, done.out.as_str()), (true, "0 copied, 0 were there, 0 failed\n"), "{done:?}");
}

#[tokio::test]
async fn a_connection_that_is_lost_within_a_message_doubles_nothing() {
    let (from, to) = (Server::start().await, Server::start().await);
    fill(&from);
    // The first connection ends within the third message, which has a million octets.
    let way = Way::to(from.sink.imap, &[400_000]).await;
    let done = copy(&from, &to, way.address.port()).await;
    assert!(done.is_ok && done.err.contains("; again in 1 s"), "{done:?}");
    assert_eq!(done.out, "6 copied, 0 were there, 0 failed\n");
    assert_eq!(to.sink.messages(), from.sink.messages());
}

#[tokio::test]
async fn wrong_servers_are_not_tried_again() {
    let (from, to) = (Server::start().await, Server::start().await);
    let [url, other] =
        [&from, &to].map(|server| format!("imap://ursel@localhost:{}", server.sink.imap.port()));
    // Only one of the two is trusted.
    let program = from.program(COPY_MAILBOX).env("FROM_PASSWORD", "x").env("TO_PASSWORD", "y");
    let done = program.run([&url, &other]).await;
    assert!(!done.is_ok && done.err.contains("certificate") && !done.err.contains("again in"), "{done:?}");
    // A mailbox that is not there.
    let program = from.program(COPY_MAILBOX).env("FROM_PASSWORD", "x").env("TO_PASSWORD", "y");
    let done = program.run([&url, &url, "Archive"]).await;
    assert!(
        !done.is_ok && done.err.contains("the server refuses") && !done.err.contains("again in"),
        "{done:?}"
    );
}

async fn copy(from: &Server, to: &Server, port: u16) -> Done {
    let certificates = [from, to].map(|server| std::fs::read_to_string(server.certificate()).unwrap());
    let both = from.directory.path().join("both.pem");
    std::fs::write(&both, certificates.concat()).unwrap();
    let program = Program::new(COPY_MAILBOX).env("MAIL_CA", &both);
    let [from, to] = [port, to.sink.imap.port()].map(|port| format!("imap://ursel@localhost:{port}"));
    program.env("FROM_PASSWORD", "Geheim!").env("TO_PASSWORD", "Secret?").run([&from, &to]).await
}

/// Messages that are easily lost, doubled or changed.
fn fill(server: &Server) {
    let flagged =
        Flags::from([Flag::Seen, Flag::Flagged, Flag::Keyword(Keyword::new("$Forwarded").unwrap())]);
    let add = |message: String, flags: &Flags, seconds| {
        server.sink.add(message, flags.clone(), date(seconds)).unwrap();
    };
    add("Message-ID: <one@mail.example>\r\n\r\none\r\n".into(), &flagged, 1_600_000_000);
    // No Message-ID, and no line end.
    add("Subject: two".into(), &Flags::new(), 1_600_000_001);
    let long = ". line\r\n\u{e9}\r\r\n\n".repeat(70_000);
    add(
        format!("Message-ID: <three@mail.example>\r\n\r\n{long}"),
        &Flags::from([Flag::Deleted]),
        1_600_000_002,
    );
    // The same twice: two messages.
    add("Message-ID: <four@mail.example>\r\n\r\nfour\r\n".into(), &Flags::new(), 1_600_000_003);
    add("Message-ID: <four@mail.example>\r\n\r\nfour\r\n".into(), &Flags::new(), 1_600_000_003);
    add(String::new(), &Flags::from([Flag::Draft]), 1_600_000_004);
}
