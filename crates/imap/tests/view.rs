//! A view against a plain list, and against a client that believes everything it is told.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use posthaste_imap::types::{Addressing, SequenceNumber, SequenceRange, SequenceSet, UidSet};
use posthaste_imap::view::{Allowed, History, Resync, Resynced, Update, UpdateForm, View};
use proptest::prelude::*;

fn set(ranges: &[(u32, u32)]) -> SequenceSet {
    let number = |number| NonZeroU32::new(number).map_or(SequenceNumber::Largest, SequenceNumber::Number);
    let ranges = ranges.iter().map(|(a, b)| SequenceRange { start: number(*a), end: number(*b) });
    SequenceSet::new(ranges.collect()).unwrap()
}

fn uid_set(uids: &[u32]) -> UidSet {
    UidSet::from_numbers(uids.iter().map(|uid| NonZeroU32::new(*uid).unwrap()))
}

/// What a client does with what it is told.
#[derive(Default)]
struct Client {
    /// `None` for a message of which it knows nothing yet.
    uids: Vec<Option<u32>>,
}

impl Client {
    fn hear(&mut self, update: &Update) {
        match update {
            Update::Expunge { seq, uid } => {
                let gone = self.uids.remove(seq.get() as usize - 1);
                assert!(gone.is_none_or(|gone| gone == uid.get()));
            }
            Update::Vanished(uids) => {
                let gone: BTreeSet<u32> = uids.iter().collect();
                let before = self.uids.len();
                self.uids.retain(|uid| uid.is_none_or(|uid| !gone.contains(&uid)));
                assert_eq!(before - self.uids.len(), gone.len(), "something vanished that was not there");
            }
            Update::Exists(count) => {
                assert!(*count as usize > self.uids.len());
                self.uids.resize(*count as usize, None);
            }
            Update::Flags { seq, uid, .. } => {
                let known = &mut self.uids[seq.get() as usize - 1];
                assert!(known.is_none_or(|known| known == uid.get()));
                *known = Some(uid.get());
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Arrive(u32),
    /// The message so many thousandths into the mailbox.
    Expunge(usize),
    Flags(usize),
    Tell(Allowed),
}

fn step() -> impl Strategy<Value = Step> {
    let allowed = prop::sample::select(&[Allowed::Nothing, Allowed::NoExpunge, Allowed::All][..]);
    prop_oneof![
        3 => (1_u32..5).prop_map(Step::Arrive),
        3 => (0_usize..1000).prop_map(Step::Expunge),
        2 => (0_usize..1000).prop_map(Step::Flags),
        2 => allowed.prop_map(Step::Tell),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mbx_14_the_client_ends_up_with_what_is_there(
        start in prop::collection::btree_set(1_u32..300, 0..150),
        steps in prop::collection::vec(step(), 0..300),
        vanished in any::<bool>(),
    ) {
        let mut view = View::with_mod_seqs(start.iter().map(|uid| (*uid, 1)));
        if vanished {
            view.set_form(UpdateForm::Vanished);
        }
        let mut client = Client { uids: start.iter().copied().map(Some).collect() };
        let mut mailbox: Vec<u32> = start.into_iter().collect();
        // The picture as a list: UIDs the client counts, gone or not.
        let mut picture = mailbox.clone();
        let mut changed: BTreeSet<u32> = BTreeSet::new();
        let mut next = 300;
        let mut mod_seq = 1;
        for step in steps.into_iter().chain([Step::Tell(Allowed::All)]) {
            mod_seq += 1;
            match step {
                Step::Arrive(gap) => {
                    next += gap;
                    prop_assert!(view.arrived(next, mod_seq));
                    prop_assert!(!view.arrived(next, mod_seq), "a UID is used once");
                    mailbox.push(next);
                }
                Step::Expunge(at) if !mailbox.is_empty() => {
                    let uid = mailbox.remove(at * mailbox.len() / 1000);
                    changed.remove(&uid);
                    view.expunged(uid);
                }
                Step::Flags(at) if !mailbox.is_empty() => {
                    let uid = mailbox[at * mailbox.len() / 1000];
                    if picture.contains(&uid) {
                        changed.insert(uid);
                    }
                    view.flags_changed(uid, mod_seq);
                    prop_assert_eq!(view.mod_seq_of(uid), Some(mod_seq));
                }
                Step::Tell(allowed) => {
                    while let Some(update) = view.poll_update(allowed) {
                        prop_assert!(allowed != Allowed::Nothing);
                        let shifts = matches!(update, Update::Expunge { .. } | Update::Vanished(_));
                        prop_assert!(allowed == Allowed::All || !shifts);
                        if let Update::Flags { uid, .. } = &update {
                            prop_assert!(changed.remove(&uid.get()));
                        }
                        client.hear(&update);
                        // It fetches what it does not know.
                        let known: Vec<u32> = view.uids().collect();
                        if matches!(update, Update::Exists(_)) {
                            client.uids = known.iter().copied().map(Some).collect();
                        }
                    }
                    match allowed {
                        Allowed::Nothing => {}
                        Allowed::NoExpunge => {
                            let news = mailbox.iter().copied().filter(|uid| !picture.contains(uid));
                            let news: Vec<u32> = news.collect();
                            picture.extend(news);
                        }
                        Allowed::All => picture.clone_from(&mailbox),
                    }
                    prop_assert!(allowed == Allowed::Nothing || changed.is_empty());
                    prop_assert_eq!(client.uids.len(), picture.len());
                }
                Step::Expunge(_) | Step::Flags(_) => {}
            }
            prop_assert!(view.uids().eq(picture.iter().copied()));
            prop_assert_eq!(view.len(), picture.len());
            prop_assert_eq!(view.largest_uid(), picture.last().copied().unwrap_or_default());
            for (at, uid) in picture.iter().enumerate().step_by(7) {
                let seq = u32::try_from(at + 1).unwrap();
                prop_assert_eq!(view.seq_of(*uid).map(NonZeroU32::get), Some(seq));
                prop_assert_eq!(view.uid_at(seq), Some(*uid));
                prop_assert_eq!(view.is_gone(*uid), !mailbox.contains(uid));
            }
        }
        prop_assert!(client.uids.iter().map(|uid| uid.unwrap()).eq(mailbox.iter().copied()));
        prop_assert!(!view.has_updates());
    }

    #[test]
    fn resolves_as_testing_every_message_does(
        uids in prop::collection::btree_set(1_u32..60, 0..30),
        removed in prop::collection::vec(1_u32..60, 0..10),
        ranges in prop::collection::vec((0_u32..70, 0_u32..70), 1..5),
        by_uid in any::<bool>(),
    ) {
        let mut view = View::new(uids.iter().copied());
        let mut left = uids;
        for uid in removed {
            prop_assert_eq!(view.remove(uid).is_some(), left.remove(&uid));
        }
        let set = set(&ranges);
        let addressing = if by_uid { Addressing::Uid } else { Addressing::Sequence };
        let largest = if by_uid { view.largest_uid() } else { view.largest_seq() };
        let expected: Vec<(u32, u32)> = (1..)
            .zip(left)
            .filter(|(seq, uid)| set.contains(if by_uid { *uid } else { *seq }, largest))
            .collect();
        let found: Vec<(u32, u32)> = view.resolve(&set, addressing).map(|(seq, uid)| (seq.get(), uid)).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn resync_says_what_a_comparison_of_two_lists_says(
        old in prop::collection::btree_map(1_u32..80, 1_u64..10, 0..40),
        expunged in prop::collection::vec(1_u32..80, 0..20),
        arrived in 0_u32..5,
        touched in prop::collection::vec(1_u32..80, 0..5),
        asked in prop::option::of(prop::collection::vec((1_u32..90, 1_u32..90), 1..4)),
        pairs in prop::collection::btree_set(1_u32..40, 0..6),
        remembers in any::<bool>(),
    ) {
        // The client knows everything up to mod-sequence 9.
        let old_uids: Vec<u32> = old.keys().copied().collect();
        let mut now = old;
        let gone: Vec<u32> = expunged.into_iter().filter(|uid| now.remove(uid).is_some()).collect();
        for uid in touched {
            now.entry(uid).and_modify(|mod_seq| *mod_seq += 10);
        }
        now.extend((80..80 + arrived).map(|uid| (uid, 30)));
        let view = View::with_mod_seqs(now.iter().map(|(uid, mod_seq)| (*uid, *mod_seq)));
        let known_pairs: Vec<(u32, u32)> =
            pairs.into_iter().filter_map(|seq| Some((seq, *old_uids.get(seq as usize - 1)?))).collect();
        let lists = (!known_pairs.is_empty()).then(|| {
            let (seqs, uids): (Vec<_>, Vec<_>) = known_pairs.iter().map(|(seq, uid)| ((*seq, *seq), (*uid, *uid))).unzip();
            (set(&seqs), set(&uids))
        });
        let asked_set = asked.as_deref().map(set);
        let request = Resync {
            mod_seq: 9,
            known_uids: asked_set.as_ref(),
            matches: lists.as_ref().map(|(seqs, uids)| (seqs, uids)),
        };
        let history_uids = uid_set(&gone);
        let history = if remembers { History::Expunged(&history_uids) } else { History::Unknown };
        let uid_next = 80 + arrived;
        let Resynced { vanished, changed } = view.resync(&request, history, uid_next).unwrap();

        let wanted = |uid: u32| asked_set.as_ref().is_none_or(|set| set.contains(uid, uid_next - 1));
        let expected: Vec<(u32, u32, u64)> = (1..)
            .zip(&now)
            .filter(|(_, (uid, mod_seq))| **mod_seq > 9 && wanted(**uid))
            .map(|(seq, (uid, mod_seq))| (seq, *uid, *mod_seq))
            .collect();
        let changed: Vec<_> = changed.into_iter().map(|(seq, uid, mod_seq)| (seq.get(), uid, mod_seq)).collect();
        prop_assert_eq!(changed, expected);

        let proven = known_pairs.iter().rev().find(|(seq, uid)| view.uid_at(*seq) == Some(*uid)).map_or(0, |pair| pair.1);
        let expected: Vec<u32> = (proven + 1..uid_next)
            .filter(|uid| wanted(*uid) && !now.contains_key(uid) && (!remembers || gone.contains(uid)))
            .collect();
        prop_assert_eq!(vanished.iter().collect::<Vec<u32>>(), expected);
        // What the client counted and is gone, it hears of.
        for uid in gone.iter().filter(|uid| wanted(**uid)) {
            prop_assert!(vanished.iter().any(|other| other == *uid), "{} is not named", uid);
        }
    }
}

#[test]
fn the_example_of_rfc_7162_is_answered_as_it_is() {
    // Only UIDs that can be divided by three are there.
    let view = View::with_mod_seqs((1..=10_003).map(|third| (third * 3, if third < 10 { 20 } else { 5 })));
    let without = Resync { mod_seq: 10, known_uids: Some(&set(&[(1, 29_997)])), matches: None };
    let answer = view.resync(&without, History::Unknown, 30_013).unwrap();
    assert_eq!(answer.changed.len(), 9);
    assert!(answer.vanished.to_string().starts_with("1:2,4:5,7:8,"));
    assert!(answer.vanished.to_string().ends_with(",29995:29996"));
    let seqs = set(&[(5000, 5000), (7500, 7500), (9000, 9000), (9990, 9999)]);
    let uids: Vec<(u32, u32)> = [15_000, 22_500, 27_000]
        .into_iter()
        .chain((9990..=9999).map(|seq| seq * 3))
        .map(|uid| (uid, uid))
        .collect();
    let uids = set(&uids);
    let with = Resync { matches: Some((&seqs, &uids)), ..without };
    let answer = view.resync(&with, History::Unknown, 30_013).unwrap();
    assert!(answer.vanished.is_empty());
    assert_eq!(answer.changed.len(), 9);
}

#[test]
fn imap_09_hostile_match_data_costs_what_exists() {
    let view = View::new([1, 5, u32::MAX]);
    let whole = set(&[(1, u32::MAX)]);
    fn known<'a>(seqs: &'a SequenceSet, uids: &'a SequenceSet) -> Resync<'a> {
        Resync { mod_seq: 0, known_uids: None, matches: Some((seqs, uids)) }
    }
    let answer = view.resync(&known(&whole, &whole), History::Unknown, u32::MAX).unwrap();
    assert_eq!(answer.vanished.to_string(), "2:4,6:4294967294");
    for (seqs, uids) in [
        (set(&[(1, 2)]), set(&[(1, 1)])),
        (set(&[(2, 2), (1, 1)]), set(&[(1, 2)])),
        (set(&[(1, 1), (1, 1)]), set(&[(1, 2)])),
        (set(&[(1, 0)]), set(&[(1, 1)])),
    ] {
        assert_eq!(view.resync(&known(&seqs, &uids), History::Unknown, 9), None);
    }
    assert_eq!(
        View::default().resync(&known(&whole, &whole), History::Unknown, 1).unwrap().vanished,
        UidSet::default()
    );
}

#[test]
fn imap_10_nothing_is_named_in_an_empty_mailbox() {
    let view = View::default();
    for ranges in [&[(1, 0)][..], &[(0, 0)], &[(1, 5)]] {
        assert_eq!(view.resolve(&set(ranges), Addressing::Sequence).count(), 0);
        assert_eq!(view.resolve(&set(ranges), Addressing::Uid).count(), 0);
        assert!(!view.covers(&set(ranges)));
    }
}

#[test]
fn imap_09_the_whole_range_of_uids_costs_what_exists() {
    let view = View::new([1, 5, u32::MAX]);
    let found: Vec<u32> = view.resolve(&set(&[(1, u32::MAX)]), Addressing::Uid).map(|(_, uid)| uid).collect();
    assert_eq!(found, [1, 5, u32::MAX]);
    // `*` is the largest there is, in either place.
    assert_eq!(view.resolve(&set(&[(u32::MAX, 0)]), Addressing::Uid).count(), 1);
}

#[test]
fn only_a_newer_message_is_added() {
    let mut view = View::new([9, 4, 4, 0]);
    assert!(!view.push(7));
    assert!(!view.push(0));
    assert!(view.push(10));
    assert!(view.uids().eq([4, 9, 10]));
}

#[test]
fn a_message_that_comes_and_goes_unannounced_leaves_no_trace() {
    let mut view = View::new([1]);
    for uid in 2..100_000 {
        assert!(view.arrived(uid, u64::from(uid)));
        view.flags_changed(uid, u64::from(uid) + 1);
        view.expunged(uid);
        assert!(!view.has_updates());
    }
    assert_eq!(view.poll_update(Allowed::All), None);
    assert_eq!(view.len(), 1);
}

/// Sixty-four bits for each message would be enough for a list that is walked for every EXPUNGE.
#[test]
fn expunging_a_hundred_thousand_messages_one_by_one_is_not_quadratic() {
    for form in [UpdateForm::Expunge, UpdateForm::Vanished] {
        let mut view = View::new(1..=200_000);
        view.set_form(form);
        for uid in (1..=200_000).step_by(2) {
            view.expunged(uid);
        }
        let mut told = 0_u64;
        while let Some(update) = view.poll_update(Allowed::All) {
            told += match update {
                Update::Expunge { .. } => 1,
                Update::Vanished(uids) => {
                    assert!(uids.ranges().len() <= 1_000);
                    uids.len()
                }
                other => panic!("{other:?}"),
            };
        }
        assert_eq!(told, 100_000);
        assert!(view.uids().eq((2..=200_000).step_by(2)));
    }
}
