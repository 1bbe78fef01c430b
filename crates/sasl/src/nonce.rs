//! What makes an exchange unlike any other. The randomness comes from the caller: this crate has none.

use alloc::string::String;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{Field, SaslError};

/// The longest nonce, in octets, of one's own and of the two together. RFC 5802 5.1 sets no limit.
pub const NONCE_MAX: usize = 512;

/// One side's part of the nonce of an exchange: printable, without a comma (RFC 5802 5.1, `r`).
///
/// Not to be cloned: each is for one exchange only.
#[derive(Debug, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// How many random octets a nonce is made of.
    pub const OCTETS: usize = 18;

    /// A nonce of octets from a generator that is fit for cryptography.
    pub fn new(random: [u8; Self::OCTETS]) -> Self {
        Self(STANDARD.encode(random))
    }

    /// A nonce that is given as text, as in the examples of the RFCs.
    ///
    /// # Errors
    ///
    /// [`SaslError`] when it is empty, longer than [`NONCE_MAX`], or holds what a nonce may not.
    pub fn from_text(text: &str) -> Result<Self, SaslError> {
        check(text)?;
        Ok(Self(text.into()))
    }

    /// The nonce as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// Checks a nonce of a message.
pub(crate) fn check(nonce: &str) -> Result<(), SaslError> {
    let field = Field::Nonce;
    if nonce.is_empty() {
        return Err(SaslError::Empty(field));
    }
    if nonce.len() > NONCE_MAX {
        return Err(SaslError::TooLong { field, limit: NONCE_MAX });
    }
    if nonce.bytes().all(|octet| octet.is_ascii_graphic() && octet != b',') {
        Ok(())
    } else {
        Err(SaslError::Prohibited(field))
    }
}
