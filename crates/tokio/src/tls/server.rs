//! The server's side of TLS: what it shows, which application protocols it takes, and which sessions it resumes.
//!
//! Decides that a client which names other protocols only is refused (RFC 7301 3.2), and that a session is resumed at
//! the service that made it, under the certificates it was made with. No early data: what is sent before the
//! handshake is over can be sent again by somebody else (RFC 8446 8).

use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache, StoresServerSessions};
use rustls::sign::CertifiedKey;

use super::certificates::Table;
use super::{Alpn, AlpnPolicy, Certificates, default_provider};

/// How a service speaks TLS.
///
/// ```
/// use std::sync::Arc;
/// use posthaste_tokio::tls::{Alpn, CertificateFiles, Certificates, ServerSettings, default_provider};
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let files = [CertificateFiles::new("mail.example/chain.pem", "mail.example/key.pem")];
/// let certificates = Certificates::from_files(default_provider()?, &files)?;
/// let imap = ServerSettings::new(Alpn::Imap).build(&certificates)?;
/// let pop3 = ServerSettings::new(Alpn::Pop3).build(&certificates)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "settings do nothing until they are built"]
pub struct ServerSettings {
    alpn: Alpn,
    policy: AlpnPolicy,
}

impl ServerSettings {
    /// TLS 1.2 and 1.3 as the provider of the certificates prefers them, for this protocol.
    pub const fn new(alpn: Alpn) -> Self {
        Self { alpn, policy: AlpnPolicy::Optional }
    }

    /// The same with another policy for clients that name no application protocol.
    pub const fn with_alpn_policy(self, policy: AlpnPolicy) -> Self {
        Self { policy, ..self }
    }

    /// The configuration of a service, with sessions of its own. It shows whatever `certificates` are there when a
    /// client comes.
    ///
    /// # Errors
    ///
    /// The provider offers no version of TLS that is spoken here.
    pub fn build(&self, certificates: &Arc<Certificates>) -> Result<Arc<ServerConfig>, rustls::Error> {
        let provider = Arc::clone(certificates.provider());
        let resolver: Arc<dyn ResolvesServerCert> = match self.policy {
            AlpnPolicy::Optional => Arc::<Certificates>::clone(certificates),
            AlpnPolicy::Required => Arc::new(WithAlpn(Arc::clone(certificates))),
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.session_storage = Arc::new(Sessions::new(Arc::clone(certificates)));
        restrict(&mut config, self.alpn);
        Ok(Arc::new(config))
    }
}

/// A server that shows `chain`, its own certificate first, and holds the `key` to it; with the cryptography of
/// [`default_provider`], and for good. See [`ServerSettings`] for more than one certificate, or a new one.
///
/// # Errors
///
/// The key is not of a supported kind, or does not belong to the certificate; or there is no cryptography.
pub fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    alpn: Alpn,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(default_provider()?)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    restrict(&mut config, alpn);
    Ok(Arc::new(config))
}

/// What holds for every server here.
fn restrict(config: &mut ServerConfig, alpn: Alpn) {
    config.alpn_protocols = alpn.accepted();
    config.max_early_data_size = 0;
    config.send_half_rtt_data = false;
}

/// Certificates for clients that name an application protocol. Which ones are good is checked by rustls.
#[derive(Debug)]
struct WithAlpn(Arc<Certificates>);

impl ResolvesServerCert for WithAlpn {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        client_hello.alpn().map(drop)?;
        self.0.resolve(client_hello)
    }
}

/// The sessions of one service. Those from before its certificates were replaced are forgotten, so that a client
/// that comes back sees the new ones, and what `tls-server-end-point` binds to is the same on both sides.
#[derive(Debug)]
struct Sessions {
    certificates: Arc<Certificates>,
    /// With the certificates that its sessions were made under. Replaced ones are not kept for this.
    cache: Mutex<(Weak<Table>, Arc<ServerSessionMemoryCache>)>,
}

impl Sessions {
    fn new(certificates: Arc<Certificates>) -> Self {
        let table = Arc::downgrade(&certificates.current());
        Self { certificates, cache: Mutex::new((table, ServerSessionMemoryCache::new(SESSIONS_MAX))) }
    }

    fn cache(&self) -> Arc<ServerSessionMemoryCache> {
        let current = Arc::downgrade(&self.certificates.current());
        let mut held = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if !Weak::ptr_eq(&held.0, &current) {
            *held = (current, ServerSessionMemoryCache::new(SESSIONS_MAX));
        }
        Arc::clone(&held.1)
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.cache().put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.cache().get(key)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.cache().take(key)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

/// So many sessions of a service can be resumed; the oldest is forgotten first. A few hundred octets each.
const SESSIONS_MAX: usize = 4096;
