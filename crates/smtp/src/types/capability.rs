//! What a server offers in its reply to EHLO (RFC 5321 4.1.1.1).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::{DateTime, Mechanism, Text};

/// One line of the reply to EHLO.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capability {
    /// `SIZE [octets]`: the largest message, where there is a fixed one (RFC 1870). Zero on the wire is none.
    Size(Option<u64>),
    /// `PIPELINING` (RFC 2920).
    Pipelining,
    /// `8BITMIME` (RFC 6152).
    EightBitMime,
    /// `ENHANCEDSTATUSCODES` (RFC 2034).
    EnhancedStatusCodes,
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `AUTH mechanisms` (RFC 4954), and the `AUTH=` of old servers. Names that break the grammar are left out.
    Auth(Vec<Mechanism>),
    /// `CHUNKING`: BDAT (RFC 3030 2).
    Chunking,
    /// `BINARYMIME` (RFC 3030 3).
    BinaryMime,
    /// `DSN` (RFC 3461).
    Dsn,
    /// `SMTPUTF8` (RFC 6531).
    SmtpUtf8,
    /// `REQUIRETLS` (RFC 8689).
    RequireTls,
    /// `LIMITS` (RFC 9422 3).
    Limits(AnnouncedLimits),
    /// `FUTURERELEASE` (RFC 4865 4).
    FutureRelease {
        /// The longest time a message is held back, in seconds.
        seconds_max: u32,
        /// The latest point in time until which it is.
        until_max: DateTime,
    },
    /// `DELIVERBY [seconds]` (RFC 2852 3): the least time for a message that is to be returned.
    DeliverBy(Option<u32>),
    /// `MT-PRIORITY [profile]` (RFC 6710): the name of the assignment policy.
    MtPriority(Option<Text>),
    /// `RRVS` (RFC 7293).
    Rrvs,
    /// `ETRN` (RFC 1985).
    Etrn,
    /// `VRFY`.
    Vrfy,
    /// `EXPN`.
    Expn,
    /// `HELP`.
    Help,
    /// `XCLIENT attributes`: the names that may be given.
    Xclient(Vec<Text>),
    /// `XFORWARD attributes`: the names that may be given.
    Xforward(Vec<Text>),
    /// Any other line, as it was written.
    Unknown(String),
}

/// The extensions known here by their name, to ask whether one is offered whatever its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Keyword {
    /// `SIZE`.
    Size,
    /// `PIPELINING`.
    Pipelining,
    /// `8BITMIME`.
    EightBitMime,
    /// `ENHANCEDSTATUSCODES`.
    EnhancedStatusCodes,
    /// `STARTTLS`.
    StartTls,
    /// `AUTH`.
    Auth,
    /// `CHUNKING`.
    Chunking,
    /// `BINARYMIME`.
    BinaryMime,
    /// `DSN`.
    Dsn,
    /// `SMTPUTF8`.
    SmtpUtf8,
    /// `REQUIRETLS`.
    RequireTls,
    /// `LIMITS`.
    Limits,
    /// `FUTURERELEASE`.
    FutureRelease,
    /// `DELIVERBY`.
    DeliverBy,
    /// `MT-PRIORITY`.
    MtPriority,
    /// `RRVS`.
    Rrvs,
    /// `ETRN`.
    Etrn,
    /// `VRFY`.
    Vrfy,
    /// `EXPN`.
    Expn,
    /// `HELP`.
    Help,
    /// `XCLIENT`.
    Xclient,
    /// `XFORWARD`.
    Xforward,
}

impl Capability {
    /// Which extension it is; `None` for what is not known here.
    pub const fn keyword(&self) -> Option<Keyword> {
        Some(match self {
            Self::Size(_) => Keyword::Size,
            Self::Pipelining => Keyword::Pipelining,
            Self::EightBitMime => Keyword::EightBitMime,
            Self::EnhancedStatusCodes => Keyword::EnhancedStatusCodes,
            Self::StartTls => Keyword::StartTls,
            Self::Auth(_) => Keyword::Auth,
            Self::Chunking => Keyword::Chunking,
            Self::BinaryMime => Keyword::BinaryMime,
            Self::Dsn => Keyword::Dsn,
            Self::SmtpUtf8 => Keyword::SmtpUtf8,
            Self::RequireTls => Keyword::RequireTls,
            Self::Limits(_) => Keyword::Limits,
            Self::FutureRelease { .. } => Keyword::FutureRelease,
            Self::DeliverBy(_) => Keyword::DeliverBy,
            Self::MtPriority(_) => Keyword::MtPriority,
            Self::Rrvs => Keyword::Rrvs,
            Self::Etrn => Keyword::Etrn,
            Self::Vrfy => Keyword::Vrfy,
            Self::Expn => Keyword::Expn,
            Self::Help => Keyword::Help,
            Self::Xclient(_) => Keyword::Xclient,
            Self::Xforward(_) => Keyword::Xforward,
            Self::Unknown(_) => return None,
        })
    }
}

/// As the line of the reply to EHLO, without code and CR LF.
impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::encode::capability(self))
    }
}

/// The limits of a session that a server announces (RFC 9422 4), each 1 to 999,999.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnnouncedLimits {
    /// `MAILMAX`: MAIL commands in a session, refused ones counted.
    pub mail_max: Option<u32>,
    /// `RCPTMAX`: RCPT commands in a transaction, refused ones counted.
    pub rcpt_max: Option<u32>,
    /// `RCPTDOMAINMAX`: different domains of recipients in a session.
    pub rcpt_domain_max: Option<u32>,
}

/// All that a server offers; empty after HELO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<Capability>);

impl Capabilities {
    /// Takes what a server offers.
    pub const fn new(list: Vec<Capability>) -> Self {
        Self(list)
    }

    /// All of it, in order.
    pub fn as_slice(&self) -> &[Capability] {
        &self.0
    }

    /// The first offer of the extension, with its parameters.
    pub fn find(&self, keyword: Keyword) -> Option<&Capability> {
        self.0.iter().find(|capability| capability.keyword() == Some(keyword))
    }

    /// Whether the extension is offered.
    pub fn has(&self, keyword: Keyword) -> bool {
        self.find(keyword).is_some()
    }

    /// The limits that are announced; none without LIMITS (RFC 9422 3).
    pub fn limits(&self) -> AnnouncedLimits {
        match self.find(Keyword::Limits) {
            Some(Capability::Limits(limits)) => *limits,
            _ => AnnouncedLimits::default(),
        }
    }

    /// The `SIZE` offer: `None` without one, `Some(None)` without a fixed maximum.
    pub fn size(&self) -> Option<Option<u64>> {
        match self.find(Keyword::Size)? {
            Capability::Size(max) => Some(*max),
            _ => None,
        }
    }

    /// The mechanisms that AUTH may name, in order, each once.
    pub fn mechanisms(&self) -> Vec<&Mechanism> {
        let mut all: Vec<&Mechanism> = Vec::new();
        for capability in &self.0 {
            let Capability::Auth(list) = capability else { continue };
            for mechanism in list {
                if !all.contains(&mechanism) {
                    all.push(mechanism);
                }
            }
        }
        all
    }
}
