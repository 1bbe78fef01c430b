//! A body that is made line by line while it is sent.
//!
//! That of http-body-util ends as soon as its sender is gone, and loses what was sent just before.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc;

/// What is still to be sent, up to the end of the sender and all it has sent.
pub(super) struct Lines(mpsc::Receiver<Bytes>);

impl Lines {
    /// The sender, who waits for room, and the body.
    pub(super) fn new() -> (mpsc::Sender<Bytes>, Self) {
        let (sender, lines) = mpsc::channel(1);
        (sender, Self(lines))
    }
}

impl Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_last_line_is_not_lost_when_its_sender_goes_at_once() {
        for _ in 0..20_000 {
            let (sender, body) = Lines::new();
            let sending = tokio::spawn(async move { sender.send(Bytes::from_static(b"last")).await });
            assert_eq!(body.collect().await.unwrap().to_bytes(), "last");
            sending.await.unwrap().unwrap();
        }
    }
}
