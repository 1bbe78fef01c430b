//! Message numbers: positions in the maildrop of one session (RFC 1939 5).

use core::fmt;
use core::num::NonZeroU32;

/// The number of a message in this session, from 1. It does not change while the session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageNumber(NonZeroU32);

impl MessageNumber {
    /// The message number `number`; `None` for 0.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number of the message at `index`, counted from 0; `None` beyond what a number can say.
    pub fn from_index(index: usize) -> Option<Self> {
        u32::try_from(index.checked_add(1)?).ok().and_then(Self::new)
    }

    /// The number, from 1.
    pub const fn value(self) -> u32 {
        self.0.get()
    }

    /// The position, from 0.
    pub fn index(self) -> usize {
        usize::try_from(self.value()).unwrap_or(usize::MAX).saturating_sub(1)
    }
}

impl fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
