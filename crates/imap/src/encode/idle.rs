//! The end of IDLE (RFC 2177).

/// The line that ends IDLE.
pub const DONE: &[u8] = b"DONE\r\n";
