//! NOTIFY (RFC 5465): what is told of mailboxes that are not selected, and of the one that is.

use crate::server::World;

#[tokio::test]
async fn other_mailboxes_are_told_of_as_asked_for() {
    let world = World::sharing().await;
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
    let world = World::sharing().await;
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

#[tokio::test]
async fn annotations_are_told_of_by_name() {
    let world = World::sharing().await;
    let mut watcher = world.imap("alice").await;
    let mut other = world.imap("alice").await;
    watcher.ok("NOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))").await;
    other.ok("SETMETADATA INBOX (/private/comment \"mine\" /shared/comment \"ours\")").await;
    let told = watcher.peer.line().await;
    assert!(told.starts_with("* METADATA INBOX /private/comment /shared/comment\r\n"), "{told}");
    // What is taken away has changed too.
    other.ok("SETMETADATA INBOX (/shared/comment NIL)").await;
    assert_eq!(watcher.peer.line().await, "* METADATA INBOX /shared/comment\r\n");
    other.ok("SETMETADATA \"\" (/private/vendor/x \"1\")").await;
    assert_eq!(watcher.peer.line().await, "* METADATA \"\" /private/vendor/x\r\n");
    // What somebody else notes for themselves is theirs.
    other.ok("SETACL INBOX bob@x.test lrw").await;
    let mut bob = world.imap("bob").await;
    let inbox = "\"Other Users/alice@x.test/INBOX\"";
    bob.ok(&format!("SETMETADATA {inbox} (/private/comment \"his\")")).await;
    bob.ok(&format!("SETMETADATA {inbox} (/private/comment \"his\" /shared/by \"bob\")")).await;
    assert_eq!(watcher.peer.line().await, "* METADATA INBOX /shared/by\r\n");
}

#[tokio::test]
async fn expunges_of_the_selected_mailbox_wait_where_the_client_wants_that() {
    let world = World::sharing().await;
    let mut watcher = world.selected("alice", "INBOX").await;
    let mut other = world.selected("alice", "INBOX").await;
    watcher.ok("NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge FlagChange))").await;
    for number in 0..2 {
        other.append("INBOX", &format!("Subject: {number}\r\n\r\n")).await;
        watcher.peer.expect(&format!("* {} EXISTS", number + 1)).await;
        watcher.peer.expect("* ").await;
    }
    other.ok("STORE 1 +FLAGS (\\Deleted)").await;
    watcher.peer.expect("* 1 FETCH").await;
    other.ok("EXPUNGE").await;
    other.ok("STORE 1 +FLAGS (\\Flagged)").await;
    // The number is still that of before: the expunge comes with the next command that may bring it.
    let told = watcher.peer.line().await;
    assert!(told.starts_with("* 2 FETCH (UID 2 FLAGS (") && told.contains("\\Flagged"), "{told}");
    let answer = watcher.run("FETCH 1:2 UID").await;
    assert!(answer.contains("* 2 FETCH (UID 2)") && !answer.contains("EXPUNGE\r\n"), "{answer}");
    assert_eq!(watcher.ok("NOOP").await, "* 1 EXPUNGE\r\nT OK NOOP completed\r\n");
}

#[tokio::test]
async fn a_subtree_is_watched_with_what_comes_into_it() {
    let world = World::sharing().await;
    let mut other = world.imap("alice").await;
    for name in ["Work", "Work/Old", "Work/Old/2020", "Workshop"] {
        other.ok(&format!("CREATE {name}")).await;
    }
    let mut all = world.imap("alice").await;
    all.ok("NOTIFY SET (subtree Work (MessageNew MessageExpunge MailboxName))").await;
    let mut one = world.imap("alice").await;
    one.ok("NOTIFY SET (subtree-one Work (MessageNew MessageExpunge MailboxName))").await;
    for name in ["Workshop", "Work/Old/2020", "Work/Old", "Work"] {
        other.append(name, "Subject: x\r\n\r\n").await;
    }
    for name in ["Work/Old/2020", "Work/Old", "Work"] {
        all.peer.expect(&format!("* STATUS {name} (UIDNEXT 2 MESSAGES 1 UNSEEN 1")).await;
    }
    for name in ["Work/Old", "Work"] {
        one.peer.expect(&format!("* STATUS {name} (UIDNEXT 2 MESSAGES 1 UNSEEN 1")).await;
    }
    other.ok("CREATE Work/New").await;
    other.append("Work/New", "Subject: x\r\n\r\n").await;
    for watcher in [&mut all, &mut one] {
        watcher.peer.expect("* LIST () \"/\" Work/New").await;
        watcher.peer.expect("* STATUS Work/New (UIDNEXT 2 MESSAGES 1").await;
    }
}

#[tokio::test]
async fn what_is_told_while_the_selected_mailbox_is_left_out_comes_later_and_once() {
    let world = World::sharing().await;
    let mut watcher = world.selected("alice", "INBOX").await;
    let mut other = world.selected("alice", "INBOX").await;
    for number in 0..3 {
        other.append("INBOX", &format!("Subject: {number}\r\n\r\n")).await;
    }
    watcher.ok("NOOP").await;
    watcher.ok("NOTIFY SET (mailboxes Sent (MessageNew MessageExpunge))").await;
    for flag in ["\\Seen", "\\Flagged", "$One", "$Two"] {
        watcher.ok(&format!("STORE 1 +FLAGS ({flag})")).await;
        other.ok(&format!("STORE 2 +FLAGS ({flag})")).await;
    }
    assert!(watcher.ok("FETCH 2 FLAGS").await.contains("$Two"));
    other.ok("STORE 3 +FLAGS (\\Flagged)").await;
    assert_eq!(watcher.ok("NOOP").await, "T OK NOOP completed\r\n");
    let told = watcher.ok("NOTIFY NONE").await;
    assert_eq!(told.matches(" FETCH (").count(), 1, "{told}");
    assert!(told.contains("* 3 FETCH (UID 3 FLAGS ("), "{told}");
}
