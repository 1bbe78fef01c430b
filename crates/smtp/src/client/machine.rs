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

use bytes::Bytes;
use posthaste_wire::{
    Answer, Layer, Misuse, ReceiveBuffer, Secret, Security, SendQueue, Step, Ticket, Tickets, Time,
    TimerName, TimerTable, Upgrade,
};

use super::chunks::Outgoing;
use super::needs::Quota;
use super::transfer::Transfer;
use super::{Config, Event, Mode, TransactionId};
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
    /// For the reply to a chunk that is not the last.
    DataBlock,
    /// For the reply to the end of a message.
    DataEnd,
}

impl TimerName<5> for Timer {
    const ALL: [Self; 5] = [Self::Greeting, Self::Reply, Self::DataStart, Self::DataBlock, Self::DataEnd];
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
    /// How the content of the present message travels, while there is more to come.
    pub(super) outgoing: Option<Outgoing>,
    /// What is used up of what the server takes in one session.
    pub(super) quota: Quota,
    /// RSET goes out before the next message.
    pub(super) reset_is_due: bool,
    pub(super) authenticated: bool,
    /// An AUTH exchange that is to begin.
    pub(super) auth: Option<(Mechanism, Option<Secret>)>,
    /// An initial response that is too long for the AUTH command.
    pub(super) initial: Option<Secret>,
    /// NOOP is to be sent.
    pub(super) probe: bool,
    pub(super) queue: VecDeque<(TransactionId, Envelope)>,
    /// The number of the next message.
    pub(super) next_id: u64,
    pub(super) tls_tried: bool,
    pub(super) quit: bool,
    pub(super) eof: bool,
    error: Option<ProtocolError>,
    timers: TimerTable<Timer, 5>,
    pub(super) now: Time,
    /// A wait began at a call that tells no time: `now` may be long past.
    pub(super) now_is_old: bool,
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
    /// BDAT, but for the last.
    Chunk,
    /// The end of the content; with LMTP, for the recipient of that index.
    End(Option<usize>),
    /// The end of a message without recipients.
    LoneDot,
    /// Something whose answer makes no difference any more.
    Nothing,
    Rset,
    Noop,
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
            outgoing: None,
            quota: Quota::default(),
            reset_is_due: false,
            authenticated: false,
            auth: None,
            initial: None,
            probe: false,
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
        } else if self.now_is_old && !self.is_paused() {
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
            self.fail(ProtocolError::NoAnswer);
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
            if self.is_paused() {
                // The last answer may have made room.
                if self.poll_chunks() {
                    continue;
                }
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
            if self.read_reply() || self.poll_chunks() || self.begin() {
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
            outgoing: _,
            quota: _,
            reset_is_due: _,
            authenticated: _,
            auth,
            initial: _,
            probe,
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
            outgoing: None,
            quota: Quota::default(),
            reset_is_due: false,
            authenticated: false,
            auth,
            initial: None,
            probe,
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

    /// Begins what is next when no reply is awaited. Whether there was anything.
    fn begin(&mut self) -> bool {
        // What stands in the buffer now was sent before what it would answer.
        if self.phase != Phase::Ready || !self.expected.is_empty() || !self.receive.is_empty() || self.eof {
            return false;
        }
        if let Some(transfer) = self.transfer.take_if(|transfer| transfer.is_waiting()) {
            self.continue_transfer(transfer);
        } else if self.transfer.is_some() {
            return false;
        } else if core::mem::take(&mut self.reset_is_due) {
            self.command(&Command::Rset, Expect::Rset);
        } else if let Some((mechanism, initial)) = self.auth.take() {
            self.begin_auth(&mechanism, initial);
        } else if core::mem::take(&mut self.probe) {
            self.command(&Command::Noop, Expect::Noop);
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
        let waits = !self.queue.is_empty() || self.probe || self.expected.contains(&Expect::Noop);
        if self.expected.front() == Some(&Expect::Quit) {
            self.close();
        } else if self.phase != Phase::Ready || self.transfer.is_some() || self.is_authenticating() {
            self.fail(ProtocolError::ConnectionLost);
        } else if waits {
            self.fail(ProtocolError::Stale(None));
        } else {
            self.close();
        }
    }

    fn is_authenticating(&self) -> bool {
        self.auth.is_some() || self.expected.contains(&Expect::Auth)
    }

    /// A token is out, and nothing is to be read before its answer.
    fn is_paused(&self) -> bool {
        self.tickets.is_open() && !self.reads_beside_writer()
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
            None if self.receive.is_empty() || self.tickets.is_open() => return,
            Some(Expect::Greeting) => (Timer::Greeting, limits.greeting_timeout),
            Some(Expect::Data) => (Timer::DataStart, limits.data_start_timeout),
            Some(Expect::Chunk) => (Timer::DataBlock, limits.data_block_timeout),
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

    /// Ends the session. What `error` says of the message under way is made true here.
    pub(super) fn fail(&mut self, error: ProtocolError) {
        let unknown = self.settle();
        self.close();
        self.error = Some(if unknown { ProtocolError::OutcomeUnknown } else { error });
    }

    /// Ends the session with QUIT, whose answer is not waited for.
    pub(super) fn leave(&mut self, error: ProtocolError) {
        self.send.encode(|out| Command::Quit.encode(out));
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

    /// Gives the present message up. Behind DATA whatever is said would be content: the session ends without a word.
    pub(super) fn abort_content(&mut self) {
        let dots = self.is_behind_data();
        self.abort_message();
        if dots {
            self.send.clear();
            self.close();
        }
    }
}

posthaste_wire::delegate_machine!(Client, Event, ProtocolError, |machine| (machine.receive, machine.send));
