//! Reads complete lines into [`crate::types`] (RFC 9051 and RFC 3501, section 9).
//!
//! The input is always one logical line as it stood on the wire, literals inline with their `{n}` CRLF, the
//! final CRLF left off. Payloads are slices of it. Commands are read strictly: one space is one space and
//! nothing may follow. Responses are read leniently where servers are known to be wrong, and every such
//! repair is reported. Nothing here remembers an earlier line.

pub mod append;
pub mod authenticate;
pub mod command;
pub mod fetch;
pub mod idle;
pub mod literal;
pub mod response;
pub mod sequence;

mod acl;
mod batches;
mod body;
mod capability;
mod code;
mod copy;
mod create;
mod cursor;
mod datetime;
mod envelope;
mod esearch;
mod flag;
mod id;
mod language;
mod list;
mod login;
mod mailbox;
mod metadata;
mod namespace;
mod notify;
mod quota;
mod search;
mod section;
mod select;
mod sort;
mod status;
mod store;
mod string;
mod tag;
mod thread;
mod urlauth;

pub use command::{command, tag};
pub use literal::{LiteralMarker, literal_marker};
pub use response::response;
