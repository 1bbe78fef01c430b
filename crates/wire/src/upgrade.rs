//! The change of layer under a conversation (STARTTLS, STLS, COMPRESS), and the proof that it is clean.
//!
//! An [`Upgrade`] can only be made from a [`Drained`], and only a [`ReceiveBuffer`](crate::ReceiveBuffer) that is
//! empty makes one: plaintext that was sent ahead cannot be carried across (RFC 3207 6). What the layer is made
//! of and who checks certificates is the driver's business.

use bytes::Bytes;

/// The proof that nothing was waiting to be read.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the proof is what an upgrade is made from"]
pub struct Drained {
    _private: (),
}

impl Drained {
    pub(crate) const fn new() -> Self {
        Self { _private: () }
    }
}

/// The layer a conversation moves to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layer {
    /// TLS over the connection, the machine's server as TLS server and its client as TLS client.
    Tls,
    /// DEFLATE in both directions (RFC 4978), inside TLS where there is TLS.
    Deflate,
}

/// The order to change the layer, and the proof that this is the moment. Comes out of
/// [`Step::Upgrade`](crate::Step::Upgrade) and goes back into `upgraded`.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "without `upgraded` the conversation stands still"]
pub struct Upgrade {
    layer: Layer,
    drained: Drained,
    ahead: Bytes,
}

impl Upgrade {
    /// The order to move to `layer`, now that nothing waits in the old one.
    pub const fn new(layer: Layer, drained: Drained) -> Self {
        Self { layer, drained, ahead: Bytes::new() }
    }

    /// The order to begin DEFLATE, when octets of the new layer have come in together with the last line of the old
    /// one. With TLS there are none: whatever comes ahead of a handshake is an attack.
    pub const fn deflate(drained: Drained, ahead: Bytes) -> Self {
        Self { layer: Layer::Deflate, drained, ahead }
    }

    /// The layer to set up.
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// What the peer has sent in the new layer already: the layer takes it before all that is still to be read.
    pub const fn ahead(&self) -> &Bytes {
        &self.ahead
    }
}

/// What protects a connection, as far as a machine's rules depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Security {
    /// Nothing: whoever is in the path reads and writes.
    #[default]
    Plain,
    /// TLS of a version and with a peer that satisfied the driver.
    Tls,
    /// The path itself is trusted, as with a socket of the same machine that policy treats as secure.
    Local,
}

impl Security {
    /// Whether a password may be sent over it.
    pub const fn is_private(self) -> bool {
        matches!(self, Self::Tls | Self::Local)
    }

    /// Whether it is TLS.
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Tls)
    }
}
