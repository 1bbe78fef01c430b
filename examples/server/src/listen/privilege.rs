//! Who the server runs as. Ports below 1024 are opened by root; nothing else is done by root.
//!
//! The order that is kept: ports and the certificates of the configuration first, then the change of group and user,
//! for good and for all threads, then the data directory. Certificates that are to be read again later have to be
//! readable for the user.

use crate::config::RunAs;

/// Why the server does not run as it is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivilegeError {
    /// There is no such user.
    #[error("[run_as] there is no user {0} on this system")]
    NoSuchUser(String),
    /// There is no such group.
    #[error("[run_as] there is no group {0} on this system")]
    NoSuchGroup(String),
    /// Only root can become somebody else.
    #[error("[run_as] only root can become {0}: start as root, or as {0}, or remove [run_as]")]
    NotRoot(String),
    /// The system said no.
    #[error("[run_as] {what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What it said.
        error: String,
    },
    /// This system has no users of this kind.
    #[error("[run_as] is not possible on this system: remove it")]
    Unsupported,
}

/// Becomes the user of the configuration, if there is one; makes the data directory theirs where it is not there yet.
#[cfg(unix)]
pub(super) fn become_user(run_as: Option<&RunAs>, data: &std::path::Path) -> Result<(), PrivilegeError> {
    use nix::unistd::{Gid, Group, Uid, User, chown, geteuid, setgid, setgroups, setuid};

    fn failed(what: &'static str) -> impl Fn(nix::errno::Errno) -> PrivilegeError {
        move |error| PrivilegeError::System { what, error: error.to_string() }
    }

    let Some(RunAs { user: name, group }) = run_as else { return Ok(()) };
    let user = User::from_name(name)
        .map_err(failed("looking up the user"))?
        .ok_or_else(|| PrivilegeError::NoSuchUser(name.clone()))?;
    let gid = match group {
        None => user.gid,
        Some(group) => {
            Group::from_name(group)
                .map_err(failed("looking up the group"))?
                .ok_or_else(|| PrivilegeError::NoSuchGroup(group.clone()))?
                .gid
        }
    };
    if !geteuid().is_root() {
        return if geteuid() == user.uid { Ok(()) } else { Err(PrivilegeError::NotRoot(name.clone())) };
    }
    let own = |uid: Uid, gid: Gid| {
        chown(data, Some(uid), Some(gid)).map_err(failed("giving away the data directory"))
    };
    if !data.exists() {
        let made = crate::disk::make_private(data);
        made.map_err(|error| PrivilegeError::System {
            what: "making the data directory",
            error: error.to_string(),
        })?;
        own(user.uid, gid)?;
    }
    // The other groups of root go first, while there is the right to do it.
    setgroups(&[gid]).map_err(failed("leaving the groups of root"))?;
    setgid(gid).map_err(failed("changing the group"))?;
    setuid(user.uid).map_err(failed("changing the user"))?;
    if setuid(Uid::from_raw(0)).is_ok() && !user.uid.is_root() {
        return Err(PrivilegeError::System { what: "changing the user", error: "root came back".to_owned() });
    }
    tracing::info!(user = name, "running as this user from now on");
    Ok(())
}

/// Becomes the user of the configuration, which is not possible here.
#[cfg(not(unix))]
pub(super) fn become_user(run_as: Option<&RunAs>, _data: &std::path::Path) -> Result<(), PrivilegeError> {
    run_as.map_or(Ok(()), |_| Err(PrivilegeError::Unsupported))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn become_somebody(user: &str, group: Option<&str>) -> Result<(), PrivilegeError> {
        let run_as = RunAs { user: user.to_owned(), group: group.map(str::to_owned) };
        become_user(Some(&run_as), std::path::Path::new("/"))
    }

    #[test]
    fn names_that_nobody_has_are_told() {
        assert_eq!(
            become_somebody("no-such-user", None),
            Err(PrivilegeError::NoSuchUser("no-such-user".to_owned()))
        );
        assert_eq!(
            become_somebody("root", Some("no-such-group")),
            Err(PrivilegeError::NoSuchGroup("no-such-group".to_owned()))
        );
        assert_eq!(become_user(None, std::path::Path::new("/")), Ok(()));
    }

    #[test]
    fn whoever_is_not_root_stays_who_they_are() {
        let own = nix::unistd::geteuid();
        if own.is_root() {
            // As root this test would change who runs all the others.
            return;
        }
        assert_eq!(become_somebody("root", None), Err(PrivilegeError::NotRoot("root".to_owned())));
        if let Ok(Some(user)) = nix::unistd::User::from_uid(own) {
            assert_eq!(become_somebody(&user.name, None), Ok(()));
        }
    }
}
