//! LANGUAGE and COMPARATOR (RFC 5255).

use super::writer::Writer;
use crate::types::{AString, Comparator};

impl Writer<'_> {
    /// `*(SP astring)`
    pub(super) fn spaced_astrings(&mut self, strings: &[AString]) {
        for string in strings {
            self.octet(b' ');
            self.astring(string.as_bytes());
        }
    }

    pub(super) fn languages(&mut self, languages: &[AString]) {
        self.list(languages, |w, language| w.astring(language.as_bytes()));
    }

    pub(super) fn comparator(&mut self, comparator: &Comparator) {
        self.astring(comparator.active.as_bytes());
        if !comparator.matching.is_empty() {
            self.octet(b' ');
            self.list(&comparator.matching, |w, name| w.astring(name.as_bytes()));
        }
    }
}
