//! Bringing a mailbox that is known from before up to date with as little as the server allows (RFC 4549, RFC 7162).
//!
//! A pure state machine beside the client: it says which command is due, reads the events, and turns them into what
//! changed. QRESYNC where it is enabled, else CONDSTORE, else a comparison of all UIDs and flags; and from each to the
//! next where the server breaks its word (Mailspring-Sync#91, cyrus-imapd#6071, nextcloud/mail#10581): the number of
//! messages has to come out, or the UIDs are compared. What is done with the changes is the application's.

mod ranges;

use crate::client::{Client, CommandId, Event, MailboxState, remaining_after};
use crate::types::{
    AString, Addressing, Capability, Command, Condition, FetchAttribute, FetchCommand, FetchItem,
    FetchModifiers, Flags, Mailbox, QResync, ResponseCode, SearchCommand, SearchKey, SearchReturn,
    SelectParameter, SequenceRange, SequenceSet, Status, Tag, UidSet,
};
use alloc::collections::VecDeque;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use posthaste_wire::Misuse;
use ranges::Ranges;

/// What an application remembers of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// UIDVALIDITY: with another one, nothing else here means anything.
    pub uid_validity: NonZeroU32,
    /// HIGHESTMODSEQ up to which changes are known; `None` where there are no mod-sequences.
    pub highest_mod_seq: Option<u64>,
    /// The UIDs of all messages.
    pub uids: UidSet,
}

/// One thing that is not as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing that is remembered holds: UIDVALIDITY is another one. All messages follow as new.
    StartOver,
    /// A message that is not remembered.
    New {
        /// Its UID.
        uid: NonZeroU32,
        /// Its flags.
        flags: Flags,
        /// Its mod-sequence, where the server told it.
        mod_seq: Option<u64>,
    },
    /// The flags of a message, which may have changed: with [`Method::Full`] they are told of every message.
    Flags {
        /// Its UID.
        uid: NonZeroU32,
        /// Its flags.
        flags: Flags,
        /// Its mod-sequence, where the server told it.
        mod_seq: Option<u64>,
    },
    /// Messages that are remembered and no more there.
    Gone(UidSet),
}

/// How the changes are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// The UIDs and flags of all messages are read.
    Full,
    /// The server tells what changed, but not what is gone (RFC 7162 3.1).
    CondStore,
    /// The server tells what changed and what is gone when the mailbox is opened (RFC 7162 3.2).
    QResync,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The changes that were told lead from what was remembered to this.
    Done {
        /// What to remember. Later changes of flags may be told again; none is lost.
        known: Known,
        /// How it was found in the end.
        method: Method,
        /// Whether the number of messages came out. Where it did not, even after comparing, somebody else is
        /// changing the mailbox or the server cannot count.
        counted: Counted,
    },
    /// The server refused what cannot be done without.
    Refused(Status),
    /// A command could not be sent, because the conversation took another way.
    NotSent(Misuse),
    /// The server told of more ranges of UIDs than [`Resync::ranges_max`].
    TooMany,
}

/// Whether the number of messages came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// As many as the server says there are.
    Right,
    /// Others than the server says there are.
    Wrong,
}

/// A mailbox on its way to being up to date.
///
/// Call [`run`](Self::run) now and after each [`observe`](Self::observe), give it every event, and look at
/// [`outcome`](Self::outcome). Nothing else should select mailboxes meanwhile; other commands do no harm.
///
/// ```text
///   [ENABLE] ──► SELECT ──► changes, new, or all ──► right number? ──► done
///                  ▲  │ BAD, no HIGHESTMODSEQ          │ no    ▲
///                  └──┘ (the next lower method)        ▼       │
///                                             UIDs compared ──► unknown ones read
/// ```
///
/// ```
/// use std::num::NonZeroU32;
///
/// use posthaste_imap::client::{Change, Client, Config, Known, Outcome, Resync};
/// use posthaste_imap::types::{Flag, Flags, Mailbox};
/// use posthaste_imap::{Security, Step, Time};
///
/// let now = Time::ZERO;
/// let mut client = Client::new(Config::default(), Security::Tls, now);
/// client.handle_input(now, b"* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n");
/// while let Step::Event(_) = client.poll_event()? {}
///
/// // What the last conversation left behind.
/// let uid_validity = NonZeroU32::new(7).unwrap();
/// let known = Known { uid_validity, highest_mod_seq: None, uids: "1:2".parse()? };
/// let mut heard = [
///     &b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\nA1 OK selected\r\n"[..],
///     b"* 1 FETCH (UID 2 FLAGS (\\Seen))\r\nA2 OK done\r\n",
/// ].into_iter();
/// let mut resync = Resync::new(&client, Mailbox::inbox(), Some(known));
/// let mut changes = Vec::new();
/// while resync.outcome().is_none() {
///     resync.run(&mut client)?;
///     match client.poll_event()? {
///         Step::Event(event) => changes.extend(resync.observe(&client, &event)),
///         _ => client.handle_input(now, heard.next().unwrap()),
///     }
/// }
/// let seen = Change::Flags { uid: NonZeroU32::new(2).unwrap(), flags: Flags::from([Flag::Seen]), mod_seq: None };
/// assert_eq!(changes, [seen, Change::Gone("1".parse()?)]);
/// assert!(matches!(resync.outcome(), Some(Outcome::Done { known, .. }) if known.uids.to_string() == "2"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Memory: two sets of UIDs as ranges, each bounded by [`ranges_max`](Self::ranges_max).
#[derive(Debug)]
pub struct Resync {
    mailbox: Mailbox,
    known: Option<Known>,
    /// What there is, as far as it is told.
    current: Ranges,
    /// What the answer in progress has told of.
    seen: Ranges,
    method: Method,
    stage: Stage,
    /// What is to be sent; all of it belongs to the stage.
    due: VecDeque<Command>,
    running: Option<CommandId>,
    /// The command in progress, and where the server says it has done only a part of it (RFC 9738).
    command: Option<Command>,
    limited: Option<Status>,
    row: Option<Row>,
    /// Message numbers were told gone of which nobody knows the UIDs.
    uncertain: bool,
    compared: u32,
    /// The most ranges of UIDs that are remembered of an answer (1,000,000).
    pub ranges_max: usize,
    validity: Option<NonZeroU32>,
    mod_seq: Option<u64>,
    outcome: Option<Outcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Enable,
    Select,
    /// Changes and new messages.
    Changes,
    /// Every message.
    All,
    /// Which UIDs there are.
    Compare,
}

#[derive(Debug, Default)]
struct Row {
    uid: Option<NonZeroU32>,
    flags: Option<Flags>,
    mod_seq: Option<u64>,
}

impl Resync {
    /// Begins to bring `mailbox` up to date with what `known` says, or to read all of it.
    pub fn new(client: &Client, mailbox: Mailbox, known: Option<Known>) -> Self {
        let has = |name| client.has_capability(name);
        let has_mod_seq = known.as_ref().is_some_and(|known| known.highest_mod_seq.is_some());
        let method = match () {
            () if has_mod_seq && client.is_enabled("QRESYNC") => Method::QResync,
            () if has_mod_seq && has("QRESYNC") && client.may_enable() => Method::QResync,
            () if has("CONDSTORE") || has("QRESYNC") => Method::CondStore,
            () => Method::Full,
        };
        let mut resync = Self {
            mailbox,
            current: known.as_ref().map(|known| Ranges::of(&known.uids)).unwrap_or_default(),
            known,
            seen: Ranges::default(),
            method,
            stage: Stage::Select,
            due: VecDeque::new(),
            running: None,
            command: None,
            limited: None,
            row: None,
            uncertain: false,
            compared: 0,
            ranges_max: RANGES_MAX,
            validity: None,
            mod_seq: None,
            outcome: None,
        };
        if method == Method::QResync && !client.is_enabled("QRESYNC") {
            resync.go(Stage::Enable, [Command::Enable(vec![Capability::QResync])]);
        } else {
            resync.select();
        }
        resync
    }

    /// The command that is due, if one is; say with [`sent`](Self::sent) which it became.
    pub fn due(&mut self) -> Option<Command> {
        if self.running.is_some() || self.outcome.is_some() {
            return None;
        }
        self.command = self.due.pop_front();
        self.command.clone()
    }

    /// The command that was due has this name.
    pub const fn sent(&mut self, id: CommandId) {
        self.running = Some(id);
    }

    /// Queues the command that is due, if one is.
    ///
    /// # Errors
    /// As [`Client::command`]; the outcome is [`Outcome::NotSent`] then.
    pub fn run(&mut self, client: &mut Client) -> Result<(), Misuse> {
        if let Some(command) = self.due() {
            match client.command(command) {
                Ok(id) => self.sent(id),
                Err(misuse) => {
                    self.outcome = Some(Outcome::NotSent(misuse));
                    return Err(misuse);
                }
            }
        }
        Ok(())
    }

    /// How it ended; `None` while it has not.
    pub const fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// How the changes are being found.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Takes an event of `client`, as soon as it has been polled, and gives what it changes.
    pub fn observe(&mut self, client: &Client, event: &Event) -> Vec<Change> {
        if self.outcome.is_some() {
            return Vec::new();
        }
        let mut changes = Vec::new();
        match event {
            Event::Row(_) => self.row = Some(Row::default()),
            Event::UidRow(uid) => self.row = Some(Row { uid: Some(*uid), ..Row::default() }),
            Event::Item(item) => self.item(item),
            Event::RowEnd => changes.extend(self.row_end()),
            Event::Vanished { uids, .. } => changes.extend(self.gone(uids)),
            Event::Expunge(_) => self.uncertain = true,
            // Nobody else's plain SEARCH is in progress with ours.
            Event::Search(found) if self.stage == Stage::Compare && self.tag(client).is_some() => {
                found.numbers.iter().for_each(|uid| self.see(*uid..=*uid));
            }
            Event::Esearch(found)
                if self.stage == Stage::Compare
                    && found.uid
                    && found.tag.as_ref().map(AString::as_bytes) == self.tag(client) =>
            {
                let ranges = found.all.iter().flat_map(|all| all.resolve(u32::MAX));
                let ranges = UidSet::new(ranges.filter_map(|range| {
                    Some(NonZeroU32::new(*range.start())?..=NonZeroU32::new(*range.end())?)
                }));
                ranges.ranges().iter().for_each(|range| self.see(range.clone()));
            }
            Event::Untagged(status) if self.running.is_some() => self.note_limit(status),
            Event::Done { id, status } if Some(*id) == self.running => {
                self.running = None;
                self.note_limit(status);
                self.done(client, status, &mut changes);
            }
            Event::NotSent { id, why } if Some(*id) == self.running => {
                self.outcome = Some(Outcome::NotSent(*why));
            }
            _ => {}
        }
        if self.current.count() > self.ranges_max || self.seen.count() > self.ranges_max {
            self.outcome = Some(Outcome::TooMany);
        }
        changes
    }

    // Data

    /// The tag of the command in progress.
    fn tag<'a>(&self, client: &'a Client) -> Option<&'a [u8]> {
        self.running.and_then(|id| client.tag(id)).map(Tag::as_bytes)
    }

    fn item(&mut self, item: &FetchItem) {
        let Some(row) = &mut self.row else { return };
        match item {
            FetchItem::Uid(uid) => row.uid = Some(*uid),
            FetchItem::Flags(flags) => row.flags = Some(flags.clone()),
            FetchItem::ModSeq(mod_seq) => row.mod_seq = Some(*mod_seq),
            _ => {}
        }
    }

    fn row_end(&mut self) -> Option<Change> {
        // A row without UID is of a change that happens now: what is remembered of mod-sequences or the next
        // comparison brings it up again.
        let Row { uid: Some(uid), flags: Some(flags), mod_seq } = self.row.take()? else { return None };
        // RFC 7162 3.2.6 allows for rows behind the news that their message is gone, but nobody needs them.
        self.see(uid..=uid);
        Some(if self.current.insert(uid.get()) {
            Change::New { uid, flags, mod_seq }
        } else {
            Change::Flags { uid, flags, mod_seq }
        })
    }

    fn see(&mut self, uids: core::ops::RangeInclusive<NonZeroU32>) {
        if matches!(self.stage, Stage::All | Stage::Compare) {
            self.seen.insert_range(uids.start().get(), uids.end().get());
        }
    }

    /// Takes what is gone from what there is.
    fn gone(&mut self, uids: &UidSet) -> Option<Change> {
        let mut gone = Ranges::default();
        for range in uids.ranges() {
            for (first, last) in self.current.remove_range(range.start().get(), range.end().get()) {
                gone.insert_range(first, last);
            }
            self.seen.remove_range(range.start().get(), range.end().get());
        }
        (!gone.is_empty()).then(|| Change::Gone(gone.to_uids()))
    }

    fn note_limit(&mut self, status: &Status) {
        if let Some(ResponseCode::MessageLimit { .. }) = status.code {
            self.limited = Some(status.clone());
        }
    }

    /// What the server has left of the command it has answered.
    fn go_on(&mut self) {
        let limited = self.limited.take().zip(self.command.take());
        for rest in limited.iter().flat_map(|(status, command)| remaining_after(command, status).commands()) {
            self.due.push_front(rest);
        }
    }

    // Stages

    fn done(&mut self, client: &Client, status: &Status, changes: &mut Vec<Change>) {
        let is_ok = status.condition == Condition::Ok;
        if is_ok {
            self.go_on();
        }
        match self.stage {
            Stage::Enable => {
                if !client.is_enabled("QRESYNC") {
                    self.method = Method::CondStore;
                }
                self.select();
            }
            Stage::Select if is_ok => match client.mailbox() {
                Some(mailbox) => self.selected(client, mailbox, changes),
                None => self.outcome = Some(Outcome::Refused(status.clone())),
            },
            Stage::Select if status.condition == Condition::Bad && self.method > Method::Full => {
                // It announced what it does not understand.
                self.method = if self.method == Method::QResync { Method::CondStore } else { Method::Full };
                self.select();
            }
            Stage::Select => self.outcome = Some(Outcome::Refused(status.clone())),
            Stage::Changes if !is_ok && self.compared == 0 => self.read_all(),
            _ if !is_ok => self.outcome = Some(Outcome::Refused(status.clone())),
            _ if !self.due.is_empty() => {}
            Stage::Changes => self.count(client),
            Stage::All => {
                changes.extend(self.only_seen());
                self.count(client);
            }
            Stage::Compare => {
                let unknown = self.seen.without(&self.current);
                changes.extend(self.only_seen());
                self.read(client, &unknown);
            }
        }
    }

    fn select(&mut self) {
        let parameters = match (self.method, &self.known) {
            (Method::QResync, Some(Known { uid_validity, highest_mod_seq: Some(mod_seq), uids })) => {
                let known_uids = Some(Ranges::of(uids).to_uids())
                    .filter(|uids| !uids.is_empty() && uids.to_string().len() <= KNOWN_OCTETS_MAX);
                vec![SelectParameter::QResync(QResync {
                    uid_validity: *uid_validity,
                    mod_seq: *mod_seq,
                    known_uids,
                    match_data: None,
                })]
            }
            (Method::CondStore | Method::QResync, _) => vec![SelectParameter::CondStore],
            (Method::Full, _) => Vec::new(),
        };
        self.go(Stage::Select, [Command::Select(self.mailbox.clone(), parameters)]);
    }

    fn selected(&mut self, client: &Client, mailbox: &MailboxState, changes: &mut Vec<Change>) {
        self.validity = mailbox.uid_validity;
        self.mod_seq = mailbox.highest_mod_seq;
        let Some(known) = &self.known else { return self.read_all() };
        if mailbox.uid_validity != Some(known.uid_validity) || mailbox.uid_not_sticky {
            self.current = Ranges::default();
            changes.push(Change::StartOver);
            return self.read_all();
        }
        let (old, new) = match (known.highest_mod_seq, mailbox.highest_mod_seq) {
            // A server whose mod-sequences went back has lost what it knew of changes.
            (Some(old), Some(new)) if new >= old && self.method > Method::Full => (old, new),
            _ => return self.read_all(),
        };
        let first_new = self.current.last().map_or(1, |last| last.saturating_add(1));
        let is_counted = u64::from(mailbox.exists) == self.current.len();
        let has_no_new = mailbox.uid_next.is_some_and(|next| next.get() <= first_new);
        match self.method {
            Method::CondStore if old == new && is_counted && has_no_new => self.count(client),
            Method::CondStore => {
                let modifiers = FetchModifiers { changed_since: Some(old), ..FetchModifiers::default() };
                self.go(Stage::Changes, [fetch(SequenceSet::all(), modifiers)]);
            }
            _ if has_no_new || mailbox.exists == 0 => self.count(client),
            // The server was asked about what is known only (RFC 7162 3.2.5.1).
            _ => {
                let first = NonZeroU32::new(first_new).unwrap_or(NonZeroU32::MAX);
                self.go(Stage::Changes, [fetch(from(first), FetchModifiers::default())]);
            }
        }
    }

    /// Reads the flags of every message.
    fn read_all(&mut self) {
        self.method = Method::Full;
        self.seen = Ranges::default();
        self.uncertain = false;
        self.go(Stage::All, [fetch(SequenceSet::all(), FetchModifiers::default())]);
    }

    /// Reads the flags of these messages.
    fn read(&mut self, client: &Client, unknown: &Ranges) {
        match SequenceSet::from_uids(&unknown.to_uids()) {
            Some(set) => {
                let commands = client.split(fetch(set, FetchModifiers::default()));
                self.go(Stage::Changes, commands);
            }
            None => self.count(client),
        }
    }

    /// What the answer did not tell of is gone.
    fn only_seen(&mut self) -> Option<Change> {
        let seen = core::mem::take(&mut self.seen);
        let gone = self.current.without(&seen).to_uids();
        self.gone(&gone)
    }

    /// Whether as many messages are there as the server says; compares the UIDs where it is not so.
    fn count(&mut self, client: &Client) {
        let exists = client.mailbox().map_or(0, |mailbox| mailbox.exists);
        let is_right = u64::from(exists) == self.current.len();
        if (is_right && !self.uncertain) || self.compared >= COMPARE_MAX {
            return self.finish(if is_right { Counted::Right } else { Counted::Wrong });
        }
        self.compared = self.compared.saturating_add(1);
        self.uncertain = false;
        self.seen = Ranges::default();
        let esearch = client.has_capability("ESEARCH") || client.has_capability("IMAP4rev2");
        let returns = esearch.then(|| vec![SearchReturn::All]);
        let search = SearchCommand { returns, charset: None, keys: vec![SearchKey::All] };
        self.go(Stage::Compare, [Command::Search(Addressing::Uid, search)]);
    }

    fn finish(&mut self, counted: Counted) {
        // Without UIDVALIDITY nothing can be remembered: the next time it is another one.
        let uid_validity = self.validity.unwrap_or(NonZeroU32::MIN);
        let known = Known { uid_validity, highest_mod_seq: self.mod_seq, uids: self.current.to_uids() };
        self.outcome = Some(Outcome::Done { known, method: self.method, counted });
    }

    fn go(&mut self, stage: Stage, commands: impl IntoIterator<Item = Command>) {
        self.stage = stage;
        self.due = commands.into_iter().collect();
    }
}

fn fetch(set: SequenceSet, modifiers: FetchModifiers) -> Command {
    let attributes = vec![FetchAttribute::Uid, FetchAttribute::Flags];
    Command::Fetch(Addressing::Uid, FetchCommand { set: set.into(), attributes, modifiers })
}

fn from(first: NonZeroU32) -> SequenceSet {
    SequenceSet::new(vec![SequenceRange::from(first)]).unwrap_or_else(|_| SequenceSet::all())
}

const RANGES_MAX: usize = 1_000_000;

/// How long the known UIDs may be, written in SELECT: no server is known that refuses that.
const KNOWN_OCTETS_MAX: usize = 6_000;

/// How often the UIDs are compared before the numbers are left as they are.
const COMPARE_MAX: u32 = 2;
