//! A command as pieces: octets, secrets, places where a `+` is due, literals whose octets the application writes
//! (RFC 9051 4.3, RFC 7888; RFC 3502 and RFC 4469 for what follows a literal).
//!
//! How a command is written is the codec's matter. Here it is only taken apart, and what holds a password is kept
//! in memory that is wiped when it has left.

use crate::encode::{self, EncodeContext, Fragment};
use crate::types::{AppendData, AppendOptions, CatenateRun, Command, Tag};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use posthaste_wire::Secret;

/// A piece of a command.
#[derive(Debug)]
pub(crate) enum Piece {
    Bytes(Bytes),
    /// Octets of a password; wiped when they have left.
    Secret(Secret),
    /// A `+` is due before the next one.
    Wait,
    /// The application writes so many octets; the literals of a command are counted.
    Literal {
        index: usize,
        length: u64,
    },
}

/// What follows a literal of APPEND or REPLACE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum More {
    /// Another message (RFC 3502).
    Message(AppendOptions, AppendData),
    /// More parts of the same message (RFC 4469).
    Parts(CatenateRun),
}

/// The pieces of a command.
pub(crate) fn pieces(
    tag: &Tag,
    command: &Command,
    more: &VecDeque<More>,
    context: EncodeContext,
) -> VecDeque<Piece> {
    match command {
        Command::Append(_, data) => upload(encode::command(tag, command, context), data, more, context),
        Command::Replace(_, replace) => {
            upload(encode::command(tag, command, context), &replace.data, more, context)
        }
        Command::Login(_) => encode::command(tag, command, context).into_iter().map(secret_piece).collect(),
        Command::Authenticate(authenticate) => match &authenticate.initial {
            Some(initial) => {
                let start = [tag.as_bytes(), b" AUTHENTICATE ", authenticate.mechanism.as_bytes(), b" "];
                let line = if initial.is_empty() {
                    let [tag, name, mechanism, space] = start;
                    Secret::concat(&[tag, name, mechanism, space, b"=\r\n"])
                } else {
                    sasl_line(&start, initial)
                };
                VecDeque::from([Piece::Secret(line)])
            }
            None => encode::command(tag, command, context).into_iter().map(piece).collect(),
        },
        command => encode::command(tag, command, context).into_iter().map(piece).collect(),
    }
}

/// `start`, the base64 of `data` and a line end, in one piece of memory that never grows.
pub(crate) fn sasl_line(start: &[&[u8]], data: &Secret) -> Secret {
    let Some(length) = base64::encoded_len(data.len(), true) else { return Secret::default() };
    let encoded = Secret::fill(length, |octets| {
        // The room is exactly what is needed.
        STANDARD.encode_slice(data.expose(), octets).unwrap_or_default()
    });
    let mut parts = Vec::from(start);
    parts.extend_from_slice(&[encoded.expose(), b"\r\n"]);
    Secret::concat(&parts)
}

/// The octets of `data`'s first literal, then what follows, one literal after the other.
fn upload(
    head: Vec<Fragment>,
    data: &AppendData,
    more: &VecDeque<More>,
    context: EncodeContext,
) -> VecDeque<Piece> {
    let mut pieces: VecDeque<Piece> = head.into_iter().map(piece).collect();
    let mut before = data.clone();
    let mut literals = 0_usize;
    let mut literal = |pieces: &mut VecDeque<Piece>, data: &AppendData| {
        if let Some(length) = literal_of(data) {
            pieces.push_back(Piece::Literal { index: literals, length });
            literals = literals.saturating_add(1);
        }
    };
    if literal_of(data).is_none() && !more.is_empty() {
        // A message without octets ends the line; here it is not the last one.
        if let Some(Piece::Bytes(last)) = pieces.back_mut() {
            last.truncate(last.len().saturating_sub(2));
        }
    }
    literal(&mut pieces, data);
    for next in more {
        let (fragments, data) = match next {
            More::Message(options, data) => {
                (encode::append::next_message(&before, options, data, context), data.clone())
            }
            More::Parts(run) => (encode::append::next_parts(run, context), AppendData::Catenate(run.clone())),
        };
        pieces.extend(fragments.into_iter().map(piece));
        literal(&mut pieces, &data);
        before = data;
    }
    if literals > 0 || !more.is_empty() {
        pieces.extend(encode::append::end(&before, context).into_iter().map(piece));
    }
    pieces
}

pub(crate) fn literal_of(data: &AppendData) -> Option<u64> {
    match data {
        AppendData::Literal(header) | AppendData::Utf8(header) => Some(header.len),
        AppendData::Catenate(run) => run.text.map(|header| header.len),
    }
}

fn piece(fragment: Fragment) -> Piece {
    match fragment {
        Fragment::Bytes(bytes) => Piece::Bytes(bytes),
        Fragment::SyncPoint => Piece::Wait,
    }
}

/// The fragments share memory. Those in front of the last are copied and given up one by one, so that the last, which
/// holds the password, takes over all of it.
fn secret_piece(fragment: Fragment) -> Piece {
    match fragment {
        Fragment::Bytes(bytes) => Piece::Secret(Secret::new(Vec::from(bytes))),
        Fragment::SyncPoint => Piece::Wait,
    }
}
