//! A copy of the database while it is in use, as of one moment, with the files of the contents it names, in a directory
//! that can be opened as a store; and a data directory made of such a copy. What a copy is from its first use on is in
//! `copies`.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup as Copying, StepResult};

use super::archive::lock;
use super::files::Files;
use super::{
    FILE, LOCK, connect, copies, make_private_directory, make_private_file, readers::one_state, schema,
};
use crate::disk;
use crate::store::{Progress, StoreError};

/// Copies the database in `data` to a new directory. What was begun is removed when it fails. Blocks.
pub(super) fn run(data: &Path, files: &Files, to: &Path, progress: &Progress) -> Result<(), StoreError> {
    let exists = to.try_exists().map_err(|error| failed(to, &error))?;
    if exists {
        return Err(failed(to, &std::io::ErrorKind::AlreadyExists.into()));
    }
    if !disk::parent(to).is_dir() {
        return Err(failed(to, &std::io::ErrorKind::NotFound.into()));
    }
    let part = unfinished(to);
    make_private_directory(&part)?;
    let copied = copy(&data.join(FILE), files, &part, progress)
        .and_then(|()| sync(&part.join(FILE)))
        .and_then(|()| finish(&part, to));
    if copied.is_err() {
        remove(&part);
    }
    copied
}

/// Makes the data directory `data`, which must not exist, of a backup, which stays as it is. Blocks.
///
/// # Errors
///
/// [`StoreError::Locked`] if a server uses what should be a backup, [`StoreError::NewerSchema`] if a newer version of
/// the program has made it, and what the disk says.
pub fn restore(from: &Path, data: &Path) -> Result<(), StoreError> {
    let database = from.join(FILE);
    std::fs::metadata(&database).map_err(|error| failed(&database, &error))?;
    let _lock = lock(&from.join(LOCK))?;
    let part = unfinished(data);
    disk::copy_private(from, &part).map_err(|error| failed(&part, &error))?;
    let restored = mark(&part.join(FILE)).and_then(|()| finish(&part, data));
    if restored.is_err() {
        remove(&part);
    }
    restored
}

/// Also a backup of a version of the program that did not do it by itself, and the files of a server that was stopped.
fn mark(database: &Path) -> Result<(), StoreError> {
    let sql = connect(database)?;
    schema::migrate(&sql)?;
    copies::mark(&sql)?;
    sql.close().map_err(|(_, error)| error)?;
    sync(database)
}

/// The name of a directory until it is whole.
fn unfinished(directory: &Path) -> PathBuf {
    let mut name = directory.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Gives it its name.
fn finish(part: &Path, directory: &Path) -> Result<(), StoreError> {
    let named = disk::flush_directory(part)
        .and_then(|()| std::fs::rename(part, directory))
        .and_then(|()| disk::flush_directory(disk::parent(directory)));
    named.map_err(|error| failed(directory, &error))
}

fn remove(part: &Path) {
    if let Err(error) = std::fs::remove_dir_all(part)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %part.display(), %error, "an unfinished copy could not be removed");
    }
}

fn copy(from: &Path, files: &Files, to: &Path, progress: &Progress) -> Result<(), StoreError> {
    let source = connect(from)?;
    let path = to.join(FILE);
    make_private_file(&path)?;
    let mut target = Connection::open(&path)?;
    // From before the one state that is copied until its files are.
    let _all = files.hold();
    let mut steps = 0;
    // One transaction around all steps: what is written meanwhile neither comes into the copy nor has it begin again.
    one_state(&source, |source| {
        let count: u64 = source.query_row("SELECT count(*) FROM files", [], |row| row.get(0))?;
        let copying = Copying::new(source, &mut target)?;
        loop {
            let step = copying.step(STEP)?;
            let state = copying.progress();
            let pages = u64::try_from(state.pagecount).unwrap_or_default();
            let left = u64::try_from(state.remaining).unwrap_or_default();
            steps = pages.saturating_add(count);
            progress.tell(pages.saturating_sub(left), steps);
            match step {
                StepResult::Done => return Ok(()),
                StepResult::More => {}
                // Nobody else has either of them.
                _ => return Err(StoreError::Busy),
            }
        }
    })?;
    let mut left: u64 = target.query_row("SELECT count(*) FROM files", [], |row| row.get(0))?;
    files.copy_to(&target, &Files::of(to), || {
        left = left.saturating_sub(1);
        progress.tell(steps.saturating_sub(left), steps);
    })?;
    copies::mark(&target)?;
    target.close().map_err(|(_, error)| error.into())
}

fn sync(path: &Path) -> Result<(), StoreError> {
    std::fs::File::open(path).and_then(|file| file.sync_all()).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::io(format_args!("copying the store to {}", path.display()), error)
}

/// Pages copied at once.
const STEP: i32 = 256;
