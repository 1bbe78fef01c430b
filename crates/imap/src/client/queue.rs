//! The way of a command: queued, sent in pieces, in progress, complete.
//!
//! Checks a command against the state that the commands before it will leave, keeps the order, asks the table of
//! `pipeline.rs` what may be in progress together, and holds back what stands behind a `+` until it comes.

use crate::client::idle::Idle;
use crate::client::pipeline::{Company, company, group, transition};
use crate::client::setup::Phase;
use crate::client::{AuthPrivacy, Client, CommandId, Event, Timer, TlsPolicy, Violation};
use crate::client::{MailboxState, ProtocolError};
use crate::encode::{self, EncodeContext, Fragment, LiteralMode};
use crate::session::{State, Transition};
use crate::types::{AppendData, Command, SearchKey, Tag};
use alloc::collections::VecDeque;
use alloc::format;
use posthaste_wire::{Counted, Misuse, Secret};

/// A command of which nothing was sent.
#[derive(Debug)]
pub(crate) struct Queued {
    /// `None` for the machine's own.
    pub(crate) id: Option<CommandId>,
    pub(crate) command: Command,
    pub(crate) purpose: Purpose,
}

/// What is to happen when a command is complete, beyond its transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Tell the application.
    Plain,
    /// The server's data is the answer; the machine asked.
    Capability,
    /// The layer changes.
    StartTls,
    /// The capabilities may have changed.
    Login,
    /// The mailbox in `Client::opening` is selected.
    Select,
    /// IDLE, begun by the application or anew by the machine.
    Idle,
    /// The conversation is over.
    Logout,
}

/// A command in progress.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) id: Option<CommandId>,
    pub(crate) serial: u64,
    pub(crate) tag: Tag,
    pub(crate) purpose: Purpose,
    pub(crate) transition: Option<Transition>,
    company: Company,
    /// Every octet of it is on its way: only then an OK can be its answer.
    pub(crate) is_sent: bool,
}

impl Running {
    pub(crate) fn is_logout(&self) -> bool {
        self.purpose == Purpose::Logout
    }
}

/// What the command that was sent last still has to send.
#[derive(Debug)]
pub(crate) enum Sending {
    /// Pieces behind a `+` that is due.
    Parts { rest: VecDeque<Fragment>, then: Then },
    /// Responses to challenges, as they come; first the initial response, where it could not go along.
    Authenticate { initial: Option<Secret> },
    /// The octets of a message, by a writer.
    Writing { counted: Counted },
    /// DONE.
    Idle(Idle),
}

/// What follows when the pieces of a command are sent.
#[derive(Debug)]
pub(crate) enum Then {
    Nothing,
    Authenticate { initial: Option<Secret> },
    Append { id: Option<CommandId>, length: u64 },
    Idle(Idle),
}

impl Client {
    /// Queues a command.
    ///
    /// What the state allows is judged as if all commands before it succeeded. One that then proves impossible
    /// comes back as [`Event::NotSent`]. While IDLE is in progress, commands wait for [`Client::done`]. The octets of
    /// [`Command::Append`] are asked for by [`Event::AppendReady`]; the response to [`Command::Authenticate`]'s
    /// challenges by [`Event::Challenge`].
    ///
    /// # Errors
    /// [`Misuse`] when the command is not legal then, when it would give away a password (see [`Config`]), when
    /// the server does not announce what it needs, or when the queue is full; nothing is queued.
    ///
    /// [`Config`]: crate::client::Config
    pub fn command(&mut self, command: Command) -> Result<CommandId, Misuse> {
        self.admit(&command)?;
        let purpose = purpose(&command);
        self.commands_queued = self.commands_queued.saturating_add(1);
        let id = CommandId(self.commands_queued);
        self.queue.push_back(Queued { id: Some(id), command, purpose });
        self.pump();
        Ok(id)
    }

    /// Sends from the queue what may be sent now.
    pub(crate) fn pump(&mut self) {
        while let Some((Queued { id, command, purpose }, company)) = self.next_in_turn() {
            match (self.check_now(&command), id) {
                (Ok(()), _) => self.start(id, command, purpose, company),
                (Err(why), Some(id)) => self.events.push_back(Event::NotSent { id, why }),
                (Err(_), None) => {}
            }
        }
        self.watch();
    }

    /// Takes the next command when its turn has come.
    fn next_in_turn(&mut self) -> Option<(Queued, Company)> {
        let open = matches!(self.phase, Phase::Ready) && !self.is_over() && !self.bye;
        if !open || self.sending.is_some() || self.running.len() >= self.config.limits.running_max {
            return None;
        }
        let next = self.queue.front()?;
        let company = match next.purpose {
            // What follows is written by what the answer announces.
            Purpose::Capability => Company::Alone,
            _ => company(&next.command),
        };
        let joins = self.running.iter().all(|running| company.may_join(running.company));
        if joins { self.queue.pop_front().map(|next| (next, company)) } else { None }
    }

    /// Begins to send a command.
    pub(crate) fn start(
        &mut self,
        id: Option<CommandId>,
        mut command: Command,
        purpose: Purpose,
        company: Company,
    ) {
        let serial = self.commands_sent.saturating_add(1);
        // Letters and digits, at most 36 of them: always a tag.
        let Ok(tag) = Tag::new(format!("{}{serial}", self.config.tag_prefix.as_str())) else { return };
        self.commands_sent = serial;
        let then = self.then(id, &mut command);
        let rest = VecDeque::from(encode::command(&tag, &command, self.encode_context()));
        match &command {
            Command::Select(mailbox, _) => self.opening = Some(MailboxState::new(mailbox.clone(), false)),
            Command::Examine(mailbox, _) => self.opening = Some(MailboxState::new(mailbox.clone(), true)),
            Command::Login(_) | Command::Authenticate(_) => self.capabilities_told = false,
            Command::Logout => {
                self.timers.arm_once(Timer::Logout, self.now, self.config.limits.logout_timeout);
            }
            _ => {}
        }
        let transition = transition(&command);
        self.running.push(Running { id, serial, tag, purpose, transition, company, is_sent: false });
        self.send_parts(serial, rest, then);
    }

    /// Takes a continuation request.
    pub(crate) fn go_ahead(&mut self, text: &[u8]) -> Result<(), ProtocolError> {
        match self.sending.take() {
            Some((serial, Sending::Parts { rest, then })) => {
                self.send_parts(serial, rest, then);
                Ok(())
            }
            Some((serial, Sending::Authenticate { initial })) => self.challenged(serial, initial, text),
            Some((serial, Sending::Idle(idle))) if idle.awaits_go_ahead() => {
                self.idling(serial, idle);
                Ok(())
            }
            other => {
                self.sending = other;
                self.violation(Violation::UnexpectedContinue)
            }
        }
    }

    /// The command with this serial number sends nothing more.
    pub(crate) fn all_sent(&mut self, serial: u64) {
        self.sending = None;
        self.mark_sent(serial);
    }

    /// From here on an OK can be the answer.
    pub(crate) fn mark_sent(&mut self, serial: u64) {
        if let Some(running) = self.running.iter_mut().find(|running| running.serial == serial) {
            running.is_sent = true;
        }
    }

    /// Drops all that is queued; the application learns of each.
    pub(crate) fn drop_queue(&mut self) {
        let why = Misuse::NotNow { call: "command", state: "because the client shuts down" };
        for id in self.queue.drain(..).filter_map(|queued| queued.id) {
            self.events.push_back(Event::NotSent { id, why });
        }
    }

    fn send_parts(&mut self, serial: u64, mut rest: VecDeque<Fragment>, then: Then) {
        while let Some(fragment) = rest.pop_front() {
            match fragment {
                Fragment::Bytes(bytes) => self.send.push(bytes),
                Fragment::SyncPoint => {
                    self.sending = Some((serial, Sending::Parts { rest, then }));
                    return;
                }
            }
        }
        self.sending = match then {
            Then::Nothing => {
                self.mark_sent(serial);
                None
            }
            Then::Authenticate { initial } => {
                if initial.is_none() {
                    self.mark_sent(serial);
                }
                Some((serial, Sending::Authenticate { initial }))
            }
            Then::Idle(idle) => {
                self.mark_sent(serial);
                Some((serial, Sending::Idle(idle)))
            }
            Then::Append { id, length } => {
                self.offer_writer(id, length);
                Some((serial, Sending::Writing { counted: Counted::new(length) }))
            }
        };
    }

    fn then(&self, id: Option<CommandId>, command: &mut Command) -> Then {
        match command {
            Command::Append(_, AppendData::Literal(header)) => Then::Append { id, length: header.len },
            Command::Idle => Then::Idle(Idle::new(id)),
            // RFC 4959 3: the initial response goes along where the server says it takes it.
            Command::Authenticate(_) if self.has_capability("SASL-IR") => {
                Then::Authenticate { initial: None }
            }
            Command::Authenticate(authenticate) => {
                Then::Authenticate { initial: authenticate.initial.take() }
            }
            _ => Then::Nothing,
        }
    }

    fn encode_context(&self) -> EncodeContext {
        let mut context = EncodeContext::default();
        context.utf8 = self.context.utf8;
        context.literals = if self.has_capability("LITERAL+") {
            LiteralMode::NonSynchronising
        } else if self.has_capability("LITERAL-") || self.has_capability("IMAP4rev2") {
            LiteralMode::NonSynchronisingSmall
        } else {
            LiteralMode::Synchronising
        };
        context
    }

    /// Whether a command may be queued.
    fn admit(&self, command: &Command) -> Result<(), Misuse> {
        let call = command.name();
        if self.is_over() || self.bye {
            return Err(Misuse::NotNow { call, state: "after the end of the conversation" });
        }
        if let Command::StartTls = command {
            return Err(Misuse::NotNow { call, state: "by hand: the configuration decides" });
        }
        if is_unsupported(command) {
            return Err(Misuse::Argument {
                argument: "command",
                problem: "is of an extension without support here",
            });
        }
        if self.queue.len() >= self.config.limits.queue_max {
            return Err(Misuse::NotNow { call, state: "while the queue is full" });
        }
        if let Command::Search(_, search) = command
            && search.keys.iter().any(|key| is_deeper_than(key, SEARCH_DEPTH_MAX))
        {
            return Err(Misuse::Argument { argument: "search key", problem: "is nested too deep" });
        }
        if !matches!(self.phase, Phase::Ready) {
            let login = matches!(command, Command::Login(_) | Command::Authenticate(_));
            // Before that nobody knows what the server needs and what protects it.
            if login && !self.security.is_private() && self.config.tls != TlsPolicy::Required {
                return Err(Misuse::NotNow { call, state: "before the client is ready" });
            }
            return self.check_state(command, self.expected());
        }
        self.check_state(command, self.expected())?;
        self.check_announced(command)
    }

    /// Whether a command may be sent at this moment.
    fn check_now(&self, command: &Command) -> Result<(), Misuse> {
        self.check_state(command, self.state)?;
        self.check_announced(command)
    }

    fn check_state(&self, command: &Command, state: State) -> Result<(), Misuse> {
        if state.allows(group(command)) {
            return Ok(());
        }
        let state = match state {
            State::NotAuthenticated => "before login",
            State::Authenticated if matches!(group(command), crate::session::Group::NotAuthenticated) => {
                "after login"
            }
            State::Authenticated => "without a selected mailbox",
            State::Selected => "after login",
            State::Logout => "after LOGOUT",
        };
        Err(Misuse::NotNow { call: command.name(), state })
    }

    /// Whether the server takes the command, as far as it has told, and whether the connection is worth it.
    fn check_announced(&self, command: &Command) -> Result<(), Misuse> {
        let call = command.name();
        let login = matches!(command, Command::Login(_));
        if login || matches!(command, Command::Authenticate(_)) {
            if !self.security.is_private() && self.config.auth_requires_tls == AuthPrivacy::Required {
                return Err(Misuse::NotNow { call, state: "over a connection that is not private" });
            }
            // RFC 9051 6.2.3: LOGIN only.
            if login && self.has_capability("LOGINDISABLED") {
                return Err(Misuse::NotNow { call, state: "while the server announces LOGINDISABLED" });
            }
        }
        let told = self.capabilities.is_some();
        if told
            && matches!(command, Command::Idle)
            && !self.has_capability("IDLE")
            && !self.has_capability("IMAP4rev2")
        {
            return Err(Misuse::NotNow { call, state: "with a server that does not announce it" });
        }
        // RFC 6855 6: such a server opens no mailbox for a client that has not said it reads UTF-8.
        let opens = matches!(command, Command::Select(..) | Command::Examine(..));
        if opens && !self.context.utf8 && self.has_capability("UTF8=ONLY") {
            return Err(Misuse::NotNow {
                call,
                state: "before UTF8=ACCEPT is enabled, which the server demands",
            });
        }
        Ok(())
    }

    /// The state when all that is in progress and queued has succeeded.
    fn expected(&self) -> State {
        let running = self.running.iter().filter_map(|running| running.transition);
        let queued = self.queue.iter().filter_map(|queued| transition(&queued.command));
        running.chain(queued).fold(self.state, State::after)
    }
}

/// Whether the machine would lose its step with this command: it changes the layer, or has more literals than one.
const fn is_unsupported(command: &Command) -> bool {
    match command {
        Command::Append(_, AppendData::Literal(_)) => false,
        Command::Append(..) | Command::Replace(..) | Command::CompressDeflate | Command::Unauthenticate => {
            true
        }
        _ => false,
    }
}

const fn purpose(command: &Command) -> Purpose {
    match command {
        Command::Login(_) | Command::Authenticate(_) => Purpose::Login,
        Command::Select(..) | Command::Examine(..) => Purpose::Select,
        Command::Idle => Purpose::Idle,
        Command::Logout => Purpose::Logout,
        _ => Purpose::Plain,
    }
}

/// Whether `key` nests more than `levels` deep; looks no deeper than that.
fn is_deeper_than(key: &SearchKey, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return true };
    match key {
        SearchKey::Not(key) => is_deeper_than(key, below),
        SearchKey::Or(left, right) => is_deeper_than(left, below) || is_deeper_than(right, below),
        SearchKey::And(keys) => keys.iter().any(|key| is_deeper_than(key, below)),
        _ => false,
    }
}

/// How deep search keys may nest; no server takes more, and nothing here overflows.
const SEARCH_DEPTH_MAX: usize = 100;
