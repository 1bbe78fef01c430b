//! Values to lines, CR LF included. Pure functions; what they are given cannot hold a line end.

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, BytesMut};
use core::fmt::Write;
use posthaste_wire::Secret;

use crate::{Announced, Capability, Command, Reply, Retention, Scope, Utf8Names};

/// Appends a command.
pub fn command(command: &Command, out: &mut BytesMut) {
    out.put_slice(command.verb().as_str().as_bytes());
    match command {
        Command::User(name) => word(name.as_str().as_bytes(), out),
        Command::Pass(password) => word(password.secret().expose(), out),
        Command::Apop { name, digest } => {
            word(name.as_str().as_bytes(), out);
            word(digest.secret().expose(), out);
        }
        Command::Auth { mechanism, initial } => {
            word(mechanism.as_str().as_bytes(), out);
            match initial {
                Some(initial) if initial.is_empty() => word(b"=", out),
                Some(initial) => {
                    out.put_u8(b' ');
                    base64(initial, out);
                }
                None => {}
            }
        }
        Command::List(Some(number))
        | Command::Uidl(Some(number))
        | Command::Retr(number)
        | Command::Dele(number) => append(out, format_args!(" {number}")),
        Command::Top { number, lines } => append(out, format_args!(" {number} {lines}")),
        Command::Lang(Some(range)) => word(range.as_str().as_bytes(), out),
        Command::Capa
        | Command::Stls
        | Command::Utf8
        | Command::Lang(None)
        | Command::Stat
        | Command::List(None)
        | Command::Uidl(None)
        | Command::Noop
        | Command::Rset
        | Command::Quit => {}
    }
    out.put_slice(b"\r\n");
}

/// Appends the first line of an answer.
pub fn reply(reply: &Reply, out: &mut BytesMut) {
    out.put_slice(reply.status.as_bytes());
    if let Some(code) = &reply.code {
        append(out, format_args!(" [{}]", code.as_str()));
    }
    if !reply.text.is_empty() {
        word(&reply.text, out);
    }
    out.put_slice(b"\r\n");
}

/// A command as a secret: of PASS, APOP and AUTH no copy stays in memory when it has left.
pub fn secret_command(command: &Command) -> Secret {
    let verb = command.verb().as_str().as_bytes();
    match command {
        Command::Pass(password) => Secret::concat(&[verb, b" ", password.secret().expose(), b"\r\n"]),
        Command::Apop { name, digest } => {
            Secret::concat(&[verb, b" ", name.as_str().as_bytes(), b" ", digest.secret().expose(), b"\r\n"])
        }
        Command::Auth { mechanism, initial: Some(initial) } => {
            let mechanism = mechanism.as_str().as_bytes();
            if initial.is_empty() {
                Secret::concat(&[verb, b" ", mechanism, b" =\r\n"])
            } else {
                Secret::concat(&[verb, b" ", mechanism, b" ", secret_base64(initial).expose(), b"\r\n"])
            }
        }
        other => {
            let mut line = BytesMut::new();
            self::command(other, &mut line);
            Secret::from(line.as_ref())
        }
    }
}

/// A SASL response as a line of its own, as a secret.
pub fn response(response: &Secret) -> Secret {
    Secret::concat(&[secret_base64(response).expose(), b"\r\n"])
}

/// Appends a line of the answer to CAPA, without the octets that it cannot hold.
pub fn capability(capability: &Capability, out: &mut BytesMut) {
    fn announced<T>(tag: &str, announced: &Announced<T>, value: impl core::fmt::Display, out: &mut BytesMut) {
        append(out, format_args!("{tag} {value}"));
        if announced.scope == Scope::DependsOnUser {
            append(out, format_args!(" USER"));
        }
    }
    match capability {
        Capability::Top => out.put_slice(b"TOP"),
        Capability::User => out.put_slice(b"USER"),
        Capability::Sasl(mechanisms) => {
            out.put_slice(b"SASL");
            for mechanism in mechanisms {
                word(mechanism.as_str().as_bytes(), out);
            }
        }
        Capability::RespCodes => out.put_slice(b"RESP-CODES"),
        Capability::LoginDelay(delay) => announced("LOGIN-DELAY", delay, delay.value.as_secs(), out),
        Capability::Pipelining => out.put_slice(b"PIPELINING"),
        Capability::Expire(expire) => match expire.value {
            Retention::Days(days) => announced("EXPIRE", expire, days, out),
            Retention::Forever => announced("EXPIRE", expire, "NEVER", out),
        },
        Capability::Uidl => out.put_slice(b"UIDL"),
        Capability::Implementation(text) => {
            out.put_slice(b"IMPLEMENTATION ");
            clean(text, out);
        }
        Capability::Stls => out.put_slice(b"STLS"),
        Capability::AuthRespCode => out.put_slice(b"AUTH-RESP-CODE"),
        Capability::Utf8(Utf8Names::Refused) => out.put_slice(b"UTF8"),
        Capability::Utf8(Utf8Names::Taken) => out.put_slice(b"UTF8 USER"),
        Capability::Lang => out.put_slice(b"LANG"),
        Capability::Other(line) => clean(line, out),
    }
    out.put_slice(b"\r\n");
}

/// Appends octets in base64, without a line end.
pub fn base64(octets: &Secret, out: &mut BytesMut) {
    out.put_slice(secret_base64(octets).expose());
}

fn secret_base64(octets: &Secret) -> Secret {
    let length = octets.len().div_ceil(3).saturating_mul(4);
    Secret::fill(length, |place| STANDARD.encode_slice(octets.expose(), place).unwrap_or_default())
}

/// Appends a number.
pub(crate) fn decimal(mut number: u64, out: &mut BytesMut) {
    // The last digit first, into the end of a place for the greatest there is.
    let mut digits = [b'0'; 20];
    let mut used = 0_usize;
    for place in digits.iter_mut().rev() {
        let digit = u8::try_from(number % 10).unwrap_or_default();
        *place = b'0'.wrapping_add(digit);
        used = used.saturating_add(1);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.put_slice(digits.get(digits.len().saturating_sub(used)..).unwrap_or_default());
}

/// Appends formatted text.
pub(crate) fn append(out: &mut BytesMut, text: core::fmt::Arguments<'_>) {
    // Writing into memory that grows does not fail.
    let _ = out.write_fmt(text);
}

/// Appends configured text, without the octets that a line cannot hold.
pub(crate) fn clean(text: &str, out: &mut BytesMut) {
    out.extend(text.bytes().filter(|octet| *octet == b' ' || octet.is_ascii_graphic()).take(TEXT_MAX));
}

/// Appends configured text in UTF-8, without what a line cannot hold.
pub(crate) fn clean_utf8(text: &str, out: &mut BytesMut) {
    let fits = |(at, _): &(usize, char)| *at < TEXT_MAX;
    for (_, character) in text.char_indices().filter(|(_, it)| !it.is_control()).take_while(fits) {
        out.put_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Octets of a text, so that with status, code and an APOP timestamp the line stays within 512 (RFC 2449 4).
const TEXT_MAX: usize = 240;

fn word(octets: &[u8], out: &mut BytesMut) {
    out.put_u8(b' ');
    out.put_slice(octets);
}
