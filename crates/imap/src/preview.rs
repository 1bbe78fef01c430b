//! The preview of a message (RFC 8970): the first 200 characters of what its author wrote, on one line.
//!
//! The first text part that is shown with the message is read, plain text before HTML; quoted text, the line that
//! introduces it and what follows a signature mark are left out, unless nothing else is there. A message without such
//! a part, an encrypted one for example, has an empty preview. Made once, when a message is stored, so it costs each
//! delivery: no more of a plain text is decoded than it takes to fill the line, and of HTML only the front.

mod html;

use alloc::string::String;
use alloc::vec::Vec;

use crate::message::{Kind, Part, Summary, TransferDecoder, TransferEncoding};

/// The preview of the message that `summary` is of: at most 200 characters, without line ends and control characters.
pub(crate) fn preview(summary: &Summary, message: &[u8]) -> String {
    let plain = shown_text(summary, "plain").map(|part| of_plain(part, message));
    if let Some(preview) = plain.filter(|preview| !preview.is_empty()) {
        return preview;
    }
    let Some(part) = shown_text(summary, "html") else { return String::new() };
    let text = text_of(part.body.of(message), part, READ_MAX);
    let own = squeezed(&html::text(&text, html::Quotes::LeftOut));
    if own.is_empty() { squeezed(&html::text(&text, html::Quotes::Shown)) } else { own }
}

/// The preview of a plain text. Nearly always its first lines are enough.
fn of_plain(part: &Part, message: &[u8]) -> String {
    let body = part.body.of(message);
    if body.len() > FRONT {
        let own = own_words(&text_of(body, part, FRONT), IsWhole::No);
        if own.is_full {
            return own.text;
        }
    }
    let text = text_of(body, part, READ_MAX);
    let own = own_words(&text, IsWhole::Yes).text;
    if own.is_empty() { squeezed(&text) } else { own }
}

/// The first part of that type that is no attachment and in no enclosed message.
fn shown_text<'a>(summary: &'a Summary, subtype: &str) -> Option<&'a Part> {
    let mut hidden: Vec<bool> = Vec::new();
    for part in summary.parts() {
        let parent = part.parent.and_then(|parent| Some((*hidden.get(parent)?, summary.part(parent)?)));
        let is_hidden = parent.is_some_and(|(hidden, parent)| hidden || parent.kind == Kind::Message)
            || part.disposition.as_ref().is_some_and(|disposition| disposition.kind == "attachment");
        hidden.push(is_hidden);
        let is_text = part.kind == Kind::Leaf && part.is_text() && part.subtype == subtype;
        if is_text && !is_hidden && !part.body.is_empty() {
            return Some(part);
        }
    }
    None
}

/// The front of the body of a part, decoded.
fn text_of(body: &[u8], part: &Part, octets: usize) -> String {
    let front = body.get(..octets).unwrap_or(body);
    let encoding = part.transfer_encoding().unwrap_or(TransferEncoding::Identity);
    let (mut transfer, mut octets) = (TransferDecoder::new(encoding), Vec::new());
    transfer.push(front, &mut octets);
    let (mut decoder, mut text) = (part.text_decoder(), String::new());
    if front.len() < body.len() {
        // What was cut through is not text yet.
        decoder.push(&octets, &mut text);
    } else {
        transfer.finish(&mut octets);
        decoder.push(&octets, &mut text);
        decoder.finish(&mut text);
    }
    text
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IsWhole {
    Yes,
    /// More may follow, also on the last line.
    No,
}

/// A plain text without quotes and signature; no more of it is looked at than the preview has room for.
fn own_words(text: &str, is_whole: IsWhole) -> Squeezed {
    let mut own = Squeezed::new();
    // The lines that may turn out to introduce a quote.
    let mut paragraph = Paragraph::default();
    let mut in_quote = false;
    for line in text.lines() {
        let line = line.trim_end();
        // RFC 3676 4.3; the space is often lost.
        if line == "--" || line.starts_with("-----Original Message") || own.is_full {
            break;
        }
        if line.starts_with('>') {
            if !in_quote && paragraph.is_introduction() {
                paragraph = Paragraph::default();
            }
            in_quote = true;
        } else if line.is_empty() {
            paragraph.has_ended = true;
        } else {
            in_quote = false;
            if paragraph.has_ended {
                core::mem::take(&mut paragraph).show(&mut own);
            }
            paragraph.add(line, &mut own);
        }
    }
    if is_whole == IsWhole::Yes {
        paragraph.show(&mut own);
    }
    own
}

/// The last lines that are the author's own, as far as they are not yet in the preview.
#[derive(Default)]
struct Paragraph<'a> {
    lines: Vec<&'a str>,
    octets: usize,
    /// It is longer than an introduction: its first lines are in the preview.
    is_long: bool,
    /// An empty line came.
    has_ended: bool,
}

impl<'a> Paragraph<'a> {
    fn add(&mut self, line: &'a str, own: &mut Squeezed) {
        self.lines.push(line);
        self.octets = self.octets.saturating_add(line.len());
        self.is_long |= self.lines.len() > INTRODUCTION_LINES_MAX || self.octets > INTRODUCTION_MAX;
        if self.is_long {
            self.show(own);
        }
    }

    /// Whether it is "On Monday Joe wrote:", in front of a quote: few and short lines, the last of which ends in a colon.
    fn is_introduction(&self) -> bool {
        !self.is_long && self.lines.last().is_some_and(|line| line.ends_with(':'))
    }

    fn show(&mut self, own: &mut Squeezed) {
        for line in self.lines.drain(..) {
            own.push(line);
            own.push(" ");
        }
    }
}

/// The text on one line, without what is not seen, up to the limit.
fn squeezed(text: &str) -> String {
    let mut squeezed = Squeezed::new();
    squeezed.push(text);
    squeezed.text
}

/// As [`squeezed`], of a text that comes in pieces.
struct Squeezed {
    text: String,
    /// Characters for which there is room.
    left: usize,
    /// There was a space, which stands for itself only in front of something.
    space: bool,
    joiner: Option<char>,
    /// Something had no more room.
    is_full: bool,
}

impl Squeezed {
    fn new() -> Self {
        Self { text: String::new(), left: CHARACTERS_MAX, space: false, joiner: None, is_full: false }
    }

    fn push(&mut self, text: &str) {
        for character in text.chars() {
            if self.is_full {
                return;
            }
            if character.is_whitespace() || character == '\u{2800}' {
                self.space = true;
                self.joiner = None;
            } else if matches!(character, '\u{200c}' | '\u{200d}') {
                // Between letters they are part of the script; between spaces they are padding of newsletters.
                self.joiner = Some(character).filter(|_| !self.space);
            } else if !is_unseen(character) {
                self.add(character);
            }
        }
    }

    fn add(&mut self, character: char) {
        let joiner = self.joiner.take();
        let space = core::mem::take(&mut self.space).then_some(' ');
        let before = space.or(joiner).filter(|_| !self.text.is_empty());
        let needed = if before.is_some() { 2 } else { 1 };
        match self.left.checked_sub(needed) {
            Some(left) => self.left = left,
            None => return self.is_full = true,
        }
        self.text.extend(before);
        self.text.push(character);
    }
}

/// Control characters, and marks that say how other characters are shown: they would reach beyond the preview.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180e}'
            | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffc}')
}

/// RFC 8970 3.3: 200 should not, 256 must not be exceeded.
const CHARACTERS_MAX: usize = 200;
/// Octets of a plain text, as they are in the message, that are looked at first.
const FRONT: usize = 1024;
/// Octets of a part that are read, as they are in the message. Newsletters have long style sheets.
const READ_MAX: usize = 128 * 1024;
/// Lines that introduce a quote, and their octets.
const INTRODUCTION_LINES_MAX: usize = 3;
const INTRODUCTION_MAX: usize = 400;

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;
    use alloc::format;

    use super::*;
    use proptest::prelude::*;

    fn preview_of(message: &str) -> String {
        Summary::scan(message.as_bytes()).preview().into()
    }

    fn plain(text: &str) -> String {
        preview_of(&["\r\n", text].concat())
    }

    fn html(text: &str) -> String {
        preview_of(&["Content-Type: text/html\r\n\r\n", text].concat())
    }

    #[test]
    fn quotes_their_introduction_and_signatures_are_left_out() {
        assert_eq!(
            plain(
                "Yes.\r\n\r\nOn Mon, 1 Jan\r\nJoe <j@x> wrote:\r\n\r\n> Well?\r\n> J\r\n\r\nBye\r\n-- \r\nJane"
            ),
            "Yes. Bye"
        );
        assert_eq!(plain("> a\r\n> b"), "> a > b");
        assert_eq!(plain("-- \r\nJane"), "-- Jane");
        assert_eq!(plain("a -- b"), "a -- b");
        assert_eq!(plain(""), "");
    }

    #[test]
    fn markup_is_left_out_of_html() {
        assert_eq!(
            html(
                "<html><head><title>T</title><style>p > a {x}</style></head><body><p>Hello&nbsp;<b>wor</b>ld<br>&amp; &lt;you&gt; &#233;&#xe9; &copy;</p><!-- <p>no</p> --></body>"
            ),
            "Hello world & <you> éé ©"
        );
        assert_eq!(html("<script>if (a < b) x()</script>seen"), "seen");
        assert_eq!(html("new<blockquote>old</blockquote>er"), "new er");
        assert_eq!(html("<blockquote>old</blockquote>"), "old");
        assert_eq!(
            html("a < b & c &unknown; &#0; &#xffffffff; <3"),
            "a < b & c &unknown; \u{fffd} \u{fffd} <3"
        );
        assert_eq!(html("<style>all gone"), "");
        assert_eq!(html("x <b"), "x");
        assert_eq!(html("Pay&zwnj;ment&nbsp;&zwnj;&nbsp;&zwnj;&nbsp;&#8203;due"), "Pay\u{200c}ment due");
    }

    #[test]
    fn the_part_that_is_shown_is_taken() {
        let parts = |parts: &[&str]| {
            let parts: String = parts.iter().map(|part| ["--x\r\n", part, "\r\n"].concat()).collect();
            preview_of(&["Content-Type: multipart/mixed; boundary=x\r\n\r\n", &parts, "--x--\r\n"].concat())
        };
        let html = "Content-Type: text/html\r\n\r\n<p>markup";
        let attached = "Content-Disposition: attachment\r\n\r\nattached";
        let enclosed = "Content-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nenclosed";
        assert_eq!(parts(&[html, "\r\nplain"]), "plain");
        assert_eq!(parts(&[attached, enclosed, html]), "markup");
        assert_eq!(parts(&[attached, enclosed]), "");
        assert_eq!(
            parts(&[
                "Content-Transfer-Encoding: base64\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nw6kg\r\nw6k="
            ]),
            "é é"
        );
    }

    #[test]
    fn mime_15_what_is_not_seen_is_not_there() {
        assert_eq!(plain("a\u{202e}b\u{feff}\u{200b}c\0\x1b[2Jd"), "abc[2Jd");
    }

    #[test]
    fn mime_09_hostile_parts_take_linear_time() {
        for text in [
            "<".repeat(200_000),
            "<style>".repeat(30_000),
            "<!--".repeat(50_000),
            "&".repeat(200_000),
            "&#".repeat(100_000),
            "<p ".repeat(60_000),
        ] {
            assert!(html(&text).chars().count() <= 200);
        }
        assert_eq!(plain(&"é".repeat(100_000)).chars().count(), 200);
    }

    /// [`own_words`] of a whole text, with all lines in memory.
    fn own_words_simply(text: &str) -> String {
        let mut lines: Vec<&str> = Vec::new();
        let mut in_quote = false;
        for line in text.lines().map(str::trim_end) {
            if line == "--" || line.starts_with("-----Original Message") {
                break;
            }
            if line.starts_with('>') {
                let end = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
                let begin =
                    lines[..end].iter().rposition(|line| line.is_empty()).map_or(0, |blank| blank + 1);
                let introduction = &lines[begin..end];
                let octets = introduction.iter().map(|line| line.len()).sum::<usize>();
                let is_short = introduction.len() <= INTRODUCTION_LINES_MAX && octets <= INTRODUCTION_MAX;
                if !in_quote && is_short && introduction.last().is_some_and(|line| line.ends_with(':')) {
                    lines.truncate(begin);
                }
                in_quote = true;
            } else {
                in_quote = in_quote && line.is_empty();
                lines.push(line);
            }
        }
        squeezed(&lines.join(" "))
    }

    /// Text with all that is looked at, of lines that are mostly short.
    fn text() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            4 => "(> |>)?[a-c :\u{e9}\u{200d}\u{a0}]{0,12}(:|  )?",
            2 => "[a-c ]{90,450}:?",
            1 => Just("-- ".to_owned()),
            1 => Just("-----Original Message-----".to_owned()),
            6 => Just(String::new()),
            6 => Just("a:".to_owned()),
        ];
        proptest::collection::vec((line, prop_oneof![Just("\n"), Just("\r\n")]), 0..60)
            .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect())
    }

    proptest! {
        #[test]
        fn own_words_are_those_of_the_model(text in text()) {
            prop_assert_eq!(own_words(&text, IsWhole::Yes).text, own_words_simply(&text));
        }

        #[test]
        fn the_front_of_a_text_tells_nothing_else_than_all_of_it(text in text(), cut in any::<prop::sample::Index>()) {
            let whole = own_words(&text, IsWhole::Yes).text;
            let anywhere = cut.index(text.len() + 1);
            let line_ends = text.match_indices('\n').map(|(at, _)| at + 1);
            for front in line_ends.chain([anywhere]).filter_map(|cut| text.get(..cut)) {
                let own = own_words(front, IsWhole::No);
                prop_assert!(!own.is_full || own.text == whole, "{front:?}");
            }
        }

        #[test]
        fn a_long_text_has_the_preview_of_its_front(text in text(), encoding in 0..3) {
            let long = format!("{text}{}", "more words to come\r\n".repeat(200));
            let (encoding, body) = match encoding {
                0 => ("8bit", long.clone()),
                1 => ("quoted-printable", long.replace('=', "=3D").replace('c', "=63=\r\n").replace('\u{e9}', "=C3=A9")),
                _ => ("base64", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &long)),
            };
            let own = own_words_simply(&long);
            let own = if own.is_empty() { squeezed(&long) } else { own };
            let head = format!("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}");
            prop_assert_eq!(preview_of(&format!("{head}\r\n\r\n{body}")), own);
        }

        #[test]
        fn a_preview_is_one_short_line(text in "[\\PC\\r\\n\\x00<>&;=\\- ]{0,300}", is_html in any::<bool>()) {
            let preview = if is_html { html(&text) } else { plain(&text) };
            prop_assert!(preview.chars().count() <= 200);
            prop_assert!(!preview.contains(char::is_control) && preview.trim() == preview);
        }
    }
}
