//! What a server keeps of a password for SCRAM (RFC 5802 3), and its text form (RFC 5803, as PostgreSQL has
//! it):
//!
//! ```text
//! scheme "$" iterations ":" base64(salt) "$" base64(StoredKey) ":" base64(ServerKey)
//! ```
//!
//! The password cannot be read from it; it can be guessed, and whoever has the key can play the server to the
//! user. So the key is treated as a secret.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthaste_wire::Secret;
use zeroize::Zeroizing;

use crate::hash::Hash;
use crate::scram::keys;
use crate::{Field, SaslError, prepare};

/// The fewest iterations that are accepted (RFC 7677 4 asks for no fewer).
pub const ITERATIONS_MIN: u32 = 4_096;

/// The most iterations that are accepted: some tenths of a second of a client's time for each login.
pub const ITERATIONS_MAX: u32 = 600_000;

/// The iterations of a new key, unless asked otherwise: what RFC 7677 4 suggests for hosts without
/// constraints.
pub const ITERATIONS_DEFAULT: u32 = 15_000;

/// The longest salt, in octets.
pub const SALT_MAX: usize = 256;

/// A password as a SCRAM server keeps it, for one hash function. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramKey {
    pub(crate) hash: Hash,
    pub(crate) iterations: u32,
    pub(crate) salt: Vec<u8>,
    pub(crate) stored_key: Secret,
    pub(crate) server_key: Secret,
}

impl ScramKey {
    /// The key of a password. The salt has to be random and new for each password; 16 octets are usual.
    ///
    /// Takes as long as `iterations` are many: not to be called where others wait.
    ///
    /// # Errors
    ///
    /// [`SaslError`] when the password cannot be prepared (see [`prepare::password`]), the salt is empty or
    /// longer than [`SALT_MAX`], or the iterations are not within [`ITERATIONS_MIN`] and [`ITERATIONS_MAX`].
    pub fn derive(hash: Hash, password: &Secret, salt: &[u8], iterations: u32) -> Result<Self, SaslError> {
        check_salt(salt)?;
        check_iterations(u64::from(iterations), ITERATIONS_MIN, ITERATIONS_MAX)?;
        let salted = hash.iterated(&prepare::password(password)?, salt, iterations);
        let (client_key, server_key) = keys(hash, &salted);
        let stored_key = hash.digest(client_key.expose());
        Ok(Self { hash, iterations, salt: salt.to_vec(), stored_key, server_key })
    }

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`SaslError::StoredKey`] when it is not one; others when the salt or the iterations are out of bounds.
    pub fn decode(text: &str) -> Result<Self, SaslError> {
        let mut parts = text.split('$');
        let (Some(scheme), Some(parameters), Some(keys), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SaslError::StoredKey);
        };
        let hash = Hash::ALL.into_iter().find(|hash| hash.scheme() == scheme).ok_or(SaslError::StoredKey)?;
        let (iterations, salt) = parameters.split_once(':').ok_or(SaslError::StoredKey)?;
        let (stored_key, server_key) = keys.split_once(':').ok_or(SaslError::StoredKey)?;
        let iterations = check_iterations(
            number(iterations).ok_or(SaslError::StoredKey)?,
            ITERATIONS_MIN,
            ITERATIONS_MAX,
        )?;
        let salt = STANDARD.decode(salt).map_err(|_| SaslError::StoredKey)?;
        check_salt(&salt)?;
        let key = |text| match STANDARD.decode(text).map(Secret::new) {
            Ok(key) if key.len() == hash.length() => Ok(key),
            _ => Err(SaslError::StoredKey),
        };
        Ok(Self { hash, iterations, salt, stored_key: key(stored_key)?, server_key: key(server_key)? })
    }

    /// The text form, to be stored.
    pub fn encode(&self) -> Secret {
        let Self { hash, iterations, salt, stored_key, server_key } = self;
        let [salt, stored_key, server_key] = [salt, stored_key.expose(), server_key.expose()]
            .map(|octets| Zeroizing::new(STANDARD.encode(octets)));
        let text = [hash.scheme(), "$", &format!("{iterations}:"), &salt, "$", &stored_key, ":", &server_key];
        Secret::new(text.concat().into_bytes())
    }

    /// Whether this is the key of `password`: lets a server that keeps SCRAM keys take PLAIN as well.
    ///
    /// Takes as long as the key has iterations.
    pub fn is_of(&self, password: &Secret) -> bool {
        Self::derive(self.hash, password, &self.salt, self.iterations).is_ok_and(|key| key == *self)
    }

    /// The hash function.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// How often the hash function was applied.
    pub const fn iterations(&self) -> u32 {
        self.iterations
    }

    /// What was hashed along with the password. The server tells it to whoever asks.
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }
}

impl core::fmt::Debug for ScramKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ScramKey")
            .field("hash", &self.hash)
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

/// `count` when it lies within the bounds.
pub(crate) fn check_iterations(count: u64, min: u32, max: u32) -> Result<u32, SaslError> {
    match u32::try_from(count) {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(SaslError::Iterations { count, min, max }),
    }
}

pub(crate) fn check_salt(salt: &[u8]) -> Result<(), SaslError> {
    match salt.len() {
        0 => Err(SaslError::Empty(Field::Salt)),
        length if length > SALT_MAX => Err(SaslError::TooLong { field: Field::Salt, limit: SALT_MAX }),
        _ => Ok(()),
    }
}

/// A `posit-number`; one that is too great for any limit counts as the greatest there is.
pub(crate) fn number(text: &str) -> Option<u64> {
    let is_number =
        text.bytes().all(|octet| octet.is_ascii_digit()) && !text.is_empty() && !text.starts_with('0');
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// The name as it stands in a SCRAM or GS2 message: `,` and `=` escaped (RFC 5802 5.1).
pub(crate) fn escaped(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}
