//! The client machine: one IMAP conversation seen from its client (RFC 9051, RFC 3501).
//!
//! Commands are queued and get their [`CommandId`] at once; the machine sends what the rules of pipelining allow,
//! waits for `+` where a literal needs it, sets up TLS as configured before anything of the application leaves, and
//! gives what the server says as events. What a server does not announce is not sent (`needs.rs`), what it does not take
//! is sent in another form where there is one (`fallback.rs`), and what is known of odd ones stands in `quirks.rs`.
//! [`Resync`] stands beside the machine and brings a mailbox that is known from before up to date. How a line is
//! written or read is the codec's matter, what TLS and certificates are worth the driver's.

mod append;
mod arguments;
mod authenticate;
mod command;
mod compress;
mod config;
mod context;
mod error;
mod event;
mod fallback;
mod idle;
mod limits;
mod look;
mod mailbox;
mod message_limit;
mod needs;
mod pieces;
mod pipeline;
mod queue;
mod quirks;
mod reader;
mod respond;
mod resync;
mod row;
mod setup;
mod split;
mod timer;
mod upgrade;

pub use append::{AppendContent, AppendMessage, AppendPart, AppendWriter};
pub use authenticate::Challenge;
pub use command::{FirstStatus, Vanished};
pub use config::{AuthPrivacy, Config, QuirksPolicy, TagPrefix, TlsPolicy};
pub use context::{ContextMismatch, update_result};
pub use error::{ProtocolError, Violation};
pub use event::{CommandId, Event};
pub use fallback::{Fallback, MoveEnd, MoveSteps, esearch_of};
pub use limits::ClientLimits;
pub use mailbox::MailboxState;
pub use message_limit::{Remaining, remaining_after};
pub use quirks::{CharsetUse, Identification, Peer, Quirks};
pub use resync::{Change, Counted, Known, Method, Outcome, Resync};
pub use timer::Timer;

use crate::session::State;
use crate::types::{Capability, ParseContext, Repairs};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;
use posthaste_wire::{Security, SendQueue, Step, Tickets, Time, TimerTable};
use queue::{Queued, Running, Sending};
use reader::{Bounds, Read, Reader};
use setup::Phase;

/// An IMAP client without I/O.
///
/// ```
/// use posthaste_imap::client::{Client, Config, Event, TlsPolicy};
/// use posthaste_imap::{Secret, Security, Step, Time};
///
/// let now = Time::ZERO;
/// let mut client = Client::new(Config::default(), Security::Tls, now);
/// client.handle_input(now, b"* OK [CAPABILITY IMAP4rev1] hello\r\n");
/// assert!(matches!(client.poll_event(), Ok(Step::Event(Event::Greeting(_)))));
/// assert!(matches!(client.poll_event(), Ok(Step::Event(Event::Ready))));
/// let login = client.login("joe", Secret::from("secret")).unwrap();
/// assert_eq!(client.poll_transmit().as_deref(), Some(&b"A1 LOGIN joe secret\r\n"[..]));
/// client.handle_input(now, b"A1 OK [CAPABILITY IMAP4rev1 IDLE] welcome\r\n");
/// assert!(matches!(client.poll_event(), Ok(Step::Event(Event::Capability(_)))));
/// assert!(matches!(client.poll_event(), Ok(Step::Event(Event::Done { id, .. })) if id == login));
/// ```
///
/// Memory: see [`ClientLimits`].
pub struct Client {
    config: Config,
    security: Security,
    /// The last time that was told.
    now: Time,
    phase: Phase,
    state: State,
    reader: Reader,
    send: SendQueue,
    timers: TimerTable<Timer, { timer::COUNT }>,
    /// What the codec must know: whether UTF-8 is enabled.
    context: ParseContext,
    /// `None` until the server has told, and again after what changes them.
    capabilities: Option<Vec<Capability>>,
    /// They were told since the login in progress began.
    capabilities_told: bool,
    /// What the server says is enabled, of what it was asked to.
    enabled: Vec<Capability>,
    /// What the ENABLE in progress asks for.
    enabling: Vec<Capability>,
    /// A mailbox was selected since somebody logged in: nothing can be enabled any more.
    has_selected: bool,
    /// The selected mailbox.
    mailbox: Option<MailboxState>,
    /// The mailbox that SELECT or EXAMINE in progress opens.
    opening: Option<MailboxState>,
    /// Commands of which nothing was sent.
    queue: VecDeque<Queued>,
    /// Commands in progress, in the order in which they were sent.
    running: Vec<Running>,
    /// What the command sent last still has to send.
    sending: Option<(u64, Sending)>,
    /// Whether a challenge is out.
    challenges: Tickets,
    /// Whether a writer is out.
    writers: Tickets,
    commands_queued: u64,
    commands_sent: u64,
    /// The IDLE of which the application knows that it was confirmed.
    idle_told: Option<CommandId>,
    /// Events of responses that were read.
    events: VecDeque<Event>,
    /// A row is coming in that makes no sense; it is dropped.
    dropping_row: bool,
    /// Who the server is known to be.
    peer: Peer,
    /// How it is treated.
    quirks: Quirks,
    /// How its responses had to be repaired.
    repairs: Repairs,
    /// The connection is compressed.
    /// DEFLATE is under the conversation, or about to be.
    compressed: bool,
    strays: u32,
    violations: u32,
    /// The server said BYE.
    bye: bool,
    /// The peer will send nothing more.
    eof: bool,
    error: Option<ProtocolError>,
}

impl Client {
    /// A client at the start of a connection that `security` protects.
    pub fn new(config: Config, security: Security, now: Time) -> Self {
        let mut timers = TimerTable::new();
        timers.arm(Timer::Setup, now, config.limits.setup_timeout);
        let send = SendQueue::new(config.limits.send_high_water.max(1));
        let quirks = match &config.quirks {
            QuirksPolicy::Detect => Quirks::default(),
            QuirksPolicy::Fixed(quirks) => quirks.clone(),
        };
        Self {
            config,
            security,
            now,
            phase: Phase::Greeting,
            state: State::NotAuthenticated,
            reader: Reader::new(),
            send,
            timers,
            context: ParseContext::client(),
            capabilities: None,
            capabilities_told: false,
            enabled: Vec::new(),
            enabling: Vec::new(),
            has_selected: false,
            mailbox: None,
            opening: None,
            queue: VecDeque::new(),
            running: Vec::new(),
            sending: None,
            challenges: Tickets::new(),
            writers: Tickets::new(),
            commands_queued: 0,
            commands_sent: 0,
            idle_told: None,
            events: VecDeque::new(),
            dropping_row: false,
            peer: Peer::Unknown,
            quirks,
            repairs: Repairs::default(),
            compressed: false,
            strays: 0,
            violations: 0,
            bye: false,
            eof: false,
            error: None,
        }
    }
}

/// The contract of [`Machine`](crate::Machine).
impl Client {
    /// Takes bytes of the server, in any split.
    pub fn handle_input(&mut self, now: Time, input: &[u8]) {
        self.now = now;
        if self.is_over() || self.eof || input.is_empty() {
            return;
        }
        self.reader.push(input);
        if matches!(self.phase, Phase::Upgrade(_)) {
            // RFC 9051 6.2.1: nothing that was not said inside TLS counts.
            let taken = if self.compressed { self.compress() } else { self.reader.drained().map(drop) };
            if let Err(residue) = taken {
                self.fail(residue.into());
            }
            return;
        }
        self.timers.disarm(Timer::Response);
        self.timers.disarm(Timer::Literal);
        self.watch();
    }

    /// Takes note that the server will send nothing more.
    pub fn handle_eof(&mut self, now: Time) {
        self.now = now;
        self.eof = true;
    }

    /// Takes note of the time: gives up on a server that is late, renews IDLE.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        if self.is_over() {
            return;
        }
        while let Some(timer) = self.timers.expire(now) {
            match timer {
                Timer::IdleRenewal => self.renew_idle(),
                Timer::Logout => self.end(),
                Timer::Setup | Timer::Response | Timer::Literal => self.fail(ProtocolError::TimedOut(timer)),
            }
        }
        self.watch();
    }

    /// The next event, or what is needed for one.
    ///
    /// # Errors
    /// When the conversation cannot go on; the same error comes on every later call.
    pub fn poll_event(&mut self) -> Result<Step<Event>, ProtocolError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Step::Event(event));
            }
            if let Some(error) = &self.error {
                return Err(error.clone());
            }
            match &mut self.phase {
                Phase::Closed => return Ok(Step::Closed),
                Phase::Upgrade(upgrade) if !self.eof => {
                    return Ok(upgrade.take().map_or(Step::Paused, Step::Upgrade));
                }
                _ => {}
            }
            if self.challenges.is_open() && !self.eof {
                return Ok(Step::Paused);
            }
            self.pump();
            if !self.events.is_empty() || self.is_over() {
                continue;
            }
            match self.reader.next(&self.bounds(), &self.context) {
                Ok(Read::NeedInput) if self.eof => self.end(),
                Ok(Read::NeedInput) => {
                    self.watch();
                    return Ok(Step::NeedInput);
                }
                Ok(read) => {
                    if let Err(error) = self.take(read) {
                        self.fail(error);
                    }
                    self.watch();
                }
                Err(error) => self.fail(error),
            }
        }
    }

    /// The next bytes for the server.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.send.pop()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next().map(|(_, deadline)| deadline)
    }

    /// Why [`poll_timeout`](Self::poll_timeout) names a time.
    pub fn timer(&self) -> Option<Timer> {
        self.timers.next().map(|(timer, _)| timer)
    }

    /// Whether as much is waiting to be sent as the machine wants to hold.
    pub const fn is_congested(&self) -> bool {
        self.send.is_congested()
    }

    /// Ends the conversation: drops what is queued, ends IDLE, says LOGOUT; where that is not possible, in the
    /// middle of a message or before the greeting, just closes.
    pub fn shutdown(&mut self, now: Time) {
        self.now = now;
        if self.is_over() {
            return;
        }
        self.drop_queue();
        let busy = match &self.sending {
            None => false,
            Some((_, Sending::Idle(_))) => self.done().is_err(),
            Some(_) => true,
        };
        if busy || !matches!(self.phase, Phase::Ready) || self.logout().is_err() {
            self.shut();
        }
    }
}

/// Helpers of all parts.
impl Client {
    /// Ends the conversation because of `error`.
    fn fail(&mut self, error: ProtocolError) {
        if self.error.is_none() {
            self.error = Some(error);
        }
        self.stop();
    }

    /// Ends the conversation in good order.
    fn shut(&mut self) {
        self.stop();
        self.phase = Phase::Closed;
    }

    fn stop(&mut self) {
        self.timers.disarm_all();
        self.challenges.withdraw();
        self.writers.withdraw();
        self.reader.clear();
    }

    const fn is_over(&self) -> bool {
        self.error.is_some() || matches!(self.phase, Phase::Closed)
    }

    /// The connection is at its end: closes where nothing is owed, fails where something is.
    fn end(&mut self) {
        if self.reader.is_within_row() && !core::mem::take(&mut self.dropping_row) {
            self.events.push_back(Event::RowAborted);
        }
        let owed = self.running.iter().filter(|running| !running.is_logout());
        let unknown: Vec<CommandId> = owed.filter_map(|running| running.id).collect();
        let unsent: Vec<CommandId> = self.queued().collect();
        let expected = matches!(self.phase, Phase::Ready) || self.bye;
        if expected && unknown.is_empty() && unsent.is_empty() {
            self.shut();
        } else {
            self.fail(ProtocolError::ConnectionLost { unknown, unsent });
        }
    }

    /// Counts a fault that can be passed over.
    fn violation(&mut self, violation: Violation) -> Result<(), ProtocolError> {
        self.violations = self.violations.saturating_add(1);
        let limit = self.config.limits.violations_max;
        self.events.push_back(Event::Violation(violation));
        if self.violations > limit { Err(ProtocolError::TooManyViolations { limit }) } else { Ok(()) }
    }

    fn bounds(&self) -> Bounds {
        if self.state.is_authenticated() {
            Bounds::full(&self.config.limits)
        } else {
            Bounds::preauth(&self.config.limits)
        }
    }
}

/// Shows where the conversation is. What waits to be sent, which may be a password, is not shown.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("phase", &self.phase)
            .field("state", &self.state)
            .field("security", &self.security)
            .field("running", &self.running)
            .field("queued", &self.queue.len())
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

posthaste_wire::delegate_machine!(Client, Event, ProtocolError, |machine| (machine.reader, machine.send));
