//! From the greeting to the moment the application may log in: capabilities and STARTTLS (RFC 9051 6.1.1, 6.2.1, 7.1).
//!
//! Nothing the application queued is sent before this is done, and what a server says in the clear while TLS is still
//! to come is neither shown nor kept (RFC 9051 6.2.1, RFC 8314).

use crate::client::pipeline::Company;
use crate::client::queue::{Purpose, Queued};
use crate::client::{Client, Event, Peer, ProtocolError, Quirks, QuirksPolicy, Timer, TlsPolicy};
use crate::parse;
use crate::session::Transition;
use crate::types::{Capability, Command, Condition, Response, ResponseCode, Status};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt::Write as _;
use posthaste_wire::{Layer, Upgrade};

/// Where a conversation is, as far as its connection goes.
///
/// ```text
///            no capabilities told           STARTTLS announced and wanted
///   Greeting ──────────────────► Capability ──────────────► StartTls ──► Upgrade ─┐
///      │                          │  ▲                                            │
///      └────────────► Ready ◄─────┘  └────────────────────────────────────────────┘
///                       └──► Closed
/// ```
#[derive(Debug)]
pub(crate) enum Phase {
    /// Nothing was said.
    Greeting,
    /// The capabilities were asked for.
    Capability,
    /// STARTTLS was asked for.
    StartTls,
    /// TLS is to be set up; the order is here until it is handed out.
    Upgrade(Option<Upgrade>),
    /// The application's commands are sent.
    Ready,
    /// It is over.
    Closed,
}

impl Client {
    /// Takes the first line.
    pub(crate) fn greet(&mut self, line: &Bytes) -> Result<(), ProtocolError> {
        let Ok(parsed) = parse::response(line, &self.context) else { return Err(rejected(line)) };
        self.repairs = self.repairs.with(parsed.repairs);
        let Response::Untagged(status) = parsed.response else { return Err(rejected(line)) };
        match status.condition {
            Condition::Ok => {}
            Condition::PreAuth if self.config.tls == TlsPolicy::Required && !self.security.is_private() => {
                // RFC 9051 11.2: STARTTLS is no longer possible, so somebody may want just that.
                return Err(ProtocolError::PreAuthInClear);
            }
            Condition::PreAuth => self.state = self.state.after(Transition::LoggedIn),
            Condition::Bye => {
                self.say_bye(status);
                return Ok(());
            }
            Condition::No | Condition::Bad => return Err(rejected(line)),
        }
        self.recognise(Peer::of_greeting(&status.text));
        if let Some(ResponseCode::Capability(capabilities)) = &status.code {
            self.note_capabilities(capabilities.clone());
        }
        self.alert(&status);
        if self.is_trusted() {
            self.events.push_back(Event::Greeting(status));
        }
        self.go_on()
    }

    /// Whether what the server says counts: TLS is up, or will not come.
    pub(crate) fn is_trusted(&self) -> bool {
        matches!(self.phase, Phase::Ready) || !self.wants_tls()
    }

    /// A command of the setup is complete.
    pub(crate) fn setup_done(&mut self, purpose: Purpose, status: &Status) -> Result<(), ProtocolError> {
        match purpose {
            Purpose::StartTls if status.condition == Condition::Ok => {
                let drained = self.reader.drained()?;
                self.phase = Phase::Upgrade(Some(Upgrade::new(Layer::Tls, drained)));
                Ok(())
            }
            Purpose::StartTls if self.config.tls == TlsPolicy::Required => {
                Err(ProtocolError::StartTlsRefused)
            }
            Purpose::StartTls => {
                self.ready();
                Ok(())
            }
            _ => {
                // A server that tells none has none: what it may have is not for us to guess.
                self.capabilities.get_or_insert_with(Vec::new);
                self.go_on()
            }
        }
    }

    /// TLS is in place: asks for the capabilities, because only what is said now counts.
    pub(crate) fn after_upgrade(&mut self) {
        if !self.security.is_private() {
            // The driver took it for worthless, and there is no second try.
            self.fail(ProtocolError::StartTlsRefused);
            return;
        }
        if let Err(error) = self.go_on() {
            self.fail(error);
        }
    }

    /// The next step of the setup.
    fn go_on(&mut self) -> Result<(), ProtocolError> {
        if self.capabilities.is_none() {
            self.phase = Phase::Capability;
            self.start_own(Command::Capability, Purpose::Capability);
        } else if self.wants_tls() && self.has_capability("STARTTLS") {
            self.phase = Phase::StartTls;
            self.start_own(Command::StartTls, Purpose::StartTls);
        } else if self.wants_tls() && self.config.tls == TlsPolicy::Required {
            return Err(ProtocolError::StartTlsMissing);
        } else {
            self.ready();
        }
        Ok(())
    }

    fn wants_tls(&self) -> bool {
        self.config.tls != TlsPolicy::Off && !self.security.is_private() && !self.state.is_authenticated()
    }

    fn ready(&mut self) {
        self.phase = Phase::Ready;
        self.timers.disarm(Timer::Setup);
        self.events.push_back(Event::Ready);
    }

    fn start_own(&mut self, command: Command, purpose: Purpose) {
        self.start(Queued::own(command, purpose), Company::Alone);
    }

    /// Takes the capabilities the server told.
    pub(crate) fn learn(&mut self, capabilities: Vec<Capability>) {
        if matches!(self.phase, Phase::Ready) {
            self.events.push_back(Event::Capability(capabilities.clone()));
        }
        self.note_capabilities(capabilities);
    }

    fn note_capabilities(&mut self, mut capabilities: Vec<Capability>) {
        self.recognise(Peer::of_capabilities(&capabilities));
        capabilities.retain(|capability| !self.quirks.ignores(capability));
        self.capabilities = Some(capabilities);
        self.settle_names();
    }

    /// Takes note of who the server seems to be. What it said last counts; nothing said changes nothing.
    pub(crate) fn recognise(&mut self, peer: Option<Peer>) {
        let Some(peer) = peer else { return };
        self.peer = peer;
        if self.config.quirks == QuirksPolicy::Detect {
            self.quirks = Quirks::of(peer);
            let quirks = &self.quirks;
            if let Some(capabilities) = &mut self.capabilities {
                capabilities.retain(|capability| !quirks.ignores(capability));
            }
        }
    }
}

fn rejected(line: &[u8]) -> ProtocolError {
    let mut text = String::new();
    for octet in line.iter().take(EXCERPT_MAX) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}", octet.escape_ascii());
    }
    ProtocolError::GreetingRejected { line: text }
}

const EXCERPT_MAX: usize = 80;
