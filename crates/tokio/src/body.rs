//! What a client sends as a message: octets that are there, or something they are read from while they are sent.
//!
//! Decides how much of a body is in memory, and that a body which was said to have a size has it. Does not look at
//! what the octets are: line ends are not touched.

use std::io;
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The octets of a message, at hand or still to be read. Line ends are CR LF and are not touched.
///
/// ```
/// use posthaste_tokio::Body;
///
/// let at_hand = Body::from("Subject: hello\r\n\r\nHello, Hans.\r\n");
/// let read_later = Body::from_reader(tokio::io::repeat(b'x'));
/// assert_eq!((at_hand.size(), read_later.size()), (Some(32), None));
/// ```
pub struct Body {
    source: Source,
    /// How many octets are still to come, where that is known.
    left: Option<u64>,
}

enum Source {
    Bytes(Bytes),
    Reader(Pin<Box<dyn AsyncRead + Send>>),
    Chunks(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>),
}

impl Body {
    /// A body that is read while it is sent, up to the reader's end.
    pub fn from_reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self { source: Source::Reader(Box::pin(reader)), left: None }
    }

    /// A body that comes in chunks. The message ends where the stream does; an error in it is the end of the
    /// sending, and no message.
    pub fn from_stream(chunks: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self { source: Source::Chunks(Box::pin(chunks)), left: None }
    }

    /// What is in a file from where it stands, with the size that it has now.
    ///
    /// # Errors
    ///
    /// The file tells neither its size nor its position.
    pub async fn from_file(mut file: File) -> io::Result<Self> {
        use tokio::io::AsyncSeekExt;
        let octets = file.metadata().await?.len();
        let position = file.stream_position().await?;
        Ok(Self::from_reader(file).with_size(octets.saturating_sub(position)))
    }

    /// The same, with a size in octets: the server is told before the message, and can refuse what is too large
    /// (RFC 1870). A body that turns out to have another size is not sent.
    #[must_use]
    pub fn with_size(self, octets: u64) -> Self {
        Self { left: Some(octets), ..self }
    }

    /// How many octets it has, where that is known.
    pub const fn size(&self) -> Option<u64> {
        self.left
    }

    /// The next piece; `None` at the end. Cancel safe.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let piece = self.source.next().await?;
        let octets = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if let Some(left) = self.left {
            let after = left.checked_sub(octets).ok_or_else(|| sized("more"))?;
            if piece.is_empty() && left > 0 {
                return Err(sized("less"));
            }
            self.left = Some(after);
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}

impl Source {
    /// The next piece; it is empty at the end.
    async fn next(&mut self) -> io::Result<Bytes> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.split_to(bytes.len().min(PIECE_MAX))),
            Self::Reader(reader) => {
                let mut piece = BytesMut::with_capacity(PIECE_MAX);
                reader.read_buf(&mut piece).await?;
                Ok(piece.freeze())
            }
            Self::Chunks(chunks) => loop {
                match std::future::poll_fn(|cx| chunks.as_mut().poll_next(cx)).await {
                    None => return Ok(Bytes::new()),
                    // An empty chunk is not the end.
                    Some(chunk) => match chunk? {
                        chunk if chunk.is_empty() => {}
                        chunk => return Ok(chunk),
                    },
                }
            },
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        let bytes = bytes.into();
        let left = u64::try_from(bytes.len()).ok();
        Self { source: Source::Bytes(bytes), left }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("left", &self.left).finish_non_exhaustive()
    }
}

fn sized(than: &str) -> io::Error {
    let problem = format!("the body has {than} octets than it was said to have");
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// So much of a body is in memory here at a time, but for chunks that come from outside.
const PIECE_MAX: usize = 64 * 1024;
