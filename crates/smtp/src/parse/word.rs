//! Verbs, keywords and the fixed words of values as numbers, so that finding one among many is a comparison of
//! numbers whatever their case.

/// A word in upper case as a number, octet by octet below its length; zero for one of more than 15 octets, which
/// no word of these grammars has.
#[inline]
pub(crate) const fn word(text: &[u8]) -> u128 {
    let octets = match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) if text.len() < 16 => {
            // The last eight without those that are among the first: seven at most.
            let others = u64::MAX.wrapping_shl(bits_behind_eight(text));
            let last = u64::from_be_bytes(*last) & !others;
            (widen(upper(u64::from_be_bytes(*first))) << 56) | widen(upper(last))
        }
        (None, None) => widen(short(text)),
        _ => return 0,
    };
    // A word of another length may read as the same octets.
    octets | (length(text) << 120)
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "less than 16 octets")]
const fn bits_behind_eight(text: &[u8]) -> u32 {
    text.len().saturating_sub(8).saturating_mul(8) as u32
}

/// Up to seven octets: one number for each text of one length.
#[inline]
const fn short(text: &[u8]) -> u64 {
    // From four on, the first and the last four, which may overlap.
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        return upper((four(*first) << 32) | four(*last));
    }
    let (mut number, mut rest) = (0, text);
    while let [octet, behind @ ..] = rest {
        number = (number << 8) | four([0, 0, 0, *octet]);
        rest = behind;
    }
    upper(number)
}

/// Eight octets in upper case, all at once: the top bit of each octet tells whether it is from `a` to `z`.
#[inline]
const fn upper(octets: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x8080_8080_8080_8080;
    let low = octets & !TOP;
    // 0x1F lifts `a` into the top bit, 0x05 what is behind `z`.
    let from_a = low.wrapping_add(EACH.wrapping_mul(0x1F));
    let behind_z = low.wrapping_add(EACH.wrapping_mul(0x05));
    octets ^ ((!octets & TOP & (from_a ^ behind_z)) >> 2)
}

#[expect(clippy::as_conversions, reason = "`From` is not const; nothing is lost")]
const fn four(octets: [u8; 4]) -> u64 {
    u32::from_be_bytes(octets) as u64
}

#[expect(clippy::as_conversions, reason = "`From` is not const; nothing is lost")]
const fn widen(number: u64) -> u128 {
    number as u128
}

#[expect(clippy::as_conversions, reason = "`From` is not const; nothing is lost")]
const fn length(text: &[u8]) -> u128 {
    text.len() as u128
}

macro_rules! words {
    ($($name:ident = $text:literal),* $(,)?) => {$(
        pub(crate) const $name: u128 = word($text);
    )*};
}

// Verbs.
words! {
    AUTH = b"AUTH", BDAT = b"BDAT", DATA = b"DATA", EHLO = b"EHLO", ETRN = b"ETRN", EXPN = b"EXPN",
    HELO = b"HELO", HELP = b"HELP", LHLO = b"LHLO", MAIL = b"MAIL", NOOP = b"NOOP", QUIT = b"QUIT",
    RCPT = b"RCPT", RSET = b"RSET", STARTTLS = b"STARTTLS", VRFY = b"VRFY", XCLIENT = b"XCLIENT",
    XFORWARD = b"XFORWARD", FROM = b"FROM:", TO = b"TO:", LAST = b"LAST",
}

// Keywords of parameters. `AUTH` is one, too.
words! {
    BODY = b"BODY", BY = b"BY", ENVID = b"ENVID", HOLDFOR = b"HOLDFOR", HOLDUNTIL = b"HOLDUNTIL",
    MT_PRIORITY = b"MT-PRIORITY", NOTIFY = b"NOTIFY", ORCPT = b"ORCPT", REQUIRETLS = b"REQUIRETLS",
    RET = b"RET", RRVS = b"RRVS", SIZE = b"SIZE", SMTPUTF8 = b"SMTPUTF8",
}

// Values.
words! {
    SEVEN_BIT = b"7BIT", EIGHT_BIT_MIME = b"8BITMIME", BINARY_MIME = b"BINARYMIME", FULL = b"FULL",
    HDRS = b"HDRS", NEVER = b"NEVER", SUCCESS = b"SUCCESS", FAILURE = b"FAILURE", DELAY = b"DELAY",
    N = b"N", NT = b"NT", R = b"R", RT = b"RT",
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn a_word_is_its_octets_in_upper_case() {
        let texts: [&[u8]; 14] = [
            b"",
            b"a",
            b"ab",
            b"abc",
            b"abcd",
            b"abcde",
            b"aabcde",
            b"azbydxc",
            b"abcdefgh",
            b"az{`@[09-",
            b"abcdefghijklmno",
            b"\0abc",
            b"abc\0",
            b"\xe1bc",
        ];
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(word(text), word(&text.to_ascii_uppercase()));
            for other in texts.iter().skip(index + 1) {
                assert_ne!(word(text), word(other), "{text:?} {other:?}");
            }
            for at in 0..text.len() {
                for octet in 0..=u8::MAX {
                    let mut changed = text.to_vec();
                    if let Some(changed) = changed.get_mut(at) {
                        *changed = octet;
                    }
                    assert_eq!(word(text) == word(&changed), text.eq_ignore_ascii_case(&changed));
                }
            }
        }
        assert_eq!(word(b"abcdefghijklmnop"), 0);
    }
}
