//! What a test sees and asks of the machine: who it runs as, what a process holds, chance that can be repeated, and
//! waiting with an end.

use std::{
    env, fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Whether the long runs are asked for.
pub(crate) fn is_long() -> bool {
    env::var_os("POSTHASTE_FAULTS_LONG").is_some_and(|value| value == "1")
}

/// A number that the environment may set.
pub(crate) fn number(name: &str, otherwise: usize) -> usize {
    let Ok(text) = env::var(name) else { return otherwise };
    text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number"))
}

/// Whether this is root. `false`, with a line that says so, when it is not.
#[track_caller]
pub(crate) fn is_root() -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    skip_unless(root, "this is not root")
}

/// Says why a test is skipped, which may be forbidden.
#[track_caller]
pub(crate) fn skip_unless(met: bool, what: &str) -> bool {
    if !met {
        let required = env::var_os("POSTHASTE_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
        assert!(!required, "{what}, and POSTHASTE_REQUIRE_CLIENTS=1 demands otherwise");
        println!("skipped: {what}");
    }
    met
}

/// Asks until there is an answer, or the time is over.
pub(crate) fn eventually<T>(at_most: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + at_most;
    loop {
        let answer = ask();
        if answer.is_some() || Instant::now() >= deadline {
            return answer;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a signal, by its name, to a process.
#[track_caller]
pub(crate) fn signal(name: &str, pid: u32) {
    let done = Command::new("/bin/sh").args(["-c", &format!("kill -{name} {pid}")]).status();
    assert!(done.is_ok_and(|status| status.success()), "kill -{name} {pid}");
}

/// Descriptors that the server opens when it first needs them, and keeps: readers of the database and the trace.
pub(crate) const LAZY_MAX: usize = 12;

/// How many descriptors a process has open.
pub(crate) fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// A line of `/proc/PID/status`, in KiB, as octets.
#[track_caller]
pub(crate) fn memory(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Numbers that come again with the same seed (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// With the seed of this run, which is shown, and a number for what the dice are for.
    pub(crate) fn new(purpose: u64) -> Self {
        let seed = env::var("POSTHASTE_FAULTS_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
        println!("POSTHASTE_FAULTS_SEED={seed}");
        Self(seed.wrapping_mul(1000).wrapping_add(purpose))
    }

    /// Dice of the same seed for somebody else.
    pub(crate) fn other(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
