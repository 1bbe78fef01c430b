//! What became of each message: a name for it when it comes in, and a line for every change of its state.
//!
//! The name is in the Received field, in the reply to the sender and in every line, in the log (how a message ended)
//! and in the files of this module (all that happened to it): one file of JSON lines a day under `trace/` in the data
//! directory, appended to and never changed, removed after some days. A tool for people who look for a message, not a
//! record that anything rests on: lines are written behind the back of the mail and not synced, and when the disk is
//! too slow for them they are left out and counted, while the mail goes on.

mod file;
mod id;
mod story;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use file::find;
pub use id::TraceId;
pub use story::sentence;

/// Where traces go. Clones share it; the last one to go finishes the file.
#[derive(Debug, Clone)]
pub struct Trace(Option<Arc<file::Writer>>);

/// One change of a message's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Of which message.
    pub id: TraceId,
    /// What happened.
    pub state: State,
    /// How it came in: `smtp`, `submission`, `lmtp`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// Who brought it: the address of the client and, where somebody has logged in, the account.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub peer: String,
    /// Where errors go, as in MAIL.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// For whom: all recipients, or those of this change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Octets, where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its Message-ID field, without the brackets.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message_id: String,
    /// What the sender was told, or where the message went.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub result: String,
}

/// What happened to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// It has arrived whole.
    Received,
    /// It is in a mailbox, durably.
    Delivered,
    /// It was refused, for good or for now.
    Refused,
    /// It did not arrive whole.
    Dropped,
    /// It waits in the queue.
    Queued,
    /// It could not be passed on and is tried again.
    Deferred,
    /// It was passed on to another server.
    Sent,
    /// Its sender was told that it could not be delivered.
    Bounced,
}

impl State {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::Dropped => "dropped",
            Self::Queued => "queued",
            Self::Deferred => "deferred",
            Self::Sent => "sent",
            Self::Bounced => "bounced",
        }
    }
}

impl Event {
    /// A change, now, with nothing else said.
    pub fn new(id: TraceId, state: State) -> Self {
        Self {
            at: jiff::Timestamp::now().as_millisecond(),
            id,
            state,
            service: String::new(),
            peer: String::new(),
            from: String::new(),
            to: Vec::new(),
            size: None,
            message_id: String::new(),
            result: String::new(),
        }
    }
}

impl Trace {
    /// Writes under this data directory, and removes files after `days`.
    ///
    /// # Errors
    ///
    /// The directory cannot be made.
    pub fn open(data: &Path, days: u32) -> std::io::Result<Self> {
        Ok(Self(Some(Arc::new(file::Writer::start(directory(data), days)?))))
    }

    /// Only the log.
    pub const fn silent() -> Self {
        Self(None)
    }

    /// Tells a change. Waits for nothing.
    pub fn tell(&self, event: Event) {
        crate::metrics::message(&event);
        // What becomes of a message follows at once, and says all that this would.
        if event.state != State::Received {
            tracing::info!(
                target: "posthaste_server::trace",
                id = %event.id,
                from = event.from,
                to = event.to.join(" "),
                size = event.size,
                peer = event.peer,
                result = event.result,
                "{}",
                event.state.as_str(),
            );
        }
        if let Some(writer) = &self.0 {
            writer.tell(event);
        }
    }
}

fn directory(data: &Path) -> PathBuf {
    data.join("trace")
}
