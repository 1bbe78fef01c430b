//! Writes [`crate::types`] as lines.
