//! Writes [`crate::types`] as lines (RFC 9051 and RFC 3501, section 9).
//!
//! Encoders cannot fail and cannot be made to inject: types hold only what the grammar can express, and CR, LF
//! and 8-bit octets travel in literals. NUL, which no string can carry, becomes `?`. Responses append to a
//! buffer; commands become [`Fragment`]s, because a synchronising literal has to wait for the server.

pub mod append;
pub mod authenticate;
pub mod command;
pub mod fetch;
pub mod idle;
pub mod metadata;
pub mod response;

mod acl;
mod batches;
mod body;
mod capability;
mod code;
mod copy;
mod create;
mod datetime;
mod envelope;
mod esearch;
mod flag;
mod id;
mod language;
mod list;
mod login;
mod mailbox;
mod namespace;
mod notify;
mod quota;
mod search;
mod section;
mod select;
mod sequence;
mod sort;
mod status;
mod store;
mod string;
mod thread;
mod urlauth;
mod writer;

/// What an encoder asks of values that are kept in another form than [`crate::types`].
pub(crate) mod told {
    pub(crate) use super::body::{Shape, ToldPart};
    pub(crate) use super::envelope::EnvelopeMembers;
}

pub use command::command;
pub use response::response;
pub use writer::{EncodeContext, Fragment, LiteralMode};
