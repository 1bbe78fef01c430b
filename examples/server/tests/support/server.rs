//! A server in this process, and peers that speak to it line by line, so that tests see every octet.

use std::path::Path;
use std::sync::Arc;

use posthaste_server::config::{Config, Limits, Listen};
use posthaste_server::directory::{Account, Address, Alias, DirectoryError, Domain, Draft, HashCost};
use posthaste_server::index::Index;
use posthaste_server::listen::{self, Running, Service};
use posthaste_server::store::sqlite::Sqlite;
use posthaste_server::store::{Mailbox, MailboxName, Store, Usage};
use posthaste_server::tls;
use posthaste_tokio::Secret;
use posthaste_tokio::tls::{Alpn, client_config_with_roots};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;
use tokio::net::TcpStream;

#[path = "peer.rs"]
mod peer;

use peer::Transport;
pub(crate) use peer::{Imap, Peer};

pub(crate) struct World {
    // Before the directory, so that the store is closed when its files go.
    pub(crate) running: Running,
    pub(crate) data: TempDir,
    roots: RootCertStore,
}

impl World {
    /// A server for `x.test` with alice, bob and postmaster, whose passwords are `secret`.
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::configured(|config| config.limits = limits).await
    }

    /// The same with what is changed in the configuration.
    pub(crate) async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = config(data.path());
        change(&mut config);
        let running = listen::start(config, HashCost::MINIMUM).await.unwrap();
        Self::populated(data, running).await
    }

    /// The same on a store that `wrap` puts around the usual one.
    pub(crate) async fn on_store(wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let index = Index::new(1 << 20);
        let store = Arc::new(Sqlite::open(data.path(), Arc::new(index.clone())).unwrap());
        let config = config(data.path());
        let running = listen::start_with(config, HashCost::MINIMUM, index, wrap(store)).await.unwrap();
        Self::populated(data, running).await
    }

    async fn populated(data: TempDir, running: Running) -> Self {
        let mut world = Self { data, running, roots: RootCertStore::empty() };
        // Where the configuration has certificates, whoever made them has the client trust them.
        if let Ok(certificate) = std::fs::read_to_string(tls::self_signed_certificate(world.data.path())) {
            world.trust(&certificate);
        }
        world.change(|draft| draft.put_domain(Domain::new("x.test"))).await;
        for name in ["alice", "bob", "postmaster"] {
            world.account(name, None).await;
        }
        world
    }

    /// Clients trust this certificate, in PEM, and no other.
    pub(crate) fn trust(&mut self, certificate: &str) {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        self.roots = RootCertStore::empty();
        self.roots.add(certificate).unwrap();
    }

    /// Changes the directory.
    pub(crate) async fn change(&self, mut edit: impl FnMut(&mut Draft) + Send) {
        let edit = |draft: &mut Draft| {
            edit(draft);
            Ok::<_, DirectoryError>(())
        };
        self.running.directory().change(edit).await.unwrap();
    }

    pub(crate) async fn account(&self, name: &str, quota: Option<u64>) -> Arc<Account> {
        let credential = self.running.directory().credential(&Secret::from(&b"secret"[..])).await.unwrap();
        self.change(|draft| {
            let mut account = Account::new(draft.new_account(), address(name));
            account.quota = quota;
            draft.put_account(account.with_credential(Some(credential.clone())));
        })
        .await;
        self.account_of(name)
    }

    /// An account, as it is now.
    pub(crate) fn account_of(&self, name: &str) -> Arc<Account> {
        self.running.directory().account(&address(name)).unwrap()
    }

    /// Changes an account that is there.
    pub(crate) async fn change_account(&self, name: &str, edit: impl Fn(&mut Account) + Send) {
        let mut account = Account::clone(&self.account_of(name));
        edit(&mut account);
        self.change(|draft| draft.put_account(account.clone())).await;
    }

    pub(crate) async fn alias(&self, name: &str, targets: &[&str]) {
        let targets = targets.iter().map(|name| address(name)).collect();
        let alias = Alias { address: address(name), enabled: true, targets };
        self.change(|draft| draft.put_alias(alias.clone())).await;
    }

    /// A peer on a port, over TLS where the service begins with it.
    pub(crate) async fn connect(&self, service: Service) -> Peer {
        let tcp = TcpStream::connect(self.running.address(service).unwrap()).await.unwrap();
        match service {
            Service::Imaps => self.over_tls(tcp, Alpn::Imap).await,
            Service::Pop3s => self.over_tls(tcp, Alpn::Pop3).await,
            Service::Submissions => self.over_tls(tcp, Alpn::Smtp).await,
            _ => Peer::new(tcp),
        }
    }

    /// The same connection over TLS, once the server has said that it is ready for it.
    pub(crate) async fn secure(&self, peer: Peer) -> Peer {
        self.secure_as(peer, Alpn::Smtp).await
    }

    /// The same, for another protocol.
    pub(crate) async fn secure_as(&self, peer: Peer, alpn: Alpn) -> Peer {
        assert!(peer.0.buffer().is_empty());
        self.over_tls(peer.0.into_inner(), alpn).await
    }

    /// What a client believes that is to trust this server.
    pub(crate) fn client_config(&self, alpn: Alpn) -> Arc<rustls::ClientConfig> {
        client_config_with_roots(self.roots.clone(), alpn).unwrap()
    }

    async fn over_tls(&self, tcp: impl Transport + 'static, alpn: Alpn) -> Peer {
        let config = client_config_with_roots(self.roots.clone(), alpn).unwrap();
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

    /// A POP3 session up to the answer to PASS.
    pub(crate) async fn pop3(&self, name: &str) -> (Peer, String) {
        let mut peer = self.connect(Service::Pop3s).await;
        peer.expect("+OK").await;
        peer.ask(&format!("USER {name}@x.test"), "+OK").await;
        peer.send("PASS secret\r\n").await;
        let answer = peer.line().await;
        (peer, answer)
    }

    /// An SMTP session behind EHLO.
    pub(crate) async fn smtp(&self) -> Peer {
        let mut peer = self.connect(Service::Smtp).await;
        peer.expect("220 ").await;
        peer.ehlo("EHLO").await;
        peer
    }

    /// A submission session, logged in.
    pub(crate) async fn submission(&self, name: &str) -> Peer {
        let mut peer = self.connect(Service::Submissions).await;
        peer.expect("220 ").await;
        peer.ehlo("EHLO").await;
        let response = base64(format!("\0{name}@x.test\0secret").as_bytes());
        peer.ask(&format!("AUTH PLAIN {response}"), "235 ").await;
        peer
    }

    /// An LMTP session behind LHLO.
    pub(crate) async fn lmtp(&self) -> Peer {
        let mut peer = self.connect(Service::Lmtp).await;
        peer.expect("220 ").await;
        peer.ehlo("LHLO").await;
        peer
    }

    /// Delivers a message, as SMTP writes it, whose last line has its end.
    pub(crate) async fn deliver(&self, to: &str, message: &str) {
        let mut peer = self.smtp().await;
        peer.envelope("<out@side.test>", &[to]).await;
        peer.ask(&format!("{message}."), "250 ").await;
        peer.ask("QUIT", "221 ").await;
    }

    pub(crate) async fn usage(&self, name: &str) -> Usage {
        self.running.store().usage(self.account_of(name).id).await.unwrap()
    }

    pub(crate) async fn used(&self, name: &str) -> u64 {
        self.usage(name).await.octets
    }

    /// Messages that are in mailboxes of anybody.
    pub(crate) async fn messages(&self) -> u64 {
        let usages = self.running.store().usages().await.unwrap();
        usages.iter().map(|(_, usage)| usage.messages).sum()
    }

    pub(crate) async fn mailbox(&self, name: &str, mailbox: &str) -> Mailbox {
        let mailbox = MailboxName::new(mailbox).unwrap();
        self.running.store().mailbox(self.account_of(name).id, &mailbox).await.unwrap()
    }

    /// What is in a mailbox, in its order.
    pub(crate) async fn contents(&self, name: &str, mailbox: &str) -> Vec<String> {
        let store = self.running.store();
        let snapshot = store.snapshot(self.mailbox(name, mailbox).await.id).await.unwrap();
        let mut contents = Vec::new();
        for meta in snapshot.messages {
            let mut content = store.content(meta.blob, 0..u64::MAX).await.unwrap();
            let mut octets = Vec::new();
            while let Some(chunk) = content.next_chunk().await.unwrap() {
                octets.extend_from_slice(&chunk);
            }
            contents.push(String::from_utf8(octets).unwrap());
        }
        contents
    }

    /// Nothing is left of a message that was not taken.
    pub(crate) async fn assert_nothing_stored(&self) {
        assert_eq!(self.messages().await, 0);
        let sql = rusqlite::Connection::open(self.data.path().join("posthaste.sqlite")).unwrap();
        assert_eq!(sql.query_row("SELECT count(*) FROM blobs", [], |row| row.get::<_, i64>(0)), Ok(0));
        assert_eq!(self.spool_files(), 0);
    }

    pub(crate) fn spool_files(&self) -> usize {
        std::fs::read_dir(self.data.path().join("spool")).unwrap().count()
    }
}

fn config(data: &Path) -> Config {
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
        ..Listen::default()
    };
    let mut config = Config { listen, ..Config::new("localhost", data) };
    // All peers of a test are on this machine.
    config.bans.exempt.clear();
    config
}

/// The address of somebody of `x.test`.
pub(crate) fn address(name: &str) -> Address {
    Address::parse(&format!("{name}@x.test")).unwrap()
}

impl Peer {
    /// Sends a line, whose answer is one line that starts so.
    pub(crate) async fn ask(&mut self, command: &str, start: &str) -> String {
        self.send(&format!("{command}\r\n")).await;
        let line = self.line().await;
        assert!(line.starts_with(start), "{command:?}: expected {start:?}, got {line:?}");
        line
    }

    pub(crate) async fn ehlo(&mut self, verb: &str) -> String {
        self.send(&format!("{verb} client.test\r\n")).await;
        let mut lines = String::new();
        loop {
            let line = self.expect("250").await;
            lines.push_str(&line);
            if line.starts_with("250 ") {
                return lines;
            }
        }
    }

    /// MAIL, RCPT, DATA.
    pub(crate) async fn envelope(&mut self, from: &str, to: &[&str]) {
        self.ask(&format!("MAIL FROM:{from}"), "250 ").await;
        for to in to {
            self.ask(&format!("RCPT TO:<{to}>"), "250 ").await;
        }
        self.ask("DATA", "354 ").await;
    }

    /// Lines up to the one with a single dot.
    pub(crate) async fn multiline(&mut self) -> String {
        let mut lines = String::new();
        loop {
            let line = self.line().await;
            if line == ".\r\n" {
                return lines;
            }
            assert!(!line.is_empty(), "cut after {lines:?}");
            lines.push_str(&line);
        }
    }
}

/// Octets in base 64.
pub(crate) fn base64(octets: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(octets)
}
