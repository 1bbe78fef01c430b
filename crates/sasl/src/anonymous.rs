//! The trace of ANONYMOUS (RFC 4505 2, 3): who says to be there, for the log and no other use.

use alloc::string::String;

use crate::{Field, SaslError};

/// The longest trace, in characters (RFC 4505 2).
pub(crate) const TRACE_MAX: usize = 255;

/// The trace in a message; `None` when there is none.
pub(crate) fn trace(message: &[u8]) -> Result<Option<String>, SaslError> {
    let field = Field::Trace;
    let text = core::str::from_utf8(message).map_err(|_| SaslError::NotUtf8(field))?;
    if text.chars().nth(TRACE_MAX).is_some() {
        return Err(SaslError::TooLong { field, limit: TRACE_MAX });
    }
    if text.chars().any(char::is_control) {
        return Err(SaslError::Prohibited(field));
    }
    Ok((!text.is_empty()).then(|| text.into()))
}
