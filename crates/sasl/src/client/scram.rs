//! The flow of SCRAM on the client (RFC 5802 5, 6): the server's nonce must extend the own one, its
//! iterations must be within bounds before they are counted, and its signature is always verified.

use alloc::format;
use alloc::string::String;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthaste_wire::Secret;

use crate::scram::message::{ServerFirst, parse_server_final, text};
use crate::scram::{AuthMessage, check_iterations, escaped, keys};
use crate::{Channel, Hash, Mechanism, Nonce, SaslError};

/// What a client says that does not bind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unbound {
    /// It could not, or did not want to.
    Absent,
    /// No -PLUS was offered to it.
    NotOffered,
}

/// What stands while the salt is awaited.
#[derive(Debug)]
pub(super) struct First {
    hash: Hash,
    password: Secret,
    header: String,
    binding: Secret,
    nonce: String,
    bare: String,
    iterations: (u32, u32),
}

/// What stands while the server's signature is awaited.
#[derive(Debug)]
pub(super) struct Final {
    signature: Secret,
}

/// The GS2 header, and the data the exchange is bound to.
pub(super) fn header(
    mechanism: Mechanism,
    channel: &Channel,
    unbound: Unbound,
    authorization: Option<&str>,
) -> Result<(String, Secret), SaslError> {
    let authorization = authorization.map_or_else(String::new, |name| format!("a={}", escaped(name)));
    let binding = channel.bindings().first();
    let (flag, data) = match (binding, unbound) {
        (None, _) if mechanism.is_bound() => return Err(SaslError::NoBinding),
        (Some(binding), _) if mechanism.is_bound() => {
            (format!("p={}", binding.kind().name()), Secret::from(binding.data()))
        }
        // RFC 5802 6: it could have bound, and tells that it was not asked to.
        (Some(_), Unbound::NotOffered) => (String::from("y"), Secret::default()),
        _ => (String::from("n"), Secret::default()),
    };
    Ok((format!("{flag},{authorization},"), data))
}

impl First {
    pub(super) fn new(
        hash: Hash,
        user: &str,
        password: Secret,
        (header, data): (String, Secret),
        nonce: Nonce,
        iterations: (u32, u32),
    ) -> Self {
        let bare = format!("n={},r={}", escaped(user), nonce.as_str());
        let binding = Secret::new([header.as_bytes(), data.expose()].concat());
        Self { hash, password, header, binding, nonce: nonce.into_string(), bare, iterations }
    }

    /// The client's first message.
    pub(super) fn message(&self) -> Secret {
        Secret::new([self.header.as_bytes(), self.bare.as_bytes()].concat())
    }

    /// The message with the proof.
    pub(super) fn respond(&self, challenge: &[u8]) -> Result<(Final, Secret), SaslError> {
        let server_first = text(challenge)?;
        // A server that refuses at once may say why.
        if server_first.starts_with("e=") {
            return Err(parse_server_final(server_first).err().unwrap_or(SaslError::Malformed));
        }
        let ServerFirst { nonce, salt, iterations } = ServerFirst::parse(server_first)?;
        let own = nonce.strip_prefix(&*self.nonce);
        if own.is_none_or(str::is_empty) {
            return Err(SaslError::WrongNonce);
        }
        let (min, max) = self.iterations;
        let iterations = check_iterations(iterations, min, max)?;
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(self.binding.expose()));
        let auth_message = AuthMessage {
            client_first_bare: &self.bare,
            server_first,
            client_final_without_proof: &without_proof,
        };
        let salted = self.hash.iterated(&self.password, &salt, iterations);
        let (client_key, server_key) = keys(self.hash, &salted);
        let proof = auth_message.proof(self.hash, &client_key);
        let response = format!("{without_proof},p={}", STANDARD.encode(proof.expose()));
        let signature = auth_message.signature(self.hash, &server_key);
        Ok((Final { signature }, Secret::new(response.into_bytes())))
    }
}

impl Final {
    /// Whether the server knows the password.
    pub(super) fn verify(&self, challenge: &[u8]) -> Result<(), SaslError> {
        let signature = parse_server_final(text(challenge)?)?;
        if signature == self.signature { Ok(()) } else { Err(SaslError::WrongSignature) }
    }
}
