//! What a line of the client leads to: a question to the application, an answer of the machine's own, or a violation.
//! The rules of order are in `session`; what MAIL and RCPT may hold is in `transaction`.

use alloc::string::ToString;
use alloc::vec::Vec;

use posthaste_wire::{Line, LineTooLong, has_bare_line_end};

use super::chunk::Refused;
use super::extensions::Switch;
use super::inquiry::cannot_verify;
use super::token::Source;
use super::{
    AuthPrivacy, BodyAborted, Data, Etrn, Event, Expn, Hello, HelloVerb, Mode, Server, StartTls, TlsOffer,
    Vrfy,
};
use crate::parse::command::{CommandError, Parsed, auth, command};
use crate::session::{AuthTerms, Refusal, Terms, Tls};
use crate::{Capability, ClientName, Command, ProtocolError, Quirks, Rejection, Reply, Text, Violation};

impl Server {
    /// Reads a command line. Whether there was one.
    pub(super) fn command(&mut self) -> bool {
        let is_auth = self.receive.peek().get(..5).is_some_and(|verb| verb.eq_ignore_ascii_case(b"AUTH "));
        let read = if is_auth { self.auth_command() } else { self.plain_command() };
        match read {
            Ok(read) => read,
            Err(LineTooLong { limit }) => {
                self.arm();
                let reply = if is_auth {
                    // RFC 4954 4
                    Reply::fixed(500, (5, 5, 6), "Authentication exchange line is too long")
                } else {
                    Reply::fixed(500, (5, 5, 2), "Line too long")
                };
                self.violation(Violation::LineTooLong { limit }, &reply);
                true
            }
        }
    }

    /// A line that may hold credentials is wiped when it is done with.
    fn auth_command(&mut self) -> Result<bool, LineTooLong> {
        let Some(line) = self.receive.secret_command(self.config.limits.auth_line_max)? else {
            return Ok(false);
        };
        self.arm();
        let line = line.expose();
        if has_bare_line_end(line) {
            self.bare_line_end();
        } else {
            match auth(line) {
                Ok(command) => self.dispatch(command),
                Err(error) => self.unparsed(error),
            }
        }
        Ok(true)
    }

    fn plain_command(&mut self) -> Result<bool, LineTooLong> {
        let max = self.config.limits.command_line_max;
        let Some(line) = self.receive.line_ref(max)? else { return Ok(false) };
        let read = read(line, self.fresh, self.config.quirks);
        self.arm();
        match read {
            Err(Unread::BareLineEnd) => self.bare_line_end(),
            Err(Unread::Http) => {
                let farewell = Reply::fixed(421, (4, 7, 0), "This is a mail server");
                self.fail(ProtocolError::ForeignProtocol, Some(&farewell));
            }
            Ok(Parsed { command, used }) => {
                self.events.extend(used.iter().map(Event::Repaired));
                self.dispatch(command);
            }
            Err(Unread::Broken(error)) => self.unparsed(error),
        }
        Ok(true)
    }

    fn dispatch(&mut self, command: Command) {
        self.fresh = false;
        if let Err(refusal) = self.session.permits(&command, self.terms()) {
            self.refuse(refusal, &command);
            return;
        }
        match command {
            Command::Helo(name) => self.hello(&name, HelloVerb::Helo),
            Command::Ehlo(name) => self.hello(&name, HelloVerb::Ehlo),
            Command::Lhlo(name) => self.hello(&name, HelloVerb::Lhlo),
            Command::Mail { from, parameters } => self.mail(from, parameters),
            Command::Rcpt { to, parameters } => self.rcpt(to, parameters),
            Command::Data => self.data(),
            Command::Bdat { length, last } => self.bdat(length, last),
            Command::Rset => {
                if self.junk(&ok()) {
                    self.drop_transaction(BodyAborted::Reset);
                }
            }
            Command::Noop => drop(self.junk(&ok())),
            Command::Help(_) => drop(self.junk(&Reply::fixed(214, (2, 0, 0), "See RFC 5321"))),
            Command::Quit => {
                self.put(&Reply::fixed(221, (2, 0, 0), "Bye"));
                self.close();
            }
            Command::Vrfy { text, smtp_utf8 } => self.vrfy(text, smtp_utf8),
            Command::Expn { text, smtp_utf8 } => self.expn(text, smtp_utf8),
            Command::Etrn(node) => self.etrn(node),
            Command::StartTls if !self.receive.is_empty() => self.fail_residue(),
            Command::StartTls => {
                let ticket = self.issue();
                self.events.push_back(Event::StartTls(StartTls { ticket }));
            }
            Command::Auth { mechanism, initial } => self.auth(mechanism, initial),
            Command::Xclient(attributes) => self.xclient(attributes),
            Command::Xforward(attributes) => self.xforward(attributes),
        }
    }

    fn hello(&mut self, name: &ClientName, verb: HelloVerb) {
        // To say it again is legal, and leads nowhere.
        if self.session.is_named() && !self.spare_junk() {
            return;
        }
        let extended = verb != HelloVerb::Helo;
        self.drop_transaction(BodyAborted::Reset);
        self.session.hello(extended);
        let mut lines = Vec::from([self.config.host.to_string()]);
        if extended {
            lines.extend(self.capabilities().iter().map(crate::encode::capability));
        }
        self.put(&Reply::plain(250, lines));
        self.events.push_back(Event::Hello(Hello { name: name.compact(), verb }));
    }

    fn capabilities(&self) -> Vec<Capability> {
        let config = &self.config;
        let terms = self.terms();
        let mut list = config.extensions.capabilities(&config.limits, self.security.is_tls());
        if terms.tls == Tls::Startable {
            list.push(Capability::StartTls);
        }
        if terms.auth == AuthTerms::Offered {
            list.push(Capability::Auth(config.mechanisms.clone()));
        }
        if terms.xclient {
            list.push(Capability::Xclient(config.xclient.clone()));
        }
        if terms.xforward {
            list.push(Capability::Xforward(config.xforward.clone()));
        }
        list
    }

    fn data(&mut self) {
        if let Some(transaction) = self.session.take() {
            let ticket = self.issue();
            self.events.push_back(Event::Data(Data { ticket, transaction, source: Source::Text }));
        }
    }

    fn vrfy(&mut self, text: Text, smtp_utf8: bool) {
        if !self.spare_junk() {
            return;
        }
        // Who is here is for those who may send.
        let asks = self.config.extensions.has(Switch::Vrfy)
            && (self.config.mode != Mode::Submission || self.session.is_authenticated());
        if asks {
            let ticket = self.issue();
            self.events.push_back(Event::Vrfy(Vrfy { ticket, text, utf8: smtp_utf8 }));
        } else {
            self.put(&cannot_verify());
        }
    }

    fn expn(&mut self, text: Text, smtp_utf8: bool) {
        if self.spare_junk() {
            let ticket = self.issue();
            self.events.push_back(Event::Expn(Expn { ticket, text, utf8: smtp_utf8 }));
        }
    }

    fn etrn(&mut self, node: Text) {
        if self.spare_junk() {
            let ticket = self.issue();
            self.events.push_back(Event::Etrn(Etrn { ticket, node }));
        }
    }

    fn terms(&self) -> Terms {
        let config = &self.config;
        Terms {
            lmtp: self.is_lmtp(),
            submission: config.mode == Mode::Submission,
            tls: match config.tls {
                _ if self.security.is_tls() => Tls::Active,
                TlsOffer::Absent => Tls::Absent,
                TlsOffer::StartTls => Tls::Startable,
            },
            auth: match config.auth_requires_tls {
                _ if config.mechanisms.is_empty() => AuthTerms::Absent,
                AuthPrivacy::Required if !self.security.is_private() => AuthTerms::NeedsTls,
                AuthPrivacy::Required | AuthPrivacy::NotRequired => AuthTerms::Offered,
            },
            chunking: config.extensions.has(Switch::Chunking),
            expn: config.extensions.has(Switch::Expn),
            etrn: config.extensions.has(Switch::Etrn),
            xclient: !config.xclient.is_empty(),
            xforward: !config.xforward.is_empty(),
        }
    }

    /// Answers a command that is not legal now; BDAT behind its octets.
    fn refuse(&mut self, refusal: Refusal, command: &Command) {
        if matches!(command, Command::Mail { .. }) && refusal != Refusal::OutOfSequence {
            self.excuse_behind(0);
        }
        let (violation, reply) = self.verdict(refusal, command);
        match (command, violation) {
            (Command::Bdat { length, last }, violation) => {
                // RFC 2033 4.3: the last chunk is answered for each recipient, so perhaps not at all.
                let recipients = self.session.recipients_of_chunk().filter(|_| *last && self.is_lmtp());
                let replies = if violation.is_some() { 1 } else { recipients.unwrap_or(1) };
                self.drain(*length, Refused { reply, replies, violation });
            }
            (_, Some(violation)) => self.violation(violation, &reply),
            (_, None) => self.put(&reply),
        }
    }

    /// What is said to a command that is not legal now, and whether it counts.
    fn verdict(&mut self, refusal: Refusal, command: &Command) -> (Option<Violation>, Reply) {
        let sequence = Reply::fixed(503, (5, 5, 1), "Bad sequence of commands");
        match refusal {
            // A client that sends a group cannot know yet that the first of it was refused.
            Refusal::OutOfSequence if self.session.is_excused(command) => (None, sequence),
            Refusal::OutOfSequence => (Some(Violation::OutOfSequence), sequence),
            // Nor that no recipient was accepted (RFC 2920 3.1). RFC 2033 4.2 has a code of its own.
            Refusal::NoRecipients if self.is_lmtp() => {
                (None, Reply::fixed(503, (5, 5, 1), "No valid recipients"))
            }
            Refusal::NoRecipients => (None, Reply::fixed(554, (5, 5, 1), "No valid recipients")),
            Refusal::Unknown => (Some(Violation::UnknownCommand), unknown_command()),
            Refusal::NotImplemented => {
                (Some(Violation::UnknownCommand), Reply::fixed(502, (5, 5, 1), "Command not implemented"))
            }
            Refusal::NotTrusted => {
                (Some(Violation::NotPermitted), Reply::fixed(550, (5, 7, 0), "Insufficient authorization"))
            }
            Refusal::NeedsAuth => {
                (Some(Violation::NotPermitted), Rejection::authentication_required().into_reply())
            }
            Refusal::NeedsTls => (Some(Violation::NotPermitted), needs_tls()),
            Refusal::NeedsEncryption => (
                Some(Violation::NotPermitted),
                Reply::fixed(538, (5, 7, 11), "Encryption required for requested authentication mechanism"),
            ),
        }
    }

    fn unparsed(&mut self, error: CommandError) {
        let (violation, reply) = match error {
            CommandError::Unknown => (Violation::UnknownCommand, unknown_command()),
            CommandError::Arguments(error) => {
                (Violation::Syntax(error), Reply::fixed(501, (5, 5, 4), "Syntax error in parameters"))
            }
            CommandError::Sender(error) => {
                self.excuse_behind(0);
                (Violation::Syntax(error), Reply::fixed(501, (5, 1, 7), "Bad sender address syntax"))
            }
            CommandError::Recipient(error) => {
                (Violation::Syntax(error), Reply::fixed(501, (5, 1, 3), "Bad recipient address syntax"))
            }
            CommandError::Bdat(error) => {
                // How much follows is not known, so nothing of the message can be relied upon.
                self.drop_transaction(BodyAborted::Reset);
                (Violation::Syntax(error), Reply::fixed(501, (5, 5, 4), "Bad chunk length"))
            }
        };
        self.violation(violation, &reply);
    }
}

pub(super) fn needs_tls() -> Reply {
    Reply::fixed(530, (5, 7, 0), "Must issue a STARTTLS command first")
}

fn ok() -> Reply {
    Reply::fixed(250, (2, 0, 0), "OK")
}

/// Why a line of the client does not lead to a command.
enum Unread {
    BareLineEnd,
    Http,
    Broken(CommandError),
}

/// Takes the line, so that the receive buffer is free again.
fn read(line: Line<'_>, fresh: bool, quirks: Quirks) -> Result<Parsed, Unread> {
    if has_bare_line_end(line.as_ref()) {
        Err(Unread::BareLineEnd)
    } else if fresh && is_http(line.as_ref()) {
        Err(Unread::Http)
    } else {
        command(line, quirks).map_err(Unread::Broken)
    }
}

fn unknown_command() -> Reply {
    Reply::fixed(500, (5, 5, 1), "Command not recognized")
}

/// Whether a line is the first one of an HTTP request: somebody makes a browser talk to this port.
fn is_http(line: &[u8]) -> bool {
    let end = line.iter().position(|octet| *octet == b' ');
    let Some((method, _)) = end.and_then(|end| line.split_at_checked(end)) else { return false };
    let methods: [&[u8]; 9] =
        [b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"CONNECT", b"PATCH", b"TRACE"];
    methods.contains(&method)
}
