//! The disk below the mail: how much room there is, and directories that nobody else looks into.

use std::fs::File;
use std::path::{Path, PathBuf};

/// Octets that the file system of a directory has free for this process; `None` where the system does not tell.
#[cfg(unix)]
pub fn free(directory: &Path) -> Option<u64> {
    let found = nix::sys::statvfs::statvfs(directory).ok()?;
    // The types differ between systems.
    #[allow(clippy::useless_conversion, reason = "it is one on some systems")]
    let (blocks, size) = (u64::from(found.blocks_available()), u64::from(found.fragment_size()));
    Some(blocks.saturating_mul(size))
}

/// Octets that the file system of a directory has free for this process; `None` where the system does not tell.
#[cfg(not(unix))]
pub fn free(_directory: &Path) -> Option<u64> {
    None
}

/// Makes a directory, and those above it, for this user alone; one that is there stays as it is.
///
/// # Errors
///
/// What the system says.
pub fn make_private(directory: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory)
}

/// Makes a file for this user alone, which must not be there.
///
/// # Errors
///
/// What the system says.
pub fn create_private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Which of these can be read by others than their owner, as it is now; the first that keeps others out of all that is
/// below it ends the question.
#[cfg(unix)]
pub fn exposed(path_down: &[&Path]) -> Vec<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let open =
        |path: &Path| std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    path_down.iter().take_while(|path| open(path)).map(|path| path.to_path_buf()).collect()
}

/// Nothing is known of this where there are no permissions of this kind.
#[cfg(not(unix))]
pub fn exposed(_path_down: &[&Path]) -> Vec<PathBuf> {
    Vec::new()
}

/// Copies a directory with what is in it, for this user alone and flushed to the disk. Its new place must not be there.
///
/// # Errors
///
/// What the system says. What was copied until then stays.
pub fn copy_private(from: &Path, to: &Path) -> std::io::Result<()> {
    if to.try_exists()? {
        return Err(std::io::ErrorKind::AlreadyExists.into());
    }
    make_private(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_private(&entry.path(), &target)?;
        } else {
            let mut copy = create_private(&target)?;
            std::io::copy(&mut File::open(entry.path())?, &mut copy)?;
            copy.sync_all()?;
        }
    }
    flush_directory(to)
}

/// Makes sure that what a directory has is found again, under the names it has now.
///
/// # Errors
///
/// What the system says.
#[cfg(unix)]
pub fn flush_directory(directory: &Path) -> std::io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Makes sure that what a directory has is found again; where directories are no files, nothing can be done for it.
///
/// # Errors
///
/// None.
#[cfg(not(unix))]
pub fn flush_directory(_directory: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_where_there_is_a_disk() {
        assert!(free(Path::new("/")).is_none_or(|free| free > 0));
        assert_eq!(free(Path::new("/no/such/directory")), None);
    }
}
