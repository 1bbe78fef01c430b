//! AUTHENTICATE and SASL lines (RFC 9051, section 6.2.2; RFC 4959; base64 of RFC 4648, section 4).

use super::cursor::{Cursor, Result};
use super::string::atom;
use crate::error::{ParseError, ParseErrorKind};
use crate::types::{Authenticate, SaslResponse};
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use posthaste_wire::Secret;

/// Reads the line with which a client answers a challenge.
///
/// # Errors
/// When it is neither `*` nor canonical base64, which may be empty.
pub fn sasl_response(line: &[u8]) -> core::result::Result<SaslResponse, ParseError> {
    if line == b"*" {
        return Ok(SaslResponse::Cancel);
    }
    decode(line)
        .map(SaslResponse::Data)
        .ok_or_else(|| ParseError::new(0, "base64", ParseErrorKind::Syntax, &[]))
}

/// Decodes the challenge in a continuation request.
///
/// # Errors
/// When the text is not base64. Spaces around it are overlooked.
pub fn sasl_challenge(text: &[u8]) -> core::result::Result<Secret, ParseError> {
    decode(text.trim_ascii()).ok_or_else(|| ParseError::new(0, "base64", ParseErrorKind::Syntax, &[]))
}

pub(super) fn authenticate(cursor: &mut Cursor<'_>) -> Result<Authenticate> {
    let mechanism = atom(cursor, "auth-type")?;
    if cursor.is_at_end() {
        return Ok(Authenticate { mechanism, initial: None });
    }
    cursor.space("initial-resp")?;
    cursor.secret = true;
    let initial = match cursor.rest() {
        b"" => return cursor.fail("initial-resp"),
        b"=" => Secret::default(),
        text => match decode(text) {
            Some(response) => response,
            None => return cursor.fail("initial-resp"),
        },
    };
    cursor.seek(usize::MAX);
    Ok(Authenticate { mechanism, initial: Some(initial) })
}

fn decode(text: &[u8]) -> Option<Secret> {
    base64(text).map(Secret::new)
}

/// Canonical base64, decoded.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
