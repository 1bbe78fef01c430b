//! The items of a FETCH row, found by lexical state before any grammar is run (RFC 9051 7.5.2, `msg-att`).
//!
//! Goes on where it stopped when the next piece of the row is there, so that a row of a hundred thousand literals
//! costs what its octets cost. Knows parentheses, brackets, quotes and where a literal was; not what items mean.

use crate::parse::fetch::{ItemStep, next_item};
use crate::types::{FetchItem, ParseContext, Payload, Repairs};
use bytes::{BufMut, Bytes, BytesMut};

/// The part of a row that is not understood yet, and how far it was looked at.
#[derive(Debug)]
pub(crate) struct Row {
    /// From the start of the current item on.
    pending: Pending,
    at: usize,
    /// Where the value of the current item begins.
    value: Option<usize>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between items.
    Between,
    /// In a name, so many brackets deep.
    Name { depth: usize, quote: Quote },
    /// In front of a value.
    BeforeValue,
    /// In a value without parentheses.
    Atom,
    /// In a quoted string or in parentheses, so many deep; over when the depth is zero and the quote is closed.
    Nested { depth: usize, quote: Quote },
    /// Behind a value.
    AfterValue,
}

/// Whether the scan is inside a quoted string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    Outside,
    Inside,
    /// Behind a backslash.
    Escaped,
}

/// What the scan found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A complete item.
    Item(FetchItem, Repairs),
    /// All that is there has been looked at.
    More,
    /// The parenthesis that closes the row.
    End,
}

/// What of a row is not an item yet. Rows mostly come as one line, which is not copied.
#[derive(Debug)]
enum Pending {
    Line(Bytes),
    /// With a literal in it, which grows as it comes.
    Grown(BytesMut),
}

impl Default for Pending {
    fn default() -> Self {
        Self::Line(Bytes::new())
    }
}

impl Pending {
    fn octets(&self) -> &[u8] {
        match self {
            Self::Line(line) => line,
            Self::Grown(octets) => octets,
        }
    }

    fn len(&self) -> usize {
        self.octets().len()
    }

    fn append(&mut self, text: Bytes) {
        if self.len() == 0 {
            *self = Self::Line(text);
        } else {
            self.grown().put_slice(&text);
        }
    }

    /// As a buffer that can be written to.
    fn grown(&mut self) -> &mut BytesMut {
        loop {
            match self {
                Self::Grown(octets) => return octets,
                Self::Line(line) => *self = Self::Grown(BytesMut::from(line.as_ref())),
            }
        }
    }

    /// Takes the first `count` octets, or all there are.
    fn split_to(&mut self, count: usize) -> Bytes {
        let count = count.min(self.len());
        match self {
            Self::Line(line) => line.split_to(count),
            Self::Grown(octets) => octets.split_to(count).freeze(),
        }
    }
}

impl Row {
    pub(crate) fn new() -> Self {
        Self { pending: Pending::default(), at: 0, value: None, state: State::Between }
    }

    /// How many octets are held.
    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Appends text of the row, up to a line end, which is left off.
    pub(crate) fn text(&mut self, text: Bytes) {
        self.pending.append(text);
    }

    /// The payload whose literal the text ends with, when it is the whole value of an item that streams.
    pub(crate) fn payload(&mut self, context: &ParseContext) -> Option<Payload> {
        let value = self.value.filter(|_| matches!(self.state, State::Atom))?;
        let announced = self.pending.octets().get(value..).unwrap_or_default();
        if !matches!(announced.first(), Some(b'{' | b'~')) {
            return None;
        }
        let item = Bytes::copy_from_slice(self.pending.octets());
        let Ok(ItemStep::Payload { payload, .. }) = next_item(&item, 0, context) else { return None };
        self.begin();
        self.pending = Pending::default();
        Some(payload)
    }

    /// Appends the line end that stands in front of a literal which stays part of its item.
    pub(crate) fn literal_start(&mut self) {
        self.octets(b"\r\n");
        self.state = match self.state {
            // A quoted string cannot hold a line end: the quote was none.
            State::Name { depth, .. } => State::Name { depth, quote: Quote::Outside },
            State::Nested { depth, .. } => State::Nested { depth, quote: Quote::Outside },
            state => state,
        };
    }

    /// Appends octets of a literal that stays part of its item.
    pub(crate) fn octets(&mut self, octets: &[u8]) {
        self.pending.grown().put_slice(octets);
        self.at = self.pending.len();
    }

    /// The literal is complete.
    pub(crate) fn literal_end(&mut self) {
        if let State::Atom | State::BeforeValue | State::Nested { depth: 0, .. } = self.state {
            self.state = State::AfterValue;
        }
    }

    /// Looks for the end of the current item.
    pub(crate) fn scan(&mut self, context: &ParseContext) -> Found {
        while let Some(octet) = self.pending.octets().get(self.at).copied() {
            match self.state {
                State::Between => match octet {
                    b' ' => {
                        drop(self.pending.split_to(self.at.saturating_add(1)));
                        self.at = 0;
                        continue;
                    }
                    b')' => return Found::End,
                    _ => {
                        self.state = State::Name { depth: 0, quote: Quote::Outside };
                        continue;
                    }
                },
                State::Name { depth, quote } => match name_step(depth, quote, octet) {
                    Some((depth, quote)) => self.state = State::Name { depth, quote },
                    None if octet == b')' => return self.take(context),
                    None => {
                        self.state = State::BeforeValue;
                        continue;
                    }
                },
                State::BeforeValue => match octet {
                    b' ' => {}
                    b')' => return self.take(context),
                    b'(' | b'"' => {
                        self.value = Some(self.at);
                        self.state = State::Nested { depth: 0, quote: Quote::Outside };
                        continue;
                    }
                    _ => {
                        self.value = Some(self.at);
                        self.state = State::Atom;
                    }
                },
                State::Atom => {
                    if matches!(octet, b' ' | b')') {
                        return self.take(context);
                    }
                }
                State::Nested { depth, quote } => {
                    let (depth, quote) = nested_step(depth, quote, octet);
                    self.state = State::Nested { depth, quote };
                    if depth == 0 && quote == Quote::Outside {
                        self.at = self.at.saturating_add(1);
                        return self.take(context);
                    }
                }
                State::AfterValue => return self.take(context),
            }
            self.at = self.at.saturating_add(1);
        }
        match self.state {
            State::AfterValue => self.take(context),
            _ => Found::More,
        }
    }

    /// Gives up on the current item: what is there of it comes back as it came. `None` between items.
    pub(crate) fn rest(&mut self) -> Option<FetchItem> {
        if self.pending.len() == 0 {
            return None;
        }
        self.at = self.pending.len();
        let value = self.value;
        let item = self.cut();
        Some(opaque(&item, value))
    }

    fn take(&mut self, context: &ParseContext) -> Found {
        let value = self.value;
        let item = self.cut();
        match next_item(&item, 0, context) {
            Ok(ItemStep::Item { item: parsed, next, repairs }) if next == item.len() => {
                Found::Item(parsed, repairs)
            }
            _ => Found::Item(opaque(&item, value), Repairs::MALFORMED_ITEM),
        }
    }

    fn cut(&mut self) -> Bytes {
        let item = self.pending.split_to(self.at);
        self.begin();
        item
    }

    fn begin(&mut self) {
        self.at = 0;
        self.value = None;
        self.state = State::Between;
    }
}

/// One octet of a name; `None` at its end.
fn name_step(depth: usize, quote: Quote, octet: u8) -> Option<(usize, Quote)> {
    Some(match (quote, octet) {
        (Quote::Escaped, _) => (depth, Quote::Inside),
        (Quote::Inside, b'\\') => (depth, Quote::Escaped),
        (Quote::Inside, b'"') => (depth, Quote::Outside),
        (Quote::Inside, _) => (depth, quote),
        (Quote::Outside, b'"') if depth > 0 => (depth, Quote::Inside),
        (Quote::Outside, b'[') => (depth.saturating_add(1), quote),
        (Quote::Outside, b']') => (depth.saturating_sub(1), quote),
        (Quote::Outside, b' ' | b'(' | b')' | b'"') if depth == 0 => return None,
        (Quote::Outside, _) => (depth, quote),
    })
}

/// One octet of a quoted string or of a list.
const fn nested_step(depth: usize, quote: Quote, octet: u8) -> (usize, Quote) {
    match (quote, octet) {
        (Quote::Escaped, _) => (depth, Quote::Inside),
        (Quote::Inside, b'\\') => (depth, Quote::Escaped),
        (Quote::Inside, b'"') => (depth, Quote::Outside),
        (Quote::Inside, _) => (depth, quote),
        (Quote::Outside, b'"') => (depth, Quote::Inside),
        (Quote::Outside, b'(') => (depth.saturating_add(1), quote),
        (Quote::Outside, b')') => (depth.saturating_sub(1), quote),
        (Quote::Outside, _) => (depth, quote),
    }
}

/// The item as it came.
fn opaque(item: &Bytes, value: Option<usize>) -> FetchItem {
    let at = value.unwrap_or(item.len()).min(item.len());
    let name = item.slice(..at);
    let name = name.slice_ref(name.trim_ascii_end());
    FetchItem::Opaque { name, value: item.slice(at..) }
}
