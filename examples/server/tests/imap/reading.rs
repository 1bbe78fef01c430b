//! What FETCH does to messages: `\Seen` is set on those whose text a client has been sent, and on no others
//! (RFC 9051 6.4.5; RFC 7162 3.1.4.1; RFC 9394 3.3).

use bytes::Bytes;
use posthaste_imap::message::Summary;
use posthaste_server::store::{Flags, InternalDate, NewMessage, Room};

use crate::server::{Imap, World};

async fn filled(world: &World, count: usize) -> Imap {
    let mut imap = world.imap("alice").await;
    for number in 0..count {
        imap.append("INBOX", &format!("Subject: {number}\r\n\r\nbody {number}\r\n")).await;
    }
    imap.ok("SELECT INBOX (CONDSTORE)").await;
    imap
}

fn highest(answer: &str) -> u64 {
    let rest = answer.split("HIGHESTMODSEQ ").nth(1).unwrap_or_else(|| panic!("{answer}"));
    rest.split([']', ')']).next().unwrap().parse().unwrap()
}

async fn seen(imap: &mut Imap) -> String {
    let answer = imap.ok("UID SEARCH SEEN").await;
    let line = answer.lines().find_map(|line| line.strip_prefix("* SEARCH")).unwrap();
    line.trim().to_owned()
}

#[tokio::test]
async fn only_what_has_changed_since_is_read() {
    let world = World::sharing().await;
    let mut imap = filled(&world, 4).await;
    let known = highest(&imap.ok("STATUS INBOX (HIGHESTMODSEQ)").await);
    imap.ok("STORE 2 +FLAGS.SILENT (\\Flagged)").await;
    let answer = imap.ok(&format!("FETCH 1:4 (BODY[]) (CHANGEDSINCE {known})")).await;
    assert_eq!(answer.matches(" FETCH (").count(), 1, "{answer}");
    assert!(answer.contains("\\Seen"), "{answer}");
    assert_eq!(seen(&mut imap).await, "2");
}

#[tokio::test]
async fn only_the_page_that_is_asked_for_is_read() {
    let world = World::sharing().await;
    let mut imap = filled(&world, 5).await;
    let answer = imap.ok("UID FETCH 1:* (BODY[TEXT]) (PARTIAL 2:3)").await;
    assert_eq!(answer.matches(" FETCH (").count(), 2, "{answer}");
    assert_eq!(seen(&mut imap).await, "2 3");
}

#[tokio::test]
async fn what_is_not_sent_is_not_read() {
    let world = World::sharing().await;
    let mut imap = filled(&world, 2).await;
    imap.append(
        "INBOX",
        "MIME-Version: 1.0\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: x-odd\r\n\r\n???\r\n",
    )
    .await;
    imap.append("INBOX", "Subject: after\r\n\r\n").await;
    imap.ok("NOOP").await;
    // There is no such part.
    assert!(imap.ok("FETCH 1:2 BODY[7]").await.contains("BODY[7] NIL"));
    assert_eq!(seen(&mut imap).await, "");
    // The third can not be decoded, and the rows end there.
    let answer = imap.no("FETCH 1:4 BINARY[1]").await;
    assert!(answer.contains("[UNKNOWN-CTE]") && answer.matches(" FETCH (").count() == 2, "{answer}");
    assert_eq!(seen(&mut imap).await, "1 2");
    // Who may only look changes nothing.
    imap.ok("EXAMINE INBOX").await;
    imap.ok("FETCH 4 BODY[]").await;
    assert_eq!(seen(&mut imap).await, "1 2");
}

#[tokio::test]
async fn only_rows_that_become_seen_tell_it() {
    let world = World::sharing().await;
    let mut imap = filled(&world, 3).await;
    imap.ok("STORE 2 +FLAGS.SILENT (\\Seen)").await;
    let answer = imap.ok("FETCH 1:3 BODY[TEXT]").await;
    let told: Vec<bool> = answer.split(" FETCH (").skip(1).map(|row| row.contains("\\Seen")).collect();
    assert_eq!(told, [true, false, true], "{answer}");
    assert_eq!(seen(&mut imap).await, "1 2 3");
}

const LETTER: &str = "From: \"A \\\"b\\\"\" <a@x.test>\r\nTo: g: b@x.test, c@x.test;\r\nSubject: gr\u{fc}n\r\n\
    Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n\r\ntext\r\n--o\r\n\
    Content-Type: image/png; name*0*=utf-8''gr%C3%BC; name*1=n.png\r\nContent-Language: de, en\r\n\r\nx\r\n--o\r\n\
    Content-Type: message/rfc822\r\nContent-Disposition: inline; filename=m\r\n\r\nSubject: in\r\n\r\ny\r\n--o--\r\n";

/// What is told of message `number`, without its number.
async fn told(imap: &mut Imap, number: usize, items: &str) -> String {
    let answer = imap.ok(&format!("FETCH {number} ({items})")).await;
    let row = answer.split_once(" FETCH (").unwrap().1;
    row.split_once(")\r\nT OK").unwrap().0.to_owned()
}

#[tokio::test]
async fn an_item_is_told_alike_with_whatever_it_is_asked_for() {
    let world = World::sharing().await;
    let mut imap = world.selected("alice", "INBOX").await;
    imap.append("INBOX", LETTER).await;
    for enabled in [false, true] {
        if enabled {
            imap.ok("ENABLE UTF8=ACCEPT").await;
        }
        for items in
            ["ENVELOPE", "BODY", "BODYSTRUCTURE", "PREVIEW", "FLAGS ENVELOPE RFC822.SIZE BODY PREVIEW"]
        {
            let alone = told(&mut imap, 1, items).await;
            let along = told(&mut imap, 1, &format!("{items} BINARY.SIZE[1]")).await;
            assert_eq!(format!("{alone} BINARY.SIZE[1] 4"), along);
        }
    }
}

#[tokio::test]
async fn what_has_no_summary_is_told_from_its_content() {
    let world = World::sharing().await;
    let store = world.running.store();
    let summary = Summary::scan(LETTER.as_bytes()).to_bytes();
    let stored =
        [summary.clone(), Bytes::new(), Bytes::from_static(b"\x01"), summary.slice(..summary.len() - 1)];
    for summary in stored {
        let mut spool = store.spool();
        spool.write(LETTER.as_bytes()).await.unwrap();
        let mut content = spool.finish().await.unwrap();
        content.set_summary(summary);
        let message = NewMessage { content, flags: Flags::default(), date: InternalDate::now() };
        store.append(world.mailbox("alice", "INBOX").await.id, Room::UNLIMITED, vec![message]).await.unwrap();
    }
    let mut imap = world.selected("alice", "INBOX").await;
    let sound = told(&mut imap, 1, "ENVELOPE BODYSTRUCTURE").await;
    assert!(sound.contains("gr%C3%BCn.png"), "{sound}");
    for number in 2..=4 {
        assert_eq!(told(&mut imap, number, "ENVELOPE BODYSTRUCTURE").await, sound);
    }
}

/// Messages around the lengths at which octets are read ahead, stream, or lie in a file of their own, and more of them than
/// are read ahead at once.
fn of_all_lengths() -> Vec<String> {
    let line = "0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWX\r\n";
    let text = |octets: usize| line.repeat(octets / line.len() + 1)[..octets].to_owned();
    let mut messages = vec!["\r\n".to_owned(), "Subject: no body\r\n\r\n".to_owned(), LETTER.to_owned()];
    for octets in [1, 64 * 1024 - 14, 64 * 1024 - 13, 64 * 1024, 256 * 1024, 300_000] {
        messages.push(format!("Subject: a\r\n\r\n{}", text(octets)));
    }
    messages.push(format!("Subject: long\r\nX-Long: {}\r\n\r\nend\r\n", "word\r\n ".repeat(10_000)));
    messages.extend((0..10).map(|number| format!("Subject: {number}\r\n\r\n{}", text(60_000))));
    messages
}

#[tokio::test]
async fn what_is_read_ahead_is_what_is_read_alone() {
    let world = World::sharing().await;
    let mut imap = world.selected("alice", "INBOX").await;
    let messages = of_all_lengths();
    for message in &messages {
        imap.append("INBOX", message).await;
    }
    for items in [
        "BODY.PEEK[]",
        "BODY.PEEK[HEADER]",
        "BODY.PEEK[]<0.2048> BODY.PEEK[]<65530.100>",
        "BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT)] BODY.PEEK[TEXT]<3.70000>",
        "RFC822.HEADER BODY.PEEK[1] BODY.PEEK[2.MIME] BODY.PEEK[HEADER]",
        "BINARY.PEEK[1] BODY.PEEK[1]<1.9>",
    ] {
        let together = imap.ok(&format!("FETCH 1:* ({items})")).await;
        let mut rest = &together[..];
        for (message, number) in messages.iter().zip(1..) {
            let alone = told(&mut imap, number, items).await;
            let row = format!("* {number} FETCH ({alone})\r\n");
            let begins = rest.starts_with(&row);
            assert!(begins, "{items} of {number}: {} octets", message.len());
            rest = &rest[row.len()..];
        }
        assert!(rest.starts_with("T OK"), "{items}");
    }
    // And it is what was stored.
    let whole = told(&mut imap, messages.len(), "BODY.PEEK[]").await;
    assert!(whole.ends_with(messages.last().unwrap()));
}
