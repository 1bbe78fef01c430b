//! NOTIFY (RFC 5465): what is told of mailboxes that are not selected, and of the one that is.

use crate::server::World;

#[tokio::test]
async fn other_mailboxes_are_told_of_as_asked_for() {
    let world = World::new().await;
    let mut watcher = world.selected("alice", "INBOX").await;
    let mut other = world.imap("alice").await;
    let set = "NOTIFY SET STATUS (SELECTED (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange)) \
               (PERSONAL (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))";
    let answer = watcher.ok(set).await;
    assert!(answer.contains("* STATUS Drafts (MESSAGES 0 UIDNEXT 1 UIDVALIDITY "), "{answer}");
    assert!(!answer.contains("STATUS INBOX"), "{answer}");
    other.append("Sent", "Subject: sent\r\n\r\n").await;
    let told = watcher.peer.expect("* STATUS Sent (UIDNEXT 2 MESSAGES 1 ").await;
    assert!(told.contains("UNSEEN 1"), "{told}");
    other.ok("CREATE New").await;
    watcher.peer.expect("* LIST () \"/\" New").await;
    other.ok("RENAME New Newer").await;
    let renamed = watcher.peer.line().await;
    assert!(
        renamed.starts_with("* LIST () \"/\" Newer")
            && renamed.contains("OLDNAME")
            && renamed.contains("New"),
        "{renamed}"
    );
    other.ok("DELETE Newer").await;
    watcher.peer.expect("* LIST (\\NonExistent) \"/\" Newer").await;
    other.ok("SUBSCRIBE Elsewhere").await;
    watcher.peer.expect("* LIST (\\Subscribed \\NonExistent) \"/\" Elsewhere").await;
    // The selected mailbox, without IDLE, with what was asked for of new messages.
    other.append("INBOX", "Subject: arrived\r\n\r\n").await;
    watcher.peer.expect("* 1 EXISTS").await;
    watcher.peer.expect("* 1 RECENT").await;
    let row = watcher.response().await;
    assert!(
        row.starts_with("* 1 FETCH (UID 1 BODY[HEADER.FIELDS (SUBJECT)]") && row.contains("arrived"),
        "{row}"
    );
    // Expunges at once, as numbers do not matter to such a client.
    other.ok("SELECT INBOX").await;
    other.ok("STORE 1 +FLAGS (\\Deleted)").await;
    watcher.peer.expect("* 1 FETCH").await;
    other.ok("EXPUNGE").await;
    watcher.peer.expect("* 1 EXPUNGE").await;
    watcher.ok("NOTIFY NONE").await;
    other.append("Sent", "Subject: again\r\n\r\n").await;
    assert_eq!(watcher.ok("NOOP").await, "T OK NOOP completed\r\n");
}

#[tokio::test]
async fn nothing_is_told_of_the_selected_mailbox_unless_asked_for() {
    let world = World::new().await;
    let mut watcher = world.selected("alice", "INBOX").await;
    let mut other = world.imap("alice").await;
    watcher.ok("NOTIFY SET (mailboxes Sent (MessageNew MessageExpunge))").await;
    other.append("INBOX", "Subject: x\r\n\r\n").await;
    other.append("Trash", "Subject: x\r\n\r\n").await;
    other.append("Sent", "Subject: x\r\n\r\n").await;
    watcher.peer.expect("* STATUS Sent").await;
    assert_eq!(watcher.ok("NOOP").await, "T OK NOOP completed\r\n");
    let refused = watcher.no("NOTIFY SET (personal (AnnotationChange MessageNew MessageExpunge))").await;
    assert!(refused.contains("[BADEVENT ("), "{refused}");
}
