//! Properties of the exchanges in `posthaste-sasl`: the pieces of an input are the messages of the other
//! side.

use std::sync::LazyLock;

use posthaste_sasl::server::{self, Event};
use posthaste_sasl::{
    BindingType, Channel, ChannelBinding, Hash, Mechanism, Nonce, ScramKey, Secret, Security, TokenError,
    client,
};

use crate::plan::Plan;

const USER: &str = "user";
const PASSWORD: &str = "pencil";

/// An exchange ends after a few messages, and whoever gets in is the one user there is, for itself.
pub fn sasl_server(input: &[u8]) {
    let Some(plan) = Plan::read(input) else { return };
    let (mechanism, ahead) = (mechanism(plan.number), plan.number < 128);
    let mut messages = plan.pieces().into_iter();
    let initial = messages.next().filter(|_| ahead).map(Secret::from);
    let nonce = Nonce::from_text("3rfcNHYJY1ZVvWVs7j").unwrap();
    let exchange = server::Exchange::new(mechanism.name(), &SERVER, &channel(), nonce).unwrap();
    let mut event = settle(exchange.start(initial.as_ref()));
    let mut challenges = 0;
    while let Event::Challenge(challenge) = event {
        challenges += 1;
        assert!(challenges <= 3, "{mechanism:?} goes on for ever");
        event = settle(challenge.respond(&Secret::from(messages.next().unwrap_or_default())));
    }
    match event {
        Event::Success(success) => {
            let expected = if mechanism == Mechanism::Anonymous { "guest" } else { USER };
            assert_eq!(success.identity().user(), expected);
        }
        Event::Failure(failure) => assert_eq!(failure.data().is_some(), mechanism.scram().is_some()),
        event => panic!("{event:?}"),
    }
}

/// A failure is for good, and no server proves what it does not know.
pub fn sasl_client(input: &[u8]) {
    let Some(plan) = Plan::read(input) else { return };
    let mechanism = mechanism(plan.number);
    let credentials = match mechanism {
        Mechanism::External => client::Credentials::external(),
        Mechanism::Anonymous => client::Credentials::anonymous(USER),
        Mechanism::OAuthBearer | Mechanism::XOAuth2 => client::Credentials::token(USER, PASSWORD),
        _ => client::Credentials::password(USER, PASSWORD),
    };
    let policy = client::Policy::default().with_iterations(4096..=4096);
    let nonce = Nonce::from_text("fyko+d2lbbFgONRv9qkxdawL").unwrap();
    let mut exchange = client::Exchange::new(mechanism, &credentials, &policy, &channel(), nonce).unwrap();
    let pieces = plan.pieces();
    let (data, challenges) = pieces.split_last().unwrap();
    let mut failed = None;
    for challenge in challenges {
        let response = exchange.respond(challenge);
        if let Some(failed) = failed {
            assert_eq!(response, Err(failed), "a failed exchange went on");
        }
        failed = failed.or(response.err());
    }
    let end = exchange.finish((plan.number >= 128).then_some(data));
    if let Some(failed) = failed {
        assert_eq!(end, Err(failed), "a failed exchange succeeded");
    }
    assert!(
        end.is_err() || mechanism.scram().is_none(),
        "a server proved itself without knowing the password"
    );
}

fn mechanism(number: u8) -> Mechanism {
    Mechanism::ALL[usize::from(number) % Mechanism::ALL.len()]
}

fn channel() -> Channel {
    Channel::new(Security::Tls)
        .with_binding(ChannelBinding::new(BindingType::TlsExporter, vec![1; 32]).unwrap())
}

/// Answers as an application would that knows one user, until it is the client's turn.
fn settle(mut event: Event) -> Event {
    loop {
        event = match event {
            Event::Password(check) if check.authentication() == USER => {
                if check.password().expose() == PASSWORD.as_bytes() { check.accept() } else { check.reject() }
            }
            Event::Password(check) => check.reject(),
            Event::Key(query) if query.user() == USER => {
                let key = KEYS.iter().find(|key| key.hash() == query.hash()).unwrap();
                query.found(key)
            }
            Event::Key(query) => query.unknown(),
            Event::PasswordOf(query) if query.user() == USER => query.found(&Secret::from(PASSWORD)),
            Event::PasswordOf(query) => query.unknown(),
            Event::Token(check) if check.token().expose() == PASSWORD.as_bytes() => check.accept(USER),
            Event::Token(check) => check.reject(&TokenError::default()),
            Event::External(check) => check.accept(USER),
            Event::Anonymous(check) => check.accept("guest"),
            Event::Authorization(check) => check.reject(),
            event => return event,
        }
    }
}

static SERVER: LazyLock<server::Config> = LazyLock::new(|| {
    let decoys = server::Decoys::new(Secret::from("a secret")).with_iterations(4096);
    server::Config::new(Mechanism::ALL).with_decoys(decoys)
});

static KEYS: LazyLock<Vec<ScramKey>> = LazyLock::new(|| {
    let key = |hash| ScramKey::derive(hash, &Secret::from(PASSWORD), b"0123456789abcdef", 4096).unwrap();
    Hash::ALL.map(key).to_vec()
});
