//! What a login is bound to: both ends of a connection see the same, and nobody in the middle can be both ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::sync::Arc;

use common::scram::{Honesty, Login, serve};
use posthaste_sasl::{BindingType, ChannelBinding, SaslError};
use posthaste_tokio::tls::{Alpn, ClientTls, server_config};
use posthaste_tokio::{
    Channel, ClientOptions, Credentials, Mechanism, Protocol, Role, Security, Stream, TlsMode, smtp,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCertUsingSni;
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, duplex};

use BindingType::{TlsExporter, TlsServerEndPoint};

/// What a server has of a certificate.
struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

/// Whether TLS 1.2 is spoken without extended master secret.
#[derive(Clone, Copy, PartialEq)]
enum Ems {
    Optional,
    Required,
}

impl Identity {
    fn new(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        Self { certificate: made.cert.der().clone(), key: made.signing_key.serialize_der() }
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.clone()).unwrap()
    }

    fn server(&self, ems: Ems) -> Role {
        let config = server_config(vec![self.certificate.clone()], self.key(), Alpn::Smtp).unwrap();
        let mut config = ServerConfig::clone(&config);
        config.require_ems = ems == Ems::Required;
        Role::Server { tls: Some(Arc::new(config)) }
    }

    fn certified_key(&self) -> CertifiedKey {
        let key = rustls::crypto::ring::sign::any_supported_type(&self.key()).unwrap();
        CertifiedKey::new(vec![self.certificate.clone()], key)
    }
}

/// A client that trusts these and speaks this version only.
fn client(trusted: &[&Identity], name: &str, version: &'static SupportedProtocolVersion, ems: Ems) -> Role {
    let mut roots = RootCertStore::empty();
    for identity in trusted {
        roots.add(identity.certificate.clone()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.require_ems = ems == Ems::Required;
    Role::Client { tls: Some(ClientTls::new(Arc::new(config), name).unwrap()) }
}

/// A connection after its handshake: the end of the server, the end of the client.
async fn connect(server: &Role, client: &Role) -> (Stream, Stream) {
    let (near, far) = duplex(64 * 1024);
    let (server, client) =
        tokio::join!(Stream::from(near).into_tls(server), Stream::from(far).into_tls(client));
    (server.unwrap(), client.unwrap())
}

fn kinds(channel: &Channel) -> Vec<BindingType> {
    channel.bindings().iter().map(ChannelBinding::kind).collect()
}

fn binding(channel: &Channel, kind: BindingType) -> ChannelBinding {
    channel.bindings().iter().find(|binding| binding.kind() == kind).unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn both_ends_have_the_same_bindings_and_no_other_connection_has_them() {
    let identity = Identity::new("mail.example");
    let cases = [
        (&TLS13, Ems::Optional, vec![TlsExporter, TlsServerEndPoint]),
        // RFC 9266 2: without extended master secret it would not be of this connection alone.
        (&TLS12, Ems::Optional, vec![TlsServerEndPoint]),
        (&TLS12, Ems::Required, vec![TlsServerEndPoint, TlsExporter]),
    ];
    for (version, ems, expected) in cases {
        let (server_role, client_role) =
            (identity.server(ems), client(&[&identity], "mail.example", version, ems));
        let (server, client) = connect(&server_role, &client_role).await;
        assert_eq!(server.tls().unwrap().protocol_version(), Some(version.version));
        assert_eq!(kinds(&server.channel()), expected, "{version:?}");
        assert_eq!(server.channel(), client.channel());
        assert_eq!(server.channel().security(), Security::Tls);

        let (other, _client) = connect(&server_role, &client_role).await;
        assert_eq!(kinds(&other.channel()), expected);
        let end_point = |stream: &Stream| binding(&stream.channel(), TlsServerEndPoint);
        assert_eq!(end_point(&server), end_point(&other), "the certificate is the same");
        if expected.contains(&TlsExporter) {
            let exporter = |stream: &Stream| binding(&stream.channel(), TlsExporter);
            assert_ne!(exporter(&server), exporter(&other), "the connection is not");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_binds_to_the_certificate_that_it_shows_for_the_name() {
    let (one, two) = (Identity::new("one.example"), Identity::new("two.example"));
    let mut resolver = ResolvesServerCertUsingSni::new();
    resolver.add("one.example", one.certified_key()).unwrap();
    resolver.add("two.example", two.certified_key()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    let server = Role::Server { tls: Some(Arc::new(config)) };
    let mut seen = Vec::new();
    for name in ["one.example", "two.example"] {
        for version in [&TLS13, &TLS12] {
            let client = client(&[&one, &two], name, version, Ems::Optional);
            let (server, client) = connect(&server, &client).await;
            assert_eq!(server.channel(), client.channel());
            seen.push(binding(&server.channel(), TlsServerEndPoint));
        }
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[2], seen[3]);
    assert_ne!(seen[0], seen[2]);
}

#[tokio::test(start_paused = true)]
async fn a_resumed_session_has_bindings_of_its_own() {
    let identity = Identity::new("mail.example");
    for version in [&TLS13, &TLS12] {
        let server_role = identity.server(Ems::Required);
        let client_role = client(&[&identity], "mail.example", version, Ems::Required);
        let mut exporters = Vec::new();
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let (mut server, mut client) = connect(&server_role, &client_role).await;
            // What a session is resumed from comes along with the first data.
            server.write_all(b"!").await.unwrap();
            server.flush().await.unwrap();
            client.read_exact(&mut [0]).await.unwrap();
            assert_eq!(server.tls().unwrap().handshake_kind(), Some(kind), "{version:?}");
            assert_eq!(server.channel(), client.channel());
            assert_eq!(server.channel().bindings().len(), 2);
            exporters.push(binding(&server.channel(), TlsExporter));
        }
        assert_ne!(exporters[0], exporters[1]);
    }
}

#[tokio::test(start_paused = true)]
async fn without_tls_there_is_nothing_to_bind_to() {
    let (near, far) = duplex(64);
    assert_eq!(Stream::new(near).channel(), Channel::new(Security::Plain));
    assert_eq!(Stream::local(far).channel(), Channel::new(Security::Local));
}

const PLUS: &[Mechanism] = &[Mechanism::ScramSha256Plus, Mechanism::ScramSha256];
const UNBOUND: &[Mechanism] = &[Mechanism::ScramSha256];

/// The client's side of a login over a stream that has TLS.
async fn log_in(stream: Stream) -> Result<(), smtp::Error> {
    let options = ClientOptions::default().with_credentials(Credentials::new("ursel", "Geheim!"));
    let name = "laptop.example".parse().unwrap();
    let endpoint = common::endpoint(Protocol::Submission, TlsMode::Implicit);
    smtp::Client::over(stream, &endpoint, name, &options).await?.quit().await
}

#[tokio::test]
async fn a_login_is_bound_to_its_connection() {
    let identity = Identity::new("mail.example");
    for (version, offered, expected) in [
        (&TLS13, PLUS, "SCRAM-SHA-256-PLUS"),
        (&TLS12, PLUS, "SCRAM-SHA-256-PLUS"),
        (&TLS13, UNBOUND, "SCRAM-SHA-256"),
    ] {
        let server_role = identity.server(Ems::Optional);
        let client_role = client(&[&identity], "mail.example", version, Ems::Optional);
        let (server, client) = connect(&server_role, &client_role).await;
        let serving = tokio::spawn(serve(server, server_role, offered, Honesty::Knows));
        log_in(client).await.unwrap();
        let login = Login { mechanism: expected.to_owned(), outcome: Ok(()) };
        assert_eq!(serving.await.unwrap(), [login], "{version:?}");
    }
}

#[tokio::test]
async fn a_login_is_bound_after_starttls() {
    let (server_role, client_role) = common::tls_roles(Alpn::Smtp);
    let (near, far) = duplex(4096);
    let serving = tokio::spawn(serve(near, server_role, PLUS, Honesty::Knows));
    let options = common::trusting(&client_role).with_credentials(Credentials::new("ursel", "Geheim!"));
    let name = "laptop.example".parse().unwrap();
    let endpoint = common::endpoint(Protocol::Submission, TlsMode::StartTls);
    smtp::Client::over(far, &endpoint, name, &options).await.unwrap().quit().await.unwrap();
    assert_eq!(serving.await.unwrap()[0].mechanism, "SCRAM-SHA-256-PLUS");
}

/// What somebody in the middle does to the lines that pass.
#[derive(Clone, Copy, PartialEq)]
enum Middle {
    Relays,
    /// Takes -PLUS out of what the server offers.
    Strips,
}

/// Passes lines on until one side closes.
async fn relay(from: impl tokio::io::AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, middle: Middle) {
    let mut from = BufReader::new(from);
    let mut line = String::new();
    while matches!(from.read_line(&mut line).await, Ok(1..)) {
        if middle == Middle::Strips {
            line = line.replace(" SCRAM-SHA-256-PLUS", "");
        }
        if to.write_all(line.as_bytes()).await.is_err() || to.flush().await.is_err() {
            break;
        }
        line.clear();
    }
    drop(to.shutdown().await);
}

/// A login through somebody who ends TLS of the client with `shown` and begins TLS of his own.
async fn log_in_through(
    shown: &Identity,
    real: &Identity,
    version: &'static SupportedProtocolVersion,
    offered: &'static [Mechanism],
    middle: Middle,
) -> (Result<(), smtp::Error>, Vec<Login>) {
    let client_role = client(&[shown, real], "mail.example", version, Ems::Optional);
    let server_role = real.server(Ems::Optional);
    let (to_client, client) = connect(&shown.server(Ems::Optional), &client_role).await;
    let (server, to_server) = connect(&server_role, &client_role).await;
    let serving = tokio::spawn(serve(server, server_role, offered, Honesty::Knows));
    let relaying = tokio::spawn(async move {
        let (client_reads, client_writes) = tokio::io::split(to_client);
        let (server_reads, server_writes) = tokio::io::split(to_server);
        tokio::join!(
            relay(server_reads, client_writes, middle),
            relay(client_reads, server_writes, Middle::Relays)
        );
    });
    let result = log_in(client).await;
    relaying.await.unwrap();
    (result, serving.await.unwrap())
}

#[tokio::test]
async fn auth_07_nobody_in_the_middle_logs_in_with_what_he_sees() {
    let (real, other) = (Identity::new("mail.example"), Identity::new("mail.example"));
    // With TLS 1.3 not even who has stolen the key of the server.
    for (shown, version) in [(&other, &TLS13), (&other, &TLS12), (&real, &TLS13)] {
        let (result, logins) = log_in_through(shown, &real, version, PLUS, Middle::Relays).await;
        assert!(result.as_ref().is_err_and(|error| error.refusal().is_some()), "{result:?}");
        let outcome = Err(SaslError::WrongBinding);
        assert_eq!(logins, [Login { mechanism: "SCRAM-SHA-256-PLUS".to_owned(), outcome }]);
    }
}

#[tokio::test]
async fn auth_08_an_offer_of_binding_that_was_taken_out_is_noticed() {
    let (real, other) = (Identity::new("mail.example"), Identity::new("mail.example"));
    for version in [&TLS13, &TLS12] {
        let (result, logins) = log_in_through(&other, &real, version, PLUS, Middle::Strips).await;
        assert!(result.as_ref().is_err_and(|error| error.refusal().is_some()), "{result:?}");
        let outcome = Err(SaslError::Downgrade);
        assert_eq!(logins, [Login { mechanism: "SCRAM-SHA-256".to_owned(), outcome }]);
    }
}

/// What the others would miss if the relay itself were at fault.
#[tokio::test]
async fn a_login_that_is_not_bound_passes_through_the_middle() {
    let (real, other) = (Identity::new("mail.example"), Identity::new("mail.example"));
    let (result, logins) = log_in_through(&other, &real, &TLS13, UNBOUND, Middle::Relays).await;
    result.unwrap();
    assert_eq!(logins, [Login { mechanism: "SCRAM-SHA-256".to_owned(), outcome: Ok(()) }]);
}
