//! Octets that must not be seen: passwords, SASL messages, keys.

use alloc::vec::Vec;
use core::fmt;
use zeroize::Zeroizing;

/// Secret octets: wiped from memory when dropped, never printed in any build.
///
/// Comparing takes the same time wherever two secrets of the same length differ.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes ownership of `octets` without leaving a copy.
    pub fn new(octets: Vec<u8>) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// The octets themselves. The name is there to be found by whoever reviews.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// How many octets there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&[u8]> for Secret {
    fn from(octets: &[u8]) -> Self {
        Self::new(octets.to_vec())
    }
}

impl From<Vec<u8>> for Secret {
    fn from(octets: Vec<u8>) -> Self {
        Self::new(octets)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let differs = self.0.iter().zip(other.0.iter()).fold(0, |all, (a, b)| all | (a ^ b));
        self.len() == other.len() && core::hint::black_box(differs) == 0
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::from("hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(format!("{:#?}", Some(&secret)), "Some(\n    Secret(..),\n)");
    }

    #[test]
    fn equality_is_that_of_the_octets() {
        assert_eq!(Secret::from("abc"), Secret::from(&b"abc"[..]));
        assert_ne!(Secret::from("abc"), Secret::from("abd"));
        assert_ne!(Secret::from("abc"), Secret::from("abcd"));
        assert_ne!(Secret::from("abc"), Secret::default());
    }
}
