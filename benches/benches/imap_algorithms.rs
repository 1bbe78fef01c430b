//! The server-side algorithms of IMAP at growing sizes, so that a step that is not linear shows in the figures.
//!
//! Every group runs the same work over 1,000 to 1,000,000 messages or names and counts them as elements: the cost of
//! one element should stay nearly the same from line to line. Hostile inputs stand beside plain ones.
#![allow(missing_docs, reason = "criterion_group makes a public function")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot begin is to stop")]

use std::hint::black_box;
use std::num::NonZeroU32;

use bytes::BytesMut;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group};
use posthaste_imap::encode::{self, EncodeContext};
use posthaste_imap::message::{Compared, Envelope, Limits, Overview, StructureForm, Summary};
use posthaste_imap::pattern::{MailboxName, Matcher, Selection, hierarchy_order, list};
use posthaste_imap::search::{BodySearch, Facts, Needle, Program, Scope};
use posthaste_imap::sort::{Entry, sort};
use posthaste_imap::thread::thread;
use posthaste_imap::types::{
    AString, Date, FetchItem, Flag, Response, SearchCommand, SearchKey, SequenceSet, SortCriterion, SortKey,
    ThreadAlgorithm, UidSet,
};
use posthaste_imap::view::{Allowed, History, Resync, UpdateForm, View};

const VIEW_SIZES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];
const SORT_SIZES: [u32; 3] = [1_000, 10_000, 100_000];

fn views(criterion: &mut Criterion) {
    for size in VIEW_SIZES {
        let mut group = criterion.benchmark_group("view");
        group.throughput(Throughput::Elements(size.into()));
        let messages = || (1..=size).map(|uid| (uid, u64::from(uid)));
        group.bench_function(BenchmarkId::new("open", size), |bencher| {
            bencher.iter(|| View::with_mod_seqs(black_box(messages())));
        });
        let view = View::with_mod_seqs(messages());
        group.bench_function(BenchmarkId::new("look-up", size), |bencher| {
            bencher.iter(|| {
                (1..=size).map(|uid| view.seq_of(black_box(uid)).map_or(0, NonZeroU32::get) & 1).sum::<u32>()
            });
        });
        for (name, form) in [("expunge-half", UpdateForm::Expunge), ("vanish-half", UpdateForm::Vanished)] {
            let ready = || {
                let mut view = view.clone();
                view.set_form(form);
                view
            };
            let run = |mut view: View| {
                for uid in (1..=size).step_by(2) {
                    view.expunged(uid);
                }
                while let Some(update) = view.poll_update(Allowed::All) {
                    black_box(update);
                }
                view
            };
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter_batched(ready, run, BatchSize::LargeInput);
            });
        }
        let known = Resync { mod_seq: u64::from(size / 2), known_uids: None, matches: None };
        group.bench_function(BenchmarkId::new("resync", size), |bencher| {
            bencher.iter(|| view.resync(black_box(&known), History::Unknown, size.saturating_mul(2)));
        });
        group.finish();
    }
}

/// Mail of mailing lists: subjects come back, threads have about eight messages.
fn overviews(size: u32) -> Vec<Overview<'static>> {
    let limits = Limits::default();
    let overview = |at: u32| {
        let (topic, reply) = (at / 8, at % 8);
        // Spread, so that neither dates nor names come in order.
        let shuffled = at.wrapping_mul(2_654_435_761) % 86_400;
        let references: String =
            (0..reply).map(|before| format!(" <{topic}.{before}@lists.example>")).collect();
        let mark = if reply > 0 { "Re: " } else { "" };
        let header = format!(
            "From: Person {} <p{}@example.org>\r\nTo: list@lists.example\r\nSubject: {mark}[list] topic {}\r\n\
             Date: {} Mar 2026 {:02}:{:02}:{:02} +0000\r\nMessage-ID: <{topic}.{reply}@lists.example>\r\n\
             References:{references}\r\n\r\n",
            shuffled % 997,
            shuffled % 997,
            topic.wrapping_mul(2_654_435_761) % size,
            shuffled % 28 + 1,
            shuffled / 3600,
            shuffled / 60 % 60,
            shuffled % 60,
        );
        Overview::read(header.as_bytes(), &Envelope::read(header.as_bytes(), &limits), &limits)
    };
    (0..size).map(overview).collect()
}

/// Each message answers the next one, or the one before; or all have one subject.
fn hostile(size: u32, parent: impl Fn(u32) -> Option<u32>) -> Vec<Overview<'static>> {
    let id = |at: u32| format!("{at}@x").into_bytes();
    let overview = |at: u32| {
        let mut overview = Overview::default();
        overview.message_id = Some(id(at).into());
        overview.references = parent(at).map(|at| id(at).into()).into_iter().collect();
        overview.subject = "SAME".into();
        overview
    };
    (0..size).map(overview).collect()
}

fn entries<'a>(overviews: &'a [Overview<'a>]) -> Vec<Entry<'a>> {
    let entry = |(number, overview)| Entry { number, arrival: 0, size: 1, overview };
    (1..).filter_map(NonZeroU32::new).zip(overviews).map(entry).collect()
}

fn sorts(criterion: &mut Criterion) {
    for size in SORT_SIZES {
        let overviews = overviews(size);
        let entries = entries(&overviews);
        let mut group = criterion.benchmark_group("sort");
        group.sample_size(20).throughput(Throughput::Elements(size.into()));
        let up = SortCriterion::ascending;
        for (name, criteria) in [
            ("date", vec![up(SortKey::Date)]),
            ("subject-date", vec![up(SortKey::Subject), up(SortKey::Date)]),
            (
                "displayfrom-reverse-date",
                vec![up(SortKey::DisplayFrom), SortCriterion::reverse(SortKey::Date)],
            ),
        ] {
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter(|| sort(black_box(&entries), &criteria));
            });
        }
        group.finish();
    }
}

fn threads(criterion: &mut Criterion) {
    for size in SORT_SIZES {
        let inputs = [
            ("references", overviews(size), ThreadAlgorithm::References),
            ("orderedsubject", overviews(size), ThreadAlgorithm::OrderedSubject),
            ("chain", hostile(size, |at| at.checked_sub(1)), ThreadAlgorithm::References),
            ("chain-backwards", hostile(size, |at| at.checked_add(1)), ThreadAlgorithm::References),
            ("same-subject", hostile(size, |_| None), ThreadAlgorithm::References),
        ];
        let mut group = criterion.benchmark_group("thread");
        group.sample_size(20).throughput(Throughput::Elements(size.into()));
        for (name, overviews, algorithm) in inputs {
            let entries = entries(&overviews);
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter(|| thread(black_box(&entries), &algorithm).map(|threads| threads.to_string()));
            });
        }
        group.finish();
    }
}

struct Message(u32);

impl Facts for Message {
    fn seq(&self) -> u32 {
        self.0
    }
    fn uid(&self) -> u32 {
        self.0
    }
    fn has_flag(&self, flag: &Flag) -> bool {
        *flag == Flag::Seen && self.0.is_multiple_of(3)
    }
    fn internal_date(&self) -> Option<Date> {
        Date::new(2026, 3, 1).ok()
    }
    fn size(&self) -> u64 {
        self.0.into()
    }
    fn sent_date(&self) -> Option<Option<Date>> {
        None
    }
    fn field_contains(&self, _name: &str, _needle: &Needle) -> Option<bool> {
        None
    }
    fn body_contains(&self, _needle: &Needle) -> Option<bool> {
        None
    }
}

fn searches(criterion: &mut Criterion) {
    let saved = UidSet::default();
    let text = |text: &'static str| AString::new(text).unwrap();
    let keys = vec![
        SearchKey::Text(text("x")),
        SearchKey::Or(Box::new(SearchKey::Unseen), Box::new(SearchKey::Larger(1_000))),
        SearchKey::Not(Box::new(SearchKey::Uid(SequenceSet::single(NonZeroU32::MIN)))),
    ];
    let command = SearchCommand { returns: None, charset: None, keys };
    for size in VIEW_SIZES {
        let scope = Scope { largest_seq: size, largest_uid: size, saved: &saved, now: 0 };
        let program = Program::new(&command, &scope).unwrap();
        let mut group = criterion.benchmark_group("search");
        group.throughput(Throughput::Elements(size.into()));
        group.bench_function(BenchmarkId::new("metadata", size), |bencher| {
            bencher.iter(|| (1..=size).filter(|uid| program.test(&Message(*uid)).is_none()).count());
        });
        group.finish();
    }
    let line = "The quick brown fox jumps over the lazy dog, Größe und alles. \r\n";
    let message = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{}", line.repeat(16_384));
    let (summary, needle) = (Summary::scan(message.as_bytes()), Needle::new("nowhere"));
    let mut group = criterion.benchmark_group("search");
    group.throughput(Throughput::Bytes(u64::try_from(message.len()).unwrap()));
    group.bench_function("body-one-mebibyte", |bencher| {
        bencher.iter(|| BodySearch::run(&summary, black_box(message.as_bytes()), &needle));
    });
    group.finish();
}

fn patterns(criterion: &mut Criterion) {
    for size in SORT_SIZES {
        let texts: Vec<String> =
            (0..size).map(|at| format!("lists/{}/{}/archive {at}", at / 1_000, at / 10)).collect();
        let mut names: Vec<MailboxName<'_>> =
            texts.iter().map(|name| MailboxName { name, exists: true, subscribed: true }).collect();
        names.sort_by(|one, other| hierarchy_order(one.name, other.name, '/'));
        let mut group = criterion.benchmark_group("list");
        group.sample_size(20).throughput(Throughput::Elements(size.into()));
        let hostile = "*a%".repeat(20);
        for (name, pattern) in
            [("everything", "*"), ("level", "%"), ("mixed", "*%*%*%"), ("twenty-wildcards", &hostile)]
        {
            let patterns = [Matcher::new("", pattern, '/')];
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter(|| list(black_box(&names), &patterns, Selection::Existing, '/'));
            });
        }
        group.finish();
    }
}

fn summaries(criterion: &mut Criterion) {
    let part = "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    for size in [16_u64, 256, 4_096] {
        let octets = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwAD\r\n"
            .repeat(usize::try_from(size).unwrap());
        let message = format!(
            "Subject: Re: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n{part}{octets}--b--\r\n"
        );
        let mut group = criterion.benchmark_group("summary");
        group.throughput(Throughput::Bytes(u64::try_from(message.len()).unwrap()));
        group.bench_function(BenchmarkId::new("scan-lines", size), |bencher| {
            bencher.iter(|| Summary::scan(black_box(message.as_bytes())));
        });
        group.finish();
    }
}

/// What a FETCH of ENVELOPE and BODYSTRUCTURE does for a row whose summary the store has at hand.
fn stored_summaries(criterion: &mut Criterion) {
    let message = "Date: Mon, 2 Mar 2026 09:30:00 +0100\r\nFrom: Jane Doe <jane.doe@example.org>\r\n\
        To: Joe Public <joe@example.com>, \"Public, Ann\" <ann@example.com>\r\nCc: team@example.com\r\n\
        Subject: Minutes of the meeting\r\nMessage-ID: <20260302083000.1@example.org>\r\n\
        In-Reply-To: <20260301120000.7@example.com>\r\nReferences: <20260301120000.7@example.com>\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
        Content-Type: text/plain; charset=utf-8\r\n\r\nHello,\r\n\r\nthey are attached.\r\n--b\r\n\
        Content-Type: application/pdf; name=\"minutes.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\
        Content-Disposition: attachment; filename=\"minutes.pdf\"\r\n\r\naGVsbG8=\r\n--b\r\n\
        Content-Type: image/png; name=\"board.png\"\r\nContent-Transfer-Encoding: base64\r\n\
        Content-Disposition: attachment; filename=\"board.png\"\r\n\r\naGVsbG8=\r\n--b--\r\n";
    let stored = Summary::scan(message.as_bytes()).to_bytes();
    let mut line = BytesMut::with_capacity(8 * 1024);
    let mut group = criterion.benchmark_group("summary");
    group.throughput(Throughput::Elements(1));
    group.bench_function("stored-read", |bencher| {
        bencher.iter(|| Summary::from_bytes(black_box(&stored)).unwrap());
    });
    group.bench_function("stored-compared", |bencher| {
        bencher.iter(|| Compared::from_bytes(black_box(&stored)).unwrap());
    });
    group.bench_function("stored-told", |bencher| {
        bencher.iter(|| {
            let summary = Summary::from_bytes(black_box(&stored)).unwrap();
            let items = vec![
                FetchItem::Envelope(Box::new(summary.envelope().into())),
                FetchItem::BodyStructure(Box::new(summary.body_structure(StructureForm::Extended))),
            ];
            line.clear();
            let row = Response::Fetch(NonZeroU32::MIN, items);
            encode::response(&mut line, &row, EncodeContext::default());
            line.len()
        });
    });
    group.bench_function("scan-multipart", |bencher| {
        bencher.iter(|| Summary::scan(black_box(message.as_bytes())));
    });
    group.finish();
}

criterion_group!(algorithms, views, sorts, threads, searches, patterns, summaries, stored_summaries);

fn main() {
    algorithms();
    Criterion::default().configure_from_args().final_summary();
}
