//! How services are run: what is read again, whose word on a client's address is taken, and what ends in order.

use posthaste_server::config::{Config, Limits, RunAs, Tls};
use posthaste_server::directory::HashCost;
use posthaste_server::listen::{self, ServeError, Service};
use posthaste_tokio::tls::Alpn;

use crate::server::World;

/// A certificate for `localhost`, under this name in the directory; in PEM.
fn certificate(directory: &std::path::Path, name: &str) -> String {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(directory.join(format!("{name}-key.pem")), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(directory.join(format!("{name}.pem")), made.cert.pem()).unwrap();
    made.cert.pem()
}

#[tokio::test]
async fn u25_certificates_and_limits_are_read_again_while_sessions_go_on() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("posthaste.toml");
    let text = |data: &std::path::Path, size: &str, name: &str| {
        format!(
            "hostname = \"localhost\"\ndata = {:?}\n[tls]\ncertificate = \"{name}.pem\"\nkey = \"{name}-key.pem\"\n\
             [limits]\nmessage_size = \"{size}\"\n",
            data.display().to_string()
        )
    };
    let (first, second) = (certificate(files.path(), "first"), certificate(files.path(), "second"));
    let mut world = World::configured(|config| {
        config.file.clone_from(&path);
        config.tls = Some(Tls::of_files(files.path().join("first.pem"), files.path().join("first-key.pem")));
    })
    .await;
    world.trust(&first);
    let mut before = world.submission("alice").await;
    std::fs::write(&path, text(world.data.path(), "1M", "second")).unwrap();
    world.running.reload();
    before.ask("NOOP", "250 ").await;
    assert!(before.ehlo("EHLO").await.contains("SIZE 52428800"));
    world.trust(&second);
    let mut after = world.submission("alice").await;
    assert!(after.ehlo("EHLO").await.contains("SIZE 1048576"));
    // What cannot be used changes nothing.
    for broken in ["hostname = ".to_owned(), text(world.data.path(), "1M", "missing")] {
        std::fs::write(&path, broken).unwrap();
        world.running.reload();
        world.submission("alice").await.ask("NOOP", "250 ").await;
    }
}

#[tokio::test]
async fn a_proxy_says_who_the_client_is_and_nobody_else_does() {
    let world =
        World::configured(|config| config.proxies.networks = vec!["127.0.0.1".parse().unwrap()]).await;
    let mut peer = world.connect(Service::Smtp).await;
    peer.send("PROXY TCP4 192.0.2.7 192.0.2.1 4000 25\r\n").await;
    peer.expect("220 ").await;
    peer.ehlo("EHLO").await;
    peer.envelope("<a@b.test>", &["alice@x.test"]).await;
    peer.ask("Subject: x\r\n\r\n.", "250 ").await;
    assert!(
        world.contents("alice", "INBOX").await[0].contains("Received: from client.test ([192.0.2.7])\r\n")
    );
    let world = World::new().await;
    let mut peer = world.connect(Service::Smtp).await;
    peer.send("PROXY TCP4 192.0.2.7 192.0.2.1 4000 25\r\n").await;
    let line = peer.line().await;
    assert!(!line.starts_with("220 ") || peer.line().await.starts_with('5'), "{line}");
}

#[tokio::test]
async fn a_server_that_cannot_run_as_it_is_told_does_not_start() {
    let data = tempfile::tempdir().unwrap();
    let base = || {
        let mut config = Config::new("localhost", data.path());
        config.listen.smtp = vec![([127, 0, 0, 1], 0).into()];
        config
    };
    let start =
        async |config: Config| listen::start(config, HashCost::MINIMUM).await.map(|_| ()).unwrap_err();
    let nobody = RunAs { user: "no-such-user".to_owned(), group: None };
    assert!(matches!(start(Config { run_as: Some(nobody), ..base() }).await, ServeError::Privilege(_)));
    let nothing = Config { listen: posthaste_server::config::Listen::default(), ..base() };
    assert!(matches!(start(nothing).await, ServeError::NothingToServe));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = base();
    config.listen.smtp = vec![taken.local_addr().unwrap()];
    assert!(matches!(start(config).await, ServeError::Bind { .. }));
    assert!(!data.path().join("posthaste.sqlite").exists(), "nothing is touched before");
}

#[tokio::test]
async fn b19_a_server_may_have_the_http_interface_alone() {
    let data = tempfile::tempdir().unwrap();
    let mut config = Config::new("localhost", data.path());
    config.listen.http = vec![([127, 0, 0, 1], 0).into()];
    let running = listen::start(config, HashCost::MINIMUM).await.unwrap();
    assert!(running.bound.is_empty());
    tokio::net::TcpStream::connect(running.http[0]).await.unwrap();
    running.stop().await;
    // And its port is opened with the others, before anything is touched.
    let (data, taken) = (tempfile::tempdir().unwrap(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let mut config = Config::new("localhost", data.path());
    config.listen.http = vec![taken.local_addr().unwrap()];
    assert!(matches!(listen::start(config, HashCost::MINIMUM).await, Err(ServeError::Bind { .. })));
    assert!(!data.path().join("posthaste.sqlite").exists());
}

#[tokio::test]
async fn res_07_a_network_has_so_many_connections() {
    let world = World::with(Limits { connections_per_ip: 2, ..Limits::default() }).await;
    let (_one, _two) = (world.smtp().await, world.smtp().await);
    world.connect(Service::Smtp).await.expect("421 4.7.0 ").await;
    // Another service counts for itself.
    world.connect(Service::Imap).await.expect("* OK").await;
}

#[tokio::test]
async fn u25_the_number_of_connections_is_read_again_and_cuts_nobody() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("posthaste.toml");
    let world = World::configured(|config| config.file.clone_from(&path)).await;
    let reload = |limits: &str| {
        let data = world.data.path().display().to_string();
        let text = format!("hostname = \"localhost\"\ndata = {data:?}\n[limits]\n{limits}\n");
        std::fs::write(&path, text).unwrap();
        world.running.reload();
    };
    let (mut one, mut two) = (world.smtp().await, world.smtp().await);
    reload("connections_per_ip = 1");
    world.connect(Service::Smtp).await.expect("421 4.7.0 ").await;
    one.ask("NOOP", "250 ").await;
    two.ask("NOOP", "250 ").await;
    // Each service has a count of its own, and the same limits.
    let mut imap = world.connect(Service::Imap).await;
    imap.expect("* OK").await;
    world.connect(Service::Imap).await.expect("* BYE ").await;
    // One more than there are now, in all.
    reload("connections_per_ip = 9\nconnections = 3");
    let mut three = world.smtp().await;
    world.connect(Service::Smtp).await.expect("421 4.7.0 ").await;
    reload("");
    world.smtp().await;
    three.ask("NOOP", "250 ").await;
}

#[tokio::test]
async fn stls_each_service_names_its_protocol() {
    let world = World::new().await;
    // A client that asks for IMAP does not get POP3.
    let tcp = tokio::net::TcpStream::connect(world.running.address(Service::Pop3s).unwrap()).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(world.client_config(Alpn::Imap));
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    assert!(connector.connect(name, tcp).await.is_err());
}
