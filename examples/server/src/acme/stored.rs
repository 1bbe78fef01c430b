//! What is kept of an authority in the data directory: the account there, and the certificate with its key.
//!
//! Each authority has a directory of its own below `acme`, so that one can be tried without losing what another gave. A
//! certificate and its key are one file: they are replaced together or not at all. All are for the user of the server
//! alone, and on the disk before anybody counts on them. What can not be read is said and got anew.

use std::path::{Path, PathBuf};

use instant_acme::AccountCredentials;
use posthaste_tokio::tls::{CertificateFiles, Identity};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use url::Url;

use super::OrderError;
use crate::disk;
use crate::tls::Facts;

/// The files of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    directory: PathBuf,
    authority: Url,
}

/// An account at an authority.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredAccount {
    /// The directory of the authority.
    pub(super) authority: String,
    /// Whom the authority may write to, as it was told last.
    pub(super) contact: Vec<String>,
    pub(super) credentials: AccountCredentials,
}

impl Files {
    /// Those of the authority with this directory, in this data directory.
    pub fn of(data: &Path, authority: &Url) -> Self {
        let shown = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
        let (_, place) = authority.as_str().split_once("://").unwrap_or_default();
        // A name that is never `.` or `..`, and no longer than a file system has it.
        let name: String = place.chars().map(shown).take(NAME_MAX).chain(['_']).collect();
        Self { directory: data.join("acme").join(name), authority: authority.clone() }
    }

    /// The certificate, those of its issuers, and its key, in PEM.
    pub fn certificate(&self) -> PathBuf {
        self.directory.join("certificate.pem")
    }

    /// The account, with its key.
    pub fn account(&self) -> PathBuf {
        self.directory.join("account.json")
    }

    /// The certificate, if there is one that can be shown.
    pub(crate) fn usable(&self) -> Option<CertificateFiles> {
        let path = self.certificate();
        if !path.exists() {
            return None;
        }
        let files = CertificateFiles::new(&path, &path);
        match Identity::from_files(&rustls::crypto::ring::default_provider(), &files) {
            Ok(_) => Some(files),
            Err(error) => {
                tracing::warn!(%error, "the certificate that was ordered can not be used: another one is ordered");
                None
            }
        }
    }

    /// What the certificate says of itself, if there is one that can be shown.
    pub(super) fn facts(&self) -> Option<Facts> {
        let files = self.usable()?;
        Facts::of_der(&CertificateDer::from_pem_file(&files.chain).ok()?)
    }

    /// The account, if there is one that can be used.
    pub(super) fn read_account(&self) -> Option<StoredAccount> {
        let path = self.account();
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the account at the authority can not be read: another one is made");
                return None;
            }
        };
        let read = serde_json::from_slice(&text).map_err(|error| error.to_string());
        let read = read.and_then(|account: StoredAccount| {
            let is_of_it = account.authority == self.authority.as_str();
            if is_of_it { Ok(account) } else { Err(format!("it is of {}", account.authority)) }
        });
        // What is wrong is told without what is there: it has a key in it.
        read.inspect_err(|error| {
            tracing::warn!(path = %path.display(), %error, "the account at the authority can not be used: another one is made");
        })
        .ok()
    }

    /// Keeps an account. Waits for the disk.
    pub(super) fn write_account(&self, account: &StoredAccount) -> Result<(), OrderError> {
        let text = serde_json::to_vec_pretty(account).map_err(|error| OrderError::File(error.to_string()))?;
        self.write(&self.account(), &text)
    }

    /// Keeps a certificate. Waits for the disk.
    pub(super) fn write_certificate(&self, pem: &str) -> Result<(), OrderError> {
        self.write(&self.certificate(), pem.as_bytes())
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<(), OrderError> {
        let written = disk::make_private(&self.directory)
            .and_then(|()| disk::replace_private(path, content))
            // The directories may be new.
            .and_then(|()| {
                disk::parent(&self.directory).ancestors().take(2).try_for_each(disk::flush_directory)
            });
        written.map_err(|error| OrderError::File(format!("{}: {error}", path.display())))
    }
}

/// Octets of the name of a directory.
const NAME_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn files(authority: &str) -> Files {
        Files::of(Path::new("/d"), &Url::parse(authority).unwrap())
    }

    #[test]
    fn each_authority_has_a_place_within_the_data_directory() {
        let lets_encrypt = files("https://acme-v02.api.letsencrypt.org/directory");
        assert_eq!(
            lets_encrypt.certificate(),
            Path::new("/d/acme/acme-v02.api.letsencrypt.org_directory_/certificate.pem")
        );
        for odd in [
            "https://../../..",
            "https://x.test/../..",
            "https://x.test/%2e%2e/",
            "https://u:p@x.test:1/?a#b",
        ] {
            let path = files(odd).account();
            assert_eq!(path.components().count(), 5, "{path:?}");
            assert!(!path.to_string_lossy().contains(".._/.."), "{path:?}");
        }
        let long = files(&format!("https://x.test/{}", "y".repeat(5000)));
        assert!(long.account().components().all(|part| part.as_os_str().len() < 255));
    }
}
