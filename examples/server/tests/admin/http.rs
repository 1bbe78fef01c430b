//! The interface itself: doors, tokens, problems, what it refuses to read, and its description.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpStream, UnixStream};

use crate::office::{As, Office, exchange};

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn adm_the_socket_is_for_the_owner_of_the_data_directory_alone() {
    use std::os::unix::fs::PermissionsExt;
    let office = Office::open().await;
    let data = office.data.path().join("data");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data.join("admin.sock")), 0o600);
    assert_eq!(mode(&data) & 0o077, 0);
    assert_eq!(
        office.done("GET", "/api/me", json!({})).await,
        json!({ "name": "local", "role": "server-admin" })
    );
    office.running.stop().await;
    assert!(!data.join("admin.sock").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_instead_of_the_password_until_that_is_changed() {
    let office = Office::open().await;
    for (user, password, path) in [
        ("root", "root-secret", "/api/administrators/root"),
        ("anna@x.test", "secret", "/api/accounts/anna@x.test/password"),
    ] {
        let (status, answer) = office.tcp(As::Basic(user, password), "POST", "/api/token", json!({})).await;
        assert_eq!(status, 200);
        let token = answer["token"].as_str().unwrap();
        let (status, me) = office.tcp(As::Bearer(token), "GET", "/api/me", json!({})).await;
        assert_eq!((status, me["name"].as_str()), (200, Some(user)));
        assert_eq!(office.tcp(As::Bearer(&token[1..]), "GET", "/api/me", json!({})).await.0, 401);
        if user == "root" {
            office.done("PUT", path, json!({ "password": "another one" })).await;
        } else {
            // To what it was, even.
            office.done("PUT", path, json!({ "password": "secret" })).await;
        }
        assert_eq!(office.tcp(As::Bearer(token), "GET", "/api/me", json!({})).await.0, 401, "{user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_can_be_ended_alone() {
    let office = Office::open().await;
    let anna = As::Basic("anna@x.test", "secret");
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let (_, answer) = office.tcp(anna, "POST", "/api/token", json!({})).await;
        tokens.push(answer["token"].as_str().unwrap().to_owned());
    }
    let me = async |token: &str| office.tcp(As::Bearer(token), "GET", "/api/me", json!({})).await.0;
    let end =
        async |by, token: &str| office.tcp(by, "POST", "/api/token/end", json!({ "token": token })).await.0;
    assert_eq!(end(As::Nobody, &tokens[0]).await, 401);
    assert_eq!(end(As::Bearer(&tokens[0]), "nonsense").await, 200);
    assert_eq!((me(&tokens[0]).await, me(&tokens[1]).await), (200, 200));
    assert_eq!(end(As::Bearer(&tokens[0]), &tokens[0]).await, 200);
    assert_eq!((me(&tokens[0]).await, me(&tokens[1]).await), (401, 200));
    assert_eq!(end(As::Bearer(&tokens[0]), &tokens[1]).await, 401);
    assert_eq!(me(&tokens[1]).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn u15_the_administrator_is_made_with_a_password_that_is_typed_twice() {
    use posthaste_server::admin::{Password, administrators};
    let office = Office::open_with(|_| {}).await;
    let setup = async |given: Option<(&str, &str)>| {
        let given = given.map(|(one, two)| (Password::new(one), Password::new(two)));
        administrators::setup(office.admin(), "admin", given).await
    };
    let refused = setup(Some(("long enough", "long enuogh"))).await.unwrap_err();
    assert!(refused.to_string().contains("differ"));
    assert!(setup(Some(("short", "short"))).await.unwrap_err().to_string().contains("10"));
    assert_eq!(setup(Some(("long enough", "long enough"))).await.unwrap(), None);
    assert_eq!(office.tcp(As::Basic("admin", "long enough"), "GET", "/api/domains", json!({})).await.0, 200);
    assert!(setup(None).await.unwrap_err().to_string().contains("already"));
    office.done("DELETE", "/api/administrators/admin", json!({})).await;
    let random = setup(None).await.unwrap().unwrap();
    assert_eq!(office.tcp(As::Basic("admin", &random), "GET", "/api/domains", json!({})).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_says_what_where_and_what_to_do() {
    let office = Office::open().await;
    let stream = UnixStream::connect(office.data.path().join("data/admin.sock")).await.unwrap();
    let (status, kind, body) = exchange(
        stream,
        None,
        "POST",
        "/api/accounts",
        json!({ "address": "a@z.test", "password": "secret" }),
    )
    .await;
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, kind.as_str()), (404, "application/problem+json"));
    assert_eq!(problem["status"], 404);
    assert_eq!(problem["type"], "urn:posthaste:problem:not-found");
    assert!(problem["detail"].as_str().unwrap().contains("z.test"));
    assert!(problem["remedy"].as_str().unwrap().contains("posthaste domain add z.test"));
    let stream = TcpStream::connect(office.running.http[0]).await.unwrap();
    let basic = format!("Basic {}", STANDARD.encode("root:root-secret"));
    let (status, _, body) = exchange(stream, Some(basic), "GET", "/api/nothing", json!({})).await;
    assert!(status == 404 && body.contains("openapi"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_is_refused() {
    let office = Office::open().await;
    for (method, path, body, status) in [
        ("POST", "/api/domains", json!([]), 400),
        ("POST", "/api/domains", json!("x"), 400),
        ("POST", "/api/domains", json!({ "name": 1 }), 400),
        ("POST", "/api/domains", json!({ "name": "a b" }), 400),
        ("GET", "/api/accounts?domain=x.test&domain=y.test", json!({}), 400),
        ("GET", "/api/accounts/%ff", json!({}), 400),
        ("GET", "/api/accounts/a%00@x.test", json!({}), 400),
        ("DELETE", "/api/domains/x.test?with_everything=perhaps", json!({}), 400),
    ] {
        let (found, answer) = office.local(method, path, body.clone()).await;
        assert_eq!(found, status, "{method} {path} {body}: {answer}");
    }
    // Form data, as a page of another site could send it with the user's credentials.
    let stream = UnixStream::connect(office.data.path().join("data/admin.sock")).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request =
        hyper::Request::post("/api/domains").header("host", "localhost").header("content-type", "text/plain");
    let request = request.body(Full::new(bytes::Bytes::from("{\"name\":\"z.test\"}"))).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 400);
    assert!(!office.directory().serves("z.test"));
}

/// One request over TCP as root, whose password a browser would send along, with these fields and nothing else.
async fn by_browser(office: &Office, method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> u16 {
    let stream = TcpStream::connect(office.running.http[0]).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let basic = format!("Basic {}", STANDARD.encode("root:root-secret"));
    let mut request = hyper::Request::builder().method(method).uri(path).header("authorization", basic);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(bytes::Bytes::from(body.to_owned()))).unwrap();
    sender.send_request(request).await.unwrap().status().as_u16()
}

const JSON: (&str, &str) = ("content-type", "application/json");
const LOCAL: (&str, &str) = ("host", "localhost");

#[tokio::test(flavor = "multi_thread")]
async fn adm_02_a_page_of_another_site_does_nothing_with_a_password_that_the_browser_remembers() {
    let office = Office::open().await;
    let path = "/api/accounts/anna@x.test/unlock";
    // What a form or a script may send without asking first, also with nothing in it.
    for kind in ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        for body in ["", "{}"] {
            let status = by_browser(&office, "POST", path, &[LOCAL, ("content-type", kind)], body).await;
            assert_eq!(status, 400, "{kind:?} {body:?}");
        }
    }
    assert_eq!(by_browser(&office, "POST", path, &[LOCAL], "").await, 400);
    // What says that it comes from elsewhere, and what comes to a name that was pointed here.
    for wrong in [
        [LOCAL, ("origin", "https://evil.test")],
        [LOCAL, ("origin", "null")],
        [LOCAL, ("origin", "http://localhost:1")],
        [LOCAL, ("sec-fetch-site", "cross-site")],
        [LOCAL, ("sec-fetch-site", "same-site")],
        [("host", "evil.test"), ("origin", "http://evil.test")],
        [("host", "evil.test"), ("sec-fetch-site", "same-origin")],
    ] {
        for (method, path) in
            [("POST", path), ("DELETE", "/api/accounts/anna@x.test"), ("GET", "/api/accounts")]
        {
            let [one, other] = wrong;
            assert_eq!(
                by_browser(&office, method, path, &[one, other, JSON], "").await,
                403,
                "{method} {wrong:?}"
            );
        }
    }
    for two in [[LOCAL, LOCAL], [LOCAL, ("host", "evil.test")]] {
        assert_eq!(by_browser(&office, "GET", "/api/accounts", &two, "").await, 400, "{two:?}");
    }
    assert!(office.directory().account(&crate::office::address("anna@x.test")).is_some());
    // None of it counts as a wrong password.
    for right in [
        vec![LOCAL, JSON],
        vec![("host", "mail.x.test:8080"), ("origin", "http://mail.x.test:8080"), JSON],
        vec![("host", "127.0.0.1:8080"), ("sec-fetch-site", "same-origin"), JSON],
    ] {
        // Nobody holds the maildrop.
        assert_eq!(by_browser(&office, "POST", path, &right, "").await, 404, "{right:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn adm_02_the_names_of_a_web_server_in_front_are_configured() {
    let office = Office::open_with(|config| config.http.names = vec!["admin.x.test".to_owned()]).await;
    let put = posthaste_server::admin::administrators::Put {
        name: "root".into(),
        password: posthaste_server::admin::Password::new("root-secret"),
        confirmation: None,
    };
    office.admin().ask(put).await.unwrap();
    let origin = ("origin", "https://admin.x.test");
    for host in ["admin.x.test", "127.0.0.1:8080"] {
        assert_eq!(by_browser(&office, "POST", "/api/token", &[("host", host), origin, JSON], "").await, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn adm_03_what_is_too_large_too_deep_or_zero_is_refused() {
    let office = Office::open().await;
    let deep = |octets: &str| format!("{{\"name\":{}", octets.repeat(10_000));
    let many: Vec<String> = (0..10_001).map(|number| format!("\"u{number}@x.test\"")).collect();
    let many = format!("{{\"members\":[{}]}}", many.join(","));
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(17 << 20));
    for (method, path, body, status) in [
        ("POST", "/api/domains", deep("["), 400),
        ("POST", "/api/domains", deep("{\"name\":"), 400),
        ("POST", "/api/domains", large, 400),
        ("POST", "/api/domains", "{\"name\":\"a.test\",\"name\":\"b.test\"}".to_owned(), 400),
        ("POST", "/api/domains", "{\"name\":NaN}".to_owned(), 400),
        ("PUT", "/api/groups/g@x.test", many, 422),
        ("PATCH", "/api/accounts/anna@x.test", "{\"quota\":1e400}".to_owned(), 400),
        ("PATCH", "/api/accounts/anna@x.test", "{\"quota\":18446744073709551616}".to_owned(), 400),
        ("PATCH", "/api/accounts/anna@x.test", "{\"quota\":-1}".to_owned(), 400),
        ("PATCH", "/api/accounts/anna@x.test", "{\"quota\":0}".to_owned(), 400),
        ("PATCH", "/api/accounts/anna@x.test", "{\"quota_messages\":0}".to_owned(), 400),
        ("POST", "/api/accounts", "{\"address\":\"n@x.test\",\"quota\":0}".to_owned(), 400),
        ("POST", "/api/accounts", "{\"address\":\"n@x.test\",\"quota_messages\":0}".to_owned(), 400),
        ("PUT", "/api/classes/c", "{\"quota\":0}".to_owned(), 400),
        ("PUT", "/api/classes/c", "{\"message_size\":0}".to_owned(), 400),
        ("PATCH", "/api/domains/x.test", "{\"limits\":{\"message_size\":0}}".to_owned(), 400),
        ("PATCH", "/api/domains/x.test", "{\"limits\":{\"account_size\":0}}".to_owned(), 400),
        ("PATCH", "/api/domains/x.test", "{\"limits\":{\"allocated\":0}}".to_owned(), 400),
        ("POST", "/api/bans", "{\"network\":\"192.0.2.1\",\"seconds\":0}".to_owned(), 400),
    ] {
        let shown = body.get(..body.len().min(60)).unwrap().to_owned();
        let found = by_browser(&office, method, path, &[LOCAL, JSON], &body).await;
        assert_eq!(found, status, "{method} {path} {shown}");
    }
    assert_eq!(office.directory().picture().domains().count(), 2);
    assert_eq!(office.directory().picture().accounts().count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_long_tells_of_progress() {
    let office = Office::open().await;
    let stream = UnixStream::connect(office.data.path().join("data/admin.sock")).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let csv: String = (0..20).map(|number| format!("u{number}@x.test,secret\n")).collect();
    let body = json!({ "csv": format!("address,password\n{csv}") }).to_string();
    let request = hyper::Request::post("/api/import/accounts")
        .header("host", "localhost")
        .header("accept", "application/x-ndjson")
        .header("content-type", "application/json")
        .body(Full::new(bytes::Bytes::from(body)))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let lines: Vec<Value> = body
        .split(|octet| *octet == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert!(lines.len() > 1 && lines[0]["progress"]["of"] == 20, "{lines:?}");
    assert_eq!(lines.last().unwrap()["answer"], json!({ "accounts": 20 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_a_backup_is_a_data_directory() {
    let office = Office::open().await;
    let to = office.data.path().join("copy");
    office.done("POST", "/api/backup", json!({ "directory": to })).await;
    office.refused("POST", "/api/backup", json!({ "directory": to }), 400, "exists").await;
    assert_eq!(office.done("POST", "/api/check", json!({})).await, json!([]));
    let config = posthaste_server::config::Config {
        listen: posthaste_server::config::Listen {
            imap: vec![std::net::SocketAddr::from(([127, 0, 0, 1], 0))],
            ..Default::default()
        },
        ..posthaste_server::config::Config::new("mail.x.test", to)
    };
    let cost = posthaste_server::directory::HashCost::MINIMUM;
    let copy = posthaste_server::listen::start(config, cost).await.unwrap();
    assert_eq!(copy.directory().picture().accounts().count(), 3);
    copy.stop().await;
}

#[test]
fn the_description_is_whole() {
    let document = posthaste_server::admin::http::document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut links = Vec::new();
    collect(&document, &mut links);
    assert!(!links.is_empty());
    for link in links {
        let target = document.pointer(link.strip_prefix('#').unwrap());
        assert!(target.is_some(), "{link} leads nowhere");
    }
    for route in posthaste_server::admin::routes() {
        let described = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        assert_eq!(described["operationId"], route.name);
        for field in route.path_fields() {
            let parameters = described["parameters"].as_array().unwrap();
            assert!(
                parameters.iter().any(|one| one["name"] == field && one["in"] == "path"),
                "{route:?} {field}"
            );
        }
    }
    let add =
        &document["paths"]["/api/accounts"]["post"]["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(add["required"], json!(["address"]));
}

/// All references in a document.
fn collect(value: &Value, links: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(link)) = object.get("$ref") {
                links.push(link.clone());
            }
            object.values().for_each(|value| collect(value, links));
        }
        Value::Array(array) => array.iter().for_each(|value| collect(value, links)),
        _ => {}
    }
}
