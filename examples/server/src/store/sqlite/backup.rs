//! A copy of the database while it is in use, as of one moment, in a directory that can be opened as a store.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup as Copying, StepResult};

use super::{FILE, connect, make_private_directory, readers::one_state};
use crate::store::{Progress, StoreError};

/// Copies the database in `data` to a new directory. What was begun is removed when it fails. Blocks.
pub(super) fn run(data: &Path, to: &Path, progress: &Progress) -> Result<(), StoreError> {
    let exists = to.try_exists().map_err(|error| failed(to, &error))?;
    if exists {
        return Err(failed(to, &std::io::ErrorKind::AlreadyExists.into()));
    }
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !parent.is_dir() {
        return Err(failed(to, &std::io::ErrorKind::NotFound.into()));
    }
    // Under another name until it is whole.
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    let part = Path::new(&name);
    make_private_directory(part)?;
    let copied = copy(&data.join(FILE), &part.join(FILE), progress)
        .and_then(|()| sync(&part.join(FILE)))
        .and_then(|()| std::fs::rename(part, to).map_err(|error| failed(to, &error)))
        .and_then(|()| sync(parent));
    if copied.is_err()
        && let Err(error) = std::fs::remove_dir_all(part)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %part.display(), %error, "an unfinished copy could not be removed");
    }
    copied
}

fn copy(from: &Path, to: &Path, progress: &Progress) -> Result<(), StoreError> {
    let source = connect(from)?;
    let mut target = Connection::open(to)?;
    // One transaction around all steps: what is written meanwhile neither comes into the copy nor has it begin again.
    one_state(&source, |source| {
        source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let copying = Copying::new(source, &mut target)?;
        loop {
            let step = copying.step(STEP)?;
            let state = copying.progress();
            let of = u64::try_from(state.pagecount).unwrap_or_default();
            let left = u64::try_from(state.remaining).unwrap_or_default();
            progress.tell(of.saturating_sub(left), of);
            match step {
                StepResult::Done => return Ok(()),
                StepResult::More => {}
                // Nobody else has either of them.
                _ => return Err(StoreError::Busy),
            }
        }
    })?;
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
