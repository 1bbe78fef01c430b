//! Mailbox names: UTF-8, `/` between the levels (RFC 9051, 5.1). A name is a row in a table and never a
//! path, so dots mean nothing. What is refused would break a line of protocol, a LIST pattern or a display.

use unicode_normalization::UnicodeNormalization;

/// The longest component of a name, in octets of UTF-8.
pub const COMPONENT_MAX: usize = 255;
/// The largest number of components of a name.
pub const LEVELS_MAX: usize = 10;
/// What stands between the components.
pub const SEPARATOR: char = '/';

/// A name that a mailbox may have, in Unicode normalisation form C.
///
/// `INBOX` in any case is the one INBOX (RFC 9051, 5.1), also as the first component of a longer name: the
/// children of `inbox` would otherwise be orphans.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MailboxName(String);

impl MailboxName {
    /// Checks and normalises a name.
    ///
    /// # Errors
    ///
    /// Names which rule the name breaks.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let name: String = name.nfc().collect();
        if let Some(bad) = name.chars().find(|c| is_forbidden(*c)) {
            return Err(NameError::Character(bad.escape_unicode().to_string()));
        }
        let (first, rest) = match name.split_once(SEPARATOR) {
            Some((first, rest)) => (first, Some(rest)),
            None => (name.as_str(), None),
        };
        for component in std::iter::once(first).chain(rest.iter().flat_map(|rest| rest.split(SEPARATOR))) {
            if component.is_empty() || component.trim() != component {
                return Err(NameError::Component);
            }
            if component.len() > COMPONENT_MAX {
                return Err(NameError::TooLong);
            }
        }
        if name.split(SEPARATOR).count() > LEVELS_MAX {
            return Err(NameError::TooDeep);
        }
        Ok(Self(match rest {
            _ if !first.eq_ignore_ascii_case("INBOX") => name,
            None => "INBOX".to_owned(),
            Some(rest) => format!("INBOX{SEPARATOR}{rest}"),
        }))
    }

    /// The name of the mailbox that every account has.
    pub fn inbox() -> Self {
        Self("INBOX".to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is INBOX itself.
    pub fn is_inbox(&self) -> bool {
        self.0 == "INBOX"
    }

    /// The names above this one, the topmost first.
    pub fn parents(&self) -> impl Iterator<Item = MailboxName> + '_ {
        self.0
            .match_indices(SEPARATOR)
            .filter_map(|(at, _)| self.0.get(..at))
            .map(|name| Self(name.to_owned()))
    }

    /// What this name is below `parent`, without the separator; `None` when it is not below it.
    pub fn below(&self, parent: &MailboxName) -> Option<&str> {
        self.0.strip_prefix(parent.as_str())?.strip_prefix(SEPARATOR)
    }
}

impl std::fmt::Display for MailboxName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text can not be the name of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// A control, format or wildcard character, shown escaped.
    #[error("a mailbox name can not contain {0}")]
    Character(String),
    /// Nothing before, after or between separators, or white space at the edge of a component.
    #[error("a part of a mailbox name is empty or begins or ends with white space")]
    Component,
    /// A component of more than [`COMPONENT_MAX`] octets.
    #[error("a part of a mailbox name is longer than {COMPONENT_MAX} octets")]
    TooLong,
    /// More than [`LEVELS_MAX`] components.
    #[error("a mailbox name has more than {LEVELS_MAX} levels")]
    TooDeep,
}

/// Controls, the wildcards of LIST, and the marks that reorder or split what a display shows.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '*' | '%' | '\u{FEFF}' | '\u{FFFD}')
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<String, NameError> {
        MailboxName::new(text).map(|name| name.to_string())
    }

    #[test]
    fn mbx_03_inbox_is_one_mailbox_in_any_case() {
        assert_eq!(name("inBoX").unwrap(), "INBOX");
        assert_eq!(name("inbox/x").unwrap(), "INBOX/x");
        assert_eq!(name("inbox.x").unwrap(), "inbox.x");
        assert_eq!(name("x/inbox").unwrap(), "x/inbox");
        assert_ne!(name("I\u{307}NBOX").unwrap(), "INBOX");
    }

    #[test]
    fn mbx_04_what_would_break_a_line_or_a_display_is_refused() {
        for bad in ["a\r\nb", "a\0", "\u{1b}[2J", "a\u{202e}b", "a\u{85}", "a*", "%", "a\u{2028}b"] {
            assert!(matches!(name(bad), Err(NameError::Character(_))), "{bad:?}");
        }
    }

    #[test]
    fn mbx_05_length_depth_and_normal_form() {
        assert_eq!(name(&"x".repeat(255)).unwrap().len(), 255);
        assert_eq!(name(&"x".repeat(256)), Err(NameError::TooLong));
        assert!(name(&["x"; 10].join("/")).is_ok());
        assert_eq!(name(&["x"; 11].join("/")), Err(NameError::TooDeep));
        assert_eq!(name("e\u{301}"), name("\u{e9}"));
        for bad in ["", "/", "a/", "/a", "a//b", "a ", " a", "a /b"] {
            assert_eq!(name(bad), Err(NameError::Component), "{bad:?}");
        }
    }

    #[test]
    fn mbx_01_names_are_not_paths() {
        for fine in ["..", ".", "a/../b", "~root", "C:\\x", "con", "a\\b"] {
            assert_eq!(name(fine).unwrap(), fine);
        }
    }

    #[test]
    fn parents_and_children() {
        let name = MailboxName::new("a/b/c").unwrap();
        let parents: Vec<String> = name.parents().map(|p| p.to_string()).collect();
        assert_eq!(parents, ["a", "a/b"]);
        assert_eq!(name.below(&MailboxName::new("a").unwrap()), Some("b/c"));
        assert_eq!(name.below(&MailboxName::new("a/b/c").unwrap()), None);
        assert_eq!(MailboxName::new("ab").unwrap().below(&MailboxName::new("a").unwrap()), None);
    }
}
