//! When a message may, should or must be delivered, and how urgently: HOLDFOR and HOLDUNTIL (RFC 4865), BY
//! (RFC 2852), MT-PRIORITY (RFC 6710), RRVS (RFC 7293). Keeping to it is the application's business.

use crate::{DateTime, ParseError};

/// Until when a message is held back: `HOLDFOR=` or `HOLDUNTIL=` (RFC 4865 4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hold {
    /// For so many seconds, 1 to 999,999,999.
    For(u32),
    /// Until then, in UTC.
    Until(DateTime),
}

/// By when a message is to be delivered: `BY=` (RFC 2852 4).
///
/// ```text
/// by-value = by-time ";" by-mode [by-trace]
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct DeliverBy {
    /// The seconds that are left, at most 999,999,999 either way; negative when the time is over.
    pub seconds: i32,
    /// What is done when it is over.
    pub mode: ByMode,
    /// `T`: each relay tells the sender.
    pub trace: bool,
}

/// What becomes of a message whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ByMode {
    /// `N`: it is delivered, and the sender is told of the delay.
    Notify,
    /// `R`: it is returned. The time must be positive.
    Return,
}

/// How urgent a message is, from -9 to 9: `MT-PRIORITY=` (RFC 6710). Zero is usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(i8);

/// Since when a recipient must have been the owner of its mailbox without a break: `RRVS=` (RFC 7293 3).
///
/// ```text
/// rrvs-param = "RRVS=" date-time [ ";" ( "C" / "R" ) ]
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct ValidSince {
    /// The point in time.
    pub since: DateTime,
    /// What is done where the next hop knows nothing of it.
    pub otherwise: Option<RrvsAction>,
}

/// What a relay does with `RRVS=` where the next hop does not offer it (RFC 7293 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RrvsAction {
    /// `C`: goes on without it.
    Continue,
    /// `R`: returns the message.
    Reject,
}

impl Hold {
    /// The largest number of seconds.
    pub const SECONDS_MAX: u32 = 999_999_999;

    /// The same in an allocation of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        match self {
            Self::For(seconds) => Self::For(*seconds),
            Self::Until(time) => Self::Until(time.compact()),
        }
    }
}

impl DeliverBy {
    /// The largest number of seconds, either way.
    pub const SECONDS_MAX: i32 = 999_999_999;

    /// Makes a deadline without a trace.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when the seconds are out of range, or not positive although the message is to be returned.
    pub const fn new(seconds: i32, mode: ByMode) -> Result<Self, ParseError> {
        if seconds > Self::SECONDS_MAX || seconds < -Self::SECONDS_MAX {
            return Err(ParseError::new("by-time", 0));
        }
        if matches!(mode, ByMode::Return) && seconds <= 0 {
            return Err(ParseError::new("by-time of a message to be returned", 0));
        }
        Ok(Self { seconds, mode, trace: false })
    }
}

impl Priority {
    /// Makes a priority.
    ///
    /// # Errors
    ///
    /// [`ParseError`] outside -9 to 9.
    pub const fn new(priority: i8) -> Result<Self, ParseError> {
        if priority < -9 || priority > 9 { Err(ParseError::new("priority", 0)) } else { Ok(Self(priority)) }
    }

    /// The number.
    pub const fn get(self) -> i8 {
        self.0
    }
}

impl ValidSince {
    /// Makes a demand without a word on what is done otherwise.
    pub const fn new(since: DateTime) -> Self {
        Self { since, otherwise: None }
    }

    /// The same in an allocation of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self { since: self.since.compact(), otherwise: self.otherwise }
    }
}
