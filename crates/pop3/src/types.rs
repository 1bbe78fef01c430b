//! The words of POP3 as values that cannot hold what the protocol cannot carry.

mod argument;
mod capability;
mod command;
mod number;
mod reply;
mod uidl;

pub use argument::{InvalidArgument, MechanismName, Password, UserName};
pub use capability::Capabilities;
pub use command::{Command, Verb};
pub use number::MessageNumber;
pub use reply::{Reply, ResponseCode, Status};
pub use uidl::Uidl;
