//! What a socket sees before any TLS: which commands are refused in the clear, and that nothing is relayed.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::server::{ALICE, BOB, HOST, Server};

/// How long the server may take for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// A plaintext connection, one line at a time.
#[derive(Debug)]
pub(crate) struct Talk {
    stream: TcpStream,
    received: Vec<u8>,
    /// All lines so far, both ways, for messages.
    transcript: String,
}

impl Talk {
    /// Connects to a listener.
    #[track_caller]
    pub(crate) fn connect(server: &Server, listener: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port(listener))).unwrap();
        stream.set_read_timeout(Some(ANSWER_MAX)).unwrap();
        stream.set_write_timeout(Some(ANSWER_MAX)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, received: Vec::new(), transcript: String::new() }
    }

    /// Connects to an SMTP listener and greets.
    #[track_caller]
    pub(crate) fn greeted(server: &Server, listener: &str) -> Self {
        let mut talk = Self::connect(server, listener);
        talk.expect("220");
        talk.send("EHLO client.test\r\n");
        talk.expect("250");
        talk
    }

    /// Sends octets in one write.
    #[track_caller]
    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) {
        let octets = octets.as_ref();
        self.transcript.push_str(&format!("C: {}\n", octets.escape_ascii()));
        self.stream.write_all(octets).unwrap_or_else(|error| panic!("{error}\n{}", self.transcript));
    }

    /// Sends octets one by one. A server that closes on the way is no failure here.
    pub(crate) fn trickle(&mut self, octets: &[u8]) {
        self.transcript.push_str(&format!("C: {} (octet by octet)\n", octets.escape_ascii()));
        for octet in octets {
            if self.stream.write_all(&[*octet]).is_err() {
                return;
            }
        }
    }

    /// MAIL, RCPT and DATA, which are accepted.
    #[track_caller]
    pub(crate) fn envelope(&mut self, from: &str, to: &[&str]) {
        self.send(format!("MAIL FROM:<{from}>\r\n"));
        self.expect("250");
        for recipient in to {
            self.send(format!("RCPT TO:<{recipient}>\r\n"));
            self.expect("250");
        }
        self.send("DATA\r\n");
        self.expect("354");
    }

    /// Reads an SMTP reply to its last line and asserts that it starts with `prefix`.
    #[track_caller]
    pub(crate) fn expect(&mut self, prefix: &str) -> String {
        let reply = self.reply();
        assert!(reply.starts_with(prefix), "expected {prefix}\n{}", self.transcript);
        reply
    }

    /// Reads an SMTP reply to its last line.
    #[track_caller]
    pub(crate) fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let Some(line) = self.line() else { panic!("closed instead of a reply\n{}", self.transcript) };
            let last = line.as_bytes().get(3) != Some(&b'-');
            reply.push_str(&line);
            if last {
                return reply;
            }
            reply.push('\n');
        }
    }

    /// Reads lines up to and including the one that starts with `prefix`.
    #[track_caller]
    pub(crate) fn until(&mut self, prefix: &str) -> String {
        let mut lines = String::new();
        loop {
            let Some(line) = self.line() else { panic!("closed before {prefix}\n{}", self.transcript) };
            lines.push_str(&line);
            lines.push('\n');
            if line.starts_with(prefix) {
                return lines;
            }
        }
    }

    /// Reads a line, without its CR LF. `None` when the server has closed.
    #[track_caller]
    pub(crate) fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.received.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.received.drain(..end + 2).collect();
                let line = String::from_utf8_lossy(&line[..end]).into_owned();
                self.transcript.push_str(&format!("S: {line}\n"));
                return Some(line);
            }
            let mut read = [0; 4096];
            match self.stream.read(&mut read) {
                Ok(0) => return None,
                Ok(count) => self.received.extend_from_slice(&read[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no answer: {error}\n{}", self.transcript),
            }
        }
    }

    /// All lines until the server closes, which it must.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.line()).collect()
    }

    /// All that was said.
    pub(crate) fn transcript(&self) -> &str {
        &self.transcript
    }
}

#[test]
fn mail_for_other_domains_is_refused() {
    let server = Server::start();
    let mut talk = Talk::greeted(&server, "smtp");
    talk.send("MAIL FROM:<sender@remote.test>\r\n");
    talk.expect("250");
    talk.send("RCPT TO:<victim@elsewhere.test>\r\n");
    talk.expect("550 5.7.1");
    // A claim to be local changes nothing, nor do the old ways to name a route.
    for recipient in
        ["victim%elsewhere.test@example.test", "victim@elsewhere.test@example.test", "elsewhere.test!victim"]
    {
        talk.send(format!("RCPT TO:<{recipient}>\r\n"));
        talk.expect("5");
    }
    talk.send(format!("RSET\r\nMAIL FROM:<{ALICE}>\r\nRCPT TO:<victim@elsewhere.test>\r\n"));
    talk.expect("250");
    talk.reply();
    talk.expect("5");
    talk.send("RSET\r\nMAIL FROM:<sender@remote.test>\r\nRCPT TO:<nobody@example.test>\r\n");
    talk.expect("250");
    talk.expect("250");
    talk.expect("550 5.1.1");
}

#[test]
fn port_25_offers_tls_and_no_authentication() {
    let server = Server::start();
    let mut talk = Talk::connect(&server, "smtp");
    assert!(talk.expect("220 ").contains(HOST), "the greeting names the host\n{}", talk.transcript());
    talk.send("EHLO client.test\r\n");
    let offer = talk.expect("250").to_ascii_uppercase();
    for keyword in ["STARTTLS", "PIPELINING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES"] {
        assert!(offer.contains(keyword), "{keyword} is not offered\n{}", talk.transcript());
    }
    assert!(!offer.contains("AUTH"), "a password would travel in the clear\n{}", talk.transcript());
}

#[test]
fn submission_wants_tls_before_a_password_and_a_password_before_mail() {
    let server = Server::start();
    let mut talk = Talk::connect(&server, "submission");
    talk.expect("220");
    talk.send("EHLO client.test\r\n");
    let offer = talk.expect("250").to_ascii_uppercase();
    assert!(offer.contains("STARTTLS"), "{}", talk.transcript());
    assert!(!offer.contains("AUTH"), "a password would travel in the clear\n{}", talk.transcript());
    talk.send("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
    talk.expect("5");
    talk.send(format!("MAIL FROM:<{ALICE}>\r\n"));
    talk.expect("530");
}

#[test]
fn plaintext_sent_ahead_of_the_handshake_is_never_answered() {
    let server = Server::start();
    for listener in ["smtp", "submission"] {
        let mut talk = Talk::greeted(&server, listener);
        talk.send("STARTTLS\r\nRSET\r\n");
        let rest = talk.rest();
        assert!(rest.iter().all(|line| !line.starts_with('2')), "{}", talk.transcript());
    }
    let mut talk = Talk::connect(&server, "imap");
    talk.until("* OK");
    talk.send("a STARTTLS\r\nb NOOP\r\n");
    let rest = talk.rest();
    assert!(
        rest.iter().all(|line| !line.starts_with("a OK") && !line.starts_with("b ")),
        "{}",
        talk.transcript()
    );
    let mut talk = Talk::connect(&server, "pop3");
    talk.until("+OK");
    talk.send("STLS\r\nCAPA\r\n");
    let rest = talk.rest();
    assert!(rest.iter().all(|line| !line.starts_with("+OK")), "{}", talk.transcript());
}

#[test]
fn imap_takes_no_password_in_the_clear() {
    let server = Server::start();
    let mut talk = Talk::connect(&server, "imap");
    talk.until("* OK");
    talk.send("a CAPABILITY\r\n");
    let offer = talk.until("a OK");
    assert!(offer.contains(" LOGINDISABLED") && offer.contains(" STARTTLS"), "{}", talk.transcript());
    assert!(!offer.contains(" AUTH=PLAIN"), "{}", talk.transcript());
    talk.send(format!("b LOGIN {ALICE} \"Correct horse, 4 stable\"\r\n"));
    let answer = talk.until("b ");
    assert!(!answer.contains("b OK"), "{}", talk.transcript());
    talk.send("c SELECT INBOX\r\n");
    let answer = talk.until("c ");
    assert!(answer.contains("c BAD") || answer.contains("c NO"), "{}", talk.transcript());
}

#[test]
fn pop3_takes_no_password_in_the_clear() {
    let server = Server::start();
    let mut talk = Talk::connect(&server, "pop3");
    talk.until("+OK");
    talk.send("CAPA\r\n");
    let offer = talk.until(".");
    assert!(offer.contains("STLS"), "{}", talk.transcript());
    assert!(!offer.contains("USER") && !offer.contains("SASL"), "{}", talk.transcript());
    talk.send(format!("USER {ALICE}\r\n"));
    talk.until("-ERR");
    talk.send("STAT\r\n");
    talk.until("-ERR");
}

#[test]
fn lmtp_answers_for_each_recipient() {
    let server = Server::start();
    let mut talk = Talk::connect(&server, "lmtp");
    talk.expect("220");
    talk.send("LHLO client.test\r\n");
    talk.expect("250");
    talk.send("MAIL FROM:<sender@remote.test>\r\n");
    talk.expect("250");
    for (recipient, reply) in [(ALICE, "250"), ("nobody@example.test", "550"), (BOB, "250")] {
        talk.send(format!("RCPT TO:<{recipient}>\r\n"));
        talk.expect(reply);
    }
    talk.send("DATA\r\n");
    talk.expect("354");
    talk.send("Subject: for two\r\n\r\nbody\r\n.\r\nQUIT\r\n");
    talk.expect("250");
    talk.expect("250");
    talk.expect("221");
    assert!(talk.rest().is_empty(), "{}", talk.transcript());
}

#[test]
fn stls_12_a_browser_is_sent_away_without_an_echo() {
    let server = Server::start();
    for listener in ["smtp", "submission", "imap", "pop3"] {
        let mut talk = Talk::connect(&server, listener);
        talk.line();
        talk.send(format!("POST / HTTP/1.1\r\nHost: <script>\r\n\r\nMAIL FROM:<{ALICE}>\r\n"));
        let rest = talk.rest();
        assert!(rest.iter().all(|line| !line.contains("<script>")), "{}", talk.transcript());
        assert!(rest.iter().all(|line| !line.starts_with("250")), "{}", talk.transcript());
    }
}

/// A ClientHello of a TLS version that is no longer spoken, with cipher suites that go with it and no extension.
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    const SUITES: [u8; 8] = [0xc0, 0x13, 0xc0, 0x14, 0x00, 0x2f, 0x00, 0x0a];
    let mut hello = Vec::from(version);
    hello.extend([7; 32]); // random
    hello.push(0); // no session to resume
    hello.extend([0, 8]);
    hello.extend(SUITES);
    hello.extend([1, 0]); // no compression
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(hello);
    record
}

#[test]
fn stls_10_nothing_older_than_tls_1_2_is_spoken() {
    let server = Server::start();
    for listener in ["submissions", "imaps", "pop3s"] {
        for version in [[3, 0], [3, 1], [3, 2]] {
            let mut talk = Talk::connect(&server, listener);
            talk.send(client_hello(version));
            let mut answer = Vec::new();
            // The server may close with a reset behind its alert.
            let _ = talk.stream.read_to_end(&mut answer);
            // A fatal alert, protocol_version or handshake_failure, and nothing else.
            let refused = matches!(answer.as_slice(), [21, 3, _, 0, 2, 2, 70 | 40]);
            assert!(refused, "{listener}, version {version:?}: {answer:?}");
        }
    }
}
