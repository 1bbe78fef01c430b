//! The client against the server over a pipe that is cut at every octet: each message is on both sides, on none, or
//! the client knows that it does not know.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    dead_code,
    reason = "test code"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use posthaste_smtp::client::{self, AuthPrivacy, BodyWriter, Chunking, Client, Fate, TlsPolicy};
use posthaste_smtp::server::{self, Server, TlsOffer};
use posthaste_smtp::{Envelope, Limits, Misuse, Recipient, Rejection, Secret, Security, Time};
use posthaste_testkit::{Conversation, converse};

/// How two machines talk.
#[derive(Clone, Copy, Debug)]
struct Way {
    lmtp: bool,
    chunks: bool,
    tls: bool,
    auth: bool,
}

/// What the client knows of a message for a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Taken,
    NotTaken,
    Unknown,
}

const CONTENT: [&str; 2] = ["first\r\n.\r\n..\r\nand so on\r\n", ".second\r\n"];

/// Writes what is left, as far as the server lets it.
fn write(client: &mut Client, open: &mut Option<(BodyWriter, Vec<Bytes>)>) {
    let Some((mut writer, mut pieces)) = open.take() else { return };
    while let Some(piece) = pieces.first().cloned() {
        match writer.write(client, piece) {
            Ok(()) => drop(pieces.remove(0)),
            Err(Misuse::NotNow { .. }) => {
                *open = Some((writer, pieces));
                return;
            }
            Err(misuse) => panic!("{misuse}"),
        }
    }
    writer.finish(client).unwrap();
}

fn machines(way: Way) -> (Client, Server) {
    let (client_mode, server_mode) = match way.lmtp {
        true => (client::Mode::Lmtp, server::Mode::Lmtp),
        false => (client::Mode::Smtp, server::Mode::Mta),
    };
    let mut limits = Limits::default();
    limits.chunk_max = 10;
    let config = client::Config::new(client_mode, "c.test".parse().unwrap())
        .with_limits(limits)
        .with_tls(if way.tls { TlsPolicy::Required } else { TlsPolicy::Off })
        .with_auth_requires_tls(AuthPrivacy::NotRequired)
        .with_chunking(if way.chunks { Chunking::Auto } else { Chunking::Never });
    let mut client = Client::new(config, Security::Plain, Time::ZERO);
    for _ in CONTENT {
        let recipients = ["<u@x.test>", "<no@x.test>", "<v@x.test>"];
        let recipients = recipients.map(|path| path.parse::<Recipient>().unwrap());
        client.send(Envelope::new("<a@c.test>".parse().unwrap(), recipients)).unwrap();
    }
    client.quit();
    let config = server::Config::new(server_mode, "mx.test".parse().unwrap())
        .with_tls(if way.tls { TlsOffer::StartTls } else { TlsOffer::Absent })
        .with_mechanisms(if way.auth { vec!["PLAIN".parse().unwrap()] } else { Vec::new() })
        .with_auth_requires_tls(server::AuthPrivacy::NotRequired);
    (client, Server::new(config, Security::Plain, Time::ZERO))
}

/// Runs to the end or the cut; what passed, and for each message what each side thinks of its recipients.
fn run(way: Way, segment: usize, cut_after: Option<usize>) -> (usize, bool) {
    let (mut client, mut server) = machines(way);
    let mut known: BTreeMap<u64, Vec<Known>> = BTreeMap::new();
    let mut stored: Vec<String> = Vec::new();
    let (mut open, mut body) = (None, Vec::new());
    let ended = converse(
        &mut client,
        &mut server,
        Conversation { segment, cut_after },
        |client, event| match event {
            client::Event::Ready(_) if way.auth => {
                client.authenticate("PLAIN".parse().unwrap(), Some(Secret::from("\0u\0p"))).unwrap();
            }
            client::Event::Body(writer) => {
                let content = CONTENT[usize::try_from(writer.id().number()).unwrap()];
                let pieces = content.as_bytes().chunks(4).map(Bytes::from_static).collect();
                open = Some((writer, pieces));
                write(client, &mut open);
            }
            client::Event::Room(_) => write(client, &mut open),
            client::Event::Sent(report) => {
                let taken = |taken: bool| if taken { Known::Taken } else { Known::NotTaken };
                let recipients = report.recipients.iter().map(|result| taken(result.is_ok())).collect();
                assert_eq!(known.insert(report.id.number(), recipients), None);
            }
            _ => {}
        },
        |server, event| match event {
            server::Event::StartTls(token) => token.accept(server).unwrap(),
            server::Event::Auth(auth) => auth.accept(server).unwrap(),
            server::Event::Mail(mail) => mail.accept(server).unwrap(),
            server::Event::Rcpt(rcpt) if rcpt.to().to_string().starts_with("<no") => {
                rcpt.reject(server, Rejection::no_such_user()).unwrap();
            }
            server::Event::Rcpt(rcpt) => rcpt.accept(server).unwrap(),
            server::Event::Data(data) => data.accept(server).unwrap(),
            server::Event::Body(chunk) => body.extend_from_slice(&chunk),
            server::Event::BodyEnd(end) => {
                stored.push(String::from_utf8(std::mem::take(&mut body)).unwrap());
                end.accept(server).unwrap();
            }
            server::Event::BodyAborted(_) => body.clear(),
            _ => {}
        },
    );
    for message in client.take_unfinished() {
        let recipients = message.recipients.iter().map(|fate| match fate {
            Fate::Answered(result) if result.is_ok() => Known::Taken,
            Fate::Answered(_) | Fate::NotTaken => Known::NotTaken,
            Fate::Unknown => Known::Unknown,
        });
        assert_eq!(known.insert(message.id.number(), recipients.collect()), None, "reported and given back");
    }
    assert_eq!(known.len(), CONTENT.len(), "{way:?} cut {cut_after:?}: {ended:?}");
    for (number, content) in CONTENT.iter().enumerate() {
        let copies = stored.iter().filter(|stored| stored == content).count();
        let known = &known[&u64::try_from(number).unwrap()];
        assert_eq!(known[1], Known::NotTaken);
        for known in [known[0], known[2]] {
            let agreed = match known {
                Known::Taken => copies == 1,
                Known::NotTaken => copies == 0,
                Known::Unknown => copies <= 1,
            };
            assert!(
                agreed,
                "{way:?} segment {segment} cut {cut_after:?}: {known:?}, {copies} stored, {ended:?}"
            );
        }
    }
    let all = known.values().all(|known| *known == [Known::Taken, Known::NotTaken, Known::Taken]);
    (ended.octets, all)
}

fn ways() -> impl Iterator<Item = Way> {
    (0..16).map(|bits: u32| {
        let bit = |at: u32| bits >> at & 1 == 1;
        Way { lmtp: bit(0), chunks: bit(1), tls: bit(2), auth: bit(3) }
    })
}

#[test]
fn whatever_the_segments_two_messages_arrive() {
    for way in ways() {
        for segment in [1, 7, 64, usize::MAX] {
            assert!(run(way, segment, None).1, "{way:?} {segment}");
        }
    }
}

#[test]
fn hst_08_a_cut_at_any_octet_loses_and_doubles_nothing_unknowingly() {
    for way in ways() {
        for segment in [1, 7, 64, usize::MAX] {
            let (octets, _) = run(way, segment, None);
            for at in 0..octets {
                run(way, segment, Some(at));
            }
        }
    }
}
