//! Replies: status, response code, text (RFC 1939 3, RFC 2449 8, RFC 3206).

use alloc::boxed::Box;

use bytes::Bytes;

/// Whether a command succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `+OK`
    Ok,
    /// `-ERR`
    Err,
}

impl Status {
    pub(crate) const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Ok => b"+OK",
            Self::Err => b"-ERR",
        }
    }
}

/// The first line of an answer.
///
/// ```text
/// reply = ("+OK" / "-ERR") [SP ["[" resp-code "]" [SP]] text] CRLF
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub(crate) status: Status,
    pub(crate) code: Option<ResponseCode>,
    pub(crate) text: Bytes,
}

impl Reply {
    /// The status.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Whether it is `+OK`.
    pub const fn is_ok(&self) -> bool {
        matches!(self.status, Status::Ok)
    }

    /// What a program can make of it, where the server said so.
    pub const fn code(&self) -> Option<&ResponseCode> {
        self.code.as_ref()
    }

    /// The text behind status and code: whatever the peer wrote, to be escaped before it is shown.
    pub const fn text(&self) -> &Bytes {
        &self.text
    }
}

/// Why a command failed, for programs (RFC 2449 8.1, RFC 3206 4, RFC 6856 5).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseCode {
    /// `IN-USE`: another session has the maildrop.
    InUse,
    /// `LOGIN-DELAY`: too soon after the last login.
    LoginDelay,
    /// `SYS/TEMP`: the server's fault, and worth another try.
    SysTemp,
    /// `SYS/PERM`: the server's fault, and a person has to act.
    SysPerm,
    /// `AUTH`: the credentials are wrong.
    Auth,
    /// `UTF8`: the answer needs UTF-8 mode.
    Utf8,
    /// Another one, as sent.
    Other(Box<str>),
}

impl ResponseCode {
    /// The code as it stands between the brackets.
    pub fn as_str(&self) -> &str {
        match self {
            Self::InUse => "IN-USE",
            Self::LoginDelay => "LOGIN-DELAY",
            Self::SysTemp => "SYS/TEMP",
            Self::SysPerm => "SYS/PERM",
            Self::Auth => "AUTH",
            Self::Utf8 => "UTF8",
            Self::Other(code) => code,
        }
    }

    /// The code of this spelling, in any case. Levels of detail behind one that is known are passed over (RFC 2449 8).
    pub(crate) fn from_text(text: &str) -> Self {
        let known = [Self::InUse, Self::LoginDelay, Self::SysTemp, Self::SysPerm, Self::Auth, Self::Utf8];
        let is = |code: &Self| match text.split_at_checked(code.as_str().len()) {
            Some((front, detail)) => {
                front.eq_ignore_ascii_case(code.as_str()) && (detail.is_empty() || detail.starts_with('/'))
            }
            None => false,
        };
        known.into_iter().find(is).unwrap_or_else(|| Self::Other(text.into()))
    }
}
