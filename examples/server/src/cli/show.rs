//! What commands print: tables for people, JSON for programs, a bar while something takes long.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::store::Progress;

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Prints an answer: as JSON, or as a table of these columns and rows.
pub(super) fn answer<T: Serialize>(
    form: Form,
    value: &T,
    columns: &[&str],
    rows: impl FnOnce(&T) -> Vec<Vec<String>>,
) -> Result<(), String> {
    match form {
        Form::Json => json(value),
        Form::Table => table(columns, &rows(value)),
    }
}

/// Prints a value as JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Result<(), String> {
    let text = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    print(&format!("{text}\n"))
}

/// Prints a sentence, to people only.
pub(super) fn say(form: Form, sentence: &str) -> Result<(), String> {
    if form == Form::Table { print(&format!("{sentence}\n")) } else { Ok(()) }
}

/// Prints text as it is.
pub(super) fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| error.to_string())
}

fn table(columns: &[&str], rows: &[Vec<String>]) -> Result<(), String> {
    if rows.is_empty() {
        return Ok(());
    }
    let header = columns.iter().map(|&column| column.to_owned()).collect();
    let lines: Vec<Vec<String>> =
        std::iter::once(header).chain(rows.iter().map(|row| escaped(row))).collect();
    let mut widths = vec![0; columns.len()];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}", width = *width));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    print(&text)
}

/// Text with whatever would steer the terminal made visible.
pub(super) fn harmless(text: &str) -> String {
    let visible = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(visible).collect()
}

/// What somebody else has written must not steer the terminal.
fn escaped(row: &[String]) -> Vec<String> {
    let cell = |cell: &String| if cell.is_empty() { "-".to_owned() } else { harmless(cell) };
    row.iter().map(cell).collect()
}

/// A number of octets, for people.
pub(super) fn size(octets: u64) -> String {
    let units = [(1_u64 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    match units.into_iter().find(|(unit, _)| octets >= *unit) {
        Some((unit, letter)) => {
            let tenths = u128::from(octets).saturating_mul(10) / u128::from(unit);
            format!("{}.{}{letter}", tenths / 10, tenths % 10)
        }
        None => octets.to_string(),
    }
}

/// A moment in seconds since 1970, for people.
pub(super) fn moment(seconds: i64) -> String {
    let moment =
        jiff::Timestamp::from_second(seconds).map(|moment| moment.strftime("%Y-%m-%d %H:%M").to_string());
    moment.unwrap_or_else(|_| seconds.to_string())
}

/// The same, to the second.
pub(super) fn moment_to_the_second(seconds: i64) -> String {
    let moment = jiff::Timestamp::from_second(seconds);
    moment.map_or_else(|_| seconds.to_string(), |moment| moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// How far it is, on standard error: a bar where somebody sees it, a line now and then elsewhere.
pub(super) fn bar(what: &'static str) -> Progress {
    if !std::io::stderr().is_terminal() {
        let lines = Mutex::new(Lines { what, last: Instant::now() });
        return Progress::new(move |done, of| {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(line) = lines.line(Instant::now(), done, of) {
                // Without standard error there is nobody to tell.
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        });
    }
    let bar = ProgressBar::new(0).with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    Progress::new(move |done, of| {
        bar.set_length(of);
        bar.set_position(done);
        if done >= of {
            bar.finish_and_clear();
        }
    })
}

/// Progress as lines, for a log.
struct Lines {
    what: &'static str,
    last: Instant,
}

impl Lines {
    /// A line, if the last was long ago. What is soon done says nothing.
    fn line(&mut self, now: Instant, done: u64, of: u64) -> Option<String> {
        if now.saturating_duration_since(self.last) < LINE_EVERY {
            return None;
        }
        self.last = now;
        Some(format!("{} {done}/{of}", self.what))
    }
}

/// How often there is a line.
const LINE_EVERY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_01_what_somebody_wrote_does_not_steer_the_terminal() {
        let row =
            escaped(&["\u{1b}[2Jx".to_owned(), "a\r\nb".to_owned(), String::new(), "Zo\u{eb}".to_owned()]);
        assert_eq!(row, ["\\u{1b}[2Jx", "a\\r\\nb", "-", "Zo\u{eb}"]);
    }

    #[test]
    fn progress_is_a_line_now_and_then() {
        let begin = Instant::now();
        let mut lines = Lines { what: "importing", last: begin };
        assert_eq!(lines.line(begin + Duration::from_secs(4), 1, 9), None);
        assert_eq!(lines.line(begin + Duration::from_secs(5), 2, 9).as_deref(), Some("importing 2/9"));
        assert_eq!(lines.line(begin + Duration::from_secs(9), 3, 9), None);
        assert_eq!(lines.line(begin + Duration::from_secs(10), 4, 9).as_deref(), Some("importing 4/9"));
    }

    #[test]
    fn sizes_for_people() {
        for (octets, shown) in
            [(0, "0"), (1023, "1023"), (1024, "1.0K"), (1_572_864, "1.5M"), (5 << 30, "5.0G")]
        {
            assert_eq!(size(octets), shown);
        }
    }
}
