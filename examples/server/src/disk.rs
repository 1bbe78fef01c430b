//! The disk below the mail: how much room there is, and directories that nobody else looks into.

use std::path::Path;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_where_there_is_a_disk() {
        assert!(free(Path::new("/")).is_none_or(|free| free > 0));
        assert_eq!(free(Path::new("/no/such/directory")), None);
    }
}
