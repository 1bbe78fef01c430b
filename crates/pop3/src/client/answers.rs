//! How answers are read: what each command's first line means, and what follows it.

use alloc::string::String;

use bytes::Bytes;
use posthaste_wire::{Secret, Security};

use super::body::Body;
use super::machine::{Due, Reading, Stage};
use super::{Challenge, Client, CommandId, Event, LineEnds, Support, Timer, TlsPolicy};
use crate::{Command, ParseError, ProtocolError, Reply, Uidl, Violation, parse};

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
                Reading::Body(body) => return self.body(body),
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
            if !self.events.is_empty() {
                return None;
            }
        }
    }

    fn line(&mut self) -> Option<Bytes> {
        let limits = &self.config.limits;
        // A challenge is as long as its mechanism wants it (RFC 5034 4).
        let is_auth = matches!((self.due.front(), &self.reading), (Some(Due::Auth(..)), Reading::Reply));
        let limit = if is_auth { limits.auth_line_max } else { limits.reply_line_max };
        let line = match self.config.quirks.line_ends {
            LineEnds::CrLf => self.input.line(limit).map_err(|_| ()),
            LineEnds::BareLf => self.loose_line(limit),
        };
        line.unwrap_or_else(|()| {
            self.fail(ProtocolError::MalformedReply);
            None
        })
    }

    /// The next line where an LF ends it.
    fn loose_line(&mut self, limit: usize) -> Result<Option<Bytes>, ()> {
        let waiting = self.input.peek();
        let window = waiting.get(..limit).unwrap_or(waiting);
        let Some(end) = memchr::memchr(b'\n', window) else {
            return if waiting.len() >= limit { Err(()) } else { Ok(None) };
        };
        let mut line = self.input.take(end.saturating_add(1));
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let length = text.strip_suffix(b"\r").unwrap_or(text).len();
        line.truncate(length);
        Ok(Some(line))
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
                self.knows_capa = true;
                self.read_rows(due)
            }
            Due::Capa => self.opened(),
            Due::CapaAfter(id, reply) => Some(Event::Reply { id, reply }),
            Due::Stls => self.stls(&reply),
            Due::User(id, password) if reply.is_ok() => {
                self.send_password(id, password);
                None
            }
            Due::Login(id) | Due::Auth(id, _) if reply.is_ok() => self.logged_in(id, reply),
            Due::User(id, _) | Due::Login(id) | Due::Auth(id, _) => {
                self.logging_in = false;
                Some(Event::Reply { id, reply })
            }
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
        self.greeting.clone().map(|greeting| Event::Ready { greeting })
    }

    fn challenge(
        &mut self,
        id: CommandId,
        initial: Option<Secret>,
        challenge: Result<Secret, ParseError>,
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
        self.logging_in = false;
        if !self.knows_capa {
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
        let tried = if reply.is_ok() { Support::Works } else { Support::Refused };
        match command {
            Command::Uidl(_) if reply.is_ok() => self.uidl_tried = tried,
            // For one message the refusal may be the message's.
            Command::Uidl(None) if self.uidl_tried != Support::Works => self.uidl_tried = tried,
            Command::Top { .. } if reply.is_ok() || self.top_tried != Support::Works => {
                self.top_tried = tried;
            }
            _ => {}
        }
        if !reply.is_ok() {
            return Some(Event::Reply { id, reply });
        }
        match command {
            Command::Stat => Some(match parse::stat(reply.text()) {
                Ok((messages, octets)) => Event::Stat { id, messages, octets },
                Err(_) => Event::Reply { id, reply },
            }),
            // Some servers leave the number out.
            Command::Uidl(Some(number)) if Uidl::from_octets(reply.text()).is_ok() => {
                self.reading = Reading::Ended(Event::ListEnd { id });
                Uidl::from_octets(reply.text()).ok().map(|uidl| Event::Uidl { id, number, uidl })
            }
            Command::List(Some(_)) | Command::Uidl(Some(_))
                if reply.text().first().is_some_and(u8::is_ascii_digit) =>
            {
                self.one_row(id, &command, &reply)
            }
            // Some servers answer for one message as they do for all.
            Command::List(_) | Command::Uidl(_) | Command::Lang(None) => {
                self.read_rows(Due::Command(id, command))
            }
            Command::Retr(_) | Command::Top { .. } => {
                self.expect_an_answer();
                self.reading = Reading::Body(Body::new(id, self.config.quirks.line_ends));
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
        self.expect_an_answer();
        self.rows = 0;
        self.reading = Reading::Rows(due);
        None
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
        let limit = self.config.limits.rows_max;
        if self.rows >= limit {
            self.fail(ProtocolError::TooManyRows { limit });
            return None;
        }
        self.rows = self.rows.saturating_add(1);
        let text = line.strip_prefix(b".").unwrap_or(line);
        let event = match &due {
            Due::Command(id, Command::Lang(_)) => self.language_row(*id, &line.slice_ref(text)),
            Due::Command(id, command) => self.command_row(*id, command, text),
            _ => {
                if self.capabilities.len() < self.config.limits.capabilities_max {
                    self.capabilities.push(String::from_utf8_lossy(text).into_owned());
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
        Some(row.unwrap_or_else(|error| self.bad_row(error)))
    }

    fn language_row(&mut self, id: CommandId, text: &Bytes) -> Option<Event> {
        let row = parse::language_row(text).map(|(tag, name)| Event::Language { id, tag, name });
        Some(row.unwrap_or_else(|error| self.bad_row(error)))
    }

    fn bad_row(&mut self, error: ParseError) -> Event {
        self.bad_rows = self.bad_rows.saturating_add(1);
        let limit = self.config.limits.violations_max;
        if self.bad_rows >= limit {
            self.fail(ProtocolError::TooManyViolations { limit });
        }
        Event::Violation(Violation::Syntax(error))
    }
}
