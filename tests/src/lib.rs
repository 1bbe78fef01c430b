//! Tests where the Posthaste crates meet. `interop/` holds the reference server against clients that other people
//! wrote; the examples of the README are compiled and run from here.

/// The examples of the workspace's README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct ReadmeDoctests;
