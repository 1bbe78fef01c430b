//! `posthaste demo`: the main job in one command. A server in a throw-away directory, a message that goes in by
//! SMTP and comes out by IMAP and POP3 through this project's own clients, each step shown with the time it took.
//!
//! Every step that fails ends the demo with an error. What is read back is compared with what was sent, octet by
//! octet.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use posthaste_imap::types::{
    BodyKind, BodyStructure, Envelope as ImapEnvelope, FetchAttribute, FetchItem, Mailbox, Section,
    SequenceSet,
};
use posthaste_pop3::MessageNumber;
use posthaste_smtp::{BodyType, Envelope};
use posthaste_tokio::tls::{Alpn, client_config_with_roots};
use posthaste_tokio::{ClientOptions, Credentials, Endpoint, Protocol, TlsMode, imap, pop3, smtp};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::admin::{Password, accounts, domains};
use crate::config::{Config, Listen};
use crate::directory::{Address, HashCost};
use crate::listen::{self, Running, Service};
use crate::tls;

/// What the demo is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct Options {
    /// Send one message through the server, read it back, and stop.
    #[arg(long)]
    pub once: bool,
    /// The message to send, instead of the built-in one.
    #[arg(long, value_name = "FILE.eml")]
    pub message: Option<PathBuf>,
}

/// Runs the demo.
///
/// # Errors
///
/// Which step failed, and why.
pub async fn run(options: Options) -> Result<(), String> {
    let message = match &options.message {
        Some(path) => {
            canonical(&std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?)
        }
        None => canonical(MESSAGE.as_bytes()),
    };
    let directory = tempfile::tempdir().map_err(|error| format!("making a throw-away directory: {error}"))?;
    let mut show = Show::new();
    show.title(&format!("Posthaste demo: {DOMAIN} on {HOST}, data in {}", directory.path().display()));

    let step = show.begin("server", "store, certificate, ports");
    let running =
        listen::start(config(directory.path()), HashCost::RECOMMENDED).await.map_err(|e| e.to_string())?;
    show.end(step, &format!("{} ports open", running.bound.len()));

    let step = show.begin("accounts", "alice and bob, argon2id");
    let people = Person::all()?;
    add_accounts(&running, &people).await?;
    show.end(step, &format!("domain {DOMAIN}, 2 accounts, 6 mailboxes each"));

    let job = Job { running: &running, roots: roots(directory.path())?, people: &people, message };
    let done = job.run(&mut show).await;
    if let Err(reason) = done {
        show.failed(&reason);
        running.stop().await;
        return Err(reason);
    }
    show.line("");
    show.line("  The message came out as it went in, by both protocols.");
    if !options.once {
        let waiting = |error| format!("waiting for Ctrl-C: {error}");
        let mut signals = listen::Signals::listen().map_err(waiting)?;
        show.invitation(&running, &people, &tls::self_signed_certificate(directory.path()));
        signals.stop_requested().await.map_err(waiting)?;
        show.line("\n  Stopping; the directory goes with the demo.");
    }
    running.stop().await;
    Ok(())
}

/// Somebody with an account.
struct Person {
    address: String,
    password: String,
}

impl Person {
    fn all() -> Result<[Self; 2], String> {
        Ok([Self::new("alice")?, Self::new("bob")?])
    }

    fn new(name: &str) -> Result<Self, String> {
        let mut octets = [0; 8];
        let random = rustls::crypto::ring::default_provider().secure_random;
        random.fill(&mut octets).map_err(|_| "no randomness for a password".to_owned())?;
        let password = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        Ok(Self { address: format!("{name}@{DOMAIN}"), password })
    }

    fn credentials(&self) -> Credentials {
        Credentials::new(self.address.clone(), self.password.as_str())
    }
}

fn config(directory: &Path) -> Config {
    let any = || vec![std::net::SocketAddr::from(([127, 0, 0, 1], 0))];
    let listen = Listen {
        smtp: any(),
        submission: any(),
        submissions: any(),
        imap: any(),
        imaps: any(),
        pop3: any(),
        pop3s: any(),
        lmtp: any(),
        http: Vec::new(),
    };
    Config { listen, ..Config::new(HOST, directory) }
}

async fn add_accounts(running: &Running, people: &[Person; 2]) -> Result<(), String> {
    let admin = running.admin();
    let add = domains::Add { name: DOMAIN.to_owned() };
    admin.ask(add).await.map_err(|problem| problem.to_string())?;
    for person in people {
        let address = Address::parse(&person.address).map_err(|error| error.to_string())?;
        let add = accounts::Add::new(address, Password::new(&person.password));
        admin.ask(add).await.map_err(|problem| problem.to_string())?;
    }
    Ok(())
}

/// The demo's clients trust the demo's certificate and no other.
/// A service of the demonstration: all of them offer STARTTLS.
fn endpoint(protocol: Protocol, port: u16) -> Result<Endpoint, String> {
    let endpoint = Endpoint::new(protocol, HOST).map_err(|error| error.to_string())?;
    Ok(endpoint.with_tls(TlsMode::StartTls).with_port(port))
}

fn roots(directory: &Path) -> Result<RootCertStore, String> {
    let path = tls::self_signed_certificate(directory);
    let certificate =
        CertificateDer::from_pem_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).map_err(|error| error.to_string())?;
    Ok(roots)
}

/// The main job: in by SMTP, out by IMAP and POP3.
struct Job<'a> {
    running: &'a Running,
    roots: RootCertStore,
    people: &'a [Person; 2],
    message: Vec<u8>,
}

impl Job<'_> {
    async fn run(&self, show: &mut Show) -> Result<(), String> {
        self.submit(show).await?;
        self.read_by_imap(show).await?;
        self.read_by_pop3(show).await
    }

    fn options(&self, person: &Person, alpn: Alpn) -> Result<ClientOptions, String> {
        let config = client_config_with_roots(self.roots.clone(), alpn).map_err(|error| error.to_string())?;
        let options = ClientOptions::default().with_credentials(person.credentials());
        Ok(options.with_client_config(Arc::clone(&config)))
    }

    fn port(&self, service: Service) -> Result<u16, String> {
        let address = self.running.address(service);
        address.map(|address| address.port()).ok_or_else(|| format!("{service:?} is not open"))
    }

    async fn submit(&self, show: &mut Show) -> Result<(), String> {
        let [alice, bob] = self.people;
        let port = self.port(Service::Submission)?;
        let step = show.begin("smtp", "alice: EHLO, STARTTLS, AUTH");
        let options = self.options(alice, Alpn::Smtp)?;
        let name =
            "demo.example.test".parse().map_err(|error: posthaste_smtp::ParseError| error.to_string())?;
        let mut client = smtp::Client::connect(&endpoint(Protocol::Submission, port)?, name, &options)
            .await
            .map_err(|e| e.to_string())?;
        show.end(step, &format!("{HOST}:{port}, TLS, logged in"));

        let step = show.begin("smtp", "alice: MAIL, RCPT, DATA");
        let path = |person: &Person| format!("<{}>", person.address);
        let wrong = |error: posthaste_smtp::ParseError| error.to_string();
        let from = path(alice).parse().map_err(wrong)?;
        let to = path(bob).parse().map_err(wrong)?;
        let size = u64::try_from(self.message.len()).unwrap_or(u64::MAX);
        let body = if self.message.is_ascii() { BodyType::SevenBit } else { BodyType::EightBitMime };
        let envelope = Envelope::new(from, vec![to]).with_size(size).with_body(body);
        let report = client.send(envelope, self.message.clone()).await.map_err(|error| error.to_string())?;
        if !report.is_complete() {
            return Err(format!("the server did not take the message: {report:?}"));
        }
        client.quit().await.map_err(|error| error.to_string())?;
        show.end(step, &format!("{size} octets accepted, on disk"));
        Ok(())
    }

    async fn read_by_imap(&self, show: &mut Show) -> Result<(), String> {
        let [_, bob] = self.people;
        let port = self.port(Service::Imap)?;
        let step = show.begin("imap", "bob: STARTTLS, AUTHENTICATE, SELECT");
        let options = self.options(bob, Alpn::Imap)?;
        let client = imap::Client::connect(&endpoint(Protocol::Imap, port)?, &options)
            .await
            .map_err(|error| error.to_string())?;
        let exists = client.select(Mailbox::inbox()).await.map_err(|error| error.to_string())?.exists;
        show.end(step, &format!("{HOST}:{port}, {exists} message"));
        if exists != 1 {
            return Err(format!("INBOX has {exists} messages instead of 1"));
        }

        let step = show.begin("imap", "bob: FETCH ENVELOPE BODYSTRUCTURE");
        let row = fetch(&client, vec![FetchAttribute::Envelope, FetchAttribute::BodyStructure]).await?;
        let envelope = row.items.iter().find_map(|item| match item {
            FetchItem::Envelope(envelope) => Some(envelope),
            _ => None,
        });
        let structure = row.items.iter().find_map(|item| match item {
            FetchItem::BodyStructure(structure) => Some(structure),
            _ => None,
        });
        let envelope = envelope.ok_or("no ENVELOPE in the answer")?;
        let structure = structure.ok_or("no BODYSTRUCTURE in the answer")?;
        show.end(step, &describe_envelope(envelope));
        show.detail(&describe_structure(structure));

        let step = show.begin("imap", "bob: FETCH BODY[]");
        let attribute = FetchAttribute::Section { section: Section::whole(), partial: None, peek: false };
        let row = fetch(&client, vec![attribute]).await?;
        client.logout().await.map_err(|error| error.to_string())?;
        show.end(step, &self.compare(&row.octets)?);
        Ok(())
    }

    async fn read_by_pop3(&self, show: &mut Show) -> Result<(), String> {
        let [_, bob] = self.people;
        let port = self.port(Service::Pop3)?;
        let step = show.begin("pop3", "bob: STLS, AUTH, STAT");
        let options = self.options(bob, Alpn::Pop3)?;
        let mut client = pop3::Client::connect(&endpoint(Protocol::Pop3, port)?, &options)
            .await
            .map_err(|error| error.to_string())?;
        let (messages, octets) = client.stat().await.map_err(|error| error.to_string())?;
        show.end(step, &format!("{HOST}:{port}, {messages} message, {octets} octets"));

        let step = show.begin("pop3", "bob: RETR 1");
        let number = MessageNumber::new(1).ok_or("1 is a message number")?;
        let stored = client.retr_to_bytes(number, usize::MAX).await.map_err(|error| error.to_string())?;
        client.quit().await.map_err(|error| error.to_string())?;
        show.end(step, &self.compare(&stored)?);
        Ok(())
    }

    /// What is stored is the trace the server must put in front (RFC 5321 4.4), then every octet that was sent.
    fn compare(&self, stored: &[u8]) -> Result<String, String> {
        let trace = stored.strip_suffix(self.message.as_slice()).ok_or_else(|| {
            format!(
                "what was read ({} octets) does not end in what was sent ({})",
                stored.len(),
                self.message.len()
            )
        })?;
        let fields: Vec<_> = posthaste_imap::message::Fields::of(trace).collect();
        let names: Vec<_> = fields.iter().map(|field| String::from_utf8_lossy(field.name)).collect();
        if names != ["Return-Path", "Delivered-To", "Received"] {
            return Err(format!("unexpected fields in front of the message: {names:?}"));
        }
        Ok(format!("{} octets: {} of trace, {} as sent", stored.len(), trace.len(), self.message.len()))
    }
}

/// The answer to a FETCH of one message.
#[derive(Default)]
struct Row {
    items: Vec<FetchItem>,
    octets: Vec<u8>,
}

async fn fetch(client: &imap::Client, attributes: Vec<FetchAttribute>) -> Result<Row, String> {
    let mut row = Row::default();
    let mut rows = client.fetch(SequenceSet::all(), attributes).await.map_err(|error| error.to_string())?;
    while let Some(next) = rows.next().await.map_err(|error| error.to_string())? {
        for item in next.collect(usize::MAX).await.map_err(|error| error.to_string())? {
            match item {
                FetchItem::Payload { data, .. } => row.octets.extend(data.unwrap_or_default()),
                item => row.items.push(item),
            }
        }
    }
    Ok(row)
}

fn describe_envelope(envelope: &ImapEnvelope) -> String {
    let text = |octets: Option<&[u8]>| String::from_utf8_lossy(octets.unwrap_or_default()).into_owned();
    let from = envelope.from.first();
    let part = |part: Option<&posthaste_imap::types::AString>| text(part.map(|part| part.as_bytes()));
    let mailbox = part(from.and_then(|address| address.mailbox.as_ref()));
    let host = part(from.and_then(|address| address.host.as_ref()));
    let subject: String = part(envelope.subject.as_ref()).chars().filter(|c| !c.is_control()).collect();
    format!("from {mailbox}@{host}, subject {subject:?}")
}

/// The media types of a message, nested as its parts are.
fn describe_structure(structure: &BodyStructure) -> String {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).to_lowercase();
    match structure {
        BodyStructure::Multipart(multipart) => {
            let parts: Vec<String> = multipart.parts.iter().map(describe_structure).collect();
            format!("multipart/{} ({})", text(multipart.subtype.as_bytes()), parts.join(", "))
        }
        BodyStructure::Part(part) => match &part.kind {
            BodyKind::Basic { media_type, subtype } => {
                format!("{}/{}", text(media_type.as_bytes()), text(subtype.as_bytes()))
            }
            BodyKind::Text { subtype, .. } => format!("text/{}", text(subtype.as_bytes())),
            BodyKind::Message { body, .. } => format!("message/rfc822 [{}]", describe_structure(body)),
        },
    }
}

/// The message with CR LF at the end of every line, the last one included: what SMTP can carry.
fn canonical(message: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(message.len());
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        lines.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
        lines.extend_from_slice(b"\r\n");
    }
    lines
}

/// What people look at.
struct Show {
    number: usize,
}

/// A step in progress.
struct Step(Instant);

impl Show {
    const fn new() -> Self {
        Self { number: 0 }
    }

    fn title(&self, title: &str) {
        self.line(&format!("\n  {title}\n"));
    }

    fn begin(&mut self, part: &str, what: &str) -> Step {
        self.number = self.number.saturating_add(1);
        self.put(&format!("  {:>2}  {part:<9} {what:<38}", self.number));
        Step(Instant::now())
    }

    #[expect(clippy::needless_pass_by_value, reason = "a step ends once")]
    fn end(&self, step: Step, result: &str) {
        let took = step.0.elapsed();
        self.line(&format!("{:>8.1} ms   ok   {result}", took.as_secs_f64() * 1000.0));
    }

    fn detail(&self, detail: &str) {
        self.line(&format!("{:70}{detail}", ""));
    }

    fn failed(&self, reason: &str) {
        self.line(&format!("\n      FAILED  {reason}"));
    }

    fn invitation(&self, running: &Running, people: &[Person; 2], certificate: &Path) {
        self.line("\n  Still serving. For any mail client:\n");
        self.line(&format!("      host          {HOST} (127.0.0.1)"));
        for (service, address) in &running.bound {
            let how = match service {
                Service::Submission | Service::Imap | Service::Pop3 => "STARTTLS",
                Service::Submissions | Service::Imaps | Service::Pop3s => "TLS",
                Service::Smtp | Service::Lmtp => "no login: mail for local accounts",
            };
            let name = format!("{service:?}").to_lowercase();
            self.line(&format!("      {name:<13} port {:<6} {how}", address.port()));
        }
        for person in people {
            self.line(&format!("      user          {:<20} password {}", person.address, person.password));
        }
        self.line(&format!("      certificate   {}", certificate.display()));
        self.line("\n  Ctrl-C ends it.");
    }

    fn line(&self, line: &str) {
        self.put(line);
        self.put("\n");
    }

    /// Whoever reads may have gone away: that is no failure of the demo.
    fn put(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

/// The certificate is for this name, and it stands for the loopback address everywhere.
const HOST: &str = "localhost";

const DOMAIN: &str = "example.test";

/// A message with what is easily broken on the way: dots at the start of lines, two forms of one text, a subject
/// that needs encoding.
const MESSAGE: &str = "\
From: Alice <alice@example.test>
To: Bob <bob@example.test>
Subject: =?utf-8?q?First_light_=E2=98=80?=
Date: Sat, 21 Nov 2026 09:00:00 +0000
Message-ID: <first-light@example.test>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=\"seam\"

--seam
Content-Type: text/plain; charset=utf-8

Good morning, Bob.
.
..this line begins with two dots, the one above is one dot.
Alice
--seam
Content-Type: text/html; charset=utf-8

<p>Good morning, <b>Bob</b>.</p>
<p>.</p>
<p>Alice</p>
--seam--
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_canonical_whatever_they_were() {
        assert_eq!(canonical(b"a\nb\r\nc"), b"a\r\nb\r\nc\r\n");
        assert_eq!(canonical(b""), b"");
    }
}
