//! A certificate chain and the key to it, checked before anybody is shown it.
//!
//! Decides what a server does not start to use: a key that is not the certificate's, and a certificate outside its
//! dates. Does not verify the chain: whom its clients trust a server does not know.

use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, InconsistentKeys, RootCertStore};

use super::{CertificateFiles, LoadError, LoadProblem};
use crate::der::{self, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};

/// A certificate, the chain behind it, and the key to it.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(super) names: Vec<String>,
    pub(super) key: Arc<CertifiedKey>,
}

impl Identity {
    /// Of a chain, the server's own certificate first, and its key.
    ///
    /// # Errors
    ///
    /// The key is of a kind that `provider` does not know or is not that of the certificate, or the certificate
    /// cannot be read, has expired, or is not valid yet.
    pub fn from_der(
        provider: &CryptoProvider,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, LoadError> {
        Self::of_parts(provider, chain, key).map_err(LoadError::of_memory)
    }

    /// Of the contents of two PEM files, which may be one: a chain, the server's own certificate first, and its key
    /// (PKCS #8, PKCS #1 or SEC 1). What else is in them is ignored.
    ///
    /// # Errors
    ///
    /// As [`from_der`](Self::from_der); and there is no certificate, no key, or broken PEM.
    pub fn from_pem(provider: &CryptoProvider, chain: &[u8], key: &[u8]) -> Result<Self, LoadError> {
        let chain = chain_of(chain).map_err(LoadError::of_memory)?;
        let key = key_of(key).map_err(LoadError::of_memory)?;
        Self::from_der(provider, chain, key)
    }

    /// Of PEM files, as [`from_pem`](Self::from_pem).
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem), with the name of the file; and a file cannot be read.
    pub fn from_files(provider: &CryptoProvider, files: &CertificateFiles) -> Result<Self, LoadError> {
        let chain = read(&files.chain)?;
        let chain = chain_of(&chain).map_err(|problem| LoadError::of_file(&files.chain, problem))?;
        let key = read(&files.key)?;
        let key = key_of(&key).map_err(|problem| LoadError::of_file(&files.key, problem))?;
        Self::of_parts(provider, chain, key).map_err(|problem| {
            let file = if problem.is_of_key() { &files.key } else { &files.chain };
            LoadError::of_file(file, problem)
        })
    }

    /// A certificate as it is, without a look at its dates or its key: for keys that are kept elsewhere, such as in
    /// a security module.
    ///
    /// # Errors
    ///
    /// The certificate cannot be read, or there is none.
    pub fn unchecked(key: Arc<CertifiedKey>) -> Result<Self, LoadError> {
        let names = key.cert.first().ok_or(LoadProblem::NoCertificate).and_then(|certificate| {
            ParsedCertificate::try_from(certificate)
                .map_err(|error| LoadProblem::Certificate(error.to_string()))?;
            Ok(dns_names(certificate))
        });
        Ok(Self { names: names.map_err(LoadError::of_memory)?, key })
    }

    /// The host names the certificate is for, in lower case; a wildcard as `*.` and the rest.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn of_parts(
        provider: &CryptoProvider,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, LoadProblem> {
        let end_entity = chain.first().ok_or(LoadProblem::NoCertificate)?;
        let names = dns_names(end_entity);
        let parsed = ParsedCertificate::try_from(end_entity)
            .map_err(|error| LoadProblem::Certificate(error.to_string()))?;
        is_in_its_dates(&parsed, provider)?;
        let key = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => LoadProblem::KeyMismatch,
            other => LoadProblem::Key(other.to_string()),
        })?;
        Ok(Self { names, key: Arc::new(key) })
    }
}

/// Verifies against no authority at all, which says of a certificate inside its dates that its issuer is unknown.
fn is_in_its_dates(
    certificate: &ParsedCertificate<'_>,
    provider: &CryptoProvider,
) -> Result<(), LoadProblem> {
    let (nobody, now) = (RootCertStore::empty(), UnixTime::now());
    let algorithms = provider.signature_verification_algorithms.all;
    match verify_server_cert_signed_by_trust_anchor(certificate, &nobody, &[], now, algorithms) {
        Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Err(LoadProblem::Expired { not_after })
        }
        Err(rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext {
            not_before, ..
        })) => Err(LoadProblem::NotValidYet { not_before }),
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    fs::read(path).map_err(|error: io::Error| {
        LoadError::of_file(path, LoadProblem::Unreadable(error.kind(), error.to_string()))
    })
}

fn chain_of(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, LoadProblem> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(|error| LoadProblem::Pem(error.to_string()))?;
    if chain.is_empty() { Err(LoadProblem::NoCertificate) } else { Ok(chain) }
}

fn key_of(text: &[u8]) -> Result<PrivateKeyDer<'static>, LoadProblem> {
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        pem::Error::NoItemsFound if is_encrypted(text) => LoadProblem::KeyEncrypted,
        pem::Error::NoItemsFound => LoadProblem::NoKey,
        other => LoadProblem::Pem(other.to_string()),
    })
}

fn is_encrypted(text: &[u8]) -> bool {
    text.windows(ENCRYPTED.len()).any(|window| window == ENCRYPTED)
}

/// The host names of a certificate (RFC 5280 4.2.1.6), in lower case. None where it has none or cannot be read.
fn dns_names(certificate: &[u8]) -> Vec<String> {
    let names = alternative_names(certificate).unwrap_or_default();
    der::elements(names)
        .filter(|(tag, _)| *tag == DNS_NAME)
        .filter_map(|(_, name)| std::str::from_utf8(name).ok())
        .map(|name| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase())
        .collect()
}

/// The content of the subject alternative name extension.
///
/// ```text
/// Certificate    ::= SEQUENCE { tbsCertificate SEQUENCE { .., extensions [3] SEQUENCE OF Extension }, .. }
/// Extension      ::= SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }
/// SubjectAltName ::= SEQUENCE OF CHOICE { .., dNSName [2] IA5String, .. }
/// ```
fn alternative_names(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = der::element(SEQUENCE, certificate)?;
    let (to_be_signed, _) = der::element(SEQUENCE, certificate)?;
    let (_, extensions) = der::elements(to_be_signed).find(|(tag, _)| *tag == EXTENSIONS)?;
    let (extensions, _) = der::element(SEQUENCE, extensions)?;
    der::elements(extensions).find_map(|(_, extension)| {
        let (identifier, rest) = der::element(OBJECT_IDENTIFIER, extension)?;
        let (_, value) = der::elements(rest).find(|(tag, _)| *tag == OCTET_STRING)?;
        let (names, _) = der::element(SEQUENCE, value)?;
        if identifier == SUBJECT_ALTERNATIVE_NAME { Some(names) } else { None }
    })
}

/// 2.5.29.17 (RFC 5280 4.2.1.6).
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// Context-specific, constructed, 3.
const EXTENSIONS: u8 = 0xa3;

/// Context-specific, primitive, 2.
const DNS_NAME: u8 = 0x82;

/// What PKCS #8 writes over a key that a password protects, and what older files write inside.
const ENCRYPTED: &[u8] = b"ENCRYPTED";

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn certificate(params: &CertificateParams) -> Vec<u8> {
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn names_are_those_of_the_alternative_name_in_lower_case() {
        let names = ["Mail.Example", "*.Example.ORG", "xn--bcher-kva.example"].map(str::to_owned);
        let mut params = CertificateParams::new(names).unwrap();
        params.subject_alt_names.push(SanType::IpAddress([192, 0, 2, 1].into()));
        params.distinguished_name.push(DnType::CommonName, "common.example");
        assert_eq!(
            dns_names(&certificate(&params)),
            ["mail.example", "*.example.org", "xn--bcher-kva.example"]
        );
    }

    #[test]
    fn a_common_name_is_no_name() {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "mail.example");
        assert!(dns_names(&certificate(&params)).is_empty());
    }

    #[test]
    fn half_a_certificate_has_no_more_names_than_a_whole_one() {
        let whole = certificate(&CertificateParams::new(["mail.example".to_owned()]).unwrap());
        for end in 0..whole.len() {
            assert!(dns_names(&whole[..end]).is_empty(), "{end}");
        }
    }
}
