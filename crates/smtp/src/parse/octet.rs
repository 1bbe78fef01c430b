//! Classes of octets, one bit each, so that a rule looks at an octet once.

/// `atext` (RFC 5322 3.2.3), and octets of UTF-8 (RFC 6531 3.3).
pub(crate) const ATEXT: u8 = 1;
/// `qtextSMTP` (RFC 5321 4.1.2), and octets of UTF-8.
pub(crate) const QTEXT: u8 = 2;
/// Octets of a domain name: letters, digits, `-`, `_`, `.`, and those of UTF-8.
pub(crate) const DOMAIN: u8 = 4;
/// `dcontent` (RFC 5321 4.1.3).
pub(crate) const DCONTENT: u8 = 8;
/// `esmtp-value` (RFC 5321 4.1.2), and octets of UTF-8.
pub(crate) const VALUE: u8 = 16;
/// Letters, digits and `-`: keywords, mechanisms.
pub(crate) const KEYWORD: u8 = 32;
/// From space to tilde.
pub(crate) const PRINTABLE: u8 = 64;
/// `atext` and the dot: what a dot-string is made of.
pub(crate) const DOT_STRING: u8 = 128;

/// Whether `octet` is of the class.
#[inline]
pub(crate) const fn is(octet: u8, class: u8) -> bool {
    table(octet) & class != 0
}

#[expect(clippy::indexing_slicing, clippy::as_conversions, reason = "256 entries for an octet")]
const fn table(octet: u8) -> u8 {
    CLASSES[octet as usize]
}

#[expect(
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "evaluated when it is compiled, where a wrong index is an error"
)]
const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = classes(at as u8);
        at += 1;
    }
    table
};

const fn classes(octet: u8) -> u8 {
    let alphanumeric = octet.is_ascii_alphanumeric();
    let utf8 = octet >= 0x80;
    let mut classes = 0;
    if alphanumeric || utf8 || special(octet) {
        classes |= ATEXT | DOT_STRING;
    }
    if octet == b'.' {
        classes |= DOT_STRING;
    }
    if utf8 || (matches!(octet, b' '..=b'~') && !matches!(octet, b'"' | b'\\')) {
        classes |= QTEXT;
    }
    if alphanumeric || utf8 || matches!(octet, b'-' | b'_' | b'.') {
        classes |= DOMAIN;
    }
    if matches!(octet, 33..=90 | 94..=126) {
        classes |= DCONTENT;
    }
    if utf8 || (matches!(octet, b'!'..=b'~') && octet != b'=') {
        classes |= VALUE;
    }
    if alphanumeric || octet == b'-' {
        classes |= KEYWORD;
    }
    if matches!(octet, b' '..=b'~') {
        classes |= PRINTABLE;
    }
    classes
}

/// What `atext` has beside letters and digits.
const fn special(octet: u8) -> bool {
    matches!(
        octet,
        b'!' | b'#'
            | b'$'
            | b'%'
            | b'&'
            | b'\''
            | b'*'
            | b'+'
            | b'-'
            | b'/'
            | b'='
            | b'?'
            | b'^'
            | b'_'
            | b'`'
            | b'{'
            | b'|'
            | b'}'
            | b'~'
    )
}
