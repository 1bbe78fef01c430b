//! A server's certificates: by name, replaced while it serves, and what is resumed under them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use common::authority::{Authority, Issued, expired, not_yet_valid, self_signed, shake};
use posthaste_tokio::tls::{
    Alpn, AlpnPolicy, CertificateFiles, Certificates, ClientSettings, ClientTls, Identity, LoadProblem, Pin,
    PinnedCertificates, ServerSettings, Trust, default_provider,
};
use rustls::client::{ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, ServerConfig, ServerConnection, SignatureScheme,
};

fn identity(issued: &Issued) -> Identity {
    Identity::from_der(&default_provider().unwrap(), issued.chain(), issued.key()).unwrap()
}

fn certificates(issued: &[&Issued]) -> Arc<Certificates> {
    let identities = issued.iter().map(|issued| identity(issued)).collect();
    Certificates::new(default_provider().unwrap(), identities).unwrap()
}

/// What a client that asks for `name`, and takes anything, is shown.
async fn shown(certificates: &Arc<Certificates>, name: &str, of: &[&Issued]) -> CertificateDer<'static> {
    let pins: Vec<Pin> = of.iter().map(|issued| Pin::of_certificate(&issued.certificate)).collect();
    let trust = Trust::Verifier(Arc::new(PinnedCertificates::new(Arc::clone(certificates.provider()), pins)));
    let client = ClientSettings::new(Alpn::Imap).with_trust(trust).build().unwrap();
    let server = ServerSettings::new(Alpn::Imap).build(certificates).unwrap();
    let (server, client) = shake(&server, &ClientTls::new(client, name).unwrap()).await;
    server.unwrap();
    client.unwrap().tls().unwrap().peer_certificates().unwrap()[0].clone()
}

#[tokio::test]
async fn a_certificate_is_chosen_by_the_name_the_client_asks_for() {
    let authority = Authority::new();
    let default = authority.issue(&["Mail.Example"]);
    let wild = authority.issue(&["*.Wild.example"]);
    let exact = authority.issue(&["one.wild.example", "two.example"]);
    let all = [&default, &wild, &exact];
    let certificates = certificates(&all);
    assert_eq!(certificates.names(), ["*.wild.example", "mail.example", "one.wild.example", "two.example"]);
    for (name, expected) in [
        ("mail.example", &default),
        ("MAIL.eXample", &default),
        ("one.wild.example", &exact),
        ("ONE.wild.EXAMPLE", &exact),
        ("two.example", &exact),
        ("other.wild.example", &wild),
        ("OTHER.wild.example", &wild),
        // A wildcard is one label, not two and not none.
        ("a.b.wild.example", &default),
        ("wild.example", &default),
        ("unknown.example", &default),
        // Of an address nothing is said.
        ("192.0.2.1", &default),
    ] {
        assert_eq!(shown(&certificates, name, &all).await, expected.certificate, "{name}");
    }
}

#[tokio::test]
async fn of_two_certificates_for_a_name_the_client_gets_one_it_can_verify() {
    let authority = Authority::new();
    let names = ["mail.example"];
    let ecdsa = authority.issue(&names);
    let ed25519 = authority.issue_with(&names, &rcgen::PKCS_ED25519, |_| {});
    let certificates = certificates(&[&ecdsa, &ed25519]);
    let server = ServerSettings::new(Alpn::Imap).build(&certificates).unwrap();
    for (scheme, expected) in
        [(SignatureScheme::ED25519, &ed25519), (SignatureScheme::ECDSA_NISTP256_SHA256, &ecdsa)]
    {
        let algorithms = default_provider().unwrap().signature_verification_algorithms;
        let mapping: Vec<_> = algorithms.mapping.iter().copied().filter(|(is, _)| *is == scheme).collect();
        let algorithms = WebPkiSupportedAlgorithms { all: algorithms.all, mapping: mapping.leak() };
        let provider = CryptoProvider {
            signature_verification_algorithms: algorithms,
            ..CryptoProvider::clone(&default_provider().unwrap())
        };
        let client = ClientSettings::new(Alpn::Imap)
            .with_trust(authority.trust())
            .with_provider(Arc::new(provider))
            .build()
            .unwrap();
        let (server, client) = shake(&server, &ClientTls::new(client, "mail.example").unwrap()).await;
        server.unwrap();
        let client = client.unwrap();
        assert_eq!(client.tls().unwrap().peer_certificates().unwrap()[0], expected.certificate);
    }
}

#[tokio::test]
async fn stls_11_a_client_that_names_other_protocols_is_refused_and_one_that_names_none_by_policy() {
    let authority = Authority::new();
    let certificates = certificates(&[&authority.issue(&["mail.example"])]);
    let names = |list: &[&str]| list.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>();
    for (alpn, offered, policy, selected) in [
        (Alpn::Imap, names(&["imap"]), AlpnPolicy::Optional, Some(Some("imap"))),
        (Alpn::Imap, names(&["h2", "imap"]), AlpnPolicy::Required, Some(Some("imap"))),
        (Alpn::Imap, names(&["http/1.1"]), AlpnPolicy::Optional, None),
        (Alpn::Imap, names(&["pop3"]), AlpnPolicy::Optional, None),
        (Alpn::Imap, names(&[]), AlpnPolicy::Optional, Some(None)),
        (Alpn::Imap, names(&[]), AlpnPolicy::Required, None),
        (Alpn::Pop3, names(&["pop3"]), AlpnPolicy::Required, Some(Some("pop3"))),
        (Alpn::Pop3, names(&["imap"]), AlpnPolicy::Optional, None),
        (Alpn::Smtp, names(&[]), AlpnPolicy::Optional, Some(None)),
        (Alpn::Smtp, names(&["smtp"]), AlpnPolicy::Optional, Some(Some("smtp"))),
        (Alpn::Smtp, names(&["http/1.1", "esmtp"]), AlpnPolicy::Optional, Some(Some("esmtp"))),
        (Alpn::Smtp, names(&["http/1.1"]), AlpnPolicy::Optional, None),
        (Alpn::Smtp, names(&["imap"]), AlpnPolicy::Optional, None),
    ] {
        let server = ServerSettings::new(alpn).with_alpn_policy(policy).build(&certificates).unwrap();
        let mut config = ClientConfig::clone(&authority.client_config(alpn));
        config.alpn_protocols = offered.clone();
        let client = ClientTls::new(Arc::new(config), "mail.example").unwrap();
        let (server, client) = shake(&server, &client).await;
        let case = format!("{alpn:?} {policy:?} {offered:?}");
        match selected {
            Some(name) => {
                let server = server.unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!(server.tls().unwrap().alpn_protocol(), name.map(str::as_bytes), "{case}");
                client.unwrap_or_else(|error| panic!("{case}: {error}"));
            }
            None => {
                server.unwrap_err();
                let alert = if offered.is_empty() { "AccessDenied" } else { "NoApplicationProtocol" };
                let error = client.unwrap_err().to_string();
                assert!(error.contains(alert), "{case}: {error}");
            }
        }
    }
}

#[test]
fn stls_18_no_handshake_fails_while_certificates_are_replaced() {
    let authority = Authority::new();
    let sets: Vec<Vec<Identity>> = (0..2)
        .map(|_| {
            vec![identity(&authority.issue(&["mail.example"])), identity(&authority.issue(&["b.example"]))]
        })
        .collect();
    let certificates = Certificates::new(default_provider().unwrap(), sets[0].clone()).unwrap();
    let server = ServerSettings::new(Alpn::Imap).build(&certificates).unwrap();
    // No session is resumed, so that each handshake sees a certificate.
    let mut client = ClientConfig::clone(&authority.client_config(Alpn::Imap));
    client.resumption = Resumption::disabled();
    let client = Arc::new(client);
    let (done, reloads) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (mut seen, mut handshakes) = (std::collections::BTreeSet::new(), 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let count = reloads.fetch_add(1, Ordering::Relaxed);
                certificates.replace(sets[count % 2].clone()).unwrap();
                std::thread::yield_now();
            }
        });
        // A thousand of each, however the system shares its time between the two.
        while handshakes < 1000 || reloads.load(Ordering::Relaxed) <= 1000 {
            let (_, client) = handshake(&server, &client, "mail.example");
            seen.insert(client.peer_certificates().unwrap()[0].to_vec());
            handshakes += 1;
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(seen.len(), 2, "only one set was ever shown");
}

#[tokio::test]
async fn stls_18_certificates_that_cannot_be_used_are_named_and_the_old_ones_stay() {
    let authority = Authority::new();
    let (good, other) = (authority.issue(&["mail.example"]), authority.issue(&["mail.example"]));
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let chain = write("chain.pem", &good.chain_pem);
    let key = write("key.pem", &good.key_pem);
    let files = CertificateFiles::new(&chain, &key);
    let certificates =
        Certificates::from_files(default_provider().unwrap(), std::slice::from_ref(&files)).unwrap();
    let old = certificates.names();
    let of = |issued: &Issued, name: &str| {
        let chain = write(&format!("{name}.pem"), &issued.chain_pem);
        CertificateFiles::new(chain, write(&format!("{name}.key"), &issued.key_pem))
    };
    let late = of(&authority.issue_as(&["new.example"], expired), "late");
    let early = of(&authority.issue_as(&["new.example"], not_yet_valid), "early");
    let missing = directory.path().join("missing.pem");
    let empty = write("empty.pem", "");
    let broken = write("broken.pem", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
    let cut = write("cut.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    let nonsense = write("nonsense.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let weird = write("weird.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let locked = write(
        "locked.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let others = write("others.key", &other.key_pem);
    let files_of = |chain: &Path, key: &Path| CertificateFiles::new(chain, key);
    for (bad, blamed, words) in [
        (files_of(&missing, &key), missing.as_path(), "cannot be read"),
        (files_of(&chain, &missing), &missing, "cannot be read"),
        (files_of(&chain, directory.path()), directory.path(), "cannot be read"),
        (files_of(&empty, &key), &empty, "no certificate"),
        (files_of(&key, &key), &key, "no certificate"),
        (files_of(&broken, &key), &broken, "not good PEM"),
        (files_of(&cut, &key), &cut, "not good PEM"),
        (files_of(&nonsense, &key), &nonsense, "a certificate that cannot be used"),
        (files_of(&chain, &chain), &chain, "no private key"),
        (files_of(&chain, &weird), &weird, "a private key that cannot be used"),
        (files_of(&chain, &locked), &locked, "password"),
        (files_of(&chain, &others), &others, "not the one of the certificate"),
        (late.clone(), &late.chain, "expired on 2020-02-29 00:00:00 UTC"),
        (early.clone(), &early.chain, "not valid before 2999-01-01 00:00:00 UTC"),
    ] {
        // Also when only the last of several is bad.
        let error = certificates.reload(&[files.clone(), bad]).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.file(), Some(blamed), "{text}");
        assert!(text.starts_with(&blamed.display().to_string()) && text.contains(words), "{text}");
        assert_eq!(certificates.names(), old, "{text}");
        assert_eq!(shown(&certificates, "mail.example", &[&good]).await, good.certificate, "{text}");
    }
    assert_eq!(*certificates.reload(&[]).unwrap_err().problem(), LoadProblem::NoCertificate);
    let fresh = of(&other, "fresh");
    certificates.reload(&[fresh]).unwrap();
    assert_eq!(shown(&certificates, "mail.example", &[&other]).await, other.certificate);
}

#[tokio::test]
async fn connections_that_stand_outlive_a_reload() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let authority = Authority::new();
    let certificates = certificates(&[&authority.issue(&["mail.example"])]);
    let server = ServerSettings::new(Alpn::Imap).build(&certificates).unwrap();
    let (server, client) = shake(&server, &authority.client("mail.example", Alpn::Imap)).await;
    let (mut server, mut client) = (server.unwrap(), client.unwrap());
    certificates.replace(vec![identity(&self_signed(&["mail.example"]))]).unwrap();
    client.write_all(b"noop").await.unwrap();
    client.flush().await.unwrap();
    let mut octets = [0; 4];
    server.read_exact(&mut octets).await.unwrap();
    assert_eq!(&octets, b"noop");
}

#[test]
fn a_key_is_never_printed() {
    let issued = self_signed(&["mail.example"]);
    let identity = identity(&issued);
    let printed = format!("{identity:?} {:?}", certificates(&[&issued]));
    let key = format!("{:?}", &issued.key().secret_der()[40..48]);
    assert!(!printed.contains(key.trim_matches(['[', ']'])));
}

#[test]
fn stls_15_a_session_is_resumed_at_its_own_service_and_name_only() {
    let authority = Authority::new();
    let issued = authority.issue(&["mail.example", "other.example"]);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let certificates = certificates(&[&issued]);
        let imap = ServerSettings::new(Alpn::Imap).build(&certificates).unwrap();
        let smtp = ServerSettings::new(Alpn::Smtp).build(&certificates).unwrap();
        let mut client = ClientConfig::builder_with_provider(default_provider().unwrap())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(match authority.trust() {
                Trust::Roots(roots) => roots,
                other => panic!("{other:?}"),
            })
            .with_no_client_auth();
        client.resumption = Resumption::store(Arc::new(Forgetful(ClientSessionMemoryCache::new(8))));
        let client = Arc::new(client);
        let kind = |server: &Arc<ServerConfig>, name: &str| {
            let (server, client) = handshake(server, &client, name);
            assert_eq!(server.handshake_kind(), client.handshake_kind());
            server.handshake_kind().unwrap()
        };
        assert_eq!(kind(&imap, "mail.example"), HandshakeKind::Full);
        assert_eq!(kind(&imap, "mail.example"), HandshakeKind::Resumed, "{version:?}");
        assert_eq!(kind(&smtp, "mail.example"), HandshakeKind::Full, "another service");
        assert_eq!(kind(&smtp, "mail.example"), HandshakeKind::Resumed, "{version:?}");
        assert_eq!(kind(&smtp, "other.example"), HandshakeKind::Full, "another name");
        assert_eq!(kind(&smtp, "other.example"), HandshakeKind::Resumed, "{version:?}");
        certificates.replace(vec![identity(&issued)]).unwrap();
        assert_eq!(kind(&smtp, "other.example"), HandshakeKind::Full, "other certificates");
        assert_eq!(kind(&smtp, "other.example"), HandshakeKind::Resumed, "{version:?}");
    }
}

#[test]
fn stls_16_there_is_no_early_data() {
    let authority = Authority::new();
    let issued = authority.issue(&["mail.example"]);
    let certificates = certificates(&[&issued]);
    let mut client = ClientConfig::clone(&authority.client_config(Alpn::Imap));
    assert!(!client.enable_early_data);
    client.enable_early_data = true;
    let client = Arc::new(client);
    for server in
        [ServerSettings::new(Alpn::Imap).build(&certificates).unwrap(), issued.server_config(Alpn::Imap)]
    {
        assert_eq!(server.max_early_data_size, 0);
        handshake(&server, &client, "mail.example");
        let (_, again) = handshake(&server, &client, "mail.example");
        assert_eq!(again.handshake_kind(), Some(HandshakeKind::Resumed));
        let name = ServerName::try_from("mail.example").unwrap();
        let mut third = ClientConnection::new(Arc::clone(&client), name).unwrap();
        assert!(third.early_data().is_none(), "the ticket allows early data");
    }
}

/// A client that offers whatever session it has to whomever it talks to.
#[derive(Debug)]
struct Forgetful(ClientSessionMemoryCache);

impl Forgetful {
    fn anybody() -> ServerName<'static> {
        ServerName::try_from("anybody.example").unwrap()
    }
}

impl ClientSessionStore for Forgetful {
    fn set_kx_hint(&self, _: ServerName<'static>, group: rustls::NamedGroup) {
        self.0.set_kx_hint(Self::anybody(), group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<rustls::NamedGroup> {
        self.0.kx_hint(&Self::anybody())
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.0.set_tls12_session(Self::anybody(), value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(&Self::anybody())
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.0.remove_tls12_session(&Self::anybody());
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: rustls::client::Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(Self::anybody(), value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<rustls::client::Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(&Self::anybody())
    }
}

/// A handshake without any I/O.
fn handshake(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
    name: &str,
) -> (ServerConnection, ClientConnection) {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    let mut rounds = 0;
    while client.is_handshaking() || server.is_handshaking() || server.wants_write() {
        rounds += 1;
        assert!(rounds < 10, "the handshake turns in circles");
        let mut flight = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut flight).unwrap();
        }
        let mut flight = flight.as_slice();
        while !flight.is_empty() {
            server.read_tls(&mut flight).unwrap();
            server.process_new_packets().unwrap();
        }
        let mut flight = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut flight).unwrap();
        }
        let mut flight = flight.as_slice();
        while !flight.is_empty() {
            client.read_tls(&mut flight).unwrap();
            client.process_new_packets().unwrap();
        }
    }
    (server, client)
}
