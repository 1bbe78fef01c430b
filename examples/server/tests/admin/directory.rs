//! Domains, accounts, names, classes and limits, as an administrator changes them and deliveries see them.

use posthaste_server::directory::Recipients;
use serde_json::json;

use crate::office::{As, Office, address};

/// Who gets what is sent to an address: `address>mailbox`, or why nobody.
fn to(office: &Office, text: &str) -> String {
    match office.directory().recipients(&address(text)) {
        Recipients::Local(all) => {
            let one = |it: &posthaste_server::directory::Recipient| {
                format!("{}>{}", it.account.address, it.mailbox)
            };
            all.iter().map(one).collect::<Vec<_>>().join(" ")
        }
        other => format!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u1_a_disabled_domain_takes_no_mail_and_no_log_ins() {
    let office = Office::open().await;
    let anna = As::Basic("anna@x.test", "secret");
    assert_eq!(office.tcp(anna, "GET", "/api/me", json!({})).await.0, 200);
    office.done("PATCH", "/api/domains/x.test", json!({ "enabled": false })).await;
    assert_eq!(to(&office, "anna@x.test"), "Disabled");
    assert_eq!(office.tcp(anna, "GET", "/api/me", json!({})).await.0, 401);
    office.done("PATCH", "/api/domains/x.test", json!({ "enabled": true })).await;
    assert_eq!(to(&office, "anna@x.test"), "anna@x.test>INBOX");
    assert_eq!(office.tcp(anna, "GET", "/api/me", json!({})).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn u2_another_name_of_a_domain_is_the_domain() {
    let office = Office::open().await;
    assert_eq!(to(&office, "anna@alias.test"), "NotServed");
    office.done("PATCH", "/api/domains/x.test", json!({ "names": ["Alias.test"] })).await;
    assert_eq!(to(&office, "Anna@ALIAS.test"), "anna@x.test>INBOX");
    assert_eq!(office.tcp(As::Basic("anna@alias.test", "secret"), "GET", "/api/me", json!({})).await.0, 200);
    office.refused("POST", "/api/domains", json!({ "name": "alias.test" }), 409, "exists already").await;
    office.refused("PATCH", "/api/domains/y.test", json!({ "names": ["alias.test"] }), 409, "exists").await;
    let taken = json!({ "address": "anna@alias.test", "password": "secret" });
    office.refused("POST", "/api/accounts", taken, 409, "account anna@x.test").await;
    let anna = office.directory().account(&address("anna@x.test")).unwrap();
    assert!(office.directory().may_send_as(&anna, &address("anna@alias.test")));
}

#[tokio::test(flavor = "multi_thread")]
async fn u4_each_limit_of_a_domain_refuses_at_the_limit_and_says_so() {
    let office = Office::open().await;
    let limit = |limits: serde_json::Value| json!({ "limits": limits });
    let domain = "/api/domains/x.test";
    let account = |name: &str, quota: Option<u64>| json!({ "address": format!("{name}@x.test"), "password": "secret", "quota": quota });
    // Two accounts are there already.
    office.refused("PATCH", domain, limit(json!({ "accounts": 1 })), 422, "accounts").await;
    office.done("PATCH", domain, limit(json!({ "accounts": 3, "aliases": 1, "groups": 0 }))).await;
    office.done("POST", "/api/accounts", account("third", None)).await;
    office.refused("POST", "/api/accounts", account("fourth", None), 422, "may have 3 accounts").await;
    office.done("PUT", "/api/aliases/one@x.test", json!({ "targets": ["anna@x.test"] })).await;
    let two = json!({ "targets": ["anna@x.test"] });
    office.refused("PUT", "/api/aliases/two@x.test", two, 422, "1 aliases").await;
    office.refused("PUT", "/api/groups/all@x.test", json!({ "members": [] }), 422, "0 groups").await;
    // Sizes: of one account, and of all of them together.
    office.done("PATCH", domain, limit(json!({ "account_size": 1000 }))).await;
    office.refused("POST", "/api/accounts", account("big", Some(1001)), 422, "1000").await;
    let anna = office.directory().account(&address("anna@x.test")).unwrap();
    assert_eq!(office.directory().room(&anna).octets, Some(1000), "who has no quota has the limit");
    office.done("PATCH", domain, limit(json!({ "account_size": 1000, "allocated": 3500 }))).await;
    office.refused("POST", "/api/accounts", account("more", Some(501)), 422, "3500 octets together").await;
    office.done("POST", "/api/accounts", account("more", Some(500))).await;
    office.refused("PATCH", "/api/accounts/more@x.test", json!({ "quota": 501 }), 422, "3500").await;
    office.refused("PATCH", domain, limit(json!({ "allocated": 3500 })), 422, "has no quota").await;
    office.done("PATCH", domain, limit(json!({ "message_size": 77 }))).await;
    assert_eq!(office.directory().message_size(&anna), Some(77));
}

#[tokio::test(flavor = "multi_thread")]
async fn u6_catch_all_and_details_of_addresses() {
    let office = Office::open().await;
    assert_eq!(to(&office, "nobody@x.test"), "Unknown");
    assert_eq!(to(&office, "anna+Lists@x.test"), "anna@x.test>lists");
    office.done("PATCH", "/api/domains/x.test", json!({ "catch_all": "boss@x.test" })).await;
    assert_eq!(to(&office, "nobody@x.test"), "boss@x.test>INBOX");
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "enabled": false })).await;
    assert_eq!(to(&office, "anna@x.test"), "Disabled", "not the catch-all's");
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "enabled": true, "plus_mail": "inbox" })).await;
    assert_eq!(to(&office, "anna+lists@x.test"), "anna@x.test>INBOX");
    office.done("PATCH", "/api/domains/x.test", json!({ "plus": "-", "catch_all": null })).await;
    assert_eq!(to(&office, "anna+lists@x.test"), "Unknown");
    assert_eq!(to(&office, "anna-lists@x.test"), "anna@x.test>INBOX");
    office.refused("PATCH", "/api/domains/x.test", json!({ "catch_all": "z@x.test" }), 404, "z@x.test").await;
    office.refused("PATCH", "/api/domains/x.test", json!({ "plus": "a" }), 400, "'a'").await;
    let wrong = json!({ "address": "a-b@x.test", "password": "secret" });
    office.refused("POST", "/api/accounts", wrong, 400, "stands before a detail").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u6_greylisting_is_a_setting_of_each_domain_for_whoever_administers_it() {
    let office = Office::open().await;
    let is_on = |domain: &str| office.directory().picture().domain(domain).unwrap().greylisting;
    assert!(!is_on("x.test"), "off unless it is asked for");
    let boss = crate::office::As::Basic("boss@x.test", "secret");
    let on = json!({ "greylisting": true });
    assert_eq!(office.tcp(boss, "PATCH", "/api/domains/y.test", on.clone()).await.0, 403);
    assert_eq!(office.tcp(boss, "PATCH", "/api/domains/x.test", on).await.0, 200);
    assert!(is_on("x.test") && !is_on("y.test"));
    office.done("PATCH", "/api/domains/x.test", json!({ "plus": "-" })).await;
    assert!(is_on("x.test"), "what is not named stays");
    office.done("PATCH", "/api/domains/x.test", json!({ "greylisting": false })).await;
    assert!(!is_on("x.test"));
    office.refused("PATCH", "/api/domains/x.test", json!({ "greylisting": "yes" }), 400, "boolean").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mailbox_of_a_detail_is_there_or_it_is_inbox() {
    let office = Office::open().await;
    let at = async |text: &str| match office.directory().recipients(&address(text)) {
        Recipients::Local(all) => office.directory().mailbox_for(&all[0]).await.unwrap().to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(at("anna+lists@x.test").await, "INBOX");
    let anna = office.directory().account(&address("anna@x.test")).unwrap();
    let name = posthaste_server::store::MailboxName::new("Lists").unwrap();
    office.running.store().create_mailbox(anna.id, &name, None).await.unwrap();
    assert_eq!(at("anna+lists@x.test").await, "Lists");
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_and_groups_end_at_accounts_each_once_whatever_circles_they_make() {
    let office = Office::open().await;
    office.done("PUT", "/api/aliases/a@x.test", json!({ "targets": ["anna@x.test"] })).await;
    office.done("PUT", "/api/aliases/b@x.test", json!({ "targets": ["a@x.test", "boss@x.test"] })).await;
    office.done("PUT", "/api/aliases/a@x.test", json!({ "targets": ["b@x.test", "anna@x.test"] })).await;
    assert_eq!(to(&office, "a@x.test"), "anna@x.test>INBOX boss@x.test>INBOX");
    assert_eq!(to(&office, "b+d@x.test"), "anna@x.test>d boss@x.test>d");
    office.done("PUT", "/api/aliases/c@x.test", json!({ "targets": ["anna@x.test"] })).await;
    office.done("PUT", "/api/aliases/d@x.test", json!({ "targets": ["c@x.test"] })).await;
    office.done("PUT", "/api/aliases/c@x.test", json!({ "targets": ["d@x.test"] })).await;
    assert_eq!(to(&office, "c@x.test"), "Unknown", "a circle that leads nowhere");
    office.done("PUT", "/api/groups/all@x.test", json!({ "members": ["a@x.test", "yves@y.test"] })).await;
    assert_eq!(to(&office, "all@x.test").split(' ').count(), 3);
    let of = |name: &str| {
        let account = office.directory().account(&address(name)).unwrap();
        office.directory().groups_of(&account)
    };
    assert_eq!(
        (of("anna@x.test"), of("yves@y.test")),
        (vec!["all@x.test".into()], vec!["all@x.test".into()])
    );
    office
        .refused("PUT", "/api/aliases/anna@x.test", json!({ "targets": ["boss@x.test"] }), 409, "account")
        .await;
    office.refused("PUT", "/api/aliases/e@x.test", json!({ "targets": [] }), 400, "one target").await;
    // Who goes is gone everywhere.
    office.done("DELETE", "/api/accounts/anna@x.test", json!({})).await;
    office.done("DELETE", "/api/accounts/boss@x.test", json!({})).await;
    assert_eq!(to(&office, "a@x.test"), "Unknown");
    assert_eq!(to(&office, "all@x.test"), "yves@y.test>INBOX");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_write_to_a_group_is_asked_of_who_is_logged_in() {
    let office = Office::open().await;
    let group = |posting: &str| json!({ "members": ["anna@x.test"], "posting": posting });
    let from = |name: Option<&str>| {
        let sender = name.map(|name| office.directory().account(&address(name)).unwrap());
        let found = office.directory().recipients_from(&address("all@x.test"), sender.as_deref());
        matches!(found, Recipients::Local(_))
    };
    for (posting, stranger, yves, boss, anna) in [
        ("public", true, true, true, true),
        ("domain", false, false, true, true),
        ("members", false, false, false, true),
    ] {
        office.done("PUT", "/api/groups/all@x.test", group(posting)).await;
        let allowed =
            [from(None), from(Some("yves@y.test")), from(Some("boss@x.test")), from(Some("anna@x.test"))];
        assert_eq!(allowed, [stranger, yves, boss, anna], "{posting}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_an_account_writes_in_its_own_names_only() {
    let office = Office::open().await;
    office.done("PUT", "/api/aliases/sales@x.test", json!({ "targets": ["anna@x.test"] })).await;
    office.done("PUT", "/api/groups/all@x.test", json!({ "members": ["anna@x.test"] })).await;
    let anna = office.directory().account(&address("anna@x.test")).unwrap();
    for (from, may) in [
        ("anna@x.test", true),
        ("anna+shop@x.test", true),
        ("sales@x.test", true),
        ("all@x.test", false),
        ("boss@x.test", false),
        ("nobody@x.test", false),
        ("anna@y.test", false),
    ] {
        assert_eq!(office.directory().may_send_as(&anna, &address(from)), may, "{from}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u19_a_class_decides_at_once_where_the_account_does_not() {
    let office = Office::open().await;
    let room = || {
        let anna = office.directory().account(&address("anna@x.test")).unwrap();
        let room = office.directory().room(&anna);
        (room.octets, room.messages)
    };
    assert_eq!(room(), (None, None));
    office.refused("PATCH", "/api/accounts/anna@x.test", json!({ "class": "gold" }), 404, "class gold").await;
    office.done("PUT", "/api/classes/gold", json!({ "quota": 1000, "quota_messages": 5 })).await;
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "class": "gold" })).await;
    assert_eq!(room(), (Some(1000), Some(5)));
    office.done("PUT", "/api/classes/gold", json!({ "quota": 2000 })).await;
    assert_eq!(room(), (Some(2000), None));
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "quota": 300 })).await;
    assert_eq!(room(), (Some(300), None));
    office.refused("DELETE", "/api/classes/gold", json!({}), 409, "1 accounts").await;
    office.done("PATCH", "/api/accounts/anna@x.test", json!({ "quota": null, "class": null })).await;
    assert_eq!(room(), (None, None));
    office.done("DELETE", "/api/classes/gold", json!({})).await;
    // What a class gives counts where a domain limits the sum.
    office.done("PUT", "/api/classes/gold", json!({ "quota": 10 })).await;
    for name in ["anna", "boss"] {
        office.done("PATCH", &format!("/api/accounts/{name}@x.test"), json!({ "class": "gold" })).await;
    }
    office.done("PATCH", "/api/domains/x.test", json!({ "limits": { "allocated": 20 } })).await;
    office.refused("PUT", "/api/classes/gold", json!({ "quota": 11 }), 422, "20 octets together").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u14_u16_accounts_are_made_in_one_call_renamed_and_removed() {
    let office = Office::open().await;
    let made = office
        .done(
            "POST",
            "/api/accounts",
            json!({ "address": "Carl@X.test", "password": "secret", "first_name": "Carl", "last_name": "Lee", "quota": 9 }),
        )
        .await;
    assert_eq!((made["address"].as_str(), made["quota"].as_u64()), (Some("carl@x.test"), Some(9)));
    let id = office.directory().account(&address("carl@x.test")).unwrap().id;
    let mailboxes = office.running.store().mailboxes(id).await.unwrap();
    assert!(mailboxes.iter().any(|mailbox| mailbox.name == "INBOX"));
    office.done("PUT", "/api/aliases/c@x.test", json!({ "targets": ["carl@x.test"] })).await;
    office.done("POST", "/api/accounts/carl@x.test/rename", json!({ "to": "charles@y.test" })).await;
    assert_eq!(to(&office, "c@x.test"), "charles@y.test>INBOX");
    assert_eq!(to(&office, "carl@x.test"), "Unknown");
    assert_eq!(office.directory().account(&address("charles@y.test")).unwrap().id, id);
    assert_eq!(office.tcp(As::Basic("charles@y.test", "secret"), "GET", "/api/me", json!({})).await.0, 200);
    office.done("POST", "/api/accounts/charles@y.test/empty", json!({})).await;
    office.refused("POST", "/api/accounts/charles@y.test/unlock", json!({}), 404, "POP3 session").await;
    office.done("DELETE", "/api/accounts/charles@y.test", json!({})).await;
    assert!(office.running.store().mailboxes(id).await.unwrap_or_default().is_empty());
    office.refused("GET", "/api/accounts/charles@y.test", json!({}), 404, "charles@y.test").await;
    // Never the same id again, so that nobody inherits anything.
    office.add("charles@y.test").await;
    assert_ne!(office.directory().account(&address("charles@y.test")).unwrap().id, id);
    for (body, why) in [
        (json!({ "address": "d@z.test", "password": "secret" }), "posthaste domain add z.test"),
        (json!({ "address": "d@x.test", "password": "" }), "empty"),
        (json!({ "address": "no address", "password": "p" }), "needs an \"@\""),
        (json!({ "address": "d@x.test", "password": "secret", "class": "no" }), "class no"),
    ] {
        let (status, answer) = office.local("POST", "/api/accounts", body).await;
        assert!(
            (400..500).contains(&status) && answer.to_string().replace("\\\"", "\"").contains(why),
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u16_an_import_is_all_or_nothing_and_an_export_has_no_passwords() {
    let office = Office::open().await;
    let import = |csv: &str| json!({ "csv": csv });
    let bad =
        "address,password,quota\na@x.test,p,\nanna@x.test,p,\nb@z.test,p,\nc@x.test,,\nd@x.test,p,lots\n";
    let problem =
        office.refused("POST", "/api/import/accounts", import(bad), 400, "nothing was imported").await;
    assert_eq!(problem.faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [3, 4, 5, 6]);
    assert!(office.directory().account(&address("a@x.test")).is_none());
    let good = "address,password,first_name\na@x.test,\"p,q\",Ada\nb@x.test,p,\n";
    assert_eq!(office.done("POST", "/api/import/accounts", import(good)).await, json!({ "accounts": 2 }));
    assert_eq!(office.tcp(As::Basic("a@x.test", "p,q"), "GET", "/api/me", json!({})).await.0, 200);
    let csv = office.done("GET", "/api/export/accounts?domain=x.test", json!({})).await;
    let csv = csv["csv"].as_str().unwrap();
    assert!(csv.starts_with("address,first_name,") && csv.contains("\na@x.test,Ada,"), "{csv}");
    assert!(!csv.contains("argon2") && !csv.contains("yves"));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_after_a_restart_and_watchers_are_told() {
    let office = Office::open().await;
    let mut watch = office.directory().watch();
    watch.mark_unchanged();
    office.done("PUT", "/api/groups/all@x.test", json!({ "members": ["anna@x.test"] })).await;
    assert!(watch.has_changed().unwrap());
    let before = office.directory().picture();
    office.directory().reload().await.unwrap();
    let after = office.directory().picture();
    assert_eq!(before.accounts().collect::<Vec<_>>(), after.accounts().collect::<Vec<_>>());
    assert_eq!(before.entries().collect::<Vec<_>>(), after.entries().collect::<Vec<_>>());
    assert_eq!(before.domains().collect::<Vec<_>>(), after.domains().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn u20_usage_is_listed_by_size_and_by_share() {
    let office = Office::open().await;
    office.done("PATCH", "/api/accounts/yves@y.test", json!({ "quota": 1000 })).await;
    let all = office.done("GET", "/api/usage?order=share&top=1", json!({})).await;
    assert_eq!(all[0]["address"], "yves@y.test");
    assert_eq!((all[0]["percent"].as_u64(), all.as_array().unwrap().len()), (Some(0), 1));
    assert_eq!(office.done("GET", "/api/usage?above=1", json!({})).await, json!([]));
    office.refused("GET", "/api/usage?top=many", json!({}), 400, "many").await;
}

/// What is granted on the INBOX of yves@y.test, as `identifier rights`.
async fn granted(office: &Office) -> Vec<String> {
    let store = office.running.store();
    let yves = office.directory().account(&address("yves@y.test")).unwrap().id;
    let inbox = store.mailbox(yves, &posthaste_server::store::MailboxName::inbox()).await.unwrap().id;
    let grants = store.grants(inbox).await.unwrap();
    grants.iter().map(|grant| format!("{} {}", grant.identifier, grant.rights)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_what_is_granted_follows_a_rename_and_ends_with_an_account_and_a_group() {
    use posthaste_server::store::{Grant, MailboxName};
    let office = Office::open().await;
    office.done("PUT", "/api/groups/team@x.test", json!({ "members": ["boss@x.test"] })).await;
    let store = office.running.store();
    let yves = office.directory().account(&address("yves@y.test")).unwrap().id;
    let inbox = store.mailbox(yves, &MailboxName::inbox()).await.unwrap().id;
    for (identifier, rights) in
        [("anna@x.test", "lr"), ("-anna@x.test", "w"), ("boss@x.test", "lrs"), ("$team@x.test", "l")]
    {
        let rights = posthaste_imap::types::Rights::new(rights).unwrap();
        store.grant(inbox, Grant { identifier: identifier.to_owned(), rights }).await.unwrap();
    }
    office.done("POST", "/api/accounts/anna@x.test/rename", json!({ "to": "ann@x.test" })).await;
    assert_eq!(
        granted(&office).await,
        ["$team@x.test l", "-ann@x.test w", "ann@x.test lr", "boss@x.test lrs"]
    );
    // Somebody else who gets the old name gets nothing with it.
    office.add("anna@x.test").await;
    assert!(!granted(&office).await.iter().any(|entry| entry.contains("anna@")));
    office.done("DELETE", "/api/accounts/ann@x.test", json!({})).await;
    assert_eq!(granted(&office).await, ["$team@x.test l", "boss@x.test lrs"]);
    office.done("DELETE", "/api/groups/team@x.test", json!({})).await;
    assert_eq!(granted(&office).await, ["boss@x.test lrs"]);
    office.done("DELETE", "/api/domains/x.test?with_everything=true", json!({})).await;
    assert!(granted(&office).await.is_empty());
}
