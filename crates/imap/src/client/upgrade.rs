//! A change of layer: what of a client crosses it (RFC 9051 6.2.1, RFC 4978).
//!
//! Nothing that was said before TLS counts after it; COMPRESS changes nothing but the octets. What has to come before
//! and behind STARTTLS stands in `setup.rs`.

use crate::client::setup::Phase;
use crate::client::{Client, Config};
use posthaste_wire::{Layer, Misuse, Security, Time, Upgrade};

impl Client {
    /// Tells that the new layer is in place. Nothing the server said before TLS is kept; COMPRESS changes nothing
    /// but the octets, see [`Upgrade::ahead`].
    ///
    /// # Errors
    /// [`Misuse::NoUpgrade`] when no [`Step::Upgrade`](crate::Step::Upgrade) came before.
    #[expect(clippy::needless_pass_by_value, reason = "the order is used up")]
    pub fn upgraded(&mut self, now: Time, upgrade: Upgrade, security: Security) -> Result<(), Misuse> {
        let Phase::Upgrade(None) = self.phase else { return Err(Misuse::NoUpgrade) };
        if upgrade.layer() == Layer::Deflate {
            self.now = now;
            self.compressed_from_here();
            return Ok(());
        }
        *self = core::mem::replace(self, Self::new(Config::default(), Security::Plain, now))
            .rebuilt(now, security);
        self.after_upgrade();
        Ok(())
    }

    /// The same client behind a change of layer. Every field is named, so that a new one has to be decided.
    fn rebuilt(self, now: Time, security: Security) -> Self {
        let Self {
            config,
            security: _,
            now: _,
            phase: _,
            state,
            // Nothing was in it: that is what the upgrade proves.
            reader: _,
            send,
            timers,
            context: _,
            capabilities: _,
            capabilities_told: _,
            enabled: _,
            enabling: _,
            has_selected: _,
            mailbox: _,
            opening: _,
            // What the application wants is not the server's to change.
            queue,
            running: _,
            sending: _,
            challenges,
            writers,
            commands_queued,
            commands_sent,
            idle_told: _,
            events,
            dropping_row: _,
            // The greeting is not said again. No profile weakens the connection, whoever wrote it.
            peer,
            quirks,
            repairs,
            compressed: _,
            strays,
            violations,
            bye: _,
            eof,
            error,
        } = self;
        Self {
            state,
            send,
            timers,
            queue,
            challenges,
            writers,
            commands_queued,
            commands_sent,
            events,
            peer,
            quirks,
            repairs,
            strays,
            violations,
            eof,
            error,
            ..Self::new(config, security, now)
        }
    }
}
