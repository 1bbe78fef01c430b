//! The collation `i;unicode-casemap` (RFC 5051), by which IMAP compares strings (RFC 5255 4.4, RFC 5256 4).
//!
//! Each character becomes its titlecase form and then its full decomposition; what comes out is compared octet by
//! octet. Nothing is reordered, so the work is linear in the text, whatever marks it stacks. Where this collation is
//! coarse, and it is, that is the RFC's doing: `ß` is not `SS`, and `e` is found inside `é`.

use alloc::string::String;
use core::cmp::Ordering;

use encoding_rs::Encoding;
use unicode_normalization::char::decompose_compatible;

/// The form of `text` that is compared.
///
/// ```
/// use posthaste_imap::casemap::casemap;
///
/// assert_eq!(casemap("straße"), "STRAßE");
/// // The letter and its accent part.
/// assert_eq!(casemap("É"), casemap("e\u{301}"));
/// ```
pub fn casemap(text: &str) -> String {
    let mut mapped = String::with_capacity(text.len());
    casemap_into(text, &mut mapped);
    mapped
}

/// Adds the form of `text` that is compared to `mapped`. Texts may be cut anywhere between two characters.
pub fn casemap_into(text: &str, mapped: &mut String) {
    let mut rest = text;
    while !rest.is_empty() {
        // Most of what is compared is ASCII, or long runs of it.
        let ascii = Encoding::ascii_valid_up_to(rest.as_bytes());
        let (plain, other) = rest.split_at_checked(ascii).unwrap_or((rest, ""));
        let begin = mapped.len();
        mapped.push_str(plain);
        mapped.get_mut(begin..).unwrap_or_default().make_ascii_uppercase();
        let end = other.find(|character: char| character.is_ascii()).unwrap_or(other.len());
        let (other, tail) = other.split_at_checked(end).unwrap_or((other, ""));
        for character in other.chars() {
            decompose_compatible(titlecase(character), |part| mapped.push(part));
        }
        rest = tail;
    }
}

/// The order of two texts. Empty sorts first.
pub fn compare(one: &str, other: &str) -> Ordering {
    let bytes = |text| casemap(text).into_bytes();
    bytes(one).cmp(&bytes(other))
}

/// The simple titlecase mapping of the Unicode Character Database.
///
/// The standard library knows the full upper case mapping. The two differ where upper case is more than one
/// character, and for the letters that have a titlecase form of their own.
fn titlecase(character: char) -> char {
    match character {
        // The Croatian digraphs: titlecase is the form in the middle.
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        // Georgian is written in one case; capitals are for headlines only and are no titlecase.
        '\u{10d0}'..='\u{10ff}' => character,
        // Greek with the iota below: upper case writes the iota as a letter.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => plus(character, 8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => plus(character, 9),
        _ => {
            let mut upper = character.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(single), None) => single,
                _ => character,
            }
        }
    }
}

fn plus(character: char, distance: u32) -> char {
    u32::from(character).checked_add(distance).and_then(char::from_u32).unwrap_or(character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_the_rfc_is_mapped_as_it_says() {
        // U+01C4 has the titlecase U+01C5, which is D and U+017E, which is z and U+030C.
        assert_eq!(casemap("\u{1c4}"), "D\u{7a}\u{30c}");
        assert_eq!(casemap("\u{1c6}"), casemap("\u{1c4}"));
    }

    #[test]
    fn letters_of_other_scripts_have_cases_too() {
        assert_eq!(casemap("привет"), "ПРИВЕТ".chars().collect::<String>());
        assert_eq!(casemap("ΣΊΣΥΦΟΣ"), casemap("σίσυφος"));
        assert_eq!(casemap("\u{1f80}"), casemap("\u{1f88}"));
        assert_eq!(casemap("\u{10d0}"), "\u{10d0}");
        // Half and full width.
        assert_eq!(casemap("Ａｂ"), "AB");
    }

    #[test]
    fn the_empty_text_sorts_first() {
        assert_eq!(compare("", "a"), Ordering::Less);
        assert_eq!(compare("ABC", "abc"), Ordering::Equal);
        assert_eq!(compare("b", "A"), Ordering::Greater);
    }

    #[test]
    fn mime_15_a_million_marks_take_linear_time() {
        let marks = "\u{301}".repeat(500_000);
        assert_eq!(casemap(&marks).len(), marks.len());
    }

    proptest! {
        #[test]
        fn a_cut_between_characters_changes_nothing(one in "\\PC{0,20}", other in "\\PC{0,20}") {
            let whole = casemap(&[one.as_str(), other.as_str()].concat());
            prop_assert_eq!(whole, [casemap(&one), casemap(&other)].concat());
        }

        #[test]
        fn runs_are_mapped_as_their_characters_are(text in "([ -~]|\\PC|\u{1c6}|\u{301}){0,20}") {
            let characters = text.chars().map(|character| casemap(character.encode_utf8(&mut [0; 4])));
            prop_assert_eq!(casemap(&text), characters.collect::<String>());
        }

        #[test]
        fn ascii_is_compared_without_its_case(text in "[ -~]{0,40}") {
            prop_assert_eq!(casemap(&text), text.to_ascii_uppercase());
        }
    }
}
