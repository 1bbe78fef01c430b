//! The send queue: bytes for the peer, in order, and the mark at which a writer should wait.
//!
//! Small pieces (replies, rows) are gathered in one buffer so that they leave in one write; large pieces are
//! queued as they are, without a copy.

use alloc::collections::VecDeque;
use bytes::{Bytes, BytesMut};

/// Bytes that wait to be sent.
///
/// Memory: what is queued. Machines queue replies freely (one answered command at a time makes them few) and let
/// an application write a body only while [`is_congested`](Self::is_congested) is false, so that the queue never
/// holds more than its high-water mark and one chunk.
#[derive(Debug)]
pub struct SendQueue {
    chunks: VecDeque<Bytes>,
    /// Small pieces behind the last chunk.
    tail: BytesMut,
    queued: usize,
    high_water: usize,
}

/// The usual high-water mark, in octets.
pub const HIGH_WATER_DEFAULT: usize = 64 * 1024;

/// From this many octets on, a piece is queued as it is instead of copied behind the others.
const GATHER_MAX: usize = 4 * 1024;

impl SendQueue {
    /// An empty queue that is congested from `high_water` octets on.
    pub fn new(high_water: usize) -> Self {
        Self { chunks: VecDeque::new(), tail: BytesMut::new(), queued: 0, high_water }
    }

    /// Queues a piece; a large one without a copy.
    pub fn push(&mut self, piece: Bytes) {
        if piece.len() < GATHER_MAX {
            self.put(&piece);
            return;
        }
        self.close_tail();
        self.queued = self.queued.saturating_add(piece.len());
        self.chunks.push_back(piece);
    }

    /// Queues a copy of a small piece.
    pub fn put(&mut self, piece: &[u8]) {
        self.tail.extend_from_slice(piece);
        self.queued = self.queued.saturating_add(piece.len());
    }

    /// Lets `encode` append to the queue directly.
    pub fn encode(&mut self, encode: impl FnOnce(&mut BytesMut)) {
        let before = self.tail.len();
        encode(&mut self.tail);
        self.queued = self.queued.saturating_sub(before).saturating_add(self.tail.len());
    }

    /// Takes the next bytes to send.
    pub fn pop(&mut self) -> Option<Bytes> {
        let next = match self.chunks.pop_front() {
            Some(chunk) => chunk,
            None if self.tail.is_empty() => return None,
            None => self.tail.split().freeze(),
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

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            self.chunks.push_back(self.tail.split().freeze());
        }
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
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn order_and_count_hold_whatever_the_sizes(
            sizes in prop::collection::vec((0usize..10_000, any::<bool>(), any::<bool>()), 0..20),
        ) {
            let mut queue = SendQueue::new(16_000);
            let (mut expected, mut sent) = (Vec::new(), Vec::new());
            for (number, (size, copy, pop)) in sizes.into_iter().enumerate() {
                let piece = alloc::vec![u8::try_from(number).unwrap(); size];
                expected.extend_from_slice(&piece);
                if copy { queue.put(&piece) } else { queue.push(Bytes::from(piece)) }
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
}
