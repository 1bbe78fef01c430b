//! openssl at the other end of TLS: what a login is bound to here is what OpenSSL says it is (RFC 9266, RFC 5929).
//!
//! With TLS 1.2 its `-keymatexport` exports without a context, which is not what RFC 9266 asks for: there only the
//! certificate is compared.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

use posthaste_sasl::{BindingType, ChannelBinding};
use posthaste_tokio::tls::{Alpn, ClientTls, client_config_with_roots, server_config};
use posthaste_tokio::{Channel, Role, Stream};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::program;

const HOST: &str = "mail.example.test";
const EXPORT: [&str; 4] = ["-keymatexport", BindingType::EXPORTER_LABEL, "-keymatexportlen", "32"];
const PATIENCE: Duration = Duration::from_secs(30);

/// openssl, and certificates made by it.
struct OpenSsl {
    program: PathBuf,
    folder: TempDir,
}

impl OpenSsl {
    /// `None` when openssl is not installed.
    #[track_caller]
    fn find() -> Option<Self> {
        let program = program::find("openssl")?;
        let folder = tempfile::tempdir().unwrap();
        let extensions = format!(
            "[req]\ndistinguished_name = name\nx509_extensions = extensions\n[name]\n[extensions]\n\
             subjectAltName = DNS:{HOST}\nbasicConstraints = critical, CA:FALSE\n"
        );
        std::fs::write(folder.path().join("request"), extensions).unwrap();
        Some(Self { program, folder })
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        program::run(&self.program, arguments, b"").text()
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Makes a key.
    fn key(&self, algorithm: &[&str]) {
        self.run(&[&["genpkey", "-out", &self.file("key"), "-algorithm"], algorithm].concat());
    }

    /// Makes a certificate for the key, signed like this.
    fn certificate(&self, signature: &[&str]) {
        let (request, key, certificate) = (self.file("request"), self.file("key"), self.file("certificate"));
        let make = ["req", "-x509", "-days", "2", "-subj", "/CN=mail", "-config", &request];
        self.run(&[&make, ["-key", &key, "-out", &certificate].as_slice(), signature].concat());
    }

    fn server_role(&self) -> Role {
        let chain = vec![self.certificate_der()];
        let key = PrivateKeyDer::from_pem_file(self.file("key")).unwrap();
        Role::Server { tls: Some(server_config(chain, key, Alpn::Smtp).unwrap()) }
    }

    fn client_role(&self) -> Role {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate_der()).unwrap();
        let config = client_config_with_roots(roots, Alpn::Smtp).unwrap();
        Role::Client { tls: Some(ClientTls::new(Arc::clone(&config), HOST).unwrap()) }
    }

    fn certificate_der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.file("certificate")).unwrap()
    }

    /// The hash of the certificate, as openssl computes it, as a binding.
    fn end_point(&self, hash: &str) -> ChannelBinding {
        let function = format!("-{hash}");
        let line = self.run(&["x509", "-in", &self.file("certificate"), "-noout", "-fingerprint", &function]);
        let (_, fingerprint) = line.trim().split_once('=').unwrap();
        ChannelBinding::new(BindingType::TlsServerEndPoint, octets(&fingerprint.replace(':', ""))).unwrap()
    }

    /// What a server of this workspace sees of `openssl s_client`, and what that prints.
    fn as_client(&self, version: &str) -> (Channel, String) {
        let role = self.server_role();
        runtime().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let (openssl, version) = (self.program.clone(), version.to_owned());
            let client = thread::spawn(move || {
                let arguments = ["s_client", "-connect", &address, "-servername", HOST, &version];
                // Its input is at its end: it goes when it has said what it has to say.
                program::run(&openssl, arguments.iter().chain(&EXPORT), b"").text()
            });
            let (tcp, _) = listener.accept().await.unwrap();
            let mut stream = Stream::from(tcp).into_tls(&role).await.unwrap();
            let channel = stream.channel();
            assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 0);
            drop(stream);
            (channel, client.join().unwrap())
        })
    }

    /// What a client of this workspace sees of `openssl s_server`, and what that prints.
    fn as_server(&self, version: &str) -> (Channel, String) {
        let server = Server::start(&self.program, &self.file("certificate"), &self.file("key"), version);
        let channel = runtime().block_on(async {
            let tcp = TcpStream::connect(server.address).await.unwrap();
            Stream::from(tcp).into_tls(&self.client_role()).await.unwrap().channel()
        });
        (channel, server.rest())
    }
}

/// A running `openssl s_server`, ended with the value.
struct Server {
    child: Child,
    address: SocketAddr,
    lines: Receiver<String>,
}

impl Server {
    fn start(program: &Path, certificate: &str, key: &str, version: &str) -> Self {
        let mut command = Command::new(program);
        command.args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "1", version]);
        command.args(["-cert", certificate, "-key", key]).args(EXPORT);
        // Its input stays open: at the end of it, the connection would end.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let address = loop {
            let line = lines.recv_timeout(PATIENCE).expect("openssl s_server does not listen");
            if let Some(address) = line.strip_prefix("ACCEPT ") {
                break address.parse().unwrap();
            }
        };
        Self { child, address, lines }
    }

    /// What it prints until it ends, after its only connection.
    fn rest(self) -> String {
        let mut text = String::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => text.extend([&line, "\n"]),
                Err(mpsc::RecvTimeoutError::Disconnected) => return text,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("openssl s_server does not end:\n{text}"),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The exporter's value in what openssl prints, as a binding.
#[track_caller]
fn exported(printed: &str) -> ChannelBinding {
    let mut lines = printed.lines().map(str::trim);
    let value = lines.find_map(|line| line.strip_prefix("Keying material: "));
    let value = value.unwrap_or_else(|| panic!("openssl exports nothing:\n{printed}"));
    ChannelBinding::new(BindingType::TlsExporter, octets(value)).unwrap()
}

fn octets(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks_exact(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

const P256: &[&str] = &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const P384: &[&str] = &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
const RSA: &[&str] = &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"];

#[test]
fn openssl_and_a_server_are_bound_to_the_same() {
    let Some(openssl) = OpenSsl::find() else { return };
    openssl.key(P256);
    openssl.certificate(&["-sha256"]);
    let end_point = openssl.end_point("sha256");
    let (channel, printed) = openssl.as_client("-tls1_3");
    assert_eq!(channel.bindings(), [exported(&printed), end_point.clone()]);
    let (channel, _) = openssl.as_client("-tls1_2");
    assert_eq!(channel.bindings(), [end_point]);
}

#[test]
fn openssl_and_a_client_are_bound_to_the_same() {
    let Some(openssl) = OpenSsl::find() else { return };
    openssl.key(P384);
    openssl.certificate(&["-sha384"]);
    let end_point = openssl.end_point("sha384");
    let (channel, printed) = openssl.as_server("-tls1_3");
    assert_eq!(channel.bindings(), [exported(&printed), end_point.clone()]);
    let (channel, _) = openssl.as_server("-tls1_2");
    assert_eq!(channel.bindings(), [end_point]);
}

#[test]
fn the_end_point_is_hashed_as_the_certificate_is_signed() {
    let Some(openssl) = OpenSsl::find() else { return };
    openssl.key(RSA);
    // RFC 5929 4.1: SHA-256 takes the place of SHA-1.
    for (signed, hashed) in [
        ("-sha1", "sha256"),
        ("-sha224", "sha224"),
        ("-sha256", "sha256"),
        ("-sha384", "sha384"),
        ("-sha512", "sha512"),
    ] {
        openssl.certificate(&[signed]);
        let (channel, _) = openssl.as_client("-tls1_2");
        assert_eq!(channel.bindings(), [openssl.end_point(hashed)], "RSA {signed}");
    }
    openssl.certificate(&["-sha256", "-sigopt", "rsa_padding_mode:pss"]);
    assert_eq!(openssl.as_client("-tls1_2").0.bindings(), [], "RSASSA-PSS");
    openssl.key(P256);
    for (signed, hashed) in [("-sha1", "sha256"), ("-sha384", "sha384"), ("-sha512", "sha512")] {
        openssl.certificate(&[signed]);
        let (channel, _) = openssl.as_client("-tls1_2");
        assert_eq!(channel.bindings(), [openssl.end_point(hashed)], "ECDSA {signed}");
    }
    openssl.key(&["ED25519"]);
    openssl.certificate(&[]);
    let (channel, printed) = openssl.as_client("-tls1_3");
    assert_eq!(channel.bindings(), [exported(&printed)], "Ed25519");
}
