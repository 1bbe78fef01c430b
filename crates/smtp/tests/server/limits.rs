//! What a client may cost: numbers, times, memory.

use std::time::Duration;

use posthaste_smtp::server::{BodyAborted, Config, ConfigError, Event, Extensions, Mode, Server, Timer};
use posthaste_smtp::{Excess, Limits, ProtocolError, Rejection, Security, Step, Time};
use posthaste_testkit::{Note, assert_split_invariant, run};

use crate::common::*;

#[test]
fn too_many_recipients_are_told_so_and_the_rest_is_delivered() {
    let mut limits = Limits::default();
    limits.recipients_max = 1;
    let config = config(Mode::Mta).with_limits(limits);
    let input = "EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<u@a.test>\r\nRCPT TO:<v@a.test>\r\nDATA\r\n";
    let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, answer);
    assert!(outcome.text().contains("\r\n452 4.5.3"));
    assert!(outcome.has("data 1"));
}

#[test]
fn stls_14_patience_ends() {
    let config = config(Mode::Mta).with_limits(Limits::default());
    let input = "bogus \r\nNOOP\r\n".repeat(50);
    let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, answer);
    assert_eq!(outcome.text().matches("500 5.5.1").count(), 10);
    assert!(outcome.text().ends_with("421 4.7.0 Too many errors, closing transmission channel\r\n"));
    assert_eq!(outcome.error, Some(ProtocolError::TooManyViolations { limit: 10 }.to_string()));
}

#[test]
fn silence_ends_in_421() {
    let mut server = server(&config(Mode::Mta));
    let deadline = server.poll_timeout().unwrap();
    assert_eq!(deadline, Time::ZERO.after(Duration::from_secs(300)));
    server.handle_timeout(Time::ZERO);
    assert_eq!(server.poll_timeout(), Some(deadline));
    server.handle_timeout(deadline);
    assert!(matches!(server.poll_event(), Err(ProtocolError::TimedOut(_))));
    let mut out = Vec::new();
    while let Some(bytes) = server.poll_transmit() {
        out.extend_from_slice(&bytes);
    }
    assert!(String::from_utf8(out).unwrap().contains("\r\n421 4.4.2"));
}

fn after(seconds: u64) -> Time {
    Time::ZERO.after(Duration::from_secs(seconds))
}

/// Polls and drops what comes, answering tokens.
fn settle(server: &mut Server) -> Result<(), ProtocolError> {
    loop {
        let step = server.poll_event()?;
        while server.poll_transmit().is_some() {}
        match step {
            Step::Event(event) => drop(answer(server, event)),
            _ => return Ok(()),
        }
    }
}

#[test]
fn res_03_a_command_has_a_deadline_and_not_each_read() {
    let mut server = server(&config(Mode::Mta));
    settle(&mut server).unwrap();
    let deadline = server.poll_timeout().unwrap();
    for (number, octet) in b"EHLO c.test".chunks(1).enumerate() {
        server.handle_input(after(10 * number as u64), octet);
        settle(&mut server).unwrap();
        assert_eq!((server.poll_timeout(), server.timer()), (Some(deadline), Some(Timer::Command)));
    }
    // A complete command has moved it, from the time of the command.
    server.handle_input(after(200), b"\r\n");
    settle(&mut server).unwrap();
    assert_eq!(server.poll_timeout(), Some(after(500)));
    // A line that is too long is no way around it.
    for second in 201..260 {
        server.handle_input(after(second), &[b'x'; 1000]);
        settle(&mut server).unwrap();
    }
    assert!(server.poll_timeout().unwrap() <= after(204 + 300));
}

#[test]
fn res_03_an_answer_that_took_long_is_not_the_fault_of_the_client() {
    let mut server = server(&config(Mode::Mta));
    settle(&mut server).unwrap();
    server.handle_input(Time::ZERO, b"EHLO c.test\r\nMAIL FROM:<>\r\n");
    let Ok(Step::Event(_)) = server.poll_event() else { panic!() };
    let Ok(Step::Event(Event::Mail(mail))) = server.poll_event() else { panic!() };
    assert_eq!(server.poll_timeout(), None, "no deadline while the application thinks");
    server.handle_timeout(after(1000));
    mail.accept(&mut server).unwrap();
    server.handle_timeout(after(1000));
    settle(&mut server).unwrap();
    assert_eq!(server.poll_timeout(), Some(after(1300)));
}

/// Seconds until a client that sends `octets` each second in a message is told 421; `None` within the hour.
fn patience(start: &[&[u8]], octets: usize) -> Option<u64> {
    let mut limits = Limits::default();
    limits.message_max = u64::from(u32::MAX);
    let mut server = Server::new(config(Mode::Mta).with_limits(limits), Security::Plain, Time::ZERO);
    settle(&mut server).unwrap();
    for piece in start {
        server.handle_input(Time::ZERO, piece);
        settle(&mut server).unwrap();
    }
    for second in 1..3600 {
        if server.poll_timeout().is_some_and(|deadline| deadline <= after(second)) {
            server.handle_timeout(after(second));
            let aborted = server.poll_event().unwrap().event();
            assert!(matches!(aborted, Some(Event::BodyAborted(BodyAborted::TimedOut))), "{aborted:?}");
            assert_eq!(server.poll_event().unwrap_err(), ProtocolError::TimedOut(Timer::Data));
            return Some(second);
        }
        server.handle_input(after(second), &vec![b'a'; octets]);
        settle(&mut server).unwrap();
    }
    None
}

#[test]
fn res_04_a_message_that_trickles_in_ends_the_session() {
    let chunk = b"EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<u@local.test>\r\nBDAT 4000000000\r\n";
    for start in [&[T0.as_bytes()][..], &[chunk]] {
        // 180 seconds and what the octets have earned; one second of grace for the answer that told no time.
        assert!((180..=182).contains(&patience(start, 1).unwrap()));
        assert!((300..=303).contains(&patience(start, 200).unwrap()));
        assert_eq!(patience(start, 500), None);
        assert_eq!(patience(start, 5000), None);
    }
}

#[test]
fn res_04_small_chunks_are_no_way_around_it() {
    let mut server = server(&config(Mode::Mta));
    settle(&mut server).unwrap();
    server.handle_input(Time::ZERO, b"EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<u@local.test>\r\nBDAT 1\r\nx");
    settle(&mut server).unwrap();
    for number in 1..10 {
        server.handle_input(after(number * 20), b"BDAT 1\r\nx");
        settle(&mut server).unwrap();
    }
    assert_eq!(server.timer(), Some(Timer::Data));
    assert!(server.poll_timeout().unwrap() <= after(205));
}

#[test]
fn res_06_recipients_beyond_the_limit() {
    let mut limits = Limits::default();
    limits.recipients_max = 3;
    let config = config(Mode::Mta).with_limits(limits);
    let input = format!("EHLO c.test\r\nMAIL FROM:<>\r\n{}", "RCPT TO:<u@local.test>\r\n".repeat(8));
    let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, answer);
    assert_eq!(outcome.text().matches("250 2.1.5").count(), 3);
    assert_eq!(outcome.text().matches("452 4.5.3").count(), 3);
    assert!(outcome.text().ends_with("452 4.5.3 Too many recipients\r\n421 4.7.0 Too many recipients\r\n"));
    let error = ProtocolError::Excess { of: Excess::Recipients, limit: 6 };
    assert_eq!(outcome.error, Some(error.to_string()));
}

#[test]
fn res_06_recipients_that_are_refused() {
    let config = config(Mode::Mta);
    let refused = "RCPT TO:<no@local.test>\r\n".repeat(60);
    // Of the session, not of one transaction; what was accepted is still delivered.
    let input = format!("EHLO c.test\r\nMAIL FROM:<>\r\n{refused}RSET\r\nMAIL FROM:<>\r\n{refused}");
    let outcome = run(&mut server(&config), [input.as_bytes()], false, answer);
    assert_eq!(outcome.text().matches("550 5.1.1").count(), 100);
    assert!(outcome.text().ends_with("421 4.7.0 Too many unknown recipients\r\n"));
    assert!(outcome.has("Reset"));
    // What may work later is no guess.
    let input = format!("EHLO c.test\r\nMAIL FROM:<>\r\n{}", "RCPT TO:<u@local.test>\r\n".repeat(200));
    let outcome = run(&mut server(&config), [input.as_bytes()], false, |server, event| match event {
        Event::Rcpt(rcpt) => {
            rcpt.reject(server, Rejection::try_later()).unwrap();
            Note::event("later")
        }
        event => answer(server, event),
    });
    assert_eq!(outcome.text().matches("451 4.3.0").count(), 200);
}

#[test]
fn res_08_junk_ends_the_session() {
    for line in ["NOOP", "RSET", "HELP", "VRFY u", "EHLO c.test", "HELO c.test"] {
        let input = format!("EHLO c.test\r\n{}", format!("{line}\r\n").repeat(200));
        let outcome = run(&mut server(&config(Mode::Mta)), [input.as_bytes()], false, answer);
        assert!(outcome.text().ends_with("421 4.7.0 Too many commands without a message\r\n"), "{line}");
        let error = ProtocolError::Excess { of: Excess::JunkCommands, limit: 100 };
        assert_eq!(outcome.error, Some(error.to_string()));
        let answered = outcome.notes.len() + outcome.text().matches("\r\n2").count();
        assert!(answered > 100, "{line}");
    }
    // A message starts the count anew.
    let noops = "NOOP\r\n".repeat(99);
    let message = "MAIL FROM:<>\r\nRCPT TO:<u@local.test>\r\nBDAT 0 LAST\r\n";
    let input = format!("EHLO c.test\r\n{noops}{message}{noops}{message}{noops}");
    let outcome = run(&mut server(&config(Mode::Mta)), [input.as_bytes()], false, answer);
    assert_eq!(outcome.error, None);
}

#[test]
fn excuses_run_out() {
    let mut limits = Limits::default();
    limits.recipients_max = 2;
    let config = config(Mode::Mta).with_limits(limits);
    let input = format!("EHLO c.test\r\nMAIL FROM:<bad\r\n{}", "RCPT TO:<u@local.test>\r\n".repeat(50));
    let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, answer);
    // Four are excused, then nine make ten violations with that of MAIL.
    assert_eq!(outcome.text().matches("503 5.5.1").count(), 13);
    assert!(outcome.text().ends_with("421 4.7.0 Too many errors, closing transmission channel\r\n"));
}

#[test]
fn a_limit_of_zero_is_a_mistake() {
    let check = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        config(Mode::Mta).with_limits(limits).validate()
    };
    assert_eq!(check(|_| {}), Ok(()));
    let zero = |limit| Err(ConfigError::ZeroLimit { limit });
    assert_eq!(check(|limits| limits.message_max = 0), zero("message_max"));
    assert_eq!(check(|limits| limits.command_timeout = Duration::ZERO), zero("command_timeout"));
    assert_eq!(check(|limits| limits.transactions_max = Some(0)), zero("transactions_max"));
    assert_eq!(check(|limits| limits.junk_commands_max = 0), zero("junk_commands_max"));
    let mut limits = Limits::default();
    limits.recipients_max = 1_000_000;
    let config = config(Mode::Mta).with_limits(limits).with_extensions(Extensions::new().with_limits());
    let limit = "recipients_max";
    assert_eq!(config.validate(), Err(ConfigError::UnannounceableLimit { limit }));
    let config = Config::new(Mode::Submission, "mx.test".parse().unwrap());
    assert_eq!(config.validate(), Err(ConfigError::NoMechanism));
}

#[test]
fn kept_paths_do_not_keep_the_read_alive() {
    // One read of 64 KiB with one recipient in each; only the path is kept.
    let mut server = server(&config(Mode::Mta));
    settle(&mut server).unwrap();
    server.handle_input(Time::ZERO, b"EHLO c.test\r\nMAIL FROM:<>\r\n");
    settle(&mut server).unwrap();
    let used = posthaste_testkit::measure(|| {
        for _ in 0..90 {
            let line = [&b"VRFY u\r\nRCPT TO:<u@local.test>"[..], &b" ".repeat(1900), b"\r\n"].concat();
            server.handle_input(Time::ZERO, &line);
            settle(&mut server).unwrap();
        }
    });
    assert!(used.kept < 32 * 1024, "{used:?}");
}
