//! Attacks on client and server that are known, each by its id; the list that names the tests is
//! `tests/requirements/security.toml` of the workspace. Most of those on a server are in `server/`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::time::Duration;

use bytes::Bytes;
use posthaste_smtp::client::{self, BodyWriter, Client, ContentFault, Report, TlsPolicy};
use posthaste_smtp::server::{AuthPrivacy, BodyAborted, Config, Event, Extensions, Mode, Server, TlsOffer};
use posthaste_smtp::{
    BodyType, ClientName, Command, Domain, Envelope, EnvelopeId, ForwardPath, Limits, LocalPart, Mailbox,
    Misuse, OriginalRecipient, ProtocolError, Recipient, Rejection, ReversePath, Security, Step, Text, Time,
};
use posthaste_testkit::{Note, Outcome, assert_split_invariant, run};

fn config() -> Config {
    Config::new(Mode::Mta, "mx.test".parse().unwrap())
}

fn server(config: &Config) -> Server {
    Server::new(config.clone(), Security::Plain, Time::ZERO)
}

/// Accepts everything.
fn answer(server: &mut Server, event: Event) -> Note {
    match event {
        Event::Hello(hello) => Note::event(format!("hello {}", hello.name)),
        Event::StartTls(token) => {
            token.accept(server).unwrap();
            Note::event("starttls")
        }
        Event::Auth(auth) => {
            let response = auth.response().map(|it| String::from_utf8_lossy(it.expose()).into_owned());
            let note = Note::event(response.as_ref().map_or("auth".into(), |it| format!("response {it:?}")));
            if response.is_some() {
                auth.accept(server).unwrap();
            } else {
                auth.challenge(server, b"?").unwrap();
            }
            note
        }
        Event::Mail(mail) => {
            let note = Note::event(format!("mail {}", mail.from()));
            mail.accept(server).unwrap();
            note
        }
        Event::Rcpt(rcpt) => {
            let note = match rcpt.to() {
                ForwardPath::Postmaster => Note::event("rcpt postmaster"),
                ForwardPath::Mailbox(mailbox) => Note::event(format!(
                    "rcpt {:?} at {}",
                    mailbox.local_part().as_str(),
                    mailbox.domain().as_str()
                )),
            };
            rcpt.accept(server).unwrap();
            note
        }
        Event::Data(data) => {
            let note = Note::event(format!("data {}", data.transaction().recipients().len()));
            data.accept(server).unwrap();
            note
        }
        Event::Body(chunk) => Note::body(&chunk),
        Event::BodyEnd(end) => {
            let note = Note::event(format!("end {}", end.size()));
            end.accept(server).unwrap();
            note
        }
        event => Note::event(format!("{event:?}")),
    }
}

fn hear(config: &Config, pieces: &[&str]) -> Outcome {
    run(&mut server(config), pieces.iter().map(|piece| piece.as_bytes()), false, answer)
}

/// The code and the events of one RCPT in a transaction, in every split.
fn rcpt(path: &str) -> (String, Outcome) {
    let input = format!("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:{path}\r\n");
    let config = config();
    let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, answer);
    let text = outcome.text();
    (text.lines().last().unwrap()[..3].to_owned(), outcome)
}

fn refused(path: &str) {
    let (code, outcome) = rcpt(path);
    assert!(matches!(code.as_str(), "501" | "550" | "553" | "555"), "{path}: {code}");
    assert!(
        !outcome.notes.iter().any(|note| matches!(note, Note::Event(it) if it.starts_with("rcpt"))),
        "{path}"
    );
}

// B. What a client sends.

/// A client that is asked for content, and its token; nothing is left to be sent.
fn at_content() -> (Client, BodyWriter) {
    let config = client::Config::new(client::Mode::Smtp, "c.test".parse().unwrap()).with_tls(TlsPolicy::Off);
    let mut client = Client::new(config, Security::Plain, Time::ZERO);
    client.send(envelope(&["<u@x.test>"])).unwrap();
    let mut pieces = ["220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n"].into_iter();
    loop {
        match client.poll_event().unwrap() {
            Step::Event(client::Event::Body(writer)) => {
                output(&mut client);
                return (client, writer);
            }
            Step::NeedInput => client.handle_input(Time::ZERO, pieces.next().unwrap().as_bytes()),
            Step::Event(_) => {}
            step => panic!("{step:?}"),
        }
    }
}

fn envelope(recipients: &[&str]) -> Envelope {
    let recipients = recipients.iter().map(|path| path.parse::<Recipient>().unwrap());
    Envelope::new("<a@c.test>".parse().unwrap(), recipients)
}

fn output(client: &mut Client) -> Vec<u8> {
    std::iter::from_fn(|| client.poll_transmit()).flatten().collect()
}

/// What goes out for content that is written in `pieces`; `None` where it was refused, and then no end went out.
fn wire(pieces: &[&[u8]]) -> Option<Vec<u8>> {
    let (mut client, mut writer) = at_content();
    let mut sent = Vec::new();
    for piece in pieces {
        if writer.write(&mut client, Bytes::copy_from_slice(piece)).is_err() {
            writer.abort(&mut client).unwrap();
            sent.extend(output(&mut client));
            assert!(!sent.ends_with(b"\r\n.\r\n"), "{pieces:?}");
            return None;
        }
        sent.extend(output(&mut client));
    }
    let finished = writer.finish(&mut client);
    sent.extend(output(&mut client));
    match finished {
        Ok(()) => Some(sent),
        Err(_) => {
            assert!(!sent.ends_with(b"\r\n.\r\n"), "{pieces:?}");
            None
        }
    }
}

#[test]
fn out_01_a_dot_is_stuffed_behind_every_line_end() {
    let sent = wire(&[b"a\r\n\r\n.\r\nMAIL FROM:<x@y>\r\n"]).unwrap();
    assert_eq!(sent, b"a\r\n\r\n..\r\nMAIL FROM:<x@y>\r\n.\r\n");
}

#[test]
fn out_02_stray_line_ends_are_refused() {
    let bodies: [&[u8]; 8] = [
        b"a\n.\nb",
        b"a\r.\rb",
        b"a\n.\r\nb",
        b"a\r\n.\nb",
        b"a\r.\r\nb",
        b"a\n.\rb",
        b"a\r\n.\r\r\nb",
        b"a\r\r\n.\r\r\nb",
    ];
    for body in bodies {
        assert_eq!(wire(&[body]), None, "{body:?}");
        let octets: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(wire(&octets), None, "{body:?}");
    }
}

#[test]
fn out_03_a_nul_is_refused() {
    for body in [&b"a\r\n\0.\r\nb"[..], b"\0", b"a\r\n.\0\r\n", b"a\r\0\n"] {
        assert_eq!(wire(&[body]), None, "{body:?}");
    }
}

#[test]
fn out_04_chunks_make_no_difference() {
    let body = b".\r\n..\r\na\r\n.\r\n\r\n.b.\r\n";
    let whole = wire(&[body]).unwrap();
    assert_eq!(whole, b"..\r\n...\r\na\r\n..\r\n\r\n..b.\r\n.\r\n");
    for first in 0..body.len() {
        for second in first..body.len() {
            let pieces = [&body[..first], &body[first..second], &body[second..]];
            assert_eq!(wire(&pieces).unwrap(), whole, "{first} {second}");
        }
    }
}

#[test]
fn out_05_there_is_one_end() {
    for (body, expected) in [
        (&b""[..], Some(&b".\r\n"[..])),
        (b"a", Some(b"a\r\n.\r\n")),
        (b"a\r\n", Some(b"a\r\n.\r\n")),
        (b"a\r\n.", Some(b"a\r\n..\r\n.\r\n")),
        (b"a\r", None),
        (b"\r", None),
    ] {
        assert_eq!(wire(&[body]).as_deref(), expected, "{body:?}");
    }
}

#[test]
fn out_09_a_long_line_is_refused_and_not_broken() {
    let (mut client, mut writer) = at_content();
    let mut sent = Vec::new();
    let mut written = 0;
    let refused = (0..1000).find_map(|_| {
        let refused = writer.write(&mut client, Bytes::from_static(&[b'x'; 997])).err();
        written += if refused.is_none() { 997 } else { 0 };
        sent.extend(output(&mut client));
        refused
    });
    assert!(matches!(refused, Some(Misuse::Argument { .. })));
    assert!(matches!(writer.fault(), Some(ContentFault::LineTooLong { .. })));
    // The line can still be ended where it may be.
    writer.write(&mut client, Bytes::from_static(b"\r\n.")).unwrap();
    writer.finish(&mut client).unwrap();
    sent.extend(output(&mut client));
    let expected = [&b"x".repeat(written)[..], b"\r\n..\r\n.\r\n"].concat();
    assert!(written > 0 && sent == expected);
}

/// Plays `script` to a client with `envelope`; the content is written when it is asked for.
fn sends(envelope: Envelope, offer: &str) -> String {
    let config = client::Config::new(client::Mode::Smtp, "c.test".parse().unwrap()).with_tls(TlsPolicy::Off);
    let mut client = Client::new(config, Security::Plain, Time::ZERO);
    client.send(envelope).unwrap();
    let hello = format!("250-x\r\n{offer}250 HELP\r\n");
    let script = ["220 x\r\n", &hello, "250 x\r\n", "250 x\r\n", "354 x\r\n"];
    let outcome = run(&mut client, script.map(str::as_bytes), false, |client, event| {
        if let client::Event::Body(mut writer) = event {
            writer.write(client, Bytes::from_static(b".\r\n")).unwrap();
            writer.finish(client).unwrap();
        }
        Note::event("")
    });
    outcome.text()
}

#[test]
fn out_06_binary_content_never_goes_by_data() {
    let binary = || envelope(&["<u@x.test>"]).with_body(BodyType::BinaryMime);
    for offer in ["", "250-8BITMIME\r\n", "250-CHUNKING\r\n", "250-BINARYMIME\r\n"] {
        assert_eq!(sends(binary(), offer), "EHLO c.test\r\n", "{offer}");
    }
    let text = sends(binary(), "250-CHUNKING\r\n250-BINARYMIME\r\n");
    assert!(text.contains("BDAT 3 LAST\r\n") && !text.contains("DATA\r\n"));
}

#[test]
fn out_07_octets_are_counted_where_the_server_counts() {
    let text = sends(envelope(&["<u@x.test>"]), "250-CHUNKING\r\n");
    assert!(text.ends_with("\r\nBDAT 3 LAST\r\n.\r\n"), "{text}");
    assert!(sends(envelope(&["<u@x.test>"]), "").ends_with("\r\nDATA\r\n..\r\n.\r\n"));
}

// C. What a server reads.

/// The code of MAIL, or of RCPT where that is what `line` is, at a server with DSN.
fn dsn_code(line: &str) -> String {
    let config = config().with_extensions(Extensions::new().with_dsn());
    let mail = if line.starts_with("RCPT") { "MAIL FROM:<a@c.test>\r\n" } else { "" };
    let input = format!("EHLO c\r\n{mail}{line}\r\n");
    let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, answer);
    outcome.text().lines().last().unwrap()[..3].into()
}

#[test]
fn cmd_10_no_control_enters_through_xtext() {
    for value in ["ab+0D+0Acd", "a+00b", "a+1Bb", "a+7Fb", "+0A"] {
        assert_eq!(dsn_code(&format!("MAIL FROM:<a@c.test> ENVID={value}")), "501", "{value}");
        assert_eq!(dsn_code(&format!("RCPT TO:<u@x.test> ORCPT=rfc822;{value}")), "501", "{value}");
    }
    assert_eq!(dsn_code("MAIL FROM:<a@c.test> ENVID=a+2Bb+3Dc"), "250");
}

#[test]
fn cmd_11_xtext_is_taken_by_the_letter_and_not_too_long() {
    let (longest, long) = ("e".repeat(100), "e".repeat(101));
    assert_eq!(dsn_code(&format!("MAIL FROM:<a@c.test> ENVID={longest}")), "250");
    assert_eq!(dsn_code(&format!("MAIL FROM:<a@c.test> ENVID={long}")), "501");
    let (longest, long) = ("o".repeat(500 - 13), "o".repeat(501 - 13));
    assert_eq!(dsn_code(&format!("RCPT TO:<u@x.test> ORCPT=rfc822;{longest}")), "250");
    assert_eq!(dsn_code(&format!("RCPT TO:<u@x.test> ORCPT=rfc822;{long}")), "501");
    for value in ["a+4G", "a+", "a+4", "a+-1", "+"] {
        assert_eq!(dsn_code(&format!("MAIL FROM:<a@c.test> ENVID={value}")), "501", "{value}");
    }
    // Digits in lower case are none of the grammar: refused, or read as what they say.
    assert_eq!(dsn_code("MAIL FROM:<a@c.test> ENVID=a+0a"), "501");
}

#[test]
fn cmd_20_what_comes_counts_and_not_what_was_declared() {
    let mut limits = Limits::default();
    limits.message_max = 100;
    let config = config().with_limits(limits);
    let start = "EHLO c\r\nMAIL FROM:<> SIZE=10\r\nRCPT TO:<u@x.test>\r\nDATA\r\n";
    for line in ["x\r\n", "\r\n", "From x\r\n", "To: u\r\n", "..\r\n"] {
        let mut server = server(&config);
        let flood = line.repeat(10_000);
        let mut most = 0;
        let pieces = [start, &flood, ".\r\nNOOP\r\n"];
        let outcome = run(&mut server, pieces.map(str::as_bytes), false, |server, event| {
            if let Event::Body(chunk) = &event {
                most += chunk.len();
            }
            answer(server, event)
        });
        assert!(most <= 100, "{line:?}: {most}");
        assert!(outcome.has(&format!("{:?}", Event::BodyAborted(BodyAborted::TooBig))));
        assert!(outcome.text().contains("\r\n552 5.3.4 ") && outcome.text().ends_with("250 2.0.0 OK\r\n"));
    }
}

#[test]
fn cmd_24_addresses_are_data() {
    for local in
        ["\"x'/**/UNION/**/SELECT/**/X'00'--\"", "%u", "${x}", "\"a;b\"", "a|b", "`id`", "\"../../x\""]
    {
        let (code, outcome) = rcpt(&format!("<{local}@c.test>"));
        assert_eq!(code, "250");
        let plain = local.trim_matches('"');
        assert!(outcome.has(&format!("rcpt {plain:?} at c.test")), "{local}: {:?}", outcome.notes);
    }
}

// D. Addresses. Whether mail is relayed is decided by the application, on what it is handed here.

#[test]
fn rly_02_a_percent_sign_is_a_percent_sign() {
    assert!(rcpt("<v%r.test@local.test>").1.has("rcpt \"v%r.test\" at local.test"));
    assert!(rcpt("<v%r.test@[127.0.0.1]>").1.has("rcpt \"v%r.test\" at [127.0.0.1]"));
    refused("<\"v%r.test\">");
}

#[test]
fn rly_03_an_at_sign_in_quotes_is_of_the_local_part() {
    assert!(rcpt("<\"v@r.test\"@local.test>").1.has("rcpt \"v@r.test\" at local.test"));
    for path in ["<\"v@r.test\">", "<v@r.test@local.test>", "<v@r.test@[127.0.0.1]>", "<v@@local.test>"] {
        refused(path);
    }
}

#[test]
fn rly_04_the_decision_is_on_the_end_of_a_route() {
    assert!(rcpt("<@local.test:v@r.test>").1.has("rcpt \"v\" at r.test"));
    assert!(rcpt("<@[127.0.0.1]:v@r.test>").1.has("rcpt \"v\" at r.test"));
    assert!(rcpt("<@a,@b:u@local.test>").1.has("rcpt \"u\" at local.test"));
    for path in [
        "<@route.test u@local.test>",
        "<@a,b:u@local.test>",
        "<@a:@b:u@local.test>",
        "<@a,@b>",
        "<a:u@local.test>",
    ] {
        refused(path);
    }
}

#[test]
fn rly_05_a_bang_is_a_bang() {
    refused("<r.test!v>");
    assert!(rcpt("<r.test!v@local.test>").1.has("rcpt \"r.test!v\" at local.test"));
    assert!(rcpt("<r.test!v@[127.0.0.1]>").1.has("rcpt \"r.test!v\" at [127.0.0.1]"));
}

#[test]
fn rly_06_no_parameter_hides_in_an_address() {
    let path = "<\"foo@psres.test> ORCPT=admin@a.test\"@local.test>";
    let (code, outcome) = rcpt(path);
    assert_eq!(code, "250");
    assert!(outcome.has("rcpt \"foo@psres.test> ORCPT=admin@a.test\" at local.test"));
    // It goes out as it came in.
    assert_eq!(path.parse::<ForwardPath>().unwrap().to_string(), path);
}

#[test]
fn rly_07_a_domain_is_what_it_looks_like() {
    for path in
        ["<v@r.test\0.local.test>", "<v@r.test#@local.test>", "<v@local.test\u{ff0e}>", "<v@ local.test>"]
    {
        refused(path);
    }
    // A case of its own is kept; comparing is for `Domain::is`.
    assert!(rcpt("<v@R.TEST>").1.has("rcpt \"v\" at R.TEST"));
    assert!("R.TEST".parse::<Domain>().unwrap().is("r.test"));
    assert!(!"local.test.xn--".parse::<Domain>().is_ok_and(|domain| domain.is("local.test")));
    let (code, outcome) = rcpt("<v@r.test.>");
    assert!(code == "501" || outcome.has("rcpt \"v\" at r.test"), "a dot at the end is refused or dropped");
}

#[test]
fn rly_08_odd_literals_are_no_names() {
    for literal in ["[127.0.0.1]", "[0x7f000001]", "[2130706433]", "[IPv6:::ffff:127.0.0.1]", "[IPv6:::1]"] {
        let (code, outcome) = rcpt(&format!("<u@{literal}>"));
        // What is handed over is known as a literal, which is nobody's domain.
        if code == "250" {
            assert!(outcome.has(&format!("rcpt \"u\" at {literal}")));
            assert!(literal.parse::<Domain>().unwrap().is_literal());
        }
    }
    for path in ["<u@[]>", "<u@[127.0.0.1>", "<u@127.0.0.1]>", "<u@[a b]>", "<u@[[127.0.0.1]]>"] {
        refused(path);
    }
}

#[test]
fn rly_11_lengths_and_details() {
    let local = "l".repeat(65);
    refused(&format!("<{local}@x.test>"));
    refused(&format!("<a@{}.test>", "d".repeat(256 - 3 - 5)));
    assert!(
        rcpt("<u+../../x@local.test>").1.has("rcpt \"u+../../x\" at local.test")
            || rcpt("<u+../../x@local.test>").0 == "501"
    );
    assert!(rcpt("<\"u+a\\\\b\"@local.test>").1.has("rcpt \"u+a\\\\b\" at local.test"));
    assert!(rcpt("<U@local.test>").1.has("rcpt \"U\" at local.test"));
}

#[test]
fn rly_13_encoded_words_are_not_decoded() {
    let (code, outcome) = rcpt("<=?utf-8?q?v=40r.test=3e=00?=u@local.test>");
    assert!(code == "250" && outcome.has("rcpt \"=?utf-8?q?v=40r.test=3e=00?=u\" at local.test"));
}

// F. STARTTLS, server.

#[test]
fn stls_07_the_word_is_only_a_word() {
    let config = config()
        .with_tls(TlsOffer::StartTls)
        .with_mechanisms(vec!["LOGIN".parse().unwrap()])
        .with_auth_requires_tls(AuthPrivacy::NotRequired);
    let start = "EHLO c\r\nAUTH LOGIN\r\nU1RBUlRUTFM=\r\nMAIL FROM:<STARTTLS@c.test>\r\nRCPT TO:<starttls@x.test>\r\nDATA\r\n";
    let outcome = hear(&config, &[start, "STARTTLS\r\n\r\nSTARTTLS\r\n.\r\n"]);
    assert!(outcome.has("response \"STARTTLS\"") && outcome.has("rcpt \"starttls\" at x.test"));
    assert_eq!(outcome.bodies(), b"STARTTLS\r\n\r\nSTARTTLS\r\n");
    assert!(!outcome.has("starttls") && !outcome.has("(upgrade)"));
}

// G. TLS, client.

fn listen(client: &mut Client, script: &[&str]) -> Outcome {
    run(client, script.iter().map(|piece| piece.as_bytes()), true, |_, event| {
        Note::event(format!("{event:?}"))
    })
}

#[test]
fn tlsc_20_half_a_reply_is_none() {
    for half in ["250", "250 queu", "250-queued\r\n", "250-a\r\n250 b"] {
        let script = [GROUPS[0], GROUPS[1], "250 a\r\n250 b\r\n354 c\r\n", half];
        let (outcome, reports, _) = hostile(&["<u@x.test>"], &script, true);
        assert_eq!(outcome.error, Some(ProtocolError::OutcomeUnknown.to_string()), "{half}");
        assert!(reports.is_empty());
    }
}

// H. Arguments that would be commands.

#[test]
fn inj_01_no_path_holds_a_line_end() {
    let texts =
        ["a@b>\r\nRCPT TO:<evil@x", "\"a\r\nb\"@x", "a@b\n", "a\0@b", "a\u{7f}@b", "a@b\r", "a@b>", "a@b c"];
    for text in texts {
        assert!(text.parse::<Mailbox>().is_err(), "{text:?}");
        assert!(format!("<{text}>").parse::<ForwardPath>().is_err(), "{text:?}");
        assert!(format!("<{text}>").parse::<ReversePath>().is_err(), "{text:?}");
    }
    for text in ["a\r\nb", "a\0", "\u{7f}", "\n"] {
        assert!(LocalPart::new(text).is_err() && Domain::new(text).is_err(), "{text:?}");
    }
}

#[test]
fn inj_02_no_name_or_text_holds_a_line_end() {
    for text in ["x\r\nMAIL FROM:<a@b>", "x\n", "x\r", "x\0", "x y", ""] {
        assert!(text.parse::<ClientName>().is_err(), "{text:?}");
        assert!(text.parse::<posthaste_smtp::Mechanism>().is_err(), "{text:?}");
        assert_eq!(text.parse::<Text>().is_ok(), ["x y", ""].contains(&text), "{text:?}");
    }
    assert!(Rejection::new(550, None, "no\r\n250 ok").is_err() && Rejection::new(550, None, "a\rb").is_err());
    assert!(posthaste_smtp::Parameter::new("X", Some("1\r\nRSET")).is_err());
}

#[test]
fn inj_04_no_character_is_cut_to_an_octet() {
    for character in ['\u{560d}', '\u{560a}', '\u{10d}', '\u{10a}', '\u{ff0d}', '\u{140}'] {
        for text in [format!("a{character}b@c.test"), format!("a@c{character}.test")] {
            if let Ok(mailbox) = text.parse::<Mailbox>() {
                assert_eq!(mailbox.to_string(), text);
            }
        }
        assert!(format!("x{character}").parse::<ClientName>().is_err());
    }
}

#[test]
fn inj_05_a_path_is_sent_as_one_path() {
    for (text, domain) in [
        ("\"foo@ps.test> ORCPT=admin@a.test\"@t.test", "t.test"),
        ("\"x@evil y\"@internal.domain", "internal.domain"),
        ("\"a\\\" b\"@t.test", "t.test"),
    ] {
        let path = format!("<{text}>");
        let config =
            client::Config::new(client::Mode::Smtp, "c.test".parse().unwrap()).with_tls(TlsPolicy::Off);
        let mut client = Client::new(config, Security::Plain, Time::ZERO);
        client.send(envelope(&[&path])).unwrap();
        let outcome = listen(&mut client, &["220 x\r\n", "250 x\r\n", "250 x\r\n"]);
        let sent = outcome.text();
        assert!(sent.ends_with(&format!("\r\nRCPT TO:{path}\r\n")), "{sent}");
        // The strict server reads one recipient of that domain and no parameter.
        let line = sent.lines().last().unwrap();
        let heard = hear(&self::config(), &["EHLO c\r\nMAIL FROM:<>\r\n", &format!("{line}\r\n")]);
        let rcpt = |note: &&Note| matches!(note, Note::Event(it) if it.starts_with("rcpt"));
        let all: Vec<&Note> = heard.notes.iter().filter(rcpt).collect();
        assert!(matches!(&all[..], [Note::Event(it)] if it.ends_with(&format!(" at {domain}"))), "{all:?}");
    }
}

#[test]
fn inj_06_parameters_are_written_in_xtext() {
    for text in ["a+b", "a=b", "a b", "+", "==", "a+0Db"] {
        let mut envelope = envelope(&["<u@x.test>"]);
        envelope.envelope_id = Some(EnvelopeId::new(text).unwrap());
        let sent = sends(envelope, "250-DSN\r\n");
        let line = sent.lines().find(|line| line.starts_with("MAIL")).unwrap();
        let (_, value) = line.split_once(" ENVID=").unwrap();
        assert!(value.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'='), "{value}");
        assert!(!value.contains(|it: char| it.is_ascii_lowercase() && !"ab".contains(it)), "{value}");
        // The server reads what was meant.
        let Command::Mail { parameters, .. } =
            Command::parse(&Bytes::copy_from_slice(line.as_bytes())).unwrap()
        else {
            panic!("{line}")
        };
        assert_eq!(parameters.envelope_id.unwrap().as_str(), text);
    }
    for text in ["a\0b", "a\rb", "a\nb", "a\u{7f}"] {
        assert!(
            EnvelopeId::new(text).is_err() && OriginalRecipient::new("rfc822", text).is_err(),
            "{text:?}"
        );
    }
    assert!(
        OriginalRecipient::new("rfc822\r\n", "u@x").is_err() && OriginalRecipient::new("a;b", "u@x").is_err()
    );
}

// I. Servers that are out to harm a client.

/// Plays `script` to a client with one message for `recipients`; content is written when it is asked for.
fn hostile(recipients: &[&str], script: &[&str], eof: bool) -> (Outcome, Vec<Report>, Client) {
    let config = client::Config::new(client::Mode::Smtp, "c.test".parse().unwrap()).with_tls(TlsPolicy::Off);
    let mut client = Client::new(config, Security::Plain, Time::ZERO);
    client.send(envelope(recipients)).unwrap();
    let mut reports = Vec::new();
    let pieces = script.iter().map(|piece| piece.as_bytes());
    let outcome = run(&mut client, pieces, eof, |client, event| match event {
        client::Event::Body(writer) => {
            writer.finish(client).unwrap();
            Note::event("body")
        }
        client::Event::Sent(report) => {
            reports.push(report);
            Note::event("sent")
        }
        event => Note::event(format!("{event:?}")),
    });
    (outcome, reports, client)
}

const GROUPS: [&str; 2] = ["220 x\r\n", "250-x\r\n250 PIPELINING\r\n"];

#[test]
fn hst_06_replies_that_are_none() {
    let replies = [
        "250-a\r\n550 b\r\n",
        "25\r\n",
        "999 x\r\n",
        "2 50\r\n",
        "\r\n250 a\r\n",
        "1250 x\r\n",
        "+OK\r\n",
        "250_x\r\n",
        "\x00250 x\r\n",
        "100 x\r\n",
    ];
    for reply in replies {
        let (outcome, reports, _) = hostile(&["<u@x.test>"], &["220 x\r\n", "250 x\r\n", reply], false);
        let told = outcome.error.unwrap_or_else(|| panic!("{reply:?} was taken"));
        assert_eq!(told, ProtocolError::MalformedReply.to_string(), "{reply:?}");
        assert!(reports.is_empty());
    }
    // A bare LF ends no line: the reply is not over.
    let (outcome, reports, _) =
        hostile(&["<u@x.test>"], &["220 x\r\n", "250 x\r\n", "250-x\n250 y\n\r\n"], false);
    assert!(
        outcome.error.is_none() && reports.is_empty() && outcome.text().ends_with("MAIL FROM:<a@c.test>\r\n")
    );
    // Odd text is text: shown without its controls.
    let odd = "550 a\u{0}b\u{1b}[31mc\u{e9}\r\n";
    let (_, reports, _) =
        hostile(&["<u@x.test>"], &["220 x\r\n", "250 x\r\n", "250 x\r\n", odd, "250 x\r\n"], false);
    let text = reports[0].recipients[0].as_ref().unwrap_err().to_string();
    assert!(text.starts_with("550 a") && !text.contains(char::is_control));
    // Without end.
    for endless in ["250-a\r\n".repeat(20_000), format!("250 {}", "x".repeat(200_000))] {
        let (outcome, _, _) = hostile(&["<u@x.test>"], &["220 x\r\n", &endless], false);
        assert!(outcome.error.is_some());
    }
}

#[test]
fn hst_08_a_session_that_ends_early() {
    for stage in 0..5 {
        let script = ["250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n", "250 x\r\n"];
        let mut all = vec!["220 x\r\n"];
        all.extend(&script[..stage]);
        all.push("421 closing\r\n");
        let (outcome, reports, _) = hostile(&["<u@x.test>"], &all, false);
        assert!(outcome.error.unwrap().contains("421"), "at {stage}");
        assert!(reports.iter().all(|report| report.recipients.iter().all(Result::is_err)));
    }
    // Behind the end of the message nobody knows.
    let script = ["220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n"];
    let (outcome, _, _) = hostile(&["<u@x.test>"], &script, true);
    assert_eq!(outcome.error, Some(ProtocolError::OutcomeUnknown.to_string()));
    // What was said for good in a pipeline is kept, by the events that came with it.
    let (outcome, _, _) =
        hostile(&["<u@x.test>", "<v@x.test>"], &[GROUPS[0], GROUPS[1], "250 a\r\n550 gone\r\n"], true);
    let kept =
        |note: &Note| matches!(note, Note::Event(it) if it.starts_with("Recipient") && it.contains("550"));
    assert!(outcome.notes.iter().any(kept) && outcome.error.is_some());
}

#[test]
fn hst_09_an_offer_without_end_or_sense() {
    let many: String = (0..10_000).map(|number| format!("250-X{number}\r\n")).collect();
    let (outcome, _, _) = hostile(&["<u@x.test>"], &["220 x\r\n", &many], false);
    assert!(outcome.error.is_some());
    let mechanisms: String = (0..100).map(|number| format!(" M{number}")).collect();
    let odd =
        format!("250-x\r\n250-SIZE 99999999999999999999\r\n250-AUTH{mechanisms}\r\n250 LIMITS RCPTMAX=0\r\n");
    let (outcome, _, client) = hostile(&["<u@x.test>"], &["220 x\r\n", &odd], false);
    assert!(outcome.error.is_none() && outcome.text().contains("MAIL FROM:<a@c.test>\r\n"));
    // What fits no number is larger than any message.
    assert_eq!(client.capabilities().size(), Some(Some(u64::MAX)));
    assert_eq!(client.capabilities().mechanisms().len(), 100);
}

#[test]
fn hst_10_a_reply_has_its_time_however_it_trickles_in() {
    let (_, _, mut client) = hostile(&["<u@x.test>"], &["220 x\r\n"], false);
    let deadline = client.poll_timeout().unwrap();
    let mut now = Time::ZERO;
    for octet in b"250-and so" {
        now = now.after(Duration::from_secs(29));
        client.handle_timeout(now);
        client.handle_input(now, &[*octet]);
        assert!(matches!(client.poll_event(), Ok(Step::NeedInput)));
        assert_eq!(client.poll_timeout(), Some(deadline), "an octet buys no time");
    }
    client.handle_timeout(deadline);
    assert_eq!(client.poll_event().unwrap_err(), ProtocolError::NoAnswer);
}
