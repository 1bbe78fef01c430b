//! Clients that know nothing of this project: lines and literals over a socket. A connection that dies is an answer here,
//! not a failure of the test.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::{
    ledger::Outcome,
    server::{PASSWORD, Ports},
};

/// How long the server may take for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// A connection.
#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) stream: TcpStream,
    received: Vec<u8>,
}

impl Talk {
    pub(crate) fn connect(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        stream.set_write_timeout(Some(ANSWER_MAX))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::new() })
    }

    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(octets.as_ref())
    }

    /// A line without its CR LF.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        let mut looked = 0;
        loop {
            if let Some(end) = self.received[looked..].windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.received.drain(..looked + end + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..line.len() - 2]).into_owned());
            }
            looked = self.received.len().saturating_sub(1);
            self.more()?;
        }
    }

    fn octets(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.received.len() < count {
            self.more()?;
        }
        Ok(self.received.drain(..count).collect())
    }

    fn more(&mut self) -> io::Result<()> {
        let mut read = [0; 65536];
        match self.stream.read(&mut read)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => {
                self.received.extend_from_slice(&read[..count]);
                Ok(())
            }
        }
    }

    /// An SMTP reply: its code and its last line.
    pub(crate) fn reply(&mut self) -> io::Result<(u16, String)> {
        loop {
            let line = self.line()?;
            if line.as_bytes().get(3) != Some(&b'-') {
                let code = line.get(..3).and_then(|code| code.parse().ok());
                return Ok((code.ok_or(ErrorKind::InvalidData)?, line));
            }
        }
    }

    /// Sends an SMTP command and reads the reply.
    pub(crate) fn command(&mut self, line: &str) -> io::Result<(u16, String)> {
        self.send(format!("{line}\r\n"))?;
        self.reply()
    }

    /// Sends an SMTP command that must be accepted.
    #[track_caller]
    pub(crate) fn accepted(&mut self, line: &str) {
        let (code, reply) = self.command(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!((200..400).contains(&code), "{line}: {reply}");
    }

    /// A greeted SMTP or LMTP session.
    pub(crate) fn mail(ports: &Ports, listener: &str) -> io::Result<Self> {
        let mut talk = Self::connect(ports[listener])?;
        talk.reply()?;
        talk.command(if listener == "lmtp" { "LHLO client.test" } else { "EHLO client.test" })?;
        Ok(talk)
    }

    /// One message to one recipient. What is refused before the end of data is refused, too.
    pub(crate) fn deliver(&mut self, recipient: &str, message: &[u8]) -> Outcome {
        let refused = |(code, _): (u16, String)| Some(code).filter(|code| *code >= 400);
        for line in ["MAIL FROM:<sender@remote.test>", &format!("RCPT TO:<{recipient}>"), "DATA"] {
            match self.command(line).map(refused) {
                Ok(None) => {}
                Ok(Some(code)) => {
                    // A refused MAIL or RCPT leaves a transaction that is none.
                    let _ = self.command("RSET");
                    return Outcome::Refused(code);
                }
                Err(_) => return Outcome::Unsent,
            }
        }
        let mut data = message.to_vec();
        data.extend_from_slice(b".\r\n");
        // Whether all of it has arrived is not known if this fails.
        match self.send(&data).and_then(|()| self.reply()) {
            Ok((250, _)) => Outcome::Acknowledged,
            Ok((code, _)) => Outcome::Refused(code),
            Err(_) => Outcome::Unknown,
        }
    }
}

/// An IMAP session.
#[derive(Debug)]
pub(crate) struct Imap {
    pub(crate) talk: Talk,
    number: u32,
}

/// One response: its text, `{}` where literals were, and these.
#[derive(Debug, Clone, Default)]
pub(crate) struct Response {
    pub(crate) text: String,
    pub(crate) literals: Vec<Vec<u8>>,
}

/// All responses to a command; the tagged one says OK, NO or BAD.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) untagged: Vec<Response>,
    pub(crate) tagged: String,
}

impl Answer {
    pub(crate) fn is_ok(&self) -> bool {
        self.tagged.starts_with("OK")
    }

    /// The words of a response code, as `APPENDUID 4 5`.
    pub(crate) fn code(&self, name: &str) -> Option<Vec<String>> {
        let texts = self.untagged.iter().map(|response| response.text.as_str());
        texts.chain([self.tagged.as_str()]).find_map(|text| {
            let (_, rest) = text.split_once(&format!("[{name} "))?;
            Some(rest.split_once(']')?.0.split(' ').map(str::to_owned).collect())
        })
    }

    /// A response code with one number.
    #[track_caller]
    pub(crate) fn number(&self, name: &str) -> u32 {
        let code = self.code(name).unwrap_or_else(|| panic!("no {name} in {self:?}"));
        code[0].parse().unwrap()
    }
}

impl Imap {
    /// A session of somebody who has logged in.
    pub(crate) fn open(ports: &Ports, user: &str) -> io::Result<Self> {
        let talk = Talk::connect(ports["imap"])?;
        let mut imap = Self { talk, number: 0 };
        imap.talk.line()?;
        let answer = imap.command(&format!("LOGIN {user} {PASSWORD}"))?;
        if answer.is_ok() { Ok(imap) } else { Err(io::Error::other(answer.tagged)) }
    }

    /// Sends a command and reads all responses to it.
    pub(crate) fn command(&mut self, text: &str) -> io::Result<Answer> {
        let tag = self.send(text)?;
        self.answer(&tag)
    }

    /// Sends a command that must succeed.
    #[track_caller]
    pub(crate) fn ok(&mut self, text: &str) -> Answer {
        let answer = self.command(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(answer.is_ok(), "{text}: {}", answer.tagged);
        answer
    }

    /// Sends a command; its tag.
    pub(crate) fn send(&mut self, text: &str) -> io::Result<String> {
        self.number += 1;
        let tag = format!("t{}", self.number);
        self.talk.send(format!("{tag} {text}\r\n"))?;
        Ok(tag)
    }

    /// Reads responses up to the one with this tag.
    pub(crate) fn answer(&mut self, tag: &str) -> io::Result<Answer> {
        let mut answer = Answer::default();
        loop {
            let response = self.response()?;
            match response.text.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) {
                Some(tagged) => {
                    tagged.clone_into(&mut answer.tagged);
                    return Ok(answer);
                }
                None => answer.untagged.push(response),
            }
        }
    }

    /// Reads one response.
    pub(crate) fn response(&mut self) -> io::Result<Response> {
        let mut response = Response::default();
        loop {
            let line = self.talk.line()?;
            let literal = line.strip_suffix('}').and_then(|line| line.rsplit_once('{'));
            match literal.and_then(|(before, size)| Some((before, size.parse::<usize>().ok()?))) {
                Some((before, size)) => {
                    response.text.push_str(before);
                    response.text.push_str("{}");
                    response.literals.push(self.talk.octets(size)?);
                }
                None => {
                    response.text.push_str(&line);
                    return Ok(response);
                }
            }
        }
    }

    /// Appends a message; what became of it, and its UID.
    pub(crate) fn append(&mut self, mailbox: &str, message: &[u8]) -> (Outcome, Option<u32>) {
        // The server takes or refuses the literal before it is sent.
        let begun = self.send(&format!("APPEND {mailbox} {{{}}}", message.len()));
        let Ok((tag, first)) = begun.and_then(|tag| Ok((tag, self.response()?))) else {
            return (Outcome::Unsent, None);
        };
        if !first.text.starts_with('+') {
            return (Outcome::Refused(0), None);
        }
        let mut octets = message.to_vec();
        octets.extend_from_slice(b"\r\n");
        match self.talk.send(&octets).and_then(|()| self.answer(&tag)) {
            Ok(answer) if answer.is_ok() => {
                let uid = answer.code("APPENDUID").map(|code| code[1].parse().unwrap());
                (Outcome::Acknowledged, uid)
            }
            Ok(_) => (Outcome::Refused(0), None),
            Err(_) => (Outcome::Unknown, None),
        }
    }

    /// A command that changes something; what became of it, and the UID that the messages have now, where it is another.
    pub(crate) fn change(&mut self, text: &str) -> (Outcome, Option<u32>) {
        let Ok(tag) = self.send(text) else { return (Outcome::Unknown, None) };
        match self.answer(&tag) {
            Ok(answer) if answer.is_ok() => {
                (Outcome::Acknowledged, answer.code("COPYUID").map(|code| code[2].parse().unwrap()))
            }
            Ok(_) => (Outcome::Refused(0), None),
            Err(_) => (Outcome::Unknown, None),
        }
    }

    /// Messages of the selected mailbox: UID, flags, and what the literal says.
    pub(crate) fn messages(&mut self, which: &str, item: &str) -> io::Result<Vec<Row>> {
        let answer = self.command(&format!("UID FETCH {which} (UID FLAGS {item})"))?;
        if !answer.is_ok() {
            return Err(io::Error::other(answer.tagged));
        }
        // Flags that another session changed come without a literal.
        Ok(answer.untagged.into_iter().filter_map(row).collect())
    }
}

/// A message in a mailbox.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) uid: u32,
    pub(crate) flags: String,
    pub(crate) octets: Vec<u8>,
}

fn row(mut response: Response) -> Option<Row> {
    let octets = response.literals.pop()?;
    let after = |name: &str| response.text.split_once(name).map(|(_, rest)| rest.to_owned());
    let uid = after("UID ")?;
    let uid = uid.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    let flags = after("FLAGS (")?.split_once(')')?.0.to_owned();
    Some(Row { uid, flags, octets })
}
