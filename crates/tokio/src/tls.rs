//! TLS for mail: which certificates a client trusts, what a server shows, and ALPN names.
//!
//! Nothing here depends on a process-wide default unless there is no other, and there is no way to switch the checks
//! of certificates off.
//!
//! | | default | other |
//! | --- | --- | --- |
//! | versions | TLS 1.3 and 1.2; nothing older (RFC 8997) | none |
//! | cryptography | the feature `aws-lc-rs`, else `ring` (on by default), else that of the process: [`default_provider`] | [`ClientSettings::with_provider`], [`Certificates::new`] |
//! | cipher suites | all of the provider: AES-GCM and ChaCha20-Poly1305, with ephemeral keys only | a provider with fewer |
//! | whom a client trusts | public authorities (feature `webpki-roots`, on by default), else the platform (feature `platform-verifier`) | [`Trust`] |
//! | the name that is checked | the host of the endpoint, never what DNS makes of it | [`PinnedCertificates`] checks none |
//! | ALPN, client | offers `imap` or `pop3`; nothing for SMTP, which has no registered name | [`Alpn`] |
//! | ALPN, server | takes `imap` or `pop3`, and for SMTP `smtp` and `esmtp`, as some peers have it; refuses clients that name others only | [`AlpnPolicy`] |
//! | resumption | 4096 sessions of each service, kept at the server, forgotten when certificates change | |
//! | early data | none | |
//! | client certificates | neither asked for nor sent | a rustls configuration of one's own |
//!
//! With both features of cryptography off, a provider has to be named or installed; with both features of trust off, a
//! [`Trust`] has to be named. What is missing is an error of whatever wants a configuration, and never TLS that checks
//! less. All randomness of this crate, such as that of nonces, is that of the same provider.
//!
//! A mail client decides between TLS from the first octet, STARTTLS, and none with
//! [`TlsMode`](crate::TlsMode). Only [`TlsMode::StartTlsIfOffered`](crate::TlsMode::StartTlsIfOffered) ever goes on
//! without TLS, when the server offers none; a handshake that fails ends the connection in every mode.
//!
//! # A server with two certificates, and new ones on SIGHUP
//!
//! ```no_run
//! use posthaste_tokio::tls::{Alpn, CertificateFiles, Certificates, ServerSettings, default_provider};
//! use posthaste_tokio::{Limits, Listener, serve};
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! // The first is for clients that ask for no name, or for another.
//! let files = ["mail.example", "mail.example.org"].map(|name| {
//!     CertificateFiles::new(format!("/etc/mail/{name}.pem"), format!("/etc/mail/{name}.key"))
//! });
//! let certificates = Certificates::from_files(default_provider()?, &files)?;
//! let tls = ServerSettings::new(Alpn::Imap).build(&certificates)?;
//!
//! # #[cfg(unix)]
//! tokio::spawn(async move {
//!     use tokio::signal::unix::{SignalKind, signal};
//!     let mut hang_up = signal(SignalKind::hangup())?;
//!     while hang_up.recv().await.is_some() {
//!         match certificates.reload(&files) {
//!             Ok(()) => println!("serving certificates for {}", certificates.names().join(", ")),
//!             Err(error) => eprintln!("the old certificates stay: {error}"),
//!         }
//!     }
//!     Ok::<(), std::io::Error>(())
//! });
//!
//! let listener = Listener::bind("[::]:993").await?.with_implicit_tls(tls);
//! serve(listener, Limits::default(), CancellationToken::new(), |accepted| async move {
//!     println!("{} is here", accepted.peer);
//! })
//! .await;
//! # Ok(())
//! # }
//! ```
//!
//! # A client that trusts an authority of its own
//!
//! ```no_run
//! use posthaste_tokio::tls::Trust;
//! use posthaste_tokio::{ClientOptions, imap};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let options = ClientOptions::default().with_trust(Trust::from_pem(&std::fs::read("authority.pem")?)?);
//! let client = imap::Client::connect(&"imaps://ursel:Geheim!@mail.example".parse()?, &options).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # A client that knows the certificate
//!
//! ```no_run
//! use std::sync::Arc;
//! use posthaste_tokio::tls::{Alpn, ClientSettings, Pin, PinnedCertificates, Trust, default_provider};
//! use posthaste_tokio::{ClientOptions, pop3};
//! use rustls::pki_types::{CertificateDer, pem::PemObject};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let pin = Pin::of_certificate(&CertificateDer::from_pem_file("server.pem")?);
//! let verifier = PinnedCertificates::new(default_provider()?, [pin]);
//! let trust = Trust::Verifier(Arc::new(verifier));
//! let config = ClientSettings::new(Alpn::Pop3).with_trust(trust).build()?;
//! let options = ClientOptions::default().with_client_config(config);
//! let client = pop3::Client::connect(&"pop3s://ursel:Geheim!@192.0.2.1".parse()?, &options).await?;
//! # Ok(())
//! # }
//! ```

mod certificates;
mod client;
mod pinned;
pub(crate) mod problem;
mod provider;
mod server;

pub use certificates::{CertificateFiles, Certificates, Identity, LoadError, LoadProblem};
pub use client::{ClientSettings, ClientTls, Trust, client_config, client_config_with_roots};
pub use pinned::{Pin, PinnedCertificates};
pub use provider::default_provider;
pub use server::{ServerSettings, server_config};

pub(crate) use provider::Random;

use crate::Protocol;

/// The application protocol that a handshake names (ALPN, RFC 7301), which keeps a TLS session of one protocol
/// from being redirected to the server of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alpn {
    /// `imap`.
    Imap,
    /// `pop3`.
    Pop3,
    /// No name is registered for SMTP, so that none is sent.
    Smtp,
}

/// What is named where a protocol is spoken.
impl From<Protocol> for Alpn {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Imap => Self::Imap,
            Protocol::Pop3 => Self::Pop3,
            Protocol::Smtp | Protocol::Submission | Protocol::Lmtp => Self::Smtp,
        }
    }
}

/// What becomes of a peer that names no application protocol. One that names others only is always refused: by a
/// server with the alert `no_application_protocol`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlpnPolicy {
    /// It may go on: most mail clients and many servers name none.
    #[default]
    Optional,
    /// It is refused: by a server with the alert `access_denied`, by a client once the handshake has shown it and
    /// before anything is said. A client that offers no name, as for SMTP, does not ask for one either.
    Required,
}

impl Alpn {
    /// The names that a client offers, as octets.
    pub fn names(self) -> Vec<Vec<u8>> {
        match self {
            Self::Imap => vec![b"imap".to_vec()],
            Self::Pop3 => vec![b"pop3".to_vec()],
            Self::Smtp => Vec::new(),
        }
    }

    /// The names that a server takes, as octets. For SMTP these are the two that peers use without registration: a
    /// server that took none would have to take every client, also one that means to speak HTTP.
    pub fn accepted(self) -> Vec<Vec<u8>> {
        match self {
            Self::Imap | Self::Pop3 => self.names(),
            Self::Smtp => vec![b"smtp".to_vec(), b"esmtp".to_vec()],
        }
    }
}
