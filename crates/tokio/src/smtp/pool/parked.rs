//! A session between two messages: a task of its own watches it.
//!
//! Whatever the server says now, and that it closes, is the end of the session (RFC 5321 3.8: mostly 421 and then the
//! end). So it is known before the next message, without asking.

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use super::state::{Grant, Lease};
use crate::client::after;
use crate::smtp::Client;

/// A session, and what was done with it.
pub(super) struct Parked {
    pub(super) client: Client,
    pub(super) opened: Instant,
    /// When it was used last.
    pub(super) since: Instant,
    pub(super) messages: u32,
}

/// What the watcher of a session is told.
pub(super) enum Order {
    /// Somebody has a message.
    Use(oneshot::Sender<Grant>),
    /// Others need the room.
    MakeRoom,
    /// The pool is closed.
    Quit,
}

impl Parked {
    pub(super) fn new(client: Client) -> Self {
        let now = Instant::now();
        Self { client, opened: now, since: now, messages: 0 }
    }
}

/// Keeps a session for the next message, which may be there already.
pub(super) fn park(parked: Parked, lease: Lease) {
    match lease.offer(parked.since) {
        Some((number, orders)) => drop(tokio::spawn(watch(parked, lease, number, orders))),
        None => quit(parked, lease),
    }
}

/// Ends a session in order.
pub(super) fn quit(parked: Parked, lease: Lease) {
    tokio::spawn(async move {
        drop(timeout(lease.options().quit_timeout, parked.client.quit()).await);
        drop(lease);
    });
}

async fn watch(mut parked: Parked, mut lease: Lease, number: u64, mut orders: oneshot::Receiver<Order>) {
    enum Seen {
        Dead,
        Expired,
        Order(Order),
    }
    let options = lease.options();
    let end = after(options.idle_timeout.saturating_sub(parked.since.elapsed()));
    let seen = tokio::select! {
        // What came in before the order counts before it.
        biased;
        _ = parked.client.session.connection.next() => Seen::Dead,
        order = &mut orders => order.map_or(Seen::Expired, Seen::Order),
        () = sleep_until(end) => Seen::Expired,
    };
    // An order that was given meanwhile is in the channel: it is given when the session is taken from the list.
    let (alive, order) = match seen {
        Seen::Order(order) => (true, Some(order)),
        Seen::Dead => (false, if lease.withdraw(number) { None } else { orders.try_recv().ok() }),
        Seen::Expired => (true, if lease.withdraw(number) { None } else { orders.try_recv().ok() }),
    };
    if matches!(order, Some(Order::MakeRoom)) {
        lease.makes_room();
    }
    match order {
        Some(Order::Use(grant)) => {
            let granted = Grant { lease, parked: Some(parked).filter(|_| alive) };
            // Whoever asked has gone.
            if let Err(Grant { lease, parked: Some(parked) }) = grant.send(granted) {
                park(parked, lease);
            }
        }
        _ if alive => quit(parked, lease),
        _ => {}
    }
}
