//! Both ends of the examples of the RFCs: a mailbox in memory behind a server, and a user of a client who asks what
//! the script asks.

mod store;
mod user;

pub(crate) use store::{Folder, Store};
pub(crate) use user::User;
