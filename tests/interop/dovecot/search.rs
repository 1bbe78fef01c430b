//! Which messages a search finds, and in which order and threads they come: Dovecot's answer and ours.

use std::num::NonZeroU32;

use posthaste_imap::client::Event;
use posthaste_imap::message::{Overview, Summary};
use posthaste_imap::search::{BodySearch, Facts, Needle, Program, Scope, field_contains};
use posthaste_imap::sort::{Entry, sort};
use posthaste_imap::thread::thread;
use posthaste_imap::types::{Command, Date, DateTime, Flag, Flags, ThreadAlgorithm, UidSet};

use super::session::command;
use super::{ALICE, Dovecot, Session, run};

/// A message as it was stored.
struct Stored {
    number: u32,
    flags: Flags,
    date: DateTime,
    octets: Vec<u8>,
    summary: Summary,
    overview: Overview<'static>,
}

impl Facts for Stored {
    fn seq(&self) -> u32 {
        self.number
    }
    fn uid(&self) -> u32 {
        self.number
    }
    fn has_flag(&self, flag: &Flag) -> bool {
        self.flags.contains(flag)
    }
    fn internal_date(&self) -> Option<Date> {
        Some(self.date.date())
    }
    fn size(&self) -> u64 {
        self.octets.len() as u64
    }
    fn sent_date(&self) -> Option<Option<Date>> {
        let sent = self.summary.envelope().sent();
        Some(sent.and_then(|sent| Date::from_unix_days(sent.local_day()).ok()))
    }
    fn field_contains(&self, name: &str, needle: &Needle) -> Option<bool> {
        Some(field_contains(self.summary.root().header.of(&self.octets), name, needle))
    }
    fn body_contains(&self, needle: &Needle) -> Option<bool> {
        Some(BodySearch::run(&self.summary, &self.octets, needle))
    }
}

/// Fills the INBOX with messages of several threads, and selects it.
async fn fill(session: &mut Session) -> Vec<Stored> {
    let mut all = Vec::new();
    for (header, body) in MESSAGES {
        let number = u32::try_from(all.len()).unwrap() + 1;
        let octets = format!("{header}\r\n{body}").into_bytes();
        let mut flags = Flags::new();
        for (flag, every) in [(Flag::Seen, 2), (Flag::Flagged, 3), (Flag::Answered, 5), (Flag::Deleted, 7)] {
            if number % every == 0 {
                flags.insert(&flag);
            }
        }
        if number % 4 == 0 {
            flags.insert(&Flag::new("$label").unwrap());
        }
        // Days go down as numbers go up, all at noon of UTC: Dovecot compares days in its own zone.
        let day = Date::new(2026, 9, u8::try_from(30 - number).unwrap()).unwrap();
        let date = DateTime::new(day, 12, 0, 0, 0).unwrap();
        let uid = session.append_with("INBOX", flags.iter().collect(), Some(date), &octets).await;
        assert_eq!(uid.get(), number, "UIDs are counted from 1 in a new mailbox");
        let summary = Summary::scan(&octets);
        let overview = summary.overview().into_owned();
        all.push(Stored { number, flags, date, octets, summary, overview });
    }
    session.run("SELECT INBOX").await;
    all
}

fn entries(all: &[Stored]) -> Vec<Entry<'_>> {
    all.iter()
        .map(|stored| Entry {
            number: NonZeroU32::new(stored.number).unwrap(),
            arrival: stored.date.unix_seconds(),
            size: stored.octets.len() as u64,
            overview: &stored.overview,
        })
        .collect()
}

/// What this workspace finds.
fn found(all: &[Stored], text: &str) -> Vec<u32> {
    let Command::Search(_, search) = command(text) else { panic!("{text} is no search") };
    let largest = u32::try_from(all.len()).unwrap();
    let saved = UidSet::new([]);
    let scope = Scope { largest_seq: largest, largest_uid: largest, saved: &saved, now: NOW };
    let program = Program::new(&search, &scope).unwrap();
    all.iter().filter(|stored| program.test(*stored).unwrap()).map(|stored| stored.number).collect()
}

#[test]
fn dovecot_finds_what_we_find() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut session = dovecot.session(ALICE).await;
        let all = fill(&mut session).await;
        for keys in SEARCHES {
            let text = format!("UID SEARCH {keys}");
            let (theirs, ours) = (session.numbers(&text).await, found(&all, &text));
            assert_eq!(theirs, ours, "{text}");
        }
        for (keys, answer) in OTHERWISE {
            let text = format!("UID SEARCH {keys}");
            assert_eq!(session.numbers(&text).await, *answer, "{text}");
            assert_ne!(found(&all, &text), *answer, "{text}");
        }
        // RFC 4731
        let events = session.run("UID SEARCH RETURN (MIN MAX COUNT ALL) FLAGGED").await;
        let Some(Event::Esearch(answer)) =
            events.into_iter().find(|event| matches!(event, Event::Esearch(_)))
        else {
            panic!("no ESEARCH")
        };
        let ours = found(&all, "UID SEARCH FLAGGED");
        let numbers: Vec<u32> = answer.all.unwrap().resolve(u32::MAX).into_iter().flatten().collect();
        assert_eq!(numbers, ours);
        assert_eq!(answer.min.map(NonZeroU32::get), ours.first().copied());
        assert_eq!(answer.max.map(NonZeroU32::get), ours.last().copied());
        assert_eq!(answer.count, u32::try_from(ours.len()).ok());
        // RFC 5182
        session.run("UID SEARCH RETURN (SAVE) SEEN").await;
        assert_eq!(session.numbers("UID SEARCH $ FLAGGED").await, found(&all, "UID SEARCH SEEN FLAGGED"));
    });
}

#[test]
fn dovecot_sorts_as_we_sort() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut session = dovecot.session(ALICE).await;
        let all = fill(&mut session).await;
        for criteria in SORTS {
            let text = format!("UID SORT ({criteria}) UTF-8 ALL");
            let Command::Sort(_, parsed) = command(&text) else { panic!("{text} is no sort") };
            let ours: Vec<u32> =
                sort(&entries(&all), &parsed.criteria).into_iter().map(NonZeroU32::get).collect();
            assert_eq!(session.numbers(&text).await, ours, "{text}");
        }
    });
}

#[test]
fn dovecot_threads_as_we_thread() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut session = dovecot.session(ALICE).await;
        let all = fill(&mut session).await;
        for (name, algorithm) in
            [("REFERENCES", ThreadAlgorithm::References), ("ORDEREDSUBJECT", ThreadAlgorithm::OrderedSubject)]
        {
            let offered = format!("THREAD={name}");
            assert!(session.machine().has_capability(&offered), "{offered}");
            let events = session.run(&format!("UID THREAD {name} UTF-8 ALL")).await;
            let theirs = events.into_iter().find_map(|event| match event {
                Event::Thread(threads) => Some(threads),
                _ => None,
            });
            assert_eq!(theirs, thread(&entries(&all), &algorithm), "{name}");
        }
    });
}

/// 2026-10-01, in seconds: only for keys that count from now, which are not asked.
const NOW: i64 = 1_790_812_800;

const SEARCHES: &[&str] = &[
    "ALL",
    "SEEN",
    "UNSEEN FLAGGED",
    "OR ANSWERED DELETED",
    "NOT (OR SEEN (FLAGGED ANSWERED))",
    "KEYWORD $label UNDELETED",
    "UNKEYWORD $label",
    "2:4,6:*",
    "UID 3:5 NOT 4",
    "BEFORE 24-Sep-2026",
    "ON 24-Sep-2026",
    "SINCE 24-Sep-2026",
    "SENTBEFORE 3-Oct-2026 HEADER Date \"\"",
    "SENTON 3-Oct-2026",
    "SENTSINCE 3-Oct-2026",
    "LARGER 200",
    "SMALLER 200",
    "FROM ann",
    "FROM \"Ann Example\"",
    "TO bob@example.test CC carol",
    "BCC dave",
    "SUBJECT launch",
    "SUBJECT \"\"",
    "HEADER X-Mailer \"\"",
    "HEADER X-Mailer paper",
    "HEADER Message-ID <3@",
    "BODY tea",
    "BODY \"with milk\"",
    "TEXT milk",
    "TEXT example.test NOT BODY milk",
    "CHARSET UTF-8 SUBJECT {7}\r\ngr\u{fc}\u{df}e",
    "CHARSET UTF-8 BODY {7}\r\nGR\u{dc}\u{df}E",
    "CHARSET UTF-8 TEXT {8}\r\nd\u{e9}j\u{e0} v",
    "CHARSET US-ASCII BODY tea",
    "BODY encoded",
    "BODY attached",
];

/// What Dovecot answers otherwise, and with what.
const OTHERWISE: &[(&str, &[u32])] = &[
    // A message without a date was sent before all days there, and on no day here. The RFCs do not say.
    ("SENTBEFORE 1-Jan-2000", &[6]),
    // The header of an enclosed message is no text of the body there.
    ("BODY inside", &[]),
];

const SORTS: &[&str] = &[
    "ARRIVAL",
    "REVERSE ARRIVAL",
    "DATE",
    "REVERSE DATE",
    "SUBJECT",
    "SUBJECT REVERSE DATE",
    "REVERSE SUBJECT DATE",
    "FROM",
    "FROM SIZE",
    "TO",
    "CC ARRIVAL",
    "SIZE",
    "REVERSE SIZE",
    "DISPLAYFROM",
    "DISPLAYTO DATE",
];

/// Header and body of each.
const MESSAGES: &[(&str, &str)] = &[
    (
        "From: Ann Example <ann@example.test>\r\nTo: bob@example.test\r\nSubject: launch\r\n\
         Date: Thu, 1 Oct 2026 10:00:00 +0000\r\nMessage-ID: <1@example.test>\r\n",
        "tea with milk\r\n",
    ),
    (
        "From: Bob <bob@example.test>\r\nTo: ann@example.test\r\nCc: carol@example.test\r\nSubject: Re: launch\r\n\
         Date: Thu, 1 Oct 2026 12:00:00 +0200\r\nMessage-ID: <2@example.test>\r\nIn-Reply-To: <1@example.test>\r\n",
        "coffee\r\n",
    ),
    (
        "From: carol@example.test\r\nTo: ann@example.test, bob@example.test\r\nSubject: RE: Re: launch (fwd)\r\n\
         Date: Fri, 2 Oct 2026 23:30:00 -0500\r\nMessage-ID: <3@example.test>\r\n\
         References: <1@example.test> <2@example.test>\r\n",
        "tea with\r\nmilk\r\n",
    ),
    (
        "From: dave@example.test\r\nTo: bob@example.test\r\nCc: carol@example.test\r\nBcc: dave@example.test\r\n\
         Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Sat, 3 Oct 2026 01:00:00 +0900\r\n\
         Message-ID: <4@example.test>\r\nX-Mailer: paper 1.0\r\n",
        "nothing\r\n",
    ),
    (
        "From: =?iso-8859-1?q?D=E9j=E0?= <deja@example.test>\r\nTo: \"A, B\" <ab@example.test>\r\n\
         Subject: =?iso-8859-1?q?d=E9j=E0_vu?=\r\nDate: Sat, 3 Oct 2026 10:00:00 +0000\r\n\
         Message-ID: <5@example.test>\r\nReferences: <4@example.test>\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n",
        "Liebe Gr\u{fc}\u{df}e\r\n",
    ),
    (
        "From: ann@example.test\r\nTo: bob@example.test\r\nSubject: [list] launch\r\n\
         Message-ID: <6@example.test>\r\nReferences: <missing@example.test>\r\n",
        "no date\r\n",
    ),
    (
        "From: zoe@example.test\r\nSubject: Re: [list] launch\r\nDate: Sun, 4 Oct 2026 10:00:00 +0000\r\n\
         Message-ID: <7@example.test>\r\nReferences: <missing@example.test> <6@example.test>\r\nX-Mailer:\r\n",
        "late\r\n",
    ),
    ("From: nobody@example.test\r\nDate: Mon, 5 Oct 2026 10:00:00 +0000\r\n", "no subject, no id\r\n"),
    (
        "From: ann@example.test\r\nSubject: attachments\r\nDate: Mon, 5 Oct 2026 11:00:00 +0000\r\n\
         Message-ID: <9@example.test>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n",
        "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nZW5jb2RlZA==\r\n--b\r\n\
         Content-Type: message/rfc822\r\n\r\nSubject: inside\r\n\r\nattached\r\n--b--\r\n",
    ),
    (
        "From: ann@example.test\r\nSubject: launch\r\nDate: Tue, 6 Oct 2026 10:00:00 +0000\r\n\
         Message-ID: <10@example.test>\r\n",
        "the same subject, another thread by references\r\n",
    ),
    (
        "From: bob@example.test\r\nSubject: other words\r\nDate: Tue, 6 Oct 2026 11:00:00 +0000\r\n\
         Message-ID: <11@example.test>\r\nIn-Reply-To: <10@example.test>\r\n",
        "an answer\r\n",
    ),
    (
        "From: bob@example.test\r\nSubject: Fwd: other words\r\nDate: Tue, 6 Oct 2026 09:00:00 +0000\r\n\
         Message-ID: <12@example.test>\r\nReferences: <10@example.test> <11@example.test>\r\n",
        "before what it answers\r\n",
    ),
    (
        "From: eve@example.test\r\nSubject: twice\r\nDate: Wed, 7 Oct 2026 10:00:00 +0000\r\n\
         Message-ID: <1@example.test>\r\n",
        "an id that was taken\r\n",
    ),
    (
        "From: eve@example.test\r\nSubject: Re:\r\nDate: Wed, 7 Oct 2026 11:00:00 +0000\r\n\
         Message-ID: <14@example.test>\r\nReferences: <14@example.test>\r\n",
        "refers to itself\r\n",
    ),
];
