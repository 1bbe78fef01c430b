//! Which commands may be in progress together (RFC 9051 5.5), as a table.
//!
//! A command waits where its answer could change what the next one means, where the rules about message numbers
//! demand it, and where nobody could tell whose data an untagged response is. It also waits for its turn: the order
//! of the queue is the order on the wire. What is legal in which state stands in `session.rs`.

use crate::client::arguments;
use crate::session::{Group, Transition};
use crate::types::{Addressing, Command, MessageSet, SearchKey};

/// How a command gets along with those around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// Nothing else is in progress while it is: it changes the state, the layer or what lines mean.
    Alone,
    /// Others may be in progress. The flags say what it does to message numbers.
    Among(Numbers, Answer),
    /// Others may be in progress, and nothing is sent behind it.
    Last,
}

/// What a command has to do with message sequence numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// FETCH, STORE, SEARCH: it uses them, and the server tells of no EXPUNGE while it is in progress.
    UsesAndKeeps,
    /// The same about `$`, which holds whatever the numbers are (RFC 5182 2.1).
    Keeps,
    /// COPY, MOVE, UID SEARCH with numbers: it uses them, and an EXPUNGE may change them for what follows.
    UsesAndMayChange,
    /// All others: an EXPUNGE may change them.
    MayChange,
}

/// Whose data untagged responses are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The responses say it themselves, by a tag, a UID, or what they are about; or there are none.
    Told,
    /// `* SEARCH` names no command.
    Search,
    /// `* SORT` names no command.
    Sort,
    /// `* THREAD` names no command.
    Thread,
    /// `* LIST` names no command.
    List,
    /// `* LSUB` names no command.
    Lsub,
    /// `* XLIST` names no command.
    XList,
    /// `* GENURLAUTH` names no command, and tells no more than the new URLs.
    GenUrlAuth,
}

/// The table.
pub(crate) fn company(command: &Command) -> Company {
    use Numbers::{MayChange, UsesAndMayChange};
    match command {
        Command::StartTls
        | Command::Login(_)
        | Command::Authenticate(_)
        | Command::Enable(_)
        | Command::Select(..)
        | Command::Examine(..)
        | Command::Close
        | Command::Unselect
        | Command::Idle
        // The layer changes, or all state goes.
        | Command::CompressDeflate
        | Command::Unauthenticate
        // What is told unasked changes, and how text is to be read.
        | Command::Notify(_)
        | Command::Language(_)
        | Command::Comparator(_) => Company::Alone,
        Command::Logout => Company::Last,
        Command::Fetch(Addressing::Sequence, fetch) => Company::Among(keeps(&fetch.set), Answer::Told),
        Command::Store(Addressing::Sequence, store) => Company::Among(keeps(&store.set), Answer::Told),
        Command::StoreLabels(Addressing::Sequence, store) => {
            Company::Among(keeps(&store.set), Answer::Told)
        }
        Command::Search(Addressing::Sequence, search) => {
            Company::Among(Numbers::UsesAndKeeps, search_answer(search.returns.is_some(), Answer::Search))
        }
        Command::Search(Addressing::Uid, search) => {
            let answer = search_answer(search.returns.is_some(), Answer::Search);
            Company::Among(numbers_in(&search.keys), answer)
        }
        // RFC 5256 3 does not keep a server from telling of EXPUNGE meanwhile.
        Command::Sort(Addressing::Sequence, sort) => {
            Company::Among(UsesAndMayChange, search_answer(sort.returns.is_some(), Answer::Sort))
        }
        Command::Sort(Addressing::Uid, sort) => {
            let answer = search_answer(sort.returns.is_some(), Answer::Sort);
            Company::Among(numbers_in(&sort.keys), answer)
        }
        Command::Thread(Addressing::Sequence, _) => Company::Among(UsesAndMayChange, Answer::Thread),
        Command::Thread(Addressing::Uid, thread) => {
            Company::Among(numbers_in(&thread.keys), Answer::Thread)
        }
        Command::Esearch(esearch) => Company::Among(numbers_in(&esearch.search.keys), Answer::Told),
        Command::Copy(Addressing::Sequence, _)
        | Command::Move(Addressing::Sequence, _)
        | Command::Replace(Addressing::Sequence, _) => Company::Among(UsesAndMayChange, Answer::Told),
        Command::List(_) => Company::Among(MayChange, Answer::List),
        Command::Lsub { .. } => Company::Among(MayChange, Answer::Lsub),
        Command::XList { .. } => Company::Among(MayChange, Answer::XList),
        Command::GenUrlAuth(_) => Company::Among(MayChange, Answer::GenUrlAuth),
        _ => Company::Among(MayChange, Answer::Told),
    }
}

impl Company {
    /// Whether the server may tell of no EXPUNGE while a command of this kind is in progress (RFC 9051 7.5.1).
    pub(crate) const fn keeps_numbers(self) -> bool {
        matches!(self, Self::Among(Numbers::UsesAndKeeps | Numbers::Keeps, _))
    }

    /// Whether a command of this kind may be sent while `running` is in progress.
    pub(crate) fn may_join(self, running: Self) -> bool {
        match (self, running) {
            (_, Self::Alone | Self::Last) | (Self::Alone, _) => false,
            (Self::Last, _) => true,
            (Self::Among(numbers, answer), Self::Among(_, other)) => {
                let uses = matches!(numbers, Numbers::UsesAndKeeps | Numbers::UsesAndMayChange);
                (!uses || running.keeps_numbers()) && (answer == Answer::Told || answer != other)
            }
        }
    }
}

/// What `command` needs, in the terms of `session.rs`.
pub(crate) const fn group(command: &Command) -> Group {
    match command {
        Command::Capability | Command::Noop | Command::Logout | Command::Id(_) => Group::Any,
        Command::StartTls | Command::Login(_) | Command::Authenticate(_) => Group::NotAuthenticated,
        Command::Close
        | Command::Unselect
        | Command::Check
        | Command::Expunge
        | Command::UidExpunge(_)
        | Command::Fetch(..)
        | Command::Store(..)
        | Command::Copy(..)
        | Command::Move(..)
        | Command::Search(..)
        | Command::Replace(..)
        | Command::StoreLabels(..)
        | Command::Sort(..)
        | Command::Thread(..)
        | Command::CancelUpdate(_)
        | Command::UidBatches(_) => Group::Selected,
        _ => Group::Authenticated,
    }
}

/// What an OK to `command` changes.
pub(crate) const fn transition(command: &Command) -> Option<Transition> {
    match command {
        Command::Login(_) | Command::Authenticate(_) => Some(Transition::LoggedIn),
        Command::Select(..) | Command::Examine(..) => Some(Transition::Selected),
        Command::Close | Command::Unselect => Some(Transition::Deselected),
        Command::Unauthenticate => Some(Transition::Unauthenticated),
        Command::Logout => Some(Transition::LoggedOut),
        _ => None,
    }
}

/// ESEARCH names its command; the old responses do not.
const fn search_answer(returns: bool, old: Answer) -> Answer {
    if returns { Answer::Told } else { old }
}

/// What a FETCH or STORE of messages by number does.
fn keeps(set: &MessageSet) -> Numbers {
    if *set == MessageSet::Saved { Numbers::Keeps } else { Numbers::UsesAndKeeps }
}

/// What a UID SEARCH with these keys does.
fn numbers_in(keys: &[SearchKey]) -> Numbers {
    let is_number = |key: &SearchKey| matches!(key, SearchKey::Sequence(_));
    if keys.iter().any(|key| arguments::any(key, &is_number)) {
        Numbers::UsesAndMayChange
    } else {
        Numbers::MayChange
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{
        CopyCommand, FetchAttribute, FetchCommand, FetchModifiers, Flag, Mailbox, SearchCommand, SequenceSet,
        StoreAction, StoreCommand, StoreEcho,
    };
    use alloc::vec;

    fn fetch(addressing: Addressing) -> Command {
        let modifiers = FetchModifiers::default();
        let (set, attributes) = (SequenceSet::all().into(), vec![FetchAttribute::Uid]);
        Command::Fetch(addressing, FetchCommand { set, attributes, modifiers })
    }

    fn store() -> Command {
        let (set, flags) = (SequenceSet::all(), vec![Flag::Seen]);
        let (set, flags) = (set.into(), flags.into());
        let (action, echo) = (StoreAction::Add, StoreEcho::Report);
        let command = StoreCommand { set, unchanged_since: None, action, echo, flags };
        Command::Store(Addressing::Sequence, command)
    }

    fn copy() -> Command {
        let (set, mailbox) = (SequenceSet::all().into(), Mailbox::inbox());
        Command::Copy(Addressing::Sequence, CopyCommand { set, mailbox })
    }

    fn search(addressing: Addressing, key: SearchKey) -> Command {
        Command::Search(addressing, SearchCommand { returns: None, charset: None, keys: vec![key] })
    }

    /// Whether the commands can be sent one behind the other without waiting.
    fn pipelines(commands: &[Command]) -> bool {
        let companies: alloc::vec::Vec<Company> = commands.iter().map(company).collect();
        companies
            .iter()
            .enumerate()
            .all(|(at, next)| companies[..at].iter().all(|before| next.may_join(*before)))
    }

    #[test]
    fn the_examples_of_rfc_9051_5_5() {
        use Addressing::Sequence;
        assert!(!pipelines(&[fetch(Sequence), Command::Noop, store()]));
        assert!(!pipelines(&[store(), copy(), fetch(Sequence)]));
        assert!(!pipelines(&[copy(), copy()]));
        assert!(pipelines(&[fetch(Sequence), store(), search(Sequence, SearchKey::All), Command::Noop]));
        assert!(pipelines(&[store(), copy(), Command::Expunge]));
    }

    #[test]
    fn uid_commands_may_change_numbers_and_need_none() {
        use Addressing::{Sequence, Uid};
        assert!(pipelines(&[fetch(Uid), Command::Noop, fetch(Uid), Command::Expunge, fetch(Uid)]));
        assert!(!pipelines(&[fetch(Uid), fetch(Sequence)]));
        let numbers = SearchKey::Not(alloc::boxed::Box::new(SearchKey::Sequence(SequenceSet::all())));
        assert!(!pipelines(&[Command::Noop, search(Uid, numbers)]));
        assert!(pipelines(&[Command::Noop, search(Uid, SearchKey::All)]));
    }

    #[test]
    fn data_that_names_no_command_has_one_owner() {
        use Addressing::Uid;
        let all = || search(Uid, SearchKey::All);
        assert!(!pipelines(&[all(), all()]));
        let told = SearchCommand { returns: Some(vec![]), charset: None, keys: vec![SearchKey::All] };
        assert!(pipelines(&[all(), Command::Search(Uid, told)]));
    }

    #[test]
    fn extensions_are_in_the_table() {
        use crate::types::{AString, MessageSet, SortCommand, SortCriterion, SortKey, UidBatchesCommand};
        use Addressing::{Sequence, Uid};
        let sort = |addressing| {
            let criteria = vec![SortCriterion::ascending(SortKey::Date)];
            let charset = AString::new("UTF-8").unwrap();
            let keys = vec![SearchKey::All];
            Command::Sort(addressing, SortCommand { returns: None, criteria, charset, keys })
        };
        assert!(pipelines(&[search(Uid, SearchKey::All), sort(Uid), Command::Noop]));
        assert!(!pipelines(&[sort(Uid), sort(Uid)]), "* SORT names no command");
        assert!(!pipelines(&[sort(Sequence), fetch(Sequence)]), "SORT may tell of EXPUNGE");
        // RFC 5182 2.1: the result of a search can be used at once.
        let saved = || {
            let modifiers = FetchModifiers::default();
            let (set, attributes) = (MessageSet::Saved, vec![FetchAttribute::Uid]);
            Command::Fetch(Sequence, FetchCommand { set, attributes, modifiers })
        };
        assert!(!pipelines(&[Command::Noop, saved(), fetch(Sequence)]), "NOOP may tell of EXPUNGE");
        assert!(pipelines(&[search(Uid, SearchKey::All), saved(), saved()]));
        let batches =
            || Command::UidBatches(UidBatchesCommand { size: core::num::NonZeroU32::MIN, batches: None });
        assert!(pipelines(&[batches(), batches(), Command::GetQuota(AString::default())]));
    }

    #[test]
    fn what_changes_the_state_is_alone() {
        for alone in [
            Command::Close,
            Command::Idle,
            Command::StartTls,
            Command::Select(Mailbox::inbox(), vec![]),
            Command::Enable(vec![]),
            Command::CompressDeflate,
            Command::Unauthenticate,
            Command::Notify(crate::types::NotifyCommand::None),
        ] {
            assert!(!pipelines(&[Command::Noop, alone.clone()]), "{}", alone.name());
            assert!(!pipelines(&[alone.clone(), Command::Noop]), "{}", alone.name());
        }
        assert!(pipelines(&[Command::Noop, Command::Logout]));
        assert!(!pipelines(&[Command::Logout, Command::Noop]));
    }
}
