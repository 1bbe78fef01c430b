//! Attacks on logins that are known, each by its id, against the side they are aimed at.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use posthaste_sasl::client::{self, Credentials, Policy, choose};
use posthaste_sasl::prepare::{self, Unassigned};
use posthaste_sasl::server::{self, Event};
use posthaste_sasl::{
    BindingType, Channel, ChannelBinding, Field, Hash, Mechanism, NAME_MAX, Nonce, PASSWORD_MAX, Plaintext,
    SaslError, ScramError, Secret, Security, TokenError,
};

use common::{Application, bound, config, exchange, nonce, serve, talk, talk_through, tls};

fn failure(event: Event) -> SaslError {
    match event {
        Event::Failure(failure) => failure.error(),
        event => panic!("{event:?}"),
    }
}

/// What a server says to a first message.
fn first(mechanism: Mechanism, channel: &Channel, message: &[u8]) -> Event {
    serve(mechanism, channel).start(Some(&Secret::from(message)))
}

#[test]
fn auth_01_malformed_plain_messages_are_errors() {
    let long_name = ["\0", &"u".repeat(8192), "\0p"].concat();
    let long_password = ["\0u\0", &"p".repeat(65536)].concat();
    let field = Field::Authentication;
    let cases: [(&[u8], SaslError); 14] = [
        (b"", SaslError::Malformed),
        (b"\0", SaslError::Malformed),
        (b"a", SaslError::Malformed),
        (b"\0u", SaslError::Malformed),
        (b"\0u\0p\0x", SaslError::Malformed),
        (b"\0\0", SaslError::Empty(field)),
        (b"\0\0p", SaslError::Empty(field)),
        (b"\0u\0", SaslError::Empty(Field::Password)),
        (b"\0u\xff\0p", SaslError::NotUtf8(field)),
        (b"\xc0\0u\0p", SaslError::NotUtf8(Field::Authorization)),
        (b"\0u\0\xff", SaslError::NotUtf8(Field::Password)),
        (b"\0u\r\nx\0p", SaslError::Prohibited(field)),
        (long_name.as_bytes(), SaslError::TooLong { field, limit: NAME_MAX }),
        (long_password.as_bytes(), SaslError::TooLong { field: Field::Password, limit: PASSWORD_MAX }),
    ];
    for (message, error) in cases {
        let text = message.escape_ascii().to_string();
        assert_eq!(failure(first(Mechanism::Plain, &tls(), message)), error, "{text}");
    }
}

#[test]
fn auth_01_short_passwords_and_longest_names_pass() {
    let check = |message: &str| match first(Mechanism::Plain, &tls(), message.as_bytes()) {
        Event::Password(check) => (check.authentication().to_owned(), check.password().clone()),
        event => panic!("{event:?}"),
    };
    assert_eq!(check("z\0u\0p"), ("u".into(), Secret::from("p")));
    assert_eq!(check("\0üser\0ö"), ("üser".into(), Secret::from("ö")));
    let name = "n".repeat(NAME_MAX);
    assert_eq!(check(&format!("\0{name}\0p")), (name, Secret::from("p")));
}

#[test]
fn auth_01_to_act_for_somebody_else_takes_leave() {
    for mechanism in [Mechanism::Plain, Mechanism::ScramSha256, Mechanism::External] {
        let credentials = match mechanism {
            Mechanism::External => Credentials::external(),
            _ => Credentials::password("u", "p"),
        };
        let run = |other: &str, application: &Application| {
            let client = exchange(mechanism, &credentials.clone().acting_for(other), &tls()).unwrap();
            talk_through(client, serve(mechanism, &tls()), application)
        };
        let application = Application::new("u", "p").acting_for("shared");
        assert_eq!(run("boss", &application).server_error(), Some(SaslError::NotAuthorized));
        let identity = run("shared", &application).server.unwrap().unwrap();
        assert_eq!((identity.authentication(), identity.user()), ("u", "shared"));
        // To act for oneself takes none.
        assert!(run("u", &application).is_login());
    }
}

#[test]
fn auth_01_login_demands_a_name_and_a_password() {
    let refused = |answers: &[&[u8]]| {
        let mut event = serve(Mechanism::Login, &tls()).start(None);
        for answer in answers {
            let Event::Challenge(challenge) = event else { panic!("{event:?}") };
            event = challenge.respond(&Secret::from(*answer));
        }
        failure(event)
    };
    assert_eq!(refused(&[b""]), SaslError::Empty(Field::Authentication));
    assert_eq!(refused(&[b"u\0"]), SaslError::Prohibited(Field::Authentication));
    assert_eq!(refused(&[b"u", b""]), SaslError::Empty(Field::Password));
    assert_eq!(refused(&[b"u", b"p\0"]), SaslError::Prohibited(Field::Password));
}

#[test]
fn auth_03_an_empty_initial_response_is_not_none() {
    assert_eq!(failure(first(Mechanism::Plain, &tls(), b"")), SaslError::Malformed);
    assert!(matches!(first(Mechanism::External, &tls(), b""), Event::External(_)));
    assert!(matches!(first(Mechanism::Anonymous, &tls(), b""), Event::Anonymous(_)));
    for mechanism in Mechanism::ALL {
        let event = serve(mechanism, &bound(1)).start(None);
        let Event::Challenge(challenge) = event else { panic!("{mechanism:?}: {event:?}") };
        assert_eq!(challenge.data().is_empty(), mechanism.is_client_first(), "{mechanism:?}");
    }
}

#[test]
fn auth_03_where_the_server_speaks_first_nothing_comes_ahead_but_the_name_of_login() {
    let response = b"u 0123456789abcdef0123456789abcdef";
    assert_eq!(failure(first(Mechanism::CramMd5, &tls(), response)), SaslError::OutOfStep);
    let Event::Challenge(challenge) = first(Mechanism::Login, &tls(), b"user") else { panic!("no question") };
    assert_eq!(challenge.data(), b"Password:");
}

#[test]
fn auth_07_malformed_scram_messages_are_errors() {
    let cases: [(&[u8], SaslError); 27] = [
        (b"", SaslError::Malformed),
        (b"n", SaslError::Malformed),
        (b"n,,", SaslError::Malformed),
        (b"n,,n=u", SaslError::Malformed),
        (b"n,,n=u,r=", SaslError::Empty(Field::Nonce)),
        (b"n,,n=u,r=a b", SaslError::Prohibited(Field::Nonce)),
        (b"n,,n=u,r=\xc3\xa4", SaslError::Prohibited(Field::Nonce)),
        (b"n,,n=,r=abc", SaslError::Empty(Field::Authentication)),
        (b"n,,r=abc,n=u", SaslError::Malformed),
        (b"N,,n=u,r=abc", SaslError::Malformed),
        (b"x,,n=u,r=abc", SaslError::Malformed),
        (b"p=,,n=u,r=abc", SaslError::Malformed),
        (b"n,b=u,n=u,r=abc", SaslError::Malformed),
        (b"n,a=,n=u,r=abc", SaslError::Empty(Field::Authorization)),
        (b"n,,n=u=2Z,r=abc", SaslError::Malformed),
        (b"n,,n=u=,r=abc", SaslError::Malformed),
        (b"n,,n=u=2c,r=abc", SaslError::Malformed),
        (b"n,,n=u=3,r=abc", SaslError::Malformed),
        (b"n,,m=1,n=u,r=abc", SaslError::Extension),
        (b"n,,n=u,r=abc,m=1", SaslError::Extension),
        (b"n,,n=u,r=abc,x", SaslError::Malformed),
        (b"n,,n=u,r=abc,", SaslError::Malformed),
        (b"n,,n=u,r=abc,xx=1", SaslError::Malformed),
        (b"n,,n=u,r=abc\0", SaslError::Malformed),
        (b"n,,n=u\r,r=abc", SaslError::Prohibited(Field::Authentication)),
        (b"n,,n=\xff,r=abc", SaslError::NotUtf8(Field::Message)),
        (b"n,,n=\xc2\xad,r=abc", SaslError::Empty(Field::Authentication)),
    ];
    for (message, error) in cases {
        let text = message.escape_ascii().to_string();
        assert_eq!(failure(first(Mechanism::ScramSha256, &tls(), message)), error, "{text}");
    }
    let long = format!("n,,n=u,r={}", "r".repeat(513));
    assert!(matches!(
        failure(first(Mechanism::ScramSha256, &tls(), long.as_bytes())),
        SaslError::TooLong { field: Field::Nonce, .. }
    ));
    let long = format!("n,,n=u,r=r,x={}", "x".repeat(10_000));
    assert!(matches!(
        failure(first(Mechanism::ScramSha256, &tls(), long.as_bytes())),
        SaslError::TooLong { field: Field::Message, .. }
    ));
}

#[test]
fn auth_07_names_are_unescaped_and_extensions_ignored() {
    let Event::Key(query) = first(Mechanism::ScramSha1, &tls(), b"n,,n=a=2Cb=3Dc=3D2C,r=abc,x=1,Y=z=") else {
        panic!("no query")
    };
    assert_eq!((query.user(), query.hash()), ("a,b=c=2C", Hash::Sha1));
}

/// A proof that is right, with `c`, `r` or the proof changed.
#[test]
fn auth_07_the_last_message_must_fit_the_exchange() {
    let application = Application::new("u", "p");
    let run = |from: &str, to: &str| {
        let client = exchange(Mechanism::ScramSha256, &Credentials::password("u", "p"), &tls()).unwrap();
        let outcome =
            talk(client, serve(Mechanism::ScramSha256, &tls()), &application, true, |number, octets| {
                match number {
                    2 => {
                        let text = String::from_utf8(octets.to_vec()).unwrap();
                        assert!(text.contains(from), "{text}");
                        text.replacen(from, to, 1).into_bytes()
                    }
                    _ => octets.to_vec(),
                }
            });
        outcome.server_error()
    };
    assert_eq!(run("c=biws", "c=eSws"), Some(SaslError::WrongBinding));
    assert_eq!(run("c=biws", "c=biw"), Some(SaslError::Malformed));
    assert_eq!(run("c=biws", "c=biwsAA=="), Some(SaslError::WrongBinding));
    assert_eq!(run("c=biws", "m=1,c=biws"), Some(SaslError::Extension));
    assert_eq!(run("c=biws,", ""), Some(SaslError::Malformed));
    assert_eq!(run(",r=", ",r=x"), Some(SaslError::WrongNonce));
    assert_eq!(run(",p=", ",p=AAAA"), Some(SaslError::Credentials));
    assert_eq!(run(",p=", ",x=y,p="), Some(SaslError::Credentials));
    assert_eq!(run(",p=", ",q="), Some(SaslError::Malformed));
}

#[test]
fn auth_07_an_old_exchange_cannot_be_played_back() {
    let application = Application::new("u", "p");
    let mut record = Vec::new();
    let client = exchange(Mechanism::ScramSha256, &Credentials::password("u", "p"), &tls()).unwrap();
    let outcome = talk(client, serve(Mechanism::ScramSha256, &tls()), &application, true, |_, octets| {
        record.push(octets.to_vec());
        octets.to_vec()
    });
    assert!(outcome.is_login());
    let server = server::Exchange::new("SCRAM-SHA-256", &config(), &tls(), nonce(3)).unwrap();
    let event = application.settle(server.start(Some(&Secret::from(&record[0][..]))));
    let Event::Challenge(challenge) = event else { panic!("{event:?}") };
    assert_eq!(failure(challenge.respond(&Secret::from(&record[2][..]))), SaslError::WrongNonce);
}

#[test]
fn auth_07_channel_bindings_are_compared() {
    let application = Application::new("u", "p");
    let run = |client: &Channel, server: &Channel| {
        let mechanism = Mechanism::ScramSha256Plus;
        let client = exchange(mechanism, &Credentials::password("u", "p"), client).unwrap();
        talk_through(client, serve(mechanism, server), &application).server_error()
    };
    let of = |kind, length, data| tls().with_binding(ChannelBinding::new(kind, vec![data; length]).unwrap());
    let end_point = |data| of(BindingType::TlsServerEndPoint, 32, data);
    let unique = |data| of(BindingType::TlsUnique, 12, data);
    assert_eq!(run(&bound(1), &bound(1)), None);
    assert_eq!(run(&end_point(1), &end_point(1)), None);
    assert_eq!(run(&unique(1), &unique(1)), None);
    assert_eq!(run(&bound(1), &bound(2)), Some(SaslError::WrongBinding));
    assert_eq!(run(&end_point(1), &end_point(2)), Some(SaslError::WrongBinding));
    // A server behind TLS 1.3 gives no tls-unique, and so refuses it.
    assert_eq!(run(&unique(1), &bound(1)), Some(SaslError::UnsupportedBinding));
    // A server with several takes the one the client names.
    let both =
        bound(1).with_binding(ChannelBinding::new(BindingType::TlsServerEndPoint, vec![2; 32]).unwrap());
    assert_eq!(run(&end_point(2), &both), None);
    for header in ["n,,", "y,,"] {
        let message = format!("{header}n=u,r=abc");
        assert_eq!(
            failure(first(Mechanism::ScramSha1Plus, &bound(1), message.as_bytes())),
            SaslError::NoBinding
        );
    }
    let message = b"p=tls-exporter,,n=u,r=abc";
    assert_eq!(failure(first(Mechanism::ScramSha1, &bound(1), message)), SaslError::UnsupportedBinding);
    let message = b"p=tls-uniqu,,n=u,r=abc";
    assert_eq!(failure(first(Mechanism::ScramSha1Plus, &bound(1), message)), SaslError::UnsupportedBinding);
}

#[test]
fn auth_07_bindings_that_bind_to_nothing_are_refused() {
    let new = |kind, length| ChannelBinding::new(kind, vec![0; length]).err();
    assert_eq!(new(BindingType::TlsServerEndPoint, 0), Some(SaslError::Empty(Field::Binding)));
    assert_eq!(new(BindingType::TlsExporter, 31), Some(SaslError::Malformed));
    assert!(matches!(new(BindingType::TlsUnique, 65), Some(SaslError::TooLong { .. })));
}

#[test]
fn auth_07_an_offer_that_was_taken_away_is_noticed() {
    let message = b"y,,n=u,r=abc";
    assert_eq!(failure(first(Mechanism::ScramSha256, &bound(1), message)), SaslError::Downgrade);
    assert!(matches!(first(Mechanism::ScramSha256, &tls(), message), Event::Key(_)));

    // The same between two parties, with somebody in the middle who shortens the list.
    let credentials = Credentials::password("u", "p");
    let policy = Policy::default();
    let choose = |offered: &[&str], channel: &Channel| {
        client::Exchange::choose(offered, &credentials, &policy, channel, nonce(1)).unwrap()
    };
    let client = choose(&["SCRAM-SHA-256"], &bound(1));
    assert!(client.initial().unwrap().expose().starts_with(b"y,,"));
    let outcome = talk_through(client, serve(Mechanism::ScramSha256, &bound(1)), &Application::new("u", "p"));
    assert_eq!(outcome.server_error(), Some(SaslError::Downgrade));
    let client = choose(&["SCRAM-SHA-256"], &tls());
    assert!(client.initial().unwrap().expose().starts_with(b"n,,"));
    let client = choose(&["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"], &bound(1));
    assert!(client.initial().unwrap().expose().starts_with(b"p=tls-exporter,,"));
    // Offered, but of a hash function that is not known here: the client could not bind, and does not say
    // otherwise.
    let client = choose(&["SCRAM-SHA-256", "SCRAM-SHA3-512-PLUS"], &bound(1));
    assert!(client.initial().unwrap().expose().starts_with(b"n,,"));
}

#[test]
fn auth_07_an_unknown_user_looks_like_any_other() {
    let challenge = |user: &str, seed| {
        let message = format!("n,,n={user},r=abc");
        let server = server::Exchange::new("SCRAM-SHA-256", &config(), &tls(), nonce(seed)).unwrap();
        let Event::Key(query) = server.start(Some(&Secret::from(message.as_str()))) else {
            panic!("no query")
        };
        let Event::Challenge(challenge) = query.unknown() else { panic!("no challenge") };
        let text = String::from_utf8(challenge.data().to_vec()).unwrap();
        let (_, rest) = text.split_once(",s=").unwrap();
        rest.to_owned()
    };
    assert_eq!(challenge("nobody", 1), challenge("nobody", 2));
    assert_ne!(challenge("nobody", 1), challenge("noone", 1));
    let known = Application::new("u", "p");
    let Event::Key(query) = first(Mechanism::ScramSha256, &tls(), b"n,,n=u,r=abc") else {
        panic!("no query")
    };
    let Event::Challenge(real) = query.found(known.key(Hash::Sha256)) else { panic!("no challenge") };
    let (_, real) = core::str::from_utf8(real.data()).unwrap().split_once(",s=").unwrap();
    assert_eq!(challenge("nobody", 1).len(), real.len());
    assert!(challenge("nobody", 1).ends_with(",i=4096"));
}

#[test]
fn auth_07_a_server_names_errors_and_no_user() {
    let data = |event| match event {
        Event::Failure(failure) => String::from_utf8(failure.data().unwrap().to_vec()).unwrap(),
        event => panic!("{event:?}"),
    };
    let first = |message: &[u8]| data(first(Mechanism::ScramSha256, &bound(1), message));
    assert_eq!(first(b"n,,m=1,n=u,r=abc"), "e=extensions-not-supported");
    assert_eq!(first(b"y,,n=u,r=abc"), "e=server-does-support-channel-binding");
    assert_eq!(first(b"n,,n=\x07,r=abc"), "e=invalid-username-encoding");
    assert_eq!(first(b"n,,n=u"), "e=invalid-encoding");
    assert_eq!(ScramError::from_value("what-is-this"), ScramError::OtherError);
    assert_eq!(ScramError::from_value("no-resources"), ScramError::NoResources);
}

fn scram_client() -> client::Exchange {
    let nonce = Nonce::from_text("abc").unwrap();
    let policy = Policy::default();
    client::Exchange::new(Mechanism::ScramSha256, &Credentials::password("u", "p"), &policy, &tls(), nonce)
        .unwrap()
}

#[test]
fn hst_12_a_client_bounds_what_a_server_may_ask() {
    let respond = |challenge: &str| scram_client().respond(challenge.as_bytes()).err();
    let out = |count| Some(SaslError::Iterations { count, min: 4096, max: 600_000 });
    assert_eq!(respond("r=abcd,s=AAAA,i=4096"), None);
    assert_eq!(respond("r=abcd,s=AAAA,i=4095"), out(4095));
    assert_eq!(respond("r=abcd,s=AAAA,i=1"), out(1));
    assert_eq!(respond("r=abcd,s=AAAA,i=600001"), out(600_001));
    assert_eq!(respond("r=abcd,s=AAAA,i=4294971392"), out(4_294_971_392));
    assert_eq!(respond("r=abcd,s=AAAA,i=99999999999999999999999"), out(u64::MAX));
    for malformed in ["0", "-1", "", "4096 ", "+4096", "04096"] {
        assert_eq!(
            respond(&format!("r=abcd,s=AAAA,i={malformed}")),
            Some(SaslError::Malformed),
            "{malformed}"
        );
    }
    assert_eq!(respond("r=abc,s=AAAA,i=4096"), Some(SaslError::WrongNonce));
    assert_eq!(respond("r=abdd,s=AAAA,i=4096"), Some(SaslError::WrongNonce));
    assert_eq!(respond("r=abcd,s=,i=4096"), Some(SaslError::Empty(Field::Salt)));
    assert_eq!(respond("m=1,r=abcd,s=AAAA,i=4096"), Some(SaslError::Extension));
    assert_eq!(respond("r=abcd,s=AAAA,i=4096,m=1"), Some(SaslError::Extension));
    assert_eq!(respond("e=no-resources"), Some(SaslError::Refused(ScramError::NoResources)));

    let narrow = Policy::default().with_iterations(10_000..=20_000);
    let wide = Policy::default().with_iterations(1..=u32::MAX);
    let respond = |policy: &Policy, count: u32| {
        let nonce = Nonce::from_text("abc").unwrap();
        let credentials = Credentials::password("u", "p");
        let mut client =
            client::Exchange::new(Mechanism::ScramSha1, &credentials, policy, &tls(), nonce).unwrap();
        client.respond(format!("r=abcd,s=AAAA,i={count}").as_bytes()).is_ok()
    };
    assert!(!respond(&narrow, 9_999) && respond(&narrow, 10_000) && !respond(&narrow, 20_001));
    assert!(!respond(&wide, 4095) && !respond(&wide, 600_001));
}

#[test]
fn hst_13_a_success_without_proof_is_none() {
    assert_eq!(scram_client().finish(None), Err(SaslError::Unproven));
    assert_eq!(scram_client().finish(Some(b"v=AAAA")), Err(SaslError::Unproven));
    let mut client = scram_client();
    client.respond(b"r=abcd,s=AAAA,i=4096").unwrap();
    assert_eq!(client.finish(None), Err(SaslError::Unproven));
    let mut client = scram_client();
    client.respond(b"r=abcd,s=AAAA,i=4096").unwrap();
    assert_eq!(client.respond(b"v=AAAA"), Err(SaslError::WrongSignature));
    assert_eq!(client.finish(None), Err(SaslError::WrongSignature));
    let mut client = scram_client();
    client.respond(b"r=abcd,s=AAAA,i=4096").unwrap();
    let refused = Err(SaslError::Refused(ScramError::InvalidProof));
    assert_eq!(client.respond(b"e=invalid-proof").map(drop), refused);
    assert_eq!(client.finish(None), refused);
}

#[test]
fn auth_08_the_choice_is_the_strongest_that_policy_allows() {
    let password = Credentials::password("u", "p");
    let pick =
        |offered: &[&str], policy: &Policy, channel: &Channel| choose(offered, &password, policy, channel);
    let any = Policy::default();
    let weak = ["NTLM", "login", "ANONYMOUS", "EXTERNAL", "DIGEST-MD5", "plain", "XOAUTH2"];
    assert_eq!(pick(&weak, &any, &tls()), Some(Mechanism::Plain));
    assert_eq!(pick(&weak, &any, &Channel::new(Security::Local)), Some(Mechanism::Plain));
    assert_eq!(pick(&weak, &any, &Channel::new(Security::Plain)), None);
    assert_eq!(pick(&["LOGIN"], &any, &tls()), Some(Mechanism::Login));
    assert_eq!(pick(&["ANONYMOUS", "EXTERNAL"], &any, &tls()), None);
    assert_eq!(pick(&[], &any, &tls()), None);
    let all = Mechanism::ALL.map(Mechanism::name);
    assert_eq!(pick(&all, &any, &bound(1)), Some(Mechanism::ScramSha512Plus));
    assert_eq!(pick(&all, &any, &tls()), Some(Mechanism::ScramSha512));
    assert_eq!(pick(&all, &any, &Channel::new(Security::Plain)), Some(Mechanism::ScramSha512));
    assert_eq!(pick(&["PLAIN", "CRAM-MD5"], &any, &Channel::new(Security::Plain)), None);
    let told = Policy::default().with_plaintext(Plaintext::Anywhere);
    assert_eq!(pick(&["PLAIN"], &told, &Channel::new(Security::Plain)), Some(Mechanism::Plain));

    let floor = Policy::default().with_floor(Mechanism::ScramSha256);
    assert_eq!(pick(&["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1"], &floor, &tls()), None);
    assert_eq!(pick(&["PLAIN", "SCRAM-SHA-256"], &floor, &tls()), Some(Mechanism::ScramSha256));
    let pin = Policy::default().with_pinned(Mechanism::ScramSha256Plus).with_pinned(Mechanism::ScramSha256);
    assert_eq!(pick(&["PLAIN", "SCRAM-SHA-512", "SCRAM-SHA-1-PLUS"], &pin, &bound(1)), None);
    assert_eq!(pick(&all, &pin, &bound(1)), Some(Mechanism::ScramSha256Plus));
}

#[test]
fn auth_03_a_server_takes_passwords_in_the_clear_only_where_it_is_told_to() {
    let plain = Channel::new(Security::Plain);
    let careful = server::Config::new([Mechanism::Plain, Mechanism::Login]);
    assert_eq!(careful.offered(&plain).count(), 0);
    let told = careful.with_plaintext(Plaintext::Anywhere);
    assert!(told.offered(&plain).eq([Mechanism::Plain, Mechanism::Login]));
}

#[test]
fn auth_08_credentials_are_used_for_what_they_are() {
    let pick = |credentials: &Credentials| {
        choose(&Mechanism::ALL.map(Mechanism::name), credentials, &Policy::default(), &tls())
    };
    assert_eq!(pick(&Credentials::token("u", "t")), Some(Mechanism::OAuthBearer));
    assert_eq!(pick(&Credentials::external()), Some(Mechanism::External));
    assert_eq!(pick(&Credentials::anonymous("")), Some(Mechanism::Anonymous));
    let others = [Credentials::token("u", "t"), Credentials::external(), Credentials::anonymous("t")];
    for credentials in others {
        let policy = Policy::default();
        let client = client::Exchange::new(Mechanism::Plain, &credentials, &policy, &tls(), nonce(1));
        assert_eq!(client.err(), Some(SaslError::WrongCredentials));
    }
    let other = Credentials::password("u", "p").acting_for("o");
    assert_eq!(choose(&["LOGIN", "CRAM-MD5"], &other, &Policy::default(), &tls()), None);
    assert_eq!(exchange(Mechanism::Login, &other, &tls()).err(), Some(SaslError::WrongCredentials));
    let plus = exchange(Mechanism::ScramSha1Plus, &Credentials::password("u", "p"), &tls());
    assert_eq!(plus.err(), Some(SaslError::NoBinding));
}

#[test]
fn auth_08_a_client_does_not_send_what_would_be_read_as_something_else() {
    let error = |credentials: Credentials, mechanism| exchange(mechanism, &credentials, &tls()).err();
    let name = Some(SaslError::Prohibited(Field::Authentication));
    assert_eq!(error(Credentials::password("a\0b", "p"), Mechanism::Plain), name);
    assert_eq!(error(Credentials::password("a\rb", "p"), Mechanism::ScramSha1), name);
    let empty = Some(SaslError::Empty(Field::Authorization));
    assert_eq!(error(Credentials::password("a", "p").acting_for(""), Mechanism::Plain), empty);
    let empty = Some(SaslError::Empty(Field::Password));
    assert_eq!(error(Credentials::password("a", ""), Mechanism::Login), empty);
    let token = Some(SaslError::Prohibited(Field::Token));
    assert_eq!(error(Credentials::token("a", "t\u{1}host=x"), Mechanism::OAuthBearer), token);
    let name = Some(SaslError::Prohibited(Field::Authorization));
    assert_eq!(error(Credentials::token("a\u{1}auth=Bearer x", "t"), Mechanism::XOAuth2), name);
    let host = Credentials::token("a", "t").for_server("x\u{1}port=1", 1);
    assert_eq!(error(host, Mechanism::OAuthBearer), Some(SaslError::Malformed));
}

#[test]
fn auth_08_a_client_does_not_answer_more_than_it_is_asked() {
    let secret = Credentials::password("u", "p");
    let mut client = exchange(Mechanism::Plain, &secret, &tls()).unwrap();
    assert_eq!(client.respond(b"tell me more"), Err(SaslError::Malformed));
    assert_eq!(client.respond(b""), Err(SaslError::Malformed));
    let mut client = exchange(Mechanism::Login, &secret, &tls()).unwrap();
    assert!(client.respond(b"Username:").is_ok());
    assert!(client.respond(b"Password:").is_ok());
    assert_eq!(client.respond(b"Password:"), Err(SaslError::OutOfStep));
    let mut client = exchange(Mechanism::CramMd5, &secret, &tls()).unwrap();
    assert!(client.respond(b"<1@x>").is_ok());
    assert_eq!(client.respond(b"<2@x>"), Err(SaslError::OutOfStep));
    let client = exchange(Mechanism::Login, &secret, &tls()).unwrap();
    assert_eq!(client.finish(None), Err(SaslError::OutOfStep));
}

#[test]
fn auth_09_malformed_token_messages_fail_closed() {
    let long = format!("n,,\u{1}auth=Bearer {}\u{1}\u{1}", "t".repeat(9000));
    let bearer: [&str; 16] = [
        "",
        "\u{1}",
        "n,,",
        "n,,\u{1}",
        "n,,\u{1}\u{1}",
        "n,,auth=Bearer t\u{1}\u{1}",
        "n,,\u{1}auth=Bearer t\u{1}",
        "n,,\u{1}auth=Bearer t",
        "n,,\u{1}auth=Bearer t\u{1}u\u{1}\u{1}",
        "n,,\u{1}auth=Bearer t\u{1}auth=Bearer u\u{1}\u{1}",
        "n,,\u{1}host=a\u{1}host=b\u{1}auth=Bearer t\u{1}\u{1}",
        "n,,\u{1}port=65536\u{1}auth=Bearer t\u{1}\u{1}",
        "n,,\u{1}auth=Bearer t u\u{1}\u{1}",
        "n,,\u{1}au th=Bearer t\u{1}\u{1}",
        "p=tls-exporter,,\u{1}auth=Bearer t\u{1}\u{1}",
        &long,
    ];
    for message in bearer {
        let event = first(Mechanism::OAuthBearer, &tls(), message.as_bytes());
        assert!(matches!(event, Event::Failure(_)), "{}: {event:?}", message.escape_debug());
    }
    for message in [
        "",
        "user=u",
        "user=u\u{1}",
        "user=\u{1}auth=Bearer t\u{1}\u{1}",
        "auth=Bearer t\u{1}user=u\u{1}\u{1}",
    ] {
        let event = first(Mechanism::XOAuth2, &tls(), message.as_bytes());
        assert!(matches!(event, Event::Failure(_)), "{}: {event:?}", message.escape_debug());
    }
    // Another scheme, and no token at all, end in a complaint.
    for auth in ["", "Bearer", "Bearer ", "Basic dTpw", "MAC t"] {
        let message = format!("n,,\u{1}auth={auth}\u{1}\u{1}");
        let event = first(Mechanism::OAuthBearer, &tls(), message.as_bytes());
        let Event::Challenge(challenge) = event else { panic!("{auth}: {event:?}") };
        assert_eq!(challenge.data(), b"{\"status\":\"invalid_token\"}");
        assert_eq!(failure(challenge.respond(&Secret::from("\u{1}"))), SaslError::Credentials);
    }
}

#[test]
fn auth_09_unknown_pairs_are_ignored() {
    let message = "n,,\u{1}qs=a=b\u{1}auth=Bearer t\u{1}mthd=POST\u{1}\u{1}";
    let event = first(Mechanism::OAuthBearer, &tls(), message.as_bytes());
    let Event::Token(check) = event else { panic!("{event:?}") };
    assert_eq!(
        (check.token(), check.user(), check.host(), check.port()),
        (&Secret::from("t"), None, None, None)
    );
}

#[test]
fn auth_09_after_a_complaint_nothing_helps() {
    let rejected = |mechanism, message: &str| {
        let event = first(mechanism, &tls(), message.as_bytes());
        let Event::Token(check) = event else { panic!("{event:?}") };
        let Event::Challenge(challenge) = check.reject(&TokenError::default()) else {
            panic!("no complaint")
        };
        challenge
    };
    let message = "n,,\u{1}auth=bearer t\u{1}\u{1}";
    for response in ["", "\u{1}", message] {
        let error = failure(rejected(Mechanism::OAuthBearer, message).respond(&Secret::from(response)));
        assert!(matches!(error, SaslError::Credentials | SaslError::Malformed));
    }
    let message = "user=u\u{1}auth=Bearer t\u{1}\u{1}";
    for response in ["", "\u{1}", message] {
        let error = failure(rejected(Mechanism::XOAuth2, message).respond(&Secret::from(response)));
        assert!(matches!(error, SaslError::Credentials | SaslError::Malformed));
    }
}

#[test]
fn auth_09_a_complaint_is_json_whatever_stands_in_it() {
    let error = TokenError::new("a\"b\\c\n\u{1}").with_scope("ä");
    let config = server::Config::new([Mechanism::OAuthBearer]).with_token_error(error);
    let server = server::Exchange::new("OAUTHBEARER", &config, &tls(), nonce(1)).unwrap();
    let Event::Challenge(challenge) = server.start(Some(&Secret::from("n,,\u{1}auth=\u{1}\u{1}"))) else {
        panic!()
    };
    let json = "{\"status\":\"a\\\"b\\\\c\\u000a\\u0001\",\"scope\":\"ä\"}";
    assert_eq!(core::str::from_utf8(challenge.data()), Ok(json));
}

#[test]
fn auth_09_a_token_of_somebody_else_takes_leave() {
    let event = first(Mechanism::OAuthBearer, &tls(), b"n,a=boss,\x01auth=Bearer t\x01\x01");
    let Event::Token(check) = event else { panic!("{event:?}") };
    let Event::Authorization(check) = check.accept("u") else { panic!("not asked") };
    assert_eq!((check.authentication(), check.authorization()), ("u", "boss"));
    assert_eq!(failure(check.reject()), SaslError::NotAuthorized);
}

#[test]
fn auth_12_names_are_prepared_once_and_then_exact() {
    let user = |message: &str| match first(Mechanism::Plain, &tls(), message.as_bytes()) {
        Event::Password(check) => Ok(check.authentication().to_owned()),
        Event::Failure(failure) => Err(failure.error()),
        event => panic!("{event:?}"),
    };
    assert_eq!(user("\0\u{ff35}@x\0p").as_deref(), Ok("U@x"));
    assert_eq!(user("\0u@x.\0p").as_deref(), Ok("u@x."));
    assert_eq!(user("\0u@xn--bcher-kva\0p").as_deref(), Ok("u@xn--bcher-kva"));
    assert_eq!(user("\0u \0p").as_deref(), Ok("u "));
    assert_eq!(user("\0%{u}%n%s\0p").as_deref(), Ok("%{u}%n%s"));
    assert_eq!(user("\0u\u{a0}v\0p").as_deref(), Ok("u v"));
    for refused in
        ["u\n", "u\r", "u\u{7f}", "u\u{85}", "u\u{2028}", "u\u{202e}", "\u{627}u", "u\u{fffd}", "u\u{e000}"]
    {
        assert_eq!(
            user(&format!("\0{refused}\0p")),
            Err(SaslError::Prohibited(Field::Authentication)),
            "{refused:?}"
        );
    }
    // The same name in SCRAM, in the plain and as whom to act for.
    let Event::Key(query) = first(Mechanism::ScramSha256, &tls(), "n,a=\u{ff35},n=\u{ff35},r=abc".as_bytes())
    else {
        panic!("no query")
    };
    assert_eq!(query.user(), "U");
    // Half-prepared forms do not become something else the second time.
    let once = prepare::name("\u{2168}\u{fb01}", Unassigned::Refuse).unwrap();
    assert_eq!((once.as_str(), prepare::name(&once, Unassigned::Refuse)), ("IXfi", Ok(once.clone())));
}

#[test]
fn auth_13_external_takes_nothing_from_the_message() {
    let event = first(Mechanism::External, &tls(), b"boss");
    let Event::External(check) = event else { panic!("{event:?}") };
    assert_eq!(check.authorization(), Some("boss"));
    assert_eq!(failure(check.reject()), SaslError::Credentials);
    let Event::External(check) = first(Mechanism::External, &tls(), b"boss") else { panic!("no check") };
    let Event::Authorization(check) = check.accept("u") else { panic!("not asked") };
    assert_eq!(failure(check.reject()), SaslError::NotAuthorized);
    assert_eq!(
        failure(first(Mechanism::External, &tls(), b"boss\0u")),
        SaslError::Prohibited(Field::Authorization)
    );
    assert_eq!(
        failure(first(Mechanism::External, &tls(), b"\xff")),
        SaslError::NotUtf8(Field::Authorization)
    );
    let Event::Challenge(challenge) = serve(Mechanism::External, &tls()).start(None) else {
        panic!("no challenge")
    };
    assert!(challenge.data().is_empty());
    assert!(matches!(challenge.respond(&Secret::default()), Event::External(_)));
}

#[test]
fn auth_15_nothing_prints_a_secret() {
    let (secret, salted) = ("hunter2", Application::new("u", "hunter2"));
    let mut prints = vec![format!("{:?}", salted.key(Hash::Sha256)), format!("{:?}", bound(b'h'))];
    prints.push(format!("{:?}", Credentials::password("u", secret)));
    prints.push(format!("{:?}", Credentials::token("u", secret)));
    for mechanism in Mechanism::ALL {
        let credentials = match mechanism {
            Mechanism::OAuthBearer | Mechanism::XOAuth2 => Credentials::token("u", secret),
            Mechanism::External => Credentials::external(),
            Mechanism::Anonymous => Credentials::anonymous(""),
            _ => Credentials::password("u", secret),
        };
        let mut client = exchange(mechanism, &credentials, &bound(b'h')).unwrap();
        prints.push(format!("{client:?} {:?}", client.initial()));
        let mut event = serve(mechanism, &bound(b'h')).start(client.initial().as_ref());
        loop {
            prints.push(format!("{event:?}"));
            event = match salted.settle(event) {
                Event::Challenge(challenge) => {
                    prints.push(format!("{challenge:?}"));
                    let response = client.respond(challenge.data()).unwrap();
                    prints.push(format!("{client:?} {response:?}"));
                    challenge.respond(&response)
                }
                event => {
                    prints.push(format!("{event:?}"));
                    break;
                }
            };
        }
    }
    let key = salted.key(Hash::Sha256).encode();
    let (_, keys) = core::str::from_utf8(key.expose()).unwrap().rsplit_once('$').unwrap();
    let octets = format!("{:?}", secret.as_bytes());
    let octets = octets.trim_matches(['[', ']']);
    for print in prints {
        assert!(!print.contains(secret) && !print.contains(keys) && !print.contains(octets), "{print}");
        // The data of the binding.
        assert!(!print.contains("hhhhhhhh") && !print.contains("104, 104, 104"), "{print}");
    }
}
