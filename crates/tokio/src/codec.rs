//! Codecs for `tokio_util::codec`: commands, replies and responses as frames, for programs that want no machine.
//!
//! A codec finds frames and reads them by the grammar. It knows no order of commands, no state and no time, answers
//! nothing and upgrades nothing: what may follow what is up to whoever uses it. Where the meaning of what comes next
//! depends on an answer, such as the message behind DATA, the codec has to be told (`expect_..`) before the next frame
//! is asked for. A server for strangers is better made from a machine.
//!
//! ```
//! use futures_util::{SinkExt, StreamExt};
//! use posthaste_tokio::codec::smtp::{ClientCodec, Received, ServerCodec};
//! use tokio_util::codec::Framed;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (near, far) = tokio::io::duplex(1024);
//! let mut server = Framed::new(near, ServerCodec::default());
//! let mut client = Framed::new(far, ClientCodec::default());
//!
//! client.send(posthaste_smtp::Command::Noop).await?;
//! let Some(Received::Command(Ok(command))) = server.next().await.transpose()? else { panic!() };
//! assert_eq!(command, posthaste_smtp::Command::Noop);
//! server.send(posthaste_smtp::Reply::new(250, None, "Fine")?).await?;
//! let reply = client.next().await.transpose()?;
//! assert_eq!(reply.map(|reply| reply.code()), Some(250));
//! # Ok(())
//! # }
//! ```
//!
//! A frame that is malformed inside its bounds is an item, and the next one follows. An `Err` is the end: where the next
//! frame would begin is not known, or nobody may know, and the codec gives the same error from then on, so that what
//! a hostile peer put behind is never read as commands. Only CR LF ends a line; a CR or LF that stands alone in one is
//! such an error.
//!
//! Whatever a codec has not taken is in `FramedParts::read_buf`; at STARTTLS it has to be empty.

pub mod imap;
mod line;
pub mod pop3;
pub mod smtp;

use std::fmt;
use std::io;

use bytes::Bytes;

/// Why no more frames can be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// Reading or writing failed.
    #[error("connection failed: {0}")]
    Io(#[from] io::Error),
    /// The frames of the peer cannot be told apart any more.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// What broke the framing. Each offset is in octets from the first that the codec has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A line is over its limit, its CR LF counted.
    #[error("the line at octet {offset} is longer than {limit} octets")]
    LineTooLong {
        /// Where the line begins.
        offset: u64,
        /// The limit, in octets.
        limit: usize,
    },
    /// A CR or LF stands alone in a line.
    #[error("a CR or LF stands alone in the line at octet {offset}")]
    BareLineEnd {
        /// Where the line begins.
        offset: u64,
    },
    /// A line is none of an answer.
    #[error("no valid {rule} at octet {offset}")]
    Syntax {
        /// Where it is wrong.
        offset: u64,
        /// What should have stood there.
        rule: &'static str,
    },
    /// A frame has too many literals.
    #[error("the line at octet {offset} announces more than {limit} literals in one frame")]
    TooManyLiterals {
        /// Where the line begins.
        offset: u64,
        /// The limit.
        limit: usize,
    },
    /// A frame is over its limit with its literals.
    #[error("the line at octet {offset} makes the frame longer than {limit} octets")]
    FrameTooLong {
        /// Where the line begins.
        offset: u64,
        /// The limit, in octets.
        limit: usize,
    },
    /// A literal is announced that is over its limit, and whose octets come whatever is said.
    #[error("{octets} octets announced in the line at octet {offset} are more than {limit}")]
    LiteralTooLong {
        /// Where the line begins.
        offset: u64,
        /// What was announced.
        octets: u64,
        /// The limit, in octets.
        limit: u64,
    },
    /// A line ends in braces that announce no literal.
    #[error("the line at octet {offset} ends in braces that announce nothing")]
    Braces {
        /// Where the line begins.
        offset: u64,
    },
    /// The input ended within a frame.
    #[error("the input ended at octet {offset}, within a frame")]
    Cut {
        /// Where it ended.
        offset: u64,
    },
}

/// A frame that the grammar does not allow. The next one can be read.
#[derive(Clone, PartialEq, Eq)]
pub struct Malformed<E> {
    /// The frame, without its CR LF. May hold a password; not shown by `Debug`.
    pub line: Bytes,
    /// Where it begins, in octets from the first that the codec has seen.
    pub offset: u64,
    /// What is wrong, and where in the frame.
    pub error: E,
}

impl<E: fmt::Debug> fmt::Debug for Malformed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Malformed")
            .field("offset", &self.offset)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<E: fmt::Display> fmt::Display for Malformed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in the frame at octet {}: {}", self.offset, self.error)
    }
}

impl<E: std::error::Error + 'static> std::error::Error for Malformed<E> {}
