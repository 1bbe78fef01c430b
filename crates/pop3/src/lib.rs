//! POP3 without I/O: codec, session rules, server and client machine.
//!
//! A server is given bytes and says what to do; an event that wants an answer is its own reply token:
//!
//! ```
//! use posthaste_pop3::server::{Config, Event, Listed, LoginRefusal, Maildrop};
//! use posthaste_pop3::{Bytes, Security, Server, Step, Time, Uidl};
//!
//! let message = Bytes::from_static(b"Subject: hello\r\n\r\n.dots are stuffed\r\n");
//! let mut server = Server::new(Config::default(), Security::Tls, Time::ZERO);
//! server.handle_input(Time::ZERO, b"USER mrose\r\nPASS tanstaaf\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n");
//! loop {
//!     match server.poll_event()? {
//!         Step::Event(Event::Login(login)) if login.password().expose() == b"tanstaaf" => {
//!             let listed = Listed { size: 37, uidl: Uidl::new("id-1")? };
//!             login.accept(&mut server, Maildrop::new(vec![listed])?)?;
//!         }
//!         Step::Event(Event::Login(login)) => login.reject(&mut server, LoginRefusal::Credentials)?,
//!         Step::Event(Event::Retr(retr)) => {
//!             let mut writer = retr.open(&mut server)?;
//!             writer.write(&mut server, message.clone())?; // in pieces, as the store reads them
//!             writer.finish(&mut server)?;
//!         }
//!         Step::Event(Event::Quit(quit)) => {
//!             assert_eq!(quit.deleted(), [0]); // removed durably before the answer
//!             quit.done(&mut server)?;
//!         }
//!         Step::Event(_) => {}
//!         _ => break, // a driver sends, reads and goes on
//!     }
//! }
//! let sent: Vec<u8> = std::iter::from_fn(|| server.poll_transmit()).flatten().collect();
//! assert!(sent.ends_with(b"\r\n..dots are stuffed\r\n.\r\n+OK marked as deleted\r\n+OK bye\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The loop that drives it, and both machines, is that of [`Machine`]. A short command can have a long answer: the
//! commands that wait behind one are read when it has left.
//!
//! # Types
//!
//! | type | what it is |
//! | --- | --- |
//! | [`Server`], [`server::Event`], [`server::Config`] | the server, what it asks its application, what it offers |
//! | [`server::Maildrop`] | what a session sees: fixed and checked at login |
//! | [`server::BodyWriter`] | a message on its way out: canonical line ends, dots, and the cut of TOP, as it streams |
//! | [`server::SentSize`] | how many octets that will be, for LIST |
//! | [`Client`], [`client::Event`], [`client::Config`] | the client, and what the server answered |
//! | [`client::Seen`] | for clients that leave mail on the server: what is new, what has gone |
//! | [`Command`], [`Reply`], [`Capability`], [`parse`], [`encode`] | the codec |
//! | [`session::State`] | what is legal when |
//! | [`Limits`] | every limit |
//!
//! # Coverage
//!
//! | RFC | what | status |
//! | --- | --- | --- |
//! | 1939 | POP3 | all. APOP is off until [`server::Config::apop`] has a timestamp; MD5 is the application's |
//! | 2449 | CAPA and all its capabilities, response codes, PIPELINING, lengths | all |
//! | 2595 | STLS | all; the TLS itself is the driver's |
//! | 3206 | SYS and AUTH response codes | all |
//! | 5034 | AUTH | all but security layers; mechanisms are the application's |
//! | 6856 | UTF8, LANG | all but SASLprep and messages in other forms, which are the application's |
//!
//! Each requirement of RFC 1939, 2449 and 5034 is listed with the test that holds it in `tests/requirements` of the
//! repository.
//!
//! # Servers and clients as they are
//!
//! Commands are read strictly, but for spaces behind them. Answers are read with any spacing, with UIDL of one message
//! as a row or as a list, and with capabilities that change behind the login; UIDL and TOP can be tried where CAPA does
//! not name them ([`Client::uidl_support`], [`Client::top_support`]). Dots that a server forgot to double are told
//! ([`Violation::UnstuffedDot`]). Lines that end with a bare LF are understood only with [`client::LineEnds::BareLf`].
//!
//! # Memory
//!
//! A server holds a line of at most [`Limits::auth_line_max`], one read, the send queue up to
//! [`Limits::send_high_water`] and one chunk, and its maildrop's list: 81 octets a message. A client holds a line of at
//! most [`Limits::reply_line_max`], one read, the capabilities and the commands queued. Messages and lists stream through
//! both: no allocation for each line, nor for each row.
//!
//! # Features
//!
//! `std` (default) lets the byte search use wider vector instructions. Without it the crate needs only `alloc`;
//! behaviour is the same. MSRV 1.85.
#![no_std]
#![warn(clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests may panic"))]

extern crate alloc;

pub mod client;
pub mod encode;
mod error;
mod limits;
pub mod parse;
pub mod server;
pub mod session;
mod types;

pub use bytes::Bytes;
pub use client::Client;
pub use error::{ParseError, ProtocolError, Violation};
pub use limits::Limits;
pub use posthaste_wire::{Layer, Machine, Misuse, Secret, Security, Step, Time, Upgrade};
pub use server::Server;
pub use types::{
    Announced, ApopDigest, ApopTimestamp, Capabilities, Capability, Command, InvalidArgument, LanguageRange,
    LanguageTag, MechanismName, MessageNumber, Password, Reply, ResponseCode, Retention, Scope, Status, Uidl,
    UserName, Utf8Names, Verb,
};
