//! Properties of `posthaste-pop3`: nothing is read as something else, and the cuts of a stream change nothing.

use bytes::{Bytes, BytesMut};
use posthaste_pop3::client::{self, LineEnds, Seen, TlsPolicy};
use posthaste_pop3::server::{self, Language, Listed, LoginRefusal, Maildrop, Utf8Offer};
use posthaste_pop3::{
    ApopDigest, ApopTimestamp, Client, LanguageRange, MechanismName, MessageNumber, Secret, Security, Server,
    Time, Uidl, Utf8Names, encode, parse,
};
use posthaste_testkit::{Note, run};

use crate::plan::Plan;

/// Commands: a line is a command or it is not, and a command that was read is written as a line that reads the same.
pub fn pop3_command(input: &[u8]) {
    let Ok(command) = parse::command(input) else { return };
    let mut line = BytesMut::new();
    encode::command(&command, &mut line);
    assert_eq!(encode::secret_command(&command).expose(), line, "a secret is written differently");
    let text = line.strip_suffix(b"\r\n").unwrap();
    if !input.iter().any(|octet| matches!(octet, b'\r' | b'\n')) {
        assert!(!text.iter().any(|octet| matches!(octet, b'\r' | b'\n')), "one command became two lines");
    }
    assert_eq!(parse::command(text), Ok(command), "a command did not come back");
}

/// Answers: every kind of line is read or refused, and what was read is written as a line that reads the same.
pub fn pop3_answer(input: &[u8]) {
    let line = Bytes::copy_from_slice(input);
    if let Ok(reply) = parse::reply(&line) {
        let mut written = BytesMut::new();
        encode::reply(&reply, &mut written);
        let written = written.freeze();
        assert_eq!(parse::reply(&written.slice(..written.len() - 2)), Ok(reply), "a reply did not come back");
    }
    if let Ok(text) = core::str::from_utf8(input) {
        let capability = parse::capability(text);
        let mut written = BytesMut::new();
        encode::capability(&capability, &mut written);
        assert_eq!(written.iter().filter(|octet| **octet == b'\n').count(), 1, "a capability is one line");
    }
    let _ = (parse::stat(input), parse::size_row(input), parse::language_row(&line));
    if let Ok((_, uidl)) = parse::uidl_row(input) {
        assert_eq!(Uidl::new(uidl.as_str()), Ok(uidl));
        let known: Seen = [uidl].into_iter().collect();
        let comparison = known.compare();
        assert_eq!(comparison.finish().gone, [uidl]);
    }
    if let Some(Ok(challenge)) = parse::challenge(input) {
        let written = encode::response(&challenge);
        let text = written.expose().strip_suffix(b"\r\n").unwrap();
        assert_eq!(parse::base64(text), Ok(challenge), "a challenge did not come back");
    }
    if let Some(timestamp) = ApopTimestamp::find(input) {
        assert_eq!(ApopTimestamp::new(timestamp.as_str()), Ok(timestamp));
    }
}

/// The server: any split of any stream is answered alike, and only QUIT removes.
pub fn pop3_server(input: &[u8]) {
    let Some(plan) = Plan::read(input) else { return };
    let make = || {
        let mut config = server::Config::default();
        config.mechanisms = vec![MechanismName::new("PLAIN").unwrap()];
        config.apop = Some(ApopTimestamp::new("<1@b>").unwrap());
        config.utf8 = Utf8Offer::Offered(Utf8Names::Taken);
        config.languages = vec![Language::english().unwrap()];
        if plan.number % 2 == 1 {
            config.limits.violations_max = u32::MAX;
            config.limits.violations_before_login_max = u32::MAX;
        }
        Server::new(config, Security::Tls, Time::ZERO)
    };
    let whole = run(&mut make(), [plan.octets], true, serve);
    let cut = run(&mut make(), plan.pieces(), true, serve);
    assert_eq!(cut, whole, "the cuts change what happens");
    assert!(whole.output.ends_with(b"\r\n"), "an answer has no end");
}

fn serve(server: &mut Server, event: server::Event) -> Note {
    let words = format!("{event:?}").split('(').next().unwrap_or_default().to_owned();
    let maildrop = || {
        let listed = |uidl| Listed { size: 11, uidl: Uidl::new(uidl).unwrap() };
        Maildrop::new(vec![listed("a"), listed("b")]).unwrap()
    };
    match event {
        server::Event::Login(login) if login.password().len() % 2 == 0 => login.accept(server, maildrop()),
        server::Event::Login(login) => login.reject(server, LoginRefusal::Credentials),
        server::Event::Apop(apop) => apop.accept(server, maildrop()),
        server::Event::Auth(auth) => match auth.response().map(Secret::len) {
            None => auth.challenge(server, b"more"),
            Some(0..4) => auth.reject(server, LoginRefusal::InUse),
            Some(_) => auth.accept(server, maildrop()),
        },
        server::Event::Retr(retr) => retr.open(server).and_then(|writer| write(server, writer)),
        server::Event::Top(top) => top.open(server).and_then(|writer| write(server, writer)),
        server::Event::Quit(quit) => {
            let words = format!("Quit {:?}", quit.deleted());
            quit.done(server).unwrap();
            return Note::event(words);
        }
        _ => Ok(()),
    }
    .unwrap();
    Note::event(words)
}

fn write(server: &mut Server, mut writer: server::BodyWriter) -> Result<(), posthaste_pop3::Misuse> {
    writer.write(server, Bytes::from_static(b"A: b\r\n\r\n.c"))?;
    writer.finish(server)
}

/// The client: any split of any stream is understood alike, and it is in memory what it is on the wire.
pub fn pop3_client(input: &[u8]) {
    let Some(plan) = Plan::read(input) else { return };
    let make = || {
        let mut config = client::Config::default();
        config.tls = TlsPolicy::Off;
        if plan.number % 2 == 1 {
            config.quirks.line_ends = LineEnds::BareLf;
        }
        let mut client = Client::new(config, Security::Plain, Time::ZERO);
        match plan.number / 2 % 3 {
            0 => client.login("u", Secret::from("p")).unwrap(),
            1 => client.apop("u").unwrap(),
            _ => client.authenticate("PLAIN", Some(Secret::from("\0u\0p"))).unwrap(),
        };
        client
    };
    let whole = run(&mut make(), [plan.octets], true, act);
    let cut = run(&mut make(), plan.pieces(), true, act);
    assert_eq!(cut, whole, "the cuts change what happens");
    for line in whole.output.split_inclusive(|octet| *octet == b'\n') {
        assert!(line.ends_with(b"\r\n") && line.len() <= 255, "a line that no server has to take");
    }
}

/// Asks for everything as soon as it is in.
fn act(client: &mut Client, event: client::Event) -> Note {
    use client::Event;
    let words = match event {
        Event::Body { chunk, .. } => return Note::body(&chunk),
        Event::Challenge(challenge) => {
            challenge.respond(client, &Secret::from("ok")).unwrap();
            "challenge".into()
        }
        Event::Apop(apop) => {
            let words = apop.timestamp().to_string();
            apop.respond(client, ApopDigest::new(&[b'0'; 32]).unwrap()).unwrap();
            words
        }
        Event::Reply { reply, .. } => {
            if client.stat().is_ok() {
                let first = MessageNumber::new(1).unwrap();
                // Refused behind QUIT; that is not what is looked at here.
                let _ = client.list();
                let _ = client.uidl();
                let _ = client.uidl_one(first);
                let _ = client.top(first, 0);
                let _ = client.retr(first);
                let _ = client.dele(first);
                let _ = client.language(LanguageRange::Any);
                let _ = client.languages();
                let _ = client.quit();
            }
            format!("{reply:?}")
        }
        event => format!("{event:?}"),
    };
    Note::event(words)
}
