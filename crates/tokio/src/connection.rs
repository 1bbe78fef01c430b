//! The driver: one machine, one stream, one clock.
//!
//! Decides when to send and when to read; `upgrading` how the layer is changed, `closing` how it ends. What is said is
//! the machine's affair. All state is in the [`Connection`], none in a future: whatever is awaited here may be dropped
//! at any point and asked for again.

mod alarm;
mod clock;
mod closing;
mod output;
mod space;
mod timeouts;
mod upgrading;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use posthaste_sasl::Channel;
use posthaste_wire::{Direction, Machine, Security, Step, Time, Upgrade};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use crate::observe::Observer;
use crate::{Error, Role, Stream};
use alarm::Alarm;
use clock::Clock;
use closing::Closing;
use output::Output;
pub use timeouts::Timeouts;

/// A machine and the stream it talks over.
///
/// ```text
///                    ┌────────────────────── Open ◄──────────────────────┐
///                    │ Closed, or an error    │ Upgrade                  │ upgraded
///                    ▼                        ▼                          │
///   Closed ◄──── Closing: flush,          Upgrading: flush, ── TLS ──────┘
///     ▲          shut down, linger           │
///     └──────────────────────────────────────┘ handshake failed or too slow
/// ```
///
/// Memory: the machine's bound, and up to 64 KiB of output that the peer has not taken yet. There is no read
/// buffer: all connections of a thread read into the same one, of 64 KiB. Measured with 10,000 IMAP connections that are
/// logged in and in IDLE, the resident memory of the process for each, the task of the session included, is 3,600 octets
/// in the clear and 11,300 with TLS 1.3.
///
/// COMPRESS costs more, here counted at the allocator: 44,000 octets for the window and tables of what comes in, for as
/// long as the connection stands, and 319,000 more for those of what goes out. These are given up when nothing has come
/// in for a second; what is then said unasked, as in IDLE, has a compressor only while it is sent. Whether the system gets
/// that memory back, or only the next compressor does, is up to the allocator: resident memory follows how many
/// connections talk at a time, and need not go down behind them.
pub struct Connection<M: Machine> {
    machine: M,
    stream: Stream,
    role: Role,
    timeouts: Timeouts,
    phase: Phase,
    clock: Clock,
    alarm: Alarm,
    output: Output,
    /// When the peer must have taken more, and what it had taken when this was set.
    write_limit: Option<(Instant, u64)>,
    received: u64,
    /// How many octets were read and dropped at the end.
    dropped: usize,
    /// How many octets have come since the last event.
    inflated: u64,
    /// How many reads in a row have filled the buffer, with nothing sent in between.
    full_reads: u8,
    /// The peer's end has been seen and told to the machine.
    eof: bool,
    /// Nothing can be sent any more. A client reads on until the time given, for the reply that explains it.
    write_lost: Option<Instant>,
    /// The machine's deadline had passed when input was taken the last time.
    overdue: bool,
    /// The deadline that the machine was told of last. It is not told again before something has moved.
    told: Option<Time>,
    /// How much the machine had given to send when it said last that it needs input.
    taken: u64,
    rest: Rest,
    /// What `next` returns when the machine is done, in place of `None`.
    verdict: Option<Error<M::Error>>,
    observer: Observer,
}

/// What [`Connection::room_or_next`] was ended by.
#[derive(Debug)]
pub enum Turn<E> {
    /// The machine takes more of a body.
    Room,
    /// What [`Connection::next`] gives.
    Event(Option<E>),
}

/// What `next` gives.
type Next<M> = Result<Option<<M as Machine>::Event>, Error<<M as Machine>::Error>>;

/// What `room_or_next` gives.
type TurnOf<M> = Result<Turn<<M as Machine>::Event>, Error<<M as Machine>::Error>>;

#[derive(Debug)]
enum Phase {
    Open,
    /// `deadline` is set when the handshake has begun.
    Upgrading {
        upgrade: Upgrade,
        deadline: Option<Instant>,
    },
    Closing(Closing),
    Closed,
}

/// When a compressor gives its memory back.
#[derive(Clone, Copy, Debug)]
enum Rest {
    /// Something came a moment ago, or there is no compressor.
    No,
    /// Then, if nothing comes before.
    Due(Instant),
    /// As soon as what is said has been sent: nothing has come since the last rest, so it was not asked for, as what is
    /// told in IDLE. Were it kept, a thing that is told to all connections would make a compressor for each of them.
    AtOnce,
}

impl<M: Machine> Connection<M> {
    /// A connection over `stream`, with a machine that was made at [`Time::ZERO`] and with
    /// [`stream.security()`](Stream::security).
    pub fn new(machine: M, stream: impl Into<Stream>, role: Role) -> Self {
        let stream = stream.into();
        let observer = Observer::new(&stream, &role);
        let mut connection = Self {
            machine,
            stream,
            role,
            timeouts: Timeouts::default(),
            phase: Phase::Open,
            clock: Clock::default(),
            alarm: Alarm::default(),
            output: Output::default(),
            write_limit: None,
            received: 0,
            dropped: 0,
            inflated: 0,
            full_reads: 0,
            eof: false,
            write_lost: None,
            overdue: false,
            told: None,
            taken: 0,
            rest: Rest::No,
            verdict: None,
            observer,
        };
        connection.keep_record();
        connection
    }

    /// The same connection with a log of what is said on it, a line at a time: for an operator who looks for what is
    /// wrong with a peer. Of credentials the log has the command and how many octets, of messages how many octets.
    ///
    /// Without one, the lines go to `tracing` where that is enabled for the target `posthaste::wire` at the level
    /// TRACE. A greeting that the machine made before it was given here is in neither.
    #[must_use]
    pub fn with_wire_log(mut self, log: impl FnMut(Direction, &str) + Send + Sync + 'static) -> Self {
        self.observer.log_to(Box::new(log));
        self.keep_record();
        self
    }

    fn keep_record(&mut self) {
        if self.observer.is_logging() {
            self.machine.keep_record();
        }
    }

    /// The same connection with other deadlines.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Waits for the next event, and meanwhile sends, reads, keeps the machine's deadlines, and changes the layer
    /// when the machine asks for it. `None` when the conversation is over and the stream is closed.
    ///
    /// Cancel safe: dropped before it is ready, it has lost nothing. It may stand in `tokio::select!` beside the
    /// other things a session waits for.
    ///
    /// # Errors
    ///
    /// Every error but [`Error::TokenOut`] is the end of the connection and is returned once; `None` follows.
    /// A failed stream is told to the machine as an end of file first, so that the events which follow from it
    /// have been returned before the error is.
    pub async fn next(&mut self) -> Result<Option<M::Event>, Error<M::Error>> {
        let running = Running::start(self);
        std::future::poll_fn(|cx| running.connection.poll_next(cx)).await
    }

    /// Sends all that is queued. Cancel safe.
    ///
    /// # Errors
    ///
    /// The peer is gone, or took too long. The same is what [`next`](Self::next) ends with; it may have events
    /// before that.
    pub async fn flush(&mut self) -> Result<(), Error<M::Error>> {
        std::future::poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Sends until the machine takes more of a body: what a writer waits for after `Misuse::Congested`, or before
    /// each chunk. Cancel safe.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub async fn room(&mut self) -> Result<(), Error<M::Error>> {
        std::future::poll_fn(|cx| self.poll_room(cx)).await
    }

    /// Waits for what comes first: the next event, as [`next`](Self::next) does, or room for more of a body, as
    /// [`room`](Self::room) does. For a client that writes a body while answers are still on their way: a server that
    /// sends a long one takes nothing until it has been read, and one that wants no more says so before it closes.
    /// When nothing can be sent any more, the events that are left come first. Cancel safe.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next) and [`room`](Self::room).
    pub async fn room_or_next(&mut self) -> Result<Turn<M::Event>, Error<M::Error>> {
        let running = Running::start(self);
        std::future::poll_fn(|cx| running.connection.poll_turn(cx)).await
    }

    /// Completes when the peer has closed its side or the connection is cut, as far as that can be known without
    /// reading: for an application that works on an answer nobody may be waiting for any more.
    ///
    /// A hint. Over TCP an end of file is seen only when nothing waits before it, a reset always; over any other
    /// stream this never completes.
    pub async fn peer_gone(&mut self) {
        self.stream.peer_gone().await;
    }

    /// The machine: what tokens are answered with and, at a client, what commands are given to.
    pub const fn machine(&mut self) -> &mut M {
        &mut self.machine
    }

    /// The machine, to look at.
    pub const fn machine_ref(&self) -> &M {
        &self.machine
    }

    /// The stream, for its addresses and its TLS session.
    pub const fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The time on the connection's clock, for calls on the machine that want it. It runs only while
    /// [`next`](Self::next) waits.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// What protects the connection now.
    pub const fn security(&self) -> Security {
        self.stream.security()
    }

    /// What a login over this connection can be bound to now: see [`Stream::channel`]. A server hands it to each
    /// exchange, the clients of this crate to their choice of a mechanism.
    pub fn channel(&self) -> Channel {
        self.stream.channel()
    }

    /// The address of the peer, where the stream is TCP.
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        self.stream.peer_addr()
    }

    /// The address of this side, where the stream is TCP.
    pub const fn local_addr(&self) -> Option<SocketAddr> {
        self.stream.local_addr()
    }

    /// How many octets the machine was given, counted above TLS.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// How many octets of the machine were sent, counted above TLS.
    pub const fn sent(&self) -> u64 {
        self.output.sent()
    }

    /// The polled form of [`next`](Self::next), which sees to the clock.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next<M>> {
        loop {
            match &self.phase {
                Phase::Open => {}
                Phase::Upgrading { .. } => {
                    ready!(self.poll_upgrade(cx));
                    continue;
                }
                Phase::Closing(_) => {
                    ready!(self.poll_close(cx));
                    continue;
                }
                Phase::Closed => return Poll::Ready(self.verdict.take().map_or(Ok(None), Err)),
            }
            self.observer.log(&mut self.machine);
            let step = self.machine.poll_event();
            self.observer.log(&mut self.machine);
            match step {
                Ok(Step::Event(event)) => {
                    self.inflated = 0;
                    return Poll::Ready(Ok(Some(event)));
                }
                Ok(Step::NeedInput) => ready!(self.poll_exchange(cx)),
                Ok(Step::Paused) => {
                    // What became of the sending is told when the machine can go on.
                    drop(ready!(self.poll_flush(cx)));
                    return Poll::Ready(Err(Error::TokenOut));
                }
                Ok(Step::Upgrade(upgrade)) => self.phase = Phase::Upgrading { upgrade, deadline: None },
                Ok(Step::Closed) => self.phase = Phase::Closing(Closing::Flush),
                Err(error) => {
                    self.verdict.get_or_insert(Error::Protocol(error));
                    self.phase = Phase::Closing(Closing::Flush);
                }
            }
        }
    }

    /// The machine needs input: sends, reads and watches the time until one of them changes something.
    fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_streamed_to() && self.poll_read(cx).is_ready() {
            self.told = None;
            return Poll::Ready(());
        }
        self.full_reads = 0;
        let sending = self.poll_output(cx);
        if self.taken != self.output.taken() {
            // There is room in the machine now: it may go on with what it held back.
            self.taken = self.output.taken();
            self.told = None;
            return Poll::Ready(());
        }
        let deadline = self.machine.poll_timeout().filter(|deadline| self.told != Some(*deadline));
        let due = deadline.is_some_and(|deadline| deadline <= self.clock.now());
        // What has arrived counts before a deadline that has passed, but only once: a peer that never pauses
        // does not get around it.
        let overdue = std::mem::replace(&mut self.overdue, due);
        if due && overdue {
            self.time_out();
            return Poll::Ready(());
        }
        // Reading goes on while the peer is slow to take a little, so that two sides that both write do not wait
        // for each other; it stops when much is waiting, so that memory is bounded.
        // That is the server's part: were both to stop, a pipeline that is longer than the pipe would end there.
        let is_server = matches!(self.role, Role::Server { .. });
        let full = self.output.is_full() || self.machine.is_congested();
        let crowded = is_server && sending.is_pending() && full;
        if !self.eof && !crowded && self.poll_read(cx).is_ready() {
            self.told = None;
            return Poll::Ready(());
        }
        // With nothing to come in and nowhere to send to, or no deadline, the machine would wait for ever.
        let stuck = self.write_lost.is_some() || deadline.is_none();
        if self.eof && sending.is_ready() && stuck {
            self.lost(Error::Io(io::ErrorKind::UnexpectedEof.into()));
            self.phase = Phase::Closing(Closing::Flush);
            return Poll::Ready(());
        }
        let machine = deadline.and_then(|deadline| self.clock.instant_of(deadline));
        let write = self.write_limit.map(|(deadline, _)| deadline);
        let rest = self.rest_at();
        let earliest = [machine, write, self.write_lost, rest].into_iter().flatten().min();
        ready!(self.alarm.poll(cx, earliest));
        self.alarm_rang();
        Poll::Ready(())
    }

    /// Whether the peer sends so much that it does not wait for what is queued for it: then the answers to several
    /// chunks of BDAT, or to several messages of APPEND, leave together. Held to a few reads, so that a window of
    /// chunks keeps moving.
    fn is_streamed_to(&self) -> bool {
        (1..FULL_READS_MAX).contains(&self.full_reads)
            && !self.eof
            && self.write_lost.is_none()
            && !self.output.is_full()
            && !self.machine.is_congested()
    }

    /// When memory is to be given back that nobody needs then; or gives it back.
    fn rest_at(&mut self) -> Option<Instant> {
        if self.stream.can_rest() {
            match self.rest {
                Rest::No => self.rest = deadline_in(REST_AFTER).map_or(Rest::AtOnce, Rest::Due),
                Rest::Due(_) => {}
                Rest::AtOnce => self.stream.rest(),
            }
        }
        match self.rest {
            Rest::Due(deadline) => Some(deadline),
            Rest::No | Rest::AtOnce => None,
        }
    }

    /// Some deadline has passed.
    fn alarm_rang(&mut self) {
        let now = Instant::now();
        if self.write_limit.is_some_and(|(deadline, _)| deadline <= now) {
            self.observer.timeout("write");
            self.lost(Error::WriteTimeout(self.timeouts.write));
        } else if !self.eof && self.write_lost.is_some_and(|deadline| deadline <= now) {
            self.end_of_input();
        } else if matches!(self.rest, Rest::Due(deadline) if deadline <= now) {
            self.rest = Rest::AtOnce;
            self.stream.rest();
        } else {
            self.time_out();
        }
    }

    /// Tells the machine the time. A machine that keeps a deadline that has passed, because it waits for its
    /// output to leave, is not asked again and again.
    fn time_out(&mut self) {
        let now = self.clock.now();
        self.observer.timeout("machine");
        self.overdue = false;
        self.told = self.machine.poll_timeout().filter(|deadline| *deadline <= now);
        self.machine.handle_timeout(now);
    }

    /// Reads once and hands what came to the machine.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        space::with(|space| {
            let mut buffer = ReadBuf::new(space);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            self.full_reads = if buffer.remaining() == 0 { self.full_reads.saturating_add(1) } else { 0 };
            match read {
                Ok(()) => self.came(buffer.filled()),
                // TLS was cut without its own end. The protocols above say where a message ends, so a machine treats
                // a cut and an end alike: what is incomplete is not accepted.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.end_of_input(),
                Err(error) => self.lost(Error::Io(error)),
            }
            Poll::Ready(())
        })
    }

    /// Hands what was read to the machine.
    fn came(&mut self, octets: &[u8]) {
        if octets.is_empty() {
            self.end_of_input();
            return;
        }
        self.rest = Rest::No;
        let length = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        self.received = self.received.saturating_add(length);
        self.inflated = self.inflated.saturating_add(length);
        if self.stream.is_deflated() && self.inflated > INFLATED_MAX {
            self.lost(Error::Inflated(INFLATED_MAX));
            return;
        }
        self.machine.handle_input(self.clock.now(), octets);
    }

    /// Sends what is queued here and in the machine. Ready when nothing is left, also because nothing can be sent.
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.output.fill(&mut self.machine);
            if self.write_lost.is_some() {
                self.output.clear();
                while self.machine.poll_transmit().is_some() {}
            }
            if self.output.is_empty() {
                self.write_limit = None;
                return Poll::Ready(());
            }
            match self.output.poll_send(&mut self.stream, cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => self.write_failed(error),
                Poll::Pending => {
                    self.output.fill(&mut self.machine);
                    self.watch_progress();
                    return Poll::Pending;
                }
            }
        }
    }

    /// Sets the deadline for what waits, or moves it when the peer has taken enough since.
    fn watch_progress(&mut self) {
        let sent = self.output.sent();
        let progressed = self.write_limit.is_none_or(|(_, mark)| sent.saturating_sub(mark) >= PROGRESS_MIN);
        if progressed {
            self.write_limit = deadline_in(self.timeouts.write).map(|deadline| (deadline, sent));
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error<M::Error>>> {
        if self.poll_output(cx).is_pending() {
            ready!(self.poll_write_limit(cx));
        }
        Poll::Ready(self.writable())
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error<M::Error>>> {
        if self.poll_output(cx).is_pending() && self.machine.is_congested() {
            ready!(self.poll_write_limit(cx));
        }
        Poll::Ready(self.writable())
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<TurnOf<M>> {
        if !matches!(self.phase, Phase::Open) {
            return self.poll_next(cx).map_ok(Turn::Event);
        }
        match self.poll_next(cx) {
            Poll::Ready(Err(Error::TokenOut)) => Poll::Ready(self.writable().map(|()| Turn::Room)),
            Poll::Ready(next) => Poll::Ready(next.map(Turn::Event)),
            // When nothing can be sent any more, what the peer said about that is waited for, and comes first.
            Poll::Pending if !self.machine.is_congested() && self.write_lost.is_none() => {
                Poll::Ready(Ok(Turn::Room))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Ready, and the connection lost, when the peer has taken too little for too long.
    fn poll_write_limit(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.alarm.poll(cx, self.write_limit.map(|(deadline, _)| deadline)));
        self.observer.timeout("write");
        self.lost(Error::WriteTimeout(self.timeouts.write));
        Poll::Ready(())
    }

    /// Whether what the application writes still goes anywhere.
    fn writable(&self) -> Result<(), Error<M::Error>> {
        match &self.verdict {
            None if self.write_lost.is_none() => Ok(()),
            Some(Error::WriteTimeout(after)) => Err(Error::WriteTimeout(*after)),
            Some(Error::Io(error)) => Err(Error::Io(io::Error::new(error.kind(), error.to_string()))),
            _ => Err(Error::Io(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl<M: Machine> std::fmt::Debug for Connection<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("stream", &self.stream)
            .field("phase", &self.phase)
            .field("received", &self.received)
            .field("sent", &self.sent())
            .finish_non_exhaustive()
    }
}

/// Lets the clock of a connection run for as long as somebody waits for the next event.
struct Running<'a, M: Machine> {
    connection: &'a mut Connection<M>,
}

impl<'a, M: Machine> Running<'a, M> {
    fn start(connection: &'a mut Connection<M>) -> Self {
        connection.clock.start();
        Self { connection }
    }
}

impl<M: Machine> Drop for Running<'_, M> {
    fn drop(&mut self) {
        self.connection.clock.stop();
    }
}

fn deadline_in(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

/// So much the peer has to take within the time given for writing.
const PROGRESS_MIN: u64 = 16 * 1024;

/// After so many reads that filled the buffer, what is queued is sent before the next one.
const FULL_READS_MAX: u8 = 4;

/// After so long without input a compressor is given up. The next one begins without a dictionary, which costs nothing
/// where the last words are that old; commands that follow each other find it as they left it.
const REST_AFTER: Duration = Duration::from_secs(1);

/// Under COMPRESS so much may come in without an event: what a machine drops costs the peer a thousandth of it.
const INFLATED_MAX: u64 = 64 * 1024 * 1024;
