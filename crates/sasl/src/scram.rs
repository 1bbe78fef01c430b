//! What both sides of SCRAM compute (RFC 5802 3), and its parts: messages and keys. The flow of an exchange
//! is in `client::scram` and `server::scram`.
//!
//! ```text
//! SaltedPassword = Hi(password, salt, i)
//! ClientKey      = HMAC(SaltedPassword, "Client Key")     StoredKey = H(ClientKey)
//! ServerKey      = HMAC(SaltedPassword, "Server Key")
//! AuthMessage    = client-first-bare "," server-first "," client-final-without-proof
//! ClientProof    = ClientKey XOR HMAC(StoredKey, AuthMessage)
//! ServerSignature = HMAC(ServerKey, AuthMessage)
//! ```

mod key;
pub(crate) mod message;

use posthaste_wire::Secret;

use crate::Hash;
use crate::hash::xor;

pub use key::{ITERATIONS_DEFAULT, ITERATIONS_MAX, ITERATIONS_MIN, SALT_MAX, ScramKey};
pub(crate) use key::{check_iterations, escaped};

/// `ClientKey` and `ServerKey` of a salted password.
pub(crate) fn keys(hash: Hash, salted: &Secret) -> (Secret, Secret) {
    (hash.hmac(salted.expose(), &[b"Client Key"]), hash.hmac(salted.expose(), &[b"Server Key"]))
}

/// The messages both sides sign.
pub(crate) struct AuthMessage<'a> {
    pub(crate) client_first_bare: &'a str,
    pub(crate) server_first: &'a str,
    pub(crate) client_final_without_proof: &'a str,
}

impl AuthMessage<'_> {
    /// The HMAC of the message under this key.
    pub(crate) fn signature(&self, hash: Hash, key: &Secret) -> Secret {
        let parts = [self.client_first_bare, self.server_first, self.client_final_without_proof];
        let [first, second, third] = parts.map(str::as_bytes);
        hash.hmac(key.expose(), &[first, b",", second, b",", third])
    }

    /// `ClientProof`.
    pub(crate) fn proof(&self, hash: Hash, client_key: &Secret) -> Secret {
        let stored_key = hash.digest(client_key.expose());
        xor(client_key, &self.signature(hash, &stored_key))
    }

    /// Whether `proof` was made with the key that `stored_key` is the digest of.
    pub(crate) fn is_proof(&self, hash: Hash, stored_key: &Secret, proof: &Secret) -> bool {
        let client_key = xor(proof, &self.signature(hash, stored_key));
        hash.digest(client_key.expose()) == *stored_key && proof.len() == hash.length()
    }
}
