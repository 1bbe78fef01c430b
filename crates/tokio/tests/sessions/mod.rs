//! Whole sessions of all six machines over pipes that hesitate, with futures that are dropped halfway.
//!
//! A session is the same however it is disturbed: what both sides saw of it is in their [`Notes`], and where nothing
//! is encrypted the octets that travelled are in the [`Wire`].
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

pub mod imap;
pub mod pop3;
pub mod smtp;

use std::fmt::Debug;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use posthaste_tokio::{Connection, Error, Machine};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

pub const USER: &str = "ursel";
pub const PASSWORD: &str = "Gheim-Wort7";
pub const PLAIN: &[u8] = b"\0ursel\0Gheim-Wort7";
pub const CHALLENGE: &[u8] = b"<1896.697170952@Herausforderung>";
pub const RESPONSE: &[u8] = b"ursel b913a602c7eda7a495b4e6e7334d3890";

/// How a client says who it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Login {
    /// With the command of the protocol, where it has one, else as `Initial`.
    Password,
    /// By a SASL mechanism whose response comes with the command.
    Initial,
    /// By a SASL mechanism that answers a challenge.
    Challenge,
}

/// What a session is to contain.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub login: Login,
    /// Both sides have certificates, and start TLS in the session.
    pub tls: bool,
    /// BDAT in place of DATA; COMPRESS at IMAP.
    pub extra: bool,
    /// How long the messages are, in lines.
    pub lines: usize,
}

/// When the futures of a connection are dropped before they are ready.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Drops {
    Never,
    /// The one that is polled for the n-th time of all, from 1.
    At(usize),
    /// Each, whenever it has been polled once.
    Each,
}

/// What one side saw: the names of its events in order, and the octets of the bodies that came in.
#[derive(Debug, Default, PartialEq)]
pub struct Notes {
    pub events: Vec<String>,
    pub body: Vec<u8>,
    pub received: u64,
    pub sent: u64,
}

impl Notes {
    /// Notes an event by its name.
    pub fn event(&mut self, event: &impl Debug) {
        let text = format!("{event:?}");
        let name = text.split(['(', ' ', '{']).next().unwrap().to_owned();
        // How a body comes in pieces, and how often there is room, depends on the moment.
        let again = name == "Body" && self.events.last() == Some(&name);
        if name != "Room" && !again {
            self.events.push(name);
        }
    }
}

/// A connection whose futures are dropped.
pub struct Rig<M: Machine> {
    pub connection: Connection<M>,
    pub notes: Notes,
    drops: Drops,
    polls: usize,
}

impl<M: Machine> Rig<M> {
    pub fn new(connection: Connection<M>, drops: Drops) -> Self {
        Self { connection, notes: Notes::default(), drops, polls: 0 }
    }

    pub async fn next(&mut self) -> Result<Option<M::Event>, Error<M::Error>>
    where
        M::Event: Debug,
    {
        let event = loop {
            let future = pin!(self.connection.next());
            if let Some(event) = in_pieces(future, self.drops, &mut self.polls).await {
                break event;
            }
            tokio::task::yield_now().await;
        }?;
        if let Some(event) = &event {
            self.notes.event(event);
        }
        Ok(event)
    }

    pub async fn room(&mut self) -> Result<(), Error<M::Error>> {
        loop {
            let future = pin!(self.connection.room());
            if let Some(room) = in_pieces(future, self.drops, &mut self.polls).await {
                return room;
            }
            tokio::task::yield_now().await;
        }
    }

    pub async fn flush(&mut self) -> Result<(), Error<M::Error>> {
        loop {
            let future = pin!(self.connection.flush());
            if let Some(flushed) = in_pieces(future, self.drops, &mut self.polls).await {
                return flushed;
            }
            tokio::task::yield_now().await;
        }
    }

    pub fn machine(&mut self) -> &mut M {
        self.connection.machine()
    }

    /// What was seen, and how many times a future was polled.
    pub fn finish(mut self) -> (Notes, usize) {
        self.notes.received = self.connection.received();
        self.notes.sent = self.connection.sent();
        (self.notes, self.polls)
    }
}

/// What the future gives, or nothing when it is to be dropped first.
async fn in_pieces<F: Future>(mut future: Pin<&mut F>, drops: Drops, polls: &mut usize) -> Option<F::Output> {
    poll_fn(|cx| {
        *polls += 1;
        assert!(*polls < 1_000_000, "turns in circles");
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if drops == Drops::Each || drops == Drops::At(*polls) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// The octets that one side has written.
pub type Wire = Arc<Mutex<Vec<u8>>>;

/// A pipe that is not ready the first time it is asked, whatever it is asked, and takes and gives only a little.
pub struct Hesitant {
    inner: DuplexStream,
    little: usize,
    asked: [bool; 4],
    pub wire: Wire,
}

impl Hesitant {
    pub fn new(inner: DuplexStream, little: usize) -> (Self, Wire) {
        let wire = Wire::default();
        (Self { inner, little, asked: [false; 4], wire: Arc::clone(&wire) }, wire)
    }

    fn hesitate(&mut self, what: usize, cx: &Context<'_>) -> Poll<()> {
        self.asked[what] = !self.asked[what];
        if self.asked[what] {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Hesitant {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.hesitate(0, cx));
        let mut space = vec![0; self.little.min(buf.remaining())];
        let mut little = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut little))?;
        buf.put_slice(little.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Hesitant {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.hesitate(1, cx));
        let little = self.little.min(octets.len());
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, &octets[..little]))?;
        self.wire.lock().unwrap().extend_from_slice(&octets[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.hesitate(2, cx));
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.hesitate(3, cx));
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A message with what is special in one: lines that begin with dots, and long ones.
pub fn message(lines: usize) -> Vec<u8> {
    let line = |n: usize| match n % 3 {
        0 => format!(".dot {n}\r\n"),
        1 => format!("line {n} {}\r\n", "x".repeat(n % 70)),
        _ => ".\r\n".to_owned(),
    };
    std::iter::once("Subject: s\r\n\r\n".to_owned()).chain((0..lines).map(line)).collect::<String>().into()
}
