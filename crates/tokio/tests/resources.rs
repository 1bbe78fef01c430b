//! What connections cost and what a peer can make them cost: the memory of idle ones, names of TLS, records without
//! content, commands before their time, work that takes long.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::authority::Authority;
use common::{IDLE, Said, Toy, endpoint, plain_client, plain_server, read_all, serve, tls_roles};
use posthaste_smtp::Rejection;
use posthaste_smtp::server::{Config, Event, Mode, Server};
use posthaste_testkit::measure;
use posthaste_tokio::tls::{Alpn, Certificates, Identity, ServerSettings, default_provider};
use posthaste_tokio::{
    ClientOptions, Connection, Credentials, Machine, Misuse, Protocol, Role, Security, Stream, Time, TlsMode,
    smtp,
};
use posthaste_wire::{Layer, ReceiveBuffer, SendQueue, Step, Upgrade};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ServerConnection};
use tokio::io::{AsyncWriteExt, duplex};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, timeout};

/// Turns DEFLATE on at once; then counts what it hears, and says what it is told to say.
struct Compressed {
    input: ReceiveBuffer,
    output: SendQueue,
    asked: bool,
    heard: usize,
}

impl Compressed {
    fn new() -> Self {
        let (input, output) = (ReceiveBuffer::new(), SendQueue::new(64 * 1024));
        Self { input, output, asked: false, heard: 0 }
    }
}

impl Machine for Compressed {
    type Event = ();
    type Error = Misuse;

    fn handle_input(&mut self, _: Time, input: &[u8]) {
        self.heard += input.len();
    }

    fn handle_eof(&mut self, _: Time) {}
    fn handle_timeout(&mut self, _: Time) {}

    fn poll_event(&mut self) -> Result<Step<()>, Misuse> {
        if std::mem::replace(&mut self.asked, true) {
            return Ok(Step::NeedInput);
        }
        Ok(Step::Upgrade(Upgrade::new(Layer::Deflate, self.input.drained().unwrap())))
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.output.pop()
    }

    fn poll_timeout(&self) -> Option<Time> {
        None
    }

    fn upgraded(&mut self, _: Time, _: Upgrade, _: Security) -> Result<(), Misuse> {
        Ok(())
    }

    fn is_congested(&self) -> bool {
        false
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Lets both sides do what there is to do for so long.
async fn pass<A: Machine, B: Machine>(near: &mut Connection<A>, far: &mut Connection<B>, time: Duration) {
    let (near, far) = tokio::join!(timeout(time, near.next()), timeout(time, far.next()));
    assert!(near.is_err() && far.is_err(), "both wait");
}

const KIB: i64 = 1024;

/// Both sides of a session that is idle after a few words.
#[test]
fn res_01_an_idle_connection_is_small_in_the_clear_and_under_tls() {
    let (server_role, client_role) = tls_roles(Alpn::Smtp);
    for (roles, budget) in [(None, 16 * KIB), (Some((server_role, client_role)), 64 * KIB)] {
        let runtime = runtime();
        let mut kept = None;
        let run = async {
            let (near, far) = duplex(4096);
            let (near, far) = (Stream::from(near), Stream::from(far));
            let (near, far) = match &roles {
                None => (near, far),
                Some((server, client)) => {
                    tokio::try_join!(near.into_tls(server), far.into_tls(client)).unwrap()
                }
            };
            let mut server = Connection::new(Toy::server(), near, plain_server());
            let mut client = Connection::new(Toy::client(), far, plain_client());
            for _ in 0..10 {
                client.machine().say("hello");
                let question = async {
                    let Ok(Some(Said::Question(question))) = server.next().await else { panic!() };
                    question.answer(server.machine(), "hello").unwrap();
                    server.flush().await.unwrap();
                };
                let (heard, ()) = tokio::join!(client.next(), question);
                assert!(matches!(heard, Ok(Some(Said::Line(_)))));
            }
            pass(&mut server, &mut client, Duration::from_secs(3)).await;
            (server, client)
        };
        // What a thread keeps for all its connections is there before the first is counted.
        runtime.block_on(async {
            let (near, mut far) = duplex(64);
            far.write_all(b"quit\r\n").await.unwrap();
            serve(&mut Connection::new(Toy::server(), near, plain_server())).await.unwrap();
        });
        let measured = measure(|| kept = Some(runtime.block_on(run)));
        assert!(measured.kept > 500 && measured.kept < 2 * budget, "{measured:?}");
        drop(kept);
    }
}

/// A compressor is there while something is said and heard, and for a second after; what is said unasked costs one only
/// while it is sent.
#[test]
fn res_01_a_compressed_connection_that_is_idle_holds_the_window_of_its_peer() {
    const WINDOW: i64 = 42 * KIB;
    const COMPRESSOR: i64 = 300 * KIB;
    let runtime = runtime();
    runtime.block_on(async {
        let (near, mut far) = duplex(64);
        far.write_all(b"quit\r\n").await.unwrap();
        serve(&mut Connection::new(Toy::server(), near, plain_server())).await.unwrap();
    });
    let mut both = None;
    let mut held = 0;
    let mut after = |step: &str, least: i64, most: i64, job: &mut dyn FnMut()| {
        held += measure(job).kept;
        assert!((least..most).contains(&held), "{step}: {held}");
    };
    after("talk", 2 * (WINDOW + COMPRESSOR), 2 * 450 * KIB, &mut || {
        both = Some(runtime.block_on(async {
            let (near, far) = duplex(4096);
            let mut near = Connection::new(Compressed::new(), near, plain_server());
            let mut far = Connection::new(Compressed::new(), far, plain_client());
            // What is said before the layer is there goes in the clear.
            pass(&mut near, &mut far, Duration::from_millis(50)).await;
            for _ in 0..10 {
                near.machine().output.put(b"* OK something\r\n");
                far.machine().output.put(b"a NOOP\r\n");
                pass(&mut near, &mut far, Duration::from_millis(50)).await;
            }
            assert_eq!((near.machine().heard, far.machine().heard), (80, 160));
            (near, far)
        }));
    });
    let (near, far) = both.as_mut().unwrap();
    let rested = 2 * WINDOW..2 * (WINDOW + 8 * KIB);
    after("rest", rested.start, rested.end, &mut || {
        runtime.block_on(pass(near, far, Duration::from_secs(2)));
    });
    after("news", rested.start, rested.end, &mut || {
        near.machine().output.put(b"* 24 EXISTS\r\n");
        runtime.block_on(pass(near, far, Duration::from_millis(10)));
        assert_eq!(far.machine().heard, 173);
    });
    // Asked again, it stays for a while.
    after("talk again", rested.start + COMPRESSOR, 2 * 450 * KIB, &mut || {
        far.machine().output.put(b"b NOOP\r\n");
        runtime.block_on(pass(near, far, Duration::from_millis(10)));
        near.machine().output.put(b"b OK\r\n");
        runtime.block_on(pass(near, far, Duration::from_millis(10)));
    });
}

#[test]
fn res_11_names_that_clients_ask_for_leave_nothing_behind() {
    let authority = Authority::new();
    let issued = authority.issue(&["*.mail.example"]);
    let provider = default_provider().unwrap();
    let identity = Identity::from_der(&provider, issued.chain(), issued.key()).unwrap();
    let certificates = Certificates::new(provider, vec![identity]).unwrap();
    let server = ServerSettings::new(Alpn::Smtp).build(&certificates).unwrap();
    let client = authority.client_config(Alpn::Smtp);
    let ask = |number: usize| {
        let name = ServerName::try_from(format!("host-{number}.mail.example")).unwrap();
        let mut client = ClientConnection::new(Arc::clone(&client), name).unwrap();
        let mut hello = Vec::new();
        client.write_tls(&mut hello).unwrap();
        let mut server = ServerConnection::new(Arc::clone(&server)).unwrap();
        server.read_tls(&mut &hello[..]).unwrap();
        server.process_new_packets().unwrap();
        assert!(server.server_name().unwrap().starts_with("host-"));
    };
    (0..20).for_each(ask);
    let measured = measure(|| (20..300).for_each(ask));
    assert!(measured.kept < 4096, "{measured:?}");
    // Of sessions that can be resumed there are so many and no more.
    let store = |number: usize| {
        server.session_storage.put(number.to_be_bytes().to_vec(), vec![0; 200]);
    };
    (0..10_000).for_each(store);
    let measured = measure(|| (10_000..100_000).for_each(store));
    // The table that they are in may grow once more; they would be 20 MB.
    assert!(measured.kept < 1024 * KIB, "{measured:?}");
}

/// Records that say nothing, in the place of a handshake: the first that has no business there is the last, and those
/// that may be there have an end in time.
#[tokio::test(start_paused = true)]
async fn res_12_records_without_content_do_not_hold_a_handshake_open() {
    let records: [(&str, &[u8]); 4] = [
        ("warning", b"\x15\x03\x03\x00\x02\x01\x5a"),
        ("change cipher spec", b"\x14\x03\x03\x00\x01\x01"),
        ("empty handshake", b"\x16\x03\x03\x00\x00"),
        ("empty data", b"\x17\x03\x03\x00\x00"),
    ];
    let (server_role, _) = tls_roles(Alpn::Smtp);
    for (name, record) in records {
        let (near, mut far) = duplex(64 * 1024);
        let mut server = Connection::new(Toy::server(), near, server_role.clone());
        let flood = async {
            far.write_all(b"starttls\r\n").await.unwrap();
            let mut records = 0;
            while records < 1_000_000 && far.write_all(record).await.is_ok() {
                records += 1;
            }
            records
        };
        let begun = Instant::now();
        // The peer stays: only the server can end it.
        let (ended, records) = tokio::join!(server.next(), flood);
        ended.unwrap_err();
        assert!(begun.elapsed() <= Duration::from_secs(30), "{name}");
        assert!(records * record.len() < 512 * 1024, "{name}: {records} records");
    }
}

/// New keys without end, in a session that stands: it is idle all the same.
#[tokio::test(start_paused = true)]
async fn res_12_new_keys_do_not_move_the_deadline_of_a_session() {
    let (server_role, client_role) = tls_roles(Alpn::Smtp);
    let (near, far) = duplex(64 * 1024);
    let Role::Client { tls: Some(tls) } = &client_role else { panic!() };
    let name = ServerName::try_from("mail.example").unwrap();
    let connecting = tokio_rustls::TlsConnector::from(Arc::clone(&tls.config)).connect(name, far);
    let (near, far) = tokio::join!(Stream::from(near).into_tls(&server_role), connecting);
    let mut far = far.unwrap();
    let mut server = Connection::new(Toy::server(), near.unwrap(), server_role);
    let begun = Instant::now();
    let keys = async {
        let mut updates = 0;
        while begun.elapsed() < 2 * IDLE {
            far.get_mut().1.refresh_traffic_keys().unwrap();
            if far.flush().await.is_err() {
                break;
            }
            updates += 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        updates
    };
    let ended = async {
        drop(server.next().await);
        begun.elapsed()
    };
    let (after, updates) = tokio::join!(ended, keys);
    assert!(after <= IDLE + Duration::from_secs(5), "{after:?} and {updates} updates");
}

#[tokio::test(start_paused = true)]
async fn res_16_a_thousand_commands_before_the_first_word_are_answered_in_order() {
    for width in [64, 64 * 1024] {
        let (near, far) = duplex(width);
        let (from_server, mut to_server) = tokio::io::split(far);
        let commands: String = (0..1000).map(|n| format!("command {n}\r\n")).collect();
        let sent = commands.clone() + "quit\r\n";
        let asking = tokio::spawn(async move {
            to_server.write_all(sent.as_bytes()).await.unwrap();
            to_server
        });
        tokio::task::yield_now().await;
        let mut server = Connection::new(Toy::server(), near, plain_server());
        let reading = tokio::spawn(read_all(from_server));
        serve(&mut server).await.unwrap();
        assert_eq!(reading.await.unwrap(), commands + "bye\r\n", "{width}");
        drop(asking.await.unwrap());
    }
}

/// A server may ask for many rounds of a hash: they are computed where they keep nobody waiting.
#[tokio::test]
async fn rs_07_a_login_that_takes_long_to_compute_stops_nobody_else() {
    let (near, far) = duplex(4096);
    let server = tokio::spawn(async move {
        let config = Config::new(Mode::Submission, "mail.example".parse().unwrap())
            .with_mechanisms(vec!["SCRAM-SHA-256".parse().unwrap()]);
        let machine = Server::new(config, Security::Local, Time::ZERO);
        let mut connection = Connection::new(machine, Stream::local(near), plain_server());
        let mut asked = None;
        while let Ok(Some(event)) = connection.next().await {
            let Event::Auth(auth) = event else { continue };
            let server = connection.machine();
            if asked.is_some() {
                auth.reject(server, Rejection::credentials_invalid()).unwrap();
                break;
            }
            let first = String::from_utf8(auth.response().unwrap().expose().to_vec()).unwrap();
            let nonce = first.rsplit("r=").next().unwrap();
            let challenge = format!("r={nonce}more,s=c2FsdHNhbHQ=,i=600000");
            auth.challenge(server, challenge.as_bytes()).unwrap();
            asked = Some(Instant::now());
        }
        drop(connection.flush().await);
        asked.unwrap().elapsed()
    });
    // The same thread as the session's.
    let watchdog = tokio::spawn(async {
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            longest = longest.max(last.elapsed());
            last = Instant::now();
            if WATCHED.load(std::sync::atomic::Ordering::Relaxed) {
                return longest;
            }
        }
    });
    let options = ClientOptions::default().with_credentials(Credentials::new("ursel", "Geheim!"));
    let name = "laptop.example".parse().unwrap();
    let endpoint = endpoint(Protocol::Submission, TlsMode::Plain);
    let error = smtp::Client::over(Stream::local(far), &endpoint, name, &options).await.unwrap_err();
    WATCHED.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(error.code().as_deref(), Some("535 5.7.8"), "{error}");
    let (computed, longest) = (server.await.unwrap(), watchdog.await.unwrap());
    assert!(computed > Duration::from_millis(50), "600,000 rounds in {computed:?}");
    assert!(longest < computed / 2, "nothing else ran for {longest:?} of {computed:?}");
}

static WATCHED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
