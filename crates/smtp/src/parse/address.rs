//! Paths and mailboxes (RFC 5321 4.1.2, 4.1.3). Quotes are taken off; source routes are read and dropped.

use alloc::string::String;
use core::str;

use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_while1};
use nom::character::complete::char;
use nom::combinator::{map, map_opt, opt, recognize, verify};
use nom::multi::{fold_many0, separated_list1};
use nom::sequence::{delimited, preceded, separated_pair, terminated};
use nom::{IResult, Parser};

use crate::{Domain, ForwardPath, LocalPart, Mailbox, ParseError, ReversePath};

/// Runs `rule` over the whole of `text`.
pub(crate) fn whole<'a, T>(
    rule: impl Fn(&'a [u8]) -> IResult<&'a [u8], T>,
    text: &'a [u8],
    name: &'static str,
) -> Result<T, ParseError> {
    let at = |rest: &[u8]| text.len().saturating_sub(rest.len());
    match rule(text) {
        Ok(([], value)) => Ok(value),
        Ok((rest, _)) => Err(ParseError::new(name, at(rest))),
        Err(nom::Err::Error(error) | nom::Err::Failure(error)) => Err(ParseError::new(name, at(error.input))),
        Err(nom::Err::Incomplete(_)) => Err(ParseError::new(name, text.len())),
    }
}

/// `"<>" / Path`.
pub(crate) fn reverse_path(input: &[u8]) -> IResult<&[u8], ReversePath> {
    alt((map(tag("<>"), |_| ReversePath::Null), map(path, ReversePath::Mailbox))).parse(input)
}

/// `"<Postmaster>" / Path`.
pub(crate) fn forward_path(input: &[u8]) -> IResult<&[u8], ForwardPath> {
    alt((map(tag_no_case("<postmaster>"), |_| ForwardPath::Postmaster), map(path, ForwardPath::Mailbox)))
        .parse(input)
}

/// `Path = "<" [ A-d-l ":" ] Mailbox ">"`.
fn path(input: &[u8]) -> IResult<&[u8], Mailbox> {
    delimited(char('<'), preceded(opt(source_route), mailbox), char('>')).parse(input)
}

/// `A-d-l ":"`, with `A-d-l = At-domain *( "," At-domain )`: accepted and ignored (RFC 5321 appendix C).
fn source_route(input: &[u8]) -> IResult<&[u8], ()> {
    let at_domain = preceded(char('@'), domain);
    map(terminated(separated_list1(char(','), at_domain), char(':')), |_| ()).parse(input)
}

/// `Mailbox = Local-part "@" ( Domain / address-literal )`.
pub(crate) fn mailbox(input: &[u8]) -> IResult<&[u8], Mailbox> {
    map_opt(separated_pair(local_part, char('@'), domain), |(local_part, domain)| {
        Mailbox::new(local_part, domain).ok()
    })
    .parse(input)
}

/// `Local-part = Dot-string / Quoted-string`.
pub(crate) fn local_part(input: &[u8]) -> IResult<&[u8], LocalPart> {
    let dot_string = map_opt(recognize(separated_list1(char('.'), take_while1(is_atext))), |text| {
        LocalPart::new(str::from_utf8(text).ok()?).ok()
    });
    let quoted = map_opt(quoted_string, |text| LocalPart::new(&text).ok());
    alt((dot_string, quoted)).parse(input)
}

/// `Quoted-string = DQUOTE *( qtextSMTP / quoted-pairSMTP ) DQUOTE`, without the quotes.
fn quoted_string(input: &[u8]) -> IResult<&[u8], String> {
    let printable = |octet: &u8| matches!(octet, b' '..=b'~');
    let qtext = verify(nom::number::complete::u8, move |octet| printable(octet) && !b"\"\\".contains(octet));
    let pair = preceded(char('\\'), verify(nom::number::complete::u8, printable));
    let content = fold_many0(alt((qtext, pair)), String::new, |mut text, octet| {
        text.push(char::from(octet));
        text
    });
    delimited(char('"'), content, char('"')).parse(input)
}

/// `Domain / address-literal`.
pub(crate) fn domain(input: &[u8]) -> IResult<&[u8], Domain> {
    let name = recognize(separated_list1(char('.'), sub_domain));
    map_opt(alt((address_literal, name)), |text| Domain::checked(str::from_utf8(text).ok()?)).parse(input)
}

/// `sub-domain = Let-dig [Ldh-str]`; underscores, which are in use, count as letters.
fn sub_domain(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let octet = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
    verify(take_while1(octet), |label: &[u8]| label.first() != Some(&b'-') && label.last() != Some(&b'-'))
        .parse(input)
}

/// `address-literal`, by its outer form: whether it is an address is for those who connect to it.
fn address_literal(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let octet = |octet: u8| octet.is_ascii_alphanumeric() || b".:-".contains(&octet);
    recognize(delimited(char('['), take_while1(octet), char(']'))).parse(input)
}

/// `atext` (RFC 5322 3.2.3).
pub(crate) fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}
