//! As much DER (X.690) as it takes to read a few fields of a certificate (RFC 5280 4.1).
//!
//! Decides where an element ends, and nothing about what it means. What is read here was verified by TLS or is this
//! side's own; what does not fit gives `None`, and no reader goes past the element it is in.

/// The content of the first element, which has this tag, and what follows the element.
pub(crate) fn element(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any(input)?;
    if found == tag { Some((content, rest)) } else { None }
}

/// The tag and the content of the first element, and what follows the element.
pub(crate) fn any(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([tag, length], rest) = input.split_first_chunk()?;
    let (length, rest) = match *length {
        short @ ..=0x7f => (usize::from(short), rest),
        // TLS carries no certificate whose length needs more than three octets (RFC 8446 4.4.2).
        long @ 0x81..=0x83 => {
            let (octets, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (octets.iter().fold(0, |length, octet| (length << 8) | usize::from(*octet)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// The elements of a sequence, up to the first that is not one.
pub(crate) fn elements(mut input: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (tag, content, rest) = any(input)?;
        input = rest;
        Some((tag, content))
    })
}

pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
