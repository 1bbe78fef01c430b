//! Rows on their way from the session to whoever reads them: bounded, in order, and never in anybody's way.
//!
//! One queue of pieces for each FETCH. What is at its front is where the reader is, so that what nobody wants any
//! more, because a row or a literal was dropped, is taken away from there: at once what has come, and what still
//! comes when it does. Decides when the session has to wait for the reader; what a row is stands in `fetch.rs`.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use posthaste_imap::client::Event;
use posthaste_imap::types::{FetchItem, Payload, Status};

use super::Error;

/// A piece of the answer to a FETCH.
#[derive(Debug)]
pub(crate) enum Piece {
    Row(Head),
    Item(FetchItem),
    Literal(Payload, u64),
    Chunk(Bytes),
    LiteralEnd,
    RowEnd,
}

/// A row as far as it is at hand.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) name: Name,
    pub(crate) items: Vec<FetchItem>,
    /// Nothing of it follows.
    pub(crate) is_whole: bool,
}

/// A row, and its name among those of its pipe.
pub(crate) type Begun = (Head, u64);

/// How the server names a message in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Number(NonZeroU32),
    Uid(NonZeroU32),
}

/// How the answer ended.
#[derive(Debug)]
pub(crate) enum End {
    Done(Status),
    Failed(Error),
    /// Whoever wrote is gone.
    Lost,
}

/// The queue, shared by the session and the reader.
#[derive(Debug)]
pub(crate) struct Pipe {
    state: Mutex<State>,
    /// From so many octets on the session waits.
    octets_max: usize,
}

#[derive(Debug, Default)]
struct State {
    pieces: VecDeque<(Piece, usize)>,
    octets: usize,
    end: Option<End>,
    /// Where the front of the queue is.
    place: Place,
    /// The rows that were begun to be read, and the literals.
    rows: u64,
    literals: u64,
    /// What was dropped: all that is to come, the row at the front, the literal at the front.
    is_done_with_rows: bool,
    is_done_with_row: bool,
    is_done_with_literal: bool,
    readers: Vec<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    BetweenRows,
    InRow,
    InLiteral,
}

/// What a reader of a row finds.
#[derive(Debug)]
pub(crate) enum Found {
    Item(FetchItem),
    /// A literal, with the name that its reader shows.
    Literal {
        payload: Payload,
        length: u64,
        literal: u64,
    },
    RowEnd,
    Failed(Option<Error>),
}

impl Pipe {
    pub(crate) fn new(octets_max: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), octets_max })
    }

    /// Adds a piece that holds so many octets.
    pub(crate) fn push(&self, piece: Piece, octets: usize) {
        self.change(|state| {
            if state.end.is_none() {
                state.octets = state.octets.saturating_add(octets);
                state.pieces.push_back((piece, octets));
            }
        });
    }

    /// Whether the session has to wait.
    pub(crate) fn is_full(&self) -> bool {
        let state = self.lock();
        state.end.is_none() && state.octets >= self.octets_max
    }

    /// Ready when the session may go on.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.end.is_some() || state.octets < self.octets_max {
            return Poll::Ready(());
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Nothing follows. The first end counts.
    pub(crate) fn finish(&self, end: End) {
        self.change(|state| {
            state.end.get_or_insert(end);
        });
    }

    /// Nobody reads: drops all there is, and tells the reader when he comes.
    pub(crate) fn give_up(&self, error: Error) {
        self.change(|state| {
            state.pieces.clear();
            state.octets = 0;
            state.end = Some(End::Failed(error));
        });
    }

    /// The next row, once the one before it has been read or dropped.
    pub(crate) fn poll_row(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Begun>, Option<Error>>> {
        let mut state = self.lock();
        if state.place == Place::BetweenRows {
            if let Some(Piece::Row(head)) = state.pop() {
                state.rows = state.rows.saturating_add(1);
                if !head.is_whole {
                    state.place = Place::InRow;
                    state.is_done_with_row = false;
                }
                let row = state.rows;
                state.settle();
                return Poll::Ready(Ok(Some((head, row))));
            }
            if matches!(state.end, Some(End::Done(_))) {
                return Poll::Ready(Ok(None));
            }
        }
        match state.cut() {
            Some(error) => Poll::Ready(Err(error)),
            None => state.wait(cx),
        }
    }

    /// What follows in the row, once the literal before it has been read or dropped.
    pub(crate) fn poll_part(&self, row: u64, cx: &mut Context<'_>) -> Poll<Found> {
        let mut state = self.lock();
        if state.rows != row || state.place == Place::BetweenRows {
            return Poll::Ready(Found::RowEnd);
        }
        if state.place == Place::InRow {
            let found = match state.pop() {
                Some(Piece::Item(item)) => Some(Found::Item(item)),
                Some(Piece::Literal(payload, length)) => {
                    state.place = Place::InLiteral;
                    state.literals = state.literals.saturating_add(1);
                    state.is_done_with_literal = false;
                    Some(Found::Literal { payload, length, literal: state.literals })
                }
                _ => None,
            };
            if let Some(found) = found {
                state.settle();
                return Poll::Ready(found);
            }
        }
        match state.cut() {
            Some(error) => Poll::Ready(Found::Failed(error)),
            None => state.wait(cx),
        }
    }

    /// The next octets of the literal; `None` behind the last.
    pub(crate) fn poll_chunk(
        &self,
        literal: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Option<Error>>>> {
        let mut state = self.lock();
        if state.literals != literal || state.place != Place::InLiteral {
            return Poll::Ready(None);
        }
        if let Some(Piece::Chunk(chunk)) = state.pop() {
            state.settle();
            return Poll::Ready(Some(Ok(chunk)));
        }
        match state.cut() {
            Some(error) => Poll::Ready(Some(Err(error))),
            None => state.wait(cx),
        }
    }

    /// Whether nobody waits for any of it.
    pub(crate) fn is_unwanted(&self) -> bool {
        self.lock().is_done_with_rows
    }

    /// The status of the command, where it is complete.
    pub(crate) fn status(&self) -> Option<Status> {
        match &self.lock().end {
            Some(End::Done(status)) => Some(status.clone()),
            _ => None,
        }
    }

    /// No row is wanted any more.
    pub(crate) fn drop_rows(&self) {
        self.change(|state| state.is_done_with_rows = true);
    }

    /// The rest of the row is not wanted.
    pub(crate) fn drop_row(&self, row: u64) {
        self.change(|state| state.is_done_with_row |= state.rows == row);
    }

    /// The rest of the literal is not wanted.
    pub(crate) fn drop_literal(&self, literal: u64) {
        self.change(|state| state.is_done_with_literal |= state.literals == literal);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        state.settle();
    }

    /// No code of others runs while this is held, so that what a panic leaves behind is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pop(&mut self) -> Option<Piece> {
        let (piece, octets) = self.pieces.pop_front()?;
        self.octets = self.octets.saturating_sub(octets);
        Some(piece)
    }

    /// Takes from the front what nobody wants and what only marks an end, and wakes whoever waits for a change.
    fn settle(&mut self) {
        while let Some((piece, _)) = self.pieces.front() {
            let next = match (self.place, piece) {
                (Place::InLiteral, Piece::LiteralEnd) => Place::InRow,
                (Place::InLiteral, Piece::Chunk(_)) if self.is_done_with_literal => Place::InLiteral,
                (Place::InRow, Piece::RowEnd) => Place::BetweenRows,
                (Place::InRow, Piece::Literal(..)) if self.is_done_with_row => {
                    self.literals = self.literals.saturating_add(1);
                    self.is_done_with_literal = true;
                    Place::InLiteral
                }
                (Place::InRow, Piece::Item(_)) if self.is_done_with_row => Place::InRow,
                (Place::BetweenRows, Piece::Row(head)) if self.is_done_with_rows => {
                    self.is_done_with_row = true;
                    if head.is_whole { Place::BetweenRows } else { Place::InRow }
                }
                _ => break,
            };
            self.place = next;
            self.pop();
        }
        self.readers.drain(..).for_each(Waker::wake);
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    /// Why there is no more, where the end has not been seen.
    fn cut(&self) -> Option<Option<Error>> {
        match (&self.end, self.pieces.is_empty()) {
            (Some(End::Failed(error)), true) => Some(Some(error.clone())),
            (Some(End::Done(_) | End::Lost), true) => Some(None),
            _ => None,
        }
    }

    fn wait<T>(&mut self, cx: &Context<'_>) -> Poll<T> {
        if !self.readers.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.readers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// The session's end of a pipe: makes rows of events.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) pipe: Arc<Pipe>,
    head: Option<(Head, usize)>,
    small: Option<(Payload, BytesMut)>,
    /// Literals up to this length are items.
    inline_max: u64,
}

impl Writer {
    pub(crate) const fn new(pipe: Arc<Pipe>, inline_max: u64) -> Self {
        Self { pipe, head: None, small: None, inline_max }
    }

    /// Takes an event of a row, for which so many octets were read. Gives the row back when `is_other` says of it,
    /// complete, that it is not of this answer.
    pub(crate) fn take(
        &mut self,
        event: Event,
        octets: usize,
        is_other: impl FnOnce(&Head) -> bool,
    ) -> Option<Head> {
        match event {
            Event::Row(number) => self.begin(Name::Number(number), octets),
            Event::UidRow(uid) => self.begin(Name::Uid(uid), octets),
            Event::Item(item) => self.item(item, octets),
            Event::Literal { payload, length } if length <= self.inline_max => {
                self.small = Some((payload, BytesMut::new()));
            }
            Event::Literal { payload, length } => {
                self.open();
                self.pipe.push(Piece::Literal(payload, length), PIECE_OCTETS);
            }
            Event::Body(chunk) => match &mut self.small {
                Some((_, octets)) => octets.extend_from_slice(&chunk),
                None => {
                    let octets = chunk.len();
                    self.pipe.push(Piece::Chunk(chunk), octets);
                }
            },
            Event::LiteralEnd => match self.small.take() {
                Some((payload, octets)) => {
                    let (length, data) = (octets.len(), Some(octets.freeze()));
                    self.item(FetchItem::Payload { payload, data }, length);
                }
                None => self.pipe.push(Piece::LiteralEnd, 0),
            },
            Event::RowEnd => match self.head.take() {
                Some((head, _)) if is_other(&head) => return Some(head),
                Some((head, octets)) => {
                    self.pipe.push(Piece::Row(Head { is_whole: true, ..head }), octets);
                }
                None => self.pipe.push(Piece::RowEnd, 0),
            },
            _ => {}
        }
        None
    }

    fn begin(&mut self, name: Name, octets: usize) {
        let head = Head { name, items: Vec::new(), is_whole: false };
        self.head = Some((head, octets.saturating_add(PIECE_OCTETS)));
    }

    fn item(&mut self, item: FetchItem, octets: usize) {
        let octets = octets.saturating_add(PIECE_OCTETS);
        let Some((head, sum)) = &mut self.head else {
            return self.pipe.push(Piece::Item(item), octets);
        };
        head.items.push(item);
        *sum = sum.saturating_add(octets);
        if *sum >= self.pipe.octets_max {
            self.open();
        }
    }

    /// Hands the row out as far as it is here; the rest follows in pieces.
    fn open(&mut self) {
        if let Some((head, octets)) = self.head.take() {
            self.pipe.push(Piece::Row(head), octets);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.pipe.finish(End::Lost);
    }
}

/// What a piece costs besides its octets.
const PIECE_OCTETS: usize = 64;
