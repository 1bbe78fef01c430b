//! The hash of a certificate that `tls-server-end-point` binds to (RFC 5929 4.1).
//!
//! Reads as much DER (X.690) as it takes to find the signature algorithm, and believes none of it: the certificate
//! was verified by TLS or is the own one. An algorithm that is not known, or has no hash function of its own, such as
//! Ed25519, gives no hash, and the connection has no such binding. RSASSA-PSS is among them: it names two hash
//! functions in its parameters.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::der::{BIT_STRING, OBJECT_IDENTIFIER, SEQUENCE, element};

/// The hash of a certificate with the hash function of its signature.
pub(super) fn hash(certificate: &[u8]) -> Option<Vec<u8>> {
    let function = signature_algorithm(certificate).and_then(function_of)?;
    Some(match function {
        Function::Sha224 => Sha224::digest(certificate).to_vec(),
        Function::Sha256 => Sha256::digest(certificate).to_vec(),
        Function::Sha384 => Sha384::digest(certificate).to_vec(),
        Function::Sha512 => Sha512::digest(certificate).to_vec(),
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// The hash function for a signature algorithm, by the octets of its object identifier.
fn function_of(algorithm: &[u8]) -> Option<Function> {
    match (algorithm.strip_prefix(PKCS_1), algorithm.strip_prefix(ANSI_X9_62_SIGNATURES)) {
        // MD5 and SHA-1 are replaced.
        (Some([4 | 5 | 11]), _) | (_, Some([1] | [3, 2])) => Some(Function::Sha256),
        (Some([14]), _) | (_, Some([3, 1])) => Some(Function::Sha224),
        (Some([12]), _) | (_, Some([3, 3])) => Some(Function::Sha384),
        (Some([13]), _) | (_, Some([3, 4])) => Some(Function::Sha512),
        _ => None,
    }
}

/// The object identifier of the signature algorithm (RFC 5280 4.1).
///
/// ```text
/// Certificate         ::= SEQUENCE { tbsCertificate SEQUENCE, AlgorithmIdentifier, signatureValue BIT STRING }
/// AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL }
/// ```
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (parts, []) = element(SEQUENCE, certificate)? else { return None };
    let (_to_be_signed, parts) = element(SEQUENCE, parts)?;
    let (algorithm, parts) = element(SEQUENCE, parts)?;
    let (_signature, []) = element(BIT_STRING, parts)? else { return None };
    let (identifier, _parameters) = element(OBJECT_IDENTIFIER, algorithm)?;
    Some(identifier)
}

/// 1.2.840.113549.1.1: signatures with RSA (RFC 8017 A.2.4).
const PKCS_1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];

/// 1.2.840.10045.4: signatures with ECDSA (RFC 5758 3.2).
const ANSI_X9_62_SIGNATURES: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};

    use super::*;

    fn certificate(algorithm: &'static SignatureAlgorithm) -> Vec<u8> {
        let key = KeyPair::generate_for(algorithm).unwrap();
        CertificateParams::new(["mail.example".to_owned()]).unwrap().self_signed(&key).unwrap().der().to_vec()
    }

    /// A certificate with nothing in it but a signature algorithm.
    fn signed_with(identifier: &[u8]) -> Vec<u8> {
        let of = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
        let algorithm = of(SEQUENCE, &[of(OBJECT_IDENTIFIER, identifier), vec![5, 0]].concat());
        of(SEQUENCE, &[of(SEQUENCE, &[]), algorithm, of(BIT_STRING, &[0])].concat())
    }

    #[test]
    fn the_hash_is_that_of_the_signature() {
        let p256 = certificate(&rcgen::PKCS_ECDSA_P256_SHA256);
        assert_eq!(hash(&p256), Some(Sha256::digest(&p256).to_vec()));
        let p384 = certificate(&rcgen::PKCS_ECDSA_P384_SHA384);
        assert_eq!(hash(&p384), Some(Sha384::digest(&p384).to_vec()));
        assert_eq!(hash(&certificate(&rcgen::PKCS_ED25519)), None, "it has no hash function of its own");
    }

    #[test]
    fn every_algorithm_has_the_length_of_its_hash_and_old_ones_that_of_sha_256() {
        let rsa = [(2, None), (4, Some(32)), (5, Some(32)), (10, None), (11, Some(32)), (12, Some(48))];
        let rsa = rsa.into_iter().chain([(13, Some(64)), (14, Some(28)), (15, None), (255, None)]);
        for (last, length) in rsa {
            let certificate = signed_with(&[PKCS_1, &[last]].concat());
            assert_eq!(hash(&certificate).map(|hash| hash.len()), length, "RSA, {last}");
        }
        let ecdsa: [(&[u8], _); 7] = [
            (&[1], Some(32)),
            (&[3, 1], Some(28)),
            (&[3, 2], Some(32)),
            (&[3, 3], Some(48)),
            (&[3, 4], Some(64)),
            (&[3], None),
            (&[3, 2, 1], None),
        ];
        for (last, length) in ecdsa {
            let certificate = signed_with(&[ANSI_X9_62_SIGNATURES, last].concat());
            assert_eq!(hash(&certificate).map(|hash| hash.len()), length, "ECDSA, {last:?}");
        }
    }

    #[test]
    fn what_is_cut_or_longer_is_no_certificate() {
        let whole = certificate(&rcgen::PKCS_ECDSA_P256_SHA256);
        for length in 0..whole.len() {
            assert_eq!(hash(&whole[..length]), None, "{length}");
        }
        assert_eq!(hash(&[whole.as_slice(), &[0]].concat()), None);
    }

    #[test]
    fn nothing_else_is_taken_for_a_certificate() {
        let whole = signed_with(&[PKCS_1, &[11]].concat());
        assert!(hash(&whole).is_some());
        let tags = [0, 2, 4, 6, 19];
        for (at, octet) in tags.into_iter().flat_map(|at| (0..=255).map(move |octet| (at, octet))) {
            let mut other = whole.clone();
            other[at] = octet;
            assert_eq!(hash(&other).is_some(), other == whole, "{octet} at {at}");
        }
    }

    #[test]
    fn a_length_beyond_what_tls_carries_is_refused() {
        for length in [0x80, 0x84, 0x88, 0xff] {
            assert_eq!(element(SEQUENCE, &[SEQUENCE, length, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        }
        assert_eq!(element(SEQUENCE, &[SEQUENCE, 0x83, 0xff, 0xff, 0xff, 0]), None);
        assert_eq!(element(SEQUENCE, &[SEQUENCE, 0x82, 0, 1, 7, 9]), Some(([7].as_slice(), [9].as_slice())));
    }
}
