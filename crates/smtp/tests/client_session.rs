//! How a session of the client opens, rests and ends: greeting, hello, STARTTLS, probes, QUIT (RFC 5321 3.1, 3.2,
//! 4.1.1.1, RFC 3207, RFC 7504), and what a dead connection means for what is queued.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    dead_code,
    reason = "test code"
)]

#[path = "support/client.rs"]
mod support;

use posthaste_smtp::client::{Event, Mode, TlsPolicy};
use posthaste_smtp::{Misuse, ProtocolError, Step, Time};
use posthaste_testkit::Note;
use support::{
    BDAT, DATA, GREETING, answer, client, config, envelope, play, queued, smtp, steps, tell, text,
};

#[test]
fn helo_where_ehlo_is_unknown_and_one_command_at_a_time() {
    for code in [500, 501, 502, 504, 550] {
        let no = format!("{code} what\r\n");
        let script =
            [GREETING, &no, "250 x\r\n", "250 a\r\n", "550 b\r\n", "550 c\r\n", "250 reset\r\n", "221 d\r\n"];
        let outcome = play(|| queued(TlsPolicy::Opportunistic), &script);
        let expected = "EHLO c.test\r\nHELO c.test\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<u@x.test>\r\n\
                        RCPT TO:<no@x.test>\r\nRSET\r\nQUIT\r\n";
        assert_eq!(outcome.text(), expected);
        assert!(outcome.has("sent Recipients [false, false]"));
    }
}

#[test]
fn a_server_that_wants_no_client_is_left() {
    for (reply, farewell) in
        [("554 no\r\n", "QUIT\r\n"), ("521 no mail here\r\n", ""), ("450 later\r\n", "QUIT\r\n")]
    {
        let outcome = play(|| queued(TlsPolicy::Off), &[reply]);
        assert_eq!(outcome.text(), farewell);
        assert!(outcome.error.unwrap().starts_with("server refused the session"));
    }
    for (greeting, hello) in [("554 ", "EHLO"), ("421 ", "EHLO"), ("535 ", "EHLO")] {
        let outcome = play(|| queued(TlsPolicy::Off), &[GREETING, &format!("{greeting}no\r\n")]);
        assert!(outcome.text().starts_with(hello) && !outcome.text().contains("HELO c.test\r\nHELO"));
        assert!(outcome.error.is_some());
    }
    // LMTP has no word from before.
    let outcome = play(|| client(config(Mode::Lmtp)), &[GREETING, "500 what\r\n"]);
    assert_eq!(outcome.text(), "LHLO c.test\r\nQUIT\r\n");
}

#[test]
fn tlsc_14_required_tls_sends_nothing_in_the_clear() {
    let upgrade = [GREETING, "250-x\r\n250 STARTTLS\r\n", "220 go\r\n", "250 x\r\n"];
    let outcome = play(|| queued(TlsPolicy::Required), &upgrade);
    assert!(outcome.has("(upgrade)"));
    assert!(outcome.text().starts_with("EHLO c.test\r\nSTARTTLS\r\nEHLO c.test\r\nMAIL"));
    let missing: [&[&str]; 2] = [&[GREETING, "250 x\r\n"], &[GREETING, "502 what\r\n", "250 x\r\n"]];
    for script in missing {
        let stripped = play(|| queued(TlsPolicy::Required), script);
        assert!(stripped.text().ends_with("LO c.test\r\nQUIT\r\n"), "{}", stripped.text());
        assert_eq!(stripped.error, Some(ProtocolError::TlsUnavailable.to_string()));
    }
    for no in ["454 no\r\n", "502 no\r\n", "354 go\r\n", "250 yes\r\n"] {
        let refused = play(|| queued(TlsPolicy::Required), &[GREETING, "250-x\r\n250 STARTTLS\r\n", no]);
        assert_eq!(refused.text(), "EHLO c.test\r\nSTARTTLS\r\nQUIT\r\n");
        assert_eq!(refused.error, Some(ProtocolError::TlsUnavailable.to_string()));
    }
    let cut = play(|| queued(TlsPolicy::Required), &[GREETING, "250-x\r\n250 STARTTLS\r\n"]);
    assert_eq!(cut.error, Some(ProtocolError::ConnectionLost.to_string()));
}

#[test]
fn opportunistic_tls_goes_on_in_the_clear_where_it_is_refused() {
    let script = [GREETING, "250-x\r\n250 STARTTLS\r\n", "454 not now\r\n"];
    let outcome = play(|| queued(TlsPolicy::Opportunistic), &script);
    assert!(outcome.text().starts_with("EHLO c.test\r\nSTARTTLS\r\nMAIL FROM:<a@c.test>\r\n"));
    // A second offer inside TLS is not taken up.
    let script = [GREETING, "250-x\r\n250 STARTTLS\r\n", "220 go\r\n", "250-x\r\n250 STARTTLS\r\n"];
    let outcome = play(|| queued(TlsPolicy::Opportunistic), &script);
    assert_eq!(outcome.text().matches("STARTTLS").count(), 1);
}

#[test]
fn tlsc_15_plaintext_behind_the_go_ahead_is_fatal() {
    for residue in ["250 injected\r\n", "250-evil\r\n250 AUTH LOGIN\r\n", "250-AUTH PLAIN LOG", "\0"] {
        for tls in [TlsPolicy::Required, TlsPolicy::Opportunistic] {
            let input = format!("220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n{residue}");
            let outcome = posthaste_testkit::run(&mut queued(tls), [input.as_bytes()], false, answer);
            let octets = residue.len();
            assert_eq!(outcome.error, Some(ProtocolError::Residue { octets }.to_string()));
            assert_eq!(outcome.text(), "EHLO c.test\r\nSTARTTLS\r\n");
        }
    }
}

#[test]
fn tlsc_16_only_what_is_offered_inside_tls_counts() {
    let before =
        "250-x\r\n250-SIZE 1\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n";
    let script = [GREETING, before, "220 go\r\n", "250 y\r\n", "250 a\r\n"];
    let mut client = queued(TlsPolicy::Required);
    let outcome = posthaste_testkit::run(
        &mut client,
        script.iter().map(|piece| piece.as_bytes()),
        false,
        |client, event| {
            if let Event::Ready(capabilities) = &event {
                assert!(capabilities.as_slice().is_empty());
                let plain = client.authenticate("PLAIN".parse().unwrap(), None);
                assert!(matches!(plain, Err(Misuse::Argument { .. })));
            }
            answer(client, event)
        },
    );
    assert!(outcome.text().ends_with("EHLO c.test\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<u@x.test>\r\n"));
}

#[test]
fn many_messages_share_a_connection_and_rset_stands_where_one_was_left_open() {
    let make = || {
        let mut client = smtp();
        for to in ["<a@x.test>", "<b@x.test>", "<c@x.test>"] {
            client.send(envelope(&[to])).unwrap();
        }
        client.quit();
        client
    };
    let script = [
        GREETING,
        DATA,
        "250 a\r\n250 b\r\n354 c\r\n",
        "250 d\r\n",
        "250 a\r\n550 b\r\n554 c\r\n",
        "250 r\r\n",
        "250 a\r\n250 b\r\n354 c\r\n",
        "452 d\r\n",
        "221 e\r\n",
    ];
    let outcome = play(make, &script);
    let message = |to| format!("MAIL FROM:<a@c.test>\r\nRCPT TO:<{to}@x.test>\r\nDATA\r\n");
    let expected = format!(
        "EHLO c.test\r\n{}..x\r\n.\r\n{}RSET\r\n{}..x\r\n.\r\nQUIT\r\n",
        message("a"),
        message("b"),
        message("c")
    );
    assert_eq!(outcome.text(), expected);
    assert!(outcome.has("sent End [true]") && outcome.has("sent Recipients [false]"));
    assert!(outcome.has("sent End [false]") && outcome.closed);
}

#[test]
fn an_idle_session_can_be_probed_and_used_again() {
    let mut client = smtp();
    assert!(!client.is_idle() && matches!(client.probe(), Err(Misuse::NotNow { .. })));
    tell(&mut client, GREETING);
    tell(&mut client, DATA);
    assert!(client.is_idle());
    client.probe().unwrap();
    assert!(!client.is_idle());
    assert!(client.probe().is_err());
    let _ = steps(&mut client);
    assert_eq!(text(&mut client), "NOOP\r\n");
    let (words, sent) = tell(&mut client, "250 still here\r\n");
    assert!(words.starts_with("Probed(") && sent.is_empty() && client.is_idle());
    client.send(envelope(&["<u@x.test>"])).unwrap();
    assert!(!client.is_idle());
    assert!(matches!(steps(&mut client).2, Ok(Step::NeedInput)));
    assert!(text(&mut client).starts_with("MAIL"));
}

#[test]
fn a_connection_that_died_while_idle_makes_every_message_safe_to_retry() {
    for (goodbye, probed) in [
        ("", false),
        ("421 too long idle\r\n", false),
        ("221 bye\r\n", false),
        ("", true),
        ("421 x\r\n", true),
    ] {
        let mut client = smtp();
        tell(&mut client, GREETING);
        tell(&mut client, DATA);
        if probed {
            client.probe().unwrap();
            let _ = steps(&mut client);
            assert_eq!(text(&mut client), "NOOP\r\n");
        }
        client.handle_input(Time::ZERO, goodbye.as_bytes());
        client.handle_eof(Time::ZERO);
        assert!(!client.is_idle() || goodbye.is_empty() == client.is_idle());
        let ids = [client.send(envelope(&["<u@x.test>"])), client.send(envelope(&["<v@x.test>"]))];
        let (words, _, last) = steps(&mut client);
        assert!(words.is_empty() && matches!(last, Err(ProtocolError::Stale(_))), "{goodbye} {last:?}");
        assert!(text(&mut client).is_empty());
        let unfinished = client.take_unfinished();
        let back: Vec<_> = unfinished.iter().map(|message| Ok(message.id)).collect();
        assert!(back == ids && unfinished.iter().all(|message| message.is_safe_to_retry()));
        assert!(client.take_unfinished().is_empty());
    }
}

#[test]
fn an_idle_connection_that_ends_with_nothing_queued_is_just_closed() {
    let outcome = play(smtp, &[GREETING, DATA]);
    assert!(outcome.closed && outcome.error.is_none());
    let mut client = smtp();
    tell(&mut client, GREETING);
    tell(&mut client, DATA);
    client.quit();
    assert!(client.send(envelope(&["<u@x.test>"])).is_err());
    let _ = steps(&mut client);
    assert_eq!(text(&mut client), "QUIT\r\n");
    client.handle_eof(Time::ZERO);
    assert!(matches!(steps(&mut client).2, Ok(Step::Closed)));
}

#[test]
fn what_is_not_begun_can_be_taken_back_at_any_time() {
    let mut client = smtp();
    for to in ["<a@x.test>", "<b@x.test>"] {
        client.send(envelope(&[to])).unwrap();
    }
    tell(&mut client, GREETING);
    let (_, sent) = tell(&mut client, DATA);
    assert!(sent.contains("<a@x.test>"));
    let back = client.take_unfinished();
    assert_eq!(back.iter().map(|message| message.id.number()).collect::<Vec<_>>(), [1]);
    let outcome = posthaste_testkit::run(
        &mut client,
        [&b"250 a\r\n250 b\r\n354 c\r\n"[..], b"250 d\r\n"],
        false,
        |client, event| match event {
            event @ Event::Body(_) => answer(client, event),
            Event::Sent(report) => Note::event(report.id.number().to_string()),
            _ => Note::event("other"),
        },
    );
    assert!(outcome.has("0") && !outcome.text().contains("<b@"));
}

#[test]
fn chunks_and_dots_can_alternate_with_what_the_servers_offer() {
    let outcome =
        play(|| queued(TlsPolicy::Off), &[GREETING, BDAT, "250 a\r\n250 b\r\n550 c\r\n", "250 d\r\n"]);
    assert!(outcome.text().contains("RCPT TO:<no@x.test>\r\nBDAT 4 LAST\r\n.x\r\nQUIT"));
    assert!(outcome.has("sent End [true, false]"));
}
