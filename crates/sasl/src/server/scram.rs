//! The flow of SCRAM on the server (RFC 5802 5, 6). A user that does not exist takes the same way as one that does,
//! computes the same hashes, and fails where a wrong password fails.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use posthaste_wire::Secret;

use super::{Context, Event, Identity, KeyQuery, State};
use crate::scram::message::{ClientFinal, ClientFirst, Flag};
use crate::scram::{AuthMessage, ScramKey};
use crate::{Hash, SaslError};

/// What stands before the key of the user is known.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) hash: Hash,
    pub(super) user: String,
    authorization: Option<String>,
    client_first_bare: String,
    client_nonce: String,
    /// What the client must send back as `c`: its header, and the data it is bound to.
    binding: Secret,
}

/// What stands while the proof is awaited.
#[derive(Debug)]
pub(super) struct Waiting {
    begun: Begun,
    key: ScramKey,
    /// Whether the key is a user's and not a decoy.
    is_user: bool,
    server_first: String,
    nonce: String,
}

/// Takes the client's first message.
pub(super) fn first(context: Context, message: &[u8]) -> Event {
    match begin(&context, message) {
        Ok(begun) => Event::Key(KeyQuery { context, begun }),
        Err(error) => context.fail(error),
    }
}

fn begin(context: &Context, message: &[u8]) -> Result<Begun, SaslError> {
    let hash = context.mechanism.scram().ok_or(SaslError::NoMechanism)?;
    let ClientFirst { gs2, user, nonce } = ClientFirst::parse(message)?;
    let data: &[u8] = match (gs2.flag, context.mechanism.is_bound()) {
        (Flag::Absent, false) => b"",
        // RFC 5802 6: the client looked for a -PLUS and found none, so somebody took it out of the list.
        (Flag::NotOffered, false) => {
            if context.config.offered(&context.channel).any(|offered| offered.is_bound()) {
                return Err(SaslError::Downgrade);
            }
            b""
        }
        (Flag::Bound(name), true) => {
            context.channel.binding(name).ok_or(SaslError::UnsupportedBinding)?.data()
        }
        (Flag::Bound(_), false) => return Err(SaslError::UnsupportedBinding),
        (Flag::Absent | Flag::NotOffered, true) => return Err(SaslError::NoBinding),
    };
    Ok(Begun {
        hash,
        user,
        authorization: gs2.authorization,
        client_first_bare: gs2.rest.into(),
        client_nonce: nonce.into(),
        binding: Secret::new([gs2.header.as_bytes(), data].concat()),
    })
}

/// Goes on with the key of the user, or with a decoy where there is none, or none for this hash function.
pub(super) fn keyed(context: Context, begun: Begun, key: Option<&ScramKey>) -> Event {
    let Some(decoys) = &context.config.decoys else { return context.fail(SaslError::NoMechanism) };
    // Made in any case: so it costs the same.
    let decoy = decoys.key(begun.hash, &begun.user);
    let key = key.filter(|key| key.hash == begun.hash);
    let is_user = key.is_some();
    let key = key.unwrap_or(&decoy).clone();
    let nonce = format!("{}{}", begun.client_nonce, context.nonce.as_str());
    let server_first = format!("r={nonce},s={},i={}", STANDARD.encode(&key.salt), key.iterations);
    let data = server_first.clone().into_bytes();
    context.challenge(data, State::Scram(Box::new(Waiting { begun, key, is_user, server_first, nonce })))
}

impl Waiting {
    /// Takes the message with the proof.
    pub(super) fn respond(self, context: Context, message: &[u8]) -> Event {
        match self.verify(message) {
            Ok(signature) => {
                let Begun { user, authorization, .. } = self.begun;
                context.authenticated(Identity::new(user, authorization), Some(signature))
            }
            Err(error) => context.fail(error),
        }
    }

    /// The message with the server's signature.
    fn verify(&self, message: &[u8]) -> Result<Vec<u8>, SaslError> {
        let Self { begun, key, is_user, server_first, nonce } = self;
        let ClientFinal { binding, nonce: returned, without_proof, proof } = ClientFinal::parse(message)?;
        if returned != nonce {
            return Err(SaslError::WrongNonce);
        }
        if binding != begun.binding {
            return Err(SaslError::WrongBinding);
        }
        let auth_message = AuthMessage {
            client_first_bare: &begun.client_first_bare,
            server_first,
            client_final_without_proof: without_proof,
        };
        let is_proof = auth_message.is_proof(begun.hash, &key.stored_key, &proof);
        if !(is_proof & is_user) {
            return Err(SaslError::Credentials);
        }
        let signature = auth_message.signature(begun.hash, &key.server_key);
        Ok(format!("v={}", STANDARD.encode(signature.expose())).into_bytes())
    }
}
