//! The base subject (RFC 5256 2.1): a subject without the marks that replies, forwards and mailing lists add.
//!
//! The steps are those of the RFC, in its order, on text that is already decoded. Nothing is copied: the base subject
//! is a slice of the text. Linear in the text, whatever it repeats.

use alloc::string::String;

/// A base subject, and whether finding it took off the mark of a reply or a forward (RFC 5256 3, THREAD).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseSubject<'a> {
    /// What is left. Empty for a subject that is nothing but marks.
    pub text: &'a str,
    /// A `re:`, `fw:`, `fwd:`, `(fwd)` or `[fwd: ]` was taken off.
    pub is_reply: bool,
}

/// Step 1 behind the decoding: tabs and line ends become spaces, several spaces one.
///
/// [`decode_words`](crate::charset::decode_words) does the decoding.
pub fn squeeze(subject: &str) -> String {
    let mut squeezed = String::with_capacity(subject.len());
    for character in subject.chars() {
        let space = matches!(character, ' ' | '\t' | '\r' | '\n');
        if !space {
            squeezed.push(character);
        } else if !squeezed.ends_with(' ') {
            squeezed.push(' ');
        }
    }
    squeezed
}

/// Steps 2 to 7, on a subject that [`squeeze`] has made ready.
///
/// ```
/// use posthaste_imap::message::base_subject;
///
/// let base = base_subject("Re: [list] [fwd: Fwd[2]: lunch?] (fwd)");
/// assert_eq!(base.text, "lunch?");
/// assert!(base.is_reply);
/// assert_eq!(base_subject("[list] lunch?").text, "lunch?");
/// ```
pub fn base_subject(subject: &str) -> BaseSubject<'_> {
    let mut text = subject;
    let mut is_reply = false;
    loop {
        // Step 2.
        loop {
            text = text.trim_end_matches(WSP);
            let Some(rest) = strip_suffix(text, "(fwd)") else { break };
            (text, is_reply) = (rest, true);
        }
        (text, is_reply) = without_leaders(text, is_reply);
        // Step 6.
        let inside = strip_prefix(text, "[fwd:").and_then(|rest| rest.strip_suffix(']'));
        let Some(inside) = inside else { return BaseSubject { text, is_reply } };
        (text, is_reply) = (inside, true);
    }
}

/// Steps 3 to 5.
fn without_leaders(text: &str, is_reply: bool) -> (&str, bool) {
    let (mut text, mut is_reply) = (text, is_reply);
    // How much text is left behind the run of blobs that was looked at last. While the text begins in that run there
    // is no need to look again.
    let mut looked_up_to: Option<usize> = None;
    loop {
        // subj-leader = (*subj-blob subj-refwd) / WSP
        text = text.trim_start_matches(WSP);
        if looked_up_to.is_none_or(|left| text.len() <= left) {
            let behind = behind_blobs(text);
            if let Some(rest) = behind_refwd(behind) {
                (text, is_reply, looked_up_to) = (rest, true, None);
                continue;
            }
            looked_up_to = Some(behind.len());
        }
        // Step 4.
        match behind_blob(text) {
            Some(rest) if !rest.is_empty() => text = rest,
            _ => return (text, is_reply),
        }
    }
}

/// `subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"`
fn behind_refwd(text: &str) -> Option<&str> {
    let rest = ["re", "fwd", "fw"].iter().find_map(|mark| strip_prefix(text, mark))?;
    let rest = rest.trim_start_matches(WSP);
    let rest = behind_blob(rest).unwrap_or(rest);
    rest.strip_prefix(':')
}

fn behind_blobs(text: &str) -> &str {
    let mut rest = text;
    while let Some(behind) = behind_blob(rest) {
        rest = behind;
    }
    rest
}

/// `subj-blob = "[" *BLOBCHAR "]" *WSP`
fn behind_blob(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?;
    let end = memchr::memchr2(b'[', b']', inside.as_bytes())?;
    let rest = inside.get(end..)?.strip_prefix(']')?;
    Some(rest.trim_start_matches(WSP))
}

/// `mark` in any case; all of it is ASCII.
fn strip_prefix<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let (front, rest) = text.split_at_checked(mark.len())?;
    front.eq_ignore_ascii_case(mark).then_some(rest)
}

fn strip_suffix<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let (rest, end) = text.split_at_checked(text.len().checked_sub(mark.len())?)?;
    end.eq_ignore_ascii_case(mark).then_some(rest)
}

const WSP: [char; 2] = [' ', '\t'];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charset::decode_words;
    use proptest::prelude::*;

    fn check(subject: &str, text: &str, is_reply: bool) {
        let squeezed = squeeze(subject);
        assert_eq!(base_subject(&squeezed), BaseSubject { text, is_reply }, "{subject:?}");
    }

    #[test]
    fn step_1_words_are_decoded_and_spaces_squeezed() {
        let decoded = decode_words(b"=?utf-8?q?Re=3A?= =?utf-8?q?_lunch?=\r\n \tat  \t noon");
        assert_eq!(base_subject(&squeeze(&decoded)).text, "lunch at noon");
    }

    #[test]
    fn step_2_trailers_go_until_none_is_left() {
        check("a (fwd)", "a", true);
        check("a (FWD) (fwd)\t", "a", true);
        check("a(fwd)", "a", true);
        check("a (fwd) b", "a (fwd) b", false);
        check("(fwd)", "", true);
        check("a ", "a", false);
    }

    #[test]
    fn step_3_leaders_go() {
        check("Re: a", "a", true);
        check("RE:a", "a", true);
        check("re : a", "a", true);
        check("Fw: a", "a", true);
        check("Fwd: a", "a", true);
        check("Re[2]: a", "a", true);
        check("Re [2] : a", "a", true);
        check("[list] Re: a", "a", true);
        check("[x][y] fwd[z]: a", "a", true);
        check("  a", "a", false);
        // Not in the grammar.
        check("Aw: a", "Aw: a", false);
        check("Re a", "Re a", false);
        check("Re[2][3]: a", "Re[2][3]: a", false);
        check("Reply: a", "Reply: a", false);
        check("Re(2): a", "Re(2): a", false);
    }

    #[test]
    fn step_4_a_blob_goes_if_something_is_left() {
        check("[list] a", "a", false);
        check("[a]", "[a]", false);
        check("[a][b]", "[b]", false);
        check("[a] [b] ", "[b]", false);
        check("[a[b] c", "[a[b] c", false);
        check("[a", "[a", false);
        check("a [b]", "a [b]", false);
    }

    #[test]
    fn step_5_leaders_and_blobs_alternate() {
        check("Re: [list] Re[3]: [x] Fwd: a", "a", true);
        check("Re: [a]", "[a]", true);
        check("Re: ", "", true);
        check("[a] Re: [b] Re: [c]", "[c]", true);
    }

    #[test]
    fn step_6_the_wrapping_of_a_forward_goes_and_all_begins_again() {
        check("[fwd: a]", "a", true);
        check("[FWD: Re: a (fwd)]", "a", true);
        check("[fwd: [fwd: [list] a]]", "a", true);
        check("Re: [fwd: a] (fwd)", "a", true);
        check("[fwd: a", "[fwd: a", false);
        check("[fwd: [a]]", "[a]", true);
        check("[fwd:]", "", true);
    }

    #[test]
    fn nothing_is_left_of_nothing() {
        check("", "", false);
        check(" \t ", "", false);
        check("é", "é", false);
    }

    #[test]
    fn mime_03_long_subjects_take_linear_time() {
        for (part, count) in
            [("Re: ", 50_000), ("[a]", 50_000), ("[fwd:", 50_000), ("[", 50_000), ("re[x] ", 50_000)]
        {
            let subject = part.repeat(count);
            assert!(base_subject(&subject).text.len() <= subject.len());
        }
        let nested = ["[fwd: ".repeat(50_000), "x".into(), "]".repeat(50_000)].concat();
        assert_eq!(base_subject(&nested).text, "x");
    }

    proptest! {
        #[test]
        fn a_base_subject_is_its_own(subject in "(re|fwd?|\\[|\\]|:|\\(fwd\\)|\\[fwd:| |\t|[a-c]|\\[[ab]\\]|é){0,12}") {
            let squeezed = squeeze(&subject);
            let base = base_subject(&squeezed);
            prop_assert_eq!(base_subject(base.text), BaseSubject { text: base.text, is_reply: false });
            let replied = ["Re: ", base.text].concat();
            prop_assert_eq!(base_subject(&replied).text, base.text);
        }
    }
}
