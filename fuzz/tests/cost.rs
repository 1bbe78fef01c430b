//! What the bodies of the targets take from the heap, for every committed input as it is and repeated: no more at once
//! than a multiple of the input, and no more in all than grows with it. Octets are counted and not time, which says
//! something else on each machine. Work shows in them where octets are copied once more, not where they are only looked
//! at once more; the bodies give their machines the input octet by octet too, so that what is kept of it shows.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects, reason = "test code")]

use std::{fs, path::Path};

use posthaste_fuzz::TARGETS;
use posthaste_testkit::measure;

/// The committed inputs of a target.
fn inputs(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect()
}

/// The input over and over, until there are so many octets.
fn repeated(input: &[u8], octets: usize) -> Vec<u8> {
    input.iter().copied().cycle().take(octets).collect()
}

/// Whether a body goes through all it has at each step, to compare it: it takes more time than what it looks at.
fn compares_each_step(name: &str) -> bool {
    name == "imap_view"
}

#[test]
fn res_18_no_input_takes_more_at_once_than_a_multiple_of_it() {
    for (name, body) in TARGETS {
        for (path, input) in inputs(name) {
            let large = if compares_each_step(name) { Vec::new() } else { repeated(&input, LARGE) };
            for input in [large, input] {
                let peak = measure(|| body(&input)).peak;
                let most = AN_OCTET * input.len() as u64 + AT_FIRST;
                assert!(peak <= most, "{path}: {peak} octets at once for {} in", input.len());
            }
        }
    }
}

#[test]
fn res_17_work_grows_as_the_input_does() {
    for (name, body) in TARGETS.iter().filter(|(name, _)| !compares_each_step(name)) {
        for (path, input) in inputs(name) {
            let [some, eightfold] = [LARGE / 8, LARGE].map(|octets| {
                let input = repeated(&input, octets);
                measure(|| body(&input)).bytes
            });
            // 2.3 for each time the input is doubled, and what is there whatever the input is.
            let most = some * 12 + AT_FIRST / 8;
            assert!(
                eightfold <= most,
                "{path}: {some} octets of work, and {eightfold} for eight times the input"
            );
        }
    }
}

/// Octets of an input that is large.
const LARGE: usize = 32 * 1024;
/// Octets that an octet of an input may take at once, of the machine and of what the body makes of it: a message of
/// four, say.
const AN_OCTET: u64 = 128;
/// Octets that may be taken whatever the input is.
const AT_FIRST: u64 = 256 * 1024;
