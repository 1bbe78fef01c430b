//! Known deviations that a server may be told to put up with. Off unless asked for; each use is reported.

/// One way in which a command may break the grammar and is understood all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Quirk {
    /// `MAIL FROM: <path>`: white space behind the colon.
    SpaceBehindColon,
    /// `MAIL FROM:path`: no angle brackets around a mailbox.
    MissingBrackets,
}

/// The quirks that are put up with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks(u8);

impl Quirks {
    /// None: the grammar of RFC 5321 and nothing else. The default.
    pub const STRICT: Self = Self(0);

    /// What programs of users do on a submission port: all that are known.
    pub const SUBMISSION: Self = Self::STRICT.with(Quirk::SpaceBehindColon).with(Quirk::MissingBrackets);

    /// With `quirk` put up with.
    #[must_use]
    pub const fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | Self::bit(quirk))
    }

    /// Whether `quirk` is put up with.
    pub const fn has(self, quirk: Quirk) -> bool {
        self.0 & Self::bit(quirk) != 0
    }

    /// Whether there are none.
    pub const fn is_strict(self) -> bool {
        self.0 == 0
    }

    /// All that are in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Each quirk that is in, in the order of their names here.
    pub fn iter(self) -> impl Iterator<Item = Quirk> {
        [Quirk::SpaceBehindColon, Quirk::MissingBrackets].into_iter().filter(move |quirk| self.has(*quirk))
    }

    const fn bit(quirk: Quirk) -> u8 {
        match quirk {
            Quirk::SpaceBehindColon => 1,
            Quirk::MissingBrackets => 2,
        }
    }
}
