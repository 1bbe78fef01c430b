//! What is done while nobody waits: the search index, messages that were deleted long enough ago, and the writing down
//! of what has changed in memory only: last logins, bans, who has passed greylisting.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::session::Context;
use crate::store::StoreError;

/// Works until the server stops. What is under way then is dropped; the store allows that.
pub(super) async fn run(context: Context) {
    tokio::select! {
        () = context.stop.cancelled() => {}
        () = everything(&context) => {}
    }
}

async fn everything(context: &Context) {
    tokio::join!(
        when_quiet(|| context.store.commits(), || context.store.catch_up()),
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

/// Does what can wait when nobody has changed anything for a while, as the number of commits tells, or when it has waited
/// long enough for that; and again when there are more commits.
async fn when_quiet<F>(commits: impl Fn() -> u64, work: impl Fn() -> F)
where
    F: Future<Output = Result<(), StoreError>>,
{
    // After how many commits nothing was left, and how many there were at the last look.
    let (mut done, mut last) = (None, None);
    let mut waited = 0;
    loop {
        tokio::time::sleep(CATCH_UP_PAUSE).await;
        let commits = commits();
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
        match work().await {
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

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// When it worked in two minutes. `commits` tells how many there have been at each moment, `work` is told how often it
    /// was begun.
    async fn worked<F>(commits: impl Fn(Duration) -> u64, work: impl Fn(usize) -> F) -> Vec<Duration>
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        let (begun, times) = (Instant::now(), RefCell::new(Vec::new()));
        let work = || {
            times.borrow_mut().push(begun.elapsed());
            work(times.borrow().len())
        };
        let for_ever = when_quiet(|| commits(begun.elapsed()), work);
        assert!(tokio::time::timeout(120 * SECOND, for_ever).await.is_err());
        times.into_inner()
    }

    async fn done(_: usize) -> Result<(), StoreError> {
        Ok(())
    }

    /// A commit in each half second until `end`.
    fn busy_until(end: Duration) -> impl Fn(Duration) -> u64 {
        move |now| u64::try_from(now.min(end).as_millis() / 500).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_wait_begins_when_nobody_has_changed_anything_for_a_second() {
        for seconds in 0..WAITS_MAX {
            let last_commit = seconds * SECOND;
            let times = worked(busy_until(last_commit), done).await;
            let [time] = times[..] else { panic!("{seconds}: {times:?}") };
            assert!(time >= last_commit + SECOND && time < last_commit + 3 * SECOND, "{seconds}: {time:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_wait_does_not_wait_for_ever() {
        let times = worked(busy_until(Duration::MAX), done).await;
        let pauses: Vec<u64> = times.windows(2).map(|two| (two[1] - two[0]).as_secs()).collect();
        assert_eq!(pauses, [u64::from(WAITS_MAX) + 1; 2], "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_its_own_work_has_changed_is_looked_at_once_more() {
        let own = Cell::new(0);
        let work = |time| {
            own.set(own.get() + u64::from(time == 1));
            done(time)
        };
        assert_eq!(worked(|_| own.get(), work).await.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_failed_rests_and_is_tried_again() {
        let work = async |time| if time == 1 { Err(StoreError::Busy) } else { Ok(()) };
        let times = worked(|_| 7, work).await;
        assert!(times.len() == 2 && times[1] - times[0] > FAILED_PAUSE, "{times:?}");
    }
}
