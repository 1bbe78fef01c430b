//! What is done while nobody waits: the search index, messages that were deleted long enough ago, and the writing down
//! of what has changed in memory only: last logins, bans, who has passed greylisting.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::session::Context;

/// Works until the server stops. What is under way then is dropped; the store allows that.
pub(super) async fn run(context: Context) {
    tokio::select! {
        () = context.stop.cancelled() => {}
        () = everything(&context) => {}
    }
}

async fn everything(context: &Context) {
    tokio::join!(
        catch_up(context),
        purge(context),
        every(LOGINS_INTERVAL, || write_logins(context)),
        every(BANS_INTERVAL, || write_bans(context)),
        every(GREYLIST_INTERVAL, || write_greylist(context)),
    );
}

/// What the end of the server must not lose.
pub(super) async fn finish(context: &Context) {
    context.index.tell_claims(&context.store).await;
    write_logins(context).await;
    write_bans(context).await;
    write_greylist(context).await;
}

async fn write_logins(context: &Context) {
    if let Err(error) = context.directory.write_last_logins().await {
        tracing::warn!(%error, "the last logins were not written");
    }
}

async fn write_bans(context: &Context) {
    if let Err(error) = context.directory.write_bans().await {
        tracing::warn!(%error, "bans were not written");
    }
}

async fn write_greylist(context: &Context) {
    if let Err(error) = context.greylist.write().await {
        tracing::warn!(%error, "who has passed greylisting was not written");
    }
}

/// Does something again and again.
async fn every<F: Future<Output = ()>>(interval: Duration, what: impl Fn() -> F) {
    let mut turns = interval_at(Instant::now(), interval);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        what().await;
    }
}

async fn catch_up(context: &Context) {
    // After how many commits nothing was left, and how many there were at the last look.
    let (mut done, mut last) = (None, None);
    let mut waited = 0;
    loop {
        tokio::time::sleep(CATCH_UP_PAUSE).await;
        let commits = context.store.commits();
        let others_work = last.replace(commits) != Some(commits);
        if done == Some(commits) {
            waited = 0;
            continue;
        }
        if others_work && waited < WAITS_MAX {
            waited = waited.saturating_add(1);
            continue;
        }
        waited = 0;
        match context.store.catch_up().await {
            // What is committed meanwhile is looked for again.
            Ok(()) => done = Some(commits),
            Err(error) => {
                tracing::warn!(%error, "what can wait in the store has to wait longer");
                tokio::time::sleep(FAILED_PAUSE).await;
            }
        }
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

/// Between two looks for what can be done. It begins when nobody has changed anything for so long.
const CATCH_UP_PAUSE: Duration = Duration::from_secs(1);

/// So often it waits for a store that is at work, and then begins all the same.
const WAITS_MAX: u32 = 30;

/// How long it rests after it has failed.
const FAILED_PAUSE: Duration = Duration::from_secs(10);

const PURGE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Messages that are purged at a time.
const PURGE_MAX: u32 = 500;

const LOGINS_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// What is lost of bans when the server does not end in order.
const BANS_INTERVAL: Duration = Duration::from_secs(30);

/// What is lost of greylisting when the server does not end in order.
const GREYLIST_INTERVAL: Duration = Duration::from_secs(60);

const SECONDS_A_DAY: i64 = 86_400;
