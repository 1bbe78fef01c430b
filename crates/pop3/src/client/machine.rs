//! The machine of a client: bytes and time in, events and bytes out (the contract of [`Machine`](crate::Machine)).
//!
//! Decides what is read when, and how a conversation ends.

use alloc::collections::VecDeque;

use bytes::Bytes;
use posthaste_wire::{
    Layer, Misuse, ReceiveBuffer, Secret, Security, SendQueue, Step, Tickets, Time, TimerName, TimerTable,
    Upgrade,
};

use super::body::Body;
use super::{CommandId, Config, Event, Support};
use crate::session::State;
use crate::{Capabilities, Command, MechanismName, Password, ProtocolError, Reply, UserName};

/// A POP3 conversation, as client.
///
/// Memory: one line ([`Limits::reply_line_max`](crate::Limits::reply_line_max)) and one read of input, the
/// capabilities, and the commands that the application queued.
#[derive(Debug)]
pub struct Client {
    pub(super) config: Config,
    pub(super) security: Security,
    pub(super) state: State,
    pub(super) now: Time,
    pub(super) input: ReceiveBuffer,
    pub(super) out: SendQueue,
    pub(super) tickets: Tickets,
    pub(super) timers: TimerTable<Timer, 1>,
    pub(super) capabilities: Capabilities,
    /// Whether the server knows CAPA. What it lists may be nothing.
    pub(super) knows_capa: bool,
    pub(super) greeting: Option<Reply>,
    pub(super) stage: Stage,
    /// What waits for its turn.
    pub(super) queue: VecDeque<(CommandId, Queued)>,
    /// Whether a login is queued or on its way.
    pub(super) logging_in: bool,
    /// Events that are yet to be told.
    pub(super) events: VecDeque<Event>,
    /// What the server owes an answer to, in order.
    pub(super) due: VecDeque<Due>,
    pub(super) reading: Reading,
    pub(super) last_id: u64,
    /// Whether the answer's timer was armed without knowing what time it is.
    pub(super) armed_blindly: bool,
    pub(super) bad_rows: u32,
    /// Rows of the present answer.
    pub(super) rows: u64,
    /// What became of UIDL and TOP where CAPA says nothing of them.
    pub(super) uidl_tried: Support,
    pub(super) top_tried: Support,
    pub(super) quitting: bool,
    pub(super) eof: bool,
    pub(super) end: Option<End>,
}

/// The timers of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timer {
    /// The server owes an answer ([`Limits::reply_timeout`](crate::Limits::reply_timeout)).
    Reply,
}

impl TimerName<1> for Timer {
    const ALL: [Self; 1] = [Self::Reply];
}

/// Where the opening stands.
///
/// ```text
/// Opening ──greeting, CAPA [, STLS, CAPA]──► Ready
///    └─ STLS accepted ──► Tls ──► Handshake ──► Opening
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Opening,
    Tls,
    Handshake,
    Ready,
}

/// What the application asked for.
#[derive(Debug)]
pub(super) enum Queued {
    Command(Command),
    UserPass { user: UserName, password: Password },
    Apop { user: UserName },
    Sasl { mechanism: MechanismName, initial: Option<Secret> },
}

/// What the next answer belongs to.
#[derive(Debug)]
pub(super) enum Due {
    Greeting,
    Capa,
    Stls,
    User(CommandId, Password),
    /// The last command of a login that asks nothing back.
    Login(CommandId),
    /// With the initial response, where it did not fit the command.
    Auth(CommandId, Option<Secret>),
    /// The capabilities behind a login, and the login's answer.
    CapaAfter(CommandId, Reply),
    Command(CommandId, Command),
}

/// What the next octets are.
#[derive(Debug)]
pub(super) enum Reading {
    /// The first line of an answer.
    Reply,
    /// Rows, up to a line that is a dot.
    Rows(Due),
    /// A message.
    Body(Body),
    /// Nothing: all of the list, or of the message, was told but its end.
    Ended(Event),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Closed,
    Error(ProtocolError),
}

impl Client {
    /// A conversation that begins now, over a connection protected like this.
    pub fn new(config: Config, security: Security, now: Time) -> Self {
        let mut client = Self {
            out: SendQueue::new(config.limits.send_high_water),
            config,
            security,
            state: State::default(),
            now,
            input: ReceiveBuffer::new(),
            tickets: Tickets::new(),
            timers: TimerTable::new(),
            capabilities: Capabilities::default(),
            knows_capa: false,
            greeting: None,
            stage: Stage::Opening,
            queue: VecDeque::new(),
            logging_in: false,
            events: VecDeque::new(),
            due: VecDeque::from([Due::Greeting]),
            reading: Reading::Reply,
            last_id: 0,
            armed_blindly: false,
            bad_rows: 0,
            rows: 0,
            uidl_tried: Support::Unknown,
            top_tried: Support::Unknown,
            quitting: false,
            eof: false,
            end: None,
        };
        client.timers.arm(Timer::Reply, now, client.config.limits.reply_timeout);
        client
    }

    /// The state of the session.
    pub const fn state(&self) -> State {
        self.state
    }

    /// What protects the connection.
    pub const fn security(&self) -> Security {
        self.security
    }

    /// What the server can do, as it said last: it says it again behind TLS and behind the login.
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Whether the server has UIDL, as far as it said or showed (RFC 2449 6.8).
    pub fn uidl_support(&self) -> Support {
        if self.capabilities.has("UIDL") { Support::Announced } else { self.uidl_tried }
    }

    /// Whether the server has TOP, as far as it said or showed (RFC 2449 6.1).
    pub fn top_support(&self) -> Support {
        if self.capabilities.has("TOP") { Support::Announced } else { self.top_tried }
    }

    /// Which timer [`poll_timeout`](Self::poll_timeout) names.
    pub fn timer(&self) -> Option<Timer> {
        self.timers.next().map(|(timer, _)| timer)
    }

    /// Takes bytes that the server sent, in any split.
    pub fn handle_input(&mut self, now: Time, input: &[u8]) {
        self.now = now;
        if self.end.is_none() {
            self.input.push(input);
            if self.timers.deadline(Timer::Reply).is_some() {
                self.arm();
            }
        }
    }

    /// Takes note that the server will send nothing more.
    pub fn handle_eof(&mut self, now: Time) {
        self.now = now;
        self.eof = true;
    }

    /// Takes note of the time.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        if self.timers.expire(now).is_none() {
            return;
        }
        if self.armed_blindly {
            // The command was queued after the machine had last been told the time: its patience starts here.
            self.arm();
            self.armed_blindly = false;
        } else {
            self.fail(ProtocolError::Timeout);
        }
    }

    /// The next bytes for the server, in order.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.send_what_may_be_sent();
        self.out.pop()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next().map(|(_, deadline)| deadline)
    }

    /// Whether as much is waiting to be sent as the machine wants to hold.
    pub const fn is_congested(&self) -> bool {
        self.out.is_congested()
    }

    /// Parses and returns one event, or says what is needed for the next.
    ///
    /// # Errors
    ///
    /// [`ProtocolError`] when the conversation cannot go on; it comes again on every later call.
    pub fn poll_event(&mut self) -> Result<Step<Event>, ProtocolError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Step::Event(event));
            }
            match self.end {
                Some(End::Closed) => return Ok(Step::Closed),
                Some(End::Error(error)) => return Err(error),
                None => {}
            }
            if self.tickets.is_open() && !self.eof {
                return Ok(Step::Paused);
            }
            match self.stage {
                Stage::Tls => match self.input.drained() {
                    Ok(drained) => {
                        self.stage = Stage::Handshake;
                        return Ok(Step::Upgrade(Upgrade::new(Layer::Tls, drained)));
                    }
                    Err(residue) => {
                        self.fail(residue.into());
                        continue;
                    }
                },
                Stage::Handshake => match self.input.drained() {
                    Ok(_) if self.eof => {
                        self.close();
                        continue;
                    }
                    Ok(_) => return Ok(Step::Paused),
                    Err(residue) => {
                        self.fail(residue.into());
                        continue;
                    }
                },
                Stage::Opening | Stage::Ready => {}
            }
            self.send_what_may_be_sent();
            if !self.events.is_empty() {
                continue;
            }
            match self.read() {
                Some(event) => return Ok(Step::Event(event)),
                None if !self.events.is_empty() => {}
                None if self.end.is_some() || self.stage == Stage::Tls => {}
                None if self.eof => {
                    self.close();
                    if let Reading::Body(body) = &self.reading {
                        return Ok(Step::Event(Event::BodyAborted { id: body.id() }));
                    }
                }
                None => return Ok(Step::NeedInput),
            }
        }
    }

    /// Tells that TLS is in place. Everything the server said before is forgotten (RFC 2595 4).
    ///
    /// # Errors
    ///
    /// [`Misuse::NoUpgrade`] when no upgrade was asked for.
    #[expect(clippy::needless_pass_by_value, reason = "the proof is used up")]
    pub fn upgraded(&mut self, now: Time, upgrade: Upgrade, security: Security) -> Result<(), Misuse> {
        if self.stage != Stage::Handshake || self.end.is_some() || upgrade.layer() != Layer::Tls {
            return Err(Misuse::NoUpgrade);
        }
        if let Err(residue) = self.input.drained() {
            self.fail(residue.into());
            return Ok(());
        }
        // Every field is named, so that a new one cannot cross the layer without a decision.
        let Self {
            config: _,
            security: current,
            state,
            now: clock,
            input,
            out: _,
            tickets: _,
            timers: _,
            capabilities,
            knows_capa,
            greeting: _, // only its text is told, with the event that follows
            stage,
            queue: _, // queued by the application, not sent yet
            logging_in: _,
            events: _,
            due,
            reading,
            last_id: _,
            armed_blindly: _,
            bad_rows: _,
            rows: _,
            uidl_tried,
            top_tried,
            quitting: _,
            eof: _,
            end: _,
        } = self;
        *current = security;
        *state = State::default();
        *clock = now;
        *input = ReceiveBuffer::new();
        *capabilities = Capabilities::default();
        *knows_capa = false;
        *uidl_tried = Support::Unknown;
        *top_tried = Support::Unknown;
        *stage = Stage::Opening;
        due.clear();
        *reading = Reading::Reply;
        self.send(&Command::Capa, Due::Capa);
        Ok(())
    }

    pub(super) fn arm(&mut self) {
        self.timers.arm(Timer::Reply, self.now, self.config.limits.reply_timeout);
    }

    pub(super) fn close(&mut self) {
        self.end(End::Closed);
    }

    pub(super) fn fail(&mut self, error: ProtocolError) {
        self.end(End::Error(error));
    }

    fn end(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(end);
            self.tickets.withdraw();
            self.timers.disarm_all();
            self.input.clear();
            // A password that was not sent yet is wiped now.
            self.queue.clear();
        }
    }
}

posthaste_wire::delegate_machine!(Client, Event, crate::ProtocolError, |machine| (
    machine.input,
    machine.out
));
