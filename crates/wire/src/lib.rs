//! The contract of Posthaste: how a mail protocol is driven without any I/O, and the parts every such machine is
//! made of: framing of lines, dot-stuffed texts and counted payloads, the queue of what leaves, secrets, timers,
//! and the PROXY header in front of it all.
//!
//! A *machine* is one conversation of one connection: SMTP, POP3 or IMAP, as server or as client. It takes bytes
//! and the time, and gives events, bytes and deadlines. All six machines keep the one [`Machine`] contract, so
//! one loop drives them all:
//!
//! ```
//! use posthaste_wire::{Machine, Step, Time};
//!
//! /// What stands between a machine and the world. In a program these are a socket and a clock.
//! trait Connection {
//!     fn now(&self) -> Time;
//!     /// Sends all of it.
//!     fn send(&mut self, bytes: &[u8]);
//!     /// Reads some bytes, or none at the end of file; `None` when the deadline came first.
//!     fn receive(&mut self, deadline: Option<Time>) -> Option<Vec<u8>>;
//! }
//!
//! fn drive<M: Machine>(
//!     machine: &mut M,
//!     connection: &mut impl Connection,
//!     mut handle: impl FnMut(&mut M, M::Event),
//! ) -> Result<(), M::Error> {
//!     loop {
//!         let step = match machine.poll_event()? {
//!             Step::Event(event) => {
//!                 handle(machine, event); // answers the token it holds, if it holds one
//!                 continue;
//!             }
//!             step => step,
//!         };
//!         // The machine has nothing more to say for now: what it wants to send leaves in one go.
//!         let mut sent = false;
//!         while let Some(bytes) = machine.poll_transmit() {
//!             connection.send(&bytes);
//!             sent = true;
//!         }
//!         match step {
//!             // There is room now: the machine may go on with what it has.
//!             Step::NeedInput if sent => {}
//!             Step::NeedInput => match connection.receive(machine.poll_timeout()) {
//!                 Some(bytes) if bytes.is_empty() => machine.handle_eof(connection.now()),
//!                 Some(bytes) => machine.handle_input(connection.now(), &bytes),
//!                 None => machine.handle_timeout(connection.now()),
//!             },
//!             // `handle` kept a token to answer it later; a real program waits for that here.
//!             Step::Paused => return Ok(()),
//!             // TLS is set up here, then `machine.upgraded(now, upgrade, Security::Tls)`.
//!             Step::Upgrade(_) => return Ok(()),
//!             Step::Closed => return Ok(()),
//!             Step::Event(_) => {}
//!         }
//!     }
//! }
//! ```
//!
//! # Rules that follow from the loop
//!
//! * **Pull, one event at a time.** What a command means depends on the answer to the one before, so nothing is
//!   parsed ahead. An application that does not poll is a driver that does not read is a closed window at the
//!   peer: back-pressure, the order of replies and bounded memory are one rule.
//! * **The event is the reply token.** An event that wants an answer has one method for each legal answer, taking
//!   `self` and the machine. While it is out, [`Step::Paused`] says so. An answer that comes after a time-out or a
//!   cut does nothing ([`Answer::Late`]); one that is given to another machine is a [`Misuse`].
//! * **Bodies stream.** Octets of a message come in as chunks that are slices of what was read, and go out through
//!   a writer that refuses ([`Misuse::Congested`]) while the [`SendQueue`] is at its mark.
//! * **A layer changes only when nothing waits** ([`Upgrade`], [`Drained`]).
//!
//! # Four kinds of trouble
//!
//! | who is to blame | type | what follows |
//! | --- | --- | --- |
//! | the caller | [`Misuse`], from the call itself | nothing changed |
//! | the peer, beyond repair | the machine's `ProtocolError`, from `poll_event` | sticky; what is queued still goes out |
//! | the peer, and the framing holds | a `Violation`, as an event | counted; too many are a protocol error |
//! | nobody | a negative reply | data |
//!
//! # Parts
//!
//! | part | what it decides |
//! | --- | --- |
//! | [`Time`], [`TimerTable`] | when, and by which of a machine's named timers |
//! | [`ReceiveBuffer`] | where a line ends, under a limit that holds on partial lines |
//! | [`DotDecoder`], [`DotEncoder`], [`TextCheck`] | where a dot-stuffed text ends, and what is in it |
//! | [`Counted`] | so many octets, no more and no fewer |
//! | [`SendQueue`] | the order of what leaves, when a writer waits, and that secrets are wiped behind it |
//! | [`Tickets`] | which question an answer belongs to |
//! | [`Upgrade`], [`Security`] | when a layer may change, and what it is worth |
//! | [`Secret`] | what is wiped and never printed |
//! | [`proxy::ProxyHeader`] | for whom a proxy made the connection, before anything is said on it |
//!
//! # Memory
//!
//! What comes in is copied once, into the [`ReceiveBuffer`], and goes on as slices of it: however many lines or
//! chunks a read holds, it costs two allocations at most, and none when the slices of earlier reads are gone. A
//! slice that is kept keeps its read, so what outlives a command is to be copied. What goes out is gathered when it
//! is small and queued as it is when it is large. A connection holds its limits, one read, and the high-water mark
//! of its queue with one chunk; when what travels becomes small, the memory of what was large is given back.
//!
//! # Where it comes from
//!
//! | source | what | status |
//! | --- | --- | --- |
//! | RFC 5321 2.3.8, 4.5.3.1 | lines end at CR LF only; limits of lines | done |
//! | RFC 5321 4.5.2, RFC 1939 3 | dot-stuffing | done |
//! | RFC 9051 4.3, RFC 3030 2 | payloads of announced length | done |
//! | RFC 3207 6, RFC 9051 6.2.1 | nothing crosses into a new layer | done |
//! | HAProxy's PROXY protocol 2.1, 2.2 | headers of version 1 and 2, checksum included; vectors unread | done |
//!
//! # Features
//!
//! `std` (default) lets the byte search use wider vector instructions where the processor has them. Without it the
//! crate needs only `alloc`; behaviour is the same. The crate builds with Rust 1.85 or later.
#![no_std]
#![warn(clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests may panic"))]

extern crate alloc;

mod counted;
mod dot;
mod machine;
mod misuse;
pub mod proxy;
mod receive;
mod record;
mod secret;
mod send;
mod step;
mod ticket;
mod time;
mod timer;
mod upgrade;

pub use bytes::Bytes;
pub use counted::Counted;
pub use dot::{Decoded, DotDecoder, DotEncoder, TextCheck};
pub use machine::Machine;
pub use misuse::Misuse;
pub use receive::{Line, LineTooLong, ReceiveBuffer, Residue, has_bare_line_end};
pub use record::{Direction, Passage, is_credential_verb, verb_of};
pub use secret::Secret;
pub use send::{HIGH_WATER_DEFAULT, SendQueue};
pub use step::Step;
pub use ticket::{Answer, Ticket, Tickets};
pub use time::Time;
pub use timer::{TimerName, TimerTable};
pub use upgrade::{Drained, Layer, Security, Upgrade};
