//! What a client is given besides the place of its server: credentials, trust, and how long it waits.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::{Credentials, Endpoint};
use crate::Timeouts;
use crate::tls::{AlpnPolicy, Trust};

/// Who a client is, whom it trusts, and how long it waits. `Default` has the values named here, and no credentials.
///
/// ```
/// use std::time::Duration;
/// use posthaste_tokio::{ClientOptions, Credentials};
///
/// let mut options = ClientOptions::default().with_credentials(Credentials::new("ursel", "Geheim!"));
/// options.open_timeout = Duration::from_secs(20);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientOptions {
    /// Who to log in as. Without them the login of the [`Endpoint`](super::Endpoint) is used, where it has one. A POP3
    /// or IMAP client needs one of the two; an SMTP client that delivers to an MX does not.
    pub credentials: Option<Credentials>,
    /// Which certificates are trusted; those of public authorities when `None`. Every connection has a configuration of
    /// its own then.
    pub trust: Option<Trust>,
    /// Which certificates are trusted, and everything else about TLS, in the place of [`trust`](Self::trust).
    /// Connections with the same configuration resume each other's sessions.
    pub client_config: Option<Arc<ClientConfig>>,
    /// What becomes of a server that selects no application protocol (ALPN). It may go on.
    pub alpn_policy: AlpnPolicy,
    /// How long it may take in all until a session is ready: the name, all addresses, TLS, the greeting and the login.
    /// 2 minutes.
    pub open_timeout: Duration,
    /// How long a call waits when nothing happens. The machines have limits of their own for each kind of reply;
    /// this one is over all. 10 minutes, which is what SMTP may take to accept a message (RFC 5321 4.5.3.2.6).
    pub idle_timeout: Duration,
    /// IMAP: how long the session waits for the reader of an answer that streams, such as the rows of FETCH, when as much
    /// of it waits as may. The session reads nothing meanwhile, so that a server that sends has to wait, too: this is to
    /// be less than it is ready to. Then the rest is skipped, and [`Cause::Unread`](crate::Cause::Unread) is what the
    /// reader finds. 60 seconds.
    pub reader_timeout: Duration,
    /// How long a call without a body may take in all, whatever happens meanwhile. Bodies and rows that stream are held
    /// to [`idle_timeout`](Self::idle_timeout) for each piece. 15 minutes.
    pub call_timeout: Duration,
    /// IMAP: up to how many octets a payload of FETCH is held in memory and comes with its row. Longer ones are read like
    /// files. 64 KiB.
    pub inline_max: u64,
    /// IMAP: how many octets of an answer that streams may wait for their reader, one piece more, before the session reads
    /// no further. 256 KiB.
    pub rows_octets_max: usize,
    /// The deadlines of the connection.
    pub timeouts: Timeouts,
}

impl ClientOptions {
    /// The same, logging in.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        Self { credentials: Some(credentials), ..self }
    }

    /// The same, trusting what `trust` says, with everything else about TLS as is usual.
    ///
    /// ```no_run
    /// use posthaste_tokio::ClientOptions;
    /// use posthaste_tokio::tls::Trust;
    ///
    /// let authority = std::fs::read("authority.pem")?;
    /// let options = ClientOptions::default().with_trust(Trust::from_pem(&authority)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_trust(self, trust: Trust) -> Self {
        Self { trust: Some(trust), client_config: None, ..self }
    }

    /// The same, trusting what `config` trusts.
    #[must_use]
    pub fn with_client_config(self, config: Arc<ClientConfig>) -> Self {
        Self { trust: None, client_config: Some(config), ..self }
    }

    /// Who to log in as at `endpoint`.
    pub(crate) fn credentials_at(&self, endpoint: &Endpoint) -> Option<Credentials> {
        self.credentials.clone().or_else(|| endpoint.credentials())
    }
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            credentials: None,
            trust: None,
            client_config: None,
            alpn_policy: AlpnPolicy::default(),
            open_timeout: Duration::from_secs(2 * 60),
            idle_timeout: Duration::from_secs(10 * 60),
            reader_timeout: Duration::from_secs(60),
            call_timeout: Duration::from_secs(15 * 60),
            inline_max: 64 * 1024,
            rows_octets_max: 256 * 1024,
            timeouts: Timeouts::default(),
        }
    }
}
