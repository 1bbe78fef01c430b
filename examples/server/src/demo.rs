//! `posthaste demo`: a server for trying out, with nothing to set up.

use std::path::PathBuf;

/// What the demo is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct Options {
    /// Send one message through the server, read it back, and stop.
    #[arg(long)]
    pub once: bool,
    /// The message to send, instead of the built-in one.
    #[arg(long, value_name = "FILE.eml")]
    pub message: Option<PathBuf>,
}

/// Runs the demo.
///
/// # Errors
///
/// This build has no protocol sessions yet, so the demo says that it can not run.
#[expect(clippy::unused_async, reason = "a demo with sessions waits for them")]
pub async fn run(_options: Options) -> Result<(), String> {
    Err("this build has no protocol sessions, so there is nothing to demonstrate".to_owned())
}
