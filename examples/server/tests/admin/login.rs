//! Logging in: passwords, passwords of programs, SCRAM, what is remembered, and who is shut out.

use std::net::IpAddr;
use std::sync::Arc;

use posthaste_sasl::{Hash, Secret};
use posthaste_server::directory::{Attempt, BanSubject, LogIn, Proof, ScramAnswer, Service};
use serde_json::json;

use crate::office::{As, Office, address};

const FAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

async fn log_in(office: &Office, service: Service, user: &str, password: &str) -> LogIn {
    let attempt = Attempt { service, peer: Some(FAR), user, password: password.as_bytes() };
    office.directory().log_in(attempt).await.unwrap()
}

fn is_in(answer: &LogIn) -> bool {
    matches!(answer, LogIn::Accepted(_))
}

#[tokio::test(flavor = "multi_thread")]
async fn auth_10_u18_a_log_in_is_for_one_user_and_one_service() {
    let office = Office::open().await;
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "services": ["imap"] })).await;
    office.done("PUT", "/api/accounts/boss@x.test/password", json!({ "password": "other" })).await;
    for _ in 0..3 {
        // In turns, so that what is remembered of one could be taken for the other.
        let anna = log_in(&office, Service::Imap, "Anna@x.test", "secret").await;
        assert!(matches!(&anna, LogIn::Accepted(account) if account.address == address("anna@x.test")));
        let boss = log_in(&office, Service::Imap, "boss@x.test", "other").await;
        assert!(matches!(&boss, LogIn::Accepted(account) if account.address == address("boss@x.test")));
        assert_eq!(log_in(&office, Service::Pop3, "anna@x.test", "secret").await, LogIn::Refused);
        assert_eq!(log_in(&office, Service::Imap, "boss@x.test", "secret").await, LogIn::Refused);
        office.directory().lift_ban(BanSubject::Network(FAR));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u18_a_domain_permits_services_and_an_account_no_more_than_that() {
    let office = Office::open().await;
    let anna = async |service| is_in(&log_in(&office, service, "anna@x.test", "secret").await);
    office.done("PATCH", "/api/domains/x.test", json!({ "services": ["imap", "smtp"] })).await;
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "services": ["imap", "pop3"] })).await;
    assert!(anna(Service::Imap).await);
    assert!(!anna(Service::Pop3).await && !anna(Service::Smtp).await);
    assert!(is_in(&log_in(&office, Service::Pop3, "yves@y.test", "secret").await), "another domain");
    // One who administers the domain gives it no more.
    let all = json!({ "services": null });
    assert_eq!(office.tcp(As::Basic("boss@x.test", "secret"), "GET", "/api/me", json!({})).await.0, 401);
    office.done("PATCH", "/api/domains/x.test", json!({ "services": ["api"] })).await;
    let boss = As::Basic("boss@x.test", "secret");
    assert_eq!(office.tcp(boss, "PATCH", "/api/domains/x.test", all.clone()).await.0, 403);
    assert!(!anna(Service::Imap).await);
    office.done("PATCH", "/api/domains/x.test", all).await;
    assert!(anna(Service::Pop3).await && !anna(Service::Smtp).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_right_a_moment_ago_is_not_right_any_more_when_it_was_changed() {
    let office = Office::open().await;
    assert!(is_in(&log_in(&office, Service::Imap, "anna@x.test", "secret").await));
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "enabled": false })).await;
    assert_eq!(log_in(&office, Service::Imap, "anna@x.test", "secret").await, LogIn::Refused);
    let anna = office.directory().account(&address("anna@x.test")).unwrap();
    assert!(office.directory().still_allowed(&anna, Service::Imap).is_none());
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "enabled": true })).await;
    assert!(is_in(&log_in(&office, Service::Imap, "anna@x.test", "secret").await));
    office.done("PUT", "/api/accounts/anna@x.test/password", json!({ "password": "new" })).await;
    assert_eq!(log_in(&office, Service::Imap, "anna@x.test", "secret").await, LogIn::Refused);
    assert!(is_in(&log_in(&office, Service::Imap, "anna@x.test", "new").await));
    office.done("PUT", "/api/accounts/anna@x.test/password", json!({ "password": null })).await;
    assert_eq!(log_in(&office, Service::Imap, "anna@x.test", "new").await, LogIn::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn auth_01_no_account_has_an_empty_password() {
    let office = Office::open().await;
    for name in ["anna@x.test", "nobody@x.test", "", "@", "anna", "root"] {
        assert_eq!(log_in(&office, Service::Imap, name, "").await, LogIn::Refused, "{name}");
    }
    assert_eq!(log_in(&office, Service::Imap, "root", "root-secret").await, LogIn::Refused, "no mailbox");
}

#[tokio::test(flavor = "multi_thread")]
async fn u30_auth_14_an_app_password_is_shown_once_for_some_services_and_revoked_alone() {
    let office = Office::open().await;
    let path = "/api/accounts/anna@x.test/app-passwords";
    let body = json!({ "name": "old phone", "services": ["imap"] });
    let anna = As::Basic("anna@x.test", "secret");
    let (status, made) = office.tcp(anna, "POST", path, body.clone()).await;
    assert_eq!(status, 200, "{made}");
    let password = made["password"].as_str().unwrap();
    assert!(is_in(&log_in(&office, Service::Imap, "anna@x.test", password).await));
    assert_eq!(log_in(&office, Service::Pop3, "anna@x.test", password).await, LogIn::Refused);
    assert_eq!(log_in(&office, Service::Imap, "boss@x.test", password).await, LogIn::Refused);
    // It is no key to the account.
    assert_eq!(office.tcp(As::Basic("anna@x.test", password), "GET", "/api/me", json!({})).await.0, 401);
    office.refused("POST", path, body, 409, "old phone").await;
    office
        .refused("POST", path, json!({ "name": "x", "services": ["api"] }), 400, "imap, pop3 or smtp")
        .await;
    let (_, listed) = office.tcp(anna, "GET", path, json!({})).await;
    assert_eq!(listed[0]["name"], "old phone");
    assert!(!listed.to_string().contains(password) && listed[0].get("hash").is_none());
    // What the account may not, no password of it may.
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "services": ["pop3", "api"] })).await;
    assert_eq!(log_in(&office, Service::Imap, "anna@x.test", password).await, LogIn::Refused);
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "services": ["imap", "api"] })).await;
    assert_eq!(office.tcp(anna, "DELETE", &format!("{path}/old%20phone"), json!({})).await.0, 200);
    assert_eq!(log_in(&office, Service::Imap, "anna@x.test", password).await, LogIn::Refused);
    assert!(is_in(&log_in(&office, Service::Imap, "anna@x.test", "secret").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn b15_without_a_password_no_password_of_a_program_is_good() {
    let office = Office::open().await;
    let path = "/api/accounts/anna@x.test";
    let body = json!({ "name": "phone", "services": ["imap"] });
    let made = office.done("POST", &format!("{path}/app-passwords"), body).await;
    let phone = made["password"].as_str().unwrap();
    assert!(is_in(&log_in(&office, Service::Imap, "anna@x.test", phone).await));
    office.done("PUT", &format!("{path}/password"), json!({ "password": null })).await;
    assert_eq!(log_in(&office, Service::Imap, "anna@x.test", phone).await, LogIn::Refused);
    office.done("PUT", &format!("{path}/password"), json!({ "password": "another" })).await;
    assert!(is_in(&log_in(&office, Service::Imap, "anna@x.test", phone).await));
    // A token ends with what is revoked, and not with what is added.
    let anna = As::Basic("anna@x.test", "another");
    let (_, token) = office.tcp(anna, "POST", "/api/token", json!({})).await;
    let token = As::Bearer(token["token"].as_str().unwrap());
    office
        .done("POST", &format!("{path}/app-passwords"), json!({ "name": "two", "services": ["imap"] }))
        .await;
    assert_eq!(office.tcp(token, "GET", "/api/me", json!({})).await.0, 200);
    office.done("DELETE", &format!("{path}/app-passwords/two"), json!({})).await;
    assert_eq!(office.tcp(token, "GET", "/api/me", json!({})).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn auth_06_a_network_that_guesses_is_shut_out_until_it_is_let_in_again() {
    let office = Office::open().await;
    let mut tried = 0;
    while log_in(&office, Service::Imap, "anna@x.test", "wrong").await == LogIn::Refused {
        tried += 1;
        assert!(tried < 1000);
        // The name alone is slowed down earlier.
        office.directory().lift_ban(BanSubject::User("anna@x.test".into()));
    }
    assert_eq!(tried, 20);
    assert_eq!(
        log_in(&office, Service::Imap, "anna@x.test", "secret").await,
        LogIn::Banned,
        "not even checked"
    );
    assert!(office.directory().is_banned(FAR));
    assert_eq!(
        office.directory().scram_key(Service::Imap, Some(FAR), "anna@x.test", Hash::Sha256),
        ScramAnswer::Banned
    );
    let bans = office.done("GET", "/api/bans", json!({})).await;
    assert_eq!(
        (bans[0]["subject"]["who"].as_str(), bans[0]["failures"].as_u64()),
        (Some("192.0.2.7"), Some(20))
    );
    office.done("DELETE", "/api/bans/192.0.2.7", json!({})).await;
    assert!(is_in(&log_in(&office, Service::Imap, "anna@x.test", "secret").await));
    office.refused("DELETE", "/api/bans/192.0.2.7", json!({}), 404, "192.0.2.7").await;
    office.done("POST", "/api/bans", json!({ "network": "192.0.2.7", "seconds": 60 })).await;
    assert_eq!(log_in(&office, Service::Imap, "anna@x.test", "secret").await, LogIn::Banned);
}

#[tokio::test(flavor = "multi_thread")]
async fn auth_06_failures_over_http_count_like_all_others() {
    let office = Office::open().await;
    let mut last = 0;
    for _ in 0..30 {
        last = office.tcp(As::Basic("root", "wrong"), "GET", "/api/me", json!({})).await.0;
    }
    assert_eq!(last, 429);
    assert_eq!(office.tcp(As::Basic("root", "root-secret"), "GET", "/api/me", json!({})).await.0, 429);
    // The socket is no network.
    office.done("DELETE", "/api/bans/127.0.0.1", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn auth_07_scram_keys_are_of_the_password_and_an_unknown_user_looks_like_any_other() {
    let office = Office::open().await;
    let directory = office.directory();
    for hash in [Hash::Sha1, Hash::Sha256] {
        let ScramAnswer::Found(key, anna) = directory.scram_key(Service::Imap, None, "ANNA@x.test", hash)
        else {
            panic!("no key")
        };
        assert!(key.is_of(&Secret::from("secret")) && key.hash() == hash && key.salt().len() == 16);
        assert_eq!(anna.address, address("anna@x.test"));
    }
    let scram = |user: &str| directory.scram_key(Service::Imap, None, user, Hash::Sha256);
    let proved = |proof: Proof| directory.accepted_scram(Service::Imap, Some(FAR), "anna@x.test", proof);
    let ScramAnswer::Found(_, anna) = scram("anna@x.test") else { panic!("no key") };
    let ScramAnswer::Unknown(decoy) = scram("nobody@x.test") else { panic!("somebody") };
    // Always the same, in every spelling, and like a user's.
    assert_eq!(scram("NoBody@X.test"), ScramAnswer::Unknown(decoy.clone()));
    assert_eq!((decoy.salt().len(), decoy.iterations()), (16, 4096));
    assert!(matches!(scram("other@x.test"), ScramAnswer::Unknown(other) if other.salt() != decoy.salt()));
    assert!(matches!(scram("no address"), ScramAnswer::Unknown(_)));
    assert_eq!(proved(Proof::Wrong), LogIn::Refused);
    assert!(is_in(&proved(Proof::Right(Arc::clone(&anna)))));
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "services": ["pop3"] })).await;
    assert!(matches!(scram("anna@x.test"), ScramAnswer::Unknown(_)));
    assert_eq!(proved(Proof::Right(Arc::clone(&anna))), LogIn::Refused);
    // Another password was set after the exchange had begun.
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "services": ["imap"] })).await;
    assert!(is_in(&proved(Proof::Right(Arc::clone(&anna)))));
    office.done("PUT", "/api/accounts/anna@x.test/password", json!({ "password": "new" })).await;
    assert_eq!(proved(Proof::Right(anna)), LogIn::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn b23_other_iterations_tell_nobody_who_is_a_user_and_come_with_the_next_password() {
    use posthaste_server::directory::{Directory, HashCost, Options};
    let office = Office::open().await;
    // The same store, when a stronger count is configured. Everybody still has the old one.
    let options = Options { cost: HashCost::MINIMUM, scram_iterations: 5000, ..Options::default() };
    let directory = Directory::open(Arc::clone(office.running.store()), options).await.unwrap();
    let count = |user: &str| match directory.scram_key(Service::Imap, None, user, Hash::Sha256) {
        ScramAnswer::Found(key, _) | ScramAnswer::Unknown(key) => key.iterations(),
        ScramAnswer::Banned => panic!("banned"),
    };
    let nobody = || (0..60).map(|number| count(&format!("nobody{number}@x.test"))).collect::<Vec<_>>();
    assert_eq!(count("anna@x.test"), 4096);
    assert!(nobody().into_iter().all(|count| count == 4096), "only one who is nobody had the new one");
    // Anna sends her password, and one of three has the new count.
    let mut changed = directory.watch();
    let attempt = Attempt { service: Service::Imap, peer: None, user: "anna@x.test", password: b"secret" };
    let LogIn::Accepted(anna) = directory.log_in(attempt).await.unwrap() else { panic!("refused") };
    tokio::time::timeout(std::time::Duration::from_secs(20), changed.changed()).await.unwrap().unwrap();
    assert_eq!(count("anna@x.test"), 5000);
    let of_nobody = nobody();
    assert!(of_nobody.contains(&4096) && of_nobody.contains(&5000), "{of_nobody:?}");
    assert_eq!(of_nobody, nobody());
    // Her session goes on.
    assert!(directory.still_allowed(&anna, Service::Imap).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn b23_an_account_from_before_scram_has_keys_after_its_next_log_in() {
    use posthaste_server::store::{Expect, RecordChange};
    let office = Office::open().await;
    let store = office.running.store();
    let records = store.records().await.unwrap();
    let anna = records.into_iter().find(|one| one.key.name == "anna@x.test").unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&anna.value).unwrap();
    value["credential"]["scram"] = json!([]);
    let put = RecordChange::Put { key: anna.key, expect: Expect::Anything, value: value.to_string() };
    store.commit(vec![put]).await.unwrap();
    office.directory().reload().await.unwrap();
    let scram = || office.directory().scram_key(Service::Imap, None, "anna@x.test", Hash::Sha1);
    assert!(matches!(scram(), ScramAnswer::Unknown(_)));
    let mut changed = office.directory().watch();
    assert!(is_in(&log_in(&office, Service::Imap, "anna@x.test", "secret").await));
    tokio::time::timeout(std::time::Duration::from_secs(20), changed.changed()).await.unwrap().unwrap();
    assert!(matches!(scram(), ScramAnswer::Found(key, _) if key.is_of(&Secret::from("secret"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_the_last_log_in_is_known_at_once_and_written_without_a_commit_for_each() {
    let office = Office::open().await;
    let id = office.directory().account(&address("anna@x.test")).unwrap().id;
    assert!(office.directory().last_logins(id).is_empty());
    office.directory().write_last_logins().await.unwrap();
    let before = office.running.store().commits();
    for _ in 0..20 {
        assert!(is_in(&log_in(&office, Service::Imap, "anna@x.test", "secret").await));
    }
    assert_eq!(office.running.store().commits(), before);
    let shown = office.done("GET", "/api/accounts/anna@x.test", json!({})).await;
    assert!(shown["last_logins"]["imap"].as_i64().unwrap() > 1_700_000_000);
    office.directory().write_last_logins().await.unwrap();
    let records = office.running.store().records().await.unwrap();
    let kept =
        records.iter().find(|one| one.key.kind == "last-login" && one.key.name == id.to_string()).unwrap();
    assert!(kept.value.contains("imap"));
}

#[tokio::test(flavor = "multi_thread")]
async fn auth_11_auth_15_nothing_that_is_stored_or_shown_is_a_password() {
    let office = Office::open().await;
    office.done("PUT", "/api/accounts/anna@x.test/password", json!({ "password": "correct horse" })).await;
    let records = office.running.store().records().await.unwrap();
    let anna = records.iter().find(|one| one.key.name == "anna@x.test").unwrap();
    assert!(anna.value.contains("$argon2id$v=19$") && anna.value.contains("SCRAM-SHA-256$4096:"));
    assert!(records.iter().all(|one| !one.value.contains("correct horse")));
    let account = office.directory().account(&address("anna@x.test")).unwrap();
    let shown = office.done("GET", "/api/accounts/anna@x.test", json!({})).await.to_string();
    for text in [format!("{account:?}"), shown] {
        assert!(!text.contains("argon2") && !text.contains("SCRAM") && !text.contains("horse"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn auth_05_whatever_is_wrong_is_answered_alike_and_takes_a_hash() {
    use posthaste_server::directory::{Account, Directory, DirectoryError, HashCost, Options};
    let office = Office::open().await;
    office.add("disabled@x.test").await;
    office.done("PATCH", "/api/accounts/disabled@x.test", json!({ "enabled": false })).await;
    office.done("PUT", "/api/accounts/boss@x.test/password", json!({ "password": null })).await;
    // The same store with hashes that take a time to speak of, so that it is seen when one is left out.
    let cost = HashCost { passes: 4, ..HashCost::RECOMMENDED };
    let options = Options { cost, scram_iterations: 4096, ..Options::default() };
    let directory = Directory::open(Arc::clone(office.running.store()), options).await.unwrap();
    for name in ["anna@x.test", "disabled@x.test"] {
        let credential = directory.credential(&Secret::from("secret")).await.unwrap();
        let set = |draft: &mut posthaste_server::directory::Draft| {
            let account = Account::clone(draft.account(&address(name)).unwrap());
            draft.put_account(account.with_credential(Some(credential.clone())));
            Ok::<_, DirectoryError>(())
        };
        directory.change(set).await.unwrap();
    }
    let attempts = [
        ("anna@x.test", "wrong"),
        ("nobody@x.test", "secret"),
        ("nobody@nowhere.test", "secret"),
        ("no address", "secret"),
        ("disabled@x.test", "wrong"),
        ("boss@x.test", "secret"),
    ];
    let mut fastest = [std::time::Duration::MAX; 6];
    // On a busy machine it takes a few rounds until each was fast once; one that computes no hash, a thousandth of
    // the others, never comes near them.
    for _ in 0..50 {
        for ((user, password), fastest) in attempts.into_iter().zip(&mut fastest) {
            let attempt = Attempt { service: Service::Imap, peer: None, user, password: password.as_bytes() };
            let begun = std::time::Instant::now();
            assert_eq!(directory.log_in(attempt).await.unwrap(), LogIn::Refused, "{user}");
            *fastest = begun.elapsed().min(*fastest);
        }
        let (least, most) = (fastest.iter().min().unwrap(), fastest.iter().max().unwrap());
        if least.as_secs_f64() * 4.0 > most.as_secs_f64() {
            return;
        }
    }
    panic!("{fastest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn auth_06_bans_survive_a_restart_and_what_is_lifted_stays_lifted() {
    let mut office = Office::open().await;
    let shut_out = async |office: &Office| {
        let bans = office.done("GET", "/api/bans", json!({})).await;
        bans.as_array().unwrap().iter().map(|ban| ban["subject"]["who"].clone()).collect::<Vec<_>>()
    };
    for number in 0..20 {
        // One name alone would be slowed down before.
        log_in(&office, Service::Imap, &format!("nobody{number}@x.test"), "wrong").await;
    }
    office.done("POST", "/api/bans", json!({ "network": "198.51.100.7", "seconds": 3600 })).await;
    office.done("POST", "/api/bans", json!({ "network": "198.51.100.8", "seconds": 3600 })).await;
    office.done("DELETE", "/api/bans/198.51.100.8", json!({})).await;
    let before = shut_out(&office).await;
    assert!(before.contains(&json!("192.0.2.7")) && before.contains(&json!("198.51.100.7")), "{before:?}");
    office = office.again().await;
    let after = shut_out(&office).await;
    assert!(after.contains(&json!("192.0.2.7")) && after.contains(&json!("198.51.100.7")), "{after:?}");
    assert!(!after.contains(&json!("198.51.100.8")));
    assert_eq!(log_in(&office, Service::Imap, "anna@x.test", "secret").await, LogIn::Banned);
    office.done("DELETE", "/api/bans/192.0.2.7", json!({})).await;
    office = office.again().await;
    assert!(is_in(&log_in(&office, Service::Imap, "anna@x.test", "secret").await));
    assert_eq!(shut_out(&office).await, [json!("198.51.100.7")]);
}
