//! What the tests of all machines share: running one machine over any split of its input, and two machines
//! against each other over a simulated pipe.
//!
//! Everything is generic over [`Machine`](posthaste_wire::Machine); nothing here knows a protocol.

mod pipe;
mod split;

pub use pipe::{Conversation, Ended, converse};
pub use split::{Note, Outcome, assert_split_invariant, run, splits};
