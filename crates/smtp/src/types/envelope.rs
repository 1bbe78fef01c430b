//! A mail transaction as each side holds it: what a client wants to send, what a server has accepted so far.

use alloc::vec::Vec;
use core::str::FromStr;

use crate::{
    AuthIdentity, BodyType, DeliverBy, EnvelopeId, ForwardPath, Hold, MailParameters, ParseError, Priority,
    RcptParameters, Ret, ReversePath,
};

/// Where a message goes, with what is asked for on the way there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recipient {
    /// The argument of RCPT.
    pub path: ForwardPath,
    /// Its parameters.
    pub parameters: RcptParameters,
}

impl Recipient {
    /// The same in allocations of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self { path: self.path.compact(), parameters: self.parameters.compact() }
    }
}

impl From<ForwardPath> for Recipient {
    /// A recipient for whom nothing is asked.
    fn from(path: ForwardPath) -> Self {
        Self { path, parameters: RcptParameters::default() }
    }
}

/// What a client needs to know before it sends a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope {
    /// Where errors go.
    pub from: ReversePath,
    /// Where the message goes, in the order in which results are reported.
    pub recipients: Vec<Recipient>,
    /// How many octets the message has, where that is known; sent as `SIZE=` where the server offers it.
    pub size: Option<u64>,
    /// What the message may hold. [`BodyType::EightBitMime`] goes only to a server that offers `8BITMIME`.
    pub body: BodyType,
    /// Who submitted the message first; sent to a server that offers `AUTH` once it is authenticated to.
    pub auth: Option<AuthIdentity>,
    /// How much a notice of failure returns; sent where `DSN` is offered, dropped elsewhere (RFC 3461 5.2.2).
    pub ret: Option<Ret>,
    /// The sender's name for this envelope; as `ret`.
    pub envelope_id: Option<EnvelopeId>,
    /// Whether header fields hold UTF-8. Addresses that do are seen without being told. Such a message goes only
    /// to a server that offers `SMTPUTF8` (RFC 6531 3.2).
    pub smtp_utf8: bool,
    /// Whether no hop may be without TLS: goes only through TLS to a server that offers `REQUIRETLS` (RFC 8689).
    pub require_tls: bool,
    /// Until when it is held back: goes only to a server that offers `FUTURERELEASE`.
    pub hold: Option<Hold>,
    /// By when it is to be delivered: goes only to a server that offers `DELIVERBY` (RFC 2852 4.1.4 has the
    /// exceptions).
    pub deliver_by: Option<DeliverBy>,
    /// How urgent it is; sent where `MT-PRIORITY` is offered, dropped elsewhere (RFC 6710 4.2).
    pub priority: Option<Priority>,
}

impl FromStr for Recipient {
    type Err = ParseError;

    /// Takes the path with its angle brackets; nothing else is asked for.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.parse::<ForwardPath>().map(Self::from)
    }
}

impl Envelope {
    /// An envelope for a 7-bit message of unknown size.
    pub fn new(from: ReversePath, recipients: impl IntoIterator<Item = Recipient>) -> Self {
        Self {
            from,
            recipients: recipients.into_iter().collect(),
            size: None,
            body: BodyType::SevenBit,
            auth: None,
            ret: None,
            envelope_id: None,
            smtp_utf8: false,
            require_tls: false,
            hold: None,
            deliver_by: None,
            priority: None,
        }
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
    recipients: Vec<Recipient>,
}

impl Transaction {
    /// Copies what it keeps, so that no line stays in memory for a path in it.
    pub(crate) fn new(from: &ReversePath, parameters: &MailParameters) -> Self {
        Self { from: from.compact(), parameters: parameters.compact(), recipients: Vec::new() }
    }

    /// As [`new`](Self::new).
    pub(crate) fn add(&mut self, recipient: &Recipient) {
        self.recipients.push(recipient.compact());
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
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }
}
