//! Randomness, from the system by way of the TLS library.

use super::DirectoryError;

/// Octets that nobody can guess.
pub(super) fn octets<const N: usize>() -> Result<[u8; N], DirectoryError> {
    let mut octets = [0; N];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut octets).map_err(|_| DirectoryError::Hashing)?;
    Ok(octets)
}
