//! Long commands as several short ones (quirks of many servers: nextcloud/mail#12487, trudesk#541, MailKit#834), and
//! commands about many messages as several about fewer (RFC 9738).
//!
//! Only the set of a command is divided, and only where the parts together mean what the whole means.

use crate::client::{Client, message_limit};
use crate::types::{Addressing, Command, MessageSet, SequenceSet};
use alloc::vec;
use alloc::vec::Vec;

impl Client {
    /// The command, as several where its set is longer than this server takes
    /// ([`command_octets_max`](crate::client::Quirks::command_octets_max)) or names more messages than it works on at
    /// once ([`message_limit`](Self::message_limit), [`save_limit`](Self::save_limit)). Their results together are its
    /// result; of a set of UIDs that ends in `*` nobody can say how many messages it names, and
    /// [`remaining_after`](crate::client::remaining_after) says what the server has left of it.
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
        let Some(set) = set.and_then(MessageSet::numbers).map(SequenceSet::normalised) else {
            return vec![command];
        };
        let parts = match self.limit_of(&command).filter(|limit| !self.holds_at_most(limit.get())) {
            Some(limit) => message_limit::in_parts(&set, limit, self.largest(&command)),
            None => vec![set],
        };
        let sets: Vec<SequenceSet> = parts.iter().flat_map(|part| part.split(max)).collect();
        if sets.len() > 1 {
            sets.into_iter().map(|set| with_set(&command, set)).collect()
        } else {
            vec![command]
        }
    }

    /// The largest number that the set of `command` can mean, where that is known.
    fn largest(&self, command: &Command) -> Option<u32> {
        let (Command::Fetch(addressing, _)
        | Command::Store(addressing, _)
        | Command::StoreLabels(addressing, _)) = command
        else {
            return None;
        };
        let mailbox = self.mailbox().filter(|_| *addressing == Addressing::Sequence)?;
        Some(mailbox.exists)
    }

    /// Whether the selected mailbox has so few messages that no command can be about more.
    fn holds_at_most(&self, messages: u32) -> bool {
        self.mailbox().is_some_and(|mailbox| mailbox.exists <= messages)
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
