//! COMPRESS=DEFLATE: the change of layer (RFC 4978). What is compressed how is the driver's business.

use posthaste_wire::{Layer, Misuse};

use super::{Asked, Event, Phase, Poll, Refusal, Server};
use crate::error::ProtocolError;
use crate::types::{ResponseCode, Tag};

/// The client asks for compression. Accept, and the machine asks for the layer; refuse, and all goes on as before.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the client waits for the answer"]
pub struct Compress {
    asked: Asked<()>,
}

impl Compress {
    /// Accepts: tagged OK, then [`Step::Upgrade`](crate::Step::Upgrade) to [`Layer::Deflate`].
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        let begin = |server: &mut Server| server.begin_upgrade(Layer::Deflate);
        self.asked.complete(server, None, "DEFLATE active", begin)
    }

    /// Refuses: tagged NO.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server) -> Result<(), Misuse> {
        self.asked.no(server, Refusal::new("No compression now").with_code(ResponseCode::Unavailable))
    }
}

impl Server {
    pub(super) fn compress(&mut self, tag: Tag) -> Poll {
        if self.compressed {
            let refusal = Refusal::new("DEFLATE is active").with_code(ResponseCode::CompressionActive);
            self.complete_no(&tag, refusal);
            return Poll::Again;
        }
        // RFC 4978 3: the client waits for the answer. What came ahead is neither plain nor compressed.
        if self.framer.drained().is_err() {
            self.bad(Some(&tag), None, "Nothing may follow COMPRESS before its answer");
            self.fail(ProtocolError::Residue);
            return Poll::Again;
        }
        let asked = self.ask(tag, ());
        Poll::Event(Event::Compress(Compress { asked }))
    }

    /// Takes note that the layer is in place: nothing of the conversation changes by it.
    pub(super) fn compressed(&mut self) {
        self.compressed = true;
        self.phase = Phase::Command;
        self.release_if_possible();
        self.arm_for_phase();
    }
}
