//! The messages of OAUTHBEARER (RFC 7628 3) and of XOAUTH2, from which it grew, and what a server answers
//! when a token is no good. What a token says, and who issued it, is not looked at here.
//!
//! ```text
//! OAUTHBEARER = gs2-header kvsep *(key "=" value kvsep) kvsep
//! XOAUTH2     = "user=" name kvsep "auth=Bearer " token kvsep kvsep          kvsep = %x01
//! ```

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use posthaste_wire::Secret;

use crate::prepare::{self, Unassigned};
use crate::scram::{
    escaped,
    message::{Flag, Gs2},
};
use crate::{Field, SaslError};

/// The longest token, in octets.
pub const TOKEN_MAX: usize = 8192;

/// The longest message with a token, in octets.
const MESSAGE_MAX: usize = 12_288;

/// The separator, and the client's whole answer to a complaint (RFC 7628 3.2.3).
pub(crate) const KVSEP: &str = "\u{1}";

/// Why a server refuses a token (RFC 7628 3.2.2): what the client may need to get a better one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenError {
    status: String,
    scope: Option<String>,
    openid_configuration: Option<String>,
}

impl TokenError {
    /// An error with this status, one of the error codes of RFC 6750 3.1 such as `invalid_token`.
    pub fn new(status: impl Into<String>) -> Self {
        Self { status: status.into(), scope: None, openid_configuration: None }
    }

    /// The same, telling which scope a token must have.
    #[must_use]
    pub fn with_scope(self, scope: impl Into<String>) -> Self {
        Self { scope: Some(scope.into()), ..self }
    }

    /// The same, telling the URL of the provider's description.
    #[must_use]
    pub fn with_openid_configuration(self, url: impl Into<String>) -> Self {
        Self { openid_configuration: Some(url.into()), ..self }
    }

    /// The JSON object that is the challenge.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut json = format!("{{\"status\":{}", quoted(&self.status));
        let rest = [("scope", &self.scope), ("openid-configuration", &self.openid_configuration)];
        for (key, value) in rest {
            if let Some(value) = value {
                json.push_str(&format!(",\"{key}\":{}", quoted(value)));
            }
        }
        json.push('}');
        json.into_bytes()
    }
}

impl Default for TokenError {
    fn default() -> Self {
        Self::new("invalid_token")
    }
}

/// What a client sends.
#[derive(Debug)]
pub(crate) struct Message {
    /// Who the client says it is or wants to act for.
    pub(crate) user: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    /// Empty where there is none: so a client asks what token it needs (RFC 7628 4.3).
    pub(crate) token: Secret,
}

pub(crate) fn parse_oauthbearer(message: &Secret) -> Result<Message, SaslError> {
    let gs2 = Gs2::parse(text(message)?)?;
    if let Flag::Bound(_) = gs2.flag {
        return Err(SaslError::UnsupportedBinding);
    }
    let pairs = gs2.rest.strip_prefix(KVSEP).ok_or(SaslError::Malformed)?;
    let mut parsed = parse_pairs(pairs)?;
    parsed.user = gs2.authorization;
    Ok(parsed)
}

pub(crate) fn parse_xoauth2(message: &Secret) -> Result<Message, SaslError> {
    let (user, pairs) = text(message)?
        .strip_prefix("user=")
        .and_then(|rest| rest.split_once(KVSEP))
        .ok_or(SaslError::Malformed)?;
    let user = prepare::name_of(Field::Authorization, user.as_bytes(), Unassigned::Pass)?;
    Ok(Message { user: Some(user), ..parse_pairs(pairs)? })
}

pub(crate) fn oauthbearer(user: &str, server: Option<(&str, u16)>, token: &Secret) -> Secret {
    let user = format!("a={}", escaped(user));
    let server =
        server.map_or_else(String::new, |(host, port)| format!("host={host}{KVSEP}port={port}{KVSEP}"));
    join(&[b"n,", user.as_bytes(), b",\x01", server.as_bytes(), b"auth=Bearer ", token.expose(), b"\x01\x01"])
}

pub(crate) fn xoauth2(user: &str, token: &Secret) -> Secret {
    join(&[b"user=", user.as_bytes(), b"\x01auth=Bearer ", token.expose(), b"\x01\x01"])
}

/// Whether this can be sent as a bearer token (RFC 6750 2.1, `b64token`).
pub(crate) fn check_token(token: &[u8]) -> Result<(), SaslError> {
    let field = Field::Token;
    if token.len() > TOKEN_MAX {
        return Err(SaslError::TooLong { field, limit: TOKEN_MAX });
    }
    let padding = token.iter().rev().take_while(|octet| **octet == b'=').count();
    let body = token.get(..token.len().saturating_sub(padding)).unwrap_or_default();
    if body.is_empty() {
        return Err(SaslError::Empty(field));
    }
    let is_body = |octet: &u8| octet.is_ascii_alphanumeric() || b"-._~+/".contains(octet);
    if body.iter().all(is_body) { Ok(()) } else { Err(SaslError::Prohibited(field)) }
}

fn text(message: &Secret) -> Result<&str, SaslError> {
    if message.len() > MESSAGE_MAX {
        return Err(SaslError::TooLong { field: Field::Message, limit: MESSAGE_MAX });
    }
    core::str::from_utf8(message.expose()).map_err(|_| SaslError::NotUtf8(Field::Message))
}

/// The pairs up to the empty one that ends them. Those of unknown keys are ignored, those that come twice are
/// not: two readers would disagree on which counts.
fn parse_pairs(pairs: &str) -> Result<Message, SaslError> {
    let mut pairs = pairs.strip_suffix("\u{1}\u{1}").ok_or(SaslError::Malformed)?.split(KVSEP);
    let (mut host, mut port, mut auth) = (None, None, None);
    for pair in pairs.by_ref() {
        let (key, value) = pair.split_once('=').ok_or(SaslError::Malformed)?;
        let is_value = |octet: u8| matches!(octet, b'\t' | b'\r' | b'\n' | b' '..=b'~');
        if key.is_empty()
            || !key.bytes().all(|octet| octet.is_ascii_alphabetic())
            || !value.bytes().all(is_value)
        {
            return Err(SaslError::Malformed);
        }
        let slot = match key {
            "host" => &mut host,
            "port" => &mut port,
            "auth" => &mut auth,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(SaslError::Malformed);
        }
    }
    let port = port.map(|port| port.parse().map_err(|_| SaslError::Malformed)).transpose()?;
    let token = token_of(auth.ok_or(SaslError::Malformed)?)?;
    Ok(Message { user: None, host: host.map(String::from), port, token })
}

/// The token of an `Authorization` header. Of other schemes than Bearer there is none.
fn token_of(auth: &str) -> Result<Secret, SaslError> {
    let (scheme, token) = auth.split_once(' ').unwrap_or((auth, ""));
    let token = token.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Ok(Secret::default());
    }
    check_token(token.as_bytes())?;
    Ok(Secret::from(token))
}

fn join(parts: &[&[u8]]) -> Secret {
    Secret::new(parts.concat())
}

/// A JSON string (RFC 8259 7).
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0'..='\u{1f}' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
