//! A throw-away certificate for a server of somebody else, and what our clients need to trust it.

use std::{fs, path::Path, sync::Arc};

use posthaste_tokio::tls::{Alpn, client_config_with_roots};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// The only name in the certificate.
pub(crate) const ADDRESS: &str = "127.0.0.1";

pub(crate) struct Identity(CertificateDer<'static>);

impl Identity {
    /// Makes one, and writes it to the files `certificate` and `key` of a folder.
    pub(crate) fn make(folder: &Path) -> Self {
        let certified = rcgen::generate_simple_self_signed([ADDRESS.to_owned()]).unwrap();
        fs::write(folder.join("certificate"), certified.cert.pem()).unwrap();
        fs::write(folder.join("key"), certified.signing_key.serialize_pem()).unwrap();
        Self(certified.cert.der().clone())
    }

    /// A client that trusts it and nothing else.
    pub(crate) fn client_config(&self, alpn: Alpn) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.clone()).unwrap();
        client_config_with_roots(roots, alpn).unwrap()
    }
}
