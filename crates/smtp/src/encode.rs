//! From types to octets. Nothing here can fail or inject: the types cannot hold what the wire cannot carry.

use alloc::string::{String, ToString};
use core::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, BytesMut};

use crate::parse::octet::{ATEXT, is};
use crate::types::is_utf8;
use crate::{
    AnnouncedLimits, AttributeValue, Attributes, AuthIdentity, BodyType, ByMode, Capability, Command,
    DeliverBy, Hold, LocalPart, MailParameters, Notify, Parameter, RcptParameters, Reply, Ret, RrvsAction,
    Text, ValidSince,
};

/// Appends a command line with its CR LF.
pub(crate) fn command(command: &Command, out: &mut BytesMut) {
    put(out, format_args!("{}\r\n", CommandLine(command)));
}

/// Appends a reply, each line with the code and the enhanced status, and CR LF (RFC 5321 4.2.1, RFC 2034 4).
pub(crate) fn reply(reply: &Reply, out: &mut BytesMut) {
    let lines = reply.as_slice();
    let octets = lines.iter().fold(0_usize, |all, line| all.saturating_add(line.len()).saturating_add(18));
    out.reserve(octets);
    let last = lines.len().saturating_sub(1);
    for (index, line) in lines.iter().enumerate() {
        put_number(reply.code(), out);
        out.put_u8(if index == last { b' ' } else { b'-' });
        if let Some(status) = reply.enhanced() {
            put_number(u16::from(status.class()), out);
            out.put_u8(b'.');
            put_number(status.subject(), out);
            out.put_u8(b'.');
            put_number(status.detail(), out);
            out.put_u8(b' ');
        }
        out.put_slice(line.as_bytes());
        out.put_slice(b"\r\n");
    }
}

/// Up to three digits, which is what codes have.
fn put_number(number: u16, out: &mut BytesMut) {
    let digit = |number: u16| u8::try_from(number % 10).unwrap_or_default().saturating_add(b'0');
    if number >= 100 {
        out.put_u8(digit(number / 100));
    }
    if number >= 10 {
        out.put_u8(digit(number / 10));
    }
    out.put_u8(digit(number));
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
        Capability::Chunking => "CHUNKING".into(),
        Capability::BinaryMime => "BINARYMIME".into(),
        Capability::Dsn => "DSN".into(),
        Capability::SmtpUtf8 => "SMTPUTF8".into(),
        Capability::RequireTls => "REQUIRETLS".into(),
        Capability::Limits(limits) => announced_limits(*limits),
        Capability::FutureRelease { seconds_max, until_max } => {
            alloc::format!("FUTURERELEASE {seconds_max} {}", until_max.as_str())
        }
        Capability::DeliverBy(None) => "DELIVERBY".into(),
        Capability::DeliverBy(Some(seconds)) => alloc::format!("DELIVERBY {seconds}"),
        Capability::MtPriority(None) => "MT-PRIORITY".into(),
        Capability::MtPriority(Some(profile)) => alloc::format!("MT-PRIORITY {profile}"),
        Capability::Rrvs => "RRVS".into(),
        Capability::Etrn => "ETRN".into(),
        Capability::Vrfy => "VRFY".into(),
        Capability::Expn => "EXPN".into(),
        Capability::Help => "HELP".into(),
        Capability::Xclient(names) => words("XCLIENT", names),
        Capability::Xforward(names) => words("XFORWARD", names),
        Capability::Unknown(line) => line.clone(),
    }
}

/// `LIMITS limit-name-value *(SP limit-name-value)` (RFC 9422 3).
fn announced_limits(limits: AnnouncedLimits) -> String {
    let named = [
        ("MAILMAX", limits.mail_max),
        ("RCPTMAX", limits.rcpt_max),
        ("RCPTDOMAINMAX", limits.rcpt_domain_max),
    ];
    named.iter().fold("LIMITS".into(), |mut line: String, (name, limit)| {
        if let Some(limit) = limit {
            // Writing to a string does not fail.
            let _ = write!(line, " {name}={limit}");
        }
        line
    })
}

fn words(keyword: &str, names: &[Text]) -> String {
    names.iter().fold(keyword.into(), |mut line: String, name| {
        line.push(' ');
        line.push_str(name.as_str());
        line
    })
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

/// How many octets [`xtext`] writes.
pub(crate) fn xtext_length(text: &str) -> usize {
    let encoded = text.bytes().filter(|octet| matches!(octet, b'+' | b'=' | 0..=b' ' | 0x7F..)).count();
    text.len().saturating_add(encoded.saturating_mul(2))
}

/// `utf-8-addr-xtext` (RFC 6533 3): ASCII on the wire, so that it passes hosts without SMTPUTF8, too.
pub(crate) fn unitext(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, character| {
        if character.is_ascii() && !matches!(character, '+' | '=' | '\\' | '\0'..=' ' | '\x7F') {
            out.push(character);
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "\\x{{{:02X}}}", u32::from(character));
        }
        out
    })
}

/// How many octets [`unitext`] writes.
pub(crate) fn unitext_length(text: &str) -> usize {
    unitext(text).len()
}

fn is_dot_string(text: &str) -> bool {
    let octets = text.as_bytes();
    let dots = octets.first() == Some(&b'.') || octets.last() == Some(&b'.') || text.contains("..");
    !octets.is_empty() && !dots && octets.iter().all(|octet| is(*octet, ATEXT) || *octet == b'.')
}

const fn utf8_keyword(smtp_utf8: bool) -> &'static str {
    if smtp_utf8 { " SMTPUTF8" } else { "" }
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
                rcpt_parameters(parameters, f)
            }
            Command::Data => f.write_str("DATA"),
            Command::Rset => f.write_str("RSET"),
            Command::Noop => f.write_str("NOOP"),
            Command::Quit => f.write_str("QUIT"),
            Command::Vrfy { text, smtp_utf8 } => write!(f, "VRFY {text}{}", utf8_keyword(*smtp_utf8)),
            Command::Expn { text, smtp_utf8 } => write!(f, "EXPN {text}{}", utf8_keyword(*smtp_utf8)),
            Command::Help(None) => f.write_str("HELP"),
            Command::Help(Some(text)) => write!(f, "HELP {text}"),
            Command::Bdat { length, last: false } => write!(f, "BDAT {length}"),
            Command::Bdat { length, last: true } => write!(f, "BDAT {length} LAST"),
            Command::Etrn(node) => write!(f, "ETRN {node}"),
            Command::Xclient(list) => attributes("XCLIENT", list, f),
            Command::Xforward(list) => attributes("XFORWARD", list, f),
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
        Some(BodyType::BinaryMime) => f.write_str(" BODY=BINARYMIME")?,
    }
    match &parameters.auth {
        None => {}
        Some(AuthIdentity::Unknown) => f.write_str(" AUTH=<>")?,
        Some(AuthIdentity::Mailbox(mailbox)) => write!(f, " AUTH={}", xtext(&mailbox.to_string()))?,
    }
    match parameters.ret {
        None => {}
        Some(Ret::Full) => f.write_str(" RET=FULL")?,
        Some(Ret::Hdrs) => f.write_str(" RET=HDRS")?,
    }
    if let Some(envelope_id) = &parameters.envelope_id {
        write!(f, " ENVID={}", xtext(envelope_id.as_str()))?;
    }
    match &parameters.hold {
        None => {}
        Some(Hold::For(seconds)) => write!(f, " HOLDFOR={seconds}")?,
        Some(Hold::Until(time)) => write!(f, " HOLDUNTIL={}", time.as_str())?,
    }
    if let Some(DeliverBy { seconds, mode, trace }) = parameters.deliver_by {
        let mode = match mode {
            ByMode::Notify => 'N',
            ByMode::Return => 'R',
        };
        write!(f, " BY={seconds};{mode}{}", if trace { "T" } else { "" })?;
    }
    if let Some(priority) = parameters.priority {
        write!(f, " MT-PRIORITY={}", priority.get())?;
    }
    if parameters.smtp_utf8 {
        f.write_str(" SMTPUTF8")?;
    }
    if parameters.require_tls {
        f.write_str(" REQUIRETLS")?;
    }
    other_parameters(&parameters.others, f)
}

fn rcpt_parameters(parameters: &RcptParameters, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some(notify) = parameters.notify {
        f.write_str(" NOTIFY=")?;
        let named = [(Notify::SUCCESS, "SUCCESS"), (Notify::FAILURE, "FAILURE"), (Notify::DELAY, "DELAY")];
        let mut mark = "";
        for (_, name) in named.iter().filter(|(which, _)| notify.covers(*which)) {
            write!(f, "{mark}{name}")?;
            mark = ",";
        }
        if notify.is_never() {
            f.write_str("NEVER")?;
        }
    }
    if let Some(original) = &parameters.original {
        let address = original.address();
        let encoded = if is_utf8(original.address_type()) { unitext(address) } else { xtext(address) };
        write!(f, " ORCPT={};{encoded}", original.address_type())?;
    }
    if let Some(ValidSince { since, otherwise }) = &parameters.valid_since {
        write!(f, " RRVS={}", since.as_str())?;
        match otherwise {
            None => {}
            Some(RrvsAction::Continue) => f.write_str(";C")?,
            Some(RrvsAction::Reject) => f.write_str(";R")?,
        }
    }
    other_parameters(&parameters.others, f)
}

fn attributes(verb: &str, attributes: &Attributes, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(verb)?;
    for attribute in attributes.as_slice() {
        write!(f, " {}=", attribute.name())?;
        match attribute.value() {
            AttributeValue::Unavailable => f.write_str("[UNAVAILABLE]")?,
            AttributeValue::TemporarilyUnavailable => f.write_str("[TEMPUNAVAIL]")?,
            // A value is never one of the words above.
            AttributeValue::Known(value) => f.write_str(&xtext(value.as_str()).replace('[', "+5B"))?,
        }
    }
    Ok(())
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
