//! Out as files, and in again.

use posthaste_server::admin::{ProblemKind, accounts, mail};
use posthaste_server::exchange::Format;

use crate::desk::{ANNA, BEN, Desk, Seen, address, counts, import, some};

async fn filled() -> Desk {
    let desk = Desk::open().await;
    for (name, messages) in some() {
        desk.fill(ANNA, &name, &messages).await;
    }
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_an_account_goes_out_and_comes_in_whole_and_once() {
    for format in [Format::Maildir, Format::Mbox] {
        let desk = filled().await;
        let moved = desk.export(ANNA, format, "out").await;
        assert_eq!((moved.mailboxes, moved.messages, moved.notes.len()), (8, 5, 0), "{moved:?}");
        let first = desk.import(import(BEN, desk.path("out"))).await;
        assert_eq!(counts(&first), (5, 0, 0));
        assert_eq!(moved.octets, first.octets);
        assert_eq!(desk.seen(BEN).await, some());
        // Again, and where it has come from: nothing is doubled.
        for account in [BEN, ANNA] {
            assert_eq!(counts(&desk.import(import(account, desk.path("out"))).await), (0, 5, 0));
            assert_eq!(desk.seen(account).await, some());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_what_is_there_keeps_its_flags_and_what_is_missing_comes() {
    let desk = filled().await;
    desk.export(ANNA, Format::Mbox, "out").await;
    let mut half = some().remove("INBOX").unwrap();
    half.remove(0);
    half[0].1 = posthaste_server::store::SystemFlags::DELETED;
    desk.fill(BEN, "INBOX", &half).await;
    assert_eq!(counts(&desk.import(import(BEN, desk.path("out/INBOX.mbox"))).await), (1, 2, 0));
    half.push(some()["INBOX"][1].clone());
    assert_eq!(desk.seen(BEN).await["INBOX"], half);
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_one_mailbox_goes_out_and_into_another() {
    let desk = filled().await;
    let name = "Entw\u{fc}rfe/2026";
    let request = |mailboxes: &[&str], to: &str| mail::Export {
        address: address(ANNA),
        directory: desk.path(to),
        format: Format::Maildir,
        mailboxes: mailboxes.iter().map(|&name| name.to_owned()).collect(),
    };
    let moved = desk.admin.ask(request(&[name, name], "out")).await.unwrap();
    assert_eq!((moved.mailboxes, moved.messages), (1, 2));
    desk.import(mail::Import { mailbox: Some("Old".into()), ..import(BEN, desk.path("out")) }).await;
    let mut seen = desk.seen(BEN).await;
    assert_eq!(seen.remove(&format!("Old/{name}")).as_ref(), some().get(name));
    assert!(seen.is_empty());
    let inbox = desk.path("out2/INBOX.mbox");
    desk.export(ANNA, Format::Mbox, "out2").await;
    desk.import(mail::Import { mailbox: Some("Older/Still".into()), ..import(BEN, inbox) }).await;
    assert_eq!(desk.seen(BEN).await.get("Older/Still"), some().get("INBOX"));
    desk.refused(request(&["None"], "out3"), ProblemKind::NotFound, "mailbox None").await;
    desk.refused(request(&[], "out"), ProblemKind::Conflict, "exists").await;
    desk.refused(request(&["a//b"], "out3"), ProblemKind::Invalid, "mailbox name").await;
    assert!(!desk.path("out3").exists() && !desk.path("out3.part").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_a_quota_holds_unless_it_is_said_otherwise() {
    let desk = Desk::open().await;
    let mut messages = String::new();
    for number in 0..250 {
        messages.push_str(&format!(
            "From a@x Sat Nov 21 12:00:00 2026\nSubject: {number:03}\n\n{}\n\n",
            "x".repeat(998)
        ));
    }
    let path = desk.file("mbox", messages);
    let request = |beyond_quota| mail::Import { beyond_quota, ..import(BEN, path.clone()) };
    let quota = accounts::Set { quota: Some(Some(150 * 1020)), ..accounts::Set::nothing(address(BEN)) };
    desk.admin.ask(quota).await.unwrap();
    desk.refused(request(false), ProblemKind::Limit, "100 messages came in before").await;
    let seen = desk.seen(BEN).await;
    assert!(
        seen["INBOX"].len() == 100 && seen["INBOX"].iter().all(|one| one.0.len() == 1016),
        "{}",
        seen["INBOX"].len()
    );
    assert_eq!(counts(&desk.import(request(true)).await), (150, 100, 0));
    // What it has already needs no room.
    assert_eq!(counts(&desk.import(request(false)).await), (0, 250, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_what_is_too_large_is_left_out_and_told() {
    let desk = Desk::open().await;
    let from = "From a@x Sat Nov 21 12:00:00 2026\n";
    let (line, lines) = ("y".repeat(3 << 20), "y\n".repeat(1 << 20));
    let path =
        desk.file("mbox", format!("{from}Subject: a\n\n{line}\n\n{from}\n{lines}\n{from}Subject: b\n\n"));
    let moved = desk.import(import(BEN, path)).await;
    assert_eq!(counts(&moved), (1, 0, 2));
    assert!(
        moved.notes[0].contains("INBOX: a message of 31457")
            && moved.notes[0].contains("1048576 are allowed")
    );
    assert_eq!(desk.seen(BEN).await["INBOX"][0].0, "Subject: b\r\n\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_names_that_can_not_be_become_such_that_can() {
    let desk = Desk::open().await;
    let root = desk.path("mail");
    let deep = format!(".{}", vec!["d"; 40].join("."));
    for (folder, text) in
        [("", "i"), ("...", "1"), (".....x", "2"), (".a*b", "3"), (&deep, "4"), (".&AAE-", "5")]
    {
        std::fs::create_dir_all(root.join(folder).join("cur")).unwrap();
        std::fs::write(root.join(folder).join("cur/1:2,"), text).unwrap();
    }
    std::fs::write(root.join("posthaste.json"), r#"{"mailboxes":{".a*b":"../../../etc/passwd"}}"#).unwrap();
    let moved = desk.import(import(BEN, root)).await;
    assert_eq!(counts(&moved), (6, 0, 0));
    let seen = desk.seen(BEN).await;
    let texts = |all: &[Seen]| all.iter().map(|one| one.0.as_str()).collect::<String>();
    let names: Vec<(&str, String)> = seen.iter().map(|(name, all)| (name.as_str(), texts(all))).collect();
    let deepest = format!("{}{}", "d/".repeat(9), vec!["d"; 31].join("_"));
    let wanted = [("../../../etc/passwd", "3"), ("INBOX", "i"), ("_", "51"), (&deepest, "4"), ("x", "2")];
    assert_eq!(names, wanted.map(|(name, text)| (name, text.to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_too_many_mailboxes_are_refused_before_anything_comes_in() {
    let desk = Desk::open().await;
    let root = desk.path("mail");
    std::fs::create_dir(&root).unwrap();
    // As many as an account may have, beside those it has.
    for number in 0..5000 {
        std::fs::write(root.join(format!("f{number}.mbox")), "").unwrap();
    }
    std::fs::write(root.join("f0.mbox"), "From a@x Sat Nov 21 12:00:00 2026\n\nx\n").unwrap();
    desk.refused(import(BEN, root.clone()), ProblemKind::Limit, "this would make 5006").await;
    for number in 5000..10_000 {
        std::fs::write(root.join(format!("f{number}.mbox")), "").unwrap();
    }
    desk.refused(import(BEN, root), ProblemKind::Limit, "at most 5000 mailboxes").await;
    assert!(desk.seen(BEN).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_more_keywords_than_a_mailbox_may_have_are_told_of() {
    let desk = Desk::open().await;
    let mut messages = String::new();
    for number in 0..300 {
        messages.push_str(&format!(
            "From a@x Sat Nov 21 12:00:00 2026\nX-Keywords: k{number} k0\n\n{number}\n\n"
        ));
    }
    let moved = desk.import(import(BEN, desk.file("mbox", messages))).await;
    assert_eq!(counts(&moved), (300, 0, 0));
    assert!(moved.notes[0].contains("256 different"), "{moved:?}");
    let seen = desk.seen(BEN).await;
    assert_eq!((seen["INBOX"][255].2.len(), &seen["INBOX"][299].2), (2, &vec!["k0".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_dates_that_no_calendar_has_become_such_that_one_has() {
    let desk = Desk::open().await;
    let root = desk.path("mail");
    std::fs::create_dir_all(root.join("cur")).unwrap();
    for (name, seconds) in [("1", 1_u64 << 40), ("2", 5)] {
        let file = std::fs::File::create(root.join("cur").join(name)).unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        // Not all file systems go so far.
        let _ = file.set_modified(time);
    }
    desk.import(import(BEN, root)).await;
    let seen = desk.seen(BEN).await;
    assert!(seen["INBOX"][0].3 <= 253_402_300_799);
    assert_eq!(seen["INBOX"][1].3, 5);
}
