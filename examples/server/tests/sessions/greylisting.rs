//! Greylisting: whose mail waits, and whose does not.

use posthaste_server::directory::Domain;
use posthaste_server::listen::{self, Service};
use posthaste_server::metrics;

use posthaste_server::directory::HashCost;

use crate::server::{Peer, World};

/// A server whose domain wants greylisting, and whose clients may come back after so many seconds.
async fn world(delay_seconds: u32) -> World {
    let world = World::configured(|config| {
        config.greylisting.delay_seconds = delay_seconds;
        // All peers of a test are on this machine.
        config.greylisting.exempt.clear();
    })
    .await;
    world.change(|draft| draft.put_domain(Domain { greylisting: true, ..Domain::new("x.test") })).await;
    world
}

async fn rcpt(peer: &mut Peer, from: &str, to: &str, answer: &str) {
    peer.ask(&format!("MAIL FROM:{from}"), "250 ").await;
    peer.ask(&format!("RCPT TO:<{to}>"), answer).await;
    peer.ask("RSET", "250 ").await;
}

#[tokio::test]
async fn u6_an_unknown_client_is_refused_for_now_and_passes_when_it_tries_again() {
    let world = world(0).await;
    let mut peer = world.smtp().await;
    for (from, to) in [("<a@b.test>", "alice@x.test"), ("<>", "alice@x.test"), ("<a@b.test>", "bob@x.test")] {
        rcpt(&mut peer, from, to, "451 4.7.1 ").await;
        rcpt(&mut peer, from, to, "250 ").await;
        rcpt(&mut peer, from, to, "250 ").await;
    }
    // It has passed three times: its network is known.
    rcpt(&mut peer, "<new@b.test>", "alice@x.test", "250 ").await;
    world.deliver("alice@x.test", "Subject: x\r\n\r\n").await;
    let figures = metrics::render(world.running.context());
    for result in ["deferred", "passed", "known"] {
        assert!(figures.contains(&format!("posthaste_greylisted_total{{result=\"{result}\"}}")), "{figures}");
    }
}

#[tokio::test]
async fn u6_a_retry_that_comes_too_early_waits_on_and_nobody_is_refused_for_good_by_it() {
    let world = world(3600).await;
    let mut peer = world.smtp().await;
    for _ in 0..3 {
        rcpt(&mut peer, "<a@b.test>", "alice@x.test", "451 4.7.1 ").await;
    }
    // One recipient of a message may wait while another does not.
    peer.ask("MAIL FROM:<a@b.test>", "250 ").await;
    peer.ask("RCPT TO:<alice@x.test>", "451 4.7.1 ").await;
    peer.ask("RCPT TO:<postmaster@x.test>", "250 ").await;
    peer.ask("RCPT TO:<nobody@x.test>", "550 5.1.1 ").await;
    peer.ask("RCPT TO:<elsewhere@y.test>", "550 ").await;
    peer.ask("DATA", "354 ").await;
    peer.ask("Subject: x\r\n\r\n.", "250 ").await;
    assert_eq!(world.contents("postmaster", "INBOX").await.len(), 1);
    assert_eq!(world.contents("alice", "INBOX").await.len(), 0);
    // Why is in the trace.
    let trace = world.data.path().join("trace");
    world.running.stop().await;
    let files = std::fs::read_dir(trace).unwrap();
    let text: String = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert!(text.contains("451 4.7.1 Greylisted"), "{text}");
}

#[tokio::test]
async fn u6_users_front_servers_exempt_networks_and_other_domains_never_wait() {
    let world = world(3600).await;
    let mut lmtp = world.lmtp().await;
    rcpt(&mut lmtp, "<a@b.test>", "alice@x.test", "250 ").await;
    let mut submission = world.submission("bob").await;
    rcpt(&mut submission, "<bob@x.test>", "alice@x.test", "250 ").await;
    world.change(|draft| draft.put_domain(Domain::new("x.test"))).await;
    rcpt(&mut world.smtp().await, "<a@b.test>", "alice@x.test", "250 ").await;

    let world = World::new().await;
    world.change(|draft| draft.put_domain(Domain { greylisting: true, ..Domain::new("x.test") })).await;
    rcpt(&mut world.smtp().await, "<a@b.test>", "alice@x.test", "250 ").await;
}

#[tokio::test]
async fn u6_behind_a_proxy_the_client_waits_and_not_the_proxy() {
    let world = World::configured(|config| {
        config.greylisting.delay_seconds = 0;
        config.proxies.networks = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    world.change(|draft| draft.put_domain(Domain { greylisting: true, ..Domain::new("x.test") })).await;
    for (client, answer) in
        [("192.0.2.7", "451 4.7.1 "), ("203.0.113.7", "451 4.7.1 "), ("192.0.2.8", "250 ")]
    {
        let mut peer = world.connect(Service::Smtp).await;
        peer.send(&format!("PROXY TCP4 {client} 198.51.100.1 4000 25\r\n")).await;
        peer.expect("220 ").await;
        peer.ehlo("EHLO").await;
        rcpt(&mut peer, "<a@b.test>", "alice@x.test", answer).await;
    }
}

#[tokio::test]
async fn u6_who_waits_and_who_has_passed_is_known_after_a_restart() {
    let world = world(1).await;
    rcpt(&mut world.smtp().await, "<a@b.test>", "alice@x.test", "451 4.7.1 ").await;
    let World { data, running, .. } = world;
    let mut config = posthaste_server::config::Config::clone(&running.context().config);
    running.stop().await;
    // The same clock, a shorter wait: the first try was before the restart.
    config.greylisting.delay_seconds = 0;
    let running = listen::start(config, HashCost::MINIMUM).await.unwrap();
    let tcp = tokio::net::TcpStream::connect(running.address(Service::Smtp).unwrap()).await.unwrap();
    let mut peer = Peer::new(tcp);
    peer.expect("220 ").await;
    peer.ehlo("EHLO").await;
    rcpt(&mut peer, "<a@b.test>", "alice@x.test", "250 ").await;
    running.stop().await;
    drop(data);
}
