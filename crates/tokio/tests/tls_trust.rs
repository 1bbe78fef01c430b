//! Whom a client trusts, which versions are spoken, and whose cryptography it is.
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
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::authority::{Authority, Issued, expired, not_yet_valid, self_signed, shake};
use posthaste_sasl::Nonce;
use posthaste_tokio::tls::{
    Alpn, AlpnPolicy, ClientSettings, ClientTls, Pin, PinnedCertificates, Trust, default_provider,
};
use posthaste_tokio::{
    ClientOptions, Credentials, Endpoint, Phase, Protocol, Retry, Role, Stream, TlsMode, imap, nonce,
    nonce_from,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, GetRandomFailed, SecureRandom};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, duplex};
use tokio::time::timeout;

/// What an IMAP client that wants TLS at `host` says of a server that shows `issued`.
async fn refused(authority: &Authority, host: &str, issued: &Issued) -> imap::Error {
    let options = ClientOptions::default()
        .with_trust(authority.trust())
        .with_credentials(Credentials::new("ursel", "Geheim!"));
    let (near, far) = duplex(64 * 1024);
    let role = Role::Server { tls: Some(issued.server_config(Alpn::Imap)) };
    let endpoint = Endpoint::new(Protocol::Imap, host).unwrap();
    let (server, client) =
        tokio::join!(Stream::from(near).into_tls(&role), imap::Client::over(far, &endpoint, &options));
    server.unwrap_err();
    client.unwrap_err()
}

#[tokio::test]
async fn tlsc_17_a_certificate_that_is_not_good_is_refused_and_named() {
    let authority = Authority::new();
    let with_common_name = |params: &mut rcgen::CertificateParams| {
        params.distinguished_name.push(rcgen::DnType::CommonName, "mail.example");
    };
    let name = "mail.example";
    for (case, host, issued, words) in [
        ("wrong name", name, authority.issue(&["mx.example", "b.example"]), "not for mail.example, but for "),
        ("wrong name, listed", name, authority.issue(&["mx.example"]), "mx.example"),
        ("expired", name, authority.issue_as(&[name], expired), "expired on 2020-02-29 00:00:00 UTC"),
        (
            "not yet valid",
            name,
            authority.issue_as(&[name], not_yet_valid),
            "not valid before 2999-01-01 00:00:00 UTC",
        ),
        ("self-signed", name, self_signed(&[name]), "authority that is not trusted"),
        ("unknown authority", name, Authority::new().issue(&[name]), "authority that is not trusted"),
        ("no names", name, authority.issue(&[]), "but for no name at all"),
        ("common name only", name, authority.issue_as(&[], with_common_name), "but for no name at all"),
        ("address for a name", name, authority.issue(&["192.0.2.1"]), "not for mail.example"),
        ("name for an address", "192.0.2.1", authority.issue(&[name]), "not for 192.0.2.1"),
        ("another address", "192.0.2.1", authority.issue(&["192.0.2.2"]), "not for 192.0.2.1"),
        (
            "wildcard for two labels",
            "x.a.b.example",
            authority.issue(&["*.b.example"]),
            "not for x.a.b.example",
        ),
        ("wildcard for no label", "b.example", authority.issue(&["*.b.example"]), "not for b.example"),
        ("two wildcards", "a.b.example", authority.issue(&["*.*.example"]), "not for a.b.example"),
        ("part of a name", "mail.example", authority.issue(&["ail.example"]), "not for mail.example"),
        ("for clients only", name, authority.issue_as(&[name], for_clients), ""),
    ] {
        let error = refused(&authority, host, &issued).await;
        let text = error.to_string();
        assert!(error.certificate_error().is_some() && text.contains(words), "{case}: {text}");
        assert_eq!((error.phase(), error.retry()), (Phase::Handshake, Retry::Never), "{case}");
        assert!(text.starts_with(&format!("{host}:993: TLS handshake: cannot connect: ")), "{case}: {text}");
    }
}

#[tokio::test]
async fn tlsc_17_a_handshake_without_a_client_says_the_same() {
    let authority = Authority::new();
    let issued = authority.issue_as(&["mail.example"], expired);
    let (_, client) =
        shake(&issued.server_config(Alpn::Imap), &authority.client("mail.example", Alpn::Imap)).await;
    let error = client.unwrap_err();
    assert_eq!(error.to_string(), "the server's certificate expired on 2020-02-29 00:00:00 UTC");
    // Whoever wants to know more finds it inside.
    let source = std::error::Error::source(error.get_ref().unwrap()).unwrap();
    let source: &rustls::Error = source.downcast_ref().unwrap();
    let expired =
        matches!(source, rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { .. }));
    assert!(expired, "{source}");
    // What is wrong with anything else is said as before.
    let role = Role::Client { tls: None };
    let (near, _far) = duplex(64);
    let error = Stream::from(near).into_tls(&role).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no TLS configuration");
}

#[tokio::test]
async fn trust_of_one_s_own_names_the_protocol_and_the_last_word_counts() {
    let authority = Authority::new();
    let issued = authority.issue(&["mail.example"]);
    let trusting = ClientOptions::default()
        .with_client_config(Authority::new().client_config(Alpn::Smtp))
        .with_trust(authority.trust());
    let other = trusting.clone().with_client_config(Authority::new().client_config(Alpn::Imap));
    for (options, is_good) in [(trusting, true), (other, false)] {
        let (near, far) = duplex(64 * 1024);
        let role = Role::Server { tls: Some(issued.server_config(Alpn::Imap)) };
        let endpoint: Endpoint = "imaps://ursel@mail.example".parse().unwrap();
        let server = async {
            let mut stream = Stream::from(near).into_tls(&role).await?;
            stream.write_all(b"* OK hello\r\n").await?;
            let mut greeted = [0; 4];
            stream.read_exact(&mut greeted).await.map(drop)
        };
        let (server, client) = tokio::join!(server, imap::Client::over(far, &endpoint, &options));
        assert_eq!(server.is_ok(), is_good);
        assert_eq!(client.unwrap_err().certificate_error().is_none(), is_good);
    }
}

#[test]
fn each_protocol_has_its_name_in_a_handshake() {
    use Protocol::{Imap, Lmtp, Pop3, Smtp, Submission};
    assert_eq!([Imap, Pop3].map(Alpn::from), [Alpn::Imap, Alpn::Pop3]);
    assert_eq!([Smtp, Submission, Lmtp].map(Alpn::from), [Alpn::Smtp; 3]);
}

fn for_clients(params: &mut rcgen::CertificateParams) {
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
}

#[tokio::test]
async fn tlsc_17_the_certificates_that_are_good_are_taken() {
    let authority = Authority::new();
    for (host, names) in [
        ("mail.example", ["mail.example"]),
        ("MAIL.example.", ["mail.EXAMPLE"]),
        ("in.mail.example", ["*.mail.example"]),
        ("192.0.2.1", ["192.0.2.1"]),
        ("2001:db8::1", ["2001:db8::1"]),
        ("bücher.example", ["xn--bcher-kva.example"]),
    ] {
        let endpoint = Endpoint::new(Protocol::Imap, host).unwrap();
        let server = authority.issue(&names).server_config(Alpn::Imap);
        let client = authority.client(endpoint.host().unwrap(), Alpn::Imap);
        let (server, client) = shake(&server, &client).await;
        server.unwrap();
        client.unwrap_or_else(|error| panic!("{host}: {error}"));
    }
}

#[tokio::test]
async fn tlsc_19_a_protocol_that_was_not_offered_is_refused() {
    let authority = Authority::new();
    // A server that selects whatever it is told to: it is asked for POP3 behind the back of an IMAP client.
    let server = authority.issue(&["mail.example"]).server_config(Alpn::Pop3);
    let (_, client) = shake(&server, &authority.client("mail.example", Alpn::Imap)).await;
    client.unwrap_err();
    // One that selects none is taken: servers that know no ALPN are many.
    let server = authority.issue(&["mail.example"]).server_config(Alpn::Smtp);
    let mut config = rustls::ServerConfig::clone(&server);
    config.alpn_protocols.clear();
    let (_, client) = shake(&Arc::new(config), &authority.client("mail.example", Alpn::Imap)).await;
    assert_eq!(client.unwrap().tls().unwrap().alpn_protocol(), None);
}

#[tokio::test]
async fn tlsc_19_a_server_that_selects_no_protocol_is_refused_where_one_is_required() {
    let authority = Authority::new();
    let issued = authority.issue(&["mail.example"]);
    let mut silent = rustls::ServerConfig::clone(&issued.server_config(Alpn::Imap));
    silent.alpn_protocols.clear();
    let mut options = ClientOptions::default()
        .with_client_config(authority.client_config(Alpn::Imap))
        .with_credentials(Credentials::new("ursel", "Geheim!"));
    options.alpn_policy = AlpnPolicy::Required;
    let endpoint = Endpoint::new(Protocol::Imap, "mail.example").unwrap();
    let role = Role::Server { tls: Some(Arc::new(silent)) };
    let (near, far) = duplex(64 * 1024);
    let (server, client) =
        tokio::join!(Stream::from(near).into_tls(&role), imap::Client::over(far, &endpoint, &options));
    let error = client.unwrap_err();
    assert!(error.to_string().contains("selects no application protocol"), "{error}");
    assert_eq!(error.phase(), Phase::Handshake);
    // Nothing was said inside.
    let mut said = Vec::new();
    match server {
        Ok(mut server) => drop(server.read_to_end(&mut said).await),
        // The client was gone before the server was done.
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe),
    }
    assert!(said.is_empty(), "{said:?}");
    // One that does is taken, and so is one of SMTP, where there is nothing to select.
    for alpn in [Alpn::Imap, Alpn::Smtp] {
        let client = authority.client("mail.example", alpn).with_alpn_policy(AlpnPolicy::Required);
        let (_, client) = shake(&issued.server_config(alpn), &client).await;
        client.unwrap();
    }
}

#[tokio::test]
async fn a_pinned_certificate_is_taken_whatever_its_name_and_dates() {
    let authority = Authority::new();
    let old = authority.issue_as(&["elsewhere.example"], expired);
    let server = old.server_config(Alpn::Smtp);
    let client = |pins: Vec<Pin>| {
        let verifier = PinnedCertificates::new(default_provider().unwrap(), pins);
        let trust = Trust::Verifier(Arc::new(verifier));
        let config = ClientSettings::new(Alpn::Smtp).with_trust(trust).build().unwrap();
        ClientTls::new(config, "mail.example").unwrap()
    };
    let of_key = Pin::of_public_key(&old.certificate).unwrap();
    let other = authority.issue(&["mail.example"]);
    for good in [
        vec![Pin::of_certificate(&old.certificate)],
        vec![of_key],
        vec![Pin::of_certificate(&other.certificate), of_key],
    ] {
        let (server, client) = shake(&server, &client(good)).await;
        server.unwrap();
        client.unwrap();
    }
    let Pin::PublicKey(hash) = of_key else { panic!("{of_key:?}") };
    for bad in [
        vec![],
        vec![Pin::of_certificate(&other.certificate), Pin::of_public_key(&other.certificate).unwrap()],
        // The hash of one thing is not that of the other.
        vec![Pin::Certificate(hash)],
    ] {
        let (server, client) = shake(&server, &client(bad)).await;
        server.unwrap_err();
        let error = client.unwrap_err();
        assert_eq!(error.to_string(), "the server's certificate is not the one that is expected");
    }
}

#[tokio::test]
async fn a_pinned_certificate_without_its_key_is_of_no_use() {
    // Certificates are public. Who shows one has to sign with its key.
    let authority = Authority::new();
    let (real, thief) = (authority.issue(&["mail.example"]), authority.issue(&["mail.example"]));
    let key = default_provider().unwrap().key_provider.load_private_key(thief.key()).unwrap();
    let stolen = Arc::new(rustls::sign::CertifiedKey::new(real.chain(), key));
    let identity = posthaste_tokio::tls::Identity::unchecked(stolen).unwrap();
    let certificates =
        posthaste_tokio::tls::Certificates::new(default_provider().unwrap(), vec![identity]).unwrap();
    let server = posthaste_tokio::tls::ServerSettings::new(Alpn::Smtp).build(&certificates).unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let pins = [Pin::of_certificate(&real.certificate)];
        let verifier = PinnedCertificates::new(default_provider().unwrap(), pins);
        let config = ClientConfig::builder_with_provider(default_provider().unwrap())
            .with_protocol_versions(&[version])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        let client = ClientTls::new(Arc::new(config), "mail.example").unwrap();
        let (_, client) = shake(&server, &client).await;
        assert!(client.unwrap_err().to_string().contains("BadSignature"));
    }
}

/// A verifier that says no to everything.
#[derive(Debug)]
struct Never;

impl ServerCertVerifier for Never {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Err(CertificateError::Revoked.into())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(CertificateError::Revoked.into())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(CertificateError::Revoked.into())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

#[tokio::test]
async fn a_verifier_of_the_callers_has_the_last_word() {
    let authority = Authority::new();
    let role = Role::Server { tls: Some(authority.issue(&["mail.example"]).server_config(Alpn::Imap)) };
    let trust = Trust::Verifier(Arc::new(Never));
    let config = ClientSettings::new(Alpn::Imap).with_trust(trust).build().unwrap();
    let options = ClientOptions::default().with_client_config(config);
    let endpoint = Endpoint::new(Protocol::Imap, "mail.example").unwrap();
    let (near, far) = duplex(64 * 1024);
    let (server, client) =
        tokio::join!(Stream::from(near).into_tls(&role), imap::Client::over(far, &endpoint, &options));
    server.unwrap_err();
    assert_eq!(client.unwrap_err().certificate_error(), Some(&CertificateError::Revoked));
}

#[tokio::test]
async fn both_versions_of_tls_are_spoken_and_the_newer_is_preferred() {
    let authority = Authority::new();
    let issued = authority.issue(&["mail.example"]);
    let Trust::Roots(roots) = authority.trust() else { panic!("no roots") };
    for (versions, spoken) in [
        (&[&rustls::version::TLS12][..], rustls::ProtocolVersion::TLSv1_2),
        (&[&rustls::version::TLS13], rustls::ProtocolVersion::TLSv1_3),
        (&[&rustls::version::TLS12, &rustls::version::TLS13], rustls::ProtocolVersion::TLSv1_3),
    ] {
        let config = ClientConfig::builder_with_provider(default_provider().unwrap())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(Arc::clone(&roots))
            .with_no_client_auth();
        let client = ClientTls::new(Arc::new(config), "mail.example").unwrap();
        let (server, _) = shake(&issued.server_config(Alpn::Imap), &client).await;
        assert_eq!(server.unwrap().tls().unwrap().protocol_version(), Some(spoken));
        // And so as a client.
        let config = rustls::ServerConfig::builder_with_provider(default_provider().unwrap())
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(issued.chain(), issued.key())
            .unwrap();
        let (_, client) = shake(&Arc::new(config), &authority.client("mail.example", Alpn::Imap)).await;
        assert_eq!(client.unwrap().tls().unwrap().protocol_version(), Some(spoken));
    }
}

/// A record of TLS in the clear.
fn record(version: [u8; 2], kind: u8, content: &[u8]) -> Vec<u8> {
    let body_length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let length = u16::try_from(content.len() + 4).unwrap().to_be_bytes();
    [&[22, version[0], version[1]], &length[..], &[kind], &body_length[1..], content].concat()
}

/// What a server answers to a ClientHello of this version with these cipher suites and no extensions.
async fn answer_to_hello(version: [u8; 2], suites: &[u16]) -> (String, Vec<u8>) {
    let issued = self_signed(&["mail.example"]);
    let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    let suites_length = u16::try_from(suites.len()).unwrap().to_be_bytes();
    let content = [&version[..], &[7; 32], &[0], &suites_length, &suites, &[1, 0]].concat();
    let (near, mut far) = duplex(64 * 1024);
    far.write_all(&record([3, 1], 1, &content)).await.unwrap();
    let role = Role::Server { tls: Some(issued.server_config(Alpn::Imap)) };
    let error = Stream::from(near).into_tls(&role).await.unwrap_err();
    let mut answer = Vec::new();
    far.read_to_end(&mut answer).await.unwrap();
    (error.to_string(), answer)
}

#[tokio::test]
async fn stls_10_versions_and_suites_from_before_tls_1_2_are_refused() {
    // What a browser of 2006 offers.
    let suites = [0xc009, 0xc00a, 0xc013, 0xc014, 0x002f, 0x0035, 0x000a];
    for version in [[3, 0], [3, 1], [3, 2]] {
        let (error, answer) = answer_to_hello(version, &suites).await;
        // A fatal alert: protocol_version, or handshake_failure since such a hello has no extensions.
        assert_eq!(answer[0], 21, "{version:?}: {error}");
        assert!(matches!(answer[answer.len() - 2..], [2, 40 | 70]), "{version:?}: {error}, {answer:?}");
    }
    // TLS 1.2, with RC4, 3DES, export ciphers, or CBC only.
    for suites in [&[0x0005, 0x0004][..], &[0x000a, 0xc012], &[0x0003, 0x0008], &suites] {
        let (error, answer) = answer_to_hello([3, 3], suites).await;
        assert_eq!(answer[..2], [21, 3], "{suites:x?}: {error}");
        // A fatal alert: handshake_failure, or missing_extension, of which there is one in every new hello.
        assert!(matches!(answer[answer.len() - 2..], [2, 40 | 109]), "{suites:x?}: {error}, {answer:?}");
    }
    // SSL 2: no record at all.
    let role = Role::Server { tls: Some(self_signed(&["mail.example"]).server_config(Alpn::Imap)) };
    let (near, mut far) = duplex(64 * 1024);
    far.write_all(&[0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10, 1, 0, 0x80]).await.unwrap();
    Stream::from(near).into_tls(&role).await.unwrap_err();
}

#[tokio::test]
async fn stls_10_a_server_that_answers_with_an_old_version_is_refused() {
    for version in [[3, 0], [3, 1], [3, 2]] {
        let authority = Authority::new();
        let role = Role::Client { tls: Some(authority.client("mail.example", Alpn::Imap)) };
        let (near, mut far) = duplex(64 * 1024);
        let content = [&version[..], &[7; 32], &[0], &[0xc0, 0x13], &[0]].concat();
        far.write_all(&record(version, 2, &content)).await.unwrap();
        let error = Stream::from(near).into_tls(&role).await.unwrap_err();
        assert!(error.to_string().contains("incompatible"), "{version:?}: {error}");
        let mut sent = Vec::new();
        far.read_to_end(&mut sent).await.unwrap();
        assert_eq!(sent[sent.len() - 2..], [2, 70], "{version:?}");
    }
}

/// Not random at all.
#[derive(Debug)]
struct Zeros(AtomicUsize);

static ZEROS: Zeros = Zeros(AtomicUsize::new(0));

impl SecureRandom for Zeros {
    fn fill(&self, octets: &mut [u8]) -> Result<(), GetRandomFailed> {
        self.0.fetch_add(1, Ordering::Relaxed);
        octets.fill(0);
        Ok(())
    }
}

#[derive(Debug)]
struct Broken;

impl SecureRandom for Broken {
    fn fill(&self, _: &mut [u8]) -> Result<(), GetRandomFailed> {
        Err(GetRandomFailed)
    }
}

fn with_random(secure_random: &'static dyn SecureRandom) -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { secure_random, ..CryptoProvider::clone(&default_provider().unwrap()) })
}

#[tokio::test(start_paused = true)]
async fn randomness_is_that_of_the_callers_cryptography() {
    let zeros = with_random(&ZEROS);
    assert_eq!(nonce_from(&zeros).unwrap(), Nonce::new([0; Nonce::OCTETS]));
    nonce_from(&with_random(&Broken)).unwrap_err();
    assert_ne!(nonce().unwrap(), nonce().unwrap());

    // An IMAP client: its tags.
    let tags = async |provider| {
        let trust = Authority::new().trust();
        let config =
            ClientSettings::new(Alpn::Imap).with_trust(trust).with_provider(provider).build().unwrap();
        let options = ClientOptions::default()
            .with_client_config(config)
            .with_credentials(Credentials::new("ursel", "Geheim!"));
        let endpoint = Endpoint::new(Protocol::Imap, "mail.example").unwrap().with_tls(TlsMode::StartTls);
        let (near, far) = duplex(4096);
        let mut far = BufReader::new(far);
        let mut line = String::new();
        let serve = async {
            far.write_all(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n").await.ok();
            far.read_line(&mut line).await.unwrap();
            drop(far);
        };
        let (client, ()) = tokio::join!(imap::Client::over(near, &endpoint, &options), serve);
        (client.unwrap_err(), line)
    };
    let (_, line) = tags(zeros).await;
    assert!(line.starts_with("AAAAAAAA"), "{line:?}");
    let (error, line) = tags(with_random(&Broken)).await;
    assert_eq!((error.phase(), line.as_str()), (Phase::Call, ""), "{error}");
    assert!(error.to_string().contains("no randomness"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_client_does_not_wait_for_a_handshake_without_end() {
    let authority = Authority::new();
    let options = ClientOptions::default().with_client_config(authority.client_config(Alpn::Imap));
    let endpoint = Endpoint::new(Protocol::Imap, "mail.example").unwrap();
    let (near, far) = duplex(4096);
    let begun = tokio::time::Instant::now();
    let error = imap::Client::over(near, &endpoint, &options).await.unwrap_err();
    assert_eq!(error.phase(), Phase::Handshake, "{error}");
    assert!(begun.elapsed() >= options.timeouts.handshake, "{:?}", begun.elapsed());
    assert!(begun.elapsed() < options.timeouts.handshake + Duration::from_secs(1));
    drop(far);
    // And one that ends in the middle is over at once.
    let (near, far) = duplex(4096);
    drop(far);
    let over = timeout(Duration::from_secs(1), imap::Client::over(near, &endpoint, &options)).await;
    assert_eq!(over.unwrap().unwrap_err().phase(), Phase::Handshake);
}
