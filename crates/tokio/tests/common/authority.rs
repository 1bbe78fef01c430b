//! An authority that issues certificates of every kind, good and bad.

use std::sync::Arc;

use posthaste_tokio::tls::{Alpn, ClientSettings, ClientTls, Trust};
use posthaste_tokio::{Role, Stream};
use rcgen::{CertificateParams, DnType, IsCa, Issuer, KeyPair, SignatureAlgorithm, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::duplex;

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

/// A certificate and its key.
pub struct Issued {
    pub certificate: CertificateDer<'static>,
    pub chain_pem: String,
    pub key_pem: String,
    key: KeyPair,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        // Authorities are told apart by their names.
        let name = format!("authority {:?}", &key.public_key_raw()[1..9]);
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    pub fn trust(&self) -> Trust {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        Trust::Roots(Arc::new(roots))
    }

    /// For these names, valid now.
    pub fn issue(&self, names: &[&str]) -> Issued {
        self.issue_as(names, |_| {})
    }

    /// For these names, and otherwise as `change` has it.
    pub fn issue_as(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        self.issue_with(names, &rcgen::PKCS_ECDSA_P256_SHA256, change)
    }

    pub fn issue_with(
        &self,
        names: &[&str],
        algorithm: &'static SignatureAlgorithm,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Issued {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let params = params(names, change);
        issued(&params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// What a client that trusts this authority holds for a server of this name.
    pub fn client(&self, name: &str, alpn: Alpn) -> ClientTls {
        ClientTls::new(self.client_config(alpn), name).unwrap()
    }

    pub fn client_config(&self, alpn: Alpn) -> Arc<ClientConfig> {
        ClientSettings::new(alpn).with_trust(self.trust()).build().unwrap()
    }
}

impl Issued {
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.clone()]
    }

    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }

    pub fn server_config(&self, alpn: Alpn) -> Arc<ServerConfig> {
        posthaste_tokio::tls::server_config(self.chain(), self.key(), alpn).unwrap()
    }
}

/// A certificate that nobody has signed but its own key.
pub fn self_signed(names: &[&str]) -> Issued {
    let key = KeyPair::generate().unwrap();
    let certificate = params(names, |_| {}).self_signed(&key).unwrap();
    issued(&certificate, key)
}

fn params(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    change(&mut params);
    params
}

fn issued(certificate: &rcgen::Certificate, key: KeyPair) -> Issued {
    Issued {
        certificate: certificate.der().clone(),
        chain_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
        key,
    }
}

pub fn expired(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(2020, 2, 29);
}

pub fn not_yet_valid(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2999, 1, 1);
    params.not_after = date_time_ymd(3000, 1, 1);
}

/// A handshake between the two, over a pipe.
pub async fn shake(
    server: &Arc<ServerConfig>,
    client: &ClientTls,
) -> (std::io::Result<Stream>, std::io::Result<Stream>) {
    let (near, far) = duplex(64 * 1024);
    let server = Role::Server { tls: Some(Arc::clone(server)) };
    let client = Role::Client { tls: Some(client.clone()) };
    tokio::join!(Stream::from(near).into_tls(&server), Stream::from(far).into_tls(&client))
}
