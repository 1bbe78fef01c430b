//! Logging in, as every protocol has it: which mechanisms, and what failures lead to.

use std::time::Duration;

use posthaste_server::directory::BanSubject;
use posthaste_server::listen::Service;
use posthaste_server::store::InternalDate;
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{ClientOptions, Credentials, Endpoint, Protocol, TlsMode, pop3};

use crate::server::{World, base64};

async fn pop3_client(world: &World, password: &str) -> Option<pop3::Client> {
    let port = world.running.address(Service::Pop3s).unwrap().port();
    let endpoint =
        Endpoint::new(Protocol::Pop3, "localhost").unwrap().with_tls(TlsMode::Implicit).with_port(port);
    let options = ClientOptions::default()
        .with_credentials(Credentials::new("alice@x.test".to_owned(), password))
        .with_client_config(world.client_config(Alpn::Pop3));
    pop3::Client::connect(&endpoint, &options).await.ok()
}

#[tokio::test]
async fn m_a_client_takes_the_strongest_mechanism_and_is_bound_to_its_connection() {
    let world = World::new().await;
    // It is SCRAM-SHA-256-PLUS that this client prefers; there is no other way in for it to be checked with.
    let mut client = pop3_client(&world, "secret").await.unwrap();
    assert_eq!(client.stat().await.unwrap(), (0, 0));
    client.quit().await.unwrap();
    assert!(pop3_client(&world, "wrong").await.is_none());
}

#[tokio::test]
async fn auth_07_plus_is_announced_and_a_client_that_believes_it_is_not_is_refused() {
    let world = World::new().await;
    let mut peer = world.connect(Service::Submissions).await;
    peer.expect("220 ").await;
    let offers = peer.ehlo("EHLO").await;
    let auth = offers.lines().find(|line| line.contains("AUTH ")).unwrap();
    assert!(
        auth.ends_with("AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN"),
        "{auth}"
    );
    // "y": the client could bind, and thinks the server could not.
    let first = base64(b"y,,n=alice@x.test,r=fyko");
    peer.ask(&format!("AUTH SCRAM-SHA-256 {first}"), "5").await;
    let first = base64(b"n,,n=nobody@x.test,r=fyko");
    let unknown = peer.ask(&format!("AUTH SCRAM-SHA-256 {first}"), "334 ").await;
    peer.ask("*", "501 ").await;
    let first = base64(b"n,,n=alice@x.test,r=fyko");
    let known = peer.ask(&format!("AUTH SCRAM-SHA-256 {first}"), "334 ").await;
    peer.ask("*", "501 ").await;
    assert_eq!(known.len(), unknown.len(), "who is a user does not show");
}

#[tokio::test]
async fn auth_06_a_banned_network_is_turned_away_at_the_door_until_the_ban_is_lifted() {
    let world = World::new().await;
    let here = BanSubject::Network([127, 0, 0, 1].into());
    world.running.directory().ban(here.clone(), Duration::from_secs(600));
    let mut peer = world.connect(Service::Submission).await;
    peer.expect("421 4.7.0 ").await;
    assert_eq!(peer.line().await, "");
    world.connect(Service::Pop3).await.expect("-ERR [SYS/TEMP] ").await;
    world.connect(Service::Imap).await.expect("* BYE [UNAVAILABLE] ").await;
    // Mail from other servers, and from a front server, comes all the same: nobody logs in there.
    world.deliver("alice@x.test", "Subject: one\r\n\r\n").await;
    world.lmtp().await.ask("NOOP", "250 ").await;
    world.running.directory().lift_ban(here);
    world.connect(Service::Submission).await.expect("220 ").await;
}

#[tokio::test]
async fn b10_the_machine_itself_is_not_shut_out_where_nothing_else_is_configured() {
    let exempt = posthaste_server::config::Bans::default().exempt;
    let world = World::configured(|config| config.bans.exempt = exempt).await;
    for name in 0..40 {
        let mut imap = world.connect(Service::Imaps).await;
        imap.expect("* OK").await;
        imap.ask(&format!("a LOGIN user{name}@x.test wrong"), "a NO").await;
    }
    // One user of a webmail here guesses; the others go on.
    world.imap("alice").await.ok("NOOP").await;
    assert!(world.running.directory().bans().is_empty());
}

#[tokio::test]
async fn auth_06_whoever_guesses_on_is_banned_and_cut_off() {
    let world = World::new().await;
    // Twenty failures, over several connections: no connection takes as many. One name would be slowed down alone.
    let mut failures = 0;
    'guessing: loop {
        let mut peer = world.connect(Service::Submissions).await;
        if !peer.line().await.starts_with("220 ") {
            break;
        }
        peer.send("EHLO c.test\r\n").await;
        while !peer.line().await.starts_with("250 ") {}
        loop {
            let wrong = base64(format!("\0user{failures}@x.test\0wrong").as_bytes());
            peer.send(&format!("AUTH PLAIN {wrong}\r\n")).await;
            match peer.line().await {
                line if line.starts_with("535 ") => failures += 1,
                _ => continue 'guessing,
            }
            assert!(failures < 100, "never banned");
        }
    }
    assert!(failures >= 20, "{failures}");
    let here = BanSubject::Network([127, 0, 0, 1].into());
    assert!(world.running.directory().bans().iter().any(|ban| ban.subject == here));
}

#[tokio::test]
async fn u7_the_last_login_is_noted() {
    let world = World::new().await;
    let before = InternalDate::now().seconds;
    let (_peer, answer) = world.pop3("alice").await;
    assert!(answer.starts_with("+OK"), "{answer}");
    let directory = world.running.directory();
    let alice = directory.account(&crate::server::address("alice")).unwrap();
    let at = directory.last_logins(alice.id)[&posthaste_server::directory::Service::Pop3];
    assert!(at >= before);
}

#[tokio::test]
async fn u25_one_switch_lets_passwords_in_the_clear() {
    let world = World::configured(|config| config.login.plaintext = true).await;
    let mut imap = world.connect(Service::Imap).await;
    imap.expect("* OK").await;
    imap.ask("a LOGIN alice@x.test secret", "a OK").await;
    let mut pop3 = world.connect(Service::Pop3).await;
    pop3.expect("+OK").await;
    pop3.ask("USER alice@x.test", "+OK").await;
    pop3.ask("PASS secret", "+OK").await;
    let mut submission = world.connect(Service::Submission).await;
    submission.expect("220").await;
    submission.ehlo("EHLO").await;
    // NUL alice@x.test NUL secret
    submission.ask("AUTH PLAIN AGFsaWNlQHgudGVzdABzZWNyZXQ=", "235").await;
}

#[tokio::test]
async fn b15_another_password_and_a_revoked_one_end_the_sessions_there_are() {
    use posthaste_server::admin::{Password, accounts, app_passwords};
    let world = World::new().await;
    let admin = world.running.admin();
    let alice = crate::server::address("alice");
    let add = app_passwords::Add {
        address: alice.clone(),
        name: "phone".to_owned(),
        services: [posthaste_server::directory::Service::Imap].into(),
    };
    let set = |password| accounts::SetPassword {
        address: alice.clone(),
        password: Some(Password::new(password)),
        current: None,
    };
    for round in 0..2 {
        let mut imap = world.imap("alice").await;
        let (mut pop3, answer) = world.pop3("alice").await;
        assert!(answer.starts_with("+OK"), "{answer}");
        let mut idle = world.submission("alice").await;
        let mut busy = world.submission("alice").await;
        busy.envelope("<alice@x.test>", &["bob@x.test"]).await;
        let mut bob = world.imap("bob").await;
        match round {
            0 => {
                // One more ends nothing.
                admin.ask(add.clone()).await.unwrap();
                imap.ok("NOOP").await;
                idle.ask("NOOP", "250 ").await;
                admin.ask(set("secret")).await.unwrap();
            }
            _ => {
                let revoke = app_passwords::Revoke { address: alice.clone(), name: "phone".to_owned() };
                admin.ask(revoke).await.unwrap();
            }
        }
        imap.peer.expect("* BYE").await;
        assert!(!pop3.line().await.starts_with("+OK"));
        idle.expect("421 ").await;
        // A message that was on its way does not come through.
        busy.ask("From: alice@x.test\r\n\r\nbody\r\n.", "550 5.7.1 ").await;
        bob.ok("NOOP").await;
        assert_eq!(world.usage("bob").await.messages, 0);
    }
}
