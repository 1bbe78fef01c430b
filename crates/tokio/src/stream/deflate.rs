//! DEFLATE over a stream, in both directions (RFC 4978, RFC 1951).
//!
//! Decides when what is written is pushed out (at each flush, so at the end of what a machine has to say), and how much
//! waits here. Does not decide who may compress, nor how much may come out of little: the first is the machine's, the
//! second the connection's.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream whose octets are compressed.
///
/// Memory, counted at the allocator: the window and tables of what comes in, 43 KiB, for as long as there is anything to
/// come; those of what goes out, 312 KiB, from the first octet to the next rest; and up to 48 KiB of what is between
/// these and the stream, until then as well.
pub(super) struct Deflate<S> {
    inner: S,
    inflate: Decompress,
    /// None before the first octet, and after a rest.
    deflate: Option<Compress>,
    /// Came in and is still to be inflated.
    compressed: BytesMut,
    /// Deflated and still to be written.
    waiting: BytesMut,
    /// Something was deflated that the other side cannot inflate yet.
    unflushed: bool,
    /// The other side has ended its compressed stream: RFC 4978 knows no end but that of the connection.
    ended: bool,
}

impl<S> Deflate<S> {
    /// DEFLATE over `inner`, which has given the octets `ahead` already.
    pub(super) fn new(inner: S, ahead: &Bytes) -> Self {
        Self {
            inner,
            inflate: Decompress::new(false),
            deflate: None,
            compressed: BytesMut::from(ahead.as_ref()),
            waiting: BytesMut::new(),
            unflushed: false,
            ended: false,
        }
    }

    /// What is below.
    pub(super) const fn inner(&self) -> &S {
        &self.inner
    }

    /// What is below.
    pub(super) const fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Whether memory is held for nothing: by a compressor with nothing in it that the other side does not have, or by
    /// a buffer that is empty.
    pub(super) fn can_rest(&self) -> bool {
        self.has_idle_compressor() || is_idle(&self.compressed) || is_idle(&self.waiting)
    }

    /// Gives up what [`can_rest`](Self::can_rest) is about. After a flush what was sent ends on an octet, and a new
    /// compressor refers to nothing before itself: the other side sees no difference (RFC 1951 3.2.3).
    pub(super) fn rest(&mut self) {
        if self.has_idle_compressor() {
            self.deflate = None;
        }
        for buffer in [&mut self.compressed, &mut self.waiting] {
            if is_idle(buffer) {
                *buffer = BytesMut::new();
            }
        }
    }

    const fn has_idle_compressor(&self) -> bool {
        self.deflate.is_some() && !self.unflushed
    }

    /// Inflates what is there; whether anything came out.
    fn inflate(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<bool> {
        let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
        let status =
            self.inflate.decompress(&self.compressed, buf.initialize_unfilled(), FlushDecompress::None);
        let status = status.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        self.compressed.advance(difference(self.inflate.total_in(), read).min(self.compressed.len()));
        let written = difference(self.inflate.total_out(), written).min(buf.remaining());
        buf.advance(written);
        self.ended = status == Status::StreamEnd;
        Ok(written > 0)
    }

    /// Deflates the front of `octets`, or, when there are none, what is still inside; how many were taken.
    fn deflate(&mut self, octets: &[u8], flush: FlushCompress) -> io::Result<usize> {
        let mut space = [0; PIECE];
        let deflate = self.deflate.get_or_insert_with(|| Compress::new(Compression::fast(), false));
        let (read, written) = (deflate.total_in(), deflate.total_out());
        deflate.compress(octets, &mut space, flush)?;
        let written = difference(deflate.total_out(), written);
        let read = difference(deflate.total_in(), read);
        self.waiting.extend_from_slice(space.get(..written).unwrap_or_default());
        // A flush is complete when there was room for all of it.
        if matches!(flush, FlushCompress::Sync) {
            self.unflushed = written == space.len();
        }
        Ok(read)
    }
}

impl<S: AsyncWrite + Unpin> Deflate<S> {
    /// Writes what is deflated.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.waiting))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.waiting.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Deflate<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.ended || buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            // Also when nothing is left to inflate: the last call may have had more to give than room for it.
            if this.inflate(buf)? {
                return Poll::Ready(Ok(()));
            }
            let mut space = [0; PIECE];
            let mut came = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut came))?;
            if came.filled().is_empty() {
                this.ended = true;
            }
            this.compressed.extend_from_slice(came.filled());
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Deflate<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if octets.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            if this.waiting.len() >= PIECE {
                ready!(this.poll_drain(cx))?;
            }
            let taken = this.deflate(octets, FlushCompress::None)?;
            if taken > 0 {
                this.unflushed = true;
                return Poll::Ready(Ok(taken));
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.unflushed {
            this.deflate(&[], FlushCompress::Sync)?;
            ready!(this.poll_drain(cx))?;
        }
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// Whether there is room for octets and none in it.
fn is_idle(buffer: &BytesMut) -> bool {
    buffer.is_empty() && buffer.capacity() > 0
}

/// How far a total has moved.
fn difference(after: u64, before: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX)
}

/// So much is read, or comes out of the compressor, at a time.
const PIECE: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    fn deflated(texts: &[&[u8]]) -> Vec<u8> {
        let mut compress = Compress::new(Compression::best(), false);
        let mut out = Vec::with_capacity(1 << 20);
        for text in texts {
            compress.compress_vec(text, &mut out, FlushCompress::Sync).unwrap();
        }
        out
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        std::iter::repeat_with(next).take(length).collect()
    }

    #[tokio::test]
    async fn what_goes_in_comes_out_through_any_pipe() {
        let all = [noise(100_000), vec![b'a'; 300_000], b"A1 OK done\r\n".to_vec()].concat();
        for width in [1, 7, 512, 65_536] {
            let (near, far) = duplex(width);
            let (mut near, mut far) = (Deflate::new(near, &Bytes::new()), Deflate::new(far, &Bytes::new()));
            let sent = all.clone();
            let (read, done) = tokio::sync::oneshot::channel();
            let writer = tokio::spawn(async move {
                near.write_all(&sent).await.unwrap();
                near.flush().await.unwrap();
                // Nothing but the flush ends what the other side can read.
                done.await.unwrap();
                drop(near);
            });
            let mut got = vec![0; all.len()];
            far.read_exact(&mut got).await.unwrap();
            assert!(got == all, "through {width} octets");
            read.send(()).unwrap();
            // The mark of the flush is still on its way.
            assert_eq!(far.read(&mut got).await.unwrap(), 0);
            writer.await.unwrap();
        }
    }

    #[tokio::test]
    async fn after_a_rest_the_other_side_reads_on() {
        let (near, far) = duplex(65_536);
        let (mut near, mut far) = (Deflate::new(near, &Bytes::new()), Deflate::new(far, &Bytes::new()));
        let text = noise(5000);
        let mut got = vec![0; text.len()];
        for round in 0..5 {
            near.write_all(&text).await.unwrap();
            near.rest();
            assert!(near.deflate.is_some(), "what is inside would be lost");
            near.flush().await.unwrap();
            far.read_exact(&mut got).await.unwrap();
            assert!(got == text, "round {round}");
            assert!(near.can_rest());
            if round % 2 == 0 {
                near.rest();
                assert!(near.deflate.is_none() && near.waiting.capacity() == 0);
                assert!(!near.can_rest());
            }
        }
    }

    /// What the heap holds of one side that has just said something, and of one that rests; both have heard something.
    #[test]
    fn res_01_at_rest_there_is_the_window_of_the_other_side_and_nothing_else() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let wire = deflated(&[&noise(100_000)]);
        for rested in [false, true] {
            let (mut near, far) = duplex(1 << 20);
            runtime.block_on(near.write_all(&wire)).unwrap();
            let mut far = Some(far);
            let mut made = None;
            let measured = posthaste_testkit::measure(|| {
                let mut deflate = Deflate::new(far.take().unwrap(), &Bytes::new());
                runtime.block_on(async {
                    let mut heard = [0; 100];
                    for _ in 0..1000 {
                        deflate.read_exact(&mut heard).await.unwrap();
                    }
                    // What is said goes into the pipe, whose memory was there before.
                    deflate.write_all(b"* OK\r\n").await.unwrap();
                    deflate.flush().await.unwrap();
                });
                if rested {
                    deflate.rest();
                }
                made = Some(deflate);
            });
            let kept = usize::try_from(measured.kept).unwrap();
            assert!(if rested { kept < 44 * 1024 } else { kept < 410 * 1024 }, "{rested} {measured:?}");
            assert!(kept > 40 * 1024, "{measured:?}");
            drop(made);
        }
    }

    #[tokio::test]
    async fn octets_that_came_ahead_come_first() {
        let wire = deflated(&[b"* OK one\r\n", b"* OK two\r\n"]);
        for cut in 0..=wire.len() {
            let (mut near, far) = duplex(64);
            let mut far = Deflate::new(far, &Bytes::copy_from_slice(&wire[..cut]));
            near.write_all(&wire[cut..]).await.unwrap();
            drop(near);
            let mut got = Vec::new();
            far.read_to_end(&mut got).await.unwrap();
            assert_eq!(got, b"* OK one\r\n* OK two\r\n", "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn what_is_not_deflate_is_an_error_and_an_end_is_an_end() {
        let (mut near, far) = duplex(64);
        let mut far = Deflate::new(far, &Bytes::new());
        near.write_all(b"\xff\xff\xff\xff").await.unwrap();
        assert_eq!(far.read_u8().await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        let mut compress = Compress::new(Compression::best(), false);
        let mut wire = Vec::with_capacity(1024);
        compress.compress_vec(b"bye", &mut wire, FlushCompress::Finish).unwrap();
        let (mut near, far) = duplex(64);
        let mut far = Deflate::new(far, &Bytes::new());
        near.write_all(&wire).await.unwrap();
        let mut got = Vec::new();
        far.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"bye");
    }

    #[tokio::test]
    async fn little_that_becomes_much_comes_in_pieces() {
        let zeros = vec![0; 10_000_000];
        let wire = deflated(&[&zeros]);
        assert!(wire.len() < 20_000);
        let (mut near, far) = duplex(65_536);
        near.write_all(&wire).await.unwrap();
        let mut far = Deflate::new(far, &Bytes::new());
        let mut piece = [0; 4096];
        let mut total = 0;
        while total < zeros.len() {
            total += far.read(&mut piece).await.unwrap();
            assert!(far.compressed.len() <= PIECE);
        }
    }
}
