//! The tokens of STARTTLS and AUTH (RFC 3207, RFC 4954), and the lines of an AUTH exchange. Mechanisms are names and
//! opaque octets here: what they mean is the application's business.

use alloc::string::String;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthaste_wire::{Answer, LineTooLong, Misuse, Secret, Ticket};

use super::machine::Phase;
use super::{Event, Server};
use crate::parse::command::base64;
use crate::{Excess, Mechanism, ParseError, Rejection, Reply, Violation};

/// Token: STARTTLS.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct StartTls {
    pub(super) ticket: Ticket,
}

/// Token: one step of an AUTH exchange. The command itself is the first; each line that the client sends in answer to
/// a [`challenge`](Self::challenge) is another.
///
/// A mechanism whose server has the last word, such as SCRAM, says it in a challenge; the client's empty response to
/// it is the step to accept.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct Auth {
    pub(super) ticket: Ticket,
    pub(super) mechanism: Mechanism,
    pub(super) response: Option<Secret>,
    /// How many challenges the client has been sent.
    pub(super) challenges: u32,
}

impl StartTls {
    /// 220, and then [`Step::Upgrade`](crate::Step::Upgrade). A client that sent anything behind the command is
    /// cut off instead ([`ProtocolError::Residue`](crate::ProtocolError::Residue)).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        if server.redeem(self.ticket)? == Answer::InTime {
            server.start_tls_accepted();
        }
        Ok(())
    }

    /// 454 4.7.0: TLS is not available now (RFC 3207 4).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server) -> Result<(), Misuse> {
        server.answer(self.ticket, &Reply::fixed(454, (4, 7, 0), "TLS not available due to temporary reason"))
    }
}

impl Auth {
    /// The name of the mechanism, in upper case; one of those in the configuration.
    pub fn mechanism(&self) -> &str {
        self.mechanism.as_str()
    }

    /// Whether it is the AUTH command itself: an exchange begins, and one that was begun before is over.
    pub const fn is_start(&self) -> bool {
        self.challenges == 0
    }

    /// What the client sent, without base64: with the command its initial response, where it sent one (empty where it
    /// wrote `=`); later always something, if only an empty line.
    pub const fn response(&self) -> Option<&Secret> {
        self.response.as_ref()
    }

    /// 334: asks the client for more. Its answer is the next [`Event::Auth`]. Beyond
    /// [`Limits::auth_steps_max`](crate::Limits::auth_steps_max) the client gets 454 4.7.0 instead, and
    /// [`Event::AuthCancelled`] follows.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn challenge(self, server: &mut Server, challenge: &[u8]) -> Result<(), Misuse> {
        let Self { ticket, mechanism, response: _, challenges } = self;
        if server.redeem(ticket)? == Answer::InTime {
            server.challenge(mechanism, challenges, challenge);
        }
        Ok(())
    }

    /// 235: the client is who it says. It is not asked again in this session (RFC 4954 4).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        if server.redeem(self.ticket)? == Answer::InTime {
            server.session.authenticate();
            server.put(&Reply::fixed(235, (2, 7, 0), "Authentication successful"));
        }
        Ok(())
    }

    /// Refuses; the client may begin anew. See [`Rejection::credentials_invalid`] and
    /// [`Rejection::authentication_unavailable`]. One of class 5 counts against
    /// [`Limits::auth_failures_max`](crate::Limits::auth_failures_max).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server, rejection: Rejection) -> Result<(), Misuse> {
        if server.redeem(self.ticket)? == Answer::InTime {
            let is_failure = !rejection.is_transient();
            server.put(&rejection.into_reply());
            if is_failure {
                server.auth_failed();
            }
        }
        Ok(())
    }

    /// 501 5.5.2: what the client sent is no message of the mechanism, or comes where the mechanism has none
    /// (RFC 4954 4). Counts as [`reject`](Self::reject) with class 5 does.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn malformed(self, server: &mut Server) -> Result<(), Misuse> {
        if server.redeem(self.ticket)? == Answer::InTime {
            server.put(&Reply::fixed(501, (5, 5, 2), "Malformed authentication response"));
            server.auth_failed();
        }
        Ok(())
    }
}

/// An exchange in which the client is to answer a challenge.
#[derive(Debug)]
pub(super) struct Exchange {
    mechanism: Mechanism,
    challenges: u32,
}

impl Server {
    pub(super) fn auth(&mut self, mechanism: Mechanism, response: Option<Secret>) {
        if self.config.mechanisms.contains(&mechanism) {
            let ticket = self.issue();
            self.events.push_back(Event::Auth(Auth { ticket, mechanism, response, challenges: 0 }));
        } else {
            let reply = Reply::fixed(504, (5, 5, 4), "Unrecognized authentication mechanism");
            self.violation(Violation::UnknownParameter, &reply);
        }
    }

    /// Reads a line of an AUTH exchange. Whether there was one.
    pub(super) fn auth_line(&mut self) -> bool {
        let line = match self.receive.secret_line(self.config.limits.auth_line_max) {
            Ok(None) => return false,
            Ok(Some(line)) => Ok(line),
            Err(error) => Err(error),
        };
        let Phase::Auth(exchange) = core::mem::replace(&mut self.phase, Phase::Command) else { return false };
        self.arm();
        match line {
            Err(LineTooLong { limit }) => {
                self.events.push_back(Event::AuthCancelled);
                let reply = Reply::fixed(500, (5, 5, 6), "Authentication exchange line is too long");
                self.violation(Violation::LineTooLong { limit }, &reply);
            }
            Ok(line) if line.expose() == b"*" => {
                self.events.push_back(Event::AuthCancelled);
                self.junk(&Reply::fixed(501, (5, 7, 0), "Authentication cancelled"));
            }
            Ok(line) => match base64(line.expose()) {
                Some(response) => {
                    let Exchange { mechanism, challenges } = exchange;
                    let ticket = self.issue();
                    let response = Some(response);
                    self.events.push_back(Event::Auth(Auth { ticket, mechanism, response, challenges }));
                }
                None => {
                    self.events.push_back(Event::AuthCancelled);
                    let violation = Violation::Syntax(ParseError::new("base64", 0));
                    self.violation(violation, &Reply::fixed(501, (5, 5, 2), "Cannot decode base64"));
                }
            },
        }
        true
    }

    fn challenge(&mut self, mechanism: Mechanism, challenges: u32, challenge: &[u8]) {
        if challenges >= self.config.limits.auth_steps_max {
            self.events.push_back(Event::AuthCancelled);
            self.put(Rejection::authentication_unavailable().reply());
            return;
        }
        self.put_challenge(challenge);
        let challenges = challenges.saturating_add(1);
        self.phase = Phase::Auth(Exchange { mechanism, challenges });
    }

    /// Queues a challenge so that no copy of it stays behind. The `334 ` stands even where nothing follows.
    fn put_challenge(&mut self, challenge: &[u8]) {
        let base64_max = challenge.len().saturating_add(3).saturating_mul(4) / 3;
        let mut line = String::with_capacity(base64_max.saturating_add(8));
        line.push_str("334 ");
        STANDARD.encode_string(challenge, &mut line);
        line.push_str("\r\n");
        self.send.push_secret(Secret::new(line.into_bytes()));
    }

    /// Counts an attempt that failed; with the last comes the end.
    fn auth_failed(&mut self) {
        self.counters.auth_failures = self.counters.auth_failures.saturating_add(1);
        let limit = self.config.limits.auth_failures_max;
        if self.counters.auth_failures >= limit {
            self.exceed(Excess::AuthFailures, limit.into());
        }
    }

    fn start_tls_accepted(&mut self) {
        if self.receive.drained().is_err() {
            self.fail_residue();
            return;
        }
        self.put(&Reply::fixed(220, (2, 0, 0), "Ready to start TLS"));
        self.drop_transaction(super::BodyAborted::Reset);
        self.phase = Phase::Upgrade { told: false };
        self.arm();
    }
}
