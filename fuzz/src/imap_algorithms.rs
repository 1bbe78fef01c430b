//! Properties of the server-side algorithms of `posthaste-imap` over any octets: they are total, what is stored comes
//! back, pieces give what the whole gives, and fast answers are those of plain ones.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use bytes::{Bytes, BytesMut};
use posthaste_imap::encode::{self, EncodeContext};
use posthaste_imap::message::{
    Compared, Overview, Record, StructureForm, Summary, TransferDecoder, base_subject, squeeze,
};
use posthaste_imap::search::{BodySearch, Needle};
use posthaste_imap::sort::{Entry, sort};
use posthaste_imap::thread::thread;
use posthaste_imap::types::{FetchItem, SortCriterion, SortKey, ThreadAlgorithm};
use posthaste_imap::view::{Allowed, Update, UpdateForm, View};

use crate::plan::Plan;

/// Summaries: any octets have one; it comes back from its octets; the sizes it promises are those that come out; a
/// body is searched alike in any pieces. Octets that are read as a stored summary are written the same again.
pub fn imap_summary(input: &[u8]) {
    let stored = Bytes::copy_from_slice(input);
    if let Some(summary) = Summary::from_bytes(&stored) {
        assert_eq!(summary.to_bytes(), stored, "two forms of one summary");
        let overview = summary.overview().to_bytes();
        // Behind the version: it is read later than the rest, and is what the octets say.
        let octets = overview.get(1..).unwrap_or_default();
        assert!(input.windows(octets.len()).any(|window| window == octets), "another overview");
        // The same without the parts.
        let compared = Compared::from_bytes(input).expect("a sound summary");
        assert_eq!(compared.overview, summary.overview());
        assert_eq!(compared.subject, summary.envelope().subject.as_deref());
        assert_eq!(compared.sent, summary.envelope().sent());
    }
    Compared::from_bytes(input);
    record_is_told(&stored);
    let Some(plan) = Plan::read(input) else { return };
    let message = plan.octets;
    let summary = Summary::scan(message);
    assert_eq!(Summary::from_bytes(&summary.to_bytes()).as_ref(), Some(&summary));
    let overview = summary.overview();
    assert_eq!(Overview::from_bytes(&overview.to_bytes()), Some(overview));
    assert!(summary.preview().chars().count() <= 200 && !summary.preview().contains(char::is_control));
    for part in summary.parts().filter(|part| part.first_child.is_none()) {
        let decoder = |encoding| TransferDecoder::new(encoding).with_line_ends(part.line_ends());
        let decoded = part.transfer_encoding().map(|encoding| decoder(encoding).rest(part.body.of(message)));
        assert_eq!(decoded.map(|octets| octets.len() as u64), part.decoded);
    }
    for needle in ["", "e", "te"].map(Needle::new) {
        let mut search = BodySearch::new(&summary, &needle);
        let found = plan.pieces().iter().any(|piece| search.push(piece)) || search.finish();
        assert_eq!(found, BodySearch::run(&summary, message, &needle));
    }
    let subject = squeeze(&String::from_utf8_lossy(message));
    let base = base_subject(&subject).text;
    assert_eq!(base_subject(base).text, base);
}

/// What a record tells is what its summary tells, and nothing that is no item where it has none.
fn record_is_told(stored: &Bytes) {
    let Some(record) = Record::from_bytes(stored) else {
        assert_eq!(Summary::from_bytes(stored), None, "a summary that is no record");
        return;
    };
    let context = EncodeContext::default();
    let mut told = BytesMut::new();
    encode::fetch::envelope(&mut told, &record, context);
    encode::fetch::structure(&mut told, &record, StructureForm::Extended, context);
    assert!(!told.contains(&0));
    if let Some(summary) = Summary::from_bytes(stored) {
        let mut expected = BytesMut::new();
        let envelope = FetchItem::Envelope(Box::new(summary.envelope().into()));
        let structure = FetchItem::BodyStructure(Box::new(summary.body_structure(StructureForm::Extended)));
        encode::fetch::item(&mut expected, &envelope, context);
        encode::fetch::item(&mut expected, &structure, context);
        assert_eq!(told, expected);
    }
}

/// Sort and thread: each message is in the answer once, whatever refers to what. Two octets are a message: its id,
/// the subject and what it answers.
pub fn imap_threads(input: &[u8]) {
    let overviews: Vec<Overview<'_>> = input.chunks(4).map(overview).collect();
    let entry = |(number, overview)| Entry { number, arrival: 0, size: 0, overview };
    let entries: Vec<Entry<'_>> = (1..).filter_map(NonZeroU32::new).zip(&overviews).map(entry).collect();
    let all: Vec<NonZeroU32> = entries.iter().map(|entry| entry.number).collect();
    let is_all = |mut numbers: Vec<NonZeroU32>| {
        numbers.sort_unstable();
        assert_eq!(numbers, all);
    };
    is_all(sort(
        &entries,
        &[SortCriterion::reverse(SortKey::Subject), SortCriterion::ascending(SortKey::Date)],
    ));
    for algorithm in [ThreadAlgorithm::References, ThreadAlgorithm::OrderedSubject] {
        let threads = thread(&entries, &algorithm).unwrap_or_default();
        is_all(threads.nodes().iter().filter_map(|node| node.number).collect());
        let written = threads.to_string();
        let numbers = written.split(['(', ')', ' ']).filter(|piece| !piece.is_empty());
        is_all(numbers.map(|number| number.parse().unwrap()).collect());
        assert_eq!(written.matches('(').count(), written.matches(')').count());
    }
}

fn overview(octets: &[u8]) -> Overview<'static> {
    let id = |octet: &u8| vec![octet % 32];
    let mut overview = Overview::default();
    overview.message_id = octets.first().map(|octet| id(octet).into());
    overview.references =
        octets.iter().skip(1).take(2).filter(|octet| **octet < 128).map(|octet| id(octet).into()).collect();
    let kind = octets.get(3).copied().unwrap_or_default();
    overview.subject = ["", "A", "B", "C"][usize::from(kind % 4)].into();
    overview.is_reply = kind & 4 > 0;
    overview.sent = Some(i64::from(kind >> 3));
    overview
}

/// Views: whatever happens in whatever order, the client that is told ends up with what is in the mailbox.
pub fn imap_view(input: &[u8]) {
    let Some((first, steps)) = input.split_first() else { return };
    let mut view = View::new(1..=u32::from(*first));
    let mut mailbox: BTreeSet<u32> = (1..=u32::from(*first)).collect();
    let mut client: Vec<u32> = mailbox.iter().copied().collect();
    let mut next = u32::from(*first);
    view.set_form(if first % 2 == 0 { UpdateForm::Expunge } else { UpdateForm::Vanished });
    for step in steps.iter().chain(&[3]) {
        let uid = mailbox.iter().copied().nth(usize::from(step >> 2));
        match (step % 4, uid) {
            (0, _) => {
                next += 1 + u32::from(step >> 6);
                assert!(view.arrived(next, u64::from(next)));
                mailbox.insert(next);
            }
            (1, Some(uid)) => {
                view.expunged(uid);
                mailbox.remove(&uid);
            }
            (2, Some(uid)) => view.flags_changed(uid, u64::MAX),
            (3, _) => {
                while let Some(update) = view.poll_update(Allowed::All) {
                    match update {
                        Update::Expunge { seq, uid } => {
                            assert_eq!(client.remove(seq.get() as usize - 1), uid.get());
                        }
                        Update::Vanished(uids) => client.retain(|known| uids.iter().all(|uid| uid != *known)),
                        Update::Exists(_) => client = view.uids().collect(),
                        Update::Flags { seq, uid, .. } => {
                            assert_eq!(client[seq.get() as usize - 1], uid.get());
                        }
                    }
                }
                assert!(client.iter().eq(&mailbox), "the client was told something else");
            }
            _ => {}
        }
        assert!(view.uids().eq(client.iter().copied()));
    }
}
