//! From types to octets. Nothing here can fail or inject: the types cannot hold what the wire cannot carry.

use alloc::string::{String, ToString};
use core::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;

use crate::parse::address::is_atext;
use crate::{AuthIdentity, BodyType, Capability, Command, LocalPart, MailParameters, Parameter, Reply};

/// Appends a command line with its CR LF.
pub(crate) fn command(command: &Command, out: &mut BytesMut) {
    put(out, format_args!("{}\r\n", CommandLine(command)));
}

/// Appends a reply, each line with the code and the enhanced status, and CR LF (RFC 5321 4.2.1, RFC 2034 4).
pub(crate) fn reply(reply: &Reply, out: &mut BytesMut) {
    let status = reply.enhanced().map(|enhanced| enhanced.to_string());
    let mut lines = reply.lines().iter().peekable();
    while let Some(line) = lines.next() {
        let mark = if lines.peek().is_some() { '-' } else { ' ' };
        put(out, format_args!("{}{mark}", reply.code()));
        if let Some(status) = &status {
            put(out, format_args!("{status} "));
        }
        put(out, format_args!("{line}\r\n"));
    }
}

/// One line of the reply to EHLO.
pub(crate) fn capability(capability: &Capability) -> String {
    match capability {
        Capability::Size(None) => "SIZE".into(),
        Capability::Size(Some(max)) => alloc::format!("SIZE {max}"),
        Capability::Pipelining => "PIPELINING".into(),
        Capability::EightBitMime => "8BITMIME".into(),
        Capability::EnhancedStatusCodes => "ENHANCEDSTATUSCODES".into(),
        Capability::StartTls => "STARTTLS".into(),
        Capability::Auth(mechanisms) => {
            mechanisms.iter().fold("AUTH".into(), |mut line: String, mechanism| {
                line.push(' ');
                line.push_str(mechanism.as_str());
                line
            })
        }
        Capability::Unknown(line) => line.clone(),
    }
}

/// The local part, in quotes where it needs them.
pub(crate) fn local_part(local_part: &LocalPart, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = local_part.as_str();
    if is_dot_string(text) {
        return f.write_str(text);
    }
    f.write_char('"')?;
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(character)?;
    }
    f.write_char('"')
}

/// How many octets [`local_part`] writes for `text`.
pub(crate) fn quoted_length(text: &str) -> usize {
    if is_dot_string(text) {
        return text.len();
    }
    let escaped = text.bytes().filter(|octet| matches!(octet, b'"' | b'\\')).count();
    text.len().saturating_add(escaped).saturating_add(2)
}

/// `xtext` (RFC 3461 4): for values whose octets a parameter cannot carry as they are.
pub(crate) fn xtext(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, octet| {
        match octet {
            b'+' | b'=' | 0..=b' ' | 0x7F.. => {
                // Writing to a string does not fail.
                let _ = write!(out, "+{octet:02X}");
            }
            _ => out.push(char::from(octet)),
        }
        out
    })
}

fn is_dot_string(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

/// A command line without its CR LF.
struct CommandLine<'a>(&'a Command);

impl fmt::Display for CommandLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Command::Helo(name) => write!(f, "HELO {name}"),
            Command::Ehlo(name) => write!(f, "EHLO {name}"),
            Command::Lhlo(name) => write!(f, "LHLO {name}"),
            Command::Mail { from, parameters } => {
                write!(f, "MAIL FROM:{from}")?;
                mail_parameters(parameters, f)
            }
            Command::Rcpt { to, parameters } => {
                write!(f, "RCPT TO:{to}")?;
                other_parameters(&parameters.others, f)
            }
            Command::Data => f.write_str("DATA"),
            Command::Rset => f.write_str("RSET"),
            Command::Noop => f.write_str("NOOP"),
            Command::Quit => f.write_str("QUIT"),
            Command::Vrfy(text) => write!(f, "VRFY {text}"),
            Command::Expn(text) => write!(f, "EXPN {text}"),
            Command::Help(None) => f.write_str("HELP"),
            Command::Help(Some(text)) => write!(f, "HELP {text}"),
            Command::StartTls => f.write_str("STARTTLS"),
            Command::Auth { mechanism, initial: None } => write!(f, "AUTH {mechanism}"),
            Command::Auth { mechanism, initial: Some(initial) } if initial.is_empty() => {
                write!(f, "AUTH {mechanism} =")
            }
            Command::Auth { mechanism, initial: Some(initial) } => {
                write!(f, "AUTH {mechanism} {}", STANDARD.encode(initial.expose()))
            }
        }
    }
}

fn mail_parameters(parameters: &MailParameters, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some(size) = parameters.size {
        write!(f, " SIZE={size}")?;
    }
    match parameters.body {
        None => {}
        Some(BodyType::SevenBit) => f.write_str(" BODY=7BIT")?,
        Some(BodyType::EightBitMime) => f.write_str(" BODY=8BITMIME")?,
    }
    match &parameters.auth {
        None => {}
        Some(AuthIdentity::Unknown) => f.write_str(" AUTH=<>")?,
        Some(AuthIdentity::Mailbox(mailbox)) => write!(f, " AUTH={}", xtext(&mailbox.to_string()))?,
    }
    other_parameters(&parameters.others, f)
}

fn other_parameters(others: &[Parameter], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for parameter in others {
        match parameter.value() {
            Some(value) => write!(f, " {}={value}", parameter.keyword())?,
            None => write!(f, " {}", parameter.keyword())?,
        }
    }
    Ok(())
}

fn put(out: &mut BytesMut, text: fmt::Arguments<'_>) {
    // `BytesMut` grows; writing to it does not fail.
    let _ = out.write_fmt(text);
}
