//! The server machine: one IMAP conversation from the greeting to BYE.
//!
//! Decides what is answered at once, what the application is asked, and when a literal is let in: form, state and
//! size are looked at before its first octet is accepted. The rules of what is legal stand in
//! `session`; what a mailbox holds is the application's business.
//!
//! ```text
//!   Greeting ──► Command ◄───────────────────────────────┐
//!                  │  a token is out: Paused              │ answered
//!                  ├──► (asked) ──────────────────────────┤
//!                  ├──► Sasl: a response line is due ─────┤
//!                  ├──► Append: octets of a message ──► AppendTail ─► (asked) ─┤
//!                  ├──► Idle: until DONE ─► (asked) ──────┤
//!                  ├──► Upgrade ──► (new layer) ──────────┘
//!                  └──► Closed
//! ```

mod append;
mod asked;
mod auth;
mod config;
mod event;
mod fetch;
mod mailbox;
mod message;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use posthaste_wire::{
    Layer, Machine, Misuse, Security, SendQueue, Step, Ticket, Tickets, Time, TimerName, TimerTable, Upgrade,
};

pub use append::AppendEnd;
pub use asked::{Asked, Refusal};
pub use auth::{Auth, AuthResponse, StartTls};
pub use config::{Config, PlaintextLogin, Tls};
pub use event::{
    Access, Append, Close, Copy, Delete, Event, Expunge, Fetch, Idle, IdleDone, Lsub, Move, Namespace, Noop,
    Rename, Search, Select, StatusOf, Store, Subscribe, Unselect, Unsubscribe,
};
pub use fetch::{FetchWriter, LiteralWriter, RowWriter};
pub use mailbox::{SelectData, SelectedFlags};
pub use message::CopyUid;

use crate::encode::{self, EncodeContext};
use crate::error::{ParseErrorKind, ProtocolError, Violation};
use crate::frame::{Frame, FrameLimits, Framer};
use crate::parse;
use crate::parse::append::AppendStep;
use crate::session::{Group, State, Transition};
use crate::types::{
    AString, Capability, Command, Condition, IdParameters, LiteralHeader, ParseContext, ParseLimits,
    Response, ResponseCode, Status, Tag, TaggedCommand,
};
use auth::SaslLine;

/// The server's side of one conversation.
///
/// Memory: see [`Limits`](crate::Limits); nothing grows with the length of the conversation.
#[derive(Debug)]
pub struct Server {
    config: Config,
    security: Security,
    state: State,
    phase: Phase,
    framer: Framer,
    out: SendQueue,
    tickets: Tickets,
    timers: TimerTable<Timer, 4>,
    now: Time,
    /// Events that are for information, in the order they happened.
    events: VecDeque<Event>,
    /// Untagged data that must not be sent while the command in progress runs.
    held: Vec<Response>,
    /// Whether the command in progress forbids EXPUNGE (RFC 9051 7.5.1).
    expunge_forbidden: bool,
    read_only: bool,
    /// Whether the message that APPEND brings holds a NUL: it is read to its end and not taken.
    append_nul: bool,
    failed_logins: u32,
    violations: u32,
    /// Whether a well-formed command has come: an HTTP request would have been the first thing.
    is_imap: bool,
    shutting_down: bool,
    error: Option<ProtocolError>,
}

/// What the machine is in the middle of.
#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Greeting,
    Command,
    /// A token is out whose answer leads back to `Command` or to where the token says.
    Asked,
    /// A line of a SASL exchange is due.
    Sasl(Tag),
    /// Octets of the message that APPEND brings.
    Append(Tag),
    /// The end of the line behind the message.
    AppendTail(Tag),
    /// DONE is due.
    Idle(Tag),
    /// STARTTLS is accepted; the step has not been taken yet.
    UpgradeDue,
    /// The driver sets up TLS.
    Upgrading,
    Closed,
}

/// The timers of the server machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The time until login is up (`login_timeout`).
    Login,
    /// The client is silent (`idle_timeout`).
    Idle,
    /// A command has begun and does not end (`command_timeout`).
    Command,
    /// The octets of a message pause (`append_timeout`).
    Append,
}

impl TimerName<4> for Timer {
    const ALL: [Self; 4] = [Self::Login, Self::Command, Self::Append, Self::Idle];
}

impl Server {
    /// A conversation that begins now, over a connection that is as secure as `security` says.
    pub fn new(config: Config, security: Security, now: Time) -> Self {
        let out = SendQueue::new(config.limits.send_high_water);
        let mut server = Self {
            config,
            security,
            state: State::NotAuthenticated,
            phase: Phase::Greeting,
            framer: Framer::new(),
            out,
            tickets: Tickets::new(),
            timers: TimerTable::new(),
            now,
            events: VecDeque::new(),
            held: Vec::new(),
            expunge_forbidden: false,
            read_only: false,
            append_nul: false,
            failed_logins: 0,
            violations: 0,
            is_imap: false,
            shutting_down: false,
            error: None,
        };
        server.timers.arm(Timer::Login, now, server.config.limits.login_timeout);
        server
    }

    /// The state of the conversation.
    pub const fn state(&self) -> State {
        self.state
    }

    /// What protects the connection.
    pub const fn security(&self) -> Security {
        self.security
    }

    /// Whether the selected mailbox was opened with EXAMINE.
    pub const fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Takes bytes from the client.
    pub fn handle_input(&mut self, now: Time, input: &[u8]) {
        self.now = now;
        match self.phase {
            Phase::Closed => {}
            Phase::UpgradeDue | Phase::Upgrading => self.fail(ProtocolError::Residue),
            _ => {
                self.framer.push(input);
                match self.phase {
                    Phase::Append(_) => {
                        self.timers.arm(Timer::Append, now, self.config.limits.append_timeout);
                    }
                    _ => self.timers.arm_once(Timer::Command, now, self.config.limits.command_timeout),
                }
            }
        }
    }

    /// Takes note that the client will send nothing more.
    pub fn handle_eof(&mut self, now: Time) {
        self.now = now;
        self.abort_body();
        self.close();
    }

    /// Takes note of the time.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        let Some(_) = self.timers.expire(now) else { return };
        self.abort_body();
        self.bye(None, "Autologout: too slow");
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next().map(|(_, deadline)| deadline)
    }

    /// Which timer that is.
    pub fn timer(&self) -> Option<Timer> {
        self.timers.next().map(|(timer, _)| timer)
    }

    /// The next bytes for the client.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.out.pop()
    }

    /// Whether the send queue is at its high-water mark.
    pub const fn is_congested(&self) -> bool {
        self.out.is_congested()
    }

    /// Says BYE and closes as soon as no command is in progress.
    pub fn shutdown(&mut self, now: Time) {
        self.now = now;
        self.shutting_down = true;
        self.shutdown_if_idle();
    }

    /// Sends untagged data that the application has noticed: new messages, flags, expunges. During a command that
    /// forbids EXPUNGE (RFC 9051 7.5.1) that is held back until the command is over.
    pub fn update(&mut self, update: Response) {
        if matches!(self.phase, Phase::Closed | Phase::Upgrading | Phase::UpgradeDue) {
            return;
        }
        let shifts = matches!(update, Response::Expunge(_) | Response::Vanished { .. });
        if (shifts && self.expunge_forbidden) || !self.held.is_empty() {
            self.held.push(update);
        } else {
            self.send(&update);
        }
    }

    /// Whether EXPUNGE may be sent now, so that sequence numbers may change: not while FETCH, STORE or SEARCH by
    /// sequence number runs, nor while no command is in progress.
    pub const fn may_expunge(&self) -> bool {
        let in_command = self.tickets.is_open() || matches!(self.phase, Phase::Idle(_));
        in_command && !self.expunge_forbidden
    }

    /// Parses the next event.
    ///
    /// # Errors
    ///
    /// [`ProtocolError`]; the farewell is in the send queue.
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
            let event = match &self.phase {
                Phase::Closed => return Ok(Step::Closed),
                Phase::Upgrading => return Ok(Step::NeedInput),
                Phase::UpgradeDue => match self.framer.drained() {
                    Ok(drained) => {
                        self.phase = Phase::Upgrading;
                        return Ok(Step::Upgrade(Upgrade::new(Layer::Tls, drained)));
                    }
                    Err(_) => {
                        self.fail(ProtocolError::Residue);
                        continue;
                    }
                },
                Phase::Greeting => {
                    self.greet();
                    continue;
                }
                // A token that was dropped: nobody will answer any more.
                Phase::Asked => return Ok(Step::Paused),
                Phase::Command => self.poll_command(),
                Phase::Sasl(_) => self.poll_sasl(),
                Phase::Append(_) => self.poll_append(),
                Phase::AppendTail(_) => self.poll_append_tail(),
                Phase::Idle(_) => self.poll_idle(),
            };
            match event {
                Poll::Event(event) => return Ok(Step::Event(event)),
                Poll::Again => {}
                Poll::NeedInput => {
                    self.shutdown_if_idle();
                    if self.phase != Phase::Closed {
                        return Ok(Step::NeedInput);
                    }
                }
            }
        }
    }

    /// Takes note that TLS is in place. All that was known before is forgotten (RFC 9051 6.2.1).
    ///
    /// # Errors
    ///
    /// [`Misuse::NoUpgrade`] when none was asked for.
    pub fn upgraded(&mut self, now: Time, upgrade: Upgrade, security: Security) -> Result<(), Misuse> {
        if self.phase != Phase::Upgrading || upgrade.layer() != Layer::Tls {
            return Err(Misuse::NoUpgrade);
        }
        drop(upgrade);
        // Every field is named, so that a new one has to say whether it crosses.
        let Self {
            config: _,
            security: old_security,
            state,
            phase,
            framer,
            out: _,
            tickets: _,
            timers,
            now: old_now,
            events: _,
            held,
            expunge_forbidden,
            read_only,
            append_nul,
            // Counters of misbehaviour stay: TLS is no pardon.
            failed_logins: _,
            violations: _,
            is_imap: _,
            shutting_down: _,
            error: _,
        } = self;
        *old_security = security;
        *state = State::NotAuthenticated;
        *phase = Phase::Command;
        *framer = Framer::new();
        *old_now = now;
        held.clear();
        *expunge_forbidden = false;
        *read_only = false;
        *append_nul = false;
        timers.disarm_all();
        self.timers.arm(Timer::Login, now, self.config.limits.login_timeout);
        Ok(())
    }

    /// What is announced in the present state.
    pub fn capabilities(&self) -> Vec<Capability> {
        self.config.capabilities(self.state, self.security)
    }
}

enum Poll {
    Event(Event),
    /// Something was done that is no event; go on.
    Again,
    NeedInput,
}

/// Commands.
impl Server {
    fn frame_limits(&self) -> FrameLimits {
        let limits = &self.config.limits;
        if self.state.is_authenticated() {
            FrameLimits {
                line_max: limits.line_max,
                total_max: limits.command_max,
                literals_max: limits.literals_max,
            }
        } else {
            FrameLimits {
                line_max: limits.line_preauth_max,
                total_max: limits.command_preauth_max,
                literals_max: limits.literals_max.min(PREAUTH_LITERALS_MAX),
            }
        }
    }

    fn parse_context(&self) -> ParseContext {
        let mut context = ParseContext::server();
        if self.state.is_authenticated() {
            context.limits.nesting_max = self.config.limits.nesting_max;
            context.limits.ranges_max = self.config.limits.ranges_max;
        } else {
            context.limits = ParseLimits::before_login();
        }
        context
    }

    fn poll_command(&mut self) -> Poll {
        let limits = self.frame_limits();
        match self.framer.next(&limits) {
            Frame::NeedInput => {
                if !self.framer.is_within() {
                    self.timers.disarm(Timer::Command);
                }
                Poll::NeedInput
            }
            Frame::Line(line) => self.command(&line),
            Frame::Literal(header) => self.literal(header, &limits),
            // The answer was given when the line was refused.
            Frame::Refused | Frame::Chunk(..) => Poll::Again,
            Frame::TooLong => {
                self.untagged(Condition::Bad, Some(ResponseCode::TooBig), "Line too long");
                self.violation(Violation::LineTooLong { limit: limits.line_max })
            }
            Frame::Malformed(line) => {
                let tag = Head::of(&line).map(|head| head.tag);
                self.bad(tag.as_ref(), None, "No such literal length");
                if line.ends_with(b"+}") {
                    self.bye(None, "No such literal length");
                }
                self.violation(Violation::LiteralLength)
            }
        }
    }

    /// A literal is announced: whether its octets are let in is decided by what stands before it.
    fn literal(&mut self, header: LiteralHeader, limits: &FrameLimits) -> Poll {
        let line = self.framer.so_far();
        if self.is_http(&line) {
            return self.http();
        }
        let Some(head) = Head::of(&line) else {
            return self.refuse_literal(None, header, None, "Invalid tag", Violation::Tag);
        };
        let tag = Some(&head.tag);
        let Some(group) = group(&head.name) else {
            return self.refuse_literal(tag, header, None, "Unknown command", Violation::UnknownCommand);
        };
        if !self.state.allows(group) {
            return self.refuse_literal(tag, header, None, WRONG_STATE, Violation::WrongState);
        }
        if head.name.eq_ignore_ascii_case("LOGIN") && !self.may_send_credentials() {
            return self.refuse_credentials(&head.tag, Some(header));
        }
        if head.name.eq_ignore_ascii_case("APPEND") {
            match parse::append::prefix(&line, &self.parse_context()) {
                Ok(AppendStep::Message(tag, head, header)) => return self.append(tag, head, header),
                // The literal is the mailbox name.
                Ok(_) => {}
                Err(error) => {
                    let violation = Violation::Syntax(error);
                    return self.refuse_literal(tag, header, None, "Syntax error", violation);
                }
            }
        }
        let max = if self.state.is_authenticated() {
            self.config.limits.literal_max
        } else {
            self.config.limits.literal_preauth_max
        };
        if header.len > max || !self.framer.has_room(&header, limits) {
            let violation = Violation::LiteralTooLong { limit: max };
            return self.refuse_literal(
                tag,
                header,
                Some(ResponseCode::TooBig),
                "Literal too long",
                violation,
            );
        }
        if header.synchronising {
            self.out.put(b"+ OK\r\n");
        }
        self.framer.keep();
        Poll::Again
    }

    /// Refuses a command at an announced literal. The octets of a non-synchronising one are on their way: few are
    /// dropped, many end the conversation (RFC 7888 4).
    fn refuse_literal(
        &mut self,
        tag: Option<&Tag>,
        header: LiteralHeader,
        code: Option<ResponseCode>,
        text: &'static str,
        violation: Violation,
    ) -> Poll {
        let drop_max = if self.state.is_authenticated() {
            self.config.limits.drop_max
        } else {
            self.config.limits.literal_preauth_max
        };
        if !header.synchronising && header.len > drop_max {
            self.framer.refuse();
            self.bye(Some(ResponseCode::TooBig), "Literal too long");
            return self.violation(violation);
        }
        self.framer.refuse();
        self.bad(tag, code, text);
        self.violation(violation)
    }

    fn command(&mut self, line: &Bytes) -> Poll {
        self.timers.disarm(Timer::Command);
        if self.is_http(line) {
            return self.http();
        }
        let Some(head) = Head::of(line) else {
            self.bad(None, None, "Invalid tag");
            return self.violation(Violation::Tag);
        };
        let Some(group) = group(&head.name) else {
            self.bad(Some(&head.tag), None, "Unknown command");
            return self.violation(Violation::UnknownCommand);
        };
        if !self.state.allows(group) {
            self.bad(Some(&head.tag), None, WRONG_STATE);
            return self.violation(Violation::WrongState);
        }
        let credentials =
            head.name.eq_ignore_ascii_case("LOGIN") || head.name.eq_ignore_ascii_case("AUTHENTICATE");
        if credentials && !self.may_send_credentials() {
            return self.refuse_credentials(&head.tag, None);
        }
        match parse::command(line, &self.parse_context()) {
            Ok(TaggedCommand { tag, command }) => {
                self.is_imap = true;
                if self.state.is_authenticated() {
                    self.timers.arm(Timer::Idle, self.now, self.config.limits.idle_timeout);
                }
                self.dispatch(tag, command)
            }
            Err(error) => {
                match error.kind {
                    ParseErrorKind::MailboxName => {
                        self.tagged(
                            &head.tag,
                            Condition::No,
                            Some(ResponseCode::Cannot),
                            "No such name can be",
                        );
                    }
                    ParseErrorKind::Charset => {
                        let charsets =
                            ["US-ASCII", "UTF-8"].map(|name| AString::replacing_nul(name.as_bytes()));
                        let code = ResponseCode::BadCharset(charsets.into());
                        self.tagged(&head.tag, Condition::No, Some(code), "Unknown charset");
                    }
                    ParseErrorKind::Limit(_) => {
                        self.bad(Some(&head.tag), Some(ResponseCode::TooBig), "Too long or too deep");
                    }
                    _ => self.bad(Some(&head.tag), None, "Syntax error"),
                }
                self.violation(Violation::Syntax(error))
            }
        }
    }

    fn dispatch(&mut self, tag: Tag, command: Command) -> Poll {
        let event = match command {
            Command::Capability => {
                self.send(&Response::Capability(self.capabilities()));
                return self.done(&tag, "CAPABILITY completed");
            }
            Command::Id(parameters) => {
                let own = [("name", "Posthaste")]
                    .map(|(name, value)| (AString::replacing_nul(name), Some(AString::replacing_nul(value))));
                self.send(&Response::Id(IdParameters::new(own.into()).unwrap_or_default()));
                self.events.push_back(Event::Id(parameters));
                return self.done(&tag, "ID completed");
            }
            Command::Enable(_) => {
                // Nothing that changes by ENABLE is offered: an unknown name is no error (RFC 5161 3.1).
                self.send(&Response::Enabled(Vec::new()));
                return self.done(&tag, "ENABLE completed");
            }
            Command::Logout => {
                self.untagged(Condition::Bye, None, "Logging out");
                self.complete_ok(&tag, None, "LOGOUT completed");
                self.events.push_back(Event::Logout);
                self.close();
                return Poll::Again;
            }
            Command::StartTls => return self.start_tls(tag),
            Command::Authenticate(authenticate) => return self.authenticate(tag, authenticate),
            Command::Append(head, header) => {
                // The framer hands literals over before the line ends: such a command cannot come whole.
                let _ = (head, header);
                self.bad(Some(&tag), None, "Syntax error");
                return Poll::Again;
            }
            Command::Login(login) => Event::Login(self.ask(tag, login)),
            Command::Noop | Command::Check => Event::Noop(self.ask(tag, Noop)),
            Command::Namespace => Event::Namespace(self.ask(tag, Namespace)),
            Command::List(list) => Event::List(self.ask(tag, list)),
            Command::Lsub { reference, pattern } => Event::Lsub(self.ask(tag, Lsub { reference, pattern })),
            Command::Subscribe(mailbox) => Event::Subscribe(self.ask(tag, Subscribe { mailbox })),
            Command::Unsubscribe(mailbox) => Event::Unsubscribe(self.ask(tag, Unsubscribe { mailbox })),
            Command::Create(create) => Event::Create(self.ask(tag, create)),
            Command::Delete(mailbox) => Event::Delete(self.ask(tag, Delete { mailbox })),
            Command::Rename { from, to } => Event::Rename(self.ask(tag, Rename { from, to })),
            Command::Status(mailbox, attributes) => {
                Event::Status(self.ask(tag, StatusOf { mailbox, attributes }))
            }
            Command::Select(mailbox, parameters) => {
                let access = Access::ReadWrite;
                Event::Select(self.ask(tag, Select { mailbox, access, parameters }))
            }
            Command::Examine(mailbox, parameters) => {
                let access = Access::ReadOnly;
                Event::Select(self.ask(tag, Select { mailbox, access, parameters }))
            }
            Command::Close => Event::Close(self.ask(tag, Close)),
            Command::Unselect => Event::Unselect(self.ask(tag, Unselect)),
            Command::Expunge => Event::Expunge(self.ask(tag, Expunge { uids: None })),
            Command::UidExpunge(uids) => Event::Expunge(self.ask(tag, Expunge { uids: Some(uids) })),
            Command::Fetch(addressing, set, attributes) => {
                self.forbid_expunge(addressing);
                Event::Fetch(self.ask(tag, Fetch { addressing, set, attributes }))
            }
            Command::Store(addressing, command) => {
                self.forbid_expunge(addressing);
                Event::Store(self.ask(tag, Store { addressing, command }))
            }
            Command::Search(addressing, command) => {
                self.forbid_expunge(addressing);
                Event::Search(self.ask(tag, Search { addressing, command }))
            }
            Command::Copy(addressing, set, mailbox) => {
                Event::Copy(self.ask(tag, Copy { addressing, set, mailbox }))
            }
            Command::Move(addressing, set, mailbox) => {
                Event::Move(self.ask(tag, Move { addressing, set, mailbox }))
            }
            Command::Idle => Event::Idle(self.ask(tag, Idle)),
        };
        Poll::Event(event)
    }

    fn start_tls(&mut self, tag: Tag) -> Poll {
        if self.config.tls == Tls::Unavailable || self.security.is_tls() {
            self.bad(Some(&tag), None, "TLS is not available now");
            return self.violation(Violation::WrongState);
        }
        if self.framer.drained().is_err() {
            self.bad(Some(&tag), None, "Nothing may follow STARTTLS before TLS");
            self.fail(ProtocolError::Residue);
            return Poll::Again;
        }
        let asked = self.ask(tag, ());
        Poll::Event(Event::StartTls(StartTls { asked }))
    }

    fn authenticate(&mut self, tag: Tag, authenticate: crate::types::Authenticate) -> Poll {
        let mechanism = authenticate.mechanism.as_str().to_ascii_uppercase();
        if !self.config.mechanisms.contains(&mechanism) {
            self.tagged(&tag, Condition::No, Some(ResponseCode::Cannot), "Unknown mechanism");
            return Poll::Again;
        }
        let ticket = self.issue();
        Poll::Event(Event::Auth(Auth { mechanism, initial: authenticate.initial, tag, ticket }))
    }

    fn poll_sasl(&mut self) -> Poll {
        let line = match self.framer.secret_line(self.config.limits.sasl_line_max) {
            Ok(None) => return Poll::NeedInput,
            Ok(Some(line)) => auth::sasl_line(&line),
            Err(_) => SaslLine::Malformed,
        };
        self.timers.disarm(Timer::Command);
        let Phase::Sasl(tag) = core::mem::replace(&mut self.phase, Phase::Command) else {
            return Poll::Again;
        };
        let text = match line {
            SaslLine::Response(response) => {
                let ticket = self.issue();
                return Poll::Event(Event::AuthResponse(AuthResponse { response, tag, ticket }));
            }
            SaslLine::Cancelled => "Cancelled",
            SaslLine::Malformed => "Not base64",
        };
        self.bad(Some(&tag), None, text);
        self.count_failed_login();
        Poll::Event(Event::AuthCancelled)
    }

    fn poll_idle(&mut self) -> Poll {
        let line = match self.framer.plain_line(IDLE_LINE_MAX) {
            Ok(None) => return Poll::NeedInput,
            Ok(Some(line)) => line,
            Err(_) => Bytes::new(),
        };
        self.timers.disarm(Timer::Command);
        let Phase::Idle(tag) = core::mem::replace(&mut self.phase, Phase::Command) else {
            return Poll::Again;
        };
        if line.eq_ignore_ascii_case(b"DONE") {
            self.timers.arm(Timer::Idle, self.now, self.config.limits.idle_timeout);
            return Poll::Event(Event::IdleDone(self.ask(tag, IdleDone)));
        }
        self.bad(Some(&tag), None, "Expected DONE");
        self.bye(None, "Expected DONE");
        self.violation(Violation::WrongState)
    }
}

/// Answers and effects that tokens share.
impl Server {
    fn ask<T>(&mut self, tag: Tag, request: T) -> Asked<T> {
        let ticket = self.issue();
        Asked { request, tag, ticket }
    }

    /// Opens a question. While the application thinks, the client cannot be late.
    fn issue(&mut self) -> Ticket {
        self.phase = Phase::Asked;
        self.timers.disarm(Timer::Idle);
        self.timers.disarm(Timer::Command);
        self.timers.disarm(Timer::Append);
        self.tickets.issue()
    }

    /// The timers of the phase that has just begun.
    fn arm_for_phase(&mut self) {
        if self.state.is_authenticated() {
            self.timers.arm(Timer::Idle, self.now, self.config.limits.idle_timeout);
        }
        if let Phase::Append(_) = self.phase {
            self.timers.arm(Timer::Append, self.now, self.config.limits.append_timeout);
        }
        if self.framer.is_within() {
            self.timers.arm_once(Timer::Command, self.now, self.config.limits.command_timeout);
        }
    }

    fn send(&mut self, response: &Response) {
        let context = self.encode_context();
        self.out.encode(|out| encode::response(out, response, context));
    }

    fn encode_context(&self) -> EncodeContext {
        EncodeContext::default()
    }

    fn tagged(&mut self, tag: &Tag, condition: Condition, code: Option<ResponseCode>, text: &'static str) {
        self.expunge_forbidden = false;
        for update in core::mem::take(&mut self.held) {
            self.send(&update);
        }
        let status = Status { condition, code, text: Bytes::from_static(text.as_bytes()) };
        self.send(&Response::Tagged(tag.clone(), status));
        if matches!(self.phase, Phase::Asked | Phase::AppendTail(_)) {
            self.phase = Phase::Command;
        }
        self.arm_for_phase();
    }

    fn untagged(&mut self, condition: Condition, code: Option<ResponseCode>, text: &'static str) {
        let status = Status { condition, code, text: Bytes::from_static(text.as_bytes()) };
        self.send(&Response::Untagged(status));
    }

    fn bad(&mut self, tag: Option<&Tag>, code: Option<ResponseCode>, text: &'static str) {
        match tag {
            Some(tag) => self.tagged(tag, Condition::Bad, code, text),
            None => self.untagged(Condition::Bad, code, text),
        }
    }

    fn complete_ok(&mut self, tag: &Tag, code: Option<ResponseCode>, text: &'static str) {
        self.tagged(tag, Condition::Ok, code, text);
    }

    fn complete_no(&mut self, tag: &Tag, refusal: Refusal) {
        self.tagged(tag, Condition::No, refusal.code, refusal.text);
    }

    fn done(&mut self, tag: &Tag, text: &'static str) -> Poll {
        self.complete_ok(tag, None, text);
        Poll::Again
    }

    fn forbid_expunge(&mut self, addressing: crate::types::Addressing) {
        self.expunge_forbidden = addressing == crate::types::Addressing::Sequence;
    }

    fn log_in(&mut self) {
        self.state = self.state.after(Transition::LoggedIn);
        self.timers.disarm(Timer::Login);
        self.failed_logins = 0;
        self.violations = 0;
    }

    fn select(&mut self, transition: Transition) {
        self.state = self.state.after(transition);
    }

    fn count_failed_login(&mut self) {
        self.failed_logins = self.failed_logins.saturating_add(1);
        if self.failed_logins >= self.config.limits.logins_max {
            self.bye(None, "Too many failed logins");
        }
    }

    fn may_send_credentials(&self) -> bool {
        self.security.is_private() || self.config.plaintext_login == PlaintextLogin::Allowed
    }

    fn refuse_credentials(&mut self, tag: &Tag, literal: Option<LiteralHeader>) -> Poll {
        let violation = Violation::PrivacyRequired;
        let Some(header) = literal else {
            self.tagged(tag, Condition::No, Some(ResponseCode::PrivacyRequired), "TLS is required");
            return self.violation(violation);
        };
        if header.synchronising || header.len <= self.config.limits.literal_preauth_max {
            self.framer.refuse();
            self.tagged(tag, Condition::No, Some(ResponseCode::PrivacyRequired), "TLS is required");
            return self.violation(violation);
        }
        self.refuse_literal(Some(tag), header, Some(ResponseCode::TooBig), "Literal too long", violation)
    }

    fn begin_upgrade(&mut self) {
        self.phase = Phase::UpgradeDue;
    }

    /// Counts what the client did wrong, and ends the conversation when it was too much.
    fn violation(&mut self, violation: Violation) -> Poll {
        self.violations = self.violations.saturating_add(1);
        let limits = &self.config.limits;
        let max =
            if self.state.is_authenticated() { limits.violations_max } else { limits.violations_preauth_max };
        if self.violations >= max && self.phase != Phase::Closed {
            self.bye(None, "Too many errors");
        }
        Poll::Event(Event::Violation(violation))
    }

    fn greet(&mut self) {
        self.phase = Phase::Command;
        let capabilities = ResponseCode::Capability(self.capabilities());
        let text: String = [&self.config.hostname, " ready"].concat();
        let status = Status { condition: Condition::Ok, code: Some(capabilities), text: Bytes::from(text) };
        self.send(&Response::Untagged(status));
        self.arm_for_phase();
    }

    /// Whether this is the first line of an HTTP request, from a browser that was lured here.
    fn is_http(&self, line: &[u8]) -> bool {
        let mut words = line.split(|octet| *octet == b' ');
        let method = words.next().unwrap_or_default();
        let target = words.next().unwrap_or_default();
        let named = HTTP_METHODS.iter().any(|name| method == name.as_bytes());
        let protocol = words.next().is_some_and(|word| word.starts_with(b"HTTP/"));
        !self.is_imap && named && (protocol || target.starts_with(b"/") || target.starts_with(b"*"))
    }

    fn http(&mut self) -> Poll {
        self.bye(None, "This is an IMAP server");
        self.violation(Violation::Http)
    }

    fn abort_body(&mut self) {
        let receiving = matches!(self.phase, Phase::Append(_) | Phase::AppendTail(_));
        if receiving {
            self.events.push_back(Event::BodyAborted);
        }
    }

    fn shutdown_if_idle(&mut self) {
        let idle = matches!(self.phase, Phase::Greeting | Phase::Command | Phase::Sasl(_) | Phase::Idle(_));
        if self.shutting_down && idle && !self.tickets.is_open() {
            self.bye(Some(ResponseCode::Unavailable), "Server is shutting down");
        }
    }

    fn bye(&mut self, code: Option<ResponseCode>, text: &'static str) {
        if self.phase != Phase::Closed {
            self.untagged(Condition::Bye, code, text);
            self.close();
        }
    }

    fn fail(&mut self, error: ProtocolError) {
        if self.error.is_none() && self.phase != Phase::Closed {
            self.bye(None, "Protocol error");
            self.error = Some(error);
        }
    }

    fn close(&mut self) {
        self.state = State::Logout;
        self.phase = Phase::Closed;
        self.tickets.withdraw();
        self.timers.disarm_all();
        self.held.clear();
    }
}

impl Machine for Server {
    type Event = Event;
    type Error = ProtocolError;

    fn handle_input(&mut self, now: Time, input: &[u8]) {
        self.handle_input(now, input);
    }

    fn handle_eof(&mut self, now: Time) {
        self.handle_eof(now);
    }

    fn handle_timeout(&mut self, now: Time) {
        self.handle_timeout(now);
    }

    fn poll_event(&mut self) -> Result<Step<Event>, ProtocolError> {
        self.poll_event()
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.poll_transmit()
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.poll_timeout()
    }

    fn upgraded(&mut self, now: Time, upgrade: Upgrade, security: Security) -> Result<(), Misuse> {
        self.upgraded(now, upgrade, security)
    }

    fn is_congested(&self) -> bool {
        self.is_congested()
    }
}

/// The tag and the name of a command, before its grammar is run.
struct Head {
    tag: Tag,
    /// In the case it was written; `UID` commands with their second word.
    name: String,
}

impl Head {
    fn of(line: &Bytes) -> Option<Self> {
        let text = crate::frame::texts(line).into_iter().next().unwrap_or_default();
        let mut words = text.split(|octet| *octet == b' ');
        let tag = Tag::new(Bytes::copy_from_slice(words.next()?)).ok()?;
        let mut name = word(words.next());
        if name.eq_ignore_ascii_case("UID") {
            name = [name.as_str(), " ", word(words.next()).as_str()].concat();
        }
        Some(Self { tag, name })
    }
}

/// A word of a command's name; what is too long to be one is cut.
fn word(word: Option<&[u8]>) -> String {
    let word = word.unwrap_or_default();
    String::from_utf8_lossy(word.get(..word.len().min(NAME_MAX)).unwrap_or_default()).into_owned()
}

/// What the rules depend on, for every command that is offered.
fn group(name: &str) -> Option<Group> {
    COMMANDS.iter().find(|(command, _)| name.eq_ignore_ascii_case(command)).map(|(_, group)| *group)
}

const COMMANDS: [(&str, Group); 36] = [
    ("CAPABILITY", Group::Any),
    ("NOOP", Group::Any),
    ("LOGOUT", Group::Any),
    ("ID", Group::Any),
    ("STARTTLS", Group::NotAuthenticated),
    ("LOGIN", Group::NotAuthenticated),
    ("AUTHENTICATE", Group::NotAuthenticated),
    ("ENABLE", Group::Authenticated),
    ("NAMESPACE", Group::Authenticated),
    ("LIST", Group::Authenticated),
    ("LSUB", Group::Authenticated),
    ("SUBSCRIBE", Group::Authenticated),
    ("UNSUBSCRIBE", Group::Authenticated),
    ("CREATE", Group::Authenticated),
    ("DELETE", Group::Authenticated),
    ("RENAME", Group::Authenticated),
    ("STATUS", Group::Authenticated),
    ("SELECT", Group::Authenticated),
    ("EXAMINE", Group::Authenticated),
    ("APPEND", Group::Authenticated),
    ("IDLE", Group::Authenticated),
    ("CHECK", Group::Selected),
    ("CLOSE", Group::Selected),
    ("UNSELECT", Group::Selected),
    ("EXPUNGE", Group::Selected),
    ("FETCH", Group::Selected),
    ("STORE", Group::Selected),
    ("COPY", Group::Selected),
    ("MOVE", Group::Selected),
    ("SEARCH", Group::Selected),
    ("UID EXPUNGE", Group::Selected),
    ("UID FETCH", Group::Selected),
    ("UID STORE", Group::Selected),
    ("UID COPY", Group::Selected),
    ("UID MOVE", Group::Selected),
    ("UID SEARCH", Group::Selected),
];

const HTTP_METHODS: [&str; 9] =
    ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "CONNECT", "PATCH", "TRACE"];

/// The longest word that is compared with the names of commands, in octets.
const NAME_MAX: usize = 16;

/// DONE and its line end, with some room for what is wrong.
const IDLE_LINE_MAX: usize = 64;

/// LOGIN has two arguments.
const PREAUTH_LITERALS_MAX: usize = 4;

const WRONG_STATE: &str = "Command is not possible in this state";
