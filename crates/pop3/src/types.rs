//! The words of POP3 as values that cannot hold what the protocol cannot carry.

mod argument;
mod capability;
mod command;
mod language;
mod number;
mod reply;
mod timestamp;
mod uidl;

pub use argument::{InvalidArgument, MechanismName, Password, UserName};
pub use capability::{Announced, Capabilities, Capability, Retention, Scope, Utf8Names};
pub use command::{Command, Verb};
pub use language::{LanguageRange, LanguageTag};
pub use number::MessageNumber;
pub use reply::{Reply, ResponseCode, Status};
pub use timestamp::{ApopDigest, ApopTimestamp};
pub use uidl::Uidl;
