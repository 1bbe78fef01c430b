//! What a session does: logging in, adding, changing, moving and removing messages, naming mailboxes, news.

use posthaste_imap::client::Event;
use posthaste_imap::types::{
    Condition, Date, DateTime, FetchItem, Flag, Mailbox, MailboxAttribute, MetadataData, QuotaResource,
    ResponseCode, SpecialUse, StatusAttribute, StatusItem,
};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Credentials, Mechanism, Protocol, TlsMode, imap};

use super::session::only;
use super::{ALICE, BOB, Dovecot, PASSWORD, Session, messages, run};

#[test]
fn dovecot_logs_in_by_each_mechanism_and_behind_either_tls() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        for (tls, port) in
            [(TlsMode::Implicit, dovecot.ports().imaps), (TlsMode::StartTls, dovecot.ports().imap)]
        {
            let endpoint = Dovecot::endpoint(Protocol::Imap, tls, port);
            for mechanism in [Mechanism::Plain, Mechanism::ScramSha1, Mechanism::ScramSha256] {
                let pinned = Credentials::new(ALICE, PASSWORD).with_pinned(mechanism);
                let options = dovecot.options(ALICE, Alpn::Imap).with_credentials(pinned);
                let client = imap::Client::connect(&endpoint, &options).await.unwrap();
                assert_eq!(client.select(Mailbox::inbox()).await.unwrap().exists, 0);
                client.logout().await.unwrap();
            }
            let wrong = dovecot.options(ALICE, Alpn::Imap).with_credentials(Credentials::new(ALICE, "wrong"));
            let error = imap::Client::connect(&endpoint, &wrong).await.unwrap_err();
            assert_eq!(error.refusal().unwrap().code, Some(ResponseCode::AuthenticationFailed), "{error}");
        }
    });
    let log = dovecot.log();
    for method in ["method=PLAIN", "method=SCRAM-SHA-1,", "method=SCRAM-SHA-256,"] {
        assert_eq!(
            log.lines().filter(|line| line.contains("Login:") && line.contains(method)).count(),
            2,
            "{log}"
        );
    }
}

#[test]
fn dovecot_gives_back_what_was_appended_octet_for_octet() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut session = dovecot.session(ALICE).await;
        assert!(session.machine().has_capability("LITERAL+"));
        session.run("SELECT INBOX").await;
        let mut stored = Vec::new();
        for message in messages::sized() {
            stored.push((session.append("INBOX", &message).await, message));
        }
        for (uid, message) in &stored {
            let read = session.message(*uid).await;
            assert!(read == *message, "{} octets came back as {} others", message.len(), read.len());
        }
        let date = DateTime::new(Date::new(1996, 7, 17).unwrap(), 2, 44, 25, -420).unwrap();
        let flags = vec![Flag::Seen, Flag::new("$Forwarded").unwrap()];
        let uid = session.append_with("INBOX", flags.clone(), Some(date), b"Subject: old\r\n\r\n").await;
        let rows = session.rows(&format!("UID FETCH {uid} (FLAGS INTERNALDATE RFC822.SIZE)")).await;
        assert!(rows[0].items.contains(&FetchItem::Rfc822Size(16)), "{rows:?}");
        let told = rows[0].items.iter().find_map(|item| match item {
            FetchItem::InternalDate(told) => Some(told.unix_seconds()),
            _ => None,
        });
        assert_eq!(told, Some(date.unix_seconds()));
        let told = rows[0].items.iter().find_map(|item| match item {
            FetchItem::Flags(told) => Some(told.clone()),
            _ => None,
        });
        let told = told.unwrap();
        assert!(flags.iter().all(|flag| told.contains(flag)), "{told:?}");
    });
}

#[test]
fn dovecot_copies_moves_and_removes_and_says_where_to() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut session = dovecot.session(ALICE).await;
        let mut uids = Vec::new();
        for number in 1..=4 {
            uids.push(session.append("INBOX", format!("Subject: {number}\r\n\r\n").as_bytes()).await);
        }
        session.run("SELECT INBOX").await;

        let rows = session.rows("UID STORE 1:2 +FLAGS (\\Flagged mine)").await;
        assert_eq!(rows.iter().map(|row| row.uid).collect::<Vec<_>>(), [Some(uids[0]), Some(uids[1])]);
        assert_eq!(session.rows("UID STORE 1 FLAGS.SILENT (\\Answered)").await.len(), 0);
        assert_eq!(session.numbers("UID SEARCH KEYWORD mine").await, [2]);
        assert_eq!(session.numbers("UID SEARCH ANSWERED UNFLAGGED").await, [1]);

        let (status, _) = session.done("UID COPY 1,3 Trash").await;
        let Some(ResponseCode::CopyUid { source, target, .. }) = status.code else { panic!("{status:?}") };
        assert_eq!((source.to_string(), target.to_string()), ("1,3".into(), "1:2".into()));

        let (status, events) = session.done("UID MOVE 4 Trash").await;
        let moved = events.iter().find_map(|event| match event {
            Event::Untagged(status) => status.code.clone(),
            _ => None,
        });
        let Some(ResponseCode::CopyUid { source, target, .. }) = moved.or(status.code) else {
            panic!("{events:?}")
        };
        assert_eq!((source.to_string(), only(&target).get()), ("4".into(), 3));
        assert!(events.iter().any(|event| matches!(event, Event::Expunge(number) if number.get() == 4)));
        let refused = session.refused("UID COPY 1 \"not there\"").await;
        assert_eq!(refused.code, Some(ResponseCode::TryCreate));

        session.run("UID STORE 1:3 +FLAGS.SILENT (\\Deleted)").await;
        let events = session.run("UID EXPUNGE 2").await;
        assert!(
            events.iter().any(|event| matches!(event, Event::Expunge(number) if number.get() == 2)),
            "{events:?}"
        );
        assert_eq!(session.machine().mailbox().unwrap().exists, 2);
        session.run("EXPUNGE").await;
        assert_eq!(session.machine().mailbox().unwrap().exists, 0);
        session.run("CLOSE").await;
        session.run("SELECT Trash").await;
        assert_eq!(session.numbers("SEARCH ALL").await, [1, 2, 3]);
        session.run("UNSELECT").await;
    });
}

#[test]
fn dovecot_lists_mailboxes_with_names_uses_and_numbers() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut session = dovecot.session(ALICE).await;
        // RFC 3501 5.1.3: an ampersand, letters of several alphabets, and some that need surrogates.
        let names = ["Entw\u{fc}rfe & mehr", "\u{53f0}\u{5317}/\u{65e5}\u{672c}\u{8a9e}", "\u{1f4ec}"];
        for name in names {
            session.machine().create(Mailbox::new(name).unwrap()).unwrap();
            session.run("NOOP").await;
            session.append(name, b"Subject: in it\r\n\r\n").await;
        }
        let mut listed = Vec::new();
        for event in session
            .run("LIST \"\" (\"*\") RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS (MESSAGES UIDNEXT))")
            .await
        {
            match event {
                Event::List(row) => listed.push((row.mailbox.as_str().to_owned(), row.attributes, None)),
                Event::Status(mailbox, items) => {
                    let row = listed.iter_mut().find(|(name, ..)| name == mailbox.as_str()).unwrap();
                    row.2 = items.iter().find(|item| item.attribute() == StatusAttribute::Messages).cloned();
                }
                _ => {}
            }
        }
        for name in names {
            let row =
                listed.iter().find(|(listed, ..)| listed == name).unwrap_or_else(|| panic!("{listed:?}"));
            assert_eq!(row.2, Some(StatusItem::Messages(1)));
        }
        let attributes = |name: &str| &listed.iter().find(|(listed, ..)| listed == name).unwrap().1;
        assert!(attributes("\u{53f0}\u{5317}").contains(&MailboxAttribute::HasChildren));
        assert!(attributes("Sent").contains(&MailboxAttribute::SpecialUse(SpecialUse::Sent)));
        assert!(attributes("Sent").contains(&MailboxAttribute::Subscribed));
        assert!(!attributes("Trash").contains(&MailboxAttribute::Subscribed));

        let subscribed = session.run("LIST (SUBSCRIBED) \"\" (\"*\")").await;
        assert!(
            matches!(&*subscribed, [Event::List(row)] if row.mailbox.as_str() == "Sent"),
            "{subscribed:?}"
        );
        let used = session.run("LIST (SPECIAL-USE) \"\" (\"*\")").await;
        assert_eq!(used.len(), 2, "{used:?}");
        session.run("CREATE here").await;
        session.run("RENAME here there").await;
        session.run("STATUS there (MESSAGES)").await;
        assert_eq!(session.refused("STATUS here (MESSAGES)").await.condition, Condition::No);
        let namespaces = session.run("NAMESPACE").await;
        assert!(matches!(&*namespaces, [Event::Namespace(_)]), "{namespaces:?}");
    });
}

#[test]
fn dovecot_keeps_metadata_and_counts_quota() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut session = dovecot.session(ALICE).await;
        session.append("INBOX", &[b"\r\n".as_slice(), &[b'x'; 9_000], b"\r\n"].concat()).await;
        session
            .run("SETMETADATA INBOX (/private/comment \"ours \\\"quoted\\\"\" /private/vendor/x NIL)")
            .await;
        let values = session.run("GETMETADATA INBOX (/private/comment)").await;
        let value = values.iter().find_map(|event| match event {
            Event::Metadata(metadata) => match &metadata.data {
                MetadataData::Values(entries) => entries[0].value.clone(),
                _ => None,
            },
            _ => None,
        });
        assert_eq!(value.as_deref(), Some(&b"ours \"quoted\""[..]), "{values:?}");
        let mut used = None;
        for event in session.run("GETQUOTAROOT INBOX").await {
            if let Event::Quota { resources, .. } = event {
                used = resources.into_iter().find(|usage| usage.resource == QuotaResource::Storage);
            }
        }
        let used = used.expect("a quota was told");
        // In units of 1,024 octets (RFC 9208 5.1), rounded up.
        assert_eq!((used.usage, used.limit), (9, 100 * 1024));
    });
}

#[test]
fn dovecot_answers_commands_that_are_sent_together() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut session = dovecot.session(ALICE).await;
        for number in 0..20 {
            session.append("INBOX", format!("Subject: {number}\r\n\r\nbody\r\n").as_bytes()).await;
        }
        session.run("SELECT INBOX").await;
        let commands: Vec<_> = (1..=20)
            .flat_map(|number| {
                [format!("FETCH {number} (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"), "NOOP".into()]
            })
            .map(|text| session.queue(&text))
            .collect();
        let mut rows = 0;
        // Answers may come in another order; that of the last command is waited for, then those that are left.
        let (mut done, mut most) = (Vec::new(), 0);
        while done.len() < commands.len() {
            most = most.max(session.machine().running().count());
            match session.event().await {
                Event::Done { id, status } => {
                    assert!(status.condition == Condition::Ok, "{status:?}");
                    done.push(id);
                }
                Event::RowEnd => rows += 1,
                _ => {}
            }
        }
        assert!(commands.iter().all(|id| done.contains(id)));
        assert_eq!(rows, 20);
        assert!(most > 1, "no command was sent ahead of an answer");
    });
}

#[test]
fn dovecot_tells_an_idle_session_what_another_does() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut session = dovecot.session(ALICE).await;
        session.run("SELECT INBOX").await;
        let mut other = Session::open(&dovecot, ALICE, TlsMode::StartTls).await;
        let mut idle = session.idle().await;
        let uid = other.append("INBOX", b"Subject: news\r\n\r\n").await;
        while !matches!(idle.next().await, Event::Exists(1)) {}
        other.run("SELECT INBOX").await;
        other.run(&format!("UID STORE {uid} +FLAGS (\\Flagged)")).await;
        loop {
            if let Event::Item(FetchItem::Flags(flags)) = idle.next().await
                && flags.contains(&Flag::Flagged)
            {
                break;
            }
        }
        other.run(&format!("UID STORE {uid} +FLAGS (\\Deleted)")).await;
        other.run("EXPUNGE").await;
        while !matches!(idle.next().await, Event::Expunge(number) if number.get() == 1) {}
        idle.done().await;
        session.run("NOOP").await;
        assert_eq!(session.machine().mailbox().unwrap().exists, 0);
    });
}

#[test]
fn dovecot_notifies_of_mailboxes_that_are_not_selected() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut session = dovecot.session(BOB).await;
        assert!(session.machine().has_capability("NOTIFY"));
        session.run("SELECT INBOX").await;
        session.run("NOTIFY SET (PERSONAL (MessageNew MessageExpunge))").await;
        let mut other = dovecot.session(BOB).await;
        other.append("Trash", b"Subject: news\r\n\r\n").await;
        loop {
            match session.event().await {
                Event::Status(mailbox, items) if mailbox.as_str() == "Trash" => {
                    assert!(items.contains(&StatusItem::Messages(1)), "{items:?}");
                    break;
                }
                _ => {}
            }
        }
    });
}

#[test]
fn dovecot_and_the_driver_go_on_compressed() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut session = dovecot.session(ALICE).await;
        assert!(session.machine().has_capability("COMPRESS=DEFLATE"));
        let id = session.machine().compress_deflate().unwrap();
        session.wait(id, drop).await.unwrap();
        session.run("SELECT INBOX").await;
        for message in messages::sized() {
            let uid = session.append("INBOX", &message).await;
            assert!(session.message(uid).await == message, "{} octets", message.len());
        }
        assert!(session.machine().is_compressed());
    });
}
