//! The client machine itself: its state, the calls of the contract, the opening of a session and its end. How a
//! message is sent is in `transfer`, what a reply leads to in `answers`.
//!
//! ```text
//!   greeting ─► EHLO ─┬────────────────────────► Ready ─► AUTH, messages, QUIT, in that order of precedence
//!                ▲    └─► STARTTLS ─► Upgrade ─┐
//!                └─────────────────────────────┘
//! ```
//!
//! Every command that is written queues what its reply will mean. A reply that nothing waits for is fatal: it may
//! be an answer prepared for a command that was not yet sent.

use alloc::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use posthaste_wire::{
    Answer, DotEncoder, Layer, Misuse, ReceiveBuffer, Secret, Security, SendQueue, Step, Ticket, Tickets,
    Time, TimerName, TimerTable, Upgrade,
};

use super::transfer::Transfer;
use super::{AuthPrivacy, Config, Event, Mode, TransactionId};
use crate::{Capabilities, Command, Envelope, Mechanism, ProtocolError, ReplyReader};

/// Why a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// For the greeting.
    Greeting,
    /// For the reply to a command.
    Reply,
    /// For the reply to DATA.
    DataStart,
    /// For the reply to the end of a message.
    DataEnd,
}

impl TimerName<4> for Timer {
    const ALL: [Self; 4] = [Self::Greeting, Self::Reply, Self::DataStart, Self::DataEnd];
}

/// One session of an SMTP or LMTP client. See the [`Machine`](crate::Machine) contract for the loop around it.
#[derive(Debug)]
pub struct Client {
    pub(super) config: Config,
    pub(super) security: Security,
    pub(super) phase: Phase,
    pub(super) capabilities: Capabilities,
    pub(super) receive: ReceiveBuffer,
    pub(super) send: SendQueue,
    pub(super) tickets: Tickets,
    pub(super) events: VecDeque<Event>,
    pub(super) reader: ReplyReader,
    /// How many octets the reply that is coming in has so far.
    pub(super) reply_octets: usize,
    /// What the next replies answer, in order.
    pub(super) expected: VecDeque<Expect>,
    pub(super) transfer: Option<Transfer>,
    pub(super) authenticated: bool,
    /// An AUTH exchange that is to begin.
    auth: Option<Command>,
    queue: VecDeque<(TransactionId, Envelope)>,
    /// The number of the next message.
    next_id: u64,
    pub(super) tls_tried: bool,
    quit: bool,
    eof: bool,
    error: Option<ProtocolError>,
    timers: TimerTable<Timer, 4>,
    now: Time,
    /// A wait began at a call that tells no time: `now` may be long past.
    now_is_old: bool,
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Greeting, hello, TLS.
    Opening,
    /// Messages can be sent.
    Ready,
    /// TLS is to be set up. Whether the driver was told.
    Upgrade { told: bool },
    /// It is over.
    Closed,
}

/// What a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    Greeting,
    Hello,
    /// HELO, after EHLO was refused.
    Helo,
    StartTls,
    Auth,
    Mail,
    /// The recipient of that index.
    Rcpt(usize),
    Data,
    /// The end of the content; with LMTP, for the recipient of that index.
    End(Option<usize>),
    /// The end of a message without recipients.
    LoneDot,
    Rset,
    Quit,
}

impl Client {
    /// A client at the start of a connection that `security` protects already.
    pub fn new(config: Config, security: Security, now: Time) -> Self {
        let send = SendQueue::new(config.limits.send_high_water);
        let mut client = Self {
            config,
            security,
            phase: Phase::Opening,
            capabilities: Capabilities::default(),
            receive: ReceiveBuffer::new(),
            send,
            tickets: Tickets::new(),
            events: VecDeque::new(),
            reader: ReplyReader::new(),
            reply_octets: 0,
            expected: VecDeque::from([Expect::Greeting]),
            transfer: None,
            authenticated: false,
            auth: None,
            queue: VecDeque::new(),
            next_id: 0,
            tls_tried: false,
            quit: false,
            eof: false,
            error: None,
            timers: TimerTable::new(),
            now,
            now_is_old: false,
        };
        client.arm();
        client
    }

    /// Takes bytes from the server; see [`Machine::handle_input`](crate::Machine::handle_input).
    pub fn handle_input(&mut self, now: Time, input: &[u8]) {
        if input.is_empty() || self.phase == Phase::Closed {
            return;
        }
        self.now = now;
        self.receive.push(input);
        if matches!(self.phase, Phase::Upgrade { .. }) {
            self.fail_residue();
        } else if self.now_is_old && !self.tickets.is_open() {
            self.arm();
        }
    }

    /// Takes note that the server sends nothing more; see [`Machine::handle_eof`](crate::Machine::handle_eof).
    pub fn handle_eof(&mut self, now: Time) {
        self.now = now;
        self.eof = true;
        // What the application would write reaches nobody.
        self.tickets.withdraw();
    }

    /// Takes note of the time; see [`Machine::handle_timeout`](crate::Machine::handle_timeout).
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        if self.timers.expire(now).is_none() {
            return;
        }
        if self.now_is_old {
            self.arm();
        } else {
            self.fail(self.lost(ProtocolError::NoAnswer));
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
            match self.phase {
                Phase::Closed => return Ok(Step::Closed),
                Phase::Upgrade { told } => {
                    if told && !self.eof {
                        return Ok(Step::Paused);
                    }
                    self.phase = Phase::Upgrade { told: true };
                    match self.receive.drained() {
                        _ if self.eof => self.fail(ProtocolError::ConnectionLost),
                        Ok(drained) => return Ok(Step::Upgrade(Upgrade::new(Layer::Tls, drained))),
                        Err(_) => self.fail_residue(),
                    }
                    continue;
                }
                Phase::Opening | Phase::Ready => {}
            }
            if self.read_reply() || self.begin() {
                continue;
            }
            if !self.eof {
                return Ok(Step::NeedInput);
            }
            self.ended();
        }
    }

    /// The next bytes for the server; see [`Machine::poll_transmit`](crate::Machine::poll_transmit).
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
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

    /// Tells that TLS is in place; see [`Machine::upgraded`](crate::Machine::upgraded). All that was known of the server is forgotten and
    /// asked for again (RFC 3207 4.2); what is queued stays queued.
    ///
    /// # Errors
    ///
    /// [`Misuse::NoUpgrade`]. [`Misuse::Argument`] when `security` is not private.
    #[expect(clippy::needless_pass_by_value, reason = "the proof is used up")]
    pub fn upgraded(&mut self, now: Time, upgrade: Upgrade, security: Security) -> Result<(), Misuse> {
        if self.phase != (Phase::Upgrade { told: true }) || upgrade.layer() != Layer::Tls {
            return Err(Misuse::NoUpgrade);
        }
        if !security.is_private() {
            return Err(Misuse::Argument {
                argument: "security",
                problem: "is not that of an upgraded layer",
            });
        }
        let fresh = Self::new(self.config.clone(), security, now);
        let Self {
            config,
            security: _,
            phase: _,
            capabilities: _,
            receive: _,
            send,
            tickets,
            events,
            reader: _,
            reply_octets: _,
            expected: _,
            transfer,
            authenticated: _,
            auth,
            queue,
            next_id,
            tls_tried: _,
            quit,
            eof,
            error,
            timers: _,
            now: _,
            now_is_old: _,
        } = core::mem::replace(self, fresh);
        *self = Self {
            config,
            security,
            phase: Phase::Opening,
            capabilities: Capabilities::default(),
            receive: ReceiveBuffer::new(),
            send,
            tickets,
            events,
            reader: ReplyReader::new(),
            reply_octets: 0,
            expected: VecDeque::new(),
            transfer,
            authenticated: false,
            auth,
            queue,
            next_id,
            tls_tried: true,
            quit,
            eof,
            error,
            timers: TimerTable::new(),
            now,
            now_is_old: false,
        };
        self.hello();
        Ok(())
    }

    /// Whether the send queue is at its high-water mark.
    pub fn is_congested(&self) -> bool {
        self.send.is_congested()
    }

    /// Queues a message; it is sent when those before it are done. Legal from the start: nothing of it leaves
    /// before [`Event::Ready`].
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] without recipients; [`Misuse::NotNow`] after [`quit`](Self::quit) or the end.
    pub fn send(&mut self, envelope: Envelope) -> Result<TransactionId, Misuse> {
        if envelope.recipients.is_empty() {
            return Err(Misuse::Argument { argument: "envelope", problem: "has no recipient" });
        }
        if self.quit || self.phase == Phase::Closed {
            return Err(Misuse::NotNow { call: "send", state: "at the end of a session" });
        }
        let id = TransactionId(self.next_id);
        self.next_id = self.next_id.saturating_add(1);
        self.queue.push_back((id, envelope));
        Ok(id)
    }

    /// Begins to authenticate (RFC 4954 4). An empty `initial` response is sent as such; without one the server
    /// is asked for a challenge.
    ///
    /// # Errors
    ///
    /// [`Misuse::NotNow`] before [`Event::Ready`], inside a message, twice, or on a connection that is not
    /// private where the configuration asks for that.
    pub fn authenticate(&mut self, mechanism: Mechanism, initial: Option<Secret>) -> Result<(), Misuse> {
        let refuse = |state| Err(Misuse::NotNow { call: "authenticate", state });
        if self.phase != Phase::Ready {
            return refuse("before the session is ready");
        }
        if self.config.auth_requires_tls == AuthPrivacy::Required && !self.security.is_private() {
            return refuse("on a connection that is not private");
        }
        if self.authenticated || self.auth.is_some() || self.transfer.is_some() || !self.expected.is_empty() {
            return refuse("while another exchange is under way or done");
        }
        self.auth = Some(Command::Auth { mechanism, initial });
        Ok(())
    }

    /// Ends the session with QUIT behind the messages that are queued. No more can be queued.
    pub fn quit(&mut self) {
        self.quit = true;
    }

    /// As [`quit`](Self::quit).
    pub fn shutdown(&mut self, now: Time) {
        self.now = now;
        self.quit();
    }

    /// What protects the connection now.
    pub const fn security(&self) -> Security {
        self.security
    }

    /// What the server offers; empty before it has said so.
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Begins what is next when no reply is awaited. Whether there was anything.
    fn begin(&mut self) -> bool {
        // What stands in the buffer now was sent before what it would answer.
        if self.phase != Phase::Ready || !self.expected.is_empty() || !self.receive.is_empty() || self.eof {
            return false;
        }
        if let Some(transfer) = self.transfer.take() {
            self.continue_transfer(transfer);
        } else if let Some(command) = self.auth.take() {
            self.command(&command, Expect::Auth);
        } else if let Some((id, envelope)) = self.queue.pop_front() {
            self.begin_transfer(id, envelope);
        } else if self.quit {
            self.command(&Command::Quit, Expect::Quit);
        } else {
            return false;
        }
        true
    }

    /// The server has closed the connection and nothing more can be read.
    fn ended(&mut self) {
        let idle = self.phase == Phase::Ready && self.transfer.is_none() && self.queue.is_empty();
        if self.expected.front() == Some(&Expect::Quit) || (idle && self.expected.is_empty()) {
            self.close();
        } else {
            self.fail(self.lost(ProtocolError::ConnectionLost));
        }
    }

    /// `otherwise`, unless a message is complete at the server's side of the connection and not answered.
    fn lost(&self, otherwise: ProtocolError) -> ProtocolError {
        let sent = self.expected.iter().any(|expect| matches!(expect, Expect::End(_)));
        if sent { ProtocolError::OutcomeUnknown } else { otherwise }
    }

    /// Sends a command and notes what its reply will mean.
    pub(super) fn command(&mut self, command: &Command, expect: Expect) {
        self.send.encode(|out| command.encode(out));
        self.expected.push_back(expect);
        self.arm();
    }

    /// Says hello, in the words of the protocol.
    pub(super) fn hello(&mut self) {
        let name = self.config.name.clone();
        let command = match self.config.mode {
            Mode::Smtp => Command::Ehlo(name),
            Mode::Lmtp => Command::Lhlo(name),
        };
        self.command(&command, Expect::Hello);
    }

    /// Arms the timer for the reply that is awaited.
    pub(super) fn arm(&mut self) {
        self.now_is_old = false;
        self.timers.disarm_all();
        let limits = &self.config.limits;
        let (timer, after) = match self.expected.front() {
            None if self.receive.is_empty() => return,
            Some(Expect::Greeting) => (Timer::Greeting, limits.greeting_timeout),
            Some(Expect::Data) => (Timer::DataStart, limits.data_start_timeout),
            Some(Expect::End(_) | Expect::LoneDot) => (Timer::DataEnd, limits.data_end_timeout),
            None | Some(_) => (Timer::Reply, limits.reply_timeout),
        };
        self.timers.arm(timer, self.now, after);
    }

    pub(super) fn close(&mut self) {
        self.phase = Phase::Closed;
        self.timers.disarm_all();
        self.tickets.withdraw();
        self.receive.clear();
        self.expected.clear();
    }

    pub(super) fn fail(&mut self, error: ProtocolError) {
        self.close();
        self.error = Some(error);
    }

    pub(super) fn fail_residue(&mut self) {
        let octets = self.receive.len();
        self.fail(ProtocolError::Residue { octets });
    }
}

/// What the tokens do.
impl Client {
    pub(super) fn issue(&mut self) -> Ticket {
        self.timers.disarm_all();
        self.tickets.issue()
    }

    pub(super) fn check(&self, ticket: &Ticket) -> Result<Answer, Misuse> {
        self.tickets.check(ticket)
    }

    pub(super) fn redeem(&mut self, ticket: Ticket) -> Result<Answer, Misuse> {
        self.tickets.redeem(ticket)
    }

    pub(super) fn check_congestion(&self) -> Result<(), Misuse> {
        if self.send.is_congested() {
            return Err(Misuse::Congested { high_water: self.config.limits.send_high_water });
        }
        Ok(())
    }

    pub(super) fn write_body(&mut self, encoder: &mut DotEncoder, chunk: Bytes) {
        encoder.encode(chunk, &mut self.send);
    }

    /// Ends the content. A server that has already spoken has not seen the end: then it is not sent.
    pub(super) fn finish_body(&mut self, encoder: &mut DotEncoder) {
        if !self.receive.is_empty() {
            self.arm();
            return;
        }
        encoder.finish(&mut self.send);
        match &self.transfer {
            Some(transfer) if self.config.mode == Mode::Lmtp => {
                self.expected.extend(transfer.accepted().map(|index| Expect::End(Some(index))));
            }
            _ => self.expected.push_back(Expect::End(None)),
        }
        self.arm();
        self.now_is_old = true;
    }

    /// Closes without a word: whatever is said now would be content.
    pub(super) fn abort_body(&mut self) {
        self.send.clear();
        self.close();
    }

    pub(super) fn respond(&mut self, response: &Secret) {
        self.auth_line(STANDARD.encode(response.expose()).as_bytes());
    }

    pub(super) fn cancel_auth(&mut self) {
        self.auth_line(b"*");
    }

    pub(super) fn auth_line(&mut self, line: &[u8]) {
        // As with the end of content: an answer that is there already answers something else.
        if !self.receive.is_empty() {
            self.arm();
            return;
        }
        self.send.put(line);
        self.send.put(b"\r\n");
        self.expected.push_back(Expect::Auth);
        self.arm();
        self.now_is_old = true;
    }
}

posthaste_wire::delegate_machine!(Client, Event, ProtocolError);
