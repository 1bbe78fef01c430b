//! Both mechanisms, both sides: examples of RFC 4616 4, round trips, totality, and malformed messages.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use posthaste_sasl::{
    Credentials, Field, Mechanism, NAME_MAX, PASSWORD_MAX, SaslError, Secret, Security, ServerStep, client,
    server,
};
use proptest::prelude::*;

fn plain(message: &[u8]) -> Result<Credentials, SaslError> {
    let mut exchange = server::Exchange::new("plain").unwrap();
    match exchange.start(Some(&Secret::from(message)))? {
        ServerStep::Verify(credentials) => Ok(credentials),
        step => panic!("{step:?}"),
    }
}

fn credentials(authorization: Option<&str>, authentication: &str, password: &str) -> Credentials {
    Credentials {
        authorization: authorization.map(Into::into),
        authentication: authentication.into(),
        password: password.into(),
    }
}

/// Lets both sides talk to the end; `ahead` sends the initial response with the command.
fn talk(mut client: client::Exchange, ahead: Option<&Secret>) -> Result<Credentials, SaslError> {
    let mut server = server::Exchange::new(client.mechanism().name()).unwrap();
    let mut step = server.start(ahead)?;
    loop {
        match step {
            ServerStep::Challenge(challenge) => step = server.respond(&client.respond(&challenge)?)?,
            ServerStep::Verify(credentials) => return Ok(credentials),
            step => panic!("{step:?}"),
        }
    }
}

#[test]
fn examples_of_rfc_4616() {
    assert_eq!(plain(b"\0tim\0tanstaaftanstaaf"), Ok(credentials(None, "tim", "tanstaaftanstaaf")));
    assert_eq!(plain(b"Ursel\0Kurt\0xipj3plmq"), Ok(credentials(Some("Ursel"), "Kurt", "xipj3plmq")));
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
        assert_eq!(plain(message), Err(error), "{:?}", message.escape_ascii().to_string());
    }
}

#[test]
fn auth_01_authorization_and_short_passwords_pass() {
    assert_eq!(plain(b"z\0u\0p"), Ok(credentials(Some("z"), "u", "p")));
    assert_eq!(plain("\0üser\0ö".as_bytes()), Ok(credentials(None, "üser", "ö")));
    let name = "n".repeat(NAME_MAX);
    assert_eq!(plain(format!("\0{name}\0p").as_bytes()), Ok(credentials(None, &name, "p")));
}

#[test]
fn auth_01_login_demands_a_name_and_a_password() {
    let refused = |answers: &[&[u8]]| {
        let mut exchange = server::Exchange::new("LOGIN").unwrap();
        let _ = exchange.start(None).unwrap();
        answers.iter().find_map(|answer| exchange.respond(&Secret::from(*answer)).err())
    };
    assert_eq!(refused(&[b""]), Some(SaslError::Empty(Field::Authentication)));
    assert_eq!(refused(&[b"u\0"]), Some(SaslError::Prohibited(Field::Authentication)));
    assert_eq!(refused(&[b"u", b""]), Some(SaslError::Empty(Field::Password)));
    assert_eq!(refused(&[b"u", b"p\0"]), Some(SaslError::Prohibited(Field::Password)));
    assert_eq!(refused(&[b"u", b"p", b"more"]), Some(SaslError::OutOfStep));
}

#[test]
fn an_initial_response_to_login_is_the_name() {
    let mut exchange = server::Exchange::new("Login").unwrap();
    let step = exchange.start(Some(&Secret::from("user"))).unwrap();
    assert_eq!(step, ServerStep::Challenge(b"Password:".to_vec()));
    let step = exchange.respond(&Secret::from("pw")).unwrap();
    assert_eq!(step, ServerStep::Verify(credentials(None, "user", "pw")));
}

#[test]
fn nothing_is_taken_before_the_start_or_after_the_end() {
    let mut exchange = server::Exchange::with(Mechanism::Plain);
    assert_eq!(exchange.respond(&Secret::from("\0u\0p")), Err(SaslError::OutOfStep));
    assert_eq!(exchange.start(None), Err(SaslError::OutOfStep));
}

#[test]
fn an_unknown_mechanism_is_none() {
    for name in ["", "PLAI", "PLAIN ", "SCRAM-SHA-256", "ANONYMOUS"] {
        assert!(server::Exchange::new(name).is_none(), "{name}");
    }
}

#[test]
fn auth_08_the_choice_is_the_strongest_and_needs_privacy() {
    let offered = ["NTLM", "login", "ANONYMOUS", "plain", "CRAM-MD5"];
    assert_eq!(client::choose(&offered, Security::Tls), Some(Mechanism::Plain));
    assert_eq!(client::choose(&offered, Security::Local), Some(Mechanism::Plain));
    assert_eq!(client::choose(&offered, Security::Plain), None);
    assert_eq!(client::choose(&["LOGIN"], Security::Tls), Some(Mechanism::Login));
    assert_eq!(client::choose(&["ANONYMOUS", "EXTERNAL"], Security::Tls), None);
    let nothing: [&str; 0] = [];
    assert_eq!(client::choose(&nothing, Security::Tls), None);
}

#[test]
fn a_client_does_not_send_what_cannot_be_read_back() {
    let secret = Secret::from("p");
    assert_eq!(
        client::Exchange::plain(None, "a\0b", &secret).err(),
        Some(SaslError::Prohibited(Field::Authentication))
    );
    assert_eq!(
        client::Exchange::plain(Some(""), "a", &secret).err(),
        Some(SaslError::Empty(Field::Authorization))
    );
    assert_eq!(
        client::Exchange::login("a", &Secret::default()).err(),
        Some(SaslError::Empty(Field::Password))
    );
}

#[test]
fn a_client_does_not_answer_more_than_it_is_asked() {
    let mut exchange = client::Exchange::plain(None, "u", &Secret::from("p")).unwrap();
    assert_eq!(exchange.respond(b"tell me more"), Err(SaslError::Malformed));
    assert_eq!(exchange.respond(b""), Err(SaslError::OutOfStep));
    let mut exchange = client::Exchange::login("u", &Secret::from("p")).unwrap();
    assert!(exchange.respond(b"Username:").is_ok());
    assert!(exchange.respond(b"Password:").is_ok());
    assert_eq!(exchange.respond(b"Password:"), Err(SaslError::OutOfStep));
}

proptest! {
    #[test]
    fn what_a_client_sends_a_server_reads(
        authorization in prop::option::of("[^\\pC]{1,20}"), user in "[^\\pC]{1,20}", password in "[^\0]{1,20}",
    ) {
        let secret = Secret::from(password.as_str());
        let client = client::Exchange::plain(authorization.as_deref(), &user, &secret).unwrap();
        let ahead = client.initial();
        let expected = credentials(authorization.as_deref(), &user, &password);
        prop_assert_eq!(talk(client, ahead.as_ref()), Ok(expected.clone()));
        let client = client::Exchange::plain(authorization.as_deref(), &user, &secret).unwrap();
        prop_assert_eq!(talk(client, None), Ok(expected));
        let client = client::Exchange::login(&user, &secret).unwrap();
        prop_assert_eq!(talk(client, None), Ok(credentials(None, &user, &password)));
    }

    #[test]
    fn any_octets_end_in_credentials_or_an_error(
        first in prop::collection::vec(any::<u8>(), 0..40), second in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        for mechanism in Mechanism::ALL {
            let mut exchange = server::Exchange::with(mechanism);
            let mut step = exchange.start(Some(&Secret::from(&first[..])));
            if let Ok(ServerStep::Challenge(_)) = step {
                step = exchange.respond(&Secret::from(&second[..]));
            }
            if let Ok(ServerStep::Verify(credentials)) = step {
                prop_assert!(!credentials.authentication.is_empty() && !credentials.password.is_empty());
            }
            prop_assert!(exchange.respond(&Secret::from(&second[..])).is_err());
        }
    }
}
