//! What a connection tells about itself: events of `tracing`, figures of `metrics`, and a log of what is said.
//!
//! Decides the names, and what of a conversation may be shown. What a line is, what is secret and what is a message is
//! not guessed here: the machine keeps that record ([`Machine::take_record`]). Of secrets there is never more than the
//! command they belong to; messages are counted; and what a client sends that is no command is counted too, since
//! credentials that came at the wrong moment look like that.

use std::time::Duration;

use posthaste_wire::{Direction, Machine, Passage, is_credential_verb, verb_of};
use tokio::time::Instant;
use tracing::{Level, Span};

use crate::{Error, Role, Stream};

/// The observer of one connection.
pub(crate) struct Observer {
    span: Span,
    log: Option<Box<Log>>,
    since: Instant,
    is_server: bool,
    closed: bool,
}

/// What a log of a conversation is given to: one line of it at a time, without its end.
type Sink = Box<dyn FnMut(Direction, &str) + Send + Sync>;

struct Log {
    sink: Sink,
    /// Text whose line end is still to come.
    begun: [Vec<u8>; 2],
    is_server: bool,
}

impl Observer {
    pub(crate) fn new(stream: &Stream, role: &Role) -> Self {
        let span = tracing::debug_span!(
            target: TARGET,
            "connection",
            peer = stream.peer_addr().map(tracing::field::display),
            local = stream.local_addr().map(tracing::field::display),
            security = ?stream.security(),
        );
        let is_server = matches!(role, Role::Server { .. });
        let since = Instant::now();
        let mut observer = Self { span, log: None, since, is_server, closed: false };
        tracing::debug!(target: TARGET, parent: &observer.span, role = observer.role(), "opened");
        count_opened(observer.role());
        if tracing::enabled!(target: WIRE_TARGET, Level::TRACE) {
            let span = observer.span.clone();
            observer.log_to(Box::new(move |direction, line| {
                tracing::trace!(target: WIRE_TARGET, parent: &span, ?direction, line, "wire");
            }));
        }
        observer
    }

    pub(crate) fn log_to(&mut self, sink: Sink) {
        let is_server = self.is_server;
        self.log = Some(Box::new(Log { sink, begun: [Vec::new(), Vec::new()], is_server }));
    }

    /// Whether the machine is to keep a record.
    pub(crate) const fn is_logging(&self) -> bool {
        self.log.is_some()
    }

    /// Shows what has passed the machine.
    pub(crate) fn log<M: Machine>(&mut self, machine: &mut M) {
        let Some(log) = &mut self.log else { return };
        for direction in [Direction::In, Direction::Out] {
            while let Some(passage) = machine.take_record(direction) {
                log.passage(direction, passage);
            }
        }
    }

    /// A new layer is in place.
    pub(crate) fn upgraded(&self, layer: posthaste_wire::Layer, stream: &Stream) {
        self.span.record("security", tracing::field::debug(stream.security()));
        tracing::debug!(target: TARGET, parent: &self.span, ?layer, "upgraded");
    }

    /// A deadline has passed.
    pub(crate) fn timeout(&self, which: &'static str) {
        tracing::debug!(target: TARGET, parent: &self.span, which, "timeout");
        count_timeout(which);
    }

    /// The connection is over. Told once.
    pub(crate) fn closed(&mut self, received: u64, sent: u64, why: &'static str) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        let after = self.since.elapsed();
        tracing::debug!(target: TARGET, parent: &self.span, received, sent, why, ?after, "closed");
        count_closed(self.role(), why, received, sent, after);
    }

    const fn role(&self) -> &'static str {
        if self.is_server { "server" } else { "client" }
    }
}

impl Log {
    fn passage(&mut self, direction: Direction, passage: Passage) {
        match passage {
            Passage::Text(text) => self.text(direction, &text),
            Passage::Secret { verb, octets } => {
                self.end_line(direction);
                (self.sink)(direction, &hidden(verb, octets));
            }
            Passage::Body(octets) => {
                self.end_line(direction);
                (self.sink)(direction, &format!("[{octets} octets of content]"));
            }
        }
    }

    fn text(&mut self, direction: Direction, text: &[u8]) {
        for piece in text.split_inclusive(|octet| *octet == b'\n') {
            self.begun_in(direction).extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.end_line(direction);
            }
        }
    }

    /// Shows the line that has begun.
    fn end_line(&mut self, direction: Direction) {
        let line = std::mem::take(self.begun_in(direction));
        if line.is_empty() {
            return;
        }
        let text = line.strip_suffix(b"\r\n").unwrap_or(&line);
        let is_command = self.is_server == (direction == Direction::In);
        let shown = if is_command { command(text, direction) } else { answer(text) };
        (self.sink)(direction, &shown);
    }

    const fn begun_in(&mut self, direction: Direction) -> &mut Vec<u8> {
        let [into, out] = &mut self.begun;
        match direction {
            Direction::In => into,
            Direction::Out => out,
        }
    }
}

/// A line from the client.
fn command(line: &[u8], direction: Direction) -> String {
    match verb_of(line, true) {
        Some(verb) if is_credential_verb(verb) => hidden(Some(verb), line.len()),
        // A peer's line that is no command may be a credential that came too late or too early.
        None if direction == Direction::In => hidden(None, line.len()),
        _ => escaped(line),
    }
}

/// A line from the server. What follows a plus may be a challenge, and what a server calls bad it repeats the first
/// word of.
fn answer(line: &[u8]) -> String {
    let mut words = line.splitn(3, |octet| *octet == b' ');
    if let (Some(tag), Some(b"BAD"), text) = (words.next(), words.next(), words.next()) {
        if tag != b"*" {
            return format!("[tag] BAD {}", escaped(text.unwrap_or_default()));
        }
    }
    match line.strip_prefix(b"+ ") {
        Some(rest) if !rest.is_empty() => hidden(Some("+"), line.len()),
        _ => escaped(line),
    }
}

fn hidden(verb: Option<&str>, octets: usize) -> String {
    match verb {
        Some(verb) => format!("{verb} [{octets} octets in all]"),
        None => format!("[{octets} octets]"),
    }
}

fn escaped(line: &[u8]) -> String {
    match line.get(..SHOWN_MAX) {
        Some(front) => format!("{} [{} octets in all]", front.escape_ascii(), line.len()),
        None => line.escape_ascii().to_string(),
    }
}

/// What became of a connection, in one word.
pub(crate) const fn why<E: std::error::Error>(verdict: Option<&Error<E>>) -> &'static str {
    match verdict {
        None => "done",
        Some(Error::Protocol(_)) => "protocol",
        Some(Error::Io(_)) => "io",
        Some(Error::WriteTimeout(_)) => "write_timeout",
        Some(Error::Handshake(_)) => "handshake",
        Some(Error::HandshakeTimeout(_)) => "handshake_timeout",
        Some(Error::Inflated(_)) => "inflated",
        Some(Error::NoLayer(_)) => "no_layer",
        Some(Error::TokenOut | Error::Misuse(_)) => "misuse",
    }
}

#[cfg(feature = "metrics")]
fn count_opened(role: &'static str) {
    metrics::counter!("posthaste_connections_opened_total", "role" => role).increment(1);
    metrics::gauge!("posthaste_connections_open", "role" => role).increment(1.0);
}

#[cfg(not(feature = "metrics"))]
const fn count_opened(_: &'static str) {}

#[cfg(feature = "metrics")]
fn count_timeout(which: &'static str) {
    metrics::counter!("posthaste_timeouts_total", "which" => which).increment(1);
}

#[cfg(not(feature = "metrics"))]
const fn count_timeout(_: &'static str) {}

#[cfg(feature = "metrics")]
fn count_closed(role: &'static str, why: &'static str, received: u64, sent: u64, after: Duration) {
    metrics::counter!("posthaste_connections_closed_total", "role" => role, "why" => why).increment(1);
    metrics::gauge!("posthaste_connections_open", "role" => role).decrement(1.0);
    metrics::counter!("posthaste_octets_total", "role" => role, "direction" => "in").increment(received);
    metrics::counter!("posthaste_octets_total", "role" => role, "direction" => "out").increment(sent);
    metrics::histogram!("posthaste_connection_seconds", "role" => role).record(after.as_secs_f64());
}

#[cfg(not(feature = "metrics"))]
const fn count_closed(_: &'static str, _: &'static str, _: u64, _: u64, _: Duration) {}

/// The target of what is told about connections.
const TARGET: &str = "posthaste";

/// The target of what is said on them.
const WIRE_TARGET: &str = "posthaste::wire";

/// So much of a line is shown.
const SHOWN_MAX: usize = 512;
