//! Bringing a mailbox up to date: against a model of a server that keeps its word and one that does not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;

use bytes::Bytes;
use client_support::{ready, say, sent};
use core::num::NonZeroU32;
use posthaste_imap::client::{Change, Client, Counted, Known, Method, Outcome, Resync};
use posthaste_imap::types::{
    Addressing, Command, Flag, Flags, Mailbox, ParseContext, SelectParameter, UidSet,
};
use posthaste_imap::{Secret, Step, Time, parse};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

fn uid(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// In which way the server does not keep its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    None,
    /// OK to ENABLE without an ENABLED response.
    NotEnabled,
    /// BAD to SELECT with parameters.
    BadSelect,
    /// QRESYNC without a word of what is gone.
    NoVanished,
    /// No HIGHESTMODSEQ.
    NoModSeq,
    /// NO to FETCH with CHANGEDSINCE.
    NoChangedSince,
}

#[derive(Clone, Debug)]
struct Site {
    capabilities: &'static str,
    lie: Lie,
    uid_validity: u32,
    mod_seq: u64,
    uid_next: u32,
    messages: BTreeMap<u32, (bool, u64)>,
    expunged: BTreeMap<u32, u64>,
}

impl Site {
    fn new(capabilities: &'static str, lie: Lie, messages: u32) -> Self {
        let messages = (1..=messages).map(|uid| (uid, (false, 1))).collect::<BTreeMap<_, _>>();
        let uid_next = u32::try_from(messages.len()).unwrap() + 1;
        let (uid_validity, mod_seq, expunged) = (7, 1, BTreeMap::new());
        Self { capabilities, lie, uid_validity, mod_seq, uid_next, messages, expunged }
    }

    fn change(&mut self, change: &Happening) {
        self.mod_seq += 1;
        match change {
            Happening::New => {
                self.messages.insert(self.uid_next, (false, self.mod_seq));
                self.uid_next += 1;
            }
            Happening::Flag(at) => {
                let mod_seq = self.mod_seq;
                if let Some((_, (seen, changed))) = self.messages.iter_mut().nth(*at) {
                    *seen = !*seen;
                    *changed = mod_seq;
                }
            }
            Happening::Expunge(at) => {
                if let Some(uid) = self.messages.keys().nth(*at).copied() {
                    self.messages.remove(&uid);
                    self.expunged.insert(uid, self.mod_seq);
                }
            }
        }
    }

    fn row(&self, uid: u32) -> String {
        let number = self.messages.range(..=uid).count();
        let (seen, mod_seq) = self.messages[&uid];
        let flags = if seen { "\\Seen" } else { "" };
        let mod_seq = if self.has_mod_seq() { format!(" MODSEQ ({mod_seq})") } else { String::new() };
        format!("* {number} FETCH (UID {uid} FLAGS ({flags}){mod_seq})\r\n")
    }

    fn has_mod_seq(&self) -> bool {
        self.capabilities.contains("CONDSTORE") && self.lie != Lie::NoModSeq
    }

    /// The answer to a command line.
    fn answer(&self, line: &str) -> String {
        let parsed = parse::command(&Bytes::from(line.to_owned()), &ParseContext::server()).unwrap();
        let tag = parsed.tag.as_str().to_owned();
        let mut out = String::new();
        match parsed.command {
            Command::Enable(_) if self.lie == Lie::NotEnabled => {}
            Command::Enable(_) => out.push_str("* ENABLED QRESYNC\r\n"),
            Command::Select(_, parameters) => {
                if !parameters.is_empty() && self.lie == Lie::BadSelect {
                    return format!("{tag} BAD what?\r\n");
                }
                write!(
                    out,
                    "* {} EXISTS\r\n* OK [UIDVALIDITY {}] x\r\n",
                    self.messages.len(),
                    self.uid_validity
                )
                .unwrap();
                write!(out, "* OK [UIDNEXT {}] x\r\n", self.uid_next).unwrap();
                if self.has_mod_seq() {
                    write!(out, "* OK [HIGHESTMODSEQ {}] x\r\n", self.mod_seq).unwrap();
                }
                if let [SelectParameter::QResync(known)] = parameters.as_slice()
                    && known.uid_validity.get() == self.uid_validity
                {
                    let asked: Option<BTreeSet<u32>> =
                        known.known_uids.as_ref().map(|uids| uids.iter().collect());
                    let about = |uid: &u32| asked.as_ref().is_none_or(|asked| asked.contains(uid));
                    let gone = self.expunged.iter().filter(|(uid, at)| **at > known.mod_seq && about(uid));
                    let gone: Vec<String> = gone.map(|(uid, _)| uid.to_string()).collect();
                    if !gone.is_empty() && self.lie != Lie::NoVanished {
                        write!(out, "* VANISHED (EARLIER) {}\r\n", gone.join(",")).unwrap();
                    }
                    for (uid, (_, at)) in &self.messages {
                        if *at > known.mod_seq && about(uid) {
                            out.push_str(&self.row(*uid));
                        }
                    }
                }
            }
            Command::Fetch(Addressing::Uid, fetch) => {
                if fetch.modifiers.changed_since.is_some() && self.lie == Lie::NoChangedSince {
                    return format!("{tag} NO not today\r\n");
                }
                let largest = self.messages.keys().last().copied().unwrap_or(0);
                let set = fetch.set.numbers().unwrap();
                let since = fetch.modifiers.changed_since.unwrap_or(0);
                for (uid, (_, at)) in &self.messages {
                    if set.contains(*uid, largest) && *at > since {
                        out.push_str(&self.row(*uid));
                    }
                }
            }
            Command::Search(Addressing::Uid, search) => {
                let uids: Vec<String> = self.messages.keys().map(ToString::to_string).collect();
                match search.returns {
                    Some(_) if uids.is_empty() => write!(out, "* ESEARCH (TAG \"{tag}\") UID\r\n").unwrap(),
                    Some(_) => {
                        write!(out, "* ESEARCH (TAG \"{tag}\") UID ALL {}\r\n", uids.join(",")).unwrap();
                    }
                    None => write!(out, "* SEARCH {}\r\n", uids.join(" ")).unwrap(),
                }
            }
            other => panic!("{other:?}"),
        }
        write!(out, "{tag} OK done\r\n").unwrap();
        out
    }
}

#[derive(Clone, Debug)]
enum Happening {
    New,
    Flag(usize),
    Expunge(usize),
}

/// What an application remembers, brought up to date by changes.
#[derive(Clone, Debug, Default, PartialEq)]
struct Memory {
    messages: BTreeMap<u32, bool>,
    known: Option<Known>,
}

impl Memory {
    fn apply(&mut self, change: Change) {
        let seen = |flags: &Flags| flags.contains(&Flag::Seen);
        match change {
            Change::StartOver => self.messages.clear(),
            Change::New { uid, flags, .. } => {
                assert_eq!(self.messages.insert(uid.get(), seen(&flags)), None, "{uid} is not new");
            }
            Change::Flags { uid, flags, .. } => {
                assert!(self.messages.insert(uid.get(), seen(&flags)).is_some(), "{uid} is new");
            }
            Change::Gone(uids) => {
                for uid in uids.iter() {
                    assert!(self.messages.remove(&uid).is_some(), "{uid} was not there");
                }
            }
        }
    }
}

fn logged_in(capabilities: &str) -> Client {
    let capabilities = format!("IMAP4rev1 {capabilities}");
    let mut client = ready(&capabilities);
    client.login("joe", Secret::from("pw")).unwrap();
    sent(&mut client);
    say(&mut client, &format!("A1 OK [CAPABILITY {capabilities}] in\r\n"));
    client
}

/// Runs a resync; the commands that were sent, and how it ended.
fn resync(site: &Site, memory: &mut Memory) -> (Vec<String>, Outcome) {
    let mut client = logged_in(site.capabilities);
    let mut resync = Resync::new(&client, Mailbox::inbox(), memory.known.clone());
    let mut commands = Vec::new();
    for _ in 0..100 {
        resync.run(&mut client).unwrap();
        for line in sent(&mut client).lines() {
            commands.push(line.split_once(' ').unwrap().1.to_owned());
            client.handle_input(Time::ZERO, site.answer(line).as_bytes());
        }
        while let Step::Event(event) = client.poll_event().unwrap() {
            resync.observe(&client, &event).into_iter().for_each(|change| memory.apply(change));
        }
        if let Some(outcome) = resync.outcome() {
            if let Outcome::Done { known, .. } = outcome {
                memory.known = Some(known.clone());
            }
            return (commands, outcome.clone());
        }
    }
    panic!("no end: {commands:#?}");
}

fn truth(site: &Site) -> BTreeMap<u32, bool> {
    site.messages.iter().map(|(uid, (seen, _))| (*uid, *seen)).collect()
}

const CAPABILITIES: [&str; 4] =
    ["", "CONDSTORE ESEARCH", "CONDSTORE QRESYNC ENABLE", "CONDSTORE QRESYNC ENABLE ESEARCH"];

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        Just(Happening::New),
        (0usize..12).prop_map(Happening::Flag),
        (0usize..12).prop_map(Happening::Expunge),
    ]
}

proptest! {
    #[test]
    fn quirk_16_whatever_happens_and_however_the_server_lies_the_memory_is_right(
        capabilities in prop::sample::select(CAPABILITIES.to_vec()),
        lie in prop::sample::select(vec![
            Lie::None, Lie::NotEnabled, Lie::BadSelect, Lie::NoVanished, Lie::NoModSeq, Lie::NoChangedSince,
        ]),
        messages in 0u32..8,
        rounds in prop::collection::vec(prop::collection::vec(happening(), 0..8), 1..4),
        other_validity in any::<bool>(),
    ) {
        let mut site = Site::new(capabilities, lie, messages);
        let mut memory = Memory::default();
        resync(&site, &mut memory);
        prop_assert_eq!(&memory.messages, &truth(&site));
        for round in rounds {
            round.iter().for_each(|happening| site.change(happening));
            let (commands, outcome) = resync(&site, &mut memory);
            prop_assert_eq!(&memory.messages, &truth(&site), "{:#?}", commands);
            let right = matches!(outcome, Outcome::Done { counted: Counted::Right, .. });
            prop_assert!(right, "{:?}", outcome);
        }
        if other_validity {
            site.uid_validity += 1;
            resync(&site, &mut memory);
            prop_assert_eq!(&memory.messages, &truth(&site));
        }
    }
}

fn remembered(site: &Site) -> Memory {
    let mut memory = Memory::default();
    resync(site, &mut memory);
    memory
}

#[test]
fn qresync_says_all_in_one_command_where_nothing_is_new() {
    let mut site = Site::new("CONDSTORE QRESYNC ENABLE", Lie::None, 5);
    let mut memory = remembered(&site);
    site.change(&Happening::Expunge(1));
    site.change(&Happening::Flag(0));
    let (commands, outcome) = resync(&site, &mut memory);
    assert_eq!(commands, ["ENABLE QRESYNC", "SELECT INBOX (QRESYNC (7 1 1:5))"]);
    assert!(matches!(outcome, Outcome::Done { method: Method::QResync, .. }));
    site.change(&Happening::New);
    let (commands, _) = resync(&site, &mut memory);
    assert_eq!(commands[1..], ["SELECT INBOX (QRESYNC (7 3 1,3:5))", "UID FETCH 6:* (UID FLAGS)"]);
    assert_eq!(memory.messages, truth(&site));
}

#[test]
fn condstore_without_changes_costs_nothing() {
    let mut site = Site::new("CONDSTORE", Lie::None, 5);
    let mut memory = remembered(&site);
    let (commands, _) = resync(&site, &mut memory);
    assert_eq!(commands, ["SELECT INBOX (CONDSTORE)"]);
    site.change(&Happening::Flag(0));
    let (commands, _) = resync(&site, &mut memory);
    assert_eq!(commands[1..], ["UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 1)"]);
    site.change(&Happening::Expunge(0));
    let (commands, outcome) = resync(&site, &mut memory);
    assert_eq!(commands[2..], ["UID SEARCH ALL"], "{outcome:?}");
}

#[test]
fn quirk_16_a_server_that_hides_what_is_gone_is_found_out() {
    let mut site = Site::new("CONDSTORE QRESYNC ENABLE ESEARCH", Lie::NoVanished, 5);
    let mut memory = remembered(&site);
    site.change(&Happening::Expunge(2));
    let (commands, _) = resync(&site, &mut memory);
    assert_eq!(commands[2..], ["UID SEARCH RETURN (ALL) ALL"]);
    assert_eq!(memory.messages, truth(&site));
}

#[test]
fn a_mailbox_that_is_gone_is_told() {
    let mut client = logged_in("");
    let mut resync = Resync::new(&client, Mailbox::inbox(), None);
    resync.run(&mut client).unwrap();
    client.handle_input(Time::ZERO, b"A2 NO [NONEXISTENT] gone\r\n");
    while let Step::Event(event) = client.poll_event().unwrap() {
        assert!(resync.observe(&client, &event).is_empty());
    }
    assert!(matches!(resync.outcome(), Some(Outcome::Refused(_))));
}

/// What a server might say to a client that brings a mailbox up to date.
fn speech() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "* ENABLED QRESYNC\r\n",
        "A2 OK x\r\n",
        "A3 OK x\r\n",
        "A4 OK x\r\n",
        "A5 OK x\r\n",
        "A3 BAD x\r\n",
        "A4 NO x\r\n",
        "* 3 EXISTS\r\n",
        "* 0 EXISTS\r\n",
        "* 1 EXPUNGE\r\n",
        "* OK [UIDVALIDITY 7] x\r\n",
        "* OK [UIDVALIDITY 8] x\r\n",
        "* OK [HIGHESTMODSEQ 5] x\r\n",
        "* OK [NOMODSEQ] x\r\n",
        "* OK [UIDNEXT 4] x\r\n",
        "* VANISHED (EARLIER) 1:4294967295\r\n",
        "* VANISHED 2\r\n",
        "* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n",
        "* 2 FETCH (UID 4294967295 FLAGS ())\r\n",
        "* 2 FETCH (FLAGS ())\r\n",
        "* SEARCH 1 2 3\r\n",
        "* SEARCH\r\n",
        "* ESEARCH (TAG \"A5\") UID ALL 1:4294967295\r\n",
        "* ESEARCH (TAG \"A4\") UID ALL 2:*\r\n",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn hst_05_whatever_a_server_says_changes_stay_consistent(speech in speech(), qresync in any::<bool>()) {
        let mut client = logged_in(if qresync { "CONDSTORE QRESYNC ENABLE ESEARCH" } else { "" });
        let uids = UidSet::new([uid(1)..=uid(3)]);
        let known = Known { uid_validity: uid(7), highest_mod_seq: Some(3), uids };
        // Panics where a change contradicts what was told before.
        let mut memory = Memory { messages: (1..=3).map(|uid| (uid, false)).collect(), known: None };
        let mut resync = Resync::new(&client, Mailbox::inbox(), Some(known));
        for line in speech.split_inclusive("\r\n") {
            if resync.run(&mut client).is_err() {
                break;
            }
            client.handle_input(Time::ZERO, line.as_bytes());
            while let Ok(Step::Event(event)) = client.poll_event() {
                resync.observe(&client, &event).into_iter().for_each(|change| memory.apply(change));
            }
        }
        if let Some(Outcome::Done { known, .. }) = resync.outcome() {
            prop_assert_eq!(known.uids.iter().collect::<Vec<_>>(), memory.messages.keys().copied().collect::<Vec<_>>());
        }
    }
}

#[test]
fn hst_03_a_set_of_all_uids_costs_nothing_and_many_ranges_are_refused() {
    let mut client = logged_in("CONDSTORE QRESYNC ENABLE");
    let known =
        Known { uid_validity: uid(7), highest_mod_seq: Some(1), uids: UidSet::new([uid(1)..=uid(u32::MAX)]) };
    let mut resync = Resync::new(&client, Mailbox::inbox(), Some(known));
    resync.ranges_max = 10;
    let mut changes = 0;
    let mut play = |client: &mut Client, text: &str| {
        resync.run(client).unwrap();
        client.handle_input(Time::ZERO, text.as_bytes());
        while let Step::Event(event) = client.poll_event().unwrap() {
            changes += resync.observe(client, &event).len();
        }
        resync.outcome().cloned()
    };
    assert_eq!(play(&mut client, "* ENABLED QRESYNC\r\nA2 OK\r\n"), None);
    let select = "* 1 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [HIGHESTMODSEQ 9]\r\n* VANISHED (EARLIER) 2:4294967295\r\n";
    assert_eq!(play(&mut client, select), None);
    let many: Vec<String> =
        (1..200).map(|number| format!("* 1 FETCH (UID {} FLAGS ())\r\n", number * 2)).collect();
    assert_eq!(play(&mut client, &many.concat()), Some(Outcome::TooMany));
}

#[test]
fn what_is_expunged_meanwhile_is_compared() {
    let site = Site::new("", Lie::None, 3);
    let mut memory = remembered(&site);
    let mut client = logged_in("");
    let mut resync = Resync::new(&client, Mailbox::inbox(), memory.known.clone());
    let mut play = |client: &mut Client, text: &str| {
        resync.run(client).unwrap();
        let line = sent(client);
        client.handle_input(Time::ZERO, text.as_bytes());
        while let Step::Event(event) = client.poll_event().unwrap() {
            resync.observe(client, &event).into_iter().for_each(|change| memory.apply(change));
        }
        (line, resync.outcome().cloned())
    };
    play(&mut client, "* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\nA2 OK\r\n");
    // All three are told, then the second goes and a fourth comes.
    let rows = "* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS ())\r\n* 3 FETCH (UID 3 FLAGS ())\r\n\
                * 2 EXPUNGE\r\n* 3 EXISTS\r\nA3 OK\r\n";
    play(&mut client, rows);
    let (line, _) = play(&mut client, "* SEARCH 1 3 4\r\nA4 OK\r\n");
    assert_eq!(line, "A4 UID SEARCH ALL\r\n");
    let (line, outcome) = play(&mut client, "* 3 FETCH (FLAGS (\\Seen) UID 4)\r\nA5 OK\r\n");
    assert_eq!(line, "A5 UID FETCH 4 (UID FLAGS)\r\n");
    assert!(matches!(outcome, Some(Outcome::Done { counted: Counted::Right, .. })), "{outcome:?}");
    assert_eq!(memory.messages, BTreeMap::from([(1, false), (3, false), (4, true)]));
}
