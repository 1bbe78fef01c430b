//! What an idle connection costs: 10,000 IMAP connections over loopback TCP, logged in and in IDLE, in the clear,
//! under TLS, and compressed. Prints the resident memory of the process per connection, from `/proc`; what the
//! kernel holds for a socket is not in it.
//!
//! The peers live in a second process, this binary with an argument, so that their memory does not count.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement of which anything goes wrong is to end"
)]

use std::process::Stdio;
use std::sync::Arc;

use posthaste_imap::server::{AuthPrivacy, Config, Event, Extensions, Server};
use posthaste_tokio::tls::{Alpn, server_config};
use posthaste_tokio::{Connection, Role, Stream, Time};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::{Semaphore, mpsc};

/// How many connections are held at once.
const CONNECTIONS: usize = 10_000;
/// How many of them are being made at once.
const AT_ONCE: usize = 50;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let arguments: Vec<_> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "hold") {
        Some(at) => runtime.block_on(hold(&arguments[at + 1], &arguments[at + 2])),
        None => {
            println!("Connection<Server>: {} octets", size_of::<Connection<Server>>());
            for way in ["plain", "compressed", "tls"] {
                // Each in a process of its own: memory that was given back to the allocator is not given back to the
                // system.
                if arguments.iter().any(|argument| argument == "measure") {
                    if arguments.iter().any(|argument| argument == way) {
                        runtime.block_on(measure(way));
                    }
                } else {
                    let own = std::env::current_exe().unwrap();
                    let status = std::process::Command::new(own).args(["measure", way]).status();
                    assert!(status.unwrap().success());
                }
            }
        }
    }
}

/// Serves connections until all of them are in IDLE, and says what they take.
async fn measure(way: &'static str) {
    let role = match way {
        "tls" => Role::Server { tls: Some(certificate()) },
        _ => Role::Server { tls: None },
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (idle, mut idling) = mpsc::unbounded_channel();
    let (served, before) = (role.clone(), resident());
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            tokio::spawn(session(tcp, served.clone(), idle.clone()));
        }
    });
    let mut peers = Command::new(std::env::current_exe().unwrap())
        .args(["hold", &address, way])
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    for _ in 0..CONNECTIONS {
        idling.recv().await.unwrap();
    }
    // What was said last is still to be sent, and a compressor rests after ten seconds.
    let moment = if way == "compressed" { 12_000 } else { 500 };
    tokio::time::sleep(std::time::Duration::from_millis(moment)).await;
    println!(
        "{way}: {} octets for each of {CONNECTIONS} idle connections",
        (resident() - before) / CONNECTIONS
    );
    drop(peers.stdin.take());
    peers.wait().await.unwrap();
}

async fn session(tcp: TcpStream, role: Role, idle: mpsc::UnboundedSender<()>) {
    let mut stream = Stream::from(tcp);
    if matches!(role, Role::Server { tls: Some(_) }) {
        stream = Box::pin(stream.into_tls(&role)).await.unwrap();
    }
    let mut config = Config::new("mail.test");
    config.auth_requires_tls = AuthPrivacy::NotRequired;
    config.extensions = Extensions::new().with_compress();
    let machine = Server::new(config, stream.security(), Time::ZERO);
    let mut connection = Connection::new(machine, stream, role);
    while let Ok(Some(event)) = connection.next().await {
        let server = connection.machine();
        match event {
            Event::Login(login) => login.ok(server).unwrap(),
            Event::Compress(compress) => compress.accept(server).unwrap(),
            Event::Idle(token) => {
                token.start(server).unwrap();
                idle.send(()).unwrap();
            }
            _ => {}
        }
    }
}

/// The other process: holds connections in IDLE until its standard input ends.
async fn hold(address: &str, way: &str) {
    let (limit, connector) = (Arc::new(Semaphore::new(AT_ONCE)), connector());
    let (held, mut holding) = mpsc::unbounded_channel();
    for _ in 0..CONNECTIONS {
        let permit = Arc::clone(&limit).acquire_owned().await.unwrap();
        let (address, way, held) = (address.to_owned(), way.to_owned(), held.clone());
        let connector = connector.clone();
        tokio::spawn(async move {
            let tcp = TcpStream::connect(address).await.unwrap();
            if way == "tls" {
                let name = "mail.test".try_into().unwrap();
                let mut stream = connector.connect(name, tcp).await.unwrap();
                enter(&mut stream, &[b"1 LOGIN joe x\r\n", b"2 IDLE\r\n"]).await;
                held.send(Box::new(stream) as Box<dyn Send>).unwrap();
            } else if way == "compressed" {
                let mut tcp = tcp;
                enter(&mut tcp, &[b"1 LOGIN joe x\r\n", b"2 COMPRESS DEFLATE\r\n"]).await;
                // One stored block: IDLE, uncompressed, in the format of RFC 1951 3.2.4.
                tcp.write_all(b"\x00\x08\x00\xf7\xff3 IDLE\r\n").await.unwrap();
                let mut octets = [0; 8];
                assert!(tcp.read(&mut octets).await.unwrap() > 0);
                held.send(Box::new(tcp)).unwrap();
            } else {
                let mut tcp = tcp;
                enter(&mut tcp, &[b"1 LOGIN joe x\r\n", b"2 IDLE\r\n"]).await;
                held.send(Box::new(tcp)).unwrap();
            }
            drop(permit);
        });
    }
    let collecting = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(stream) = holding.recv().await {
            all.push(stream);
        }
    });
    // Ends when the first process closes it.
    drop(tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin())).await);
    collecting.abort();
}

/// Hears the greeting, says each line and hears an answer.
async fn enter(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), lines: &[&[u8]]) {
    let mut heard = Vec::new();
    for line in lines {
        hear(stream, &mut heard).await;
        stream.write_all(line).await.unwrap();
    }
    hear(stream, &mut heard).await;
}

async fn hear(stream: &mut (impl AsyncRead + Unpin), heard: &mut Vec<u8>) {
    heard.clear();
    while !heard.ends_with(b"\r\n") {
        assert!(stream.read_buf(heard).await.unwrap() > 0);
    }
}

/// The resident memory of this process, in octets.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

fn certificate() -> Arc<rustls::ServerConfig> {
    let made = rcgen::generate_simple_self_signed(vec!["mail.test".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    server_config(vec![made.cert.der().clone()], key, Alpn::Imap).unwrap()
}

/// A client that believes every certificate.
fn connector() -> tokio_rustls::TlsConnector {
    let config = rustls::ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    tokio_rustls::TlsConnector::from(Arc::new(config))
}

#[derive(Debug)]
struct Anyone;

impl rustls::client::danger::ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
