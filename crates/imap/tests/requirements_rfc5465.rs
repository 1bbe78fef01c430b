//! What RFC 5465 (NOTIFY) asks of a server and of a client. The list that names these tests is
//! `tests/requirements/rfc5465.toml` of the workspace. Which mailboxes a filter means and who may watch them is the
//! application's to know; here is what the machine makes of what it is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;
#[path = "support/server.rs"]
mod support;

use posthaste_imap::client::Event as ClientEvent;
use posthaste_imap::server::{Server, Update};
use posthaste_imap::types::{
    EntryName, FetchAttribute, FetchItem, Flag, ListResponse, Mailbox, MailboxAttribute, MailboxFilter,
    MetadataData, NotifyCommand, NotifyEvent, StatusItem,
};
use posthaste_imap::{Misuse, Step, Time};
use support::{everything, message, named_event, number, said, selected, sent};

const WATCH: &[u8] = b"w NOTIFY SET (selected (MessageNew (UID) MessageExpunge FlagChange)) \
    (personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange)) \
    (subtree \"\" (ServerMetadataChange))\r\n";

/// A server that watches everything, with INBOX selected.
fn watching() -> Server {
    let mut server = selected(everything());
    assert!(said(&mut server, WATCH).starts_with("w OK "));
    server
}

fn name(name: &str) -> Mailbox {
    Mailbox::new(name).unwrap()
}

fn row(name: &str, attributes: &[MailboxAttribute]) -> ListResponse {
    ListResponse {
        attributes: attributes.to_vec(),
        delimiter: Some('/'),
        mailbox: Mailbox::new(name).unwrap(),
        child_info: vec![],
        old_name: None,
    }
}

/// What is sent for an update while no command is in progress.
fn told(server: &mut Server, update: Update) -> String {
    server.update(update).unwrap();
    sent(server)
}

#[test]
fn rfc5465_3_1_what_waited_is_told_with_the_answer_to_notify() {
    let mut server = selected(everything());
    server.update(Update::Expunged(message(1))).unwrap();
    server.update(Update::Exists(5)).unwrap();
    let flags = vec![FetchItem::Flags([Flag::Seen].into())];
    server.update(Update::Fetch(message(2), flags)).unwrap();
    assert_eq!(sent(&mut server), "");
    let expected = "* 1 EXPUNGE\r\n* 5 EXISTS\r\n* 2 FETCH (FLAGS (\\Seen))\r\nn OK NOTIFY completed\r\n";
    let text = said(&mut server, b"n NOTIFY SET (selected-delayed (MessageNew MessageExpunge))\r\n");
    assert_eq!(text, expected);
}

#[test]
fn rfc5465_3_1_the_first_status_of_each_mailbox_comes_before_the_ok() {
    let mut server = selected(everything());
    let command = "n NOTIFY SET STATUS (mailboxes (a b) (MessageNew MessageExpunge FlagChange))\r\n";
    server.handle_input(Time::ZERO, command.as_bytes());
    let notify = named_event!(server, Notify);
    assert!(matches!(notify.command, NotifyCommand::Set { status: true, .. }));
    let items = |at: u32| {
        vec![
            StatusItem::Messages(3),
            StatusItem::UidNext(number(at).get().into()),
            StatusItem::UidValidity(number(9).get().into()),
            StatusItem::HighestModSeq(700),
        ]
    };
    notify.status(&mut server, name("a"), items(40)).unwrap();
    notify.status(&mut server, name("b"), items(50)).unwrap();
    notify.ok(&mut server).unwrap();
    let expected = "* STATUS a (MESSAGES 3 UIDNEXT 40 UIDVALIDITY 9 HIGHESTMODSEQ 700)\r\n\
                    * STATUS b (MESSAGES 3 UIDNEXT 50 UIDVALIDITY 9 HIGHESTMODSEQ 700)\r\nn OK NOTIFY completed\r\n";
    assert_eq!(sent(&mut server), expected);
}

#[test]
fn rfc5465_3_1_an_unknown_event_is_no_with_all_that_are_supported() {
    let mut server = selected(everything());
    let text = said(&mut server, b"a NOTIFY SET (inboxes (MessageNew MessageExpunge Sunrise))\r\n");
    let all = "MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange \
               ServerMetadataChange";
    assert!(text.starts_with(&format!("a NO [BADEVENT ({all})] ")), "{text}");
    // What is listed can be asked for, each with what has to stand beside it.
    for event in all.split(' ') {
        let beside = match event {
            "MessageNew" => " MessageExpunge",
            "MessageExpunge" => " MessageNew",
            "FlagChange" => " MessageNew MessageExpunge",
            _ => "",
        };
        let text = said(&mut server, format!("b NOTIFY SET (inboxes ({event}{beside}))\r\n").as_bytes());
        assert!(text.starts_with("b OK "), "{event}: {text}");
    }
}

#[test]
fn rfc5465_3_1_no_access_can_be_told() {
    let mut server = watching();
    let text = told(&mut server, Update::List(row("secret", &[MailboxAttribute::NoAccess])));
    assert_eq!(text, "* LIST (\\NoAccess) \"/\" secret\r\n");
    let text = told(&mut server, Update::List(row("secret", &[])));
    assert_eq!(text, "* LIST () \"/\" secret\r\n");
}

#[test]
fn rfc5465_4_idle_brings_what_notify_asked_for() {
    let mut server = watching();
    let text = said(&mut server, b"i IDLE\r\n");
    assert!(text.starts_with("+ "), "{text}");
    let status = Update::Status(name("a"), vec![StatusItem::Messages(4)]);
    assert_eq!(told(&mut server, status), "* STATUS a (MESSAGES 4)\r\n");
    assert_eq!(told(&mut server, Update::Expunged(message(1))), "* 1 EXPUNGE\r\n");
    assert_eq!(told(&mut server, Update::List(row("b", &[]))), "* LIST () \"/\" b\r\n");
    // Without NOTIFY there is nothing of other mailboxes in IDLE either.
    let mut server = selected(everything());
    said(&mut server, b"i IDLE\r\n");
    assert!(server.update(Update::Status(name("a"), vec![StatusItem::Messages(4)])).is_err());
    assert!(server.update(Update::List(row("b", &[]))).is_err());
}

#[test]
fn rfc5465_5_events_that_need_each_other_stand_together() {
    for events in [
        "FlagChange",
        "AnnotationChange",
        "FlagChange MessageNew",
        "FlagChange MessageExpunge",
        "MessageNew",
        "MessageNew MailboxName",
        "MessageExpunge",
    ] {
        for group in [format!("(selected ({events}))"), format!("(selected NONE) (inboxes ({events}))")] {
            let mut server = selected(everything());
            let text = said(&mut server, format!("a NOTIFY SET {group}\r\n").as_bytes());
            assert!(text.starts_with("a BAD "), "{group}: {text}");
        }
    }
}

#[test]
fn rfc5465_5_1_changed_flags_are_told_at_once_by_fetch() {
    let mut server = watching();
    let items = vec![FetchItem::Uid(number(20)), FetchItem::Flags([Flag::Seen].into())];
    let text = told(&mut server, Update::Fetch(message(2), items));
    assert_eq!(text, "* 2 FETCH (UID 20 FLAGS (\\Seen))\r\n");
    let items = vec![StatusItem::HighestModSeq(65_666_665), StatusItem::UidValidity(101)];
    let text = told(&mut server, Update::Status(name("Lists/Lemonade"), items));
    assert_eq!(text, "* STATUS Lists/Lemonade (HIGHESTMODSEQ 65666665 UIDVALIDITY 101)\r\n");
}

#[test]
fn rfc5465_5_2_a_new_message_is_exists_and_then_one_fetch() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, WATCH);
    let notify = named_event!(server, Notify);
    let NotifyCommand::Set { groups, .. } = &notify.command else { panic!("{notify:?}") };
    assert_eq!(groups[0].mailboxes, MailboxFilter::Selected);
    assert_eq!(groups[0].events[0], NotifyEvent::MessageNew(vec![FetchAttribute::Uid]));
    notify.ok(&mut server).unwrap();
    sent(&mut server);
    assert_eq!(told(&mut server, Update::Exists(4)), "* 4 EXISTS\r\n");
    let text = told(&mut server, Update::Fetch(message(4), vec![FetchItem::Uid(number(40))]));
    assert_eq!(text, "* 4 FETCH (UID 40)\r\n");
}

#[test]
fn rfc5465_5_3_expunges_are_told_at_once_and_by_uid_where_that_is_enabled() {
    let mut server = watching();
    assert_eq!(told(&mut server, Update::Expunged(message(1))), "* 1 EXPUNGE\r\n");
    said(&mut server, b"e ENABLE QRESYNC\r\n");
    assert_eq!(told(&mut server, Update::Expunged(message(1))), "* VANISHED 10\r\n");
}

#[test]
fn rfc5465_5_4_names_are_told_with_what_became_of_them() {
    let mut server = watching();
    let gone = row("a", &[MailboxAttribute::NonExistent]);
    assert_eq!(told(&mut server, Update::List(gone)), "* LIST (\\NonExistent) \"/\" a\r\n");
    let new = row("b", &[MailboxAttribute::Subscribed, MailboxAttribute::HasNoChildren]);
    assert_eq!(told(&mut server, Update::List(new)), "* LIST (\\Subscribed \\HasNoChildren) \"/\" b\r\n");
    let renamed = ListResponse { old_name: Some(name("c")), ..row("d", &[MailboxAttribute::HasChildren]) };
    assert_eq!(
        told(&mut server, Update::List(renamed)),
        "* LIST (\\HasChildren) \"/\" d (\"OLDNAME\" (c))\r\n"
    );
}

#[test]
fn rfc5465_5_6_5_7_changed_annotations_are_told_by_name() {
    let mut server = watching();
    let names = || vec![EntryName::new("/shared/comment").unwrap(), EntryName::new("/private/x").unwrap()];
    let text = told(&mut server, Update::Metadata(Mailbox::inbox(), names()));
    assert_eq!(text, "* METADATA INBOX /shared/comment /private/x\r\n");
    let text = told(&mut server, Update::Metadata(name(""), names()));
    assert_eq!(text, "* METADATA \"\" /shared/comment /private/x\r\n");
}

#[test]
fn rfc5465_5_8_too_much_is_told_and_is_the_end_of_notify() {
    let mut server = support::with(everything(), |config| config.limits.updates_max = 2);
    said(&mut server, b"l LOGIN u p\r\ns SELECT inbox\r\n");
    said(&mut server, WATCH);
    server.handle_input(Time::ZERO, b"f FETCH 1 UID\r\n");
    let row_of_one = named_event!(server, Fetch).begin().row(&mut server, message(1)).unwrap();
    for at in ["a", "b", "c"] {
        server.update(Update::Status(name(at), vec![StatusItem::Messages(1)])).unwrap();
    }
    row_of_one.finish(&mut server).unwrap().ok(&mut server).unwrap();
    let text = sent(&mut server);
    assert_eq!(text.matches("* OK [NOTIFICATIONOVERFLOW] ").count(), 1, "{text}");
    // As after NOTIFY NONE.
    assert!(server.update(Update::List(row("b", &[]))).is_err());
    while let Ok(Step::Event(_)) = server.poll_event() {}
    assert!(!server.may_expunge(), "expunges wait for a command again");
}

#[test]
fn rfc5465_6_names_are_no_patterns_and_reach_the_application_as_they_are() {
    let mut server = selected(everything());
    let command = "n NOTIFY SET (mailboxes (\"Lists/*\" \"a%\") (MessageNew MessageExpunge)) \
                   (subtree x (MailboxName)) (inboxes NONE) (subscribed (SubscriptionChange))\r\n";
    server.handle_input(Time::ZERO, command.as_bytes());
    let notify = named_event!(server, Notify);
    let NotifyCommand::Set { groups, .. } = &notify.command else { panic!("{notify:?}") };
    let filters: Vec<&MailboxFilter> = groups.iter().map(|group| &group.mailboxes).collect();
    assert_eq!(
        filters,
        [
            &MailboxFilter::Mailboxes(vec![name("Lists/*"), name("a%")]),
            &MailboxFilter::Subtree(vec![name("x")]),
            &MailboxFilter::Inboxes,
            &MailboxFilter::Subscribed,
        ]
    );
    assert!(groups[2].events.is_empty());
}

#[test]
fn rfc5465_8_words_come_in_any_case() {
    for command in [
        "notify set status (SELECTED-delayed (messagenew (uid) MESSAGEEXPUNGE))",
        "NOTIFY SET STATUS (Selected-Delayed (MessageNew (UID) MessageExpunge))",
    ] {
        let mut server = selected(everything());
        server.handle_input(Time::ZERO, format!("n {command}\r\n").as_bytes());
        let notify = named_event!(server, Notify);
        let NotifyCommand::Set { status: true, groups } = &notify.command else { panic!("{notify:?}") };
        let expected = [NotifyEvent::MessageNew(vec![FetchAttribute::Uid]), NotifyEvent::MessageExpunge];
        assert_eq!(groups[0].mailboxes, MailboxFilter::SelectedDelayed);
        assert_eq!(groups[0].events, expected);
    }
}

#[test]
fn rfc5465_5_a_client_hears_of_all_of_it() {
    let mut client = client_support::selected("NOTIFY METADATA");
    let text = "* STATUS Lists/Lemonade (UIDNEXT 10002 MESSAGES 503)\r\n\
                * LIST (\\NonExistent) \"/\" gone\r\n\
                * LIST (\\NoAccess) \"/\" secret\r\n\
                * METADATA \"\" /shared/comment\r\n\
                * OK [NOTIFICATIONOVERFLOW] too much\r\n";
    client.handle_input(Time::ZERO, text.as_bytes());
    let mut heard = Vec::new();
    while let Step::Event(event) = client.poll_event().unwrap() {
        heard.push(match event {
            ClientEvent::Status(mailbox, items) => format!("{mailbox} {}", items.len()),
            ClientEvent::List(list) => format!("{} {:?}", list.mailbox, list.attributes),
            ClientEvent::Metadata(metadata) => {
                let MetadataData::Changed(names) = metadata.data else { panic!("{metadata:?}") };
                names[0].as_str().to_owned()
            }
            ClientEvent::Untagged(status) => format!("{:?}", status.code.unwrap()),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(
        heard,
        [
            "Lists/Lemonade 2",
            "gone [NonExistent]",
            "secret [NoAccess]",
            "/shared/comment",
            "NotificationOverflow"
        ]
    );
}

/// Groups of events that do not stand together.
const INCONSISTENT: [&str; 8] = [
    "(inboxes (MessageNew))",
    "(inboxes (MessageExpunge MailboxName))",
    "(inboxes (FlagChange))",
    "(selected (AnnotationChange))",
    "(personal (MessageNew MessageExpunge)) (subscribed (MessageExpunge FlagChange))",
    "(selected (MessageNew MessageExpunge MailboxName))",
    "(selected-delayed (SubscriptionChange))",
    "(selected (MessageNew MessageExpunge)) (selected-delayed (MessageNew MessageExpunge))",
];

#[test]
fn rfc5465_5_a_client_asks_for_events_that_need_each_other_together() {
    let command = |line: &str| {
        let line = bytes::Bytes::from(format!("x NOTIFY SET {line}"));
        let context = posthaste_imap::types::ParseContext::server();
        posthaste_imap::parse::command(&line, &context).unwrap().command
    };
    for groups in INCONSISTENT {
        let mut client = client_support::selected("NOTIFY");
        let refused = client.command(command(groups));
        assert!(matches!(refused, Err(Misuse::Argument { argument: "events", .. })), "{groups}: {refused:?}");
        assert_eq!(client_support::sent(&mut client), "", "{groups}");
    }
    let mut client = client_support::selected("NOTIFY");
    client
        .command(command("(selected (MessageNew MessageExpunge FlagChange)) (personal (MailboxName))"))
        .unwrap();
    client.command(command("(selected NONE)")).unwrap();
}

#[test]
fn rfc5465_6_1_the_selected_mailbox_is_chosen_once_and_for_events_of_messages() {
    for groups in INCONSISTENT {
        let mut server = selected(everything());
        let text = said(&mut server, format!("a NOTIFY SET {groups}\r\n").as_bytes());
        assert!(text.starts_with("a BAD "), "{groups}: {text}");
    }
}
