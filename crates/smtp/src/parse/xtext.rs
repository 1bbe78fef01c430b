//! The encodings of values that a parameter cannot carry as they are: xtext (RFC 3461 4), and the forms of RFC 6533
//! 3 for addresses in UTF-8. What is decoded is UTF-8; which characters are legal is for the caller.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// Decodes `xtext = *( xchar / hexchar )`, `hexchar = "+" 2(%x30-39 / %x41-46)`. Hexadecimal digits are upper
/// case. Borrows where there was nothing to decode.
pub(crate) fn xtext(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().all(|octet| matches!(octet, b'!'..=b'~') && octet != b'=') {
        return None;
    }
    if !text.contains('+') {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        out.push(match octet {
            b'+' => hex(octets.next()?)?.checked_mul(16)?.checked_add(hex(octets.next()?)?)?,
            octet => octet,
        });
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

/// Decodes `utf-8-addr-xtext` and `utf-8-addr-unitext`: `\x{HEX}` stands for a character outside ASCII, or for one
/// that xtext has a use for.
pub(crate) fn unitext(text: &str) -> Option<Cow<'_, str>> {
    if text.bytes().any(|octet| matches!(octet, 0..=b' ' | b'+' | b'=' | 0x7F)) {
        return None;
    }
    if !text.contains('\\') {
        return Some(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        let (digits, next) = behind.strip_prefix("x{")?.split_once('}')?;
        out.push_str(before);
        out.push(embedded(digits)?);
        rest = next;
    }
    out.push_str(rest);
    Some(Cow::Owned(out))
}

/// `HEXPOINT`: a character that must be encoded, in two to six digits and no more zeros than two digits need.
fn embedded(digits: &str) -> Option<char> {
    let legal = (2..=6).contains(&digits.len()) && digits.bytes().all(|octet| hex(octet).is_some());
    if !legal || (digits.len() > 2 && digits.starts_with('0')) {
        return None;
    }
    let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    (!character.is_ascii() || matches!(character, ' ' | '+' | '=' | '\\')).then_some(character)
}

fn hex(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => octet.checked_sub(b'0'),
        b'A'..=b'F' => octet.checked_sub(b'A')?.checked_add(10),
        _ => None,
    }
}
