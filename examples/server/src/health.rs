//! Whether the server can do its work: what a load balancer, a service manager or an alarm asks.
//!
//! It can when the store takes changes and every port that was opened is still listened at. The store is asked for a
//! commit of nothing, which goes the way of all changes: one that has stopped after a failure of the disk says no.
//! What is wrong but stops nobody, as a disk that is nearly full, is a warning. It is asked once a second at most,
//! however often somebody looks: whoever asks needs no password.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::time::Instant;

use crate::acme::Orders;
use crate::listen::Service;
use crate::metrics;
use crate::session::Context;
use crate::tls::{Keyring, Shown};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether the server can do its work.
    pub ready: bool,
    /// Why it can not.
    pub reasons: Vec<String>,
    /// What needs somebody's attention.
    pub warnings: Vec<String>,
}

/// What was found last, and when. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct LastLook(Arc<tokio::sync::Mutex<Option<(Instant, Readiness)>>>);

/// Whether the server can do its work, as of a second ago at most.
pub async fn readiness(context: &Context) -> Readiness {
    // Whoever comes meanwhile waits for the same answer.
    let mut last = context.last_look.0.lock().await;
    let stopping = context.stop.is_cancelled();
    match &*last {
        Some((at, found)) if at.elapsed() < LOOK_INTERVAL && !stopping => found.clone(),
        _ => {
            let found = look(context).await;
            *last = Some((Instant::now(), found.clone()));
            found
        }
    }
}

async fn look(context: &Context) -> Readiness {
    let mut reasons = Vec::new();
    if context.stop.is_cancelled() {
        reasons.push("the server is stopping".to_owned());
    }
    match tokio::time::timeout(STORE_TIMEOUT, context.store.commit(Vec::new())).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => reasons.push(format!("the store takes no changes: {error}")),
        Err(_) => reasons.push(format!("the store has not answered for {} seconds", STORE_TIMEOUT.as_secs())),
    }
    reasons
        .extend(context.ports.closed().into_iter().map(|port| format!("nothing listens at {port} any more")));
    let mut warnings = Vec::new();
    if context.lacks_space_for(0) {
        warnings.push("a disk of the data directory is nearly full: messages are refused for now".to_owned());
    }
    warnings.extend(of_certificates(&context.keyring, Timestamp::now()));
    let ready = reasons.is_empty();
    metrics::ready(ready);
    Readiness { ready, reasons, warnings }
}

/// What is to be said of certificates: that one expires before it could be renewed in peace, and why.
fn of_certificates(keyring: &Keyring, now: Timestamp) -> Vec<String> {
    let mut warnings = Vec::new();
    for Shown { facts, .. } in keyring.shown() {
        let life = facts.not_after.duration_since(facts.not_before);
        if facts.not_after.duration_since(now) < life.checked_div(LIFE_PARTS).unwrap_or_default() {
            warnings.push(format!(
                "the certificate for {} expires at {}",
                facts.names.join(", "),
                facts.not_after
            ));
        }
    }
    if let Some(standing) = keyring.orders().map(Orders::standing)
        && let Some(error) = standing.error
        // An administrator may have ordered one long before it is needed.
        && standing.next.is_none_or(|next| next.duration_since(now) <= AT_HAND)
    {
        warnings.push(format!("no certificate was got from the authority: {error}"));
    }
    warnings
}

/// Which ports were opened, and whether somebody still listens at them. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Ports(Arc<Mutex<BTreeMap<String, State>>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Closed,
}

impl Ports {
    /// A port is listened at for as long as the answer lives.
    pub fn opened(&self, service: Service, addresses: &[SocketAddr]) -> Listening {
        let addresses: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
        let name = format!("{} {}", service.name(), addresses.join(" ")).trim_end().to_owned();
        self.states().insert(name.clone(), State::Open);
        Listening { ports: self.clone(), name }
    }

    /// Those that nobody listens at any more.
    pub fn closed(&self) -> Vec<String> {
        let states = self.states();
        states.iter().filter(|(_, state)| **state == State::Closed).map(|(name, _)| name.clone()).collect()
    }

    fn states(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody listens at a port. Dropped, also by a panic, it says that nobody does.
#[derive(Debug)]
pub struct Listening {
    ports: Ports,
    name: String,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.ports.states().insert(std::mem::take(&mut self.name), State::Closed);
    }
}

/// So long is an answer good.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Of so many parts of its life, one is left when a certificate should have been renewed long ago.
const LIFE_PARTS: i32 = 6;

/// Where the authority is asked again within this time, a certificate is needed.
const AT_HAND: SignedDuration = SignedDuration::from_hours(24);

/// So long may the store take to answer.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_nobody_listens_at_is_named() {
        let ports = Ports::default();
        let smtp = ports.opened(Service::Smtp, &["127.0.0.1:25".parse().unwrap()]);
        let lmtp = ports.opened(Service::Lmtp, &[]);
        assert!(ports.closed().is_empty());
        drop(smtp);
        assert_eq!(ports.closed(), ["smtp 127.0.0.1:25"]);
        drop(lmtp);
        assert_eq!(ports.closed(), ["lmtp", "smtp 127.0.0.1:25"]);
    }
}
