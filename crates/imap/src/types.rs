//! The values IMAP lines carry, independent of how they are written (RFC 9051, section 9; RFC 3501, section 9).
//!
//! Every type owns its octets (`Bytes`, no lifetimes) and its constructor refuses what the grammar
//! cannot express, so that an encoder never fails and never injects. Parsing and encoding live under
//! the same file names in [`crate::parse`] and [`crate::encode`].

mod append;
mod authenticate;
mod body;
mod capability;
mod code;
mod command;
mod create;
pub(crate) mod datetime;
mod envelope;
mod fetch;
mod flag;
mod id;
mod limits;
mod list;
mod literal;
mod login;
mod mailbox;
pub(crate) mod mutf7;
mod namespace;
mod response;
mod search;
mod section;
mod select;
mod sequence;
mod sort;
mod status;
mod store;
pub(crate) mod string;
pub(crate) mod tag;
mod thread;

pub use append::AppendHead;
pub use authenticate::{Authenticate, SaslResponse};
pub use body::{
    BodyKind, BodyPart, BodyStructure, Disposition, Multipart, MultipartExtension, Parameters, PartExtension,
};
pub use capability::Capability;
pub use code::ResponseCode;
pub use command::{Addressing, Command, TaggedCommand};
pub use create::Create;
pub use datetime::{Date, DateTime};
pub use envelope::{Address, Envelope};
pub use fetch::{FetchAttribute, FetchItem, Partial, Payload};
pub use flag::{Flag, Keyword, PermanentFlags};
pub use id::IdParameters;
pub use limits::{ParseContext, ParseLimits};
pub use list::{
    ListCommand, ListPattern, ListResponse, ListReturn, ListSelection, ListStyle, MailboxAttribute,
    SpecialUse,
};
pub use literal::LiteralHeader;
pub use login::Login;
pub use mailbox::Mailbox;
pub use mutf7::{decode as decode_modified_utf7, encode as encode_modified_utf7};
pub use namespace::{Namespace, Namespaces};
pub use response::{Condition, EsearchResponse, Parsed, Repairs, Response, Status};
pub use search::{SearchCommand, SearchKey, SearchReturn};
pub use section::{PartPath, Section, SectionText};
pub use select::SelectParameter;
pub use sequence::{SequenceNumber, SequenceRange, SequenceSet, UidSet};
pub use sort::{SortCriterion, SortKey, SortOrder};
pub use status::{StatusAttribute, StatusItem};
pub use store::{StoreAction, StoreCommand, StoreEcho};
pub use string::{AString, Atom, NString};
pub use tag::Tag;
pub use thread::{ThreadAlgorithm, ThreadNode, Threads};
