//! Commands, as a server reads them.
//!
//! ```text
//! command = keyword *(SP argument)
//! keyword = 3*4ALPHA                              ; in any case
//! ```

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;
use nom::Parser;
use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::char;
use nom::combinator::map_opt;
use nom::sequence::preceded;
use posthaste_wire::Secret;

use super::{Parsed, complete, message, number, rule};
use crate::{
    ApopDigest, Command, LanguageRange, LanguageTag, MechanismName, MessageNumber, ParseError, Password,
    UserName, Verb,
};

/// Reads a command line without its CR LF.
///
/// # Errors
///
/// [`ParseError`] where the line is no command.
pub fn command(line: &[u8]) -> Result<Command, ParseError> {
    complete(line, any(line))
}

/// Decodes base64 as RFC 4648 4 has it: padded, canonical, no other octets (RFC 5034 4).
///
/// # Errors
///
/// [`ParseError`] where the text is anything else.
pub fn base64(text: &[u8]) -> Result<Secret, ParseError> {
    STANDARD.decode(text).map(Secret::new).map_err(|_| ParseError { rule: "base64", offset: 0 })
}

fn any(input: &[u8]) -> Parsed<'_, Command> {
    let keyword = take_while1(|octet: u8| octet.is_ascii_alphanumeric());
    let (rest, verb) = rule("keyword", map_opt(keyword, Verb::from_keyword)).parse(input)?;
    let (rest, command) = match verb {
        // The rest of the line belongs to the argument, to the last space.
        Verb::User => return preceded(space, user_name(b"")).map(Command::User).parse(rest),
        Verb::Pass => return preceded(space, password).map(Command::Pass).parse(rest),
        Verb::Apop => apop(rest)?,
        Verb::Auth => auth(rest)?,
        Verb::Capa => (rest, Command::Capa),
        Verb::Stls => (rest, Command::Stls),
        Verb::Utf8 => (rest, Command::Utf8),
        Verb::Lang => lang(rest)?,
        Verb::Stat => (rest, Command::Stat),
        Verb::Noop => (rest, Command::Noop),
        Verb::Rset => (rest, Command::Rset),
        Verb::Quit => (rest, Command::Quit),
        Verb::List => opt_message.map(Command::List).parse(rest)?,
        Verb::Uidl => opt_message.map(Command::Uidl).parse(rest)?,
        Verb::Retr => preceded(space, message).map(Command::Retr).parse(rest)?,
        Verb::Dele => preceded(space, message).map(Command::Dele).parse(rest)?,
        Verb::Top => top(rest)?,
    };
    // Some clients write a space behind every keyword.
    let (rest, _) = take_while(|octet| octet == b' ').parse(rest)?;
    Ok((rest, command))
}

fn space(input: &[u8]) -> Parsed<'_, char> {
    rule("space", char(' ')).parse(input)
}

fn opt_message(input: &[u8]) -> Parsed<'_, Option<MessageNumber>> {
    if is_blank(input) {
        return Ok((input, None));
    }
    preceded(space, message).map(Some).parse(input)
}

fn top(input: &[u8]) -> Parsed<'_, Command> {
    let lines = rule("number of lines", number::<u32>);
    (preceded(space, message), preceded(space, lines))
        .map(|(number, lines)| Command::Top { number, lines })
        .parse(input)
}

fn auth(input: &[u8]) -> Parsed<'_, Command> {
    let name = map_opt(word, |name| MechanismName::new(core::str::from_utf8(name).ok()?).ok());
    let initial = map_opt(word, |text: &[u8]| match text {
        b"=" => Some(Secret::default()),
        text => base64(text).ok(),
    });
    let (rest, mechanism) = preceded(space, rule("mechanism", name)).parse(input)?;
    if is_blank(rest) {
        return Ok((rest, Command::Auth { mechanism, initial: None }));
    }
    let (rest, initial) = preceded(space, rule("base64", initial)).parse(rest)?;
    Ok((rest, Command::Auth { mechanism, initial: Some(initial) }))
}

fn apop(input: &[u8]) -> Parsed<'_, Command> {
    let digest = take_while1(|octet: u8| octet.is_ascii_hexdigit());
    let digest = map_opt(digest, |digits: &[u8]| ApopDigest::new(digits).ok());
    (preceded(space, user_name(b" ")), preceded(space, rule("digest", digest)))
        .map(|(name, digest)| Command::Apop { name, digest })
        .parse(input)
}

fn lang(input: &[u8]) -> Parsed<'_, Command> {
    if is_blank(input) {
        return Ok((input, Command::Lang(None)));
    }
    let range = map_opt(word, |range: &[u8]| match range {
        b"*" => Some(LanguageRange::Any),
        tag => LanguageTag::new(core::str::from_utf8(tag).ok()?).ok().map(LanguageRange::Tag),
    });
    let language = rule("language range", range);
    preceded(space, language).map(|range| Command::Lang(Some(range))).parse(input)
}

fn word(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(|octet: u8| octet.is_ascii_graphic()).parse(input)
}

/// A name up to one of `ends`, or to the end of the line.
fn user_name<'a>(ends: &'static [u8]) -> impl FnMut(&'a [u8]) -> Parsed<'a, UserName> {
    let octets = take_while1(move |octet: u8| !ends.contains(&octet));
    rule("user name", map_opt(octets, |name: &[u8]| UserName::new(core::str::from_utf8(name).ok()?).ok()))
}

/// The rest of the line, spaces and all.
fn password(input: &[u8]) -> Parsed<'_, Password> {
    let octets = take_while1(|_| true);
    rule("password", map_opt(octets, |octets: &[u8]| Password::new(Secret::from(octets)).ok())).parse(input)
}

fn is_blank(input: &[u8]) -> bool {
    input.iter().all(|octet| *octet == b' ')
}
