//! What the crate page says is told is what is told: the names there are compared with those that were seen while
//! connections came to every kind of end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::breaking::Breaking;
use common::{FLOOD_CHUNK, FLOOD_CHUNKS, Said, Toy, plain_client, plain_server, serve, subscribe, tls_roles};
use posthaste_smtp::server as smtp;
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Connection, Machine, Misuse, Role, Security, Time};
use posthaste_wire::{Layer, ReceiveBuffer, Step, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, timeout};

/// One connection from its beginning to its end, with this line first.
async fn run(machine: impl Served, role: Role, line: &[u8], peer: Peer) {
    let (near, mut far) = duplex(64 * 1024);
    far.write_all(line).await.unwrap();
    match peer {
        Peer::Stays => machine.served(near, role, Some(far)).await,
        Peer::Goes => {
            drop(far);
            machine.served(near, role, None).await;
        }
    }
}

#[derive(PartialEq)]
enum Peer {
    Stays,
    Goes,
}

/// A machine that can be run to its end.
trait Served: Machine + Sized {
    async fn served(self, near: DuplexStream, role: Role, _far: Option<DuplexStream>) {
        let mut connection = Connection::new(self, near, role);
        while let Ok(Some(_)) = connection.next().await {}
    }
}

impl Served for Toy {
    async fn served(self, near: DuplexStream, role: Role, _far: Option<DuplexStream>) {
        let mut connection = Connection::new(self, near, role);
        drop(serve(&mut connection).await);
    }
}

/// Asks for DEFLATE and expects nothing in particular from then on.
struct Endless {
    input: ReceiveBuffer,
    asked: bool,
    /// It does not take the layer it has asked for.
    unwilling: bool,
}

impl Endless {
    fn new(unwilling: bool) -> Self {
        Self { input: ReceiveBuffer::new(), asked: false, unwilling }
    }
}

impl Served for Endless {}

impl Served for smtp::Server {}

impl Machine for Endless {
    type Event = ();
    type Error = Misuse;

    fn handle_input(&mut self, _: Time, _: &[u8]) {}
    fn handle_eof(&mut self, _: Time) {}
    fn handle_timeout(&mut self, _: Time) {}

    fn poll_event(&mut self) -> Result<Step<()>, Misuse> {
        if std::mem::replace(&mut self.asked, true) {
            return Ok(Step::NeedInput);
        }
        Ok(Step::Upgrade(Upgrade::new(Layer::Deflate, self.input.drained().unwrap())))
    }

    fn poll_transmit(&mut self) -> Option<bytes::Bytes> {
        None
    }

    fn poll_timeout(&self) -> Option<Time> {
        None
    }

    fn upgraded(&mut self, _: Time, _: Upgrade, _: Security) -> Result<(), Misuse> {
        if self.unwilling { Err(Misuse::NoUpgrade) } else { Ok(()) }
    }

    fn is_congested(&self) -> bool {
        false
    }
}

/// 100 MB of nothing, compressed.
fn nothing_in_particular() -> Vec<u8> {
    let mut compress = flate2::Compress::new(flate2::Compression::fast(), false);
    let mut wire = Vec::with_capacity(1 << 20);
    let blank = vec![b' '; 1 << 20];
    for _ in 0..100 {
        compress.compress_vec(&blank, &mut wire, flate2::FlushCompress::None).unwrap();
    }
    compress.compress_vec(&[], &mut wire, flate2::FlushCompress::Sync).unwrap();
    assert!(wire.len() < 600_000, "{}", wire.len());
    wire
}

/// Connections that come to every end there is.
async fn every_end() {
    let (tls_server, tls_client) = tls_roles(Alpn::Smtp);
    // The conversation is over, after a deadline of the machine.
    run(Toy::server(), plain_server(), b"hello\r\n", Peer::Stays).await;
    run(Toy::server(), plain_server(), b"boom\r\n", Peer::Stays).await;
    run(Toy::server(), plain_server(), b"starttls\r\n", Peer::Stays).await;
    run(Toy::server(), tls_server.clone(), b"starttls\r\n", Peer::Stays).await;
    drop(Connection::new(Toy::client(), duplex(64).0, plain_client()));

    let mut broken = Connection::new(
        Toy::server(),
        posthaste_tokio::Stream::new(Breaking::reads(duplex(64).0, 0)),
        plain_server(),
    );
    broken.next().await.unwrap_err();
    // The peer takes nothing.
    let (near, mut far) = duplex(64);
    far.write_all(b"flood\r\n").await.unwrap();
    let mut connection = Connection::new(Toy::server(), near, plain_server());
    connection.next().await.unwrap_err();
    // TLS, and what is not TLS.
    let (near, far) = duplex(4096);
    let mut server = Connection::new(Toy::server(), near, tls_server.clone());
    let serving = serve(&mut server);
    let mut client = Connection::new(Toy::client(), far, tls_client);
    client.machine().start_tls();
    let asking = async {
        timeout(Duration::from_secs(1), client.next()).await.unwrap_err();
        client.machine().say("quit");
        while let Some(Said::Line(line)) = client.next().await.unwrap() {
            assert_eq!(line, "bye");
        }
    };
    let (served, ()) = tokio::join!(serving, asking);
    served.unwrap();
    let (near, mut far) = duplex(4096);
    far.write_all(b"starttls\r\n").await.unwrap();
    let mut server = Connection::new(Toy::server(), near, tls_server);
    let garbage = async {
        far.read_exact(&mut [0; 4]).await.unwrap();
        far.write_all(b"NOOP\r\n").await.unwrap();
    };
    let (failed, ()) = tokio::join!(server.next(), garbage);
    failed.unwrap_err();
    // Layers that are too much of one kind or the other.
    run(Endless::new(true), plain_server(), b"", Peer::Stays).await;
    let (near, mut far) = duplex(1 << 20);
    far.write_all(&nothing_in_particular()).await.unwrap();
    Endless::new(false).served(near, plain_server(), Some(far)).await;
    run(Toy::client(), plain_client(), b"", Peer::Goes).await;
    // The toy keeps no record of what is said.
    let config = smtp::Config::new(smtp::Mode::Mta, "mail.example".parse().unwrap());
    let machine = smtp::Server::new(config, Security::Plain, Time::ZERO);
    run(machine, plain_server(), b"QUIT\r\n", Peer::Stays).await;
}

/// A cell of a table: the words in code, and the text.
type Cell = (Vec<String>, String);

/// The rows of the tables in a section of the crate page, by what stands at the head of the first column.
fn documented(section: &str) -> BTreeMap<String, Vec<Vec<Cell>>> {
    let page = include_str!("../src/lib.rs");
    let from = page.find(&format!("//! # {section}")).unwrap();
    let page = &page[from..];
    let page = &page[..page[5..].find("//! # ").unwrap()];
    let mut tables: BTreeMap<String, Vec<Vec<Cell>>> = BTreeMap::new();
    let mut head = None;
    for line in page.lines() {
        let Some(row) = line.strip_prefix("//! | ").and_then(|row| row.strip_suffix(" |")) else {
            head = None;
            continue;
        };
        let cells = row.split(" | ").map(|cell| (code(cell), cell.to_owned()));
        match &head {
            None => head = Some(row.split(" | ").next().unwrap().to_owned()),
            Some(_) if row.starts_with("---") => {}
            Some(head) => tables.entry(head.clone()).or_default().push(cells.collect()),
        }
    }
    tables
}

/// What stands between back ticks, but for what is a link.
fn code(text: &str) -> Vec<String> {
    let words = text.split('`').skip(1).step_by(2);
    words.filter(|word| !word.contains("::") || word.starts_with("posthaste")).map(str::to_owned).collect()
}

/// Keeps target, level, name and fields of what is told, and the values of those that are one of a few words.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    spans: BTreeSet<(String, Vec<String>)>,
    events: BTreeSet<(String, String, String, Vec<String>)>,
    values: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl tracing::field::Visit for Fields {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        let value = format!("{value:?}").trim_matches('"').to_owned();
        self.0.insert(field.name().to_owned(), value);
    }
}

fn names(metadata: &tracing::Metadata<'_>) -> Vec<String> {
    let names = metadata.fields().iter().map(|field| field.name().to_owned());
    names.filter(|name| name != "message").collect()
}

impl tracing::Subscriber for Events {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "posthaste" || metadata.target().starts_with("posthaste::")
    }

    fn new_span(&self, attributes: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        let metadata = attributes.metadata();
        self.0.lock().unwrap().spans.insert((metadata.name().to_owned(), names(metadata)));
        tracing::span::Id::from_u64(1)
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let name = fields.0.remove("message").unwrap();
        let mut told = self.0.lock().unwrap();
        let (target, level) = (metadata.target().to_owned(), metadata.level().to_string());
        told.events.insert((target, level, name, names(metadata)));
        for (field, value) in fields.0 {
            told.values.entry(field).or_default().insert(value);
        }
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

fn set(words: &[String]) -> BTreeSet<String> {
    words.iter().cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn every_event_that_the_crate_page_names_is_told_and_no_other() {
    let seen = Events::default();
    let subscribed = subscribe(seen.clone());
    every_end().await;
    drop(subscribed);
    let told = seen.0.lock().unwrap();
    let tables = documented("What is told");
    let fields = ["peer", "local", "security"].map(str::to_owned).to_vec();
    assert_eq!(told.spans, BTreeSet::from([("connection".to_owned(), fields)]));
    let events = tables["target"].iter().map(|row| {
        let [target, level, event, fields, _] = &row[..] else { panic!("{row:?}") };
        (target.0[0].clone(), level.1.clone(), event.0[0].clone(), fields.0.clone())
    });
    assert_eq!(told.events, events.collect());
    let meaning = |event: &str| {
        let row = tables["target"].iter().find(|row| row[2].0 == [event]).unwrap();
        set(&row[4].0)
    };
    assert_eq!(told.values["role"], meaning("opened"));
    assert_eq!(told.values["which"], meaning("timeout"));
    let why: BTreeSet<String> = tables["`why`"].iter().map(|row| row[0].0[0].clone()).collect();
    assert_eq!(told.values["why"], why);
    assert_eq!(told.values["layer"], ["Deflate", "Tls"].map(str::to_owned).into());
}

/// A figure with its labels.
type Figure = (String, BTreeMap<String, String>);

/// Keeps every figure.
#[derive(Default)]
struct Figures(Arc<Mutex<BTreeMap<Figure, (&'static str, f64)>>>);

struct Counting {
    figures: Arc<Mutex<BTreeMap<Figure, (&'static str, f64)>>>,
    figure: Figure,
    kind: &'static str,
}

impl Counting {
    fn add(&self, amount: f64) {
        let mut figures = self.figures.lock().unwrap();
        figures.entry(self.figure.clone()).or_insert((self.kind, 0.0)).1 += amount;
    }
}

impl metrics::CounterFn for Counting {
    fn increment(&self, value: u64) {
        self.add(value as f64);
    }

    fn absolute(&self, _: u64) {
        panic!("counters count");
    }
}

impl metrics::GaugeFn for Counting {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, _: f64) {
        panic!("several connections would overwrite each other");
    }
}

impl metrics::HistogramFn for Counting {
    fn record(&self, value: f64) {
        self.add(value);
    }
}

impl Figures {
    fn count(&self, key: &metrics::Key, kind: &'static str) -> Arc<Counting> {
        let labels = key.labels().map(|label| (label.key().to_owned(), label.value().to_owned()));
        let figure = (key.name().to_owned(), labels.collect());
        Arc::new(Counting { figures: Arc::clone(&self.0), figure, kind })
    }
}

impl metrics::Recorder for Figures {
    fn describe_counter(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}
    fn describe_gauge(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}
    fn describe_histogram(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        metrics::Counter::from_arc(self.count(key, "counter"))
    }

    fn register_gauge(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        metrics::Gauge::from_arc(self.count(key, "gauge"))
    }

    fn register_histogram(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Histogram {
        metrics::Histogram::from_arc(self.count(key, "histogram"))
    }
}

#[tokio::test(start_paused = true)]
async fn every_figure_that_the_crate_page_names_is_counted_and_no_other() {
    let recorder = Figures::default();
    let recording = metrics::set_default_local_recorder(&recorder);
    every_end().await;
    drop(recording);
    let figures = recorder.0.lock().unwrap();
    let seen: BTreeSet<(String, String, BTreeSet<String>)> = figures
        .iter()
        .map(|((name, labels), (kind, _))| {
            (name.clone(), (*kind).to_owned(), labels.keys().cloned().collect())
        })
        .collect();
    let tables = documented("What is told");
    let documented = tables["name"].iter().map(|row| {
        let [name, kind, labels] = &row[..] else { panic!("{row:?}") };
        let kind = kind.1.split(',').next().unwrap().to_owned();
        (name.0[0].clone(), kind, set(&labels.0))
    });
    assert_eq!(seen, documented.collect());
    // The words are those of the events.
    let words = |label: &str| -> BTreeSet<String> {
        figures.keys().filter_map(|(_, labels)| labels.get(label).cloned()).collect()
    };
    let why: BTreeSet<String> = tables["`why`"].iter().map(|row| row[0].0[0].clone()).collect();
    assert_eq!(words("why"), why);
    assert_eq!(words("which"), ["machine", "write", "handshake"].map(str::to_owned).into());
    assert_eq!(words("role"), ["server", "client"].map(str::to_owned).into());
    assert_eq!(words("direction"), ["in", "out"].map(str::to_owned).into());
    // What was opened is closed, once.
    let sum = |name: &str| -> f64 {
        figures.iter().filter(|((of, _), _)| of == name).map(|(_, (_, value))| value).sum()
    };
    assert!(sum("posthaste_connections_opened_total") > 10.0);
    assert_eq!(sum("posthaste_connections_opened_total"), sum("posthaste_connections_closed_total"));
    assert_eq!(sum("posthaste_connections_open"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn the_figures_of_a_connection_are_what_happened() {
    let recorder = Figures::default();
    let recording = metrics::set_default_local_recorder(&recorder);
    let begun = Instant::now();
    let (near, far) = duplex(64 * 1024);
    let mut server = Connection::new(Toy::server(), near, plain_server());
    let mut client = Connection::new(Toy::client(), far, plain_client());
    client.machine().say("flood");
    let asking = async {
        let mut heard = vec![0; 0];
        tokio::time::sleep(Duration::from_secs(7)).await;
        client.machine().say("quit");
        while let Some(Said::Line(line)) = client.next().await.unwrap() {
            heard.extend(line.into_bytes());
        }
        heard.len()
    };
    let (served, heard) = tokio::join!(serve(&mut server), asking);
    served.unwrap();
    let flood = FLOOD_CHUNK * FLOOD_CHUNKS;
    assert_eq!(heard, flood + 3);
    drop(recording);
    let figures = recorder.0.lock().unwrap();
    let figure = |name: &str, labels: &[(&str, &str)]| {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        figures[&(name.to_owned(), labels.collect())].1
    };
    for (role, into, out) in [("server", 13, flood + 5), ("client", flood + 5, 13)] {
        let octets =
            |direction| figure("posthaste_octets_total", &[("role", role), ("direction", direction)]);
        assert_eq!((octets("in"), octets("out")), (into as f64, out as f64), "{role}");
        assert_eq!(figure("posthaste_connections_closed_total", &[("role", role), ("why", "done")]), 1.0);
        let seconds = figure("posthaste_connection_seconds", &[("role", role)]);
        assert!((7.0..=begun.elapsed().as_secs_f64()).contains(&seconds), "{role}: {seconds}");
    }
}
