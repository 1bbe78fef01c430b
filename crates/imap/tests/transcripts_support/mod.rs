//! Both ends of the examples of the RFCs: a mailbox in memory behind a server, what is in it in each example, and a user
//! of a client who asks what the script asks.

mod setting;
mod store;
mod user;

pub(crate) use setting::{extensions, limits, store};
pub(crate) use user::User;
