//! What a line of the client leads to: a question to the application, an answer of the machine's own, or a
//! violation. The rules of order are in `session`.

use alloc::string::ToString;
use alloc::vec::Vec;

use bytes::Bytes;
use posthaste_wire::{LineTooLong, has_bare_line_end};

use super::machine::Phase;
use super::{
    Auth, AuthPrivacy, AuthResponse, Data, Event, Hello, HelloVerb, Mail, Mode, Rcpt, Server, StartTls,
    TlsOffer,
};
use crate::parse::command::{CommandError, base64, command};
use crate::session::{AuthTerms, Refusal, Terms, Tls};
use crate::{
    Capability, ClientName, Command, MailParameters, Mechanism, ProtocolError, Quirks, RcptParameters,
    Rejection, Reply, ReversePath, Secret, Violation,
};

impl Server {
    /// Reads a command line. Whether there was one.
    pub(super) fn command(&mut self) -> bool {
        let limits = &self.config.limits;
        let is_auth = self.receive.peek().get(..5).is_some_and(|verb| verb.eq_ignore_ascii_case(b"AUTH "));
        let line_max = if is_auth { limits.auth_line_max } else { limits.command_line_max };
        let line = match self.receive.secret_line(line_max) {
            Ok(None) => return false,
            Ok(Some(line)) => line,
            Err(LineTooLong { limit }) => {
                self.arm();
                self.violation(
                    Violation::LineTooLong { limit },
                    &Reply::fixed(500, (5, 5, 2), "Line too long"),
                );
                return true;
            }
        };
        self.arm();
        let line = line.expose();
        if has_bare_line_end(line) {
            self.bare_line_end();
        } else if self.fresh && is_http(line) {
            self.fail(
                ProtocolError::ForeignProtocol,
                Some(&Reply::fixed(421, (4, 7, 0), "This is a mail server")),
            );
        } else {
            match command(&Bytes::copy_from_slice(line), Quirks::STRICT) {
                Ok(parsed) => self.dispatch(parsed.command),
                Err(error) => self.unparsed(error),
            }
        }
        true
    }

    /// Reads a line of an AUTH exchange. Whether there was one.
    pub(super) fn auth_line(&mut self) -> bool {
        let line = match self.receive.secret_line(self.config.limits.auth_line_max) {
            Ok(None) => return false,
            Ok(Some(line)) => Ok(line),
            Err(error) => Err(error),
        };
        self.phase = Phase::Command;
        self.arm();
        match line {
            Err(LineTooLong { limit }) => {
                self.events.push_back(Event::AuthCancelled);
                let reply = Reply::fixed(500, (5, 5, 6), "Authentication exchange line is too long");
                self.violation(Violation::LineTooLong { limit }, &reply);
            }
            Ok(line) if line.expose() == b"*" => {
                self.events.push_back(Event::AuthCancelled);
                self.put(&Reply::fixed(501, (5, 7, 0), "Authentication cancelled"));
            }
            Ok(line) => match base64(line.expose()) {
                Some(response) => {
                    let ticket = self.issue();
                    self.events.push_back(Event::AuthResponse(AuthResponse { ticket, response }));
                }
                None => {
                    self.events.push_back(Event::AuthCancelled);
                    let violation = Violation::Syntax(crate::ParseError::new("base64", 0));
                    self.violation(violation, &Reply::fixed(501, (5, 5, 2), "Cannot decode base64"));
                }
            },
        }
        true
    }

    fn dispatch(&mut self, command: Command) {
        self.fresh = false;
        if let Err(refusal) = self.session.permits(&command, self.terms()) {
            self.refuse(refusal, &command);
            return;
        }
        match command {
            Command::Helo(name) => self.hello(name, HelloVerb::Helo),
            Command::Ehlo(name) => self.hello(name, HelloVerb::Ehlo),
            Command::Lhlo(name) => self.hello(name, HelloVerb::Lhlo),
            Command::Mail { from, parameters } => self.mail(from, parameters),
            Command::Rcpt { to, parameters } => self.rcpt(to, parameters),
            Command::Data => self.data(),
            Command::Rset => {
                self.mail_refused = false;
                if self.session.reset() {
                    self.events.push_back(Event::Reset);
                }
                self.put(&Reply::fixed(250, (2, 0, 0), "OK"));
            }
            Command::Noop => self.put(&Reply::fixed(250, (2, 0, 0), "OK")),
            Command::Quit => {
                self.put(&Reply::fixed(221, (2, 0, 0), "Bye"));
                self.close();
            }
            // RFC 5321 3.5.3: neither yes nor no.
            Command::Vrfy { .. } => {
                self.put(&Reply::fixed(252, (2, 5, 0), "Cannot VRFY user, but will take mail for it"));
            }
            Command::Expn { .. }
            | Command::Etrn(_)
            | Command::Xclient(_)
            | Command::Xforward(_)
            | Command::Bdat { .. } => self.refuse(Refusal::NotImplemented, &command),
            Command::Help(_) => self.put(&Reply::fixed(214, (2, 0, 0), "See RFC 5321")),
            Command::StartTls if !self.receive.is_empty() => self.fail_residue(),
            Command::StartTls => {
                let ticket = self.issue();
                self.events.push_back(Event::StartTls(StartTls { ticket }));
            }
            Command::Auth { mechanism, initial } => self.auth(mechanism, initial),
        }
    }

    fn hello(&mut self, name: ClientName, verb: HelloVerb) {
        let extended = verb != HelloVerb::Helo;
        self.mail_refused = false;
        if self.session.hello(extended) {
            self.events.push_back(Event::Reset);
        }
        let mut lines = Vec::from([self.config.host.to_string()]);
        if extended {
            lines.extend(self.capabilities().iter().map(crate::encode::capability));
        }
        self.put(&Reply::plain(250, lines));
        self.events.push_back(Event::Hello(Hello { name, verb }));
    }

    fn capabilities(&self) -> Vec<Capability> {
        let mut list = Vec::from([
            Capability::Size(Some(self.config.limits.message_max)),
            Capability::Pipelining,
            Capability::EightBitMime,
            Capability::EnhancedStatusCodes,
        ]);
        let terms = self.terms();
        if terms.tls == Tls::Startable {
            list.push(Capability::StartTls);
        }
        if terms.auth == AuthTerms::Offered {
            list.push(Capability::Auth(self.config.mechanisms.clone()));
        }
        list
    }

    fn mail(&mut self, from: ReversePath, parameters: MailParameters) {
        let limit = self.config.limits.message_max;
        if !parameters.others.is_empty() {
            self.mail_refused = true;
            self.violation(Violation::UnknownParameter, &unknown_parameter());
        } else if parameters.size.is_some_and(|size| size > limit) {
            // RFC 1870 6.1. A large message is no fault: it is told and not counted.
            self.mail_refused = true;
            self.put(Rejection::message_too_big().reply());
            self.events.push_back(Event::Violation(Violation::DeclaredTooBig { limit }));
        } else {
            // Until it is accepted.
            self.mail_refused = true;
            let ticket = self.issue();
            self.events.push_back(Event::Mail(Mail { ticket, from, parameters }));
        }
    }

    fn rcpt(&mut self, to: crate::ForwardPath, parameters: RcptParameters) {
        let limit = self.config.limits.recipients_max;
        if !parameters.others.is_empty() {
            self.violation(Violation::UnknownParameter, &unknown_parameter());
        } else if self.session.recipients() >= limit {
            // RFC 5321 4.5.3.1.10: the client sends the rest another time.
            self.put(&Reply::fixed(452, (4, 5, 3), "Too many recipients"));
            self.events.push_back(Event::Violation(Violation::TooManyRecipients { limit }));
        } else {
            let ticket = self.issue();
            self.events.push_back(Event::Rcpt(Rcpt { ticket, to, parameters }));
        }
    }

    fn data(&mut self) {
        if let Some(transaction) = self.session.take() {
            let ticket = self.issue();
            self.events.push_back(Event::Data(Data { ticket, transaction }));
        }
    }

    fn auth(&mut self, mechanism: Mechanism, initial: Option<Secret>) {
        if self.config.mechanisms.contains(&mechanism) {
            let ticket = self.issue();
            self.events.push_back(Event::Auth(Auth { ticket, mechanism, initial }));
        } else {
            let reply = Reply::fixed(504, (5, 5, 4), "Unrecognized authentication mechanism");
            self.violation(Violation::UnknownParameter, &reply);
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
        }
    }

    fn refuse(&mut self, refusal: Refusal, command: &Command) {
        let excused = self.mail_refused && matches!(command, Command::Rcpt { .. } | Command::Data);
        if matches!(command, Command::Mail { .. }) && refusal != Refusal::OutOfSequence {
            self.mail_refused = true;
        }
        let sequence = Reply::fixed(503, (5, 5, 1), "Bad sequence of commands");
        let (violation, reply) = match refusal {
            // A client that sends MAIL, RCPT and DATA as one group cannot know yet that MAIL was refused.
            Refusal::OutOfSequence if excused => return self.put(&sequence),
            // Nor that no recipient was accepted (RFC 2920 3.1).
            Refusal::NoRecipients => return self.put(&Reply::fixed(554, (5, 5, 1), "No valid recipients")),
            Refusal::OutOfSequence => (Violation::OutOfSequence, sequence),
            Refusal::Unknown => (Violation::UnknownCommand, unknown_command()),
            Refusal::NotImplemented => {
                (Violation::UnknownCommand, Reply::fixed(502, (5, 5, 1), "Command not implemented"))
            }
            Refusal::NeedsAuth => {
                (Violation::NotPermitted, Rejection::authentication_required().into_reply())
            }
            Refusal::NeedsTls => {
                (Violation::NotPermitted, Reply::fixed(530, (5, 7, 0), "Must issue a STARTTLS command first"))
            }
            Refusal::NeedsEncryption => (
                Violation::NotPermitted,
                Reply::fixed(538, (5, 7, 11), "Encryption required for requested authentication mechanism"),
            ),
        };
        self.violation(violation, &reply);
    }

    fn unparsed(&mut self, error: CommandError) {
        let (violation, reply) = match error {
            CommandError::Unknown => (Violation::UnknownCommand, unknown_command()),
            CommandError::Arguments(error) | CommandError::Bdat(error) => {
                (Violation::Syntax(error), Reply::fixed(501, (5, 5, 4), "Syntax error in parameters"))
            }
            CommandError::Sender(error) => {
                self.mail_refused = true;
                (Violation::Syntax(error), Reply::fixed(501, (5, 1, 7), "Bad sender address syntax"))
            }
            CommandError::Recipient(error) => {
                (Violation::Syntax(error), Reply::fixed(501, (5, 1, 3), "Bad recipient address syntax"))
            }
        };
        self.violation(violation, &reply);
    }

    fn bare_line_end(&mut self) {
        self.bare_line_ends = self.bare_line_ends.saturating_add(1);
        let limit = self.config.limits.bare_line_ends_max;
        let reply = Reply::fixed(500, (5, 5, 2), "Bare CR or LF in a command line");
        self.violation(Violation::BareLineEnd, &reply);
        if self.bare_line_ends >= limit && !matches!(self.phase, Phase::Closed) {
            self.fail(ProtocolError::TooManyViolations { limit }, Some(&too_many_violations()));
        }
    }

    /// Answers and counts what the client did wrong; the last time is answered twice (RFC 5321 3.8).
    fn violation(&mut self, violation: Violation, reply: &Reply) {
        self.put(reply);
        self.events.push_back(Event::Violation(violation));
        self.violations = self.violations.saturating_add(1);
        let limit = self.config.limits.violations_max;
        if self.violations >= limit {
            self.fail(ProtocolError::TooManyViolations { limit }, Some(&too_many_violations()));
        }
    }
}

fn unknown_command() -> Reply {
    Reply::fixed(500, (5, 5, 1), "Command not recognized")
}

fn unknown_parameter() -> Reply {
    Reply::fixed(555, (5, 5, 4), "Parameter not recognized")
}

fn too_many_violations() -> Reply {
    Reply::fixed(421, (4, 7, 0), "Too many errors, closing transmission channel")
}

/// Whether a line is the first one of an HTTP request: somebody makes a browser talk to this port.
fn is_http(line: &[u8]) -> bool {
    let end = line.iter().position(|octet| *octet == b' ');
    let Some((method, _)) = end.and_then(|end| line.split_at_checked(end)) else { return false };
    let methods: [&[u8]; 9] =
        [b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"CONNECT", b"PATCH", b"TRACE"];
    methods.contains(&method)
}
