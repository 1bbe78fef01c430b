//! Every workload on the reference server in this process, with small counts: nothing is wrong, and all is counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::time::Duration;

use posthaste_load::content::Size;
use posthaste_load::deliver::{self, Delivery};
use posthaste_load::mailbox::{self, Filled, Job};
use posthaste_load::report::Report;
use posthaste_load::target::{Accounts, Target, Tls, read_certificate};
use posthaste_load::workload::{Limit, Plan};
use posthaste_load::{LoadError, append, fill, idle, latency, login, mix, pop3};
use posthaste_server::config::{Config, Listen};
use posthaste_server::directory::{Account, Address, DirectoryError, Domain, Draft, HashCost};
use posthaste_server::listen::{self, Running, Service};
use posthaste_server::tls;
use posthaste_tokio::{Protocol, Secret};
use tempfile::TempDir;

struct World {
    data: TempDir,
    running: Running,
}

impl World {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let any = || vec!["127.0.0.1:0".parse().unwrap()];
        let listen =
            Listen { smtp: any(), lmtp: any(), imap: any(), imaps: any(), pop3s: any(), ..Listen::default() };
        let config = Config { listen, ..Config::new("mail.x.test", data.path()) };
        let running = listen::start(config, HashCost::MINIMUM).await.unwrap();
        let directory = running.directory();
        let credential = directory.credential(&Secret::from(&b"secret"[..])).await.unwrap();
        let accounts = |draft: &mut Draft| {
            draft.put_domain(Domain::new("x.test"));
            for number in 1..=4 {
                let address = Address::parse(&format!("user{number}@x.test")).unwrap();
                let account = Account::new(draft.new_account(), address);
                draft.put_account(account.with_credential(Some(credential.clone())));
            }
            Ok::<_, DirectoryError>(())
        };
        directory.change(accounts).await.unwrap();
        Self { data, running }
    }

    fn target(&self, service: Service, tls: Tls, first: u64, count: u64) -> Target {
        let accounts = Accounts { pattern: "user{n}@x.test".into(), first, count, password: "secret".into() };
        let port = self.running.address(service).unwrap().port();
        let trust = read_certificate(&tls::self_signed_certificate(self.data.path())).unwrap();
        Target { host: "127.0.0.1".into(), port, tls, trust, accounts }
    }

    fn imaps(&self, first: u64, count: u64) -> Target {
        self.target(Service::Imaps, Tls::Implicit, first, count)
    }

    fn delivery(&self, protocol: Protocol, first: u64, count: u64) -> Delivery {
        let service = if protocol == Protocol::Lmtp { Service::Lmtp } else { Service::Smtp };
        Delivery {
            target: self.target(service, Tls::None, first, count),
            protocol,
            mailboxes: Some(self.imaps(first, count)),
            seed: 77,
            size: Size::Mixed,
            recipients: 1,
            per_connection: 3,
            sample: 100,
            patience: Duration::ZERO,
        }
    }
}

fn plan(sessions: u64, count: u64) -> Plan {
    Plan { sessions, limit: Limit::Count(count), pids: vec![std::process::id()], progress: false }
}

#[track_caller]
fn assert_well(report: &Report, operations: u64) {
    let figures = report.json();
    assert!(report.is_well() && report.operations() == operations, "{figures}");
    assert!(figures["server"]["pss_kib"].as_u64().unwrap() > 0, "{figures}");
    assert!(report.table().contains("operations"));
}

#[tokio::test]
async fn deliveries_and_additions() {
    let world = World::new().await;
    let report = deliver::run(&plan(4, 20), world.delivery(Protocol::Smtp, 1, 4), None).await.unwrap();
    assert_well(&report, 20);
    assert_eq!(report.json()["compared"].as_u64(), Some(20));
    let lmtp = Delivery { seed: 78, recipients: 4, ..world.delivery(Protocol::Lmtp, 1, 4) };
    let report = deliver::run(&plan(2, 10), lmtp, None).await.unwrap();
    assert_well(&report, 10);
    assert_eq!(report.json()["found"].as_u64(), Some(40));
    assert_well(&append::run(&plan(4, 20), &world.imaps(1, 4), 79, Size::Fixed(4096), 5).await.unwrap(), 20);
    world.running.stop().await;
}

#[tokio::test]
async fn reading() {
    let world = World::new().await;
    let filling = fill::Filling { mailbox: "INBOX".into(), messages: 230, seed: 1, size: Size::Mixed };
    assert_well(&fill::run(&plan(2, 0), &world.imaps(1, 2), &filling).await.unwrap(), 460);
    let filled = Some(Filled { seed: 1, count: 230, size: Size::Mixed });
    for job in [
        Job::Select,
        Job::Fetch { items: "FLAGS".into(), by_uid: true },
        Job::Fetch { items: "ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE".into(), by_uid: false },
        Job::Fetch { items: "BODY.PEEK[]".into(), by_uid: true },
        Job::Search("SUBJECT needlework".into()),
        Job::Search("BODY strawberry".into()),
        Job::Sort("DATE".into()),
        Job::Thread("REFERENCES".into()),
        Job::Store("\\Flagged".into()),
    ] {
        match mailbox::run(&plan(2, 4), &world.imaps(1, 2), "INBOX", &job, filled).await {
            Ok(report) => assert_well(&report, 4),
            Err(LoadError::NotOffered(_)) if matches!(job, Job::Sort(_) | Job::Thread(_)) => {}
            Err(error) => panic!("{job:?}: {error}"),
        }
    }
    let pop3 = world.target(Service::Pop3s, Tls::Implicit, 1, 2);
    assert_well(&pop3::run(&plan(2, 3), &pop3, 50).await.unwrap(), 150);
    assert_well(&login::run(&plan(2, 6), &world.imaps(1, 2)).await.unwrap(), 6);
    assert_well(&mix::run(&plan(2, 4), &world.imaps(1, 2), 80).await.unwrap(), 4 * 18);
    let plain = world.target(Service::Imap, Tls::None, 1, 2);
    assert!(matches!(login::run(&plan(1, 1), &plain).await, Err(LoadError::NotOffered(_))));
    world.running.stop().await;
}

#[tokio::test]
async fn news() {
    let world = World::new().await;
    let delivery = Delivery { mailboxes: None, ..world.delivery(Protocol::Lmtp, 1, 4) };
    // Two sessions hear of each message.
    let report = Box::pin(idle::run(&plan(8, 6), &world.imaps(1, 4), Some(delivery.clone()))).await.unwrap();
    assert_well(&report, 12);
    assert!(report.json()["pss_kib_per_session"].is_number());
    assert_well(&latency::run(&plan(2, 6), &world.imaps(1, 4), delivery).await.unwrap(), 6);
    world.running.stop().await;
}
