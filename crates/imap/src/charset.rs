//! Charsets (RFC 2978) and encoded words (RFC 2047): octets of a message become text, whatever they are.
//!
//! Names are those of the WHATWG Encoding Standard, which are the names mail uses; `us-ascii` and `iso-8859-1` are
//! read as `windows-1252`, as every mail reader does. What cannot be decoded becomes U+FFFD. Nothing here fails, and
//! no decoded value holds CR, LF or NUL. UTF-7 is not known.

use alloc::{borrow::Cow, string::String, vec::Vec};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, WINDOWS_1252};

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
    /// `windows-1252`.
    pub fn guess(octets: &[u8]) -> Self {
        Self(if core::str::from_utf8(octets).is_ok() { UTF_8 } else { WINDOWS_1252 })
    }

    /// The name of the charset.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The text that `octets` are. Total; borrows where nothing had to change.
    pub fn decode(self, octets: &[u8]) -> Cow<'_, str> {
        self.0.decode_without_bom_handling(octets).0
    }
}

/// Decodes text that comes in pieces, cut anywhere.
pub struct TextDecoder {
    charset: Charset,
    decoder: Decoder,
}

impl core::fmt::Debug for TextDecoder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TextDecoder").field("charset", &self.charset).finish_non_exhaustive()
    }
}

impl TextDecoder {
    /// A decoder at the start of a text.
    pub fn new(charset: Charset) -> Self {
        Self { charset, decoder: charset.0.new_decoder() }
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
        let mut rest = octets;
        loop {
            let room = self.decoder.max_utf8_buffer_length(rest.len()).unwrap_or(rest.len());
            text.reserve(room.max(ROOM_MIN));
            let (result, read, _) = self.decoder.decode_to_string(rest, text, last);
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
    let mut words = Words { text: String::with_capacity(value.len()), open: None };
    let mut rest = value.trim_ascii();
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
        let next =
            memchr::memmem::find(rest.get(1..).unwrap_or_default(), b"=?").map(|at| at.saturating_add(1));
        let space = rest.iter().position(u8::is_ascii_whitespace);
        let end = next.into_iter().chain(space).min().unwrap_or(rest.len());
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

/// The text so far, and the decoder of the charset of the word before.
struct Words {
    text: String,
    open: Option<TextDecoder>,
}

impl Words {
    fn encoded(&mut self, word: &EncodedWord<'_>) {
        if self.open.as_ref().is_none_or(|open| open.charset != word.charset) {
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
    fn mime_08_a_character_may_be_cut_over_words() {
        assert_eq!(decode_words(b"=?utf-8?b?4pI=?= =?utf-8?b?qg==?="), "\u{24aa}");
    }

    #[test]
    fn mime_08_ten_thousand_words_take_linear_time() {
        let words = "=?utf-8?q?x?= ".repeat(10_000);
        assert_eq!(decode_words(words.as_bytes()).len(), 10_000);
        // Each beginning is looked at once, and no further than a word may be.
        assert_eq!(decode_words("=?utf-8?q?".repeat(2_000).as_bytes()).len(), 20_000);
    }

    proptest! {
        #[test]
        fn mime_08_nothing_splits_a_line(value in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(!decode_words(&value).contains(['\r', '\n', '\0']));
        }

        #[test]
        fn pieces_decode_as_the_whole_does(
            octets in prop::collection::vec(any::<u8>(), 0..60),
            cut in 0_usize..60,
            name in prop::sample::select(&["utf-8", "iso-2022-jp", "gb18030", "utf-16le", "windows-1252"][..]),
        ) {
            let charset = Charset::of(name.as_bytes()).unwrap();
            let (front, back) = octets.split_at(cut.min(octets.len()));
            let mut text = String::new();
            let mut decoder = TextDecoder::new(charset);
            decoder.push(front, &mut text);
            decoder.push(back, &mut text);
            decoder.finish(&mut text);
            let mut whole = String::new();
            let mut decoder = TextDecoder::new(charset);
            decoder.push(&octets, &mut whole);
            decoder.finish(&mut whole);
            prop_assert_eq!(text, whole);
        }
    }
}
