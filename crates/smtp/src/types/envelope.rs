//! A mail transaction as each side holds it: what a client wants to send, what a server has accepted so far.

use alloc::vec::Vec;

use crate::{BodyType, ForwardPath, MailParameters, ReversePath};

/// What a client needs to know before it sends a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope {
    /// Where errors go.
    pub from: ReversePath,
    /// Where the message goes, in the order in which results are reported.
    pub recipients: Vec<ForwardPath>,
    /// How many octets the message has, where that is known; sent as `SIZE=` where the server offers it.
    pub size: Option<u64>,
    /// What the message may hold. [`BodyType::EightBitMime`] goes only to a server that offers `8BITMIME`.
    pub body: BodyType,
}

impl Envelope {
    /// An envelope for a 7-bit message of unknown size.
    pub const fn new(from: ReversePath, recipients: Vec<ForwardPath>) -> Self {
        Self { from, recipients, size: None, body: BodyType::SevenBit }
    }

    /// The same with a size, in octets.
    #[must_use]
    pub fn with_size(self, octets: u64) -> Self {
        Self { size: Some(octets), ..self }
    }

    /// The same for content of `body`.
    #[must_use]
    pub fn with_body(self, body: BodyType) -> Self {
        Self { body, ..self }
    }
}

/// What a server accepted of one message before its content: moved out of the machine as one value at the end of
/// the data, whatever the outcome, so that nothing of it can reach the next message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    from: ReversePath,
    parameters: MailParameters,
    recipients: Vec<ForwardPath>,
}

impl Transaction {
    pub(crate) const fn new(from: ReversePath, parameters: MailParameters) -> Self {
        Self { from, parameters, recipients: Vec::new() }
    }

    pub(crate) fn add(&mut self, recipient: ForwardPath) {
        self.recipients.push(recipient);
    }

    /// Where errors go.
    pub const fn from(&self) -> &ReversePath {
        &self.from
    }

    /// The parameters of MAIL.
    pub const fn parameters(&self) -> &MailParameters {
        &self.parameters
    }

    /// The recipients that were accepted, in the order of their RCPT commands. One that was named twice is here
    /// twice: LMTP answers each.
    pub fn recipients(&self) -> &[ForwardPath] {
        &self.recipients
    }
}
