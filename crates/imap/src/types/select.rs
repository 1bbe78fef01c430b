//! Parameters of SELECT and EXAMINE (RFC 4466, section 2.1).

/// A parameter in `SELECT mailbox (..)`; others are refused as unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SelectParameter {
    /// `CONDSTORE` (RFC 7162, section 3.1.8)
    CondStore,
}
