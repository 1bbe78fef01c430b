//! What mail programs are told that ask how to reach the server.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::office::Office;

/// A server that says that others reach it, as one behind a proxy does; its own ports are chosen by the system.
async fn office() -> Office {
    let office = Office::open_with(|config| {
        config.proxies.networks = vec!["192.0.2.1".parse().unwrap()];
        config.listen.submission = vec![free_port()];
        config.listen.imaps = vec![free_port()];
    })
    .await;
    for name in ["x.test", "y.test"] {
        let add = posthaste_server::admin::domains::Add { name: name.into() };
        office.admin().ask(add).await.unwrap();
    }
    office.add("anna@x.test").await;
    office
}

/// A port that was free a moment ago.
fn free_port() -> std::net::SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Status, type and text of an answer.
async fn ask(office: &Office, host: &str, method: &str, path: &str, body: &str) -> (u16, String, String) {
    let stream = TcpStream::connect(office.running.http[0]).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header("host", host);
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let (status, kind) = (answer.status().as_u16(), answer.headers().get("content-type").cloned());
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    let kind = kind.map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
    (status, kind, String::from_utf8(text.into()).unwrap())
}

async fn get(office: &Office, host: &str, path: &str) -> (u16, String, String) {
    ask(office, host, "GET", path, "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn p29_autoconfig_is_told_to_everybody_for_domains_that_are_served() {
    let office = office().await;
    let config = &office.running.context().config;
    let path = "/mail/config-v1.1.xml";
    let (status, kind, told) = get(&office, "autoconfig.x.test", path).await;
    assert_eq!((status, kind.as_str()), (200, "text/xml; charset=utf-8"));
    assert!(told.contains("<emailProvider id=\"x.test\">"));
    for port in [config.listen.imaps[0].port(), config.listen.submission[0].port()] {
        assert!(told.contains(&format!("<port>{port}</port>")), "{told}");
    }
    // The same under each name, and by each way to ask.
    for (host, path) in [
        ("x.test", "/.well-known/autoconfig/mail/config-v1.1.xml"),
        ("X.test:443", "/mail/config-v1.1.xml"),
        ("autoconfig.y.test", "/mail/config-v1.1.xml?emailaddress=anna%40x.test"),
        ("10.0.0.1:8080", "/mail/config-v1.1.xml?emailaddress=anna%40X.test"),
        // Whether there is such a user does not show.
        ("10.0.0.1:8080", "/mail/config-v1.1.xml?emailaddress=nobody%40x.test"),
        ("autoconfig.x.test", "/mail/config-v1.1.xml?emailaddress=%EMAILADDRESS%"),
    ] {
        assert_eq!(get(&office, host, path).await, (200, kind.clone(), told.clone()), "{host} {path}");
    }
    for (host, path) in [
        ("autoconfig.z.test", "/mail/config-v1.1.xml"),
        ("mail.x.test", "/mail/config-v1.1.xml"),
        ("x.test", "/mail/config-v1.1.xml?emailaddress=anna%40z.test"),
        ("[::1]:8080", "/mail/config-v1.1.xml"),
    ] {
        let (status, _, text) = get(&office, host, path).await;
        assert_eq!((status, text.contains("z.test")), (404, false), "{host} {path}");
    }
    office.done("PATCH", "/api/domains/x.test", serde_json::json!({ "enabled": false })).await;
    assert_eq!(get(&office, "autoconfig.x.test", path).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn p29_autodiscover_is_told_to_everybody_for_domains_that_are_served() {
    let office = office().await;
    let path = "/autodiscover/autodiscover.xml";
    let question = |address: &str| {
        format!(
            "<?xml version=\"1.0\"?><Autodiscover><Request><EMailAddress>{address}</EMailAddress></Request></Autodiscover>"
        )
    };
    let (status, kind, told) =
        ask(&office, "autodiscover.x.test", "POST", path, &question("anna@x.test")).await;
    assert_eq!((status, kind.as_str()), (200, "text/xml; charset=utf-8"));
    let port = office.running.context().config.listen.imaps[0].port();
    assert!(told.contains("<Type>IMAP</Type>") && told.contains(&format!("<Port>{port}</Port>")), "{told}");
    assert!(told.contains("<LoginName>anna@x.test</LoginName>"));
    let other = "/Autodiscover/Autodiscover.xml";
    let (_, _, nobody) = ask(&office, "10.0.0.1", "POST", other, &question("nobody@x.test")).await;
    assert_eq!(nobody, told.replace("anna@", "nobody@"), "whether there is such a user does not show");
    assert_eq!(get(&office, "a", &format!("{path}?EmailAddress=anna@x.test")).await.2, told);
    // What is in an address does not become XML.
    let (status, _, odd) = ask(&office, "a", "POST", path, &question("a&amp;b@x.test")).await;
    assert!(status == 200 && odd.contains("<LoginName>a&amp;b@x.test</LoginName>"), "{odd}");
    assert_eq!(ask(&office, "a", "POST", path, &question("anna@z.test")).await.0, 404);
    let long = question(&format!("{}anna@x.test", " ".repeat(20_000)));
    for broken in ["", "<x>", "{\"a\":1}", long.as_str(), &question("<!ENTITY a SYSTEM \"/etc/passwd\">")] {
        let (status, _, told) = ask(&office, "a", "POST", path, broken).await;
        assert!(status == 200 && told.contains("<ErrorCode>600</ErrorCode>"), "{broken:.80} {told}");
    }
    assert!(get(&office, "a", path).await.2.contains("<ErrorCode>600</ErrorCode>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn p29_a_profile_is_made_for_an_address_of_a_domain_that_is_served() {
    let office = office().await;
    let path = "/mail/apple.mobileconfig?emailaddress=anna@x.test";
    let (status, kind, told) = get(&office, "mail.x.test", path).await;
    assert_eq!((status, kind.as_str()), (200, "application/x-apple-aspen-config"));
    assert!(told.contains("<key>EmailAddress</key><string>anna@x.test</string>"), "{told}");
    assert_eq!(get(&office, "mail.x.test", &path.replace("anna", "nobody")).await.0, 200);
    for path in ["/mail/apple.mobileconfig", "/mail/apple.mobileconfig?emailaddress=anna@z.test"] {
        assert_eq!(get(&office, "mail.x.test", path).await.0, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p29_nothing_is_told_where_programs_could_not_be_set_up() {
    // Its ports are those of the machine itself.
    let office = Office::open().await;
    for path in ["/mail/config-v1.1.xml", "/autodiscover/autodiscover.xml", "/mail/apple.mobileconfig"] {
        let path = format!("{path}?emailaddress=anna@x.test");
        assert_eq!(get(&office, "x.test", &path).await.0, 404, "{path}");
    }
}
