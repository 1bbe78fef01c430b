//! The challenge and the digest of CRAM-MD5 (RFC 2195 2).

use alloc::format;
use alloc::string::String;
use posthaste_wire::Secret;

use crate::hash::hmac_md5;
use crate::prepare::{self, Unassigned};
use crate::{Field, SaslError};

/// The digest in lower-case hexadecimal, which is how it is sent and compared.
pub(crate) fn digest(password: &Secret, challenge: &[u8]) -> Secret {
    let digest = hmac_md5(password.expose(), challenge);
    let nibbles = digest.expose().iter().flat_map(|octet| [octet >> 4, octet & 15]);
    let mut text = alloc::vec::Vec::with_capacity(digest.len().saturating_mul(2));
    text.extend(
        nibbles
            .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
            .filter_map(|digit| u8::try_from(digit).ok()),
    );
    Secret::new(text)
}

/// What a client answers to a challenge.
pub(crate) fn response(user: &str, password: &Secret, challenge: &[u8]) -> Secret {
    let digest = digest(password, challenge);
    Secret::new([user.as_bytes(), b" ", digest.expose()].concat())
}

/// The name and the digest of a response. The name may hold spaces.
pub(crate) fn parse(response: &Secret) -> Result<(String, Secret), SaslError> {
    let octets = response.expose();
    let space = octets.iter().rposition(|octet| *octet == b' ').ok_or(SaslError::Malformed)?;
    let (name, digest) = octets.split_at_checked(space).ok_or(SaslError::Malformed)?;
    let digest = digest.get(1..).unwrap_or_default();
    let is_digit = |octet: &u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
    if digest.len() != 32 || !digest.iter().all(is_digit) {
        return Err(SaslError::Malformed);
    }
    Ok((prepare::name_of(Field::Authentication, name, Unassigned::Pass)?, Secret::from(digest)))
}

/// A challenge that was never sent before.
pub(crate) fn challenge(nonce: &str, host: &str) -> String {
    format!("<{nonce}@{host}>")
}
