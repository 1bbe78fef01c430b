//! A server that orders its certificates: what clients and administrators see of it.

use std::net::SocketAddr;
use std::process::Command;

use posthaste_server::acme::Standing;
use posthaste_server::admin::{ProblemKind, certificates};
use posthaste_server::listen::Service;
use posthaste_server::tls::{Facts, Origin};
use posthaste_tokio::tls::Alpn;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use crate::authority::Authority;
use crate::server::World;

/// A server that asks an authority, which does not find it yet.
async fn open() -> (World, Authority) {
    let authority = Authority::open().await;
    let world = World::configured(|config| authority.configure(config, &["localhost"])).await;
    (world, authority)
}

/// The same, with a certificate.
async fn stocked() -> (World, Authority) {
    let (mut world, authority) = open().await;
    authority.hosts_lead_to(world.running.acme[0]);
    let standing = done(&world).await;
    assert_eq!(standing.error, None);
    world.trust(&authority.root);
    (world, authority)
}

/// How orders stand, once one has come to its end.
async fn done(world: &World) -> Standing {
    let mut standing = world.running.context().keyring.orders().unwrap().watch();
    standing.wait_for(|now| now.next.is_some() && !now.is_under_way).await.unwrap().clone()
}

/// What a client sees that trusts the authority.
async fn seen(world: &World, service: Service, alpn: Alpn) -> Facts {
    let tcp = TcpStream::connect(world.running.address(service).unwrap()).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(world.client_config(alpn));
    let tls = connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap();
    let chain = tls.get_ref().1.peer_certificates().unwrap();
    assert_eq!(chain.len(), 2, "its issuer comes along");
    Facts::of_der(&chain[0]).unwrap()
}

#[tokio::test]
async fn u25_a_server_without_a_certificate_takes_mail_and_then_shows_the_one_it_got() {
    let (mut world, authority) = open().await;
    // The order waits for the authority to look; nobody else waits.
    assert_eq!(world.running.context().keyring.shown()[0].origin, Origin::SelfSigned);
    world.deliver("alice@x.test", "Subject: early\r\n\r\nbody\r\n").await;
    let mut early = world.imap("alice").await;
    assert!(!authority.root.is_empty());
    authority.hosts_lead_to(world.running.acme[0]);
    assert_eq!(done(&world).await.error, None);
    world.trust(&authority.root);
    for (service, alpn) in
        [(Service::Imaps, Alpn::Imap), (Service::Pop3s, Alpn::Pop3), (Service::Submissions, Alpn::Smtp)]
    {
        let facts = seen(&world, service, alpn).await;
        assert_eq!((facts.issuer.as_str(), facts.names), ("Small Authority", vec!["localhost".to_owned()]));
    }
    // STARTTLS, on a port for mail from other servers.
    let mut peer = world.smtp().await;
    peer.ask("STARTTLS", "220 ").await;
    let mut peer = world.secure(peer).await;
    assert!(peer.ehlo("EHLO").await.contains("PIPELINING"));
    // Whoever was there before has noticed nothing.
    early.ok("NOOP").await;
}

#[tokio::test]
async fn u25_a_renewal_drops_nobody() {
    let (world, authority) = stocked().await;
    let first = seen(&world, Service::Imaps, Alpn::Imap).await;
    let mut imap = world.selected("alice", "INBOX").await;
    let mut submission = world.submission("bob").await;
    submission.envelope("<bob@x.test>", &["alice@x.test"]).await;
    let all = world.running.admin().ask(certificates::Renew {}).await.unwrap();
    let renewal = all[0].renewal.clone().unwrap();
    assert_eq!((all.len(), all[0].origin.as_str(), renewal.failures, renewal.error), (1, "acme", 0, None));
    assert!(renewal.next.unwrap() < all[0].expires);
    let second = seen(&world, Service::Imaps, Alpn::Imap).await;
    assert_ne!(first.serial, second.serial);
    assert_eq!(all[0].expires, second.not_after.as_second());
    submission.ask("From: bob@x.test\r\nSubject: during\r\n\r\nbody\r\n.", "250 ").await;
    assert!(imap.ok("NOOP").await.contains("1 EXISTS"));
    assert_eq!(authority.state().placed.len(), 2);
}

#[tokio::test]
async fn u25_what_goes_wrong_is_told_to_administrators_and_to_nobody_else() {
    let (world, authority) = stocked().await;
    let before = seen(&world, Service::Imaps, Alpn::Imap).await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    authority.hosts_lead_to(nobody);
    let problem = world.running.admin().ask(certificates::Renew {}).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Unavailable);
    assert!(problem.detail.contains("localhost") && problem.detail.contains("refused"), "{problem}");
    let all = world.running.admin().ask(certificates::List {}).await.unwrap();
    let renewal = all[0].renewal.clone().unwrap();
    assert_eq!((renewal.failures, renewal.error), (1, Some(problem.detail)));
    assert_eq!(seen(&world, Service::Imaps, Alpn::Imap).await, before);
    // Nothing is needed yet.
    let found = posthaste_server::health::readiness(world.running.context()).await;
    assert!(found.ready && found.warnings.is_empty(), "{found:?}");
}

#[tokio::test]
async fn u25_that_no_certificate_comes_is_a_warning_and_the_server_is_ready() {
    let (world, authority) = open().await;
    authority.hosts_lead_to(std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let error = done(&world).await.error.unwrap();
    assert!(error.contains("localhost was not found to be this server"), "{error}");
    let found = posthaste_server::health::readiness(world.running.context()).await;
    assert!(found.ready && found.warnings.iter().any(|one| one.contains(&error)), "{found:?}");
}

#[tokio::test]
async fn u25_an_expiry_that_nobody_sees_to_is_a_warning() {
    let (world, authority) = stocked().await;
    let day = std::time::Duration::from_secs(86_400);
    authority.state().validity = Some((day * 80, day * 90));
    world.running.admin().ask(certificates::Renew {}).await.unwrap();
    let found = posthaste_server::health::readiness(world.running.context()).await;
    assert!(found.ready && found.warnings.iter().any(|one| one.contains("expires at 2")), "{found:?}");
}

#[tokio::test]
async fn u25_one_order_at_a_time() {
    let (world, _authority) = open().await;
    let mut standing = world.running.context().keyring.orders().unwrap().watch();
    standing.wait_for(|now| now.is_under_way).await.unwrap();
    let problem = world.running.admin().ask(certificates::Renew {}).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Conflict);
    // Nor does an order keep a server from stopping.
    tokio::time::timeout(std::time::Duration::from_secs(20), world.running.stop()).await.unwrap();
}

#[tokio::test]
async fn u25_without_an_authority_nothing_is_ordered() {
    let world = World::new().await;
    let all = world.running.admin().ask(certificates::List {}).await.unwrap();
    assert_eq!((all.len(), all[0].origin.as_str(), &all[0].renewal), (1, "self-signed", &None));
    let problem = world.running.admin().ask(certificates::Renew {}).await.unwrap_err();
    assert!(problem.kind == ProblemKind::Conflict && problem.to_string().contains("[tls.acme]"), "{problem}");
    assert!(world.running.acme.is_empty());
}

#[tokio::test]
async fn u25_a_signal_takes_other_certificates_but_not_another_authority() {
    let (world, authority) = stocked().await;
    let before = seen(&world, Service::Imaps, Alpn::Imap).await;
    let mut config = (*world.running.context().config).clone();
    authority.configure(&mut config, &["localhost", "elsewhere.test"]);
    assert_eq!(world.running.context().config.waiting(&config), ["[tls.acme]"]);
    world.running.context().keyring.reload(&config).unwrap();
    assert_eq!(seen(&world, Service::Imaps, Alpn::Imap).await, before);
    config.tls = None;
    world.running.context().keyring.reload(&config).unwrap();
    assert_eq!(seen(&world, Service::Imaps, Alpn::Imap).await, before);
}

/// Asks the command, as an administrator does: whether it was done, standard output, standard error.
async fn command(world: &World, arguments: &'static [&'static str]) -> (bool, String, String) {
    let file = world.data.path().join("posthaste.toml");
    let data = world.data.path().display();
    std::fs::write(&file, format!("hostname = \"localhost\"\ndata = \"{data}\"\n")).unwrap();
    let asking = tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_posthaste"))
            .arg("--config")
            .arg(file)
            .args(arguments)
            .output()
            .unwrap()
    });
    let output = asking.await.unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn u25_administrators_see_and_renew_certificates() {
    let (world, authority) = stocked().await;
    let (is_done, out, _) = command(&world, &["certificate", "list"]).await;
    assert!(
        is_done && ["localhost", "Small Authority", "acme", "20"].iter().all(|part| out.contains(part)),
        "{out}"
    );
    let (is_done, _, error) = command(&world, &["certificate", "renew"]).await;
    assert!(is_done, "{error}");
    assert_eq!(authority.state().placed.len(), 2);
    authority.state().is_gone = true;
    let (is_done, out, error) = command(&world, &["certificate", "renew"]).await;
    assert!(!is_done && out.is_empty() && error.contains("the authority can not be asked"), "{error}");
    let (_, out, _) = command(&world, &["--json", "certificate", "list"]).await;
    let all: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&all[0]["origin"], &all[0]["renewal"]["failures"]), (&"acme".into(), &1.into()));
    let expiry = posthaste_server::metrics::render(world.running.context());
    let wanted = format!("posthaste_certificate_expiry_timestamp_seconds {}", all[0]["expires"]);
    assert!(expiry.lines().any(|line| line == wanted), "{wanted}");
    let data = world.data;
    world.running.stop().await;
    // Certificates are those of a server that runs.
    let file = data.path().join("posthaste.toml");
    let mut late = Command::new(env!("CARGO_BIN_EXE_posthaste"));
    let output = late.arg("--config").arg(file).args(["certificate", "list"]).output().unwrap();
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("no server runs"));
}

#[tokio::test]
async fn u25_at_port_80_there_is_nothing_else() {
    let (world, _authority) = stocked().await;
    let address: SocketAddr = world.running.acme[0];
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 "),
        ("GET /api/version HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 "),
        (
            "POST /.well-known/acme-challenge/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx",
            "HTTP/1.1 404 ",
        ),
        ("nonsense\r\n\r\n", "HTTP/1.1 400 "),
    ] {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Whoever sends more than is read may be cut off.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.starts_with(status.as_bytes()), "{request:?}: {}", String::from_utf8_lossy(&answer));
    }
}
