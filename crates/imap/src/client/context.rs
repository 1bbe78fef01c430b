//! A result that is kept up to date by what the server tells of its changes (RFC 5267 4.3).
//!
//! Decides what a change makes of a result at hand. Whether a result at hand is worth its memory is the application's
//! matter: to show a count, or to ask for pages anew, needs none.

use crate::types::{ContextChange, SequenceSet};
use alloc::vec::Vec;
use core::num::NonZeroU32;

/// Why a change does not fit a result: the two have parted, and the search has to be made anew (RFC 5267 A.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContextMismatch {
    /// The position is behind the end of the result.
    #[error("position {position} is behind the end of a result of {messages}")]
    Position {
        /// The position that was told.
        position: NonZeroU32,
        /// How many messages the result has.
        messages: usize,
    },
    /// Other messages are at the position than those that are said to go.
    #[error("other messages are at position {position} than those that are said to go")]
    Messages {
        /// The position that was told.
        position: NonZeroU32,
    },
    /// More messages would be in the result than are allowed.
    #[error("the result would have more than {0} messages")]
    TooMany(usize),
    /// The set has `*`, which means nothing here.
    #[error("a change of a result names no message by `*`")]
    Largest,
}

/// Makes of `result` what it is after `change`: in the order of the search, and no longer than `messages_max`.
///
/// Without a position, messages that come in are put where the order of the mailbox has them, which is how results of
/// SEARCH are ordered; those that are there already are not doubled, and those that are to go and are not there are not
/// missed.
///
/// ```
/// use posthaste_imap::client::update_result;
/// use posthaste_imap::types::{ContextChange, SequenceSet};
/// use std::num::NonZeroU32;
///
/// let uid = |uid| NonZeroU32::new(uid).unwrap();
/// let mut result = vec![uid(9), uid(4)];
/// let change = ContextChange::AddTo { position: Some(uid(1)), numbers: SequenceSet::single(uid(7)) };
/// update_result(&mut result, &change, 10_000)?;
/// assert_eq!(result, [7, 9, 4].map(uid));
/// # Ok::<(), posthaste_imap::client::ContextMismatch>(())
/// ```
///
/// # Errors
///
/// The change does not fit, or the result would be too long; `result` is as it was.
pub fn update_result(
    result: &mut Vec<NonZeroU32>,
    change: &ContextChange,
    messages_max: usize,
) -> Result<(), ContextMismatch> {
    let (ContextChange::AddTo { numbers, .. } | ContextChange::RemoveFrom { numbers, .. }) = change;
    if numbers.has_largest() {
        return Err(ContextMismatch::Largest);
    }
    match change {
        ContextChange::AddTo { position, numbers } => {
            let room = messages_max.saturating_sub(result.len());
            // One more than there is room for is enough to know.
            let added: Vec<_> = each(numbers).take(room.saturating_add(1)).collect();
            if added.len() > room {
                return Err(ContextMismatch::TooMany(messages_max));
            }
            match position {
                Some(position) => {
                    let at = index(*position).filter(|at| *at <= result.len());
                    let at =
                        at.ok_or(ContextMismatch::Position { position: *position, messages: result.len() })?;
                    result.splice(at..at, added);
                }
                None => {
                    result.extend(added);
                    result.sort_unstable();
                    result.dedup();
                }
            }
        }
        ContextChange::RemoveFrom { position: Some(position), numbers } => {
            let there = index(*position).and_then(|at| result.get(at..));
            let there =
                there.ok_or(ContextMismatch::Position { position: *position, messages: result.len() })?;
            let mut going = there.iter().copied();
            // The result is the shorter one where a range is wide: no longer is walked.
            if !each(numbers).all(|number| going.next() == Some(number)) {
                return Err(ContextMismatch::Messages { position: *position });
            }
            let after = result.len().saturating_sub(going.len());
            result.drain(index(*position).unwrap_or(after)..after);
        }
        ContextChange::RemoveFrom { position: None, numbers } => {
            let gone = numbers.resolve(0);
            result.retain(|number| {
                let range = gone.partition_point(|range| *range.end() < number.get());
                !gone.get(range).is_some_and(|range| range.contains(&number.get()))
            });
        }
    }
    Ok(())
}

/// The messages one by one, ranges upwards however they are written (RFC 5267 3.2).
fn each(numbers: &SequenceSet) -> impl Iterator<Item = NonZeroU32> + '_ {
    numbers.ranges().iter().flat_map(|range| range.resolve(0)).filter_map(NonZeroU32::new)
}

fn index(position: NonZeroU32) -> Option<usize> {
    usize::try_from(position.get()).ok()?.checked_sub(1)
}
