//! What the `Content-` fields of one header say (RFC 2045, RFC 2183, RFC 3282, RFC 1864, RFC 2557).
//!
//! Only the first field of each name counts. Names and types are in lower case and are tokens; values are as
//! written, without quotes; `parameter` puts those of RFC 2231 together. Defaults are filled in where RFC 2045 5.2 has one.

use alloc::vec::Vec;

use bytes::Bytes;

use super::{
    field::{Fields, lower_case, unfold},
    lexer::{comment, quoted, split, without_comments},
    limits::Limits,
    parameter::joined,
    token::{Token, is_token},
};

/// A parameter of a media type or of a disposition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// A token in lower case, with the marks of RFC 2231 if it has any. No name occurs twice in one list.
    pub name: Token,
    /// The value without quotes. No CR, LF or NUL is in it; 8-bit octets may be.
    pub value: Bytes,
}

/// A `Content-Disposition` (RFC 2183).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposition {
    /// `inline`, `attachment` or another token, in lower case.
    pub kind: Token,
    /// Such as `filename`.
    pub parameters: Vec<Parameter>,
}

/// All that a header says about the body under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) media_type: Token,
    pub(super) subtype: Token,
    pub(super) parameters: Vec<Parameter>,
    pub(super) encoding: Token,
    pub(super) id: Option<Bytes>,
    pub(super) description: Option<Bytes>,
    pub(super) md5: Option<Bytes>,
    pub(super) disposition: Option<Disposition>,
    pub(super) languages: Vec<Bytes>,
    pub(super) location: Option<Bytes>,
}

/// What a body is when nothing says it (RFC 2045 5.2, RFC 2046 5.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unlabelled {
    Text,
    /// In a `multipart/digest`.
    Message,
}

impl Content {
    /// A body of which nothing is known.
    pub(super) fn opaque() -> Self {
        let mut content = Self::text();
        content.become_opaque();
        content.encoding = Token::known("8bit");
        content
    }

    /// Reads the fields of a header.
    pub(super) fn read(header: &[u8], unlabelled: Unlabelled, limits: &Limits) -> Self {
        let mut found = Found::default();
        for field in Fields::of(header) {
            if let Some((name, value)) = field.name.split_at_checked(PREFIX.len()) {
                if name.eq_ignore_ascii_case(PREFIX) {
                    found.note(value, field.value);
                }
            }
        }
        found.content(unlabelled, limits)
    }

    /// Whether what is inside can be seen without decoding.
    pub(super) fn is_identity_encoded(&self) -> bool {
        !matches!(self.encoding.as_str(), "base64" | "quoted-printable" | "x-uuencode" | "uuencode" | "x-uue")
    }

    pub(super) fn is_message(&self) -> bool {
        self.media_type == "message" && matches!(self.subtype.as_str(), "rfc822" | "global")
    }

    pub(super) fn is_multipart(&self) -> bool {
        self.media_type == "multipart"
    }

    /// The parameter of that name, which may be in sections.
    pub(super) fn parameter(&self, name: &str) -> Option<Bytes> {
        joined(&self.parameters)
            .iter()
            .find(|parameter| parameter.name == name)
            .map(|found| found.value.clone())
    }

    /// The type of a container that is not looked into.
    pub(super) fn become_opaque(&mut self) {
        self.media_type = Token::known("application");
        self.subtype = Token::known("octet-stream");
        self.parameters.clear();
    }

    /// The type of a container that turned out to hold nothing.
    pub(super) fn become_text(&mut self) {
        let Self { media_type, subtype, parameters, .. } = Self::text();
        self.media_type = media_type;
        self.subtype = subtype;
        self.parameters = parameters;
    }

    fn text() -> Self {
        Self {
            media_type: Token::known("text"),
            subtype: Token::known("plain"),
            parameters: alloc::vec![us_ascii()],
            encoding: Token::known("7bit"),
            id: None,
            description: None,
            md5: None,
            disposition: None,
            languages: Vec::new(),
            location: None,
        }
    }
}

/// The first value of each field, not read yet.
#[derive(Default)]
struct Found<'a> {
    media_type: Option<&'a [u8]>,
    encoding: Option<&'a [u8]>,
    id: Option<&'a [u8]>,
    description: Option<&'a [u8]>,
    md5: Option<&'a [u8]>,
    disposition: Option<&'a [u8]>,
    language: Option<&'a [u8]>,
    location: Option<&'a [u8]>,
}

impl<'a> Found<'a> {
    /// Takes a field whose name, without `Content-`, is `name`.
    fn note(&mut self, name: &[u8], value: &'a [u8]) {
        let place = match lower_case(name, &mut [0; LONGEST]) {
            b"type" => &mut self.media_type,
            b"transfer-encoding" => &mut self.encoding,
            b"id" => &mut self.id,
            b"description" => &mut self.description,
            b"md5" => &mut self.md5,
            b"disposition" => &mut self.disposition,
            b"language" => &mut self.language,
            b"location" => &mut self.location,
            _ => return,
        };
        place.get_or_insert(value);
    }

    fn content(self, unlabelled: Unlabelled, limits: &Limits) -> Content {
        let line = |value: &[u8]| unfold(value.get(..limits.field_max).unwrap_or(value));
        let text = |value: Option<&[u8]>| value.map(line).filter(|line| !line.is_empty()).map(Bytes::from);
        let mut content = Content::text();
        match (self.media_type, unlabelled) {
            (Some(value), _) => read_media_type(&line(value), limits, &mut content),
            (None, Unlabelled::Text) => {}
            (None, Unlabelled::Message) => {
                content.media_type = Token::known("message");
                content.subtype = Token::known("rfc822");
                content.parameters.clear();
            }
        }
        if let Some(encoding) = self.encoding.and_then(|value| first_token(&without_comments(&line(value)))) {
            content.encoding = encoding;
        }
        content.id = text(self.id);
        content.description = text(self.description);
        content.md5 = text(self.md5);
        content.location = text(self.location);
        content.disposition = self.disposition.and_then(|value| disposition(&line(value), limits));
        content.languages = self.language.map(|value| languages(&line(value), limits)).unwrap_or_default();
        content
    }
}

/// A type that is not one is `text/plain` (RFC 2045 5.2), with the parameters that were given.
fn read_media_type(line: &[u8], limits: &Limits, content: &mut Content) {
    let (head, tail) = split(line, line.iter().position(|octet| *octet == b';').unwrap_or(line.len()));
    let head = without_comments(head);
    let mut pieces = head.splitn(2, |octet| *octet == b'/');
    let media_type = pieces.next().and_then(|piece| Token::of(piece.trim_ascii()));
    let subtype = pieces.next().and_then(first_token);
    if let (Some(media_type), Some(subtype)) = (media_type, subtype) {
        content.media_type = media_type;
        content.subtype = subtype;
    }
    content.parameters = parameters(tail, limits.params_max);
    let text = content.media_type == "text" && content.subtype == "plain";
    if text && content.parameter("charset").is_none() {
        content.parameters.push(us_ascii());
    }
}

fn disposition(line: &[u8], limits: &Limits) -> Option<Disposition> {
    let (head, tail) = split(line, line.iter().position(|octet| *octet == b';').unwrap_or(line.len()));
    let kind = first_token(&without_comments(head))?;
    Some(Disposition { kind, parameters: parameters(tail, limits.params_max) })
}

fn languages(line: &[u8], limits: &Limits) -> Vec<Bytes> {
    let plain = without_comments(line);
    let tags = plain.split(|octet| *octet == b',').map(<[u8]>::trim_ascii).filter(|tag| !tag.is_empty());
    tags.take(limits.params_max).map(Bytes::copy_from_slice).collect()
}

/// `*(";" attribute "=" value)`. Items that are not of that form are skipped; of equal names the first counts.
fn parameters(octets: &[u8], max: usize) -> Vec<Parameter> {
    let mut list: Vec<Parameter> = Vec::new();
    let mut rest = skip_separators(octets);
    while !rest.is_empty() && list.len() < max {
        let end = rest.iter().position(|octet| matches!(octet, b'=' | b';')).unwrap_or(rest.len());
        let (name, tail) = split(rest, end);
        let Some((b'=', tail)) = tail.split_first() else {
            rest = skip_separators(tail);
            continue;
        };
        let (value, tail) = parameter_value(tail);
        rest = skip_separators(tail);
        if let Some(name) = Token::of(name.trim_ascii()) {
            if list.iter().all(|parameter| parameter.name != name) {
                list.push(Parameter { name, value: value.into() });
            }
        }
    }
    list
}

/// A quoted string, or all up to the next `;`: names of files are often not quoted.
fn parameter_value(octets: &[u8]) -> (Vec<u8>, &[u8]) {
    let trimmed = skip_space(octets);
    if let Some((b'"', tail)) = trimmed.split_first() {
        return quoted(tail);
    }
    let (raw, tail) =
        split(trimmed, trimmed.iter().position(|octet| *octet == b';').unwrap_or(trimmed.len()));
    // A parenthesis inside a word is no comment.
    let comment_at = raw.windows(2).position(|pair| matches!(pair, [b' ' | b'\t', b'(']));
    let (value, _) = split(raw, comment_at.unwrap_or(raw.len()));
    (value.trim_ascii().to_vec(), tail)
}

/// Skips semicolons, white space and comments.
fn skip_separators(octets: &[u8]) -> &[u8] {
    let mut rest = skip_space(octets);
    while let Some((b';', tail)) = rest.split_first() {
        rest = skip_space(tail);
    }
    rest
}

/// Skips white space and comments.
fn skip_space(octets: &[u8]) -> &[u8] {
    let mut rest = octets.trim_ascii_start();
    while let Some((b'(', tail)) = rest.split_first() {
        rest = comment(tail).1.trim_ascii_start();
    }
    rest
}

/// The token at the front, behind white space, in lower case.
fn first_token(octets: &[u8]) -> Option<Token> {
    let trimmed = octets.trim_ascii_start();
    let (front, _) =
        split(trimmed, trimmed.iter().position(|octet| !is_token(*octet)).unwrap_or(trimmed.len()));
    Token::of(front)
}

fn us_ascii() -> Parameter {
    Parameter { name: Token::known("charset"), value: Bytes::from_static(b"us-ascii") }
}

/// Octets of `transfer-encoding`.
const LONGEST: usize = 17;
const PREFIX: &[u8] = b"Content-";
