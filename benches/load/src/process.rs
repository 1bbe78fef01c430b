//! What the processes of a server use, as the kernel counts it (proc(5)): CPU time, memory, context switches.
//!
//! A server is the processes that are named, all that descend from them, and all in their process groups. CPU time
//! counts those that have ended too, as far as their parents waited for them. Context switches are those of processes
//! seen while they lived, so that for servers with short-lived processes they are a lower bound.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The processes of a server, looked at from now until it is dropped.
#[derive(Debug)]
pub struct Watch {
    roots: Vec<u32>,
    switches: Arc<Mutex<BTreeMap<u32, Switches>>>,
    stop: Arc<AtomicBool>,
}

/// What was used up to a moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// CPU time in seconds, user and system.
    pub cpu_seconds: f64,
    /// Proportional set size in KiB.
    pub pss_kib: u64,
    /// Resident set size in KiB; shared pages count in each process.
    pub rss_kib: u64,
    /// How many processes there are.
    pub processes: u64,
    /// How often a process gave the processor away.
    pub voluntary: u64,
    /// How often it was taken.
    pub involuntary: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Switches {
    voluntary: u64,
    involuntary: u64,
}

/// A line of /proc/PID/stat.
#[derive(Clone, Copy, Debug)]
struct Stat {
    parent: u32,
    group: u32,
    ticks: u64,
}

impl Watch {
    /// Begins to look at these processes and their children.
    pub fn new(roots: Vec<u32>) -> Self {
        let watch = Self { roots, switches: Arc::default(), stop: Arc::default() };
        if !watch.roots.is_empty() {
            let (roots, switches, stop) =
                (watch.roots.clone(), Arc::clone(&watch.switches), Arc::clone(&watch.stop));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let tree = tree(&roots);
                    note_switches(&switches, tree.keys().copied());
                    std::thread::sleep(LOOK_EVERY);
                }
            });
        }
        watch
    }

    /// What was used up to now; `None` where no process was named.
    pub fn usage(&self) -> Option<Usage> {
        if self.roots.is_empty() {
            return None;
        }
        let tree = settled_tree(&self.roots);
        note_switches(&self.switches, tree.keys().copied());
        let ticks: u64 = tree.values().map(|stat| stat.ticks).sum();
        let mut usage = Usage { cpu_seconds: ticks as f64 / TICKS_PER_SECOND, ..Usage::default() };
        for pid in tree.keys() {
            let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
            usage.pss_kib = usage.pss_kib.saturating_add(field(&rollup, "Pss:"));
            usage.rss_kib = usage.rss_kib.saturating_add(field(&rollup, "Rss:"));
        }
        usage.processes = u64::try_from(tree.len()).unwrap_or(u64::MAX);
        let switches = self.switches.lock().unwrap_or_else(PoisonError::into_inner);
        usage.voluntary = switches.values().map(|each| each.voluntary).sum();
        usage.involuntary = switches.values().map(|each| each.involuntary).sum();
        Some(usage)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The same, of a moment in which none came or went: one that ends while its parent was looked at already would be in
/// neither.
fn settled_tree(roots: &[u32]) -> BTreeMap<u32, Stat> {
    let mut last = tree(roots);
    for _ in 0..LOOKS_MAX {
        std::thread::sleep(LOOK_AGAIN);
        let next = tree(roots);
        let same = next.keys().eq(last.keys());
        last = next;
        if same {
            break;
        }
    }
    last
}

/// The processes that are there, with what each has used, its dead children included.
fn tree(roots: &[u32]) -> BTreeMap<u32, Stat> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if let Some(stat) = stat(&text) {
            all.insert(pid, stat);
        }
    }
    let groups: BTreeSet<u32> = roots.iter().copied().filter(|root| leads(&all, *root)).collect();
    let belongs = |pid: u32| {
        let mut at = pid;
        // Parents are fewer than this, and a list that changes while it is read may have a circle.
        for _ in 0..100 {
            let Some(stat) = all.get(&at) else { return false };
            if roots.contains(&at) || groups.contains(&stat.group) {
                return true;
            }
            at = stat.parent;
        }
        false
    };
    all.iter().filter(|(pid, _)| belongs(**pid)).map(|(pid, stat)| (*pid, *stat)).collect()
}

/// Whether a process leads its group, so that the group is the server's own.
fn leads(all: &BTreeMap<u32, Stat>, pid: u32) -> bool {
    all.get(&pid).is_some_and(|stat| stat.group == pid)
}

/// The name of the program, in parentheses, may hold anything: what follows is counted from its end.
fn stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    // utime, stime, cutime, cstime
    let ticks =
        number(11)?.saturating_add(number(12)?).saturating_add(number(13)?).saturating_add(number(14)?);
    Some(Stat { parent: number(1)?.try_into().ok()?, group: number(2)?.try_into().ok()?, ticks })
}

fn note_switches(noted: &Mutex<BTreeMap<u32, Switches>>, pids: impl Iterator<Item = u32>) {
    for pid in pids {
        let mut sum = Switches::default();
        for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let text = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            sum.voluntary = sum.voluntary.saturating_add(field(&text, "voluntary_ctxt_switches:"));
            sum.involuntary = sum.involuntary.saturating_add(field(&text, "nonvoluntary_ctxt_switches:"));
        }
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        let last = noted.entry(pid).or_default();
        // A thread that ended takes its count along.
        last.voluntary = last.voluntary.max(sum.voluntary);
        last.involuntary = last.involuntary.max(sum.involuntary);
    }
}

/// The number behind a name at the beginning of a line.
fn field(text: &str, name: &str) -> u64 {
    let rest = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    rest.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The unit of /proc/PID/stat, which Linux keeps at this on all its platforms.
const TICKS_PER_SECOND: f64 = 100.0;

/// How often, and after which time, it is looked again at processes that come and go.
const LOOKS_MAX: usize = 20;
const LOOK_AGAIN: Duration = Duration::from_millis(5);

const LOOK_EVERY: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_whatever_the_program_is_called() {
        let line = "42 (a) b (c)) S 7 42 42 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 5 6 7";
        let stat = stat(line).unwrap();
        assert_eq!((stat.parent, stat.group, stat.ticks), (7, 42, 100));
    }

    #[test]
    fn this_process_uses_memory_and_time() {
        let watch = Watch::new(vec![std::process::id()]);
        let mut sum = 0_u64;
        while watch.usage().unwrap().cpu_seconds == 0.0 {
            sum = (0..1_000_000).fold(sum, |sum, number: u64| sum.rotate_left(3) ^ number);
        }
        let usage = watch.usage().unwrap();
        assert!(
            usage.pss_kib > 100 && usage.rss_kib >= usage.pss_kib && usage.processes >= 1,
            "{usage:?} {sum}"
        );
        assert!(Watch::new(Vec::new()).usage().is_none());
    }
}
