//! The log: one event, one line, on standard error, as text or as JSON.
//!
//! `POSTHASTE_LOG` filters it in the syntax of `tracing-subscriber` (`info` when absent, `error` for the demo, for example
//! `posthaste_server=debug`); `POSTHASTE_LOG_FORMAT` chooses the form when the command line does not.
//!
//! A line of JSON has the fields `timestamp` (RFC 3339, UTC), `level`, `target`, `fields`, whose `message` says what
//! happened, and `span` and `spans` where there are any.
//!
//! Mail never waits for whoever takes the log: lines go to a thread through a bounded queue, and what does not fit is
//! left out, counted, and told of when the log goes on.

mod queue;

use tracing_subscriber::EnvFilter;

pub use queue::Queue;

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// The log, for as long as it is kept: dropped, it waits a moment for its last lines.
#[must_use = "lines that wait are written when it is dropped"]
#[derive(Debug)]
pub struct Log(Queue);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Starts logging for the whole process, at `level` where the environment says nothing. A second call does nothing.
///
/// # Errors
///
/// Says which environment variable can not be understood, or that there can be no thread.
pub fn init(format: Option<Format>, level: &str) -> Result<Log, String> {
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
    let queue =
        Queue::start(format, std::io::stderr()).map_err(|error| format!("starting the log: {error}"))?;
    // An error says that there is a subscriber already.
    let _ = tracing::subscriber::set_global_default(subscriber(format, filter, queue.clone()));
    Ok(Log(queue))
}

/// What makes lines of events and hands them to a queue.
fn subscriber(format: Format, filter: EnvFilter, queue: Queue) -> Box<dyn tracing::Subscriber + Send + Sync> {
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(queue);
    match format {
        Format::Text => Box::new(lines.with_ansi(false).finish()),
        Format::Json => Box::new(lines.json().finish()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    /// Whoever takes the log: takes a line when it may.
    struct Taker {
        allowed: Option<Receiver<()>>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Taker {
        fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
            if let Some(allowed) = &self.allowed {
                // Whoever is gone allows everything.
                let _ = allowed.recv();
            }
            self.taken.lock().unwrap().extend_from_slice(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn blocked() -> (Queue, SyncSender<()>, Arc<Mutex<Vec<u8>>>) {
        let (allow, allowed) = sync_channel(0);
        let taken = Arc::default();
        let queue =
            Queue::start(Format::Text, Taker { allowed: Some(allowed), taken: Arc::clone(&taken) }).unwrap();
        (queue, allow, taken)
    }

    #[test]
    fn rel_31_a_log_that_nobody_takes_blocks_nobody() {
        let (queue, allow, taken) = blocked();
        let subscriber = subscriber(Format::Text, EnvFilter::new("info"), queue.clone());
        tracing::subscriber::with_default(subscriber, || {
            // Ten times what may wait; this comes to its end with nobody taking a line.
            for number in 0..queue::LINES_MAX * 10 {
                tracing::info!(number, "said");
            }
        });
        let left_out = queue.left_out();
        assert!(left_out > 0);
        drop(allow);
        queue.flush();
        let text = String::from_utf8(taken.lock().unwrap().clone()).unwrap();
        let said = text.lines().filter(|line| line.contains("said")).count();
        assert_eq!(u64::try_from(said).unwrap() + left_out, u64::try_from(queue::LINES_MAX * 10).unwrap());
        assert!(text.contains("number=0") && text.contains(&format!("left_out={left_out}")), "{left_out}");
    }

    #[test]
    fn lines_that_come_close_together_are_written_together_and_in_order() {
        #[derive(Clone, Default)]
        struct Writes(Arc<Mutex<Vec<String>>>);
        impl Write for Writes {
            fn write(&mut self, lines: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().push(String::from_utf8(lines.to_vec()).unwrap());
                Ok(lines.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let writes = Writes::default();
        let queue = Queue::start(Format::Text, writes.clone()).unwrap();
        let line = |number: usize| format!("line {number}\n");
        for number in 0..1000 {
            queue.make_writer().write_all(line(number).as_bytes()).unwrap();
        }
        queue.flush();
        let writes = writes.0.lock().unwrap();
        assert_eq!(writes.concat(), (0..1000).map(line).collect::<String>());
        assert!(writes.len() < 1000, "each was written alone");
    }

    #[test]
    fn rel_31_a_full_disk_below_the_log_is_survived() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let queue = Queue::start(Format::Text, Full).unwrap();
        let subscriber = subscriber(Format::Text, EnvFilter::new("info"), queue.clone());
        tracing::subscriber::with_default(subscriber, || tracing::info!("lost"));
        queue.flush();
        assert_eq!(queue.left_out(), 1);
    }

    #[test]
    fn a_line_of_json_is_one_event_with_the_documented_fields() {
        let taken = Arc::default();
        let queue = Queue::start(Format::Json, Taker { allowed: None, taken: Arc::clone(&taken) }).unwrap();
        let subscriber = subscriber(Format::Json, EnvFilter::new("info"), queue.clone());
        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::info_span!("connection", peer = "192.0.2.1:1").entered();
            tracing::info!(user = "a\r\n{\"level\":\"ERROR\"}\u{1b}[31m", "login refused");
            tracing::debug!("not asked for");
        });
        queue.flush();
        let text = String::from_utf8(taken.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        let names: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert_eq!(names, ["fields", "level", "span", "spans", "target", "timestamp"]);
        assert_eq!((&line["level"], &line["fields"]["message"]), (&"INFO".into(), &"login refused".into()));
        assert_eq!(line["span"]["peer"], "192.0.2.1:1");
        assert!(line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    }
}
