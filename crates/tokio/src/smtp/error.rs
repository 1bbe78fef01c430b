//! Why a message was not sent, and what that means for each of its recipients.
//!
//! Decides nothing: what is known of a message is the machine's to say. Refusals are no errors but in the report.

use posthaste_smtp::client::Fate;
use posthaste_smtp::{Envelope, ProtocolError, Rejection};

use super::Error;
use crate::{Cause, Phase, Retry};

/// Why a message has no report.
///
/// ```
/// use posthaste_tokio::{Retry, smtp};
///
/// fn again(error: smtp::SendError) -> Option<posthaste_smtp::Envelope> {
///     match error.retry() {
///         // Nobody has it: again over another connection.
///         Retry::Safe | Retry::Later => error.not_taken(),
///         // Sent again, it may arrive twice.
///         Retry::Unknown => None,
///         Retry::Never => None,
///     }
/// }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .inner.error)]
pub struct SendError {
    inner: Box<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    error: Error,
    envelope: Envelope,
    recipients: Vec<Fate>,
    /// No recipient was accepted, and nothing of the content was asked for.
    untouched: bool,
}

impl SendError {
    /// The message was not begun.
    pub(crate) fn before(error: impl Into<Error>, envelope: Envelope) -> Self {
        let recipients = envelope.recipients.iter().map(|_| Fate::NotTaken).collect();
        Self::new(&error.into(), envelope, recipients, true)
    }

    pub(crate) fn new(error: &Error, envelope: Envelope, recipients: Vec<Fate>, untouched: bool) -> Self {
        // What the machine knows goes before how far the call was: with these phases the error by itself says the
        // same about trying again.
        let phase = match error.phase() {
            Phase::Transfer | Phase::Change if recipients.contains(&Fate::Unknown) => Phase::Change,
            Phase::Change => Phase::Transfer,
            phase => phase,
        };
        Self { inner: Box::new(Inner { error: error.seen_from(phase), envelope, recipients, untouched }) }
    }

    /// Where in the conversation, with whom, and why.
    pub fn error(&self) -> &Error {
        &self.inner.error
    }

    /// What went wrong.
    pub fn cause(&self) -> &Cause<ProtocolError, Rejection> {
        self.inner.error.cause()
    }

    /// How far the conversation was.
    pub fn phase(&self) -> Phase {
        self.inner.error.phase()
    }

    /// Whether the message may be sent again. [`Retry::Safe`] and [`Retry::Later`] are about those of
    /// [`not_taken`](Self::not_taken); [`Retry::Unknown`] as soon as that holds for one recipient.
    pub fn retry(&self) -> Retry {
        if self.inner.recipients.contains(&Fate::Unknown) { Retry::Unknown } else { self.inner.error.retry() }
    }

    /// For each recipient of the envelope, in order, what is known.
    pub fn recipients(&self) -> &[Fate] {
        &self.inner.recipients
    }

    /// What was to be sent.
    pub fn envelope(&self) -> &Envelope {
        &self.inner.envelope
    }

    /// The envelope of those for whom the server has certainly not taken the message and has not refused it: sent to
    /// them again, it arrives once. `None` where there is nobody.
    pub fn not_taken(&self) -> Option<Envelope> {
        let mut envelope = self.inner.envelope.clone();
        let mut fates = self.inner.recipients.iter();
        envelope.recipients.retain(|_| fates.next() == Some(&Fate::NotTaken));
        Some(envelope).filter(|envelope| !envelope.recipients.is_empty())
    }

    /// Whether no recipient was accepted and no content asked for.
    pub(crate) fn is_untouched(&self) -> bool {
        self.inner.untouched && self.inner.recipients.iter().all(|fate| *fate == Fate::NotTaken)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        error.inner.error
    }
}
