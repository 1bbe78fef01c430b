//! What the calls of the three clients have in common: one connection, deadlines, and errors that say where.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use posthaste_wire::Machine;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::dial::Dialled;
use super::{Cause, ClientError, ClientOptions, Peer, Phase, ServerRefusal};
use crate::tls::Random;
use crate::{Connection, Error, Turn};

/// A connection with a client's machine, and the call that is under way.
pub(crate) struct Session<M: Machine> {
    pub(crate) connection: Connection<M>,
    peer: Peer,
    phase: Phase,
    /// How long a call may wait for the next thing to happen.
    idle: Duration,
    /// How long a call may take.
    call: Duration,
    /// When the call under way has to be done, and how long that was.
    deadline: Option<(Instant, Duration)>,
    /// Where nonces come from.
    random: Random,
}

/// What a machine tells, or why it does not.
type Told<M, R> = Result<<M as Machine>::Event, ClientError<<M as Machine>::Error, R>>;

impl<M: Machine> Session<M> {
    /// A session that is opening: its deadline is that of the whole opening.
    pub(crate) fn new(machine: M, dialled: Dialled, options: &ClientOptions) -> Self {
        let Dialled { stream, role, peer, deadline } = dialled;
        Self {
            connection: Connection::new(machine, stream, role).with_timeouts(options.timeouts),
            peer,
            phase: Phase::Greeting,
            idle: options.idle_timeout,
            call: options.call_timeout,
            deadline: Some((deadline, options.open_timeout)),
            random: Random::of_client(options),
        }
    }

    /// The generator that goes with the cryptography of this client.
    pub(crate) const fn random(&self) -> Random {
        self.random
    }

    pub(crate) const fn machine(&mut self) -> &mut M {
        self.connection.machine()
    }

    pub(crate) const fn machine_ref(&self) -> &M {
        self.connection.machine_ref()
    }

    /// Goes on to another phase of the same call.
    pub(crate) const fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// Begins a call that has to be done in its time.
    pub(crate) fn begin(&mut self, phase: Phase) {
        self.phase = phase;
        self.deadline = Some((after(self.call), self.call));
    }

    /// Begins a call whose pieces each have their time.
    pub(crate) const fn begin_stream(&mut self, phase: Phase) {
        self.phase = phase;
        self.deadline = None;
    }

    /// The next event, in time.
    pub(crate) async fn event<R: ServerRefusal>(&mut self) -> Result<M::Event, ClientError<M::Error, R>> {
        let limit = self.limit();
        let next = timeout_at(limit, self.connection.next()).await;
        self.in_time(next).and_then(|event| event.ok_or(Cause::Closed)).map_err(|cause| self.error(cause))
    }

    /// Begins a piece of a call that streams and was waited for so long already, while so many octets came. What comes
    /// slower than it may for long is given up as a call that takes too long.
    pub(crate) fn begin_piece(&mut self, waited: Duration, octets: u64) {
        let time = self.call.saturating_add(Duration::from_secs(octets.checked_div(RATE_MIN).unwrap_or(0)));
        self.deadline = Some((after(time.saturating_sub(waited)), time));
    }

    /// The polled form of [`event`](Self::event), for readers. The alarm belongs to the wait for one event.
    pub(crate) fn poll_event<R: ServerRefusal>(
        &mut self,
        cx: &mut Context<'_>,
        alarm: &mut Option<Pin<Box<Sleep>>>,
    ) -> Poll<Told<M, R>> {
        let limit = self.limit();
        let alarm_set = alarm.get_or_insert_with(|| Box::pin(sleep_until(limit)));
        let next = match pin!(self.connection.next()).poll(cx) {
            Poll::Ready(next) => Ok(next),
            Poll::Pending => {
                ready!(alarm_set.as_mut().poll(cx));
                Err(())
            }
        };
        *alarm = None;
        let event = self.in_time(next).and_then(|event| event.ok_or(Cause::Closed));
        Poll::Ready(event.map_err(|cause| self.error(cause)))
    }

    /// Waits for room to write, in time. What comes before is returned.
    pub(crate) async fn room_or_event<R: ServerRefusal>(
        &mut self,
    ) -> Result<Option<M::Event>, ClientError<M::Error, R>> {
        let limit = self.limit();
        let turn = timeout_at(limit, self.connection.room_or_next()).await;
        match self.in_time(turn) {
            Ok(Turn::Room) => Ok(None),
            Ok(Turn::Event(Some(event))) => Ok(Some(event)),
            Ok(Turn::Event(None)) => Err(self.error(Cause::Closed)),
            Err(cause) => Err(self.error(cause)),
        }
    }

    /// An error of the call under way.
    pub(crate) fn error<R: ServerRefusal>(
        &self,
        cause: impl Into<Cause<M::Error, R>>,
    ) -> ClientError<M::Error, R> {
        ClientError::new(self.phase, Some(self.peer.clone()), cause)
    }

    /// What the server says no with, as an error of the call under way.
    pub(crate) fn refused<R: ServerRefusal>(&self, refusal: R) -> ClientError<M::Error, R> {
        self.error(Cause::Refused(refusal))
    }

    /// Until when the next thing has to happen.
    pub(crate) fn limit(&self) -> Instant {
        let idle = after(self.idle);
        self.deadline.map_or(idle, |(deadline, _)| deadline.min(idle))
    }

    fn in_time<T, L, R: ServerRefusal>(
        &self,
        done: Result<Result<T, Error<M::Error>>, L>,
    ) -> Result<T, Cause<M::Error, R>> {
        match done {
            Ok(done) => Ok(done?),
            Err(_) => Err(match self.deadline {
                Some((deadline, time)) if deadline <= Instant::now() => Cause::Deadline(time),
                _ => Cause::Idle(self.idle),
            }),
        }
    }
}

impl<M: Machine> std::fmt::Debug for Session<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("peer", &self.peer)
            .field("phase", &self.phase)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// So long from now; a time beyond reckoning is a year.
pub(crate) fn after(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).or_else(|| now.checked_add(YEAR)).unwrap_or(now)
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// So many octets a second a message has to come in with, or be done within the time of a call.
const RATE_MIN: u64 = 500;
