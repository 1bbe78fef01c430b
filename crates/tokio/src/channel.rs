//! What ties a login to the TLS connection below it (channel binding, RFC 5056).
//!
//! Decides which bindings a connection has, and which comes first. `tls-exporter` (RFC 9266) needs a handshake whose
//! secrets are of this connection alone: any of TLS 1.3, and of TLS 1.2 those with extended master secret (RFC 7627).
//! `tls-server-end-point` (RFC 5929 4) needs a certificate. `tls-unique` is not given: it does not exist in TLS 1.3,
//! and rustls does not tell it in TLS 1.2. What mechanisms make of them is in `posthaste-sasl`.

mod certificate;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use posthaste_sasl::{BindingType, ChannelBinding};
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ProtocolVersion, ServerConfig};
use tokio_rustls::TlsStream;

use crate::tls::{AlpnPolicy, ClientTls};

/// What a binding needs to know of the handshake and rustls does not tell afterwards.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    /// Whether the configuration takes TLS 1.2 with extended master secret only. Whether a connection has it is not
    /// told otherwise.
    requires_ems: bool,
    /// Whether a server that selects no application protocol is refused.
    requires_alpn: bool,
    /// The certificate that this side shows, at a server.
    shown: Option<Arc<Shown>>,
}

impl Witness {
    /// Of a handshake as a client.
    pub(crate) fn of_client(tls: &ClientTls) -> Self {
        let requires_alpn = tls.alpn == AlpnPolicy::Required && !tls.config.alpn_protocols.is_empty();
        Self { requires_ems: tls.config.require_ems, requires_alpn, shown: None }
    }

    /// Of a handshake as a server, and the configuration that the handshake is to be made with.
    pub(crate) fn of_server(config: &ServerConfig) -> (Self, Arc<ServerConfig>) {
        let shown =
            Arc::new(Shown { resolver: Arc::clone(&config.cert_resolver), certificate: Mutex::new(None) });
        // What sessions are resumed from is shared with the original, which has the same certificates.
        let mut watched = config.clone();
        watched.cert_resolver = Arc::<Shown>::clone(&shown);
        let witness = Self { requires_ems: config.require_ems, requires_alpn: false, shown: Some(shown) };
        (witness, Arc::new(watched))
    }

    /// What rustls does not check: that a protocol was selected at all.
    pub(crate) fn check<T>(&self, tls: &TlsStream<T>) -> io::Result<()> {
        if self.requires_alpn && tls.get_ref().1.alpn_protocol().is_none() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the server selects no application protocol",
            ));
        }
        Ok(())
    }

    /// The bindings of a connection, the one that a client is to use first.
    pub(crate) fn bindings<T>(&self, tls: &TlsStream<T>) -> Vec<ChannelBinding> {
        let version = tls.get_ref().1.protocol_version();
        let end_point = self.end_point(tls);
        match version {
            Some(ProtocolVersion::TLSv1_3) => exporter(tls).into_iter().chain(end_point).collect(),
            // Here the peers of the world do not agree on the exporter: some mean an empty context, which is what
            // RFC 9266 2 says, and some none, which is not the same below TLS 1.3 (RFC 5705 4).
            _ if self.requires_ems => end_point.into_iter().chain(exporter(tls)).collect(),
            _ => end_point.into_iter().collect(),
        }
    }

    /// Of the server's certificate, which is the peer's or the own one.
    fn end_point<T>(&self, tls: &TlsStream<T>) -> Option<ChannelBinding> {
        let hash = match tls {
            TlsStream::Client(stream) => certificate::hash(stream.get_ref().1.peer_certificates()?.first()?),
            TlsStream::Server(_) => certificate::hash(&self.shown.as_ref()?.certificate()?),
        };
        ChannelBinding::new(BindingType::TlsServerEndPoint, hash?).ok()
    }
}

/// The binding that is exported from the secrets of the connection.
fn exporter<T>(tls: &TlsStream<T>) -> Option<ChannelBinding> {
    let (octets, label) = ([0; BindingType::EXPORTER_LENGTH], BindingType::EXPORTER_LABEL.as_bytes());
    let exported = match tls {
        TlsStream::Client(stream) => stream.get_ref().1.export_keying_material(octets, label, Some(&[])),
        TlsStream::Server(stream) => stream.get_ref().1.export_keying_material(octets, label, Some(&[])),
    };
    ChannelBinding::new(BindingType::TlsExporter, exported.ok()?.as_slice()).ok()
}

/// The choice of a certificate, and what was chosen: a server may have one for each name.
#[derive(Debug)]
struct Shown {
    resolver: Arc<dyn ResolvesServerCert>,
    certificate: Mutex<Option<Arc<CertifiedKey>>>,
}

impl Shown {
    fn certificate(&self) -> Option<CertificateDer<'static>> {
        let chosen = self.certificate.lock().unwrap_or_else(PoisonError::into_inner);
        chosen.as_ref()?.cert.first().cloned()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let chosen = self.resolver.resolve(client_hello);
        // A client that is asked to say hello again is answered again: the last answer counts.
        self.certificate.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&chosen);
        chosen
    }

    fn only_raw_public_keys(&self) -> bool {
        self.resolver.only_raw_public_keys()
    }
}
