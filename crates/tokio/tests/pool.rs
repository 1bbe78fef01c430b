//! The pool of SMTP sessions, with servers that close, fall silent and count, in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::endpoint;
use posthaste_smtp::Envelope;
use posthaste_tokio::smtp::{self, Pool, PoolOptions, Report, SendError};
use posthaste_tokio::{Cause, ClientOptions, Endpoint, Phase, Protocol, Retry, TlsMode};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

/// What a server does that does not simply take every message.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Whim {
    None,
    /// Says this and closes when a session was idle for so long.
    Leave(&'static str, u64),
    /// Answers this to the first command behind a message, and closes.
    Answer(&'static str),
    /// Says nothing more behind a message.
    Silence,
    /// Closes at the first line of the second message that begins so, before it is answered.
    CloseAt(&'static str),
    /// Keeps the second message, and closes in place of the answer.
    TakeAndClose,
    /// Takes so long for a message.
    Slow(u64),
}

/// All servers there are, and what they saw.
#[derive(Default)]
struct World {
    whims: Mutex<Vec<Whim>>,
    /// Of each session in the order of opening, the lines.
    seen: Mutex<Vec<Vec<String>>>,
    stored: Mutex<Vec<String>>,
    open: Mutex<(usize, usize)>,
}

impl World {
    /// The whim of each session, in the order of opening; those behind the last have none.
    fn new(whims: &[Whim]) -> Arc<Self> {
        let world = Self::default();
        world.whims.lock().unwrap().extend(whims.iter().rev());
        Arc::new(world)
    }

    fn pool(self: &Arc<Self>, options: PoolOptions) -> Pool {
        let world = Arc::clone(self);
        Pool::with_connector(options, move |endpoint| {
            let world = Arc::clone(&world);
            async move {
                let (near, far) = duplex(4096);
                let whim = world.whims.lock().unwrap().pop().unwrap_or(Whim::None);
                tokio::spawn(serve(near, whim, Arc::clone(&world)));
                let name = "laptop.example".parse().unwrap();
                let mut options = ClientOptions::default();
                options.open_timeout = Duration::from_secs(60);
                smtp::Client::over(far, &endpoint, name, &options).await
            }
        })
    }

    fn sessions(&self) -> Vec<Vec<String>> {
        self.seen.lock().unwrap().clone()
    }

    fn stored(&self) -> Vec<String> {
        self.stored.lock().unwrap().clone()
    }

    fn most_open(&self) -> usize {
        self.open.lock().unwrap().1
    }
}

async fn serve(stream: DuplexStream, whim: Whim, world: Arc<World>) {
    let number = {
        let mut seen = world.seen.lock().unwrap();
        seen.push(Vec::new());
        let mut open = world.open.lock().unwrap();
        open.0 += 1;
        open.1 = open.1.max(open.0);
        seen.len() - 1
    };
    drop(converse(stream, whim, &world, number).await);
    world.open.lock().unwrap().0 -= 1;
}

async fn converse(stream: DuplexStream, whim: Whim, world: &World, number: usize) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 hello\r\n").await?;
    let (mut messages, mut content) = (0, None::<String>);
    loop {
        let mut line = String::new();
        let read = stream.read_line(&mut line);
        let left = match whim {
            Whim::Leave(words, seconds) if messages > 0 => {
                match tokio::time::timeout(Duration::from_secs(seconds), read).await {
                    Ok(read) => read?,
                    Err(_) => return stream.write_all(words.as_bytes()).await,
                }
            }
            _ => read.await?,
        };
        if left == 0 {
            return Ok(());
        }
        if let Some(octets) = &mut content {
            if line != ".\r\n" {
                octets.push_str(&line);
                continue;
            }
            messages += 1;
            if let Whim::Slow(seconds) = whim {
                sleep(Duration::from_secs(seconds)).await;
            }
            world.stored.lock().unwrap().push(content.take().unwrap());
            if whim == Whim::TakeAndClose && messages == 2 {
                return Ok(());
            }
            stream.write_all(b"250 taken\r\n").await?;
            continue;
        }
        world.seen.lock().unwrap()[number].push(line.trim_end().to_owned());
        match whim {
            Whim::Answer(words) if messages > 0 => return stream.write_all(words.as_bytes()).await,
            Whim::Silence if messages > 0 => continue,
            Whim::CloseAt(word) if messages > 0 && line.starts_with(word) => return Ok(()),
            _ => {}
        }
        let answer = match line.get(..4) {
            Some("EHLO") => "250 mail.example\r\n",
            Some("DATA") => {
                content = Some(String::new());
                "354 go\r\n"
            }
            Some("QUIT") => return stream.write_all(b"221 bye\r\n").await,
            _ => "250 ok\r\n",
        };
        stream.write_all(answer.as_bytes()).await?;
    }
}

fn to(host: u16) -> Endpoint {
    endpoint(Protocol::Smtp, TlsMode::Plain).with_port(host)
}

fn envelope() -> Envelope {
    let hans = "<hans@mail.example>".parse().unwrap();
    Envelope::new("<ursel@mail.example>".parse().unwrap(), vec![hans])
}

async fn send(pool: &Pool, host: u16, text: &str) -> Result<Report, SendError> {
    pool.send(&to(host), envelope(), format!("{text}\r\n")).await
}

async fn sent(pool: &Pool, host: u16, text: &str) {
    assert!(send(pool, host, text).await.unwrap().is_complete());
}

/// So long that the session is asked before it is used again.
const LONG: Duration = Duration::from_secs(20);

#[tokio::test(start_paused = true)]
async fn one_session_takes_many_messages_and_no_more_than_it_may() {
    let world = World::new(&[]);
    let mut options = PoolOptions::default();
    options.messages_per_connection_max = 3;
    let pool = world.pool(options);
    for n in 0..7 {
        sent(&pool, 25, &n.to_string()).await;
    }
    let stats = pool.stats();
    assert_eq!((stats.opened, stats.messages, stats.reused, stats.found_dead), (3, 7, 4, 0));
    pool.shutdown().await;
    assert_eq!(pool.stats().connections, 0);
    let sessions = world.sessions();
    let mails: Vec<usize> =
        sessions.iter().map(|lines| lines.iter().filter(|line| line.starts_with("MAIL")).count()).collect();
    assert_eq!(mails, [3, 3, 1]);
    assert!(sessions.iter().all(|lines| lines.last().unwrap() == "QUIT"), "{sessions:?}");
    assert_eq!(world.stored().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn what_was_used_lately_is_not_asked_and_what_was_not_is() {
    let world = World::new(&[]);
    let pool = world.pool(PoolOptions::default());
    sent(&pool, 25, "a").await;
    sent(&pool, 25, "b").await;
    assert!(!world.sessions()[0].iter().any(|line| line == "NOOP"));
    sleep(LONG).await;
    sent(&pool, 25, "c").await;
    assert_eq!(world.sessions()[0].iter().filter(|line| *line == "NOOP").count(), 1);
    assert_eq!(pool.stats().opened, 1);
    // Nobody uses it: it is closed, and with it the last that the pool has.
    sleep(Duration::from_secs(61)).await;
    assert_eq!((pool.stats().connections, pool.stats().idle), (0, 0));
    assert_eq!(world.sessions()[0].last().unwrap(), "QUIT");
    // An old one is not used again, however busy it is.
    for _ in 0..16 {
        sent(&pool, 25, "d").await;
        sleep(Duration::from_secs(50)).await;
    }
    assert_eq!(pool.stats().opened, 3);
}

#[tokio::test(start_paused = true)]
async fn lettre_743_a_session_that_the_server_closed_is_not_used_again() {
    for words in ["", "221 2.0.0 idle too long\r\n", "421 4.4.2 idle too long\r\n", "250 what\r\n", "4"] {
        let world = World::new(&[Whim::Leave(words, 5)]);
        let pool = world.pool(PoolOptions::default());
        sent(&pool, 25, "first").await;
        sleep(Duration::from_secs(10)).await;
        assert_eq!(pool.stats().connections, 0, "{words:?}");
        sent(&pool, 25, "second").await;
        assert_eq!(world.stored(), ["first\r\n", "second\r\n"]);
        let stats = pool.stats();
        assert_eq!((stats.opened, stats.found_dead, stats.connections), (2, 0, 1), "{words:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn boulder_2262_a_421_in_place_of_the_first_answer_is_not_the_answer_to_the_message() {
    for pause in [Duration::ZERO, LONG] {
        let world = World::new(&[Whim::Answer("421 4.4.2 timed out\r\n")]);
        let pool = world.pool(PoolOptions::default());
        sent(&pool, 25, "first").await;
        sleep(pause).await;
        sent(&pool, 25, "second").await;
        assert_eq!(world.stored(), ["first\r\n", "second\r\n"]);
        assert_eq!((pool.stats().opened, pool.stats().found_dead), (2, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn lettre_866_a_session_that_is_dead_behind_mail_or_rcpt_costs_no_message() {
    for (word, stored) in [("MAIL", true), ("RCPT", true), ("DATA", false)] {
        let world = World::new(&[Whim::CloseAt(word)]);
        let pool = world.pool(PoolOptions::default());
        sent(&pool, 25, "first").await;
        match send(&pool, 25, "second").await {
            Ok(report) => assert!(stored && report.is_complete(), "{word}"),
            // A recipient was accepted: the caller decides.
            Err(error) => assert!(!stored && error.retry() == Retry::Safe, "{word}: {error}"),
        }
        assert_eq!(world.stored().len(), if stored { 2 } else { 1 }, "{word}");
    }
}

#[tokio::test(start_paused = true)]
async fn nodemailer_1205_a_session_that_fell_silent_is_found_out_before_the_message() {
    let world = World::new(&[Whim::Silence]);
    let pool = world.pool(PoolOptions::default());
    sent(&pool, 25, "first").await;
    sleep(LONG).await;
    let start = Instant::now();
    sent(&pool, 25, "second").await;
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    assert_eq!((pool.stats().opened, pool.stats().found_dead), (2, 1));
    assert!(!world.sessions()[0].iter().skip(4).any(|line| line.starts_with("MAIL")));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_may_have_been_taken_is_not_sent_again() {
    let world = World::new(&[Whim::TakeAndClose]);
    let pool = world.pool(PoolOptions::default());
    sent(&pool, 25, "first").await;
    let error = send(&pool, 25, "second").await.unwrap_err();
    assert_eq!((error.retry(), error.not_taken()), (Retry::Unknown, None), "{error}");
    assert_eq!(world.stored(), ["first\r\n", "second\r\n"]);
    assert_eq!((pool.stats().opened, pool.stats().connections), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_new_session_that_dies_is_not_tried_again() {
    let world = World::new(&[Whim::Answer(""), Whim::Answer("421 no\r\n")]);
    let pool = world.pool(PoolOptions::default());
    sent(&pool, 25, "first").await;
    sent(&pool, 25, "second").await;
    // The second session has the whim, too; the third one has none.
    assert_eq!(pool.stats().opened, 2);
    sent(&pool, 25, "third").await;
    assert_eq!(world.stored().len(), 3);
    let world = World::new(&[]);
    let refusing = Pool::with_connector(PoolOptions::default(), {
        let world = Arc::clone(&world);
        move |endpoint| {
            world.seen.lock().unwrap().push(Vec::new());
            let (_, far) = duplex(10);
            async move {
                let options = ClientOptions::default();
                smtp::Client::over(far, &endpoint, "laptop.example".parse().unwrap(), &options).await
            }
        }
    });
    let error = send(&refusing, 25, "x").await.unwrap_err();
    assert_eq!((error.phase(), error.retry(), world.sessions().len()), (Phase::Greeting, Retry::Safe, 1));
    assert_eq!(refusing.stats().connections, 0);
}

#[tokio::test(start_paused = true)]
async fn sessions_are_bounded_for_each_endpoint_and_in_all() {
    for (there, all, hosts) in [(2, 100, 1), (100, 3, 4), (2, 5, 4)] {
        let world = World::new(&[Whim::Slow(1); 1000]);
        let mut options = PoolOptions::default();
        (options.connections_per_endpoint_max, options.connections_max) = (there, all);
        let pool = world.pool(options);
        let sends: Vec<_> = (0..40_u16)
            .map(|n| {
                let pool = pool.clone();
                tokio::spawn(async move { sent(&pool, 25 + n % hosts, &n.to_string()).await })
            })
            .collect();
        for send in sends {
            send.await.unwrap();
        }
        assert_eq!(world.stored().len(), 40);
        let most = all.min(there * usize::from(hosts));
        assert_eq!(world.most_open(), most, "{there} {all} {hosts}");
        assert!(pool.stats().connections <= most);
        assert_eq!(pool.stats().waiting, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn turns_come_in_the_order_of_the_calls_and_nobody_waits_for_another_endpoint() {
    let world = World::new(&[Whim::Slow(10), Whim::None]);
    let mut options = PoolOptions::default();
    (options.connections_per_endpoint_max, options.connections_max) = (1, 2);
    let pool = world.pool(options);
    let sends: Vec<_> = (0..5)
        .map(|n| {
            let pool = pool.clone();
            let text = n.to_string();
            tokio::spawn(async move { sent(&pool, if n == 4 { 26 } else { 25 }, &text).await })
        })
        .collect();
    for send in sends {
        send.await.unwrap();
    }
    assert_eq!(world.stored(), ["4\r\n", "0\r\n", "1\r\n", "2\r\n", "3\r\n"]);
    assert_eq!(pool.stats().opened, 2);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_nobody_uses_makes_room_for_another_endpoint() {
    let world = World::new(&[]);
    let mut options = PoolOptions::default();
    options.connections_max = 1;
    let pool = world.pool(options);
    let start = Instant::now();
    for host in [25, 26, 25] {
        sent(&pool, host, "x").await;
    }
    // Nobody waited until a session was closed for want of use.
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!((pool.stats().opened, pool.stats().connections, world.most_open()), (3, 1, 1));
    assert_eq!(world.sessions()[0].last().unwrap(), "QUIT");
}

#[tokio::test(start_paused = true)]
async fn logins_do_not_share_a_session() {
    let world = World::new(&[]);
    let pool = world.pool(PoolOptions::default());
    sent(&pool, 25, "x").await;
    let other = to(25).with_login("ursel", "Geheim!");
    // Over an open connection no login is sent, and the session of somebody else is not used either.
    let error = pool.send(&other, envelope(), "x\r\n").await.unwrap_err();
    assert!(matches!(error.cause(), Cause::NoLogin), "{error}");
    assert_eq!(world.sessions().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_does_not_come_in_time_is_an_error() {
    let world = World::new(&[Whim::Slow(100)]);
    let mut options = PoolOptions::default();
    options.connections_per_endpoint_max = 1;
    options.wait_timeout = Duration::from_secs(30);
    let pool = world.pool(options);
    let first = tokio::spawn({
        let pool = pool.clone();
        async move { sent(&pool, 25, "first").await }
    });
    tokio::task::yield_now().await;
    let start = Instant::now();
    let error = send(&pool, 25, "second").await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Deadline(time) if time.as_secs() == 30), "{error}");
    assert_eq!((error.phase(), error.retry()), (Phase::Connect, Retry::Safe));
    assert_eq!((start.elapsed().as_secs(), pool.stats().waiting), (30, 0));
    first.await.unwrap();
    assert_eq!(world.stored(), ["first\r\n"]);
}

#[tokio::test(start_paused = true)]
async fn a_send_that_is_dropped_closes_its_own_session_only() {
    for polls in 1..60 {
        let world = World::new(&[]);
        let mut options = PoolOptions::default();
        options.connections_per_endpoint_max = 2;
        let pool = world.pool(options);
        sent(&pool, 25, "before").await;
        let mut dropped = Box::pin(send(&pool, 25, "dropped"));
        let mut count = 0;
        let done = std::future::poll_fn(|cx| {
            count += 1;
            match dropped.as_mut().poll(cx) {
                std::task::Poll::Ready(_) => std::task::Poll::Ready(true),
                std::task::Poll::Pending if count == polls => std::task::Poll::Ready(false),
                std::task::Poll::Pending => std::task::Poll::Pending,
            }
        })
        .await;
        drop(dropped);
        sent(&pool, 25, "behind").await;
        sleep(Duration::from_secs(1)).await;
        let stats = pool.stats();
        // Dropped before it had the session, it leaves that one alone.
        assert_eq!((stats.waiting, stats.connections), (0, stats.idle), "{polls}");
        assert!((1..=2).contains(&stats.idle), "{polls}");
        let stored = world.stored();
        assert!(stored.iter().filter(|text| *text == "dropped\r\n").count() <= 1);
        assert_eq!(stored.iter().filter(|text| *text != "dropped\r\n").count(), 2);
        pool.shutdown().await;
        if done {
            return;
        }
    }
    panic!("the message is never sent");
}

#[tokio::test(start_paused = true)]
async fn shutdown_lets_go_on_what_is_under_way_and_sends_the_rest_away() {
    let world = World::new(&[Whim::Slow(10)]);
    let mut options = PoolOptions::default();
    options.connections_per_endpoint_max = 1;
    let pool = world.pool(options);
    let send_in_task = |text: &'static str| {
        let pool = pool.clone();
        tokio::spawn(async move { send(&pool, 25, text).await })
    };
    let (first, second) = (send_in_task("first"), send_in_task("second"));
    sleep(Duration::from_secs(1)).await;
    assert_eq!((pool.stats().connections, pool.stats().waiting), (1, 1));
    let start = Instant::now();
    pool.shutdown().await;
    assert_eq!(start.elapsed().as_secs(), 9);
    assert!(first.await.unwrap().unwrap().is_complete());
    let error = second.await.unwrap().unwrap_err();
    assert_eq!((error.phase(), error.retry()), (Phase::Call, Retry::Never), "{error}");
    assert!(send(&pool, 25, "third").await.is_err());
    assert_eq!(world.sessions()[0].last().unwrap(), "QUIT");
    assert_eq!(world.stored(), ["first\r\n"]);
}

#[tokio::test(start_paused = true)]
async fn with_the_last_handle_the_sessions_end() {
    let world = World::new(&[]);
    let pool = world.pool(PoolOptions::default());
    sent(&pool, 25, "x").await;
    let clone = pool.clone();
    drop(pool);
    sent(&clone, 25, "y").await;
    drop(clone);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.sessions()[0].last().unwrap(), "QUIT");
}

#[tokio::test(start_paused = true)]
async fn the_session_that_was_used_first_makes_room_and_the_one_used_last_is_used_again() {
    let world = World::new(&[Whim::Slow(1), Whim::Slow(5)]);
    let mut options = PoolOptions::default();
    options.connections_max = 3;
    let pool = world.pool(options);
    tokio::join!(sent(&pool, 25, "first"), sent(&pool, 25, "second"));
    sent(&pool, 26, "other").await;
    let messages = |session: &Vec<String>| session.iter().filter(|line| *line == "DATA").count();
    sent(&pool, 25, "third").await;
    assert_eq!(world.sessions().iter().map(messages).collect::<Vec<_>>(), [1, 2, 1]);
    sent(&pool, 27, "room").await;
    let ended: Vec<bool> = world.sessions().iter().map(|lines| lines.last().unwrap() == "QUIT").collect();
    assert_eq!(ended, [true, false, false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_message_is_gone_is_kept_and_no_longer_than_without_it() {
    let world = World::new(&[]);
    let mut options = PoolOptions::default();
    options.idle_timeout = Duration::from_secs(100);
    let pool = world.pool(options);
    sent(&pool, 25, "before").await;
    sleep(Duration::from_secs(60)).await;
    let mut dropped = Box::pin(send(&pool, 25, "dropped"));
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(dropped.as_mut().poll(cx).is_pending())).await);
    drop(dropped);
    sleep(Duration::from_secs(30)).await;
    let stats = pool.stats();
    assert_eq!((stats.connections, stats.idle, stats.opened), (1, 1, 1));
    sleep(Duration::from_secs(15)).await;
    assert_eq!((pool.stats().connections, world.stored().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_when_its_session_closes_has_a_new_one() {
    for yields in 0..10 {
        let world = World::new(&[Whim::Leave("421 bye\r\n", 5)]);
        let pool = world.pool(PoolOptions::default());
        sent(&pool, 25, "before").await;
        sleep(Duration::from_secs(5)).await;
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        sent(&pool, 25, "behind").await;
        assert_eq!((world.stored().len(), pool.stats().opened), (2, 2), "{yields}");
    }
}
