//! Memory while large messages pass through the store. In a program of its own, because it is the memory of the whole
//! program that is looked at: the store works on threads of its own.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::clone_on_ref_ptr,
    reason = "test code"
)]

#[path = "support/stores.rs"]
#[allow(dead_code, reason = "shared by several test files")]
mod stores;

use posthaste_server::store::{CHUNK, Flags, NewMessage, Room};
use stores::{DATE, SQLITE, Stage};

/// KiB that the program holds now, without what is mapped from files.
fn held() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// Takes a message of so many pieces in and gives it out; the most KiB that the program held meanwhile.
async fn passes(stage: &Stage, pieces: u64) -> u64 {
    let inbox = stage.inbox().await;
    let mut most = 0;
    let piece = vec![b'x'; PIECE];
    let mut spool = stage.store.spool();
    for _ in 0..pieces {
        spool.write(&piece).await.unwrap();
        most = most.max(held());
    }
    let content = spool.finish().await.unwrap();
    let size = content.size();
    assert_eq!(size, pieces * PIECE as u64);
    let message = NewMessage { content, flags: Flags::default(), date: DATE };
    let appending = stage.store.append(inbox, Room::UNLIMITED, vec![message]);
    let watching = async {
        loop {
            most = most.max(held());
            tokio::task::yield_now().await;
        }
    };
    let appended = tokio::select! {
        appended = appending => appended.unwrap(),
        () = watching => unreachable!(),
    };
    let blob = stage.blob(inbox, appended.uids[0]).await;
    let mut content = stage.store.content(blob, 0..u64::MAX).await.unwrap();
    let mut read = 0;
    while let Some(chunk) = content.next_chunk().await.unwrap() {
        assert!(chunk.len() as u64 <= CHUNK);
        read += chunk.len() as u64;
        most = most.max(held());
    }
    assert_eq!(read, size);
    most
}

#[tokio::test]
async fn st_05_a_large_message_is_never_whole_in_memory() {
    let stage = Stage::new(SQLITE).await;
    // So that all threads have what they keep.
    let before = passes(&stage, 256).await;
    let most = passes(&stage, 2048).await;
    let grown = most.saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} KiB more for 128 MiB than for 16 MiB");
}

/// Octets that a connection brings at once.
const PIECE: usize = 64 * 1024;
