//! The one message of PLAIN (RFC 4616 2).
//!
//! ```text
//! message = [authzid] NUL authcid NUL passwd
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use posthaste_wire::Secret;

use crate::prepare::{self, Unassigned};
use crate::{Field, SaslError};

pub(crate) struct Message {
    pub(crate) authorization: Option<String>,
    pub(crate) authentication: String,
    /// As it was sent; not yet prepared.
    pub(crate) password: Secret,
}

/// Takes a message apart.
pub(crate) fn parse(message: &Secret) -> Result<Message, SaslError> {
    let mut parts = message.expose().split(|octet| *octet == 0);
    let (Some(authzid), Some(authcid), Some(passwd), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(SaslError::Malformed);
    };
    let authorization = match authzid {
        [] => None,
        _ => Some(prepare::name_of(Field::Authorization, authzid, Unassigned::Pass)?),
    };
    let authentication = prepare::name_of(Field::Authentication, authcid, Unassigned::Pass)?;
    Ok(Message { authorization, authentication, password: Secret::from(passwd) })
}

/// Puts a message together from parts that were checked.
pub(crate) fn message(authorization: Option<&str>, user: &str, password: &Secret) -> Secret {
    let authorization = authorization.unwrap_or_default();
    // Sized at once: growing would leave a copy of the password behind.
    let length = [authorization.len(), user.len(), password.len(), 2];
    let mut message = Vec::with_capacity(length.into_iter().fold(0, usize::saturating_add));
    message.extend_from_slice(authorization.as_bytes());
    message.push(0);
    message.extend_from_slice(user.as_bytes());
    message.push(0);
    message.extend_from_slice(password.expose());
    Secret::new(message)
}
