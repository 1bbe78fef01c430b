//! A server that loses, doubles or changes one message of many is found out, and an honest one is not accused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "test code"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Crooked, Fault};
use posthaste_load::audit::{self, Ledger};
use posthaste_load::content::Size;
use posthaste_load::deliver::{self, Delivery};
use posthaste_load::mailbox::{self, Filled, Job};
use posthaste_load::target::{Accounts, Target, Tls};
use posthaste_load::workload::{Limit, Plan};
use posthaste_load::{LoadError, append, fill};
use posthaste_tokio::Protocol;
use serde_json::Value;

const SIZE: Size = Size::Fixed(1500);

fn target(port: u16) -> Target {
    let accounts =
        Accounts { pattern: "user{n}@example.test".into(), first: 1, count: 3, password: "secret".into() };
    Target { host: "127.0.0.1".into(), port, tls: Tls::None, trust: Arc::default(), accounts }
}

fn plan(sessions: u64, count: u64) -> Plan {
    Plan { sessions, limit: Limit::Count(count), pids: Vec::new(), progress: false }
}

fn delivery(server: &Crooked) -> Delivery {
    Delivery {
        target: target(server.smtp),
        protocol: Protocol::Smtp,
        mailboxes: Some(target(server.imap)),
        seed: 0xfeed,
        size: SIZE,
        recipients: 1,
        per_connection: 0,
        sample: 100,
        patience: Duration::ZERO,
    }
}

/// How many messages are lost, doubled and changed.
fn faults(report: &Value) -> [u64; 3] {
    ["lost", "doubled", "changed"].map(|name| report[name].as_u64().unwrap())
}

const FAULTS: [(Fault, [u64; 3]); 4] = [
    (Fault::None, [0, 0, 0]),
    (Fault::Loses, [1, 0, 0]),
    (Fault::Doubles, [0, 1, 0]),
    (Fault::Changes, [0, 0, 1]),
];

#[tokio::test]
async fn a_delivery_that_is_lost_doubled_or_changed_is_found() {
    for (fault, wanted) in FAULTS {
        let server = Crooked::start(fault).await;
        let report = deliver::run(&plan(4, 20), delivery(&server), None).await.unwrap();
        let figures = report.json();
        assert_eq!(faults(&figures), wanted, "{fault:?}: {figures}");
        assert_eq!(report.is_well(), fault == Fault::None, "{figures}");
        assert_eq!((report.operations(), figures["octets"].as_u64()), (20, Some(20 * 1500)));
        assert_eq!(figures["found"].as_u64().unwrap() + wanted[0], 20);
    }
}

#[tokio::test]
async fn an_append_that_is_lost_doubled_or_changed_is_found() {
    for (fault, wanted) in FAULTS {
        let server = Crooked::start(fault).await;
        let report = append::run(&plan(3, 12), &target(server.imap), 5, SIZE, 100).await.unwrap();
        assert_eq!(faults(&report.json()), wanted, "{fault:?}: {}", report.json());
        assert_eq!(report.is_well(), fault == Fault::None);
    }
}

#[tokio::test]
async fn a_message_with_many_recipients_is_looked_for_at_each() {
    let server = Crooked::start(Fault::Loses).await;
    let delivery = Delivery { recipients: 3, per_connection: 2, ..delivery(&server) };
    let report = deliver::run(&plan(2, 5), delivery, None).await.unwrap().json();
    assert_eq!(faults(&report), [1, 0, 0], "{report}");
    assert_eq!(report["found"].as_u64(), Some(14));
}

#[tokio::test]
async fn a_ledger_finds_what_is_gone_later_and_forgives_what_was_not_acknowledged() {
    let server = Crooked::start(Fault::None).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let ledger = Arc::new(Ledger::open(&path).unwrap());
    let report = deliver::run(&plan(2, 9), delivery(&server), Some(ledger)).await.unwrap();
    assert!(report.is_well(), "{}", report.json());
    let mut acknowledged = Ledger::read(&path).unwrap();
    let verify = |acknowledged| async move {
        audit::audit(&target(server.imap), &acknowledged, 1, Duration::ZERO).await.unwrap()
    };
    let found = verify(acknowledged.clone()).await;
    assert!(found.is_well() && found.found == 9 && found.compared == 3, "{found:?}");

    // As if the server had been killed before it answered.
    acknowledged.get_mut("user1@example.test").unwrap().pop_first();
    let found = verify(acknowledged).await;
    assert!(found.is_well() && found.unacknowledged == 1, "{found:?}");
}

#[tokio::test]
async fn a_message_that_is_forgotten_after_it_was_acknowledged_is_lost() {
    let server = Crooked::start(Fault::None).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let ledger = Arc::new(Ledger::open(&path).unwrap());
    let report = deliver::run(&plan(1, 6), delivery(&server), Some(ledger)).await.unwrap();
    assert!(report.is_well());
    server.forget("user2@example.test");
    let acknowledged = Ledger::read(&path).unwrap();
    let found = audit::audit(&target(server.imap), &acknowledged, 1, Duration::ZERO).await.unwrap();
    assert_eq!(found.lost.len(), 1, "{found:?}");
    assert_eq!(found.lost[0].0, "user2@example.test");
}

#[tokio::test]
async fn a_row_that_is_missing_or_repeated_is_found_and_so_is_another_message() {
    for fault in [Fault::None, Fault::HidesRow, Fault::RepeatsRow, Fault::Changes] {
        let server = Crooked::start(fault).await;
        let mut target = target(server.imap);
        target.accounts.count = 1;
        let filling = fill::Filling { mailbox: "INBOX".into(), messages: 8, seed: 1, size: SIZE };
        assert!(fill::run(&plan(1, 1), &target, &filling).await.unwrap().is_well());
        let filled = Some(Filled { seed: 1, count: 8, size: SIZE });
        for items in ["FLAGS", "BODY.PEEK[]"] {
            let job = Job::Fetch { items: items.into(), by_uid: true };
            let report = mailbox::run(&plan(1, 2), &target, "INBOX", &job, filled).await.unwrap();
            let wrong = fault != Fault::None && (fault != Fault::Changes || items != "FLAGS");
            assert_eq!(report.is_well(), !wrong, "{fault:?} {items}: {}", report.json());
        }
        // It was filled with something else.
        let other = Some(Filled { seed: 2, count: 8, size: SIZE });
        let job = Job::Fetch { items: "BODY.PEEK[]".into(), by_uid: true };
        let report = mailbox::run(&plan(1, 1), &target, "INBOX", &job, other).await.unwrap();
        assert!(!report.is_well());
    }
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_told_of() {
    let server = Crooked::start(Fault::CutsRow).await;
    let mut target = target(server.imap);
    target.accounts.count = 1;
    let filling = fill::Filling { mailbox: "INBOX".into(), messages: 8, seed: 1, size: SIZE };
    assert!(fill::run(&plan(1, 1), &target, &filling).await.unwrap().is_well());
    let job = Job::Fetch { items: "FLAGS".into(), by_uid: true };
    let report = mailbox::run(&plan(1, 2), &target, "INBOX", &job, None).await.unwrap();
    let figures = report.json();
    assert_eq!((report.operations(), figures["errors"].as_u64()), (0, Some(1)));
    let problem = figures["problems"][0].as_str().unwrap();
    assert!(problem.contains("the connection ended with 1 command"), "{problem}");
}

#[tokio::test]
async fn what_is_not_offered_is_no_error_of_the_run() {
    let server = Crooked::start(Fault::None).await;
    for job in [Job::Sort("DATE".into()), Job::Thread("REFERENCES".into())] {
        let result = mailbox::run(&plan(1, 1), &target(server.imap), "INBOX", &job, None).await;
        assert!(matches!(result, Err(LoadError::NotOffered(_))), "{result:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_status_and_the_figures_say_what_came_of_it() {
    for (fault, command, status) in [
        (Fault::None, "smtp", 0),
        (Fault::Loses, "smtp", 1),
        (Fault::None, "imap-sort", 3),
        (Fault::None, "latency", 2),
    ] {
        let server = Crooked::start(fault).await;
        let port = if command == "smtp" { server.smtp } else { server.imap };
        let arguments =
            [command, "--port", &port.to_string(), "--accounts", "3", "--count", "9", "--json", "-"];
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_posthaste-load"));
        program.args(arguments).env("POSTHASTE_LOAD_PASSWORD", "secret");
        if command != "latency" {
            program.args(["--imap-port", &server.imap.to_string()]);
        }
        let done = tokio::task::spawn_blocking(move || program.output().unwrap()).await.unwrap();
        assert_eq!(done.status.code(), Some(status), "{command}: {done:?}");
        let figures: Option<Value> = serde_json::from_slice(&done.stdout).ok();
        match status {
            3 => assert_eq!(figures.unwrap()["not_offered"], "SORT"),
            2 => assert!(figures.is_none()),
            status => assert_eq!(figures.unwrap()["errors"], status),
        }
    }
}
