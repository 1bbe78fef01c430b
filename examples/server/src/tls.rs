//! The certificates the server shows, and how TLS is spoken: 1.2 and 1.3, with ring.
//!
//! They are those of files, or the one that was ordered ([`acme`](crate::acme)). Without either, and until the first order
//! is done, the server shows one it makes for itself, once, and keeps in the data directory, so that a client that has been
//! told to trust it goes on doing so: there is always TLS. All are read again while the server runs
//! ([`Keyring::reload`]): who is connected stays so, and whoever comes next sees the new ones.

mod facts;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use posthaste_tokio::tls::{CertificateFiles, Certificates, Identity, LoadError};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::acme::{Files, Orders};
use crate::config::{self, Config};
use crate::disk;

pub use facts::Facts;

/// Why there is no TLS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file can not be read or written.
    #[error("{}: {message}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A file holds nothing that can be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The certificate of the server's own making could not be made.
    #[error("no certificate can be made: {0}")]
    Making(String),
    /// An authority can not be spoken to.
    #[error("[tls.acme]: {0}")]
    Authority(String),
}

/// The certificates of a server. Clones share them.
#[derive(Debug, Clone)]
pub struct Keyring(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    certificates: Arc<Certificates>,
    shown: RwLock<Vec<Shown>>,
    /// What was loaded last is of this configuration.
    config: RwLock<Config>,
    orders: Option<Orders>,
}

/// A certificate that is shown to clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What it says of itself.
    pub facts: Facts,
    /// Where it is from.
    pub origin: Origin,
}

/// Where a certificate is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Files of the configuration.
    Files,
    /// An authority that the server has asked.
    Acme,
    /// The server itself.
    SelfSigned,
}

impl Origin {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Acme => "acme",
            Self::SelfSigned => "self-signed",
        }
    }
}

impl Keyring {
    /// The certificates of the server: those of the configuration, or one of its own making with a warning in the log.
    ///
    /// # Errors
    ///
    /// See [`TlsError`].
    pub fn load(config: &Config) -> Result<Self, TlsError> {
        let chosen = chosen(config)?;
        if let Some((_, Origin::SelfSigned)) = chosen.first() {
            let certificate = self_signed_certificate(&config.data);
            let why = if config.acme().is_some() {
                "the authority has given no certificate yet: until it does"
            } else {
                "no [tls] in the configuration"
            };
            let certificate = certificate.display();
            tracing::warn!(%certificate, "{why}, clients will not trust this self-signed certificate");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let files: Vec<_> = chosen.iter().map(|(files, _)| files.clone()).collect();
        let shared = Shared {
            certificates: Certificates::from_files(provider, &files)?,
            shown: RwLock::new(shown(&chosen)),
            config: RwLock::new(config.clone()),
            orders: config.acme().map(|_| Orders::default()),
        };
        Ok(Self(Arc::new(shared)))
    }

    /// Reads the certificates of a configuration; all of them are good, or those there were are kept. Whether an
    /// authority is asked, and which, stays as it was.
    ///
    /// # Errors
    ///
    /// See [`TlsError`].
    pub fn reload(&self, config: &Config) -> Result<(), TlsError> {
        let mut current = self.0.config.write().unwrap_or_else(PoisonError::into_inner);
        let mut config = config.clone();
        if config.acme() != current.acme() {
            config.tls.clone_from(&current.tls);
        }
        let chosen = chosen(&config)?;
        let files: Vec<_> = chosen.iter().map(|(files, _)| files.clone()).collect();
        self.0.certificates.reload(&files)?;
        *self.0.shown.write().unwrap_or_else(PoisonError::into_inner) = shown(&chosen);
        *current = config;
        Ok(())
    }

    /// Reads again what was read last: the files may be others now.
    ///
    /// # Errors
    ///
    /// See [`TlsError`]; those there were are kept.
    pub fn refresh(&self) -> Result<(), TlsError> {
        let config = self.0.config.read().unwrap_or_else(PoisonError::into_inner).clone();
        self.reload(&config)
    }

    /// What handshakes use.
    pub fn certificates(&self) -> &Arc<Certificates> {
        &self.0.certificates
    }

    /// The certificates that are shown now, the one for everybody first.
    pub fn shown(&self) -> Vec<Shown> {
        self.0.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What an authority is asked for, where one is.
    pub fn orders(&self) -> Option<&Orders> {
        self.0.orders.as_ref()
    }
}

/// Whether the certificates that a configuration names can be used. Makes no files.
///
/// # Errors
///
/// See [`TlsError`].
pub fn check(config: &Config) -> Result<(), TlsError> {
    let provider = rustls::crypto::ring::default_provider();
    for files in config.tls.iter().flat_map(config::Tls::files) {
        Identity::from_files(&provider, &of_config(files))?;
    }
    config.acme().map_or(Ok(()), |acme| crate::acme::trust(acme).map(drop))
}

/// Where the certificate of the server's own making is, for clients that are to trust it.
pub fn self_signed_certificate(data: &Path) -> PathBuf {
    data.join("tls").join("certificate.pem")
}

/// The files of all certificates, the one for everybody first.
fn chosen(config: &Config) -> Result<Vec<(CertificateFiles, Origin)>, TlsError> {
    let mut chosen = Vec::new();
    if let Some(acme) = config.acme()
        && let Some(ordered) = Files::of(&config.data, &acme.directory).usable()
    {
        chosen.push((ordered, Origin::Acme));
    }
    if config.tls.is_none() || (config.acme().is_some() && chosen.is_empty()) {
        let (certificate, key) = self_signed(&config.data, &config.hostname)?;
        chosen.push((CertificateFiles::new(certificate, key), Origin::SelfSigned));
    }
    let files = config.tls.iter().flat_map(config::Tls::files);
    chosen.extend(files.map(|files| (of_config(files), Origin::Files)));
    Ok(chosen)
}

fn of_config(files: &config::Certificate) -> CertificateFiles {
    CertificateFiles::new(&files.certificate, &files.key)
}

/// What is known of certificates that were loaded.
fn shown(chosen: &[(CertificateFiles, Origin)]) -> Vec<Shown> {
    let facts = |files: &CertificateFiles| {
        let certificate = CertificateDer::from_pem_file(&files.chain).ok()?;
        Facts::of_der(&certificate)
    };
    let shown =
        chosen.iter().filter_map(|(files, origin)| Some(Shown { facts: facts(files)?, origin: *origin }));
    shown.collect()
}

/// The certificate and key of the data directory, made if they are not there.
fn self_signed(data: &Path, hostname: &str) -> Result<(PathBuf, PathBuf), TlsError> {
    let directory = data.join("tls");
    let (certificate, key) = (self_signed_certificate(data), directory.join("key.pem"));
    if !certificate.exists() || !key.exists() {
        disk::make_private(&directory).map_err(|error| file_error(&directory, &error))?;
        let made = rcgen::generate_simple_self_signed([hostname.to_owned()])
            .map_err(|error| TlsError::Making(error.to_string()))?;
        write(&key, &made.signing_key.serialize_pem())?;
        write(&certificate, &made.cert.pem())?;
    }
    Ok((certificate, key))
}

fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    disk::replace_private(path, text.as_bytes()).map_err(|error| file_error(path, &error))
}

fn file_error(path: &Path, error: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { path: path.to_owned(), message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(data: &Path, certificate: &str, more: &str) -> Config {
        let text = format!(
            "hostname = \"mail.test\"\ndata = \".\"\n[tls]\ncertificate = \"{certificate}\"\nkey = \"key.pem\"\n{more}"
        );
        Config::parse(&text, &data.join("x.toml")).unwrap()
    }

    fn make(data: &Path, name: &str) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        std::fs::write(data.join(format!("{name}.pem")), made.cert.pem()).unwrap();
        std::fs::write(data.join(format!("{name}-key.pem")), made.signing_key.serialize_pem()).unwrap();
    }

    #[test]
    fn a_self_signed_certificate_is_made_once() {
        let data = tempfile::tempdir().unwrap();
        let config = Config::new("mail.test", data.path());
        assert_eq!(Keyring::load(&config).unwrap().certificates().names(), ["mail.test"]);
        let first = std::fs::read(self_signed_certificate(data.path())).unwrap();
        Keyring::load(&config).unwrap();
        assert_eq!(std::fs::read(self_signed_certificate(data.path())).unwrap(), first);
    }

    #[test]
    fn files_that_can_not_be_used_are_named() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("empty.pem"), "").unwrap();
        for (certificate, wanted) in [("empty.pem", "no certificate"), ("missing.pem", "missing.pem")] {
            let error = Keyring::load(&configured(data.path(), certificate, "")).unwrap_err().to_string();
            assert!(error.contains(wanted) && error.contains(certificate), "{error}");
        }
    }

    #[test]
    fn there_may_be_a_certificate_for_each_name_and_new_ones_while_it_runs() {
        let data = tempfile::tempdir().unwrap();
        let other = "[[tls.others]]\ncertificate = \"b.test.pem\"\nkey = \"b.test-key.pem\"\n";
        make(data.path(), "a.test");
        make(data.path(), "b.test");
        std::fs::copy(data.path().join("a.test-key.pem"), data.path().join("key.pem")).unwrap();
        let config = configured(data.path(), "a.test.pem", other);
        let keyring = Keyring::load(&config).unwrap();
        let certificates = keyring.certificates();
        assert_eq!(certificates.names(), ["a.test", "b.test"]);
        keyring.reload(&configured(data.path(), "a.test.pem", "")).unwrap();
        assert_eq!(certificates.names(), ["a.test"]);
        std::fs::write(data.path().join("key.pem"), "no key").unwrap();
        assert!(keyring.reload(&config).is_err());
        assert_eq!(certificates.names(), ["a.test"], "those there were are kept");
        let shown = keyring.shown();
        assert_eq!(
            (shown.len(), shown[0].facts.names.as_slice(), shown[0].origin),
            (1, &["a.test".to_owned()][..], Origin::Files)
        );
    }
}
