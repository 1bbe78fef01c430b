//! The log: one event, one line, on standard error, as text or as JSON.
//!
//! `POSTHASTE_LOG` filters it in the syntax of `tracing-subscriber` (`info` when absent, `error` for the demo, for example
//! `posthaste_server=debug`); `POSTHASTE_LOG_FORMAT` chooses the form when the command line does not.

use tracing_subscriber::EnvFilter;

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Starts logging for the whole process, at `level` where the environment says nothing. A second call does nothing.
///
/// # Errors
///
/// Says which environment variable can not be understood.
pub fn init(format: Option<Format>, level: &str) -> Result<(), String> {
    let filter = match std::env::var("POSTHASTE_LOG") {
        Ok(text) => EnvFilter::try_new(text).map_err(|error| format!("POSTHASTE_LOG: {error}"))?,
        Err(_) => EnvFilter::new(level),
    };
    let format = match (format, std::env::var("POSTHASTE_LOG_FORMAT").as_deref()) {
        (Some(format), _) => format,
        (None, Err(_) | Ok("text")) => Format::Text,
        (None, Ok("json")) => Format::Json,
        (None, Ok(_)) => return Err("POSTHASTE_LOG_FORMAT must be \"text\" or \"json\"".to_owned()),
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error says that there is a subscriber already.
    let _ = match format {
        Format::Text => lines.with_ansi(false).try_init(),
        Format::Json => lines.json().try_init(),
    };
    Ok(())
}
