//! When a certificate is ordered, what becomes of what goes wrong, and what is left on the disk. The clock is the test's.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use posthaste_server::acme::{
    self, Challenges, Files, Keeper, OrderError, PAUSE_AFTER_ORDER, RETRY_MAX, RETRY_MIN, Standing,
};
use posthaste_server::config::Config;
use posthaste_server::tls::{Keyring, Origin, Shown};
use posthaste_tokio::Listener;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::authority::Authority;

/// A server that is nothing but its certificates.
struct Shop {
    data: TempDir,
    authority: Authority,
    config: Config,
    keyring: Keyring,
    keeper: Keeper,
    stop: CancellationToken,
    address: SocketAddr,
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn keeper(config: &Config, keyring: &Keyring, challenges: &Challenges) -> Keeper {
    Keeper::new(config, keyring.clone(), challenges.clone()).unwrap().unwrap()
}

impl Shop {
    async fn open() -> Self {
        Self::with_hosts(&["mail.test", "imap.test"]).await
    }

    async fn with_hosts(hosts: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let authority = Authority::open().await;
        let config = authority.config(data.path(), hosts);
        let (challenges, stop) = (Challenges::default(), CancellationToken::new());
        let listener = Listener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addrs().unwrap()[0];
        authority.hosts_lead_to(address);
        tokio::spawn(acme::serve(listener, challenges.clone(), stop.clone()));
        let keyring = Keyring::load(&config).unwrap();
        let keeper = keeper(&config, &keyring, &challenges);
        Self { data, authority, config, keyring, keeper, stop, address }
    }

    /// The same shop after the server was started anew, perhaps with another configuration.
    async fn again(&mut self) {
        self.stop.cancel();
        let (challenges, stop) = (Challenges::default(), CancellationToken::new());
        let listener = Listener::bind("127.0.0.1:0").await.unwrap();
        self.address = listener.local_addrs().unwrap()[0];
        self.authority.hosts_lead_to(self.address);
        tokio::spawn(acme::serve(listener, challenges.clone(), stop.clone()));
        self.keyring = Keyring::load(&self.config).unwrap();
        self.keeper = keeper(&self.config, &self.keyring, &challenges);
        self.stop = stop;
    }

    fn shown(&self) -> Shown {
        self.keyring.shown().remove(0)
    }

    fn standing(&self) -> Standing {
        self.keyring.orders().unwrap().standing()
    }

    fn orders(&self) -> usize {
        self.authority.state().placed.len()
    }

    fn files(&self) -> Files {
        Files::of(self.data.path(), &self.config.acme().unwrap().directory)
    }

    /// A shop with a certificate.
    async fn stocked() -> Self {
        let mut shop = Self::open().await;
        shop.keeper.look(Timestamp::now()).await;
        assert_eq!((shop.shown().origin, shop.orders()), (Origin::Acme, 1), "{:?}", shop.standing());
        shop
    }

    /// An order, that comes to nothing and changes nothing of what is shown.
    async fn fails(&mut self, now: Timestamp) -> OrderError {
        let (before, files) = (self.keyring.shown(), std::fs::read(self.files().certificate()).ok());
        let error = self.keeper.order(now).await.unwrap_err();
        assert_eq!(self.standing().error, Some(error.to_string()));
        assert_eq!((self.keyring.shown(), std::fs::read(self.files().certificate()).ok()), (before, files));
        error
    }
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

#[tokio::test]
async fn u25_the_first_order_brings_a_certificate_that_is_shown_and_kept() {
    let mut shop = Shop::open().await;
    // There is TLS before there is a certificate.
    assert_eq!(shop.shown().origin, Origin::SelfSigned);
    let now = Timestamp::now();
    let next = shop.keeper.look(now).await;
    let shown = shop.shown();
    assert_eq!((shown.origin, shown.facts.issuer.as_str()), (Origin::Acme, "Small Authority"));
    assert_eq!(shown.facts.names, ["mail.test", "imap.test"]);
    assert_eq!(shop.keyring.certificates().names(), ["imap.test", "mail.test"]);
    let standing = shop.standing();
    assert_eq!((standing.failures, standing.error, standing.is_under_way), (0, None, false));
    let days = standing.next.unwrap().duration_since(now).as_hours() / 24;
    assert!((56..=60).contains(&days), "{days}");
    // Nothing to do until then, but to ask when the authority would have it renewed.
    assert!(next > now && next <= standing.next.unwrap());
    shop.keeper.look(next).await;
    shop.keeper.look(standing.next.unwrap() - minutes(1)).await;
    assert_eq!(shop.orders(), 1);
    // What was answered at port 80 is not answered any more.
    let answer = asked_at(shop.address, "/.well-known/acme-challenge/dG9rZW4gMCBvZiBtYWlsLnRlc3Q").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

/// A request, and the whole of its answer.
async fn asked_at(address: SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[cfg(unix)]
#[tokio::test]
async fn u25_what_is_kept_is_for_the_user_of_the_server_alone() {
    use std::os::unix::fs::PermissionsExt;
    let shop = Shop::stocked().await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files = shop.files();
    assert_eq!((mode(&files.certificate()), mode(&files.account())), (0o600, 0o600));
    assert_eq!(mode(files.account().parent().unwrap()), 0o700);
    assert_eq!(std::fs::read_dir(files.account().parent().unwrap()).unwrap().count(), 2, "nothing half done");
}

#[tokio::test]
async fn u25_a_certificate_is_renewed_when_a_third_of_its_life_is_left() {
    let mut shop = Shop::stocked().await;
    let (first, due) = (shop.shown(), shop.standing().next.unwrap());
    shop.keeper.look(due).await;
    assert_eq!(shop.orders(), 2);
    let second = shop.shown();
    assert!(second.origin == Origin::Acme && second.facts.serial != first.facts.serial);
    // The key is another one, the account is not.
    assert_eq!(shop.authority.state().contacts.len(), 1);
}

#[tokio::test]
async fn u25_a_host_that_leads_elsewhere_is_named_and_tried_again_later() {
    let mut shop = Shop::open().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    shop.authority.hosts_lead_to(nobody);
    let now = Timestamp::now();
    let error = shop.fails(now).await;
    assert!(matches!(&error, OrderError::NotShown { host, .. } if host == "mail.test"), "{error}");
    assert!(error.to_string().contains("refused") && error.to_string().contains("port 80"), "{error}");
    let standing = shop.standing();
    assert_eq!((standing.failures, standing.next), (1, Some(now + RETRY_MIN)));
    shop.keeper.look(now + RETRY_MIN - minutes(1)).await;
    assert_eq!(shop.orders(), 1);
    // Somebody else answers there.
    let other = Listener::bind("127.0.0.1:0").await.unwrap();
    shop.authority.hosts_lead_to(other.local_addrs().unwrap()[0]);
    tokio::spawn(acme::serve(other, Challenges::default(), shop.stop.clone()));
    shop.keeper.look(now + RETRY_MIN).await;
    let standing = shop.standing();
    assert_eq!((shop.orders(), standing.failures), (2, 2));
    assert!(standing.error.unwrap().contains("404"));
    // It is set right.
    shop.authority.hosts_lead_to(shop.address);
    shop.keeper.look(standing.next.unwrap()).await;
    assert_eq!(
        (shop.shown().origin, shop.standing().failures, shop.standing().error),
        (Origin::Acme, 0, None)
    );
}

#[tokio::test]
async fn u25_an_authority_that_wants_to_be_left_alone_is_for_a_day_at_most() {
    let mut shop = Shop::open().await;
    let now = Timestamp::now();
    for (retry_after, wait) in [
        ("7200", Duration::from_secs(7200)),
        ("18446744073709551615", Duration::from_secs(86_400)),
        ("99999999999999999999999", Duration::from_secs(86_400)),
        // What makes no sense is passed over.
        ("when it suits you", RETRY_MIN * 8),
        ("", RETRY_MIN * 16),
    ] {
        shop.authority.state().refusal = Some((429, "rateLimited", retry_after));
        let error = shop.fails(now).await;
        assert!(
            matches!(&error, OrderError::Refused { kind, .. } if kind.ends_with(":rateLimited")),
            "{error}"
        );
        assert_eq!(shop.standing().next, Some(now + wait), "{retry_after:?}");
    }
    shop.keeper.look(now + RETRY_MIN * 15).await;
    assert_eq!(shop.standing().failures, 5, "it is left alone");
}

#[tokio::test]
async fn u25_bad_nonces_are_replaced_but_not_for_ever() {
    let mut shop = Shop::open().await;
    shop.authority.state().bad_nonces = 2;
    shop.keeper.look(Timestamp::now()).await;
    assert_eq!(shop.shown().origin, Origin::Acme);
    shop.authority.state().bad_nonces = u32::MAX;
    let error = shop.fails(Timestamp::now()).await;
    assert!(error.to_string().contains("badNonce"), "{error}");
}

#[tokio::test]
async fn u25_an_authority_that_is_gone_is_asked_less_and_less_often() {
    let mut shop = Shop::stocked().await;
    let before = shop.shown();
    shop.authority.state().is_gone = true;
    let mut now = shop.standing().next.unwrap();
    let mut waits = Vec::new();
    for failures in 1..=8 {
        shop.keeper.look(now).await;
        let standing = shop.standing();
        assert!(standing.failures == failures && standing.error.unwrap().contains("can not be asked"));
        let next = standing.next.unwrap();
        waits.push(next.duration_since(now).as_secs().unsigned_abs() / 60);
        // It is not asked before.
        shop.keeper.look(next - minutes(1)).await;
        assert_eq!(shop.standing().failures, failures);
        now = next;
    }
    assert_eq!(waits, [10, 20, 40, 80, 160, 320, 360, 360]);
    assert_eq!(waits.last(), Some(&(RETRY_MAX.as_secs() / 60)));
    assert_eq!(shop.shown(), before);
    shop.authority.state().is_gone = false;
    shop.keeper.look(now).await;
    assert!(shop.shown() != before && shop.standing().failures == 0);
}

#[tokio::test]
async fn u25_a_page_for_people_is_no_answer() {
    let mut shop = Shop::open().await;
    for (status, page) in [(502, "<h1>Bad Gateway</h1>"), (404, ""), (200, "<h1>Welcome</h1>")] {
        shop.authority.state().page = Some((status, page));
        let error = shop.fails(Timestamp::now()).await;
        assert!(matches!(error, OrderError::Unreachable(_)), "{error}");
        assert!(status == 200 || error.to_string().contains(&status.to_string()), "{error}");
    }
    let long: &'static str = Box::leak("x".repeat(1 << 20).into_boxed_str());
    shop.authority.state().page = Some((200, long));
    let error = shop.fails(Timestamp::now()).await;
    assert!(error.to_string().contains("length limit"), "{error}");
}

#[tokio::test]
async fn u25_a_server_that_starts_again_uses_what_it_has() {
    let mut shop = Shop::stocked().await;
    let before = shop.shown();
    shop.authority.state().is_gone = true;
    shop.again().await;
    assert_eq!(shop.shown(), before);
    shop.keeper.look(Timestamp::now()).await;
    assert_eq!((shop.shown(), shop.orders(), shop.standing().error), (before, 1, None));
}

#[tokio::test]
async fn u25_a_damaged_certificate_is_ordered_anew() {
    for damage in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "half"] {
        let mut shop = Shop::stocked().await;
        let path = shop.files().certificate();
        let whole = std::fs::read_to_string(&path).unwrap();
        let damaged = if damage == "half" { &whole[..whole.len() / 2] } else { damage };
        std::fs::write(&path, damaged).unwrap();
        shop.again().await;
        assert_eq!(shop.shown().origin, Origin::SelfSigned, "{damage:?}");
        shop.keeper.look(Timestamp::now()).await;
        assert_eq!((shop.shown().origin, shop.orders()), (Origin::Acme, 2), "{damage:?}");
        assert_eq!(shop.authority.state().contacts.len(), 1, "the account is the same");
    }
}

#[tokio::test]
async fn u25_a_damaged_account_is_made_anew() {
    for damage in [
        "",
        "{}",
        "{\"authority\":\"https://other.test/\",\"contact\":[],\"credentials\":{\"id\":\"x\",\"key_pkcs8\":\"AA\"}}",
    ] {
        let mut shop = Shop::stocked().await;
        std::fs::write(shop.files().account(), damage).unwrap();
        shop.again().await;
        assert_eq!(shop.shown().origin, Origin::Acme, "the certificate is not touched");
        shop.keeper.order(Timestamp::now()).await.unwrap();
        assert_eq!(shop.authority.state().contacts.len(), 2, "{damage}");
    }
}

#[tokio::test]
async fn u25_an_account_that_the_authority_has_forgotten_is_made_anew() {
    let mut shop = Shop::stocked().await;
    shop.authority.state().forget_accounts();
    shop.keeper.order(Timestamp::now()).await.unwrap();
    assert_eq!((shop.orders(), shop.authority.state().contacts.len()), (2, 2));
    shop.again().await;
    shop.keeper.order(Timestamp::now()).await.unwrap();
    assert_eq!(shop.authority.state().contacts.len(), 2, "it was kept");
}

#[tokio::test]
async fn u25_what_the_authority_may_write_to_is_told_when_it_changes() {
    let mut shop = Shop::stocked().await;
    let posthaste_server::config::CertificateSource::Acme(acme) =
        &mut shop.config.tls.as_mut().unwrap().source
    else {
        panic!("files")
    };
    acme.contact = vec![posthaste_server::directory::Address::parse("post+master@x.test").unwrap()];
    shop.again().await;
    shop.keeper.order(Timestamp::now()).await.unwrap();
    shop.keeper.order(Timestamp::now()).await.unwrap();
    let contacts = shop.authority.state().contacts.clone();
    assert_eq!(contacts, [serde_json::json!([]), serde_json::json!(["mailto:post+master@x.test"])]);
}

#[tokio::test]
async fn u25_a_certificate_that_can_not_be_used_is_not_taken() {
    let mut shop = Shop::stocked().await;
    shop.authority.state().mixes_up_keys = true;
    let error = shop.fails(Timestamp::now()).await;
    assert!(error.to_string().contains("not the one of the certificate"), "{error}");
    shop.authority.state().mixes_up_keys = false;
    let day = Duration::from_secs(86_400);
    shop.authority.state().validity = Some((day * 10, day * 9));
    let error = shop.fails(Timestamp::now()).await;
    assert!(error.to_string().contains("expired"), "{error}");
}

#[tokio::test]
async fn u25_more_hosts_are_ordered_at_once_and_the_certificate_there_is_stays_until_then() {
    let mut shop = Shop::stocked().await;
    shop.authority.configure(&mut shop.config, &["mail.test", "pop.test"]);
    shop.again().await;
    assert_eq!(shop.shown().facts.names, ["mail.test", "imap.test"]);
    shop.keeper.look(Timestamp::now()).await;
    assert_eq!(shop.shown().facts.names, ["mail.test", "pop.test"]);
    assert_eq!(shop.orders(), 2);
}

#[tokio::test]
async fn u25_a_certificate_that_would_have_to_be_renewed_at_once_is_not_ordered_over_and_over() {
    let mut shop = Shop::open().await;
    let day = Duration::from_secs(86_400);
    shop.authority.state().validity = Some((day * 10, day * 11));
    let now = Timestamp::now();
    shop.keeper.look(now).await;
    assert_eq!(shop.standing().next, Some(now + PAUSE_AFTER_ORDER));
    shop.keeper.look(now + minutes(59)).await;
    assert_eq!(shop.orders(), 1);
    shop.keeper.look(now + PAUSE_AFTER_ORDER).await;
    assert_eq!(shop.orders(), 2);
}

#[tokio::test(start_paused = true)]
async fn u25_an_order_that_takes_its_time_is_waited_for() {
    let mut shop = Shop::open().await;
    shop.authority.state().lag = 4;
    shop.keeper.look(Timestamp::now()).await;
    assert_eq!((shop.shown().origin, shop.orders()), (Origin::Acme, 1), "{:?}", shop.standing());
    // But not for ever.
    shop.authority.state().lag = u32::MAX;
    let error = shop.fails(Timestamp::now()).await;
    assert!(matches!(error, OrderError::Slow(_)), "{error}");
}

#[tokio::test]
async fn u25_a_suggestion_of_the_authority_brings_a_renewal_forward() {
    let mut shop = Shop::stocked().await;
    let (due, now) = (shop.standing().next.unwrap(), Timestamp::now());
    let start = now.as_second() + 20 * 86_400;
    shop.authority.state().suggestion = Some((start, start + 86_400));
    // It is asked after a while.
    let ask = shop.keeper.look(now).await;
    assert!(ask < now + minutes(24 * 60) && shop.standing().next == Some(due));
    shop.keeper.look(ask).await;
    let suggested = shop.standing().next.unwrap();
    assert!((start..start + 86_400).contains(&suggested.as_second()), "{suggested}");
    // A later one does not put it off beyond what is prudent.
    shop.authority.state().suggestion = Some((start + 300 * 86_400, start + 301 * 86_400));
    shop.keeper.look(ask + minutes(24 * 60)).await;
    assert_eq!((shop.standing().next, shop.orders()), (Some(due), 1));
    // All certificates are to be renewed now.
    shop.authority.state().suggestion = Some((now.as_second() - 86_400, now.as_second() - 3600));
    shop.keeper.look(ask + minutes(48 * 60)).await;
    assert_eq!(shop.orders(), 2);
}

#[tokio::test]
async fn u25_certificates_of_files_beside_it_are_shown_too_and_hide_nothing() {
    let mut shop = Shop::open().await;
    let made = rcgen::generate_simple_self_signed(["other.test".to_owned()]).unwrap();
    let (certificate, key) = (shop.data.path().join("other.pem"), shop.data.path().join("other-key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let others = vec![posthaste_server::config::Certificate { certificate, key: key.clone() }];
    shop.config.tls.as_mut().unwrap().others = others;
    shop.again().await;
    // The new certificate can not be shown while one of the others is broken, and is as soon as it is not.
    std::fs::write(&key, "nothing").unwrap();
    let now = Timestamp::now();
    let error = shop.keeper.order(now).await.unwrap_err();
    assert!(matches!(error, OrderError::NotUsed(_)) && shop.shown().origin == Origin::SelfSigned, "{error}");
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    shop.keeper.look(now + minutes(1)).await;
    let origins: Vec<Origin> = shop.keyring.shown().into_iter().map(|one| one.origin).collect();
    assert_eq!((origins, shop.orders()), (vec![Origin::Acme, Origin::Files], 1));
    assert_eq!(shop.keyring.certificates().names(), ["imap.test", "mail.test", "other.test"]);
}
