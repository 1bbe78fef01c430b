//! The client's side of TLS: whom to trust, and the name that is checked.
//!
//! Decides what trust means where the caller names none. There is no way to switch checks off: a test gives its own
//! root, and a verifier of one's own has to say yes to each certificate (`tls::PinnedCertificates` is one).

use std::io;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::{Alpn, AlpnPolicy, LoadError, LoadProblem, default_provider};

/// What a client needs for a handshake: whom to trust, and the name the certificate must be for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientTls {
    /// Trust, versions, ALPN.
    pub config: Arc<ClientConfig>,
    /// The host name or address that the server's certificate is checked against.
    pub name: ServerName<'static>,
    /// What becomes of a server that selects no application protocol.
    pub alpn: AlpnPolicy,
}

/// Which certificates a client takes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Trust {
    /// Those of the authorities that browsers trust, as they were when this crate was built.
    #[cfg(feature = "webpki-roots")]
    PublicAuthorities,
    /// Those that the operating system takes, which includes what its administrator has added.
    #[cfg(feature = "platform-verifier")]
    Platform,
    /// Those of these authorities and no others.
    Roots(Arc<RootCertStore>),
    /// Those that a verifier of the caller's takes. It is asked for every full handshake, and is all that is asked:
    /// names, dates and signatures are its affair. A session is resumed without asking it, so a verifier that
    /// knows something new, such as TLSA records of another day, goes into another configuration.
    Verifier(Arc<dyn ServerCertVerifier>),
}

/// How a client speaks TLS.
///
/// ```
/// use posthaste_tokio::ClientOptions;
/// use posthaste_tokio::tls::{Alpn, ClientSettings, Trust};
///
/// # fn run(pem: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
/// let config = ClientSettings::new(Alpn::Imap).with_trust(Trust::from_pem(pem)?).build()?;
/// let options = ClientOptions::default().with_client_config(config);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "settings do nothing until they are built"]
pub struct ClientSettings {
    alpn: Alpn,
    trust: Option<Trust>,
    provider: Option<Arc<CryptoProvider>>,
}

impl ClientTls {
    /// A handshake that wants a certificate for `host`, a domain name or an IP address.
    ///
    /// # Errors
    ///
    /// `host` is neither.
    pub fn new(config: Arc<ClientConfig>, host: &str) -> io::Result<Self> {
        let host = host.strip_suffix('.').unwrap_or(host);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "not a host name or address"))?;
        Ok(Self { config, name, alpn: AlpnPolicy::Optional })
    }

    /// The same with another policy for servers that select no application protocol.
    #[must_use]
    pub fn with_alpn_policy(self, alpn: AlpnPolicy) -> Self {
        Self { alpn, ..self }
    }
}

impl Trust {
    /// The authorities whose certificates are in a PEM file, which was read already.
    ///
    /// # Errors
    ///
    /// There is no certificate in it, or one that cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, LoadError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let added = certificate.map_err(|error| LoadProblem::Pem(error.to_string())).and_then(|root| {
                roots.add(root).map_err(|error| LoadProblem::Certificate(error.to_string()))
            });
            added.map_err(LoadError::of_memory)?;
        }
        if roots.is_empty() {
            return Err(LoadError::of_memory(LoadProblem::NoCertificate));
        }
        Ok(Self::Roots(Arc::new(roots)))
    }

    /// What is trusted where nothing is named: [`PublicAuthorities`](Self::PublicAuthorities) with the feature
    /// `webpki-roots`, else what the platform trusts with the feature `platform-verifier`, else nobody.
    const fn usual() -> Option<Self> {
        #[cfg(feature = "webpki-roots")]
        return Some(Self::PublicAuthorities);
        #[cfg(all(feature = "platform-verifier", not(feature = "webpki-roots")))]
        return Some(Self::Platform);
        #[cfg(not(any(feature = "webpki-roots", feature = "platform-verifier")))]
        return None;
    }
}

impl ClientSettings {
    /// TLS 1.2 and 1.3 as the provider prefers them, offering `alpn`.
    pub const fn new(alpn: Alpn) -> Self {
        Self { alpn, trust: None, provider: None }
    }

    /// The same with this trust, in place of public authorities.
    pub fn with_trust(self, trust: Trust) -> Self {
        Self { trust: Some(trust), ..self }
    }

    /// The same with this cryptography, in place of [`default_provider`].
    pub fn with_provider(self, provider: Arc<CryptoProvider>) -> Self {
        Self { provider: Some(provider), ..self }
    }

    /// The configuration. One may serve any number of connections, which then resume each other's sessions.
    ///
    /// # Errors
    ///
    /// There is no cryptography or nobody to trust, because neither was named and no feature brings one; or the
    /// platform cannot be asked.
    pub fn build(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        let provider = match &self.provider {
            Some(provider) => Arc::clone(provider),
            None => default_provider()?,
        };
        let trust = self.trust.clone().or_else(Trust::usual);
        let trust = trust.ok_or_else(|| rustls::Error::General(NO_TRUST.to_owned()))?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match trust {
            #[cfg(feature = "webpki-roots")]
            Trust::PublicAuthorities => {
                builder.with_root_certificates(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() })
            }
            #[cfg(feature = "platform-verifier")]
            Trust::Platform => {
                let verifier = rustls_platform_verifier::Verifier::new(provider)?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
            Trust::Roots(roots) => builder.with_root_certificates(roots),
            Trust::Verifier(verifier) => builder.dangerous().with_custom_certificate_verifier(verifier),
        };
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = self.alpn.names();
        config.enable_early_data = false;
        Ok(Arc::new(config))
    }
}

/// A client that trusts what is trusted where nothing is named: public authorities, unless features say otherwise.
///
/// # Errors
///
/// As [`ClientSettings::build`].
pub fn client_config(alpn: Alpn) -> Result<Arc<ClientConfig>, rustls::Error> {
    ClientSettings::new(alpn).build()
}

/// A client that trusts `roots` and nothing else.
///
/// # Errors
///
/// As [`ClientSettings::build`].
pub fn client_config_with_roots(
    roots: RootCertStore,
    alpn: Alpn,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    ClientSettings::new(alpn).with_trust(Trust::Roots(Arc::new(roots))).build()
}

const NO_TRUST: &str = "nobody to trust: name roots or a verifier, or build posthaste-tokio with the feature \
                        webpki-roots or platform-verifier";
