//! The four messages of SCRAM, taken apart (RFC 5802 7). Strict: every attribute in its place, base64 in its
//! one form, `m=` refused wherever it stands, unknown attributes ignored only at the end.

use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use core::str;
use posthaste_wire::Secret;

use super::key::{check_salt, number};
use crate::prepare::{self, Unassigned};
use crate::{Field, SaslError, ScramError, nonce};

/// The longest message of SCRAM that is read, in octets. The parts have limits of their own.
pub(crate) const MESSAGE_MAX: usize = 8192;

/// What a client says about channel binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag<'a> {
    /// `n`: it has none.
    Absent,
    /// `y`: it has, and saw no -PLUS offered.
    NotOffered,
    /// `p=`: it binds with this type.
    Bound(&'a str),
}

/// The GS2 header and what follows it, which OAUTHBEARER shares (RFC 5801 4, RFC 7628 3.1).
pub(crate) struct Gs2<'a> {
    pub(crate) flag: Flag<'a>,
    pub(crate) authorization: Option<String>,
    /// The header as it was sent, with both commas.
    pub(crate) header: &'a str,
    pub(crate) rest: &'a str,
}

pub(crate) struct ClientFirst<'a> {
    pub(crate) gs2: Gs2<'a>,
    pub(crate) user: String,
    pub(crate) nonce: &'a str,
}

pub(crate) struct ServerFirst<'a> {
    pub(crate) nonce: &'a str,
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: u64,
}

pub(crate) struct ClientFinal<'a> {
    pub(crate) binding: Secret,
    pub(crate) nonce: &'a str,
    pub(crate) without_proof: &'a str,
    pub(crate) proof: Secret,
}

impl<'a> Gs2<'a> {
    pub(crate) fn parse(message: &'a str) -> Result<Self, SaslError> {
        let mut parts = message.splitn(3, ',');
        let (Some(flag), Some(authzid), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(SaslError::Malformed);
        };
        let flag = match flag {
            "n" => Flag::Absent,
            "y" => Flag::NotOffered,
            _ => Flag::Bound(
                flag.strip_prefix("p=").filter(|name| is_binding_name(name)).ok_or(SaslError::Malformed)?,
            ),
        };
        let authorization = match authzid {
            "" => None,
            _ => {
                let name = authzid.strip_prefix("a=").ok_or(SaslError::Malformed)?;
                Some(unescaped(Field::Authorization, name)?)
            }
        };
        let length = message.len().saturating_sub(rest.len());
        let header = message.get(..length).ok_or(SaslError::Malformed)?;
        Ok(Self { flag, authorization, header, rest })
    }
}

impl<'a> ClientFirst<'a> {
    pub(crate) fn parse(message: &'a [u8]) -> Result<Self, SaslError> {
        let gs2 = Gs2::parse(text(message)?)?;
        let mut attributes = Attributes::of(gs2.rest)?;
        let user = unescaped(Field::Authentication, attributes.expect('n')?)?;
        let nonce = attributes.expect('r')?;
        nonce::check(nonce)?;
        attributes.ignore_rest()?;
        Ok(Self { gs2, user, nonce })
    }
}

impl<'a> ServerFirst<'a> {
    pub(crate) fn parse(message: &'a str) -> Result<Self, SaslError> {
        let mut attributes = Attributes::of(message)?;
        let nonce = attributes.expect('r')?;
        nonce::check(nonce)?;
        let salt = base64(attributes.expect('s')?)?;
        check_salt(&salt)?;
        let iterations = number(attributes.expect('i')?).ok_or(SaslError::Malformed)?;
        attributes.ignore_rest()?;
        Ok(Self { nonce, salt, iterations })
    }
}

impl<'a> ClientFinal<'a> {
    pub(crate) fn parse(message: &'a [u8]) -> Result<Self, SaslError> {
        // The proof is last, whatever extensions stand before it.
        let (without_proof, proof) = text(message)?.rsplit_once(",p=").ok_or(SaslError::Malformed)?;
        let proof = Secret::new(base64(proof)?);
        let mut attributes = Attributes::of(without_proof)?;
        let binding = Secret::new(base64(attributes.expect('c')?)?);
        let nonce = attributes.expect('r')?;
        attributes.ignore_rest()?;
        Ok(Self { binding, nonce, without_proof, proof })
    }
}

/// The server's signature.
pub(crate) fn parse_server_final(message: &str) -> Result<Secret, SaslError> {
    if let Some(error) = message.strip_prefix("e=") {
        let value = error.split(',').next().unwrap_or_default();
        return Err(SaslError::Refused(ScramError::from_value(value)));
    }
    let mut attributes = Attributes::of(message)?;
    let signature = Secret::new(base64(attributes.expect('v')?)?);
    attributes.ignore_rest()?;
    Ok(signature)
}

/// The message as text, if it is no longer than it may be.
pub(crate) fn text(message: &[u8]) -> Result<&str, SaslError> {
    if message.len() > MESSAGE_MAX {
        return Err(SaslError::TooLong { field: Field::Message, limit: MESSAGE_MAX });
    }
    if message.contains(&0) {
        return Err(SaslError::Malformed);
    }
    str::from_utf8(message).map_err(|_| SaslError::NotUtf8(Field::Message))
}

/// A list of `attr-val`, read in order.
struct Attributes<'a>(str::Split<'a, char>);

impl<'a> Attributes<'a> {
    /// The attributes of a message. A mandatory extension in front ends it here, since none is known.
    fn of(message: &'a str) -> Result<Self, SaslError> {
        if message.starts_with("m=") { Err(SaslError::Extension) } else { Ok(Self(message.split(','))) }
    }

    /// The value of the next attribute, which must have this name.
    fn expect(&mut self, name: char) -> Result<&'a str, SaslError> {
        let attribute = self.0.next().ok_or(SaslError::Malformed)?;
        attribute.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')).ok_or(SaslError::Malformed)
    }

    /// Takes extensions: optional ones are ignored, as long as they are attributes at all.
    fn ignore_rest(self) -> Result<(), SaslError> {
        for attribute in self.0 {
            let (name, value) = attribute.split_once('=').ok_or(SaslError::Malformed)?;
            if name == "m" {
                return Err(SaslError::Extension);
            }
            if name.len() != 1 || !name.bytes().all(|octet| octet.is_ascii_alphabetic()) || value.is_empty() {
                return Err(SaslError::Malformed);
            }
        }
        Ok(())
    }
}

/// A `saslname`, unescaped and prepared.
fn unescaped(field: Field, name: &str) -> Result<String, SaslError> {
    let mut parts = name.split('=');
    let mut plain = String::from(parts.next().unwrap_or_default());
    for part in parts {
        let (character, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return Err(SaslError::Malformed),
        };
        plain.push(character);
        plain.push_str(rest);
    }
    prepare::name_of(field, plain.as_bytes(), Unassigned::Pass)
}

fn is_binding_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-'))
}

fn base64(text: &str) -> Result<Vec<u8>, SaslError> {
    STANDARD.decode(text).map_err(|_| SaslError::Malformed)
}
