//! Sees to it that there is a certificate: looks when one has to be ordered, orders it, has it shown, and tells how that
//! stands.
//!
//! The moment is given to it, so that a year is a matter of seconds for whoever tests it. Between two looks there is an
//! hour at most: whoever sets the clock, or has the machine sleep, need not tell. A failure changes nothing but when the
//! next try is.
//!
//! ```text
//!            no certificate for these hosts             a third of its life left, or the authority suggests it
//!  start ──────────────────────────────────▶ due ◀──────────────────────────────────────────┐
//!    │                                        │ order                                        │
//!    │ a certificate for these hosts          ├── done: stored, shown ─▶ kept ───────────────┘
//!    └──────────────────────────▶ kept        └── not done ─▶ wait: 10 minutes, 20, .. 6 hours, or what is wanted ─▶ due
//! ```

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::challenge::Challenges;
use super::error::OrderError;
use super::http::Http;
use super::order::Authority;
use super::schedule::{self, PAUSE_AFTER_ORDER};
use super::stored::Files;
use super::{Orders, trust};
use crate::config::Config;
use crate::metrics;
use crate::tls::{Facts, Keyring, TlsError};

/// Sees to it that there is a certificate.
#[derive(Debug)]
pub struct Keeper {
    authority: Authority,
    keyring: Keyring,
    orders: Orders,
    /// The certificate there is, if it is for all hosts.
    kept: Option<Facts>,
    /// It is stored but could not be shown.
    is_hidden: bool,
    failures: u32,
    /// Nothing is ordered before.
    pause: Timestamp,
    /// When the authority would have the certificate renewed, and when to ask it again.
    suggested: Option<Timestamp>,
    ask: Timestamp,
}

impl Keeper {
    /// For the authority of a configuration; `None` where there is none.
    ///
    /// # Errors
    ///
    /// The certificates that the authority's own is verified with can not be used.
    pub fn new(config: &Config, keyring: Keyring, challenges: Challenges) -> Result<Option<Self>, TlsError> {
        let (Some(acme), Some(orders)) = (config.acme(), keyring.orders().cloned()) else { return Ok(None) };
        let http = Http::new(trust(acme)?).map_err(|error| TlsError::Authority(error.to_string()))?;
        let files = Files::of(&config.data, &acme.directory);
        let kept = files.facts().filter(|facts| facts.covers(&acme.hosts));
        let authority = Authority { acme: acme.clone(), files, http, challenges };
        Ok(Some(Self {
            authority,
            keyring,
            orders,
            kept,
            is_hidden: false,
            failures: 0,
            pause: Timestamp::MIN,
            suggested: None,
            ask: Timestamp::MIN,
        }))
    }

    /// Does what is to be done at a moment; when to look again.
    pub async fn look(&mut self, now: Timestamp) -> Timestamp {
        if self.is_hidden {
            // The reason is told each time: somebody has to see to it.
            let _ = self.show();
        }
        self.consult(now).await;
        if self.due() <= now {
            let _ = self.order(now).await;
        }
        let next = Some(self.due());
        self.orders.note(|standing| standing.next = next);
        self.due().min(if self.kept.is_some() { self.ask } else { Timestamp::MAX })
    }

    /// Orders a certificate, whether it is time or not.
    ///
    /// # Errors
    ///
    /// What went wrong. The certificate there was is in use.
    pub async fn order(&mut self, now: Timestamp) -> Result<(), OrderError> {
        let acme = &self.authority.acme;
        let (authority, hosts) = (acme.directory.as_str(), acme.hosts.join(", "));
        tracing::info!(authority, hosts, "a certificate is ordered");
        self.orders.note(|standing| standing.is_under_way = true);
        let outcome = self.attempt(now).await;
        metrics::certificate_ordered(outcome.is_ok());
        let next = self.due();
        self.orders.note(|standing| {
            standing.is_under_way = false;
            standing.failures = self.failures;
            standing.next = Some(next);
            standing.error = outcome.as_ref().err().map(OrderError::to_string);
        });
        match &outcome {
            Ok(()) => {
                tracing::info!(hosts = self.authority.acme.hosts.join(", "), %next, "there is a new certificate");
            }
            Err(error) => tracing::error!(%error, failures = self.failures, %next, "no certificate was got"),
        }
        outcome
    }

    async fn attempt(&mut self, now: Timestamp) -> Result<(), OrderError> {
        // A task of its own: what comes from outside is not to end this one, whatever it does to the library.
        let order = AbortOnDropHandle::new(tokio::spawn(Box::pin(self.authority.clone().order())));
        let outcome = match tokio::time::timeout(ORDER_TIMEOUT, order).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(OrderError::Broken),
            Err(_) => Err(OrderError::Slow(ORDER_TIMEOUT.as_secs())),
        };
        match outcome {
            Ok(facts) => {
                self.failures = 0;
                self.pause = later(now, PAUSE_AFTER_ORDER);
                (self.suggested, self.ask) = (None, later(now, ASK_MAX));
                self.kept = Some(facts);
                self.show()
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.pause = later(now, schedule::pause(self.failures, self.authority.http.wait()));
                Err(error)
            }
        }
    }

    /// Has clients see the certificate that is stored.
    fn show(&mut self) -> Result<(), OrderError> {
        let shown = self.keyring.refresh();
        self.is_hidden = shown.is_err();
        shown.map_err(|error| {
            tracing::error!(%error, "the new certificate is not shown yet: the certificates there were are kept");
            OrderError::NotUsed(error.to_string())
        })
    }

    /// When a certificate is to be ordered.
    fn due(&self) -> Timestamp {
        let wanted = self.kept.as_ref().map_or(Timestamp::MIN, |kept| {
            schedule::renewal(kept).min(self.suggested.unwrap_or(Timestamp::MAX))
        });
        wanted.max(self.pause)
    }

    /// Asks the authority when it would have the certificate renewed, if that is some time ago. It need not say.
    async fn consult(&mut self, now: Timestamp) {
        let Some(kept) = self.kept.as_ref().filter(|_| self.ask <= now) else { return };
        let asked = tokio::time::timeout(ORDER_TIMEOUT, self.authority.suggestion(kept)).await;
        let again = match asked {
            Ok(Ok(Some(suggestion))) => {
                let moment = schedule::within(kept, suggestion.start, suggestion.end);
                tracing::debug!(%moment, "the authority suggests when to renew");
                self.suggested = Some(moment);
                suggestion.good_for.clamp(ASK_MIN, ASK_MAX)
            }
            Ok(Ok(None)) => ASK_MAX,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the authority does not say when to renew");
                ASK_MAX
            }
            Err(_) => ASK_MAX,
        };
        self.ask = later(now, again);
    }
}

/// Keeps a certificate until the server stops; an order that is under way then is dropped.
pub async fn run(mut keeper: Keeper, stop: CancellationToken) {
    let Some(mut requests) = keeper.orders.received() else { return };
    let work = async {
        loop {
            let next = keeper.look(Timestamp::now()).await;
            let wait = next.duration_since(Timestamp::now());
            let wait = Duration::try_from(wait.max(SignedDuration::ZERO)).unwrap_or(LOOK_INTERVAL);
            tokio::select! {
                () = tokio::time::sleep(wait.min(LOOK_INTERVAL)) => {}
                Some(request) = requests.recv() => {
                    // Whoever has asked may be gone.
                    let _ = request.send(keeper.order(Timestamp::now()).await);
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// No two looks at the clock are farther apart.
const LOOK_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// So long may an order take, or a question.
const ORDER_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// The authority is not asked more often when it would have a certificate renewed (RFC 9773 4.3) ...
const ASK_MIN: Duration = Duration::from_secs(60 * 60);

/// ... nor less often.
const ASK_MAX: Duration = Duration::from_secs(12 * 60 * 60);
