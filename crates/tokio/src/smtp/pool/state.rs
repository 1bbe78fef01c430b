//! Who waits for a session, how many there are, and who is next.
//!
//! Decides turns. One list, in the order of the calls: the first for whom there is a session, or room for one, has it.
//! A message for an endpoint that is busy holds up nobody behind it who wants another. Does no I/O and waits for
//! nothing while the lock is held.
//!
//! ```text
//!   waiting ──► Grant{lease} ──► in use ──► parked ──► in use ...
//!                  │                │          │
//!                  └────────────────┴──────────┴─────► lease dropped: room for the next
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::PoolOptions;
use super::parked::{Order, Parked};
use crate::Endpoint;

/// What a pool has and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Sessions there are, those that are being opened or closed counted.
    pub connections: usize,
    /// How many of them nobody uses.
    pub idle: usize,
    /// Messages that wait for their turn.
    pub waiting: usize,
    /// Sessions that were opened so far.
    pub opened: u64,
    /// Sessions that were found dead when they were to be used again.
    pub found_dead: u64,
    /// Messages that had a session so far, whatever became of them.
    pub messages: u64,
    /// How many of them had one that was used before.
    pub reused: u64,
}

/// What all handles and tasks of a pool have in common.
pub(super) struct Shared {
    pub(super) options: Arc<PoolOptions>,
    state: Mutex<State>,
    /// How many sessions there are, for whoever waits for the last.
    connections: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    closed: bool,
    number: u64,
    endpoints: BTreeMap<u64, Destination>,
    waiting: VecDeque<Waiter>,
    connections: usize,
    /// How many sessions were told to make room and have not yet.
    making_room: usize,
    done: PoolStats,
}

/// The sessions with one endpoint.
struct Destination {
    endpoint: Arc<Endpoint>,
    connections: usize,
    /// The one that was used last stands last, and is used first: the others can be closed for want of use.
    idle: Vec<Idle>,
}

struct Idle {
    number: u64,
    since: Instant,
    order: oneshot::Sender<Order>,
}

struct Waiter {
    number: u64,
    destination: u64,
    grant: oneshot::Sender<Grant>,
}

/// Somebody's turn.
pub(super) struct Grant {
    pub(super) lease: Lease,
    /// The session, where there is one.
    pub(super) parked: Option<Parked>,
}

/// The right to have one session with an endpoint open.
pub(super) struct Lease {
    shared: Arc<Shared>,
    destination: u64,
    endpoint: Arc<Endpoint>,
    making_room: bool,
}

/// A place in the list. Dropped, it is given up.
pub(super) struct Waiting<'a> {
    shared: &'a Arc<Shared>,
    number: u64,
    granted: oneshot::Receiver<Grant>,
}

impl Shared {
    pub(super) fn new(options: PoolOptions) -> Self {
        Self { options: Arc::new(options), state: Mutex::default(), connections: watch::Sender::new(0) }
    }

    /// A place at the end of the list; `None` when the pool is closed.
    pub(super) fn enqueue<'a>(self: &'a Arc<Self>, endpoint: &Endpoint) -> Option<Waiting<'a>> {
        let (grant, granted) = oneshot::channel();
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        let number = state.next_number();
        let destination = state.destination(endpoint);
        state.waiting.push_back(Waiter { number, destination, grant });
        self.serve(state);
        Some(Waiting { shared: self, number, granted })
    }

    /// No more turns; sessions that nobody uses end.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
        for destination in state.endpoints.values_mut() {
            for idle in destination.idle.drain(..) {
                drop(idle.order.send(Order::Quit));
            }
        }
        state.forget_unused();
    }

    /// Waits until there is no session.
    pub(super) async fn drained(&self) {
        // The sender is here, so this does not fail.
        drop(self.connections.subscribe().wait_for(|connections| *connections == 0).await);
    }

    pub(super) fn stats(&self) -> PoolStats {
        let state = self.lock();
        PoolStats {
            connections: state.connections,
            idle: state.endpoints.values().map(|destination| destination.idle.len()).sum(),
            waiting: state.waiting.len(),
            ..state.done
        }
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut PoolStats)) {
        change(&mut self.lock().done);
    }

    /// Gives turns to all who can have one, and drops what nobody took when the lock is free again.
    fn serve(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let unclaimed = state.serve(self);
        self.connections.send_replace(state.connections);
        drop(state);
        drop(unclaimed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; if it did, counts would be what suffers.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Gives turns, in the order of the list. Gives back what nobody waits for any more, to be dropped when the lock is
    /// free.
    fn serve(&mut self, shared: &Arc<Shared>) -> Vec<Grant> {
        let mut unclaimed = Vec::new();
        let mut room_to_come = self.making_room;
        for waiter in std::mem::take(&mut self.waiting) {
            let Err(waiter) = self.reuse(waiter) else { continue };
            match self.room(waiter.destination, &shared.options) {
                Room::Free => {
                    let Some(lease) = self.lease(waiter.destination, shared) else { continue };
                    unclaimed.extend(waiter.grant.send(Grant { lease, parked: None }).err());
                    continue;
                }
                Room::None if room_to_come > 0 => room_to_come = room_to_come.saturating_sub(1),
                Room::None => self.make_room(),
                Room::NoneThere => {}
            }
            self.waiting.push_back(waiter);
        }
        unclaimed
    }

    /// Gives a session that nobody uses to `waiter`, or the waiter back where there is none.
    fn reuse(&mut self, mut waiter: Waiter) -> Result<(), Waiter> {
        let Some(destination) = self.endpoints.get_mut(&waiter.destination) else { return Err(waiter) };
        while let Some(idle) = destination.idle.pop() {
            match idle.order.send(Order::Use(waiter.grant)) {
                // The watcher is gone, with the runtime it ran in.
                Err(Order::Use(grant)) => waiter.grant = grant,
                _ => return Ok(()),
            }
        }
        Err(waiter)
    }

    fn room(&self, destination: u64, options: &PoolOptions) -> Room {
        let there = self.endpoints.get(&destination).map_or(0, |destination| destination.connections);
        if there >= options.connections_per_endpoint_max.max(1) {
            Room::NoneThere
        } else if self.connections >= options.connections_max.max(1) {
            Room::None
        } else {
            Room::Free
        }
    }

    fn lease(&mut self, number: u64, shared: &Arc<Shared>) -> Option<Lease> {
        let destination = self.endpoints.get_mut(&number)?;
        destination.connections = destination.connections.saturating_add(1);
        self.connections = self.connections.saturating_add(1);
        let endpoint = Arc::clone(&destination.endpoint);
        Some(Lease { shared: Arc::clone(shared), destination: number, endpoint, making_room: false })
    }

    /// Tells the session that was not used for the longest time to end, where there is one.
    fn make_room(&mut self) {
        loop {
            // Of one endpoint, the first was not used for the longest time.
            let oldest = |destination: &Destination| destination.idle.first().map(|idle| idle.since);
            let candidates = self.endpoints.iter().filter_map(|(number, it)| Some((oldest(it)?, *number)));
            let Some((_, number)) = candidates.min() else { return };
            let Some(destination) = self.endpoints.get_mut(&number) else { return };
            let idle = destination.idle.remove(0);
            if idle.order.send(Order::MakeRoom).is_ok() {
                self.making_room = self.making_room.saturating_add(1);
                return;
            }
        }
    }

    /// The number of an endpoint, which is as good as the endpoint while anything is with it.
    fn destination(&mut self, endpoint: &Endpoint) -> u64 {
        let known = self.endpoints.iter().find(|(_, destination)| *destination.endpoint == *endpoint);
        if let Some((number, _)) = known {
            return *number;
        }
        let number = self.next_number();
        let endpoint = Arc::new(endpoint.clone());
        self.endpoints.insert(number, Destination { endpoint, connections: 0, idle: Vec::new() });
        number
    }

    fn forget_unused(&mut self) {
        let waiting = &self.waiting;
        self.endpoints.retain(|number, destination| {
            destination.connections > 0 || waiting.iter().any(|waiter| waiter.destination == *number)
        });
    }

    fn next_number(&mut self) -> u64 {
        self.number = self.number.saturating_add(1);
        self.number
    }
}

/// Whether there may be one more session with an endpoint.
enum Room {
    Free,
    /// There are as many as may be.
    None,
    /// There are as many with this endpoint as may be.
    NoneThere,
}

impl Lease {
    /// Where the session goes.
    pub(super) fn endpoint(&self) -> Arc<Endpoint> {
        Arc::clone(&self.endpoint)
    }

    pub(super) fn options(&self) -> Arc<PoolOptions> {
        Arc::clone(&self.shared.options)
    }

    /// Puts the session on the list of those that nobody uses, from which orders come; `None` when the pool is closed.
    pub(super) fn offer(&self, since: Instant) -> Option<(u64, oneshot::Receiver<Order>)> {
        let (order, orders) = oneshot::channel();
        let mut state = self.shared.lock();
        if state.closed {
            return None;
        }
        let number = state.next_number();
        let idle = Idle { number, since, order };
        state.endpoints.get_mut(&self.destination)?.idle.push(idle);
        self.shared.serve(state);
        Some((number, orders))
    }

    /// Takes the session off the list; `false` when somebody else did, who has given an order.
    pub(super) fn withdraw(&self, number: u64) -> bool {
        let mut state = self.shared.lock();
        let Some(destination) = state.endpoints.get_mut(&self.destination) else { return false };
        let before = destination.idle.len();
        destination.idle.retain(|idle| idle.number != number);
        destination.idle.len() < before
    }

    /// The session ends because others need the room.
    pub(super) fn makes_room(&mut self) {
        self.making_room = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.connections = state.connections.saturating_sub(1);
        state.making_room = state.making_room.saturating_sub(usize::from(self.making_room));
        if let Some(destination) = state.endpoints.get_mut(&self.destination) {
            destination.connections = destination.connections.saturating_sub(1);
        }
        state.forget_unused();
        self.shared.serve(state);
    }
}

impl Waiting<'_> {
    /// Waits for the turn; `None` when the pool is closed.
    pub(super) async fn granted(mut self) -> Option<Grant> {
        (&mut self.granted).await.ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.waiting.retain(|waiter| waiter.number != self.number);
        state.forget_unused();
    }
}
