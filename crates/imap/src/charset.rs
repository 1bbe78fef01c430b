//! Charsets (RFC 2978) and encoded words (RFC 2047): octets of a message become text, whatever they are.
//!
//! Names are those of the WHATWG Encoding Standard, which are the names mail uses; `us-ascii` and `iso-8859-1` are
//! read as `windows-1252`, as every mail reader does. What cannot be decoded becomes U+FFFD. Nothing here fails, and
//! no decoded value holds CR, LF or NUL. UTF-7 is not known.

use alloc::{
    borrow::{Cow, ToOwned},
    string::String,
    vec::Vec,
};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::{memchr3, memmem};

use crate::message::{TransferDecoder, TransferEncoding};

/// A charset whose text can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// UTF-8.
    pub const UTF_8: Self = Self(UTF_8);

    /// The charset called `name`, in any case; `None` where it is not known.
    pub fn of(name: &[u8]) -> Option<Self> {
        // The standard's replacement charset stands for what must not be decoded.
        Encoding::for_label_no_replacement(name).map(Self)
    }

    /// The charset of a text without a name, or with one that is not known: UTF-8 where it is that, else
    /// `windows-1252`. The text may be cut short.
    pub fn guess(octets: &[u8]) -> Self {
        let is_utf_8 = match core::str::from_utf8(octets) {
            Ok(_) => true,
            Err(error) => error.error_len().is_none(),
        };
        Self(if is_utf_8 { UTF_8 } else { WINDOWS_1252 })
    }

    /// The charsets that the strings of a SEARCH may be in, by the names that mail uses: what BADCHARSET lists
    /// (RFC 9051 7.1). The first two are those that every server knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.into_iter()
    }

    /// The charset called `name`, where text of it can be a string of a command: that of UTF-16 would hold NUL, which
    /// no string carries.
    pub(crate) fn for_strings(name: &[u8]) -> Option<Self> {
        Self::of(name).filter(|charset| charset.0 != UTF_16LE && charset.0 != UTF_16BE)
    }

    /// The name of the charset.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The text that `octets` are; `None` where they are not text of this charset.
    pub fn decode_strictly(self, octets: &[u8]) -> Option<Cow<'_, str>> {
        self.0.decode_without_bom_handling_and_without_replacement(octets)
    }

    /// The text that `octets` are. Total; borrows where nothing had to change.
    pub fn decode(self, octets: &[u8]) -> Cow<'_, str> {
        self.0.decode_without_bom_handling(octets).0
    }
}

/// Decodes text that comes in pieces, cut anywhere.
pub struct TextDecoder {
    charset: Option<Charset>,
    /// `None` while the charset is to be guessed and all was ASCII.
    decoder: Option<Decoder>,
    /// The first octets that are not ASCII, by which the charset is guessed when there are enough.
    held: Vec<u8>,
}

impl core::fmt::Debug for TextDecoder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TextDecoder").field("charset", &self.charset).finish_non_exhaustive()
    }
}

impl TextDecoder {
    /// A decoder at the start of a text.
    pub fn new(charset: Charset) -> Self {
        Self { charset: Some(charset), decoder: Some(charset.0.new_decoder()), held: Vec::new() }
    }

    /// A decoder that takes the text for UTF-8 if its first character beyond ASCII is one, else for `windows-1252`.
    /// However the text is cut, it is the same guess.
    pub fn guessing() -> Self {
        Self { charset: None, decoder: None, held: Vec::new() }
    }

    /// A decoder for text that says it is of the charset `name`. ASCII is guessed: what it labels often is UTF-8.
    pub fn named(name: Option<&[u8]>) -> Self {
        let is_ascii =
            |name: &[u8]| [&b"us-ascii"[..], b"ascii"].iter().any(|ascii| name.eq_ignore_ascii_case(ascii));
        match name.filter(|name| !is_ascii(name)).and_then(Charset::of) {
            Some(charset) => Self::new(charset),
            None => Self::guessing(),
        }
    }

    /// Adds the text of the next octets to `text`.
    pub fn push(&mut self, octets: &[u8], text: &mut String) {
        self.run(octets, text, false);
    }

    /// Adds what the end of the octets means: U+FFFD where a character was cut short.
    pub fn finish(mut self, text: &mut String) {
        self.run(&[], text, true);
    }

    fn run(&mut self, octets: &[u8], text: &mut String, last: bool) {
        if self.decoder.is_some() {
            return self.decode(octets, text, last);
        }
        let mut rest = octets;
        if self.held.is_empty() {
            let ascii = Encoding::ascii_valid_up_to(rest);
            let (plain, other) = rest.split_at_checked(ascii).unwrap_or((rest, &[]));
            text.push_str(core::str::from_utf8(plain).unwrap_or_default());
            rest = other;
        }
        let wanted = CHARACTER_MAX.saturating_sub(self.held.len()).min(rest.len());
        let (more, rest) = rest.split_at_checked(wanted).unwrap_or((rest, &[]));
        self.held.extend_from_slice(more);
        let ends = last && !self.held.is_empty();
        if self.held.len() < CHARACTER_MAX && !ends {
            return;
        }
        let first = match core::str::from_utf8(&self.held) {
            Ok(_) => CHARACTER_MAX,
            Err(error) => error.valid_up_to(),
        };
        let encoding = if first > 0 { UTF_8 } else { WINDOWS_1252 };
        self.decoder = Some(encoding.new_decoder());
        let held = core::mem::take(&mut self.held);
        self.decode(&held, text, last && rest.is_empty());
        if !rest.is_empty() {
            self.decode(rest, text, last);
        }
    }

    fn decode(&mut self, octets: &[u8], text: &mut String, last: bool) {
        let Some(decoder) = &mut self.decoder else { return };
        let mut rest = octets;
        loop {
            let room = decoder.max_utf8_buffer_length(rest.len()).unwrap_or(rest.len());
            text.reserve(room.max(ROOM_MIN));
            let (result, read, _) = decoder.decode_to_string(rest, text, last);
            rest = rest.get(read..).unwrap_or_default();
            if result == CoderResult::InputEmpty {
                return;
            }
        }
    }
}

/// The text of a header value (RFC 2047): encoded words decoded, folding undone, 8-bit octets guessed.
///
/// A value that is damaged stays as it is written: an encoded word of a charset or an encoding that is not known is
/// text. The characters of one charset may be cut over adjacent words, as mailers do.
///
/// ```
/// use posthaste_imap::charset::decode_words;
///
/// assert_eq!(decode_words(b"=?utf-8?q?caf=C3?= =?UTF-8?q?=A9_au?=\r\n lait"), "café au lait");
/// ```
pub fn decode_words(value: &[u8]) -> String {
    let value = value.trim_ascii();
    if let Some(text) = as_written(value) {
        return text.to_owned();
    }
    let mut words = Words { text: String::with_capacity(value.len()), open: None };
    let mut rest = value;
    while !rest.is_empty() {
        if let Some((word, tail)) = EncodedWord::at(rest) {
            words.encoded(&word);
            rest = tail;
            continue;
        }
        let space = rest.len().saturating_sub(rest.trim_ascii_start().len());
        // White space between two encoded words is not shown.
        if space > 0 {
            let (gap, tail) = rest.split_at_checked(space).unwrap_or((rest, &[]));
            if words.open.is_none() || EncodedWord::at(tail).is_none() {
                words.plain(gap);
            }
            rest = tail;
            continue;
        }
        // An encoded word may begin where it should not: inside of a word.
        let ends = |three: &[u8]| three.ends_with(b"=?") || three.get(1).is_some_and(u8::is_ascii_whitespace);
        let end = rest.windows(3).position(ends).map_or(rest.len(), |at| at.saturating_add(1));
        let (plain, tail) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        words.plain(plain);
        rest = tail;
    }
    words.close();
    let mut text = words.text;
    if text.contains(['\r', '\n', '\0']) {
        text = text.replace("\r\n", " ").replace(['\r', '\n', '\0'], " ");
    }
    text
}

/// The value, where it is its own text: ASCII without encoded words and line ends, as most values are.
fn as_written(value: &[u8]) -> Option<&str> {
    let is_plain = value.is_ascii()
        && memchr3(b'\r', b'\n', b'\0', value).is_none()
        && memmem::find(value, b"=?").is_none();
    core::str::from_utf8(value).ok().filter(|_| is_plain)
}

/// The text so far, and the decoder of the charset of the word before.
struct Words {
    text: String,
    open: Option<TextDecoder>,
}

impl Words {
    fn encoded(&mut self, word: &EncodedWord<'_>) {
        if self.open.as_ref().is_none_or(|open| open.charset != Some(word.charset)) {
            self.close();
            self.open = Some(TextDecoder::new(word.charset));
        }
        let octets = word.octets();
        if let Some(open) = &mut self.open {
            open.push(&octets, &mut self.text);
        }
    }

    fn plain(&mut self, octets: &[u8]) {
        self.close();
        // The folding is gone; a tab stays one.
        if octets.iter().all(u8::is_ascii_whitespace) {
            let shown = octets.iter().filter(|octet| !matches!(octet, b'\r' | b'\n'));
            self.text.extend(shown.map(|octet| char::from(*octet)));
        } else {
            self.text.push_str(&Charset::guess(octets).decode(octets));
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            open.finish(&mut self.text);
        }
    }
}

/// `=?charset?encoding?text?=`, of a charset that is known.
struct EncodedWord<'a> {
    charset: Charset,
    encoding: WordEncoding,
    text: &'a [u8],
}

enum WordEncoding {
    Base64,
    Q,
}

impl<'a> EncodedWord<'a> {
    /// The encoded word at the front, and what follows it.
    fn at(octets: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let rest = octets.strip_prefix(b"=?")?;
        let (charset, rest) = field(rest, CHARSET_MAX)?;
        // RFC 2231 5: the language follows the charset.
        let charset = charset.split(|octet| *octet == b'*').next()?;
        let (encoding, rest) = field(rest, 1)?;
        let encoding = match encoding {
            b"b" | b"B" => WordEncoding::Base64,
            b"q" | b"Q" => WordEncoding::Q,
            _ => return None,
        };
        let end = rest.iter().take(WORD_MAX).position(|octet| matches!(octet, b'?' | b'\r' | b'\n'))?;
        let (text, tail) = rest.split_at_checked(end)?;
        let tail = tail.strip_prefix(b"?=")?;
        Some((Self { charset: Charset::of(charset)?, encoding, text }, tail))
    }

    fn octets(&self) -> Vec<u8> {
        match self.encoding {
            WordEncoding::Base64 => TransferDecoder::all(TransferEncoding::Base64, self.text),
            WordEncoding::Q => {
                let spaced: Vec<u8> =
                    self.text.iter().map(|octet| if *octet == b'_' { b' ' } else { *octet }).collect();
                // White space at the end of a line of quoted-printable is no text; here it is.
                TransferDecoder::all(TransferEncoding::Q, &spaced)
            }
        }
    }
}

/// What stands before the next `?`, at most `max` octets, and what stands behind it.
fn field(octets: &[u8], max: usize) -> Option<(&[u8], &[u8])> {
    let end = octets.iter().take(max.saturating_add(1)).position(|octet| *octet == b'?')?;
    let (field, rest) = octets.split_at_checked(end)?;
    Some((field, rest.get(1..)?))
}

const NAMES: [&str; 37] = [
    "US-ASCII",
    "UTF-8",
    "ISO-8859-1",
    "ISO-8859-2",
    "ISO-8859-3",
    "ISO-8859-4",
    "ISO-8859-5",
    "ISO-8859-6",
    "ISO-8859-7",
    "ISO-8859-8",
    "ISO-8859-9",
    "ISO-8859-10",
    "ISO-8859-13",
    "ISO-8859-14",
    "ISO-8859-15",
    "ISO-8859-16",
    "windows-874",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "KOI8-R",
    "KOI8-U",
    "IBM866",
    "ISO-2022-JP",
    "EUC-JP",
    "Shift_JIS",
    "EUC-KR",
    "Big5",
    "GB2312",
    "GBK",
    "GB18030",
];
/// Octets of the longest character of UTF-8.
const CHARACTER_MAX: usize = 4;
/// A decoder wants room for a character at least.
const ROOM_MIN: usize = 16;
/// The longest name of a charset has 45 octets; a language may follow.
const CHARSET_MAX: usize = 80;
/// RFC 2047 2 allows 75 octets; mailers write whole subjects into one word.
const WORD_MAX: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mime_08_encoded_words_are_decoded_as_readers_expect() {
        for (value, text) in [
            (&b"=?ISO-8859-1?Q?a?="[..], "a"),
            (b"=?ISO-8859-1?Q?a?= b", "a b"),
            (b"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
            (b"=?ISO-8859-1?Q?a?=\r\n  =?ISO-8859-1?Q?b?=", "ab"),
            (b"=?ISO-8859-1?Q?a_b?=", "a b"),
            (b"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
            (b"=?iso-8859-1*en?q?=E9t=E9?=", "été"),
            (b"=?utf-8?b?w6k=?= x", "é x"),
            (b"=?utf-8?b?w6?=", "\u{fffd}"),
            (b"=?UTF-8?Q?a?b", "=?UTF-8?Q?a?b"),
            (b"=?utf-8?b?", "=?utf-8?b?"),
            (b"=?x-unknown?q?a?=", "=?x-unknown?q?a?="),
            (b"=?utf-8?z?a?=", "=?utf-8?z?a?="),
            (b"=?koi8-r?B?8NLJ18XU?=", "Привет"),
            (b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
            (b"=?utf-8?q?a=0D=0ABcc:_x?=", "a Bcc: x"),
            ("schön".as_bytes(), "schön"),
            (b"sch\xf6n", "schön"),
            (b"a\tb\r\n\tc", "a\tb\tc"),
            (b"x=?utf-8?q?y?=", "xy"),
            (b"", ""),
        ] {
            assert_eq!(decode_words(value), text, "{value:?}");
        }
    }

    #[test]
    fn text_without_a_charset_is_what_it_looks_like() {
        let decoded = |octets: &[u8]| {
            let mut text = String::new();
            let mut decoder = TextDecoder::named(Some(b"US-ASCII"));
            octets.chunks(1).for_each(|octet| decoder.push(octet, &mut text));
            decoder.finish(&mut text);
            text
        };
        assert_eq!(decoded("plain".as_bytes()), "plain");
        assert_eq!(decoded("caf\u{e9}".as_bytes()), "café");
        assert_eq!(decoded(b"caf\xe9"), "café");
        assert_eq!(decoded(b"caf\xe9 au lait"), "café au lait");
        assert_eq!(decoded("\u{1f600}".as_bytes()), "\u{1f600}");
    }

    #[test]
    fn mime_08_a_character_may_be_cut_over_words() {
        assert_eq!(decode_words(b"=?utf-8?b?4pI=?= =?utf-8?b?qg==?="), "\u{24aa}");
    }

    #[test]
    fn mime_08_ten_thousand_words_take_linear_time() {
        let words = "=?utf-8?q?x?= ".repeat(10_000);
        assert_eq!(decode_words(words.as_bytes()).len(), 10_000);
        // Each beginning is looked at once, and no further than a word may be.
        assert_eq!(decode_words("=?utf-8?q?".repeat(2_000).as_bytes()).len(), 20_000);
        assert_eq!(decode_words("a ".repeat(500_000).as_bytes()).len(), 999_999);
        assert_eq!(decode_words("=?".repeat(500_000).as_bytes()).len(), 1_000_000);
    }

    proptest! {
        #[test]
        fn ascii_without_encoded_words_is_its_own_text(value in "[ -~\\t\\x0b\\x0c]{0,40}") {
            prop_assume!(!value.contains("=?"));
            let shown = value.trim_matches(|octet: char| octet.is_ascii_whitespace());
            prop_assert_eq!(decode_words(value.as_bytes()), shown);
            // An encoded word in front takes the long way, and the same text comes out behind it.
            let behind = decode_words(["=?utf-8?q?a?= b", &value].concat().as_bytes());
            let whole = ["a b", &value].concat();
            prop_assert_eq!(behind, whole.trim_end_matches(|octet: char| octet.is_ascii_whitespace()));
        }

        #[test]
        fn mime_08_nothing_splits_a_line(value in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(!decode_words(&value).contains(['\r', '\n', '\0']));
        }

        #[test]
        fn pieces_decode_as_the_whole_does(
            octets in prop::collection::vec(any::<u8>(), 0..60),
            cut in 0_usize..60,
            name in prop::sample::select(&["", "utf-8", "iso-2022-jp", "gb18030", "utf-16le", "windows-1252"][..]),
        ) {
            let decoder = || match name {
                "" => TextDecoder::guessing(),
                name => TextDecoder::new(Charset::of(name.as_bytes()).unwrap()),
            };
            let (front, back) = octets.split_at(cut.min(octets.len()));
            let mut text = String::new();
            let mut pieces = decoder();
            pieces.push(front, &mut text);
            pieces.push(back, &mut text);
            pieces.finish(&mut text);
            let mut whole = String::new();
            let mut once = decoder();
            once.push(&octets, &mut whole);
            once.finish(&mut whole);
            prop_assert_eq!(text, whole);
        }
    }
}
