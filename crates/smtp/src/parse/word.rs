//! Verbs, keywords and the fixed words of values as numbers, so that finding one among many is a comparison of
//! numbers whatever their case.

/// A word in upper case as a number, octet by octet below its length; zero for one of more than 15 octets, which
/// no word of these grammars has.
#[inline]
pub(crate) const fn word(text: &[u8]) -> u128 {
    let octets = match text.split_at_checked(8) {
        None => half(text),
        Some((high, low)) if low.len() < 8 => (half(high) << 64) | half(low),
        Some(_) => return 0,
    };
    // Without it a NUL in front would not count.
    octets | (length(text) << 120)
}

#[expect(clippy::as_conversions, reason = "`From` is not const; nothing is lost")]
const fn length(text: &[u8]) -> u128 {
    text.len() as u128
}

/// Up to eight octets.
#[inline]
#[expect(clippy::as_conversions, reason = "`From` is not const; nothing is lost")]
const fn half(text: &[u8]) -> u128 {
    let (mut number, mut rest) = (0_u64, text);
    while let [octet, behind @ ..] = rest {
        number = (number << 8) | octet.to_ascii_uppercase() as u64;
        rest = behind;
    }
    number as u128
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
