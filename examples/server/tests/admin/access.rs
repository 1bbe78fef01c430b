//! Who may do what: every operation of the list, for everybody who might ask.

use posthaste_server::admin::{Method, routes};
use serde_json::json;

use crate::office::{As, Office};

/// The path of a route with something in each place.
fn filled(path: &str) -> String {
    path.replace("{domain}", "y.test")
        .replace("{address}", "yves@y.test")
        .replace("{class}", "gold")
        .replace("{mailbox}", "Sent")
        .replace("{identifier}", "anyone")
        .replace("{who}", "192.0.2.1")
        .replace("{name}", "phone")
}

/// What anybody who is logged in may ask.
const FOR_ALL: [&str; 4] = ["me.show", "token.add", "token.end", "version.show"];

/// What an administrator of a domain may ask without naming it, and sees only what is theirs.
const FOR_DOMAIN: [&str; 7] =
    ["domain.list", "account.list", "account.export", "alias.list", "group.list", "class.list", "usage.list"];

#[tokio::test(flavor = "multi_thread")]
async fn adm_01_no_route_answers_whoever_is_not_logged_in_in_any_method() {
    let office = Office::open().await;
    for route in routes() {
        let path = filled(route.path);
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] {
            let (status, _) = office.tcp(As::Nobody, method, &path, json!({})).await;
            assert!(status == 401 || status == 405, "{method} {path}: {status}");
        }
        let method = route.method.as_str();
        assert_eq!(office.tcp(As::Nobody, method, &path, json!({})).await.0, 401, "{route:?}");
        assert_eq!(office.tcp(As::Bearer("nonsense"), method, &path, json!({})).await.0, 401, "{route:?}");
        assert_eq!(office.tcp(As::Basic("root", "no"), method, &path, json!({})).await.0, 401, "{route:?}");
        // Enough of them would be a ban.
        office.directory().lift_ban(posthaste_server::directory::BanSubject::Network([127, 0, 0, 1].into()));
        office.directory().lift_ban(posthaste_server::directory::BanSubject::User("root".into()));
    }
}

/// A body with which each operation of another domain would be done, if it were allowed.
fn body(name: &str) -> serde_json::Value {
    match name {
        "domain.add" => json!({ "name": "z.test" }),
        "domain.set" => json!({ "enabled": false }),
        "account.add" => json!({ "address": "new@y.test", "password": "secret" }),
        "account.set" => json!({ "enabled": false }),
        "account.rename" => json!({ "to": "z@y.test" }),
        "account.password" => json!({ "password": "taken-over" }),
        "account.import" => json!({ "csv": "address,password\nnew@y.test,secret\n" }),
        "app-password.add" => json!({ "name": "phone", "services": ["imap"] }),
        "alias.put" => json!({ "targets": ["yves@y.test"] }),
        "group.put" => json!({ "members": ["yves@y.test"] }),
        "mailbox.create" => json!({ "name": "New" }),
        "mailbox.rename" => json!({ "to": "New" }),
        "mailbox.grant" => json!({ "rights": "lr" }),
        "ban.add" => json!({ "network": "192.0.2.1", "seconds": 9 }),
        "administrator.put" => json!({ "password": "0123456789" }),
        "mail.export" => json!({ "directory": "/nowhere/mail", "format": "mbox" }),
        "mail.import" => json!({ "path": "/etc/passwd" }),
        "mail.restore" => json!({ "backup": "/nowhere/backup" }),
        "store.backup" => json!({ "directory": "/nowhere/backup" }),
        _ => json!({}),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn adm_01_u7_nobody_reaches_what_is_another_s() {
    let office = Office::open().await;
    let before = office.directory().picture();
    for (user, is_boss) in [("anna@x.test", false), ("boss@x.test", true)] {
        for route in routes() {
            if FOR_ALL.contains(&route.name) || (is_boss && FOR_DOMAIN.contains(&route.name)) {
                continue;
            }
            let path = match route.name {
                "message.trace" => "/api/trace?what=x".to_owned(),
                _ => filled(route.path),
            };
            let (status, answer) =
                office.tcp(As::Basic(user, "secret"), route.method.as_str(), &path, body(route.name)).await;
            let is_import = route.name == "account.import" && status == 400;
            assert!(status == 403 || is_import, "{user} {route:?}: {status} {answer}");
            assert!(!answer.to_string().contains("taken-over"));
        }
    }
    let after = office.directory().picture();
    assert_eq!(before.accounts().collect::<Vec<_>>(), after.accounts().collect::<Vec<_>>());
    assert_eq!(before.entries().collect::<Vec<_>>(), after.entries().collect::<Vec<_>>());
    assert_eq!(before.domains().collect::<Vec<_>>(), after.domains().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_no_file_of_the_machine_is_named_over_the_network() {
    let office = Office::open().await;
    let source = office.data.path().join("mbox");
    std::fs::write(&source, "From a@x Sat Nov 21 12:00:00 2026\nSubject: secret\n\n").unwrap();
    let target = office.data.path().join("out");
    for (user, password, address) in [
        ("root", "root-secret", "anna@x.test"),
        ("boss@x.test", "secret", "anna@x.test"),
        ("boss@x.test", "secret", "boss@x.test"),
        ("anna@x.test", "secret", "anna@x.test"),
    ] {
        for (what, body) in [
            ("import", json!({ "path": source })),
            ("import", json!({ "path": "/no/such/file" })),
            ("export", json!({ "directory": target, "format": "maildir" })),
            ("restore", json!({ "backup": office.data.path() })),
        ] {
            let path = format!("/api/accounts/{address}/mail/{what}");
            let (status, answer) = office.tcp(As::Basic(user, password), "POST", &path, body).await;
            // Whether there is such a file is not told either.
            let told = answer.to_string();
            assert!(
                status == 403 && told.contains("on the machine of the server"),
                "{user}: {status} {told}"
            );
        }
    }
    assert!(!target.exists());
    let path = "/api/accounts/anna@x.test/mail/import";
    let moved = office.done("POST", path, json!({ "path": source })).await;
    assert_eq!(moved["messages"], 1);
    office.refused("POST", path, json!({ "path": "/no/such/file" }), 404, "/no/such/file").await;
    office.refused("POST", path, json!({ "path": "no/such/file" }), 400, "whole path").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_an_administrator_of_a_domain_sees_and_rules_that_domain_only() {
    let office = Office::open().await;
    let boss = As::Basic("boss@x.test", "secret");
    let (_, accounts) = office.tcp(boss, "GET", "/api/accounts", json!({})).await;
    let names: Vec<_> =
        accounts.as_array().unwrap().iter().map(|one| one["address"].as_str().unwrap()).collect();
    assert_eq!(names, ["anna@x.test", "boss@x.test"]);
    let (_, domains) = office.tcp(boss, "GET", "/api/domains", json!({})).await;
    assert_eq!(domains.as_array().unwrap().len(), 1);
    let new = json!({ "address": "new@x.test", "password": "secret" });
    assert_eq!(office.tcp(boss, "POST", "/api/accounts", new).await.0, 200);
    assert_eq!(
        office.tcp(boss, "PATCH", "/api/accounts/anna@x.test", json!({ "enabled": false })).await.0,
        200
    );
    assert_eq!(
        office.tcp(boss, "PUT", "/api/aliases/sales@x.test", json!({ "targets": ["new@x.test"] })).await.0,
        200
    );
    // Not out of the domain, and not above themselves.
    for (method, path, body) in [
        ("POST", "/api/accounts/anna@x.test/rename", json!({ "to": "anna@y.test" })),
        ("PATCH", "/api/accounts/anna@x.test", json!({ "role": "server-admin" })),
        ("PUT", "/api/aliases/out@x.test", json!({ "targets": ["yves@y.test"] })),
        ("PUT", "/api/groups/out@x.test", json!({ "members": ["yves@y.test"] })),
        ("PATCH", "/api/domains/x.test", json!({ "limits": {} })),
        ("PATCH", "/api/domains/x.test", json!({ "catch_all": "yves@y.test" })),
    ] {
        let (status, answer) = office.tcp(boss, method, path, body).await;
        assert_eq!(status, 403, "{method} {path}: {answer}");
    }
    // An administrator of the server who happens to have an account there is above them too.
    office.done("PATCH", "/api/accounts/new@x.test", json!({ "role": "server-admin" })).await;
    let take_over = json!({ "password": "taken-over" });
    assert_eq!(office.tcp(boss, "PUT", "/api/accounts/new@x.test/password", take_over).await.0, 403);
    assert_eq!(office.tcp(boss, "DELETE", "/api/accounts/new@x.test", json!({})).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn u17_users_change_their_own_password_if_they_may_and_know_it() {
    let office = Office::open().await;
    let path = "/api/accounts/anna@x.test/password";
    let anna = As::Basic("anna@x.test", "secret");
    assert_eq!(office.tcp(anna, "PUT", path, json!({ "password": "new" })).await.0, 403);
    assert_eq!(office.tcp(anna, "PUT", path, json!({ "password": "new", "current": "wrong" })).await.0, 403);
    assert_eq!(office.tcp(anna, "PUT", path, json!({ "password": "new", "current": "secret" })).await.0, 200);
    assert_eq!(office.tcp(anna, "GET", "/api/me", json!({})).await.0, 401);
    let anna = As::Basic("anna@x.test", "new");
    assert_eq!(
        office.tcp(anna, "GET", "/api/me", json!({})).await.1,
        json!({ "name": "anna@x.test", "role": "user" })
    );
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "change_password": false })).await;
    assert_eq!(office.tcp(anna, "PUT", path, json!({ "password": "x", "current": "new" })).await.0, 403);
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "services": ["imap"] })).await;
    assert_eq!(office.tcp(anna, "GET", "/api/me", json!({})).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_the_current_password_can_not_be_guessed_from_a_session_that_was_left_open() {
    let office = Office::open().await;
    let path = "/api/accounts/anna@x.test/password";
    let (_, token) = office.tcp(As::Basic("anna@x.test", "secret"), "POST", "/api/token", json!({})).await;
    let anna = As::Bearer(token["token"].as_str().unwrap());
    let mut tried = 0;
    while office.tcp(anna, "PUT", path, json!({ "password": "new", "current": "wrong" })).await.0 == 403 {
        tried += 1;
        assert!(tried < 100, "never slowed down");
    }
    let right = json!({ "password": "new", "current": "secret" });
    let (status, answer) = office.tcp(anna, "PUT", path, right.clone()).await;
    assert_eq!(status, 429, "{answer}");
    office.done("DELETE", "/api/bans/anna@x.test", json!({})).await;
    assert_eq!(office.tcp(anna, "PUT", path, right).await.0, 200);
}

#[test]
fn every_route_has_a_name_and_a_place_of_its_own() {
    let mut seen = std::collections::BTreeSet::new();
    for route in routes() {
        assert!(seen.insert(route.name.to_owned()), "{}", route.name);
        assert!(seen.insert(format!("{route:?}")), "{route:?}");
        assert!(route.path.starts_with("/api/") && !route.summary.is_empty());
        if route.method == Method::Get {
            assert!(
                route.name.ends_with("list")
                    || ["show", "export", "trace"].iter().any(|end| route.name.ends_with(end))
            );
        }
    }
}
