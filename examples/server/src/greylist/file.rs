//! How the table is kept: one line of JSON for each network, in a file that is always replaced whole.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Result, Write};
use std::path::Path;

use posthaste_tokio::Network;
use serde::{Deserialize, Serialize};

use super::table::{Host, Key, State, Table, Tuple};
use crate::disk;

/// A network, as a line has it.
#[derive(Serialize, Deserialize)]
struct Line {
    network: String,
    passes: u32,
    counted: i64,
    last: i64,
    waiting: Vec<(String, i64)>,
    passed: Vec<(String, i64)>,
}

/// Reads a table; an empty one where there is no file. Lines that cannot be understood are passed over.
pub(super) fn read(path: &Path) -> Result<Table> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Table::default()),
        file => file?,
    };
    let mut lines = Vec::new();
    for line in BufReader::new(file).split(b'\n') {
        lines.extend(host(&line?));
    }
    Ok(Table::of(lines.into_iter()))
}

/// Writes a table beside the one there is, and puts it into its place: whatever happens, one of them is there.
pub(super) fn write(path: &Path, table: &Table) -> Result<()> {
    let beside = path.with_extension("new");
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = BufWriter::new(disk::create_private(&beside)?);
    for (network, host) in table.hosts() {
        serde_json::to_writer(&mut out, &line(network, host))?;
        out.write_all(b"\n")?;
    }
    out.into_inner()?.sync_all()?;
    std::fs::rename(&beside, path)?;
    disk::flush_directory(disk::parent(path))
}

fn line(network: &Network, host: &Host) -> Line {
    let of = |state: State| {
        let of_state = host.tuples.iter().filter(move |tuple| tuple.state == state);
        of_state.map(|tuple| (format!("{:032x}", u128::from_be_bytes(tuple.key)), tuple.at)).collect()
    };
    Line {
        network: network.to_string(),
        passes: host.passes,
        counted: host.counted,
        last: host.last,
        waiting: of(State::Waiting),
        passed: of(State::Passed),
    }
}

fn host(line: &[u8]) -> Option<(Network, Host)> {
    let Line { network, passes, counted, last, waiting, passed } = serde_json::from_slice(line).ok()?;
    let tuple = |state: State| move |(key, at): (String, i64)| Some(Tuple { key: parse(&key)?, at, state });
    let waiting = waiting.into_iter().filter_map(tuple(State::Waiting));
    let passed = passed.into_iter().filter_map(tuple(State::Passed));
    let tuples = passed.chain(waiting).collect();
    Some((network.parse().ok()?, Host { passes, counted, last, tuples }))
}

fn parse(key: &str) -> Option<Key> {
    u128::from_str_radix(key, 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn u6_a_line_says_what_was_written(
            (passes, counted, last) in any::<(u32, i64, i64)>(),
            tuples in vec(any::<(Key, i64, bool)>(), 0..9),
            (address, bits) in (any::<std::net::IpAddr>(), 0..=32_u8),
        ) {
            let tuple = |(key, at, passed)| {
                Tuple { key, at, state: if passed { State::Passed } else { State::Waiting } }
            };
            let network = Network::new(address, bits).unwrap();
            let mut written = Host { passes, counted, last, tuples: tuples.into_iter().map(tuple).collect() };
            // Those who have passed come first, if there is no room for all.
            written.tuples.sort_by_key(|tuple| tuple.state == State::Waiting);
            let text = serde_json::to_vec(&line(&network, &written)).unwrap();
            prop_assert!(!text.contains(&b'\n'));
            prop_assert_eq!(host(&text), Some((network, written)));
        }

        #[test]
        fn u6_any_line_is_read_or_passed_over(text in vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(host(&text), None);
        }
    }
}
