//! The client's side of a conversation (RFC 1939, 2449, 2595, 5034, 6856).
//!
//! `client/machine.rs` is the contract: bytes, time, steps. `client/commands.rs` is what an application can ask for and
//! `client/send.rs` when it is sent: greeting, capabilities and TLS come first and by themselves; logging in is one
//! command at a time; after it commands are sent ahead of their answers where the server allows that (RFC 2449 6.6).
//! How answers are read is in `client/answers.rs` and `client/body.rs`. Which mechanism logs in is decided by the
//! application.

mod answers;
mod body;
mod challenge;
mod commands;
mod config;
mod event;
mod machine;
mod seen;
mod send;

pub use challenge::{ApopChallenge, Challenge};
pub use commands::Support;
pub use config::{Config, LineEnds, Quirks, TlsPolicy};
pub use event::{CommandId, Event, NotSent};
pub use machine::{Client, Timer};
pub use seen::{Changes, Comparison, Seen};
