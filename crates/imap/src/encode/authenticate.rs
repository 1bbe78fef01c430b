//! AUTHENTICATE and SASL lines (RFC 9051, section 6.2.2; RFC 4959).

use super::writer::Writer;
use crate::types::{Authenticate, SaslResponse};
use alloc::string::String;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;

/// A client's answer to a challenge, with its CRLF.
pub fn sasl_response(out: &mut BytesMut, response: &SaslResponse) {
    match response {
        SaslResponse::Cancel => out.extend_from_slice(b"*"),
        SaslResponse::Data(data) => out.extend_from_slice(base64(data.expose()).as_bytes()),
    }
    out.extend_from_slice(b"\r\n");
}

/// A server's challenge: a continuation request with base64, with its CRLF.
pub fn sasl_challenge(out: &mut BytesMut, challenge: &[u8]) {
    out.extend_from_slice(b"+ ");
    out.extend_from_slice(base64(challenge).as_bytes());
    out.extend_from_slice(b"\r\n");
}

impl Writer<'_> {
    pub(super) fn authenticate(&mut self, authenticate: &Authenticate) {
        self.text(authenticate.mechanism.as_str());
        match &authenticate.initial {
            None => {}
            Some(initial) if initial.is_empty() => self.text(" ="),
            Some(initial) => {
                self.octet(b' ');
                self.text(&base64(initial.expose()));
            }
        }
    }
}

pub(super) fn base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}
