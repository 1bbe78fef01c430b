//! Lines that are no commands, or odd ones: addresses, parameters, lengths.

use posthaste_smtp::server::{Mode, Server};
use posthaste_smtp::{Quirks, Security, Step, Time};
use posthaste_testkit::{Note, assert_split_invariant, measure, run};

use crate::common::*;

#[test]
fn cmd_09_and_12_no_control_enters_an_address() {
    let octets = ["te\0st", "\u{1b}", "\u{7f}", "\u{85}", "\u{200b}", "\u{2060}", "\u{feff}", "\"a\0b\""];
    for local in octets {
        assert_eq!(last_code(Mode::Mta, &format!("MAIL FROM:<{local}@e.test>\r\n")).0, "501 5.1.7");
        assert_eq!(last_code(Mode::Mta, &format!("MAIL FROM:<a@e{local}.test>\r\n")).0, "501 5.1.7");
    }
}

#[test]
fn cmd_12_no_line_end_enters_an_address() {
    for path in ["<\rX-Injected: 1@local.test>", "<\"a\rb\"@local.test>", "<\"a\r\nb\"@local.test>"] {
        let (_, outcome) = last_code(Mode::Mta, &format!("MAIL FROM:<>\r\nRCPT TO:{path}\r\n"));
        assert!(outcome.text().contains("\r\n50"));
        assert!(
            !outcome.notes.iter().any(|note| matches!(note, Note::Event(words) if words.starts_with("rcpt")))
        );
    }
}

#[test]
fn cmd_13_odd_paths() {
    assert_eq!(last_code(Mode::Mta, "MAIL FROM:<\"\"@c.test>\r\n").0, "250 2.1.0");
    assert_eq!(last_code(Mode::Mta, "MAIL FROM:<>\r\nRCPT TO:<\"\"@local.test>\r\n").0, "250 2.1.5");
    assert_eq!(last_code(Mode::Mta, "MAIL FROM:<>\r\nRCPT TO:<@local.test>\r\n").0, "501 5.1.3");
    assert_eq!(last_code(Mode::Mta, "MAIL FROM:<>\r\nRCPT TO:<>\r\n").0, "501 5.1.3");
}

#[test]
fn cmd_14_broken_utf8() {
    let lines: [&[u8]; 4] = [
        b"MAIL FROM:<f\xc3\xb6\xc3\xa4@\xc3\xb6\xc3>",
        b"FROP \xF1\x80",
        b"EHLO \xff",
        b"MAIL FROM:<\xed\xa0\x80@a>",
    ];
    for line in lines {
        let input = [b"EHLO c.test\r\n", line, b"\r\n"].concat();
        let config = config(Mode::Mta);
        let outcome = assert_split_invariant(|| server(&config), &input, false, answer);
        let text = outcome.text();
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("500 ") || last.starts_with("501 "), "{last}");
    }
}

#[test]
fn cmd_15_long_lines_are_dropped_in_constant_memory() {
    for (octets, code) in [(512, "250 "), (2048, "250 "), (2049, "500 "), (12_289, "500 "), (1 << 20, "500 ")]
    {
        let line = format!("NOOP {}\r\n", "x".repeat(octets - 7));
        let outcome = run(&mut server(&config(Mode::Mta)), line.as_bytes().chunks(1000), false, answer);
        assert_eq!(outcome.text().lines().count(), 2);
        assert!(outcome.text().lines().last().unwrap().starts_with(code), "{octets}");
    }
}

#[test]
fn cmd_19_parameters_of_mail() {
    let code = |parameters: &str| last_code(Mode::Mta, &format!("MAIL FROM:<a@c.test> {parameters}\r\n")).0;
    assert_eq!(code("SIZE=18446744073709551616"), "552 5.3.4");
    assert_eq!(code("SIZE=1000"), "250 2.1.0");
    assert_eq!(code("SIZE=1001"), "552 5.3.4");
    for bad in ["SIZE=-1", "SIZE=1e3", "SIZE=", "SIZE", "SIZE=1 SIZE=2", "BODY=x", "X=1 x=2", "AUTH=a+0D@b"] {
        assert_eq!(code(bad), "501 5.5.4", "{bad}");
    }
    assert_eq!(code("UNKNOWN=1"), "555 5.5.4");
    let many: String = (0..200).map(|number| format!("X{number} ")).collect();
    assert_eq!(code(&many), "501 5.5.4");
}

#[test]
fn cmd_15_a_line_of_100_mib() {
    let mut server = server(&config(Mode::Mta));
    run(&mut server, [], false, answer);
    let piece = vec![b'x'; 1 << 20];
    let used = measure(|| {
        for _ in 0..100 {
            server.handle_input(Time::ZERO, &piece);
            while matches!(server.poll_event(), Ok(Step::Event(_))) {}
        }
    });
    let outcome = run(&mut server, [&b"\r\nNOOP\r\n"[..]], false, answer);
    assert_eq!(outcome.text(), "500 5.5.2 Line too long\r\n250 2.0.0 OK\r\n");
    assert!(used.peak < 4 << 20, "{used:?}");
}

#[test]
fn cmd_22_names_of_clients() {
    for (name, code) in [
        ("[127.0.0.1", "501"),
        ("[IPv6:::1%lo]", "501"),
        ("a..b", "501"),
        ("-x", "501"),
        ("<script>", "501"),
        ("a(b\r)c", "500"),
        ("a b", "501"),
        ("", "501"),
    ] {
        let outcome = commands(Mode::Mta, &format!("EHLO {name}\r\n"));
        assert!(outcome.text().lines().last().unwrap().starts_with(code), "{name}: {}", outcome.text());
    }
}

#[test]
fn quirks_are_put_up_with_where_they_are_wanted_and_told() {
    let input = "EHLO c.test\r\nMAIL FROM: <a@c.test>\r\nRCPT TO:u@local.test\r\n";
    let strict = config(Mode::Mta);
    let outcome = assert_split_invariant(|| server(&strict), input.as_bytes(), false, answer);
    assert_eq!(outcome.text().matches("\r\n501 5.").count(), 2);
    assert!(!outcome.has("mail <a@c.test>"));
    for lax in [config(Mode::Mta).with_quirks(Quirks::SUBMISSION), config(Mode::Submission)] {
        let lax = lax.with_mechanisms(vec!["PLAIN".parse().unwrap()]);
        let input = input.replace("MAIL", "AUTH PLAIN =\r\nMAIL");
        let make = || Server::new(lax.clone(), Security::Tls, Time::ZERO);
        let outcome = assert_split_invariant(make, input.as_bytes(), false, answer);
        assert!(outcome.has("mail <a@c.test>") && outcome.has("rcpt <u@local.test>"));
        assert!(outcome.has("Repaired(SpaceBehindColon)") && outcome.has("Repaired(MissingBrackets)"));
        assert!(!outcome.text().contains("\r\n5"));
    }
}
