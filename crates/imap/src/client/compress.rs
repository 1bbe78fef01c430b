//! COMPRESS (RFC 4978): the layer changes and nothing else.
//!
//! Unlike with TLS, what was said before counts on, and what came in behind the answer is not an attack but the
//! beginning of the compressed stream: it is handed to whoever inflates. DEFLATE itself is the driver's.

use crate::client::setup::Phase;
use crate::client::{Client, ProtocolError};
use bytes::{Bytes, BytesMut};
use posthaste_wire::{Layer, Upgrade};

/// Whether the connection is compressed.
#[derive(Debug)]
pub(crate) enum Compression {
    Off,
    /// It is, or is about to be; the octets of the new layer that came in too early.
    On(BytesMut),
}

impl Client {
    /// Takes the octets that came in behind the answer to COMPRESS: they are compressed already. A driver that sets
    /// up [`Layer::Deflate`] inflates them before all others; empty at any other time.
    pub fn take_compressed(&mut self) -> Bytes {
        match &mut self.compression {
            Compression::On(early) => core::mem::take(early).freeze(),
            Compression::Off => Bytes::new(),
        }
    }

    /// Whether the connection is compressed, or about to be.
    pub const fn is_compressed(&self) -> bool {
        matches!(self.compression, Compression::On(_))
    }

    /// The server has agreed: everything behind its line is compressed.
    pub(crate) fn compress(&mut self) -> Result<(), ProtocolError> {
        self.compression = Compression::On(BytesMut::from(self.reader.take_rest().as_ref()));
        let drained = self.reader.drained()?;
        self.phase = Phase::Upgrade(Some(Upgrade::new(Layer::Deflate, drained)));
        Ok(())
    }

    /// The layer is in place.
    pub(crate) fn compressed_from_here(&mut self) {
        self.phase = Phase::Ready;
        self.pump();
    }
}
