//! What a number means while other sessions change the mailbox: the message the client calls so (RFC 9051 5.5, 7.5.1;
//! RFC 2180 4).

use crate::server::{Imap, World};

/// Two sessions that both know messages 1 to 4, with subjects `0` to `3`.
async fn two(world: &World) -> (Imap, Imap) {
    let mut one = world.selected("alice", "INBOX").await;
    for number in 0..4 {
        one.append("INBOX", &format!("Subject: {number}\r\n\r\nbody {number}\r\n")).await;
    }
    one.ok("NOOP").await;
    (one, world.selected("alice", "INBOX").await)
}

async fn subjects(world: &World, mailbox: &str) -> Vec<String> {
    let mut imap = world.selected("alice", mailbox).await;
    let answer = imap.ok("UID FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]").await;
    answer.lines().filter_map(|line| line.strip_prefix("Subject: ")).map(str::to_owned).collect()
}

/// Another session expunges the message that is the first by now.
async fn expunge_first(other: &mut Imap) {
    other.ok("NOOP").await;
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    other.ok("EXPUNGE").await;
}

#[tokio::test]
async fn mbx_14_a_number_in_copy_means_the_message_the_client_calls_so() {
    let world = World::sharing().await;
    let (mut one, mut two) = two(&world).await;
    expunge_first(&mut two).await;
    let copied = one.ok("COPY 2 Trash").await;
    assert!(copied.contains(" 2 1]"), "{copied}");
    assert_eq!(subjects(&world, "Trash").await, ["1"]);
    // What is gone is not copied, and nothing instead of it.
    expunge_first(&mut two).await;
    let refused = one.no("COPY 1 Archive").await;
    assert!(refused.contains("T NO [EXPUNGEISSUED]"), "{refused}");
    assert_eq!(subjects(&world, "Archive").await, [""; 0]);
}

#[tokio::test]
async fn mbx_14_a_number_in_move_means_the_message_the_client_calls_so() {
    let world = World::sharing().await;
    let (mut one, mut two) = two(&world).await;
    expunge_first(&mut two).await;
    let moved = one.ok("MOVE 2 Trash").await;
    assert!(moved.contains("[COPYUID ") && moved.contains(" 2 1]"), "{moved}");
    assert_eq!(moved.matches(" EXPUNGE\r\n").count(), 2, "{moved}");
    assert_eq!(subjects(&world, "Trash").await, ["1"]);
    assert_eq!(subjects(&world, "INBOX").await, ["2", "3"]);
    // The client has heard of both: its first is the third of before.
    assert!(one.ok("FETCH 1 UID").await.contains("* 1 FETCH (UID 3)"));
    expunge_first(&mut two).await;
    let refused = one.no("MOVE 1 Archive").await;
    assert!(refused.contains("* 1 EXPUNGE\r\n") && refused.contains("T NO [EXPUNGEISSUED]"), "{refused}");
    assert_eq!(subjects(&world, "INBOX").await, ["3"]);
}

#[tokio::test]
async fn mbx_14_the_last_message_is_the_last_that_the_client_knows() {
    let world = World::sharing().await;
    let (mut one, mut two) = two(&world).await;
    two.append("INBOX", "Subject: new\r\n\r\n").await;
    one.ok("STORE 4:* +FLAGS.SILENT (\\Deleted)").await;
    assert!(one.ok("SEARCH DELETED").await.contains("* SEARCH 4\r\n"));
    two.append("INBOX", "Subject: newer\r\n\r\n").await;
    one.ok("MOVE * Trash").await;
    assert_eq!(subjects(&world, "Trash").await, ["new"]);
    two.append("INBOX", "Subject: newest\r\n\r\n").await;
    one.ok("COPY * Archive").await;
    assert_eq!(subjects(&world, "Archive").await, ["newer"]);
    two.append("INBOX", "Subject: last\r\n\r\n").await;
    one.ok("REPLACE * INBOX {17+}\r\nSubject: by one\r\n").await;
    assert_eq!(subjects(&world, "INBOX").await, ["0", "1", "2", "3", "newer", "last", "by one"]);
}

#[tokio::test]
async fn mbx_14_every_command_by_number_means_what_the_client_means() {
    // After the first of four messages is gone, the client's second one is UID 2, whatever the command.
    for (command, expected) in [
        ("FETCH 2 UID", "* 2 FETCH (UID 2)"),
        ("STORE 2 +FLAGS (\\Flagged)", "* 2 FETCH (FLAGS (\\Flagged"),
        ("SEARCH 2", "* SEARCH 2\r\n"),
        ("UID SEARCH 2", "* SEARCH 2\r\n"),
        ("SORT (ARRIVAL) UTF-8 2", "* SORT 2\r\n"),
        ("UID SORT (ARRIVAL) UTF-8 2", "* SORT 2\r\n"),
        ("THREAD REFERENCES UTF-8 2", "* THREAD (2)\r\n"),
        ("UID THREAD REFERENCES UTF-8 2", "* THREAD (2)\r\n"),
        ("COPY 2 Trash", " 2 1]"),
        ("MOVE 2 Trash", " 2 1]"),
        ("REPLACE 2 INBOX {14+}\r\nSubject: r\r\n\r\n", "* 1 EXPUNGE\r\n"),
        ("FETCH $ UID", "* 2 FETCH (UID 2)"),
        ("STORE $ +FLAGS (\\Flagged)", "* 2 FETCH (FLAGS (\\Flagged"),
        ("SEARCH $", "* SEARCH 2\r\n"),
        ("COPY $ Trash", " 2 1]"),
        ("MOVE $ Trash", " 2 1]"),
    ] {
        let world = World::sharing().await;
        let (mut one, mut two) = two(&world).await;
        one.ok("UID SEARCH RETURN (SAVE) UID 2").await;
        expunge_first(&mut two).await;
        let answer = one.ok(command).await;
        assert!(answer.contains(expected), "{command}: {answer}");
        let touched: Vec<String> =
            [subjects(&world, "INBOX").await, subjects(&world, "Trash").await].concat();
        assert!(["1", "r"].iter().any(|it| touched.contains(&(*it).to_owned())), "{command}: {touched:?}");
        assert!(["2", "3"].iter().all(|it| touched.contains(&(*it).to_owned())), "{command}: {touched:?}");
    }
}
