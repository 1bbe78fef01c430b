//! What a client logs in with, and what can be sent of it at all.

use alloc::string::String;
use posthaste_wire::Secret;

use crate::prepare::{self, NAME_MAX, PASSWORD_MAX, Unassigned};
use crate::{Field, Mechanism, SaslError, anonymous, oauth};

/// What a client logs in with. Secrets are wiped when dropped and never printed.
///
/// ```
/// use posthaste_sasl::{Secret, client::Credentials};
///
/// let credentials = Credentials::password("ursel", Secret::from("Geheim!")).acting_for("info");
/// ```
#[derive(Clone, Debug)]
pub struct Credentials {
    pub(super) kind: Kind,
    pub(super) authorization: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Password { user: String, password: Secret },
    Token { user: String, token: Secret, server: Option<(String, u16)> },
    External,
    Anonymous { trace: String },
}

impl Credentials {
    /// A name and a password: SCRAM, CRAM-MD5, PLAIN, LOGIN.
    pub fn password(user: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self::of(Kind::Password { user: user.into(), password: password.into() })
    }

    /// A bearer token of the user of this name: OAUTHBEARER, XOAUTH2. The name goes along for servers that
    /// want to know ahead whose token it is.
    pub fn token(user: impl Into<String>, token: impl Into<Secret>) -> Self {
        Self::of(Kind::Token { user: user.into(), token: token.into(), server: None })
    }

    /// What the connection below proved: EXTERNAL.
    pub const fn external() -> Self {
        Self::of(Kind::External)
    }

    /// Nothing: ANONYMOUS. `trace` says who is there, in at most 255 characters, or is empty.
    pub fn anonymous(trace: impl Into<String>) -> Self {
        Self::of(Kind::Anonymous { trace: trace.into() })
    }

    /// The same, to act for somebody else. Not possible with LOGIN, CRAM-MD5, XOAUTH2, OAUTHBEARER (which
    /// names only whom the client acts for) and ANONYMOUS.
    #[must_use]
    pub fn acting_for(self, authorization: impl Into<String>) -> Self {
        Self { authorization: Some(authorization.into()), ..self }
    }

    /// The same, telling with a token which server it is for (RFC 7628 3.1).
    #[must_use]
    pub fn for_server(self, host: impl Into<String>, port: u16) -> Self {
        match self.kind {
            Kind::Token { user, token, server: _ } => {
                Self { kind: Kind::Token { user, token, server: Some((host.into(), port)) }, ..self }
            }
            _ => self,
        }
    }

    const fn of(kind: Kind) -> Self {
        Self { kind, authorization: None }
    }

    /// Whether a mechanism takes these.
    pub(super) const fn fit(&self, mechanism: Mechanism) -> bool {
        let alone = self.authorization.is_none();
        match self.kind {
            Kind::Password { .. } => {
                matches!(mechanism, Mechanism::Plain)
                    || mechanism.scram().is_some()
                    || (alone && matches!(mechanism, Mechanism::Login | Mechanism::CramMd5))
            }
            Kind::Token { .. } => alone && matches!(mechanism, Mechanism::OAuthBearer | Mechanism::XOAuth2),
            Kind::External => matches!(mechanism, Mechanism::External),
            Kind::Anonymous { .. } => alone && matches!(mechanism, Mechanism::Anonymous),
        }
    }

    /// Refuses what would be read back as something else, or cannot be right.
    pub(super) fn check(&self) -> Result<(), SaslError> {
        if let Some(authorization) = &self.authorization {
            check_name(Field::Authorization, authorization)?;
        }
        match &self.kind {
            Kind::Password { user, password } => {
                check_name(Field::Authentication, user)?;
                check_password(password.expose())
            }
            Kind::Token { user, token, server } => {
                check_name(Field::Authorization, user)?;
                if let Some((host, _)) = server {
                    if !host.bytes().all(|octet| octet.is_ascii_graphic()) {
                        return Err(SaslError::Malformed);
                    }
                }
                oauth::check_token(token.expose())
            }
            Kind::External => Ok(()),
            Kind::Anonymous { trace } => anonymous::trace(trace.as_bytes()).map(drop),
        }
    }
}

/// Name and password as SCRAM and CRAM-MD5 hash them.
pub(super) fn prepared(user: &str, password: &Secret) -> Result<(String, Secret), SaslError> {
    Ok((prepare::name(user, Unassigned::Pass)?, prepare::password(password)?))
}

fn check_name(field: Field, name: &str) -> Result<(), SaslError> {
    if name.is_empty() {
        return Err(SaslError::Empty(field));
    }
    if name.len() > NAME_MAX {
        return Err(SaslError::TooLong { field, limit: NAME_MAX });
    }
    if name.chars().any(char::is_control) { Err(SaslError::Prohibited(field)) } else { Ok(()) }
}

fn check_password(octets: &[u8]) -> Result<(), SaslError> {
    let field = Field::Password;
    if octets.is_empty() {
        return Err(SaslError::Empty(field));
    }
    if octets.len() > PASSWORD_MAX {
        return Err(SaslError::TooLong { field, limit: PASSWORD_MAX });
    }
    if core::str::from_utf8(octets).is_err() {
        return Err(SaslError::NotUtf8(field));
    }
    if octets.contains(&0) { Err(SaslError::Prohibited(field)) } else { Ok(()) }
}
