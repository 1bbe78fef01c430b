//! Messages made from a number: what a server gives back can be compared with what it was given, whole.

use std::fmt::Write as _;

/// The number of a message, which is in its header.
pub(crate) type Id = u64;

/// The header field that names it.
pub(crate) const FIELD: &str = "X-Seq";

/// How large a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// It waits in memory until it is stored.
    Small,
    /// It waits in a file.
    Large,
    /// It waits in a file, which is where it stays.
    Filed,
}

impl Size {
    pub(crate) fn of(id: Id) -> Self {
        match id % 11 {
            5 => Self::Large,
            7 => Self::Filed,
            _ => Self::Small,
        }
    }
}

/// All octets of a message; most are small. The last are CR LF, and no line begins with a dot.
pub(crate) fn message(id: Id) -> Vec<u8> {
    let size = match Size::of(id) {
        Size::Small => 600 + id * 977 % 3000,
        Size::Large => 150_000,
        Size::Filed => 300_000,
    };
    sized(id, usize::try_from(size).unwrap())
}

/// A message of about so many octets.
pub(crate) fn sized(id: Id, octets: usize) -> Vec<u8> {
    let mut text = format!(
        "Message-ID: <{id}@faults.test>\r\n{FIELD}: {id}\r\nFrom: sender@remote.test\r\nSubject: number {id}\r\n\r\n"
    );
    let mut line = 0_u64;
    while text.len() < octets {
        write!(text, "{id} {line} {:016x}\r\n", (id ^ line).wrapping_mul(0x9e37_79b9_7f4a_7c15)).unwrap();
        line += 1;
    }
    text.into_bytes()
}

/// The number that a header names.
pub(crate) fn id_of(header: &[u8]) -> Option<Id> {
    let text = String::from_utf8_lossy(header);
    let value = text.lines().find_map(|line| line.strip_prefix(FIELD)?.strip_prefix(": "))?;
    value.trim().parse().ok()
}

/// Whether this is the message, with nothing but fields of servers in front.
pub(crate) fn is_whole(id: Id, octets: &[u8]) -> bool {
    is(octets, &message(id))
}

pub(crate) fn is(octets: &[u8], message: &[u8]) -> bool {
    octets.strip_suffix(message).is_some_and(|front| front.is_empty() || front.ends_with(b"\r\n"))
}
