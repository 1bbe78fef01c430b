//! A server in this process that keeps mail by IMAP, and peers that speak to it line by line, so that tests see every
//! octet.

use std::sync::Arc;

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
use tokio::net::TcpStream;

#[path = "peer.rs"]
mod peer;

pub(crate) use peer::{Imap, Peer};

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
