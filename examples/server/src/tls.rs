//! The certificate the server shows, and how TLS is spoken: 1.2 and 1.3, with ring.
//!
//! Without a certificate in the configuration the server makes one for itself, once, and keeps it in the
//! data directory, so that a client that has been told to trust it goes on doing so.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Config;

/// Why there is no TLS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file can not be read, written or understood.
    #[error("{}: {message}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The certificate could not be made, or key and certificate do not belong together.
    #[error("the certificate and key can not be used: {0}")]
    Unusable(String),
}

/// The TLS of the server: the configured certificate, or one of its own making with a warning in the log.
///
/// # Errors
///
/// See [`TlsError`].
pub fn load(config: &Config) -> Result<Arc<ServerConfig>, TlsError> {
    let (certificate, key) = match &config.tls {
        Some(tls) => (tls.certificate.clone(), tls.key.clone()),
        None => self_signed(&config.data, &config.hostname)?,
    };
    let chain = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| file_error(&certificate, &error))?;
    if chain.is_empty() {
        return Err(file_error(&certificate, &"there is no certificate in this PEM file"));
    }
    let private = PrivateKeyDer::from_pem_file(&key).map_err(|error| file_error(&key, &error))?;
    let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| TlsError::Unusable(error.to_string()))?;
    Ok(Arc::new(server))
}

/// Where the certificate of the server's own making is, for clients that are to trust it.
pub fn self_signed_certificate(data: &Path) -> PathBuf {
    data.join("tls").join("certificate.pem")
}

/// The certificate and key of the data directory, made if they are not there.
fn self_signed(data: &Path, hostname: &str) -> Result<(PathBuf, PathBuf), TlsError> {
    let directory = data.join("tls");
    let (certificate, key) = (self_signed_certificate(data), directory.join("key.pem"));
    if !certificate.exists() || !key.exists() {
        crate::store::make_private_directory(&directory).map_err(|error| file_error(&directory, &error))?;
        let made = rcgen::generate_simple_self_signed([hostname.to_owned()])
            .map_err(|error| TlsError::Unusable(error.to_string()))?;
        write(&key, &made.signing_key.serialize_pem())?;
        write(&certificate, &made.cert.pem())?;
    }
    tracing::warn!(
        certificate = %certificate.display(),
        "no [tls] in the configuration: clients will not trust this self-signed certificate"
    );
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

    #[test]
    fn a_self_signed_certificate_is_made_once() {
        let data = tempfile::tempdir().unwrap();
        let text = format!("hostname = \"mail.test\"\ndata = {:?}\n", data.path().display().to_string());
        let config = Config::parse(&text, Path::new("x.toml")).unwrap();
        load(&config).unwrap();
        let first = std::fs::read(data.path().join("tls/certificate.pem")).unwrap();
        load(&config).unwrap();
        assert_eq!(std::fs::read(data.path().join("tls/certificate.pem")).unwrap(), first);
    }

    #[test]
    fn files_that_can_not_be_used_are_named() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("empty.pem"), "").unwrap();
        for (certificate, wanted) in [("empty.pem", "no certificate"), ("missing.pem", "missing.pem")] {
            let text = format!(
                "hostname = \"mail.test\"\ndata = \".\"\n[tls]\ncertificate = \"{certificate}\"\nkey = \"key.pem\"\n"
            );
            let config = Config::parse(&text, &data.path().join("x.toml")).unwrap();
            let error = load(&config).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
