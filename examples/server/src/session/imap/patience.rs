//! Work that takes long: whoever waits for it is told how far it is (INPROGRESS, RFC 9585), and when nobody waits any
//! more it ends.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use posthaste_imap::ProtocolError;
use posthaste_imap::server::Asked;
use posthaste_tokio::Error;

use super::Session;

/// How far some work is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    done: AtomicU32,
    all: AtomicU32,
}

impl Progress {
    /// There is so much more to do.
    pub(super) fn expect(&self, more: usize) {
        self.all.fetch_add(u32::try_from(more).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// So much more is done.
    pub(super) fn add(&self, done: usize) {
        self.done.fetch_add(u32::try_from(done).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

impl Session {
    /// Waits for work that does not need the connection.
    ///
    /// # Errors
    ///
    /// The client has gone, and the work is given up.
    pub(super) async fn patiently<T, R>(
        &mut self,
        asked: &Asked<R>,
        progress: &Progress,
        work: impl Future<Output = T>,
    ) -> Result<T, Error<ProtocolError>> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = self.connection.peer_gone() => {
                    return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
                }
                () = tokio::time::sleep(PATIENCE) => {}
            }
            let all = progress.all.load(Ordering::Relaxed);
            let done = progress.done.load(Ordering::Relaxed).min(all);
            asked.progress(self.connection.machine(), done, NonZeroU32::new(all))?;
            self.connection.flush().await?;
        }
    }
}

/// How long a client waits without a word (RFC 9585 3.2).
const PATIENCE: Duration = Duration::from_secs(10);
