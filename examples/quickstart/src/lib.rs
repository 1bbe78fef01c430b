//! Small complete programs on the Posthaste crates: one file each in `src/bin`. What several of them need is here.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`account`] | a mail account from a URL, with its password from where nobody else can read it |
//! | [`progress`] | a progress bar for people, and nothing for scripts |
//! | [`sink`] | a server of all three protocols in memory, for tests of mail programs |

pub mod account;
pub mod progress;
pub mod sink;

/// The end of a program: done, or a sentence about why not.
pub type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;
