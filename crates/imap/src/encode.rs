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
pub mod response;

mod body;
mod capability;
mod code;
mod create;
mod datetime;
mod envelope;
mod flag;
mod id;
mod list;
mod login;
mod mailbox;
mod namespace;
mod search;
mod section;
mod select;
mod sequence;
mod status;
mod store;
mod string;
mod writer;

pub use command::command;
pub use response::response;
pub use writer::{EncodeContext, Fragment, LiteralMode};
