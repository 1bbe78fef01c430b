//! Certificates that the server orders for itself and renews while it runs, from an authority that speaks ACME
//! (RFC 8555): Let's Encrypt, or one of one's own.
//!
//! Each host is shown to be this server by what the authority fetches from its port 80 (RFC 8555 8.3). What came is
//! written to the disk, then shown to whoever connects next; nobody who is connected notices. Whatever goes wrong, the
//! certificate there is stays in use, and the authority is asked again later.
//!
//! | module | decides |
//! | --- | --- |
//! | `keeper` | when it is time: renewal, another try, an administrator who wants it now |
//! | `order` | what is said to the authority, and whether what came is what was asked for |
//! | `challenge` | what is answered at port 80 |
//! | `http` | how requests get to the authority |
//! | `stored` | what is on the disk |
//!
//! Wildcards, which take a change of DNS, and accounts that are bound to another one (RFC 8555 7.3.4) are left out.

mod challenge;
mod error;
mod http;
mod keeper;
mod order;
mod schedule;
mod stored;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use posthaste_tokio::tls::Trust;
use tokio::sync::{mpsc, oneshot, watch};

pub use challenge::{Challenges, serve};
pub use error::OrderError;
pub use keeper::{Keeper, run};
pub use schedule::{PAUSE_AFTER_ORDER, RETRY_MAX, RETRY_MIN};
pub use stored::Files;

use crate::config::Acme;
use crate::tls::TlsError;

/// How orders stand, and the way to ask for one. Clones share it.
#[derive(Debug, Clone)]
pub struct Orders(Arc<Desk>);

#[derive(Debug)]
struct Desk {
    standing: watch::Sender<Standing>,
    requests: mpsc::Sender<Request>,
    /// Until somebody works on them.
    received: Mutex<Option<mpsc::Receiver<Request>>>,
}

/// Somebody who waits for what comes of an order.
type Request = oneshot::Sender<Result<(), OrderError>>;

/// How orders stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// When the authority is asked next.
    pub next: Option<Timestamp>,
    /// How often it was asked in vain since it last gave a certificate.
    pub failures: u32,
    /// What went wrong last, if there is nothing newer.
    pub error: Option<String>,
    /// Whether it is being asked.
    pub is_under_way: bool,
}

/// Why nothing came of wanting an order now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenewError {
    /// There is one already.
    #[error("an order is under way")]
    UnderWay,
    /// Nobody works on orders.
    #[error("the server is starting or stopping")]
    Closed,
    /// It was tried.
    #[error(transparent)]
    Order(#[from] OrderError),
}

impl Default for Orders {
    fn default() -> Self {
        let (requests, received) = mpsc::channel(1);
        let desk =
            Desk { standing: watch::Sender::default(), requests, received: Mutex::new(Some(received)) };
        Self(Arc::new(desk))
    }
}

impl Orders {
    /// How they stand.
    pub fn standing(&self) -> Standing {
        self.0.standing.borrow().clone()
    }

    /// How they stand, and news of it.
    pub fn watch(&self) -> watch::Receiver<Standing> {
        self.0.standing.subscribe()
    }

    /// Asks the authority for a certificate now, and waits for what comes of it.
    ///
    /// # Errors
    ///
    /// See [`RenewError`]; the certificate there is stays in use.
    pub async fn renew(&self) -> Result<(), RenewError> {
        if self.0.standing.borrow().is_under_way {
            return Err(RenewError::UnderWay);
        }
        let (request, outcome) = oneshot::channel();
        self.0.requests.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => RenewError::UnderWay,
            mpsc::error::TrySendError::Closed(_) => RenewError::Closed,
        })?;
        Ok(outcome.await.map_err(|_| RenewError::Closed)??)
    }

    /// The requests there will be, for the one who works on them.
    fn received(&self) -> Option<mpsc::Receiver<Request>> {
        self.0.received.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, change: impl FnOnce(&mut Standing)) {
        self.0.standing.send_modify(change);
    }
}

/// Whom to trust to be the authority; `None` is whoever public authorities say.
///
/// # Errors
///
/// The file of certificates can not be used.
pub(crate) fn trust(acme: &Acme) -> Result<Option<Trust>, TlsError> {
    let Some(path) = &acme.roots else { return Ok(None) };
    let pem = std::fs::read(path)
        .map_err(|error| TlsError::File { path: path.clone(), message: error.to_string() })?;
    let trust = Trust::from_pem(&pem)
        .map_err(|error| TlsError::File { path: path.clone(), message: error.problem().to_string() })?;
    Ok(Some(trust))
}
