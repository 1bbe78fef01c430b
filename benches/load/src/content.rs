//! Messages that are made from a seed and a number: the same octets whenever they are asked for.
//!
//! They look like mail: threads, dates out of order, subjects in several alphabets (RFC 2047), plain text, alternatives,
//! and attachments. The Message-ID says what a message was made from, so that a copy of any of them can be checked
//! without knowing where it came from. Lines end in CR LF, all octets are ASCII.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use posthaste_imap::types::DateTime;

/// Adds to a string, which cannot fail.
macro_rules! put {
    ($text:expr, $($format:tt)*) => {{
        let _ = write!($text, $($format)*);
    }};
}

/// What a message is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// Of the run.
    pub seed: u64,
    /// Of the message, from 0.
    pub number: u64,
    /// How large it is, and those it refers to.
    pub size: Size,
}

/// How large messages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// All of them so many octets, where the header alone has no more; one less where that leaves no room for a line.
    Fixed(u64),
    /// As in a mailbox: most a few kilobytes, some a few dozen, six on the average.
    Mixed,
}

impl Id {
    /// The message of this number in a run.
    pub const fn new(seed: u64, number: u64, size: Size) -> Self {
        Self { seed, number, size }
    }

    /// How many octets it is to have.
    fn octets(self) -> u64 {
        match self.size {
            Size::Fixed(octets) => octets,
            Size::Mixed => {
                let mut dice = Dice::new(self.seed, self.number, SIZE);
                match dice.below(20) {
                    0 => dice.between(30_000, 60_000),
                    1..=5 => dice.between(4_500, 12_000),
                    _ => dice.between(1_500, 4_500),
                }
            }
        }
    }

    /// What a Message-ID says, in its angle brackets or without; `None` for one of somebody else.
    pub fn parse(message_id: &str) -> Option<Self> {
        let inner = message_id.trim().trim_start_matches('<').trim_end_matches('>');
        let (left, host) = inner.split_once('@')?;
        let mut fields = left.split('.');
        let seed = u64::from_str_radix(fields.next()?, 16).ok()?;
        let number = fields.next()?.parse().ok()?;
        let size = match fields.next()? {
            MIXED => Size::Mixed,
            octets => Size::Fixed(octets.parse().ok()?),
        };
        (host == HOST && fields.next().is_none()).then_some(Self { seed, number, size })
    }

    /// What stands in the header of a message, as far as the first Message-ID in it is one of ours.
    pub fn of_header(header: &[u8]) -> Option<Self> {
        let mut rest = header;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end.saturating_add(1));
            let (line, after) = rest.split_at_checked(end)?;
            rest = after;
            match line.split_at_checked(MESSAGE_ID.len()) {
                Some((name, value)) if name.eq_ignore_ascii_case(MESSAGE_ID.as_bytes()) => {
                    return Self::parse(std::str::from_utf8(value).ok()?);
                }
                // The body begins.
                None if line.trim_ascii_end().is_empty() => return None,
                _ => {}
            }
        }
        None
    }

    /// The message that this one answers, where it answers one.
    fn parent(self) -> Option<Self> {
        let mut dice = Dice::new(self.seed, self.number, THREAD);
        let back = dice.between(1, 20);
        let answers = dice.below(10) < 6;
        let number = self.number.checked_sub(back).filter(|_| answers)?;
        Some(Self::new(self.seed, number, self.size))
    }

    /// What its Date field says, in seconds since 1970: mostly later than of those before.
    pub fn date(self) -> u64 {
        let late = Dice::new(self.seed, self.number, DATE).below(6 * 60 * 60);
        FIRST_DATE.saturating_add(self.number.wrapping_mul(600) % SPAN).saturating_add(late)
    }

    /// Whether [`NEEDLE`] is in its subject.
    pub const fn has_needle(self) -> bool {
        self.number % 100 == 7
    }

    /// Whether [`STRAW`] is in its body.
    pub const fn has_straw(self) -> bool {
        self.number % 50 == 3
    }

    /// All its octets. The last are CR LF.
    pub fn message(self) -> Bytes {
        self.build().into()
    }

    /// Whether the octets that a server gives back are those of this message, with what servers put in front.
    pub fn is_whole(self, received: &[u8]) -> bool {
        is_whole(&self.message(), received)
    }

    fn build(self) -> String {
        let octets = usize::try_from(self.octets()).unwrap_or(usize::MAX);
        let mut dice = Dice::new(self.seed, self.number, BODY);
        let mut text = String::with_capacity(octets.clamp(ROOM_MIN, ROOM_MAX));
        self.put_header(&mut text);
        let kind = dice.below(10);
        let mut body = String::new();
        if self.has_straw() {
            put!(body, "There is a {STRAW} in this one.\r\n");
        }
        let boundary = format!("=_{:x}_{}", self.seed, self.number);
        // What stands between the parts that are filled, and behind them.
        let (mut middle, mut end) = (None, String::new());
        match kind {
            0..=5 => put!(text, "Content-Type: text/plain; charset=us-ascii\r\n\r\n{body}"),
            6 | 7 => {
                put!(text, "Content-Type: multipart/alternative; boundary=\"{boundary}\"\r\n\r\n");
                put!(text, "--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{body}");
                middle = Some(format!(
                    "\r\n--{boundary}\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n<p>\r\n"
                ));
                put!(end, "</p>\r\n--{boundary}--\r\n");
            }
            8 => {
                let words = dice.pick(&ALPHABETS);
                let encoded = STANDARD.encode(format!("{body}{words} {words}.\r\n"));
                put!(text, "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n");
                put!(
                    text,
                    "--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                );
                push_folded(&mut text, &encoded);
                put!(text, "--{boundary}\r\nContent-Type: text/plain\r\n\r\n");
                put!(end, "\r\n--{boundary}--\r\n");
            }
            _ => {
                put!(text, "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n");
                put!(text, "--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{body}");
                put!(
                    text,
                    "See what is attached.\r\n--{boundary}\r\nContent-Type: application/octet-stream; name=\"n{0}.bin\"\r\n\
                     Content-Disposition: attachment; filename=\"n{0}.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n",
                    self.number
                );
                put!(end, "\r\n--{boundary}--\r\n");
            }
        }
        let fixed = [text.len(), middle.as_ref().map_or(0, String::len), end.len()];
        let fixed = fixed.into_iter().fold(0, usize::saturating_add);
        // The end of a line has two octets.
        let filler = Some(octets.saturating_sub(fixed)).filter(|missing| *missing > 1).unwrap_or(0);
        match middle {
            Some(middle) => {
                dice.fill(&mut text, filler / 2);
                text.push_str(&middle);
                dice.fill(&mut text, filler.saturating_sub(filler / 2));
            }
            None if kind == 9 => dice.fill_base64(&mut text, filler),
            None => dice.fill(&mut text, filler),
        }
        text.push_str(&end);
        text
    }

    fn put_header(self, text: &mut String) {
        let mut dice = Dice::new(self.seed, self.number, HEADER);
        let (first, last) = (dice.pick(&FIRST_NAMES), dice.pick(&LAST_NAMES));
        let (to, colleague) = (dice.pick(&FIRST_NAMES), dice.pick(&LAST_NAMES));
        put!(
            text,
            "From: {first} {last} <{}.{}@load.example>\r\n",
            first.to_ascii_lowercase(),
            last.to_ascii_lowercase()
        );
        put!(text, "To: {to} <{}@load.example>\r\n", to.to_ascii_lowercase());
        if dice.below(4) == 0 {
            put!(text, "Cc: {colleague} <{}@load.example>\r\n", colleague.to_ascii_lowercase());
        }
        let ancestors = self.ancestors();
        text.push_str("Subject: ");
        if !ancestors.is_empty() {
            text.push_str("Re: ");
        }
        // Of the message that the thread began with, as far as references go.
        ancestors.last().copied().unwrap_or(self).put_subject(text);
        if self.has_needle() {
            put!(text, " {NEEDLE}");
        }
        put!(text, "\r\nDate: {}\r\n{MESSAGE_ID} {self}\r\n", rfc5322(self.date()));
        if let Some(parent) = ancestors.first() {
            put!(text, "In-Reply-To: {parent}\r\nReferences:");
            for ancestor in parent.ancestors().iter().rev() {
                put!(text, " {ancestor}\r\n");
            }
            put!(text, " {parent}\r\n");
        }
        text.push_str("MIME-Version: 1.0\r\n");
    }

    fn ancestors(self) -> Vec<Self> {
        let mut found = Vec::new();
        let mut at = self;
        while let Some(parent) = at.parent().filter(|_| found.len() < REFERENCES_MAX) {
            found.push(parent);
            at = parent;
        }
        found
    }

    fn put_subject(self, text: &mut String) {
        let mut dice = Dice::new(self.seed, self.number, SUBJECT);
        if dice.below(4) > 0 {
            let (one, other) = (dice.pick(&WORDS), dice.pick(&WORDS));
            put!(text, "{one} {other} {}", dice.below(1000));
        } else {
            put!(text, "=?utf-8?B?{}?=", STANDARD.encode(dice.pick(&ALPHABETS)));
        }
    }

    /// The internal date that goes with its Date field.
    pub fn internal_date(self) -> Option<DateTime> {
        DateTime::from_unix_seconds(i64::try_from(self.date()).ok()?, 0).ok()
    }
}

/// As its Message-ID has it.
impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{:x}.{}.", self.seed, self.number)?;
        match self.size {
            Size::Fixed(octets) => write!(f, "{octets}@{HOST}>"),
            Size::Mixed => write!(f, "{MIXED}@{HOST}>"),
        }
    }
}

/// Messages that were made already, for those that are read again and again.
#[derive(Debug, Default)]
pub struct Made {
    messages: BTreeMap<Id, Bytes>,
    octets: usize,
}

impl Made {
    /// As [`Id::is_whole`].
    pub fn is_whole(&mut self, id: Id, received: &[u8]) -> bool {
        if let Some(message) = self.messages.get(&id) {
            return is_whole(message, received);
        }
        let message = id.message();
        let whole = is_whole(&message, received);
        self.octets = self.octets.saturating_add(message.len());
        if self.octets <= MADE_MAX {
            self.messages.insert(id, message);
        }
        whole
    }
}

fn is_whole(message: &[u8], received: &[u8]) -> bool {
    received.strip_suffix(message).is_some_and(|front| front.is_empty() || front.ends_with(b"\r\n"))
}

/// Random numbers that are the same every time (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn new(seed: u64, number: u64, purpose: u64) -> Self {
        let mut dice = Self(seed ^ purpose.wrapping_mul(0x9e6c_63d0_876a_9a47));
        let mixed = dice.next();
        Self(mixed ^ number)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }

    fn between(&mut self, first: u64, end: u64) -> u64 {
        first.saturating_add(self.below(end.saturating_sub(first)))
    }

    fn pick<'a>(&mut self, among: &[&'a str]) -> &'a str {
        let count = u64::try_from(among.len()).unwrap_or(1);
        let index = usize::try_from(self.below(count)).unwrap_or(0);
        among.get(index).copied().unwrap_or_default()
    }

    /// Exactly so many octets of words in lines.
    fn fill(&mut self, text: &mut String, octets: usize) {
        let end = text.len().saturating_add(octets);
        let mut line = 0_usize;
        while text.len() < end {
            let left = end.saturating_sub(text.len());
            let word = self.pick(&WORDS);
            // A line that is begun can always be ended.
            if line > 60 && left >= 4 {
                text.push_str("\r\n");
                line = 0;
            } else if left <= word.len().saturating_add(3) {
                text.push_str(&".".repeat(left.saturating_sub(2)));
                text.push_str(if left >= 2 { "\r\n" } else { "." });
            } else {
                text.push_str(word);
                text.push(' ');
                line = line.saturating_add(word.len()).saturating_add(1);
            }
        }
    }

    /// Exactly so many octets of what base64 looks like, in lines.
    fn fill_base64(&mut self, text: &mut String, octets: usize) {
        let end = text.len().saturating_add(octets);
        let mut encoded = String::new();
        while text.len() < end {
            let left = end.saturating_sub(text.len());
            let mut raw = [0; 56];
            raw.chunks_exact_mut(8).for_each(|eight| eight.copy_from_slice(&self.next().to_le_bytes()));
            encoded.clear();
            STANDARD.encode_string(raw, &mut encoded);
            let line = encoded.get(..left.saturating_sub(2).min(76).min(encoded.len())).unwrap_or_default();
            text.push_str(line);
            text.push_str(if left >= 2 { "\r\n" } else { "=" });
        }
    }
}

fn push_folded(text: &mut String, encoded: &str) {
    let mut rest = encoded;
    while let Some((line, after)) = rest.split_at_checked(76) {
        text.push_str(line);
        text.push_str("\r\n");
        rest = after;
    }
    text.push_str(rest);
    text.push_str("\r\n");
}

/// A moment as a Date field has it (RFC 5322 3.3), in UTC.
fn rfc5322(seconds: u64) -> String {
    let days = seconds / 86_400;
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let date = posthaste_imap::types::Date::from_unix_days(i64::try_from(days).unwrap_or(0));
    let (year, month, day) = date.map_or((1970, 1, 1), |date| (date.year(), date.month(), date.day()));
    let name = |names: &[&'static str], index: u64| {
        usize::try_from(index).ok().and_then(|index| names.get(index).copied()).unwrap_or("Jan")
    };
    // The first of January 1970 was a Thursday.
    let weekday = name(&["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"], days % 7);
    let month = name(&MONTHS, u64::from(month).saturating_sub(1));
    format!("{weekday}, {day} {month} {year} {hour:02}:{minute:02}:{second:02} +0000")
}

/// The word that one subject of a hundred has.
pub const NEEDLE: &str = "needlework";

/// The word that one body of fifty has.
pub const STRAW: &str = "strawberry";

/// The field that says what a message was made from.
const MESSAGE_ID: &str = "Message-ID:";

const HOST: &str = "load.example";

/// So many octets of messages are kept that were made.
const MADE_MAX: usize = 16 * 1024 * 1024;

/// Room for the header of a message; and so much is given to one before it is made.
const ROOM_MIN: usize = 1024;
const ROOM_MAX: usize = 1024 * 1024;

/// What a Message-ID says of the size where that is none in particular.
const MIXED: &str = "mixed";

/// How many messages References goes back.
const REFERENCES_MAX: usize = 8;

/// The first of January 2022.
const FIRST_DATE: u64 = 1_640_995_200;

/// Dates begin anew after four years.
const SPAN: u64 = 4 * 365 * 86_400;

// What the dice are for.
const SIZE: u64 = 1;
const THREAD: u64 = 2;
const DATE: u64 = 3;
const BODY: u64 = 4;
const HEADER: u64 = 5;
const SUBJECT: u64 = 6;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const FIRST_NAMES: [&str; 10] =
    ["Ada", "Boris", "Carla", "Dmitri", "Elena", "Farid", "Grete", "Hiroshi", "Ines", "Jonas"];

const LAST_NAMES: [&str; 10] =
    ["Abbott", "Berger", "Castro", "Dubois", "Evans", "Fischer", "Gruber", "Hansen", "Ito", "Jensen"];

const WORDS: [&str; 40] = [
    "about", "agenda", "agree", "answer", "attached", "because", "before", "budget", "change", "contract",
    "customer", "deadline", "delivery", "document", "draft", "estimate", "family", "figures", "holiday",
    "invoice", "kitchen", "letter", "meeting", "minutes", "morning", "office", "order", "people", "please",
    "project", "question", "reminder", "report", "schedule", "summer", "thanks", "ticket", "tomorrow",
    "travel", "winter",
];

const ALPHABETS: [&str; 6] = [
    "Grüße aus Köln, schöne Straße",
    "Καλημέρα σας, η προσφορά",
    "Доброе утро, новый договор",
    "会議の議事録を送ります",
    "مرحبا، جدول الأعمال",
    "Zażółć gęślą jaźń",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_message_has_its_size_its_name_and_lines() {
        for number in 0..300 {
            for size in [Size::Fixed(2048), Size::Fixed(1800 + number), Size::Mixed] {
                let id = Id::new(7, number, size);
                let message = id.message();
                assert!(id.octets() - message.len() as u64 <= 1, "{id}");
                assert_eq!(Id::of_header(&message), Some(id));
                assert_eq!(message, id.message());
                let text = std::str::from_utf8(&message).unwrap();
                assert!(text.is_ascii() && text.ends_with("\r\n") && text.contains("\r\n\r\n"));
                assert_eq!(text.matches('\r').count(), text.split("\r\n").count() - 1);
                assert_eq!(text.matches('\n').count(), text.split("\r\n").count() - 1);
                assert!(text.lines().all(|line| line.len() < 200), "{text}");
                assert_eq!(text.contains(NEEDLE), id.has_needle());
            }
        }
    }

    /// Mailboxes and ledgers of earlier versions are compared too.
    #[test]
    fn messages_are_the_same_as_ever() {
        let sizes = [Size::Fixed(2048), Size::Fixed(10), Size::Mixed];
        let ids =
            sizes.into_iter().flat_map(|size| (0..500).map(move |number| Id::new(0xfeed, number, size)));
        let fnv = |hash: u64, octet: u8| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
        let hash = ids.flat_map(Id::message).fold(0xcbf2_9ce4_8422_2325, fnv);
        assert_eq!(hash, 0xe517_f227_421c_6b01, "{hash:#x}");
    }

    #[test]
    fn what_a_server_puts_in_front_is_no_change_and_anything_else_is() {
        let size = Size::Fixed(2000);
        let id = Id::new(1, 2, size);
        let message = id.message();
        let mut received = b"Return-Path: <>\r\n".to_vec();
        received.extend_from_slice(&message);
        assert!(id.is_whole(&received) && id.is_whole(&message));
        for at in [17, 500, received.len() - 3] {
            let mut changed = received.clone();
            changed[at] ^= 1;
            assert!(!id.is_whole(&changed), "{at}");
        }
        assert!(!id.is_whole(&received[..received.len() - 2]));
        assert!(!id.is_whole(&[b"x", &*message].concat()));
        assert!(!Id::new(1, 3, size).is_whole(&received));
        let mut made = Made::default();
        for _ in 0..2 {
            assert!(made.is_whole(id, &received));
            assert!(!made.is_whole(id, &received[..received.len() - 2]));
            assert!(!made.is_whole(Id::new(1, 3, size), &received));
        }
    }

    #[test]
    fn messages_differ_answer_each_other_and_speak_languages() {
        let ids = (0..500).map(|number| Id::new(3, number, Size::Mixed));
        let messages: Vec<String> = ids.map(|id| String::from_utf8(id.message().to_vec()).unwrap()).collect();
        assert_eq!(messages.iter().collect::<BTreeSet<_>>().len(), 500);
        for wanted in
            ["In-Reply-To: ", "=?utf-8?B?", "multipart/alternative", "application/octet-stream", "Cc: "]
        {
            let count = messages.iter().filter(|message| message.contains(wanted)).count();
            assert!(count > 20 && count < 400, "{wanted}: {count}");
        }
        // Every reference is to a message that is there.
        for (number, message) in messages.iter().enumerate() {
            for line in message.lines().filter(|line| line.starts_with(" <")) {
                let id = Id::parse(line).unwrap();
                assert!(
                    id.number < number as u64
                        && messages[usize::try_from(id.number).unwrap()]
                            .contains(&format!("Message-ID: {id}"))
                );
            }
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(rfc5322(FIRST_DATE), "Sat, 1 Jan 2022 00:00:00 +0000");
        assert_eq!(rfc5322(1_709_210_096), "Thu, 29 Feb 2024 12:34:56 +0000");
    }

    #[test]
    fn names_of_others_are_not_ours() {
        for name in [
            "<1.2.3@other.example>",
            "<1.2@load.example>",
            "<1.2.3.4@load.example>",
            "",
            "<x.2.3@load.example>",
        ] {
            assert_eq!(Id::parse(name), None, "{name}");
        }
    }
}
