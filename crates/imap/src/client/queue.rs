//! The way of a command: queued, sent in pieces, in progress, complete.
//!
//! Checks a command against the state that the commands before it will leave, keeps the order, asks the table of
//! `pipeline.rs` what may be in progress together, and holds back what stands behind a `+` until it comes. What a
//! command needs of the server stands in `needs.rs`, what can be wrong with its arguments in `arguments.rs`.

use crate::client::idle::Idle;
use crate::client::needs::{self, Moment};
use crate::client::pieces::{More, Piece, pieces};
use crate::client::pipeline::{Company, company, group, transition};
use crate::client::setup::Phase;
use crate::client::{
    AuthPrivacy, Client, CommandId, Event, MailboxState, ProtocolError, Timer, TlsPolicy, Violation,
    arguments, fallback,
};
use crate::encode::{EncodeContext, LiteralMode};
use crate::session::{Group, State, Transition};
use crate::types::{Command, Tag};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use posthaste_wire::{Counted, Misuse, Secret};

/// A command of which nothing was sent.
#[derive(Debug)]
pub(crate) struct Queued {
    /// `None` for the machine's own.
    pub(crate) id: Option<CommandId>,
    pub(crate) command: Command,
    /// What follows the first literal of APPEND or REPLACE.
    pub(crate) more: VecDeque<More>,
    pub(crate) purpose: Purpose,
}

impl Queued {
    pub(crate) fn own(command: Command, purpose: Purpose) -> Self {
        Self { id: None, command, more: VecDeque::new(), purpose }
    }
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
    /// Extensions were asked for.
    Enable,
    /// IDLE, begun by the application or anew by the machine.
    Idle,
    /// Tell the application; the command was refused in another form before.
    Repeated,
    /// The layer changes, and nothing else.
    Compress,
    /// Nobody is logged in any more.
    Unauthenticate,
    /// The server wants to know who we are; the application did not ask.
    Identify,
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
    /// It names a mailbox, or none: what its answer says of one is not about the one that is selected.
    pub(crate) is_about_another: bool,
    /// Message numbers changed while it was in progress, which it forbids; told once.
    is_disturbed: bool,
    /// Every octet of it is on its way: only then an OK can be its answer.
    pub(crate) is_sent: bool,
    /// The command, where it could be tried in another form.
    pub(crate) repeatable: Option<Box<Command>>,
}

impl Running {
    pub(crate) fn is_logout(&self) -> bool {
        self.purpose == Purpose::Logout
    }

    /// Takes note that message numbers have changed. Whether that must not be now, and was not told yet.
    pub(crate) fn disturb(&mut self) -> bool {
        self.company.keeps_numbers() && !core::mem::replace(&mut self.is_disturbed, true)
    }
}

/// What the command that was sent last still has to send.
#[derive(Debug)]
pub(crate) enum Sending {
    /// Pieces behind a `+` that is due.
    Pieces { rest: VecDeque<Piece>, then: Then },
    /// Responses to challenges, as they come; first the initial response, where it could not go along.
    Authenticate { initial: Option<Secret> },
    /// The octets of a literal, by a writer, and what stands behind them.
    Writing { counted: Counted, rest: VecDeque<Piece> },
    /// DONE.
    Idle(Idle),
}

/// What follows when the pieces of a command are sent.
#[derive(Debug)]
pub(crate) enum Then {
    Nothing,
    Authenticate { initial: Option<Secret> },
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
    /// the server does not announce what it needs or nobody enabled it, or when the queue is full; nothing is queued.
    ///
    /// [`Config`]: crate::client::Config
    pub fn command(&mut self, command: Command) -> Result<CommandId, Misuse> {
        self.enqueue(command, VecDeque::new())
    }

    pub(crate) fn enqueue(&mut self, command: Command, more: VecDeque<More>) -> Result<CommandId, Misuse> {
        let purpose = purpose(&command);
        let mut queued = Queued { id: None, command, more, purpose };
        self.admit(&queued)?;
        self.commands_queued = self.commands_queued.saturating_add(1);
        let id = CommandId(self.commands_queued);
        queued.id = Some(id);
        self.queue.push_back(queued);
        self.pump();
        Ok(id)
    }

    /// Sends from the queue what may be sent now.
    pub(crate) fn pump(&mut self) {
        while let Some((queued, company)) = self.next_in_turn() {
            match (self.check_now(&queued), queued.id) {
                (Ok(()), _) => self.start(queued, company),
                (Err(why), Some(id)) => self.events.push_back(Event::NotSent { id, why }),
                (Err(_), None) => {}
            }
        }
        self.watch();
    }

    /// Takes the next command when its turn has come.
    fn next_in_turn(&mut self) -> Option<(Queued, Company)> {
        let open = matches!(self.phase, Phase::Ready) && !self.is_over() && !self.bye;
        if !open || self.sending.is_some() || self.running.len() >= self.config.limits.running_max.max(1) {
            return None;
        }
        let next = self.queue.front()?;
        let company = match next.purpose {
            // What follows is written by what the answer announces.
            Purpose::Capability | Purpose::Identify => Company::Alone,
            _ => company(&next.command),
        };
        let joins = self.running.iter().all(|running| company.may_join(running.company));
        let next = if joins { self.queue.pop_front() } else { None };
        if self.queue.is_empty() {
            // A client that waits for hours keeps no room for commands.
            self.queue = VecDeque::new();
        }
        next.map(|next| (next, company))
    }

    /// Begins to send a command.
    pub(crate) fn start(&mut self, queued: Queued, company: Company) {
        let Queued { id, mut command, more, purpose } = queued;
        if let (Some(id), Some(fallback)) = (id, self.adapt(&mut command)) {
            self.events.push_back(Event::Fallback { id, fallback });
        }
        let serial = self.commands_sent.saturating_add(1);
        // Letters and digits, at most 36 of them: always a tag.
        let Ok(tag) = Tag::new(format!("{}{serial}", self.config.tag_prefix.as_str())) else { return };
        self.commands_sent = serial;
        let then = self.then(id, &mut command, purpose);
        let repeatable = fallback::repeatable(&command).filter(|_| purpose != Purpose::Repeated);
        let rest = pieces(&tag, &command, &more, self.encode_context());
        match &command {
            Command::Select(mailbox, _) => self.opening = Some(MailboxState::new(mailbox.clone(), false)),
            Command::Examine(mailbox, _) => self.opening = Some(MailboxState::new(mailbox.clone(), true)),
            Command::Login(_) | Command::Authenticate(_) | Command::Unauthenticate => {
                self.capabilities_told = false;
            }
            Command::Enable(capabilities) => self.enabling.clone_from(capabilities),
            Command::Logout => {
                self.timers.arm_once(Timer::Logout, self.now, self.config.limits.logout_timeout);
            }
            _ => {}
        }
        let transition = transition(&command);
        let is_about_another = matches!(group(&command), Group::Authenticated);
        self.running.push(Running {
            id,
            serial,
            tag,
            purpose,
            transition,
            company,
            is_about_another,
            is_disturbed: false,
            is_sent: false,
            repeatable,
        });
        self.send_pieces(serial, rest, then);
    }

    /// Takes a continuation request.
    pub(crate) fn go_ahead(&mut self, text: &[u8]) -> Result<(), ProtocolError> {
        match self.sending.take() {
            Some((serial, Sending::Pieces { rest, then })) => {
                self.send_pieces(serial, rest, then);
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

    pub(crate) fn send_pieces(&mut self, serial: u64, mut rest: VecDeque<Piece>, then: Then) {
        while let Some(piece) = rest.pop_front() {
            match piece {
                Piece::Bytes(bytes) => self.send.push_text(bytes),
                Piece::Secret(secret) => self.send.push_secret(secret),
                Piece::Wait => {
                    self.sending = Some((serial, Sending::Pieces { rest, then }));
                    return;
                }
                Piece::Literal { index, length } => {
                    let running = self.running.iter().find(|running| running.serial == serial);
                    let id = running.and_then(|running| running.id);
                    self.sending = Some((serial, Sending::Writing { counted: Counted::new(length), rest }));
                    self.offer_writer(id, index, length);
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
        };
    }

    fn then(&self, id: Option<CommandId>, command: &mut Command, purpose: Purpose) -> Then {
        match command {
            Command::Idle => Then::Idle(Idle::new(id)),
            // RFC 4959 3: the initial response goes along where the server says it takes it.
            Command::Authenticate(_) if purpose != Purpose::Repeated && self.has_capability("SASL-IR") => {
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
    fn admit(&self, queued: &Queued) -> Result<(), Misuse> {
        let command = &queued.command;
        let call = command.name();
        if self.is_over() || self.bye {
            return Err(Misuse::NotNow { call, state: "after the end of the conversation" });
        }
        if let Command::StartTls = command {
            return Err(Misuse::NotNow { call, state: "by hand: the configuration decides" });
        }
        if self.queue.len() >= self.config.limits.queue_max {
            return Err(Misuse::NotNow { call, state: "while the queue is full" });
        }
        arguments::check(command)?;
        let expected = self.expected();
        self.check_state(command, expected)?;
        check_enable(command, self.expects_selected())?;
        let login = matches!(command, Command::Login(_) | Command::Authenticate(_));
        if !matches!(self.phase, Phase::Ready) {
            // Before that nobody knows what the server needs and what protects it.
            if login && !self.security.is_private() && self.config.tls != TlsPolicy::Required {
                return Err(Misuse::NotNow { call, state: "before the client is ready" });
            }
            return Ok(());
        }
        if expected.is_authenticated() != self.state.is_authenticated() {
            // What the server announces changes before the turn of this command comes.
            return Ok(());
        }
        self.check_login(command)?;
        needs::check(self, queued, Moment::Queued)
    }

    /// Whether a command may be sent at this moment.
    fn check_now(&self, queued: &Queued) -> Result<(), Misuse> {
        self.check_state(&queued.command, self.state)?;
        check_enable(&queued.command, self.has_selected)?;
        self.check_login(&queued.command)?;
        needs::check(self, queued, Moment::Now)
    }

    fn check_state(&self, command: &Command, state: State) -> Result<(), Misuse> {
        if state.allows(group(command)) {
            return Ok(());
        }
        let state = match state {
            State::NotAuthenticated => "before login",
            State::Authenticated if matches!(group(command), Group::NotAuthenticated) => "after login",
            State::Authenticated => "without a selected mailbox",
            State::Selected => "after login",
            State::Logout => "after LOGOUT",
        };
        Err(Misuse::NotNow { call: command.name(), state })
    }

    /// Whether the connection is worth a password, and LOGIN can carry it.
    fn check_login(&self, command: &Command) -> Result<(), Misuse> {
        let call = command.name();
        if let Command::Login(login) = command {
            let texts = [("user", login.user().as_bytes()), ("password", login.password().expose())];
            if let Some((argument, _)) = texts.into_iter().find(|(_, text)| !text.is_ascii()) {
                let problem = "is not ASCII: only AUTHENTICATE carries that";
                return Err(Misuse::Argument { argument, problem });
            }
        }
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
        Ok(())
    }

    /// The state when all that is in progress and queued has succeeded.
    fn expected(&self) -> State {
        self.expected_transitions().fold(self.state, State::after)
    }

    /// Whether a mailbox will have been selected by then.
    pub(crate) fn expects_selected(&self) -> bool {
        self.expected_transitions().fold(self.has_selected, has_selected_after)
    }

    fn expected_transitions(&self) -> impl Iterator<Item = Transition> + '_ {
        let running = self.running.iter().filter_map(|running| running.transition);
        running.chain(self.queue.iter().filter_map(|queued| transition(&queued.command)))
    }
}

/// Whether a mailbox was selected since login, once `transition` has happened.
pub(crate) const fn has_selected_after(has_selected: bool, transition: Transition) -> bool {
    match transition {
        Transition::Selected => true,
        Transition::Unauthenticated => false,
        Transition::LoggedIn | Transition::Deselected | Transition::LoggedOut => has_selected,
    }
}

/// RFC 5161 3.1, RFC 9051 6.3.1: nothing is enabled once a mailbox was selected, not even when it is closed again.
const fn check_enable(command: &Command, has_selected: bool) -> Result<(), Misuse> {
    match command {
        Command::Enable(_) if has_selected => {
            Err(Misuse::NotNow { call: "ENABLE", state: "once a mailbox was selected" })
        }
        _ => Ok(()),
    }
}

const fn purpose(command: &Command) -> Purpose {
    match command {
        Command::Login(_) | Command::Authenticate(_) => Purpose::Login,
        Command::Select(..) | Command::Examine(..) => Purpose::Select,
        Command::Enable(_) => Purpose::Enable,
        Command::Idle => Purpose::Idle,
        Command::Logout => Purpose::Logout,
        Command::CompressDeflate => Purpose::Compress,
        Command::Unauthenticate => Purpose::Unauthenticate,
        _ => Purpose::Plain,
    }
}
