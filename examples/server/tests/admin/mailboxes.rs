//! Folders of an account, as an administrator or the user sees to them without a mail program (U14).

use serde_json::{Value, json};

use crate::office::{As, Office};

const PATH: &str = "/api/accounts/anna@x.test/mailboxes";

/// The mailbox of this name, as it is listed.
async fn listed(office: &Office, name: &str) -> Option<Value> {
    let all = office.done("GET", PATH, json!({})).await;
    all.as_array().unwrap().iter().find(|one| one["name"] == name).cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn u14_folders_are_made_renamed_and_deleted() {
    let office = Office::open().await;
    assert_eq!(listed(&office, "Sent").await.unwrap()["special_use"], "Sent");
    // By the user themselves.
    let anna = As::Basic("anna@x.test", "secret");
    let (status, answer) = office.tcp(anna, "POST", PATH, json!({ "name": "Work/2026" })).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(listed(&office, "Work/2026").await.unwrap()["subscribed"], true);
    assert!(listed(&office, "Work").await.is_some());
    office.refused("POST", PATH, json!({ "name": "Work/2026" }), 409, "exists").await;
    office.refused("POST", PATH, json!({ "name": "a//b" }), 400, "").await;
    office.refused("DELETE", &format!("{PATH}/Work"), json!({}), 409, "below it").await;
    office.done("POST", &format!("{PATH}/Work%2F2026/rename"), json!({ "to": "Done" })).await;
    assert!(listed(&office, "Done").await.is_some() && listed(&office, "Work/2026").await.is_none());
    office.done("DELETE", &format!("{PATH}/Done"), json!({})).await;
    office.refused("DELETE", &format!("{PATH}/Done"), json!({}), 404, "Done").await;
    office.refused("DELETE", &format!("{PATH}/INBOX"), json!({}), 409, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u14_a_folder_is_granted_to_somebody_who_is_here() {
    let office = Office::open().await;
    office.done("PUT", "/api/groups/team@x.test", json!({ "members": ["boss@x.test"] })).await;
    let grant = |who: &str| format!("{PATH}/INBOX/grants/{who}");
    let shown = office.done("PUT", &grant("Boss@x.test"), json!({ "rights": "lrs" })).await;
    assert_eq!(shown["grants"], json!([{ "identifier": "boss@x.test", "rights": "lrs" }]));
    for who in ["$team@x.test", "-yves@y.test", "anyone"] {
        office.done("PUT", &grant(who), json!({ "rights": "l" })).await;
    }
    let granted = listed(&office, "INBOX").await.unwrap()["grants"].as_array().unwrap().len();
    assert_eq!(granted, 4);
    for (who, rights, status) in [
        ("nobody@x.test", "l", 404),
        ("anna@x.test", "l", 404),
        ("team@x.test", "l", 404),
        ("$boss@x.test", "l", 404),
        ("nobody", "l", 400),
        ("boss@x.test", "lQ", 400),
        ("boss@x.test", "d", 400),
    ] {
        office.refused("PUT", &grant(who), json!({ "rights": rights }), status, "").await;
    }
    office.done("PUT", &grant("boss@x.test"), json!({ "rights": "" })).await;
    office.done("PUT", &grant("-yves@y.test"), json!({ "rights": "" })).await;
    let left = listed(&office, "INBOX").await.unwrap()["grants"].clone();
    assert_eq!(
        left,
        json!([{ "identifier": "$team@x.test", "rights": "l" }, { "identifier": "anyone", "rights": "l" }])
    );
}
