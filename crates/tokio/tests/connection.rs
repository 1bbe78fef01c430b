//! The driver over in-memory pipes, in virtual time: delivery, back-pressure, deadlines, ends, cancellation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use common::{FLOOD_CHUNK, FLOOD_CHUNKS, IDLE, Said, Toy, ToyError, plain_server, read_all, serve};
use posthaste_tokio::{Connection, Error, Role};
use posthaste_wire::Misuse;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn lines_pass_through_a_pipe_of_one_octet() {
    let (near, far) = duplex(1);
    let (read, mut write) = split(far);
    let writing = tokio::spawn(async move {
        write.write_all(b"one\r\ntwo\r\nthree\r\nquit\r\n").await.unwrap();
        write
    });
    let reading = tokio::spawn(read_all(read));
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    serve(&mut connection).await.unwrap();
    drop(writing.await.unwrap());
    assert_eq!(reading.await.unwrap(), "one\r\ntwo\r\nthree\r\nbye\r\n");
    assert_eq!((connection.received(), connection.sent()), (23, 22));
}

#[tokio::test(start_paused = true)]
async fn half_close_still_gets_every_reply() {
    let (near, mut far) = duplex(1024);
    far.write_all(b"one\r\ntwo\r\n").await.unwrap();
    far.shutdown().await.unwrap();
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    serve(&mut connection).await.unwrap();
    assert_eq!(read_all(far).await, "one\r\ntwo\r\n");
}

#[tokio::test(start_paused = true)]
async fn replies_to_a_pipeline_leave_in_one_write() {
    let (near, mut far) = duplex(1024);
    far.write_all(b"one\r\ntwo\r\nthree\r\n").await.unwrap();
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    for _ in 0..3 {
        let Some(Said::Question(question)) = connection.next().await.unwrap() else { panic!() };
        assert_eq!(connection.sent(), 0);
        question.answer(connection.machine(), "ok").unwrap();
    }
    assert!(poll_once(connection.next()).await.is_none());
    let mut replies = [0; 64];
    let length = far.read(&mut replies).await.unwrap();
    assert_eq!(&replies[..length], b"ok\r\nok\r\nok\r\n");
}

/// A peer that streams is not waiting: its answers leave together, but a window of chunks keeps moving.
#[tokio::test(start_paused = true)]
async fn answers_to_what_streams_in_leave_every_few_reads_and_at_its_end() {
    const READ: usize = 64 * 1024;
    let (near, mut far) = duplex(16 * READ);
    let line = ["x".repeat(READ - 2).as_str(), "\r\n"].concat();
    far.write_all(line.repeat(10).as_bytes()).await.unwrap();
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    let mut sent = Vec::new();
    for _ in 0..10 {
        let Some(Said::Question(question)) = connection.next().await.unwrap() else { panic!() };
        sent.push(connection.sent() / 4);
        question.answer(connection.machine(), "ok").unwrap();
    }
    assert_eq!(sent, [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]);
    assert!(poll_once(connection.next()).await.is_none());
    assert_eq!(connection.sent(), 40, "nothing waits behind the last read");
    let mut replies = [0; 64];
    let length = far.read(&mut replies).await.unwrap();
    assert_eq!(&replies[..length], "ok\r\n".repeat(10).as_bytes());
}

#[tokio::test(start_paused = true)]
async fn the_idle_timer_fires_on_time_and_its_farewell_arrives() {
    let (near, mut far) = duplex(1024);
    let begun = Instant::now();
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    let peer = tokio::spawn(async move {
        sleep(Duration::from_secs(100)).await;
        far.write_all(b"hello\r\n").await.unwrap();
        (read_all(&mut far).await, begun.elapsed())
    });
    serve(&mut connection).await.unwrap();
    let (heard, after) = peer.await.unwrap();
    assert_eq!(heard, "hello\r\nidle\r\n");
    assert!(after >= Duration::from_secs(400) && after < Duration::from_secs(401), "{after:?}");
    assert_eq!(connection.machine_ref().timeouts, 1);
}

#[tokio::test(start_paused = true)]
async fn time_that_the_application_takes_is_not_held_against_the_peer() {
    let (near, mut far) = duplex(1024);
    far.write_all(b"slow\r\n").await.unwrap();
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    let Some(Said::Question(question)) = connection.next().await.unwrap() else { panic!() };
    sleep(IDLE * 3).await;
    question.answer(connection.machine(), "done").unwrap();
    let (next, ()) = tokio::join!(connection.next(), async {
        sleep(IDLE / 2).await;
        far.write_all(b"again\r\n").await.unwrap();
    });
    assert!(matches!(next, Ok(Some(Said::Question(_)))), "{next:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_pauses_does_not_get_around_a_deadline() {
    let mut machine = Toy::server();
    machine.hold_deadline();
    let (near, mut far) = duplex(64 * 1024);
    let flood = tokio::spawn(async move {
        // One endless line; a quarter of a second for each piece of it.
        while far.write_all(&[b'x'; 1024]).await.is_ok() {
            tokio::time::advance(Duration::from_millis(250)).await;
        }
    });
    let begun = Instant::now();
    let mut connection = Connection::new(machine, near, plain_server());
    serve(&mut connection).await.unwrap();
    assert!(begun.elapsed() < IDLE + Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(connection);
    flood.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn next_with_a_token_out_is_a_named_error_and_flushes() {
    let (near, mut far) = duplex(1024);
    far.write_all(b"one\r\ntwo\r\n").await.unwrap();
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    let Some(Said::Question(one)) = connection.next().await.unwrap() else { panic!() };
    one.answer(connection.machine(), "1").unwrap();
    let Some(Said::Question(two)) = connection.next().await.unwrap() else { panic!() };
    assert!(matches!(connection.next().await, Err(Error::TokenOut)));
    let mut reply = [0; 3];
    far.read_exact(&mut reply).await.unwrap();
    assert_eq!(&reply, b"1\r\n");
    two.answer(connection.machine(), "2").unwrap();
    far.write_all(b"quit\r\n").await.unwrap();
    let (end, rest) = tokio::join!(serve(&mut connection), read_all(far));
    end.unwrap();
    assert_eq!(rest, "2\r\nbye\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_protocol_error_comes_after_its_farewell_was_sent() {
    let (near, mut far) = duplex(1024);
    far.write_all(b"boom\r\nand more\r\n").await.unwrap();
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    assert!(matches!(connection.next().await, Err(Error::Protocol(ToyError::Boom))));
    assert!(matches!(connection.next().await, Ok(None)));
    assert_eq!(read_all(far).await, "fatal\r\n");
}

#[tokio::test(start_paused = true)]
async fn res_05_a_slow_reader_stops_the_writer_and_the_intake() {
    let (near, mut far) = duplex(4096);
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    let piece = Bytes::from(vec![b'x'; 8 * 1024]);
    let mut written = 0;
    // What is in the process at once: the machine's mark, the driver's, the pipe, and the piece on the way.
    let bound = common::HIGH_WATER + 64 * 1024 + 4096 + 2 * piece.len();
    loop {
        match connection.machine().write(piece.clone()) {
            Ok(()) => written += piece.len(),
            Err(Misuse::Congested { .. }) => {
                if poll_once(connection.room()).await.is_none() {
                    break;
                }
            }
            Err(misuse) => panic!("{misuse}"),
        }
        assert!(written <= bound, "{written}");
    }
    assert!(written > common::HIGH_WATER);
    // Nothing is read either while so much waits.
    far.write_all(&[b'y'; 4000]).await.unwrap();
    assert!(poll_once(connection.next()).await.is_none());
    assert_eq!(connection.received(), 0);
    // As the peer reads, all of it arrives, and then its own octets are looked at.
    let mut heard = vec![0; written];
    let (_, next) = tokio::join!(
        async {
            far.read_exact(&mut heard).await.unwrap();
            far.write_all(b"\r\n").await.unwrap();
        },
        connection.next()
    );
    assert!(matches!(next, Ok(Some(Said::Question(_)))));
    assert!(heard.iter().all(|octet| *octet == b'x'));
}

#[tokio::test(start_paused = true)]
async fn res_05_a_peer_that_takes_nothing_is_cut_at_the_write_deadline() {
    let (near, far) = duplex(1024);
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    connection.machine().write(Bytes::from(vec![b'x'; 10_000])).unwrap();
    let begun = Instant::now();
    let error = connection.flush().await.unwrap_err();
    assert!(matches!(error, Error::WriteTimeout(_)), "{error}");
    assert!(begun.elapsed() >= Duration::from_secs(300) && begun.elapsed() < Duration::from_secs(301));
    assert!(matches!(connection.next().await, Err(Error::WriteTimeout(_))));
    assert!(matches!(connection.next().await, Ok(None)));
    drop(far);
}

#[tokio::test(start_paused = true)]
async fn res_05_a_machine_that_waits_for_its_output_goes_on_without_turning_in_circles() {
    for capacity in [1024, 4 * 1024 * 1024] {
        let (near, mut far) = duplex(capacity);
        far.write_all(b"flood\r\nafter\r\n").await.unwrap();
        let mut connection = Connection::new(Toy::server(), near, plain_server());
        let octets = FLOOD_CHUNKS * FLOOD_CHUNK;
        let hear = async {
            sleep(Duration::from_secs(60)).await;
            let mut heard = vec![0; octets];
            far.read_exact(&mut heard).await.unwrap();
            heard
        };
        let work = async {
            let next = connection.next().await;
            connection.flush().await.unwrap();
            next
        };
        let (next, heard) = tokio::join!(work, hear);
        assert!(matches!(next, Ok(Some(Said::Question(question))) if question.line == "after"));
        assert!(heard.iter().all(|octet| *octet == b'f'));
        assert!(connection.machine_ref().polls < 4000, "{}", connection.machine_ref().polls);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_peer_that_keeps_taking_is_not_cut() {
    let (near, mut far) = duplex(1024);
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    connection.machine().write(Bytes::from(vec![b'x'; 100_000])).unwrap();
    let begun = Instant::now();
    let (flushed, ()) = tokio::join!(connection.flush(), async {
        let mut piece = [0; 1000];
        for _ in 0..100 {
            sleep(Duration::from_secs(15)).await;
            far.read_exact(&mut piece).await.unwrap();
        }
    });
    flushed.unwrap();
    assert!(begun.elapsed() > Duration::from_secs(1400));
}

#[tokio::test(start_paused = true)]
async fn two_sides_that_write_at_once_do_not_wait_for_each_other() {
    let (near, far) = duplex(16);
    let mut left = Connection::new(Toy::client(), near, Role::Client { tls: None });
    let mut right = Connection::new(Toy::client(), far, Role::Client { tls: None });
    for _ in 0..500 {
        left.machine().say("from left to right");
        right.machine().say("from right to left");
    }
    let hear = async |connection: &mut Connection<Toy>| {
        for _ in 0..500 {
            assert!(matches!(connection.next().await, Ok(Some(Said::Line(_)))));
        }
        connection.flush().await.unwrap();
        drop(poll_once(connection.next()).await);
    };
    tokio::time::timeout(Duration::from_secs(60), async { tokio::join!(hear(&mut left), hear(&mut right)) })
        .await
        .expect("both wait for each other");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_write_ends_with_the_error() {
    let (near, far) = duplex(16);
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    drop(far);
    connection.machine().say("hello");
    assert!(matches!(connection.next().await, Err(Error::Io(_))));
    assert!(matches!(connection.next().await, Ok(None)));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_write_still_reads_why() {
    let (near, mut far) = duplex(64);
    far.write_all(b"421 going away\r\n").await.unwrap();
    drop(far);
    let mut connection = Connection::new(Toy::client(), near, Role::Client { tls: None });
    connection.machine().write(Bytes::from(vec![b'x'; 10_000])).unwrap();
    assert!(matches!(connection.flush().await, Err(Error::Io(_))));
    assert!(matches!(connection.next().await, Ok(Some(Said::Line(line))) if line == "421 going away"));
    assert!(matches!(connection.next().await, Err(Error::Io(_))));
    assert!(matches!(connection.next().await, Ok(None)));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_ends_even_if_its_machine_waits() {
    let (near, far) = duplex(64);
    drop(far);
    let mut machine = Toy::server();
    machine.wait_after_eof();
    machine.say("hello");
    let mut connection = Connection::new(machine, near, plain_server());
    assert!(matches!(connection.next().await, Err(Error::Io(_))));
    assert!(matches!(connection.next().await, Ok(None)));
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_from_outside_leaves_beside_other_waiting() {
    let (near, mut far) = duplex(64);
    let (send, mut news) = tokio::sync::mpsc::channel::<&str>(1);
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    let session = tokio::spawn(async move {
        loop {
            tokio::select! {
                event = connection.next() => match event.unwrap() {
                    Some(Said::Question(question)) => question.answer(connection.machine(), "ok").unwrap(),
                    _ => return,
                },
                Some(news) = news.recv() => connection.machine().say(news),
            }
        }
    });
    let mut heard = [0; 9];
    send.send("2 exist").await.unwrap();
    far.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"2 exist\r\n");
    far.write_all(b"noop\r\nquit\r\n").await.unwrap();
    assert_eq!(read_all(far).await, "ok\r\nbye\r\n");
    session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_closing_server_does_not_wait_for_a_silent_peer_for_long() {
    let (near, mut far) = duplex(1024);
    far.write_all(b"quit\r\n").await.unwrap();
    let begun = Instant::now();
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    serve(&mut connection).await.unwrap();
    assert!(begun.elapsed() <= Duration::from_secs(3));
    assert_eq!(read_all(far).await, "bye\r\n");
}

/// The future of `next` is polled a few times and dropped, over and over, with every number of polls: all lines
/// are seen once, in order, and so are all replies.
#[tokio::test(start_paused = true)]
async fn rs_05_next_may_be_dropped_at_every_await() {
    for polls in 1..=4 {
        for capacity in [1, 3, 7, 64] {
            let (near, far) = duplex(capacity);
            let (read, mut write) = split(far);
            let lines: String = (0..40).map(|n| format!("line number {n}\r\n")).collect();
            let sent = lines.clone();
            let writing = tokio::spawn(async move {
                write.write_all(sent.as_bytes()).await.unwrap();
                write.write_all(b"quit\r\n").await.unwrap();
                write
            });
            let reading = tokio::spawn(read_all(read));
            let mut connection = Connection::new(Toy::server(), near, plain_server());
            while let Some(Said::Question(question)) = next_in_pieces(&mut connection, polls).await {
                let line = question.line.clone();
                question.answer(connection.machine(), &line).unwrap();
            }
            drop(writing.await.unwrap());
            assert_eq!(reading.await.unwrap(), format!("{lines}bye\r\n"), "{polls} polls, {capacity} octets");
        }
    }
}

async fn next_in_pieces(connection: &mut Connection<Toy>, polls: usize) -> Option<Said> {
    loop {
        let mut next = pin!(connection.next());
        for _ in 0..polls {
            if let Some(event) = poll_once(next.as_mut()).await {
                return event.unwrap();
            }
            // Lets the peer act, and the moment pass that a closing connection waits for it.
            tokio::time::advance(Duration::from_millis(1)).await;
        }
    }
}

/// What a future gives when it is polled once.
async fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[test]
fn a_connection_can_move_to_another_thread() {
    const fn assert_send<T: Send>() {}
    assert_send::<Connection<Toy>>();
    assert_send::<Error<ToyError>>();
}
