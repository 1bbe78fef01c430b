//! Lines on their way to whoever takes the log. Nobody waits to put one in.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::Format;
use crate::metrics;

/// The queue. Clones share it.
#[derive(Debug, Clone)]
pub struct Queue {
    lines: SyncSender<Message>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Octets that wait.
    waiting: AtomicUsize,
    /// Lines that were left out.
    left_out: AtomicU64,
}

enum Message {
    Line(Vec<u8>),
    /// To be answered when all before it is written.
    Flush(SyncSender<()>),
}

impl Queue {
    /// Starts the thread that writes.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn start(format: Format, to: impl Write + Send + 'static) -> std::io::Result<Self> {
        let (lines, queue) = sync_channel(LINES_MAX);
        let counts = Arc::<Counts>::default();
        let written = Arc::clone(&counts);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(&queue, to, format, &written))?;
        Ok(Self { lines, counts })
    }

    /// Lines that were left out so far.
    pub fn left_out(&self) -> u64 {
        self.counts.left_out.load(Ordering::Relaxed)
    }

    /// Waits until what is in the queue is written, but no longer than a moment.
    pub fn flush(&self) {
        let deadline = Instant::now().checked_add(FLUSH_TIMEOUT);
        let left =
            || deadline.map_or(Duration::ZERO, |deadline| deadline.saturating_duration_since(Instant::now()));
        let (done, wait) = sync_channel(1);
        let mut message = Message::Flush(done);
        while let Err(TrySendError::Full(back)) = self.lines.try_send(message) {
            if left().is_zero() {
                return;
            }
            message = back;
            std::thread::sleep(FULL_PAUSE);
        }
        // Nobody takes the log, or the thread has gone.
        let _ = wait.recv_timeout(left());
    }

    fn put(&self, line: &[u8]) {
        let waiting = self.counts.waiting.fetch_add(line.len(), Ordering::Relaxed);
        let fits = waiting.saturating_add(line.len()) <= OCTETS_MAX;
        if !fits || self.lines.try_send(Message::Line(line.to_owned())).is_err() {
            self.counts.waiting.fetch_sub(line.len(), Ordering::Relaxed);
            self.counts.leave_out();
        }
    }
}

impl Counts {
    fn leave_out(&self) {
        self.left_out.fetch_add(1, Ordering::Relaxed);
        metrics::log_left_out();
    }
}

/// The thread. It ends with the last one who could put a line in. A line that comes alone is written at once; then it
/// rests for a moment, so that those that come close behind are one write, and nobody has to wake it for each.
fn write(queue: &Receiver<Message>, mut to: impl Write, format: Format, counts: &Counts) {
    let mut told = 0;
    let mut lines = Lines::default();
    while let Ok(first) = queue.recv() {
        for message in std::iter::once(first).chain(queue.try_iter()) {
            match message {
                Message::Line(line) => {
                    counts.waiting.fetch_sub(line.len(), Ordering::Relaxed);
                    lines.add(&line);
                    if lines.octets.len() >= TOGETHER_MAX {
                        lines.write(&mut to, counts);
                    }
                }
                Message::Flush(done) => {
                    lines.write(&mut to, counts);
                    told = tell(&mut to, format, counts, told);
                    let _ = to.flush();
                    // Whoever asked may have gone.
                    let _ = done.try_send(());
                }
            }
        }
        lines.write(&mut to, counts);
        // Told only when the queue has room again, so that it is told once.
        if counts.waiting.load(Ordering::Relaxed) == 0 {
            told = tell(&mut to, format, counts, told);
        }
        std::thread::sleep(REST);
    }
}

/// Lines that are written together.
#[derive(Default)]
struct Lines {
    octets: Vec<u8>,
    count: usize,
}

impl Lines {
    fn add(&mut self, line: &[u8]) {
        self.octets.extend_from_slice(line);
        self.count = self.count.saturating_add(1);
    }

    fn write(&mut self, to: &mut impl Write, counts: &Counts) {
        if to.write_all(&self.octets).is_err() {
            (0..self.count).for_each(|_| counts.leave_out());
        }
        self.octets.clear();
        self.count = 0;
    }
}

/// Says how many lines were left out, if there are more than were told of; how many are told of now.
fn tell(to: &mut impl Write, format: Format, counts: &Counts, told: u64) -> u64 {
    let left_out = counts.left_out.load(Ordering::Relaxed);
    if left_out == told || to.write_all(notice(format, left_out).as_bytes()).is_ok() {
        left_out
    } else {
        told
    }
}

/// What is said of lines that were left out, as an event would be. It is made here, as an event could be left out.
fn notice(format: Format, left_out: u64) -> String {
    let (now, target) = (jiff::Timestamp::now(), module_path!());
    match format {
        Format::Text => format!("{now}  WARN {target}: {LEFT_OUT} left_out={left_out}\n"),
        Format::Json => {
            let fields = json!({ "message": LEFT_OUT, "left_out": left_out });
            let line =
                json!({ "timestamp": now.to_string(), "level": "WARN", "fields": fields, "target": target });
            format!("{line}\n")
        }
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

/// Takes a line that comes in one piece.
#[derive(Debug)]
pub struct Line<'a>(&'a Queue);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Lines that wait at most.
pub(super) const LINES_MAX: usize = 8192;

/// Octets that wait at most.
const OCTETS_MAX: usize = 8 << 20;

const LEFT_OUT: &str = "lines of the log were left out: nobody took them in time";

const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

const FULL_PAUSE: Duration = Duration::from_millis(5);

/// Octets from which on lines wait for no others.
const TOGETHER_MAX: usize = 64 << 10;

/// How long the thread rests after each write.
const REST: Duration = Duration::from_millis(5);
