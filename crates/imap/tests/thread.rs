//! THREAD against a model that reads RFC 5256 3 word by word, with trees and walks, and on hostile mailboxes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use posthaste_imap::message::Overview;
use posthaste_imap::sort::Entry;
use posthaste_imap::thread::thread;
use posthaste_imap::types::{ThreadAlgorithm, Threads};
use proptest::prelude::*;

#[derive(Clone, Debug, Default)]
struct Message {
    id: Option<u8>,
    references: Vec<u8>,
    subject: &'static str,
    is_reply: bool,
    sent: i64,
}

fn id(id: u32) -> Vec<u8> {
    format!("{id}@x").into_bytes()
}

fn overviews(messages: &[Message]) -> Vec<Overview<'static>> {
    let overview = |message: &Message| {
        let mut overview = Overview::default();
        overview.message_id = message.id.map(|own| id(own.into()).into());
        overview.references = message.references.iter().map(|other| id((*other).into()).into()).collect();
        overview.subject = message.subject.into();
        overview.is_reply = message.is_reply;
        overview.sent = Some(message.sent);
        overview
    };
    messages.iter().map(overview).collect()
}

fn run(overviews: &[Overview<'_>], algorithm: &ThreadAlgorithm) -> Threads {
    let numbers = (1..).map(|number| NonZeroU32::new(number).unwrap());
    let entries: Vec<Entry<'_>> = numbers
        .zip(overviews)
        .map(|(number, overview)| Entry { number, arrival: 0, size: 0, overview })
        .collect();
    thread(&entries, algorithm).unwrap()
}

fn references(messages: &[Message]) -> String {
    run(&overviews(messages), &ThreadAlgorithm::References).to_string()
}

/// A tree as the RFC speaks of it; `None` is a dummy.
#[derive(Clone, Debug)]
struct Tree {
    message: Option<usize>,
    children: Vec<Tree>,
}

/// The algorithm as it is written.
fn model(messages: &[Message]) -> String {
    let mut ids: Vec<String> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let own = message.id.map(|id| id.to_string());
        let own = own.filter(|own| !ids.contains(own)).unwrap_or_else(|| format!("unique {at}"));
        ids.push(own);
    }
    let mut parents: Vec<Option<usize>> = vec![None; ids.len()];
    let is_above = |parents: &[Option<usize>], above: usize, below: usize| {
        std::iter::successors(Some(below), |at| parents[*at]).any(|at| at == above)
    };
    for (at, message) in messages.iter().enumerate() {
        let mut last = None;
        for reference in &message.references {
            let reference = reference.to_string();
            let found = ids.iter().position(|id| *id == reference).unwrap_or_else(|| {
                ids.push(reference);
                parents.push(None);
                ids.len() - 1
            });
            if let Some(last) = last {
                if parents[found].is_none() && !is_above(&parents, found, last) {
                    parents[found] = Some(last);
                }
            }
            last = Some(found);
        }
        parents[at] = None;
        if let Some(last) = last {
            if !is_above(&parents, at, last) {
                parents[at] = Some(last);
            }
        }
    }
    let tops = (0..ids.len()).filter(|at| parents[*at].is_none());
    let mut tops: Vec<Tree> = tops.flat_map(|at| prune(at, true, &parents, messages.len())).collect();
    for top in tops.iter_mut().filter(|top| top.message.is_none()) {
        top.children.sort_by_key(|child| key(child, messages));
    }
    tops.sort_by_key(|top| key(top, messages));
    let mut tops = merge(tops, messages);
    sort(&mut tops, messages);
    tops.iter().map(|top| format!("({})", written(top))).collect()
}

fn prune(at: usize, at_top: bool, parents: &[Option<usize>], messages: usize) -> Vec<Tree> {
    let children = (0..parents.len()).filter(|child| parents[*child] == Some(at));
    let children: Vec<Tree> = children.flat_map(|child| prune(child, false, parents, messages)).collect();
    if at < messages {
        return vec![Tree { message: Some(at), children }];
    }
    if at_top && children.len() > 1 { vec![Tree { message: None, children }] } else { children }
}

fn key(tree: &Tree, messages: &[Message]) -> (i64, usize) {
    let first = tree.message.or_else(|| tree.children[0].message).unwrap();
    (messages[first].sent, first)
}

fn merge(tops: Vec<Tree>, messages: &[Message]) -> Vec<Tree> {
    let subject = |tree: &Tree| messages[tree.message.or_else(|| tree.children[0].message).unwrap()].subject;
    let is_reply = |tree: &Tree| tree.message.is_some_and(|message| messages[message].is_reply);
    let mut table: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, top) in tops.iter().enumerate() {
        if subject(top).is_empty() {
            continue;
        }
        match table.get(subject(top)) {
            None => {
                table.insert(subject(top), at);
            }
            Some(known) => {
                let known = &tops[*known];
                let replaces = top.message.is_none() || (is_reply(known) && !is_reply(top));
                if known.message.is_some() && replaces {
                    table.insert(subject(top), at);
                }
            }
        }
    }
    let subjects: Vec<&str> = tops.iter().map(subject).collect();
    let mut tops: Vec<Option<Tree>> = tops.into_iter().map(Some).collect();
    for at in 0..tops.len() {
        let Some(known_at) = table.get(subjects[at]).copied().filter(|known| *known != at) else { continue };
        let current = tops[at].take().unwrap();
        let known = tops[known_at].as_mut().unwrap();
        if known.message.is_none() && current.message.is_none() {
            known.children.extend(current.children);
        } else if known.message.is_none() || (is_reply(&current) && !is_reply(known)) {
            known.children.push(current);
        } else {
            let both = vec![current, known.clone()];
            *known = Tree { message: None, children: both };
        }
    }
    tops.into_iter().flatten().collect()
}

fn sort(trees: &mut [Tree], messages: &[Message]) {
    for tree in trees.iter_mut() {
        sort(&mut tree.children, messages);
    }
    trees.sort_by_key(|tree| key(tree, messages));
}

fn written(tree: &Tree) -> String {
    let number = tree.message.map(|message| (message + 1).to_string()).unwrap_or_default();
    let below = match tree.children.as_slice() {
        [] => String::new(),
        [only] => written(only),
        several => several.iter().map(|child| format!("({})", written(child))).collect(),
    };
    let space = if number.is_empty() || below.is_empty() { "" } else { " " };
    format!("{number}{space}{below}")
}

fn message() -> impl Strategy<Value = Message> {
    let subject = prop::sample::select(&["", "A", "B", "C"][..]);
    (
        prop::option::weighted(0.9, 0_u8..9),
        prop::collection::vec(0_u8..12, 0..4),
        subject,
        any::<bool>(),
        0_i64..5,
    )
        .prop_map(|(id, references, subject, is_reply, sent)| Message {
            id,
            references,
            subject,
            is_reply,
            sent,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn references_are_what_the_rfc_says(messages in prop::collection::vec(message(), 0..10)) {
        prop_assert_eq!(references(&messages), model(&messages));
    }

    #[test]
    fn every_message_is_there_once(messages in prop::collection::vec(message(), 0..20)) {
        for algorithm in [ThreadAlgorithm::References, ThreadAlgorithm::OrderedSubject] {
            let threads = run(&overviews(&messages), &algorithm);
            let mut numbers: Vec<u32> = threads.nodes().iter().filter_map(|node| node.number).map(NonZeroU32::get).collect();
            numbers.sort_unstable();
            prop_assert!(numbers.into_iter().eq((1..).take(messages.len())));
        }
    }

    #[test]
    fn only_the_top_of_a_thread_is_missing_and_then_it_has_two_children(messages in prop::collection::vec(message(), 0..12)) {
        let threads = run(&overviews(&messages), &ThreadAlgorithm::References);
        for (at, node) in threads.nodes().iter().enumerate() {
            if node.number.is_none() {
                prop_assert_eq!(node.depth, 0);
                let thread = threads.nodes()[at + 1..].iter().take_while(|node| node.depth > 0);
                prop_assert!(thread.filter(|node| node.depth == 1).count() > 1);
            }
        }
    }
}

fn with(id: u8, references: &[u8]) -> Message {
    Message { id: Some(id), references: references.to_vec(), sent: id.into(), ..Message::default() }
}

#[test]
fn a_chain_is_one_line_and_a_missing_parent_a_parenthesis() {
    assert_eq!(references(&[with(1, &[]), with(2, &[1]), with(3, &[1, 2])]), "(1 2 3)");
    assert_eq!(references(&[with(1, &[]), with(2, &[1]), with(3, &[1])]), "(1 (2)(3))");
    assert_eq!(references(&[with(1, &[9]), with(2, &[9])]), "((1)(2))");
    assert_eq!(references(&[with(1, &[9])]), "(1)");
    assert_eq!(references(&[]), "");
}

#[test]
fn loops_are_refused_and_ids_used_twice_are_used_once() {
    assert_eq!(references(&[with(1, &[2]), with(2, &[1])]), "(2 1)");
    assert_eq!(references(&[with(1, &[1])]), "(1)");
    assert_eq!(references(&[with(1, &[]), with(1, &[]), with(2, &[1])]), "(1 3)(2)");
}

#[test]
fn ordered_subjects_have_no_grandchildren() {
    let of = |subject, sent| Message { subject, sent, ..Message::default() };
    let messages = [of("B", 3), of("A", 2), of("B", 1), of("A", 5), of("B", 9)];
    let threads = run(&overviews(&messages), &ThreadAlgorithm::OrderedSubject);
    assert_eq!(threads.to_string(), "(3 (1)(5))(2 4)");
}

/// Mailboxes that make a walk over parents quadratic.
#[test]
fn imap_07_a_chain_of_a_hundred_thousand_messages_is_threaded_in_linear_time() {
    const COUNT: u32 = 100_000;
    let overview = |own: u32, parent: Option<u32>| {
        let mut overview = Overview::default();
        overview.message_id = Some(id(own).into());
        overview.references = parent.map(|parent| id(parent).into()).into_iter().collect();
        overview
    };
    let forwards: Vec<Overview<'_>> = (0..COUNT).map(|at| overview(at, at.checked_sub(1))).collect();
    assert!(
        run(&forwards, &ThreadAlgorithm::References)
            .nodes()
            .iter()
            .zip(0..)
            .all(|(node, depth)| node.depth == depth)
    );
    // Every link is under a parent that is itself deep, and joins two long chains.
    let backwards: Vec<Overview<'_>> = (0..COUNT).map(|at| overview(at, Some(at + 1))).collect();
    assert_eq!(run(&backwards, &ThreadAlgorithm::References).nodes().len(), COUNT as usize);
    // The last message closes the loop, and is refused.
    let ring: Vec<Overview<'_>> = (0..COUNT).map(|at| overview(at, Some((at + 1) % COUNT))).collect();
    assert_eq!(run(&ring, &ThreadAlgorithm::References).nodes().last().unwrap().depth, COUNT - 1);
    // All of one subject, half of them replies.
    let same: Vec<Overview<'_>> = (0..COUNT)
        .map(|at| {
            let mut overview = overview(at, None);
            overview.subject = "SAME".into();
            overview.is_reply = at % 2 == 0;
            overview
        })
        .collect();
    // Those that are no replies are siblings, which takes a parent.
    assert_eq!(run(&same, &ThreadAlgorithm::References).nodes().len(), COUNT as usize + 1);
    assert_eq!(run(&same, &ThreadAlgorithm::OrderedSubject).nodes().len(), COUNT as usize);
}
