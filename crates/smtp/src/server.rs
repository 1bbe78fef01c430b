//! The server machine of SMTP, submission and LMTP: commands in, replies out, one event at a time.

mod auth;
mod config;
mod content;
mod dispatch;
mod event;
mod machine;
mod token;

pub use auth::{Auth, AuthResponse, StartTls};
pub use config::{AuthPrivacy, Config, EarlyTalker, Mode, TlsOffer};
pub use event::{BodyAborted, Event, Hello, HelloVerb};
pub use machine::{Server, Timer};
pub use token::{BodyEnd, Data, Mail, Rcpt};
