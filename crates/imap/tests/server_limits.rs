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

use posthaste_imap::server::{AuthPrivacy, Config, ConfigError, Server};
use posthaste_imap::{Limits, Security, Step, Time};
use proptest::prelude::*;
use support::{answer, everything, sent};

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

fn size() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..4, 10_u64..200, 1000_u64..100_000, Just(u64::MAX), Just(u64::from(u32::MAX))]
}

fn limits() -> impl Strategy<Value = Limits> {
    (prop::collection::vec(size(), 30), prop::collection::vec(size(), 4)).prop_map(|(sizes, times)| {
        let mut sizes = sizes.into_iter();
        let mut next = || sizes.next().unwrap();
        let mut limits = Limits::default();
        let usize = |size: u64| usize::try_from(size).unwrap();
        let u32 = |size: u64| u32::try_from(size).unwrap_or(u32::MAX);
        limits.line_max = usize(next());
        limits.line_preauth_max = usize(next());
        limits.literal_max = next();
        limits.literal_preauth_max = next();
        limits.command_max = usize(next());
        limits.command_preauth_max = usize(next());
        limits.literals_max = usize(next());
        limits.append_max = next();
        limits.append_all_max = next();
        limits.append_messages_max = u32(next());
        limits.drop_max = next();
        limits.sasl_line_max = usize(next());
        limits.nesting_max = usize(next());
        limits.ranges_max = usize(next());
        limits.list_max = usize(next());
        limits.updates_max = usize(next());
        limits.uid_batch_min = u32(next());
        limits.auth_failures_max = u32(next());
        limits.auth_steps_max = u32(next());
        limits.junk_commands_max = u32(next());
        limits.violations_max = u32(next());
        limits.violations_preauth_max = u32(next());
        limits.send_high_water = usize(next());
        let times: Vec<Duration> = times.into_iter().map(Duration::from_secs).collect();
        limits.idle_timeout = times[0];
        limits.login_timeout = times[1];
        limits.command_timeout = times[2];
        limits.append_timeout = times[3];
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
        waits in prop::collection::vec(0_u64..100, 20),
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
        let mut said = String::new();
        for (at, line) in lines.iter().copied().chain(ends).enumerate() {
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
            Ok(Step::Event(event)) => drop(answer(server, event)),
            Ok(Step::NeedInput) if !out.is_empty() => {}
            _ => return text + &out,
        }
        text += &out;
    }
    panic!("no end: {server:?}")
}
