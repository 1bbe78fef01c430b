//! The tokens that ask for what a server keeps of a user: a SCRAM key, or a readable password for CRAM-MD5.
//! That there is no such user is an answer like any other and costs the same.

use alloc::string::String;
use posthaste_wire::Secret;

use super::scram::{self, Begun};
use super::{Context, Event, Identity};
use crate::scram::ScramKey;
use crate::{Hash, SaslError, cram, prepare};

/// SCRAM: what is the key of this user?
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct KeyQuery {
    pub(super) context: Context,
    pub(super) begun: Begun,
}

/// CRAM-MD5: what is the password of this user? Answering it takes passwords that are kept readable.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct PasswordQuery {
    context: Context,
    user: String,
    digest: Secret,
}

impl KeyQuery {
    /// The name, prepared.
    pub fn user(&self) -> &str {
        &self.begun.user
    }

    /// The hash function of the key that is asked for.
    pub const fn hash(&self) -> Hash {
        self.begun.hash
    }

    /// This is the key. One for another hash function is as none.
    pub fn found(self, key: &ScramKey) -> Event {
        scram::keyed(self.context, self.begun, Some(key))
    }

    /// There is no such user, or none that may log in so. The client is not told: it gets to prove that it
    /// knows a password, in vain.
    pub fn unknown(self) -> Event {
        scram::keyed(self.context, self.begun, None)
    }
}

impl PasswordQuery {
    pub(super) fn new(context: Context, user: String, digest: Secret) -> Self {
        Self { context, user, digest }
    }

    /// The name, prepared.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// This is the password.
    pub fn found(self, password: &Secret) -> Event {
        self.answer(Some(password))
    }

    /// There is no such user, or none that may log in so.
    pub fn unknown(self) -> Event {
        self.answer(None)
    }

    fn answer(self, password: Option<&Secret>) -> Event {
        let Self { context, user, digest } = self;
        let Some(decoys) = &context.config.decoys else { return context.fail(SaslError::NoMechanism) };
        // Made in any case: so it costs the same.
        let decoy = decoys.key(Hash::Sha256, &user).stored_key;
        let prepared = password.and_then(|password| prepare::password(password).ok());
        let expected = cram::digest(prepared.as_ref().unwrap_or(&decoy), &context.cram_challenge());
        if (expected == digest) & prepared.is_some() {
            context.authenticated(Identity::new(user, None), None)
        } else {
            context.fail(SaslError::Credentials)
        }
    }
}
