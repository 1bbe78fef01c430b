//! What the three clients share: where their server is, who they are, how long they wait, and what their errors say.
//!
//! Decides nothing of what is said; that is in `smtp`, `pop3` and `imap`, over the machines.

mod credentials;
mod dial;
mod endpoint;
mod error;
mod options;
mod session;

pub use credentials::{Credentials, nonce, nonce_from};
pub use endpoint::{Endpoint, EndpointError, Protocol, TlsMode};
pub use error::{Cause, ClientError, Peer, Phase, Retry, ServerRefusal};
pub use options::ClientOptions;

pub(crate) use credentials::respond;
pub(crate) use dial::reach;
pub(crate) use session::{Session, after};
