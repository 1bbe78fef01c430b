//! Where a server is and who logs in: one port of it, the protection there, and accounts by a pattern.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use posthaste_tokio::tls::{
    Alpn, ClientSettings, ClientTls, Pin, PinnedCertificates, Trust, default_provider,
};
use posthaste_tokio::{ClientOptions, Credentials, Endpoint, Protocol, Role, Stream, TlsMode};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::net::TcpStream;

use crate::LoadError;

/// How a port is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Tls {
    /// Not at all. Passwords go in the clear: for measurements on one machine only.
    None,
    /// By STARTTLS or STLS.
    Starttls,
    /// From the first octet.
    Implicit,
}

/// A port of a server.
#[derive(Clone, Debug)]
pub struct Target {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How it is protected.
    pub tls: Tls,
    /// Which certificate it has.
    pub trust: Arc<ServerTrust>,
    /// Who logs in, and who gets mail.
    pub accounts: Accounts,
}

/// The certificate that a server must have; one of public authorities where none is named.
#[derive(Debug, Default)]
pub struct ServerTrust {
    certificate: Option<CertificateDer<'static>>,
    /// What TLS needs, made once for each protocol: it would be a part of every login.
    configs: Mutex<Vec<(Alpn, Arc<ClientConfig>)>>,
}

/// Accounts that are there already.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// A name with `{n}` in it.
    pub pattern: String,
    /// The number of the first.
    pub first: u64,
    /// How many there are, never 0.
    pub count: u64,
    /// The password of each of them.
    pub password: String,
}

impl Accounts {
    /// The account that has a turn; the first comes again after the last.
    pub fn name(&self, turn: u64) -> String {
        let number = self.first.saturating_add(turn.checked_rem(self.count).unwrap_or(0));
        self.pattern.replace("{n}", &number.to_string())
    }

    /// All of them.
    pub fn names(&self) -> Vec<String> {
        (0..self.count).map(|turn| self.name(turn)).collect()
    }
}

impl Target {
    /// The same server at another port.
    #[must_use]
    pub fn at(&self, port: u16, tls: Tls) -> Self {
        Self { port, tls, ..self.clone() }
    }

    /// A connection, with TLS where that comes first, and what STARTTLS needs.
    ///
    /// # Errors
    ///
    /// Nobody is there, or the handshake fails.
    pub async fn connect(&self, alpn: Alpn) -> Result<(Stream, Role), LoadError> {
        let role = self.role(alpn)?;
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await;
        let tcp =
            tcp.map_err(|error| LoadError::Connection(format!("{}:{}: {error}", self.host, self.port)))?;
        // Small commands are not to wait for each other.
        tcp.set_nodelay(true).map_err(LoadError::connection)?;
        let stream = match self.tls {
            // The clients give no password to a stream that others can read; who asks for this knows.
            Tls::None => Stream::local(tcp),
            Tls::Starttls => Stream::from(tcp),
            Tls::Implicit => Stream::from(tcp).into_tls(&role).await.map_err(LoadError::connection)?,
        };
        Ok((stream, role))
    }

    /// The endpoint, for the clients of `posthaste-tokio`.
    ///
    /// # Errors
    ///
    /// The host is none.
    pub fn endpoint(&self, protocol: Protocol) -> Result<Endpoint, LoadError> {
        let endpoint = Endpoint::new(protocol, &self.host).map_err(LoadError::connection)?;
        let mode = match self.tls {
            Tls::None => TlsMode::Plain,
            Tls::Starttls => TlsMode::StartTls,
            Tls::Implicit => TlsMode::Implicit,
        };
        Ok(endpoint.with_port(self.port).with_tls(mode))
    }

    /// Options for these clients, logging in as `user` where that is given.
    ///
    /// # Errors
    ///
    /// The certificate is none.
    pub fn options(&self, alpn: Alpn, user: Option<&str>) -> Result<ClientOptions, LoadError> {
        let mut options = ClientOptions::default();
        if self.tls != Tls::None {
            options.client_config = Some(self.client_config(alpn)?);
        }
        options.credentials = user.map(|user| Credentials::new(user, self.accounts.password.as_str()));
        Ok(options)
    }

    fn role(&self, alpn: Alpn) -> Result<Role, LoadError> {
        if self.tls == Tls::None {
            return Ok(Role::Client { tls: None });
        }
        let tls = ClientTls::new(self.client_config(alpn)?, &self.host).map_err(LoadError::connection)?;
        Ok(Role::Client { tls: Some(tls) })
    }

    fn client_config(&self, alpn: Alpn) -> Result<Arc<ClientConfig>, LoadError> {
        self.trust.client_config(alpn)
    }
}

impl ServerTrust {
    fn client_config(&self, alpn: Alpn) -> Result<Arc<ClientConfig>, LoadError> {
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = configs.iter().find(|(of, _)| *of == alpn) {
            return Ok(Arc::clone(config));
        }
        let mut settings = ClientSettings::new(alpn);
        if let Some(certificate) = &self.certificate {
            let provider = default_provider().map_err(LoadError::connection)?;
            let pinned = PinnedCertificates::new(provider, [Pin::of_certificate(certificate)]);
            settings = settings.with_trust(Trust::Verifier(Arc::new(pinned)));
        }
        let config = settings.build().map_err(LoadError::connection)?;
        // Many logins that resume one session would not be those of many users.
        let mut config = Arc::unwrap_or_clone(config);
        config.resumption = rustls::client::Resumption::disabled();
        let config = Arc::new(config);
        configs.push((alpn, Arc::clone(&config)));
        Ok(config)
    }
}

/// Reads a certificate in PEM.
///
/// # Errors
///
/// The file cannot be read, or is none.
pub fn read_certificate(path: &Path) -> Result<Arc<ServerTrust>, LoadError> {
    let failed = |error: &dyn std::fmt::Display| LoadError::File(format!("{}: {error}", path.display()));
    let pem = std::fs::read(path).map_err(|error| failed(&error))?;
    let certificate = CertificateDer::from_pem_slice(&pem).map_err(|error| failed(&error))?;
    Ok(Arc::new(ServerTrust { certificate: Some(certificate), ..ServerTrust::default() }))
}
