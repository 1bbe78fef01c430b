//! What is announced is what is accepted, and the values that an extension says a server cannot take.

use posthaste_smtp::server::{Config, Event, Extensions, Mode, Server};
use posthaste_smtp::{AuthIdentity, DateTime, Limits, Mailbox, Rejection, Security, Time};
use posthaste_testkit::{Note, run};

use crate::common::*;

fn everything() -> Extensions {
    Extensions::new()
        .with_binary_mime()
        .with_smtp_utf8()
        .with_dsn()
        .with_require_tls()
        .with_future_release(3600, "2030-01-01T00:00:00Z".parse::<DateTime>().unwrap())
        .with_deliver_by(Some(60))
        .with_mt_priority(Some("MIXER".parse().unwrap()))
        .with_rrvs()
        .with_limits()
        .with_etrn()
        .with_vrfy()
        .with_expn()
        .with_help()
}

fn with(extensions: Extensions) -> Config {
    config(Mode::Mta).with_extensions(extensions)
}

fn capabilities(config: &Config, security: Security) -> Vec<String> {
    let mut server = Server::new(config.clone(), security, Time::ZERO);
    let outcome = run(&mut server, [&b"EHLO c.test\r\n"[..]], false, answer);
    outcome.text().lines().skip(2).map(|line| line[4..].to_owned()).collect()
}

/// The reply to a line behind EHLO and, for RCPT, behind MAIL.
fn reply(config: &Config, security: Security, line: &str) -> String {
    let mail = if line.starts_with("RCPT") { "MAIL FROM:<a@c.test>\r\n" } else { "" };
    let input = format!("EHLO c.test\r\n{mail}{line}\r\n");
    let mut server = Server::new(config.clone(), security, Time::ZERO);
    let outcome = run(&mut server, [input.as_bytes()], false, answer);
    outcome.text().lines().last().unwrap().chars().take(9).collect()
}

#[test]
fn by_default_only_what_costs_nothing_is_offered() {
    let plain = ["SIZE 1000", "PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "CHUNKING"];
    assert_eq!(capabilities(&config(Mode::Mta), Security::Plain), plain);
}

#[test]
fn all_that_is_switched_on_is_offered() {
    let expected = [
        "SIZE 1000",
        "PIPELINING",
        "8BITMIME",
        "ENHANCEDSTATUSCODES",
        "CHUNKING",
        "BINARYMIME",
        "SMTPUTF8",
        "DSN",
        "REQUIRETLS",
        "RRVS",
        "LIMITS RCPTMAX=1000",
        "ETRN",
        "VRFY",
        "EXPN",
        "HELP",
        "FUTURERELEASE 3600 2030-01-01T00:00:00Z",
        "DELIVERBY 60",
        "MT-PRIORITY MIXER",
    ];
    assert_eq!(capabilities(&with(everything()), Security::Tls), expected);
    // RFC 8689 2: not in the clear.
    assert!(!capabilities(&with(everything()), Security::Plain).iter().any(|line| line == "REQUIRETLS"));
    let bare = Extensions::new().with_deliver_by(None).with_mt_priority(None);
    let list = capabilities(&with(bare), Security::Plain);
    assert!(list.ends_with(&["DELIVERBY".into(), "MT-PRIORITY".into()]));
}

#[test]
fn cmd_25_the_limits_that_hold_are_the_ones_announced() {
    let mut limits = Limits::default();
    limits.recipients_max = 2;
    limits.transactions_max = Some(3);
    let config = with(everything()).with_limits(limits);
    assert!(capabilities(&config, Security::Plain).contains(&"LIMITS MAILMAX=3 RCPTMAX=2".into()));
    let input = "EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<b@b>\r\nRCPT TO:<c@b>\r\nDATA\r\n";
    let outcome = run(&mut server(&config), [input.as_bytes(), b".\r\n"], false, answer);
    assert!(outcome.text().contains("\r\n452 4.5.3 Too many recipients\r\n354"));
    assert!(outcome.has("data 2"));
    // Refused ones count.
    let input = format!("EHLO c.test\r\n{}", "MAIL FROM:<> SIZE=99999999999\r\n".repeat(4));
    let outcome = run(&mut server(&config), [input.as_bytes()], false, answer);
    assert_eq!(outcome.text().matches("552 5.3.4").count(), 3);
    assert!(outcome.text().ends_with("421 4.7.0 Too many messages in one session\r\n"));
}

#[test]
fn parameters_that_were_not_offered_are_not_known() {
    let auth = || vec!["PLAIN".parse().unwrap()];
    for (line, accepted) in [
        ("MAIL FROM:<a@c.test> BODY=BINARYMIME", "250 2.1.0"),
        ("MAIL FROM:<a@c.test> SMTPUTF8", "250 2.1.0"),
        ("MAIL FROM:<a@c.test> RET=HDRS", "250 2.1.0"),
        ("MAIL FROM:<a@c.test> ENVID=x", "250 2.1.0"),
        ("MAIL FROM:<a@c.test> REQUIRETLS", "250 2.1.0"),
        ("MAIL FROM:<a@c.test> HOLDFOR=3600", "250 2.1.0"),
        ("MAIL FROM:<a@c.test> HOLDUNTIL=2029-12-31T23:59:59Z", "250 2.1.0"),
        ("MAIL FROM:<a@c.test> BY=60;R", "250 2.1.0"),
        ("MAIL FROM:<a@c.test> MT-PRIORITY=-3", "250 2.1.0"),
        ("MAIL FROM:<a@c.test> AUTH=<>", "250 2.1.0"),
        ("RCPT TO:<u@local.test> NOTIFY=NEVER", "250 2.1.5"),
        ("RCPT TO:<u@local.test> ORCPT=rfc822;u@local.test", "250 2.1.5"),
        ("RCPT TO:<u@local.test> RRVS=2014-04-03T23:01:00Z", "250 2.1.5"),
    ] {
        assert_eq!(reply(&config(Mode::Mta), Security::Tls, line), "555 5.5.4", "{line}");
        let config = with(everything()).with_mechanisms(auth());
        assert_eq!(reply(&config, Security::Tls, line), accepted, "{line}");
    }
    assert_eq!(reply(&with(everything()), Security::Tls, "MAIL FROM:<a@c.test> X=1"), "555 5.5.4");
    assert_eq!(reply(&with(everything()), Security::Tls, "RCPT TO:<a@c.test> X=1"), "555 5.5.4");
}

#[test]
fn values_that_cannot_be_met() {
    let config = with(everything());
    for (line, code) in [
        // RFC 4865 4.2
        ("MAIL FROM:<a@c.test> HOLDFOR=3601", "501 5.5.4"),
        ("MAIL FROM:<a@c.test> HOLDUNTIL=2030-01-01T00:00:01Z", "501 5.5.4"),
        // RFC 4865 5.2.2: due before it is released.
        ("MAIL FROM:<a@c.test> HOLDFOR=100 BY=99;R", "501 5.5.4"),
        ("MAIL FROM:<a@c.test> HOLDFOR=100 BY=100;R", "250 2.1.0"),
        // RFC 2852 3, 4
        ("MAIL FROM:<a@c.test> BY=59;R", "555 5.5.4"),
        ("MAIL FROM:<a@c.test> BY=59;N", "250 2.1.0"),
        ("MAIL FROM:<a@c.test> BY=-59;N", "250 2.1.0"),
        ("MAIL FROM:<a@c.test> BY=0;R", "501 5.5.4"),
    ] {
        assert_eq!(reply(&config, Security::Tls, line), code, "{line}");
    }
    // RFC 8689 2
    assert_eq!(reply(&config, Security::Plain, "MAIL FROM:<a@c.test> REQUIRETLS"), "530 5.7.0");
}

#[test]
fn rfc6531_addresses_that_are_not_ascii() {
    let config = with(everything());
    assert_eq!(reply(&config, Security::Tls, "MAIL FROM:<\u{f6}@c.test>"), "550 5.6.7");
    assert_eq!(reply(&config, Security::Tls, "MAIL FROM:<a@\u{f6}.test>"), "550 5.6.7");
    assert_eq!(reply(&config, Security::Tls, "MAIL FROM:<\u{f6}@c.test> SMTPUTF8"), "250 2.1.0");
    assert_eq!(reply(&config, Security::Tls, "RCPT TO:<\u{f6}@c.test>"), "553 5.6.7");
    let input = "EHLO c.test\r\nMAIL FROM:<> SMTPUTF8\r\nRCPT TO:<\u{f6}@c.test>\r\n";
    let outcome = run(&mut server(&config), [input.as_bytes()], false, answer);
    assert!(outcome.has("rcpt <\u{f6}@c.test>"));
    // Where it is not offered.
    assert_eq!(
        reply(&super::common::config(Mode::Mta), Security::Tls, "MAIL FROM:<\u{f6}@c.test>"),
        "550 5.6.7"
    );
}

#[test]
fn rfc4954_auth_of_a_client_that_is_not_trusted_is_not_believed() {
    let config = with(everything()).with_mechanisms(vec!["PLAIN".parse().unwrap()]);
    for (login, believed) in [("", false), ("AUTH PLAIN =\r\n", true)] {
        let input = format!("EHLO c.test\r\n{login}MAIL FROM:<a@c.test> AUTH=b@c.test\r\n");
        let mut claim = None;
        let mut server = Server::new(config.clone(), Security::Tls, Time::ZERO);
        run(&mut server, [input.as_bytes()], false, |server, event| {
            if let Event::Mail(mail) = &event {
                claim.clone_from(&mail.parameters().auth);
            }
            answer(server, event)
        });
        let mailbox: Mailbox = "b@c.test".parse().unwrap();
        let expected = if believed { AuthIdentity::Mailbox(mailbox) } else { AuthIdentity::Unknown };
        assert_eq!(claim, Some(expected));
    }
}

#[test]
fn parameters_reach_the_end_of_the_message() {
    let input = "EHLO c.test\r\nMAIL FROM:<a@c.test> ENVID=x RET=FULL\r\n\
                 RCPT TO:<u@local.test> NOTIFY=SUCCESS,DELAY\r\nBDAT 0 LAST\r\n";
    let mut seen = false;
    run(&mut server(&with(everything())), [input.as_bytes()], false, |server, event| {
        if let Event::BodyEnd(end) = &event {
            let transaction = end.transaction();
            assert_eq!(transaction.parameters().envelope_id.as_ref().unwrap().as_str(), "x");
            assert!(transaction.recipients()[0].parameters.notify.is_some());
            seen = true;
        }
        answer(server, event)
    });
    assert!(seen);
}

/// Runs one question with an answer of its own.
fn asked(line: &str, mut with: impl FnMut(&mut Server, Event)) -> String {
    let input = format!("EHLO c.test\r\n{line}\r\n");
    let outcome = run(
        &mut server(&super::extensions::with(everything())),
        [input.as_bytes()],
        false,
        |server, event| {
            match event {
                event @ (Event::Vrfy(_) | Event::Expn(_) | Event::Etrn(_)) => with(server, event),
                event => drop(answer(server, event)),
            }
            Note::event("")
        },
    );
    outcome.text().split("250 MT-PRIORITY MIXER\r\n").nth(1).unwrap().to_owned()
}

#[test]
fn vrfy_has_its_answers() {
    let vrfy = |line, mailbox: &str, forward| {
        let mailbox: Mailbox = mailbox.parse().unwrap();
        asked(line, |server, event| {
            let Event::Vrfy(vrfy) = event else { panic!("{event:?}") };
            if forward { vrfy.forward(server, &mailbox) } else { vrfy.confirm(server, &mailbox) }.unwrap();
        })
    };
    assert_eq!(vrfy("VRFY u", "u@local.test", false), "250 2.1.5 <u@local.test>\r\n");
    assert_eq!(vrfy("VRFY u", "u@r.test", true), "251 2.1.5 User not local; will forward to <u@r.test>\r\n");
    // RFC 6531 3.7.4.2
    assert!(vrfy("VRFY u", "\u{f6}@local.test", false).starts_with("252 2.5.0"));
    assert_eq!(vrfy("VRFY u SMTPUTF8", "\u{f6}@local.test", false), "250 2.1.5 <\u{f6}@local.test>\r\n");
    let refused = asked("VRFY u", |server, event| {
        let Event::Vrfy(vrfy) = event else { panic!("{event:?}") };
        vrfy.reject(server, Rejection::ambiguous()).unwrap();
    });
    assert_eq!(refused, "553 5.1.4 User ambiguous\r\n");
}

#[test]
fn expn_has_its_answers() {
    let expn = |count: usize| {
        let members: Vec<Mailbox> = (0..count).map(|n| format!("u{n}@local.test").parse().unwrap()).collect();
        asked("EXPN list", |server, event| {
            let Event::Expn(expn) = event else { panic!("{event:?}") };
            assert_eq!(expn.expand(server, &members).is_ok(), (1..=100).contains(&count));
        })
    };
    assert_eq!(expn(2), "250-2.1.5 <u0@local.test>\r\n250 2.1.5 <u1@local.test>\r\n");
    assert_eq!(expn(100).lines().count(), 100);
    assert!(expn(101).starts_with("252 ") && expn(0).starts_with("252 "));
}

#[test]
fn etrn_has_its_answers() {
    let etrn = |choose: usize| {
        asked("ETRN @c.test", |server, event| {
            let Event::Etrn(etrn) = event else { panic!("{event:?}") };
            assert_eq!(etrn.node().as_str(), "@c.test");
            match choose {
                0 => etrn.start(server),
                1 => etrn.nothing_waits(server),
                2 => etrn.start_pending(server, None),
                3 => etrn.start_pending(server, Some(7)),
                4 => etrn.unable(server),
                _ => etrn.deny(server),
            }
            .unwrap();
        })
    };
    let codes = ["250", "251", "252", "253", "458", "459"];
    for (choose, code) in codes.into_iter().enumerate() {
        assert!(etrn(choose).starts_with(code), "{}", etrn(choose));
    }
}

#[test]
fn questions_before_authentication_are_not_answered() {
    let config = config(Mode::Submission)
        .with_mechanisms(vec!["PLAIN".parse().unwrap()])
        .with_extensions(everything());
    assert_eq!(reply(&config, Security::Tls, "VRFY u"), "252 2.5.0");
    assert_eq!(reply(&config, Security::Tls, "EXPN u"), "530 5.7.0");
    assert_eq!(reply(&config, Security::Tls, "ETRN c.test"), "530 5.7.0");
}
