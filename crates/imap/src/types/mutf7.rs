//! Modified UTF-7, the encoding of mailbox names in IMAP4rev1 (RFC 3501, section 5.1.3).
//!
//! Only the canonical form decodes: printable ASCII stands for itself, runs of other characters are one
//! shift each, spare bits are zero. So two wire forms never name one mailbox, and `..` or `/` cannot hide.

use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

/// Writes `name` in modified UTF-7.
pub fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut shifted: Vec<u8> = Vec::new();
    for character in name.chars() {
        if matches!(character, ' '..='~') {
            end_shift(&mut out, &mut shifted);
            out.push(character);
            if character == '&' {
                out.push('-');
            }
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                shifted.extend_from_slice(&unit.to_be_bytes());
            }
        }
    }
    end_shift(&mut out, &mut shifted);
    out
}

/// Reads canonical modified UTF-7; `None` for anything that [`encode`] would not have written.
pub fn decode(wire: &[u8]) -> Option<String> {
    let mut name = String::with_capacity(wire.len());
    let mut rest = wire;
    while let Some(at) = memchr::memchr(b'&', rest) {
        let (plain, shift) = rest.split_at_checked(at)?;
        name.push_str(core::str::from_utf8(plain).ok()?);
        let (base64, after) =
            shift.get(1..)?.split_at_checked(memchr::memchr(b'-', shift)?.checked_sub(1)?)?;
        if base64.is_empty() {
            name.push('&');
        } else {
            let octets = ENGINE.decode(base64).ok()?;
            let pairs = octets.chunks_exact(2);
            if !pairs.remainder().is_empty() {
                return None;
            }
            let units = pairs.filter_map(|pair| pair.try_into().ok().map(u16::from_be_bytes));
            for character in char::decode_utf16(units) {
                name.push(character.ok()?);
            }
        }
        rest = after.get(1..)?;
    }
    name.push_str(core::str::from_utf8(rest).ok()?);
    // Whatever is not canonical (a shift that was not needed, two shifts in a row, raw 8-bit) differs here.
    (encode(&name).as_bytes() == wire).then_some(name)
}

const ENGINE: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

fn end_shift(out: &mut String, shifted: &mut Vec<u8>) {
    if !shifted.is_empty() {
        out.push('&');
        ENGINE.encode_string(shifted.as_slice(), out);
        out.push('-');
        shifted.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_rfc_decode_and_encode() {
        for (name, wire) in [
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("A&B", "A&-B"),
            ("", ""),
            ("😀", "&2D3eAA-"),
        ] {
            assert_eq!(encode(name), wire);
            assert_eq!(decode(wire.as_bytes()).as_deref(), Some(name));
        }
    }

    #[test]
    fn mbx_02_other_spellings_are_refused() {
        for wire in [
            &b"&AC8-"[..],
            b"&AC4ALg-",
            b"&Jjo",
            b"&Jjo!",
            b"&U,BTFw-&ZeVnLIqe-",
            b"&2AA-",
            b"&ADw-",
            b"&",
            b"&&",
            b"p\xe4",
            b"&Jjp-",
            b"&JjoA-",
        ] {
            assert_eq!(decode(wire), None, "{}", wire.escape_ascii());
        }
    }
}
