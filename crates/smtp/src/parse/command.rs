//! Command lines (RFC 5321 4.1.1), one at a time and without their CR LF. Verbs and keywords in any case.

use core::str;

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nom::bytes::complete::{tag_no_case, take_while, take_while1};
use nom::character::complete::{char, space0};
use nom::combinator::opt;
use nom::sequence::preceded;
use nom::{IResult, Parser};

use super::address::{forward_path, mailbox, reverse_path, whole};
use crate::{
    AuthIdentity, BodyType, ClientName, Command, MailParameters, Mechanism, Parameter, ParseError,
    RcptParameters, Secret, Text,
};

/// Why a line is no command. Each gets a reply code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommandError {
    /// The verb is not known.
    Unknown,
    /// The verb is known and what follows it does not parse.
    Arguments(ParseError),
    /// The argument of MAIL is no reverse-path.
    Sender(ParseError),
    /// The argument of RCPT is no forward-path.
    Recipient(ParseError),
    /// BDAT without a number.
    ChunkLength(ParseError),
}

impl Command {
    /// Reads a command line without its CR LF.
    ///
    /// # Errors
    ///
    /// [`ParseError`], with rule "verb" when the verb is not known.
    pub fn parse(line: &[u8]) -> Result<Self, ParseError> {
        command(line).map_err(|error| match error {
            CommandError::Unknown => ParseError::new("verb", 0),
            CommandError::Arguments(error) | CommandError::Sender(error) | CommandError::Recipient(error) | CommandError::ChunkLength(error) => {
                error
            }
        })
    }

    /// Writes the command line with its CR LF.
    pub fn encode(&self, out: &mut bytes::BytesMut) {
        crate::encode::command(self, out);
    }
}

/// Reads a command line.
pub(crate) fn command(line: &[u8]) -> Result<Command, CommandError> {
    let end = line.iter().position(|octet| *octet == b' ').unwrap_or(line.len());
    let (verb, rest) = line.split_at_checked(end).unwrap_or((line, &[]));
    // White space before the end of the line is tolerated (RFC 5321 4.1.1).
    let arguments = rest.trim_ascii();
    let mut upper = [0_u8; 8];
    // No verb has more than eight letters.
    let Some(upper) = upper.get_mut(..verb.len()) else { return Err(CommandError::Unknown) };
    upper.copy_from_slice(verb);
    upper.make_ascii_uppercase();
    match &*upper {
        b"HELO" => Ok(Command::Helo(client_name(arguments)?)),
        b"EHLO" => Ok(Command::Ehlo(client_name(arguments)?)),
        b"LHLO" => Ok(Command::Lhlo(client_name(arguments)?)),
        b"MAIL" => mail(arguments),
        b"RCPT" => rcpt(arguments),
        b"DATA" => bare(arguments, Command::Data),
        b"BDAT" => bdat(arguments),
        b"ETRN" => Ok(Command::Etrn(text(arguments)?)),
        b"RSET" => bare(arguments, Command::Rset),
        b"NOOP" => Ok(Command::Noop),
        b"QUIT" => bare(arguments, Command::Quit),
        b"VRFY" => Ok(Command::Vrfy(text(arguments)?)),
        b"EXPN" => Ok(Command::Expn(text(arguments)?)),
        b"HELP" if arguments.is_empty() => Ok(Command::Help(None)),
        b"HELP" => Ok(Command::Help(Some(text(arguments)?))),
        b"STARTTLS" => bare(arguments, Command::StartTls),
        b"AUTH" => auth(arguments),
        _ => Err(CommandError::Unknown),
    }
}

/// Reads what is in base64 (RFC 4954 4): canonical, padded.
pub(crate) fn base64(text: &[u8]) -> Option<Secret> {
    STANDARD.decode(text).ok().map(Secret::new)
}

fn bare(arguments: &[u8], command: Command) -> Result<Command, CommandError> {
    if arguments.is_empty() { Ok(command) } else { Err(arguments_error("end of line")) }
}

fn bdat(arguments: &[u8]) -> Result<Command, CommandError> {
    let bad = CommandError::ChunkLength(ParseError::new("chunk-size", 0));
    let text = str::from_utf8(arguments).map_err(|_| bad)?;
    let (digits, rest) = text.split_once(' ').unwrap_or((text, ""));
    if digits.is_empty() || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(bad);
    }
    let last = match rest {
        "" => false,
        word if word.eq_ignore_ascii_case("LAST") => true,
        _ => return Err(bad),
    };
    Ok(Command::Bdat { length: digits.parse().unwrap_or(u64::MAX), last })
}

fn client_name(arguments: &[u8]) -> Result<ClientName, CommandError> {
    ascii(arguments)?.parse().map_err(CommandError::Arguments)
}

fn text(arguments: &[u8]) -> Result<Text, CommandError> {
    if arguments.is_empty() {
        return Err(arguments_error("text"));
    }
    ascii(arguments)?.parse().map_err(CommandError::Arguments)
}

fn auth(arguments: &[u8]) -> Result<Command, CommandError> {
    let mut words = arguments.split(|octet| *octet == b' ').filter(|word| !word.is_empty());
    let mechanism: Mechanism =
        ascii(words.next().unwrap_or_default())?.parse().map_err(CommandError::Arguments)?;
    let initial = match words.next() {
        None => None,
        Some(b"=") => Some(Secret::default()),
        Some(word) => Some(base64(word).ok_or_else(|| arguments_error("base64"))?),
    };
    match words.next() {
        None => Ok(Command::Auth { mechanism, initial }),
        Some(_) => Err(arguments_error("end of line")),
    }
}

fn mail(arguments: &[u8]) -> Result<Command, CommandError> {
    let (path, rest) = path_of(arguments, "FROM:", "reverse-path")?;
    let from = whole(reverse_path, path, "reverse-path").map_err(CommandError::Sender)?;
    let mut parameters = MailParameters::default();
    for parameter in esmtp_parameters(rest)? {
        match parameter.keyword() {
            "SIZE" => parameters.size = Some(size(&parameter)?),
            "BODY" => parameters.body = Some(body_type(&parameter)?),
            "AUTH" => parameters.auth = Some(auth_identity(&parameter)?),
            _ => parameters.others.push(parameter),
        }
    }
    Ok(Command::Mail { from, parameters })
}

fn rcpt(arguments: &[u8]) -> Result<Command, CommandError> {
    let (path, rest) = path_of(arguments, "TO:", "forward-path")?;
    let to = whole(forward_path, path, "forward-path").map_err(CommandError::Recipient)?;
    let parameters = RcptParameters { others: esmtp_parameters(rest)?, ..RcptParameters::default() };
    Ok(Command::Rcpt { to, parameters })
}

/// Takes the keyword off and cuts the path from the parameters. A path may hold spaces in quotes.
fn path_of<'a>(
    arguments: &'a [u8],
    keyword: &'static str,
    rule: &'static str,
) -> Result<(&'a [u8], &'a [u8]), CommandError> {
    let start: IResult<&[u8], &[u8]> = preceded(tag_no_case(keyword), space0).parse(arguments);
    let Ok((rest, _)) = start else { return Err(arguments_error(rule)) };
    let (mut quoted, mut escaped) = (false, false);
    let end = rest.iter().position(|octet| {
        let ends = !quoted && *octet == b' ';
        quoted ^= *octet == b'"' && !escaped;
        escaped = quoted && *octet == b'\\' && !escaped;
        ends
    });
    Ok(rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[])))
}

/// `Mail-parameters = esmtp-param *(SP esmtp-param)`; no keyword twice.
fn esmtp_parameters(input: &[u8]) -> Result<Vec<Parameter>, CommandError> {
    let mut parameters: Vec<Parameter> = Vec::new();
    for word in input.split(|octet| *octet == b' ').filter(|word| !word.is_empty()) {
        let parameter = whole(esmtp_parameter, word, "parameter").map_err(CommandError::Arguments)?;
        if parameters.len() >= PARAMETERS_MAX {
            return Err(arguments_error("number of parameters"));
        }
        if parameters.iter().any(|other| other.keyword() == parameter.keyword()) {
            return Err(arguments_error("parameter that occurs once"));
        }
        parameters.push(parameter);
    }
    Ok(parameters)
}

/// `esmtp-param = esmtp-keyword ["=" esmtp-value]`.
fn esmtp_parameter(input: &[u8]) -> IResult<&[u8], Parameter> {
    let keyword = take_while1(|octet: u8| octet.is_ascii_alphanumeric() || octet == b'-');
    let value = preceded(char('='), take_while(|octet| matches!(octet, b'!'..=b'~')));
    nom::combinator::map_opt((keyword, opt(value)), |(keyword, value)| {
        let value = value.map(str::from_utf8).transpose().ok()?;
        Parameter::new(str::from_utf8(keyword).ok()?, value).ok()
    })
    .parse(input)
}

/// `size-value = 1*20DIGIT` (RFC 1870 4). What does not fit 64 bits is larger than any limit.
fn size(parameter: &Parameter) -> Result<u64, CommandError> {
    let digits = parameter.value().unwrap_or_default();
    if digits.is_empty() || digits.len() > 20 || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(arguments_error("size-value"));
    }
    Ok(digits.parse().unwrap_or(u64::MAX))
}

fn body_type(parameter: &Parameter) -> Result<BodyType, CommandError> {
    match parameter.value() {
        Some(value) if value.eq_ignore_ascii_case("7BIT") => Ok(BodyType::SevenBit),
        Some(value) if value.eq_ignore_ascii_case("8BITMIME") => Ok(BodyType::EightBitMime),
        Some(value) if value.eq_ignore_ascii_case("BINARYMIME") => Ok(BodyType::BinaryMime),
        _ => Err(arguments_error("body-value")),
    }
}

fn auth_identity(parameter: &Parameter) -> Result<AuthIdentity, CommandError> {
    let value = xtext(parameter.value().unwrap_or_default()).ok_or_else(|| arguments_error("xtext"))?;
    if value == "<>" {
        return Ok(AuthIdentity::Unknown);
    }
    whole(mailbox, value.as_bytes(), "mailbox").map(AuthIdentity::Mailbox).map_err(CommandError::Arguments)
}

/// `xtext = *( xchar / hexchar )`, `hexchar = "+" 2(%x30-39 / %x41-46)` (RFC 3461 4).
fn xtext(text: &str) -> Option<String> {
    let mut octets = text.bytes();
    let mut out = String::new();
    while let Some(octet) = octets.next() {
        let octet = match octet {
            b'+' => hex(octets.next()?)?.checked_mul(16)?.checked_add(hex(octets.next()?)?)?,
            octet => octet,
        };
        // A control character in disguise is refused, too.
        out.push(matches!(octet, b' '..=b'~').then_some(char::from(octet))?);
    }
    Some(out)
}

fn hex(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => octet.checked_sub(b'0'),
        b'A'..=b'F' => octet.checked_sub(b'A')?.checked_add(10),
        _ => None,
    }
}

fn ascii(text: &[u8]) -> Result<&str, CommandError> {
    str::from_utf8(text)
        .map_err(|error| CommandError::Arguments(ParseError::new("text", error.valid_up_to())))
}

const fn arguments_error(rule: &'static str) -> CommandError {
    CommandError::Arguments(ParseError::new(rule, 0))
}

/// More parameters than any client has use for.
const PARAMETERS_MAX: usize = 32;
