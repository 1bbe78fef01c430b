//! How answers are read: what each command's first line means, and what follows it.

use alloc::string::String;

use bytes::Bytes;
use posthaste_wire::{DotDecoder, Security};

use super::{Challenge, Client, CommandId, Due, Event, Reading, Stage, Timer, TlsPolicy};
use crate::{Command, ParseError, ProtocolError, Reply, Violation, parse};

impl Client {
    /// Reads on until there is something to tell or nothing more to read.
    pub(super) fn read(&mut self) -> Option<Event> {
        loop {
            let event = match core::mem::replace(&mut self.reading, Reading::Reply) {
                Reading::Reply => {
                    let line = self.line()?;
                    self.first_line(&line)
                }
                Reading::Rows(due) => {
                    let Some(line) = self.line() else {
                        self.reading = Reading::Rows(due);
                        return None;
                    };
                    self.row(due, &line)
                }
                Reading::Body { id, dots, length } => return self.body(id, dots, length),
                Reading::Ended(event) => {
                    if self.due.is_empty() {
                        self.timers.disarm(Timer::Reply);
                    }
                    Some(event)
                }
            };
            if event.is_some() || self.end.is_some() || self.stage == Stage::Tls {
                return event;
            }
            self.send_what_may_be_sent();
        }
    }

    fn line(&mut self) -> Option<Bytes> {
        match self.input.line(self.config.limits.reply_line_max) {
            Ok(line) => line,
            Err(_) => {
                self.fail(ProtocolError::MalformedReply);
                None
            }
        }
    }

    /// The first line of the answer that is due.
    fn first_line(&mut self, line: &Bytes) -> Option<Event> {
        let Some(due) = self.due.pop_front() else {
            self.fail(ProtocolError::Unsolicited);
            return None;
        };
        if self.due.is_empty() {
            self.timers.disarm(Timer::Reply);
        }
        let due = match due {
            Due::Auth(id, initial) => match parse::challenge(line) {
                Some(challenge) => return self.challenge(id, initial, challenge),
                None => Due::Auth(id, initial),
            },
            due => due,
        };
        let Ok(reply) = parse::reply(line) else {
            self.fail(ProtocolError::MalformedReply);
            return None;
        };
        match due {
            Due::Greeting => self.greeting(reply),
            Due::Capa | Due::CapaAfter(..) if reply.is_ok() => {
                self.capabilities = crate::Capabilities::default();
                self.read_rows(due)
            }
            Due::Capa => self.opened(),
            Due::CapaAfter(id, reply) => Some(Event::Reply { id, reply }),
            Due::Stls => self.stls(&reply),
            Due::User(id, password) if reply.is_ok() => {
                self.send(&Command::Pass(password), Due::Pass(id));
                None
            }
            Due::Pass(id) | Due::Auth(id, _) if reply.is_ok() => self.logged_in(id, reply),
            Due::User(id, _) | Due::Pass(id) | Due::Auth(id, _) => Some(Event::Reply { id, reply }),
            Due::Command(id, command) => self.answer(id, command, reply),
        }
    }

    fn greeting(&mut self, reply: Reply) -> Option<Event> {
        if !reply.is_ok() {
            self.close();
            return Some(Event::Unavailable { greeting: reply });
        }
        self.greeting = Some(reply);
        self.send(&Command::Capa, Due::Capa);
        None
    }

    /// Capabilities are known, or it is known that they cannot be: TLS first, then the application.
    fn opened(&mut self) -> Option<Event> {
        let wants_tls = match self.config.tls {
            TlsPolicy::Off => false,
            TlsPolicy::Opportunistic | TlsPolicy::Required => !self.security.is_private(),
        };
        if wants_tls && self.capabilities.has("STLS") {
            self.send(&Command::Stls, Due::Stls);
            return None;
        }
        self.ready()
    }

    fn stls(&mut self, reply: &Reply) -> Option<Event> {
        if !reply.is_ok() {
            return self.ready();
        }
        // What came in behind the answer is found, and fatal, when the layer is to change.
        self.stage = Stage::Tls;
        self.timers.disarm_all();
        None
    }

    fn ready(&mut self) -> Option<Event> {
        if self.config.tls == TlsPolicy::Required && !Security::is_private(self.security) {
            self.fail(ProtocolError::TlsRequired);
            return None;
        }
        self.stage = Stage::Ready;
        self.greeting.take().map(|greeting| Event::Ready { greeting })
    }

    fn challenge(
        &mut self,
        id: CommandId,
        initial: Option<posthaste_wire::Secret>,
        challenge: Result<posthaste_wire::Secret, ParseError>,
    ) -> Option<Event> {
        self.due.push_front(Due::Auth(id, None));
        match (challenge, initial) {
            (Ok(challenge), Some(initial)) if challenge.is_empty() => {
                self.say_response(Some(&initial));
                self.arm();
                None
            }
            // Where the response was to be asked for, something else is: the mechanism's business.
            (Ok(challenge), _) => {
                Some(Event::Challenge(Challenge { ticket: self.tickets.issue(), id, challenge }))
            }
            (Err(error), _) => {
                // RFC 5034 4: what cannot be decoded is cancelled.
                self.say_response(None);
                self.arm();
                Some(Event::Violation(error.into()))
            }
        }
    }

    /// The login's answer is told when the capabilities behind it are known: they may be others than before.
    fn logged_in(&mut self, id: CommandId, reply: Reply) -> Option<Event> {
        self.state = self.state.logged_in();
        if self.capabilities.is_empty() {
            return Some(Event::Reply { id, reply });
        }
        self.send(&Command::Capa, Due::CapaAfter(id, reply));
        None
    }

    /// The answer to a command of the application.
    fn answer(&mut self, id: CommandId, command: Command, reply: Reply) -> Option<Event> {
        if command == Command::Quit {
            self.close();
            return Some(Event::Reply { id, reply });
        }
        if !reply.is_ok() {
            return Some(Event::Reply { id, reply });
        }
        match command {
            Command::Stat => Some(match parse::stat(reply.text()) {
                Ok((messages, octets)) => Event::Stat { id, messages, octets },
                Err(_) => Event::Reply { id, reply },
            }),
            Command::List(Some(_)) | Command::Uidl(Some(_))
                if reply.text().first().is_some_and(u8::is_ascii_digit) =>
            {
                self.one_row(id, &command, &reply)
            }
            // Some servers answer for one message as they do for all.
            Command::List(_) | Command::Uidl(_) => self.read_rows(Due::Command(id, command)),
            Command::Retr(_) | Command::Top { .. } => {
                self.wait_for_more();
                self.reading = Reading::Body { id, dots: DotDecoder::new(), length: 0 };
                None
            }
            _ => Some(Event::Reply { id, reply }),
        }
    }

    /// The row stands in the answer; the end of the list follows as an event of its own.
    fn one_row(&mut self, id: CommandId, command: &Command, reply: &Reply) -> Option<Event> {
        let event = self.command_row(id, command, reply.text());
        self.reading = Reading::Ended(Event::ListEnd { id });
        event
    }

    fn read_rows(&mut self, due: Due) -> Option<Event> {
        self.wait_for_more();
        self.reading = Reading::Rows(due);
        None
    }

    fn wait_for_more(&mut self) {
        if self.timers.deadline(Timer::Reply).is_none() {
            self.arm();
            self.armed_blindly = true;
        }
    }

    fn row(&mut self, due: Due, line: &Bytes) -> Option<Event> {
        if line.as_ref() == b"." {
            if self.due.is_empty() {
                self.timers.disarm(Timer::Reply);
            }
            return match due {
                Due::Capa => self.opened(),
                Due::CapaAfter(id, reply) => Some(Event::Reply { id, reply }),
                Due::Command(id, _) => Some(Event::ListEnd { id }),
                _ => None,
            };
        }
        let text = if line.first() == Some(&b'.') { line.slice(1..) } else { line.clone() };
        let event = match &due {
            Due::Command(id, command) => self.command_row(*id, command, &text),
            _ => {
                if self.capabilities.len() < self.config.limits.capabilities_max {
                    self.capabilities.push(String::from_utf8_lossy(&text).into_owned());
                }
                None
            }
        };
        self.reading = Reading::Rows(due);
        event
    }

    fn command_row(&mut self, id: CommandId, command: &Command, text: &[u8]) -> Option<Event> {
        let row = match command {
            Command::List(_) => {
                parse::size_row(text).map(|(number, octets)| Event::Size { id, number, octets })
            }
            _ => parse::uidl_row(text).map(|(number, uidl)| Event::Uidl { id, number, uidl }),
        };
        Some(row.unwrap_or_else(|error| {
            self.bad_rows = self.bad_rows.saturating_add(1);
            let limit = self.config.limits.violations_max;
            if self.bad_rows >= limit {
                self.fail(ProtocolError::TooManyViolations { limit });
            }
            Event::Violation(Violation::Syntax(error))
        }))
    }

    fn body(&mut self, id: CommandId, mut dots: DotDecoder, length: u64) -> Option<Event> {
        let (chunk, end) = dots.read(&mut self.input);
        let length = length.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        let limit = self.config.limits.body_max;
        if length > limit {
            self.fail(ProtocolError::BodyTooLong { limit });
            return None;
        }
        if !end {
            self.reading = Reading::Body { id, dots, length };
            return if chunk.is_empty() { None } else { Some(Event::Body { id, chunk }) };
        }
        self.reading = Reading::Ended(Event::BodyEnd { id });
        if chunk.is_empty() { self.read() } else { Some(Event::Body { id, chunk }) }
    }
}
