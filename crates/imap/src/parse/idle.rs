//! The end of IDLE (RFC 2177).

/// Whether `line` is the `DONE` that ends IDLE; anything else in that place is an error.
pub fn is_done(line: &[u8]) -> bool {
    line.eq_ignore_ascii_case(b"DONE")
}
