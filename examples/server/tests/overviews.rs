//! What is kept of messages for SEARCH, SORT and THREAD is what their summaries say, whatever comes and goes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use bytes::Bytes;
use posthaste_imap::message::{Compared, Overview, Summary};
use posthaste_imap::search::{Needle, value_contains};
use posthaste_imap::sort::{Entry, sort};
use posthaste_imap::types::{SortCriterion, SortKey};
use posthaste_server::index::Overviews;
use posthaste_server::store::BlobId;
use proptest::prelude::*;

const TEXTS: [SortKey; 6] =
    [SortKey::Subject, SortKey::From, SortKey::To, SortKey::Cc, SortKey::DisplayFrom, SortKey::DisplayTo];

type Contents = BTreeMap<BlobId, Bytes>;

fn overviews(contents: &Contents) -> Overviews {
    let mut overviews = Overviews::default();
    contents.iter().for_each(|(blob, stored)| overviews.push(*blob, &Compared::from_bytes(stored).unwrap()));
    overviews
}

/// All that is kept, held against the summaries themselves.
fn assert_kept(overviews: &Overviews, contents: &Contents) {
    let compared: Vec<Compared<'_>> = contents.values().map(|it| Compared::from_bytes(it).unwrap()).collect();
    let mut places = overviews.places();
    for (at, blob) in contents.keys().enumerate() {
        assert_eq!(places.of(*blob), Some(at));
    }
    assert_eq!(places.of(BlobId(i64::MAX)), None);
    for (at, compared) in compared.iter().enumerate() {
        let overview = &compared.overview;
        assert_eq!(overviews.sent(at), overview.sent);
        assert_eq!(overviews.sent_day(at), compared.sent.map(|sent| sent.local_day()));
        let mut threaded = Overview::default();
        threaded.sent = overview.sent;
        threaded.is_reply = overview.is_reply;
        threaded.subject = overview.subject.clone();
        threaded.message_id = overview.message_id.clone();
        threaded.references = overview.references.clone();
        assert_eq!(overviews.threaded(at), threaded);
    }
    for text in ["", "a", "B", "re: a", "é", "a\n", "\n", "b a", "aa"] {
        let needle = Needle::new(text);
        let holds = |compared: &Compared<'_>| {
            Some(compared.subject.is_some_and(|subject| value_contains(subject, &needle)))
        };
        let expected: Vec<Option<bool>> = compared.iter().map(holds).collect();
        assert_eq!(overviews.with_subject(&needle), expected, "{text:?}");
    }
    let entries: Vec<Entry<'_>> = (1..)
        .filter_map(NonZeroU32::new)
        .zip(&compared)
        .map(|(number, compared)| Entry { number, arrival: 0, size: 0, overview: &compared.overview })
        .collect();
    for key in TEXTS {
        let ranks = overviews.ranks(key).unwrap();
        let mut sorted: Vec<usize> = (0..ranks.len()).collect();
        sorted.sort_by_key(|at| ranks[*at]);
        let numbers: Vec<usize> = sort(&entries, &[SortCriterion::ascending(key)])
            .into_iter()
            .map(|number| number.get() as usize - 1)
            .collect();
        assert_eq!(sorted, numbers, "{key:?}");
    }
}

fn message() -> impl Strategy<Value = Bytes> {
    (
        "(Subject: (Re: )?[aAb é]{0,4}\r\n)?",
        "(From: ([ab] )?<[abc]@x>\r\n)?",
        "(To: [ab]@x\r\n)?(Cc: [ab]@x\r\n)?",
        "(Date: [12] Jan 1970 23:00:00 -0200\r\n)?",
        "(Message-ID: <[ab]@x>\r\n)?(References:( <[ab]@x>){0,3}\r\n)?",
    )
        .prop_map(|(a, b, c, d, e)| Summary::scan([a, b, c, d, e].concat().as_bytes()).to_bytes())
}

proptest! {
    #[test]
    fn what_is_kept_is_what_the_summaries_say(
        steps in prop::collection::vec(
            (prop::collection::btree_map(0_i64..40, message(), 0..8), any::<u64>(), any::<bool>()), 1..6),
    ) {
        let (mut kept, mut contents) = (Overviews::default(), Contents::new());
        for (new, gone, sorts) in steps {
            // Contents that come with numbers which are there already are those that are there.
            let new: Contents = new
                .into_iter()
                .map(|(blob, stored)| (BlobId(blob), stored))
                .map(|(blob, stored)| (blob, contents.get(&blob).cloned().unwrap_or(stored)))
                .collect();
            contents.extend(new.clone());
            contents.retain(|blob, _| gone >> blob.0 & 1 == 0);
            let blobs: Vec<BlobId> = contents.keys().copied().collect();
            kept = kept.updated(&overviews(&new), &blobs);
            // Ranks that are known are carried on.
            if sorts {
                assert_kept(&kept, &contents);
            }
        }
        assert_kept(&kept, &contents);
    }
}

proptest! {
    #[test]
    fn what_is_read_in_halves_is_what_is_read_at_once(
        messages in prop::collection::btree_map(0_i64..40, message(), 0..12), middle in 0_i64..40,
    ) {
        let mut one: Contents = messages.into_iter().map(|(blob, stored)| (BlobId(blob), stored)).collect();
        let other = one.split_off(&BlobId(middle));
        let mut both = overviews(&one);
        both.append(&overviews(&other));
        // What does not come behind is left out.
        both.append(&overviews(&one));
        let mut all = one;
        all.extend(other);
        assert_kept(&both, &all);
    }
}

#[test]
fn of_a_subject_that_the_envelope_cuts_only_the_header_tells() {
    let header = format!("Subject: {}needle\r\n\r\n", "x".repeat(70_000));
    let stored = Summary::scan(header.as_bytes()).to_bytes();
    let kept = overviews(&Contents::from([(BlobId(1), stored)]));
    assert_eq!(kept.with_subject(&Needle::new("needle")), [None]);
    assert_eq!(kept.with_subject(&Needle::new("x")), [None]);
}
