//! What the changes of a result make of it (RFC 5267 4.3).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use core::num::NonZeroU32;

use posthaste_imap::client::{ContextMismatch, update_result};
use posthaste_imap::types::{ContextChange, EsearchResponse, ParseContext, Response, SequenceSet};
use posthaste_imap::{Bytes, parse};
use proptest::prelude::*;

fn n(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn changes(items: &str) -> Vec<ContextChange> {
    let line = Bytes::from(format!("* ESEARCH (TAG \"C01\") UID {items}"));
    match parse::response(&line, &ParseContext::client()).unwrap().response {
        Response::Esearch(EsearchResponse { changes, .. }) => changes,
        other => panic!("{other:?}"),
    }
}

/// The result after these items.
fn after(before: &[u32], items: &str) -> Result<Vec<u32>, ContextMismatch> {
    let mut result: Vec<_> = before.iter().copied().map(n).collect();
    for change in changes(items) {
        let was = result.clone();
        if let Err(error) = update_result(&mut result, &change, 10) {
            assert_eq!(result, was);
            return Err(error);
        }
    }
    Ok(result.into_iter().map(NonZeroU32::get).collect())
}

#[test]
fn rfc5267_4_3_3_one_addition_in_three_forms() {
    for items in ["ADDTO (1 2733 1 2732 1 2731)", "ADDTO (1 2733) ADDTO (1 2731:2732)", "ADDTO (1 2731:2733)"]
    {
        assert_eq!(after(&[2734, 2735], items), Ok(vec![2731, 2732, 2733, 2734, 2735]));
    }
}

#[test]
fn rfc5267_4_3_2_changes_count_in_the_order_in_which_they_stand() {
    assert_eq!(after(&[1, 2, 3], "REMOVEFROM (1 1) ADDTO (1 9)"), Ok(vec![9, 2, 3]));
    assert_eq!(after(&[1, 2, 3], "ADDTO (1 9) REMOVEFROM (2 1)"), Ok(vec![9, 2, 3]));
    let parted = ContextMismatch::Messages { position: n(1) };
    assert_eq!(after(&[1, 2, 3], "ADDTO (1 9) REMOVEFROM (1 1)"), Err(parted));
}

#[test]
fn rfc5267_4_3_3_additions_have_a_place_or_that_of_the_mailbox() {
    assert_eq!(after(&[4, 9], "ADDTO (0 6:7,2)"), Ok(vec![2, 4, 6, 7, 9]));
    assert_eq!(after(&[4, 9], "ADDTO (0 9)"), Ok(vec![4, 9]));
    assert_eq!(after(&[9, 4], "ADDTO (2 8,6)"), Ok(vec![9, 8, 6, 4]));
    assert_eq!(after(&[9, 4], "ADDTO (3 8,6)"), Ok(vec![9, 4, 8, 6]));
    // RFC 5267 3.2: a range goes upwards however it is written.
    assert_eq!(after(&[9, 4], "ADDTO (2 8:6)"), Ok(vec![9, 6, 7, 8, 4]));
    let behind = ContextMismatch::Position { position: n(4), messages: 2 };
    assert_eq!(after(&[9, 4], "ADDTO (4 8)"), Err(behind));
}

#[test]
fn rfc5267_4_3_4_removals_have_a_place_or_are_wherever_they_are() {
    assert_eq!(after(&[2, 4, 6, 7, 9], "REMOVEFROM (0 9,1:5)"), Ok(vec![6, 7]));
    assert_eq!(after(&[7, 4, 6, 9], "REMOVEFROM (2 4,6)"), Ok(vec![7, 9]));
    assert_eq!(after(&[7, 4, 6, 9], "REMOVEFROM (4 9)"), Ok(vec![7, 4, 6]));
    let behind = ContextMismatch::Position { position: n(6), messages: 4 };
    assert_eq!(after(&[7, 4, 6, 9], "REMOVEFROM (6 9)"), Err(behind));
    let others = ContextMismatch::Messages { position: n(4) };
    assert_eq!(after(&[7, 4, 6, 9], "REMOVEFROM (4 9,10)"), Err(others));
}

#[test]
fn what_a_hostile_server_names_is_neither_walked_nor_kept() {
    assert_eq!(after(&[4], "ADDTO (0 1:4294967295)"), Err(ContextMismatch::TooMany(10)));
    assert_eq!(after(&[4], "ADDTO (1 4294967295:1)"), Err(ContextMismatch::TooMany(10)));
    assert_eq!(after(&[4], "ADDTO (1 *)"), Err(ContextMismatch::Largest));
    assert_eq!(
        after(&[4, 5], "REMOVEFROM (1 4:4294967295)"),
        Err(ContextMismatch::Messages { position: n(1) })
    );
    assert_eq!(after(&[4, 5], "REMOVEFROM (0 1:4294967295)"), Ok(vec![]));
}

proptest! {
    /// What comes in at a place and goes from there again leaves no trace.
    #[test]
    fn a_removal_undoes_an_addition(
        result in proptest::collection::vec(1_u32..500, 0..40),
        at in any::<prop::sample::Index>(),
        added in proptest::collection::vec((500_u32..600, 0_u32..4), 1..5),
    ) {
        let before: Vec<_> = result.into_iter().map(n).collect();
        let position = Some(n(u32::try_from(at.index(before.len() + 1)).unwrap() + 1));
        let text: Vec<_> = added.iter().map(|(from, more)| format!("{from}:{}", from + more)).collect();
        let Some(ContextChange::AddTo { numbers, .. }) = changes(&format!("ADDTO (1 {})", text.join(","))).pop()
        else { panic!() };
        let mut after = before.clone();
        update_result(&mut after, &ContextChange::AddTo { position, numbers: numbers.clone() }, 1000).unwrap();
        let count: u32 = added.iter().map(|(_, more)| more + 1).sum();
        prop_assert_eq!(after.len(), before.len() + usize::try_from(count).unwrap());
        update_result(&mut after, &ContextChange::RemoveFrom { position, numbers }, 1000).unwrap();
        prop_assert_eq!(after, before);
    }

    /// Without positions a result of SEARCH stays sorted, and is what sets make of it.
    #[test]
    fn changes_in_the_order_of_the_mailbox_are_those_of_a_set(
        changes in proptest::collection::vec((any::<bool>(), 1_u32..40, 0_u32..8), 0..20),
    ) {
        let (mut result, mut model) = (Vec::new(), std::collections::BTreeSet::new());
        for (adds, from, more) in changes {
            let numbers = SequenceSet::from_numbers((from..=from + more).map(n)).unwrap();
            let range = (from..=from + more).map(n);
            let change = if adds {
                model.extend(range);
                ContextChange::AddTo { position: None, numbers }
            } else {
                for number in range {
                    model.remove(&number);
                }
                ContextChange::RemoveFrom { position: None, numbers }
            };
            update_result(&mut result, &change, 1000).unwrap();
        }
        prop_assert_eq!(result, model.into_iter().collect::<Vec<_>>());
    }
}
