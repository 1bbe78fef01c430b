//! The certificates of a server: one by the name a client asks for, and new ones without a restart.
//!
//! Decides which certificate answers a ClientHello (RFC 6066 3): the one for exactly that name, else the one with a
//! wildcard in place of its first label, else the first. Names are those of the subject alternative name and do not
//! depend on case; a common name counts for nothing (RFC 9525 2). Does not ask any authority for certificates.

mod identity;
mod load;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

pub use identity::Identity;
pub use load::{CertificateFiles, LoadError, LoadProblem};

/// The certificates of a server, to be shared by the [`ServerSettings`](super::ServerSettings) of all its services.
///
/// They may be replaced at any time. A handshake uses the certificates there were when it began; connections that
/// stand are not touched. Sessions from before are not resumed: a client gets to see the new certificate.
///
/// Memory: each certificate and key once, whatever the number of names and connections.
#[derive(Debug)]
pub struct Certificates {
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<Table>>,
}

/// What there is at one time. It never changes, so that who holds it sees all of it or none.
#[derive(Debug)]
pub(super) struct Table {
    /// By name in lower case, `*.` first where it is a wildcard. A name has several when they have different keys.
    named: BTreeMap<String, Vec<Arc<CertifiedKey>>>,
    /// For clients that name nothing or something else. Never empty.
    default: Vec<Arc<CertifiedKey>>,
}

impl Certificates {
    /// Serves these, the first where a client asks for no name or for none of theirs. Two for one name, such as one
    /// with RSA and one with ECDSA, are chosen between by what the client can verify, the first before the second.
    ///
    /// # Errors
    ///
    /// [`LoadProblem::NoCertificate`]: there are none.
    pub fn new(provider: Arc<CryptoProvider>, identities: Vec<Identity>) -> Result<Arc<Self>, LoadError> {
        let current = RwLock::new(Arc::new(Table::new(identities)?));
        Ok(Arc::new(Self { provider, current }))
    }

    /// Serves those in `files`, as [`new`](Self::new) does.
    ///
    /// # Errors
    ///
    /// The first that cannot be used, with the name of its file.
    pub fn from_files(
        provider: Arc<CryptoProvider>,
        files: &[CertificateFiles],
    ) -> Result<Arc<Self>, LoadError> {
        let identities = load_all(&provider, files)?;
        Self::new(provider, identities)
    }

    /// Serves these from now on, in place of those there were.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new). Those there were are kept.
    pub fn replace(&self, identities: Vec<Identity>) -> Result<(), LoadError> {
        let table = Arc::new(Table::new(identities)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = table;
        Ok(())
    }

    /// Serves those in `files` from now on, all of them or, where one cannot be used, those there were. Reads the
    /// files at once: they are small, and nothing else waits.
    ///
    /// # Errors
    ///
    /// As [`from_files`](Self::from_files). Those there were are kept.
    pub fn reload(&self, files: &[CertificateFiles]) -> Result<(), LoadError> {
        self.replace(load_all(&self.provider, files)?)
    }

    /// The names there are certificates for, in lower case, in order.
    pub fn names(&self) -> Vec<String> {
        self.current().named.keys().cloned().collect()
    }

    /// The cryptography that goes with the keys.
    pub const fn provider(&self) -> &Arc<CryptoProvider> {
        &self.provider
    }

    pub(super) fn current(&self) -> Arc<Table> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let table = self.current();
        let candidates = table.candidates(client_hello.server_name());
        let fits =
            |key: &&Arc<CertifiedKey>| key.key.choose_scheme(client_hello.signature_schemes()).is_some();
        candidates.iter().find(fits).or_else(|| candidates.first()).cloned()
    }
}

impl Table {
    fn new(identities: Vec<Identity>) -> Result<Self, LoadError> {
        let mut named: BTreeMap<String, Vec<Arc<CertifiedKey>>> = BTreeMap::new();
        let Some(first) = identities.first() else {
            return Err(LoadError::of_memory(LoadProblem::NoCertificate));
        };
        let names = first.names.clone();
        let default = identities.iter().filter(|identity| identity.names == names);
        let default = default.map(|identity| Arc::clone(&identity.key)).collect();
        for Identity { names, key } in identities {
            for name in names {
                named.entry(name).or_default().push(Arc::clone(&key));
            }
        }
        Ok(Self { named, default })
    }

    fn candidates(&self, name: Option<&str>) -> &[Arc<CertifiedKey>] {
        let Some(name) = name.map(str::to_ascii_lowercase) else { return &self.default };
        let name = name.strip_suffix('.').unwrap_or(&name);
        let wildcard = || {
            let (_first, rest) = name.split_once('.')?;
            self.named.get(&format!("*.{rest}"))
        };
        self.named.get(name).or_else(wildcard).unwrap_or(&self.default)
    }
}

fn load_all(provider: &CryptoProvider, files: &[CertificateFiles]) -> Result<Vec<Identity>, LoadError> {
    files.iter().map(|files| Identity::from_files(provider, files)).collect()
}
