//! COMPRESS (RFC 4978): the layer changes and nothing else.
//!
//! Unlike with TLS, what was said before counts on, and what came in behind the answer is not an attack but the
//! beginning of the compressed stream: it is handed to whoever inflates. DEFLATE itself is the driver's.

use crate::client::Client;
use crate::client::setup::Phase;
use bytes::Bytes;
use posthaste_wire::{Residue, Upgrade};

impl Client {
    /// Whether the connection is compressed, or about to be.
    pub const fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// The server has agreed: everything behind its line is compressed. What comes in until the order is out goes
    /// with it; later it belongs to a layer that is not there yet.
    pub(crate) fn compress(&mut self) -> Result<(), Residue> {
        let before = match &self.phase {
            Phase::Upgrade(Some(order)) => order.ahead().clone(),
            Phase::Upgrade(None) => return self.reader.drained().map(drop),
            _ => Bytes::new(),
        };
        let ahead = [before, self.reader.take_rest()].concat().into();
        let drained = self.reader.drained()?;
        self.compressed = true;
        self.phase = Phase::Upgrade(Some(Upgrade::deflate(drained, ahead)));
        Ok(())
    }

    /// The layer is in place.
    pub(crate) fn compressed_from_here(&mut self) {
        self.phase = Phase::Ready;
        self.pump();
    }
}
