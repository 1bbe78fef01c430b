//! The client machine of SMTP and LMTP: messages are queued, sent in groups, reported one by one.

mod answers;
mod auth;
mod body;
mod config;
mod event;
mod machine;
mod transfer;

pub use auth::Challenge;
pub use body::BodyWriter;
pub use config::{AuthPrivacy, Config, Mode, TlsPolicy};
pub use event::{Event, Report, Stage, TransactionId};
pub use machine::{Client, Timer};
