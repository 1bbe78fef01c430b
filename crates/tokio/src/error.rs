//! What can go wrong around a machine: the wire, the handshake, the deadlines, the caller.

use std::io;
use std::time::Duration;

use posthaste_wire::{Layer, Misuse};

use crate::tls::problem::Explained;

/// Why a connection cannot go on, or why a call was not possible. `E` is the machine's `ProtocolError`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E: std::error::Error> {
    /// The machine gave the conversation up. What it had to say about that has been sent.
    #[error("the conversation cannot go on: {0}")]
    Protocol(#[source] E),
    /// Reading or writing failed, or the peer left in the middle. The machine was told before this is returned,
    /// so that its last events have been seen.
    #[error("connection failed: {0}")]
    Io(#[from] io::Error),
    /// The peer took too little of what was sent to it.
    #[error("the peer took almost nothing for {0:?}")]
    WriteTimeout(Duration),
    /// The TLS handshake failed. The connection is closed; it never goes on in the clear.
    #[error("TLS handshake failed: {}", Explained(.0))]
    Handshake(#[source] io::Error),
    /// The TLS handshake was not done in time.
    #[error("TLS handshake was not done within {0:?}")]
    HandshakeTimeout(Duration),
    /// Out of what the peer sent compressed, more octets came than belong to anything.
    #[error("more than {0} compressed octets belong to no command and no answer")]
    Inflated(u64),
    /// The machine asked for a layer that this connection has no configuration for.
    #[error("there is no configuration for the layer {0:?}")]
    NoLayer(Layer),
    /// `next` was called while an event that wants an answer is unanswered. What was queued has been sent;
    /// answer the token, then call again.
    #[error("a reply token has not been answered")]
    TokenOut,
    /// A verb of a token or the machine was misused. Nothing changed.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}
