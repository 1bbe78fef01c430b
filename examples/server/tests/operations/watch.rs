//! `/health`, `/ready` and `/metrics`: what watches the server is told the truth.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use posthaste_server::directory::{BanSubject, Domain};
use posthaste_server::listen::Service;
use posthaste_server::metrics::{self, Kind};
use posthaste_server::store::Store;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::server::World;

/// Sends a request with these header fields; status and body.
async fn request(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str, fields: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

async fn local(world: &World, path: &str) -> (u16, String) {
    request(UnixStream::connect(world.data.path().join("admin.sock")).await.unwrap(), path, "").await
}

async fn tcp(world: &World, path: &str, fields: &str) -> (u16, String) {
    request(TcpStream::connect(world.running.http[0]).await.unwrap(), path, fields).await
}

async fn with_http() -> World {
    World::configured(|config| config.listen.http = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]).await
}

/// The samples of an exposition: name and labels, and value.
fn samples(exposition: &str) -> BTreeMap<String, f64> {
    let lines = exposition.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(of, value)| (of.to_owned(), value.parse().unwrap()))
        .collect()
}

/// Some of everything that is counted.
async fn busy(world: &World) {
    world.deliver("alice@x.test", "Subject: one\r\n\r\nbody\r\n").await;
    let mut peer = world.smtp().await;
    peer.ask("MAIL FROM:<a@b.test>", "250 ").await;
    peer.ask("RCPT TO:<nobody@x.test>", "550 ").await;
    world.account("full", Some(10)).await;
    peer.ask("RSET", "250 ").await;
    peer.ask("MAIL FROM:<a@b.test> SIZE=100", "250 ").await;
    peer.ask("RCPT TO:<full@x.test>", "552 ").await;
    world.change(|draft| draft.put_domain(Domain { greylisting: true, ..Domain::new("x.test") })).await;
    peer.ask("RCPT TO:<alice@x.test>", "250 ").await;
    peer.ask("QUIT", "221 ").await;
    let mut imap = world.selected("alice", "INBOX").await;
    imap.ok("LOGOUT").await;
    let (_, answer) = world.pop3("alice").await;
    assert!(answer.starts_with("+OK"));
    let here = BanSubject::Network(IpAddr::V4(Ipv4Addr::LOCALHOST));
    world.running.directory().ban(here.clone(), Duration::from_secs(60));
    world.connect(Service::Submission).await.expect("421 ").await;
    assert!(world.running.directory().lift_ban(here));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_names_that_are_emitted_are_those_that_are_documented() {
    let world = World::new().await;
    busy(&world).await;
    let (status, text) = local(&world, "/metrics").await;
    assert_eq!(status, 200);
    let mut emitted = BTreeMap::new();
    for of in samples(&text).keys() {
        let (name, labels) = of.strip_suffix('}').and_then(|of| of.split_once('{')).unwrap_or((of, ""));
        let labels =
            labels.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name.to_owned());
        emitted.insert(name.to_owned(), labels.collect::<Vec<_>>());
    }
    for metric in metrics::ALL {
        assert!(text.contains(&format!(
            "# TYPE {} {}\n",
            metric.name,
            format!("{:?}", metric.kind).to_lowercase()
        )));
        let names: &[(&str, bool)] = if metric.kind == Kind::Histogram {
            &[("_bucket", true), ("_sum", false), ("_count", false)]
        } else {
            &[("", false)]
        };
        for (suffix, has_bound) in names {
            // A peer that takes too long takes too long for a test.
            if metric.name == "posthaste_timeouts_total" {
                emitted.remove(metric.name);
                continue;
            }
            let labels = emitted.remove(&format!("{}{suffix}", metric.name));
            let mut wanted: Vec<String> = metric.labels.iter().map(|&label| label.to_owned()).collect();
            wanted.extend(has_bound.then(|| "le".to_owned()));
            assert_eq!(labels, Some(wanted), "{}", metric.name);
        }
    }
    assert_eq!(emitted, BTreeMap::new(), "not documented");
}

#[tokio::test(flavor = "multi_thread")]
async fn rel_32_what_happens_is_counted() {
    let world = World::new().await;
    busy(&world).await;
    let samples = samples(&local(&world, "/metrics").await.1);
    // Other tests of this process are counted too.
    for at_least_one in [
        "posthaste_ready",
        "posthaste_sessions_total{service=\"imaps\"}",
        "posthaste_sessions_refused_total{service=\"submission\",reason=\"banned\"}",
        "posthaste_logins_total{service=\"imap\",result=\"accepted\"}",
        "posthaste_logins_total{service=\"pop3\",result=\"accepted\"}",
        "posthaste_messages_total{service=\"smtp\",state=\"received\"}",
        "posthaste_messages_total{service=\"smtp\",state=\"delivered\"}",
        "posthaste_messages_total{service=\"smtp\",state=\"refused\"}",
        "posthaste_refusals_total{service=\"smtp\",status=\"5.1.1\"}",
        "posthaste_quota_refusals_total{operation=\"rcpt\"}",
        "posthaste_message_octets_total{service=\"smtp\"}",
        "posthaste_imap_commands_total{command=\"select\"}",
        "posthaste_imap_commands_total{command=\"login\"}",
        "posthaste_store_operations_total{operation=\"deliver\",result=\"ok\"}",
        "posthaste_store_commits_total",
        "posthaste_store_commit_seconds_count",
        "posthaste_password_check_seconds_count",
        "posthaste_index_mailboxes",
        "posthaste_index_octets",
        "posthaste_disk_free_octets",
        "posthaste_octets_total{role=\"server\",direction=\"in\"}",
    ] {
        assert!(samples.get(at_least_one).is_some_and(|value| *value >= 1.0), "{at_least_one}: {samples:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_for_administrators_whoever_passes_the_request_on() {
    let world = with_http().await;
    world.change_account("bob", |bob| bob.role = posthaste_server::directory::Role::ServerAdmin).await;
    // A web server on this machine may add nothing to what it passes on, and then nothing tells it from a program.
    assert_eq!(tcp(&world, "/metrics", "").await.0, 401);
    for (user, status) in [("alice", 403), ("bob", 200)] {
        let basic = crate::server::base64(format!("{user}@x.test:secret").as_bytes());
        let basic = format!("Authorization: Basic {basic}\r\n");
        assert_eq!(tcp(&world, "/metrics", &basic).await.0, status, "{user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_open_to_this_machine_where_the_configuration_says_so() {
    let world = World::configured(|config| {
        config.listen.http = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        config.http.open_metrics = true;
    })
    .await;
    assert_eq!(tcp(&world, "/health", "").await, (200, "ok\n".to_owned()));
    assert_eq!(tcp(&world, "/metrics", "").await.0, 200);
    // A web server in front: whoever asks is elsewhere.
    for passed_on in
        ["X-Forwarded-For: 203.0.113.1\r\n", "Forwarded: for=203.0.113.1\r\n", "Via: 1.1 proxy\r\n"]
    {
        assert_eq!(tcp(&world, "/metrics", passed_on).await.0, 401, "{passed_on}");
        assert_eq!(tcp(&world, "/ready", passed_on).await.0, 200, "{passed_on}");
        let user =
            format!("{passed_on}Authorization: Basic {}\r\n", crate::server::base64(b"alice@x.test:secret"));
        assert_eq!(tcp(&world, "/metrics", &user).await.0, 403, "{passed_on}");
    }
    world.change_account("bob", |bob| bob.role = posthaste_server::directory::Role::ServerAdmin).await;
    let administrator =
        format!("Via: 1.1 proxy\r\nAuthorization: Basic {}\r\n", crate::server::base64(b"bob@x.test:secret"));
    assert_eq!(tcp(&world, "/metrics", &administrator).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_can_work_says_so() {
    let world = World::new().await;
    let (status, body) = local(&world, "/ready").await;
    let found: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &found["ready"], &found["reasons"]), (200, &true.into(), &serde_json::json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn b28_the_store_is_asked_once_a_second_however_many_ask() {
    use std::sync::atomic::Ordering;
    let mut kept = None;
    let world = World::on_store(|store| {
        let held = Arc::new(crate::held::Held::new(store));
        kept = Some(Arc::clone(&held));
        held
    })
    .await;
    let held = kept.unwrap();
    let (before, begun) = (held.commits.load(Ordering::SeqCst), std::time::Instant::now());
    for _ in 0..200 {
        assert_eq!(local(&world, "/ready").await.0, 200);
    }
    let asked = held.commits.load(Ordering::SeqCst).saturating_sub(before);
    let most = usize::try_from(begun.elapsed().as_secs()).unwrap().saturating_add(2);
    assert!((1..=most).contains(&asked), "{asked} in {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn rel_06_a_disk_that_is_nearly_full_is_a_warning() {
    let world = World::configured(|config| config.limits.free_space = u64::MAX / 2).await;
    let (status, body) = local(&world, "/ready").await;
    assert!(status == 200 && body.contains("nearly full"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rel_08_a_store_that_has_stopped_makes_the_server_unready() {
    let mut kept = None;
    let world = World::on_store(|store| {
        kept = Some(Arc::clone(&store));
        store
    })
    .await;
    let store: Arc<dyn Store> = kept.unwrap();
    assert_eq!(local(&world, "/ready").await.0, 200);
    store.close().await.unwrap();
    // What was found a moment ago is good for a second.
    let begun = std::time::Instant::now();
    let (status, body) = loop {
        match local(&world, "/ready").await {
            (200, _) if begun.elapsed() < std::time::Duration::from_secs(20) => {}
            answer => break answer,
        }
    };
    assert!(status == 503 && body.contains("the store takes no changes"), "{body}");
    assert_eq!(local(&world, "/health").await.0, 200);
    let mut peer = world.smtp().await;
    peer.ask("MAIL FROM:<a@b.test>", "250 ").await;
    peer.ask("RCPT TO:<alice@x.test>", "250 ").await;
    peer.ask("DATA", "354 ").await;
    peer.ask("Subject: late\r\n\r\nbody\r\n.", "451 ").await;
}
