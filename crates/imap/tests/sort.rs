//! SORT: every key, and criteria in any number (RFC 5256 3, RFC 5957).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::num::NonZeroU32;

use posthaste_imap::message::{Envelope, Limits, Overview};
use posthaste_imap::sort::{Column, Entry, compare, places, sort};
use posthaste_imap::types::{SortCriterion, SortKey, SortOrder};
use proptest::prelude::*;

const KEYS: [SortKey; 9] = [
    SortKey::Arrival,
    SortKey::Cc,
    SortKey::Date,
    SortKey::DisplayFrom,
    SortKey::DisplayTo,
    SortKey::From,
    SortKey::Size,
    SortKey::Subject,
    SortKey::To,
];

fn overview(header: &str) -> Overview<'static> {
    let limits = Limits::default();
    Overview::read(header.as_bytes(), &Envelope::read(header.as_bytes(), &limits), &limits)
}

fn sorted(headers: &[&str], criteria: &[SortCriterion]) -> Vec<u32> {
    let overviews: Vec<Overview<'_>> = headers.iter().map(|header| overview(header)).collect();
    let entries: Vec<Entry<'_>> = (1..)
        .zip(&overviews)
        .map(|(number, overview)| Entry {
            number: NonZeroU32::new(number).unwrap(),
            arrival: 1_000_000_000 - i64::from(number),
            size: 0,
            overview,
        })
        .collect();
    sort(&entries, criteria).into_iter().map(NonZeroU32::get).collect()
}

#[test]
fn each_key_compares_what_the_rfc_names() {
    let up = SortCriterion::ascending;
    assert_eq!(
        sorted(&["Subject: b\r\n", "Subject: Re: A\r\n", "Subject: [x] a\r\n"], &[up(SortKey::Subject)]),
        [2, 3, 1]
    );
    // The mailbox alone, without host and name.
    let from = ["From: \"A\" <z@a>\r\n", "From: \"Z\" <b@z>\r\n", "X: y\r\n"];
    assert_eq!(sorted(&from, &[up(SortKey::From)]), [3, 2, 1]);
    assert_eq!(sorted(&from, &[up(SortKey::DisplayFrom)]), [3, 1, 2]);
    let to = ["To: b@x, a@x\r\nCc: a@x\r\n", "To: A@x\r\nCc: B@x\r\n"];
    assert_eq!(sorted(&to, &[up(SortKey::To)]), [2, 1]);
    assert_eq!(sorted(&to, &[up(SortKey::DisplayTo)]), [2, 1]);
    assert_eq!(sorted(&to, &[up(SortKey::Cc)]), [1, 2]);
    assert_eq!(sorted(&to, &[up(SortKey::Arrival)]), [2, 1]);
}

#[test]
fn sent_dates_are_moments_and_the_arrival_stands_in() {
    let up = SortCriterion::ascending(SortKey::Date);
    let zones = ["Date: 1 Jan 2001 00:01:34 +0000\r\n", "Date: 31 Dec 2000 16:01:33 -0800\r\n"];
    assert_eq!(sorted(&zones, &[up]), [2, 1]);
    // RFC 5256 2.2: a zone that is none is UTC, a time that is none is midnight.
    let broken = ["Date: 1 Jan 2001 00:00:01 +9999\r\n", "Date: 1 Jan 2001 99:99:99 +0000\r\n"];
    assert_eq!(sorted(&broken, &[up]), [2, 1]);
    // Arrival is in September 2001.
    assert_eq!(sorted(&["Subject: no date\r\n", "Date: 1 Jan 2001 00:00:00 +0000\r\n"], &[up]), [2, 1]);
}

#[test]
fn reverse_does_not_turn_messages_that_are_equal() {
    let subjects = ["Subject: a\r\n", "Subject: b\r\n", "Subject: A\r\n"];
    assert_eq!(sorted(&subjects, &[SortCriterion::reverse(SortKey::Subject)]), [2, 1, 3]);
    let twice = [SortCriterion::ascending(SortKey::Subject), SortCriterion::reverse(SortKey::Subject)];
    assert_eq!(sorted(&subjects, &twice), [1, 3, 2]);
}

fn any_overview() -> impl Strategy<Value = Overview<'static>> {
    (
        "(Subject: [ab]\r\n)?",
        "(From: [AB]? ?<[ab]@x>\r\n)?",
        "(To: [ab]@x\r\n)?",
        "(Cc: [ab]@x\r\n)?",
        "(Date: [12] Jan 1970\r\n)?",
    )
        .prop_map(|(a, b, c, d, e)| overview(&[a, b, c, d, e].concat()))
}

proptest! {
    #[test]
    fn the_result_is_in_order_and_stable(
        overviews in prop::collection::vec((any_overview(), 0_i64..3, 0_u64..3), 0..20),
        criteria in prop::collection::vec((0_usize..9, any::<bool>()), 0..4),
    ) {
        let order = |reverse| if reverse { SortOrder::Reverse } else { SortOrder::Ascending };
        let criteria: Vec<_> =
            criteria.into_iter().map(|(key, reverse)| SortCriterion { key: KEYS[key], order: order(reverse) }).collect();
        let entries: Vec<Entry<'_>> = (1..)
            .zip(&overviews)
            .map(|(number, (overview, arrival, size))| Entry {
                number: NonZeroU32::new(number).unwrap(), arrival: *arrival, size: *size, overview,
            })
            .collect();
        let sorted = sort(&entries, &criteria);
        prop_assert_eq!(sorted.len(), entries.len());
        for pair in sorted.windows(2) {
            let [one, other] = [pair[0], pair[1]].map(|number| &entries[number.get() as usize - 1]);
            let order = compare(one, other, &criteria);
            prop_assert!(order.is_lt() || (order.is_eq() && one.number < other.number));
        }
    }

    #[test]
    fn numbers_are_sorted_as_what_they_stand_for(
        messages in prop::collection::vec((-2_i64..3, 0_u64..3), 0..40),
        criteria in prop::collection::vec((any::<bool>(), any::<bool>()), 0..4),
    ) {
        let order = |reverse| if reverse { SortOrder::Reverse } else { SortOrder::Ascending };
        let none = Overview::default();
        let entries: Vec<Entry<'_>> = (1..)
            .zip(&messages)
            .map(|(number, (arrival, size))| Entry {
                number: NonZeroU32::new(number).unwrap(), arrival: *arrival, size: *size, overview: &none,
            })
            .collect();
        let (columns, criteria): (Vec<Column>, Vec<SortCriterion>) = criteria
            .into_iter()
            .map(|(by_size, reverse)| {
                let order = order(reverse);
                if by_size {
                    let column = Column::new(order, messages.iter().map(|(_, size)| *size));
                    (column, SortCriterion { key: SortKey::Size, order })
                } else {
                    let column = Column::of_signed(order, messages.iter().map(|(arrival, _)| *arrival));
                    (column, SortCriterion { key: SortKey::Arrival, order })
                }
            })
            .unzip();
        let sorted: Vec<u32> = sort(&entries, &criteria).into_iter().map(|number| number.get() - 1).collect();
        prop_assert_eq!(places(messages.len(), &columns), sorted);
    }
}
