//! What strangers wrote, for a terminal: encoded words are read, and control characters left out, since they could be
//! orders to the terminal.

use posthaste_imap::charset::decode_words;
use posthaste_imap::types::{AString, Envelope, NString};

/// The value of a header field in one line of at most so many characters.
pub fn field(value: &[u8], width: usize) -> String {
    decode_words(value).chars().filter(|character| !character.is_control()).take(width).collect()
}

/// The lines of a text.
pub fn text(text: &str) -> String {
    text.chars().filter(|character| matches!(character, '\n' | '\t') || !character.is_control()).collect()
}

/// Who wrote a message: the name, or the address where there is no name.
pub fn author(envelope: &Envelope, width: usize) -> String {
    let Some(author) = envelope.from.first() else { return String::new() };
    match (&author.name, &author.mailbox, &author.host) {
        (None, Some(mailbox), Some(host)) => {
            field(&[mailbox.as_bytes(), b"@", host.as_bytes()].concat(), width)
        }
        (name, ..) => nstring(name, width),
    }
}

/// What it is about.
pub fn subject(envelope: &Envelope, width: usize) -> String {
    nstring(&envelope.subject, width)
}

/// When it was written, as the author has it.
pub fn date(envelope: &Envelope, width: usize) -> String {
    nstring(&envelope.date, width)
}

fn nstring(value: &NString, width: usize) -> String {
    field(value.as_ref().map_or(&[], AString::as_bytes), width)
}

#[cfg(test)]
mod tests {
    #[test]
    fn orders_to_the_terminal_are_not_shown() {
        assert_eq!(super::field(b"=?utf-8?q?caf=C3=A9_=1B[2J?=", 80), "café [2J");
        assert_eq!(super::text("one\r\n\ttwo\u{1b}[2J\u{9b}2J\u{7}"), "one\n\ttwo[2J2J");
    }
}
