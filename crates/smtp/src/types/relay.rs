//! What a trusted front end tells about the client behind it: XCLIENT and XFORWARD, as Postfix speaks them.
//! Values are kept decoded. Whom to trust is decided by configuration, never here.

use alloc::vec::Vec;

use bytes::Bytes;

use super::dsn::keep;
use super::octets::Utf8;
use crate::parse::xtext::xtext;
use crate::{ParseError, Text};

/// The arguments of XCLIENT or XFORWARD: attributes with their values, in order, none twice.
///
/// ```text
/// xclient = "XCLIENT" 1*( SP attribute-name "=" xtext )
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Vec<Attribute>);

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    name: Utf8,
    value: AttributeValue,
}

/// What is said of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// `[UNAVAILABLE]`: there is none, for good.
    Unavailable,
    /// `[TEMPUNAVAIL]`: there is none now.
    TemporarilyUnavailable,
    /// The value without xtext: at most 255 octets, not empty, perhaps UTF-8.
    Known(Text),
}

impl Attributes {
    /// Takes attributes.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when there are none, or one is there twice.
    pub fn new(attributes: Vec<Attribute>) -> Result<Self, ParseError> {
        let mut names = attributes.iter().map(Attribute::name);
        while let Some(name) = names.next() {
            if names.clone().any(|other| other == name) {
                return Err(ParseError::new("attribute that occurs once", 0));
            }
        }
        if attributes.is_empty() { Err(ParseError::new("attribute", 0)) } else { Ok(Self(attributes)) }
    }

    /// All attributes, in order.
    pub fn as_slice(&self) -> &[Attribute] {
        &self.0
    }

    /// The value of the attribute `name`, where it is known; compared without regard to case.
    pub fn known(&self, name: &str) -> Option<&str> {
        let named = self.0.iter().find(|attribute| attribute.name().eq_ignore_ascii_case(name))?;
        match &named.value {
            AttributeValue::Known(value) => Some(value.as_str()),
            AttributeValue::Unavailable | AttributeValue::TemporarilyUnavailable => None,
        }
    }
}

impl Attribute {
    /// The longest value, in octets.
    pub const OCTETS_MAX: usize = 255;

    /// Makes an attribute; its name is kept in upper case.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when the name is no keyword, or the value is empty or too long.
    pub fn new(name: &str, value: AttributeValue) -> Result<Self, ParseError> {
        Self::checked(name.into(), value)
    }

    pub(crate) fn read(line: &Bytes, name: &str, value: &str) -> Result<Self, ParseError> {
        let value = if value.eq_ignore_ascii_case("[UNAVAILABLE]") {
            AttributeValue::Unavailable
        } else if value.eq_ignore_ascii_case("[TEMPUNAVAIL]") {
            AttributeValue::TemporarilyUnavailable
        } else {
            let text = xtext(value).ok_or(ParseError::new("attribute value", 0))?;
            AttributeValue::Known(Text::checked(keep(line, text))?)
        };
        Self::checked(Utf8::slice(line, name), value)
    }

    fn checked(name: Utf8, value: AttributeValue) -> Result<Self, ParseError> {
        let octets = name.as_bytes();
        if octets.is_empty() || !octets.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-') {
            return Err(ParseError::new("attribute name", 0));
        }
        match &value {
            AttributeValue::Known(text) if text.as_str().len() > Self::OCTETS_MAX => {
                Err(ParseError::new("attribute value length", Self::OCTETS_MAX))
            }
            AttributeValue::Known(text) if text.as_str().is_empty() => {
                Err(ParseError::new("attribute value", 0))
            }
            _ => Ok(Self { name: name.into_upper(), value }),
        }
    }

    /// The name, in upper case.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The value.
    pub const fn value(&self) -> &AttributeValue {
        &self.value
    }
}
