//! Deadlines of a connection whose futures are dropped again and again: what has gone by stays gone by, and what nobody
//! waited for is held against nobody.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::time::Duration;

use common::{IDLE, Said, Toy, ToyError, plain_server, read_all, tls_roles};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Connection, Error, Timeouts};
use tokio::io::{AsyncWriteExt, duplex};
use tokio::time::{Instant, sleep, timeout};

/// Waits for the next event in many short waits, each of which is dropped; what came, and after how long.
async fn in_short_waits(
    connection: &mut Connection<Toy>,
    wait: Duration,
) -> (Result<Option<Said>, Error<ToyError>>, Duration) {
    let begun = Instant::now();
    for _ in 0..10_000 {
        if let Ok(next) = timeout(wait, connection.next()).await {
            return (next, begun.elapsed());
        }
    }
    panic!("no end after {:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn rs_05_a_handshake_has_its_time_once_however_often_it_is_waited_for() {
    let (near, mut far) = duplex(4096);
    far.write_all(b"starttls\r\n").await.unwrap();
    let mut server = Connection::new(Toy::server(), near, tls_roles(Alpn::Smtp).0);
    let (ended, after) = in_short_waits(&mut server, Duration::from_secs(7)).await;
    assert!(matches!(ended, Err(Error::HandshakeTimeout(_))), "{ended:?}");
    let limit = Timeouts::default().handshake;
    assert!(after >= limit && after <= limit + Duration::from_secs(7), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn rs_05_writing_has_its_time_once_however_often_it_is_waited_for() {
    let (near, mut far) = duplex(64);
    far.write_all(b"flood\r\n").await.unwrap();
    let mut server = Connection::new(Toy::server(), near, plain_server());
    let (ended, after) = in_short_waits(&mut server, Duration::from_secs(7)).await;
    assert!(matches!(ended, Err(Error::WriteTimeout(_))), "{ended:?}");
    let limit = Timeouts::default().write;
    assert!(after >= limit && after <= limit + Duration::from_secs(10), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn rs_05_a_machine_has_its_time_once_however_often_it_is_waited_for() {
    let (near, _far) = duplex(64);
    let mut server = Connection::new(Toy::server(), near, plain_server());
    let (ended, after) = in_short_waits(&mut server, Duration::from_secs(7)).await;
    assert!(matches!(ended, Ok(None)), "{ended:?}");
    assert!(after >= IDLE && after <= IDLE + Duration::from_secs(10), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn rs_05_time_in_which_nobody_waits_does_not_count() {
    let (near, _far) = duplex(64);
    let mut server = Connection::new(Toy::server(), near, plain_server());
    timeout(IDLE / 3, server.next()).await.unwrap_err();
    // The future is gone, and the application does something else.
    sleep(10 * IDLE).await;
    let (ended, after) = in_short_waits(&mut server, IDLE / 10).await;
    assert!(matches!(ended, Ok(None)), "{ended:?}");
    assert!(after >= IDLE / 2 && after <= IDLE, "{after:?}");
}

/// The machine of these tests minds being told twice.
#[tokio::test(start_paused = true)]
async fn rs_05_an_end_that_was_seen_in_a_wait_that_was_dropped_is_told_once() {
    let (near, mut far) = duplex(64);
    let mut machine = Toy::server();
    machine.wait_after_eof();
    let mut server = Connection::new(machine, near, plain_server());
    far.write_all(b"hello\r\n").await.unwrap();
    let Ok(Some(Said::Question(question))) = server.next().await else { panic!() };
    // More than the peer takes, which closes its side: the machine waits for its output with nothing to come in.
    question.answer(server.machine(), &"long ".repeat(100)).unwrap();
    far.shutdown().await.unwrap();
    let wait = Duration::from_secs(7);
    for _ in 0..5 {
        timeout(wait, server.next()).await.unwrap_err();
    }
    let (heard, (ended, _)) = tokio::join!(read_all(far), in_short_waits(&mut server, wait));
    assert!(matches!(ended, Ok(None)), "{ended:?}");
    assert_eq!(heard, "long ".repeat(100) + "\r\nidle\r\n");
}
