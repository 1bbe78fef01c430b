//! The send queue: bytes for the peer, in order, and the mark at which a writer should wait.
//!
//! Small pieces (replies, rows) are gathered in one buffer so that they leave in one write; large pieces are
//! queued as they are, without a copy, and so are secrets, whatever their size.

use alloc::collections::VecDeque;
use bytes::{Bytes, BytesMut};
use core::fmt;

use crate::record::{Record, verb_of};
use crate::{Passage, Secret};

/// Bytes that wait to be sent.
///
/// Memory: what is queued. Machines queue replies freely (one answered command at a time makes them few) and let
/// an application write a body only while [`is_congested`](Self::is_congested) is false, so that the queue never
/// holds more than its high-water mark and one chunk. What is taken shares the memory of what was gathered with
/// it, which is used again when it has been dropped.
pub struct SendQueue {
    chunks: VecDeque<Bytes>,
    /// Small pieces behind the last chunk.
    tail: BytesMut,
    /// The most that was gathered in the memory that is now in use.
    room: usize,
    queued: usize,
    high_water: usize,
    record: Record,
}

/// The usual high-water mark, in octets.
pub const HIGH_WATER_DEFAULT: usize = 64 * 1024;

/// From this many octets on, a piece is queued as it is instead of copied behind the others.
const GATHER_MAX: usize = 4 * 1024;

impl SendQueue {
    /// An empty queue that is congested from `high_water` octets on.
    pub fn new(high_water: usize) -> Self {
        Self {
            chunks: VecDeque::new(),
            tail: BytesMut::new(),
            room: 0,
            queued: 0,
            high_water,
            record: Record::default(),
        }
    }

    /// Queues a piece of a body or another payload; a large one without a copy.
    pub fn push(&mut self, piece: Bytes) {
        self.record.body(piece.len());
        self.queue(piece);
    }

    /// Queues text of the protocol as [`push`](Self::push) does a body.
    pub fn push_text(&mut self, text: Bytes) {
        self.record.text(&text);
        self.queue(text);
    }

    /// Keeps a record of what is queued from here on, for [`take_record`](Self::take_record).
    pub fn keep_record(&mut self) {
        self.record.start();
    }

    /// The next passage of the record, in the order in which they were queued.
    pub fn take_record(&mut self) -> Option<Passage> {
        self.record.take()
    }

    fn queue(&mut self, piece: Bytes) {
        if piece.len() < GATHER_MAX {
            self.tail.extend_from_slice(&piece);
            self.queued = self.queued.saturating_add(piece.len());
            return;
        }
        self.close_tail();
        self.queued = self.queued.saturating_add(piece.len());
        self.chunks.push_back(piece);
    }

    /// Queues a secret, which is wiped from memory when the [`Bytes`] that [`pop`](Self::pop) gives for it are
    /// dropped, or when the queue is.
    ///
    /// It is never copied behind other pieces, so it leaves in a write of its own. What a driver copies from those
    /// `Bytes` into buffers of its own, as TLS does, is not wiped.
    pub fn push_secret(&mut self, secret: Secret) {
        if !secret.is_empty() {
            self.record.secret(|| verb_of(secret.expose(), false), secret.len());
            self.push_owned(SecretOctets(secret));
        }
    }

    /// Queues a copy of a small piece.
    pub fn put(&mut self, piece: &[u8]) {
        self.record.text(piece);
        self.tail.extend_from_slice(piece);
        self.queued = self.queued.saturating_add(piece.len());
    }

    /// Lets `encode` append to the queue directly.
    pub fn encode(&mut self, encode: impl FnOnce(&mut BytesMut)) {
        let before = self.tail.len();
        encode(&mut self.tail);
        self.record.text(self.tail.get(before..).unwrap_or_default());
        self.queued = self.queued.saturating_sub(before).saturating_add(self.tail.len());
    }

    /// Takes the next bytes to send.
    pub fn pop(&mut self) -> Option<Bytes> {
        let next = match self.chunks.pop_front() {
            Some(chunk) => chunk,
            None if self.tail.is_empty() => return None,
            None => self.take_tail(),
        };
        self.queued = self.queued.saturating_sub(next.len());
        Some(next)
    }

    /// How many octets wait.
    pub const fn len(&self) -> usize {
        self.queued
    }

    /// Whether none wait.
    pub const fn is_empty(&self) -> bool {
        self.queued == 0
    }

    /// Whether the high-water mark is reached: a body's writer waits until it is not.
    pub const fn is_congested(&self) -> bool {
        self.queued >= self.high_water
    }

    /// Drops whatever waits.
    pub fn clear(&mut self) {
        self.chunks.clear();
        self.tail.clear();
        self.queued = 0;
    }

    fn push_owned(&mut self, owner: impl AsRef<[u8]> + Send + 'static) {
        self.close_tail();
        let piece = Bytes::from_owner(owner);
        self.queued = self.queued.saturating_add(piece.len());
        self.chunks.push_back(piece);
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            let tail = self.take_tail();
            self.chunks.push_back(tail);
        }
    }

    /// Takes what was gathered. Its memory serves again once it has left, unless it is large and little is
    /// gathered now: then the connection has become idle.
    fn take_tail(&mut self) -> Bytes {
        let gathered = self.tail.split().freeze();
        if self.room > GATHER_MAX && gathered.len() < self.room / 8 {
            self.tail = BytesMut::new();
            self.room = 0;
        }
        self.room = self.room.max(gathered.len());
        gathered
    }
}

/// Lets [`Bytes`] own a secret, which gives no other access to its octets without a name that says so.
struct SecretOctets(Secret);

impl AsRef<[u8]> for SecretOctets {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

/// Shows how much there is, never what: a credential may be in it.
impl fmt::Debug for SendQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendQueue")
            .field("queued", &self.queued)
            .field("high_water", &self.high_water)
            .finish_non_exhaustive()
    }
}

impl Default for SendQueue {
    fn default() -> Self {
        Self::new(HIGH_WATER_DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use alloc::vec::Vec;
    use core::sync::atomic::{AtomicBool, Ordering};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn order_and_count_hold_whatever_the_sizes(
            sizes in prop::collection::vec((0usize..10_000, 0..3, any::<bool>()), 0..20),
        ) {
            let mut queue = SendQueue::new(16_000);
            let (mut expected, mut sent) = (Vec::new(), Vec::new());
            for (number, (size, way, pop)) in sizes.into_iter().enumerate() {
                let piece = alloc::vec![u8::try_from(number).unwrap(); size];
                expected.extend_from_slice(&piece);
                match way {
                    0 => queue.put(&piece),
                    1 => queue.push(Bytes::from(piece)),
                    _ => queue.push_secret(Secret::new(piece)),
                }
                if pop {
                    sent.extend(queue.pop().into_iter().flatten());
                }
                prop_assert_eq!(queue.len(), expected.len() - sent.len());
                prop_assert_eq!(queue.is_congested(), queue.len() >= 16_000);
            }
            while let Some(bytes) = queue.pop() {
                prop_assert!(!bytes.is_empty());
                sent.extend_from_slice(&bytes);
            }
            prop_assert_eq!(sent, expected);
            prop_assert!(queue.is_empty());
        }
    }

    #[test]
    fn small_pieces_leave_together() {
        let mut queue = SendQueue::default();
        queue.put(b"250 ok\r\n");
        queue.push(Bytes::from_static(b"250 ok\r\n"));
        queue.encode(|out| out.extend_from_slice(b"354 go\r\n"));
        assert_eq!(queue.pop().as_deref(), Some(&b"250 ok\r\n250 ok\r\n354 go\r\n"[..]));
        assert_eq!(queue.pop(), None);
    }

    /// Octets that tell when their memory is given back.
    struct Witness {
        octets: &'static [u8],
        dropped: Arc<AtomicBool>,
    }

    impl AsRef<[u8]> for Witness {
        fn as_ref(&self) -> &[u8] {
            self.octets
        }
    }

    impl Drop for Witness {
        fn drop(&mut self) {
            self.dropped.store(true, Ordering::Relaxed);
        }
    }

    fn queue_with_a_witness() -> (SendQueue, impl Fn() -> bool) {
        let dropped = Arc::new(AtomicBool::new(false));
        let mut queue = SendQueue::default();
        queue.put(b"before\r\n");
        queue.push_owned(Witness { octets: b"secret\r\n", dropped: Arc::clone(&dropped) });
        queue.put(b"behind\r\n");
        (queue, move || dropped.load(Ordering::Relaxed))
    }

    #[test]
    fn the_owner_of_a_secret_lives_exactly_until_its_octets_have_left() {
        let (mut queue, dropped) = queue_with_a_witness();
        drop(queue.pop());
        let mut sent = queue.pop().unwrap();
        assert_eq!(sent, "secret\r\n");
        drop(queue.pop());
        // A driver that could write a part of it only.
        let rest = sent.split_off(3);
        drop(sent);
        assert!(!dropped(), "some octets wait still");
        drop(rest);
        assert!(dropped());
    }

    #[test]
    fn a_secret_that_is_never_sent_goes_with_the_queue() {
        let (mut queue, dropped) = queue_with_a_witness();
        queue.clear();
        assert!(dropped());
        let (queue, dropped) = queue_with_a_witness();
        drop(queue);
        assert!(dropped());
    }

    #[test]
    fn nothing_that_waits_is_printed() {
        let mut queue = SendQueue::new(100);
        queue.push_secret(Secret::from("hunter2"));
        queue.put(b"hunter2");
        assert_eq!(alloc::format!("{queue:?}"), "SendQueue { queued: 14, high_water: 100, .. }");
    }

    #[test]
    fn a_secret_is_not_copied_and_stands_alone() {
        fn wiped<T: zeroize::ZeroizeOnDrop>(value: T) -> T {
            value
        }
        let secret = wiped(Secret::from("AGEAYg==\r\n"));
        let address = secret.expose().as_ptr();
        let mut queue = SendQueue::default();
        queue.put(b"AUTH PLAIN\r\n");
        queue.push_secret(secret);
        queue.put(b"NOOP\r\n");
        assert_eq!(queue.pop().as_deref(), Some(&b"AUTH PLAIN\r\n"[..]));
        let sent = queue.pop().unwrap();
        assert_eq!((sent.as_ref(), sent.as_ptr()), (&b"AGEAYg==\r\n"[..], address));
        assert_eq!(queue.pop().as_deref(), Some(&b"NOOP\r\n"[..]));
        queue.push_secret(Secret::default());
        assert_eq!(queue.pop(), None);
    }
}
