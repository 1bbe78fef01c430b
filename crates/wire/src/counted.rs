//! Counted framing: so many octets, whatever they are (IMAP literals, SMTP BDAT).
//!
//! Counts octets in or out against a length that was announced. Nothing is allocated from the announced length:
//! it is a claim of the peer until the octets are there.

use bytes::Bytes;

use crate::{Misuse, ReceiveBuffer};

/// The octets that are still due of a payload whose length was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Counted {
    remaining: u64,
}

impl Counted {
    /// A payload of `length` octets, none of which has passed.
    pub const fn new(length: u64) -> Self {
        Self { remaining: length }
    }

    /// How many octets are still due.
    pub const fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Whether all have passed.
    pub const fn is_done(&self) -> bool {
        self.remaining == 0
    }

    /// Takes what waits of the payload, never an octet behind it. Empty when nothing waits or all has passed.
    pub fn read(&mut self, buffer: &mut ReceiveBuffer) -> Bytes {
        let chunk = buffer.take(usize::try_from(self.remaining).unwrap_or(usize::MAX));
        self.pass(chunk.len());
        chunk
    }

    /// Counts `length` octets that are about to be sent.
    ///
    /// # Errors
    ///
    /// [`Misuse::TooMuch`] when that is more than was announced; then nothing is counted.
    pub fn write(&mut self, length: usize) -> Result<(), Misuse> {
        if u64::try_from(length).unwrap_or(u64::MAX) > self.remaining {
            return Err(Misuse::TooMuch { remaining: self.remaining });
        }
        self.pass(length);
        Ok(())
    }

    /// Confirms that the payload is complete.
    ///
    /// # Errors
    ///
    /// [`Misuse::TooLittle`] when octets are still due.
    pub const fn finish(&self) -> Result<(), Misuse> {
        if self.remaining == 0 { Ok(()) } else { Err(Misuse::TooLittle { remaining: self.remaining }) }
    }

    fn pass(&mut self, length: usize) {
        self.remaining = self.remaining.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reads_exactly_what_was_announced_in_any_split(
            input in prop::collection::vec(any::<u8>(), 0..64), length in 0usize..64, size in 1usize..9,
        ) {
            let mut counted = Counted::new(length as u64);
            let mut buffer = ReceiveBuffer::new();
            let mut content = Vec::new();
            for piece in input.chunks(size) {
                buffer.push(piece);
                content.extend_from_slice(&counted.read(&mut buffer));
            }
            let due = length.min(input.len());
            prop_assert_eq!(&content[..], &input[..due]);
            prop_assert_eq!(buffer.peek(), &input[due..]);
            prop_assert_eq!(counted.is_done(), input.len() >= length);
        }
    }

    #[test]
    fn rs_03_an_announced_length_allocates_nothing() {
        let mut counted = Counted::new(u64::MAX);
        let mut buffer = ReceiveBuffer::new();
        buffer.push(b"abc");
        assert_eq!(counted.read(&mut buffer), "abc");
        assert_eq!(counted.remaining(), u64::MAX - 3);
    }

    #[test]
    fn writing_is_held_to_the_announced_length() {
        let mut counted = Counted::new(4);
        assert_eq!(counted.write(3), Ok(()));
        assert_eq!(counted.write(2), Err(Misuse::TooMuch { remaining: 1 }));
        assert_eq!(counted.finish(), Err(Misuse::TooLittle { remaining: 1 }));
        assert_eq!(counted.write(1), Ok(()));
        assert_eq!(counted.finish(), Ok(()));
    }
}
