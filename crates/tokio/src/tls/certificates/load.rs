//! Where certificates are, and why one cannot be used: which file, and what is wrong with it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rustls::pki_types::UnixTime;

use crate::tls::problem::Date;

/// Two PEM files: a certificate with its chain, and the key to it. They may be the same file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The server's own certificate, and those between it and an authority that clients know.
    pub chain: PathBuf,
    /// The key to the server's own certificate, without a password.
    pub key: PathBuf,
}

/// Why a certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    file: Option<PathBuf>,
    problem: LoadProblem,
}

/// What is wrong with a certificate, its key, or a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadProblem {
    /// The file cannot be read. The text is the system's.
    #[error("cannot be read: {1}")]
    Unreadable(io::ErrorKind, String),
    /// The PEM is broken.
    #[error("is not good PEM: {0}")]
    Pem(String),
    /// There is no certificate.
    #[error("holds no certificate: a section that begins with BEGIN CERTIFICATE is missing")]
    NoCertificate,
    /// There is no key.
    #[error("holds no private key: a section that begins with BEGIN PRIVATE KEY is missing")]
    NoKey,
    /// The key is protected by a password.
    #[error("holds a private key with a password: take the password off")]
    KeyEncrypted,
    /// The key is of a kind that the cryptography does not know.
    #[error("holds a private key that cannot be used: {0}")]
    Key(String),
    /// Key and certificate do not belong together.
    #[error("holds a private key that is not the one of the certificate")]
    KeyMismatch,
    /// The certificate cannot be read.
    #[error("holds a certificate that cannot be used: {0}")]
    Certificate(String),
    /// The certificate is too old.
    #[error("holds a certificate that expired on {}", Date(*not_after))]
    Expired {
        /// The last second at which it was valid.
        not_after: UnixTime,
    },
    /// The certificate is for later.
    #[error("holds a certificate that is not valid before {}", Date(*not_before))]
    NotValidYet {
        /// The first second at which it is valid.
        not_before: UnixTime,
    },
}

impl CertificateFiles {
    /// The files at these paths.
    pub fn new(chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self { chain: chain.into(), key: key.into() }
    }
}

impl LoadError {
    pub(crate) const fn of_memory(problem: LoadProblem) -> Self {
        Self { file: None, problem }
    }

    pub(super) fn of_file(file: &Path, problem: LoadProblem) -> Self {
        Self { file: Some(file.to_owned()), problem }
    }

    /// The file that is to blame; `None` where there was none.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What is wrong with it.
    pub const fn problem(&self) -> &LoadProblem {
        &self.problem
    }
}

impl LoadProblem {
    /// Whether the key is to blame, not the certificate.
    pub(super) const fn is_of_key(&self) -> bool {
        matches!(self, Self::NoKey | Self::KeyEncrypted | Self::Key(_) | Self::KeyMismatch)
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{} {}", file.display(), self.problem),
            None => write!(f, "what was given {}", self.problem),
        }
    }
}

impl std::error::Error for LoadError {}
