//! What is done while nobody waits: the search index, messages that were deleted long enough ago, last logins.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::session::Context;

/// Works until the server stops. What is under way then is dropped; the store allows that.
pub(super) async fn run(context: Context) {
    tokio::select! {
        () = context.stop.cancelled() => {}
        ((), (), ()) = async { tokio::join!(catch_up(&context), purge(&context), note_logins(&context)) } => {}
    }
}

/// What the end of the server must not lose.
pub(super) async fn finish(context: &Context) {
    context.index.tell_claims(&context.store).await;
    write_logins(context).await;
}

async fn write_logins(context: &Context) {
    if let Err(error) = context.directory.write_last_logins().await {
        tracing::warn!(%error, "the last logins were not written");
    }
}

async fn catch_up(context: &Context) {
    let mut seen = None;
    loop {
        // Before it is looked: what is committed meanwhile is looked for again.
        let commits = context.store.commits();
        if seen != Some(commits) {
            match context.store.catch_up().await {
                Ok(()) => seen = Some(commits),
                Err(error) => {
                    tracing::warn!(%error, "what can wait in the store has to wait longer");
                    tokio::time::sleep(FAILED_PAUSE).await;
                }
            }
        }
        tokio::time::sleep(CATCH_UP_PAUSE).await;
    }
}

async fn purge(context: &Context) {
    let mut turns = interval_at(Instant::now(), PURGE_INTERVAL);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let kept = i64::from(context.config.retention.deleted_days).saturating_mul(SECONDS_A_DAY);
        let before = Timestamp::now().as_second().saturating_sub(kept);
        loop {
            match context.store.purge(before, PURGE_MAX).await {
                Ok(0) => break,
                Ok(purged) => {
                    tracing::info!(purged, "deleted messages are gone for good");
                    // Sessions first.
                    tokio::task::yield_now().await;
                }
                Err(error) => {
                    tracing::warn!(%error, "deleted messages were not purged");
                    break;
                }
            }
        }
    }
}

async fn note_logins(context: &Context) {
    let mut turns = interval_at(Instant::now(), LOGINS_INTERVAL);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        write_logins(context).await;
    }
}

/// Between two looks for what can be done, and so about as long as others have to be done before it begins.
const CATCH_UP_PAUSE: Duration = Duration::from_secs(1);

/// How long it rests after it has failed.
const FAILED_PAUSE: Duration = Duration::from_secs(10);

const PURGE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Messages that are purged at a time.
const PURGE_MAX: u32 = 500;

const LOGINS_INTERVAL: Duration = Duration::from_secs(5 * 60);

const SECONDS_A_DAY: i64 = 86_400;
