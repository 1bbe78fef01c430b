//! The client machine of SMTP and LMTP: messages are queued, sent in groups, reported one by one.

mod answers;
mod auth;
mod body;
mod calls;
mod chunks;
mod config;
mod content;
mod event;
mod fate;
mod machine;
mod needs;
mod transfer;

pub use auth::Challenge;
pub use body::BodyWriter;
pub use config::{AuthPrivacy, Chunking, Config, Mode, TlsPolicy};
pub use content::{ContentFault, ContentPolicy};
pub use event::{Event, Report, Stage, TransactionId};
pub use fate::{Fate, Refusal, Unfinished};
pub use machine::{Client, Timer};
pub use needs::{LeftOut, Unsupported};
