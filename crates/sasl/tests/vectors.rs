//! The examples of the RFCs, octet for octet, on both sides. Those of SCRAM-SHA-512, of which no RFC has any,
//! were computed with `hashlib` and `hmac` of Python 3.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthaste_sasl::server::{self, Config, Event, Exchange, FinalData};
use posthaste_sasl::{
    BindingType, Channel, ChannelBinding, Mechanism, Nonce, SaslError, ScramKey, Secret, Security,
    TokenError, client,
};

use common::{config, nonce, tls};

/// A conversation of SCRAM: the four messages, and the key as it is stored.
struct Scram {
    mechanism: Mechanism,
    channel: Channel,
    credentials: client::Credentials,
    nonces: (&'static str, &'static str),
    key: &'static str,
    salt: &'static str,
    password: &'static str,
    messages: [&'static str; 4],
}

impl Scram {
    fn check(&self) {
        let key = ScramKey::decode(self.key).unwrap();
        assert_eq!(key.encode().expose(), self.key.as_bytes());
        let salt = STANDARD.decode(self.salt).unwrap();
        let password = Secret::from(self.password);
        assert_eq!(ScramKey::derive(key.hash(), &password, &salt, key.iterations()), Ok(key.clone()));
        assert!(key.is_of(&password));
        assert!(!key.is_of(&Secret::from("pencils")));

        let [first, server_first, last, server_final] = self.messages;
        let (ours, theirs) = self.nonces;
        let nonce = Nonce::from_text(ours).unwrap();
        let policy = client::Policy::default();
        let mut client =
            client::Exchange::new(self.mechanism, &self.credentials, &policy, &self.channel, nonce).unwrap();
        assert_eq!(client.initial(), Some(Secret::from(first)));
        assert_eq!(client.respond(server_first.as_bytes()), Ok(Secret::from(last)));
        assert_eq!(client.finish(Some(server_final.as_bytes())), Ok(()));

        let server = |final_data| {
            let config = config().with_final_data(final_data);
            let nonce = Nonce::from_text(theirs).unwrap();
            let server = Exchange::new(self.mechanism.name(), &config, &self.channel, nonce).unwrap();
            let Event::Key(query) = server.start(Some(&Secret::from(first))) else { panic!("no query") };
            let Event::Challenge(challenge) = query.found(&key) else { panic!("no challenge") };
            assert_eq!(challenge.data(), server_first.as_bytes());
            match challenge.respond(&Secret::from(last)) {
                Event::Authorization(check) => check.accept(),
                event => event,
            }
        };
        let Event::Success(success) = server(FinalData::WithSuccess) else { panic!("no success") };
        assert_eq!(success.data(), Some(server_final.as_bytes()));
        let Event::Challenge(challenge) = server(FinalData::Challenge) else { panic!("no last challenge") };
        assert_eq!(challenge.data(), server_final.as_bytes());
        let Event::Success(after) = challenge.respond(&Secret::default()) else { panic!("no success") };
        assert_eq!(after.identity(), success.identity());
        assert_eq!(after.data(), None);
    }
}

#[test]
fn rfc_5802_5_scram_sha_1() {
    Scram {
        mechanism: Mechanism::ScramSha1,
        channel: tls(),
        credentials: client::Credentials::password("user", "pencil"),
        nonces: ("fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j"),
        key: "SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE=",
        salt: "QSXCR+Q6sek8bf92",
        password: "pencil",
        messages: [
            "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ],
    }
    .check();
}

#[test]
fn rfc_7677_3_scram_sha_256() {
    Scram {
        mechanism: Mechanism::ScramSha256,
        channel: tls(),
        credentials: client::Credentials::password("user", "pencil"),
        nonces: ("rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"),
        key: "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
              wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
        salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
        password: "pencil",
        messages: [
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ],
    }
    .check();
}

#[test]
fn scram_sha_512_as_computed_elsewhere() {
    Scram {
        mechanism: Mechanism::ScramSha512,
        channel: tls(),
        credentials: client::Credentials::password("user", "pencil"),
        nonces: ("rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"),
        key: "SCRAM-SHA-512$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
              6AAub3065EYRmyFpM2RNwqK+eGnrkYuEWbXn19LsEmBqzu8QaCXNc1FwpnX9NhH2hK/60dzj9DoO5DvVkOHbvg==:\
              jZHbYjC1aHh0/hKbxyBuGFjDrgjgKTT1esA7awWiKcRZ0o/0b1yWEebBeSVkkCFewf91nLDfKF24mvD5nmE6rA==",
        salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
        password: "pencil",
        messages: [
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
            "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==",
        ],
    }
    .check();
}

/// A name with `=` and `,`, a password beyond ASCII, somebody to act for, and a binding.
#[test]
fn scram_sha_512_plus_as_computed_elsewhere() {
    let data: Vec<u8> = (0..32).collect();
    Scram {
        mechanism: Mechanism::ScramSha512Plus,
        channel: tls().with_binding(ChannelBinding::new(BindingType::TlsExporter, data).unwrap()),
        credentials: client::Credentials::password("u=s,er", "pa\u{308}ss").acting_for("other"),
        nonces: ("clientnonce", "servernonce"),
        key: "SCRAM-SHA-512$5000:AAECAwQFBgcICQoLDA0ODw==$\
              vlMlgZOt693qCNn1xi8XugVI8GnypS37Qbww1Oq8crNtiGh1J81kD9hCvgK9dn1pjUMq1yZgP4HVyxPwdfUpFw==:\
              WU6ykrVeEGA4EBS9EBornRXV+4bbNMfc3TzXobOGN7RVD8K47nOcNHLTslHjl6vtBWx9PraUyo7cHSO2xxwo5w==",
        salt: "AAECAwQFBgcICQoLDA0ODw==",
        password: "p\u{e4}ss",
        messages: [
            "p=tls-exporter,a=other,n=u=3Ds=2Cer,r=clientnonce",
            "r=clientnonceservernonce,s=AAECAwQFBgcICQoLDA0ODw==,i=5000",
            "c=cD10bHMtZXhwb3J0ZXIsYT1vdGhlciwAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==,\
             r=clientnonceservernonce,\
             p=O+4pcgG14ap3rCJRp0/u0+q8a3Z50bZbDynnRhY39EHZYzSopo5U3cLy3Ci4UI6MLYmobdbUay7++hXq8rf/ng==",
            "v=qSdtnHFO5spnGf2qmhopgbNhj55CUr2R9lBmhvcDQKEBgM9f94Dhlb06cKCDh3FJABQEpvOaQIyj5ROE2bBzlw==",
        ],
    }
    .check();
}

#[test]
fn rfc_4616_4_plain() {
    let password = |message: &str| {
        let server = Exchange::new("plain", &config(), &tls(), nonce(0)).unwrap();
        match server.start(Some(&Secret::from(message))) {
            Event::Password(check) => (
                check.authorization().map(String::from),
                check.authentication().to_owned(),
                check.password().clone(),
            ),
            event => panic!("{event:?}"),
        }
    };
    let secret = Secret::from("tanstaaftanstaaf");
    assert_eq!(password("\0tim\0tanstaaftanstaaf"), (None, "tim".into(), secret.clone()));
    let other = (Some("Ursel".into()), "Kurt".into(), Secret::from("xipj3plmq"));
    assert_eq!(password("Ursel\0Kurt\0xipj3plmq"), other);

    let credentials = client::Credentials::password("tim", secret);
    let client = common::exchange(Mechanism::Plain, &credentials, &tls()).unwrap();
    assert_eq!(client.initial(), Some(Secret::from("\0tim\0tanstaaftanstaaf")));
    let credentials = client::Credentials::password("Kurt", "xipj3plmq").acting_for("Ursel");
    let client = common::exchange(Mechanism::Plain, &credentials, &tls()).unwrap();
    assert_eq!(client.initial(), Some(Secret::from("Ursel\0Kurt\0xipj3plmq")));
}

#[test]
fn rfc_2195_2_cram_md5() {
    let challenge = "<1896.697170952@postoffice.reston.mci.net>";
    let response = "tim b913a602c7eda7a495b4e6e7334d3890";
    let credentials = client::Credentials::password("tim", "tanstaaftanstaaf");
    let mut client = common::exchange(Mechanism::CramMd5, &credentials, &tls()).unwrap();
    assert_eq!(client.initial(), None);
    assert_eq!(client.respond(challenge.as_bytes()), Ok(Secret::from(response)));
    assert_eq!(client.finish(None), Ok(()));

    let config = config().with_host("postoffice.reston.mci.net");
    let nonce = Nonce::from_text("1896.697170952").unwrap();
    let server = Exchange::new("CRAM-MD5", &config, &tls(), nonce).unwrap();
    let Event::Challenge(sent) = server.start(None) else { panic!("no challenge") };
    assert_eq!(sent.data(), challenge.as_bytes());
    let Event::PasswordOf(query) = sent.respond(&Secret::from(response)) else { panic!("no query") };
    assert_eq!(query.user(), "tim");
    assert!(matches!(query.found(&Secret::from("tanstaaftanstaaf")), Event::Success(_)));
}

#[test]
fn rfc_7628_4_1_oauthbearer() {
    let message = "n,a=user@example.com,\u{1}host=server.example.com\u{1}port=143\u{1}\
                   auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\u{1}\u{1}";
    let token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";
    let credentials =
        client::Credentials::token("user@example.com", token).for_server("server.example.com", 143);
    let client = common::exchange(Mechanism::OAuthBearer, &credentials, &tls()).unwrap();
    assert_eq!(client.initial(), Some(Secret::from(message)));
    assert_eq!(client.finish(None), Ok(()));

    let server = Exchange::new("OAUTHBEARER", &config(), &tls(), nonce(0)).unwrap();
    let Event::Token(check) = server.start(Some(&Secret::from(message))) else { panic!("no check") };
    assert_eq!(check.user(), Some("user@example.com"));
    assert_eq!((check.host(), check.port()), (Some("server.example.com"), Some(143)));
    assert_eq!(check.token(), &Secret::from(token));
    let Event::Success(success) = check.accept("user@example.com") else { panic!("no success") };
    assert_eq!(success.identity().user(), "user@example.com");
}

/// A client without a token learns what it needs.
#[test]
fn rfc_7628_4_3_failed_oauthbearer() {
    let message = "n,a=user@example.com,\u{1}host=server.example.com\u{1}port=143\u{1}auth=\u{1}\u{1}";
    let complaint = "{\"status\":\"invalid_token\",\"scope\":\"example_scope\",\
                     \"openid-configuration\":\"https://example.com/.well-known/openid-configuration\"}";
    let error = TokenError::default()
        .with_scope("example_scope")
        .with_openid_configuration("https://example.com/.well-known/openid-configuration");
    let config = Config::new([Mechanism::OAuthBearer]).with_token_error(error);
    let server = Exchange::new("OAUTHBEARER", &config, &tls(), nonce(0)).unwrap();
    let Event::Challenge(challenge) = server.start(Some(&Secret::from(message))) else {
        panic!("no complaint")
    };
    assert_eq!(challenge.data(), complaint.as_bytes());

    let credentials = client::Credentials::token("user@example.com", "bad");
    let mut client = common::exchange(Mechanism::OAuthBearer, &credentials, &tls()).unwrap();
    let response = client.respond(challenge.data()).unwrap();
    assert_eq!(response.expose(), b"\x01");
    assert_eq!(client.complaint(), Some(complaint.as_bytes()));
    assert_eq!(client.finish(None), Err(SaslError::TokenRefused));
    let Event::Failure(failure) = challenge.respond(&response) else { panic!("no failure") };
    assert_eq!(failure.error(), SaslError::Credentials);
}

/// The header in the SMTP example of RFC 7628 4.4 is none of RFC 5801: `user=` has no place there.
#[test]
fn rfc_7628_4_4_header_is_refused() {
    let message =
        "n,user=someuser@example.com,\u{1}auth=Bearer vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==\u{1}\u{1}";
    let server = Exchange::new("OAUTHBEARER", &config(), &tls(), nonce(0)).unwrap();
    let Event::Failure(failure) = server.start(Some(&Secret::from(message))) else { panic!("no failure") };
    assert_eq!(failure.error(), SaslError::Malformed);
}

#[test]
fn xoauth2_and_its_empty_answer() {
    let message =
        "user=someuser@example.com\u{1}auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\u{1}\u{1}";
    let token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg";
    let credentials = client::Credentials::token("someuser@example.com", token);
    let mut client = common::exchange(Mechanism::XOAuth2, &credentials, &tls()).unwrap();
    assert_eq!(client.initial(), Some(Secret::from(message)));
    let server = Exchange::new("XOAUTH2", &config(), &tls(), nonce(0)).unwrap();
    let Event::Token(check) = server.start(Some(&Secret::from(message))) else { panic!("no check") };
    assert_eq!(check.user(), Some("someuser@example.com"));
    assert_eq!(check.token(), &Secret::from(token));
    let Event::Challenge(challenge) = check.reject(&TokenError::new("401")) else { panic!("no complaint") };
    let response = client.respond(challenge.data()).unwrap();
    assert_eq!(response, Secret::default());
    assert!(matches!(challenge.respond(&response), Event::Failure(_)));
    assert_eq!(client.finish(None), Err(SaslError::TokenRefused));
}

#[test]
fn rfc_4422_a_external_and_rfc_4505_anonymous() {
    let initial = |mechanism, credentials: &client::Credentials| {
        common::exchange(mechanism, credentials, &tls()).unwrap().initial().unwrap()
    };
    assert_eq!(initial(Mechanism::External, &client::Credentials::external()), Secret::default());
    let other = client::Credentials::external().acting_for("fred@example.com");
    assert_eq!(initial(Mechanism::External, &other), Secret::from("fred@example.com"));
    assert_eq!(
        initial(Mechanism::Anonymous, &client::Credentials::anonymous("sirhc")),
        Secret::from("sirhc")
    );

    let server = Exchange::new("EXTERNAL", &config(), &tls(), nonce(0)).unwrap();
    let Event::External(check) = server.start(Some(&Secret::default())) else { panic!("no check") };
    assert_eq!(check.authorization(), None);
    let Event::Success(success) = check.accept("fred") else { panic!("no success") };
    assert_eq!(success.identity().user(), "fred");
    let server = Exchange::new("ANONYMOUS", &config(), &Channel::new(Security::Plain), nonce(0)).unwrap();
    let Event::Anonymous(check) = server.start(Some(&Secret::from("sirhc"))) else { panic!("no check") };
    assert_eq!(check.trace(), Some("sirhc"));
    let Event::Success(success) = check.accept("guest") else { panic!("no success") };
    assert_eq!(success.identity().user(), "guest");
}

#[test]
fn the_questions_of_login() {
    let server: server::Exchange = Exchange::new("Login", &config(), &tls(), nonce(0)).unwrap();
    let Event::Challenge(user) = server.start(None) else { panic!("no question") };
    assert_eq!(user.data(), b"Username:");
    let Event::Challenge(password) = user.respond(&Secret::from("user")) else { panic!("no question") };
    assert_eq!(password.data(), b"Password:");
    let Event::Password(check) = password.respond(&Secret::from("pw")) else { panic!("no check") };
    assert_eq!((check.authentication(), check.password()), ("user", &Secret::from("pw")));
}
