//! Certificates that a client knows beforehand, by their hash: what TLSA records with usage DANE-EE say (RFC 6698,
//! 7671).
//!
//! Decides that a server shows one of them and holds its key. Names, dates and issuers mean nothing here
//! (RFC 7671 5.1). Where the hashes come from, and whether DNSSEC protects them, is the caller's affair.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use sha2::{Digest, Sha256};

/// What is known of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pin {
    /// The SHA-256 hash of the whole certificate: TLSA `3 0 1`.
    Certificate([u8; 32]),
    /// The SHA-256 hash of its public key, which stays the same when the certificate is renewed: TLSA `3 1 1`.
    PublicKey([u8; 32]),
}

/// A verifier that takes certificates with one of these pins, whatever their names and dates, and no others.
///
/// A mail server that delivers with DANE (RFC 7672) makes one for each destination, out of its TLSA records. Records
/// with usage DANE-TA want an ordinary verification with the one authority: [`Trust::Roots`](super::Trust::Roots).
///
/// ```
/// use std::sync::Arc;
/// use posthaste_tokio::tls::{Alpn, ClientSettings, Pin, PinnedCertificates, Trust, default_provider};
///
/// # fn run(tlsa_3_1_1: [u8; 32]) -> Result<(), rustls::Error> {
/// let verifier = PinnedCertificates::new(default_provider()?, [Pin::PublicKey(tlsa_3_1_1)]);
/// let config =
///     ClientSettings::new(Alpn::Smtp).with_trust(Trust::Verifier(Arc::new(verifier))).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PinnedCertificates {
    provider: Arc<CryptoProvider>,
    pins: Vec<Pin>,
}

impl Pin {
    /// The pin of a whole certificate.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Self {
        Self::Certificate(Sha256::digest(certificate).into())
    }

    /// The pin of a certificate's public key.
    ///
    /// # Errors
    ///
    /// It is no certificate.
    pub fn of_public_key(certificate: &CertificateDer<'_>) -> Result<Self, Error> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        Ok(Self::PublicKey(Sha256::digest(parsed.subject_public_key_info().as_ref()).into()))
    }

    fn is_of(self, certificate: &CertificateDer<'_>) -> Result<bool, Error> {
        Ok(self
            == match self {
                Self::Certificate(_) => Self::of_certificate(certificate),
                Self::PublicKey(_) => Self::of_public_key(certificate)?,
            })
    }
}

impl PinnedCertificates {
    /// Takes certificates with any of `pins`; none when there are none.
    pub fn new(provider: Arc<CryptoProvider>, pins: impl IntoIterator<Item = Pin>) -> Self {
        Self { provider, pins: pins.into_iter().collect() }
    }
}

impl ServerCertVerifier for PinnedCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        for pin in &self.pins {
            if pin.is_of(end_entity)? {
                return Ok(ServerCertVerified::assertion());
            }
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
