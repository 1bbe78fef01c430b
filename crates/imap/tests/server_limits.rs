//! The limits of a server, whatever they are set to: a configuration that cannot be meant is found, and is safe all the
//! same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

#[path = "support/server.rs"]
mod support;

use core::time::Duration;

use posthaste_imap::server::{Asked, AuthPrivacy, Config, ConfigError, Event, Fetch, Server};
use posthaste_imap::types::{Payload, Section};
use posthaste_imap::{Bytes, Limits, Misuse, Security, Step, Time};
use proptest::prelude::*;
use support::{answer, everything, message, said, selected, sent};

fn config(change: impl FnOnce(&mut Limits)) -> Config {
    let mut config = Config::new("mail.example.test");
    change(&mut config.limits);
    config
}

#[test]
fn the_default_can_be_meant() {
    assert_eq!(config(|_| {}).validate(), Ok(()));
}

#[test]
fn a_limit_of_zero_is_found_by_its_name() {
    let wrong = config(|limits| limits.literals_max = 0);
    assert_eq!(wrong.validate(), Err(ConfigError::ZeroLimit { limit: "literals_max" }));
    let wrong = config(|limits| limits.idle_timeout = Duration::ZERO);
    assert_eq!(wrong.validate(), Err(ConfigError::ZeroLimit { limit: "idle_timeout" }));
}

#[test]
fn limits_that_contradict_each_other_are_found() {
    let wrong = config(|limits| limits.literal_max = 2 * 1024 * 1024);
    let error = ConfigError::UnreachableLimit { limit: "literal_max", within: "command_max" };
    assert_eq!(wrong.validate(), Err(error));
    let wrong = config(|limits| limits.append_max = u64::MAX);
    let error = ConfigError::UnreachableLimit { limit: "append_max", within: "append_all_max" };
    assert_eq!(wrong.validate(), Err(error));
    let wrong = config(|limits| limits.nesting_max = 101);
    assert_eq!(wrong.validate(), Err(ConfigError::LimitTooLarge { limit: "nesting_max", max: 100 }));
    let wrong = config(|limits| limits.uid_batch_min = 501);
    assert_eq!(wrong.validate(), Err(ConfigError::LimitTooLarge { limit: "uid_batch_min", max: 500 }));
    let wrong = config(|limits| limits.idle_timeout = Duration::from_secs(29 * 60));
    assert_eq!(wrong.validate(), Err(ConfigError::IdleTimeout));
}

#[test]
fn a_queue_without_room_does_not_stop_the_conversation() {
    let mut server = Server::new(config(|limits| limits.send_high_water = 0), Security::Tls, Time::ZERO);
    assert!(support::said(&mut server, b"a CAPABILITY\r\n").starts_with("* OK "));
    assert!(support::said(&mut server, b"").contains("a OK "));
}

#[test]
fn imap_07_no_limit_lets_search_keys_nest_until_the_stack_is_gone() {
    let mut server = support::with(everything(), |config| config.limits.nesting_max = usize::MAX);
    support::said(&mut server, b"l LOGIN u p\r\ns SELECT inbox\r\n");
    let deep = ["s SEARCH ", &"NOT ".repeat(15_000), "ALL\r\n"].concat();
    assert!(support::said(&mut server, deep.as_bytes()).starts_with("s BAD [TOOBIG] "));
}

/// Mostly a limit as it is by default, so that conversations get somewhere; else any, the odd ones more often.
fn size() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        12 => Just(None),
        1 => (0_u64..4).prop_map(Some),
        1 => (10_u64..200).prop_map(Some),
        1 => (1000_u64..100_000).prop_map(Some),
        1 => prop::sample::select(vec![u64::from(u32::MAX), u64::MAX]).prop_map(Some),
    ]
}

/// Sets each limit to the next value, where there is one; what does not fit is the largest number of 32 bits.
macro_rules! set {
    ($limits:ident, $values:ident, $($field:ident),*) => {$(
        if let Some(value) = $values.next().unwrap() {
            $limits.$field = value.try_into().unwrap_or(u32::MAX.try_into().unwrap());
        }
    )*};
}

fn limits() -> impl Strategy<Value = Limits> {
    prop::collection::vec(size(), 27).prop_map(|values| {
        let mut limits = Limits::default();
        let mut values = values.into_iter();
        set! {
            limits, values, line_max, line_preauth_max, literal_max, literal_preauth_max, command_max,
            command_preauth_max, literals_max, append_max, append_all_max, append_messages_max, drop_max,
            sasl_line_max, nesting_max, ranges_max, list_max, updates_max, uid_batch_min, auth_failures_max,
            auth_steps_max, junk_commands_max, violations_max, violations_preauth_max, send_high_water
        }
        for timeout in [
            &mut limits.idle_timeout,
            &mut limits.login_timeout,
            &mut limits.command_timeout,
            &mut limits.append_timeout,
        ] {
            *timeout = values.next().unwrap().map_or(*timeout, Duration::from_secs);
        }
        limits
    })
}

const LINES: [&str; 18] = [
    "a CAPABILITY\r\n",
    "a LOGIN u p\r\n",
    "a LOGIN {1+}\r\nu {1+}\r\np\r\n",
    "a AUTHENTICATE PLAIN\r\n",
    "AHUAcA==\r\n",
    "*\r\n",
    "a SELECT inbox\r\n",
    "a EXAMINE {5+}\r\ninbox\r\n",
    "a APPEND inbox {3+}\r\nabc\r\n",
    "a APPEND inbox {1+}\r\nx {1+}\r\ny\r\n",
    "a SEARCH (OR (NOT SEEN) (1,2,3 UID 4:5))\r\n",
    "a FETCH 1:* (FLAGS UID BODY[])\r\n",
    "a REPLACE 1 inbox {300+}\r\n",
    "a UIDBATCHES 100\r\n",
    "a IDLE\r\n",
    "DONE\r\n",
    "nonsense\r\n",
    "a NOOP\r\n",
];

proptest! {
    #[test]
    fn under_any_limits_every_line_is_answered_or_the_conversation_ends(
        limits in limits(),
        lines in prop::collection::vec(prop::sample::select(&LINES[..]), 0..20),
        waits in prop::collection::vec(prop_oneof![9 => Just(0), 1 => 0_u64..100], 20),
        starts in prop::bool::weighted(0.7),
    ) {
        let config = Config {
            limits,
            extensions: everything(),
            auth_requires_tls: AuthPrivacy::NotRequired,
            ..Config::new("mail.example.test")
        };
        let _ = config.validate();
        let mut server = Server::new(config, Security::Tls, Time::ZERO);
        let mut now = Time::ZERO;
        // What ends whatever may be open; then a command that has to be answered, if only with BAD.
        let rest = ["x".repeat(400).as_str(), "\r\n*\r\nDONE\r\n"].concat();
        let ends = [rest.as_str(), "z LOGOUT\r\n"];
        let begins: &[&str] = if starts { &["a LOGIN u p\r\n", "a SELECT inbox\r\n"] } else { &[] };
        let mut said = String::new();
        for (at, line) in begins.iter().copied().chain(lines.iter().copied()).chain(ends).enumerate() {
            now = now.after(Duration::from_secs(waits[at % waits.len()]));
            server.handle_timeout(now);
            server.handle_input(now, line.as_bytes());
            said = talk(&mut server);
        }
        let ended = matches!(server.poll_event(), Ok(Step::Closed) | Err(_));
        prop_assert!(ended || !said.is_empty(), "{:?}", server);
        server.handle_eof(now);
        talk(&mut server);
        prop_assert!(matches!(server.poll_event(), Ok(Step::Closed) | Err(_)), "{:?}", server);
    }
}

/// Answers and sends until the machine waits; what was sent.
fn talk(server: &mut Server) -> String {
    let mut text = String::new();
    for _ in 0..5_000 {
        let step = server.poll_event();
        let out = sent(server);
        match step {
            Ok(Step::Event(Event::Fetch(asked))) => text += &fetch(server, asked),
            Ok(Step::Event(event)) => answer(server, event).unwrap(),
            Ok(Step::NeedInput) if !out.is_empty() => {}
            _ => return text + &out,
        }
        text += &out;
    }
    panic!("no end: {server:?}")
}

/// Sends a row octet by octet, each as soon as there is room.
fn fetch(server: &mut Server, asked: Asked<Fetch>) -> String {
    let mut text = String::new();
    let row = asked.begin().row(server, message(1)).unwrap();
    let payload = Payload::Section { section: Section::whole(), origin: None };
    let mut literal = row.literal(server, &payload, 5).unwrap();
    for octet in [b"a", b"b", b"c", b"d", b"e"] {
        while let Err(misuse) = literal.write(server, Bytes::from_static(octet)) {
            assert!(matches!(misuse, Misuse::Congested { .. }), "{misuse}");
            text += &sent(server);
        }
    }
    literal.finish(server).unwrap().finish(server).unwrap().ok(server).unwrap();
    text
}

#[test]
fn a_line_that_is_too_long_is_refused_by_its_tag_where_that_is_known() {
    let long = "1,".repeat(40_000);
    for (line, answer) in [
        (format!("a FETCH {long}1 UID"), "a BAD [TOOBIG] "),
        (format!("a uid fetch {long}1 UID"), "a BAD [TOOBIG] "),
        (format!("a SEARCH SUBJECT {{1+}}\r\nx UID {long}1"), "a BAD [TOOBIG] "),
        // No tag, no command, nothing of it: nothing of what came is sent back.
        (format!("a* FETCH {long}1 UID"), "* BAD [TOOBIG] "),
        (format!("GET /{long} HTTP/1.1"), "* BAD [TOOBIG] "),
        (format!("{long} FETCH 1 UID"), "* BAD [TOOBIG] "),
        (format!("a {long}"), "* BAD [TOOBIG] "),
    ] {
        for size in [usize::MAX, 1_000] {
            let mut server = selected(everything());
            for piece in line.as_bytes().chunks(size) {
                server.handle_input(Time::ZERO, piece);
                while let Ok(Step::Event(_)) = server.poll_event() {}
            }
            let text = said(&mut server, b"\r\nb NOOP\r\n");
            let start = &line[..20];
            assert!(text.starts_with(answer) && text.contains("\r\nb OK "), "{start}: {text}");
            assert_eq!(text.matches(" BAD ").count(), 1, "{start}: {text}");
        }
    }
}
