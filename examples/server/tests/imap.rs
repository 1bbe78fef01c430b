//! Mail kept by IMAP: live sessions against a running server, what one of them does and the others see.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

#[path = "imap/commands.rs"]
mod commands;
#[path = "imap/extensions.rs"]
mod extensions;
#[path = "imap/numbers.rs"]
mod numbers;
#[path = "imap/promises.rs"]
mod promises;
#[path = "imap/reading.rs"]
mod reading;
#[path = "imap/resync.rs"]
mod resync;
#[path = "imap/searching.rs"]
mod searching;
#[path = "support/server.rs"]
#[allow(dead_code, reason = "shared by several test files")]
mod server;
#[path = "imap/sharing.rs"]
mod sharing;
#[path = "imap/watching.rs"]
mod watching;

impl server::World {
    /// A server for `x.test` with alice, bob, carol and public, whose passwords are `secret`. What public keeps is shared.
    pub(crate) async fn sharing() -> Self {
        let world = Self::configured(|config| {
            config.public_account = Some("public@x.test".to_owned());
            // Nobody is shut out for what a test gets wrong.
            config.bans = Default::default();
        })
        .await;
        for name in ["carol", "public"] {
            world.account(name, None).await;
        }
        world
    }
}
