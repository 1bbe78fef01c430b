//! What the tests of all machines share: running one machine over any split of its input, two machines against
//! each other over a simulated pipe, and either or both of them against a conversation that is written down.
//!
//! Everything is generic over [`Machine`](posthaste_wire::Machine); nothing here knows a protocol. [`measure`]
//! counts what a piece of code takes from the heap, so that tests can hold it to a budget.

mod memory;
mod pipe;
mod split;
mod transcript;

pub use memory::{Measured, measure};
pub use pipe::{Conversation, Ended, converse};
pub use split::{Note, Outcome, assert_split_invariant, run, splits};
pub use transcript::{Dialect, Failure, Side, Transcript};
