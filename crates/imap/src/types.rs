//! The values IMAP lines carry, independent of how they are written (RFC 9051, section 9; RFC 3501, section 9).
//!
//! Every type owns its octets (`Bytes`, no lifetimes) and its constructor refuses what the grammar
//! cannot express, so that an encoder never fails and never injects. Parsing and encoding live under
//! the same file names in [`crate::parse`] and [`crate::encode`].
//!
//! # How the types are made
//!
//! - A command with more than two arguments has a struct of its own, `FetchCommand` and the like; what an extension
//!   adds to it is a field that is `None`, empty or [`Default`] where the extension is not used.
//! - Names that a later RFC may add to (capabilities, response codes, events, resources, algorithms) are enums with
//!   `Other`, which keeps the name. Names compare without regard to case ([`Label`]); identifiers with it ([`ObjectId`]).
//! - Numbers are as wide as the widest that peers are known to send, even where the grammar has fewer bits.
//! - A set of messages stays ranges ([`SequenceSet`]); where `$` is possible the type is [`MessageSet`].
//! - What is read by the million is small: [`Flags`] is one octet and one slice, a section or a name is a slice of the
//!   line it came in.
//! - A message is not a value: commands and rows end where its literal begins, and its octets stream.

mod acl;
mod append;
mod authenticate;
mod batches;
mod body;
mod capability;
mod code;
mod command;
mod copy;
mod create;
pub(crate) mod datetime;
mod envelope;
mod esearch;
mod fetch;
pub(crate) mod flag;
mod id;
pub(crate) mod label;
mod language;
mod limits;
mod list;
mod literal;
mod login;
mod mailbox;
mod metadata;
pub(crate) mod mutf7;
mod namespace;
mod notify;
mod quota;
mod response;
mod search;
mod search_extension;
mod section;
mod select;
mod sequence;
mod sort;
mod status;
mod store;
pub(crate) mod string;
pub(crate) mod tag;
mod thread;
mod urlauth;

pub use acl::{Acl, ListRights, Rights, RightsChange};
pub use append::{AppendData, AppendHead, AppendOptions, CatenateRun};
pub use authenticate::{Authenticate, SaslResponse};
pub use batches::{UidBatches, UidBatchesCommand};
pub use body::{
    BodyKind, BodyPart, BodyStructure, Disposition, Multipart, MultipartExtension, Parameters, PartExtension,
};
pub use capability::Capability;
pub use code::ResponseCode;
pub use command::{Addressing, Command, TaggedCommand};
pub use copy::{CopyCommand, ReplaceCommand};
pub use create::Create;
pub use datetime::{Date, DateTime};
pub use envelope::{Address, Envelope};
pub use esearch::{ContextChange, EsearchCommand, EsearchResponse};
pub use fetch::{FetchAttribute, FetchCommand, FetchItem, FetchModifiers, Partial, Payload};
pub use flag::{Flag, Flags, FlagsIter, Keyword, PermanentFlags};
pub use id::IdParameters;
pub use label::{Label, ObjectId};
pub use language::Comparator;
pub use limits::{ParseContext, ParseLimits};
pub use list::{
    ListCommand, ListPattern, ListResponse, ListReturn, ListSelection, ListStyle, MailboxAttribute,
    SpecialUse,
};
pub use literal::LiteralHeader;
pub use login::Login;
pub use mailbox::Mailbox;
pub use metadata::{EntryName, GetMetadata, Metadata, MetadataData, MetadataDepth, MetadataEntry};
pub use mutf7::{decode as decode_modified_utf7, encode as encode_modified_utf7};
pub use namespace::{Namespace, Namespaces};
pub use notify::{EventGroup, MailboxFilter, NotifyCommand, NotifyEvent};
pub use quota::{QuotaLimit, QuotaResource, QuotaUsage};
pub use response::{Condition, Parsed, Repairs, Response, Status};
pub use search::{SearchCommand, SearchKey, SearchResponse, SearchReturn};
pub use search_extension::{ModSeqEntry, ModSeqScope, ModSeqSearch, PartialEnd, PartialRange};
pub use section::{PartPath, Section, SectionText};
pub use select::{QResync, SelectParameter};
pub use sequence::{MessageSet, SequenceNumber, SequenceRange, SequenceSet, UidSet};
pub use sort::{SortCommand, SortCriterion, SortKey, SortOrder};
pub use status::{StatusAttribute, StatusItem};
pub use store::{StoreAction, StoreCommand, StoreEcho, StoreLabels};
pub use string::{AString, Atom, NString};
pub use tag::Tag;
pub use thread::{ThreadAlgorithm, ThreadCommand, ThreadNode, Threads};
pub use urlauth::{
    FetchedUrl, ResetKey, UrlData, UrlFetch, UrlFetchItem, UrlItem, UrlMechanism, UrlToAuthorise,
};
