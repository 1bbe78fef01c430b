//! What can be wrong with the arguments of a command beyond what their types exclude.
//!
//! Lists that the grammar wants to have a member, flags nobody may set, keys that nest too deep. Depends on nothing
//! the server says; what does stands in `needs.rs`.

use crate::types::{
    Command, EventGroup, ListCommand, ListSelection, NotifyCommand, NotifyEvent, QResync, SearchKey,
    SelectParameter, UidSet,
};
use posthaste_wire::Misuse;

/// Checks `command`.
pub(crate) fn check(command: &Command) -> Result<(), Misuse> {
    for key in keys(command) {
        if is_deeper_than(key, SEARCH_DEPTH_MAX) {
            return refuse("search key", "is nested too deep");
        }
    }
    let missing = match command {
        Command::Enable(capabilities) => capabilities.is_empty().then_some("capabilities"),
        Command::Status(_, attributes) => attributes.is_empty().then_some("attributes"),
        Command::Fetch(_, fetch) => fetch.attributes.is_empty().then_some("attributes"),
        Command::Search(_, search) => search.keys.is_empty().then_some("keys"),
        Command::Esearch(esearch) => esearch.search.keys.is_empty().then_some("keys"),
        Command::Thread(_, thread) => thread.keys.is_empty().then_some("keys"),
        Command::Sort(_, sort) if sort.criteria.is_empty() => Some("criteria"),
        Command::Sort(_, sort) => sort.keys.is_empty().then_some("keys"),
        Command::List(list) => list.patterns.is_empty().then_some("patterns"),
        Command::CancelUpdate(tags) => tags.is_empty().then_some("tags"),
        Command::GetMetadata(get) => get.entries.is_empty().then_some("entries"),
        Command::SetMetadata { entries, .. } => entries.is_empty().then_some("entries"),
        Command::GenUrlAuth(urls) => urls.is_empty().then_some("urls"),
        Command::UrlFetch(urls) => urls.is_empty().then_some("urls"),
        Command::Notify(NotifyCommand::Set { groups, .. }) => groups.is_empty().then_some("event groups"),
        _ => None,
    };
    if let Some(argument) = missing {
        return refuse(argument, "are none");
    }
    match command {
        Command::List(list) if is_recursive_alone(list) => {
            return refuse("RECURSIVEMATCH", "only modifies another selection option");
        }
        Command::Notify(notify) if !notify.is_consistent() => {
            return refuse("events", "need others that are not there, or another choice of mailboxes");
        }
        _ => {}
    }
    let settable = match command {
        Command::Store(_, store) => store.flags.iter().all(|flag| flag.is_settable()),
        Command::Append(head, _) => head.flags.iter().all(|flag| flag.is_settable()),
        Command::Replace(_, replace) => replace.head.flags.iter().all(|flag| flag.is_settable()),
        _ => true,
    };
    if !settable {
        return refuse("flags", "hold one that cannot be set");
    }
    match command {
        Command::Notify(NotifyCommand::Set { groups, .. }) => event_groups(groups),
        Command::Select(_, parameters) | Command::Examine(_, parameters) => {
            parameters.iter().try_for_each(known_messages)
        }
        _ => Ok(()),
    }
}

/// RFC 5465 5.2: data of new messages is told of the selected mailbox only.
fn event_groups(groups: &[EventGroup]) -> Result<(), Misuse> {
    let tells = |event: &NotifyEvent| matches!(event, NotifyEvent::MessageNew(told) if !told.is_empty());
    if groups.iter().any(|group| !group.is_selected() && group.events.iter().any(tells)) {
        return refuse("MessageNew", "tells no data of mailboxes that are not selected");
    }
    Ok(())
}

/// RFC 7162 3.2.5.2: pairs, both ascending.
fn known_messages(parameter: &SelectParameter) -> Result<(), Misuse> {
    let SelectParameter::QResync(QResync { match_data: Some((numbers, uids)), .. }) = parameter else {
        return Ok(());
    };
    let ascends = |set: &UidSet| {
        let ranges = set.ranges();
        ranges.iter().zip(ranges.iter().skip(1)).all(|(before, next)| before.end() < next.start())
    };
    if numbers.len() != uids.len() || !ascends(numbers) || !ascends(uids) {
        return refuse("known numbers and UIDs", "are no pairs in ascending order");
    }
    Ok(())
}

/// The search keys of a command.
pub(crate) fn keys(command: &Command) -> &[SearchKey] {
    match command {
        Command::Search(_, search) => &search.keys,
        Command::Esearch(esearch) => &esearch.search.keys,
        Command::Sort(_, sort) => &sort.keys,
        Command::Thread(_, thread) => &thread.keys,
        _ => &[],
    }
}

/// Whether `is` holds for a key in the tree.
pub(crate) fn any(key: &SearchKey, is: &impl Fn(&SearchKey) -> bool) -> bool {
    key.any(is)
}

/// RFC 9051 6.3.9.1, RFC 5258 3.1: not alone, nor with REMOTE only.
fn is_recursive_alone(list: &ListCommand) -> bool {
    let says_nothing = |option| matches!(option, &ListSelection::RecursiveMatch | &ListSelection::Remote);
    list.selection.contains(&ListSelection::RecursiveMatch) && list.selection.iter().all(says_nothing)
}

/// Whether `key` nests more than `levels` deep; looks no deeper than that.
fn is_deeper_than(key: &SearchKey, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return true };
    match key {
        SearchKey::Not(key) | SearchKey::Fuzzy(key) => is_deeper_than(key, below),
        SearchKey::Or(left, right) => is_deeper_than(left, below) || is_deeper_than(right, below),
        SearchKey::And(keys) => keys.iter().any(|key| is_deeper_than(key, below)),
        _ => false,
    }
}

const fn refuse(argument: &'static str, problem: &'static str) -> Result<(), Misuse> {
    Err(Misuse::Argument { argument, problem })
}

/// How deep search keys may nest; no server takes more, and nothing here overflows.
const SEARCH_DEPTH_MAX: usize = 100;
