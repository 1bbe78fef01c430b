//! The tokens that ask for a verdict. Each is answered once; dropped, the login has failed.
//!
//! A verdict is about who the client is. Whether it may act for somebody else is asked apart, and only when
//! it wants to, so that no application allows it by forgetting about it.

use alloc::string::String;
use alloc::vec::Vec;
use posthaste_wire::Secret;

use super::{Context, Event, Identity, State};
use crate::{Mechanism, SaslError, TokenError, oauth};

/// PLAIN, LOGIN: is this the password of this user?
#[derive(Debug)]
#[must_use = "the client waits for the verdict"]
pub struct PasswordCheck {
    pub(super) context: Context,
    pub(super) authorization: Option<String>,
    pub(super) authentication: String,
    pub(super) password: Secret,
    pub(super) sent: Secret,
}

/// OAUTHBEARER, XOAUTH2: whose token is this?
///
/// Nothing in the token was looked at. An application that decodes it takes neither the algorithm nor the key
/// from it on trust (RFC 8725 3), and checks the audience and the expiry.
#[derive(Debug)]
#[must_use = "the client waits for the verdict"]
pub struct TokenCheck {
    pub(super) context: Context,
    pub(super) message: oauth::Message,
}

/// EXTERNAL: who is at the other end of the connection? The answer comes from below, such as from the one
/// name in a client certificate that was verified, never from the client's message.
#[derive(Debug)]
#[must_use = "the client waits for the verdict"]
pub struct ExternalCheck {
    pub(super) context: Context,
    pub(super) authorization: Option<String>,
}

/// ANONYMOUS: may anybody come in?
#[derive(Debug)]
#[must_use = "the client waits for the verdict"]
pub struct AnonymousCheck {
    pub(super) context: Context,
    pub(super) trace: Option<String>,
}

/// The client proved who it is: may it act for somebody else?
#[derive(Debug)]
#[must_use = "the client waits for the verdict"]
pub struct AuthorizationCheck {
    pub(super) context: Context,
    pub(super) identity: Identity,
    pub(super) data: Option<Vec<u8>>,
}

impl PasswordCheck {
    /// Who logs in, prepared. Never empty.
    pub fn authentication(&self) -> &str {
        &self.authentication
    }

    /// Whom the client wants to act for, where it said so, prepared. If it is somebody else,
    /// [`Event::Authorization`] follows.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// The password, prepared ([`prepare::password`](crate::prepare::password)). Never empty.
    pub const fn password(&self) -> &Secret {
        &self.password
    }

    /// The password as it was sent, for a directory that keeps hashes of passwords that were never prepared.
    pub const fn password_as_sent(&self) -> &Secret {
        &self.sent
    }

    /// It is.
    pub fn accept(self) -> Event {
        self.context.authenticated(Identity::new(self.authentication, self.authorization), None)
    }

    /// It is not, or there is no such user: find that out as slowly.
    pub fn reject(self) -> Event {
        self.context.fail(SaslError::Credentials)
    }
}

impl TokenCheck {
    /// The token (RFC 6750 2.1). Never empty.
    pub const fn token(&self) -> &Secret {
        &self.message.token
    }

    /// Who the client says it is, prepared. Only the token proves it.
    pub fn user(&self) -> Option<&str> {
        self.message.user.as_deref()
    }

    /// The host the client means to speak to, where it said so (RFC 7628 3.1).
    pub fn host(&self) -> Option<&str> {
        self.message.host.as_deref()
    }

    /// The port the client means to speak to, where it said so.
    pub const fn port(&self) -> Option<u16> {
        self.message.port
    }

    /// The token is good, and was issued for the user `authentication`. When the client named somebody else,
    /// [`Event::Authorization`] follows.
    pub fn accept(self, authentication: impl Into<String>) -> Event {
        self.context.authenticated(Identity::new(authentication.into(), self.message.user), None)
    }

    /// The token is no good. The client is told why and gets to acknowledge it; then the login has failed.
    pub fn reject(self, error: &TokenError) -> Event {
        self.context.challenge(error.to_json(), State::Complained)
    }

    /// The mechanism.
    pub const fn mechanism(&self) -> Mechanism {
        self.context.mechanism
    }
}

impl ExternalCheck {
    /// Whom the client wants to act for, where it said so, prepared.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// It is `authentication`. When the client named somebody else, [`Event::Authorization`] follows.
    pub fn accept(self, authentication: impl Into<String>) -> Event {
        self.context.authenticated(Identity::new(authentication.into(), self.authorization), None)
    }

    /// That is not known.
    pub fn reject(self) -> Event {
        self.context.fail(SaslError::Credentials)
    }
}

impl AnonymousCheck {
    /// Who the client says is there, for the log and nothing else (RFC 4505 2).
    pub fn trace(&self) -> Option<&str> {
        self.trace.as_deref()
    }

    /// They may, as the user `guest`.
    pub fn accept(self, guest: impl Into<String>) -> Event {
        self.context.authenticated(Identity::new(guest.into(), None), None)
    }

    /// They may not.
    pub fn reject(self) -> Event {
        self.context.fail(SaslError::Credentials)
    }
}

impl AuthorizationCheck {
    /// Who it is.
    pub fn authentication(&self) -> &str {
        self.identity.authentication()
    }

    /// Whom it wants to act for.
    pub fn authorization(&self) -> &str {
        self.identity.user()
    }

    /// It may.
    pub fn accept(self) -> Event {
        self.context.succeed(self.identity, self.data)
    }

    /// It may not.
    pub fn reject(self) -> Event {
        self.context.fail(SaslError::NotAuthorized)
    }
}
