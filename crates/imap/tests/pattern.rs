//! LIST patterns against their plain meaning, and listings against a look at every pair of names.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::collections::BTreeMap;

use posthaste_imap::pattern::{Listed, MailboxName, Matcher, Selection, hierarchy_order, list};
use proptest::prelude::*;

/// The meaning of a pattern in the plainest way, with backtracking.
fn model(pattern: &[char], name: &[char]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((wild @ ('*' | '%'), rest)), _) => {
            model(rest, name)
                || name
                    .split_first()
                    .is_some_and(|(first, name)| (*wild == '*' || *first != '/') && model(pattern, name))
        }
        (Some((a, pattern)), Some((b, name))) => a == b && model(pattern, name),
        (Some(_), None) => false,
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    model(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
}

fn is_below(name: &str, above: &str) -> bool {
    name.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

/// What is listed, by RFC 5258 3, from the names as a map: whether each exists and is subscribed.
fn model_list(
    names: &BTreeMap<String, (bool, bool)>,
    patterns: &[&str],
    selection: Selection,
) -> Vec<(String, [bool; 4])> {
    let mut all = names.clone();
    for name in names.keys() {
        for (at, _) in name.match_indices('/') {
            all.entry(name.chars().take(at).collect()).or_insert((false, false));
        }
    }
    let matched = |name: &str| patterns.iter().any(|pattern| matches(pattern, name));
    let by_level =
        |name: &str| patterns.iter().any(|pattern| pattern.ends_with('%') && matches(pattern, name));
    let mut listed = Vec::new();
    for (name, (exists, subscribed)) in &all {
        let below = || all.iter().filter(|(other, _)| is_below(other, name));
        let has_children = below().any(|(_, (exists, _))| *exists);
        let recursive = selection == Selection::RecursiveSubscribed;
        let child_info = recursive && below().any(|(other, (_, subscribed))| *subscribed && !matched(other));
        let is_listed = match selection {
            Selection::Existing => *exists || (by_level(name) && has_children),
            Selection::Subscribed => *subscribed,
            Selection::RecursiveSubscribed => *subscribed || child_info,
            Selection::Lsub => {
                *subscribed || (by_level(name) && below().any(|(_, (_, subscribed))| *subscribed))
            }
        };
        if matched(name) && is_listed {
            listed.push((name.clone(), [*exists, *subscribed, has_children, child_info]));
        }
    }
    listed.sort_by(|(one, _), (other, _)| hierarchy_order(one, other, '/'));
    listed
}

fn run(
    names: &BTreeMap<String, (bool, bool)>,
    patterns: &[&str],
    selection: Selection,
) -> Vec<(String, [bool; 4])> {
    let mut names: Vec<MailboxName<'_>> = names
        .iter()
        .map(|(name, (exists, subscribed))| MailboxName { name, exists: *exists, subscribed: *subscribed })
        .collect();
    names.sort_by(|one, other| hierarchy_order(one.name, other.name, '/'));
    let patterns: Vec<Matcher> = patterns.iter().map(|pattern| Matcher::new("", pattern, '/')).collect();
    let listed = list(&names, &patterns, selection, '/');
    let flat = |Listed { name, exists, subscribed, has_children, child_info }: Listed<'_>| {
        (name.to_owned(), [exists, subscribed, has_children, child_info])
    };
    listed.into_iter().map(flat).collect()
}

const SELECTIONS: [Selection; 4] =
    [Selection::Existing, Selection::Subscribed, Selection::RecursiveSubscribed, Selection::Lsub];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn agrees_with_the_plain_meaning(pattern in "[ab/*%]{0,8}", name in "[ab/]{0,8}") {
        prop_assert_eq!(Matcher::new("", &pattern, '/').matches(&name), matches(&pattern, &name));
    }

    #[test]
    fn long_patterns_mean_the_same(pattern in "[ab/*%]{0,6}", name in "[ab/]{0,6}", times in 60_usize..70) {
        // More states than fit a word, of which the first only pass the name on.
        let (front, name) = ("c".repeat(times), ["c".repeat(times), name].concat());
        let pattern = ["%", &front, &pattern].concat();
        prop_assert_eq!(Matcher::new("", &pattern, '/').matches(&name), matches(&pattern, &name));
    }

    #[test]
    fn listings_are_what_the_rfc_says(
        names in prop::collection::btree_map("[ab ](/[ab ]){0,3}", (any::<bool>(), any::<bool>()), 0..12),
        patterns in prop::collection::vec("[ab/*%]{0,4}", 1..3),
        selection in prop::sample::select(&SELECTIONS[..]),
    ) {
        let names = names.into_iter().filter(|(_, (exists, subscribed))| *exists || *subscribed).collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        prop_assert_eq!(run(&names, &patterns, selection), model_list(&names, &patterns, selection));
    }
}

fn names(existing: &[&str], subscribed: &[&str]) -> BTreeMap<String, (bool, bool)> {
    let mut names: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for name in existing {
        names.entry((*name).to_owned()).or_default().0 = true;
    }
    for name in subscribed {
        names.entry((*name).to_owned()).or_default().1 = true;
    }
    names
}

fn listed(found: &[(String, [bool; 4])]) -> Vec<&str> {
    found.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn the_examples_of_rfc_5258_come_out_as_it_says() {
    let fruit = names(
        &[
            "INBOX",
            "Fruit",
            "Fruit/Apple",
            "Fruit/Banana",
            "Tofu",
            "Vegetable",
            "Vegetable/Broccoli",
            "Vegetable/Corn",
        ],
        &["INBOX", "Fruit/Banana", "Fruit/Peach", "Vegetable", "Vegetable/Broccoli"],
    );
    let subscribed = run(&fruit, &["*"], Selection::Subscribed);
    assert_eq!(
        listed(&subscribed),
        ["Fruit/Banana", "Fruit/Peach", "INBOX", "Vegetable", "Vegetable/Broccoli"]
    );
    // \NonExistent
    assert!(!subscribed[1].1[0]);
    let children: Vec<bool> =
        run(&fruit, &["%"], Selection::Existing).iter().map(|(_, marks)| marks[2]).collect();
    assert_eq!(children, [true, false, false, true]);

    let foo = names(&["INBOX", "Foo", "Foo/Bar", "Foo/Baz", "Moo"], &["Foo/Baz"]);
    assert!(run(&foo, &["%"], Selection::Subscribed).is_empty());
    assert_eq!(
        run(&foo, &["%"], Selection::RecursiveSubscribed),
        [("Foo".to_owned(), [true, false, true, true])]
    );

    let existing = [
        "INBOX",
        "foo2",
        "foo2/bar1",
        "foo2/bar2",
        "baz2",
        "baz2/bar2",
        "baz2/bar22",
        "baz2/bar222",
        "eps2",
        "eps2/mamba",
        "qux2/bar2",
    ];
    let subscribed = [
        "foo2/bar1",
        "foo2/bar2",
        "baz2/bar2",
        "baz2/bar22",
        "baz2/bar222",
        "eps2",
        "eps2/mamba",
        "qux2/bar2",
    ];
    let found = run(&names(&existing, &subscribed), &["*2"], Selection::RecursiveSubscribed);
    assert_eq!(
        listed(&found),
        ["baz2/bar2", "baz2/bar22", "baz2/bar222", "eps2", "foo2", "foo2/bar2", "qux2/bar2"]
    );
    let child_info: Vec<&str> =
        found.iter().filter(|(_, marks)| marks[3]).map(|(name, _)| name.as_str()).collect();
    assert_eq!(child_info, ["eps2", "foo2"]);
}

#[test]
fn a_level_that_is_no_mailbox_is_listed_for_a_percent_sign_at_the_end_only() {
    let names = names(&["a/b", "a b"], &["c/d"]);
    assert_eq!(listed(&run(&names, &["%"], Selection::Existing)), ["a", "a b"]);
    assert_eq!(listed(&run(&names, &["*"], Selection::Existing)), ["a/b", "a b"]);
    assert_eq!(listed(&run(&names, &["%"], Selection::Lsub)), ["c"]);
    assert_eq!(listed(&run(&names, &["%", "*", ""], Selection::Existing)), ["a", "a/b", "a b"]);
}

#[test]
fn mbx_03_inbox_matches_in_any_case_as_a_whole_level_only() {
    assert!(Matcher::new("", "inbox", '/').matches("INBOX"));
    assert!(Matcher::new("", "InBox/%", '/').matches("INBOX/x"));
    assert!(Matcher::new("", "inbox*", '/').matches("INBOX"));
    assert!(!Matcher::new("", "inboxes", '/').matches("INBOXES"));
}

#[test]
fn a_reference_is_taken_literally() {
    assert!(Matcher::new("a/", "%", '/').matches("a/b"));
    assert!(!Matcher::new("a*", "b", '/').matches("axb"));
    assert!(Matcher::new("a*", "b", '/').matches("a*b"));
}

#[test]
fn imap_13_many_wildcards_cost_no_more_than_pattern_times_name() {
    let pattern = "*a%".repeat(500);
    let name = "a".repeat(2000);
    assert!(Matcher::new("", &pattern, '/').matches(&name));
    assert!(!Matcher::new("", &[&pattern, "b"].concat(), '/').matches(&name));
    let wide = Matcher::new(&"x".repeat(65_536), &"%".repeat(65_536), '/');
    assert!(!wide.matches(&name));
}

#[test]
fn imap_13_a_name_of_many_levels_opens_each_once() {
    let name = "a/".repeat(5_000);
    let names = [MailboxName { name: &name, exists: true, subscribed: false }];
    let patterns = [Matcher::new("", "%", '/')];
    assert_eq!(list(&names, &patterns, Selection::Existing, '/').len(), 1);
}
