//! Every mechanism, both sides: what one says the other hears, on any octets, in any order.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use posthaste_sasl::client::{self, Credentials, Policy};
use posthaste_sasl::server::{self, Event, FinalData};
use posthaste_sasl::{Channel, Hash, Mechanism, NAME_MAX, PASSWORD_MAX, SaslError, ScramKey, Secret};
use proptest::prelude::*;

use common::{Application, SALT, bound, config, exchange, nonce, serve, talk, talk_through, tls};

/// What the user of an application logs in with.
fn credentials(mechanism: Mechanism, user: &str, password: &str) -> Credentials {
    match mechanism {
        Mechanism::External => Credentials::external(),
        Mechanism::Anonymous => Credentials::anonymous(user),
        Mechanism::OAuthBearer | Mechanism::XOAuth2 => Credentials::token(user, password),
        _ => Credentials::password(user, password),
    }
}

fn can_act_for_others(mechanism: Mechanism) -> bool {
    matches!(mechanism, Mechanism::Plain | Mechanism::External) || mechanism.scram().is_some()
}

#[test]
fn every_mechanism_logs_in() {
    let application = Application::new("ursel", "Geheim");
    for mechanism in Mechanism::ALL {
        for ahead in [true, false] {
            let channel = bound(7);
            let client = exchange(mechanism, &credentials(mechanism, "ursel", "Geheim"), &channel).unwrap();
            let server = serve(mechanism, &channel);
            let outcome = talk(client, server, &application, ahead, |_, octets| octets.to_vec());
            assert!(outcome.is_login(), "{mechanism:?}: {outcome:?}");
            let user = if mechanism == Mechanism::Anonymous { "guest" } else { "ursel" };
            let identity = outcome.server.unwrap().unwrap();
            assert_eq!((identity.user(), identity.authorization()), (user, None));
        }
    }
}

#[test]
fn every_mechanism_refuses_the_wrong_secret_and_the_unknown_user() {
    let application = Application::new("ursel", "Geheim");
    for mechanism in Mechanism::ALL {
        if matches!(mechanism, Mechanism::External | Mechanism::Anonymous) {
            continue;
        }
        for (user, password) in [("ursel", "geheim"), ("ursula", "Geheim.")] {
            let channel = bound(7);
            let client = exchange(mechanism, &credentials(mechanism, user, password), &channel).unwrap();
            let outcome = talk_through(client, serve(mechanism, &channel), &application);
            assert!(!outcome.is_login(), "{mechanism:?}");
            assert_eq!(outcome.server_error(), Some(SaslError::Credentials), "{mechanism:?}");
        }
    }
}

#[test]
fn the_last_data_may_travel_with_the_success() {
    let application = Application::new("ursel", "Geheim");
    let config = config().with_final_data(FinalData::WithSuccess);
    let server = || server::Exchange::new("SCRAM-SHA-256", &config, &tls(), nonce(2)).unwrap();
    let client =
        || exchange(Mechanism::ScramSha256, &Credentials::password("ursel", "Geheim"), &tls()).unwrap();
    assert!(talk_through(client(), server(), &application).is_login());
    let outcome = talk(client(), server(), &application, true, |number, octets| {
        if number == 3 { b"v=AAAA".to_vec() } else { octets.to_vec() }
    });
    assert_eq!(outcome.client, Err(SaslError::WrongSignature));
}

#[test]
fn a_mechanism_that_is_not_offered_is_refused() {
    let names = |config: &server::Config, channel: &Channel| {
        config.offered(channel).map(Mechanism::name).collect::<Vec<_>>()
    };
    let refused = |name: &str, config: &server::Config, channel: &Channel| {
        server::Exchange::new(name, config, channel, nonce(0)).err()
    };
    let no = Some(SaslError::NoMechanism);
    for name in ["", "PLAI", "PLAIN ", "NTLM", "SCRAM-SHA-256-PLUS", "DIGEST-MD5"] {
        assert_eq!(refused(name, &config(), &tls()), no, "{name}");
    }
    let plain = server::Config::new([Mechanism::Plain, Mechanism::Login, Mechanism::Plain]);
    assert_eq!(names(&plain, &tls()), ["PLAIN", "LOGIN"]);
    assert_eq!(refused("CRAM-MD5", &plain, &tls()), no);
    // Without decoys SCRAM would tell who is a user.
    let bare = server::Config::new([Mechanism::ScramSha256, Mechanism::CramMd5]);
    assert!(names(&bare, &tls()).is_empty());
    assert_eq!(names(&config(), &bound(1)).len(), Mechanism::ALL.len());
}

#[test]
fn names_are_found_in_any_case() {
    for mechanism in Mechanism::ALL {
        assert_eq!(Mechanism::from_name(&mechanism.name().to_lowercase()), Some(mechanism));
    }
    assert_eq!(Mechanism::from_name("SCRAM-SHA-256-"), None);
    let mut sorted = Mechanism::ALL;
    sorted.sort_by(|a, b| b.cmp(a));
    assert_eq!(sorted, Mechanism::ALL);
}

#[test]
fn what_one_sends_the_other_may_send_across_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<client::Exchange>();
    check::<server::Exchange>();
    check::<Event>();
    check::<ScramKey>();
}

#[test]
fn stored_keys_that_are_none_are_refused() {
    let key = Application::new("u", "p").key(Hash::Sha256).encode();
    let text = core::str::from_utf8(key.expose()).unwrap();
    assert!(ScramKey::decode(text).is_ok());
    for (from, to) in [
        ("SHA-256", "SHA-1"),
        ("SHA-256", "SHA-256-PLUS"),
        ("$4096", "$04096"),
        ("$4096", "$+4096"),
        ("$4096", "$4095"),
        ("$4096", "$600001"),
        ("$4096", "$99999999999999999999"),
        (":", "$"),
        ("SCRAM", " SCRAM"),
        (":MDEy", ":*DEy"),
        (":MDEyMzQ1Njc4OWFiY2RlZg==", ":"),
    ] {
        let bad = text.replacen(from, to, 1);
        assert_ne!(bad, text);
        assert!(ScramKey::decode(&bad).is_err(), "{bad}");
    }
    let secret = Secret::from("p");
    let derive = |salt: &[u8], iterations| ScramKey::derive(Hash::Sha1, &secret, salt, iterations).err();
    assert!(matches!(derive(&SALT, 4095), Some(SaslError::Iterations { count: 4095, .. })));
    assert!(matches!(derive(&SALT, u32::MAX), Some(SaslError::Iterations { .. })));
    assert!(matches!(derive(b"", 4096), Some(SaslError::Empty(_))));
    assert!(matches!(derive(&[0; 257], 4096), Some(SaslError::TooLong { .. })));
}

/// Names and passwords that every mechanism here can carry and that are left as they are by preparation.
const PLAIN_TEXT: &str = "[a-zA-Z0-9=,. -]{1,20}";

fn scram() -> impl Strategy<Value = Mechanism> {
    let all: Vec<_> = Mechanism::ALL.into_iter().filter(|mechanism| mechanism.scram().is_some()).collect();
    prop::sample::select(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_a_client_says_a_server_hears(
        mechanism in prop::sample::select(&Mechanism::ALL[..]), ahead: bool, data: u8, bindable: bool,
        user in PLAIN_TEXT, password in "[a-zA-Z0-9._~+/-]{1,20}", other in prop::option::of(PLAIN_TEXT),
    ) {
        let channel = if bindable || mechanism.is_bound() { bound(data) } else { tls() };
        let mut application = Application::new(&user, &password);
        let mut credentials = credentials(mechanism, &user, &password);
        let other = other.filter(|_| can_act_for_others(mechanism));
        if let Some(other) = &other {
            application = application.acting_for(other);
            credentials = credentials.acting_for(other);
        }
        let client = exchange(mechanism, &credentials, &channel).unwrap();
        let outcome = talk(client, serve(mechanism, &channel), &application, ahead, |_, octets| octets.to_vec());
        prop_assert!(outcome.is_login(), "{:?}", outcome);
        let identity = outcome.server.unwrap().unwrap();
        if mechanism != Mechanism::Anonymous {
            prop_assert_eq!(identity.authentication(), user.as_str());
            prop_assert_eq!(identity.user(), other.as_deref().unwrap_or(&user));
        }
    }

    #[test]
    fn one_octet_changed_anywhere_fails(
        mechanism in scram(), at: prop::sample::Index, number in 0_usize..4, change in 1_u8..,
    ) {
        let application = Application::new("ursel", "Geheim").acting_for("info");
        let credentials = Credentials::password("ursel", "Geheim").acting_for("info");
        let channel = bound(3);
        let client = exchange(mechanism, &credentials, &channel).unwrap();
        let mut changed = false;
        let outcome = talk(client, serve(mechanism, &channel), &application, true, |now, octets| {
            let mut octets = octets.to_vec();
            if now == number {
                let at = at.index(octets.len());
                octets[at] ^= change;
                changed = true;
            }
            octets
        });
        prop_assert!(changed);
        prop_assert!(!outcome.is_login(), "{:?}", outcome);
    }

    #[test]
    fn a_stored_key_comes_back(password in "\\PC{1,20}", salt in prop::collection::vec(any::<u8>(), 1..40)) {
        for hash in Hash::ALL {
            if let Ok(key) = ScramKey::derive(hash, &Secret::from(password.as_str()), &salt, 4096) {
                let text = key.encode();
                prop_assert_eq!(ScramKey::decode(core::str::from_utf8(text.expose()).unwrap()), Ok(key));
            }
        }
    }
}

proptest! {
    #[test]
    fn one_octet_changed_fails_cram_md5(at: prop::sample::Index, number in 0_usize..2, change in 1_u8..) {
        let client = exchange(Mechanism::CramMd5, &Credentials::password("u", "p"), &tls()).unwrap();
        let application = Application { user: "u".into(), password: "p".into(), ..Application::new("x", "y") };
        let outcome = talk(client, serve(Mechanism::CramMd5, &tls()), &application, false, |now, octets| {
            let mut octets = octets.to_vec();
            if now == number {
                let at = at.index(octets.len());
                octets[at] ^= change;
            }
            octets
        });
        prop_assert!(!outcome.is_login(), "{:?}", outcome);
    }

    #[test]
    fn a_server_takes_any_octets(
        mechanism in prop::sample::select(&Mechanism::ALL[..]), ahead: bool,
        messages in prop::collection::vec(message(), 5),
    ) {
        let application = Application { user: "u".into(), ..Application::new("u", "p") };
        let mut messages = messages.into_iter().map(Secret::new);
        let first = messages.next().filter(|_| ahead);
        let mut event = application.settle(serve(mechanism, &bound(1)).start(first.as_ref()));
        for message in messages {
            event = match event {
                Event::Challenge(challenge) => application.settle(challenge.respond(&message)),
                // Without a password nobody gets in who has to have one.
                Event::Success(_) => {
                    prop_assert!(matches!(mechanism, Mechanism::External | Mechanism::Anonymous | Mechanism::Plain
                        | Mechanism::Login | Mechanism::OAuthBearer | Mechanism::XOAuth2));
                    break;
                }
                _ => break,
            };
        }
    }

    #[test]
    fn a_client_takes_any_octets(
        mechanism in prop::sample::select(&Mechanism::ALL[..]), messages in prop::collection::vec(message(), 1..5),
        data in prop::option::of(message()),
    ) {
        let mut client = exchange(mechanism, &credentials(mechanism, "u", "p"), &bound(1)).unwrap();
        let mut error = None;
        for message in messages {
            let result = client.respond(&message);
            if let Some(error) = error {
                prop_assert_eq!(result.as_ref().err(), Some(&error), "a failure is for good");
            }
            error = result.err().or(error);
        }
        let is_scram = mechanism.scram().is_some();
        let end = client.finish(data.as_deref());
        prop_assert!(end.is_err() || (error.is_none() && !is_scram));
    }

    #[test]
    fn names_are_prepared_once(name in "\\PC{1,20}") {
        use posthaste_sasl::prepare::{self, Unassigned};
        if let Ok(once) = prepare::name(&name, Unassigned::Pass) {
            prop_assert!(!once.is_empty());
            prop_assert_eq!(prepare::name(&once, Unassigned::Pass), Ok(once.clone()));
        }
    }
}

const WORDS: [&str; 22] = [
    "n,",
    "y,",
    "p=tls-exporter,",
    "a=u,",
    "n=u,",
    "r=a",
    ",s=AAAA",
    ",i=4096",
    "c=biws",
    ",p=AAAA",
    "v=AAAA",
    "e=other-error",
    "m=1,",
    "\0u\0p",
    "=2C",
    "\u{1}",
    "auth=Bearer p",
    "user=u",
    "port=1",
    "u 0123456789abcdef0123456789abcdef",
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEB",
    "",
];

/// Octets of any kind, and what looks like messages.
fn message() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        prop::collection::vec(prop::sample::select(&WORDS[..]), 0..8)
            .prop_map(|words| words.concat().into_bytes()),
    ]
}

#[test]
fn parts_that_are_too_long_are_refused_on_both_sides() {
    let long = "n".repeat(NAME_MAX + 1);
    let secret = "p".repeat(PASSWORD_MAX + 1);
    for mechanism in Mechanism::ALL {
        let client = exchange(mechanism, &credentials(mechanism, &long, "p"), &bound(1));
        if !matches!(mechanism, Mechanism::External) {
            assert!(matches!(client, Err(SaslError::TooLong { .. })), "{mechanism:?}");
        }
        let policy = Policy::default();
        let credentials = Credentials::password("u", secret.as_str());
        let client = client::Exchange::new(mechanism, &credentials, &policy, &bound(1), nonce(1));
        assert!(
            matches!(client, Err(SaslError::TooLong { .. } | SaslError::WrongCredentials)),
            "{mechanism:?}"
        );
    }
}
