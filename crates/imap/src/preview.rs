//! The preview of a message (RFC 8970): the first 200 characters of what its author wrote, on one line.
//!
//! The first text part that is shown with the message is read, plain text before HTML; quoted text, the line that
//! introduces it and what follows a signature mark are left out, unless nothing else is there. A message without such
//! a part, an encrypted one for example, has an empty preview. Made once, when a message is stored; only the front of
//! the part is read.

mod html;

use alloc::string::String;
use alloc::vec::Vec;

use crate::message::{Kind, Part, Summary, TransferDecoder, TransferEncoding};

/// The preview of the message that `summary` is of: at most 200 characters, without line ends and control characters.
pub(crate) fn preview(summary: &Summary, message: &[u8]) -> String {
    let plain = shown_text(summary, "plain").map(|part| own_words(&text_of(part, message)));
    if let Some(preview) = plain.filter(|preview| !preview.is_empty()) {
        return preview;
    }
    let Some(part) = shown_text(summary, "html") else { return String::new() };
    let text = text_of(part, message);
    let own = squeezed(&html::text(&text, html::Quotes::LeftOut));
    if own.is_empty() { squeezed(&html::text(&text, html::Quotes::Shown)) } else { own }
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

/// The front of a part, decoded.
fn text_of(part: &Part, message: &[u8]) -> String {
    let body = part.body.of(message);
    let front = body.get(..READ_MAX).unwrap_or(body);
    let encoding = part.transfer_encoding().unwrap_or(TransferEncoding::Identity);
    let mut text = String::new();
    let mut decoder = part.text_decoder();
    decoder.push(&TransferDecoder::all(encoding, front), &mut text);
    decoder.finish(&mut text);
    text
}

/// A plain text without quotes and signature; with them when nothing else is left.
fn own_words(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let mut in_quote = false;
    for line in text.lines() {
        let line = line.trim_end();
        // RFC 3676 4.3; the space is often lost.
        if line == "--" || line.starts_with("-----Original Message") {
            break;
        }
        if line.starts_with('>') {
            if !in_quote {
                drop_introduction(&mut lines);
            }
            in_quote = true;
            continue;
        }
        in_quote = in_quote && line.is_empty();
        lines.push(line);
    }
    let own = squeezed(&lines.join(" "));
    if own.is_empty() { squeezed(text) } else { own }
}

/// Takes "On Monday Joe wrote:" off the end, if it is there: a paragraph of at most three lines that ends in a colon.
fn drop_introduction(lines: &mut Vec<&str>) {
    let blank = lines.iter().rev().take_while(|line| line.is_empty()).count();
    let end = lines.len().saturating_sub(blank);
    let written = lines.get(..end).unwrap_or_default();
    let paragraph = written.iter().rev().take_while(|line| !line.is_empty()).count();
    if paragraph <= INTRODUCTION_LINES_MAX && written.last().is_some_and(|line| line.ends_with(':')) {
        lines.truncate(end.saturating_sub(paragraph));
    }
}

/// The text on one line, without what is not seen, up to the limit.
fn squeezed(text: &str) -> String {
    let mut line = String::new();
    let mut left = CHARACTERS_MAX;
    let mut space = false;
    let mut joiner: Option<char> = None;
    for character in text.chars() {
        if character.is_whitespace() || character == '\u{2800}' {
            space = true;
            joiner = None;
            continue;
        }
        if matches!(character, '\u{200c}' | '\u{200d}') {
            // Between letters they are part of the script; between spaces they are padding of newsletters.
            joiner = Some(character).filter(|_| !space);
            continue;
        }
        if is_unseen(character) {
            continue;
        }
        let before =
            if core::mem::take(&mut space) { Some(' ').filter(|_| !line.is_empty()) } else { joiner.take() };
        joiner = None;
        let needed = if before.is_some() { 2 } else { 1 };
        if needed > left {
            break;
        }
        left = left.saturating_sub(needed);
        line.extend(before);
        line.push(character);
    }
    line
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
/// Octets of a part that are read, as they are in the message. Newsletters have long style sheets.
const READ_MAX: usize = 128 * 1024;
const INTRODUCTION_LINES_MAX: usize = 3;

#[cfg(test)]
mod tests {
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

    proptest! {
        #[test]
        fn a_preview_is_one_short_line(text in "[\\PC\\r\\n\\x00<>&;=\\- ]{0,300}", is_html in any::<bool>()) {
            let preview = if is_html { html(&text) } else { plain(&text) };
            prop_assert!(preview.chars().count() <= 200);
            prop_assert!(!preview.contains(char::is_control) && preview.trim() == preview);
        }
    }
}
