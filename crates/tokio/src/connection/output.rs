//! What has left the machine and not yet the process.
//!
//! Chunks are taken from the machine only while little is waiting, so that the machine's own mark is what the
//! application meets. A chunk that was written in part keeps its rest: nothing is lost or sent twice when whoever
//! waits for the write goes away.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use posthaste_wire::Machine;
use tokio::io::AsyncWrite;

use crate::Stream;

/// Chunks in the order in which they leave.
#[derive(Debug, Default)]
pub(crate) struct Output {
    chunks: VecDeque<Bytes>,
    waiting: usize,
    sent: u64,
    /// How many chunks the machine has given so far.
    taken: u64,
    /// Something was handed to the stream that it may still hold.
    unflushed: bool,
}

impl Output {
    /// How many octets have been handed to the stream so far.
    pub(crate) const fn sent(&self) -> u64 {
        self.sent
    }

    /// How many chunks the machine has given so far: when this changes, it may have more to say.
    pub(crate) const fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether nothing waits here or in the stream.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && !self.unflushed
    }

    /// Whether so much waits that no more is taken from the machine.
    pub(crate) const fn is_full(&self) -> bool {
        self.waiting >= WAITING_MAX
    }

    /// Takes from the machine what there is room for.
    pub(crate) fn fill<M: Machine>(&mut self, machine: &mut M) {
        while !self.is_full() {
            let Some(chunk) = machine.poll_transmit() else { return };
            self.taken = self.taken.wrapping_add(1);
            if !chunk.is_empty() {
                self.waiting = self.waiting.saturating_add(chunk.len());
                self.chunks.push_back(chunk);
            }
        }
    }

    /// Drops what waits: there is nobody to send it to.
    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
        self.waiting = 0;
        self.unflushed = false;
    }

    /// Writes what is queued here until all of it has left, then flushes the stream.
    pub(crate) fn poll_send(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.chunks.is_empty() {
            let written = ready!(self.poll_write(stream, cx))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unflushed = true;
            self.take(written);
        }
        if self.unflushed {
            ready!(Pin::new(stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(&self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let first: &[u8] = self.chunks.front().map_or(&[], |chunk| chunk);
        if self.chunks.len() == 1 || !stream.is_write_vectored() {
            return Pin::new(stream).poll_write(cx, first);
        }
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let mut used = 0_usize;
        for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
            *slice = IoSlice::new(chunk);
            used = used.saturating_add(1);
        }
        Pin::new(stream).poll_write_vectored(cx, slices.get(..used).unwrap_or_default())
    }

    /// Removes `written` octets from the front.
    fn take(&mut self, written: usize) {
        self.sent = self.sent.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        self.waiting = self.waiting.saturating_sub(written);
        let mut rest = written;
        while let Some(chunk) = self.chunks.front_mut() {
            if rest < chunk.len() {
                chunk.advance(rest);
                return;
            }
            rest = rest.saturating_sub(chunk.len());
            self.chunks.pop_front();
        }
    }
}

/// From so many octets waiting here no more is taken from the machine.
const WAITING_MAX: usize = 64 * 1024;

/// So many chunks go into one system call.
const SLICES_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncRead, ReadBuf};

    use super::*;

    /// Holds what is written until it is flushed, as TLS and compressors do.
    struct Holding {
        held: usize,
        at_once_max: usize,
        heard: Arc<AtomicUsize>,
    }

    impl AsyncRead for Holding {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Holding {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            let taken = buf.len().min(self.at_once_max);
            self.held += taken;
            Poll::Ready(Ok(taken))
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let taken = bufs.iter().map(|buf| buf.len()).sum::<usize>().min(self.at_once_max);
            self.held += taken;
            Poll::Ready(Ok(taken))
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            let held = std::mem::take(&mut self.held);
            self.heard.fetch_add(held, Ordering::Relaxed);
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn what_is_written_is_flushed_however_many_chunks_leave_at_once() {
        for chunks in 1..100 {
            for at_once_max in [1, 10, 11, usize::MAX] {
                let heard = Arc::new(AtomicUsize::new(0));
                let transport = Holding { held: 0, at_once_max, heard: Arc::clone(&heard) };
                let (mut stream, mut output) = (Stream::new(transport), Output::default());
                output.chunks.extend(std::iter::repeat_n(Bytes::from_static(b"0123456789"), chunks));
                poll_fn(|cx| output.poll_send(&mut stream, cx)).await.unwrap();
                assert_eq!(
                    heard.load(Ordering::Relaxed),
                    chunks * 10,
                    "the peer waits for what was written and not flushed: {chunks} chunks, {at_once_max} at once"
                );
                assert!(output.is_empty());
            }
        }
    }
}
