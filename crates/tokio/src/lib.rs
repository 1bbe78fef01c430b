//! Tokio and rustls transport for the Posthaste protocol machines: one driver, listeners, async clients.
//!
//! The machines of `posthaste-smtp`, `posthaste-pop3` and `posthaste-imap` do no I/O. A [`Connection`] moves the
//! octets and keeps the time for any of them; [`serve`] runs a session for each connection that comes in:
//!
//! ```no_run
//! use posthaste_pop3::server::{Config, Event, LoginRefusal, Server};
//! use posthaste_tokio::{Accepted, Connection, Limits, Listener, Role, Time, serve};
//! use tokio_util::sync::CancellationToken;
//!
//! async fn session(mut accepted: Accepted) -> Result<(), Box<dyn std::error::Error>> {
//!     let machine = Server::new(Config::default(), accepted.stream.security(), Time::ZERO);
//!     let mut connection = Connection::new(machine, accepted.stream, Role::Server { tls: None });
//!     while let Some(event) = accepted.shutdown.next(&mut connection).await? {
//!         if let Event::Login(login) = event {
//!             login.reject(connection.machine(), LoginRefusal::Credentials)?;
//!         }
//!     }
//!     Ok(())
//! }
//!
//! # async fn run() -> std::io::Result<()> {
//! let listener = Listener::bind("127.0.0.1:1100").await?;
//! serve(listener, Limits::default(), CancellationToken::new(), |accepted| async move {
//!     if let Err(error) = session(accepted).await {
//!         eprintln!("{error}");
//!     }
//! })
//! .await;
//! # Ok(())
//! # }
//! ```
//!
//! A client needs no loop: see [`smtp::Client`], [`pop3::Client`] and [`imap::Client`].
//!
//! # The loop
//!
//! 1. [`Connection::next`] gives the next event. Meanwhile it sends what is queued, reads, keeps the machine's
//!    deadlines, and runs the TLS handshake when the machine asks for one.
//! 2. An event that is a token is answered with [`Connection::machine`] as the argument. Until then nothing is read.
//! 3. A body is written in chunks, with [`Connection::room`] before each or after `Misuse::Congested`.
//! 4. `None` means that all has been sent and the stream is closed.
//!
//! [`Connection::next`] may be dropped at any moment, so a session waits for its peer and for other things, such
//! as news of a mailbox or the end of the service, in one `tokio::select!`.
//!
//! The connection's clock runs only while `next` waits. What an application takes over an event is not held
//! against its peer.
//!
//! # Parts
//!
//! | part | what it decides |
//! | --- | --- |
//! | [`Connection`], [`Timeouts`] | when to send, read, upgrade, close |
//! | [`Stream`], [`Role`] | what carries the octets, and which side of TLS this is |
//! | [`tls`] | whom to trust, what to show |
//! | [`serve`], [`Listener`], [`Limits`], [`SharedLimits`], [`Admission`] | who may connect, and how a service ends |
//! | [`Proxies`], [`Network`] | whose PROXY header is believed |
//! | [`Shutdown`] | how a session ends when its service does |
//! | [`smtp`], [`pop3`], [`imap`] | a call for each thing a client does |
//! | [`smtp::Pool`] | which session a message goes over |
//! | [`Error`], [`ClientError`] | whose fault it was |
//!
//! # Limits
//!
//! A connection holds what its machine holds, up to 64 KiB of output (and one chunk more) that the peer has not
//! taken, and under TLS what rustls buffers. There is no read buffer. A peer that takes less than 16 KiB in
//! [`Timeouts::write`] is cut. Nothing is read while more than the machine's mark waits to be sent.
//!
//! # What is told
//!
//! `tracing` has, under the target `posthaste` at the level DEBUG, a span `connection` with the fields `peer`, `local`
//! and `security` for each [`Connection`], and in it these events:
//!
//! | target | level | event | fields | when |
//! | --- | --- | --- | --- | --- |
//! | `posthaste` | DEBUG | `opened` | `role` | it begins, for a `server` or a `client` |
//! | `posthaste` | DEBUG | `upgraded` | `layer` | TLS or DEFLATE is in place |
//! | `posthaste` | DEBUG | `timeout` | `which` | a deadline has passed: `machine`, `write` or `handshake` |
//! | `posthaste` | DEBUG | `closed` | `received`, `sent`, `why`, `after` | it is over |
//! | `posthaste::wire` | TRACE | `wire` | `direction`, `line` | a line is said, as [`Connection::with_wire_log`] has it |
//!
//! No event has a credential or a part of a message. What a service logs of a connection is in another span
//! `connection`, that of its session: see [`serve`].
//!
//! | `why` | what ended the connection |
//! | --- | --- |
//! | `done` | the conversation was over |
//! | `dropped` | the [`Connection`] was dropped before that |
//! | `protocol` | [`Error::Protocol`] |
//! | `io` | [`Error::Io`] |
//! | `write_timeout` | [`Error::WriteTimeout`] |
//! | `handshake` | [`Error::Handshake`] |
//! | `handshake_timeout` | [`Error::HandshakeTimeout`] |
//! | `inflated` | [`Error::Inflated`] |
//! | `no_layer` | [`Error::NoLayer`] |
//! | `misuse` | [`Error::Misuse`] |
//!
//! With the feature `metrics`, and whatever recorder the program installs:
//!
//! | name | kind | labels |
//! | --- | --- | --- |
//! | `posthaste_connections_opened_total` | counter | `role` |
//! | `posthaste_connections_closed_total` | counter | `role`, `why` |
//! | `posthaste_connections_open` | gauge | `role` |
//! | `posthaste_octets_total` | counter, at the end of a connection, above TLS | `role`, `direction` |
//! | `posthaste_timeouts_total` | counter | `which` |
//! | `posthaste_connection_seconds` | histogram | `role` |
//!
//! # Sources
//!
//! | RFC | what of it | status |
//! | --- | --- | --- |
//! | 8314 | implicit TLS, credentials only in private | done |
//! | 3207, 2595, 9051 6.2.1 | the handshake behind STARTTLS and STLS | done; what is said is the machines' |
//! | 7301 | ALPN `imap`, `pop3` | done |
//! | 9266 | `tls-exporter` channel binding | done: TLS 1.3; TLS 1.2 where extended master secret is required |
//! | 5929 | `tls-server-end-point` channel binding | done, except for certificates signed with RSASSA-PSS |
//! | 5929 | `tls-unique` channel binding | not done: rustls does not tell it |
//! | 4978 | COMPRESS=DEFLATE | done, both sides, flushed at the end of what is said |
//!
//! # Features and versions
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `ring` (default) | the cryptography of *ring* |
//! | `aws-lc-rs` | that of AWS-LC, which comes before *ring* where both are there; needs a C compiler |
//! | `webpki-roots` (default) | the public authorities, as they were when the crate was built |
//! | `platform-verifier` | the trust of the operating system |
//! | `codec` | codecs for `tokio_util::codec`, for programs that want frames and no machine |
//! | `metrics` | the figures above |
//!
//! Each may be off: [`tls`] says what has to be named then. Needs Rust 1.85 and a tokio runtime with time and I/O
//! enabled.

mod body;
mod channel;
mod client;
#[cfg(feature = "codec")]
pub mod codec;
mod connection;
mod der;
mod error;
pub mod imap;
mod listen;
mod observe;
pub mod pop3;
pub mod smtp;
mod stream;
pub mod tls;

pub use body::Body;
pub use client::{
    Cause, ClientError, ClientOptions, Credentials, Endpoint, EndpointError, Peer, Phase, Protocol, Retry,
    ServerRefusal, TlsMode, nonce, nonce_from,
};
pub use connection::{Connection, Timeouts, Turn};
pub use error::Error;
pub use listen::{
    Accepted, Admission, BoundSocket, Limits, Listener, Network, NetworkError, Outcome, Proxies, Refusal,
    ServerMachine, SharedLimits, Shutdown, Source, serve,
};
pub use posthaste_sasl::{Channel, Mechanism};
pub use posthaste_wire::{Direction, Machine, Misuse, Secret, Security, Time, proxy};
pub use stream::{Role, Stream, Transport};

/// The example of the README is one that compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
