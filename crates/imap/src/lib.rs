//! IMAP without I/O: codec, server machine and client machine for IMAP4rev1 and IMAP4rev2, and the algorithms a server
//! needs.
//!
//! Bytes and the time go in; events, bytes and deadlines come out. Whoever has a socket and a clock drives it. A server
//! with one message in its only mailbox, and a client that reads it:
//!
//! ```
//! use std::num::NonZeroU32;
//!
//! use posthaste_imap::server::{Access, Config, Event, SelectData, SelectedFlags, Server};
//! use posthaste_imap::types::{FetchItem, Payload, Section};
//! use posthaste_imap::{Bytes, Misuse, Security, Step, Time};
//!
//! const MESSAGE: &[u8] = b"Subject: hello\r\n\r\nworld\r\n";
//!
//! /// The application: every event that asks has one method for each legal answer.
//! fn answer(server: &mut Server, event: Event) -> Result<(), Misuse> {
//!     let one = NonZeroU32::MIN;
//!     match event {
//!         Event::Login(login) if login.user().as_bytes() == b"joe" && login.password().expose() == b"secret" => {
//!             login.ok(server)
//!         }
//!         Event::Login(login) => login.refuse(server),
//!         Event::Select(select) if select.mailbox.is_inbox() => {
//!             let flags = SelectedFlags::default();
//!             let (uid_validity, uid_next) = (one, one.saturating_add(1));
//!             let (exists, recent, unseen, access) = (1, 0, None, Access::ReadWrite);
//!             let data = SelectData { flags, exists, recent, unseen, uid_validity, uid_next, access };
//!             select.ok(server, data)
//!         }
//!         Event::Fetch(fetch) => {
//!             // Looks at what is wanted in a real program: `fetch.set`, `fetch.attributes`.
//!             let mut row = fetch.begin().row(server, one)?;
//!             row.item(server, &FetchItem::Uid(one))?;
//!             let whole = Payload::Section { section: Section::whole(), origin: None };
//!             let mut literal = row.literal(server, &whole, MESSAGE.len() as u64)?;
//!             // Any number of chunks; `Misuse::Congested` says when to wait for the network.
//!             literal.write(server, Bytes::from_static(MESSAGE))?;
//!             literal.finish(server)?.finish(server)?.ok(server)
//!         }
//!         // LOGOUT, violations and the like are for information.
//!         _ => Ok(()),
//!     }
//! }
//!
//! let mut server = Server::new(Config::new("mail.example.org"), Security::Tls, Time::ZERO);
//! let mut heard = [
//!     &b"1 LOGIN joe secret\r\n2 SELECT INB"[..], // cut as the network likes
//!     b"OX\r\n3 FETCH 1 (UID BODY[])\r\n",
//!     b"4 LOGOUT\r\n",
//! ].into_iter();
//! let mut said = Vec::new();
//! loop {
//!     let step = server.poll_event()?;
//!     while let Some(bytes) = server.poll_transmit() {
//!         said.extend_from_slice(&bytes);
//!     }
//!     match step {
//!         Step::Event(event) => answer(&mut server, event)?,
//!         Step::NeedInput => match heard.next() {
//!             Some(bytes) => server.handle_input(Time::ZERO, bytes),
//!             None => server.handle_eof(Time::ZERO),
//!         },
//!         Step::Closed => break,
//!         Step::Upgrade(_) | Step::Paused => unreachable!("TLS is up, and every question was answered at once"),
//!     }
//! }
//! let said = String::from_utf8(said)?;
//! assert!(said.contains("* 1 FETCH (UID 1 BODY[] {25}\r\nSubject: hello\r\n\r\nworld\r\n)\r\n3 OK "));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A client is the same the other way round: commands are queued and get an id, the machine sends what the rules of
//! pipelining allow. [`client::Client`] has a transcript, [`client::Resync`] the way to keep a copy of a mailbox.
//!
//! Complete programs over `std::net` are in the `examples` folder of this crate: `read` lists and prints messages,
//! `serve` is a server with a mailbox in memory, `proxy` stands between the two and changes one command, `resync` tells
//! what is new since its last run.
//!
//! # The loop
//!
//! One loop drives all machines of Posthaste; [`posthaste_wire`] shows it in full and says what follows from it. In
//! short: poll events until there are none; send what [`poll_transmit`](Machine::poll_transmit) gives; then do what
//! the last [`Step`] asks for, be it reading, waiting or a change of layer.
//!
//! A question is answered once, by value: the compiler refuses a second answer.
//!
//! ```compile_fail,E0382
//! use posthaste_imap::server::{Asked, Noop, Server};
//! use posthaste_imap::Misuse;
//!
//! fn twice(server: &mut Server, noop: Asked<Noop>) -> Result<(), Misuse> {
//!     noop.ok(server)?;
//!     noop.ok(server)
//! }
//! ```
//!
//! # Modules
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`server`] | the server's side of one conversation: what is answered at once, what the application is asked |
//! | [`client`] | the client's side: what may be sent when, what the answers mean |
//! | [`types`] | the values of the grammar; what it cannot express cannot be made |
//! | [`parse`], [`encode`] | lines to values and back, strictly from clients, leniently from servers |
//! | [`message`] | envelope, body structure, sections, decoded parts and preview of a stored message |
//! | [`search`] | which messages match SEARCH, without reading more of them than needed, and what ESEARCH says of them |
//! | [`sort`], [`thread`] | in which order messages are, and which answers which |
//! | [`charset`], [`casemap`] | text of messages from any charset and encoded word; how it is compared |
//! | [`view`] | which sequence number is which UID, for one client, and what it has to be told |
//! | [`pattern`] | which names a LIST pattern matches, and what LIST says of them |
//! | [`error`] | what can be wrong |
//! | [`State`], [`Group`], [`Transition`] | what is legal when, for both sides |
//! | [`ReceiveBuffer`], [`Counted`] | lines and literals, for programs on the codec alone |
//!
//! # Coverage
//!
//! *Codec*: can be read and written. *Server*: announced and handed to the application, or answered by the machine;
//! "when offered" is where [`server::Extensions`] say so, and refused otherwise. *Client*: the machine has a method or an
//! event for it, and refuses what the server does not announce.
//!
//! | RFC | what | codec | server | client |
//! | --- | --- | --- | --- | --- |
//! | 3501 | IMAP4rev1 | yes | yes | yes |
//! | 9051 | IMAP4rev2 | yes | when offered | yes, after `enable` where the server has both |
//! | 2177 | IDLE | yes | yes | yes, renewed in time |
//! | 2342 | NAMESPACE | yes | yes | yes |
//! | 2971 | ID | yes | yes | yes |
//! | 3348 | CHILDREN | yes | yes | yes |
//! | 3502, 3516 | MULTIAPPEND, BINARY | yes | when offered | yes |
//! | 3691 | UNSELECT | yes | yes | yes |
//! | 4314, 8440 | ACL, LIST-MYRIGHTS | yes | when offered | yes |
//! | 4315 | UIDPLUS | yes | yes | yes |
//! | 4731, 5182 | ESEARCH, SEARCHRES | yes | ESEARCH; SEARCHRES when offered | yes; ESEARCH falls back to SEARCH |
//! | 4959 | SASL-IR | yes | yes | yes |
//! | 4978 | COMPRESS=DEFLATE | yes | when offered, as a change of layer | as a change of layer |
//! | 5032 | WITHIN | yes | when offered; [`search`] does the work | yes |
//! | 5161 | ENABLE | yes | yes | yes |
//! | 5256, 5957 | SORT, THREAD, SORT=DISPLAY | yes | when offered; [`sort`], [`thread`] do the work | yes |
//! | 5267 | ESORT, CONTEXT | yes | ESORT when offered; CONTEXT refused | yes; [`client::update_result`] keeps a result |
//! | 5258, 5819 | LIST-EXTENDED, LIST-STATUS | yes | when offered; [`pattern`] does the work | yes |
//! | 5464 | METADATA | yes | when offered | yes |
//! | 5465 | NOTIFY | yes | when offered | yes |
//! | 5530 | response codes | yes | yes | yes |
//! | 6154, 8457 | SPECIAL-USE, CREATE-SPECIAL-USE, `\Important` | yes | CREATE-SPECIAL-USE when offered | yes |
//! | 6851 | MOVE | yes | yes | yes; the steps where it is missing |
//! | 7162 | CONDSTORE, QRESYNC | yes | when offered; [`view`] knows what to tell | yes, and [`client::Resync`] |
//! | 7377 | MULTISEARCH | yes | when offered | yes |
//! | 7888 | LITERAL+, LITERAL- | yes | one or the other | both |
//! | 7889 | APPENDLIMIT | yes | yes | held to |
//! | 8437 | UNAUTHENTICATE | yes | when offered | yes |
//! | 8438, 8474, 8514, 8970 | STATUS=SIZE, OBJECTID, SAVEDATE, PREVIEW | yes | when offered | yes |
//! | 8508 | REPLACE | yes | when offered | yes |
//! | 9208 | QUOTA | yes | when offered | yes |
//! | 9394, 9586, 10022 | PARTIAL, UIDONLY, UIDBATCHES | yes | when offered | yes |
//! | 9585 | INPROGRESS | yes | when offered | as a status response |
//! | 9755, 6855 | UTF8=ACCEPT | yes | when offered | yes, after `enable` |
//! | 4467, 5524, 4469, 5255, 5466, 6203, 9590, 9698 | URLAUTH, URLAUTH=BINARY, CATENATE, LANGUAGE and I18NLEVEL, FILTERS, SEARCH=FUZZY, LIST-METADATA, JMAPACCESS | yes | refused | yes |
//! | 9738 | MESSAGELIMIT | yes | not announced | held to; [`client::remaining_after`] says what is left |
//! | 2193, 2221, 5550 | referrals, URL-PARTIAL | as capabilities and codes | not announced | told, not followed |
//! |  | X-GM-EXT-1, XLIST | yes | refused | by [`command`](client::Client::command), and as data |
//!
//! Not here: ANNOTATE, CONVERT.
//!
//! # Limits and memory
//!
//! Every bound has a name: [`Limits`] for the server, [`client::ClientLimits`] for the client, [`types::ParseLimits`]
//! for one call of a parser, [`message::Limits`] for one message. Messages stream in both directions, so what one
//! conversation holds does not depend on their length:
//!
//! | side | at most |
//! | --- | --- |
//! | server, before login | 16 KiB of one command, and its parsed form; one read |
//! | server, after login | 1 MiB of one command, and its parsed form; one read |
//! | client | 64 MiB of one response without its streamed payloads (64 KiB before login); one read |
//! | both | the send queue: 64 KiB, one chunk, and the answers in between |
//!
//! Added to that is what the application hands in: updates the server must not send yet
//! ([`update`](server::Server::update)), and commands a client queues.
//!
//! # Features
//!
//! `std` (default) lets the byte search use wider vector instructions where the processor has them. Without it the
//! crate needs only `alloc`; behaviour is the same.
//!
//! The minimum supported Rust version is 1.85.
#![no_std]
#![warn(clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests may panic"))]

extern crate alloc;

pub mod casemap;
pub mod charset;
pub mod client;
pub mod encode;
pub mod error;
mod frame;
mod limits;
pub mod message;
pub mod parse;
pub mod pattern;
mod preview;
pub mod search;
pub mod server;
mod session;
pub mod sort;
pub mod thread;
pub mod types;
pub mod view;

pub use bytes::{Bytes, BytesMut};
pub use error::{ParseError, ProtocolError, Violation};
pub use limits::Limits;
pub use posthaste_wire::{Counted, LineTooLong, ReceiveBuffer, has_bare_line_end};
pub use posthaste_wire::{Layer, Machine, Misuse, Secret, Security, Step, Time, Upgrade};
pub use session::{Group, State, Transition};
