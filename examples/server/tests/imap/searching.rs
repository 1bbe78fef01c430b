//! SEARCH, SORT, THREAD, and ESEARCH over several mailboxes.

use crate::server::{Imap, World};

const MESSAGES: [&str; 5] = [
    "From: Zoe <zoe@x.test>\r\nTo: b@x.test\r\nSubject: =?utf-8?b?2YXYsdit2KjYpyDYqNmD?=\r\nMessage-ID: <1@x>\r\nDate: Mon, 2 Mar 2026 10:00:00 +0000\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nالسلام عليكم\r\n",
    "From: anna@x.test\r\nSubject: plan\r\nMessage-ID: <2@x>\r\nDate: Tue, 3 Mar 2026 10:00:00 +0000\r\nContent-Type: text/plain; charset=iso-8859-7\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=CA=E1=EB=E7=EC=DD=F1=E1 everybody\r\n",
    "From: \"Carl Long\" <a@x.test>\r\nSubject: Re: plan\r\nMessage-ID: <3@x>\r\nReferences: <2@x>\r\nDate: Sun, 1 Mar 2026 10:00:00 +0000\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n5LuK5aSp5aSp5rCU5b6I5aW9\r\n",
    "From: m@x.test\r\nSubject: other\r\nMessage-ID: <4@x>\r\nDate: Wed, 4 Mar 2026 10:00:00 +0000\r\n\r\nnothing of it\r\n",
    "From: m@x.test\r\nSubject: Re: plan\r\nMessage-ID: <5@x>\r\nIn-Reply-To: <3@x>\r\nDate: Thu, 5 Mar 2026 10:00:00 +0000\r\n\r\nlast of all, and the longest of them by far\r\n",
];

async fn filled(world: &World) -> Imap {
    let mut imap = world.selected("alice", "INBOX").await;
    for message in MESSAGES {
        imap.append("INBOX", message).await;
    }
    imap.ok("NOOP").await;
    imap
}

async fn found(imap: &mut Imap, keys: &str) -> String {
    let answer = imap.ok(&format!("SEARCH {keys}")).await;
    let line =
        answer.lines().find_map(|line| line.strip_prefix("* SEARCH")).unwrap_or_else(|| panic!("{answer}"));
    line.trim().to_owned()
}

/// A search whose string is a literal, which may be of any octets.
async fn with_literal(imap: &mut Imap, keys: &str, text: &str) -> String {
    found(imap, &format!("{keys} {{{}+}}\r\n{text}", text.len())).await
}

#[tokio::test]
async fn p25_text_of_any_script_is_found() {
    let world = World::sharing().await;
    let mut imap = filled(&world).await;
    assert_eq!(with_literal(&mut imap, "CHARSET UTF-8 BODY", "السلام").await, "1");
    assert_eq!(with_literal(&mut imap, "CHARSET UTF-8 SUBJECT", "مرحبا").await, "1");
    assert_eq!(with_literal(&mut imap, "CHARSET UTF-8 TEXT", "καλημέρα").await, "2");
    assert_eq!(with_literal(&mut imap, "CHARSET UTF-8 BODY", "天气很").await, "3");
    // Short text, for which no index helps.
    assert_eq!(with_literal(&mut imap, "CHARSET UTF-8 BODY", "天").await, "3");
    assert_eq!(with_literal(&mut imap, "CHARSET UTF-8 NOT BODY", "天气").await, "1 2 4 5");
    let refused = imap.no("SEARCH CHARSET X-NONE BODY x").await;
    assert!(refused.contains("[BADCHARSET ("), "{refused}");
    for (keys, expected) in [
        ("FROM carl", "3"),
        ("OR FROM zoe BODY nothing", "1 4"),
        ("SUBJECT plan NOT FROM anna", "3 5"),
        ("SENTBEFORE 2-Mar-2026", "3"),
        ("SENTSINCE 4-Mar-2026", "4 5"),
        ("HEADER Message-ID 4@x", "4"),
        ("HEADER References \"\"", "3"),
        ("LARGER 10 SMALLER 100000", "1 2 3 4 5"),
        ("YOUNGER 1000", "1 2 3 4 5"),
        ("OLDER 1000", ""),
        ("SAVEDSINCE 1-Jan-2020 SAVEDATESUPPORTED", "1 2 3 4 5"),
        ("UNSEEN", "1 2 3 4 5"),
        ("RECENT", "1 2 3 4 5"),
        ("KEYWORD $None", ""),
    ] {
        assert_eq!(found(&mut imap, keys).await, expected, "{keys}");
    }
}

#[tokio::test]
async fn p25_results_are_counted_and_kept() {
    let world = World::sharing().await;
    let mut imap = filled(&world).await;
    let counted = imap.ok("SEARCH RETURN (MIN MAX COUNT) SUBJECT plan").await;
    assert!(counted.contains("MIN 2 MAX 5 COUNT 3"), "{counted}");
    imap.ok("SEARCH RETURN (SAVE) SUBJECT plan").await;
    assert_eq!(imap.ok("FETCH $ UID").await.matches("FETCH (").count(), 3);
    assert_eq!(found(&mut imap, "$ FROM m").await, "5");
    imap.ok("STORE $ +FLAGS.SILENT (\\Deleted)").await;
    imap.ok("EXPUNGE").await;
    assert_eq!(found(&mut imap, "$").await, "");
    imap.no("SEARCH RETURN (SAVE) CHARSET X-NONE BODY x").await;
    imap.ok("SELECT INBOX").await;
    assert!(!imap.ok("FETCH $ UID").await.contains("FETCH ("));
}

#[tokio::test]
async fn what_sort_finds_is_kept_too() {
    let world = World::sharing().await;
    let mut imap = filled(&world).await;
    assert_eq!(
        imap.ok("SORT RETURN (SAVE) (REVERSE DATE) UTF-8 SUBJECT plan").await,
        "T OK SORT completed\r\n"
    );
    assert_eq!(found(&mut imap, "$").await, "2 3 5");
    // The first and the last are those of the order that was asked for.
    imap.ok("UID SORT RETURN (SAVE MIN) (REVERSE DATE) UTF-8 SUBJECT plan").await;
    assert_eq!(found(&mut imap, "$").await, "5");
    imap.ok("UID SORT RETURN (SAVE MAX) (REVERSE DATE) UTF-8 SUBJECT plan").await;
    assert_eq!(found(&mut imap, "$").await, "3");
    imap.ok("SORT RETURN (COUNT) (DATE) UTF-8 ALL").await;
    assert_eq!(found(&mut imap, "$").await, "3");
    imap.no("SORT RETURN (SAVE) (DATE) X-NONE BODY x").await;
    assert_eq!(found(&mut imap, "$").await, "");
}

#[tokio::test]
async fn p25_messages_are_sorted_and_put_into_threads() {
    let world = World::sharing().await;
    let mut imap = filled(&world).await;
    // Twice: what is compared is read the first time, and in memory the second.
    for _ in 0..2 {
        assert!(imap.ok("SORT (DATE) UTF-8 ALL").await.contains("* SORT 3 1 2 4 5\r\n"));
    }
    assert!(imap.ok("SORT (REVERSE DATE) UTF-8 SUBJECT plan").await.contains("* SORT 5 2 3\r\n"));
    assert!(imap.ok("SORT (DISPLAYFROM) UTF-8 ALL").await.contains("* SORT 2 3 4 5 1\r\n"));
    assert!(imap.ok("SORT (ARRIVAL) UTF-8 ALL").await.contains("* SORT 1 2 3 4 5\r\n"));
    let sorted = imap.ok("UID SORT RETURN (COUNT PARTIAL 1:2) (REVERSE DATE) UTF-8 ALL").await;
    assert!(sorted.contains("COUNT 5") && sorted.contains("PARTIAL (1:2 5,4)"), "{sorted}");
    let threads = imap.ok("THREAD REFERENCES UTF-8 ALL").await;
    assert!(threads.contains("(2 3 5)"), "{threads}");
    let threads = imap.ok("THREAD ORDEREDSUBJECT UTF-8 ALL").await;
    assert!(threads.contains("(3 (2)(5))"), "{threads}");
    let mut other = world.selected("alice", "INBOX").await;
    other.append("INBOX", "Subject: newer\r\nDate: Fri, 6 Mar 2026 10:00:00 +0000\r\n\r\n").await;
    assert!(imap.ok("SORT (REVERSE DATE) UTF-8 ALL").await.contains("* SORT 6 5 4 2 1 3\r\n"));
}

#[tokio::test]
async fn several_mailboxes_are_searched_at_once() {
    let world = World::sharing().await;
    let mut imap = filled(&world).await;
    imap.append("Archive", MESSAGES[3]).await;
    let answer = imap.ok("ESEARCH IN (personal) RETURN (ALL COUNT) SUBJECT other").await;
    assert_eq!(answer.matches("* ESEARCH").count(), 2, "{answer}");
    assert!(
        answer.contains("MAILBOX Archive UIDVALIDITY") && answer.contains("UID ALL 4 COUNT 1"),
        "{answer}"
    );
    let answer = imap.ok("ESEARCH IN (mailboxes Archive) SUBJECT other").await;
    assert_eq!(answer.matches("* ESEARCH").count(), 1, "{answer}");
}

#[tokio::test]
async fn messages_are_sorted_by_who_they_are_to() {
    let world = World::sharing().await;
    let mut imap = world.selected("alice", "INBOX").await;
    for (to, cc) in [("Zoe <b@x.test>", "d@x.test"), ("a@x.test, z@x.test", "C@x.test"), ("c@x.test", "")] {
        let cc = if cc.is_empty() { String::new() } else { format!("Cc: {cc}\r\n") };
        imap.append("INBOX", &format!("To: {to}\r\n{cc}Subject: x\r\n\r\n")).await;
    }
    imap.ok("NOOP").await;
    for (criteria, order) in [
        ("TO", "2 1 3"),
        ("REVERSE TO", "3 1 2"),
        // Without a field it is the empty string.
        ("CC", "3 2 1"),
        ("REVERSE CC", "1 2 3"),
        ("DISPLAYTO", "2 3 1"),
        ("SUBJECT CC", "3 2 1"),
    ] {
        let answer = imap.ok(&format!("SORT ({criteria}) UTF-8 ALL")).await;
        assert!(answer.starts_with(&format!("* SORT {order}\r\n")), "{criteria}: {answer}");
    }
}
