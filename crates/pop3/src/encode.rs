//! Values to lines, CR LF included. Pure functions; what they are given cannot hold a line end.

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, BytesMut};
use core::fmt::Write;
use posthaste_wire::Secret;

use crate::{Command, Reply, Status};

/// Appends a command.
pub fn command(command: &Command, out: &mut BytesMut) {
    out.put_slice(command.verb().as_str().as_bytes());
    match command {
        Command::User(name) => word(name.as_str().as_bytes(), out),
        Command::Pass(password) => word(password.secret().expose(), out),
        Command::Apop { name, digest } => {
            word(name.as_str().as_bytes(), out);
            word(digest.expose(), out);
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
        Command::Capa
        | Command::Stls
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
    out.put_slice(match reply.status {
        Status::Ok => b"+OK",
        Status::Err => b"-ERR",
    });
    if let Some(code) = &reply.code {
        append(out, format_args!(" [{}]", code.as_str()));
    }
    if !reply.text.is_empty() {
        word(&reply.text, out);
    }
    out.put_slice(b"\r\n");
}

/// Appends octets in base64, without a line end.
pub fn base64(octets: &Secret, out: &mut BytesMut) {
    let mut text = alloc::vec![0; octets.len().div_ceil(3).saturating_mul(4)];
    let length = STANDARD.encode_slice(octets.expose(), &mut text).unwrap_or_default();
    let text = Secret::new(text);
    out.put_slice(text.expose().get(..length).unwrap_or_default());
}

/// Appends formatted text.
pub(crate) fn append(out: &mut BytesMut, text: core::fmt::Arguments<'_>) {
    // Writing into memory that grows does not fail.
    let _ = out.write_fmt(text);
}

/// Appends configured text, without the octets that a line cannot hold.
pub(crate) fn clean(text: &str, out: &mut BytesMut) {
    out.extend(text.bytes().filter(|octet| *octet == b' ' || octet.is_ascii_graphic()));
}

fn word(octets: &[u8], out: &mut BytesMut) {
    out.put_u8(b' ');
    out.put_slice(octets);
}
