//! The one message of PLAIN (RFC 4616 2), and the rules for names and passwords, which LOGIN shares.
//!
//! ```text
//! message = [authzid] NUL authcid NUL passwd
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use posthaste_wire::Secret;

use crate::{Credentials, Field, SaslError};

/// The longest name, in octets. RFC 4616 2 asks for at least 255.
pub const NAME_MAX: usize = 1024;

/// The longest password, in octets. RFC 4616 2 asks for at least 255; tokens are used as passwords too.
pub const PASSWORD_MAX: usize = 4096;

/// Takes a message apart.
pub(crate) fn parse(message: &Secret) -> Result<Credentials, SaslError> {
    let mut parts = message.expose().split(|octet| *octet == 0);
    let (Some(authzid), Some(authcid), Some(passwd), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(SaslError::Malformed);
    };
    let authorization =
        if authzid.is_empty() { None } else { Some(name(Field::Authorization, authzid)?.into()) };
    let authentication = String::from(name(Field::Authentication, authcid)?);
    password(passwd)?;
    Ok(Credentials { authorization, authentication, password: Secret::from(passwd) })
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

/// Checks a name.
pub(crate) fn name(field: Field, octets: &[u8]) -> Result<&str, SaslError> {
    if octets.is_empty() {
        return Err(SaslError::Empty(field));
    }
    if octets.len() > NAME_MAX {
        return Err(SaslError::TooLong { field, limit: NAME_MAX });
    }
    let text = core::str::from_utf8(octets).map_err(|_| SaslError::NotUtf8(field))?;
    if text.chars().any(char::is_control) {
        return Err(SaslError::Prohibited(field));
    }
    Ok(text)
}

/// Checks a password. An empty one is never right: a directory may take it for an anonymous bind.
pub(crate) fn password(octets: &[u8]) -> Result<(), SaslError> {
    let field = Field::Password;
    if octets.is_empty() {
        return Err(SaslError::Empty(field));
    }
    if octets.len() > PASSWORD_MAX {
        return Err(SaslError::TooLong { field, limit: PASSWORD_MAX });
    }
    if core::str::from_utf8(octets).is_err() {
        return Err(SaslError::NotUtf8(field));
    }
    if octets.contains(&0) {
        return Err(SaslError::Prohibited(field));
    }
    Ok(())
}
