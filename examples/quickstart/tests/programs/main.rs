//! The programs as they are built, against the sink: what they print, and what is stored then.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod copy_mailbox;
mod fetch_pop3;
mod read_inbox;
mod send_mail;
mod sink;
mod starttls_proxy;
mod support;
mod watch;

#[tokio::test]
async fn every_program_says_how_it_is_used() {
    for (name, path) in support::PROGRAMS {
        let done = support::Program::new(path).run(["--help"]).await;
        assert!(done.is_ok && done.out.starts_with(&format!("usage: {name}")), "{name}: {done:?}");
        // Too few arguments are a failure, and the same words.
        if name != "sink" {
            let done = support::Program::new(path).run([]).await;
            assert!(!done.is_ok && done.err.contains(&format!("usage: {name}")), "{name}: {done:?}");
        }
    }
}
