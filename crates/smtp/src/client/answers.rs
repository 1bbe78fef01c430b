//! What a reply of the server leads to.

use bytes::Bytes;
use posthaste_wire::{LineTooLong, Secret};

use super::machine::{Expect, Phase};
use super::{Client, Event, Mode, TlsPolicy};
use crate::parse::capability::capabilities;
use crate::{Capabilities, Command, Keyword, ProtocolError, Reply};

impl Client {
    /// Reads a line of a reply. Whether there was one.
    pub(super) fn read_reply(&mut self) -> bool {
        let limits = &self.config.limits;
        let reply_max = limits.reply_max;
        let authenticating = self.expected.front() == Some(&Expect::Auth);
        // What an exchange is about may be secret in either direction.
        let line = if authenticating {
            self.receive.secret_line(limits.auth_line_max).map(|line| line.map(Line::Secret))
        } else {
            self.receive.line(limits.reply_line_max).map(|line| line.map(Line::Open))
        };
        let line = match line {
            Ok(None) => return false,
            Ok(Some(line)) => line,
            Err(LineTooLong { limit }) => {
                self.fail(ProtocolError::ReplyTooLong { limit });
                return true;
            }
        };
        let octets = line.octets();
        self.reply_octets = self.reply_octets.saturating_add(octets.len()).saturating_add(2);
        if self.reply_octets > reply_max {
            self.fail(ProtocolError::ReplyTooLong { limit: reply_max });
            return true;
        }
        // Apart from the reader: a challenge may be longer than any text.
        let first = authenticating && !self.reader.is_midway();
        if let Some(challenge) = octets.strip_prefix(b"334").filter(|_| first) {
            self.reply_octets = 0;
            self.expected.pop_front();
            self.challenge(challenge.trim_ascii());
            return true;
        }
        match self.reader.line(&line.into_open()) {
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
            _ if reply.code() == 421 => self.closing(expect, reply),
            // Some say goodbye with the reply to QUIT that nobody sent.
            None if reply.code() == 221 && self.transfer.is_none() => self.closing(None, reply),
            None if self.is_behind_data() => self.content_interrupted(reply),
            None => self.fail(ProtocolError::UnexpectedReply(reply)),
            Some(Expect::Greeting) if reply.code() == 220 => self.hello(),
            // RFC 7504 2: that server has closed already.
            Some(Expect::Greeting) if reply.code() == 521 => self.fail(ProtocolError::Refused(reply)),
            Some(Expect::Greeting) => self.refused(reply),
            Some(Expect::Hello) if reply.is_completed() => self.introduced(capabilities(&reply)),
            // RFC 5321 3.2, 4.1.1.1: a server from before ESMTP.
            Some(Expect::Hello) if self.config.mode == Mode::Smtp && NO_EHLO.contains(&reply.code()) => {
                self.command(&Command::Helo(self.config.name.clone()), Expect::Helo);
            }
            Some(Expect::Helo) if reply.is_completed() => self.introduced(Capabilities::default()),
            Some(Expect::Hello | Expect::Helo) => self.refused(reply),
            Some(Expect::StartTls) => self.start_tls_answered(&reply),
            Some(Expect::Auth) => self.auth_answered(reply),
            Some(Expect::Mail) => self.mail_answered(reply),
            Some(Expect::Rcpt(index)) => self.rcpt_answered(index, reply),
            Some(Expect::Data) => self.data_answered(reply),
            Some(Expect::Chunk) => self.chunk_answered(reply),
            Some(Expect::End(index)) => self.end_answered(index, reply),
            Some(Expect::Noop) => self.events.push_back(Event::Probed(reply)),
            // Whatever the server says: the message is reported, or the next command will tell.
            Some(Expect::LoneDot | Expect::Nothing | Expect::Rset) => {}
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
            self.leave(ProtocolError::TlsUnavailable);
        } else {
            self.ready();
        }
    }

    fn ready(&mut self) {
        self.phase = Phase::Ready;
        self.events.push_back(Event::Ready(self.capabilities.clone()));
    }

    fn refused(&mut self, reply: Reply) {
        if reply.is_rejection() {
            self.leave(ProtocolError::Refused(reply));
        } else {
            self.fail(ProtocolError::UnexpectedReply(reply));
        }
    }
}

/// A line of the server.
enum Line {
    Open(Bytes),
    Secret(Secret),
}

impl Line {
    fn octets(&self) -> &[u8] {
        match self {
            Self::Open(octets) => octets,
            Self::Secret(octets) => octets.expose(),
        }
    }

    /// A line that is no challenge, for a reader that keeps it.
    fn into_open(self) -> Bytes {
        match self {
            Self::Open(octets) => octets,
            Self::Secret(octets) => Bytes::copy_from_slice(octets.expose()),
        }
    }
}

/// Replies to EHLO that say that there is no such command, in the words of various servers.
const NO_EHLO: [u16; 5] = [500, 501, 502, 504, 550];
