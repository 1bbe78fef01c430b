//! Paths and mailboxes (RFC 5321 4.1.2, 4.1.3; RFC 6531 3.3). Quotes are taken off; source routes are read and
//! dropped. The rules give parts of the line; `keep` makes types of them that share its octets.

use alloc::borrow::Cow;
use alloc::string::String;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::str;

use bytes::Bytes;
use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take, take_while1};
use nom::character::complete::char;
use nom::combinator::{map, map_opt, opt, recognize, verify};
use nom::multi::many0_count;
use nom::sequence::{delimited, preceded, separated_pair};
use nom::{IResult, Parser};

use super::octet::{DCONTENT, DOMAIN, DOT_STRING, PRINTABLE, QTEXT, is};
use crate::types::octets::{Utf8, is_hidden};
use crate::{AddressLiteral, Domain, ForwardPath, LocalPart, Mailbox, ParseError, ReversePath};

/// A local part without its quotes: UTF-8; owned where a backslash had to go.
pub(crate) struct LocalPartText<'a> {
    text: Cow<'a, [u8]>,
    /// How many octets it has when it is written.
    written: usize,
}

/// A mailbox whose lengths have been looked at. The domain is UTF-8.
pub(crate) struct MailboxText<'a> {
    local_part: LocalPartText<'a>,
    domain: &'a [u8],
}

/// What stands in the angle brackets; `None` for what is no mailbox: `<>`, `<postmaster>`.
pub(crate) struct PathText<'a>(Option<MailboxText<'a>>);

impl LocalPartText<'_> {
    pub(crate) fn keep(self, line: &Bytes) -> LocalPart {
        LocalPart::checked(match self.text {
            Cow::Borrowed(text) => Utf8::checked(line, text),
            Cow::Owned(text) => Utf8::from_octets(text),
        })
    }
}

impl MailboxText<'_> {
    pub(crate) fn keep(self, line: &Bytes) -> Mailbox {
        Mailbox::checked(self.local_part.keep(line), Domain::checked(Utf8::checked(line, self.domain)))
    }
}

impl PathText<'_> {
    pub(crate) fn keep_reverse(self, line: &Bytes) -> ReversePath {
        self.0.map_or(ReversePath::Null, |mailbox| ReversePath::Mailbox(mailbox.keep(line)))
    }

    pub(crate) fn keep_forward(self, line: &Bytes) -> ForwardPath {
        self.0.map_or(ForwardPath::Postmaster, |mailbox| ForwardPath::Mailbox(mailbox.keep(line)))
    }
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
pub(crate) fn reverse_path(input: &[u8]) -> IResult<&[u8], PathText<'_>> {
    alt((path, map(tag("<>"), |_| PathText(None)))).parse(input)
}

/// `"<Postmaster>" / Path`.
pub(crate) fn forward_path(input: &[u8]) -> IResult<&[u8], PathText<'_>> {
    alt((path, map(tag_no_case("<postmaster>"), |_| PathText(None)))).parse(input)
}

/// A reverse-path without its brackets.
pub(crate) fn bare_reverse_path(input: &[u8]) -> IResult<&[u8], PathText<'_>> {
    map(mailbox, |mailbox| PathText(Some(mailbox))).parse(input)
}

/// A forward-path without its brackets.
pub(crate) fn bare_forward_path(input: &[u8]) -> IResult<&[u8], PathText<'_>> {
    alt((bare_reverse_path, map(tag_no_case("postmaster"), |_| PathText(None)))).parse(input)
}

/// `Path = "<" [ A-d-l ":" ] Mailbox ">"`.
fn path(input: &[u8]) -> IResult<&[u8], PathText<'_>> {
    let mailbox = delimited(char('<'), preceded(opt(source_route), mailbox), char('>'));
    map(mailbox, |mailbox| PathText(Some(mailbox))).parse(input)
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
pub(crate) fn mailbox(input: &[u8]) -> IResult<&[u8], MailboxText<'_>> {
    map_opt(separated_pair(local_part, char('@'), domain), |(local_part, domain)| {
        let octets = Mailbox::path_octets(local_part.written, domain.len());
        (octets <= Mailbox::PATH_OCTETS_MAX).then_some(MailboxText { local_part, domain })
    })
    .parse(input)
}

/// `Local-part = Dot-string / Quoted-string`.
pub(crate) fn local_part(input: &[u8]) -> IResult<&[u8], LocalPartText<'_>> {
    if input.first() == Some(&b'"') {
        return quoted_string(input);
    }
    map_opt(take_while1(|octet| is(octet, DOT_STRING)), |text: &[u8]| {
        let legal = text.len() <= LocalPart::OCTETS_MAX && !has_empty_part(text) && is_visible(text);
        legal.then_some(LocalPartText { text: Cow::Borrowed(text), written: text.len() })
    })
    .parse(input)
}

/// `Quoted-string = DQUOTE *( qtextSMTP / quoted-pairSMTP ) DQUOTE`, without the quotes.
fn quoted_string(input: &[u8]) -> IResult<&[u8], LocalPartText<'_>> {
    let qtext = take_while1(|octet| is(octet, QTEXT));
    let printable = |pair: &[u8]| pair.iter().all(|octet| is(*octet, PRINTABLE));
    let pair = preceded(char('\\'), verify(take(1_usize), printable));
    let content = recognize(many0_count(alt((qtext, pair))));
    map_opt(delimited(char('"'), content, char('"')), |octets| {
        let text = visible(octets)?;
        // With its quotes. It may get shorter when it is written again, never longer.
        let written = octets.len().saturating_add(2);
        let text = if text.contains('\\') {
            Cow::Owned(without_pairs(text).into_bytes())
        } else {
            Cow::Borrowed(octets)
        };
        (written <= LocalPart::OCTETS_MAX).then_some(LocalPartText { text, written })
    })
    .parse(input)
}

fn without_pairs(text: &str) -> String {
    let mut characters = text.chars();
    let mut out = String::with_capacity(text.len());
    while let Some(character) = characters.next() {
        let escaped = if character == '\\' { characters.next() } else { None };
        out.push(escaped.unwrap_or(character));
    }
    out
}

/// `Domain / address-literal`.
pub(crate) fn domain(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let rule = if input.first() == Some(&b'[') { address_literal } else { domain_name };
    verify(rule, |text: &[u8]| text.len() <= Domain::OCTETS_MAX).parse(input)
}

/// `Domain = sub-domain *("." sub-domain)`, `sub-domain = Let-dig [Ldh-str] / U-label`.
fn domain_name(input: &[u8]) -> IResult<&[u8], &[u8]> {
    verify(take_while1(|octet| is(octet, DOMAIN)), |octets: &[u8]| {
        if octets.is_ascii() {
            are_labels(octets)
        } else {
            str::from_utf8(octets).is_ok_and(|text| text.split('.').all(is_u_label))
        }
    })
    .parse(input)
}

/// `Let-dig [Ldh-str]`, apart by dots; underscores, which are in use, count as letters.
fn are_labels(text: &[u8]) -> bool {
    let edge = |octet: Option<&u8>| matches!(octet, None | Some(b'.' | b'-'));
    let broken = |before: u8, octet: u8| {
        (before == b'.') & ((octet == b'.') | (octet == b'-')) | (before == b'-') & (octet == b'.')
    };
    !edge(text.first())
        && !edge(text.last())
        && !any_pair(text, broken)
        && (text.len() <= LABEL_CHARACTERS_MAX
            || text.split(|octet| *octet == b'.').all(|label| label.len() <= LABEL_CHARACTERS_MAX))
}

/// Whether two octets beside each other are `broken`. Without branches, so that many are looked at at once.
#[inline]
fn any_pair(text: &[u8], broken: impl Fn(u8, u8) -> bool) -> bool {
    let behind = text.split_first().map_or(&[][..], |(_, behind)| behind);
    text.iter().zip(behind).fold(false, |any, (before, octet)| any | broken(*before, *octet))
}

/// A label that may hold UTF-8, as far as it can be told without the tables of IDNA (RFC 6531 3.3).
fn is_u_label(label: &str) -> bool {
    let legal = |character| !is_hidden(character) && !is_separator(character);
    !label.starts_with('-')
        && !label.ends_with('-')
        && (1..=LABEL_CHARACTERS_MAX).contains(&label.chars().count())
        && label.chars().all(legal)
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

/// Whether a dot stands at an end or beside another.
fn has_empty_part(text: &[u8]) -> bool {
    text.first() == Some(&b'.')
        || text.last() == Some(&b'.')
        || any_pair(text, |before, octet| (before == b'.') & (octet == b'.'))
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
