//! The other end of a connection, line by line, and a session of IMAP over one.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;

pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

/// The other end of a connection. Whatever it waits for must come within [`PATIENCE`].
pub(crate) struct Peer(pub(crate) BufReader<Box<dyn Transport>>);

impl Peer {
    pub(crate) fn new(transport: impl Transport + 'static) -> Self {
        Self(BufReader::new(Box::new(transport)))
    }

    pub(crate) async fn send(&mut self, text: &str) {
        timeout(PATIENCE, self.0.write_all(text.as_bytes())).await.expect("stuck").unwrap();
        timeout(PATIENCE, self.0.flush()).await.expect("stuck").unwrap();
    }

    /// The next line with its end; empty at the end of the connection.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = Vec::new();
        timeout(PATIENCE, self.0.read_until(b'\n', &mut line)).await.expect("no line came").unwrap();
        String::from_utf8(line).unwrap()
    }

    pub(crate) async fn octets(&mut self, count: usize) -> Vec<u8> {
        let mut octets = vec![0; count];
        timeout(PATIENCE, self.0.read_exact(&mut octets)).await.expect("no octets came").unwrap();
        octets
    }

    pub(crate) async fn expect(&mut self, start: &str) -> String {
        let line = self.line().await;
        assert!(line.starts_with(start), "expected {start:?}, got {line:?}");
        line
    }
}

/// An IMAP session.
pub(crate) struct Imap {
    pub(crate) peer: Peer,
    number: u32,
}

impl Imap {
    /// On a connection that has been greeted.
    pub(crate) fn new(peer: Peer) -> Self {
        Self { peer, number: 0 }
    }

    /// Sends a command; everything up to and with its tagged answer, literals in place, the tag written `T`.
    pub(crate) async fn run(&mut self, command: &str) -> String {
        let tag = self.start(command).await;
        self.finish(&tag).await
    }

    pub(crate) async fn start(&mut self, command: &str) -> String {
        self.number += 1;
        let tag = format!("a{}", self.number);
        self.peer.send(&format!("{tag} {command}\r\n")).await;
        tag
    }

    pub(crate) async fn finish(&mut self, tag: &str) -> String {
        let mut all = String::new();
        loop {
            let response = self.response().await;
            assert!(!response.is_empty(), "cut after {all:?}");
            if let Some(status) = response.strip_prefix(&format!("{tag} ")) {
                return format!("{all}T {status}");
            }
            all.push_str(&response);
        }
    }

    /// One response with its literals.
    pub(crate) async fn response(&mut self) -> String {
        let mut response = String::new();
        loop {
            let line = self.peer.line().await;
            response.push_str(&line);
            let literal = line.strip_suffix("}\r\n").and_then(|line| line.rsplit_once('{'));
            let Some(count) = literal.and_then(|(_, count)| count.parse().ok()) else { return response };
            response.push_str(&String::from_utf8(self.peer.octets(count).await).unwrap());
        }
    }

    pub(crate) async fn ok(&mut self, command: &str) -> String {
        let answer = self.run(command).await;
        assert!(answer.contains("T OK"), "{command:?}: {answer:?}");
        answer
    }

    pub(crate) async fn no(&mut self, command: &str) -> String {
        let answer = self.run(command).await;
        assert!(answer.contains("T NO"), "{command:?}: {answer:?}");
        answer
    }

    /// APPEND with a synchronising literal.
    pub(crate) async fn append(&mut self, arguments: &str, message: &str) -> String {
        let tag = self.start(&format!("APPEND {arguments} {{{}}}", message.len())).await;
        let line = self.peer.line().await;
        if let Some(status) = line.strip_prefix(&format!("{tag} ")) {
            return format!("T {status}");
        }
        assert!(line.starts_with('+'), "{line:?}");
        self.peer.send(&format!("{message}\r\n")).await;
        self.finish(&tag).await
    }

    pub(crate) async fn idle(&mut self) -> String {
        let tag = self.start("IDLE").await;
        self.peer.expect("+").await;
        tag
    }

    pub(crate) async fn done(&mut self, tag: &str) -> String {
        self.peer.send("DONE\r\n").await;
        self.finish(tag).await
    }
}

/// How long anything may take that has to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
