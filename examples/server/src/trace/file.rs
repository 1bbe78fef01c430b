//! The files of traces: one a day, named by the day in UTC, `2026-11-21.jsonl`.
//!
//! A line that a crash has torn is passed over by whoever reads, and ended by whoever writes next.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::{Event, TraceId, directory};

/// The thread that writes.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` when the thread is to end.
    events: Mutex<Option<SyncSender<Event>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    left_out: AtomicU64,
}

impl Writer {
    pub(super) fn start(directory: PathBuf, days: u32) -> std::io::Result<Self> {
        crate::disk::make_private(&directory)?;
        let (events, queue) = sync_channel(WAITING_MAX);
        let mut files = Files { directory, days, open: None, size: 0, is_failing: false };
        let thread = std::thread::Builder::new().name("trace".to_owned()).spawn(move || files.run(&queue))?;
        let (events, thread) = (Mutex::new(Some(events)), Mutex::new(Some(thread)));
        Ok(Self { events, thread, left_out: AtomicU64::new(0) })
    }

    pub(super) fn tell(&self, event: Event) {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.as_ref().is_none_or(|events| events.try_send(event).is_err()) {
            crate::metrics::trace_left_out();
            let left_out = self.left_out.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            if left_out.is_power_of_two() {
                tracing::warn!(left_out, "the disk is too slow for all lines of the trace");
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread writes what waits, and ends.
        drop(self.events.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take()
            && thread.join().is_err()
        {
            tracing::error!("the trace was cut short");
        }
    }
}

/// The file of the day, and those of the days before.
struct Files {
    directory: PathBuf,
    days: u32,
    open: Option<(Date, BufWriter<File>)>,
    /// Octets in the file of the day.
    size: u64,
    /// Lines are lost, and that has been told: a disk that is full for a day is not a day of complaints.
    is_failing: bool,
}

impl Files {
    fn run(&mut self, queue: &Receiver<Event>) {
        loop {
            let ended = match queue.recv_timeout(FLUSH_INTERVAL) {
                Ok(event) => {
                    self.written(&event);
                    // What has come meanwhile, then one write for all of it.
                    for event in queue.try_iter().take(WAITING_MAX) {
                        self.written(&event);
                    }
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            self.flush();
            if ended {
                return;
            }
            // Many lines are one write, and nobody has to wake this thread for each.
            std::thread::sleep(REST);
        }
    }

    fn written(&mut self, event: &Event) {
        if let Err(error) = self.write(event) {
            self.failed(&error);
        }
    }

    fn flush(&mut self) {
        let Some((_, file)) = &mut self.open else { return };
        match file.flush() {
            Ok(()) if self.is_failing => {
                self.is_failing = false;
                tracing::warn!(directory = %self.directory.display(), "the trace is written again");
            }
            Ok(()) => {}
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &std::io::Error) {
        crate::metrics::trace_left_out();
        if !self.is_failing {
            self.is_failing = true;
            let directory = self.directory.display();
            tracing::warn!(%error, %directory, "the trace cannot be written, it will miss lines");
        }
        self.open = None;
    }

    fn write(&mut self, event: &Event) -> std::io::Result<()> {
        let today = day_of(event.at);
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        if self.open.as_ref().is_none_or(|(day, _)| *day < today) {
            let (file, size) = open(&self.directory.join(name_of(today)))?;
            self.open = Some((today, file));
            self.size = size;
            self.forget(today);
        }
        let size = self.size.saturating_add(line.len() as u64);
        if size > DAY_MAX {
            if self.size <= DAY_MAX {
                tracing::warn!(
                    "the trace of this day is full: what happens today is only in the log from now on"
                );
            }
            self.size = u64::MAX;
            return Ok(());
        }
        self.size = size;
        match &mut self.open {
            Some((_, file)) => file.write_all(&line),
            None => Ok(()),
        }
    }

    /// Removes the files of days that are over for long.
    fn forget(&self, today: Date) {
        let kept = today.saturating_sub(Span::new().days(i64::from(self.days.min(DAYS_MAX))));
        for (day, path) in days(&self.directory) {
            if day < kept
                && let Err(error) = std::fs::remove_file(&path)
            {
                tracing::warn!(%error, path = %path.display(), "an old trace could not be removed");
            }
        }
    }
}

/// Opens a file of lines to add to it. Where its last line has no end, that is what a crash has left of it.
fn open(path: &Path) -> std::io::Result<(BufWriter<File>, u64)> {
    let mut options = File::options();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let mut last = [b'\n'];
    let size = file.seek(SeekFrom::End(0))?;
    if size > 0 {
        file.seek(SeekFrom::End(-1))?;
        std::io::Read::read_exact(&mut file, &mut last)?;
    }
    if last != [b'\n'] {
        file.write_all(b"\n")?;
    }
    Ok((BufWriter::new(file), size))
}

/// What is known of a message, by the name it has here or by its Message-ID, in the order of time. Of a Message-ID, all
/// messages that had it. An address is that of a sender or recipient, of the 100 latest messages.
///
/// # Errors
///
/// A file cannot be read.
pub fn find(data: &Path, what: &str) -> std::io::Result<Vec<Event>> {
    let wanted = what.trim().trim_start_matches('<').trim_end_matches('>');
    let days = days(&directory(data));
    if let Ok(id) = wanted.parse::<TraceId>() {
        let came = day_of(i64::try_from(id.milliseconds()).unwrap_or(i64::MAX));
        let of_id = read(days.range(came..), |event| event.id == id)?;
        if !of_id.is_empty() {
            return Ok(of_id);
        }
    }
    let named = read(days.iter(), |event| !wanted.is_empty() && event.message_id == wanted)?;
    let mut ids: BTreeSet<TraceId> = named.into_iter().map(|event| event.id).collect();
    if ids.is_empty() && wanted.contains('@') {
        let is_of = |path: &String| path.trim_matches(['<', '>']).eq_ignore_ascii_case(wanted);
        read(days.iter(), |event| {
            if is_of(&event.from) || event.to.iter().any(is_of) {
                ids.insert(event.id);
                if ids.len() > FOUND_MAX {
                    ids.pop_first();
                }
            }
            false
        })?;
    }
    if ids.is_empty() { Ok(Vec::new()) } else { read(days.iter(), |event| ids.contains(&event.id)) }
}

fn read<'a>(
    files: impl Iterator<Item = (&'a Date, &'a PathBuf)>,
    mut is_wanted: impl FnMut(&Event) -> bool,
) -> std::io::Result<Vec<Event>> {
    let mut found = Vec::new();
    for (_, path) in files {
        let mut lines = BufReader::new(File::open(path)?);
        let mut line = Vec::new();
        while std::io::Read::take(&mut lines, LINE_MAX).read_until(b'\n', &mut line)? > 0 {
            if let Ok(event) = serde_json::from_slice::<Event>(&line)
                && is_wanted(&event)
            {
                found.push(event);
            }
            line.clear();
        }
    }
    Ok(found)
}

/// The files there are, by day. Others in the directory are left alone.
fn days(directory: &Path) -> BTreeMap<Date, PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let day = entry.file_name().to_str()?.strip_suffix(SUFFIX)?.parse::<Date>().ok()?;
            Some((day, entry.path()))
        })
        .collect()
}

fn name_of(day: Date) -> String {
    format!("{day}{SUFFIX}")
}

fn day_of(milliseconds: i64) -> Date {
    let moment = Timestamp::from_millisecond(milliseconds).unwrap_or_default();
    moment.to_zoned(TimeZone::UTC).date()
}

/// Messages of one address that are told of.
const FOUND_MAX: usize = 100;

const SUFFIX: &str = ".jsonl";

/// Lines that wait for the disk, at most.
const WAITING_MAX: usize = 4096;

/// Octets of a line that are looked at.
const LINE_MAX: u64 = 1 << 20;

/// Octets of a day. Whoever knocks at the door all day does not fill the disk.
const DAY_MAX: u64 = 1 << 30;

/// A hundred years.
const DAYS_MAX: u32 = 36_500;

const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// How long the thread rests after each write.
const REST: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::super::{State, Trace};
    use super::*;

    fn event(id: TraceId, state: State, message_id: &str) -> Event {
        Event { message_id: message_id.to_owned(), ..Event::new(id, state) }
    }

    #[test]
    fn u28_a_message_is_found_by_its_name_here_and_by_its_own() {
        let data = tempfile::tempdir().unwrap();
        let (one, two) = (TraceId::next(), TraceId::next());
        let told = [
            event(one, State::Received, "a@x"),
            event(two, State::Received, "b@x"),
            event(one, State::Delivered, ""),
        ];
        let trace = Trace::open(data.path(), 7).unwrap();
        told.iter().for_each(|event| trace.tell(event.clone()));
        drop(trace);
        let of_one = vec![told[0].clone(), told[2].clone()];
        assert_eq!(find(data.path(), &one.to_string()).unwrap(), of_one);
        assert_eq!(find(data.path(), "<a@x>").unwrap(), of_one);
        assert_eq!(find(data.path(), "nobody@x").unwrap(), []);
        let trace = Trace::open(data.path(), 7).unwrap();
        let three = TraceId::next();
        let to = vec!["<Anna@x.test>".to_owned()];
        trace.tell(Event { to, ..event(three, State::Received, "c@x") });
        drop(trace);
        assert_eq!(find(data.path(), "anna@X.test").unwrap().first().map(|event| event.id), Some(three));
        assert_eq!(find(data.path(), "").unwrap(), []);
    }

    #[test]
    fn a_torn_line_costs_itself_only_and_old_files_go() {
        let data = tempfile::tempdir().unwrap();
        let trace = data.path().join("trace");
        std::fs::create_dir(&trace).unwrap();
        std::fs::write(trace.join("2020-01-01.jsonl"), "{}\n").unwrap();
        std::fs::write(trace.join("notes.txt"), "mine").unwrap();
        let id = TraceId::next();
        let event = event(id, State::Delivered, "a@x");
        let today = trace.join(name_of(day_of(event.at)));
        std::fs::write(&today, "{\"at\":1,\"id\":\"0").unwrap();
        Trace::open(data.path(), 7).unwrap().tell(event.clone());
        assert_eq!(find(data.path(), &id.to_string()).unwrap(), [event]);
        assert!(!trace.join("2020-01-01.jsonl").exists() && trace.join("notes.txt").exists());
    }
}
