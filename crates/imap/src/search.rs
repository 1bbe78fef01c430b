//! Which messages match a SEARCH (RFC 9051 6.4.4, RFC 3501 6.4.4), and what is answered, without fetching anything.
//!
//! A command becomes a [`Program`] once; the program is run over what is known of each message. What is not known
//! yet is answered "unknown", and the result is then unknown only where it depends on it: a caller tests with the
//! metadata at hand, loads the header only for the messages still undecided, and the body only after that.
//! [`Needle`], [`field_contains`] and [`BodySearch`] are what a caller needs to look into headers and bodies;
//! [`SearchAnswer`] is what ESEARCH says of the messages found, and what `$` becomes.
//!
//! Keys of extensions: WITHIN (RFC 5032), SEARCHRES (5182), FUZZY (6203, which finds what the exact search finds),
//! CONDSTORE (7162), OBJECTID (8474), SAVEDATE (8514), PARTIAL (9394).

mod answer;
mod program;
mod text;

pub use answer::{Hit, SearchAnswer, saved_by};
pub use program::{Facts, Need, Program, Scope, SearchError};
pub use text::{BodySearch, Needle, TextSearch, field_contains, mapped_value, value_contains};
