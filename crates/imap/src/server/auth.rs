//! STARTTLS and AUTHENTICATE on the server's side (RFC 9051 6.2.1, 6.2.2).
//!
//! A mechanism is a name and opaque octets here; what they mean is decided elsewhere. Base64 ends here: tokens carry
//! decoded octets.

use alloc::string::String;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use posthaste_wire::{Answer, Layer, Misuse, Secret, Ticket};

use super::{Asked, Event, Phase, Poll, Refusal, Server, Timer, TlsOffer};
use crate::error::{ProtocolError, Violation};
use crate::types::{Authenticate, Condition, Login, ResponseCode, Tag};

/// The client asks for TLS. Accept, and the machine asks for the layer; refuse, and all goes on in the clear.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the client waits for the answer"]
pub struct StartTls {
    pub(super) asked: Asked<()>,
}

impl StartTls {
    /// Accepts: tagged OK, then [`Step::Upgrade`](crate::Step::Upgrade).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        let begin = |server: &mut Server| server.begin_upgrade(Layer::Tls);
        self.asked.complete(server, None, "Begin TLS negotiation now", begin)
    }

    /// Refuses: tagged NO.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server) -> Result<(), Misuse> {
        self.asked.no(server, Refusal::new("TLS is not available").with_code(ResponseCode::Unavailable))
    }
}

impl Asked<Login> {
    /// Lets the user in: tagged OK with the capabilities that hold from now on.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        let Self { tag, ticket, .. } = self;
        logged_in(server, &tag, ticket)
    }

    /// Refuses the user, without saying whether there is one: AUTHENTICATIONFAILED.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn refuse(self, server: &mut Server) -> Result<(), Misuse> {
        let Self { tag, ticket, .. } = self;
        login_failed(server, &tag, ticket, bad_credentials())
    }
}

/// One step of an AUTHENTICATE exchange. The command itself is the first; each line that the client sends in answer
/// to a [`challenge`](Self::challenge) is another.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the client waits for the answer"]
pub struct Auth {
    exchange: Exchange,
    response: Option<Secret>,
    ticket: Ticket,
}

/// An exchange and how far it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Exchange {
    tag: Tag,
    mechanism: String,
    /// How many challenges the client has been sent.
    challenges: u32,
}

impl Auth {
    /// The name of the mechanism, in capitals; one of those the configuration lists.
    pub fn mechanism(&self) -> &str {
        &self.exchange.mechanism
    }

    /// Whether it is the command itself: an exchange begins, and one that was begun before is over.
    pub const fn is_start(&self) -> bool {
        self.exchange.challenges == 0
    }

    /// What the client sent, without base64: with the command its initial response (RFC 4959), where it sent one
    /// (empty where it wrote `=`); later always something, if only an empty line.
    pub const fn response(&self) -> Option<&Secret> {
        self.response.as_ref()
    }

    /// Sends a challenge; the response is the next [`Event::Auth`](super::Event::Auth). After `auth_steps_max` of them
    /// the exchange is over instead: [`Event::AuthCancelled`](super::Event::AuthCancelled).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn challenge(self, server: &mut Server, challenge: &[u8]) -> Result<(), Misuse> {
        let Self { mut exchange, response: _, ticket } = self;
        if server.tickets.redeem(ticket)? == Answer::InTime {
            if exchange.challenges >= server.config.limits.auth_steps_max {
                server.complete_no(
                    &exchange.tag,
                    Refusal::new("Too many steps").with_code(ResponseCode::Limit),
                );
                server.count_failed_login();
                server.events.push_back(Event::AuthCancelled);
                return Ok(());
            }
            exchange.challenges = exchange.challenges.saturating_add(1);
            // A challenge may hold what only this client is to see.
            let encoded = Secret::new(STANDARD.encode(challenge).into_bytes());
            server.out.push_secret(Secret::concat(&[b"+ ", encoded.expose(), b"\r\n"]));
            server.phase = Phase::Sasl(exchange);
            server.arm_for_phase();
        }
        Ok(())
    }

    /// Lets the user in.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        logged_in(server, &self.exchange.tag, self.ticket)
    }

    /// Refuses the user.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server) -> Result<(), Misuse> {
        login_failed(server, &self.exchange.tag, self.ticket, bad_credentials())
    }

    /// What the client sent is no message of the mechanism: tagged BAD (RFC 9051 6.2.2). Counts as a failed login.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn malformed(self, server: &mut Server) -> Result<(), Misuse> {
        if server.tickets.redeem(self.ticket)? == Answer::InTime {
            server.bad(Some(&self.exchange.tag), None, "Malformed response");
            server.count_failed_login();
        }
        Ok(())
    }

    /// Refuses for now, because the credentials could not be looked at. Does not count as a failed login.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn unavailable(self, server: &mut Server) -> Result<(), Misuse> {
        self.no(server, Refusal::unavailable())
    }

    /// Refuses: tagged NO, and a failed login, but for UNAVAILABLE.
    pub(super) fn no(self, server: &mut Server, refusal: Refusal) -> Result<(), Misuse> {
        if server.tickets.redeem(self.ticket)? == Answer::InTime {
            let counts = refusal.code != Some(ResponseCode::Unavailable);
            server.complete_no(&self.exchange.tag, refusal);
            if counts {
                server.count_failed_login();
            }
        }
        Ok(())
    }
}

impl Server {
    pub(super) fn start_tls(&mut self, tag: Tag) -> Poll {
        if self.config.tls == TlsOffer::Absent || self.security.is_tls() {
            self.bad(Some(&tag), None, "TLS is not available now");
            return self.violation(Violation::WrongState);
        }
        if self.framer.drained().is_err() {
            self.bad(Some(&tag), None, "Nothing may follow STARTTLS before TLS");
            self.fail(ProtocolError::Residue);
            return Poll::Again;
        }
        let asked = self.ask(tag, ());
        Poll::Event(Event::StartTls(StartTls { asked }))
    }

    pub(super) fn authenticate(&mut self, tag: Tag, authenticate: Authenticate) -> Poll {
        let mechanism = authenticate.mechanism.as_str().to_ascii_uppercase();
        if !self.config.mechanisms.contains(&mechanism) {
            self.tagged(&tag, Condition::No, Some(ResponseCode::Cannot), "Unknown mechanism");
            return self.violation(Violation::NotOffered);
        }
        let ticket = self.issue();
        let exchange = Exchange { tag, mechanism, challenges: 0 };
        Poll::Event(Event::Auth(Auth { exchange, response: authenticate.initial, ticket }))
    }

    pub(super) fn poll_sasl(&mut self) -> Poll {
        let line = match self.framer.secret_line(self.config.limits.sasl_line_max) {
            Ok(None) => return Poll::NeedInput,
            Ok(Some(line)) => sasl_line(&line),
            Err(_) => SaslLine::Malformed,
        };
        self.timers.disarm(Timer::Command);
        let Phase::Sasl(exchange) = core::mem::replace(&mut self.phase, Phase::Command) else {
            return Poll::Again;
        };
        let text = match line {
            SaslLine::Response(response) => {
                let ticket = self.issue();
                return Poll::Event(Event::Auth(Auth { exchange, response: Some(response), ticket }));
            }
            SaslLine::Cancelled => "Cancelled",
            SaslLine::Malformed => "Not base64",
        };
        self.bad(Some(&exchange.tag), None, text);
        self.count_failed_login();
        Poll::Event(Event::AuthCancelled)
    }
}

/// What a line of an exchange says (RFC 9051 6.2.2).
enum SaslLine {
    Response(Secret),
    Cancelled,
    Malformed,
}

fn sasl_line(line: &Secret) -> SaslLine {
    if line.expose() == b"*" {
        return SaslLine::Cancelled;
    }
    STANDARD
        .decode(line.expose())
        .map_or(SaslLine::Malformed, |octets| SaslLine::Response(Secret::new(octets)))
}

fn bad_credentials() -> Refusal {
    Refusal::new("Invalid credentials").with_code(ResponseCode::AuthenticationFailed)
}

fn logged_in(server: &mut Server, tag: &Tag, ticket: Ticket) -> Result<(), Misuse> {
    if server.tickets.redeem(ticket)? == Answer::InTime {
        server.log_in();
        let capabilities = ResponseCode::Capability(server.capabilities());
        server.complete_ok(tag, Some(capabilities), "Logged in");
    }
    Ok(())
}

fn login_failed(server: &mut Server, tag: &Tag, ticket: Ticket, refusal: Refusal) -> Result<(), Misuse> {
    if server.tickets.redeem(ticket)? == Answer::InTime {
        server.complete_no(tag, refusal);
        server.count_failed_login();
    }
    Ok(())
}
