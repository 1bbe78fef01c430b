//! The machine of a server: bytes and time in, events and bytes out (the contract of [`Machine`](crate::Machine)).
//!
//! Decides what is read when, and how a conversation ends. What a line means is in `server/dispatch.rs`.

use alloc::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use posthaste_wire::{
    Answer, Layer, Misuse, ReceiveBuffer, Secret, Security, SendQueue, Step, Ticket, Tickets, Time,
    TimerName, TimerTable, Upgrade,
};

use super::listing::Listing;
use super::maildrop::Marked;
use super::{Config, Event, Text};
use crate::session::State;
use crate::{MechanismName, ProtocolError, ResponseCode, Status, UserName, Violation, encode};

/// A POP3 conversation, as server.
///
/// Memory: one line ([`Limits::auth_line_max`](crate::Limits::auth_line_max)) and one read of input, the send queue
/// up to its mark and one chunk, and the maildrop's list: 81 octets a message.
#[derive(Debug)]
pub struct Server {
    pub(super) config: Config,
    pub(super) security: Security,
    pub(super) state: State,
    pub(super) now: Time,
    pub(super) input: ReceiveBuffer,
    pub(super) out: SendQueue,
    pub(super) tickets: Tickets,
    pub(super) timers: TimerTable<Timer, 2>,
    /// Events without a token that are yet to be told.
    pub(super) events: VecDeque<Event>,
    /// The name that USER gave in the command before.
    pub(super) user: Option<UserName>,
    pub(super) phase: Phase,
    pub(super) maildrop: Option<Marked>,
    pub(super) listing: Option<Listing>,
    /// The position of the language in the configuration; none for English.
    pub(super) language: Option<usize>,
    pub(super) utf8: bool,
    pub(super) violations: u32,
    pub(super) auth_failures: u32,
    pub(super) auth_steps: u32,
    pub(super) junk_commands: u32,
    /// Whether a command has been understood: from then on the peer is no web browser.
    pub(super) understood: bool,
    /// Whether a long answer made progress since the timer for commands was armed.
    pub(super) progress: bool,
    pub(super) eof: bool,
    pub(super) shutting_down: bool,
    pub(super) end: Option<End>,
}

/// The timers of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timer {
    /// The client takes too long to log in ([`Limits::login_timeout`](crate::Limits::login_timeout)).
    Login,
    /// The client takes too long for a command ([`Limits::command_timeout`](crate::Limits::command_timeout)).
    Command,
}

impl TimerName<2> for Timer {
    const ALL: [Self; 2] = [Self::Login, Self::Command];
}

/// What the next line is, or that there is none yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A command.
    Command,
    /// The response to a SASL challenge of this mechanism.
    Response(MechanismName),
    /// None: a body is being written.
    Body,
    /// None: TLS is to begin as soon as the go-ahead is queued.
    Tls,
    /// None: the driver sets TLS up.
    Handshake,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Closed,
    Error(ProtocolError),
}

impl Server {
    /// A conversation that begins now, over a connection protected like this. The greeting is queued.
    pub fn new(config: Config, security: Security, now: Time) -> Self {
        let mut server = Self {
            out: SendQueue::new(config.limits.send_high_water),
            config,
            security,
            state: State::default(),
            now,
            input: ReceiveBuffer::new(),
            tickets: Tickets::new(),
            timers: TimerTable::new(),
            events: VecDeque::new(),
            user: None,
            phase: Phase::Command,
            maildrop: None,
            listing: None,
            language: None,
            utf8: false,
            violations: 0,
            auth_failures: 0,
            auth_steps: 0,
            junk_commands: 0,
            understood: false,
            progress: false,
            eof: false,
            shutting_down: false,
            end: None,
        };
        server.timers.arm(Timer::Login, now, server.config.limits.login_timeout);
        let Self { config, out, .. } = &mut server;
        out.encode(|out| {
            encode::append(out, format_args!("+OK "));
            encode::clean(config.greeting.trim_start_matches('['), out);
            if let Some(timestamp) = &config.apop {
                encode::append(out, format_args!(" {timestamp}"));
            }
            encode::append(out, format_args!("\r\n"));
        });
        server
    }

    /// The state of the session.
    pub const fn state(&self) -> State {
        self.state
    }

    /// What protects the connection.
    pub const fn security(&self) -> Security {
        self.security
    }

    /// Whether the client takes messages in UTF-8 (RFC 6856 2.1). Where it does not, a message with a header in
    /// UTF-8 is refused with [`RetrieveRefusal::NeedsUtf8`](super::RetrieveRefusal) or sent in another form.
    pub const fn is_utf8(&self) -> bool {
        self.utf8
    }

    /// Which timer [`poll_timeout`](Self::poll_timeout) names.
    pub fn timer(&self) -> Option<Timer> {
        self.timers.next().map(|(timer, _)| timer)
    }

    /// Ends the conversation as soon as no token is out. Nothing is removed and nothing is said: an answer that
    /// was not asked for would be taken for that to the next command.
    pub fn shutdown(&mut self, now: Time) {
        self.now = now;
        self.shutting_down = true;
    }

    /// Takes bytes that the client sent, in any split.
    pub fn handle_input(&mut self, now: Time, input: &[u8]) {
        self.now = now;
        if self.end.is_none() {
            self.input.push(input);
        }
    }

    /// Takes note that the client will send nothing more. What it sent is still answered.
    pub fn handle_eof(&mut self, now: Time) {
        self.now = now;
        self.eof = true;
    }

    /// Takes note of the time. When the client took too long the connection is closed without a word, as RFC 1939 3
    /// has it, and nothing is removed.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        while let Some(timer) = self.timers.expire(now) {
            match timer {
                Timer::Command if self.progress => {
                    self.progress = false;
                    self.timers.arm(Timer::Command, now, self.config.limits.command_timeout);
                }
                Timer::Login | Timer::Command => self.close(),
            }
        }
    }

    /// The next bytes for the client, in order.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.progress |= self.phase == Phase::Body || self.listing.is_some() || self.out.is_congested();
        if self.out.is_empty() {
            self.fill_listing();
        }
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
            if self.phase == Phase::Handshake && (self.eof || !self.input.is_empty()) {
                self.fail_unless_drained();
                continue;
            }
            if self.tickets.is_open() || self.phase == Phase::Handshake {
                return Ok(Step::Paused);
            }
            if self.shutting_down {
                self.close();
                continue;
            }
            if self.phase == Phase::Tls {
                match self.input.drained() {
                    Ok(drained) => {
                        self.phase = Phase::Handshake;
                        return Ok(Step::Upgrade(Upgrade::new(Layer::Tls, drained)));
                    }
                    Err(residue) => self.fail(residue.into()),
                }
                continue;
            }
            if self.listing.is_some() || self.out.is_congested() {
                // Answers multiply: a command of six octets may list a million messages. So nothing is read before
                // the answer has left; the driver asks again then.
                return Ok(Step::NeedInput);
            }
            match self.next_line() {
                Ok(Some(line)) => {
                    if let Some(event) = self.handle_line(&line) {
                        return Ok(Step::Event(event));
                    }
                }
                Ok(None) if self.eof => self.close(),
                Ok(None) => return Ok(Step::NeedInput),
                Err(too_long) => {
                    if matches!(self.phase, Phase::Response(_)) {
                        self.cancel_auth();
                    }
                    self.user = None;
                    self.violate(too_long.into(), Text::LineTooLong);
                }
            }
        }
    }

    /// Tells that TLS is in place. Everything the client said before is forgotten (RFC 2595 4); how often it
    /// failed is not.
    ///
    /// # Errors
    ///
    /// [`Misuse::NoUpgrade`] when no upgrade was asked for.
    #[expect(clippy::needless_pass_by_value, reason = "the proof is used up")]
    pub fn upgraded(&mut self, now: Time, upgrade: Upgrade, security: Security) -> Result<(), Misuse> {
        if self.phase != Phase::Handshake || self.end.is_some() || upgrade.layer() != Layer::Tls {
            return Err(Misuse::NoUpgrade);
        }
        if self.fail_unless_drained() {
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
            timers: _, // the deadline for the login holds over both layers
            events: _,
            user,
            phase,
            maildrop,
            listing,
            language,
            utf8,
            violations: _,
            auth_failures: _,
            auth_steps,
            junk_commands: _,
            understood: _,
            progress,
            eof: _,
            shutting_down: _,
            end: _,
        } = self;
        *current = security;
        *state = State::default();
        *clock = now;
        *input = ReceiveBuffer::new();
        *user = None;
        *phase = Phase::Command;
        *maildrop = None;
        *listing = None;
        *language = None;
        *utf8 = false;
        *auth_steps = 0;
        *progress = false;
        Ok(())
    }

    /// The next line of the phase, as a secret: any of them may hold a password.
    fn next_line(&mut self) -> Result<Option<Secret>, posthaste_wire::LineTooLong> {
        let limits = &self.config.limits;
        if matches!(self.phase, Phase::Response(_)) {
            return self.input.secret_line(limits.auth_line_max);
        }
        let is_auth = self.input.peek().get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"AUTH "));
        self.input.secret_command(if is_auth { limits.auth_line_max } else { limits.command_line_max })
    }

    // What tokens call.

    pub(super) fn refuse(
        &mut self,
        ticket: Ticket,
        code: Option<ResponseCode>,
        text: Text,
    ) -> Result<(), Misuse> {
        if let Answer::InTime = self.tickets.redeem(ticket)? {
            self.say(Status::Err, code, text);
        }
        Ok(())
    }

    // What everything ends in.

    pub(super) fn ok(&mut self, text: Text) {
        self.say(Status::Ok, None, text);
    }

    pub(super) fn err(&mut self, text: Text) {
        self.say(Status::Err, None, text);
    }

    pub(super) fn say(&mut self, status: Status, code: Option<ResponseCode>, text: Text) {
        self.say_with(status, |out| {
            if let Some(code) = code {
                encode::append(out, format_args!(" [{}]", code.as_str()));
            }
            Some(text)
        });
    }

    /// A status, what `parameters` writes, and the text that it names.
    pub(super) fn say_with(
        &mut self,
        status: Status,
        parameters: impl FnOnce(&mut BytesMut) -> Option<Text>,
    ) {
        let language = self.language.and_then(|index| self.config.languages.get(index));
        let translate: fn(Text) -> &'static str = match language {
            Some(language) => language.translate,
            None => Text::english,
        };
        self.out.encode(|out| {
            out.extend_from_slice(status.as_bytes());
            if let Some(text) = parameters(out) {
                out.extend_from_slice(b" ");
                // RFC 2449 8: what begins with a bracket is a response code.
                encode::clean_utf8(translate(text).trim_start_matches('['), out);
            }
            out.extend_from_slice(b"\r\n");
        });
    }

    /// Answers a violation, counts it, and ends the conversation when it is one too many. A command that is right
    /// does not reset the count.
    pub(super) fn violate(&mut self, violation: Violation, answer: Text) {
        self.err(answer);
        self.events.push_back(Event::Violation(violation));
        self.violations = self.violations.saturating_add(1);
        let limit = match self.state {
            State::Authorization => self.config.limits.violations_before_login_max,
            State::Transaction | State::Update => self.config.limits.violations_max,
        };
        if self.violations >= limit {
            self.err(Text::TooManyErrors);
            self.fail(ProtocolError::TooManyViolations { limit });
        }
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
            self.user = None;
            // The rest of a list is not worth a connection that has ended; without its last line it is no list.
            self.listing = None;
        }
    }
}

posthaste_wire::delegate_machine!(Server, Event, crate::ProtocolError, |machine| (
    machine.input,
    machine.out
));
