//! The sink: who may reach it, how much it holds, and what other sessions see.

use posthaste_imap::types::{
    Addressing, Flag, Flags, ListPattern, Mailbox, SearchKey, SequenceSet, StatusAttribute, StoreAction,
};
use posthaste_quickstart::sink::{Options, Sink};
use posthaste_tokio::imap::{Append, Update};

use crate::support::{Done, Program, SEND_MAIL, SINK, Server, date, soon};

#[tokio::test]
async fn it_is_for_this_machine_only() {
    let done = Program::new(SINK).run(["0.0.0.0:0", "127.0.0.1:0", "127.0.0.1:0"]).await;
    assert!(!done.is_ok && done.err.contains("others could reach it"), "{done:?}");
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let sink = Sink::start(&Options { octets_max: 4 * 1024, ..Options::default() }).await.unwrap();
    let send = |octets: usize| {
        let url = format!("smtp://localhost:{}", sink.smtp.port());
        let message = format!("Subject: x\r\n\r\n{}", "xxxxxxxx\r\n".repeat(octets / 10));
        async move { Program::new(SEND_MAIL).feed(&message, [&url, "-", "a@b.example", "c@d.example"]).await }
    };
    let Done { is_ok, out, .. } = send(2000).await;
    assert!(is_ok, "{out}");
    let Done { is_ok, out, .. } = send(2000).await;
    assert!(!is_ok && out.contains("refused, ") && out.contains("452"), "{out}");
    // Empty messages are counted as well.
    let empty = || sink.add("", Flags::new(), date(0));
    assert!(empty().is_ok() && empty().is_err());
    assert_eq!(sink.messages().len(), 2);
    sink.stop().await;
}

#[tokio::test]
async fn one_mailbox_is_seen_by_all() {
    let server = Server::start().await;
    let (one, two) = (server.imap().await, server.imap().await);
    one.append(Mailbox::inbox(), Append::new("Subject: one\r\n\r\n").with_date(date(5))).await.unwrap();
    server.add("Subject: two\r\n\r\n");
    let listed = one.list(ListPattern::new("*").unwrap()).await.unwrap();
    assert_eq!(listed.iter().map(|row| row.mailbox.as_str()).collect::<Vec<_>>(), ["INBOX"]);
    let counts = [StatusAttribute::Messages, StatusAttribute::Unseen];
    let status = one.status(Mailbox::inbox(), counts).await.unwrap();
    assert_eq!((status.messages(), status.unseen()), (Some(2), Some(1)));

    two.select(Mailbox::inbox()).await.unwrap();
    let mut news = two.idle();
    one.select(Mailbox::inbox()).await.unwrap();
    let found = one.search(Addressing::Uid, [SearchKey::Seen]).await.unwrap();
    assert_eq!(found.iter().map(|uid| uid.get()).collect::<Vec<_>>(), [2]);
    let seen = SequenceSet::from_numbers(found).unwrap();
    one.store(Addressing::Uid, seen, StoreAction::Add, [Flag::Deleted]).await.unwrap();
    one.expunge().await.unwrap();
    // The flags may be told first.
    while !matches!(soon(news.next()).await.unwrap(), Update::Expunge(number) if number.get() == 2) {}

    // What POP3 deletes is gone for IMAP.
    let mut pop3 = server.pop3().await;
    let listed = pop3.list().await.unwrap();
    assert_eq!(listed.len(), 1);
    pop3.dele(listed[0].0).await.unwrap();
    pop3.quit().await.unwrap();
    while !matches!(soon(news.next()).await.unwrap(), Update::Expunge(number) if number.get() == 1) {}
    assert!(server.contents().is_empty());
}
