//! Status responses: code and text (RFC 9051, section 7.1).

use super::writer::Writer;
use crate::types::{Condition, ResponseCode, Status};

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
        if text.is_empty() {
            return self.octet(b'-');
        }
        let utf8 = self.context.utf8 && core::str::from_utf8(text).is_ok();
        for (index, octet) in text.iter().enumerate() {
            self.octet(match octet {
                b'\r' | b'\n' | 0 => b' ',
                b'[' if index == 0 && may_be_code => b'(',
                0x80.. if !utf8 => b'?',
                octet => *octet,
            });
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
                    self.list(charsets, |w, charset| w.astring(charset.as_bytes()));
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
            ResponseCode::HighestModSeq(value) => self.numbered_code("HIGHESTMODSEQ ", *value),
            ResponseCode::UidNext(value) => self.numbered_code("UIDNEXT ", *value),
            ResponseCode::UidValidity(value) => self.numbered_code("UIDVALIDITY ", *value),
            ResponseCode::Unseen(value) => self.numbered_code("UNSEEN ", *value),
            ResponseCode::Other { name, arguments } => {
                self.text(name.as_str());
                if let Some(arguments) = arguments {
                    self.octet(b' ');
                    for octet in arguments.iter().filter(|octet| is_code_char(**octet)) {
                        self.octet(*octet);
                    }
                }
            }
            // All others have no arguments and were written above.
            _ => {}
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
