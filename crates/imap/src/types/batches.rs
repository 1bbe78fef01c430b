//! UIDBATCHES (RFC 10022): ranges of UIDs that hold about so many messages each.

use crate::types::AString;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::ops::RangeInclusive;

/// The arguments of UIDBATCHES.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UidBatchesCommand {
    /// How many messages a batch should hold.
    pub size: NonZeroU32,
    /// Which batches, as they were written; all of them when `None`.
    pub batches: Option<(NonZeroU32, NonZeroU32)>,
}

/// The UIDBATCHES response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UidBatches {
    /// The tag of the command this answers.
    pub tag: Option<AString>,
    /// The batches, highest UIDs first. Written `high:low`.
    pub batches: Vec<RangeInclusive<NonZeroU32>>,
}
