//! What is computed once when a message comes in is what would be computed again from what is stored.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

use std::sync::Arc;

use posthaste_imap::message::Summary;
use posthaste_server::ingest;
use posthaste_server::store::sqlite::Sqlite;
use posthaste_server::store::{
    AccountId, Flags, InternalDate, MailboxName, NewMessage, NoListener, RecordChange, Room, Store,
};
use proptest::prelude::*;

const ALICE: AccountId = AccountId(1);

/// Spools, completes, stores and reads back.
async fn stored(store: &Sqlite, content: &[u8], pieces: usize) -> (Vec<u8>, Option<bytes::Bytes>) {
    let mut spool = store.spool();
    for piece in content.chunks(pieces) {
        spool.write(piece).await.unwrap();
    }
    let content = ingest::complete(spool.finish().await.unwrap()).await.unwrap();
    let inbox = store.mailbox(ALICE, &MailboxName::inbox()).await.unwrap().id;
    let new = NewMessage { content, flags: Flags::default(), date: InternalDate::now() };
    let uid = store.append(inbox, Room::UNLIMITED, vec![new]).await.unwrap().uids[0];
    let snapshot = store.snapshot(inbox).await.unwrap();
    let blob = snapshot.messages.iter().find(|message| message.uid == uid).unwrap().blob;
    let mut reader = store.content(blob, 0..u64::MAX).await.unwrap();
    let mut octets = Vec::new();
    while let Some(chunk) = reader.next_chunk().await.unwrap() {
        octets.extend_from_slice(&chunk);
    }
    (octets, store.summaries(vec![blob]).await.unwrap().remove(0))
}

async fn store(data: &std::path::Path) -> Sqlite {
    let store = Sqlite::open(data, Arc::new(NoListener)).unwrap();
    store.commit(vec![RecordChange::AddAccount(ALICE)]).await.unwrap();
    store
}

/// Lines of which many messages are made, whole and broken ones.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Message-ID: <a@x>\r\n".to_owned()),
        Just("References: <b@x> <c@x>\r\n\t<a@x>\r\n".to_owned()),
        Just("In-Reply-To: <b@x>\r\n".to_owned()),
        Just("Content-Type: multipart/mixed; boundary=b\r\n".to_owned()),
        Just("Content-Type: message/rfc822\r\n".to_owned()),
        Just("Content-Transfer-Encoding: base64\r\n".to_owned()),
        Just("\r\n--b\r\n".to_owned()),
        Just("--b--\r\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        "[ -~]{0,60}\r\n",
        "Subject: \\PC{0,40}\r\n",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_summary_that_is_stored_is_the_summary_of_what_is_stored(
        messages in prop::collection::vec((prop::collection::vec(line(), 0..40), 1_usize..500), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let data = tempfile::tempdir().unwrap();
            let store = store(data.path()).await;
            for (lines, pieces) in messages {
                let message = lines.concat();
                let (content, summary) = stored(&store, message.as_bytes(), pieces).await;
                assert_eq!(content, message.as_bytes());
                let summary = summary.unwrap();
                assert_eq!(summary, ingest::summary(&content));
                assert_eq!(Summary::from_bytes(&summary), Some(Summary::scan(&content)));
            }
            store.close().await.unwrap();
        });
    }
}

#[tokio::test]
async fn n_a_large_message_in_a_file_is_summarised_as_one_in_memory() {
    let data = tempfile::tempdir().unwrap();
    let store = store(data.path()).await;
    let part = format!("--b\r\nContent-Type: text/plain\r\n\r\n{}\r\n", "text\r\n".repeat(10_000));
    let message = format!(
        "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n",
        part.repeat(20)
    );
    assert!(message.len() > 1 << 20);
    let (content, summary) = stored(&store, message.as_bytes(), 9_973).await;
    assert_eq!(content, message.as_bytes());
    let summary = Summary::from_bytes(&summary.unwrap()).unwrap();
    assert_eq!(summary, Summary::scan(&content));
    assert_eq!(summary.children(0).count(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n_many_large_messages_at_once_all_come_through_and_deep_ones_are_bounded() {
    let data = tempfile::tempdir().unwrap();
    let store = Arc::new(store(data.path()).await);
    let nested: String = (0..3_000)
        .map(|level| format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"))
        .collect();
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let (store, nested) = (Arc::clone(&store), nested.clone());
            tokio::spawn(async move {
                let message =
                    format!("Message-ID: <{number}@x>\r\n{nested}{}", "x\r\n".repeat(number * 10_000));
                let (content, summary) = stored(&store, message.as_bytes(), 65_537).await;
                assert_eq!(content.len(), message.len());
                let summary = Summary::from_bytes(&summary.unwrap()).unwrap();
                assert!(summary.parts().count() <= 100, "depth is bounded");
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}
