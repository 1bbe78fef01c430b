//! The client's side of a conversation (RFC 1939, 2449, 2595, 5034).
//!
//! Decides what is sent when: greeting, capabilities and TLS come first and by themselves; logging in is one
//! command at a time; after it commands are sent ahead of their answers where the server allows that (RFC 2449
//! 6.6). How answers are read is in `client/answers.rs`. Which mechanism logs in is decided by the application.

mod answers;
mod challenge;
mod config;
mod event;

use alloc::collections::VecDeque;

use bytes::Bytes;
use posthaste_wire::{
    Answer, DotDecoder, Layer, Misuse, ReceiveBuffer, Secret, Security, SendQueue, Step, Ticket, Tickets,
    Time, TimerName, TimerTable, Upgrade,
};

pub use challenge::Challenge;
pub use config::{Config, TlsPolicy};
pub use event::{CommandId, Event};

use crate::session::State;
use crate::{
    Capabilities, Command, MechanismName, MessageNumber, Password, ProtocolError, Reply, UserName, encode,
};

/// A POP3 conversation, as client.
///
/// Memory: one line ([`Limits::reply_line_max`](crate::Limits::reply_line_max)) and one read of input, the
/// capabilities, and the commands that the application queued.
#[derive(Debug)]
pub struct Client {
    config: Config,
    security: Security,
    state: State,
    now: Time,
    input: ReceiveBuffer,
    out: SendQueue,
    tickets: Tickets,
    timers: TimerTable<Timer, 1>,
    capabilities: Capabilities,
    greeting: Option<Reply>,
    stage: Stage,
    /// The login that waits for its turn.
    login: Option<(CommandId, Login)>,
    /// Commands that wait for their turn.
    queue: VecDeque<(CommandId, Command)>,
    /// What the server owes an answer to, in order.
    due: VecDeque<Due>,
    reading: Reading,
    last_id: u64,
    /// Whether the answer's timer was armed without knowing what time it is.
    armed_blindly: bool,
    bad_rows: u32,
    quitting: bool,
    eof: bool,
    end: Option<End>,
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
enum Stage {
    Opening,
    Tls,
    Handshake,
    Ready,
}

#[derive(Debug)]
enum Login {
    UserPass { user: UserName, password: Password },
    Sasl { mechanism: MechanismName, initial: Option<Secret> },
}

/// What the next answer belongs to.
#[derive(Debug)]
enum Due {
    Greeting,
    Capa,
    Stls,
    User(CommandId, Password),
    Pass(CommandId),
    /// With the initial response, where it did not fit the command.
    Auth(CommandId, Option<Secret>),
    /// The capabilities behind a login, and the login's answer.
    CapaAfter(CommandId, Reply),
    Command(CommandId, Command),
}

/// What the next octets are.
#[derive(Debug)]
enum Reading {
    /// The first line of an answer.
    Reply,
    /// Rows, up to a line that is a dot.
    Rows(Due),
    /// A message.
    Body { id: CommandId, dots: DotDecoder, length: u64 },
    /// Nothing: all of the list, or of the message, was told but its end.
    Ended(Event),
}

#[derive(Clone, Copy, Debug)]
enum End {
    Closed,
    Error(ProtocolError),
}

/// RFC 2449 4: a command with its arguments and CR LF.
const COMMAND_MAX: usize = 255;

impl Client {
    /// A conversation that begins now, over a connection protected like this.
    pub fn new(config: Config, security: Security, now: Time) -> Self {
        let mut client = Self {
            out: SendQueue::new(config.limits.high_water),
            config,
            security,
            state: State::default(),
            now,
            input: ReceiveBuffer::new(),
            tickets: Tickets::new(),
            timers: TimerTable::new(),
            capabilities: Capabilities::default(),
            greeting: None,
            stage: Stage::Opening,
            login: None,
            queue: VecDeque::new(),
            due: VecDeque::from([Due::Greeting]),
            reading: Reading::Reply,
            last_id: 0,
            armed_blindly: false,
            bad_rows: 0,
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

    /// Which timer [`poll_timeout`](Self::poll_timeout) names.
    pub fn timer(&self) -> Option<Timer> {
        self.timers.next().map(|(timer, _)| timer)
    }

    // Commands. Each returns at once; the answer comes as events with the same id.

    /// Logs in with USER and PASS. Held back until [`Event::Ready`].
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] when name or password cannot be sent; [`Misuse::NotNow`] when logged in, when a login is
    /// on its way, or behind [`quit`](Self::quit).
    pub fn login(&mut self, user: &str, password: Secret) -> Result<CommandId, Misuse> {
        let login = Login::UserPass { user: UserName::new(user)?, password: Password::new(password)? };
        self.queue_login(login, "login")
    }

    /// Logs in with a SASL mechanism, with its initial response where it has one. Held back until
    /// [`Event::Ready`]; challenges come as [`Event::Challenge`].
    ///
    /// # Errors
    ///
    /// As [`login`](Self::login).
    pub fn authenticate(&mut self, mechanism: &str, initial: Option<Secret>) -> Result<CommandId, Misuse> {
        let login = Login::Sasl { mechanism: MechanismName::new(mechanism)?, initial };
        self.queue_login(login, "authenticate")
    }

    /// Asks how many messages and octets there are: [`Event::Stat`].
    ///
    /// # Errors
    ///
    /// [`Misuse::NotNow`] before the login and behind [`quit`](Self::quit). So with all commands below.
    pub fn stat(&mut self) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Stat)
    }

    /// Asks for the sizes of all messages: [`Event::Size`] each, then [`Event::ListEnd`].
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn list(&mut self) -> Result<CommandId, Misuse> {
        self.queue_command(Command::List(None))
    }

    /// Asks for the size of one message: [`Event::Size`], then [`Event::ListEnd`].
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn list_one(&mut self, number: MessageNumber) -> Result<CommandId, Misuse> {
        self.queue_command(Command::List(Some(number)))
    }

    /// Asks for the unique-ids of all messages: [`Event::Uidl`] each, then [`Event::ListEnd`].
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn uidl(&mut self) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Uidl(None))
    }

    /// Asks for the unique-id of one message: [`Event::Uidl`], then [`Event::ListEnd`].
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn uidl_one(&mut self, number: MessageNumber) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Uidl(Some(number)))
    }

    /// Asks for a message: [`Event::Body`] in pieces, then [`Event::BodyEnd`].
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn retr(&mut self, number: MessageNumber) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Retr(number))
    }

    /// Asks for the header of a message and some lines of its body: as [`retr`](Self::retr).
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn top(&mut self, number: MessageNumber, lines: u32) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Top { number, lines })
    }

    /// Marks a message to be removed at [`quit`](Self::quit). To be queued only when the message is stored safely:
    /// commands are sent ahead, so the connection may be cut inside a message whose removal was sent already.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn dele(&mut self, number: MessageNumber) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Dele(number))
    }

    /// Does nothing, and keeps the session alive.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn noop(&mut self) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Noop)
    }

    /// Takes all marks away.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn rset(&mut self) -> Result<CommandId, Misuse> {
        self.queue_command(Command::Rset)
    }

    /// Ends the session, behind all that is queued: a positive answer means that what was marked is removed. A
    /// connection that ends without the answer leaves that unknown. Held back until [`Event::Ready`].
    ///
    /// # Errors
    ///
    /// [`Misuse::NotNow`] when it was called before.
    pub fn quit(&mut self) -> Result<CommandId, Misuse> {
        if self.quitting || self.end.is_some() {
            return Err(Misuse::NotNow { call: "quit", state: "twice" });
        }
        self.quitting = true;
        let id = self.next_id();
        self.queue.push_back((id, Command::Quit));
        Ok(id)
    }

    /// Quits as soon as what is on its way is answered, where that was not done yet.
    pub fn shutdown(&mut self, now: Time) {
        self.now = now;
        let _ = self.quit();
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
            match self.read() {
                Some(event) => return Ok(Step::Event(event)),
                None if self.end.is_some() || self.stage == Stage::Tls => {}
                None if self.eof => {
                    self.close();
                    if let Reading::Body { id, .. } = self.reading {
                        return Ok(Step::Event(Event::BodyAborted { id }));
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
            greeting: _, // only its text is told, with the event that follows
            stage,
            login: _, // queued by the application, not sent yet
            queue: _,
            due,
            reading,
            last_id: _,
            armed_blindly: _,
            bad_rows: _,
            quitting: _,
            eof: _,
            end: _,
        } = self;
        *current = security;
        *state = State::default();
        *clock = now;
        *input = ReceiveBuffer::new();
        *capabilities = Capabilities::default();
        *stage = Stage::Opening;
        due.clear();
        *reading = Reading::Reply;
        self.send(&Command::Capa, Due::Capa);
        Ok(())
    }

    fn queue_login(&mut self, login: Login, call: &'static str) -> Result<CommandId, Misuse> {
        let state = match self.state {
            _ if self.quitting => "behind QUIT",
            State::Transaction | State::Update => "after the login",
            State::Authorization if self.end.is_some() => "after the end",
            State::Authorization if self.login.is_some() || self.is_logging_in() => {
                "while another is on its way"
            }
            State::Authorization => {
                let id = self.next_id();
                self.login = Some((id, login));
                return Ok(id);
            }
        };
        Err(Misuse::NotNow { call, state })
    }

    fn is_logging_in(&self) -> bool {
        self.stage == Stage::Ready && (!self.due.is_empty() || !matches!(self.reading, Reading::Reply))
    }

    fn queue_command(&mut self, command: Command) -> Result<CommandId, Misuse> {
        let call = command.verb().as_str();
        if self.end.is_some() || self.quitting {
            return Err(Misuse::NotNow { call, state: "behind QUIT or after the end" });
        }
        if !self.state.allows(command.verb()) {
            return Err(Misuse::NotNow { call, state: "before the login" });
        }
        let id = self.next_id();
        self.queue.push_back((id, command));
        Ok(id)
    }

    const fn next_id(&mut self) -> CommandId {
        self.last_id = self.last_id.wrapping_add(1);
        CommandId(self.last_id)
    }

    fn send_what_may_be_sent(&mut self) {
        if self.stage != Stage::Ready || self.end.is_some() {
            return;
        }
        let busy = |client: &Self| !client.due.is_empty() || !matches!(client.reading, Reading::Reply);
        if self.state == State::Authorization {
            if busy(self) {
                return;
            }
            if let Some((id, login)) = self.login.take() {
                self.send_login(id, login);
                return;
            }
        }
        // One at a time, unless the server says that it reads ahead (RFC 2449 6.6).
        let window = if self.capabilities.has("PIPELINING") { self.config.limits.pipeline_max } else { 1 };
        while self.due.len() < window.max(1) && (window > 1 || !busy(self)) {
            let Some((id, command)) = self.queue.pop_front() else { return };
            if command == Command::Quit {
                self.state = self.state.quit();
            }
            let due = Due::Command(id, command.clone());
            self.send(&command, due);
        }
    }

    fn send_login(&mut self, id: CommandId, login: Login) {
        match login {
            Login::UserPass { user, password } => self.send(&Command::User(user), Due::User(id, password)),
            Login::Sasl { mechanism, initial } => {
                let mut line = bytes::BytesMut::new();
                let with = Command::Auth { mechanism: mechanism.clone(), initial: initial.clone() };
                encode::command(&with, &mut line);
                if line.len() <= COMMAND_MAX {
                    self.send(&with, Due::Auth(id, None));
                } else {
                    // RFC 5034 4: too long for the command, so it waits for an empty challenge.
                    self.send(&Command::Auth { mechanism, initial: None }, Due::Auth(id, initial));
                }
            }
        }
    }

    fn send(&mut self, command: &Command, due: Due) {
        self.out.encode(|out| encode::command(command, out));
        if self.timers.deadline(Timer::Reply).is_none() {
            self.arm();
            self.armed_blindly = true;
        }
        self.due.push_back(due);
    }

    fn respond(&mut self, ticket: Ticket, response: Option<&Secret>) -> Result<(), Misuse> {
        if let Answer::InTime = self.tickets.redeem(ticket)? {
            self.say_response(response);
            self.arm();
            self.armed_blindly = true;
        }
        Ok(())
    }

    fn say_response(&mut self, response: Option<&Secret>) {
        self.out.encode(|out| {
            match response {
                Some(response) => encode::base64(response, out),
                None => out.extend_from_slice(b"*"),
            }
            out.extend_from_slice(b"\r\n");
        });
    }

    fn arm(&mut self) {
        self.timers.arm(Timer::Reply, self.now, self.config.limits.reply_timeout);
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
            self.login = None;
        }
    }
}

posthaste_wire::delegate_machine!(Client, Event, crate::ProtocolError);
