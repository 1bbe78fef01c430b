//! The server machine: one IMAP conversation from the greeting to BYE.
//!
//! This file holds the phases and what the driver calls; `command` reads commands and decides what becomes of a
//! literal, `gate` which of them keep to what `extensions` offers, `dispatch` what a well-formed command does, `reply`
//! how answers leave, `update` when the client hears what it did not ask for. The rules of what is legal stand in
//! `session`; what a mailbox holds is the application's business.
//!
//! ```text
//!   Greeting ──► Command ◄──────────────────────────────────────────────┐
//!                  │  a token is out: Paused                            │ answered
//!                  ├──► (asked) ────────────────────────────────────────┤
//!                  ├──► Sasl: a response line is due ───────────────────┤
//!                  ├──► Append: a message ◄──► AppendTail ─► (asked) ───┤
//!                  ├──► Idle: until DONE ─► (asked) ────────────────────┤
//!                  ├──► UpgradeDue ─► Upgrading: TLS, DEFLATE ──────────┘
//!                  └──► Closed
//! ```

mod access;
mod account;
mod append;
mod asked;
mod auth;
mod command;
mod compress;
mod config;
mod dispatch;
mod enabled;
mod event;
mod extensions;
mod fetch;
mod gate;
mod head;
mod idle;
mod list;
mod mailbox;
mod message;
mod metadata;
mod notice;
mod notify;
mod payload;
mod refuse;
mod reply;
mod search;
mod select;
mod update;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;
use posthaste_wire::{
    Layer, Misuse, Security, SendQueue, Step, Tickets, Time, TimerName, TimerTable, Upgrade,
};

pub use access::Access;
pub use account::Unauthenticate;
pub use append::{AppendEnd, ReplaceEnd};
pub use asked::{Asked, Refusal};
pub use auth::{Auth, StartTls};
pub use compress::Compress;
pub use config::{AuthPrivacy, Config, ConfigError, TlsOffer};
pub use enabled::Feature;
pub use event::{
    Append, AppendMore, Close, Copy, Delete, DeleteAcl, Event, Expunge, Fetch, GetAcl, GetMetadataOf,
    GetQuota, GetQuotaRoot, Idle, IdleDone, ListRightsOf, Lsub, Move, MultiSearch, MyRights, Namespace, Noop,
    Notify, Rename, Replace, Search, Select, SetAcl, SetMetadata, SetQuota, Sort, StatusOf, Store, Subscribe,
    Thread, UidBatchesOf, Unselect, Unsubscribe,
};
pub use extensions::Extensions;
pub use fetch::{FetchWriter, LiteralWriter, RowWriter};
pub use message::CopyUid;
pub use metadata::{MetadataWriter, ValueWriter};
pub use notice::Notice;
pub use search::Found;
pub use select::{SelectData, SelectMore, SelectedFlags, Selecting, UidLife};
pub use update::{Message, Update};

use crate::error::ProtocolError;
use crate::frame::Framer;
use crate::session::State;
use crate::types::{Capability, ResponseCode, Tag};

/// The server's side of one conversation.
///
/// Memory: see [`Limits`](crate::Limits); nothing grows with the length of the conversation but what
/// [`update`](Self::update) has to hold back.
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
    /// Updates that must not be sent yet, in the order they were handed in.
    held: Vec<Update>,
    /// Updates are held that only wait for room in the send queue.
    stalled: bool,
    /// An update was refused because too many are held.
    resync_due: bool,
    /// NOTIFY was too much, and the client has to be told.
    overflowed: bool,
    enabled: enabled::Enabled,
    notify: notify::NotifyState,
    /// Whether the layer of COMPRESS is in place.
    compressed: bool,
    /// HIGHESTMODSEQ of the selected mailbox as it was told.
    highest_mod_seq: Option<u64>,
    /// Whether the command in progress forbids EXPUNGE (RFC 9051 7.5.1).
    expunge_forbidden: bool,
    delivery: append::Delivery,
    /// Whether the client has shown that it understands extended LIST responses (RFC 5258 3).
    extended_list: bool,
    /// Whether a row of FETCH is incomplete, so that nothing else can be sent.
    in_row: bool,
    opened: access::Opened,
    failed_logins: u32,
    violations: u32,
    /// Commands in a row that did nothing, and since when.
    junk: u32,
    junk_since: Time,
    /// Whether a well-formed command has come: an HTTP request would have been the first thing.
    is_imap: bool,
    /// The farewell that is due as soon as no command is in progress.
    farewell: Option<Refusal>,
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
    Sasl(auth::Exchange),
    /// Octets of a message that APPEND or REPLACE brings.
    Append(append::Arrival),
    /// What follows the message: the end of the line, or another message.
    AppendTail(append::Arrival),
    /// DONE is due.
    Idle(Tag),
    /// STARTTLS or COMPRESS is accepted; the step has not been taken yet.
    UpgradeDue(Layer),
    /// The driver sets up the layer.
    Upgrading(Layer),
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
    /// A conversation that begins now, over a connection that is as secure as `security` says. A configuration that
    /// [cannot be meant](Config::validate) is safe, if of little use.
    pub fn new(config: Config, security: Security, now: Time) -> Self {
        let config = config.heeded();
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
            stalled: false,
            resync_due: false,
            overflowed: false,
            enabled: enabled::Enabled::default(),
            notify: notify::NotifyState::default(),
            compressed: false,
            highest_mod_seq: None,
            expunge_forbidden: false,
            delivery: append::Delivery::None,
            extended_list: false,
            in_row: false,
            opened: access::Opened::default(),
            failed_logins: 0,
            violations: 0,
            junk: 0,
            junk_since: now,
            is_imap: false,
            farewell: None,
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

    /// Takes bytes from the client.
    pub fn handle_input(&mut self, now: Time, input: &[u8]) {
        self.now = now;
        match self.phase {
            Phase::Closed => {}
            Phase::UpgradeDue(_) | Phase::Upgrading(_) => self.fail(ProtocolError::Residue),
            _ => {
                self.framer.push(input);
                match self.phase {
                    Phase::Append(_) => {
                        self.timers.arm(Timer::Append, now, self.config.limits.append_timeout);
                    }
                    // The client waits for us, and what it sends meanwhile is not looked at: it cannot be late.
                    Phase::Asked => {}
                    _ => self.timers.arm_once(Timer::Command, now, self.config.limits.command_timeout),
                }
            }
        }
    }

    /// Takes note that the client will send nothing more.
    pub fn handle_eof(&mut self, now: Time) {
        self.now = now;
        self.close();
    }

    /// Takes note of the time.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        let Some(_) = self.timers.expire(now) else { return };
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

    /// Says BYE because the server stops, and closes, as soon as no command is in progress.
    pub fn shutdown(&mut self, now: Time) {
        self.end(now, Refusal::new("Server is shutting down").with_code(ResponseCode::Unavailable));
    }

    /// Says BYE for a reason of the application's, and closes, as soon as no command is in progress: the selected
    /// mailbox is gone, say (RFC 2180 3.1).
    pub fn end(&mut self, now: Time, reason: Refusal) {
        self.now = now;
        self.farewell.get_or_insert(reason);
        self.shutdown_if_idle();
    }

    /// Parses the next event.
    ///
    /// # Errors
    ///
    /// [`ProtocolError`]; the farewell is in the send queue.
    pub fn poll_event(&mut self) -> Result<Step<Event>, ProtocolError> {
        loop {
            if self.stalled {
                self.release_if_possible();
            }
            if let Some(event) = self.events.pop_front() {
                return Ok(Step::Event(event));
            }
            if let Some(error) = &self.error {
                return Err(error.clone());
            }
            if self.tickets.is_open() {
                return Ok(Step::Paused);
            }
            // Commands that are here already, and wait behind the one that was answered, are not begun any more.
            self.shutdown_if_idle();
            let event = match &self.phase {
                Phase::Closed => return Ok(Step::Closed),
                Phase::Upgrading(_) => return Ok(Step::NeedInput),
                Phase::UpgradeDue(layer) => match self.framer.drained() {
                    Ok(drained) => {
                        let layer = *layer;
                        self.phase = Phase::Upgrading(layer);
                        return Ok(Step::Upgrade(Upgrade::new(layer, drained)));
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
                // A client that does not read its answers gets no more of them. The driver asks again when there is
                // room.
                Phase::Command if self.out.is_congested() => return Ok(Step::NeedInput),
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

    /// Takes note that the layer is in place. With TLS all that was known before is forgotten (RFC 9051 6.2.1); with
    /// DEFLATE all goes on, and `security` stays what it was (RFC 4978).
    ///
    /// # Errors
    ///
    /// [`Misuse::NoUpgrade`] when none was asked for.
    pub fn upgraded(&mut self, now: Time, upgrade: Upgrade, security: Security) -> Result<(), Misuse> {
        if self.phase != Phase::Upgrading(upgrade.layer()) {
            return Err(Misuse::NoUpgrade);
        }
        let layer = upgrade.layer();
        drop(upgrade);
        if layer == Layer::Deflate {
            self.now = now;
            self.compressed();
            return Ok(());
        }
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
            stalled,
            resync_due,
            overflowed,
            enabled,
            notify,
            compressed,
            highest_mod_seq,
            expunge_forbidden,
            delivery,
            extended_list,
            in_row,
            opened,
            // Counters of misbehaviour stay: TLS is no pardon.
            failed_logins: _,
            violations: _,
            junk: _,
            junk_since: _,
            is_imap: _,
            farewell: _,
            error: _,
        } = self;
        *old_security = security;
        *state = State::NotAuthenticated;
        *phase = Phase::Command;
        *framer = Framer::new();
        *old_now = now;
        held.clear();
        *stalled = false;
        *resync_due = false;
        *overflowed = false;
        *enabled = enabled::Enabled::default();
        *notify = notify::NotifyState::default();
        *compressed = false;
        *highest_mod_seq = None;
        *expunge_forbidden = false;
        *delivery = append::Delivery::None;
        *extended_list = false;
        *in_row = false;
        *opened = access::Opened::default();
        timers.disarm_all();
        self.timers.arm(Timer::Login, now, self.config.limits.login_timeout);
        Ok(())
    }

    /// What is announced in the present state.
    pub fn capabilities(&self) -> Vec<Capability> {
        self.config.capabilities(self.state, self.security, self.compressed)
    }
}

/// What one look at the input came to.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives for one call, and an event is what there mostly is")]
enum Poll {
    Event(Event),
    /// Something was done that is no event; go on.
    Again,
    NeedInput,
}

posthaste_wire::delegate_machine!(Server, Event, ProtocolError, |machine| (machine.framer, machine.out));
