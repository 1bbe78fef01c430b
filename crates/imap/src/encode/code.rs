//! Status responses: code and text (RFC 9051, section 7.1).

use super::authenticate::base64;
use super::writer::Writer;
use crate::types::string::is_atom_char;
use crate::types::{Condition, ResponseCode, Status, Tag};
use core::num::NonZeroU32;

impl Writer<'_> {
    /// `OK [code] text`
    ///
    /// In the text CR, LF and NUL become spaces, 8-bit octets become `?` unless UTF-8 was enabled and they are
    /// UTF-8, an empty text becomes `-`, and a `[` that would begin a code becomes `(`.
    pub(super) fn status(&mut self, status: &Status) {
        self.text(match status.condition {
            Condition::Ok => "OK ",
            Condition::No => "NO ",
            Condition::Bad => "BAD ",
            Condition::PreAuth => "PREAUTH ",
            Condition::Bye => "BYE ",
        });
        if let Some(code) = &status.code {
            self.octet(b'[');
            self.code(code);
            self.put(b"] ");
        }
        self.free_text(&status.text, status.code.is_none());
    }

    /// Text to the end of the line.
    pub(super) fn free_text(&mut self, text: &[u8], may_be_code: bool) {
        // Text that is nothing but blanks is read as none, of which there has to be some.
        if text.iter().all(|octet| matches!(octet, b' ' | b'\r' | b'\n' | 0)) {
            return self.octet(b'-');
        }
        let utf8 = self.context.utf8 && core::str::from_utf8(text).is_ok();
        // Many readers pass over spaces in front of a code.
        let mut begins = may_be_code;
        for octet in text {
            let octet = match octet {
                b'\r' | b'\n' | 0 => b' ',
                b'[' if begins => b'(',
                0x80.. if !utf8 => b'?',
                octet => *octet,
            };
            begins &= octet == b' ';
            self.octet(octet);
        }
    }

    fn code(&mut self, code: &ResponseCode) {
        if let Some(name) = code.plain_name() {
            return self.text(name);
        }
        match code {
            ResponseCode::AppendUid { uid_validity, uids } => {
                self.text("APPENDUID ");
                self.number(uid_validity.get());
                self.octet(b' ');
                self.uid_set(uids);
            }
            ResponseCode::CopyUid { uid_validity, source, target } => {
                self.text("COPYUID ");
                self.number(uid_validity.get());
                self.octet(b' ');
                self.uid_set(source);
                self.octet(b' ');
                self.uid_set(target);
            }
            ResponseCode::BadCharset(charsets) => {
                self.text("BADCHARSET");
                if !charsets.is_empty() {
                    self.octet(b' ');
                    self.list(charsets, |w, charset| w.code_astring(charset.as_bytes()));
                }
            }
            ResponseCode::Capability(capabilities) => {
                self.text("CAPABILITY");
                self.capabilities(capabilities);
            }
            ResponseCode::PermanentFlags(permanent) => {
                self.text("PERMANENTFLAGS ");
                self.permanent_flags(permanent);
            }
            ResponseCode::BadEvent(events) => {
                self.text("BADEVENT ");
                self.list(events, |w, event| w.text(event.as_str()));
            }
            ResponseCode::BadUrl(url) => self.raw_code("BADURL ", url),
            ResponseCode::Referral(url) => self.raw_code("REFERRAL ", url),
            ResponseCode::InProgress { tag, progress, goal } => {
                self.in_progress(tag.as_ref(), *progress, *goal);
            }
            ResponseCode::MailboxId(id) => {
                self.text("MAILBOXID ");
                self.object_id(id);
            }
            ResponseCode::MessageLimit { limit, uid } => {
                self.numbered_code("MESSAGELIMIT ", limit.get().into());
                if let Some(uid) = uid {
                    self.numbered_code(" ", uid.get().into());
                }
            }
            ResponseCode::MetadataLongEntries(size) => self.numbered_code("METADATA LONGENTRIES ", *size),
            ResponseCode::MetadataMaxSize(size) => self.numbered_code("METADATA MAXSIZE ", *size),
            ResponseCode::MetadataTooMany => self.text("METADATA TOOMANY"),
            ResponseCode::MetadataNoPrivate => self.text("METADATA NOPRIVATE"),
            ResponseCode::Modified(set) => {
                self.text("MODIFIED ");
                self.sequence_set(set);
            }
            ResponseCode::NoUpdate(tag) => {
                self.text("NOUPDATE ");
                self.code_string(tag.as_bytes());
            }
            ResponseCode::UndefinedFilter(name) => {
                self.text("UNDEFINED-FILTER ");
                self.text(name.as_str());
            }
            ResponseCode::UrlMech(mechanisms) => {
                self.text("URLMECH INTERNAL");
                for mechanism in mechanisms {
                    self.octet(b' ');
                    self.text(mechanism.name.as_str());
                    if let Some(data) = &mechanism.data {
                        self.octet(b'=');
                        self.text(&base64(data));
                    }
                }
            }
            ResponseCode::HighestModSeq(value) => self.numbered_code("HIGHESTMODSEQ ", *value),
            ResponseCode::UidNext(value) => self.numbered_code("UIDNEXT ", *value),
            ResponseCode::UidValidity(value) => self.numbered_code("UIDVALIDITY ", *value),
            ResponseCode::Unseen(value) => self.numbered_code("UNSEEN ", *value),
            ResponseCode::Other { name, arguments } => {
                self.text(name.as_str());
                if let Some(arguments) = arguments {
                    self.raw_code(" ", arguments);
                }
            }
            // All others have no arguments and were written above.
            _ => {}
        }
    }

    fn in_progress(&mut self, tag: Option<&Tag>, progress: Option<u32>, goal: Option<NonZeroU32>) {
        self.text("INPROGRESS");
        if tag.is_none() && progress.is_none() {
            return;
        }
        self.text(" (");
        // RFC 9585 4: a tag with a bracket would end the code.
        match tag.filter(|tag| memchr::memchr(b']', tag.as_bytes()).is_none()) {
            Some(tag) => self.code_string(tag.as_bytes()),
            None => self.text("NIL"),
        }
        for number in [progress, progress.and(goal.map(NonZeroU32::get))] {
            match number {
                Some(number) => self.numbered_code(" ", number.into()),
                None => self.text(" NIL"),
            }
        }
        self.octet(b')');
    }

    /// A quoted string without what cannot stand in a code.
    fn code_string(&mut self, text: &[u8]) {
        self.octet(b'"');
        for octet in text.iter().copied().filter(|octet| is_code_char(*octet)) {
            if matches!(octet, b'"' | b'\\') {
                self.octet(b'\\');
            }
            self.octet(octet);
        }
        self.octet(b'"');
    }

    /// An atom, or a quoted string as above: nothing in a code may be a literal.
    fn code_astring(&mut self, text: &[u8]) {
        if !text.is_empty() && text.iter().copied().all(is_atom_char) {
            self.put(text);
        } else {
            self.code_string(text);
        }
    }

    fn raw_code(&mut self, name: &str, arguments: &[u8]) {
        self.text(name);
        for octet in arguments.iter().filter(|octet| is_code_char(**octet)) {
            self.octet(*octet);
        }
    }

    fn numbered_code(&mut self, name: &str, value: u64) {
        self.text(name);
        self.number(value);
    }
}

/// `<any TEXT-CHAR except "]">`
const fn is_code_char(octet: u8) -> bool {
    matches!(octet, 1..=0x7f) && !matches!(octet, b'\r' | b'\n' | b']')
}
