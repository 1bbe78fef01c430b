//! The server machine itself: its state, the calls of the contract, and what the tokens do to it. What a command
//! line leads to is in `dispatch`, the content of a message in `content`.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use posthaste_wire::{
    Answer, Layer, Misuse, ReceiveBuffer, Security, SendQueue, Step, Ticket, Tickets, Time, TimerName,
    TimerTable, Upgrade,
};

use super::content::Content;
use super::{BodyAborted, Config, EarlyTalker, Event, Mode};
use crate::session::Session;
use crate::{ProtocolError, Recipient, Reply, Transaction};

/// Why a server waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The pause before the greeting.
    Greeting,
    /// For the next command, or the next line of an AUTH exchange.
    Command,
    /// For more of a message.
    Data,
}

impl TimerName<3> for Timer {
    const ALL: [Self; 3] = [Self::Greeting, Self::Command, Self::Data];
}

/// One session of an SMTP, submission or LMTP server. See the [`Machine`](crate::Machine) contract for the loop around it.
#[derive(Debug)]
pub struct Server {
    pub(super) config: Config,
    pub(super) security: Security,
    pub(super) session: Session,
    pub(super) phase: Phase,
    pub(super) receive: ReceiveBuffer,
    pub(super) send: SendQueue,
    pub(super) tickets: Tickets,
    pub(super) events: VecDeque<Event>,
    pub(super) violations: u32,
    pub(super) bare_line_ends: u32,
    /// No command was understood yet: the peer may speak another protocol.
    pub(super) fresh: bool,
    /// MAIL was refused: commands that were sent behind it in one group are no fault of the client.
    pub(super) mail_refused: bool,
    /// The greeting has left.
    greeted: bool,
    eof: bool,
    shutdown: bool,
    error: Option<ProtocolError>,
    timers: TimerTable<Timer, 3>,
    /// The time of the last call that told it.
    now: Time,
    /// A phase began at an answer of the application, which tells no time: `now` may be long past.
    now_is_old: bool,
}

/// What the next octets are.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it, and it is moved once a message")]
pub(super) enum Phase {
    /// None are expected: the greeting has not been sent.
    Greeting,
    /// A command line.
    Command,
    /// A response within an AUTH exchange.
    Auth,
    /// Content.
    Content(Content),
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
            receive: ReceiveBuffer::new(),
            send,
            tickets: Tickets::new(),
            events: VecDeque::new(),
            violations: 0,
            bare_line_ends: 0,
            fresh: true,
            mail_refused: false,
            greeted: false,
            eof: false,
            shutdown: false,
            error: None,
            timers: TimerTable::new(),
            now,
            now_is_old: false,
        };
        if server.config.greeting_delay.is_zero() {
            server.greet();
        } else {
            server.arm();
        }
        server
    }

    /// Takes bytes from the client; see [`Machine::handle_input`](crate::Machine::handle_input).
    pub fn handle_input(&mut self, now: Time, input: &[u8]) {
        if input.is_empty() || matches!(self.phase, Phase::Closed) {
            return;
        }
        self.now = now;
        if !self.greeted && self.config.early_talker == EarlyTalker::Refuse {
            self.send.clear();
            self.fail(
                ProtocolError::EarlyTalker,
                Some(&Reply::fixed(554, (5, 5, 1), "Wait for the greeting")),
            );
            return;
        }
        self.receive.push(input);
        match self.phase {
            // RFC 3207 6: what comes before the handshake did not come through TLS.
            Phase::Upgrade { .. } => self.fail_residue(),
            Phase::Content(_) => self.arm(),
            _ if self.now_is_old => self.arm(),
            _ => {}
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
        if timer == Timer::Greeting {
            self.greet();
        } else if self.now_is_old {
            self.arm();
        } else {
            // RFC 5321 4.5.3.2, 3.8
            self.abandon(BodyAborted::TimedOut);
            let farewell = Reply::fixed(421, (4, 4, 2), "Timeout, closing transmission channel");
            self.fail(ProtocolError::TimedOut(timer), Some(&farewell));
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
                Phase::Greeting => false,
                // A client that does not read its replies gets no more of them. The driver asks again when there is
                // room.
                Phase::Command if self.send.is_congested() => return Ok(Step::NeedInput),
                Phase::Command => self.command(),
                Phase::Auth => self.auth_line(),
                Phase::Content(_) => self.content(),
            };
            if !advanced {
                if !self.eof {
                    return Ok(Step::NeedInput);
                }
                self.abandon(BodyAborted::Eof);
                self.close();
            }
        }
    }

    /// The next bytes for the client; see [`Machine::poll_transmit`](crate::Machine::poll_transmit).
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.greeted |= !matches!(self.phase, Phase::Greeting);
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
        let fresh = Self::new(self.config.clone(), security, now);
        let Self {
            config,
            security: _,
            session: _,
            phase: _,
            receive: _,
            send,
            tickets,
            events,
            // What a client has done wrong it has done wrong.
            violations,
            bare_line_ends,
            fresh: _,
            mail_refused: _,
            greeted: _,
            eof,
            shutdown,
            error,
            timers: _,
            now: _,
            now_is_old: _,
        } = core::mem::replace(self, fresh);
        *self = Self {
            config,
            security,
            session: Session::default(),
            phase: Phase::Command,
            receive: ReceiveBuffer::new(),
            send,
            tickets,
            events,
            violations,
            bare_line_ends,
            fresh: true,
            mail_refused: false,
            greeted: true,
            eof,
            shutdown,
            error,
            timers: TimerTable::new(),
            now,
            now_is_old: false,
        };
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

    fn greet(&mut self) {
        let text =
            alloc::format!("{} {} ready", self.config.host, if self.is_lmtp() { "LMTP" } else { "ESMTP" });
        self.put(&Reply::plain(220, vec![text]));
        self.phase = Phase::Command;
        self.arm();
    }

    /// Whether a shutdown has to wait, or has nothing to end.
    const fn is_busy(&self) -> bool {
        matches!(self.phase, Phase::Content(_) | Phase::Auth | Phase::Upgrade { .. } | Phase::Closed)
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
        self.send.encode(|out| crate::encode::reply(reply, out));
    }

    /// Arms the timer of the phase, from the last time that is known.
    pub(super) fn arm(&mut self) {
        self.now_is_old = false;
        self.timers.disarm_all();
        let limits = &self.config.limits;
        let (timer, after) = match self.phase {
            Phase::Greeting => (Timer::Greeting, self.config.greeting_delay),
            Phase::Command | Phase::Auth => (Timer::Command, limits.command_timeout),
            Phase::Content(_) => (Timer::Data, limits.data_timeout),
            Phase::Upgrade { .. } | Phase::Closed => return,
        };
        self.timers.arm(timer, self.now, after);
    }

    /// Tells the application that what it knows of a message is void.
    pub(super) fn abandon(&mut self, reason: BodyAborted) {
        if let Phase::Content(content) = &self.phase {
            if !content.is_aborted() {
                self.events.push_back(Event::BodyAborted(reason));
            }
            self.phase = Phase::Command;
        }
        if self.session.reset() {
            self.events.push_back(Event::Reset);
        }
    }

    /// Ends the session in order.
    pub(super) fn close(&mut self) {
        self.abandon(BodyAborted::Eof);
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
            self.arm();
            self.now_is_old = true;
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

    pub(super) fn mail_accepted(&mut self, transaction: Transaction) {
        self.mail_refused = false;
        self.session.open(transaction);
        self.put(&Reply::fixed(250, (2, 1, 0), "OK"));
    }

    pub(super) fn rcpt_accepted(&mut self, recipient: &Recipient) {
        self.session.add(recipient);
        self.put(&Reply::fixed(250, (2, 1, 5), "OK"));
    }

    pub(super) fn data_accepted(&mut self, transaction: Transaction) {
        // RFC 2920 3.1: DATA ends a group. What stands behind it was not written by a client that saw the 354.
        if !self.receive.is_empty() {
            let farewell = Reply::fixed(554, (5, 5, 0), "Data sent without waiting for the reply to DATA");
            self.fail(ProtocolError::UnauthorisedPipelining, Some(&farewell));
            return;
        }
        self.put(&Reply::plain(354, vec![String::from("Start mail input; end with <CRLF>.<CRLF>")]));
        self.phase = Phase::Content(Content::new(transaction));
        self.arm();
        self.now_is_old = true;
    }

    pub(super) fn start_tls_accepted(&mut self) {
        if self.receive.drained().is_err() {
            self.fail_residue();
            return;
        }
        self.put(&Reply::fixed(220, (2, 0, 0), "Ready to start TLS"));
        if self.session.reset() {
            self.events.push_back(Event::Reset);
        }
        self.phase = Phase::Upgrade { told: false };
        self.arm();
    }

    pub(super) fn challenge(&mut self, ticket: Ticket, challenge: &[u8]) -> Result<(), Misuse> {
        if self.redeem(ticket)? == Answer::InTime {
            self.put(&Reply::plain(334, vec![STANDARD.encode(challenge)]));
            self.phase = Phase::Auth;
        }
        Ok(())
    }

    pub(super) fn authenticated(&mut self, ticket: Ticket) -> Result<(), Misuse> {
        if self.redeem(ticket)? == Answer::InTime {
            self.session.authenticate();
            self.put(&Reply::fixed(235, (2, 7, 0), "Authentication successful"));
        }
        Ok(())
    }

    /// The answer to a message: with LMTP one for each recipient (RFC 2033 4.2).
    pub(super) fn put_end_replies(&mut self, recipients: usize, reply: &Reply) {
        let count = if self.is_lmtp() { recipients } else { 1 };
        for _ in 0..count {
            self.put(reply);
        }
    }
}

posthaste_wire::delegate_machine!(Server, Event, ProtocolError);
