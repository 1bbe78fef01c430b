//! What can be wrong with the arguments of a command beyond what their types exclude.
//!
//! Lists that the grammar wants to have a member, flags nobody may set, keys that nest too deep. Depends on nothing
//! the server says; what does stands in `needs.rs`.

use crate::types::{
    Command, EventGroup, ListSelection, MailboxFilter, NotifyCommand, NotifyEvent, QResync, SearchKey,
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
        Command::List(list) => selection(&list.selection),
        Command::Notify(NotifyCommand::Set { groups, .. }) => event_groups(groups),
        Command::Select(_, parameters) | Command::Examine(_, parameters) => {
            parameters.iter().try_for_each(known_messages)
        }
        _ => Ok(()),
    }
}

/// RFC 5258 3.1: RECURSIVEMATCH changes what another option means, and REMOTE is none that it could.
fn selection(options: &[ListSelection]) -> Result<(), Misuse> {
    let is_base =
        |option: &ListSelection| matches!(option, ListSelection::Subscribed | ListSelection::SpecialUse);
    if options.contains(&ListSelection::RecursiveMatch) && !options.iter().any(is_base) {
        return refuse("RECURSIVEMATCH", "stands only with another selection option");
    }
    Ok(())
}

/// RFC 5465 5, 6.1, 8.
fn event_groups(groups: &[EventGroup]) -> Result<(), Misuse> {
    let is_selected = |group: &&EventGroup| {
        matches!(group.mailboxes, MailboxFilter::Selected | MailboxFilter::SelectedDelayed)
    };
    if groups.iter().filter(is_selected).count() > 1 {
        return refuse("event groups", "are about the selected mailbox more than once");
    }
    for group in groups {
        let has = |is: fn(&NotifyEvent) -> bool| group.events.iter().any(is);
        let is_new = has(|event| matches!(event, NotifyEvent::MessageNew(_)));
        let is_gone = has(|event| *event == NotifyEvent::MessageExpunge);
        let is_changed =
            has(|event| matches!(event, NotifyEvent::FlagChange | NotifyEvent::AnnotationChange));
        if is_new != is_gone || is_changed && !is_new {
            return refuse("events", "have to be MessageNew and MessageExpunge, or neither and no change");
        }
        if !is_selected(&group)
            && has(|event| matches!(event, NotifyEvent::MessageNew(told) if !told.is_empty()))
        {
            return refuse("MessageNew", "tells no data of mailboxes that are not selected");
        }
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
