//! Reads lines into [`crate::types`].
