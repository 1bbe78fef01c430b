//! Which cryptography: that of a feature, or the caller's own.
//!
//! Decides what is used where the caller names nothing. All randomness of this crate comes from here as well.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SecureRandom};

use crate::ClientOptions;

/// The cryptography that is used where none is named: that of the feature `aws-lc-rs`, else that of the feature `ring`,
/// else what the process has installed with [`CryptoProvider::install_default`].
///
/// # Errors
///
/// There is none of the three.
pub fn default_provider() -> Result<Arc<CryptoProvider>, rustls::Error> {
    of_a_feature()
        .map(Arc::new)
        .or_else(|| CryptoProvider::get_default().map(Arc::clone))
        .ok_or_else(|| rustls::Error::General(NO_PROVIDER.to_owned()))
}

#[cfg(feature = "aws-lc-rs")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature there may be none")]
fn of_a_feature() -> Option<CryptoProvider> {
    Some(rustls::crypto::aws_lc_rs::default_provider())
}

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
#[expect(clippy::unnecessary_wraps, reason = "without the feature there may be none")]
fn of_a_feature() -> Option<CryptoProvider> {
    Some(rustls::crypto::ring::default_provider())
}

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
const fn of_a_feature() -> Option<CryptoProvider> {
    None
}

/// A generator of random octets that is fit for secrets.
#[derive(Clone, Copy)]
pub(crate) struct Random(Option<&'static dyn SecureRandom>);

/// There is no generator, or it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no randomness")]
pub(crate) struct NoRandomness;

impl Random {
    pub(crate) fn of(provider: &CryptoProvider) -> Self {
        Self(Some(provider.secure_random))
    }

    /// That of the cryptography a client was given.
    pub(crate) fn of_client(options: &ClientOptions) -> Self {
        match &options.client_config {
            Some(config) => Self::of(config.crypto_provider()),
            None => Self::usual(),
        }
    }

    /// That of [`default_provider`].
    pub(crate) fn usual() -> Self {
        Self(default_provider().ok().map(|provider| provider.secure_random))
    }

    pub(crate) fn fill<const N: usize>(self) -> Result<[u8; N], NoRandomness> {
        let mut octets = [0; N];
        self.0.ok_or(NoRandomness)?.fill(&mut octets).map_err(|_| NoRandomness)?;
        Ok(octets)
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Random").field("exists", &self.0.is_some()).finish()
    }
}

const NO_PROVIDER: &str =
    "no cryptography: name a provider, or build posthaste-tokio with the feature ring or aws-lc-rs";
