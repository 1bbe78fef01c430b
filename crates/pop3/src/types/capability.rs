//! What a server says it can do (RFC 2449 5 and 6; RFC 2595, 3206, 5034, 6856).

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::MechanismName;
use crate::parse;

/// A line of the answer to CAPA.
///
/// ```text
/// capability = tag *(SP parameter)                ; tags in any case, at most 512 octets
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capability {
    /// `TOP`: the command is there.
    Top,
    /// `USER`: USER and PASS are there.
    User,
    /// `SASL`: AUTH with these mechanisms.
    Sasl(Vec<MechanismName>),
    /// `RESP-CODES`: a text that begins with `[` is a response code.
    RespCodes,
    /// `LOGIN-DELAY`: how long to wait between two logins.
    LoginDelay(Announced<Duration>),
    /// `PIPELINING`: commands may be sent ahead of answers.
    Pipelining,
    /// `EXPIRE`: how long messages stay.
    Expire(Announced<Retention>),
    /// `UIDL`: the command is there.
    Uidl,
    /// `IMPLEMENTATION`: what the server is made of, in words.
    Implementation(String),
    /// `STLS`: the command is there (RFC 2595 4).
    Stls,
    /// `AUTH-RESP-CODE`: wrong credentials are told from other trouble (RFC 3206 6).
    AuthRespCode,
    /// `UTF8`: the command is there (RFC 6856 2).
    Utf8(Utf8Names),
    /// `LANG`: the command is there (RFC 6856 3).
    Lang,
    /// Another one, or one of the above that is malformed, as sent.
    Other(String),
}

/// A value that may be another one for whoever logs in (RFC 2449 6.5 and 6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced<T> {
    /// The value.
    pub value: T,
    /// Whether it is known to be this user's.
    pub scope: Scope,
}

/// Whom a value holds for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Everybody, or the user who is logged in.
    #[default]
    Exact,
    /// `USER`: the worst case of all users; the user's own is told after the login.
    DependsOnUser,
}

/// How long a server keeps messages, at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// So many days. 0: messages cannot be left on the server.
    Days(u32),
    /// `NEVER`: the server removes nothing by itself.
    Forever,
}

/// Whether names and passwords may be in UTF-8 (RFC 6856 2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Utf8Names {
    /// They may not.
    #[default]
    Refused,
    /// `USER`: they may.
    Taken,
}

/// The answer to CAPA.
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

    /// The lines, understood.
    pub fn iter(&self) -> impl Iterator<Item = Capability> {
        self.lines().map(parse::capability)
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

    /// How long messages stay, where the server says so.
    pub fn expire(&self) -> Option<Announced<Retention>> {
        self.iter().find_map(|capability| match capability {
            Capability::Expire(expire) => Some(expire),
            _ => None,
        })
    }

    /// How long to wait between two logins, where the server says so.
    pub fn login_delay(&self) -> Option<Announced<Duration>> {
        self.iter().find_map(|capability| match capability {
            Capability::LoginDelay(delay) => Some(delay),
            _ => None,
        })
    }

    /// Whether names and passwords may be in UTF-8.
    pub fn takes_utf8_names(&self) -> bool {
        self.iter().any(|capability| capability == Capability::Utf8(Utf8Names::Taken))
    }
}
