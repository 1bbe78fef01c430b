//! The nouns of SMTP, as types that cannot hold what the wire cannot carry.
//!
//! Nothing here reads or writes octets (`parse`, `encode`) or knows the state of a session. Every text that may
//! reach the wire is checked when it is made: no CR, LF, NUL or other control, and within RFC 5321 4.5.3.1.

mod address;
mod capability;
mod command;
mod datetime;
mod dsn;
mod envelope;
pub(crate) mod octets;
mod parameter;
mod quirk;
mod relay;
mod reply;
mod schedule;
mod status;
mod text;

pub use address::{AddressLiteral, Domain, ForwardPath, LocalPart, Mailbox, ReversePath};
pub use capability::{AnnouncedLimits, Capabilities, Capability, Keyword};
pub use command::{Command, InitialResponse};
pub use datetime::DateTime;
pub(crate) use dsn::is_utf8;
pub use dsn::{EnvelopeId, Notify, OriginalRecipient, Ret};
pub use envelope::{Envelope, Recipient, Transaction};
pub use parameter::{AuthIdentity, BodyType, MailParameters, Parameter, RcptParameters};
pub use quirk::{Quirk, Quirks};
pub use relay::{Attribute, AttributeValue, Attributes};
pub(crate) use reply::Lines;
pub use reply::{Rejection, Reply, ReplyClass};
pub use schedule::{ByMode, DeliverBy, Hold, Priority, RrvsAction, ValidSince};
pub use status::EnhancedStatus;
pub use text::{ClientName, Mechanism, Text};
