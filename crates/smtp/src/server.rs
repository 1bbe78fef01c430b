//! The server machine of SMTP, submission and LMTP: commands in, replies out, one event at a time.
//!
//! [`Server`] is the machine, [`Config`] with its [`Extensions`] what it is told before the first octet, [`Event`]
//! what it asks and tells. Most events are tokens, which are answered through their own methods.

mod auth;
mod chunk;
mod command;
mod config;
mod content;
mod event;
mod extensions;
mod inquiry;
mod machine;
mod patience;
mod relay;
mod token;
mod transaction;

pub use auth::{Auth, StartTls};
pub use config::{AuthPrivacy, Config, ConfigError, EarlyTalker, EightBitContent, Mode, ProxyUse, TlsOffer};
pub use event::{BodyAborted, Event, Hello, HelloVerb};
pub use extensions::Extensions;
pub use inquiry::{Etrn, Expn, Vrfy};
pub use machine::{Server, Timer};
pub use relay::{Xclient, Xforward};
pub use token::{BodyEnd, Data, Mail, Rcpt};
