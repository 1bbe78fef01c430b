//! SMTP, submission and LMTP without I/O: codec, session rules, server and client machine.
//!
//! A server asks the application through events that are their own reply tokens:
//!
//! ```
//! use posthaste_smtp::server::{Config, Event, Mode, Server};
//! use posthaste_smtp::{Misuse, Rejection, Security, Step, Time};
//!
//! fn answer(server: &mut Server, event: Event, message: &mut Vec<u8>) -> Result<(), Misuse> {
//!     match event {
//!         Event::Mail(mail) => mail.accept(server),
//!         Event::Rcpt(rcpt) if rcpt.to().to_string() == "<bob@mx.test>" => rcpt.accept(server),
//!         Event::Rcpt(rcpt) => rcpt.reject(server, Rejection::no_such_user()),
//!         Event::Data(data) => data.accept(server),
//!         Event::Body(chunk) => Ok(message.extend_from_slice(&chunk)),
//!         Event::BodyEnd(end) => end.accept(server), // when the message is on disk
//!         Event::BodyAborted(_) => Ok(message.clear()),
//!         _ => Ok(()),
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::new(Mode::Mta, "mx.test".parse()?);
//! let mut server = Server::new(config, Security::Plain, Time::ZERO);
//! let mut input = [
//!     "EHLO c.test\r\nMAIL FROM:<ann@c.test>\r\nRCPT TO:<bob@mx.test>\r\nDATA\r\n",
//!     "Subject: hello\r\n\r\n..\r\n.\r\nQUIT\r\n",
//! ]
//! .into_iter();
//! let mut message = Vec::new();
//! loop {
//!     match server.poll_event()? {
//!         Step::Event(event) => answer(&mut server, event, &mut message)?,
//!         Step::NeedInput => {
//!             while let Some(_bytes) = server.poll_transmit() {} // to the socket
//!             let bytes = input.next().unwrap_or_default(); // from the socket
//!             server.handle_input(Time::ZERO, bytes.as_bytes());
//!         }
//!         Step::Closed => break,
//!         step => unreachable!("{step:?}"),
//!     }
//! }
//! assert_eq!(message, b"Subject: hello\r\n\r\n.\r\n");
//! # Ok(())
//! # }
//! ```
//!
//! The loop is that of every Posthaste machine; [`Machine`] describes it.
//!
//! # Parts
//!
//! | part | what it is |
//! | --- | --- |
//! | [`server::Server`], [`server::Config`], [`server::Event`] | the server of SMTP, submission and LMTP |
//! | [`client::Client`], [`client::Config`], [`client::Event`] | the client of SMTP and LMTP |
//! | [`Command`], [`Reply`], [`Rejection`], [`ReplyReader`] | the codec |
//! | [`Mailbox`], [`ReversePath`], [`ForwardPath`] | addresses, with nothing in them that the wire cannot carry |
//! | [`Capabilities`] | what a server offers |
//! | [`Limits`] | every limit by name |
//! | [`ProtocolError`], [`Violation`], [`ParseError`] | what a peer can do wrong |
//!
//! # Coverage
//!
//! | RFC | what | status |
//! | --- | --- | --- |
//! | 5321 | SMTP | server and client, ASCII addresses |
//! | 1870 | SIZE | server and client |
//! | 2033 | LMTP | server and client |
//! | 2034, 3463 | enhanced status codes | server and client |
//! | 2920 | PIPELINING | server and client |
//! | 3207 | STARTTLS | server and client |
//! | 4954 | AUTH | server and client; mechanisms are opaque |
//! | 6152 | 8BITMIME | server and client |
//! | 6409 | submission | server: authentication before MAIL |
//! | 3030, 3461, 6531 | CHUNKING, DSN, SMTPUTF8 | not offered |
//!
//! # Limits and memory
//!
//! A server holds one read or one line ([`Limits::command_line_max`], [`Limits::auth_line_max`]), the paths of one
//! transaction ([`Limits::recipients_max`] of at most 256 octets each) and its send queue. No content of a message
//! is kept. A client holds one reply ([`Limits::reply_max`]), the envelopes that are queued and its send queue.
//!
//! # Features
//!
//! `std` (default) changes speed, never behaviour; without it the crate needs `alloc`. Rust 1.85 or later.
#![no_std]
#![warn(clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests may panic"))]

extern crate alloc;

pub mod client;
mod encode;
mod error;
mod limits;
mod parse;
pub mod server;
mod session;
mod types;

pub use error::{Excess, ParseError, ProtocolError, Violation};
pub use limits::Limits;
pub use parse::reply::ReplyReader;
pub use types::{
    AddressLiteral, AnnouncedLimits, Attribute, AttributeValue, Attributes, AuthIdentity, BodyType, ByMode,
    Capabilities, Capability, ClientName, Command, DateTime, DeliverBy, Domain, EnhancedStatus, Envelope,
    EnvelopeId, ForwardPath, Hold, InitialResponse, Keyword, LocalPart, MailParameters, Mailbox, Mechanism,
    Notify, OriginalRecipient, Parameter, Priority, Quirk, Quirks, RcptParameters, Recipient, Rejection,
    Reply, ReplyClass, Ret, ReversePath, RrvsAction, Text, Transaction, ValidSince,
};

pub use bytes::Bytes;
pub use posthaste_wire::proxy;
pub use posthaste_wire::{Layer, Machine, Misuse, Secret, Security, Step, Time, Upgrade};
