//! THREAD (RFC 5256 3): which message answers which, by subject or by references.
//!
//! Both algorithms are those of the RFC, step by step, in n log n, without recursion, for any input: chains as long
//! as the mailbox, loops, ids used twice. Which messages are threaded is the business of
//! [`search`](crate::search); what is compared comes from [`Overview`](crate::message::Overview).

mod forest;
mod references;

use alloc::vec::Vec;

use crate::sort::Entry;
use crate::types::{ThreadAlgorithm, ThreadNode, Threads};

/// The threads of `entries`, which are in the order of the mailbox; `None` for an algorithm that is not known here.
///
/// ```
/// use std::num::NonZeroU32;
///
/// use posthaste_imap::message::Summary;
/// use posthaste_imap::sort::Entry;
/// use posthaste_imap::thread::thread;
/// use posthaste_imap::types::ThreadAlgorithm;
///
/// let messages = [
///     &b"Message-ID: <a@x>\r\nSubject: one\r\n\r\n"[..],
///     b"Message-ID: <b@x>\r\nSubject: other\r\n\r\n",
///     b"Message-ID: <c@x>\r\nSubject: Re: one\r\nReferences: <a@x>\r\n\r\n",
/// ];
/// let summaries = messages.map(Summary::scan);
/// let overviews = summaries.each_ref().map(Summary::overview);
/// let numbers = (1..).filter_map(NonZeroU32::new);
/// let entries: Vec<Entry<'_>> = numbers
///     .zip(&overviews)
///     .map(|(number, overview)| Entry { number, arrival: 0, size: 0, overview })
///     .collect();
/// let threads = thread(&entries, &ThreadAlgorithm::References).unwrap();
/// let places: Vec<(u32, u32)> =
///     threads.nodes().iter().filter_map(|node| Some((node.number?.get(), node.depth))).collect();
/// // The answer stands below what it answers.
/// assert_eq!(places, [(1, 0), (3, 1), (2, 0)]);
/// ```
pub fn thread(entries: &[Entry<'_>], algorithm: &ThreadAlgorithm) -> Option<Threads> {
    match algorithm {
        ThreadAlgorithm::OrderedSubject => Some(ordered_subject(entries)),
        ThreadAlgorithm::References => Some(references::references(entries)),
        ThreadAlgorithm::Other(_) => None,
    }
}

/// `ORDEREDSUBJECT`: messages of one base subject are one thread, its first message above all others.
fn ordered_subject(entries: &[Entry<'_>]) -> Threads {
    let mut sorted: Vec<&Entry<'_>> = entries.iter().collect();
    sorted.sort_by_key(|entry| (&*entry.overview.subject, entry.sent()));
    let mut threads: Vec<&[&Entry<'_>]> =
        sorted.chunk_by(|one, other| one.overview.subject == other.overview.subject).collect();
    // Where dates are equal, the order of the mailbox decides, which is that of the numbers.
    threads.sort_by_key(|thread| thread.first().map(|first| (first.sent(), first.number)));
    Threads::new(threads.into_iter().flat_map(|thread| {
        thread
            .iter()
            .enumerate()
            .map(|(at, entry)| ThreadNode { number: Some(entry.number), depth: u32::from(at > 0) })
    }))
}
