//! Acknowledged is durable: the answer to a message comes behind its commit, whatever the peer does meanwhile.

use std::sync::Arc;

use posthaste_server::directory::{DirectoryError, Domain, Draft};
use posthaste_server::store::{Store, StoreError};

use crate::held::Held;
use crate::server::{Peer, World};

const MESSAGE: &str = "Subject: one\r\n\r\nbody\r\n.\r\n";

async fn held() -> (World, Arc<Held>) {
    let mut held = None;
    let world = World::on_store(|store| {
        let wrapped = Arc::new(Held::new(store));
        held = Some(Arc::clone(&wrapped));
        wrapped as Arc<dyn Store>
    })
    .await;
    (world, held.unwrap())
}

/// Until `peer` is answered, another session is; that one it is.
async fn assert_waits(peer: &mut Peer, other: &mut Peer) {
    for _ in 0..20 {
        tokio::select! {
            biased;
            line = peer.line() => panic!("answered before the commit: {line}"),
            _ = other.ask("RSET", "250 ") => {}
        }
    }
}

#[tokio::test]
async fn p5_the_250_comes_after_the_commit() {
    let (world, held) = held().await;
    let mut other = world.smtp().await;
    let mut peer = world.smtp().await;
    peer.envelope("<a@b.test>", &["alice@x.test"]).await;
    peer.send(MESSAGE).await;
    held.arrived.acquire().await.unwrap().forget();
    assert_waits(&mut peer, &mut other).await;
    held.gate.add_permits(1);
    peer.expect("250 2.0.0 ").await;
    assert_eq!(world.messages().await, 1);
}

#[tokio::test]
async fn p5_lmtp_answers_for_nobody_before_the_commit() {
    let (world, held) = held().await;
    let mut other = world.smtp().await;
    let mut peer = world.lmtp().await;
    peer.envelope("<a@b.test>", &["alice@x.test", "bob@x.test"]).await;
    peer.send(MESSAGE).await;
    held.arrived.acquire().await.unwrap().forget();
    assert_waits(&mut peer, &mut other).await;
    held.gate.add_permits(1);
    peer.expect("250 ").await;
    peer.expect("250 ").await;
    assert_eq!(world.messages().await, 2);
}

#[tokio::test]
async fn rel_05_a_message_that_has_come_whole_is_kept_though_its_sender_is_gone() {
    let (world, held) = held().await;
    let mut peer = world.smtp().await;
    peer.envelope("<a@b.test>", &["alice@x.test"]).await;
    peer.send(MESSAGE).await;
    held.arrived.acquire().await.unwrap().forget();
    drop(peer);
    held.gate.add_permits(1);
    let World { running, data, .. } = world;
    // Waits for the session.
    running.stop().await;
    let sql = rusqlite::Connection::open(data.path().join("posthaste.sqlite")).unwrap();
    assert_eq!(sql.query_row("SELECT count(*) FROM messages", [], |row| row.get::<_, i64>(0)), Ok(1));
}

#[tokio::test]
async fn rel_06_a_commit_that_fails_is_told_as_it_failed_and_the_session_goes_on() {
    let (world, held) = held().await;
    let mut peer = world.smtp().await;
    for (error, answer) in [
        (StoreError::Full, "452 4.3.1 "),
        (StoreError::Busy, "451 4.3.0 "),
        (StoreError::Database("broken".to_owned()), "451 4.3.0 "),
    ] {
        *held.failure.lock().unwrap() = Some(error);
        held.gate.add_permits(1);
        peer.envelope("<a@b.test>", &["alice@x.test"]).await;
        peer.send(MESSAGE).await;
        peer.expect(answer).await;
    }
    world.assert_nothing_stored().await;
    held.gate.add_permits(1);
    peer.envelope("<a@b.test>", &["alice@x.test"]).await;
    peer.send(MESSAGE).await;
    peer.expect("250 ").await;
}

#[tokio::test]
async fn b7_what_is_committed_is_seen_also_when_whoever_asked_has_gone() {
    let (world, held) = held().await;
    let directory = world.running.directory().clone();
    let mut changed = directory.watch();
    held.holds_commits.store(true, std::sync::atomic::Ordering::SeqCst);
    let asking = tokio::spawn({
        let directory = directory.clone();
        async move {
            let add = |draft: &mut Draft| {
                draft.put_domain(Domain::new("new.test"));
                Ok::<_, DirectoryError>(())
            };
            directory.change(add).await
        }
    });
    // The commit is made, and its answer waits.
    held.arrived.acquire().await.unwrap().forget();
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    assert!(!directory.serves("new.test"));
    held.gate.add_permits(1);
    tokio::time::timeout(PATIENCE, changed.changed()).await.expect("never seen").unwrap();
    assert!(directory.serves("new.test"));
    // And the next change goes on from there.
    held.holds_commits.store(false, std::sync::atomic::Ordering::SeqCst);
    world.change(|draft| draft.put_domain(Domain::new("newer.test"))).await;
    assert!(directory.serves("new.test") && directory.serves("newer.test"));
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
