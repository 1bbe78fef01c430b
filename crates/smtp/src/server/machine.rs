//! The server machine itself: its state, the calls of the contract, and what ends a session. What a command line leads
//! to is in `command`, the content of a message in `content` and `chunk`.

use alloc::collections::VecDeque;
use alloc::vec;
use core::time::Duration;

use bytes::Bytes;
use posthaste_wire::proxy::ProxyHeader;
use posthaste_wire::{
    Answer, DotDecoder, Layer, Misuse, ReceiveBuffer, Security, SendQueue, Step, Ticket, Tickets, Time,
    TimerName, TimerTable, Upgrade,
};

use super::auth::Exchange;
use super::chunk::Chunk;
use super::content::Message;
use super::patience::Counters;
use super::{BodyAborted, Config, EarlyTalker, Event, Mode, ProxyUse};
use crate::session::{Dropped, Session};
use crate::{ProtocolError, Reply};

/// Why a server waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// For the PROXY header.
    Proxy,
    /// The pause before the greeting.
    Greeting,
    /// For the next command, or the next line of an AUTH exchange.
    Command,
    /// For more of a message, or of a chunk that is thrown away.
    Data,
}

impl TimerName<4> for Timer {
    const ALL: [Self; 4] = [Self::Proxy, Self::Greeting, Self::Command, Self::Data];
}

/// One session of an SMTP, submission or LMTP server. See the [`Machine`](crate::Machine) contract for the loop around
/// it.
///
/// ```text
///   Proxy ──► Greeting ──► Command ◄────────► Auth         a line, a line of an exchange
///                           │ ▲  ▲ ▲
///              354          │ │  │ └─────────► Upgrade     TLS is set up; then Command, as if connected anew
///            ┌──────────────┘ │  │
///            ▼      the dot   │  │ so many octets
///          Text ──────────────┘  └───────────► Chunk       kept or thrown away
///
///   all of them ──► Closed
/// ```
#[derive(Debug)]
pub struct Server {
    pub(super) config: Config,
    pub(super) security: Security,
    pub(super) session: Session,
    pub(super) phase: Phase,
    /// The message whose content has begun to come in.
    pub(super) message: Option<Message>,
    pub(super) receive: ReceiveBuffer,
    pub(super) send: SendQueue,
    pub(super) tickets: Tickets,
    pub(super) events: VecDeque<Event>,
    pub(super) counters: Counters,
    /// No command was understood yet: the peer may speak another protocol.
    pub(super) fresh: bool,
    /// The greeting has left.
    greeted: bool,
    eof: bool,
    shutdown: bool,
    error: Option<ProtocolError>,
    timers: TimerTable<Timer, 4>,
    /// The time of the last call that told it.
    now: Time,
    /// A phase began at an answer of the application, which tells no time: `now` may be long past.
    now_is_old: bool,
}

/// What the next octets are.
#[derive(Debug)]
pub(super) enum Phase {
    /// A PROXY header.
    Proxy,
    /// None are expected: the greeting has not been sent.
    Greeting,
    /// A command line.
    Command,
    /// A response within an AUTH exchange.
    Auth(Exchange),
    /// The text behind DATA.
    Text(DotDecoder),
    /// The octets behind BDAT.
    Chunk(Chunk),
    /// None: TLS is to be set up. Whether the driver was told.
    Upgrade { told: bool },
    /// None any more.
    Closed,
}

impl Server {
    /// A server at the start of a connection that `security` protects already.
    pub fn new(config: Config, security: Security, now: Time) -> Self {
        let send = SendQueue::new(config.limits.send_high_water);
        let mut server = Self {
            config,
            security,
            session: Session::default(),
            phase: Phase::Greeting,
            message: None,
            receive: ReceiveBuffer::new(),
            send,
            tickets: Tickets::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
            fresh: true,
            greeted: false,
            eof: false,
            shutdown: false,
            error: None,
            timers: TimerTable::new(),
            now,
            now_is_old: false,
        };
        match server.config.proxy_header {
            ProxyUse::Absent => server.welcome(),
            ProxyUse::Required => {
                server.phase = Phase::Proxy;
                server.arm();
            }
        }
        server
    }

    /// Takes bytes from the client; see [`Machine::handle_input`](crate::Machine::handle_input).
    pub fn handle_input(&mut self, now: Time, input: &[u8]) {
        if input.is_empty() || matches!(self.phase, Phase::Closed) {
            return;
        }
        self.now = now;
        if self.is_early() {
            self.fail_early_talker();
            return;
        }
        self.receive.push(input);
        match self.phase {
            // RFC 3207 6: what comes before the handshake did not come through TLS.
            Phase::Upgrade { .. } => self.fail_residue(),
            _ if self.now_is_old => self.arm_anew(),
            _ => self.keep_pace(input.len()),
        }
    }

    /// Takes note that the client sends nothing more; see [`Machine::handle_eof`](crate::Machine::handle_eof). What it sent before is still
    /// answered.
    pub fn handle_eof(&mut self, now: Time) {
        self.now = now;
        self.eof = true;
    }

    /// Takes note of the time; see [`Machine::handle_timeout`](crate::Machine::handle_timeout).
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        if self.tickets.is_open() {
            return;
        }
        let Some(timer) = self.timers.expire(now) else { return };
        match timer {
            // Whoever is there has not begun to speak SMTP.
            Timer::Proxy => self.fail(ProtocolError::TimedOut(timer), None),
            Timer::Greeting => self.greet(),
            Timer::Command | Timer::Data if self.now_is_old => self.arm_anew(),
            Timer::Command | Timer::Data => {
                // RFC 5321 4.5.3.2, 3.8
                self.drop_transaction(BodyAborted::TimedOut);
                let farewell = Reply::fixed(421, (4, 4, 2), "Timeout, closing transmission channel");
                self.fail(ProtocolError::TimedOut(timer), Some(&farewell));
            }
        }
    }

    /// The next event; see [`Machine::poll_event`](crate::Machine::poll_event).
    ///
    /// # Errors
    ///
    /// [`ProtocolError`]; it comes again on every later call.
    pub fn poll_event(&mut self) -> Result<Step<Event>, ProtocolError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Step::Event(event));
            }
            if let Some(error) = &self.error {
                return Err(error.clone());
            }
            if self.tickets.is_open() {
                return Ok(Step::Paused);
            }
            if self.shutdown && !self.is_busy() {
                self.put(&Reply::fixed(421, (4, 3, 2), "Service shutting down"));
                self.close();
                continue;
            }
            let advanced = match &mut self.phase {
                Phase::Closed => return Ok(Step::Closed),
                // Nobody is left to shake hands with.
                Phase::Upgrade { .. } if self.eof => {
                    self.close();
                    continue;
                }
                Phase::Upgrade { told } => {
                    if core::mem::replace(told, true) {
                        return Ok(Step::Paused);
                    }
                    match self.receive.drained() {
                        Ok(drained) => return Ok(Step::Upgrade(Upgrade::new(Layer::Tls, drained))),
                        Err(_) => self.fail_residue(),
                    }
                    continue;
                }
                Phase::Proxy => self.proxy_header(),
                Phase::Greeting => false,
                // A client that does not read its replies gets no more of them. The driver asks again when there is
                // room.
                Phase::Command if self.send.is_congested() => return Ok(Step::NeedInput),
                Phase::Command => self.command(),
                Phase::Auth(_) => self.auth_line(),
                Phase::Text(_) => self.text(),
                Phase::Chunk(_) => self.chunk(),
            };
            if !advanced {
                if !self.eof {
                    return Ok(Step::NeedInput);
                }
                self.drop_transaction(BodyAborted::Eof);
                self.close();
            }
        }
    }

    /// The next bytes for the client; see [`Machine::poll_transmit`](crate::Machine::poll_transmit).
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.greeted |= !matches!(self.phase, Phase::Proxy | Phase::Greeting);
        self.send.pop()
    }

    /// The next deadline; see [`Machine::poll_timeout`](crate::Machine::poll_timeout).
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next().map(|(_, deadline)| deadline)
    }

    /// What the next deadline is for.
    pub fn timer(&self) -> Option<Timer> {
        self.timers.next().map(|(timer, _)| timer)
    }

    /// Tells that TLS is in place; see [`Machine::upgraded`](crate::Machine::upgraded). The client begins anew with EHLO (RFC 3207 4.2).
    ///
    /// # Errors
    ///
    /// [`Misuse::NoUpgrade`].
    #[expect(clippy::needless_pass_by_value, reason = "the proof is used up")]
    pub fn upgraded(&mut self, now: Time, upgrade: Upgrade, security: Security) -> Result<(), Misuse> {
        if !matches!(self.phase, Phase::Upgrade { told: true }) || upgrade.layer() != Layer::Tls {
            return Err(Misuse::NoUpgrade);
        }
        self.now = now;
        self.begin_anew(security);
        self.arm();
        Ok(())
    }

    /// Whether the send queue is at its high-water mark.
    pub fn is_congested(&self) -> bool {
        self.send.is_congested()
    }

    /// Ends the session with 421 as soon as no message and no token is under way.
    pub fn shutdown(&mut self, now: Time) {
        self.now = now;
        self.shutdown = true;
    }

    /// What protects the connection now.
    pub const fn security(&self) -> Security {
        self.security
    }

    /// The role.
    pub const fn mode(&self) -> Mode {
        self.config.mode
    }

    /// Greets, now or later.
    fn welcome(&mut self) {
        self.phase = Phase::Greeting;
        if self.config.greeting_delay.is_zero() {
            self.greet();
        } else {
            self.arm();
        }
    }

    fn greet(&mut self) {
        self.put_greeting();
        self.phase = Phase::Command;
        self.arm();
    }

    fn put_greeting(&mut self) {
        let protocol = if self.is_lmtp() { "LMTP" } else { "ESMTP" };
        self.put(&Reply::plain(220, vec![alloc::format!("{} {protocol} ready", self.config.host)]));
    }

    /// Reads the PROXY header. Whether there was one.
    fn proxy_header(&mut self) -> bool {
        match ProxyHeader::read(&mut self.receive) {
            Ok(None) => return false,
            Ok(Some(header)) => {
                self.events.push_back(Event::Proxied(header));
                self.welcome();
                // What stands behind the header is the client's, which should have waited for the greeting.
                if !self.receive.is_empty() && self.is_early() {
                    self.fail_early_talker();
                }
            }
            Err(error) => self.fail(ProtocolError::ProxyHeader(error), None),
        }
        true
    }

    /// XCLIENT was believed: as if connected anew. What the peer sent behind it came the same way and is read.
    pub(super) fn start_over(&mut self) {
        let receive = core::mem::take(&mut self.receive);
        self.begin_anew(self.security);
        self.receive = receive;
        self.put_greeting();
        self.arm_behind_answer();
    }

    /// Forgets what was said. Names every field, so that a new one does not compile until somebody has decided.
    fn begin_anew(&mut self, new_security: Security) {
        let Self {
            config: _,
            security,
            session,
            phase,
            message,
            receive,
            // What is queued still goes out, what is told is still told, and who has hung up has hung up.
            send: _,
            tickets: _,
            events: _,
            // What a client has done wrong it has done wrong.
            counters: _,
            fresh,
            greeted,
            eof: _,
            shutdown: _,
            error: _,
            timers,
            now: _,
            now_is_old,
        } = self;
        *security = new_security;
        *session = Session::default();
        *phase = Phase::Command;
        *message = None;
        *receive = ReceiveBuffer::new();
        *fresh = true;
        *greeted = true;
        timers.disarm_all();
        *now_is_old = false;
    }

    /// Whether a shutdown has to wait, or has nothing to end.
    const fn is_busy(&self) -> bool {
        let idle = matches!(self.phase, Phase::Proxy | Phase::Greeting | Phase::Command);
        !idle || self.message.is_some()
    }

    /// Whether octets that come now come too early (RFC 5321 3.1).
    fn is_early(&self) -> bool {
        !self.greeted
            && !matches!(self.phase, Phase::Proxy)
            && self.config.early_talker == EarlyTalker::Refuse
    }

    fn fail_early_talker(&mut self) {
        self.send.clear();
        let farewell = Reply::fixed(554, (5, 5, 1), "Wait for the greeting");
        self.fail(ProtocolError::EarlyTalker, Some(&farewell));
    }

    pub(super) fn is_lmtp(&self) -> bool {
        self.config.mode == Mode::Lmtp
    }

    /// Opens a question to the application, whose time is its own.
    pub(super) fn issue(&mut self) -> Ticket {
        self.timers.disarm_all();
        self.tickets.issue()
    }

    pub(super) fn put(&mut self, reply: &Reply) {
        self.send.encode(|out| crate::encode::ascii_reply(reply, out));
    }

    /// As [`put`](Self::put), to a client that has asked for UTF-8 with this command.
    pub(super) fn put_utf8(&mut self, reply: &Reply) {
        self.send.encode(|out| crate::encode::reply(reply, out));
    }

    /// Arms the timers of the phase, from the last time that is known. That of a message goes on through all of it.
    pub(super) fn arm(&mut self) {
        self.now_is_old = false;
        let message_due = self.timers.deadline(Timer::Data).filter(|_| self.message.is_some());
        self.timers.disarm_all();
        let limits = &self.config.limits;
        match self.phase {
            Phase::Proxy => self.timers.arm(Timer::Proxy, self.now, limits.proxy_timeout),
            Phase::Greeting => self.timers.arm(Timer::Greeting, self.now, self.config.greeting_delay),
            Phase::Command | Phase::Auth(_) => {
                self.timers.arm(Timer::Command, self.now, limits.command_timeout);
                if let Some(due) = message_due {
                    self.timers.arm(Timer::Data, due, Duration::ZERO);
                }
            }
            Phase::Text(_) | Phase::Chunk(_) => {
                let due = message_due.unwrap_or_else(|| self.now.after(limits.data_timeout));
                self.timers.arm(Timer::Data, due, Duration::ZERO);
            }
            Phase::Upgrade { .. } | Phase::Closed => {}
        }
    }

    /// As [`arm`](Self::arm), from now and not from when the phase began.
    fn arm_anew(&mut self) {
        self.timers.disarm_all();
        self.arm();
    }

    /// Arms the timers of a phase that begins with an answer of the application.
    pub(super) fn arm_behind_answer(&mut self) {
        self.arm();
        self.now_is_old = true;
    }

    /// Moves the deadline of a message by what has just come in of it ([`Limits::data_rate_min`](crate::Limits)).
    fn keep_pace(&mut self, octets: usize) {
        let Some(due) = self.timers.deadline(Timer::Data) else { return };
        let limits = &self.config.limits;
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        let nanos = octets.saturating_mul(1_000_000_000).checked_div(limits.data_rate_min.into());
        let earned = Duration::from_nanos(nanos.unwrap_or_default());
        let due = due.after(earned).min(self.now.after(limits.data_timeout));
        self.timers.arm(Timer::Data, due, Duration::ZERO);
    }

    /// Tells the application that what it knows of a message is void.
    pub(super) fn drop_transaction(&mut self, reason: BodyAborted) {
        if self.session.reset() == Dropped::Transaction {
            self.events.push_back(Event::Reset);
        }
        if self.message.take().is_some_and(|message| !message.is_aborted()) {
            self.events.push_back(Event::BodyAborted(reason));
        }
    }

    /// Ends the session in order.
    pub(super) fn close(&mut self) {
        self.drop_transaction(BodyAborted::Closed);
        self.phase = Phase::Closed;
        self.timers.disarm_all();
        self.tickets.withdraw();
        self.receive.clear();
    }

    /// Ends the session for good reason.
    pub(super) fn fail(&mut self, error: ProtocolError, farewell: Option<&Reply>) {
        if let Some(reply) = farewell {
            self.put(reply);
        }
        self.close();
        self.error = Some(error);
    }

    pub(super) fn fail_residue(&mut self) {
        let octets = self.receive.len();
        let farewell = Reply::fixed(554, (5, 5, 0), "Plaintext behind STARTTLS");
        self.fail(ProtocolError::Residue { octets }, Some(&farewell));
    }
}

/// What the tokens do.
impl Server {
    pub(super) fn redeem(&mut self, ticket: Ticket) -> Result<Answer, Misuse> {
        let answer = self.tickets.redeem(ticket)?;
        if answer == Answer::InTime {
            self.arm_behind_answer();
        }
        Ok(answer)
    }

    /// A plain answer: the phase stays what it is.
    pub(super) fn answer(&mut self, ticket: Ticket, reply: &Reply) -> Result<(), Misuse> {
        if self.redeem(ticket)? == Answer::InTime {
            self.put(reply);
        }
        Ok(())
    }
}

posthaste_wire::delegate_machine!(Server, Event, ProtocolError, |machine| (machine.receive, machine.send));
