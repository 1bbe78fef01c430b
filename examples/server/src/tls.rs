//! The certificates the server shows, and how TLS is spoken: 1.2 and 1.3, with ring.
//!
//! Without a certificate in the configuration the server makes one for itself, once, and keeps it in the
//! data directory, so that a client that has been told to trust it goes on doing so. Certificates are read again
//! while the server runs ([`reload`]): who is connected stays so, and whoever comes next sees the new ones.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use posthaste_tokio::tls::{CertificateFiles, Certificates, LoadError};

use crate::config::Config;

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
}

/// The certificates of the server: those in the configuration, or one of its own making with a warning in the log.
///
/// # Errors
///
/// See [`TlsError`].
pub fn load(config: &Config) -> Result<Arc<Certificates>, TlsError> {
    let files = files(config)?;
    if config.tls.is_none() {
        tracing::warn!(
            certificate = %self_signed_certificate(&config.data).display(),
            "no [tls] in the configuration: clients will not trust this self-signed certificate"
        );
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(Certificates::from_files(provider, &files)?)
}

/// Reads the certificates again; all of them are good, or those there were are kept.
///
/// # Errors
///
/// See [`TlsError`].
pub fn reload(config: &Config, certificates: &Certificates) -> Result<(), TlsError> {
    Ok(certificates.reload(&files(config)?)?)
}

/// Where the certificate of the server's own making is, for clients that are to trust it.
pub fn self_signed_certificate(data: &Path) -> PathBuf {
    data.join("tls").join("certificate.pem")
}

/// The files of all certificates, the one for everybody first.
fn files(config: &Config) -> Result<Vec<CertificateFiles>, TlsError> {
    let Some(tls) = &config.tls else {
        let (certificate, key) = self_signed(&config.data, &config.hostname)?;
        return Ok(vec![CertificateFiles::new(certificate, key)]);
    };
    let others = tls.others.iter().map(|other| CertificateFiles::new(&other.certificate, &other.key));
    Ok(std::iter::once(CertificateFiles::new(&tls.certificate, &tls.key)).chain(others).collect())
}

/// The certificate and key of the data directory, made if they are not there.
fn self_signed(data: &Path, hostname: &str) -> Result<(PathBuf, PathBuf), TlsError> {
    let directory = data.join("tls");
    let (certificate, key) = (self_signed_certificate(data), directory.join("key.pem"));
    if !certificate.exists() || !key.exists() {
        crate::disk::make_private(&directory).map_err(|error| file_error(&directory, &error))?;
        let made = rcgen::generate_simple_self_signed([hostname.to_owned()])
            .map_err(|error| TlsError::Making(error.to_string()))?;
        write(&key, &made.signing_key.serialize_pem())?;
        write(&certificate, &made.cert.pem())?;
    }
    Ok((certificate, key))
}

fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|error| file_error(path, &error))
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
        assert_eq!(load(&config).unwrap().names(), ["mail.test"]);
        let first = std::fs::read(self_signed_certificate(data.path())).unwrap();
        load(&config).unwrap();
        assert_eq!(std::fs::read(self_signed_certificate(data.path())).unwrap(), first);
    }

    #[test]
    fn files_that_can_not_be_used_are_named() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("empty.pem"), "").unwrap();
        for (certificate, wanted) in [("empty.pem", "no certificate"), ("missing.pem", "missing.pem")] {
            let error = load(&configured(data.path(), certificate, "")).unwrap_err().to_string();
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
        let certificates = load(&config).unwrap();
        assert_eq!(certificates.names(), ["a.test", "b.test"]);
        reload(&configured(data.path(), "a.test.pem", ""), &certificates).unwrap();
        assert_eq!(certificates.names(), ["a.test"]);
        std::fs::write(data.path().join("key.pem"), "no key").unwrap();
        assert!(reload(&config, &certificates).is_err());
        assert_eq!(certificates.names(), ["a.test"], "those there were are kept");
    }
}
