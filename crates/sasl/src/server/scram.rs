//! The flow of SCRAM on the server (RFC 5802 5, 6). A user that does not exist takes the same way as one that
//! does, computes the same hashes, and fails where a wrong password fails.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::work;
    use crate::server::{Config, Decoys, Exchange};
    use crate::{Channel, Mechanism, Nonce, Security, client};
    use posthaste_wire::Secret;

    const PASSWORD: &str = "pencil";

    /// The hashes a server computes for each message of a login that fails, and what it says.
    fn attempt(mechanism: Mechanism, user: &str, password: &str, key: Option<&ScramKey>) -> Vec<[u32; 3]> {
        let channel = Channel::new(Security::Tls);
        let decoys = Decoys::new(Secret::from("a secret of the server")).with_iterations(4096);
        let config = Config::new([mechanism]).with_decoys(decoys);
        let nonce = |seed| Nonce::new([seed; Nonce::OCTETS]);
        let credentials = client::Credentials::password(user, password);
        let policy = client::Policy::default();
        let mut client = client::Exchange::new(mechanism, &credentials, &policy, &channel, nonce(1)).unwrap();
        let server = Exchange::new(mechanism.name(), &config, &channel, nonce(2)).unwrap();
        let mut works = Vec::new();
        work::take();
        let Event::Key(query) = server.start(client.initial().as_ref()) else { panic!("no query") };
        works.push(work::take());
        let event = match key {
            Some(key) => query.found(key),
            None => query.unknown(),
        };
        works.push(work::take());
        let Event::Challenge(challenge) = event else { panic!("no challenge") };
        let response = client.respond(challenge.data()).unwrap();
        work::take();
        let Event::Failure(failure) = challenge.respond(&response) else { panic!("no failure") };
        works.push(work::take());
        assert_eq!(failure.error(), SaslError::Credentials);
        assert_eq!(failure.data(), Some(b"e=invalid-proof".as_slice()));
        works
    }

    #[test]
    fn auth_05_an_unknown_user_costs_what_a_wrong_password_costs() {
        for hash in Hash::ALL {
            let mechanism = Mechanism::from_name(hash.scheme()).unwrap();
            let key = ScramKey::derive(hash, &Secret::from(PASSWORD), &[5; 16], 4096).unwrap();
            let known = attempt(mechanism, "known", "wrong", Some(&key));
            assert_eq!(known, attempt(mechanism, "unknown", "wrong", None));
            assert_eq!(known, attempt(mechanism, "unknown", PASSWORD, None));
            let [_, keyed, proved] = known[..] else { panic!("{known:?}") };
            assert_eq!(keyed, [0, 2, 0], "the decoy is made in any case");
            assert_eq!(proved, [1, 1, 0], "the proof is checked in any case");
        }
    }

    #[test]
    fn auth_05_a_key_for_another_hash_function_is_as_none() {
        let key = ScramKey::derive(Hash::Sha1, &Secret::from(PASSWORD), &[5; 16], 4096).unwrap();
        let other = attempt(Mechanism::ScramSha256, "known", PASSWORD, Some(&key));
        assert_eq!(other, attempt(Mechanism::ScramSha256, "known", PASSWORD, None));
    }
}
