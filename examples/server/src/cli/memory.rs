//! What the C library does with memory that was freed.
//!
//! A large block is mapped for itself and goes back to the system. But with the first that is freed, glibc takes its size
//! for an ordinary one (mallopt(3), `M_MMAP_THRESHOLD`): after one check of a password, blocks of 19 MiB are cut out of
//! the pools that threads share, and what is free there stays with the server, up to twice that for each of dozens of
//! pools. A limit that is given stays what it is, and glibc asks for it once, in the environment, when a program begins.

/// Has large blocks go back to the system for good: begins this program again, as the same process, unless the limit is
/// given already. Where that does not work, the server works too, in more memory.
pub(super) fn give_large_blocks_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if std::env::var_os(LIMIT.0).is_none()
        && let Ok(program) = std::env::current_exe()
    {
        use std::os::unix::process::CommandExt;

        let mut words = std::env::args_os();
        let mut again = std::process::Command::new(program);
        if let Some(name) = words.next() {
            again.arg0(name);
        }
        // It returns only if it fails.
        let _ = again.args(words).env(LIMIT.0, LIMIT.1).exec();
    }
}

/// In octets: above the pieces in which contents are read, below what a password or a large message takes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LIMIT: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "1048576");
