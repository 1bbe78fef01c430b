//! Addresses of local accounts and names of domains, in the one form in which they are stored and compared.
//!
//! Domains are lower-case ASCII (RFC 5890 A-labels for others). A local part is compared without regard to
//! case, which RFC 5321 (2.4) leaves to the server that has the account; quoted local parts are not
//! given out.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// The address of a local account, normalised.
///
/// Sorted by domain first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Address {
    domain: String,
    local: String,
}

impl Address {
    /// Understands `local@domain`.
    ///
    /// # Errors
    ///
    /// Says which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NoAt)?;
        let local: String = local.nfkc().flat_map(char::to_lowercase).nfkc().collect();
        let is_fine = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        let is_word = |word: &str| !word.is_empty() && word.chars().all(is_fine);
        // RFC 5321 4.5.3.1.1: at most 64 octets.
        if local.len() > 64 || !local.split('.').all(is_word) {
            return Err(AddressError::Local);
        }
        Ok(Self { local, domain: normalise_domain(domain)? })
    }

    /// What stands before the `@`.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// What stands after the `@`.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The same local part in another domain, whose name is normalised.
    pub(super) fn with_domain(&self, domain: &str) -> Self {
        Self { domain: domain.to_owned(), local: self.local.clone() }
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::parse(&text)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "email", "description": "An address, as in anna@example.org." })
    }
}

impl std::str::FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// Checks a domain name and puts it in lower case, without a final dot.
///
/// # Errors
///
/// [`AddressError::Domain`].
pub fn normalise_domain(text: &str) -> Result<String, AddressError> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    if name.len() <= 253 && name.split('.').all(is_label) { Ok(name) } else { Err(AddressError::Domain) }
}

/// Why a text is not the address of an account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// An account is named by its whole address.
    #[error("an address needs an \"@\", as in anna@example.org")]
    NoAt,
    /// The local part is empty, too long, or has characters that would need quotes.
    #[error(
        "the part before the \"@\" must be 1 to 64 letters, digits, single dots or !#$%&'*+-/=?^_`{{|}}~"
    )]
    Local,
    /// The domain is not a DNS name in ASCII.
    #[error("a domain is a DNS name in ASCII, as in example.org; write other scripts in their xn-- form")]
    Domain,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auth_12_one_account_has_one_form() {
        for text in ["U@X.test", "u@x.TEST", "u@x.test.", "\u{ff35}@x.test"] {
            assert_eq!(Address::parse(text).unwrap().to_string(), "u@x.test");
        }
    }

    #[test]
    fn what_is_not_an_address() {
        for bad in [
            "u",
            "@",
            "u@",
            "@x.test",
            "u @x.test",
            "u@x.test ",
            "u\0@x.test",
            "u\n@x.test",
            "\"u\"@x.test",
            "a..b@x",
            ".a@x",
            "a.@x",
            "u@x..test",
            "u@-x.test",
            "u@x_y",
            "u@[127.0.0.1]",
            "u@b\u{fc}.test",
            "a@b@c.test",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Address::parse(&format!("{}@x.test", "a".repeat(64))).is_ok());
        assert!(Address::parse(&format!("{}@x.test", "a".repeat(65))).is_err());
    }

    #[test]
    fn normalising_again_changes_nothing() {
        for text in ["Stra\u{df}e.x@Example.org", "\u{1e9e}@x", "a+b@c"] {
            let once = Address::parse(text).unwrap();
            assert_eq!(Address::parse(&once.to_string()).unwrap(), once);
        }
    }
}
