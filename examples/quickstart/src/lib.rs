//! Small complete programs on the Posthaste crates: one file each in `src/bin`.
