//! Long commands as several short ones (quirks of many servers: nextcloud/mail#12487, trudesk#541, MailKit#834).
//!
//! Only the set of a command is divided, and only where the parts together mean what the whole means.

use crate::client::Client;
use crate::types::{Addressing, Command, MessageSet, SequenceSet};
use alloc::vec;
use alloc::vec::Vec;

impl Client {
    /// The command, as several where its set is longer than this server takes
    /// ([`command_octets_max`](crate::client::Quirks::command_octets_max)). Their results together are its result.
    ///
    /// COPY and MOVE by message number stay whole: while one part runs, the numbers of the next may change. A COPY
    /// that is divided is no longer all or nothing (RFC 9051 6.4.7). [`Event::Done`] comes for each part.
    ///
    /// [`Event::Done`]: crate::client::Event::Done
    pub fn split(&self, command: Command) -> Vec<Command> {
        let set = match &command {
            Command::Fetch(_, fetch) => fetch.modifiers.partial.is_none().then_some(&fetch.set),
            Command::Store(_, store) => Some(&store.set),
            Command::StoreLabels(_, store) => Some(&store.set),
            Command::Copy(Addressing::Uid, copy) | Command::Move(Addressing::Uid, copy) => Some(&copy.set),
            Command::UidExpunge(set) => Some(set),
            _ => None,
        };
        let max = self.quirks.command_octets_max.saturating_sub(REST_OCTETS).max(SET_OCTETS_MIN);
        let sets = set.and_then(MessageSet::numbers).map(|set| set.normalised().split(max));
        match sets {
            Some(sets) if sets.len() > 1 => sets.into_iter().map(|set| with_set(&command, set)).collect(),
            _ => vec![command],
        }
    }
}

fn with_set(command: &Command, numbers: SequenceSet) -> Command {
    let mut command = command.clone();
    match &mut command {
        Command::Fetch(_, fetch) => fetch.set = numbers.into(),
        Command::Store(_, store) => store.set = numbers.into(),
        Command::StoreLabels(_, store) => store.set = numbers.into(),
        Command::Copy(_, copy) | Command::Move(_, copy) => copy.set = numbers.into(),
        Command::UidExpunge(set) => *set = numbers.into(),
        _ => {}
    }
    command
}

/// What is left of the line for the tag, the name and the other arguments.
const REST_OCTETS: usize = 1_000;
const SET_OCTETS_MIN: usize = 200;
