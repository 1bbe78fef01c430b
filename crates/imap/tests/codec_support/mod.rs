//! Shared by the tests of the codec: a framer in miniature, and generators of every value the types can hold.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test takes what it needs")]

pub mod generate;

use bytes::{Bytes, BytesMut};
use posthaste_imap::encode::{self, EncodeContext, Fragment, LiteralMode};
use posthaste_imap::types::*;

/// A framer in miniature.
pub struct Framer {
    pub wire: Bytes,
    pub at: usize,
}

impl Framer {
    /// Up to the next CRLF, which is passed over, or to the end.
    pub fn line(&mut self) -> Bytes {
        let rest = self.wire.slice(self.at..);
        let end = rest.windows(2).position(|pair| pair == b"\r\n").unwrap_or(rest.len());
        self.at = (self.at + end + 2).min(self.wire.len());
        rest.slice(..end)
    }

    pub fn octets(&mut self, len: u64) -> Bytes {
        let start = self.at;
        self.at += usize::try_from(len).unwrap();
        self.wire.slice(start..self.at)
    }
}

pub trait SplitLine {
    fn split_to_line(&self) -> Bytes;
}

impl SplitLine for Bytes {
    fn split_to_line(&self) -> Bytes {
        self.slice(..self.len() - 2)
    }
}

pub fn on_the_wire(fragments: &[Fragment]) -> Bytes {
    let bytes = fragments.iter().filter_map(|fragment| match fragment {
        Fragment::Bytes(bytes) => Some(bytes.clone()),
        Fragment::SyncPoint => None,
    });
    bytes.flatten().collect::<Vec<u8>>().into()
}

/// The response without its CRLF.
pub fn encoded(response: &Response, utf8: bool) -> Bytes {
    let mut out = BytesMut::new();
    encode::response(&mut out, response, EncodeContext { literals: LiteralMode::Synchronising, utf8 });
    assert!(out.ends_with(b"\r\n"));
    out.freeze().split_to_line()
}

pub fn client(utf8: bool) -> ParseContext {
    let mut context = ParseContext::client();
    context.utf8 = utf8;
    context
}
