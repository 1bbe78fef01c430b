//! What a certificate says of itself, as far as administrators and renewals ask: names, issuer, dates, and what an
//! authority knows it by (RFC 5280 4.1, 4.2.1.1, 4.2.1.6; RFC 9773 4.1).
//!
//! Decides nothing about trust. The certificates are the server's own; what can not be read gives `None`, and no reader
//! goes past the element it is in.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The host names it is for, in lower case.
    pub names: Vec<String>,
    /// Who gave it: the common name, or else the organisation.
    pub issuer: String,
    /// From when on it is valid.
    pub not_before: Timestamp,
    /// The last second at which it is valid.
    pub not_after: Timestamp,
    /// The identifier of the key it was signed with, if it says so.
    pub authority_key: Option<Vec<u8>>,
    /// Its number, as it is encoded.
    pub serial: Vec<u8>,
}

impl Facts {
    /// What a certificate in DER says.
    ///
    /// ```text
    /// Certificate    ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }
    /// TBSCertificate ::= SEQUENCE { version [0] DEFAULT v1, serialNumber INTEGER, signature SEQUENCE, issuer SEQUENCE,
    ///                               validity SEQUENCE, subject, subjectPublicKeyInfo, .., extensions [3] }
    /// ```
    pub fn of_der(certificate: &[u8]) -> Option<Self> {
        let certificate = content(SEQUENCE, certificate)?;
        let to_be_signed = content(SEQUENCE, certificate)?;
        let mut fields = elements(to_be_signed).filter(|(tag, _)| *tag != VERSION);
        let (_, serial) = fields.next().filter(|(tag, _)| *tag == INTEGER)?;
        let (_, _signature) = fields.next()?;
        let (_, issuer) = fields.next()?;
        let (_, validity) = fields.next()?;
        let mut dates = elements(validity).map(|(tag, text)| date(tag, text));
        let (not_before, not_after) = (dates.next()??, dates.next()??);
        let extensions =
            fields.find(|(tag, _)| *tag == EXTENSIONS).and_then(|(_, all)| content(SEQUENCE, all));
        let extension = |wanted: &[u8]| extensions.and_then(|all| extension(all, wanted));
        let names = extension(SUBJECT_ALTERNATIVE_NAME).unwrap_or_default();
        let names = elements(names).filter(|(tag, _)| *tag == DNS_NAME);
        let names = names.map(|(_, name)| String::from_utf8_lossy(name).to_ascii_lowercase()).collect();
        let mut key = elements(extension(AUTHORITY_KEY_IDENTIFIER).unwrap_or_default());
        let authority_key = key.find(|(tag, _)| *tag == KEY_IDENTIFIER).map(|(_, key)| key.to_vec());
        Some(Self {
            names,
            issuer: name(issuer),
            not_before,
            not_after,
            authority_key,
            serial: serial.to_vec(),
        })
    }

    /// Whether it is for all of these names.
    pub fn covers(&self, hosts: &[String]) -> bool {
        hosts.iter().all(|host| self.names.contains(host))
    }
}

/// The content of an extension: `SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }`.
fn extension<'a>(extensions: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    elements(extensions).find_map(|(_, extension)| {
        let mut fields = elements(extension);
        let (_, identifier) = fields.next()?;
        let (_, value) = fields.find(|(tag, _)| *tag == OCTET_STRING)?;
        if identifier == wanted { content(SEQUENCE, value) } else { None }
    })
}

/// What to call somebody: `SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value }`.
fn name(name: &[u8]) -> String {
    let attributes = || elements(name).flat_map(|(_, set)| elements(set));
    let find = |wanted: &[u8]| {
        attributes().find_map(|(_, attribute)| {
            let mut fields = elements(attribute);
            let (_, kind) = fields.next()?;
            let (_, value) = fields.next()?;
            if kind == wanted { Some(String::from_utf8_lossy(value).into_owned()) } else { None }
        })
    };
    find(COMMON_NAME).or_else(|| find(ORGANISATION)).unwrap_or_default()
}

/// A date (RFC 5280 4.1.2.5): two digits of a year up to 2049, four of it from then on.
fn date(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let text = match tag {
        UTC_TIME => {
            let century = if text.get(..2)?.parse::<u8>().ok()? >= 50 { "19" } else { "20" };
            format!("{century}{text}")
        }
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let moment = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    moment.to_zoned(TimeZone::UTC).ok().map(|moment| moment.timestamp())
}

/// The content of the first element, which has this tag.
fn content(tag: u8, input: &[u8]) -> Option<&[u8]> {
    element(input).filter(|(found, _, _)| *found == tag).map(|(_, content, _)| content)
}

/// The elements of a sequence, up to the first that is not one.
fn elements(mut input: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (tag, content, rest) = element(input)?;
        input = rest;
        Some((tag, content))
    })
}

/// The tag and the content of the first element, and what follows it (X.690 8.1).
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([tag, length], rest) = input.split_first_chunk()?;
    let (length, rest) = match *length {
        short @ ..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x83 => {
            let (octets, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (octets.iter().fold(0, |length, octet| (length << 8) | usize::from(*octet)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// Context-specific, constructed, 0.
const VERSION: u8 = 0xa0;
/// Context-specific, constructed, 3.
const EXTENSIONS: u8 = 0xa3;
/// Context-specific, primitive, 2.
const DNS_NAME: u8 = 0x82;
/// Context-specific, primitive, 0.
const KEY_IDENTIFIER: u8 = 0x80;

/// 2.5.29.17.
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// 2.5.29.35.
const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x23];
/// 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.4.10.
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

    use super::*;

    fn issued(from: (i32, u8, u8), until: (i32, u8, u8)) -> Vec<u8> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::OrganizationName, "Authority, Ltd");
        authority.distinguished_name.push(DnType::CommonName, "R1");
        let issuer = Issuer::new(authority, KeyPair::generate().unwrap());
        let mut params =
            CertificateParams::new(["Mail.X.test".to_owned(), "imap.x.test".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(vec![0x7f, 2, 3].into());
        params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_says_for_whom_by_whom_and_until_when_it_is() {
        let facts = Facts::of_der(&issued((2026, 11, 21), (2051, 2, 28))).unwrap();
        assert_eq!(
            (facts.names.as_slice(), facts.issuer.as_str()),
            (&["mail.x.test".into(), "imap.x.test".into()][..], "R1")
        );
        assert_eq!(facts.not_before.to_string(), "2026-11-21T00:00:00Z");
        assert_eq!(facts.not_after.to_string(), "2051-02-28T00:00:00Z");
        assert_eq!(
            (facts.serial.as_slice(), facts.authority_key.map(|key| key.len())),
            (&[0x7f, 2, 3][..], Some(20))
        );
    }

    #[test]
    fn names_are_all_covered_or_not() {
        let facts = Facts::of_der(&issued((1999, 1, 1), (2049, 1, 1))).unwrap();
        assert_eq!(facts.not_before.to_string(), "1999-01-01T00:00:00Z");
        assert!(facts.covers(&["imap.x.test".to_owned()]));
        assert!(!facts.covers(&["imap.x.test".to_owned(), "pop.x.test".to_owned()]));
    }

    #[test]
    fn of_half_a_certificate_nothing_is_read() {
        let whole = issued((2026, 1, 1), (2027, 1, 1));
        for end in 0..whole.len() {
            assert_eq!(Facts::of_der(&whole[..end]), None, "{end}");
        }
        // Whatever an octet is changed to, it is read or not.
        for at in 0..whole.len() {
            for value in [0x00, 0x7f, 0x80, 0x83, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                let _ = Facts::of_der(&changed);
            }
        }
    }
}
