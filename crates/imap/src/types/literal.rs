//! Literal headers (RFC 9051, section 4.3; RFC 7888; RFC 3516 for `~{n}`).

/// What `{n}`, `{n+}`, `~{n}` or `~{n+}` at the end of a line announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiteralHeader {
    /// Octets that follow the CRLF.
    pub len: u64,
    /// The sender waits for a continuation request before it goes on.
    pub synchronising: bool,
    /// `literal8`: the octets may include NUL.
    pub binary: bool,
}
