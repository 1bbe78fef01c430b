//! Preparing names and passwords, so that what looks the same to a person is the same to a server: SASLprep
//! (RFC 4013), which every mechanism here names. RFC 8265 has a younger way that no SCRAM server uses yet.
//!
//! SASLprep is defined on Unicode 3.2. Code points that had no character then are refused in what is stored
//! as a name, and pass unchanged elsewhere (RFC 4013 2.5): that is what lets a password hold an emoji. They
//! pass the normalisation untouched as well, so that a newer Unicode does not change what an old password is.
//!
//! Folding case is not part of it: whether `Ursel` is `ursel` is decided by who looks users up, once and
//! after this.

mod tables;

use alloc::string::String;
use core::{iter, str};
use posthaste_wire::Secret;
use unicode_normalization::UnicodeNormalization;

use crate::{Field, SaslError};
use tables::{LEFT_TO_RIGHT, PROHIBITED, RIGHT_TO_LEFT, TO_NOTHING, TO_SPACE, UNASSIGNED, holds};

/// The longest name, in octets. RFC 4616 2 asks for at least 255.
pub const NAME_MAX: usize = 1024;

/// The longest password, in octets. RFC 4616 2 asks for at least 255; tokens are used as passwords too.
pub const PASSWORD_MAX: usize = 4096;

/// What becomes of code points that had no character in Unicode 3.2 (RFC 4013 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unassigned {
    /// They pass: for what is presented and compared ("query strings").
    Pass,
    /// They are refused: for names that are written to a directory ("stored strings").
    Refuse,
}

/// Prepares the name of a user.
///
/// # Errors
///
/// [`SaslError`] when the name is longer than [`NAME_MAX`], prohibited, or empty once prepared.
pub fn name(name: &str, unassigned: Unassigned) -> Result<String, SaslError> {
    name_of(Field::Authentication, name.as_bytes(), unassigned)
}

/// Prepares a password, the same way for checking and for storing. The longest is [`PASSWORD_MAX`] octets.
///
/// # Errors
///
/// [`SaslError`] when the password is longer, not UTF-8, prohibited, or empty once prepared: an empty one is
/// never right, and a directory may take it for an anonymous bind.
pub fn password(password: &Secret) -> Result<Secret, SaslError> {
    let field = Field::Password;
    let prepared = saslprep(field, text(field, password.expose(), PASSWORD_MAX)?, Unassigned::Pass)?;
    Ok(Secret::new(prepared.into_bytes()))
}

/// Prepares a name in a message.
pub(crate) fn name_of(field: Field, octets: &[u8], unassigned: Unassigned) -> Result<String, SaslError> {
    saslprep(field, text(field, octets, NAME_MAX)?, unassigned)
}

fn text(field: Field, octets: &[u8], limit: usize) -> Result<&str, SaslError> {
    if octets.is_empty() {
        return Err(SaslError::Empty(field));
    }
    if octets.len() > limit {
        return Err(SaslError::TooLong { field, limit });
    }
    str::from_utf8(octets).map_err(|_| SaslError::NotUtf8(field))
}

fn saslprep(field: Field, text: &str, unassigned: Unassigned) -> Result<String, SaslError> {
    // Sized at once: growing would leave copies of a password behind.
    let mut length = 0_usize;
    normalise(text, |character| length = length.saturating_add(character.len_utf8()));
    let mut prepared = String::with_capacity(length);
    normalise(text, |character| prepared.push(character));
    if prepared.is_empty() {
        return Err(SaslError::Empty(field));
    }
    let refused = |character| {
        holds(PROHIBITED, character) || (unassigned == Unassigned::Refuse && holds(UNASSIGNED, character))
    };
    if prepared.chars().any(refused) || mixes_directions(&prepared) {
        // Wiped on this way out as well.
        drop(Secret::new(prepared.into_bytes()));
        return Err(SaslError::Prohibited(field));
    }
    Ok(prepared)
}

/// Gives the characters of `text`, mapped (RFC 4013 2.1) and in the normal form KC of Unicode 3.2 (2.2): what
/// was no character then stands between runs that are normalised each for itself.
fn normalise(text: &str, mut take: impl FnMut(char)) {
    let kept = text.chars().filter(|character| !holds(TO_NOTHING, *character));
    let mut characters =
        kept.map(|character| if holds(TO_SPACE, character) { ' ' } else { character }).peekable();
    while characters.peek().is_some() {
        let run = iter::from_fn(|| characters.next_if(|character| !holds(UNASSIGNED, *character)));
        run.nfkc().for_each(&mut take);
        if let Some(unassigned) = characters.next() {
            take(unassigned);
        }
    }
}

/// RFC 3454 6: text that runs from right to left begins and ends so and holds nothing of the other direction.
fn mixes_directions(text: &str) -> bool {
    let right_to_left = |character| holds(RIGHT_TO_LEFT, character);
    text.contains(right_to_left)
        && (text.contains(|character| holds(LEFT_TO_RIGHT, character))
            || !text.starts_with(right_to_left)
            || !text.ends_with(right_to_left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use sha2::{Digest, Sha256};

    fn prepared(text: &str) -> Result<String, SaslError> {
        name(text, Unassigned::Pass)
    }

    #[test]
    fn examples_of_rfc_4013() {
        assert_eq!(prepared("I\u{ad}X").as_deref(), Ok("IX"));
        assert_eq!(prepared("user").as_deref(), Ok("user"));
        assert_eq!(prepared("USER").as_deref(), Ok("USER"));
        assert_eq!(prepared("\u{aa}").as_deref(), Ok("a"));
        assert_eq!(prepared("\u{2168}").as_deref(), Ok("IX"));
        assert_eq!(prepared("\u{7}"), Err(SaslError::Prohibited(Field::Authentication)));
        assert_eq!(prepared("\u{627}1"), Err(SaslError::Prohibited(Field::Authentication)));
    }

    #[test]
    fn what_is_nothing_once_prepared_is_empty() {
        assert_eq!(prepared("\u{ad}\u{200b}"), Err(SaslError::Empty(Field::Authentication)));
        assert_eq!(password(&Secret::from("\u{ad}")), Err(SaslError::Empty(Field::Password)));
        assert_eq!(password(&Secret::default()), Err(SaslError::Empty(Field::Password)));
    }

    #[test]
    fn a_code_point_without_a_character_passes_or_is_refused_as_asked() {
        let field = Field::Authentication;
        assert_eq!(name("\u{1f511}", Unassigned::Pass).as_deref(), Ok("\u{1f511}"));
        assert_eq!(name("\u{1f511}", Unassigned::Refuse), Err(SaslError::Prohibited(field)));
        assert_eq!(password(&Secret::from("\u{1f511}")), Ok(Secret::from("\u{1f511}")));
    }

    /// Every code point alone, and every character of Unicode 3.2 under an accent, against what another
    /// implementation made of them (the tables and the Unicode 3.2 of Python 3). Left out are the five
    /// ideographs that Unicode itself corrected since.
    #[test]
    fn every_character_is_prepared_as_elsewhere() {
        let digest = |unassigned| {
            let mut all = Sha256::new();
            for character in '\0'..=char::MAX {
                if matches!(u32::from(character), 0x2F868 | 0x2F874 | 0x2F91F | 0x2F95F | 0x2F9BF) {
                    continue;
                }
                let alone = character.to_string();
                let accented = alone.clone() + "\u{301}";
                let texts = [Some(alone), (!holds(UNASSIGNED, character)).then_some(accented)];
                for text in texts.into_iter().flatten() {
                    match name(&text, unassigned) {
                        Ok(prepared) => {
                            all.update(prepared);
                            all.update([0]);
                        }
                        Err(SaslError::Empty(_)) => all.update([0]),
                        Err(_) => all.update([0xff]),
                    }
                }
            }
            all.finalize().iter().map(|octet| alloc::format!("{octet:02x}")).collect::<Vec<_>>().concat()
        };
        assert_eq!(
            digest(Unassigned::Pass),
            "834836c3c8c7312cff1e896606620bda9637d299c126986d94514a909c39a1de"
        );
        assert_eq!(
            digest(Unassigned::Refuse),
            "9e5c2824708f2edc02833029d0fef37b2674fec96bad85980ac45d5587593383"
        );
    }
}
