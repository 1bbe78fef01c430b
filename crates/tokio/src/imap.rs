//! An IMAP client: a handle for many tasks, rows and literals that stream, news, and resynchronisation (RFC 9051, 3501,
//! 2177, 7162).
//!
//! [`Client`] is a handle to a session that runs in a task of its own. Calls are sent as soon as IMAP lets them follow
//! each other; nothing that is kept, dropped or not read stands in the way of others for good.
//!
//! To read a mailbox:
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use posthaste_imap::types::{FetchAttribute, Mailbox, SequenceSet};
//! use posthaste_tokio::{ClientOptions, imap};
//!
//! let endpoint = "imaps://ursel:Geheim!@mail.example".parse()?;
//! let client = imap::Client::connect(&endpoint, &ClientOptions::default()).await?;
//! println!("{} messages", client.examine(Mailbox::inbox()).await?.exists);
//! let mut rows = client.fetch(SequenceSet::all(), FetchAttribute::ALL).await?;
//! while let Some(row) = rows.next().await? {
//!     println!("{:?}: {:?}", row.number(), row.envelope());
//! }
//! client.logout().await?;
//! # Ok(())
//! # }
//! ```
//!
//! To write a large attachment to a file, and list folders meanwhile:
//!
//! ```no_run
//! # async fn run(client: posthaste_tokio::imap::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use std::num::NonZeroU32;
//! use posthaste_imap::types::{FetchAttribute, ListPattern, Mailbox, PartPath, Section, SequenceSet};
//! use posthaste_tokio::imap::Part;
//!
//! let attachment = PartPath::new(vec![NonZeroU32::MIN.saturating_add(1)])?;
//! let section = Section::new(Some(attachment), None)?;
//! let attribute = FetchAttribute::Section { section, partial: None, peek: true };
//! let mut rows = client.fetch(SequenceSet::single(NonZeroU32::MIN), [attribute]).await?;
//!
//! let other = client.clone();
//! let folders = tokio::spawn(async move { other.list(ListPattern::new("*")?).await.map_err(Box::from) });
//!
//! let mut file = Vec::new(); // A tokio::fs::File, say.
//! while let Some(mut row) = rows.next().await? {
//!     while let Some(part) = row.next().await? {
//!         if let Part::Literal(mut literal) = part {
//!             tokio::io::copy_buf(&mut literal, &mut file).await?;
//!         }
//!     }
//! }
//! # let folders: Result<_, Box<dyn std::error::Error + Send + Sync>> = folders.await?;
//! # drop(folders);
//! # Ok(())
//! # }
//! ```
//!
//! To watch a mailbox: [`Client::idle`], and for as long as a program runs, over lost connections: [`Watch`]. To know
//! what changed since the last time: [`Client::resync`].
//!
//! # Calls
//!
//! | for | calls of [`Client`] |
//! | --- | --- |
//! | the session | `capabilities`, `has_capability`, `enable`, `enabled`, `id`, `notify`, `noop`, `compress`, `language`, `comparator`, `logout` |
//! | mailboxes | `list`, `list_stream`, `list_extended`, `subscribed`, `namespace`, `status`, `create`, `delete`, `rename`, `subscribe`, `unsubscribe` |
//! | opening one | `select`, `select_with`, `examine`, `examine_with`, `mailbox`, `unselect`, `close`, `resync` |
//! | reading | `fetch`, `uid_fetch`, `fetch_with` |
//! | changing | `store`, `store_with`, `store_labels`, `copy`, `move_messages`, `expunge`, `uid_expunge` |
//! | adding | `append`, `append_all`, `replace` |
//! | finding | `search`, `search_for`, `sort`, `sort_for`, `thread`, `search_mailboxes`, `uid_batches`, `search_context`, `sort_context`, `cancel_update` |
//! | news | `updates`, `idle` |
//! | the account | `quota`, `quota_root`, `set_quota`, `acl`, `set_acl`, `delete_acl`, `list_rights`, `my_rights`, `metadata`, `set_metadata` |
//! | addresses | `gen_url_auth`, `url_fetch`, `reset_key`, `jmap_access` |
//! | all else | `command`, `look` |
//!
//! # Whose turn it is
//!
//! Commands go out in the order in which they were given, without waiting for answers where RFC 9051 5.5 allows it.
//! Rows name no command, so of the commands that are answered with them (FETCH, and STORE that is not silent) one is in
//! progress at a time, and those behind it wait.
//!
//! # Servers that do so much at a time
//!
//! Where a server works on so many messages at a time (MESSAGELIMIT and SAVELIMIT, RFC 9738), or takes lines of some
//! length, FETCH, STORE, COPY and MOVE by UID, UID EXPUNGE and SEARCH become as many commands as it takes, and are still
//! one call:
//!
//! - **Order.** What is known to be too much is divided before, and nothing that was asked for later is sent before the
//!   last part. What the server leaves without having announced it, as of `1:*`, is asked for as soon as it says so, behind
//!   commands that are on their way already. Rows come in the order of the parts; a server that stops begins with the
//!   highest UID.
//! - **Time.** [`call_timeout`](crate::ClientOptions::call_timeout) is for all parts together. A call that is dropped
//!   sends no further part.
//! - **Errors.** When a part is refused the call is, whatever was done before: what STORE and MOVE did comes as
//!   [updates](Update). The same goes for what cannot be asked for again, because the server did not say how far it came
//!   or has stopped amid messages by number, sorted or saved results or pages: the [refusal](crate::ClientError::refusal)
//!   has the code MESSAGELIMIT. No answer that is not whole is taken for a whole one, but by [`Client::command`].
//!
//! # Limits
//!
//! A session holds what its machine holds (`posthaste_imap::client::ClientLimits`), for a reader of rows
//! [`rows_octets_max`](crate::ClientOptions::rows_octets_max), 1024 updates for each who listens, and up to 64 MiB of
//! the answer to any other call, which fails beyond that.

mod account;
mod append;
mod client;
mod context;
mod fetch;
mod find;
mod idle;
mod mailboxes;
mod messages;
mod open;
mod pipe;
mod resync;
mod route;
mod session;
mod task;
mod update;
mod watch;

pub use account::Quota;
pub use append::{Append, AppendPart, Appended};
pub use client::{Answer, Client};
pub use context::{ContextEnd, ContextUpdate, SearchContext};
pub use fetch::{Literal, Part, Row, Rows};
pub use find::Found;
pub use idle::Idle;
pub use mailboxes::{Listing, MailboxStatus};
pub use messages::{Copied, Stored};
pub use resync::{Change, Changes, Counted, Known, Method, Synced};
pub use update::{Changed, Update, Updates};
pub use watch::{Backoff, Watch, Watched};

pub use posthaste_imap::client::FirstStatus;
use posthaste_imap::client::ProtocolError;
use posthaste_imap::types::Status;

use crate::client::{ClientError, Phase};

/// Why a call of an IMAP client failed.
pub type Error = ClientError<ProtocolError, Status>;

type Cause = crate::client::Cause<ProtocolError, Status>;
