//! What the RFCs ask of a server, section by section. Each test carries the number and the section of its RFC; the
//! lists that name it are in `tests/requirements/` of the workspace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use posthaste_smtp::server::{AuthPrivacy, BodyAborted, Config, Event, Extensions, Mode, Server, TlsOffer};
use posthaste_smtp::{AuthIdentity, Limits, Rejection, Security, Step, Time, Violation};
use posthaste_testkit::{Note, Outcome, assert_split_invariant, run};

fn config(mode: Mode) -> Config {
    let mut limits = Limits::default();
    limits.violations_max = 1000;
    Config::new(mode, "mx.test".parse().unwrap()).with_limits(limits)
}

fn with_auth(mode: Mode) -> Config {
    let mechanisms = vec!["PLAIN".parse().unwrap(), "LOGIN".parse().unwrap()];
    config(mode).with_mechanisms(mechanisms).with_auth_requires_tls(AuthPrivacy::NotRequired)
}

fn server(config: &Config) -> Server {
    Server::new(config.clone(), Security::Plain, Time::ZERO)
}

/// Accepts everything but what begins with `no`; credentials are taken when they are `good`.
fn answer(server: &mut Server, event: Event) -> Note {
    match event {
        Event::Hello(hello) => Note::event(format!("hello {}", hello.name)),
        Event::StartTls(token) => {
            token.accept(server).unwrap();
            Note::event("starttls")
        }
        Event::Auth(auth) => {
            let response = auth.response().map(|response| response.expose().to_vec());
            let note = match &response {
                Some(response) if !auth.is_start() => Note::event(format!("response of {}", response.len())),
                _ => Note::event(format!("auth {}", auth.mechanism())),
            };
            match response {
                None => auth.challenge(server, b"").unwrap(),
                Some(response) if response == b"good" => auth.accept(server).unwrap(),
                Some(_) => auth.reject(server, Rejection::credentials_invalid()).unwrap(),
            }
            note
        }
        Event::Mail(mail) => {
            let note = Note::event(format!("mail {}", mail.from()));
            if mail.from().to_string().starts_with("<no") {
                mail.reject(server, Rejection::denied()).unwrap();
            } else {
                mail.accept(server).unwrap();
            }
            note
        }
        Event::Rcpt(rcpt) => {
            let note = Note::event(format!("rcpt {}", rcpt.to()));
            if rcpt.to().to_string().starts_with("<no") {
                rcpt.reject(server, Rejection::no_such_user()).unwrap();
            } else {
                rcpt.accept(server).unwrap();
            }
            note
        }
        Event::Data(data) => {
            let note = Note::event(format!("data {}", data.transaction().recipients().len()));
            data.accept(server).unwrap();
            note
        }
        Event::Body(chunk) => Note::body(&chunk),
        Event::BodyEnd(end) => {
            let note = Note::event(format!("end {} {}", end.transaction().from(), end.size()));
            end.accept(server).unwrap();
            note
        }
        event => Note::event(format!("{event:?}")),
    }
}

/// Lets `config`'s server hear `pieces`, each when it needs input.
fn hear(config: &Config, pieces: &[&str]) -> Outcome {
    run(&mut server(config), pieces.iter().map(|piece| piece.as_bytes()), false, answer)
}

/// The replies, each with its code and the lines it has; the greeting is the first.
fn replies(outcome: &Outcome) -> Vec<String> {
    let mut replies = vec![String::new()];
    for line in outcome.text().lines() {
        let reply = replies.last_mut().unwrap();
        reply.push_str(line);
        if line.as_bytes()[3] == b' ' {
            replies.push(String::new());
        } else {
            reply.push('\n');
        }
    }
    assert_eq!(replies.pop().unwrap(), "", "a reply has no end");
    replies
}

/// The codes of the replies to `lines`, which are sent behind EHLO, each in a piece.
fn codes(config: &Config, lines: &[&str]) -> Vec<u16> {
    let hello = if config_is_lmtp(config) { "LHLO c.test\r\n" } else { "EHLO c.test\r\n" };
    let lines: Vec<String> = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let pieces = std::iter::once(hello).chain(lines.iter().map(String::as_str));
    let outcome = run(&mut server(config), pieces.map(str::as_bytes), false, answer);
    replies(&outcome).iter().skip(2).map(|reply| reply[..3].parse().unwrap()).collect()
}

fn config_is_lmtp(config: &Config) -> bool {
    server(config).mode() == Mode::Lmtp
}

fn keywords(config: &Config, security: Security) -> Vec<String> {
    let mut server = Server::new(config.clone(), security, Time::ZERO);
    let hello = if server.mode() == Mode::Lmtp { "LHLO" } else { "EHLO" };
    let outcome = run(&mut server, [format!("{hello} c.test\r\n").as_bytes()], false, answer);
    let replies = replies(&outcome);
    let lines = replies.last().unwrap().lines().skip(1);
    lines.map(|line| line[4..].split(' ').next().unwrap().to_owned()).collect()
}

const OPEN: &str = "EHLO c.test\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<u@local.test>\r\n";
const T0: &str = "EHLO c.test\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<u@local.test>\r\nDATA\r\n";

#[test]
fn rfc5321_2_1_nothing_is_taken_before_the_application_says_so() {
    for reject in [None, Some(Rejection::try_later()), Some(Rejection::denied())] {
        let mut server = server(&config(Mode::Mta));
        let greeting = server.poll_transmit().unwrap();
        assert!(greeting.starts_with(b"220 "));
        let mut kept = None;
        for piece in [T0, "x\r\n.\r\nNOOP\r\n"] {
            server.handle_input(Time::ZERO, piece.as_bytes());
            while let Step::Event(event) = server.poll_event().unwrap() {
                match event {
                    Event::BodyEnd(end) => kept = Some(end),
                    event => drop(answer(&mut server, event)),
                }
            }
        }
        // The message is complete, and so is NOOP: nothing is said before the application has spoken.
        let text = |server: &mut Server| -> String {
            let octets: Vec<u8> = std::iter::from_fn(|| server.poll_transmit()).flatten().collect();
            String::from_utf8(octets).unwrap()
        };
        assert!(text(&mut server).ends_with("354 Start mail input; end with <CRLF>.<CRLF>\r\n"));
        assert!(matches!(server.poll_event(), Ok(Step::Paused)));
        let expected = reject.as_ref().map_or("250 ".into(), |it| format!("{} ", it.reply().code()));
        match reject {
            None => kept.unwrap().accept(&mut server).unwrap(),
            Some(rejection) => kept.unwrap().reject(&mut server, rejection).unwrap(),
        }
        assert!(matches!(server.poll_event(), Ok(Step::NeedInput)));
        let text = text(&mut server);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.starts_with(&expected) && text.ends_with("250 2.0.0 OK\r\n"), "{text}");
    }
}

#[test]
fn rfc5321_2_2_1_hello_in_both_forms() {
    let mail = "MAIL FROM:<a@c.test>\r\nRCPT TO:<u@local.test>\r\n";
    for (hello, lines) in [("HELO c.test", 1), ("EHLO c.test", 5), ("helo [192.0.2.1]", 1), ("EhLo c", 5)] {
        let outcome = hear(&config(Mode::Mta), &[&format!("{hello}\r\n{mail}")]);
        let replies = replies(&outcome);
        assert!(replies[1].starts_with("250"));
        assert!(replies[1].lines().count() >= lines, "{hello}: {}", replies[1]);
        assert_eq!(replies[1].lines().count() == 1, lines == 1);
        assert!(outcome.has("rcpt <u@local.test>"));
    }
}

/// Those of the registry that a server of this crate may come to offer.
const REGISTERED: [&str; 20] = [
    "SIZE",
    "PIPELINING",
    "8BITMIME",
    "ENHANCEDSTATUSCODES",
    "STARTTLS",
    "AUTH",
    "CHUNKING",
    "BINARYMIME",
    "DSN",
    "SMTPUTF8",
    "REQUIRETLS",
    "LIMITS",
    "FUTURERELEASE",
    "DELIVERBY",
    "MT-PRIORITY",
    "RRVS",
    "ETRN",
    "HELP",
    "VRFY",
    "NO-SOLICITING",
];

#[test]
fn rfc5321_2_2_2_only_registered_keywords_are_offered() {
    for mode in [Mode::Mta, Mode::Submission, Mode::Lmtp] {
        for security in [Security::Plain, Security::Tls] {
            let keywords = keywords(&with_auth(mode).with_tls(TlsOffer::StartTls), security);
            assert!(keywords.contains(&"8BITMIME".into()) && keywords.contains(&"AUTH".into()));
            for keyword in &keywords {
                let known = REGISTERED.contains(&keyword.as_str()) || keyword.starts_with('X');
                assert!(known, "{keyword}");
            }
        }
    }
}

#[test]
fn rfc5321_2_4_case_of_verbs_is_nothing_and_of_local_parts_is_kept() {
    let input = "ehlo c.test\r\nmAiL fRoM:<Ann.B@C.test> size=5 bOdY=8bitmime\r\nRCPT to:<U@local.test>\r\n\
                 rcpt TO:<u@local.test>\r\ndata\r\n";
    let outcome = hear(&config(Mode::Mta), &[input, ".\r\nrset\r\nnoop\r\nquit\r\n"]);
    assert!(outcome.has("mail <Ann.B@C.test>") && outcome.closed);
    assert!(outcome.has("rcpt <U@local.test>") && outcome.has("rcpt <u@local.test>"));
    assert!(outcome.has("data 2"), "two mailboxes that differ in case are two");
    assert!(!outcome.notes.iter().any(|note| matches!(note, Note::Event(it) if it.starts_with("Violation"))));
}

#[test]
fn rfc5321_3_3_source_routes_are_read_and_ignored() {
    for route in ["@a.test:", "@a.test,@b.test:", "@[192.0.2.1],@b.test:"] {
        let input = format!("EHLO c\r\nMAIL FROM:<{route}a@c.test>\r\nRCPT TO:<{route}u@local.test>\r\n");
        let outcome = hear(&config(Mode::Mta), &[&input]);
        assert!(outcome.has("mail <a@c.test>") && outcome.has("rcpt <u@local.test>"), "{route}");
    }
}

#[test]
fn rfc5321_3_3_the_header_is_nobody_s_business() {
    let many: String = (0..500).map(|number| format!("To: u{number}@local.test\r\n")).collect();
    let headers = [
        "Resent-To: u@local.test\r\nResent-To: v@local.test\r\nResent-Date: x\r\n\r\n",
        "Received: whatever you like\r\nReceived:\r\nReturn-Path: nonsense\r\n\r\n",
        "no header at all\r\n",
        "Content-Type: multipart/mixed\r\n\r\nno boundary\r\n",
        "\r\n\r\n\r\n",
        &many,
    ];
    for header in headers {
        let outcome = hear(&config(Mode::Mta), &[T0, header, ".\r\n"]);
        assert_eq!(outcome.bodies(), header.as_bytes());
        assert!(outcome.has(&format!("end <a@c.test> {}", header.len())));
        assert!(replies(&outcome).last().unwrap().starts_with("250"));
    }
}

#[test]
fn rfc5321_3_5_3_vrfy_never_claims_what_it_does_not_know() {
    for argument in ["u", "u@local.test", "<u@local.test>", "postmaster", "Ann Bee <u@local.test>", "@a:b@c"]
    {
        let verbs = [format!("VRFY {argument}"), format!("EXPN {argument}")];
        let codes = codes(&config(Mode::Mta), &[&verbs[0], &verbs[1]]);
        assert_eq!(codes, [252, 502], "{argument}");
    }
    let outcome = hear(&config(Mode::Mta), &["EHLO c\r\nVRFY u@local.test\r\n"]);
    assert!(!replies(&outcome)[2].contains('@'), "no address is told");
}

#[test]
fn rfc5321_3_6_2_there_is_a_550_for_relaying() {
    assert_eq!(Rejection::relay_denied().reply().code(), 550);
    let outcome = hear(&config(Mode::Mta), &["EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<no@x.test>\r\n"]);
    assert!(replies(&outcome)[3].starts_with("550 "));
}

#[test]
fn rfc5321_3_8_a_shutdown_is_told() {
    let mut server = server(&config(Mode::Mta));
    while server.poll_transmit().is_some() {}
    server.shutdown(Time::ZERO);
    assert!(matches!(server.poll_event(), Ok(Step::Closed)));
    let farewell = server.poll_transmit().unwrap();
    assert!(farewell.starts_with(b"421 ") && server.poll_transmit().is_none());
}

#[test]
fn rfc5321_4_1_1_trailing_white_space_is_tolerated() {
    let lines = [
        "MAIL FROM:<a@c.test> ",
        "RCPT TO:<u@local.test>\t",
        "NOOP  ",
        "RSET \t ",
        "VRFY u  ",
        "MAIL FROM:<a@c.test> SIZE=1 ",
    ];
    assert_eq!(codes(&config(Mode::Mta), &lines), [250, 250, 250, 250, 252, 250]);
}

#[test]
fn rfc5321_4_1_1_commands_without_effect_have_none() {
    // Before EHLO, too.
    let outcome = hear(&config(Mode::Mta), &["NOOP\r\nHELP\r\nVRFY u\r\nEXPN l\r\nRSET\r\nNOOP text\r\n"]);
    let found: Vec<String> = replies(&outcome).iter().skip(1).map(|reply| reply[..3].into()).collect();
    assert_eq!(found, ["250", "214", "252", "502", "250", "250"]);
    // Inside a transaction it stays what it is.
    let between = "NOOP x y\r\nHELP\r\nHELP MAIL\r\nVRFY u\r\nEXPN l\r\nBOGUS\r\nRCPT TO:<\r\n";
    let outcome = hear(&config(Mode::Mta), &[OPEN, between, "DATA\r\n", ".\r\n"]);
    assert!(outcome.has("end <a@c.test> 0") && !outcome.has("Reset"));
}

#[test]
fn rfc5321_4_1_1_1_what_is_not_offered_is_not_done() {
    let config = config(Mode::Mta);
    let offered = keywords(&config, Security::Plain);
    let table = [
        ("STARTTLS", "STARTTLS"),
        ("AUTH", "AUTH PLAIN AHUAcA=="),
        ("ETRN", "ETRN x.test"),
        ("EXPN", "EXPN list"),
        ("XCLIENT", "XCLIENT NAME=x"),
        ("XFORWARD", "XFORWARD NAME=x"),
        ("TURN", "TURN"),
        ("SEND", "SEND FROM:<a@c.test>"),
    ];
    for (keyword, line) in table {
        assert!(!offered.contains(&keyword.into()));
        let code = codes(&config, &[line])[0];
        assert!(matches!(code, 500..=504 | 550), "{line}: {code}");
    }
}

#[test]
fn rfc5321_4_1_1_5_rset_ends_a_transaction_and_nothing_else() {
    let behind = "RSET\r\nRCPT TO:<u@local.test>\r\nMAIL FROM:<b@c.test>\r\nDATA\r\nRSET\r\nRSET\r\nNOOP\r\n";
    let outcome = hear(&config(Mode::Mta), &[OPEN, behind]);
    let found: Vec<String> = replies(&outcome).iter().skip(4).map(|reply| reply[..3].into()).collect();
    // The recipient of the first transaction is none of the second.
    assert_eq!(found, ["250", "503", "250", "554", "250", "250", "250"]);
    assert!(outcome.has("Reset") && !outcome.closed && outcome.error.is_none());
}

#[test]
fn rfc5321_4_1_1_10_the_end_of_a_session() {
    let message = "DATA\r\n";
    let outcome = hear(&config(Mode::Mta), &[OPEN, message, ".\r\nMAIL FROM:<b@c.test>\r\nQUIT\r\nNOOP\r\n"]);
    assert!(outcome.closed && outcome.has("end <a@c.test> 0") && outcome.has("Reset"));
    let replies = replies(&outcome);
    assert!(replies.last().unwrap().starts_with("221 "), "nothing is said behind the farewell");
    // Before any hello as well.
    assert!(hear(&config(Mode::Mta), &["QUIT\r\n"]).closed);
    // Whoever just goes away leaves as much.
    let input = format!("{OPEN}{message}");
    let pieces = [input.as_bytes(), b".\r\nMAIL FROM:<b@c.test>\r\nRCPT TO:<u@"];
    let outcome = run(&mut server(&config(Mode::Mta)), pieces, true, answer);
    assert!(outcome.closed && outcome.has("end <a@c.test> 0") && outcome.has("Reset"));
    assert!(!outcome.has(&format!("{:?}", Event::BodyAborted(BodyAborted::Eof))));
}

#[test]
fn rfc5321_4_1_2_characters_that_are_not_allowed_are_501() {
    for path in [
        "<a b@c.test>",
        "<a@c t.test>",
        "<a@c$.test>",
        "<a@-c.test>",
        "<a@c-.test>",
        "<a@.test>",
        "<é@c.test>",
    ] {
        let lines = [format!("MAIL FROM:{path}"), "MAIL FROM:<>".into(), format!("RCPT TO:{path}")];
        let codes = codes(&config(Mode::Mta), &[&lines[0], &lines[1], &lines[2]]);
        assert!(matches!(codes[..], [501 | 553 | 550, 250, 501 | 553 | 550]), "{path}: {codes:?}");
    }
    let outcome =
        hear(&config(Mode::Mta), &["EHLO c\r\nMAIL FROM:<a@c.test> BODY=8BITMIME\r\nRCPT TO:<ü@x>\r\n"]);
    assert!(!outcome.has("rcpt <ü@x>"), "8BITMIME is for the content");
}

#[test]
fn rfc5321_4_1_4_what_is_refused_changes_nothing() {
    let refused =
        ["EHLO", "EHLO a b", "EHLO (x)", "HELO", "MAIL FROM:<b@c.test>", "MAIL FROM:<", "MAIL", "RCPT TO:<>"];
    for line in refused {
        let outcome = hear(&config(Mode::Mta), &[OPEN, &format!("{line}\r\n"), "DATA\r\n", ".\r\n"]);
        let code = replies(&outcome)[4][..3].to_owned();
        let expected: &[&str] =
            if line == "MAIL FROM:<b@c.test>" { &["503"] } else { &["500", "501", "502", "550"] };
        assert!(expected.contains(&code.as_str()), "{line}: {code}");
        assert!(outcome.has("data 1") && outcome.has("end <a@c.test> 0") && !outcome.has("Reset"), "{line}");
    }
    let outcome =
        hear(&config(Mode::Mta), &["MAIL FROM:<a@c.test>\r\nEHLO c.test\r\nRCPT TO:<u@x.test>\r\n"]);
    assert!(!outcome.has("mail <a@c.test>") && !outcome.has("rcpt <u@x.test>"));
}

#[test]
fn rfc5321_4_1_4_the_name_of_the_client_is_not_judged() {
    for name in
        ["localhost", "mx.test", "a_b", "[192.0.2.1]", "[IPv6:2001:db8::1]", "1", "no.such.name.invalid"]
    {
        let outcome = hear(&config(Mode::Mta), &[&format!("EHLO {name}\r\nMAIL FROM:<>\r\n")]);
        assert!(outcome.has(&format!("hello {name}")) && outcome.has("mail <>"), "{name}");
    }
}

/// Lines of every kind: each is one command, whatever it is worth.
const LINES: [&str; 32] = [
    "EHLO c.test",
    "HELO c.test",
    "LHLO c.test",
    "EHLO",
    "MAIL FROM:<a@c.test>",
    "MAIL FROM:<a@c.test> X=1",
    "MAIL FROM:<a@c.test> SIZE=99999999999",
    "MAIL FROM:a@c.test",
    "MAIL",
    "MAIL TO:<a@c.test>",
    "RCPT TO:<u@local.test>",
    "RCPT TO:<no@local.test>",
    "RCPT TO:<u@local.test> X",
    "RCPT FROM:<u>",
    "RSET",
    "RSET x",
    "NOOP",
    "NOOP x y z",
    "VRFY u",
    "VRFY",
    "EXPN l",
    "HELP",
    "HELP MAIL",
    "STARTTLS",
    "AUTH",
    "AUTH X",
    "AUTH PLAIN !",
    "BOGUS",
    "",
    " ",
    " NOOP",
    "\u{e9}",
];

#[test]
fn rfc5321_4_2_every_command_has_one_reply() {
    for mode in [Mode::Mta, Mode::Submission, Mode::Lmtp] {
        for first in LINES {
            for second in LINES {
                let input = format!("{first}\r\n{second}\r\n");
                let outcome = hear(&config(mode), &[&input]);
                assert_eq!(replies(&outcome).len(), 3, "{mode:?}: {input:?} {}", outcome.text());
            }
        }
        let input = format!("{}\r\n", LINES.join("\r\n"));
        let config = config(mode);
        let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, answer);
        assert_eq!(replies(&outcome).len(), LINES.len() + 1);
    }
}

#[test]
fn rfc5321_4_2_each_line_of_a_reply_has_code_and_text() {
    for mode in [Mode::Mta, Mode::Submission, Mode::Lmtp] {
        let input = format!("{}\r\nQUIT\r\n", LINES.join("\r\n"));
        let config = with_auth(mode).with_tls(TlsOffer::StartTls);
        let mut outcomes = vec![run(&mut server(&config), input.as_bytes().chunks(1), false, answer)];
        outcomes.push(hear(&config, &["QUIT\r\n"]));
        for outcome in outcomes {
            let text = outcome.text();
            assert!(text.ends_with("\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']));
            for line in text.split_terminator("\r\n") {
                let octets = line.as_bytes();
                assert!(
                    octets.len() <= 510 && octets.iter().all(|octet| matches!(octet, b' '..=b'~')),
                    "{line}"
                );
                assert!((b'2'..=b'5').contains(&octets[0]) && (b'0'..=b'5').contains(&octets[1]), "{line}");
                assert!(octets[2].is_ascii_digit() && matches!(octets[3], b' ' | b'-') && octets.len() > 4);
                let (code, rest) = (&line[..3], &line[4..]);
                let status = rest.split(' ').next().unwrap();
                // RFC 2034 4: not at the greeting, EHLO and 3yz.
                let of_hello = code == "250" && !status.starts_with(|first: char| first.is_ascii_digit());
                let plain =
                    matches!(code, "220" | "354" | "334") || of_hello || line[4..].starts_with("8BIT");
                assert!(plain || status.starts_with(&format!("{}.", &code[..1])), "{line}");
                assert!(CODES.contains(&code), "{line}");
            }
        }
    }
}

/// Those of RFC 5321 4.2.3, RFC 4954 6 and RFC 3207 4.
const CODES: [&str; 34] = [
    "211", "214", "220", "221", "250", "251", "252", "354", "421", "450", "451", "452", "455", "500", "501",
    "502", "503", "504", "550", "551", "552", "553", "554", "555", "235", "334", "432", "454", "530", "534",
    "535", "538", "521", "556",
];

#[test]
fn rfc5321_4_2_4_502_for_what_is_known_and_500_for_what_is_not() {
    assert_eq!(
        codes(&config(Mode::Mta), &["EXPN l", "STARTTLS", "AUTH PLAIN", "BOGUS", "BOGUS x"]),
        [502, 502, 502, 500, 500]
    );
    assert_eq!(
        codes(&config(Mode::Mta), &["XFROB", "SEND FROM:<a@c.test>", "MAILFROM:<a@c.test>"]),
        [500, 500, 500]
    );
}

#[test]
fn rfc5321_4_5_1_the_minimum_is_there() {
    let mail = ["MAIL FROM:<a@c.test>", "RCPT TO:<u@x.test>", "VRFY u", "NOOP", "RSET", "HELO c", "QUIT"];
    assert_eq!(codes(&config(Mode::Mta), &mail), [250, 250, 252, 250, 250, 250, 221]);
    assert_eq!(codes(&config(Mode::Mta), &["MAIL FROM:<>", "RCPT TO:<u@x.test>", "DATA"]), [250, 250, 354]);
}

#[test]
fn rfc5321_4_5_1_postmaster_in_any_case_with_and_without_domain() {
    for name in ["Postmaster", "postmaster", "POSTMASTER", "pOSTMASTER"] {
        let input = format!("{OPEN}RCPT TO:<{name}>\r\nRCPT TO:<{name}@local.test>\r\n");
        let outcome = hear(&config(Mode::Mta), &[&input]);
        assert_eq!(replies(&outcome).iter().filter(|reply| reply.starts_with("250 2.1.5")).count(), 3);
        let named =
            |note: &&Note| matches!(note, Note::Event(it) if it.eq_ignore_ascii_case("rcpt <postmaster>"));
        assert_eq!(outcome.notes.iter().filter(named).count(), 1, "{:?}", outcome.notes);
        assert!(outcome.has(&format!("rcpt <{name}@local.test>")));
    }
    // No other name goes without a domain.
    assert_eq!(
        codes(&config(Mode::Mta), &["MAIL FROM:<>", "RCPT TO:<u>", "MAIL FROM:<postmaster>"]),
        [250, 501, 501]
    );
}

#[test]
fn rfc5321_4_5_2_content_arrives_as_it_is() {
    let all: Vec<u8> = (1..=127).filter(|octet| !matches!(octet, b'\r' | b'\n')).collect();
    let content = [&all[..], b"\r\n \t \r\n\t\r\n\r\n  trailing  \r\n", &all[..], b"\r\n"].concat();
    let pieces = [T0.as_bytes(), &content, b".\r\n"];
    let outcome = run(&mut server(&config(Mode::Mta)), pieces, false, answer);
    assert_eq!(outcome.bodies(), content);
}

#[test]
fn rfc5321_4_5_3_1_sizes_that_have_to_be_taken() {
    let local = "l".repeat(64);
    let label = "d".repeat(63);
    let domain = format!("{label}.{label}.{label}.{}.test", "d".repeat(256 - 4 - 3 * 64 - 5));
    assert_eq!(format!("<a@{domain}>").len(), 256);
    let lines = ["MAIL FROM:<>", &format!("RCPT TO:<{local}@x.test>"), &format!("RCPT TO:<a@{domain}>")];
    assert_eq!(codes(&config(Mode::Mta), &lines), [250, 250, 250]);
    // A domain of 255 octets fits no path of 256, but the name of a client.
    let outcome = hear(&config(Mode::Mta), &[&format!("EHLO {label}.{label}.{label}.{label}\r\n")]);
    assert!(replies(&outcome)[1].starts_with("250"));
    // Hundred recipients, a long text line, and 64 KiB.
    let defaults = Config::new(Mode::Mta, "mx.test".parse().unwrap());
    let mut input = String::from("EHLO c\r\nMAIL FROM:<>\r\n");
    for number in 0..100 {
        input.push_str(&format!("RCPT TO:<u{number}@local.test>\r\n"));
    }
    let text = format!("{}\r\n", "t".repeat(998)).repeat(66);
    assert!(text.len() >= 64 * 1024);
    let outcome = hear(&defaults, &[&input, "DATA\r\n", &text, ".\r\n"]);
    assert!(outcome.has("data 100") && outcome.has(&format!("end <> {}", text.len())));
}

#[test]
fn rfc5321_4_5_5_the_null_reverse_path() {
    let outcome =
        hear(&config(Mode::Mta), &["EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<u@x.test>\r\nDATA\r\n", ".\r\n"]);
    assert!(outcome.has("mail <>") && outcome.has("end <> 0"));
}

#[test]
fn rfc1870_size_is_announced_and_applied() {
    let mut limits = Limits::default();
    limits.message_max = 4000;
    let config = config(Mode::Mta).with_limits(limits);
    let outcome = hear(&config, &["EHLO c\r\n"]);
    let sizes: Vec<String> =
        outcome.text().lines().filter(|it| it.contains("SIZE")).map(|it| it[4..].into()).collect();
    assert_eq!(sizes, ["SIZE 4000"]);
    let lines =
        ["MAIL FROM:<a@c.test>", "RSET", "MAIL FROM:<a@c.test> SIZE=4000", "RSET", "MAIL FROM:<> SIZE=4001"];
    assert_eq!(codes(&config, &lines), [250, 250, 250, 250, 552]);
    assert_eq!(codes(&config, &["MAIL FROM:<> SIZE=0"]), [250]);
}

#[test]
fn rfc1870_6_1_the_declared_size_binds_nobody() {
    for declared in [0, 1, 5, 900] {
        let start = format!("EHLO c\r\nMAIL FROM:<> SIZE={declared}\r\nRCPT TO:<u@x.test>\r\nDATA\r\n");
        let text = "0123\r\n".repeat(50);
        let outcome = hear(&config(Mode::Mta), &[&start, &text, ".\r\nNOOP\r\n"]);
        assert_eq!(outcome.bodies(), text.as_bytes(), "{declared}");
        assert!(outcome.has("end <> 300") && replies(&outcome).last().unwrap().starts_with("250"));
    }
}

#[test]
fn rfc1870_6_1_no_room_now_is_452() {
    let mut server = server(&config(Mode::Mta));
    let input = b"EHLO c\r\nMAIL FROM:<a@c.test> SIZE=900000\r\n";
    let outcome = run(&mut server, [&input[..]], false, |server, event| match event {
        Event::Mail(mail) => {
            assert_eq!(mail.size(), Some(900_000));
            mail.reject(server, Rejection::no_storage()).unwrap();
            Note::event("full")
        }
        event => answer(server, event),
    });
    assert!(replies(&outcome)[2].starts_with("452 4.3.1 "));
}

#[test]
fn rfc2920_3_2_a_group_is_answered_in_order_and_at_once() {
    let group =
        "RSET\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<u@x.test>\r\nRCPT TO:<no@x.test>\r\nBOGUS\r\nNOOP\r\n";
    let mut server = server(&config(Mode::Mta));
    let said = |server: &mut Server, input: &str| -> String {
        server.handle_input(Time::ZERO, input.as_bytes());
        let outcome = run(server, [], false, answer);
        outcome.text()
    };
    assert!(server.poll_transmit().unwrap().starts_with(b"220 "));
    assert!(said(&mut server, "EHLO c\r\n").lines().count() > 1);
    let text = said(&mut server, group);
    let found: Vec<&str> = text.lines().map(|line| &line[..3]).collect();
    assert_eq!(found, ["250", "250", "250", "550", "500", "250"]);
    // Nothing is kept back for a command that has not come yet, nor is anything said about one that is half there.
    for (input, code) in
        [("RCPT TO:<v@x.test>\r\nRC", "250"), ("PT TO:<no@x.test>\r\n", "550"), ("DATA\r\n", "354")]
    {
        let text = said(&mut server, input);
        assert!(text.starts_with(code) && text.lines().count() == 1, "{input}: {text}");
    }
}

#[test]
fn rfc2920_3_2_input_is_kept_while_an_answer_is_awaited() {
    let mut server = server(&config(Mode::Mta));
    assert!(server.poll_transmit().unwrap().starts_with(b"220 "));
    server.handle_input(Time::ZERO, b"EHLO c\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<u@x.test>\r\nNOO");
    let mut mail = None;
    while mail.is_none() {
        if let Step::Event(Event::Mail(token)) = server.poll_event().unwrap() {
            mail = Some(token);
        }
    }
    server.handle_input(Time::ZERO, b"P\r\nRSET\r\n");
    assert!(matches!(server.poll_event(), Ok(Step::Paused)));
    mail.unwrap().accept(&mut server).unwrap();
    let outcome = run(&mut server, [], false, answer);
    assert!(outcome.has("rcpt <u@x.test>"));
    let found: Vec<String> = replies(&outcome).iter().skip(1).map(|reply| reply[..3].into()).collect();
    assert_eq!(found, ["250", "250", "250", "250"]);
}

#[test]
fn rfc2920_3_2_replies_say_what_they_answer() {
    // The enhanced status tells sender, recipient and all others apart.
    let outcome = hear(&config(Mode::Mta), &[OPEN, "RCPT TO:<no@x.test>\r\nRSET\r\n"]);
    let statuses: Vec<String> = replies(&outcome).iter().skip(2).map(|reply| reply[4..9].into()).collect();
    assert_eq!(statuses, ["2.1.0", "2.1.5", "5.1.1", "2.0.0"]);
}

#[test]
fn rfc3207_4_454_where_tls_is_not_to_be_had() {
    let mut server = Server::new(config(Mode::Mta).with_tls(TlsOffer::StartTls), Security::Plain, Time::ZERO);
    let pieces = [&b"EHLO c\r\nSTARTTLS\r\n"[..], b"NOOP\r\n"];
    let outcome = run(&mut server, pieces, false, |server, event| match event {
        Event::StartTls(token) => {
            token.reject(server).unwrap();
            Note::event("refused")
        }
        event => answer(server, event),
    });
    let replies = replies(&outcome);
    assert!(replies[2].starts_with("454 4.7.0 ") && replies[3].starts_with("250 "));
    assert!(!outcome.has("(upgrade)"));
}

#[test]
fn rfc3207_4_530_where_tls_comes_first() {
    let config =
        config(Mode::Submission).with_tls(TlsOffer::StartTls).with_mechanisms(vec!["PLAIN".parse().unwrap()]);
    let outcome =
        hear(&config, &["EHLO c\r\nMAIL FROM:<a@c.test>\r\nNOOP\r\nEHLO c\r\nRSET\r\n", "STARTTLS\r\n"]);
    let replies = replies(&outcome);
    assert!(replies[2].starts_with("530 5.7.0 "));
    let found: Vec<&str> = replies[3..].iter().map(|reply| &reply[..3]).collect();
    assert_eq!(found, ["250", "250", "250", "220"]);
    assert!(outcome.has("(upgrade)"));
    assert!(hear(&config, &["QUIT\r\n"]).closed);
}

#[test]
fn rfc3207_4_2_each_side_knows_whether_tls_is_active() {
    let mut server = server(&config(Mode::Mta).with_tls(TlsOffer::StartTls));
    assert_eq!(server.security(), Security::Plain);
    run(&mut server, [&b"EHLO c\r\nSTARTTLS\r\n"[..]], false, answer);
    assert_eq!(server.security(), Security::Tls);
}

#[test]
fn rfc4954_4_auth_where_it_is_not_due() {
    let config = with_auth(Mode::Mta);
    // Twice; inside a transaction; before EHLO.
    assert_eq!(
        codes(&config, &["AUTH PLAIN Z29vZA==", "AUTH PLAIN Z29vZA==", "MAIL FROM:<>"]),
        [235, 503, 250]
    );
    assert_eq!(
        codes(&config, &["MAIL FROM:<>", "AUTH PLAIN Z29vZA==", "RSET", "AUTH PLAIN Z29vZA=="]),
        [250, 503, 250, 235]
    );
    assert!(replies(&hear(&config, &["AUTH PLAIN Z29vZA==\r\n"]))[1].starts_with("503"));
    // A refused attempt is none.
    assert_eq!(codes(&config, &["AUTH PLAIN YmFk", "AUTH PLAIN Z29vZA=="]), [535, 235]);
}

#[test]
fn rfc4954_4_mechanisms_are_offered_and_taken_in_any_case() {
    let config = with_auth(Mode::Mta);
    let outcome = hear(&config, &["ehlo c\r\nauth plain Z29vZA==\r\n"]);
    assert!(outcome.text().contains("AUTH PLAIN LOGIN\r\n") && outcome.has("auth PLAIN"));
    let outcome = hear(&config, &["EHLO c\r\nAUTH CRAM-MD5\r\nAUTH NTLM TlRMTVNTUAABAAAA\r\n"]);
    let replies = replies(&outcome);
    assert!(replies[2].starts_with("504 5.5.4 ") && replies[3].starts_with("504 5.5.4 "));
}

#[test]
fn rfc4954_4_base64_is_taken_by_the_letter() {
    let config = with_auth(Mode::Mta);
    for bad in
        ["=AAA", "AAA=BBB=", "Z29v ZA==", "Z29v!A==", "Z29vZA=", "Z29vZA", "Z29vZA===", "Z29v\tZA==", "-_8="]
    {
        let outcome = hear(&config, &[&format!("EHLO c\r\nAUTH PLAIN\r\n{bad}\r\nNOOP\r\n")]);
        let found: Vec<String> = replies(&outcome).iter().skip(2).map(|reply| reply[..3].into()).collect();
        assert_eq!(found, ["334", "501", "250"], "{bad}");
        assert!(replies(&outcome)[3].starts_with("501 5.5.2 "), "{bad}");
        let outcome = hear(&config, &[&format!("EHLO c\r\nAUTH PLAIN {bad}\r\n")]);
        assert!(replies(&outcome)[2].starts_with("501 "), "{bad}");
        assert!(!outcome.has("auth PLAIN"));
    }
}

#[test]
fn rfc4954_4_lines_of_an_exchange_may_be_long() {
    let config = with_auth(Mode::Mta);
    let longest = "QUFB".repeat((12_288 - 2) / 4);
    let outcome = hear(&config, &[&format!("EHLO c\r\nAUTH PLAIN\r\n{longest}\r\n")]);
    assert!(outcome.has(&format!("response of {}", longest.len() / 4 * 3)));
    let outcome = hear(&config, &[&format!("EHLO c\r\nAUTH PLAIN\r\n{longest}QUFB\r\nNOOP\r\n")]);
    let replies = replies(&outcome);
    assert!(replies[3].starts_with("500 5.5.6 ") && replies[4].starts_with("250 "));
    assert!(outcome.has("AuthCancelled"));
    assert!(outcome.has(&format!("{:?}", Event::Violation(Violation::LineTooLong { limit: 12_288 }))));
}

#[test]
fn rfc4954_5_the_auth_parameter_of_mail() {
    let cases = [
        ("AUTH=<>", Some("<>")),
        ("AUTH=e+3Dmc2@c.test", Some("e=mc2@c.test")),
        ("AUTH=ann@c.test", Some("ann@c.test")),
        ("AUTH=ann", None),
        ("AUTH=+3C+3E+20", None),
        ("AUTH=a+0A@c.test", None),
        ("AUTH", None),
    ];
    for (parameter, expected) in cases {
        let mut seen = None;
        let input = format!("EHLO c\r\nAUTH PLAIN Z29vZA==\r\nMAIL FROM:<a@c.test> {parameter}\r\n");
        let outcome =
            run(&mut server(&with_auth(Mode::Mta)), [input.as_bytes()], false, |server, event| match event {
                Event::Mail(mail) => {
                    seen = Some(match mail.parameters().auth.as_ref().unwrap() {
                        AuthIdentity::Unknown => "<>".to_owned(),
                        AuthIdentity::Mailbox(mailbox) => mailbox.to_string(),
                    });
                    mail.accept(server).unwrap();
                    Note::event("mail")
                }
                event => answer(server, event),
            });
        assert_eq!(seen.as_deref(), expected, "{parameter}");
        assert_eq!(replies(&outcome)[3].starts_with("250"), expected.is_some());
    }
}

/// It is taken, and it is not believed.
#[test]
fn rfc4954_5_the_auth_parameter_of_a_stranger() {
    let mut seen = None;
    let input = b"EHLO c\r\nMAIL FROM:<a@c.test> AUTH=ann@c.test\r\n";
    let mut server = server(&with_auth(Mode::Mta));
    run(&mut server, [&input[..]], false, |server, event| match event {
        Event::Mail(mail) => {
            seen.clone_from(&mail.parameters().auth);
            mail.accept(server).unwrap();
            Note::event("mail")
        }
        event => answer(server, event),
    });
    assert_eq!(seen, Some(AuthIdentity::Unknown));
}

#[test]
fn rfc4954_6_codes_of_a_refusal() {
    let texts = [
        (Rejection::credentials_invalid(), "535 5.7.8"),
        (Rejection::authentication_unavailable(), "454 4.7.0"),
        (Rejection::authentication_required(), "530 5.7.0"),
    ];
    for (rejection, start) in texts {
        let input = b"EHLO c\r\nAUTH PLAIN Z29vZA==\r\n";
        let mut server = server(&with_auth(Mode::Mta));
        let outcome = run(&mut server, [&input[..]], false, |server, event| match event {
            Event::Auth(auth) => {
                auth.reject(server, rejection.clone()).unwrap();
                Note::event("auth")
            }
            event => answer(server, event),
        });
        assert!(replies(&outcome)[2].starts_with(start));
    }
    assert_eq!(codes(&with_auth(Mode::Mta), &["AUTH PLAIN Z29vZA=="]), [235]);
}

#[test]
fn rfc4954_6_530_before_authentication() {
    let config = with_auth(Mode::Submission);
    let free = [
        "NOOP",
        "RSET",
        "HELO c",
        "EHLO c",
        "MAIL FROM:<a@c.test>",
        "AUTH PLAIN Z29vZA==",
        "MAIL FROM:<a@c.test>",
    ];
    assert_eq!(codes(&config, &free), [250, 250, 250, 250, 530, 235, 250]);
    let outcome = hear(&config, &["EHLO c\r\nMAIL FROM:<a@c.test>\r\n"]);
    assert!(replies(&outcome)[2].starts_with("530 5.7.0 ") && !outcome.has("mail <a@c.test>"));
}

#[test]
fn rfc4954_9_three_attempts_are_allowed() {
    let defaults = Config::new(Mode::Submission, "mx.test".parse().unwrap())
        .with_mechanisms(vec!["PLAIN".parse().unwrap()])
        .with_auth_requires_tls(AuthPrivacy::NotRequired);
    let lines = ["AUTH PLAIN YmFk", "AUTH PLAIN YmFk", "AUTH PLAIN Z29vZA=="];
    assert_eq!(codes(&defaults, &lines), [535, 535, 235]);
}

#[test]
fn rfc2033_4_1_lhlo_and_nothing_else() {
    let outcome = hear(&config(Mode::Lmtp), &["HELO c\r\nEHLO c\r\nLHLO c\r\n"]);
    let replies = replies(&outcome);
    assert!(replies[1].starts_with("500 ") && replies[2].starts_with("500 "));
    assert!(replies[3].starts_with("250-") && outcome.has("hello c"));
    assert_eq!(codes(&config(Mode::Mta), &["LHLO c"]), [500]);
}

#[test]
fn rfc2033_4_2_a_recipient_named_twice_is_answered_twice() {
    let start = "LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<u@x.test>\r\nRCPT TO:<u@x.test>\r\nRCPT TO:<v@x.test>\r\nDATA\r\n";
    let outcome = hear(&config(Mode::Lmtp), &[start, "x\r\n.\r\nNOOP\r\n"]);
    let behind: Vec<String> = replies(&outcome).iter().skip(7).map(|reply| reply[..3].into()).collect();
    assert_eq!(behind, ["250", "250", "250", "250"]);
}

#[test]
fn rfc2033_5_what_has_to_be_offered() {
    let keywords = keywords(&config(Mode::Lmtp), Security::Plain);
    for keyword in ["PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME"] {
        assert!(keywords.contains(&keyword.into()), "{keyword}");
    }
}

const RCPT: &str = "EHLO c\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<u@x.test>\r\n";

fn with_binary() -> Config {
    config(Mode::Mta).with_extensions(Extensions::new().with_binary_mime())
}

/// The codes behind those of [`RCPT`] and the greeting, over every split of `input`.
fn chunk_codes(config: &Config, input: &[u8]) -> (Vec<u16>, Outcome) {
    let input = [RCPT.as_bytes(), input].concat();
    let outcome = assert_split_invariant(|| server(config), &input, false, answer);
    let codes = replies(&outcome).iter().skip(4).map(|reply| reply[..3].parse().unwrap()).collect();
    (codes, outcome)
}

#[test]
fn rfc3030_2_chunking_is_offered_without_parameters() {
    let outcome = hear(&config(Mode::Mta), &["EHLO c\r\n"]);
    assert!(outcome.text().lines().any(|line| line[4..] == *"CHUNKING"));
    assert!(!outcome.text().contains("BINARYMIME"));
    // BINARYMIME comes with CHUNKING only.
    let both = keywords(&with_binary(), Security::Plain);
    assert!(both.contains(&"BINARYMIME".into()) && both.contains(&"CHUNKING".into()));
    let neither = Extensions::new().with_binary_mime().without_chunking();
    let neither = keywords(&config(Mode::Mta).with_extensions(neither), Security::Plain);
    assert!(!neither.contains(&"BINARYMIME".into()) && !neither.contains(&"CHUNKING".into()));
}

#[test]
fn rfc3030_2_data_is_there_as_before() {
    let outcome = hear(&config(Mode::Mta), &[RCPT, "DATA\r\n", "x\r\n.\r\n"]);
    assert!(outcome.has("end <a@c.test> 3"));
}

#[test]
fn rfc3030_2_each_chunk_is_answered() {
    let (codes, outcome) =
        chunk_codes(&config(Mode::Mta), b"BDAT 4\r\nab\r\nbdat 3\r\ncd\rBDAT 1\r\n\nBDAT 0 last\r\nNOOP\r\n");
    assert_eq!(codes, [250, 250, 250, 250, 250]);
    // A chunk ends where it ends, between CR and LF as well.
    assert_eq!(outcome.bodies(), b"ab\r\ncd\r\n");
    assert!(outcome.has("end <a@c.test> 8"));
}

#[test]
fn rfc3030_2_a_dot_is_an_octet() {
    let body = b".\r\n..\r\n.\r\nQUIT\r\n";
    let input = [format!("BDAT {} LAST\r\n", body.len()).as_bytes(), body, b"NOOP\r\n"].concat();
    let (codes, outcome) = chunk_codes(&config(Mode::Mta), &input);
    assert_eq!(codes, [250, 250]);
    assert_eq!(outcome.bodies(), body);
}

#[test]
fn rfc3030_2_nothing_follows_the_last_chunk() {
    let (codes, outcome) =
        chunk_codes(&config(Mode::Mta), b"BDAT 3 LAST\r\nx\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
    assert_eq!(codes, [250, 503, 250]);
    assert!(!outcome.closed && outcome.bodies() == b"x\r\n");
}

#[test]
fn rfc3030_2_a_chunk_that_fails_is_read_and_thrown_away() {
    // No transaction, no recipient, too large: octets are octets.
    for start in ["", "MAIL FROM:<a@c.test>\r\n", "MAIL FROM:<a@c.test>\r\nRCPT TO:<no@x.test>\r\n"] {
        let input = format!("EHLO c\r\n{start}BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
        let config = config(Mode::Mta);
        let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, answer);
        let codes: Vec<String> =
            replies(&outcome).iter().rev().take(3).map(|reply| reply[..3].into()).collect();
        assert_eq!(codes[0], "250");
        assert!(codes[1..].iter().all(|code| code == "503" || code == "554"), "{codes:?}");
        assert!(!outcome.closed && outcome.bodies().is_empty());
    }
    let mut limits = Limits::default();
    limits.message_max = 5;
    let config = config(Mode::Mta).with_limits(limits);
    let (codes, outcome) =
        chunk_codes(&config, b"BDAT 3\r\nx\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nRSET\r\nNOOP\r\n");
    assert_eq!(codes, [250, 552, 503, 250, 250]);
    assert!(!outcome.closed && !outcome.has("end <a@c.test> 3"));
}

#[test]
fn rfc3030_2_data_is_not_mixed_with_chunks() {
    let (codes, outcome) = chunk_codes(&config(Mode::Mta), b"BDAT 3\r\nx\r\nDATA\r\nRSET\r\nDATA\r\n");
    assert_eq!(codes, [250, 503, 250, 503]);
    assert!(outcome.has(&format!("{:?}", Event::BodyAborted(BodyAborted::Reset))));
}

#[test]
fn rfc3030_2_rset_throws_chunks_away() {
    let (codes, outcome) =
        chunk_codes(&config(Mode::Mta), b"BDAT 3\r\nx\r\nRSET\r\nBDAT 3 LAST\r\ny\r\nNOOP\r\n");
    assert_eq!(codes, [250, 250, 503, 250]);
    assert!(outcome.has(&format!("{:?}", Event::BodyAborted(BodyAborted::Reset))));
    assert_eq!(outcome.bodies(), b"x\r\n");
}

#[test]
fn rfc3030_2_lines_of_any_octets_are_survived() {
    let all: Vec<u8> = (0..=255).collect();
    let body = [&all[..], &b"y".repeat(5000), &all[..]].concat();
    let input = [format!("BDAT {} LAST\r\n", body.len()).as_bytes(), &body, b"NOOP\r\n"].concat();
    let pieces = [RCPT.as_bytes(), &input];
    let outcome = run(&mut server(&config(Mode::Mta)), pieces, false, answer);
    let codes: Vec<String> = replies(&outcome).iter().skip(4).map(|reply| reply[..3].into()).collect();
    assert_eq!(codes, ["554", "250"], "text with a NUL and stray line ends is refused, in its place");
}

#[test]
fn rfc3030_3_binary_content_arrives_as_it_is() {
    let body: Vec<u8> = (0..=255).chain(*b"\n.\r\n\r.\r\n.\r\n\0").collect();
    let start = "EHLO c\r\nMAIL FROM:<a@c.test> BODY=BINARYMIME\r\nRCPT TO:<u@x.test>\r\n";
    let input = [start.as_bytes(), format!("BDAT {} LAST\r\n", body.len()).as_bytes(), &body].concat();
    let config = with_binary();
    let outcome = assert_split_invariant(|| server(&config), &input, false, answer);
    assert_eq!(outcome.bodies(), body);
    assert!(outcome.has(&format!("end <a@c.test> {}", body.len())));
}

#[test]
fn rfc3030_3_binary_content_does_not_go_with_data() {
    let lines = ["MAIL FROM:<> BODY=BINARYMIME", "RCPT TO:<u@x.test>", "DATA", "RSET", "NOOP"];
    assert_eq!(codes(&with_binary(), &lines), [250, 250, 503, 250, 250]);
    // Where it is not offered it is refused at MAIL.
    assert_eq!(codes(&config(Mode::Mta), &["MAIL FROM:<> BODY=BINARYMIME"]), [555]);
}

#[test]
fn rfc3030_3_what_the_header_says_of_its_encoding_is_nobody_s_business() {
    let body = "Content-Transfer-Encoding: binary\r\n\r\nx\r\n";
    let outcome = hear(&config(Mode::Mta), &[RCPT, &format!("BDAT {} LAST\r\n{body}", body.len())]);
    assert!(outcome.has(&format!("end <a@c.test> {}", body.len())));
}

#[test]
fn rfc2033_4_3_chunks_over_lmtp() {
    let start = "LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<u@x.test>\r\nRCPT TO:<v@x.test>\r\n";
    let outcome = hear(&config(Mode::Lmtp), &[start, "BDAT 3\r\nx\r\nBDAT 3 LAST\r\ny\r\nNOOP\r\n"]);
    let found: Vec<String> = replies(&outcome).iter().skip(5).map(|reply| reply[..3].into()).collect();
    assert_eq!(found, ["250", "250", "250", "250"]);
    assert_eq!(outcome.bodies(), b"x\r\ny\r\n");
}

fn with_utf8() -> Config {
    config(Mode::Mta).with_extensions(Extensions::new().with_smtp_utf8())
}

#[test]
fn rfc6531_3_1_the_offer() {
    let outcome = hear(&with_utf8(), &["EHLO c\r\n"]);
    assert!(outcome.text().lines().any(|line| line[4..] == *"SMTPUTF8"));
    assert!(outcome.text().lines().any(|line| line[4..] == *"8BITMIME"));
    assert!(!keywords(&config(Mode::Mta), Security::Plain).contains(&"SMTPUTF8".into()));
}

#[test]
fn rfc6531_3_2_addresses_in_utf_8() {
    let input = "EHLO c\r\nMAIL FROM:<j\u{f6}rg@b\u{fc}cher.test> SMTPUTF8\r\nRCPT TO:<\u{5bb6}@\u{4f8b}.test>\r\n\
                 RCPT TO:<\"a \u{e9}\"@x.test>\r\nRCPT TO:<plain@x.test>\r\nDATA\r\n";
    let outcome = hear(&with_utf8(), &[input, "Subject: \u{fc}\r\n\r\n\u{fc}\r\n.\r\n"]);
    assert!(outcome.has("mail <j\u{f6}rg@b\u{fc}cher.test>") && outcome.has("rcpt <\u{5bb6}@\u{4f8b}.test>"));
    assert!(outcome.has("rcpt <\"a \u{e9}\"@x.test>") && outcome.has("data 3"));
    assert_eq!(outcome.bodies(), "Subject: \u{fc}\r\n\r\n\u{fc}\r\n".as_bytes());
    assert!(replies(&outcome).last().unwrap().starts_with("250"));
}

#[test]
fn rfc6531_3_3_no_other_ascii_enters_by_it() {
    for path in
        ["<a\u{0}\u{e9}@x>", "<\u{e9} b@x>", "<\u{e9}@@x>", "<\u{e9}(@x>", "<\u{e9}\u{7f}@x>", "<\u{e9}@x y>"]
    {
        let line = format!("MAIL FROM:{path} SMTPUTF8");
        let code = codes(&with_utf8(), &[&line])[0];
        assert!(matches!(code, 501 | 553 | 555), "{path:?}: {code}");
    }
    for octets in [&b"\xc3"[..], b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80"] {
        let line = [b"EHLO c\r\nMAIL FROM:<a", octets, b"@x.test> SMTPUTF8\r\n"].concat();
        let outcome = run(&mut server(&with_utf8()), [&line[..]], false, answer);
        assert!(replies(&outcome)[2].starts_with("50"), "{octets:?}");
    }
}

#[test]
fn rfc6531_3_4_the_parameter() {
    let codes = codes(
        &with_utf8(),
        &["MAIL FROM:<a@x> SMTPUTF8=1", "MAIL FROM:<a@x> SMTPUTF8=", "MAIL FROM:<a@x> smtputf8"],
    );
    assert_eq!(codes, [501, 501, 250]);
    assert_eq!(self::codes(&config(Mode::Mta), &["MAIL FROM:<a@x> SMTPUTF8"]), [555]);
}

#[test]
fn rfc6531_3_5_no_such_address_without_the_parameter() {
    for config in [config(Mode::Mta), with_utf8()] {
        let codes =
            codes(&config, &["MAIL FROM:<j\u{f6}rg@x.test>", "MAIL FROM:<>", "RCPT TO:<j\u{f6}rg@x.test>"]);
        assert!(matches!(codes[..], [501 | 550 | 553, 250, 501 | 550 | 553]), "{codes:?}");
    }
}

#[test]
fn rfc6531_3_7_4_replies_are_ascii() {
    let lines = "EHLO c\r\nVRFY j\u{f6}rg\r\nVRFY j\u{f6}rg SMTPUTF8\r\nMAIL FROM:<j\u{f6}rg@x.test> SMTPUTF8\r\n\
                 RCPT TO:<no\u{f6}@x.test>\r\nRCPT TO:<\u{f6}@x.test>\r\nBOGUS \u{f6}\r\n";
    let outcome = hear(&with_utf8(), &[lines]);
    assert!(outcome.output.is_ascii() && replies(&outcome).len() == 8);
}
