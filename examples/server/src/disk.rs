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

/// Puts a file in the place of another, or of none, for this user alone: whoever reads sees all of the one or all of the
/// other, also after the power failed.
///
/// # Errors
///
/// What the system says. The file that was there is there.
pub fn replace_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    // One that was left behind, perhaps with other permissions.
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create_private(&new)?;
    std::io::Write::write_all(&mut file, content)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    flush_directory(parent(path))
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

/// Makes sure that all that is in a directory, and in those below it, is found again.
///
/// # Errors
///
/// What the system says.
#[cfg(target_os = "linux")]
pub fn flush_tree(directory: &Path) -> std::io::Result<()> {
    // The whole file system at once: for a directory of many small files the disk is asked once, not for each.
    Ok(nix::unistd::syncfs(File::open(directory)?)?)
}

/// Makes sure that all that is in a directory, and in those below it, is found again.
///
/// # Errors
///
/// What the system says.
#[cfg(not(target_os = "linux"))]
pub fn flush_tree(directory: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            flush_tree(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    flush_directory(directory)
}

/// The directory that a file or a directory is in.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_replaced_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.pem");
        std::fs::write(&path, "old").unwrap();
        // What was left behind by somebody who did not come to the end.
        std::fs::write(directory.path().join("key.pem.new"), "half").unwrap();
        replace_private(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(replace_private(&directory.path().join("no/such"), b"x").is_err());
    }

    #[test]
    fn there_is_room_where_there_is_a_disk() {
        assert!(free(Path::new("/")).is_none_or(|free| free > 0));
        assert_eq!(free(Path::new("/no/such/directory")), None);
    }
}
