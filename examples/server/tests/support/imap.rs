//! A server in this process that keeps mail by IMAP, and peers that speak to it line by line, so that tests see every
//! octet.

use std::sync::Arc;
use std::time::Duration;

use posthaste_server::config::{Config, Limits, Listen};
use posthaste_server::directory::{Account, Address, DirectoryError, Domain, Draft, HashCost};
use posthaste_server::listen::{self, Running, Service};
use posthaste_server::tls;
use posthaste_tokio::Secret;
use posthaste_tokio::tls::{Alpn, client_config_with_roots};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) struct World {
    // Before the directory, so that the store is closed when its files go.
    pub(crate) running: Running,
    _data: TempDir,
    roots: RootCertStore,
}

impl World {
    /// A server for `x.test` with alice, bob, carol and public, whose passwords are `secret`. What public keeps is
    /// shared.
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::new("localhost", data.path());
        let any = || vec![std::net::SocketAddr::from(([127, 0, 0, 1], 0))];
        config.listen = Listen { imap: any(), imaps: any(), ..Listen::default() };
        config.limits = limits;
        config.public_account = Some("public@x.test".to_owned());
        let running = listen::start(config, HashCost::MINIMUM).await.unwrap();
        let certificate = CertificateDer::from_pem_file(tls::self_signed_certificate(data.path())).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let world = Self { running, _data: data, roots };
        world.change(|draft| draft.put_domain(Domain::new("x.test"))).await;
        for name in ["alice", "bob", "carol", "public"] {
            world.account(name).await;
        }
        world
    }

    /// Changes the directory.
    pub(crate) async fn change(&self, mut edit: impl FnMut(&mut Draft) + Send) {
        let edit = |draft: &mut Draft| {
            edit(draft);
            Ok::<_, DirectoryError>(())
        };
        self.running.directory().change(edit).await.unwrap();
    }

    async fn account(&self, name: &str) {
        let directory = self.running.directory();
        let credential = directory.credential(&Secret::from(&b"secret"[..])).await.unwrap();
        self.change(|draft| {
            let account = Account::new(draft.new_account(), address(name));
            draft.put_account(account.with_credential(Some(credential.clone())));
        })
        .await;
    }

    /// An account, as it is now.
    pub(crate) fn account_of(&self, name: &str) -> Arc<Account> {
        self.running.directory().account(&address(name)).unwrap()
    }

    /// Changes an account.
    pub(crate) async fn change_account(&self, name: &str, edit: impl Fn(&mut Account) + Send) {
        let mut account = Account::clone(&self.account_of(name));
        edit(&mut account);
        self.change(|draft| draft.put_account(account.clone())).await;
    }

    /// A peer on a port, over TLS where the service begins with it.
    pub(crate) async fn connect(&self, service: Service) -> Peer {
        let tcp = TcpStream::connect(self.running.address(service).unwrap()).await.unwrap();
        if service == Service::Imap {
            return Peer::new(tcp);
        }
        let config = client_config_with_roots(self.roots.clone(), Alpn::Imap).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        Peer::new(tokio_rustls::TlsConnector::from(config).connect(name, tcp).await.unwrap())
    }

    /// A logged-in IMAP session.
    pub(crate) async fn imap(&self, name: &str) -> Imap {
        let mut peer = self.connect(Service::Imaps).await;
        peer.expect("* OK").await;
        let mut imap = Imap::new(peer);
        imap.ok(&format!("LOGIN {name}@x.test secret")).await;
        imap
    }

    /// A logged-in IMAP session with a mailbox open.
    pub(crate) async fn selected(&self, name: &str, mailbox: &str) -> Imap {
        let mut imap = self.imap(name).await;
        imap.ok(&format!("SELECT {mailbox}")).await;
        imap
    }
}

fn address(name: &str) -> Address {
    Address::parse(&format!("{name}@x.test")).unwrap()
}

trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

/// The other end of a connection. Whatever it waits for must come within [`PATIENCE`].
pub(crate) struct Peer(BufReader<Box<dyn Transport>>);

impl Peer {
    fn new(transport: impl Transport + 'static) -> Self {
        Self(BufReader::new(Box::new(transport)))
    }

    pub(crate) async fn send(&mut self, text: &str) {
        timeout(PATIENCE, self.0.write_all(text.as_bytes())).await.expect("stuck").unwrap();
        timeout(PATIENCE, self.0.flush()).await.expect("stuck").unwrap();
    }

    /// The next line with its end; empty at the end of the connection.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = Vec::new();
        timeout(PATIENCE, self.0.read_until(b'\n', &mut line)).await.expect("no line came").unwrap();
        String::from_utf8(line).unwrap()
    }

    pub(crate) async fn octets(&mut self, count: usize) -> Vec<u8> {
        let mut octets = vec![0; count];
        timeout(PATIENCE, self.0.read_exact(&mut octets)).await.expect("no octets came").unwrap();
        octets
    }

    pub(crate) async fn expect(&mut self, start: &str) -> String {
        let line = self.line().await;
        assert!(line.starts_with(start), "expected {start:?}, got {line:?}");
        line
    }
}

/// An IMAP session.
pub(crate) struct Imap {
    pub(crate) peer: Peer,
    number: u32,
}

impl Imap {
    /// On a connection that has been greeted.
    pub(crate) fn new(peer: Peer) -> Self {
        Self { peer, number: 0 }
    }

    /// Sends a command; everything up to and with its tagged answer, literals in place, the tag written `T`.
    pub(crate) async fn run(&mut self, command: &str) -> String {
        let tag = self.start(command).await;
        self.finish(&tag).await
    }

    pub(crate) async fn start(&mut self, command: &str) -> String {
        self.number += 1;
        let tag = format!("a{}", self.number);
        self.peer.send(&format!("{tag} {command}\r\n")).await;
        tag
    }

    pub(crate) async fn finish(&mut self, tag: &str) -> String {
        let mut all = String::new();
        loop {
            let response = self.response().await;
            assert!(!response.is_empty(), "cut after {all:?}");
            if let Some(status) = response.strip_prefix(&format!("{tag} ")) {
                return format!("{all}T {status}");
            }
            all.push_str(&response);
        }
    }

    /// One response with its literals.
    pub(crate) async fn response(&mut self) -> String {
        let mut response = String::new();
        loop {
            let line = self.peer.line().await;
            response.push_str(&line);
            let literal = line.strip_suffix("}\r\n").and_then(|line| line.rsplit_once('{'));
            let Some(count) = literal.and_then(|(_, count)| count.parse().ok()) else { return response };
            response.push_str(&String::from_utf8(self.peer.octets(count).await).unwrap());
        }
    }

    pub(crate) async fn ok(&mut self, command: &str) -> String {
        let answer = self.run(command).await;
        assert!(answer.contains("T OK"), "{command:?}: {answer:?}");
        answer
    }

    pub(crate) async fn no(&mut self, command: &str) -> String {
        let answer = self.run(command).await;
        assert!(answer.contains("T NO"), "{command:?}: {answer:?}");
        answer
    }

    /// APPEND with a synchronising literal.
    pub(crate) async fn append(&mut self, arguments: &str, message: &str) -> String {
        let tag = self.start(&format!("APPEND {arguments} {{{}}}", message.len())).await;
        let line = self.peer.line().await;
        if let Some(status) = line.strip_prefix(&format!("{tag} ")) {
            return format!("T {status}");
        }
        assert!(line.starts_with('+'), "{line:?}");
        self.peer.send(&format!("{message}\r\n")).await;
        self.finish(&tag).await
    }

    pub(crate) async fn idle(&mut self) -> String {
        let tag = self.start("IDLE").await;
        self.peer.expect("+").await;
        tag
    }

    pub(crate) async fn done(&mut self, tag: &str) -> String {
        self.peer.send("DONE\r\n").await;
        self.finish(tag).await
    }
}

/// How long anything may take that has to come.
const PATIENCE: Duration = Duration::from_secs(20);
