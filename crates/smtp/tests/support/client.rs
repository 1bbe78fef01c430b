//! What the tests of the client share: a client, an envelope, a scripted server, words for events.

use std::fmt::Write as _;

use bytes::Bytes;
use posthaste_smtp::client::{
    AuthPrivacy, BodyWriter, Client, Config, Event, Mode, Refusal, Report, TlsPolicy, Unfinished,
};
use posthaste_smtp::{Envelope, Misuse, ProtocolError, Recipient, Security, Step, Time};
use posthaste_testkit::{Note, Outcome};

pub(crate) const GREETING: &str = "220 x\r\n";
pub(crate) const DATA: &str = "250-x\r\n250 PIPELINING\r\n";
pub(crate) const BDAT: &str = "250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n";

pub(crate) fn config(mode: Mode) -> Config {
    Config::new(mode, "c.test".parse().unwrap())
        .with_tls(TlsPolicy::Off)
        .with_auth_requires_tls(AuthPrivacy::NotRequired)
}

pub(crate) fn client(config: Config) -> Client {
    Client::new(config, Security::Plain, Time::ZERO)
}

pub(crate) fn smtp() -> Client {
    client(config(Mode::Smtp))
}

pub(crate) fn envelope(recipients: &[&str]) -> Envelope {
    let recipients = recipients.iter().map(|path| path.parse::<Recipient>().unwrap());
    Envelope::new("<a@c.test>".parse().unwrap(), recipients)
}

/// A client with a message for one who is known and one who is not, and QUIT behind it.
pub(crate) fn queued(tls: TlsPolicy) -> Client {
    let mut client = client(config(Mode::Smtp).with_tls(tls));
    client.send(envelope(&["<u@x.test>", "<no@x.test>"]).with_size(3)).unwrap();
    client.quit();
    client
}

/// Writes `.x` as content and tells what happens.
pub(crate) fn answer(client: &mut Client, event: Event) -> Note {
    match event {
        Event::Body(mut writer) => {
            writer.write(client, Bytes::from_static(b".x\r\n")).unwrap();
            writer.finish(client).unwrap();
            Note::event("body")
        }
        Event::Sent(report) => Note::event(sent(&report)),
        Event::Recipient { index, result, .. } => Note::event(format!("rcpt {index} {}", result.is_ok())),
        Event::Ready(_) => Note::event("ready"),
        event => Note::event(format!("{event:?}")),
    }
}

/// `sent End [true, false]`.
pub(crate) fn sent(report: &Report) -> String {
    let taken: Vec<bool> = report.recipients.iter().map(Result::is_ok).collect();
    format!("sent {:?} {taken:?}", report.stage)
}

/// A scripted server knows no question, so its script is cut only between what answers different groups; each
/// piece is also given octet by octet.
pub(crate) fn play(make: impl Fn() -> Client, script: &[&str]) -> Outcome {
    let bytewise = script.iter().flat_map(|piece| piece.as_bytes().chunks(1));
    let whole =
        posthaste_testkit::run(&mut make(), script.iter().map(|piece| piece.as_bytes()), true, answer);
    assert_eq!(posthaste_testkit::run(&mut make(), bytewise, true, answer), whole);
    whole
}

pub(crate) fn output(client: &mut Client) -> Vec<u8> {
    std::iter::from_fn(|| client.poll_transmit()).flatten().collect()
}

pub(crate) fn text(client: &mut Client) -> String {
    String::from_utf8(output(client)).unwrap()
}

/// Runs to the next step that is no event; the events in words, bodies apart.
pub(crate) fn steps(client: &mut Client) -> (String, Option<BodyWriter>, Result<Step<()>, ProtocolError>) {
    let (mut words, mut writer) = (String::new(), None);
    loop {
        match client.poll_event() {
            Ok(Step::Event(Event::Body(token))) => writer = Some(token),
            Ok(Step::Event(Event::Sent(report))) => writeln!(words, "{}", sent(&report)).unwrap(),
            Ok(Step::Event(Event::Room(_))) => words.push_str("room\n"),
            Ok(Step::Event(Event::Ready(_))) => words.push_str("ready\n"),
            Ok(Step::Event(Event::Recipient { .. })) => {}
            Ok(Step::Event(event)) => writeln!(words, "{event:?}").unwrap(),
            Ok(step) => return (words, writer, Ok(step.map(|_| ()))),
            Err(error) => return (words, writer, Err(error)),
        }
    }
}

/// Gives a reply and returns what events it leads to and what is sent.
pub(crate) fn tell(client: &mut Client, reply: &str) -> (String, String) {
    client.handle_input(Time::ZERO, reply.as_bytes());
    let (words, writer, _) = steps(client);
    assert!(writer.is_none(), "{reply}");
    (words, text(client))
}

/// Leads a client with one message queued through the replies to its writer.
pub(crate) fn writer(client: &mut Client, replies: &[&str]) -> BodyWriter {
    for reply in replies {
        client.handle_input(Time::ZERO, reply.as_bytes());
        if let (_, Some(writer), _) = steps(client) {
            output(client);
            return writer;
        }
    }
    panic!("no writer behind {replies:?}");
}

pub(crate) fn write(client: &mut Client, writer: &mut BodyWriter, content: &[u8]) -> Result<(), Misuse> {
    writer.write(client, Bytes::copy_from_slice(content))
}

/// The report of the only message, played against a server that says `script`.
pub(crate) fn report(client: &mut Client, script: &[&str]) -> Report {
    let mut report = None;
    posthaste_testkit::run(client, script.iter().map(|piece| piece.as_bytes()), false, |client, event| {
        if let Event::Sent(sent) = &event {
            report = Some(sent.clone());
        }
        answer(client, event)
    });
    report.expect("a report")
}

/// `no 550 5.1.1`, `not taken`, `unknown` ..., for each recipient.
pub(crate) fn fates(unfinished: &Unfinished) -> Vec<String> {
    use posthaste_smtp::client::Fate;
    let words = |fate: &Fate| match fate {
        Fate::Answered(Ok(reply)) => format!("yes {}", reply.code()),
        Fate::Answered(Err(Refusal::Server(no))) => format!("no {}", no.reply().code()),
        Fate::Answered(Err(refusal)) => format!("{refusal:?}"),
        Fate::NotTaken => "not taken".into(),
        Fate::Unknown => "unknown".into(),
    };
    unfinished.recipients.iter().map(words).collect()
}
