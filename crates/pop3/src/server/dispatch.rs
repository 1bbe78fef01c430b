//! What a line is and who answers it (RFC 1939 5 to 7).

use posthaste_wire::{Secret, has_bare_line_end};

use super::listing::Listing;
use super::machine::Phase;
use super::maildrop::Marked;
use super::{Event, Quit, Retr, Server, Text, Timer, Top, Utf8Offer};
use crate::session::State;
use crate::{Command, MessageNumber, ParseError, ProtocolError, Status, UserName, Violation, encode, parse};

impl Server {
    pub(super) fn handle_line(&mut self, line: &Secret) -> Option<Event> {
        if self.state == State::Transaction {
            self.progress = false;
            self.timers.arm(Timer::Command, self.now, self.config.limits.command_timeout);
        }
        if matches!(self.phase, Phase::Response(_)) {
            return self.handle_response(line.expose());
        }
        let user = self.user.take();
        if has_bare_line_end(line.expose()) {
            let error = ParseError { rule: "CR LF", offset: 0 };
            self.violate(error.into(), Text::BareLineEnd);
            return None;
        }
        match parse::command(line.expose()) {
            Ok(command) => {
                self.understood = true;
                self.handle_command(command, user)
            }
            Err(_) if !self.understood && is_http(line.expose()) => {
                self.err(Text::Http);
                self.fail(ProtocolError::Http);
                None
            }
            Err(error) => {
                self.violate(error.into(), Text::Malformed);
                None
            }
        }
    }

    fn handle_command(&mut self, command: Command, user: Option<UserName>) -> Option<Event> {
        let verb = command.verb();
        if !self.state.allows(verb) {
            self.violate(Violation::OutOfOrder { verb, state: self.state }, Text::OutOfOrder);
            return None;
        }
        if !self.is_junk(&command) {
            self.junk_commands = 0;
        } else if self.is_too_much_junk() {
            return None;
        }
        match command {
            Command::User(name) => self.user(name),
            Command::Pass(password) => return self.pass(user, password),
            Command::Apop { name, digest } => return self.apop(name, digest),
            Command::Auth { mechanism, initial } => return self.auth(mechanism, initial),
            Command::Stls => return self.stls(),
            Command::Utf8 => self.utf8(),
            Command::Lang(None) => self.list_languages(),
            Command::Lang(Some(range)) => self.change_language(&range),
            Command::Capa => self.capa(),
            Command::Quit => return self.quit(),
            Command::Noop => self.say_with(Status::Ok, |_| None),
            Command::Stat => {
                let (count, octets) = self.count();
                self.say_with(Status::Ok, |out| {
                    encode::append(out, format_args!(" {count} {octets}"));
                    None
                });
            }
            Command::Rset => {
                if let Some(maildrop) = &mut self.maildrop {
                    maildrop.reset();
                }
                self.say_count();
            }
            Command::Dele(number) => {
                let marked = self.maildrop.as_mut().is_some_and(|maildrop| maildrop.delete(number));
                if marked { self.ok(Text::Marked) } else { self.err(Text::NoSuchMessage) }
            }
            Command::List(None) => self.list(Listing::sizes()),
            Command::Uidl(None) => self.list(Listing::ids()),
            Command::List(Some(number)) => self.list_one(number, Listing::sizes()),
            Command::Uidl(Some(number)) => self.list_one(number, Listing::ids()),
            Command::Retr(number) => match self.size(number) {
                Some(size) => return Some(Event::Retr(Retr { ticket: self.tickets.issue(), number, size })),
                None => self.err(Text::NoSuchMessage),
            },
            Command::Top { number, lines } => match self.size(number) {
                Some(_) => return Some(Event::Top(Top { ticket: self.tickets.issue(), number, lines })),
                None => self.err(Text::NoSuchMessage),
            },
        }
        None
    }

    /// Whether a command brings no message closer to the client. One of these now and then keeps a session alive.
    fn is_junk(&self, command: &Command) -> bool {
        match command {
            Command::Noop
            | Command::Rset
            | Command::Capa
            | Command::Stat
            | Command::Lang(_)
            | Command::Utf8
            | Command::User(_)
            | Command::Auth { .. }
            | Command::Stls => true,
            Command::List(Some(number))
            | Command::Uidl(Some(number))
            | Command::Retr(number)
            | Command::Top { number, .. }
            | Command::Dele(number) => self.size(*number).is_none(),
            Command::Pass(_)
            | Command::Apop { .. }
            | Command::List(None)
            | Command::Uidl(None)
            | Command::Quit => false,
        }
    }

    fn is_too_much_junk(&mut self) -> bool {
        let limit = self.config.limits.junk_commands_max;
        if self.junk_commands >= limit {
            self.err(Text::TooManyErrors);
            self.fail(ProtocolError::TooManyJunkCommands { limit });
            return true;
        }
        self.junk_commands = self.junk_commands.saturating_add(1);
        false
    }

    pub(super) fn size(&self, number: MessageNumber) -> Option<u64> {
        Some(self.maildrop.as_ref()?.message(number)?.size)
    }

    pub(super) fn count(&self) -> (usize, u64) {
        self.maildrop.as_ref().map(Marked::count).unwrap_or_default()
    }

    /// `+OK` and how many messages there are.
    pub(super) fn say_count(&mut self) {
        let (count, _) = self.count();
        self.say_with(Status::Ok, |out| {
            encode::append(out, format_args!(" {count}"));
            Some(Text::Messages)
        });
    }

    fn utf8(&mut self) {
        if self.config.utf8 == Utf8Offer::Absent {
            let violation = Violation::NotOffered { verb: crate::Verb::Utf8 };
            self.violate(violation, Text::Utf8NotOffered);
            return;
        }
        self.utf8 = true;
        self.ok(Text::Utf8Enabled);
    }

    fn quit(&mut self) -> Option<Event> {
        self.state = self.state.quit();
        match &self.maildrop {
            Some(maildrop) => {
                let deleted = maildrop.marked();
                Some(Event::Quit(Quit { ticket: self.tickets.issue(), deleted }))
            }
            None => {
                self.ok(Text::Bye);
                self.close();
                None
            }
        }
    }
}

/// Whether a line is the first of a request of HTTP (RFC 9110 9): somebody makes a browser talk to this port.
fn is_http(line: &[u8]) -> bool {
    let method = line.split(|octet| *octet == b' ').next().unwrap_or_default();
    let methods: [&[u8]; 9] =
        [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"];
    method.len() < line.len() && methods.contains(&method)
}
