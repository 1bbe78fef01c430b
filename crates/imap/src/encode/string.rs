//! Strings: as atom, quoted or literal, whichever is the shortest that can hold them (RFC 9051, section 9).

use super::writer::Writer;
use crate::types::string::is_astring_char;
use crate::types::{AString, ObjectId};

impl Writer<'_> {
    /// `string`: quoted when it is short and plain, a literal otherwise.
    pub(super) fn string(&mut self, octets: &[u8]) {
        if octets.len() <= QUOTED_MAX && is_plain(octets) {
            self.octet(b'"');
            self.put(octets);
            return self.octet(b'"');
        }
        if !self.fits_quotes(octets) {
            return self.literal(octets);
        }
        self.octet(b'"');
        let mut rest = octets;
        while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
            let (plain, special) = rest.split_at(at);
            self.put(plain);
            self.octet(b'\\');
            let (special, after) = special.split_at(special.len().min(1));
            self.put(special);
            rest = after;
        }
        self.put(rest);
        self.octet(b'"');
    }

    /// `astring`: an atom where one will do. `NIL` is quoted, so that nobody mistakes it.
    pub(super) fn astring(&mut self, octets: &[u8]) {
        let short = !octets.is_empty() && octets.len() <= QUOTED_MAX;
        let atom = short && octets.iter().copied().all(is_astring_char);
        if atom && !octets.eq_ignore_ascii_case(b"NIL") { self.put(octets) } else { self.string(octets) }
    }

    /// `nstring`.
    pub(super) fn nstring(&mut self, string: Option<&[u8]>) {
        match string {
            Some(string) => self.string(string),
            None => self.text("NIL"),
        }
    }

    /// `nstring / literal8`: a literal8 only where there is NUL.
    pub(super) fn nstring8(&mut self, octets: Option<&[u8]>) {
        match octets {
            None => self.text("NIL"),
            Some(octets) if memchr::memchr(0, octets).is_some() => self.literal8(octets),
            Some(octets) => self.string(octets),
        }
    }

    /// A label of Gmail: with a backslash in front as it is, otherwise an astring.
    pub(super) fn label(&mut self, label: &AString) {
        let name = label.as_bytes().strip_prefix(b"\\").unwrap_or_default();
        let system = !name.is_empty() && name.iter().copied().all(is_astring_char);
        if system { self.put(label.as_bytes()) } else { self.astring(label.as_bytes()) }
    }

    /// `"(" objectid ")"`
    pub(super) fn object_id(&mut self, id: &ObjectId) {
        self.octet(b'(');
        self.text(id.as_str());
        self.octet(b')');
    }

    /// `string` of a validated value.
    pub(super) fn string_of(&mut self, string: &AString) {
        self.string(string.as_bytes());
    }

    fn fits_quotes(&self, octets: &[u8]) -> bool {
        if octets.len() > QUOTED_MAX || memchr::memchr3(b'\r', b'\n', 0, octets).is_some() {
            return false;
        }
        octets.is_ascii() || (self.context.utf8 && core::str::from_utf8(octets).is_ok())
    }
}

/// Whether all can stand between quotes as it is, whatever the session has enabled.
fn is_plain(octets: &[u8]) -> bool {
    let is_plain = |octet: u8| {
        octet.is_ascii()
            & (octet != b'"')
            & (octet != b'\\')
            & (octet != b'\r')
            & (octet != b'\n')
            & (octet != 0)
    };
    // With no way out in between, many octets are looked at in one step.
    octets.iter().fold(true, |all, octet| all & is_plain(*octet))
}

/// Longer strings go as literals: servers have small limits for a line.
const QUOTED_MAX: usize = 1024;
