//! Paths and mailboxes (RFC 5321 4.1.2, 4.1.3; RFC 6531 3.3). Quotes are taken off; source routes are read and
//! dropped. The rules give parts of the line, from which types are made when the line is no longer needed.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::str;

use bytes::Bytes;
use core::ops::Range;
use nom::branch::alt;
use nom::bytes::complete::{tag_no_case, take, take_while1};
use nom::character::complete::char;
use nom::combinator::{map, map_opt, recognize, verify};
use nom::error::{Error, ErrorKind};
use nom::multi::many0_count;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use super::octet::{ATEXT, DCONTENT, LABEL, PRINTABLE, QTEXT, is};
use crate::types::octets::{is_hidden, place};
use crate::{AddressLiteral, Domain, LocalPart, Mailbox, ParseError};

/// A local part without its quotes: UTF-8.
#[derive(Clone, Copy)]
pub(crate) struct LocalPartText<'a> {
    octets: &'a [u8],
    /// How many octets it has when it is written.
    written: usize,
    /// Whether a backslash has to go.
    is_escaped: bool,
}

/// A mailbox whose lengths have been looked at, nearly as [`Mailbox`] holds it: UTF-8.
#[derive(Clone, Copy)]
pub(crate) struct MailboxText<'a> {
    text: &'a [u8],
    local_part: usize,
    /// Whether a backslash has to go from the local part.
    is_escaped: bool,
}

/// What stands in the angle brackets; `None` for what is no mailbox: `<>`, `<postmaster>`.
pub(crate) type PathText<'a> = Option<MailboxText<'a>>;

/// Where in a line a mailbox stands.
#[derive(Clone, Copy)]
pub(crate) struct MailboxPart {
    start: usize,
    end: usize,
    local_part: usize,
    is_escaped: bool,
}

impl LocalPartText<'_> {
    /// The local part in an allocation of its own.
    pub(crate) fn copied(self) -> Vec<u8> {
        if self.is_escaped { without_pairs(self.octets) } else { self.octets.to_vec() }
    }
}

impl MailboxText<'_> {
    /// The mailbox in an allocation of its own.
    pub(crate) fn copied(self) -> Mailbox {
        if self.is_escaped {
            return unescaped(self.text, self.local_part);
        }
        Mailbox::checked(Bytes::copy_from_slice(self.text), 0..self.text.len(), self.local_part)
    }

    /// Lets go of `line`, so that it can be given to [`MailboxPart::cut`].
    #[inline]
    pub(crate) fn part_of(self, line: &[u8]) -> MailboxPart {
        let Range { start, end } = place(line, self.text);
        MailboxPart { start, end, local_part: self.local_part, is_escaped: self.is_escaped }
    }
}

impl MailboxPart {
    /// The mailbox, of what `line` was.
    #[inline]
    pub(crate) fn cut(self, line: Bytes) -> Mailbox {
        if self.is_escaped {
            return unescaped(line.get(self.start..self.end).unwrap_or_default(), self.local_part);
        }
        Mailbox::checked(line, self.start..self.end, self.local_part)
    }
}

/// The mailbox without the backslashes of its local part, which has `local_part` octets with them.
#[cold]
fn unescaped(text: &[u8], local_part: usize) -> Mailbox {
    let (local_part, rest) = text.split_at_checked(local_part).unwrap_or_default();
    let local_part = without_pairs(local_part);
    let text = [&local_part, rest].concat();
    let all = 0..text.len();
    Mailbox::checked(text.into(), all, local_part.len())
}

/// `local-part@domain`.
pub(crate) fn joined(local_part: &[u8], domain: &[u8]) -> Vec<u8> {
    [local_part, b"@", domain].concat()
}

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
#[inline]
pub(crate) fn reverse_path(input: &[u8]) -> IResult<&[u8], PathText<'_>> {
    match input {
        [b'<', b'>', rest @ ..] => Ok((rest, None)),
        _ => path(input).map_err(|_| broken(input)),
    }
}

/// `"<Postmaster>" / Path`.
#[inline]
pub(crate) fn forward_path(input: &[u8]) -> IResult<&[u8], PathText<'_>> {
    path(input).or_else(|_| map(tag_no_case("<postmaster>"), |_| None).parse(input))
}

/// A reverse-path without its brackets.
pub(crate) fn bare_reverse_path(input: &[u8]) -> IResult<&[u8], PathText<'_>> {
    map(mailbox, Some).parse(input)
}

/// A forward-path without its brackets.
pub(crate) fn bare_forward_path(input: &[u8]) -> IResult<&[u8], PathText<'_>> {
    alt((bare_reverse_path, map(tag_no_case("postmaster"), |_| None))).parse(input)
}

/// `Path = "<" [ A-d-l ":" ] Mailbox ">"`.
#[inline]
fn path(input: &[u8]) -> IResult<&[u8], PathText<'_>> {
    let (mut rest, _) = char('<').parse(input)?;
    if rest.first() == Some(&b'@') {
        (rest, ()) = source_route(rest)?;
    }
    let (rest, mailbox) = mailbox(rest)?;
    let (rest, _) = char('>').parse(rest)?;
    Ok((rest, Some(mailbox)))
}

/// `A-d-l ":"`, with `A-d-l = At-domain *( "," At-domain )`: accepted and ignored (RFC 5321 appendix C).
fn source_route(input: &[u8]) -> IResult<&[u8], ()> {
    let mut at_domain = preceded(char('@'), domain);
    let mut others = many0_count(preceded(char(','), preceded(char('@'), domain)));
    let (input, _) = at_domain.parse(input)?;
    let (input, _) = others.parse(input)?;
    map(char(':'), |_| ()).parse(input)
}

/// `Mailbox = Local-part "@" ( Domain / address-literal )`.
#[inline]
pub(crate) fn mailbox(input: &[u8]) -> IResult<&[u8], MailboxText<'_>> {
    let (at, local_part) = local_part(input)?;
    let (rest, domain) = preceded(char('@'), domain).parse(at)?;
    if Mailbox::path_octets(local_part.written, domain.len()) > Mailbox::PATH_OCTETS_MAX {
        return Err(broken(input));
    }
    let LocalPartText { octets, is_escaped, .. } = local_part;
    let text = input.get(place(input, octets).start..place(input, domain).end).unwrap_or_default();
    Ok((rest, MailboxText { text, local_part: octets.len(), is_escaped }))
}

/// `Local-part = Dot-string / Quoted-string`.
pub(crate) fn local_part(input: &[u8]) -> IResult<&[u8], LocalPartText<'_>> {
    if input.first() == Some(&b'"') {
        return quoted_string(input);
    }
    let (octets, rest) = split_dotted(input, ATEXT, |_| true).ok_or_else(|| broken(input))?;
    if octets.len() > LocalPart::OCTETS_MAX || !is_visible(octets) {
        return Err(broken(input));
    }
    Ok((rest, LocalPartText { octets, written: octets.len(), is_escaped: false }))
}

/// `Quoted-string = DQUOTE *( qtextSMTP / quoted-pairSMTP ) DQUOTE`, without the quotes.
// Rare and large: kept out of what reads every path.
#[inline(never)]
fn quoted_string(input: &[u8]) -> IResult<&[u8], LocalPartText<'_>> {
    let qtext = take_while1(|octet| is(octet, QTEXT));
    let printable = |pair: &[u8]| pair.iter().all(|octet| is(*octet, PRINTABLE));
    let pair = preceded(char('\\'), verify(take(1_usize), printable));
    let content = recognize(many0_count(alt((qtext, pair))));
    map_opt(delimited(char('"'), content, char('"')), |octets| {
        let text = visible(octets)?;
        // With its quotes. It may get shorter when it is written again, never longer.
        let written = octets.len().saturating_add(2);
        let is_escaped = text.contains('\\');
        (written <= LocalPart::OCTETS_MAX).then_some(LocalPartText { octets, written, is_escaped })
    })
    .parse(input)
}

/// Without the backslash of each `quoted-pairSMTP`, behind which there always is an octet of ASCII.
fn without_pairs(octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.iter().copied();
    let mut out = Vec::with_capacity(octets.len());
    while let Some(octet) = octets.next() {
        let escaped = if octet == b'\\' { octets.next() } else { None };
        out.push(escaped.unwrap_or(octet));
    }
    out
}

/// `Domain / address-literal`.
pub(crate) fn domain(input: &[u8]) -> IResult<&[u8], &[u8]> {
    if input.first() == Some(&b'[') {
        return verify(address_literal, |text: &[u8]| text.len() <= Domain::OCTETS_MAX).parse(input);
    }
    let (text, rest) = split_dotted(input, LABEL, is_sub_domain).ok_or_else(|| broken(input))?;
    let mut labels = text.split(|octet| *octet == b'.');
    let legal = if text.is_ascii() {
        text.len() <= LABEL_CHARACTERS_MAX || labels.all(|label| label.len() <= LABEL_CHARACTERS_MAX)
    } else {
        labels.all(is_u_label)
    };
    if legal && text.len() <= Domain::OCTETS_MAX { Ok((rest, text)) } else { Err(broken(input)) }
}

/// `sub-domain = Let-dig [Ldh-str] / U-label`, of octets of the class; underscores, which are in use, count as
/// letters.
fn is_sub_domain(label: &[u8]) -> bool {
    label.first() != Some(&b'-') && label.last() != Some(&b'-')
}

/// `1*octet *("." 1*octet)`, with octets of `class` and each part between dots as `is_part` wants it; and the rest.
#[inline]
fn split_dotted(input: &[u8], class: u8, is_part: impl Fn(&[u8]) -> bool) -> Option<(&[u8], &[u8])> {
    let mut rest = input;
    loop {
        let end = rest.iter().position(|octet| !is(*octet, class)).unwrap_or(rest.len());
        let (part, behind) = rest.split_at_checked(end)?;
        if part.is_empty() || !is_part(part) {
            return None;
        }
        match behind {
            [b'.', behind @ ..] => rest = behind,
            _ => return input.split_at_checked(input.len().saturating_sub(behind.len())),
        }
    }
}

/// What is at `input` is not what the rule wants.
const fn broken(input: &[u8]) -> nom::Err<Error<&[u8]>> {
    nom::Err::Error(Error { input, code: ErrorKind::Verify })
}

/// A label that may hold UTF-8, as far as it can be told without the tables of IDNA (RFC 6531 3.3).
fn is_u_label(label: &[u8]) -> bool {
    let legal = |character| !is_hidden(character) && !is_separator(character);
    str::from_utf8(label)
        .is_ok_and(|label| label.chars().count() <= LABEL_CHARACTERS_MAX && label.chars().all(legal))
}

/// What somebody might take for `.` or `@` when the name is mapped (UTS 46 2.3) or shown.
const fn is_separator(character: char) -> bool {
    matches!(
        character,
        '\u{2024}' | '\u{3002}' | '\u{FE52}' | '\u{FE6B}' | '\u{FF0E}' | '\u{FF20}' | '\u{FF61}'
    )
}

/// `address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"`.
fn address_literal(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let outer = recognize(delimited(char('['), take_while1(|octet| is(octet, DCONTENT)), char(']')));
    verify(outer, |octets: &[u8]| str::from_utf8(octets).is_ok_and(|text| literal(text).is_some()))
        .parse(input)
}

/// What an address literal with its brackets says.
pub(crate) fn literal(text: &str) -> Option<AddressLiteral<'_>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    if let Ok(address) = inner.parse::<Ipv4Addr>() {
        return Some(AddressLiteral::V4(address));
    }
    let (tag, content) = inner.split_once(':')?;
    // An address of IPv6 without its tag looks like another kind of address.
    if inner.parse::<Ipv6Addr>().is_ok() {
        return None;
    }
    if tag.eq_ignore_ascii_case("IPv6") {
        return ipv6(content).map(AddressLiteral::V6);
    }
    let is_tag = !tag.is_empty()
        && !tag.ends_with('-')
        && tag.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    let legal = is_tag && !content.is_empty() && content.bytes().all(|octet| is(octet, DCONTENT));
    legal.then_some(AddressLiteral::General { tag, content })
}

/// `IPv6-addr`. `::` stands for two groups at least, where RFC 4291 has it stand for one, too.
fn ipv6(text: &str) -> Option<Ipv6Addr> {
    let address = text.parse().ok()?;
    let groups = text.split(':').filter(|group| !group.is_empty()).count();
    // An IPv4 address at the end is two groups.
    let groups = if text.contains('.') { groups.saturating_add(1) } else { groups };
    (!text.contains("::") || groups <= 6).then_some(address)
}

/// Whether octets without controls of ASCII are UTF-8 without what shows nothing.
fn is_visible(octets: &[u8]) -> bool {
    octets.is_ascii() || visible(octets).is_some()
}

/// The octets as text, unless it holds what shows nothing.
fn visible(octets: &[u8]) -> Option<&str> {
    str::from_utf8(octets).ok().filter(|text| !text.contains(is_hidden))
}

/// The longest label, in characters: octets for a name in ASCII (RFC 1035 2.3.4).
const LABEL_CHARACTERS_MAX: usize = 63;
