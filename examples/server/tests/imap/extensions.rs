//! What is announced works: each capability at least once. Those about sharing, searching, watching and coming back have
//! files of their own.

use posthaste_server::directory::Class;
use posthaste_server::listen::Service;

use crate::server::{Imap, World};

#[tokio::test]
async fn every_extension_is_announced() {
    let world = World::sharing().await;
    let mut imap = world.imap("alice").await;
    let all = imap.ok("CAPABILITY").await;
    let all: Vec<&str> = all.lines().next().unwrap().split(' ').collect();
    for capability in [
        "IMAP4rev1",
        "IMAP4rev2",
        "LITERAL+",
        "ID",
        "ENABLE",
        "IDLE",
        "NAMESPACE",
        "CHILDREN",
        "UIDPLUS",
        "MOVE",
        "UNSELECT",
        "ESEARCH",
        "APPENDLIMIT=52428800",
        "LIST-EXTENDED",
        "SPECIAL-USE",
        "LIST-STATUS",
        "LIST-MYRIGHTS",
        "CREATE-SPECIAL-USE",
        "STATUS=SIZE",
        "CONDSTORE",
        "QRESYNC",
        "UTF8=ACCEPT",
        "BINARY",
        "MULTIAPPEND",
        "REPLACE",
        "ACL",
        "RIGHTS=ektx",
        "METADATA",
        "OBJECTID",
        "SAVEDATE",
        "PREVIEW",
        "SORT",
        "SORT=DISPLAY",
        "ESORT",
        "SEARCHRES",
        "WITHIN",
        "PARTIAL",
        "UIDONLY",
        "UIDBATCHES",
        "MULTISEARCH",
        "NOTIFY",
        "INPROGRESS",
        "I18NLEVEL=1",
        "QUOTA",
        "QUOTA=RES-STORAGE",
        "QUOTA=RES-MESSAGE",
        "THREAD=ORDEREDSUBJECT",
        "THREAD=REFERENCES",
        "COMPRESS=DEFLATE",
        "UNAUTHENTICATE",
    ] {
        assert!(all.iter().any(|it| it.eq_ignore_ascii_case(capability)), "{capability} is not in {all:?}");
    }
}

async fn filled(world: &World) -> Imap {
    let mut imap = world.selected("alice", "INBOX").await;
    imap.append("INBOX \" 7-Feb-1994 22:43:04 -0800\"", BINARY).await;
    imap.ok("NOOP").await;
    imap
}

const BINARY: &str = "Subject: parts\r\nMessage-ID: <a@x>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nHello=20world, how=\r\n are you?\r\n\
    --b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nc29tZSBvY3RldHM=\r\n\
    --b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: x-odd\r\n\r\n???\r\n--b--\r\n";

#[tokio::test]
async fn parts_are_decoded() {
    let world = World::sharing().await;
    let mut imap = filled(&world).await;
    let text = imap.ok("FETCH 1 BINARY.PEEK[1]").await;
    assert!(text.contains("~{25}\r\nHello world, how are you?"), "{text}");
    let part = imap.ok("FETCH 1 BINARY.PEEK[2]<5.3>").await;
    assert!(part.contains("BINARY[2]<5> ~{3}\r\noct"), "{part}");
    assert!(imap.ok("FETCH 1 BINARY.SIZE[2]").await.contains("BINARY.SIZE[2] 11"));
    assert!(imap.no("FETCH 1 BINARY[3]").await.contains("[UNKNOWN-CTE]"));
    assert!(imap.ok("FETCH 1 BINARY.PEEK[9]").await.contains("BINARY[9] NIL"));
}

#[tokio::test]
async fn messages_have_ids_dates_and_previews() {
    let world = World::sharing().await;
    let mut imap = filled(&world).await;
    let row = imap.ok("FETCH 1 (EMAILID THREADID SAVEDATE PREVIEW INTERNALDATE)").await;
    assert!(row.contains("PREVIEW \"Hello world, how are you?\""), "{row}");
    assert!(
        row.contains("INTERNALDATE \" 7-Feb-1994 22:43:04 -0800\"") && row.contains("SAVEDATE \""),
        "{row}"
    );
    imap.append("INBOX", "Subject: Re: parts\r\nIn-Reply-To: <a@x>\r\n\r\n").await;
    imap.ok("COPY 1 Archive").await;
    let id =
        |row: &str, name: &str| row.split(name).nth(1).unwrap().split([' ', ')']).nth(1).unwrap().to_owned();
    let reply = imap.ok("FETCH 2 (EMAILID THREADID)").await;
    assert_eq!(id(&row, "THREADID"), id(&reply, "THREADID"));
    assert_ne!(id(&row, "EMAILID"), id(&reply, "EMAILID"));
    let email = id(&row, "EMAILID").trim_start_matches('(').to_owned();
    assert!(imap.ok(&format!("SEARCH EMAILID {email}")).await.contains("* SEARCH 1\r\n"));
    let mailbox = imap.ok("SELECT Archive").await;
    assert!(imap.ok("FETCH 1 EMAILID").await.contains(&email));
    let mailbox = mailbox.split("MAILBOXID (").nth(1).unwrap().split(')').next().unwrap();
    assert!(imap.ok("STATUS Archive (MAILBOXID)").await.contains(mailbox));
    assert!(imap.ok("CREATE New").await.contains("T OK [MAILBOXID ("));
}

#[tokio::test]
async fn several_messages_come_in_at_once_or_none_does() {
    let world = World::sharing().await;
    let mut imap = world.selected("alice", "INBOX").await;
    let two = "APPEND INBOX (\\Seen) {14+}\r\nSubject: 1\r\n\r\n (\\Flagged) {14+}\r\nSubject: 2\r\n\r\n";
    let answer = imap.ok(two).await;
    assert!(answer.contains("* 2 EXISTS") && answer.contains(" 1:2]"), "{answer}");
    let refused = imap.run("APPEND INBOX {14+}\r\nSubject: 3\r\n\r\n {99999999}").await;
    assert!(refused.contains("T NO [TOOBIG]"), "{refused}");
    assert!(imap.ok("STATUS INBOX (MESSAGES SIZE)").await.contains("(MESSAGES 2 SIZE 28)"));
    assert!(imap.ok("STATUS INBOX (APPENDLIMIT)").await.contains("APPENDLIMIT 52428800"));
}

#[tokio::test]
async fn a_draft_is_replaced() {
    let world = World::sharing().await;
    let mut imap = world.selected("alice", "Drafts").await;
    imap.append("Drafts", "Subject: one\r\n\r\n").await;
    imap.append("Drafts", "Subject: keep\r\n\r\n").await;
    let answer = imap.ok("REPLACE 1 Drafts (\\Draft) {16+}\r\nSubject: two\r\n\r\n").await;
    assert!(
        answer.contains("* 3 EXISTS") && answer.contains("[APPENDUID ") && answer.contains("* 1 EXPUNGE"),
        "{answer}"
    );
    assert!(answer.find("EXISTS").unwrap() < answer.find("EXPUNGE").unwrap());
    let mut other = world.selected("alice", "Drafts").await;
    assert!(other.ok("SEARCH SUBJECT two").await.contains("* SEARCH 2\r\n"));
    imap.ok("UID REPLACE 3 Sent {16+}\r\nSubject: sen\r\n\r\n").await;
    assert!(other.ok("NOOP").await.contains("* 2 EXPUNGE"));
    assert!(other.ok("STATUS Sent (MESSAGES)").await.contains("MESSAGES 1"));
    imap.no("UID REPLACE 99 Drafts {16+}\r\nSubject: sen\r\n\r\n").await;
}

#[tokio::test]
async fn mailboxes_are_made_for_a_use() {
    let world = World::sharing().await;
    let mut imap = world.imap("alice").await;
    assert!(imap.no("CREATE Papers (USE (\\Drafts))").await.contains("[USEATTR]"));
    assert!(imap.no("CREATE All (USE (\\All))").await.contains("[USEATTR]"));
    imap.ok("DELETE Archive").await;
    imap.ok("CREATE Old (USE (\\Archive))").await;
    let listed = imap.ok("LIST (SPECIAL-USE) \"\" *").await;
    assert!(listed.contains("\\Archive) \"/\" Old\r\n") && !listed.contains("INBOX"), "{listed}");
    let status = imap.ok("LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN SIZE HIGHESTMODSEQ))").await;
    assert!(status.contains("* STATUS INBOX (MESSAGES 0 UNSEEN 0 SIZE 0 HIGHESTMODSEQ "), "{status}");
    assert!(imap.no("CREATE \"Other Users/x\"").await.contains("T NO"));
    assert!(imap.ok("LIST \"\" \"\"").await.contains("* LIST (\\Noselect) \"/\" \"\""));
}

#[tokio::test]
async fn annotations_are_kept() {
    let world = World::sharing().await;
    let mut imap = world.imap("alice").await;
    imap.ok("SETMETADATA INBOX (/private/comment \"mine\" /shared/comment \"ours\")").await;
    let got = imap.ok("GETMETADATA (DEPTH infinity) INBOX (/private /shared)").await;
    assert!(got.contains("/private/comment") && got.contains("ours"), "{got}");
    assert!(imap.ok("GETMETADATA INBOX /private/none").await.contains("/private/none NIL"));
    assert!(
        imap.ok("GETMETADATA (MAXSIZE 2) INBOX /private/comment").await.contains("[METADATA LONGENTRIES 4]")
    );
    imap.ok("SETMETADATA \"\" (/private/vendor/x \"1\")").await;
    assert!(imap.ok("GETMETADATA \"\" /private/vendor/x").await.contains("/private/vendor/x"));
    assert!(imap.no("SETMETADATA \"\" (/shared/comment \"1\")").await.contains("[NOPERM]"));
    imap.ok("SETMETADATA INBOX (/private/comment NIL)").await;
    assert!(imap.ok("GETMETADATA INBOX /private/comment").await.contains("/private/comment NIL"));
}

#[tokio::test]
async fn quotas_are_told_and_held() {
    let world = World::sharing().await;
    world
        .change_account("alice", |account| {
            account.quota = Some(10_240);
            account.quota_messages = Some(3);
        })
        .await;
    let mut imap = world.selected("alice", "INBOX").await;
    imap.append("INBOX", &format!("Subject: x\r\n\r\n{}\r\n", "x".repeat(5000))).await;
    let root = imap.ok("GETQUOTAROOT INBOX").await;
    assert!(root.contains("* QUOTAROOT INBOX alice@x.test\r\n"), "{root}");
    assert!(root.contains("* QUOTA alice@x.test (STORAGE 5 10 MESSAGE 1 3)"), "{root}");
    assert!(imap.ok("GETQUOTA alice@x.test").await.contains("MESSAGE 1 3"));
    assert!(imap.no("GETQUOTA bob@x.test").await.contains("[NONEXISTENT]"));
    let refused = imap.append("INBOX", &"x".repeat(6000)).await;
    assert!(refused.contains("T NO [OVERQUOTA]"), "{refused}");
    assert!(
        imap.ok("STATUS INBOX (DELETED DELETED-STORAGE)").await.contains("(DELETED 0 DELETED-STORAGE 0)")
    );
    imap.ok("COPY 1 Trash").await;
    assert!(imap.no("COPY 1 Sent").await.contains("[OVERQUOTA]"));
    imap.ok("MOVE 1 Sent").await;
}

#[tokio::test]
async fn a_draft_can_be_replaced_where_there_is_no_room_for_one_more() {
    let world = World::sharing().await;
    let mut imap = world.selected("alice", "Drafts").await;
    imap.append("Drafts", &format!("Subject: x\r\n\r\n{}", "x".repeat(2000))).await;
    // At the limit of messages, with less to keep and with more.
    world.change_account("alice", |account| account.quota_messages = Some(1)).await;
    imap.ok("REPLACE 1 Drafts {14+}\r\nSubject: y\r\n\r\n").await;
    let longer = format!("Subject: y\r\n\r\n{}", "y".repeat(3000));
    imap.ok(&format!("REPLACE 1 Drafts {{{}+}}\r\n{longer}", longer.len())).await;
    // Far above the quota of octets: what does not grow may be written.
    world.change_account("alice", |account| account.quota = Some(100)).await;
    let refused = format!("{longer}more");
    let refused = imap.run(&format!("REPLACE 1 Drafts {{{}}}\r\n", refused.len())).await;
    assert!(refused.contains("T NO [OVERQUOTA]"), "{refused}");
    imap.ok(&format!("REPLACE 1 Drafts {{{}+}}\r\n{longer}", longer.len())).await;
    imap.ok("REPLACE 1 Sent {14+}\r\nSubject: z\r\n\r\n").await;
    assert!(imap.ok("STATUS Sent (MESSAGES SIZE)").await.contains("(MESSAGES 1 SIZE 14)"));
}

#[tokio::test]
async fn the_message_size_is_that_of_who_is_logged_in() {
    let world = World::sharing().await;
    let small = Class { name: "small".to_owned(), quota: None, quota_messages: None, message_size: Some(50) };
    world.change(|draft| draft.put_class(small.clone())).await;
    world.change_account("alice", |account| account.class = Some("small".to_owned())).await;
    let mut imap = world.imap("alice").await;
    assert!(imap.append("INBOX", &"x".repeat(51)).await.contains("T NO [TOOBIG]"));
    imap.ok("UNAUTHENTICATE").await;
    imap.ok("LOGIN bob@x.test secret").await;
    assert!(imap.append("INBOX", &"x".repeat(51)).await.contains("T OK"));
}

#[tokio::test]
async fn a_connection_changes_hands() {
    let world = World::sharing().await;
    let mut imap = world.selected("alice", "INBOX").await;
    imap.append("INBOX", "Subject: alice\r\n\r\n").await;
    imap.ok("UNAUTHENTICATE").await;
    assert!(imap.run("SELECT INBOX").await.contains("T BAD"));
    imap.ok("LOGIN bob@x.test secret").await;
    assert!(imap.ok("SELECT INBOX").await.contains("* 0 EXISTS"));
}

#[tokio::test]
async fn utf_8_goes_in_and_out_once_it_is_enabled() {
    let world = World::sharing().await;
    let mut imap = world.imap("alice").await;
    imap.ok("CREATE Gr&APwA3w-e").await;
    assert!(imap.ok("LIST \"\" Gr*").await.contains("Gr&APwA3w-e"));
    imap.ok("ENABLE UTF8=ACCEPT IMAP4rev2").await;
    assert!(imap.ok("LIST \"\" Gr*").await.contains("\"Grüße\""));
    let opened = imap.ok("SELECT \"Grüße\"").await;
    assert!(opened.contains("* LIST () \"/\" \"Grüße\"") && !opened.contains("RECENT"), "{opened}");
    let message = "Subject: schöne Grüße\r\n\r\n";
    imap.ok(&format!("APPEND \"Grüße\" UTF8 (~{{{}+}}\r\n{message})", message.len())).await;
    assert!(imap.ok("FETCH 1 BODY.PEEK[HEADER]").await.contains("schöne"));
    assert!(imap.ok("SEARCH SUBJECT \"GRÜSSE\"").await.contains("T OK"));
}

#[tokio::test]
async fn mbx_14_numbers_never_shift_unheard() {
    let world = World::sharing().await;
    let mut one = world.selected("alice", "INBOX").await;
    for number in 0..4 {
        one.append("INBOX", &format!("Subject: {number}\r\n\r\n")).await;
    }
    let mut two = world.selected("alice", "INBOX").await;
    two.ok("STORE 1,3 +FLAGS.SILENT (\\Deleted)").await;
    two.ok("EXPUNGE").await;
    two.append("INBOX", "Subject: new\r\n\r\n").await;
    // Not while numbers count; new messages are told, with the number they have for this client.
    let fetched = one.run("FETCH 1:4 UID").await;
    assert!(!fetched.contains("EXPUNGE\r\n") && fetched.contains("* 4 FETCH (UID 4)"), "{fetched}");
    assert!(fetched.contains("T NO [EXPUNGEISSUED]"), "{fetched}");
    assert!(one.ok("SEARCH ALL").await.contains("* SEARCH 2 4 5\r\n"));
    let stored = one.run("STORE 1:2 +FLAGS (\\Flagged)").await;
    assert!(
        stored.contains("* 2 FETCH (FLAGS (\\Flagged") && stored.contains("T NO [EXPUNGEISSUED]"),
        "{stored}"
    );
    assert!(one.ok("UID FETCH 2 UID").await.contains("* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n* 1 FETCH (UID 2)"));
    assert!(one.ok("FETCH 3 UID").await.contains("* 3 FETCH (UID 5)"));
}

#[tokio::test]
async fn fetches_of_many_are_answered_in_full() {
    let world = World::sharing().await;
    let mut imap = world.selected("alice", "INBOX").await;
    for number in 0..450 {
        imap.append("INBOX", &format!("Subject: {number}\r\n\r\nbody {number}\r\n")).await;
    }
    let answer = imap.ok("FETCH 1:* (UID FLAGS ENVELOPE)").await;
    assert_eq!(answer.matches(" FETCH (").count(), 450);
    assert!(answer.contains("* 450 FETCH (UID 450 ") && answer.contains("\"449\""));
    assert_eq!(imap.ok("FETCH 1:* BODY.PEEK[TEXT]").await.matches("body ").count(), 450);
    assert!(
        imap.ok("SEARCH BODY \"body 44\"")
            .await
            .contains("* SEARCH 45 441 442 443 444 445 446 447 448 449 450\r\n")
    );
}

#[tokio::test]
async fn a_client_says_who_it_is_and_hears_who_it_speaks_with() {
    let world = World::sharing().await;
    let mut imap = world.imap("alice").await;
    let answer = imap.ok("ID (\"name\" \"probe\" \"version\" NIL)").await;
    assert!(answer.starts_with("* ID (\"name\" \"Posthaste\""), "{answer}");
    imap.ok("ID NIL").await;
    assert!(imap.run("ID (\"name\")").await.contains("T BAD"));
}

#[tokio::test]
async fn a_login_takes_one_round_trip() {
    let world = World::sharing().await;
    let mut peer = world.connect(Service::Imaps).await;
    assert!(peer.expect("* OK").await.contains(" SASL-IR "));
    peer.send("a AUTHENTICATE PLAIN AGFsaWNlQHgudGVzdAB3cm9uZw==\r\n").await;
    peer.expect("a NO [AUTHENTICATIONFAILED]").await;
    peer.send("b AUTHENTICATE PLAIN AGFsaWNlQHgudGVzdABzZWNyZXQ=\r\nc SELECT INBOX\r\n").await;
    peer.expect("b OK").await;
    assert!(peer.line().await.starts_with("* "));
}

#[tokio::test]
async fn fields_of_many_headers_are_those_of_each() {
    let world = World::sharing().await;
    let mut imap = world.selected("alice", "INBOX").await;
    let long = format!("X-Long: {}\r\n", "x".repeat(500)).repeat(6_000);
    for number in 0..5 {
        // One that is too long to be read ahead with the others.
        let more = if number == 2 { long.as_str() } else { "" };
        imap.append("INBOX", &format!("{more}Subject: {number}\r\nFrom: f{number}@x\r\n\r\nbody\r\n")).await;
    }
    imap.append("INBOX", "no header at all").await;
    imap.ok("COPY 1 INBOX").await;
    let answer = imap.ok("FETCH 1:7 (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT X-LONG)]<0.9>)").await;
    let rows: Vec<&str> = answer.split("* ").skip(1).collect();
    assert_eq!(rows.len(), 7, "{answer}");
    for (row, number) in rows.iter().zip([0, 1, 2, 3, 4, 9, 0]) {
        let subject = format!("Subject: {number}\r\n\r\n");
        assert_eq!(row.contains(&subject), number != 9, "{row}");
        assert_eq!(row.contains(&format!("From: f{number}")), number != 9, "{row}");
    }
}
