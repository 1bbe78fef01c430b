//! The server's program: where it is, and that it is of this source.

use std::{
    env,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use crate::program;

/// The server to test: the one `POSTHASTE_BIN` names, or the one of this workspace, built first where it is not up
/// to date, in the directory and the profile that this test was built in.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| env::var_os("POSTHASTE_BIN").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let exe = env::current_exe().unwrap();
    // TARGET/PROFILE/deps/TEST-HASH
    let profile = exe.parent().and_then(Path::parent).expect("a test runs in a target directory");
    let target = profile.parent().unwrap();
    let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let mut arguments = vec!["build".into(), "--package=posthaste-server".into(), "--manifest-path".into()];
    arguments.extend([manifest.into_os_string(), "--target-dir".into(), target.into()]);
    if profile.ends_with("release") {
        arguments.push("--release".into());
    }
    program::run_for(&cargo, arguments, b"", Duration::from_secs(1200)).success();
    profile.join("posthaste")
}
