//! A mail server in memory for tests of mail programs: it takes every message by SMTP and IMAP, and shows all of them to
//! anybody by POP3 and IMAP. Every name and password is right, and every recipient but `nobody`.
//!
//! Decides that it can be reached from this machine only, and how much it holds. What each protocol does is in `smtp`,
//! `pop3` and `imap`; the one mailbox is in `mailbox`.

mod imap;
mod login;
mod mailbox;
mod pop3;
mod smtp;

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use posthaste_imap::types::{DateTime, Flags};
use posthaste_tokio::tls::{Alpn, Certificates, Identity, ServerSettings, default_provider};
use posthaste_tokio::{Accepted, Admission, Limits, Listener, serve};
use rustls::ServerConfig;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{Outcome, Problem};
use mailbox::Shared;

/// Where a sink listens, and what it tells. `Default` has ports that the system chooses, no TLS, and tells nothing.
#[derive(Clone, Debug)]
pub struct Options {
    /// For SMTP.
    pub smtp: SocketAddr,
    /// For POP3.
    pub pop3: SocketAddr,
    /// For IMAP.
    pub imap: SocketAddr,
    /// Where the certificate goes that is made for `localhost`, as PEM, so that clients can be told to trust it. With it
    /// STARTTLS and STLS are offered. The key stays in memory.
    pub certificate: Option<PathBuf>,
    /// How many octets of messages are held, each message counted with 1024 more. What does not fit is refused, so that
    /// a program gone wild takes no machine down. 512 MiB.
    pub octets_max: u64,
    /// Is told of every message that comes in and of every session that fails, in a line.
    pub log: fn(&str),
}

/// A sink that runs.
#[derive(Debug)]
pub struct Sink {
    /// Where SMTP is.
    pub smtp: SocketAddr,
    /// Where POP3 is.
    pub pop3: SocketAddr,
    /// Where IMAP is.
    pub imap: SocketAddr,
    shared: Arc<Shared>,
    services: JoinSet<()>,
    end: CancellationToken,
}

impl Sink {
    /// Opens the three services.
    ///
    /// # Errors
    ///
    /// An address that others could reach, or that is taken; a certificate that cannot be written.
    pub async fn start(options: &Options) -> Result<Self, Problem> {
        let certificates = options.certificate.as_deref().map(self_signed).transpose()?;
        let tls = |alpn| certificates.as_ref().map(|all| ServerSettings::new(alpn).build(all)).transpose();
        let shared = Arc::new(Shared::new(options.octets_max, options.log));
        // One count of connections for all three.
        let admission = Admission::default();
        let smtp = listen("smtp", options.smtp, &admission).await?;
        let pop3 = listen("pop3", options.pop3, &admission).await?;
        let imap = listen("imap", options.imap, &admission).await?;
        let mut sink = Self {
            smtp: address(&smtp)?,
            pop3: address(&pop3)?,
            imap: address(&imap)?,
            shared,
            services: JoinSet::new(),
            end: CancellationToken::new(),
        };
        sink.open(smtp, tls(Alpn::Smtp)?, smtp::session);
        sink.open(pop3, tls(Alpn::Pop3)?, pop3::session);
        sink.open(imap, tls(Alpn::Imap)?, imap::session);
        Ok(sink)
    }

    fn open<S, F>(&mut self, listener: Listener, tls: Option<Arc<ServerConfig>>, session: S)
    where
        S: Fn(Accepted, Option<Arc<ServerConfig>>, Arc<Shared>) -> F + Copy + Send + Sync + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let serving = serve(listener, Limits::default(), self.end.clone(), move |accepted| {
            let (tls, shared, peer) = (tls.clone(), Arc::clone(&shared), accepted.peer);
            async move {
                if let Err(error) = session(accepted, tls, Arc::clone(&shared)).await {
                    shared.log(&format!("session with {peer} ended: {error}"));
                }
            }
        });
        self.services.spawn(async move {
            serving.await;
        });
    }

    /// Puts a message into the mailbox, as APPEND does.
    ///
    /// # Errors
    ///
    /// There is no room.
    pub fn add(&self, content: impl Into<Bytes>, flags: Flags, received: DateTime) -> Outcome {
        self.shared.add(content.into(), flags, received).map(drop).ok_or_else(|| "the sink is full".into())
    }

    /// The messages: octets, flags, and when they were received.
    pub fn messages(&self) -> Vec<(Bytes, Flags, DateTime)> {
        let mailbox = self.shared.lock();
        let told =
            |message: &mailbox::Message| (message.content.clone(), message.flags.clone(), message.received);
        mailbox.messages.iter().map(told).collect()
    }

    /// Ends all sessions in order, and waits for that.
    pub async fn stop(mut self) {
        self.end.cancel();
        while self.services.join_next().await.is_some() {}
    }
}

impl Default for Options {
    fn default() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            smtp: any,
            pop3: any,
            imap: any,
            certificate: None,
            octets_max: 512 * 1024 * 1024,
            log: |_| {},
        }
    }
}

/// A server that believes every password is for this machine only.
async fn listen(name: &str, address: SocketAddr, admission: &Admission) -> Result<Listener, Problem> {
    if !address.ip().is_loopback() {
        return Err(format!("{address}: others could reach it; take 127.0.0.1 or [::1]").into());
    }
    let listener = Listener::bind(address).await.map_err(|error| format!("{name} at {address}: {error}"))?;
    Ok(listener.with_name(name).with_admission(admission))
}

fn address(listener: &Listener) -> Result<SocketAddr, Problem> {
    listener.local_addrs()?.first().copied().ok_or_else(|| "a listener without an address".into())
}

fn self_signed(path: &Path) -> Result<Arc<Certificates>, Problem> {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let made = rcgen::generate_simple_self_signed(names)?;
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    std::fs::write(path, &chain).map_err(|error| format!("{}: {error}", path.display()))?;
    let provider = default_provider()?;
    let identity = Identity::from_pem(&provider, chain.as_bytes(), key.as_bytes())?;
    Ok(Certificates::new(provider, vec![identity])?)
}
