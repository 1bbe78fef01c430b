//! Copies of the store that are made by themselves: named after their time, the oldest removed when there are enough.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Admin;
use crate::config::Backups;
use crate::disk;
use crate::store::{Backup, InternalDate, Progress};

/// Makes copies until it is told to stop.
pub async fn run(admin: Admin, backups: Backups, stop: CancellationToken) {
    let mut often = interval(OFTEN);
    often.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let work = async {
        loop {
            often.tick().await;
            back_up(&admin, &backups, InternalDate::now().seconds).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// Makes a copy if the last one is old enough, then removes what is more than are to be kept.
async fn back_up(admin: &Admin, backups: &Backups, now: i64) {
    let Backups { directory, every_hours, keep } = backups.clone();
    let every = i64::from(every_hours).saturating_mul(60 * 60);
    let begun = Instant::now();
    let partial = directory.join(PARTIAL);
    let (within, left) = (directory.clone(), partial.clone());
    match on_disk(move || is_due(&within, &left, now, every)).await {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => return failed(&directory, &error),
    }
    if let Err(error) = admin.store().backup(Backup { directory: partial.clone() }, Progress::silent()).await
    {
        return failed(&partial, &error);
    }
    let name = directory.join(format!("{PREFIX}{now}"));
    // Only what is whole has a name that counts.
    let whole = name.clone();
    if let Err(error) = on_disk(move || std::fs::rename(&partial, &whole)).await {
        return failed(&name, &error);
    }
    tracing::info!(directory = %name.display(), seconds = begun.elapsed().as_secs(), "a backup was made");
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    if let Err(error) = on_disk(move || remove_old(&directory, now, keep)).await {
        tracing::error!(path = %name.display(), %error, "an old backup was not removed");
    }
}

/// Does what may take the disk long, where nobody waits for it.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

/// Whether a copy is to be made; if so, what one that was cut short has left is gone.
fn is_due(directory: &Path, partial: &Path, now: i64, every: i64) -> std::io::Result<bool> {
    // One of the future was made when the clock was wrong, and says nothing of when the last one was.
    let last = made(directory, now)?.into_iter().rfind(|made| made.at <= now);
    if last.is_some_and(|last| last.at.saturating_add(every) > now) {
        return Ok(false);
    }
    if partial.exists() {
        std::fs::remove_dir_all(partial)?;
    }
    Ok(true)
}

fn remove_old(directory: &Path, now: i64, keep: usize) -> std::io::Result<()> {
    let made = made(directory, now)?;
    let excess = made.len().saturating_sub(keep);
    made.into_iter().take(excess).try_for_each(|old| std::fs::remove_dir_all(old.path))
}

fn failed(path: &Path, error: &dyn std::fmt::Display) {
    tracing::error!(path = %path.display(), %error, "no backup was made");
}

/// A copy that was made.
struct Made {
    at: i64,
    path: PathBuf,
}

/// The copies in a directory, which is made if it is missing; those of the future first, as nobody knows how old they
/// are, then the oldest.
fn made(directory: &Path, now: i64) -> std::io::Result<Vec<Made>> {
    disk::make_private(directory)?;
    let mut made = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(PREFIX));
        if let Some(at) = name.and_then(|at| at.parse().ok()) {
            made.push(Made { at, path });
        }
    }
    made.sort_by_key(|made| (made.at <= now, made.at));
    Ok(made)
}

/// How often it is looked whether a copy is due.
const OFTEN: Duration = Duration::from_secs(5 * 60);

/// The name of a copy is this and the second since 1970 when it was begun.
const PREFIX: &str = "posthaste-";

/// A copy that is being made.
const PARTIAL: &str = "partial";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::directory::{Directory, HashCost, Options};
    use crate::store::sqlite::Sqlite;
    use crate::store::{Maildrops, NoListener, Store};

    /// The times of the copies there are.
    fn times(directory: &Path, now: i64) -> Vec<i64> {
        made(directory, now).unwrap().iter().map(|made| made.at).collect()
    }

    #[test]
    fn u22_only_whole_copies_count_and_the_oldest_is_first() {
        let directory = tempfile::tempdir().unwrap();
        let within = directory.path().join("backups");
        assert!(made(&within, 100).unwrap().is_empty());
        for name in ["posthaste-20", "posthaste-3", "posthaste-101", "partial", "posthaste-x", "other"] {
            std::fs::create_dir(within.join(name)).unwrap();
        }
        assert!(disk::exposed(&[&within]).is_empty());
        assert_eq!(times(&within, 100), [101, 3, 20]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn u22_copies_are_made_when_they_are_due_and_as_many_are_kept_as_configured() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&data, Arc::new(NoListener)).unwrap());
        let options = Options { cost: HashCost::MINIMUM, ..Options::default() };
        let directory = Directory::open(Arc::clone(&store), options).await.unwrap();
        let config = crate::config::Config::new("localhost", data);
        let admin = Admin::new(directory, Arc::clone(&store), Maildrops::default(), &config);
        let to = root.path().join("backups");
        let backups = Backups { directory: to.clone(), every_hours: 1, keep: 2 };
        let begun = 1_000_000;
        back_up(&admin, &backups, begun).await;
        back_up(&admin, &backups, begun + 3599).await;
        assert_eq!(times(&to, i64::MAX), [begun]);
        // What was cut short is in nobody's way.
        std::fs::create_dir(to.join(PARTIAL)).unwrap();
        std::fs::write(to.join(PARTIAL).join("x"), "x").unwrap();
        back_up(&admin, &backups, begun + 3600).await;
        back_up(&admin, &backups, begun + 7200).await;
        assert_eq!(times(&to, i64::MAX), [begun + 3600, begun + 7200]);
        assert!(!to.join(PARTIAL).exists());
        // B25: one of a day when the clock was wrong neither stops them nor takes the place of a new one.
        std::fs::create_dir(to.join(format!("{PREFIX}{}", begun + 9_000_000))).unwrap();
        back_up(&admin, &backups, begun + 10_800).await;
        assert_eq!(times(&to, i64::MAX), [begun + 7200, begun + 10_800]);
        store.close().await.unwrap();
        // The last one is a whole store.
        let copy =
            Sqlite::open(&to.join(format!("{PREFIX}{}", begun + 10_800)), Arc::new(NoListener)).unwrap();
        assert!(!copy.records().await.unwrap().is_empty());
        copy.close().await.unwrap();
    }
}
