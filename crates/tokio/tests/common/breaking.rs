//! A stream that breaks after so many octets, in one direction or the other.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

pub struct Breaking {
    inner: DuplexStream,
    reads: usize,
    writes: usize,
}

impl Breaking {
    /// Breaks behind so many octets that are read.
    pub fn reads(inner: DuplexStream, reads: usize) -> Self {
        Self { inner, reads, writes: usize::MAX }
    }

    /// Breaks behind so many octets that are written.
    pub fn writes(inner: DuplexStream, writes: usize) -> Self {
        Self { inner, reads: usize::MAX, writes }
    }
}

impl AsyncRead for Breaking {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.reads == 0 || self.writes == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let mut space = [0; 4096];
        let length = self.reads.min(buffer.remaining()).min(space.len());
        let mut part = ReadBuf::new(&mut space[..length]);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut part))?;
        buffer.put_slice(part.filled());
        self.reads -= part.filled().len();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Breaking {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if self.reads == 0 || self.writes == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let length = data.len().min(self.writes);
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, &data[..length]))?;
        self.writes -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
