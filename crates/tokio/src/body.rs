//! What a client sends as a message: octets that are there, or a reader of them.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The octets of a message, at hand or still to be read. Line ends are not touched.
pub struct Body(Source);

enum Source {
    Bytes(Bytes),
    Reader(Pin<Box<dyn AsyncRead + Send>>),
}

impl Body {
    /// A body that is read while it is sent.
    pub fn from_reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self(Source::Reader(Box::pin(reader)))
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        let piece = match &mut self.0 {
            Source::Bytes(bytes) => bytes.split_to(bytes.len().min(PIECE_MAX)),
            Source::Reader(reader) => {
                let mut piece = BytesMut::with_capacity(PIECE_MAX);
                reader.read_buf(&mut piece).await?;
                piece.freeze()
            }
        };
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(Source::Bytes(bytes.into()))
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

/// So much of a body is in memory here at a time.
const PIECE_MAX: usize = 32 * 1024;
