//! The nouns of SMTP, as types that cannot hold what the wire cannot carry.
//!
//! Nothing here reads or writes octets (`parse`, `encode`) or knows the state of a session. Every text that may
//! reach the wire is checked when it is made: no CR, LF, NUL or other control, and within RFC 5321 4.5.3.1.

mod address;
mod capability;
mod command;
mod envelope;
mod parameter;
mod reply;
mod text;

pub use address::{Domain, ForwardPath, LocalPart, Mailbox, ReversePath};
pub use capability::{Capabilities, Capability};
pub use command::{Command, InitialResponse};
pub use envelope::{Envelope, Transaction};
pub use parameter::{AuthIdentity, BodyType, MailParameters, Parameter, RcptParameters};
pub use reply::{EnhancedStatus, Rejection, Reply, ReplyClass};
pub use text::{ClientName, Mechanism, Text};
