//! What a trusted front end tells about the client behind it: XCLIENT and XFORWARD, as Postfix speaks them.
//! Values are kept decoded. Whom to trust is decided by configuration, never here.

use alloc::string::String;
use alloc::vec::Vec;

use crate::ParseError;

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
    name: String,
    value: AttributeValue,
}

/// What is said of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// `[UNAVAILABLE]`: there is none, for good.
    Unavailable,
    /// `[TEMPUNAVAIL]`: there is none now.
    TemporarilyUnavailable,
    /// The value without xtext: printable, perhaps UTF-8.
    Known(String),
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
        let named = self.0.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))?;
        match &named.value {
            AttributeValue::Known(value) => Some(value),
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
    /// [`ParseError`] when the name is no keyword, or the value is too long or holds controls.
    pub fn new(name: &str, value: AttributeValue) -> Result<Self, ParseError> {
        if name.is_empty() || !name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-') {
            return Err(ParseError::new("attribute name", 0));
        }
        match &value {
            AttributeValue::Known(text) if text.len() > Self::OCTETS_MAX => {
                Err(ParseError::new("attribute value length", Self::OCTETS_MAX))
            }
            AttributeValue::Known(text) if text.is_empty() || text.contains(char::is_control) => {
                Err(ParseError::new("attribute value", 0))
            }
            _ => Ok(Self { name: name.to_ascii_uppercase(), value }),
        }
    }

    /// The name, in upper case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    pub const fn value(&self) -> &AttributeValue {
        &self.value
    }
}
