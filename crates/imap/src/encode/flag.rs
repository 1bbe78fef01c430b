//! Flags (RFC 9051, section 9). Flags that are none by the grammar are left out.

use super::writer::Writer;
use crate::types::{Flag, PermanentFlags};

impl Writer<'_> {
    /// `flag-list`
    pub(super) fn flags(&mut self, flags: &[Flag]) {
        self.list(writable(flags), Self::flag);
    }

    pub(super) fn permanent_flags(&mut self, permanent: &PermanentFlags) {
        self.octet(b'(');
        let any = writable(&permanent.flags).next().is_some();
        self.separated(writable(&permanent.flags), Self::flag);
        if permanent.new_keywords {
            self.text(if any { " \\*" } else { "\\*" });
        }
        self.octet(b')');
    }

    fn flag(&mut self, flag: &Flag) {
        if let Flag::Extension(_) = flag {
            self.octet(b'\\');
        }
        self.text(match flag {
            Flag::Answered => "\\Answered",
            Flag::Flagged => "\\Flagged",
            Flag::Deleted => "\\Deleted",
            Flag::Seen => "\\Seen",
            Flag::Draft => "\\Draft",
            Flag::Recent => "\\Recent",
            Flag::Keyword(name) | Flag::Extension(name) => name.as_str(),
            Flag::Odd(_) => "",
        });
    }
}

fn writable(flags: &[Flag]) -> impl Iterator<Item = &Flag> {
    flags.iter().filter(|flag| !matches!(flag, Flag::Odd(_)))
}
