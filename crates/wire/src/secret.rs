//! Octets that must not be seen: passwords, SASL messages, keys.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use zeroize::{ZeroizeOnDrop, Zeroizing};

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

    /// Makes a secret of at most `length` octets in memory that never grows, so that no copy of its beginning is
    /// left behind. `fill` gets the octets, all zero, and says how many of them it has used.
    ///
    /// ```
    /// use posthaste_wire::Secret;
    ///
    /// let line = Secret::fill(7, |octets| {
    ///     let (text, end) = octets.split_at_mut(5);
    ///     text.copy_from_slice(b"aGVsb");
    ///     end.copy_from_slice(b"\r\n");
    ///     7
    /// });
    /// assert_eq!(line.expose(), b"aGVsb\r\n");
    /// ```
    pub fn fill(length: usize, fill: impl FnOnce(&mut [u8]) -> usize) -> Self {
        let mut secret = Self::new(vec![0; length]);
        let used = fill(&mut secret.0);
        secret.0.truncate(used);
        secret
    }

    /// Puts parts together in memory that never grows, for a line in which only a part is secret.
    pub fn concat(parts: &[&[u8]]) -> Self {
        let length = parts.iter().fold(0, |sum: usize, part| sum.saturating_add(part.len()));
        let mut octets = Vec::with_capacity(length);
        parts.iter().for_each(|part| octets.extend_from_slice(part));
        Self::new(octets)
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

/// The octets are wiped, the unused capacity behind them included.
impl ZeroizeOnDrop for Secret {}

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

/// The memory of the text becomes that of the secret: nothing is copied.
impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
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
    fn what_is_made_in_place_is_what_was_put_there() {
        assert_eq!(
            Secret::concat(&[b"AUTH PLAIN ", b"AGEAYg==", b"\r\n"]),
            Secret::from("AUTH PLAIN AGEAYg==\r\n")
        );
        assert_eq!(Secret::concat(&[]), Secret::default());
        let filled = Secret::fill(8, |octets| {
            octets[..3].copy_from_slice(b"abc");
            3
        });
        assert_eq!(filled, Secret::from("abc"));
        assert_eq!(Secret::fill(2, |_| 100), Secret::from(&[0, 0][..]));
    }

    #[test]
    fn a_text_becomes_a_secret_where_it_lies() {
        let text = String::from("hunter2");
        let place = text.as_ptr();
        let secret = Secret::from(text);
        assert_eq!(secret.expose().as_ptr(), place);
        assert_eq!(secret, Secret::from("hunter2"));
    }

    #[test]
    fn equality_is_that_of_the_octets() {
        assert_eq!(Secret::from("abc"), Secret::from(&b"abc"[..]));
        assert_ne!(Secret::from("abc"), Secret::from("abd"));
        assert_ne!(Secret::from("abc"), Secret::from("abcd"));
        assert_ne!(Secret::from("abc"), Secret::default());
    }
}
