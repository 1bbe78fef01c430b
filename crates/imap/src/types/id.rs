//! ID (RFC 2971).

use crate::error::InvalidValue;
use crate::types::{AString, NString};
use alloc::vec::Vec;

/// `id-params-list`: what an implementation tells about itself; no pairs at all is NIL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdParameters(Vec<(AString, NString)>);

impl IdParameters {
    /// Most pairs (RFC 2971, section 3.3).
    pub const PAIRS_MAX: usize = 30;
    /// Longest field name in octets.
    pub const NAME_MAX: usize = 30;
    /// Longest value in octets.
    pub const VALUE_MAX: usize = 1024;

    /// These pairs of field and value.
    ///
    /// # Errors
    /// When there are too many of them or one is too long.
    pub fn new(pairs: Vec<(AString, NString)>) -> Result<Self, InvalidValue> {
        let fits = |(name, value): &(AString, NString)| {
            name.as_bytes().len() <= Self::NAME_MAX
                && value.as_ref().is_none_or(|value| value.as_bytes().len() <= Self::VALUE_MAX)
        };
        if pairs.len() > Self::PAIRS_MAX || !pairs.iter().all(fits) {
            return Err(InvalidValue::new("id-params-list"));
        }
        Ok(Self(pairs))
    }

    /// The pairs.
    pub fn pairs(&self) -> &[(AString, NString)] {
        &self.0
    }
}
