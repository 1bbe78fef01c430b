//! What a reply of the server leads to.

use posthaste_wire::LineTooLong;

use super::machine::{Expect, Phase};
use super::{Challenge, Client, Event, Mode, TlsPolicy};
use crate::parse::capability::capabilities;
use crate::parse::command::base64;
use crate::{Capabilities, Command, Keyword, ProtocolError, Rejection, Reply, ReplyClass};

impl Client {
    /// Reads a line of a reply. Whether there was one.
    pub(super) fn read_reply(&mut self) -> bool {
        let limits = &self.config.limits;
        let expected = self.expected.front().copied();
        let line_max =
            if expected == Some(Expect::Auth) { limits.auth_line_max } else { limits.reply_line_max };
        let reply_max = limits.reply_max;
        let line = match self.receive.line(line_max) {
            Ok(None) => return false,
            Ok(Some(line)) => line,
            Err(LineTooLong { limit }) => {
                self.fail(ProtocolError::ReplyTooLong { limit });
                return true;
            }
        };
        self.reply_octets = self.reply_octets.saturating_add(line.len()).saturating_add(2);
        if self.reply_octets > reply_max {
            self.fail(ProtocolError::ReplyTooLong { limit: reply_max });
            return true;
        }
        // Apart from the reader: a challenge may be longer than any text.
        let is_auth = expected == Some(Expect::Auth) && !self.reader.is_midway();
        if let Some(challenge) = line.strip_prefix(b"334").filter(|_| is_auth) {
            self.reply_octets = 0;
            self.expected.pop_front();
            self.challenge(challenge.trim_ascii());
            return true;
        }
        match self.reader.line(&line) {
            Ok(None) => {}
            Ok(Some(reply)) => {
                self.reply_octets = 0;
                self.answer(reply);
            }
            Err(_) => self.fail(ProtocolError::MalformedReply),
        }
        true
    }

    fn answer(&mut self, reply: Reply) {
        let expect = self.expected.pop_front();
        self.arm();
        match expect {
            Some(Expect::Quit) => self.close(),
            // RFC 5321 3.8: it may stand in the place of any reply, and of none.
            _ if reply.code() == 421 => self.fail(ProtocolError::ServiceClosing(reply)),
            None => self.fail(ProtocolError::Stale),
            Some(Expect::Greeting) if reply.is_completed() => self.hello(),
            Some(Expect::Greeting) => self.refused(reply),
            Some(Expect::Hello) if reply.is_completed() => self.introduced(capabilities(&reply)),
            // RFC 5321 3.2: a server from before ESMTP.
            Some(Expect::Hello)
                if reply.class() == ReplyClass::Permanent && self.config.mode == Mode::Smtp =>
            {
                self.command(&Command::Helo(self.config.name.clone()), Expect::Helo);
            }
            Some(Expect::Helo) if reply.is_completed() => self.introduced(Capabilities::default()),
            Some(Expect::Hello | Expect::Helo) => self.refused(reply),
            Some(Expect::StartTls) => self.start_tls_answered(&reply),
            Some(Expect::Auth) => self.auth_answered(reply),
            Some(Expect::Mail) => self.mail_answered(&reply),
            Some(Expect::Rcpt(index)) => self.rcpt_answered(index, reply),
            Some(Expect::Data) => self.data_answered(reply),
            Some(Expect::End(index)) => self.end_answered(index, reply),
            // Whatever the server says: the message is reported, or the next command will tell.
            Some(Expect::LoneDot | Expect::Rset) => {}
        }
    }

    /// The server has said what it offers.
    fn introduced(&mut self, capabilities: Capabilities) {
        self.capabilities = capabilities;
        let offered = self.capabilities.has(Keyword::StartTls);
        if self.security.is_private() || self.config.tls == TlsPolicy::Off {
            self.ready();
        } else if offered && !self.tls_tried {
            self.tls_tried = true;
            self.command(&Command::StartTls, Expect::StartTls);
        } else {
            self.without_tls();
        }
    }

    fn start_tls_answered(&mut self, reply: &Reply) {
        if reply.code() != 220 {
            self.without_tls();
        } else if self.receive.drained().is_err() {
            // RFC 3207 6: what stands here did not come through TLS.
            self.fail_residue();
        } else {
            self.phase = Phase::Upgrade { told: false };
        }
    }

    fn without_tls(&mut self) {
        if self.config.tls == TlsPolicy::Required {
            self.send.encode(|out| Command::Quit.encode(out));
            self.fail(ProtocolError::TlsUnavailable);
        } else {
            self.ready();
        }
    }

    fn ready(&mut self) {
        self.phase = Phase::Ready;
        self.events.push_back(Event::Ready(self.capabilities.clone()));
    }

    fn refused(&mut self, reply: Reply) {
        self.send.encode(|out| Command::Quit.encode(out));
        self.fail(ProtocolError::Refused(reply));
    }

    fn challenge(&mut self, text: &[u8]) {
        match base64(text) {
            Some(challenge) => {
                let ticket = self.issue();
                self.events.push_back(Event::Challenge(Challenge { ticket, challenge }));
            }
            // RFC 4954 4: what cannot be decoded is cancelled.
            None => self.auth_line(b"*"),
        }
    }

    fn auth_answered(&mut self, reply: Reply) {
        if reply.is_completed() {
            self.authenticated = true;
            self.events.push_back(Event::Authenticated);
        } else if let Ok(rejection) = Rejection::try_from(reply) {
            self.events.push_back(Event::AuthRefused(rejection));
        } else {
            self.fail(ProtocolError::MalformedReply);
        }
    }
}
