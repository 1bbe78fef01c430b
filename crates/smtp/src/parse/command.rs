//! Command lines (RFC 5321 4.1.1), one at a time and without their CR LF. Verbs and keywords in any case.
//!
//! White space before the end of a line is tolerated (RFC 5321 4.1.1), as is more than one space between words.
//! What else deviates is understood only where a quirk says so, and reported. Everything that is kept of the line
//! is a slice of it; what a command is mostly made of, its name, text or path, takes the line over instead.

use core::ops::Range;
use core::str;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nom::IResult;

use super::address::{
    MailboxPart, PathText, bare_forward_path, bare_reverse_path, forward_path, reverse_path,
};
use super::options::{mail_parameters, rcpt_parameters};
use super::word;
use crate::types::octets::place;
use crate::{
    Attribute, Attributes, ClientName, Command, ForwardPath, MailParameters, Mechanism, ParseError, Quirk,
    Quirks, RcptParameters, ReversePath, Secret, Text,
};

/// A command, and what had to be put up with to understand it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// The command.
    pub(crate) command: Command,
    /// The quirks that were needed.
    pub(crate) used: Quirks,
}

/// Why a line is no command. Each gets a reply code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommandError {
    /// The verb is not known: 500 5.5.1.
    Unknown,
    /// The verb is known and what follows it does not parse: 501 5.5.4.
    Arguments(ParseError),
    /// The argument of MAIL is no reverse-path: 501 5.1.7.
    Sender(ParseError),
    /// The argument of RCPT is no forward-path: 501 5.1.3.
    Recipient(ParseError),
    /// The arguments of BDAT do not parse: 501 5.5.4. How many octets follow is not known, so what follows must
    /// not be read as commands (RFC 3030 4.2).
    Bdat(ParseError),
}

impl From<CommandError> for ParseError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Unknown => Self::new("verb", 0),
            CommandError::Arguments(error)
            | CommandError::Sender(error)
            | CommandError::Recipient(error)
            | CommandError::Bdat(error) => error,
        }
    }
}

impl Command {
    /// Reads a command line without its CR LF, by the letter of the grammar ([`Quirks::STRICT`]).
    ///
    /// Texts in the command are parts of `line`, which becomes [`Bytes`] only where there are any: who keeps one for
    /// long copies it with its `compact`.
    ///
    /// # Errors
    ///
    /// [`ParseError`], with rule "verb" when the verb is not known.
    pub fn parse(line: impl AsRef<[u8]> + Into<Bytes>) -> Result<Self, ParseError> {
        let mut used = Quirks::STRICT;
        read(line, Quirks::STRICT, &mut used)
    }

    /// Reads a command line without its CR LF, with deviations that are put up with; the second of the result are
    /// those that were needed.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_with(
        line: impl AsRef<[u8]> + Into<Bytes>,
        quirks: Quirks,
    ) -> Result<(Self, Quirks), ParseError> {
        let mut used = Quirks::STRICT;
        let command = read::<ParseError, _>(line, quirks, &mut used)?;
        Ok((command, used))
    }

    /// Writes the command line with its CR LF.
    pub fn encode(&self, out: &mut bytes::BytesMut) {
        crate::encode::command(self, out);
    }
}

/// Reads a command line.
pub(crate) fn command(line: impl AsRef<[u8]> + Into<Bytes>, quirks: Quirks) -> Result<Parsed, CommandError> {
    let mut used = Quirks::STRICT;
    read(line, quirks, &mut used).map(|command| Parsed { command, used })
}

/// Reads a command line. A command is large, so it is made where it stays and not wrapped on the way; a share of the
/// line costs as much as reading a short one, so it is taken last, and only by what has texts.
fn read<E, L>(line: L, quirks: Quirks, used: &mut Quirks) -> Result<Command, E>
where
    E: From<CommandError>,
    L: AsRef<[u8]> + Into<Bytes>,
{
    let (verb, rest) = split_word(line.as_ref());
    let arguments = Arguments { line: line.as_ref(), rest: trim(rest) };
    let verb = word::word(verb);
    Ok(match verb {
        word::DATA => arguments.none().map(|()| Command::Data)?,
        word::BDAT => {
            let (length, last) = arguments.bdat()?;
            Command::Bdat { length, last }
        }
        word::RSET => arguments.none().map(|()| Command::Rset)?,
        word::NOOP => Command::Noop,
        word::QUIT => arguments.none().map(|()| Command::Quit)?,
        word::STARTTLS => arguments.none().map(|()| Command::StartTls)?,
        word::AUTH => return Ok(auth(line.as_ref())?),
        word::HELP if arguments.rest.is_empty() => Command::Help(None),
        _ => {
            let rest = place(line.as_ref(), arguments.rest);
            return with_texts(verb, line.into(), rest, (quirks, used));
        }
    })
}

/// Reads a command that keeps texts of its line; `rest` is what follows the verb.
fn with_texts<E: From<CommandError>>(
    verb: u128,
    line: Bytes,
    rest: Range<usize>,
    quirks: (Quirks, &mut Quirks),
) -> Result<Command, E> {
    let arguments = Arguments { line: &line, rest: line.get(rest).unwrap_or_default() };
    Ok(match verb {
        word::MAIL => {
            let mut parameters = MailParameters::default();
            let from = arguments.mail(&line, quirks, &mut parameters)?;
            match from {
                Some(mailbox) => Command::Mail { from: ReversePath::Mailbox(mailbox.cut(line)), parameters },
                None => Command::Mail { from: ReversePath::Null, parameters },
            }
        }
        word::RCPT => {
            let mut parameters = RcptParameters::default();
            let to = arguments.rcpt(&line, quirks, &mut parameters)?;
            match to {
                Some(mailbox) => Command::Rcpt { to: ForwardPath::Mailbox(mailbox.cut(line)), parameters },
                None => Command::Rcpt { to: ForwardPath::Postmaster, parameters },
            }
        }
        word::EHLO => {
            let name = arguments.client_name()?;
            Command::Ehlo(ClientName::cut(line, name))
        }
        word::HELO => {
            let name = arguments.client_name()?;
            Command::Helo(ClientName::cut(line, name))
        }
        word::LHLO => {
            let name = arguments.client_name()?;
            Command::Lhlo(ClientName::cut(line, name))
        }
        word::VRFY => {
            let (text, smtp_utf8) = arguments.name()?;
            Command::Vrfy { text: Text::cut(line, text), smtp_utf8 }
        }
        word::EXPN => {
            let (text, smtp_utf8) = arguments.name()?;
            Command::Expn { text: Text::cut(line, text), smtp_utf8 }
        }
        word::HELP => {
            let text = arguments.text(arguments.rest)?;
            Command::Help(Some(Text::cut(line, text)))
        }
        word::ETRN => {
            let node = arguments.node()?;
            Command::Etrn(Text::cut(line, node))
        }
        word::XCLIENT => Command::Xclient(arguments.attributes(&line)?),
        word::XFORWARD => Command::Xforward(arguments.attributes(&line)?),
        _ => return Err(CommandError::Unknown.into()),
    })
}

/// Reads an AUTH command from a line that may hold a secret: nothing of the result shares its octets.
pub(crate) fn auth(line: &[u8]) -> Result<Command, CommandError> {
    let broken = |rule, at: &[u8]| CommandError::Arguments(ParseError::new(rule, offset(line, at)));
    let (verb, rest) = split_word(line);
    if !verb.eq_ignore_ascii_case(b"AUTH") {
        return Err(CommandError::Unknown);
    }
    let (mechanism, rest) = split_word(trim(rest));
    let name = str::from_utf8(mechanism).ok().and_then(|name| name.parse::<Mechanism>().ok());
    let name = name.ok_or_else(|| broken("mechanism", mechanism))?;
    let initial = match trim(rest) {
        b"" => None,
        b"=" => Some(Secret::default()),
        word => Some(base64(word).ok_or_else(|| broken("base64", word))?),
    };
    Ok(Command::Auth { mechanism: name, initial })
}

/// Reads what is in base64 (RFC 4954 4): canonical, padded.
pub(crate) fn base64(text: &[u8]) -> Option<Secret> {
    STANDARD.decode(text).ok().map(Secret::new)
}

/// What follows the verb.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a> {
    pub(super) line: &'a [u8],
    pub(super) rest: &'a [u8],
}

impl Arguments<'_> {
    fn none(self) -> Result<(), CommandError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.broken("end of line", self.rest)) }
    }

    /// Where the name stands in the line.
    fn client_name(self) -> Result<Range<usize>, CommandError> {
        ClientName::legal(self.rest).map_err(|error| self.inner(error, self.rest))?;
        Ok(place(self.line, self.rest))
    }

    /// Where `text`, a part of the line, stands in it.
    fn text(self, text: &[u8]) -> Result<Range<usize>, CommandError> {
        if text.is_empty() {
            return Err(self.broken("text", text));
        }
        Text::octets_are_legal(text).map_err(|error| self.inner(error, text))?;
        Ok(place(self.line, text))
    }

    /// `String [ SP "SMTPUTF8" ]` (RFC 6531 3.7.4.2).
    fn name(self) -> Result<(Range<usize>, bool), CommandError> {
        let keyword = b" SMTPUTF8";
        let split = self.rest.len().checked_sub(keyword.len()).and_then(|at| self.rest.split_at_checked(at));
        match split {
            Some((text, end)) if end.eq_ignore_ascii_case(keyword) => Ok((self.text(trim(text))?, true)),
            _ => Ok((self.text(self.rest)?, false)),
        }
    }

    /// `ETRN node` (RFC 1985 5): one word.
    fn node(self) -> Result<Range<usize>, CommandError> {
        match split_word(self.rest) {
            (node, b"") => self.text(node),
            (_, rest) => Err(self.broken("end of line", rest)),
        }
    }

    /// `BDAT SP chunk-size [ SP "LAST" ]` (RFC 3030 2).
    fn bdat(self) -> Result<(u64, bool), CommandError> {
        let (length, rest) = leading_number(self.rest)
            .filter(|(_, rest)| matches!(rest.first(), None | Some(b' ')))
            .ok_or_else(|| CommandError::Bdat(ParseError::new("chunk-size", offset(self.line, self.rest))))?;
        match trim_start(rest) {
            b"" => Ok((length, false)),
            word if word::word(word) == word::LAST => Ok((length, true)),
            word => Err(CommandError::Bdat(ParseError::new("LAST", offset(self.line, word)))),
        }
    }

    /// `1*( SP attribute-name "=" xtext )`.
    fn attributes(self, line: &Bytes) -> Result<Attributes, CommandError> {
        let mut all = alloc::vec::Vec::new();
        for word in self.rest.split(|octet| *octet == b' ').filter(|word| !word.is_empty()) {
            let parts = str::from_utf8(word).ok().and_then(|word| word.split_once('='));
            let (name, value) = parts.ok_or_else(|| self.broken("attribute", word))?;
            all.push(Attribute::read(line, name, value).map_err(|error| self.inner(error, word))?);
            if all.len() > ATTRIBUTES_MAX {
                return Err(self.broken("number of attributes", word));
            }
        }
        Attributes::new(all).map_err(|error| self.inner(error, self.rest))
    }

    /// `"FROM:" Reverse-path [ SP Mail-parameters ]`.
    fn mail(
        self,
        line: &Bytes,
        quirks: (Quirks, &mut Quirks),
        parameters: &mut MailParameters,
    ) -> Result<Option<MailboxPart>, CommandError> {
        let rest = self.keyword(5, word::FROM).ok_or_else(|| self.broken("FROM:", self.rest))?;
        let (rest, path) = self
            .path(rest, quirks, "reverse-path", reverse_path, bare_reverse_path)
            .map_err(CommandError::Sender)?;
        mail_parameters(line, Arguments { rest, ..self }, parameters)?;
        Ok(path.map(|mailbox| mailbox.part_of(self.line)))
    }

    /// `"TO:" Forward-path [ SP Rcpt-parameters ]`.
    fn rcpt(
        self,
        line: &Bytes,
        quirks: (Quirks, &mut Quirks),
        parameters: &mut RcptParameters,
    ) -> Result<Option<MailboxPart>, CommandError> {
        let rest = self.keyword(3, word::TO).ok_or_else(|| self.broken("TO:", self.rest))?;
        let (rest, path) = self
            .path(rest, quirks, "forward-path", forward_path, bare_forward_path)
            .map_err(CommandError::Recipient)?;
        rcpt_parameters(line, Arguments { rest, ..self }, parameters)?;
        Ok(path.map(|mailbox| mailbox.part_of(self.line)))
    }

    /// What follows the keyword.
    fn keyword(&self, octets: usize, keyword: u128) -> Option<&[u8]> {
        let (start, rest) = self.rest.split_at_checked(octets)?;
        (word::word(start) == keyword).then_some(rest)
    }

    /// A path up to the space or the end behind it.
    fn path<'a>(
        self,
        input: &'a [u8],
        (quirks, used): (Quirks, &mut Quirks),
        name: &'static str,
        rule: impl Fn(&'a [u8]) -> IResult<&'a [u8], PathText<'a>>,
        bare: impl Fn(&'a [u8]) -> IResult<&'a [u8], PathText<'a>>,
    ) -> Result<(&'a [u8], PathText<'a>), ParseError> {
        let broken = |at: &[u8]| ParseError::new(name, offset(self.line, at));
        let start = trim_start(input);
        if start.len() != input.len() {
            if !quirks.has(Quirk::SpaceBehindColon) {
                return Err(broken(input));
            }
            *used = used.with(Quirk::SpaceBehindColon);
        }
        let parsed = if start.first() == Some(&b'<') {
            rule(start)
        } else if quirks.has(Quirk::MissingBrackets) {
            *used = used.with(Quirk::MissingBrackets);
            bare(start)
        } else {
            return Err(broken(start));
        };
        match parsed {
            Ok((rest, path)) if matches!(rest.first(), None | Some(b' ')) => Ok((rest, path)),
            Ok((rest, _)) => Err(broken(rest)),
            Err(nom::Err::Error(error) | nom::Err::Failure(error)) => Err(broken(error.input)),
            Err(nom::Err::Incomplete(_)) => Err(broken(start)),
        }
    }

    /// The rule that was broken at `at`.
    pub(super) fn broken(&self, rule: &'static str, at: &[u8]) -> CommandError {
        CommandError::Arguments(ParseError::new(rule, offset(self.line, at)))
    }

    /// An error inside the part `of`, as one of the line.
    pub(super) fn inner(&self, error: ParseError, of: &[u8]) -> CommandError {
        let at = offset(self.line, of).saturating_add(error.offset).min(self.line.len());
        CommandError::Arguments(ParseError::new(error.rule, at))
    }
}

/// `1*DIGIT`; what does not fit is larger than any limit.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    leading_number(digits).filter(|(_, rest)| rest.is_empty()).map(|(number, _)| number)
}

/// `1*DIGIT` and what follows it.
fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    // Up to here all numbers fit; to look at each step whether they do takes longer than the rest of BDAT.
    let fits = text.len() <= 19;
    let (mut number, mut rest) = (0_u64, text);
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        let digit = u64::from(digit.wrapping_sub(b'0'));
        number = if fits {
            number.wrapping_mul(10).wrapping_add(digit)
        } else {
            number.saturating_mul(10).saturating_add(digit)
        };
        rest = behind;
    }
    (rest.len() < text.len()).then_some((number, rest))
}

/// Up to the first space, and from it on.
fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|octet| *octet == b' ').unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, &[]))
}

/// Without spaces before, and without spaces and tabs behind.
fn trim(text: &[u8]) -> &[u8] {
    let mut text = trim_start(text);
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] = text {
        text = rest;
    }
    text
}

/// Where `part` starts in `line`.
fn offset(line: &[u8], part: &[u8]) -> usize {
    place(line, part).start
}

/// More attributes than Postfix knows.
const ATTRIBUTES_MAX: usize = 32;
