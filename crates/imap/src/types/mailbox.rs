//! Mailbox names (RFC 9051, section 5.1; RFC 3501, section 5.1.3).
//!
//! Held decoded, as UTF-8. `INBOX` in any case is one name, but only as the whole name. A server refuses
//! control characters; a client keeps what a server sends, so that the mailbox can still be opened.

use crate::error::InvalidValue;
use crate::types::mutf7;
use alloc::string::String;
use bytes::Bytes;
use core::fmt;

/// The name of a mailbox; possibly empty, because LIST takes an empty reference.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mailbox {
    name: String,
    /// The octets a server sent, when encoding `name` would not give them back.
    raw: Option<Bytes>,
}

impl Mailbox {
    /// The mailbox called `name`, in plain UTF-8.
    ///
    /// # Errors
    /// When `name` holds a control character or a line or paragraph separator (RFC 9051, section 5.1).
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidValue> {
        let mut name = name.into();
        if name.chars().any(is_unacceptable) {
            return Err(InvalidValue::new("mailbox"));
        }
        if name.eq_ignore_ascii_case(INBOX) {
            name.make_ascii_uppercase();
        }
        Ok(Self { name, raw: None })
    }

    /// `INBOX`.
    pub fn inbox() -> Self {
        Self { name: INBOX.into(), raw: None }
    }

    /// The name in UTF-8, lossy where a server broke the encoding; `INBOX` is in upper case.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Whether this is `INBOX`.
    pub fn is_inbox(&self) -> bool {
        self.name == INBOX
    }

    /// Whether the name holds characters that are not seen, or that change the order in which others are seen, so that it
    /// can pass for another: those that control the direction of text, zero-width ones other than joiners (which some
    /// scripts need), and noncharacters. A server creates no such mailbox.
    pub fn is_deceptive(&self) -> bool {
        self.name.chars().any(is_deceptive)
    }

    /// The octets a server used although they are no canonical spelling; they are sent back as they came.
    pub fn raw(&self) -> Option<&[u8]> {
        self.raw.as_deref()
    }

    /// Strict reading of a name from the wire.
    pub(crate) fn from_wire(octets: &[u8], utf8: bool) -> Result<Self, InvalidValue> {
        let error = InvalidValue::new("mailbox");
        let name = if utf8 {
            String::from(core::str::from_utf8(octets).map_err(|_| error)?)
        } else {
            mutf7::decode(octets).ok_or(error)?
        };
        Self::new(name)
    }

    /// Reading of whatever a server sends; NUL is replaced because nothing could send it back.
    pub(crate) fn from_wire_lenient(octets: &Bytes, utf8: bool) -> Self {
        Self::from_wire(octets, utf8).unwrap_or_else(|_| Self {
            name: String::from_utf8_lossy(octets).into_owned(),
            raw: Some(octets.clone()),
        })
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({:?})", self.name)
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Control characters (C0, DEL, C1) and the Unicode line and paragraph separators.
pub(crate) fn is_unacceptable(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// `Bidi_Control`, invisible characters without a use in a name, and noncharacters (Unicode 23.7).
fn is_deceptive(character: char) -> bool {
    matches!(
        character,
        '\u{61C}'
            | '\u{180E}'
            | '\u{200B}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FDD0}'..='\u{FDEF}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
    ) || u32::from(character) & 0xFFFE == 0xFFFE
}

const INBOX: &str = "INBOX";
