//! A server that is killed while it writes, again and again: what it said was done is done, once, and nothing is
//! wrong with the store (security cases rel_02, rel_22, rel_30).
//!
//! The process that is killed is this test binary again, told so by the environment. It says on its output what the
//! store has answered; it is killed when it has said enough, wherever it is then.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::clone_on_ref_ptr,
    clippy::print_stdout,
    reason = "test code"
)]

#[path = "support/stores.rs"]
#[allow(dead_code, reason = "shared by several test files")]
mod stores;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use posthaste_server::store::sqlite::Sqlite;
use posthaste_server::store::{
    Check, Expunge, FlagMask, Flags, MailboxName, NewMessage, NoListener, Progress, Room, Store,
};
use stores::{ANNA, DATE, SQLITE, Stage};

const DATA: &str = "POSTHASTE_CRASH_TEST_DATA";
const CYCLE: &str = "POSTHASTE_CRASH_TEST_CYCLE";
const CYCLES: usize = 10;

/// Not a test by itself: what the process does that is killed.
#[test]
fn child() {
    let Ok(data) = std::env::var(DATA) else { return };
    let cycle = std::env::var(CYCLE).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(write_for_ever(Path::new(&data), &cycle));
}

async fn write_for_ever(data: &Path, cycle: &str) {
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(data, Arc::new(NoListener)).unwrap());
    let inbox = store.mailbox(ANNA, &MailboxName::inbox()).await.unwrap().id;
    let trash = store.mailbox(ANNA, &MailboxName::new("Trash").unwrap()).await.unwrap().id;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let (store, cycle) = (store.clone(), cycle.to_owned());
        writers.spawn(async move {
            for serial in 0_usize.. {
                let id = format!("{cycle}-{writer}-{serial}");
                // Some are larger than what is kept in memory.
                let mut spool = store.spool();
                spool.write(id.as_bytes()).await.unwrap();
                spool.write(&vec![b'.'; if serial % 7 == 0 { 300_000 } else { 2000 }]).await.unwrap();
                let message = NewMessage {
                    content: spool.finish().await.unwrap(),
                    flags: Flags::default(),
                    date: DATE,
                };
                let appended = store.append(inbox, Room::UNLIMITED, vec![message]).await.unwrap();
                say("appended", &id);
                match serial % 4 {
                    1 => {
                        say("expunging", &id);
                        store.expunge(inbox, Expunge::Uids(appended.uids)).await.unwrap();
                        say("expunged", &id);
                    }
                    2 => {
                        store
                            .move_messages(inbox, appended.uids, trash, Room::UNLIMITED, FlagMask::ALL)
                            .await
                            .unwrap();
                        say("moved", &id);
                    }
                    3 => drop(store.purge(i64::MAX, 3).await.unwrap()),
                    _ => {}
                }
            }
        });
    }
    writers.join_all().await;
}

fn say(what: &str, id: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what} {id}").and_then(|()| out.flush()).unwrap();
}

/// What was said of each message last.
fn run_and_kill(data: &Path, cycle: usize, said: &mut BTreeMap<String, String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(DATA, data)
        .env(CYCLE, cycle.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let enough = 20 + 37 * cycle;
    let mut heard = 0;
    for line in out.lines() {
        let line = line.unwrap();
        // The last line may be cut, and so may be one of the test harness.
        let Some((what @ ("appended" | "expunging" | "expunged" | "moved"), id)) = line.split_once(' ')
        else {
            continue;
        };
        said.insert(id.to_owned(), what.to_owned());
        heard += 1;
        if heard == enough {
            child.kill().unwrap();
        }
    }
    assert!(heard >= enough, "the child ended by itself");
    child.wait().unwrap();
}

#[test]
fn rel_22_what_was_answered_survives_being_killed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut stage = runtime.block_on(Stage::new(SQLITE));
    let mut said = BTreeMap::new();
    let mut uidnext = 0;
    for cycle in 0..CYCLES {
        runtime.block_on(stage.store.close()).unwrap();
        run_and_kill(stage.data.path(), cycle, &mut said);
        stage.store = SQLITE(stage.data.path(), Arc::new(NoListener)).unwrap();
        uidnext = runtime.block_on(verify(&stage, &said, uidnext));
    }
    assert!(said.len() > CYCLES * 20);
}

async fn verify(stage: &Stage, said: &BTreeMap<String, String>, uidnext: u32) -> u32 {
    assert_eq!(stage.store.check(Check::Report, Progress::silent()).await.unwrap(), []);
    let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in ["INBOX", "Trash"] {
        for meta in stage.metas(stage.mailbox(ANNA, name).await.id).await {
            let content = stage.content(meta.blob, 0..u64::MAX).await;
            assert_eq!(content.len() as u64, meta.size);
            let id = content.split(|octet| *octet == b'.').next().unwrap();
            found.entry(String::from_utf8(id.to_vec()).unwrap()).or_default().push(name);
        }
    }
    for (id, what) in said {
        let places = found.get(id).map(Vec::as_slice).unwrap_or_default();
        let explained = match what.as_str() {
            "appended" => matches!(places, ["INBOX"] | ["Trash"]),
            "moved" => places == ["Trash"],
            "expunged" => places.is_empty(),
            _ => matches!(places, [] | ["INBOX"]),
        };
        assert!(explained, "{id} was {what} and is in {places:?}");
    }
    let now = stage.mailbox(ANNA, "INBOX").await.uidnext;
    assert!(now >= uidnext, "UIDs are given out again");
    // It goes on from here.
    let inbox = stage.inbox().await;
    let uid = stage.append(inbox, b"after.", Flags::default()).await;
    assert_eq!(uid, now);
    stage.store.expunge(inbox, Expunge::Uids(vec![uid])).await.unwrap();
    uid
}
