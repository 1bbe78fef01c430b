//! A message while it comes in: straight to the spool, the trace in front of it, its header looked at on the way.
//!
//! What makes it unacceptable is remembered, what has been spooled of it is let go of at once, and the rest is read
//! and thrown away: the answer comes at its end.

use std::sync::Arc;

use posthaste_smtp::Rejection;

use super::answer;
use super::header::Header;
use super::revise::{Head, Missing};
use crate::directory::{Account, Directory};
use crate::ingest;
use crate::store::{Spool, Spooled};

/// A message that is coming in.
#[derive(Debug)]
pub(super) struct Incoming {
    content: Result<Spool, Rejection>,
    header: Header,
    /// The header of a submitted message, until its end.
    submitted: Option<Submitted>,
    /// Octets that all who get it, and who sends it, agree to.
    size_max: u64,
    /// Octets that came.
    size: u64,
}

/// What a submitted message is checked against.
#[derive(Debug)]
pub(super) struct Submitted {
    head: Head,
    missing: Missing,
    directory: Directory,
    account: Arc<Account>,
}

impl Submitted {
    pub(super) fn new(directory: Directory, account: Arc<Account>, missing: Missing) -> Self {
        Self { head: Head::default(), missing, directory, account }
    }

    fn revised(&self) -> Result<Vec<u8>, Rejection> {
        self.head.revised(&self.missing, |from| self.directory.may_send_as(&self.account, from))
    }
}

impl Incoming {
    /// Begins, with the fields that this server puts in front.
    pub(super) async fn begin(
        spool: Spool,
        trace: String,
        submitted: Option<Submitted>,
        size_max: Option<u64>,
    ) -> Self {
        let mut incoming = Self {
            content: Ok(spool),
            header: Header::default(),
            submitted,
            size_max: size_max.unwrap_or(u64::MAX),
            size: 0,
        };
        incoming.spool(trace.as_bytes()).await;
        incoming
    }

    /// Takes the next octets.
    pub(super) async fn take(&mut self, octets: &[u8]) {
        self.header.read(octets);
        self.size = self.size.saturating_add(octets.len() as u64);
        if self.size > self.size_max {
            self.content = Err(answer::larger_than_allowed());
        }
        if self.content.is_err() {
            return;
        }
        let Some(submitted) = &mut self.submitted else { return self.spool(octets).await };
        match submitted.head.read(octets) {
            Ok(None) => {}
            Ok(Some(behind)) => {
                self.end_head().await;
                self.spool(&behind).await;
            }
            Err(refused) => self.content = Err(refused),
        }
    }

    /// What is known of the header.
    pub(super) const fn header(&self) -> &Header {
        &self.header
    }

    /// Octets that came.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// The message has come to its end.
    ///
    /// # Errors
    ///
    /// Why it cannot be taken.
    pub(super) async fn end(mut self) -> Result<Spooled, Rejection> {
        if self.content.is_ok() && self.submitted.is_some() {
            // All of it was header.
            self.end_head().await;
        }
        let spooled = self.content?.finish().await.map_err(|error| answer::store(&error))?;
        ingest::complete(spooled).await.map_err(|error| answer::store(&error))
    }

    async fn end_head(&mut self) {
        match self.submitted.take().map(|submitted| submitted.revised()) {
            Some(Ok(head)) => self.spool(&head).await,
            Some(Err(refused)) => self.content = Err(refused),
            None => {}
        }
    }

    async fn spool(&mut self, octets: &[u8]) {
        if let Ok(spool) = &mut self.content
            && let Err(error) = spool.write(octets).await
        {
            tracing::error!(%error, "a message cannot be spooled");
            self.content = Err(answer::store(&error));
        }
    }
}
