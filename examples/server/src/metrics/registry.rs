//! Where figures are counted, and how they are written down: the text format of Prometheus, version 0.0.4.
//!
//! Counting takes a lock for reading and an atomic addition. Labels come from this program and never from a peer, so
//! that there are few series; should there ever be many, more than [`SERIES_MAX`] are not counted.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use ::metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Label, Metadata, Recorder,
    SharedString, Unit,
};

use super::{ALL, Kind, Metric};

/// All that is counted.
#[derive(Debug, Default)]
pub(super) struct Registry {
    counters: Series<AtomicU64>,
    gauges: Series<AtomicU64>,
    histograms: Series<Buckets>,
}

/// What is counted under one name with different labels.
#[derive(Debug)]
struct Series<T>(RwLock<BTreeMap<Key, Arc<T>>>);

impl<T> Default for Series<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Default> Series<T> {
    /// The place of a series, made when it is new.
    fn place(&self, key: &Key) -> Option<Arc<T>> {
        if let Some(place) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Some(Arc::clone(place));
        }
        let mut places = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= SERIES_MAX && !places.contains_key(key) {
            return None;
        }
        Some(Arc::clone(places.entry(key.clone()).or_default()))
    }

    /// The series of a name.
    fn of(&self, name: &str) -> Vec<(Key, Arc<T>)> {
        let places = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let of_name = places.iter().filter(|(key, _)| key.name() == name);
        of_name.map(|(key, place)| (key.clone(), Arc::clone(place))).collect()
    }

    fn names(&self) -> Vec<String> {
        let places = self.0.read().unwrap_or_else(PoisonError::into_inner);
        places.keys().map(|key| key.name().to_owned()).collect()
    }
}

/// How many values were up to each bound.
#[derive(Debug, Default)]
struct Buckets {
    /// One for each of [`BOUNDS`], and one for what is beyond.
    counts: [AtomicU64; BOUNDS.len() + 1],
    /// The bits of an `f64`.
    sum: AtomicU64,
}

impl HistogramFn for Buckets {
    fn record(&self, value: f64) {
        let bucket = BOUNDS.iter().position(|bound| value <= *bound).unwrap_or(BOUNDS.len());
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        GaugeFn::increment(&self.sum, value);
    }
}

impl Registry {
    pub(super) fn count(&self, metric: &Metric, values: &[&str], number: u64) {
        if let Some(place) = self.counters.place(&key(metric, values)) {
            CounterFn::increment(&*place, number);
        }
    }

    pub(super) fn set(&self, metric: &Metric, values: &[&str], value: f64) {
        if let Some(place) = self.gauges.place(&key(metric, values)) {
            GaugeFn::set(&*place, value);
        }
    }

    pub(super) fn add(&self, metric: &Metric, values: &[&str], value: f64) {
        if let Some(place) = self.gauges.place(&key(metric, values)) {
            GaugeFn::increment(&*place, value);
        }
    }

    pub(super) fn record(&self, metric: &Metric, values: &[&str], value: f64) {
        if let Some(place) = self.histograms.place(&key(metric, values)) {
            place.record(value);
        }
    }

    /// Everything, as text. What nobody has described comes at the end.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        for metric in ALL {
            writeln!(text, "# HELP {} {}", metric.name, metric.help)?;
            writeln!(text, "# TYPE {} {}", metric.name, metric.kind.as_str())?;
            self.write_series(text, metric.name)?;
        }
        let mut others = [self.counters.names(), self.gauges.names(), self.histograms.names()].concat();
        others.retain(|name| !ALL.iter().any(|metric| metric.name == name));
        others.dedup();
        others.iter().try_for_each(|name| self.write_series(text, name))
    }

    fn write_series(&self, text: &mut String, name: &str) -> fmt::Result {
        for (key, place) in self.counters.of(name) {
            writeln!(text, "{name}{} {}", labels(&key, None), place.load(Ordering::Relaxed))?;
        }
        for (key, place) in self.gauges.of(name) {
            writeln!(text, "{name}{} {}", labels(&key, None), f64::from_bits(place.load(Ordering::Relaxed)))?;
        }
        for (key, place) in self.histograms.of(name) {
            let mut count = 0_u64;
            let bounds = BOUNDS.iter().map(f64::to_string).chain([INFINITE.to_owned()]);
            for (bound, bucket) in bounds.zip(&place.counts) {
                count = count.saturating_add(bucket.load(Ordering::Relaxed));
                writeln!(text, "{name}_bucket{} {count}", labels(&key, Some(&bound)))?;
            }
            writeln!(
                text,
                "{name}_sum{} {}",
                labels(&key, None),
                f64::from_bits(place.sum.load(Ordering::Relaxed))
            )?;
            writeln!(text, "{name}_count{} {count}", labels(&key, None))?;
        }
        Ok(())
    }
}

/// What crates tell that know the facade and not this program.
impl Recorder for &'static Registry {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.counters.place(key).map_or_else(Counter::noop, Counter::from_arc)
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.gauges.place(key).map_or_else(Gauge::noop, Gauge::from_arc)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.histograms.place(key).map_or_else(Histogram::noop, Histogram::from_arc)
    }
}

fn key(metric: &Metric, values: &[&str]) -> Key {
    debug_assert_eq!(metric.labels.len(), values.len(), "{}", metric.name);
    let labels =
        metric.labels.iter().zip(values).map(|(label, value)| Label::new(*label, (*value).to_owned()));
    Key::from_parts(metric.name, labels.collect::<Vec<_>>())
}

fn labels(key: &Key, bound: Option<&str>) -> String {
    let mut labels: Vec<String> =
        key.labels().map(|label| format!("{}=\"{}\"", label.key(), escaped(label.value()))).collect();
    labels.extend(bound.map(|bound| format!("le=\"{bound}\"")));
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Bounds of histograms, in seconds: from a commit on a fast disk to a client that idles all day.
const BOUNDS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 600.0, 21_600.0];

const INFINITE: &str = "+Inf";

/// Series of each kind.
const SERIES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::super::{COMMIT_SECONDS, LOGINS, SESSIONS_OPEN};
    use super::*;

    #[test]
    fn what_was_counted_is_written_in_the_text_format() {
        let registry = Registry::default();
        registry.count(&LOGINS, &["imap", "accepted"], 2);
        registry.count(&LOGINS, &["imap", "accepted"], 1);
        registry.count(&LOGINS, &["a\"b\\c\nd", "refused"], 1);
        registry.add(&SESSIONS_OPEN, &["imap"], 2.0);
        registry.add(&SESSIONS_OPEN, &["imap"], -1.0);
        registry.record(&COMMIT_SECONDS, &[], 0.004);
        registry.record(&COMMIT_SECONDS, &[], 1e9);
        let text = registry.render();
        for line in [
            "# TYPE posthaste_logins_total counter",
            "posthaste_logins_total{service=\"imap\",result=\"accepted\"} 3",
            "posthaste_logins_total{service=\"a\\\"b\\\\c\\nd\",result=\"refused\"} 1",
            "posthaste_sessions_open{service=\"imap\"} 1",
            "# TYPE posthaste_store_commit_seconds histogram",
            "posthaste_store_commit_seconds_bucket{le=\"0.0025\"} 0",
            "posthaste_store_commit_seconds_bucket{le=\"0.005\"} 1",
            "posthaste_store_commit_seconds_bucket{le=\"21600\"} 1",
            "posthaste_store_commit_seconds_bucket{le=\"+Inf\"} 2",
            "posthaste_store_commit_seconds_sum 1000000000.004",
            "posthaste_store_commit_seconds_count 2",
        ] {
            assert!(text.lines().any(|written| written == line), "{line}\n{text}");
        }
    }

    #[test]
    fn series_are_bounded() {
        let registry = Registry::default();
        for number in 0..SERIES_MAX * 2 {
            registry.count(&LOGINS, &["imap", &number.to_string()], 1);
        }
        assert_eq!(registry.counters.of(LOGINS.name).len(), SERIES_MAX);
    }
}
