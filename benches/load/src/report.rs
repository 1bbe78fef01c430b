//! What a run measured: as a table for people and as JSON for programs.

use serde_json::{Value, json};

use crate::histogram::Histogram;
use crate::process::Usage;
use crate::workload::{Measured, Plan};

/// What a run measured, and whether all was well.
#[derive(Debug)]
pub struct Report {
    workload: String,
    sessions: u64,
    seed: u64,
    measured: Measured,
    /// Figures of this workload alone.
    extra: Vec<(&'static str, Value)>,
}

impl Report {
    /// What was measured of a workload.
    pub fn new(workload: &str, plan: &Plan, seed: u64, measured: Measured) -> Self {
        Self { workload: workload.to_owned(), sessions: plan.sessions, seed, measured, extra: Vec::new() }
    }

    /// Adds a figure.
    pub fn add(&mut self, name: &'static str, value: impl Into<Value>) {
        self.extra.push((name, value.into()));
    }

    /// Adds a distribution.
    pub fn add_latency(&mut self, name: &'static str, histogram: &Histogram) {
        self.add(name, quantiles(histogram));
    }

    /// Notes that something is wrong.
    pub fn problem(&mut self, problem: impl std::fmt::Display) {
        self.measured.tally.problem(problem);
    }

    /// Whether nothing was wrong.
    pub const fn is_well(&self) -> bool {
        self.measured.tally.errors == 0
    }

    /// How many operations there were.
    pub const fn operations(&self) -> u64 {
        self.measured.tally.all.count()
    }

    /// As a program reads it.
    pub fn json(&self) -> Value {
        let tally = &self.measured.tally;
        let seconds = self.measured.elapsed.as_secs_f64();
        let mut value = json!({
            "workload": self.workload,
            "sessions": self.sessions,
            "seed": format!("{:x}", self.seed),
            "seconds": seconds,
            "operations": tally.all.count(),
            "operations_per_second": per(tally.all.count(), seconds),
            "octets": tally.octets,
            "octets_per_second": per(tally.octets, seconds),
            "latency_us": quantiles(&tally.all),
            "errors": tally.errors,
            "problems": tally.problems,
        });
        if let Some(object) = value.as_object_mut() {
            if !tally.kinds.is_empty() {
                let kinds = tally.kinds.iter().map(|(kind, each)| ((*kind).to_owned(), quantiles(each)));
                object.insert("kinds".to_owned(), Value::Object(kinds.collect()));
            }
            if let Some(server) = self.server() {
                object.insert("server".to_owned(), server);
            }
            for (name, extra) in &self.extra {
                object.insert((*name).to_owned(), extra.clone());
            }
        }
        value
    }

    fn server(&self) -> Option<Value> {
        let (before, after) = self.measured.usage?;
        let Usage { pss_kib, rss_kib, processes, .. } = after;
        let cpu = (after.cpu_seconds - before.cpu_seconds).max(0.0);
        let operations = self.measured.tally.all.count();
        let switches = |of: fn(&Usage) -> u64| of(&after).saturating_sub(of(&before));
        let voluntary = switches(|usage| usage.voluntary);
        let involuntary = switches(|usage| usage.involuntary);
        Some(json!({
            "cpu_seconds": cpu,
            "cpu_us_per_operation": if operations == 0 { 0.0 } else { cpu * 1e6 / operations as f64 },
            "pss_kib_before": before.pss_kib,
            "pss_kib": pss_kib,
            "rss_kib": rss_kib,
            "processes": processes,
            "voluntary_switches": voluntary,
            "involuntary_switches": involuntary,
        }))
    }

    /// As a person reads it.
    pub fn table(&self) -> String {
        let tally = &self.measured.tally;
        let seconds = self.measured.elapsed.as_secs_f64();
        let mut rows = vec![
            (
                "workload".to_owned(),
                format!("{}, {} sessions, seed {:x}", self.workload, self.sessions, self.seed),
            ),
            ("operations".to_owned(), format!("{} in {seconds:.2} s", tally.all.count())),
            ("per second".to_owned(), format!("{:.1}", per(tally.all.count(), seconds))),
            ("latency".to_owned(), shown(&quantiles(&tally.all))),
            ("octets".to_owned(), format!("{} ({:.2} MB/s)", tally.octets, per(tally.octets, seconds) / 1e6)),
        ];
        rows.extend(tally.kinds.iter().map(|(kind, each)| (format!("  {kind}"), shown(&quantiles(each)))));
        if let Some(Value::Object(server)) = self.server() {
            rows.extend(server.iter().map(|(name, value)| (format!("server {name}"), shown(value))));
        }
        rows.extend(self.extra.iter().map(|(name, value)| ((*name).to_owned(), shown(value))));
        rows.push(("errors".to_owned(), tally.errors.to_string()));
        rows.extend(tally.problems.iter().map(|problem| ("  problem".to_owned(), problem.clone())));
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        rows.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
    }
}

/// A distribution in microseconds.
pub fn quantiles(histogram: &Histogram) -> Value {
    json!({
        "count": histogram.count(),
        "mean": histogram.mean(),
        "p50": histogram.quantile(500),
        "p90": histogram.quantile(900),
        "p99": histogram.quantile(990),
        "max": histogram.max(),
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            // Of distributions only, which are in microseconds.
            let fields = fields.iter().filter(|(name, _)| *name != "count");
            let parts: Vec<String> = fields
                .map(|(name, value)| format!("{name} {:.2} ms", value.as_f64().unwrap_or(0.0) / 1000.0))
                .collect();
            parts.join(", ")
        }
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => format!("{:.2}", number.as_f64().unwrap_or(0.0)),
        other => other.to_string(),
    }
}

fn per(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}
