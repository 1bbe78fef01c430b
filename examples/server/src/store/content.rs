//! Reading the content of a message, a chunk at a time, so that none is ever whole in memory.

use bytes::Bytes;

use super::Answer;

/// The size of all chunks of a content but the first and the last, in octets.
pub const CHUNK: u64 = 256 * 1024;

/// Where the octets come from: what an engine implements.
pub trait Chunks: std::fmt::Debug + Send {
    /// The next octets, at most [`CHUNK`], never none; to be called only while there are some.
    fn next(&mut self) -> Answer<'_, Bytes>;
}

/// A range of a content that can be read to its end, whatever becomes of the message.
#[derive(Debug)]
pub struct Content {
    size: u64,
    remaining: u64,
    chunks: Box<dyn Chunks>,
}

/// Octets that were read before.
#[derive(Debug)]
struct InMemory(Bytes);

impl Chunks for InMemory {
    fn next(&mut self) -> Answer<'_, Bytes> {
        let at = self.0.len().min(usize::try_from(CHUNK).unwrap_or(usize::MAX));
        let chunk = self.0.split_to(at);
        Box::pin(async move { Ok(chunk) })
    }
}

impl Content {
    /// `remaining` octets of a content of `size` octets.
    pub fn new(size: u64, remaining: u64, chunks: Box<dyn Chunks>) -> Self {
        Self { size, remaining, chunks }
    }

    /// A whole content that is in memory already.
    pub fn of(octets: Bytes) -> Self {
        let size = octets.len() as u64;
        Self::new(size, size, Box::new(InMemory(octets)))
    }

    /// The size of the whole content, in octets.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Octets of the range that are still to come.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// The next octets, at most [`CHUNK`]; `None` at the end of the range.
    ///
    /// # Errors
    ///
    /// The store failed: a literal that has been announced can not be finished.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, super::StoreError> {
        if self.remaining == 0 {
            return Ok(None);
        }
        let chunk = self.chunks.next().await?;
        self.remaining = self.remaining.saturating_sub(chunk.len() as u64);
        Ok(Some(chunk))
    }
}
