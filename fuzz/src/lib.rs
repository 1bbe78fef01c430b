//! The bodies of the fuzz targets: what must hold for any octets.
//!
//! A body takes an input and panics when a property is broken. libFuzzer calls it through `fuzz_targets/`, and
//! `cargo test` calls it with every file of `corpus/`, so that what a fuzzer once found stays found.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a broken property is reported by a panic"
)]

mod imap_algorithms;
mod imap_codec;
mod imap_session;
mod plan;
mod pop3;
mod sasl;
mod smtp;
mod smtp_session;
mod wire;

pub use imap_algorithms::{imap_summary, imap_threads, imap_view};
pub use imap_codec::{
    imap_body_structure, imap_command, imap_frame, imap_mutf7, imap_response, imap_search, imap_sequence_set,
};
pub use imap_session::{imap_client, imap_server};
pub use pop3::{pop3_answer, pop3_client, pop3_command, pop3_server};
pub use sasl::{sasl_client, sasl_server};
pub use smtp::{smtp_address, smtp_command, smtp_reply};
pub use smtp_session::{smtp_client, smtp_server};
pub use wire::{wire_dot, wire_lines};

/// One fuzz target: its name, which is that of its corpus, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// Every target of this package.
pub const TARGETS: &[Target] = &[
    ("wire_dot", wire_dot),
    ("wire_lines", wire_lines),
    ("smtp_address", smtp_address),
    ("smtp_client", smtp_client),
    ("smtp_command", smtp_command),
    ("smtp_reply", smtp_reply),
    ("smtp_server", smtp_server),
    ("pop3_answer", pop3_answer),
    ("pop3_client", pop3_client),
    ("pop3_command", pop3_command),
    ("pop3_server", pop3_server),
    ("imap_body_structure", imap_body_structure),
    ("imap_client", imap_client),
    ("imap_command", imap_command),
    ("imap_frame", imap_frame),
    ("imap_mutf7", imap_mutf7),
    ("imap_response", imap_response),
    ("imap_search", imap_search),
    ("imap_sequence_set", imap_sequence_set),
    ("imap_server", imap_server),
    ("imap_summary", imap_summary),
    ("imap_threads", imap_threads),
    ("imap_view", imap_view),
    ("sasl_client", sasl_client),
    ("sasl_server", sasl_server),
];
