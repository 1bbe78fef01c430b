//! From octets to types. Pure functions over one complete line, with nom in its `complete` form only; the one
//! exception is the reply of a server, which has several lines and is gathered by `reply::ReplyReader`.

pub(crate) mod address;
pub(crate) mod capability;
pub(crate) mod command;
pub(crate) mod octet;
mod options;
pub(crate) mod reply;
mod word;
pub(crate) mod xtext;
