//! What a server says it can do (RFC 2449 5 and 6).

use alloc::string::String;
use alloc::vec::Vec;

/// The answer to CAPA: each line a name and its parameters.
///
/// Empty when the server does not know CAPA; that does not mean that it can do nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    lines: Vec<String>,
}

impl Capabilities {
    /// Adds a line of the answer.
    pub(crate) fn push(&mut self, line: String) {
        self.lines.push(line);
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The lines as sent.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// Whether the capability of this name, in any case, is announced.
    pub fn has(&self, name: &str) -> bool {
        self.parameters(name).is_some()
    }

    /// The parameters of the capability of this name, in any case.
    pub fn parameters(&self, name: &str) -> Option<impl Iterator<Item = &str>> {
        self.lines.iter().find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            words.next().filter(|first| first.eq_ignore_ascii_case(name)).map(|_| words)
        })
    }

    /// The SASL mechanisms.
    pub fn mechanisms(&self) -> Vec<&str> {
        self.parameters("SASL").map(Iterator::collect).unwrap_or_default()
    }
}
