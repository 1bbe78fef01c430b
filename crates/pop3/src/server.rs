//! The server's side of a conversation (RFC 1939, 2449, 2595, 5034).
//!
//! Decides which command is answered here and which is a token for the application, and in which order things
//! leave. STAT, LIST, UIDL, DELE, RSET and NOOP are answered from the maildrop that was fixed at login. What is
//! legal when is in [`session`](crate::session). Passwords are checked, and messages read and removed, by the
//! application.

mod body;
mod config;
mod event;
mod listing;
mod login;
mod maildrop;
mod quit;
mod retrieve;
mod stls;

use alloc::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use posthaste_wire::{
    Answer, Layer, Misuse, ReceiveBuffer, Secret, Security, SendQueue, Step, Ticket, Tickets, Time,
    TimerName, TimerTable, Upgrade, has_bare_line_end,
};

pub use body::BodyWriter;
pub use config::{AuthPrivacy, Config, TlsOffer, UserPass};
pub use event::Event;
pub use login::{Auth, AuthResponse, Login, LoginRefusal};
pub use maildrop::{Listed, Maildrop};
pub use quit::Quit;
pub use retrieve::{Retr, RetrieveRefusal, Top};
pub use stls::StartTls;

use crate::session::State;
use crate::{Command, MessageNumber, ParseError, ProtocolError, UserName, Violation, encode, parse};
use body::Cut;
use listing::Listing;
use maildrop::Marked;

/// A POP3 conversation, as server.
///
/// Memory: one line ([`Limits::auth_line_max`](crate::Limits::auth_line_max)) and one read of input, the send queue
/// up to its mark and one chunk, and the maildrop's list: about 100 octets a message.
#[derive(Debug)]
pub struct Server {
    config: Config,
    security: Security,
    state: State,
    now: Time,
    input: ReceiveBuffer,
    out: SendQueue,
    tickets: Tickets,
    timers: TimerTable<Timer, 2>,
    /// Events without a token that are yet to be told.
    events: VecDeque<Event>,
    /// The name that USER gave in the command before.
    user: Option<UserName>,
    phase: Phase,
    maildrop: Option<Marked>,
    listing: Option<Listing>,
    violations: u32,
    refused_logins: u32,
    /// Whether a command has been understood: from then on the peer is no web browser.
    understood: bool,
    /// Whether a long answer made progress since the idle timer was armed.
    progress: bool,
    eof: bool,
    shutting_down: bool,
    end: Option<End>,
}

/// The timers of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timer {
    /// The client takes too long to log in ([`Limits::login_timeout`](crate::Limits::login_timeout)).
    Login,
    /// Nothing happens ([`Limits::idle_timeout`](crate::Limits::idle_timeout)).
    Idle,
}

impl TimerName<2> for Timer {
    const ALL: [Self; 2] = [Self::Login, Self::Idle];
}

/// What the next line is, or that there is none yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A command.
    Command,
    /// The response to a SASL challenge.
    Response,
    /// None: a body is being written.
    Body,
    /// None: TLS is to begin as soon as the go-ahead is queued.
    Tls,
    /// None: the driver sets TLS up.
    Handshake,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Closed,
    Error(ProtocolError),
}

impl Server {
    /// A conversation that begins now, over a connection protected like this. The greeting is queued.
    pub fn new(config: Config, security: Security, now: Time) -> Self {
        let mut server = Self {
            out: SendQueue::new(config.limits.high_water),
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
            violations: 0,
            refused_logins: 0,
            understood: false,
            progress: false,
            eof: false,
            shutting_down: false,
            end: None,
        };
        server.timers.arm(Timer::Login, now, server.config.limits.login_timeout);
        let greeting = core::mem::take(&mut server.config.greeting);
        server.out.encode(|out| {
            encode::append(out, format_args!("+OK "));
            encode::clean(&greeting, out);
            encode::append(out, format_args!("\r\n"));
        });
        server.config.greeting = greeting;
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

    /// Takes note of the time. When the client was idle for too long the connection is closed without a word, as
    /// RFC 1939 3 has it, and nothing is removed.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        while let Some(timer) = self.timers.expire(now) {
            match timer {
                Timer::Idle if self.progress => {
                    self.progress = false;
                    self.timers.arm(Timer::Idle, now, self.config.limits.idle_timeout);
                }
                Timer::Login | Timer::Idle => self.close(),
            }
        }
    }

    /// The next bytes for the client, in order.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.progress |= self.phase == Phase::Body || self.out.is_congested();
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
                    if self.phase == Phase::Response {
                        self.cancel_auth();
                    }
                    self.user = None;
                    self.violate(too_long.into(), "-ERR line is too long");
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
            violations: _,
            refused_logins: _,
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
        *progress = false;
        Ok(())
    }

    /// The next line of the phase, as a secret: any of them may hold a password.
    fn next_line(&mut self) -> Result<Option<Secret>, posthaste_wire::LineTooLong> {
        let limits = &self.config.limits;
        let is_auth = self.phase == Phase::Response
            || self.input.peek().get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"AUTH "));
        self.input.secret_line(if is_auth { limits.auth_line_max } else { limits.line_max })
    }

    fn handle_line(&mut self, line: &Secret) -> Option<Event> {
        if self.state == State::Transaction {
            self.progress = false;
            self.timers.arm(Timer::Idle, self.now, self.config.limits.idle_timeout);
        }
        if self.phase == Phase::Response {
            return self.handle_response(line.expose());
        }
        let user = self.user.take();
        if has_bare_line_end(line.expose()) {
            let error = ParseError { rule: "CR LF", offset: 0 };
            self.violate(error.into(), "-ERR a line ends with CR LF");
            return None;
        }
        match parse::command(line.expose()) {
            Ok(command) => {
                self.understood = true;
                self.handle_command(command, user)
            }
            Err(_) if !self.understood && is_http(line.expose()) => {
                self.say("-ERR this is a POP3 server");
                self.fail(ProtocolError::Http);
                None
            }
            Err(error) => {
                self.violate(error.into(), "-ERR command is unknown or malformed");
                None
            }
        }
    }

    fn handle_command(&mut self, command: Command, user: Option<UserName>) -> Option<Event> {
        let verb = command.verb();
        if !self.state.allows(verb) {
            let violation = Violation::OutOfOrder { verb, state: self.state };
            self.violate(violation, "-ERR command is not allowed in this state");
            return None;
        }
        match command {
            Command::User(name) => self.user(name),
            Command::Pass(password) => return self.pass(user, password),
            Command::Apop { .. } => {
                self.violate(Violation::NotOffered { verb }, "-ERR APOP is not offered");
            }
            Command::Auth { mechanism, initial } => return self.auth(mechanism, initial),
            Command::Stls => return self.stls(),
            Command::Capa => self.capa(),
            Command::Quit => return self.quit(),
            Command::Noop => self.say("+OK"),
            Command::Stat => {
                let (count, octets) = self.count();
                self.say_format(format_args!("+OK {count} {octets}"));
            }
            Command::Rset => {
                if let Some(maildrop) = &mut self.maildrop {
                    maildrop.reset();
                }
                let (count, octets) = self.count();
                self.say_format(format_args!("+OK {count} messages ({octets} octets)"));
            }
            Command::Dele(number) => {
                let marked = self.maildrop.as_mut().is_some_and(|maildrop| maildrop.delete(number));
                if marked { self.say("+OK marked as deleted") } else { self.no_such_message() }
            }
            Command::List(None) => self.list(Listing::sizes()),
            Command::Uidl(None) => self.list(Listing::ids()),
            Command::List(Some(number)) => self.list_one(number, Listing::sizes()),
            Command::Uidl(Some(number)) => self.list_one(number, Listing::ids()),
            Command::Retr(number) => match self.size(number) {
                Some(size) => return Some(Event::Retr(Retr { ticket: self.tickets.issue(), number, size })),
                None => self.no_such_message(),
            },
            Command::Top { number, lines } => match self.size(number) {
                Some(_) => return Some(Event::Top(Top { ticket: self.tickets.issue(), number, lines })),
                None => self.no_such_message(),
            },
        }
        None
    }

    fn size(&self, number: MessageNumber) -> Option<u64> {
        Some(self.maildrop.as_ref()?.message(number)?.size)
    }

    fn count(&self) -> (usize, u64) {
        self.maildrop.as_ref().map(Marked::count).unwrap_or_default()
    }

    fn no_such_message(&mut self) {
        self.say("-ERR no such message");
    }

    fn stls(&mut self) -> Option<Event> {
        if self.config.tls == TlsOffer::Absent || self.security.is_tls() {
            self.violate(Violation::NoTls, "-ERR STLS is not available");
            return None;
        }
        if self.fail_unless_drained() {
            return None;
        }
        Some(Event::StartTls(StartTls { ticket: self.tickets.issue() }))
    }

    fn quit(&mut self) -> Option<Event> {
        self.state = self.state.quit();
        match &self.maildrop {
            Some(maildrop) => {
                let deleted = maildrop.marked();
                Some(Event::Quit(Quit { ticket: self.tickets.issue(), deleted }))
            }
            None => {
                self.say("+OK bye");
                self.close();
                None
            }
        }
    }

    /// Octets in the clear behind STLS are fatal, whoever put them there (RFC 2595 4).
    fn fail_unless_drained(&mut self) -> bool {
        match self.input.drained() {
            Ok(_) if self.eof => self.close(),
            Ok(_) => return false,
            Err(residue) => {
                if self.phase != Phase::Handshake {
                    self.say("-ERR nothing may follow STLS");
                }
                self.fail(residue.into());
            }
        }
        true
    }

    // What tokens call.

    fn accept_tls(&mut self, ticket: Ticket) -> Result<(), Misuse> {
        if let Answer::InTime = self.tickets.redeem(ticket)? {
            if self.input.drained().is_ok() {
                self.say("+OK begin TLS");
                self.phase = Phase::Tls;
            } else {
                self.fail_unless_drained();
            }
        }
        Ok(())
    }

    fn refuse(&mut self, ticket: Ticket, line: &str) -> Result<(), Misuse> {
        if let Answer::InTime = self.tickets.redeem(ticket)? {
            self.say(line);
        }
        Ok(())
    }

    fn farewell(&mut self, ticket: Ticket, line: &str) -> Result<(), Misuse> {
        if let Answer::InTime = self.tickets.redeem(ticket)? {
            self.say(line);
            self.close();
        }
        Ok(())
    }

    fn open_body(
        &mut self,
        ticket: Ticket,
        size: Option<u64>,
        cut: Option<Cut>,
    ) -> Result<BodyWriter, Misuse> {
        if let Answer::Late = self.tickets.check(&ticket)? {
            return Ok(BodyWriter::new(ticket, cut));
        }
        match size {
            Some(size) => self.say_format(format_args!("+OK {size} octets")),
            None => self.say("+OK top of message follows"),
        }
        self.phase = Phase::Body;
        Ok(BodyWriter::new(self.tickets.issue(), cut))
    }

    /// Where a body goes; `None` when it comes too late.
    fn body_out(&mut self, ticket: &Ticket) -> Result<Option<&mut SendQueue>, Misuse> {
        match self.tickets.check(ticket)? {
            Answer::Late => Ok(None),
            Answer::InTime if self.out.is_congested() => {
                Err(Misuse::Congested { high_water: self.config.limits.high_water })
            }
            Answer::InTime => Ok(Some(&mut self.out)),
        }
    }

    fn close_body(&mut self, ticket: Ticket) -> Result<Answer, Misuse> {
        let answer = self.tickets.redeem(ticket)?;
        if answer == Answer::InTime {
            self.phase = Phase::Command;
        }
        Ok(answer)
    }

    const fn out(&mut self) -> &mut SendQueue {
        &mut self.out
    }

    // What everything ends in.

    fn say(&mut self, line: &str) {
        self.say_format(format_args!("{line}"));
    }

    fn say_format(&mut self, line: core::fmt::Arguments<'_>) {
        self.out.encode(|out: &mut BytesMut| encode::append(out, format_args!("{line}\r\n")));
    }

    /// Answers a violation, counts it, and ends the conversation when it is one too many. A command that is right
    /// does not reset the count.
    fn violate(&mut self, violation: Violation, answer: &str) {
        self.say(answer);
        self.events.push_back(Event::Violation(violation));
        self.violations = self.violations.saturating_add(1);
        let limit = match self.state {
            State::Authorization => self.config.limits.violations_before_login_max,
            State::Transaction | State::Update => self.config.limits.violations_max,
        };
        if self.violations >= limit {
            self.say("-ERR too many errors");
            self.fail(ProtocolError::TooManyViolations { limit });
        }
    }

    fn close(&mut self) {
        self.end(End::Closed);
    }

    fn fail(&mut self, error: ProtocolError) {
        self.end(End::Error(error));
    }

    fn end(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(end);
            self.tickets.withdraw();
            self.timers.disarm_all();
            self.input.clear();
            self.user = None;
        }
    }
}

/// Whether a line is the first of a request of HTTP (RFC 9110 9): somebody makes a browser talk to this port.
fn is_http(line: &[u8]) -> bool {
    let method = line.split(|octet| *octet == b' ').next().unwrap_or_default();
    let methods: [&[u8]; 9] =
        [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"];
    method.len() < line.len() && methods.contains(&method)
}

posthaste_wire::delegate_machine!(Server, Event, crate::ProtocolError);
