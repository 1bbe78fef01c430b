//! What users are promised of IMAP, each with two live sessions.

use posthaste_server::directory::Account;
use posthaste_server::listen::Service;
use posthaste_tokio::Secret;

use crate::server::World;

#[tokio::test]
async fn p21_what_one_session_does_the_other_sees() {
    let world = World::sharing().await;
    let mut one = world.selected("alice", "INBOX").await;
    let mut two = world.selected("alice", "INBOX").await;
    // New mail, in IDLE.
    let idle = two.idle().await;
    one.append("INBOX", "Subject: first\r\n\r\nhello\r\n").await;
    two.peer.expect("* 1 EXISTS").await;
    two.peer.expect("* ").await;
    // Flags.
    one.ok("STORE 1 +FLAGS (\\Flagged $Work)").await;
    assert_eq!(two.peer.line().await, "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work)\r\n");
    let told = two.peer.expect("* 1 FETCH (UID 1 FLAGS (").await;
    assert!(told.contains("\\Flagged") && told.contains("$Work"), "{told}");
    // Expunge.
    one.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    two.peer.expect("* 1 FETCH").await;
    assert!(one.ok("EXPUNGE").await.starts_with("* 1 EXPUNGE\r\n"));
    two.peer.expect("* 1 EXPUNGE").await;
    two.done(&idle).await;
    // Outside of IDLE, with the next command.
    one.append("INBOX", "Subject: second\r\n\r\nhello\r\n").await;
    assert!(two.ok("NOOP").await.contains("* 1 EXISTS\r\n"));
    assert_eq!(two.ok("NOOP").await, "T OK NOOP completed\r\n");
}

#[tokio::test]
async fn p22_the_hierarchy_is_the_same_in_all_sessions() {
    let world = World::sharing().await;
    let mut one = world.imap("alice").await;
    let mut two = world.imap("alice").await;
    one.ok("CREATE Work/Projects/2026").await;
    one.ok("SUBSCRIBE Work/Projects").await;
    one.ok("RENAME Work Arbeit").await;
    one.ok("CREATE Gone").await;
    one.ok("DELETE Gone").await;
    let list = "LIST \"\" * RETURN (SUBSCRIBED CHILDREN SPECIAL-USE)";
    let (first, second) = (one.ok(list).await, two.ok(list).await);
    assert_eq!(first, second);
    assert!(first.contains("* LIST (\\HasChildren) \"/\" Arbeit\r\n"), "{first}");
    assert!(first.contains("\"/\" Arbeit/Projects/2026\r\n"), "{first}");
    assert!(first.contains("* LIST (\\HasNoChildren \\Subscribed \\Drafts) \"/\" Drafts\r\n"), "{first}");
    assert!(!first.contains("Gone"), "{first}");
    assert!(two.ok("LSUB \"\" *").await.contains("Projects"));
}

#[tokio::test]
async fn p23_deleting_is_deleting_everywhere() {
    let world = World::sharing().await;
    let mut one = world.selected("alice", "INBOX").await;
    let mut two = world.imap("alice").await;
    two.ok("ENABLE QRESYNC").await;
    two.ok("SELECT INBOX").await;
    for number in 0..3 {
        one.append("INBOX", &format!("Subject: {number}\r\n\r\n")).await;
    }
    two.ok("NOOP").await;
    one.ok("UID STORE 1,3 +FLAGS.SILENT (\\Deleted)").await;
    assert!(one.ok("UID EXPUNGE 3").await.starts_with("* 3 EXPUNGE\r\n"));
    let told = two.ok("NOOP").await;
    assert!(told.contains("* VANISHED 3\r\n") && !told.contains("EXPUNGE"), "{told}");
    assert!(one.ok("CLOSE").await.starts_with("T OK"));
    assert!(two.ok("NOOP").await.contains("* VANISHED 1\r\n"));
    // MOVE between two sessions.
    one.ok("SELECT INBOX").await;
    let moved = one.ok("MOVE 1 Trash").await;
    assert!(moved.contains("[COPYUID ") && moved.contains("* 1 EXPUNGE\r\n"), "{moved}");
    assert!(two.ok("NOOP").await.contains("* VANISHED 2\r\n"));
    assert!(two.ok("STATUS Trash (MESSAGES)").await.contains("(MESSAGES 1)"));
}

#[tokio::test]
async fn p24_flags_last() {
    let world = World::sharing().await;
    let mut one = world.imap("alice").await;
    let opened = one.ok("SELECT INBOX").await;
    assert!(
        opened.contains("[PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)]"),
        "{opened}"
    );
    one.append("INBOX (\\Draft $Forwarded)", "Subject: x\r\n\r\n").await;
    one.ok("STORE 1 +FLAGS (\\Answered \\Flagged \\Seen $Junk)").await;
    one.ok("STORE 1 -FLAGS (\\Draft)").await;
    one.ok("LOGOUT").await;
    let mut two = world.selected("alice", "INBOX").await;
    let flags = two.ok("FETCH 1 FLAGS").await;
    for flag in ["\\Answered", "\\Flagged", "\\Seen", "$Forwarded", "$Junk"] {
        assert!(flags.contains(flag), "{flags}");
    }
    assert!(!flags.contains("\\Draft"));
    two.ok("STORE 1 FLAGS ()").await;
    assert!(two.ok("FETCH 1 FLAGS").await.contains("FLAGS ()"));
}

#[tokio::test]
async fn p26_headers_are_read_without_bodies_and_only_bodies_make_seen() {
    let world = World::sharing().await;
    let mut imap = world.selected("alice", "INBOX").await;
    let body = "x".repeat(200_000);
    imap.append("INBOX", &format!("Subject: large\r\nFrom: a@x.test\r\n\r\n{body}\r\n")).await;
    let list = "FETCH 1 (FLAGS UID ENVELOPE BODYSTRUCTURE RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (SUBJECT)] PREVIEW)";
    let answer = imap.ok(list).await;
    assert!(answer.len() < 2000 && answer.contains("Subject: large"), "{} octets", answer.len());
    assert!(!answer.contains("\\Seen"));
    let part = imap.ok("FETCH 1 BODY[1]<10.20>").await;
    assert!(part.contains("BODY[1]<10> {20}\r\nxxxxxxxxxxxxxxxxxxxx"), "{part}");
    assert!(part.contains("\\Seen"), "{part}");
    let whole = imap.ok("FETCH 1 BODY[]").await;
    assert!(whole.len() > 200_000 && !whole.contains("FLAGS"), "{} octets", whole.len());
}

#[tokio::test]
async fn p27_no_password_goes_in_the_clear() {
    let world = World::sharing().await;
    let mut plain = world.connect(Service::Imap).await;
    let greeting = plain.expect("* OK [CAPABILITY ").await;
    assert!(greeting.contains("LOGINDISABLED") && greeting.contains("STARTTLS"), "{greeting}");
    plain.send("a LOGIN alice@x.test secret\r\n").await;
    plain.expect("a NO [PRIVACYREQUIRED]").await;
    let mut tls = world.connect(Service::Imaps).await;
    let greeting = tls.expect("* OK [CAPABILITY ").await;
    assert!(!greeting.contains("LOGINDISABLED") && greeting.contains("AUTH=PLAIN"), "{greeting}");
    tls.send("a LOGIN alice@x.test secret\r\n").await;
    tls.expect("a OK").await;
}

#[tokio::test]
async fn mbx_13_the_sessions_of_an_account_that_is_disabled_end() {
    let world = World::sharing().await;
    let mut one = world.selected("alice", "INBOX").await;
    let mut idle = world.selected("alice", "INBOX").await;
    idle.idle().await;
    let mut other = world.imap("bob").await;
    world.change_account("alice", |account| account.enabled = false).await;
    one.peer.expect("* BYE [UNAVAILABLE]").await;
    idle.peer.expect("* BYE [UNAVAILABLE]").await;
    other.ok("NOOP").await;
}

#[tokio::test]
async fn mbx_13_the_sessions_of_a_password_that_is_changed_end() {
    let world = World::sharing().await;
    let mut one = world.selected("alice", "INBOX").await;
    let mut other = world.imap("bob").await;
    // What is no password does not matter.
    world.change_account("alice", |account| account.last_name = "Liddell".to_owned()).await;
    one.ok("NOOP").await;
    let credential = world.running.directory().credential(&Secret::from(&b"other"[..])).await.unwrap();
    let account = Account::clone(&world.account_of("alice")).with_credential(Some(credential));
    world.change(|draft| draft.put_account(account.clone())).await;
    one.peer.expect("* BYE").await;
    assert_eq!(one.peer.line().await, "");
    other.ok("NOOP").await;
    let mut again = world.connect(Service::Imaps).await;
    again.expect("* OK").await;
    again.send("a LOGIN alice@x.test secret\r\nb LOGIN alice@x.test other\r\n").await;
    again.expect("a NO").await;
    again.expect("b OK").await;
}

#[tokio::test]
async fn mbx_13_a_quota_that_shrinks_holds_at_once() {
    let world = World::sharing().await;
    let mut one = world.selected("alice", "INBOX").await;
    one.append("INBOX", &"x".repeat(1000)).await;
    world.change_account("alice", |account| account.quota = Some(500)).await;
    assert!(one.append("INBOX", "x").await.contains("T NO [OVERQUOTA]"));
    assert!(one.no("COPY 1 Trash").await.contains("[OVERQUOTA]"));
    // Whoever has too much can tidy up.
    one.ok("MOVE 1 Trash").await;
    one.ok("SELECT Trash").await;
    one.ok("STORE 1 +FLAGS (\\Deleted)").await;
    one.ok("EXPUNGE").await;
    assert!(one.append("INBOX", "x").await.contains("T OK"));
}

#[tokio::test]
async fn mbx_13_a_mailbox_that_goes_takes_its_sessions_with_it() {
    let world = World::sharing().await;
    let mut one = world.imap("alice").await;
    one.ok("CREATE Old").await;
    let mut two = world.selected("alice", "Old").await;
    two.idle().await;
    one.ok("DELETE Old").await;
    two.peer.expect("* BYE").await;
    assert_eq!(two.peer.line().await, "");
}
