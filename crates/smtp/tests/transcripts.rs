//! The examples of the RFCs, in words of our own, against the server, against the client, and where both would take
//! that course by themselves, against both. The conversations are the files in `transcripts/`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::borrow::Cow;

use bytes::Bytes;
use posthaste_smtp::client::{self, Chunking, Client, TlsPolicy};
use posthaste_smtp::server::{self, AuthPrivacy, Extensions, Mode, Server, TlsOffer};
use posthaste_smtp::{
    AuthIdentity, Command, Envelope, EnvelopeId, Limits, Mechanism, Recipient, Rejection, Ret, ReversePath,
    Secret, Security, Time,
};
use posthaste_testkit::{Dialect, Failure, Side, Transcript};

/// Of a reply, code and mark count; of the reply to EHLO, keyword and parameters.
struct Smtp;

impl Dialect for Smtp {
    fn significant<'a>(&self, by: Side, line: &'a str) -> Cow<'a, str> {
        match by {
            Side::Client => line.into(),
            Side::Server => line.get(..4).unwrap_or(line).into(),
        }
    }

    fn continues(&self, _by: Side, line: &str) -> bool {
        line.as_bytes().get(3) == Some(&b'-')
    }

    fn member<'a>(&self, _by: Side, line: &'a str) -> Cow<'a, str> {
        line.get(4..).unwrap_or_default().into()
    }
}

/// A mechanism, the initial response, and the answer to a challenge.
type Credentials = (&'static str, Option<&'static [u8]>, &'static [u8]);

/// What the example is about, apart from its lines.
struct Example {
    script: &'static str,
    mode: Mode,
    security: Security,
    tls: TlsPolicy,
    mechanisms: &'static [&'static str],
    /// What the client begins to authenticate with, and how it answers a challenge.
    credentials: Option<Credentials>,
    /// What the server asks with where there is no initial response.
    challenge: &'static [u8],
    extensions: Extensions,
    chunking: Chunking,
    /// What the client sends.
    envelopes: Vec<Envelope>,
    content: &'static [u8],
}

impl Example {
    fn new(script: &'static str) -> Self {
        Self {
            script,
            mode: Mode::Mta,
            security: Security::Plain,
            tls: TlsPolicy::Off,
            mechanisms: &[],
            credentials: None,
            challenge: b"",
            extensions: Extensions::new(),
            chunking: Chunking::Never,
            envelopes: Vec::new(),
            content: b"first line\r\n",
        }
    }

    /// One message with wishes about notifications (RFC 3461).
    fn notified(self, recipients: &[&str]) -> Self {
        let parameters = |line: &str| match Command::parse(&Bytes::copy_from_slice(line.as_bytes())).unwrap()
        {
            Command::Rcpt { to, parameters } => {
                let mut recipient = Recipient::from(to);
                recipient.parameters = parameters;
                recipient
            }
            command => panic!("{command:?}"),
        };
        let recipients = recipients.iter().map(|it| parameters(&format!("RCPT TO:{it}")));
        let mut envelope = Envelope::new(ANN.parse().unwrap(), recipients);
        envelope.ret = Some(Ret::Hdrs);
        envelope.envelope_id = Some(EnvelopeId::new("XY123").unwrap());
        Self { envelopes: vec![envelope], extensions: Extensions::new().with_dsn(), ..self }
    }

    /// One message, which the client sends.
    fn message(self, from: &str, to: &[&str]) -> Self {
        let to = to.iter().map(|path| path.parse::<Recipient>().unwrap());
        Self { envelopes: vec![Envelope::new(from.parse().unwrap(), to)], ..self }
    }

    fn server(&self) -> Server {
        let mut limits = Limits::default();
        limits.message_max = 1_000_000;
        let mechanisms: Vec<Mechanism> = self.mechanisms.iter().map(|name| name.parse().unwrap()).collect();
        let tls = if self.tls == TlsPolicy::Off { TlsOffer::Absent } else { TlsOffer::StartTls };
        let config = server::Config::new(self.mode, "mx.test".parse().unwrap())
            .with_limits(limits)
            .with_mechanisms(mechanisms)
            .with_extensions(self.extensions.clone())
            .with_tls(tls);
        let config = match self.tls {
            TlsPolicy::Off => config.with_auth_requires_tls(AuthPrivacy::NotRequired),
            _ => config,
        };
        Server::new(config, self.security, Time::ZERO)
    }

    fn client(&self) -> Client {
        self.client_called("out.test")
    }

    fn client_called(&self, name: &str) -> Client {
        let mode = if self.mode == Mode::Lmtp { client::Mode::Lmtp } else { client::Mode::Smtp };
        let config = client::Config::new(mode, name.parse().unwrap())
            .with_tls(self.tls)
            .with_chunking(self.chunking)
            .with_auth_requires_tls(client::AuthPrivacy::NotRequired);
        let mut client = Client::new(config, self.security, Time::ZERO);
        for envelope in &self.envelopes {
            client.send(envelope.clone()).unwrap();
        }
        client.quit();
        client
    }

    /// The server's application: what it does follows from the names.
    fn answer_server(&self) -> impl FnMut(&mut Server, server::Event) {
        let challenge = self.challenge;
        let mut stored = Vec::new();
        let expected = self.content;
        move |server, event| match event {
            server::Event::StartTls(token) => token.accept(server).unwrap(),
            server::Event::Auth(auth) if auth.response().is_some() => auth.accept(server).unwrap(),
            server::Event::Auth(auth) => auth.challenge(server, challenge).unwrap(),
            server::Event::Mail(mail) => {
                if let Some(AuthIdentity::Mailbox(mailbox)) = &mail.parameters().auth {
                    assert_eq!(mailbox.to_string(), "a=b@out.test");
                }
                mail.accept(server).unwrap();
            }
            server::Event::Rcpt(rcpt) => match (server.mode(), rcpt.to().to_string().as_str()) {
                (_, to) if to.starts_with("<nobody") => {
                    rcpt.reject(server, Rejection::no_such_user()).unwrap();
                }
                (Mode::Mta, "<full@mx.test>") => rcpt.reject(server, Rejection::no_storage()).unwrap(),
                (Mode::Mta, "<small@mx.test>") => rcpt.reject(server, Rejection::message_too_big()).unwrap(),
                _ => rcpt.accept(server).unwrap(),
            },
            server::Event::Data(data) => data.accept(server).unwrap(),
            server::Event::Body(chunk) => stored.extend_from_slice(&chunk),
            server::Event::BodyEnd(end) if server.mode() == Mode::Lmtp => {
                let recipients = end.transaction().recipients().iter();
                let results = recipients.map(|to| match to.path.to_string().as_str() {
                    "<full@mx.test>" => Err(Rejection::mailbox_full()),
                    _ => Ok(()),
                });
                let results: Vec<_> = results.collect();
                end.finish(server, results).unwrap();
            }
            server::Event::BodyEnd(end) => {
                assert_eq!(stored, expected);
                end.accept(server).unwrap();
            }
            _ => {}
        }
    }

    fn answer_client(&self) -> impl FnMut(&mut Client, client::Event) {
        let (content, credentials) = (self.content, self.credentials);
        move |client, event| match event {
            client::Event::Ready(_) => {
                if let Some((mechanism, initial, _)) = credentials {
                    let initial = initial.map(Secret::from);
                    client.authenticate(mechanism.parse().unwrap(), initial).unwrap();
                }
            }
            client::Event::Challenge(challenge) => {
                let (_, _, response) = credentials.unwrap();
                challenge.respond(client, Secret::from(response)).unwrap();
            }
            client::Event::Body(mut writer) => {
                for chunk in content.chunks(7) {
                    writer.write(client, Bytes::from_static(chunk)).unwrap();
                }
                writer.finish(client).unwrap();
            }
            _ => {}
        }
    }

    fn play(&self, how: impl Fn(&Transcript) -> Result<(), Failure>) {
        let script = Transcript::parse(self.script).unwrap();
        for octets in [usize::MAX, 5, 1] {
            how(&script.in_segments_of(octets)).unwrap();
        }
    }

    fn on_server(&self) -> &Self {
        self.play(|script| script.play_server(&Smtp, &mut self.server(), self.answer_server()));
        self
    }

    fn on_client(&self) -> &Self {
        self.on_client_called("out.test")
    }

    fn on_client_called(&self, name: &str) -> &Self {
        self.play(|script| script.play_client(&Smtp, &mut self.client_called(name), self.answer_client()));
        self
    }

    fn on_both(&self) -> &Self {
        self.play(|script| {
            let (mut client, mut server) = (self.client(), self.server());
            script.play_both(&Smtp, &mut client, &mut server, self.answer_client(), self.answer_server())
        });
        self
    }
}

macro_rules! script {
    ($name:literal) => {
        include_str!(concat!("transcripts/", $name, ".txt"))
    };
}

const ANN: &str = "<ann@out.test>";

/// RFC 5321 D.1.
#[test]
fn a_typical_message() {
    let content = b"Subject: one\r\n\r\nfirst line\r\n.a line that begins with a dot\r\n";
    let to = ["<bob@mx.test>", "<nobody@mx.test>", "<dora@mx.test>"];
    let example = Example { content, ..Example::new(script!("typical")) };
    example.message(ANN, &to).on_server().on_client();
}

/// RFC 5321 D.2. No client of ours gives up between two recipients.
#[test]
fn an_aborted_message() {
    Example::new(script!("aborted")).on_server();
}

/// RFC 5321 D.3.
#[test]
fn a_relayed_message() {
    let content = b"Date: Mon, 5 Jan 2026 10:00:00 +0100\r\nFrom: Ann <ann@out.test>\r\nTo: bob@far.test\r\n\
        Subject: supper\r\n\r\nBob,\r\n    is Tuesday still good?\r\n                              Ann\r\n";
    let example = Example { content, ..Example::new(script!("relayed_first")) };
    example.message(ANN, &["<bob@FAR.TEST>"]).on_server().on_client();
    let trace = b"Received: from out.test by relay.test; Mon, 5 Jan 2026 10:00:07 +0100\r\n";
    let content: &'static [u8] = [&trace[..], content].concat().leak();
    let example = Example { content, ..Example::new(script!("relayed_second")) };
    example.message(ANN, &["<bob@FAR.TEST>"]).on_client_called("relay.test");
}

/// RFC 5321 D.4. No client of ours asks.
#[test]
fn verifying_and_sending() {
    Example::new(script!("verifying")).on_server();
}

/// RFC 2920 4, first example. A client of ours tries EHLO first.
#[test]
fn without_pipelining() {
    let to = ["<bob@mx.test>", "<carl@mx.test>", "<dora@mx.test>"];
    Example::new(script!("unpipelined")).message(ANN, &to).on_server();
    let script = script!("unpipelined").replacen("C: HELO", "C: EHLO out.test\nS: 500 what\nC: HELO", 1);
    Example::new(script.leak()).message(ANN, &to).on_client();
}

/// RFC 2920 4, second example.
#[test]
fn pipelined() {
    let to = ["<bob@mx.test>", "<carl@mx.test>", "<dora@mx.test>"];
    Example::new(script!("pipelined")).message(ANN, &to).on_server().on_client().on_both();
    // No client of ours says goodbye before it knows what became of its message.
    Example::new(script!("pipelined_quit")).on_server();
}

/// RFC 2920 4, third example.
#[test]
fn pipelined_to_nobody() {
    let to = ["<nobody@mx.test>", "<nobody.else@mx.test>"];
    Example::new(script!("pipelined_to_nobody")).message(ANN, &to).on_server().on_client().on_both();
}

/// RFC 2920 4, fourth example. No server of ours asks for content nobody gets.
#[test]
fn pipelined_to_nobody_with_a_go_ahead() {
    let to = ["<nobody@mx.test>", "<nobody.else@mx.test>"];
    Example::new(script!("pipelined_to_nobody_with_a_go_ahead")).message(ANN, &to).on_client();
}

/// RFC 3030 4.1.
#[test]
fn one_chunk() {
    let content = b"To: bob@mx.test\r\nFrom: ann@out.test\r\nSubject: all of it is in here\r\n";
    let example = Example { content, ..Example::new(script!("chunking")) };
    let example = Example { chunking: Chunking::Auto, ..example };
    example.message(ANN, &["<bob@mx.test>"]).on_server().on_client();
}

/// RFC 3030 4.2.
#[test]
fn binary_chunks_without_a_wait() {
    let content = b"\0\x01\x02\r\n.\r\n\xff\0\n\r\n.";
    let extensions = Extensions::new().with_binary_mime();
    let example = Example { content, extensions, ..Example::new(script!("chunking_binary")) };
    example.message(ANN, &["<bob@mx.test>", "<dora@mx.test>"]).on_server();
}

/// RFC 3207 5.
#[test]
fn starttls_and_hello_again() {
    let example = Example { tls: TlsPolicy::Required, ..Example::new(script!("starttls")) };
    example.on_server().on_client().on_both();
}

/// RFC 4954 4, first example.
#[test]
fn auth_with_an_initial_response() {
    let example = Example {
        tls: TlsPolicy::Required,
        mechanisms: &["PLAIN", "LOGIN"],
        credentials: Some(("PLAIN", Some(b"\0ann\0wonderland"), b"")),
        ..Example::new(script!("auth_initial"))
    };
    example.on_server().on_client().on_both();
}

/// RFC 4954 4, second example.
#[test]
fn auth_with_an_empty_challenge() {
    let example = Example {
        mechanisms: &["PLAIN", "LOGIN"],
        credentials: Some(("PLAIN", None, b"\0ann\0wonderland")),
        ..Example::new(script!("auth_empty_challenge"))
    };
    example.on_server().on_client().on_both();
}

/// RFC 4954 4, third example.
#[test]
fn auth_with_a_challenge() {
    let example = Example {
        mechanisms: &["CRAM-MD5"],
        challenge: b"<12.34@mx.test>",
        credentials: Some(("CRAM-MD5", None, b"ann 123456789abcdef0123456789abcdef")),
        ..Example::new(script!("auth_challenge"))
    };
    example.on_server().on_client().on_both();
}

/// RFC 4954 4, fourth example.
#[test]
fn auth_with_a_certificate() {
    let example = Example {
        tls: TlsPolicy::Required,
        mechanisms: &["EXTERNAL", "PLAIN"],
        credentials: Some(("EXTERNAL", Some(b""), b"")),
        ..Example::new(script!("auth_external"))
    };
    example.on_server().on_client().on_both();
}

/// RFC 4954 5.
#[test]
fn identities_with_mail() {
    let example = Example { mechanisms: &["PLAIN"], ..Example::new(script!("auth_identities")) };
    example.on_server();
}

/// RFC 3461 10.
#[test]
fn notifications_are_asked_for() {
    let bob = "<bob@one.test> NOTIFY=SUCCESS ORCPT=rfc822;bob@one.test";
    let dora = "<dora@two.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;dora@two.test";
    let emil = "<emil@three.test> NOTIFY=FAILURE ORCPT=rfc822;emil@three.test";
    let fay = "<fay@three.test> NOTIFY=NEVER";
    let all = [
        bob,
        "<carl@two.test> NOTIFY=FAILURE ORCPT=rfc822;carl@two.test",
        dora,
        emil,
        fay,
        "<gus@four.test> NOTIFY=FAILURE ORCPT=rfc822;gus@four.test",
    ];
    Example::new(script!("dsn_submission")).notified(&all).on_server().on_client_called("desk.test");
    Example::new(script!("dsn_relay")).notified(&[bob]).on_server().on_client();
    let nobody = "<nobody@two.test> NOTIFY=FAILURE ORCPT=rfc822;nobody@two.test";
    Example::new(script!("dsn_gateway")).notified(&[nobody, dora]).on_server().on_client();
    let mut example = Example::new(script!("dsn_unknown")).notified(&[emil]);
    let mut unheard = Example::new("").notified(&[fay]).envelopes.remove(0);
    unheard.from = ReversePath::Null;
    example.envelopes.push(unheard);
    example.on_client();
    let gus = "<gus@five.test> NOTIFY=SUCCESS ORCPT=rfc822;gus@four.test";
    Example::new(script!("dsn_forwarded")).notified(&[gus]).on_server().on_client();
}

/// RFC 2033 4.2.
#[test]
fn lmtp_answers_for_each_recipient() {
    let to = ["<bob@mx.test>", "<nobody@mx.test>", "<full@mx.test>"];
    for (script, groups) in [(script!("lmtp"), true), (script!("lmtp_one_by_one"), false)] {
        let example = Example { mode: Mode::Lmtp, ..Example::new(script) }.message(ANN, &to);
        example.on_server().on_client();
        if groups {
            example.on_both();
        }
    }
}

/// RFC 1870 9.
#[test]
fn sizes_are_declared() {
    let to = ["<bob@mx.test>", "<small@mx.test>", "<full@mx.test>"];
    let mut example = Example::new(script!("size")).message(ANN, &to);
    example.envelopes = example.envelopes.into_iter().map(|envelope| envelope.with_size(500_000)).collect();
    example.on_server().on_client();
}

/// The examples fail where the machines do something else: the player is not blind.
#[test]
fn an_example_that_is_not_kept_to_is_found() {
    let example = Example::new(script!("unpipelined"));
    for (from, to) in
        [("220", "250"), ("354", "250"), ("250 taken", "250-taken"), ("C: QUIT", "-- closed\nC: QUIT")]
    {
        let script = Transcript::parse(&example.script.replacen(from, to, 1)).unwrap();
        script.play_server(&Smtp, &mut example.server(), example.answer_server()).unwrap_err();
    }
    let example = example.message(ANN, &["<bob@mx.test>", "<carl@mx.test>"]);
    let script = Transcript::parse(example.script).unwrap();
    script.play_client(&Smtp, &mut example.client(), example.answer_client()).unwrap_err();
}
