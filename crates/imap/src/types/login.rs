//! LOGIN (RFC 9051, section 6.2.3).

use crate::error::InvalidValue;
use crate::types::AString;
use posthaste_wire::Secret;

/// The arguments of LOGIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    user: AString,
    password: Secret,
}

impl Login {
    /// Log in `user` with `password`.
    ///
    /// # Errors
    /// When `password` holds NUL, which no string of IMAP can carry.
    pub fn new(user: AString, password: Secret) -> Result<Self, InvalidValue> {
        if memchr::memchr(0, password.expose()).is_some() {
            return Err(InvalidValue::new("password"));
        }
        Ok(Self { user, password })
    }

    /// The user's name.
    pub fn user(&self) -> &AString {
        &self.user
    }

    /// The password; not printed by `Debug`.
    pub fn password(&self) -> &Secret {
        &self.password
    }
}
