//! Watching: what happens is told as it happens, and what happened while the connection was lost as well.

use std::num::NonZeroU32;

use posthaste_imap::types::{Addressing, Flag, Mailbox, SequenceSet, StoreAction};

use crate::support::{Server, WATCH, Way};

#[tokio::test]
async fn news_is_told_also_after_the_connection_was_lost() {
    let server = Server::start().await;
    server.add("Subject: old\r\n\r\n");
    let way = Way::to(server.sink.imap, &[]).await;
    let mut watch = server.program(WATCH).start([&format!("imap://ursel@localhost:{}", way.address.port())]);
    assert_eq!(watch.line().await, "watching 1 messages");
    server.add("From: Hans <hans@mail.example>\r\nSubject: new\r\n\r\n");
    assert_eq!(watch.line().await, "new 2 from Hans: new");

    // Somebody else has the mailbox open.
    let other = server.imap().await;
    other.select(Mailbox::inbox()).await.unwrap();
    let first = SequenceSet::single(NonZeroU32::MIN);
    other.store(Addressing::Uid, first, StoreAction::Add, [Flag::Deleted]).await.unwrap();
    assert_eq!(watch.line().await, "flags 1 \\Deleted \\Seen");

    way.cut();
    let line = watch.line().await;
    assert!(line.starts_with("lost: ") && line.contains("; again in "), "{line}");
    // What happens now is found when the connection is back.
    other.expunge().await.unwrap();
    server.add("From: Hans <hans@mail.example>\r\nSubject: meanwhile\r\n\r\n");
    let mut lines = [watch.line().await, watch.line().await];
    lines.sort();
    assert_eq!(lines, ["gone 1", "new 3 from Hans: meanwhile"]);
}
