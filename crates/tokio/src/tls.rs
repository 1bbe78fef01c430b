//! TLS configuration for mail: which certificates a client trusts, what a server shows, and ALPN names.
//!
//! The cryptography is *ring*, named explicitly, so that a program needs no process-wide default. TLS 1.2 and 1.3
//! only (RFC 8997), no early data. There is no way here to switch certificate checks off: a test gives its own root.

use std::io;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// What a client needs for a handshake: whom to trust, and the name the certificate must be for.
#[derive(Clone, Debug)]
pub struct ClientTls {
    /// Trust, versions, ALPN.
    pub config: Arc<ClientConfig>,
    /// The host name or address that the server's certificate is checked against.
    pub name: ServerName<'static>,
}

/// The application protocol that a handshake names (ALPN, RFC 7301), which keeps a TLS session of one protocol
/// from being redirected to the server of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alpn {
    /// `imap`.
    Imap,
    /// `pop3`.
    Pop3,
    /// No name is registered for SMTP, so that none is sent.
    Smtp,
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
        Ok(Self { config, name })
    }
}

/// A client that trusts the certification authorities that browsers trust.
///
/// # Errors
///
/// The cryptography offers no usable protocol version; does not happen in practice.
pub fn client_config(alpn: Alpn) -> Result<Arc<ClientConfig>, rustls::Error> {
    client_config_with_roots(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() }, alpn)
}

/// A client that trusts `roots` and nothing else.
///
/// # Errors
///
/// As [`client_config`].
pub fn client_config_with_roots(
    roots: RootCertStore,
    alpn: Alpn,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.names();
    Ok(Arc::new(config))
}

/// A server that shows `chain`, its own certificate first, and holds the `key` to it.
///
/// # Errors
///
/// The key is not of a supported kind, or does not belong to the certificate.
pub fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    alpn: Alpn,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = alpn.names();
    Ok(Arc::new(config))
}

impl Alpn {
    /// The names to offer or accept, as octets.
    pub fn names(self) -> Vec<Vec<u8>> {
        match self {
            Self::Imap => vec![b"imap".to_vec()],
            Self::Pop3 => vec![b"pop3".to_vec()],
            Self::Smtp => Vec::new(),
        }
    }
}

pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
