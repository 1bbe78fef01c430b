//! The server's side of a conversation (RFC 1939, 2449, 2595, 3206, 5034, 6856).
//!
//! `server/machine.rs` is the contract: bytes, time, steps. `server/dispatch.rs` decides which command is answered
//! here and which is a token for the application: STAT, LIST, UIDL, DELE, RSET and NOOP are answered from the
//! maildrop that was fixed at login. What is legal when is in [`session`](crate::session). Passwords are checked,
//! and messages read and removed, by the application.

mod auth;
mod body;
mod capa;
mod config;
mod dispatch;
mod event;
mod listing;
mod login;
mod machine;
mod maildrop;
mod quit;
mod retrieve;
mod sent;
mod stls;
mod text;

pub use auth::Auth;
pub use body::BodyWriter;
pub use config::{AuthPrivacy, Config, TlsOffer, UserPass, Utf8Offer};
pub use event::Event;
pub use login::{Apop, Login, LoginRefusal};
pub use machine::{Server, Timer};
pub use maildrop::{InvalidMaildrop, Listed, Maildrop};
pub use quit::Quit;
pub use retrieve::{Retr, RetrieveRefusal, Top};
pub use sent::SentSize;
pub use stls::StartTls;
pub use text::{Language, Text};
