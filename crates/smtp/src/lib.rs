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
//! A server that prints every message, a sender, and a filter that stands in front of a mail server, each over
//! `std::net` and nothing else, are in the `examples` folder of this crate. A client is queued messages and tells
//! what became of each:
//!
//! ```
//! use posthaste_smtp::client::{Client, Config, Event, Mode, TlsPolicy};
//! use posthaste_smtp::{Bytes, Envelope, Security, Step, Time};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::new(Mode::Smtp, "c.test".parse()?).with_tls(TlsPolicy::Off);
//! let mut client = Client::new(config, Security::Plain, Time::ZERO);
//! client.send(Envelope::new("<ann@c.test>".parse()?, ["<bob@mx.test>".parse()?, "<eve@mx.test>".parse()?]))?;
//! client.quit();
//! let mut input = [
//!     "220 mx.test\r\n",
//!     "250-mx.test\r\n250 PIPELINING\r\n",
//!     "250 2.1.0 OK\r\n250 2.1.5 OK\r\n550 5.1.1 No Eve here\r\n354 Go on\r\n", // one group, one round trip
//!     "250 2.0.0 Queued\r\n",
//!     "221 2.0.0 Bye\r\n",
//! ]
//! .into_iter();
//! let mut taken = Vec::new();
//! loop {
//!     match client.poll_event()? {
//!         Step::Event(Event::Body(mut writer)) => {
//!             writer.write(&mut client, Bytes::from_static(b"Subject: hello\r\n\r\n.\r\n"))?;
//!             writer.finish(&mut client)?;
//!         }
//!         Step::Event(Event::Sent(report)) => taken = report.recipients.iter().map(Result::is_ok).collect(),
//!         Step::Event(_) => {}
//!         Step::NeedInput => {
//!             while let Some(_bytes) = client.poll_transmit() {} // to the socket
//!             client.handle_input(Time::ZERO, input.next().unwrap_or_default().as_bytes()); // from the socket
//!         }
//!         Step::Closed => break,
//!         step => unreachable!("{step:?}"),
//!     }
//! }
//! assert_eq!(taken, [true, false]);
//! # Ok(())
//! # }
//! ```
//!
//! # Parts
//!
//! | part | what it is |
//! | --- | --- |
//! | [`server::Server`], [`server::Event`] | the server of SMTP, submission and LMTP, and what it asks |
//! | [`server::Config`], [`server::Extensions`] | its role, what it offers, whom it trusts |
//! | [`client::Client`], [`client::Event`], [`client::Config`] | the client of SMTP and LMTP |
//! | [`client::Report`], [`client::Unfinished`] | what became of a message, for each recipient |
//! | [`Command`], [`Reply`], [`Rejection`], [`ReplyReader`] | the codec |
//! | [`Mailbox`], [`ReversePath`], [`ForwardPath`] | addresses, with nothing in them that the wire cannot carry |
//! | [`MailParameters`], [`RcptParameters`] | what is asked for with a message, unknown things kept |
//! | [`Capabilities`], [`Keyword`] | what a server offers |
//! | [`Quirks`] | deviations that a server may be told to put up with |
//! | [`Limits`] | every limit by name |
//! | [`ProtocolError`], [`Violation`], [`ParseError`] | what a peer can do wrong |
//!
//! # Coverage
//!
//! *Server*: the machine announces it where it is told to, checks what is asked for and hands it to the application.
//! *Client*: the machine uses it where the envelope needs it and the server offers it, and says so where it does not.
//!
//! | RFC | what | codec | server | client |
//! | --- | --- | --- | --- | --- |
//! | 5321, 7504 | SMTP | yes | yes | yes |
//! | 1870 | SIZE | yes | yes | yes |
//! | 1985 | ETRN | yes | yes, a question to the application | no |
//! | 2033 | LMTP | yes | yes, an answer for each recipient as it is known | yes |
//! | 2034, 3463, 5248 | enhanced status codes | yes | yes | yes |
//! | 2852 | DELIVERBY | yes | checked; kept by the application | yes |
//! | 2920 | PIPELINING | | yes | groups, bounded |
//! | 3030 | CHUNKING, BINARYMIME | yes | yes | yes, with a bounded window |
//! | 3207 | STARTTLS | yes | yes | off, opportunistic, required |
//! | 3461, 6533 | DSN | yes | checked; kept by the application | yes, or told what was left out |
//! | 4865 | FUTURERELEASE | yes | checked; kept by the application | yes |
//! | 4954 | AUTH | yes | yes; mechanisms are opaque | yes; mechanisms are opaque |
//! | 6152 | 8BITMIME | yes | yes | yes |
//! | 6409 | submission | | authentication before MAIL | |
//! | 6531 | SMTPUTF8 | yes | yes | only where it is needed |
//! | 6710 | MT-PRIORITY | yes | kept by the application | yes |
//! | 7293 | RRVS | yes | kept by the application | yes |
//! | 8689 | REQUIRETLS | yes | inside TLS | inside TLS, or not at all |
//! | 9422 | LIMITS | yes | RCPTMAX, MAILMAX | all three are kept to |
//! | | XCLIENT, XFORWARD, PROXY v1 and v2 | yes | from peers that the configuration trusts | no |
//!
//! Not here: certificates and their names (the transport's), queues, retries and bounces (the application's), milters,
//! BURL, ATRN. VRFY and EXPN are answered with 252 unless the application wants to be asked.
//!
//! # Limits and memory
//!
//! Every limit is a field of [`Limits`], with what happens at its edge; the time-outs are those of RFC 5321 4.5.3.2.
//!
//! | what | octets | held by |
//! | --- | --- | --- |
//! | an idle server, behind EHLO | at most 4 KiB | a test |
//! | an idle client, behind EHLO | at most 4 KiB | a test |
//! | a server in a message | one read and the send queue; at most 64 KiB more than when idle, whatever its size | a test |
//! | an envelope in a server | what [`Limits::recipients_max`] paths and their parameters take, copied out of their lines | a test |
//! | a client in a message | the queued envelopes, one write, and [`Limits::chunk_max`] or [`Limits::send_high_water`] | a test |
//!
//! A transaction of three recipients and a mebibyte costs a server at most 24 allocations, and client and server
//! together at most 160. A command is read, and a reply of one line written, without any.
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
