//! Requests as they are signed (RFC 7515, RFC 8555 6.2), checked.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::der;

/// The key of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    x: String,
    y: String,
}

/// A request, before its signature was checked.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) header: Value,
    pub(crate) payload: Vec<u8>,
    signed: String,
    signature: Vec<u8>,
}

pub(crate) fn base64(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

pub(crate) fn unbase64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Whether the owner of a key, P-256, has signed this.
pub(crate) fn is_signed(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let known = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    let wanted = |(scheme, _): &&(SignatureScheme, _)| *scheme == SignatureScheme::ECDSA_NISTP256_SHA256;
    let (_, algorithms) = known.mapping.iter().find(wanted).unwrap();
    algorithms.iter().any(|algorithm| algorithm.verify_signature(key, message, signature).is_ok())
}

impl Key {
    pub(crate) fn of_jwk(jwk: &Value) -> Self {
        assert_eq!((&jwk["kty"], &jwk["crv"]), (&"EC".into(), &"P-256".into()));
        Self { x: jwk["x"].as_str().unwrap().to_owned(), y: jwk["y"].as_str().unwrap().to_owned() }
    }

    /// RFC 7638 3.
    pub(crate) fn thumbprint(&self) -> String {
        let Self { x, y } = self;
        base64(Sha256::digest(format!("{{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"{x}\",\"y\":\"{y}\"}}")))
    }

    pub(crate) fn has_signed(&self, request: &Signed) -> bool {
        let point = [&[4][..], &unbase64(&self.x), &unbase64(&self.y)].concat();
        request.signature.len() == 64
            && is_signed(&point, request.signed.as_bytes(), &der::signature(&request.signature))
    }
}

impl Signed {
    pub(crate) fn parse(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap();
        let part = |name: &str| body[name].as_str().unwrap();
        let header: Value = serde_json::from_slice(&unbase64(part("protected"))).unwrap();
        assert_eq!(header["alg"], "ES256");
        Self {
            header,
            payload: unbase64(part("payload")),
            signed: format!("{}.{}", part("protected"), part("payload")),
            signature: unbase64(part("signature")),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap()
    }
}
