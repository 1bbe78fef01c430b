//! What RFC 9208 (QUOTA) asks of a server, of a client and of the codec. The list that names these tests is
//! `tests/requirements/rfc9208.toml` of the workspace.
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
use posthaste_imap::server::{Event, Extensions, Refusal, Update};
use posthaste_imap::types::{
    AString, Label, QuotaLimit, QuotaResource, QuotaUsage, StatusAttribute, StatusItem,
};
use posthaste_imap::{Misuse, Step, Time};
use support::{everything, named_event, names, said, selected, sent};

fn every_resource() -> [QuotaResource; 5] {
    let other = QuotaResource::Other(Label::new(b"X-CPU".to_vec()).unwrap());
    [
        QuotaResource::Storage,
        QuotaResource::Message,
        QuotaResource::Mailbox,
        QuotaResource::AnnotationStorage,
        other,
    ]
}

fn text(text: &'static str) -> AString {
    AString::new(text).unwrap()
}

fn usage(resource: QuotaResource, usage: u64, limit: u64) -> QuotaUsage {
    QuotaUsage { resource, usage, limit }
}

fn announced(extensions: Extensions) -> Vec<String> {
    names(&selected(extensions).capabilities()).into_iter().filter(|name| name.starts_with("QUOTA")).collect()
}

#[test]
fn rfc9208_3_1_1_each_resource_is_announced_with_quota() {
    assert_eq!(announced(Extensions::new()), [""; 0]);
    assert_eq!(
        announced(Extensions::new().with_quota([]).with_quota_set()),
        [""; 0],
        "none without a resource"
    );
    for resource in every_resource() {
        let expected = ["QUOTA".to_owned(), format!("QUOTA=RES-{}", resource.name())];
        assert_eq!(announced(Extensions::new().with_quota([resource])), expected);
    }
    let all = announced(Extensions::new().with_quota(every_resource()));
    assert_eq!(
        all,
        [
            "QUOTA",
            "QUOTA=RES-STORAGE",
            "QUOTA=RES-MESSAGE",
            "QUOTA=RES-MAILBOX",
            "QUOTA=RES-ANNOTATION-STORAGE",
            "QUOTA=RES-X-CPU"
        ]
    );
}

#[test]
fn rfc9208_1_setquota_is_there_where_quotaset_is_announced() {
    let readable = || Extensions::new().with_quota([QuotaResource::Storage]);
    assert!(!announced(readable()).contains(&"QUOTASET".to_owned()));
    assert!(announced(readable().with_quota_set()).contains(&"QUOTASET".to_owned()));
    let command = b"a SETQUOTA \"\" (STORAGE 512)\r\n";
    assert!(said(&mut selected(readable()), command).starts_with("a BAD "));
    assert!(said(&mut selected(readable().with_quota_set()), command).contains("a OK "));
}

#[test]
fn rfc9208_4_1_1_getquota_is_answered_with_quota() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a GETQUOTA \"!partition/sda4\"\r\n");
    let asked = named_event!(server, GetQuota);
    assert_eq!(asked.root.as_bytes(), b"!partition/sda4");
    asked
        .ok(
            &mut server,
            vec![usage(QuotaResource::Storage, 104, 10_923), usage(QuotaResource::Message, 5, 0)],
        )
        .unwrap();
    let expected = "* QUOTA !partition/sda4 (STORAGE 104 10923 MESSAGE 5 0)\r\na OK GETQUOTA completed\r\n";
    assert_eq!(sent(&mut server), expected);
    // A root without limits, and one there is not.
    server.handle_input(Time::ZERO, b"b GETQUOTA x\r\n");
    named_event!(server, GetQuota).ok(&mut server, vec![]).unwrap();
    assert_eq!(sent(&mut server), "* QUOTA x ()\r\nb OK GETQUOTA completed\r\n");
    server.handle_input(Time::ZERO, b"c GETQUOTA none\r\n");
    named_event!(server, GetQuota).no(&mut server, Refusal::nonexistent()).unwrap();
    assert!(sent(&mut server).starts_with("c NO "));
}

#[test]
fn rfc9208_4_1_2_getquotaroot_is_answered_with_quotaroot_and_the_quota_of_each() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a GETQUOTAROOT inbox\r\n");
    let roots = vec![
        (text("#user/alice"), vec![usage(QuotaResource::Message, 42, 1000)]),
        (text(""), vec![usage(QuotaResource::Storage, 10, 512)]),
    ];
    named_event!(server, GetQuotaRoot).ok(&mut server, roots).unwrap();
    let expected = "* QUOTAROOT INBOX #user/alice \"\"\r\n* QUOTA #user/alice (MESSAGE 42 1000)\r\n\
                    * QUOTA \"\" (STORAGE 10 512)\r\na OK GETQUOTAROOT completed\r\n";
    assert_eq!(sent(&mut server), expected);
    server.handle_input(Time::ZERO, b"b GETQUOTAROOT inbox\r\n");
    named_event!(server, GetQuotaRoot).ok(&mut server, vec![]).unwrap();
    assert_eq!(sent(&mut server), "* QUOTAROOT INBOX\r\nb OK GETQUOTAROOT completed\r\n");
}

#[test]
fn rfc9208_4_1_3_setquota_is_answered_with_what_is_so_now() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a SETQUOTA \"#user/alice\" (STORAGE 510 message 7)\r\n");
    let asked = named_event!(server, SetQuota);
    let limit = |resource, limit| QuotaLimit { resource, limit };
    assert_eq!(asked.limits, [limit(QuotaResource::Storage, 510), limit(QuotaResource::Message, 7)]);
    // Rounded.
    asked.ok(&mut server, vec![usage(QuotaResource::Storage, 58, 512)]).unwrap();
    assert_eq!(sent(&mut server), "* QUOTA #user/alice (STORAGE 58 512)\r\na OK SETQUOTA completed\r\n");
}

#[test]
fn rfc9208_3_1_2_usage_and_limits_are_whole_numbers_of_63_bits() {
    let mut server = selected(everything());
    let most = 9_223_372_036_854_775_807;
    server.handle_input(Time::ZERO, b"a GETQUOTA x\r\n");
    named_event!(server, GetQuota).ok(&mut server, vec![usage(QuotaResource::Storage, most, most)]).unwrap();
    let text = sent(&mut server);
    assert!(text.contains("* QUOTA x (STORAGE 9223372036854775807 9223372036854775807)\r\n"), "{text}");
    let mut client = client_support::selected("QUOTA QUOTA=RES-STORAGE");
    client.handle_input(Time::ZERO, text.split_inclusive('\n').next().unwrap().as_bytes());
    let Step::Event(ClientEvent::Quota { resources, .. }) = client.poll_event().unwrap() else { panic!() };
    assert_eq!(resources, [usage(QuotaResource::Storage, most, most)]);
    for limit in ["18446744073709551616", "-1", "1.5", "1k", ""] {
        let text = said(&mut server, format!("b SETQUOTA x (STORAGE {limit})\r\n").as_bytes());
        assert!(text.starts_with("b BAD "), "{limit}: {text}");
    }
}

#[test]
fn rfc9208_5_deleted_and_deleted_storage_come_with_their_resources() {
    for (resource, item, other) in [
        (QuotaResource::Message, "DELETED", "DELETED-STORAGE"),
        (QuotaResource::Storage, "DELETED-STORAGE", "DELETED"),
    ] {
        let mut server = selected(Extensions::new().with_quota([resource]));
        let text = said(&mut server, format!("a STATUS inbox ({other})\r\n").as_bytes());
        assert!(text.starts_with("a BAD "), "{other}: {text}");
        server.handle_input(Time::ZERO, format!("b STATUS inbox (MESSAGES {item})\r\n").as_bytes());
        let asked = named_event!(server, Status);
        let told = match asked.attributes[1] {
            StatusAttribute::Deleted => StatusItem::Deleted(4),
            StatusAttribute::DeletedStorage => StatusItem::DeletedStorage(4),
            ref other => panic!("{other:?}"),
        };
        asked.ok(&mut server, vec![StatusItem::Messages(12), told]).unwrap();
        let expected = format!("* STATUS INBOX (MESSAGES 12 {item} 4)\r\nb OK STATUS completed\r\n");
        assert_eq!(sent(&mut server), expected);
    }
}

#[test]
fn rfc9208_7_names_come_in_any_case() {
    let mut server = selected(everything());
    for command in
        ["getquota x", "GetQuotaRoot inbox", "SetQuota x (storage 5)", "status inbox (deleted-STORAGE)"]
    {
        let text = said(&mut server, format!("a {command}\r\n").as_bytes());
        assert!(text.contains("a OK "), "{command}: {text}");
    }
    let mut client = client_support::selected("quota Quota=res-storage");
    client.quota(text("x")).unwrap();
    client_support::sent(&mut client);
    client.handle_input(Time::ZERO, b"* quota x (Storage 1 2 annotation-STORAGE 3 4)\r\nA3 OK\r\n");
    let Step::Event(ClientEvent::Quota { resources, .. }) = client.poll_event().unwrap() else { panic!() };
    let expected = [usage(QuotaResource::Storage, 1, 2), usage(QuotaResource::AnnotationStorage, 3, 4)];
    assert_eq!(resources, expected);
}

#[test]
fn rfc9208_1_a_client_asks_an_old_server_for_nothing_that_is_new() {
    let mut old = client_support::selected("QUOTA");
    let inbox = posthaste_imap::types::Mailbox::inbox;
    for attribute in [StatusAttribute::Deleted, StatusAttribute::DeletedStorage] {
        let refused = old.status(inbox(), vec![attribute]);
        assert!(matches!(refused, Err(Misuse::NotNow { .. })), "{refused:?}");
    }
    assert_eq!(client_support::sent(&mut old), "");
    // SETQUOTA was there from the beginning, without a name of its own.
    old.set_quota(text("x"), vec![]).unwrap();
    let mut new = client_support::selected("QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE");
    new.status(inbox(), vec![StatusAttribute::Deleted]).unwrap();
    new.status(inbox(), vec![StatusAttribute::DeletedStorage]).unwrap();
    assert!(new.set_quota(text("x"), vec![]).is_err(), "QUOTASET is not announced");
}

#[test]
fn rfc9208_3_2_roots_are_any_string_and_setquota_may_fail() {
    let mut client = client_support::selected("QUOTA QUOTASET QUOTA=RES-STORAGE");
    let id = client.set_quota(text("a \"b\" INBOX"), vec![]).unwrap();
    assert_eq!(client_support::sent(&mut client), "A3 SETQUOTA \"a \\\"b\\\" INBOX\" ()\r\n");
    let events = client_support::say(&mut client, "A3 NO [LIMIT] not that root\r\n");
    assert_eq!(events, [format!("Done {id:?} No")]);
    client.quota(text("inbox")).unwrap();
    assert_eq!(client_support::sent(&mut client), "A4 GETQUOTA inbox\r\n", "no name of a mailbox");
    client.handle_input(Time::ZERO, b"* QUOTAROOT x inbox {3}\r\na b \"\"\r\n");
    let Step::Event(ClientEvent::QuotaRoot { roots, .. }) = client.poll_event().unwrap() else { panic!() };
    let roots: Vec<&[u8]> = roots.iter().map(AString::as_bytes).collect();
    assert_eq!(roots, [&b"inbox"[..], b"a b", b""]);
}

#[test]
fn rfc9208_4_3_1_overquota_is_the_code_of_what_there_is_no_room_for() {
    for command in ["APPEND inbox {2+}\r\nhi", "COPY 1 x", "MOVE 1 x", "CREATE x"] {
        let mut server = selected(everything());
        server.handle_input(Time::ZERO, format!("a {command}\r\n").as_bytes());
        let refusal = Refusal::over_quota();
        match server.poll_event() {
            Ok(Step::Event(Event::Append(asked))) => asked.refuse(&mut server, refusal),
            Ok(Step::Event(Event::Copy(asked))) => asked.no(&mut server, refusal),
            Ok(Step::Event(Event::Move(asked))) => asked.no(&mut server, refusal),
            Ok(Step::Event(Event::Create(asked))) => asked.no(&mut server, refusal),
            other => panic!("{other:?}"),
        }
        .unwrap();
        let text = sent(&mut server);
        assert!(text.starts_with("a NO [OVERQUOTA] "), "{command}: {text}");
        server.update(Update::Exists(3)).unwrap();
    }
}
