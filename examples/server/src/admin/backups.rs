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
            back_up(&admin, &backups).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// Makes a copy if the last one is old enough, then removes what is more than are to be kept.
async fn back_up(admin: &Admin, backups: &Backups) {
    let now = InternalDate::now().seconds;
    let every = i64::from(backups.every_hours).saturating_mul(60 * 60);
    match made(&backups.directory) {
        Ok(made) if made.last().is_some_and(|last| last.at.saturating_add(every) > now) => return,
        Ok(_) => {}
        Err(error) => return failed(&backups.directory, &error),
    }
    let partial = backups.directory.join(PARTIAL);
    let begun = Instant::now();
    // What a copy that was cut short has left.
    if partial.exists()
        && let Err(error) = std::fs::remove_dir_all(&partial)
    {
        return failed(&partial, &error);
    }
    if let Err(error) = admin.store().backup(Backup { directory: partial.clone() }, Progress::silent()).await
    {
        return failed(&partial, &error);
    }
    let name = backups.directory.join(format!("{PREFIX}{now}"));
    // Only what is whole has a name that counts.
    if let Err(error) = std::fs::rename(&partial, &name) {
        return failed(&name, &error);
    }
    tracing::info!(directory = %name.display(), seconds = begun.elapsed().as_secs(), "a backup was made");
    let Ok(made) = made(&backups.directory) else { return };
    let keep = usize::try_from(backups.keep).unwrap_or(usize::MAX);
    for old in made.iter().take(made.len().saturating_sub(keep)) {
        if let Err(error) = std::fs::remove_dir_all(&old.path) {
            failed(&old.path, &error);
        }
    }
}

fn failed(path: &Path, error: &dyn std::fmt::Display) {
    tracing::error!(path = %path.display(), %error, "no backup was made");
}

/// A copy that was made.
struct Made {
    at: i64,
    path: PathBuf,
}

/// The copies in a directory, which is made if it is missing; the oldest first.
fn made(directory: &Path) -> std::io::Result<Vec<Made>> {
    disk::make_private(directory)?;
    let mut made = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(PREFIX));
        if let Some(at) = name.and_then(|at| at.parse().ok()) {
            made.push(Made { at, path });
        }
    }
    made.sort_by_key(|made| made.at);
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
    use super::*;

    #[test]
    fn u22_only_whole_copies_count_and_the_oldest_is_first() {
        let directory = tempfile::tempdir().unwrap();
        let within = directory.path().join("backups");
        assert!(made(&within).unwrap().is_empty());
        for name in ["posthaste-20", "posthaste-3", "partial", "posthaste-x", "other"] {
            std::fs::create_dir(within.join(name)).unwrap();
        }
        assert!(disk::exposed(&[&within]).is_empty());
        let found: Vec<i64> = made(&within).unwrap().iter().map(|made| made.at).collect();
        assert_eq!(found, [3, 20]);
    }
}
