//! What happens on a connection in both directions at once: long bodies against each other, and ends without a goodbye.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;
mod sessions;

use std::io;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use common::{Said, Toy, plain_client, plain_server};
use posthaste_imap::Misuse;
use posthaste_imap::client::{AppendWriter, Client, Event};
use posthaste_imap::types::{Condition, FetchAttribute, FetchItem, Mailbox, Section, SequenceSet};
use posthaste_tokio::{Connection, Error, Stream, Turn};
use sessions::{Drops, Login, PASSWORD, Plan, Rig, USER, imap, message};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, duplex};
use tokio::time::Instant;

const PLAN: Plan = Plan { login: Login::Password, tls: false, extra: false, lines: 20_000 };

/// Stores a message; then fetches it, and stores it again while it comes. What came, and how much of it came while the
/// other was being written.
async fn fetch_and_append(connection: &mut Connection<Client>, long: &Bytes) -> (Vec<u8>, usize) {
    let (mut rest, mut writing, mut got, mut done, mut overlap) = (Bytes::new(), None, Vec::new(), 0, 0);
    loop {
        let turn = if writing.is_some() {
            connection.room_or_next().await.unwrap()
        } else {
            Turn::Event(connection.next().await.unwrap())
        };
        let client = connection.machine();
        match turn {
            Turn::Room => {
                let mut writer: AppendWriter = writing.take().unwrap();
                let piece = rest.slice(..rest.len().min(5000));
                match writer.write(client, piece.clone()) {
                    Ok(()) => rest = rest.slice(piece.len()..),
                    Err(Misuse::Congested { .. }) => {}
                    Err(misuse) => panic!("{misuse}"),
                }
                if rest.is_empty() {
                    writer.finish(client).unwrap();
                } else {
                    writing = Some(writer);
                }
            }
            Turn::Event(None) => return (got, overlap),
            Turn::Event(Some(Event::Ready)) => {
                client.login(USER, PASSWORD.into()).unwrap();
                client.append(Mailbox::inbox(), Vec::new(), None, long.len() as u64).unwrap();
                client.select(Mailbox::inbox(), Vec::new()).unwrap();
            }
            Turn::Event(Some(Event::AppendReady(writer))) => {
                rest = long.clone();
                writing = Some(writer);
            }
            Turn::Event(Some(Event::Done { status, .. })) => {
                assert_eq!(status.condition, Condition::Ok, "{status:?}");
                done += 1;
                if done == 3 {
                    let section =
                        FetchAttribute::Section { section: Section::whole(), partial: None, peek: true };
                    client.fetch(SequenceSet::single(NonZeroU32::MIN), vec![section]).unwrap();
                    client.append(Mailbox::inbox(), Vec::new(), None, long.len() as u64).unwrap();
                }
                if done == 5 {
                    client.logout().unwrap();
                }
            }
            Turn::Event(Some(Event::Body(chunk))) => {
                got.extend_from_slice(&chunk);
                overlap += if writing.is_some() { chunk.len() } else { 0 };
            }
            Turn::Event(Some(Event::Item(FetchItem::Payload { data: Some(data), .. }))) => {
                got.extend_from_slice(&data);
            }
            Turn::Event(Some(_)) => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_long_bodies_pass_each_other_in_a_narrow_pipe() {
    let long = Bytes::from(message(PLAN.lines));
    assert!(long.len() > 250_000);
    let (near, far) = duplex(64);
    let mut server = Rig::new(Connection::new(imap::server(PLAN), near, plain_server()), Drops::Never);
    let mut client = Connection::new(imap::client(PLAN), far, plain_client());
    let begun = Instant::now();
    let (served, (got, overlap)) =
        tokio::join!(imap::serve(&mut server), fetch_and_append(&mut client, &long));
    served.unwrap();
    assert!(got == long);
    assert!(server.notes.body == [&long[..], &long].concat());
    assert!(overlap > 128 * 1024, "{overlap} octets came while as many were being written");
    assert!(begun.elapsed() < Duration::from_secs(5), "somebody waited for a deadline");
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_is_longer_than_all_buffers_does_not_stop_a_client() {
    let (near, far) = duplex(64);
    let mut server = Connection::new(Toy::server(), near, plain_server());
    let mut client = Connection::new(Toy::client(), far, plain_client());
    const LINES: usize = 20_000;
    for _ in 0..LINES {
        client.machine().say("a question that is answered with itself");
    }
    client.machine().say("quit");
    let hear = async {
        let mut lines = 0;
        while let Some(Said::Line(_)) = client.next().await.unwrap() {
            lines += 1;
        }
        lines
    };
    let begun = Instant::now();
    let (served, lines) = tokio::join!(common::serve(&mut server), hear);
    served.unwrap();
    assert_eq!(lines, LINES + 1);
    assert!(begun.elapsed() < Duration::from_secs(5), "somebody waited for a deadline");
}

/// Gives some octets and is then cut by the peer.
struct Reset {
    octets: &'static [u8],
    on_write: bool,
}

impl AsyncRead for Reset {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match std::mem::take(&mut self.octets) {
            [] if self.on_write => Poll::Pending,
            [] => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            octets => {
                buf.put_slice(octets);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Reset {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        if self.on_write {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_comes_after_the_events_before_it_and_at_once() {
    for on_write in [false, true] {
        let stream = Stream::new(Reset { octets: b"one\r\ntwo\r\n", on_write });
        let mut connection = Connection::new(Toy::server(), stream, plain_server());
        let begun = Instant::now();
        for expected in ["one", "two"] {
            let Some(Said::Question(question)) = connection.next().await.unwrap() else {
                panic!("{expected}")
            };
            assert_eq!(question.line, expected);
            question.answer(connection.machine(), "ok").unwrap();
        }
        let error = connection.next().await.unwrap_err();
        assert!(
            matches!(&error, Error::Io(error) if error.kind() == io::ErrorKind::ConnectionReset),
            "{error}"
        );
        assert!(matches!(connection.next().await, Ok(None)));
        assert!(matches!(connection.flush().await, Err(Error::Io(_))));
        assert!(matches!(connection.room().await, Err(Error::Io(_))));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
