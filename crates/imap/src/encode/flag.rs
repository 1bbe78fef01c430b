//! Flag lists (RFC 9051, section 9). What is no flag by the grammar is left out.

use super::writer::Writer;
use crate::types::string::is_atom_char;
use crate::types::{Flags, PermanentFlags};

impl Writer<'_> {
    /// `flag-list`
    pub(super) fn flags(&mut self, flags: &Flags) {
        self.octet(b'(');
        self.bare_flags(flags);
        self.octet(b')');
    }

    pub(super) fn permanent_flags(&mut self, permanent: &PermanentFlags) {
        self.octet(b'(');
        let written = self.bare_flags(&permanent.flags);
        if permanent.new_keywords {
            self.text(if written { " \\*" } else { "\\*" });
        }
        self.octet(b')');
    }

    /// The flags with spaces between them; whether there was one.
    fn bare_flags(&mut self, flags: &Flags) -> bool {
        let mut written = false;
        for (bit, name) in SYSTEM {
            if flags.system() & bit != 0 {
                // Every name has its space in front.
                self.text(if written { name } else { name.trim_start() });
                written = true;
            }
        }
        for text in flags.texts().filter(|text| is_flag(text)) {
            if written {
                self.octet(b' ');
            }
            self.put(text);
            written = true;
        }
        written
    }
}

/// By the bits of [`Flags`].
const SYSTEM: [(u8, &str); 6] = [
    (1, " \\Answered"),
    (2, " \\Flagged"),
    (4, " \\Deleted"),
    (8, " \\Seen"),
    (16, " \\Draft"),
    (32, " \\Recent"),
];

fn is_flag(text: &[u8]) -> bool {
    let name = text.strip_prefix(b"\\").unwrap_or(text);
    !name.is_empty() && name.iter().copied().all(is_atom_char)
}
