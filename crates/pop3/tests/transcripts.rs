//! The examples of the RFCs, played against the server, the client, and both.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::borrow::Cow;

use posthaste_pop3::client::{self, CommandId, TlsPolicy};
use posthaste_pop3::server::{self, Language, Listed, LoginRefusal, Maildrop, Text};
use posthaste_pop3::{
    Announced, ApopDigest, ApopTimestamp, Bytes, Client, LanguageTag, MechanismName, Retention, Scope,
    Secret, Security, Server, Time, Uidl,
};
use posthaste_testkit::{Dialect, Side, Transcript};

/// Of a reply the status counts, and the response code, not the text. Rows count as they are.
struct Pop3;

impl Dialect for Pop3 {
    fn significant<'a>(&self, _: Side, line: &'a str) -> Cow<'a, str> {
        let Some(status) = ["+OK", "-ERR"].into_iter().find(|status| line.starts_with(status)) else {
            return line.into();
        };
        let code = line.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(code, _)| code);
        format!("{status} {}", code.unwrap_or_default()).into()
    }

    fn continues(&self, _: Side, line: &str) -> bool {
        line != "."
    }

    fn member<'a>(&self, _: Side, line: &'a str) -> Cow<'a, str> {
        line.into()
    }
}

const SCRIPTS: [(&str, &str); 7] = [
    ("rfc1939-10", include_str!("transcripts/rfc1939-10.txt")),
    ("rfc2449-5", include_str!("transcripts/rfc2449-5.txt")),
    ("rfc2449-8", include_str!("transcripts/rfc2449-8.txt")),
    ("rfc5034-6-initial", include_str!("transcripts/rfc5034-6-initial.txt")),
    ("rfc5034-6-continued", include_str!("transcripts/rfc5034-6-continued.txt")),
    ("rfc5034-6-challenge", include_str!("transcripts/rfc5034-6-challenge.txt")),
    ("rfc6856-3", include_str!("transcripts/rfc6856-3.txt")),
];

fn script(name: &str) -> Transcript {
    let (_, script) = SCRIPTS.into_iter().find(|(known, _)| *known == name).unwrap();
    Transcript::parse(script).unwrap()
}

fn mechanisms(names: &[&str]) -> Vec<MechanismName> {
    names.iter().map(|name| MechanismName::new(name).unwrap()).collect()
}

fn server(security: Security, change: impl FnOnce(&mut server::Config)) -> Server {
    let mut config = server::Config::default();
    change(&mut config);
    Server::new(config, security, Time::ZERO)
}

fn maildrop() -> Maildrop {
    let listed = |size, uidl| Listed { size, uidl: Uidl::new(uidl).unwrap() };
    Maildrop::new(vec![listed(120, "whqtswO00WBw418f9t5JxYwZ"), listed(200, "QhdPYR:00WBw1Ph7x7")]).unwrap()
}

/// Everybody with the right password may come in; messages are one line.
fn serve(server: &mut Server, event: server::Event) {
    match event {
        server::Event::Login(login) => login.accept(server, maildrop()).unwrap(),
        server::Event::Apop(apop) if apop.digest() == &Secret::from("c4c9334bac560ecc979e58001b3e22fb") => {
            apop.accept(server, maildrop()).unwrap();
        }
        server::Event::Apop(apop) => apop.reject(server, LoginRefusal::InUse).unwrap(),
        server::Event::Auth(auth) => match (auth.mechanism(), auth.response().map(Secret::expose)) {
            ("PLAIN", None) => auth.challenge(server, b"").unwrap(),
            ("DIGEST-MD5", None) => auth.challenge(server, REALM).unwrap(),
            ("DIGEST-MD5", Some(b"")) | ("PLAIN", Some(b"test\0test\0test")) => {
                auth.accept(server, maildrop()).unwrap();
            }
            ("DIGEST-MD5", Some(_)) => auth.challenge(server, RSPAUTH).unwrap(),
            _ => auth.reject(server, LoginRefusal::Credentials).unwrap(),
        },
        server::Event::StartTls(start) => start.accept(server).unwrap(),
        server::Event::Retr(retr) => {
            let text = format!("<the POP3 server sends message {}>\r\n", retr.number());
            let mut writer = retr.open(server).unwrap();
            writer.write(server, Bytes::from(text)).unwrap();
            writer.finish(server).unwrap();
        }
        server::Event::Quit(quit) => quit.done(server).unwrap(),
        event => panic!("{event:?}"),
    }
}

const REALM: &[u8] =
    b"realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\",algorithm=md5-sess,charset=utf-8";
const RSPAUTH: &[u8] = b"rspauth=0b971462cef5e8f930db9a33b02fc9a0";
const RESPONSE: &str = concat!(
    "charset=utf-8,username=\"chris\",realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\",",
    "nc=00000001,cnonce=\"OA6MHXh6VqTrRk\",digest-uri=\"pop/elwood.innosoft.com\",",
    "response=b0d56d2f054c24b62072322106468db9,qop=auth",
);

/// A client that does one thing after the other: the next when an answer is complete.
fn client(tls: TlsPolicy, security: Security) -> Client {
    let mut config = client::Config::default();
    config.tls = tls;
    Client::new(config, security, Time::ZERO)
}

type Ask = fn(&mut Client);

fn acting(asks: &[Ask]) -> impl FnMut(&mut Client, client::Event) + use<> {
    let mut asks: std::collections::VecDeque<Ask> = asks.to_vec().into();
    move |client, event| match event {
        client::Event::Apop(apop) => {
            assert_eq!(apop.timestamp().as_str(), "<1896.697170952@dbc.mtview.ca.us>");
            let digest = ApopDigest::new(b"c4c9334bac560ecc979e58001b3e22fb").unwrap();
            apop.respond(client, digest).unwrap();
        }
        client::Event::Challenge(challenge) => match challenge.challenge().expose() {
            b"" => challenge.respond(client, &Secret::from("test\0test\0test")).unwrap(),
            challenged if challenged == REALM => challenge.respond(client, &Secret::from(RESPONSE)).unwrap(),
            _ => challenge.respond(client, &Secret::default()).unwrap(),
        },
        client::Event::Size { .. } | client::Event::Body { .. } | client::Event::Language { .. } => {}
        _ => {
            if let Some(ask) = asks.pop_front() {
                ask(client);
            }
        }
    }
}

/// The answers come in order; nobody asks which is which.
const fn drop_id(_: CommandId) {}

fn number(number: u32) -> posthaste_pop3::MessageNumber {
    posthaste_pop3::MessageNumber::new(number).unwrap()
}

#[test]
fn rfc1939_10_an_example_session() {
    let make = || {
        let timestamp = ApopTimestamp::new("<1896.697170952@dbc.mtview.ca.us>").unwrap();
        server(Security::Local, |config| config.apop = Some(timestamp))
    };
    let asks: [Ask; 8] = [
        |client| drop_id(client.apop("mrose").unwrap()),
        |client| drop_id(client.stat().unwrap()),
        |client| drop_id(client.list().unwrap()),
        |client| drop_id(client.retr(number(1)).unwrap()),
        |client| drop_id(client.dele(number(1)).unwrap()),
        |client| drop_id(client.retr(number(2)).unwrap()),
        |client| drop_id(client.dele(number(2)).unwrap()),
        |client| drop_id(client.quit().unwrap()),
    ];
    let new = || client(TlsPolicy::Off, Security::Plain);
    for octets in [1, 7, usize::MAX] {
        let script = script("rfc1939-10").in_segments_of(octets);
        script.play_server(&Pop3, &mut make(), serve).unwrap();
        script.play_client(&Pop3, &mut new(), acting(&asks)).unwrap();
        script.play_both(&Pop3, &mut new(), &mut make(), acting(&asks), serve).unwrap();
    }
}

#[test]
fn rfc2449_5_and_6_what_capa_says() {
    let mut server = server(Security::Tls, |config| {
        config.mechanisms = mechanisms(&["CRAM-MD5", "KERBEROS_V4"]);
        let delay = std::time::Duration::from_secs(900);
        config.login_delay = Some(Announced { value: delay, scope: Scope::Exact });
        config.expire = Some(Announced { value: Retention::Days(60), scope: Scope::Exact });
        config.implementation = "Shlemazle-Plotz-v302".into();
    });
    script("rfc2449-5").play_server(&Pop3, &mut server, serve).unwrap();
}

#[test]
fn rfc2449_8_a_maildrop_in_use() {
    let mut server = server(Security::Tls, |config| {
        config.apop = Some(ApopTimestamp::new("<1@x>").unwrap());
    });
    script("rfc2449-8").play_server(&Pop3, &mut server, serve).unwrap();
}

#[test]
fn rfc5034_6_plain_under_tls() {
    for name in ["rfc5034-6-initial", "rfc5034-6-continued"] {
        let make = || {
            server(Security::Plain, |config| {
                config.tls = server::TlsOffer::StartTls;
                config.mechanisms = mechanisms(&["PLAIN", "DIGEST-MD5", "GSSAPI", "ANONYMOUS"]);
                config.implementation = "BlurdyBlurp POP3 server".into();
            })
        };
        let with: [Ask; 1] = [|client| {
            let initial = Some(Secret::from("test\0test\0test"));
            client.authenticate("PLAIN", initial).unwrap();
        }];
        let without: [Ask; 1] = [|client| drop_id(client.authenticate("PLAIN", None).unwrap())];
        let asks = if name.ends_with("initial") { with } else { without };
        let new = || client(TlsPolicy::Required, Security::Plain);
        script(name).play_server(&Pop3, &mut make(), serve).unwrap();
        script(name).play_client(&Pop3, &mut new(), acting(&asks)).unwrap();
        script(name).play_both(&Pop3, &mut new(), &mut make(), acting(&asks), serve).unwrap();
    }
}

#[test]
fn rfc5034_6_a_mechanism_that_begins_with_a_challenge() {
    let make = || {
        server(Security::Local, |config| {
            config.mechanisms = mechanisms(&["DIGEST-MD5", "GSSAPI", "ANONYMOUS"]);
        })
    };
    let asks: [Ask; 1] = [|client| drop_id(client.authenticate("DIGEST-MD5", None).unwrap())];
    let new = || client(TlsPolicy::Off, Security::Plain);
    let script = script("rfc5034-6-challenge");
    script.play_server(&Pop3, &mut make(), serve).unwrap();
    script.play_client(&Pop3, &mut new(), acting(&asks)).unwrap();
    script.play_both(&Pop3, &mut new(), &mut make(), acting(&asks), serve).unwrap();
}

#[test]
fn rfc6856_3_languages() {
    let spanish = |text: Text| if text == Text::LanguageChanged { "Idioma cambiado" } else { text.english() };
    let swedish =
        |text: Text| if text == Text::LanguageChanged { "Kommandot lyckades" } else { text.english() };
    let language = |tag, name: &str, translate| {
        let tag = LanguageTag::new(tag).unwrap();
        Language { tag, name: name.into(), translate }
    };
    let mut server = server(Security::Tls, |config| {
        config.languages = vec![
            language("es", "Espa\u{f1}ol", spanish),
            language("en", "English", Text::english),
            language("en-boont", "English Boontling dialect", Text::english),
            language("sv", "Svenska", swedish),
        ];
    });
    script("rfc6856-3").play_server(&Pop3, &mut server, serve).unwrap();
}
