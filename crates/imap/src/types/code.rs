//! Response codes (RFC 9051, section 7.1; RFC 3501, RFC 4315, RFC 5530, RFC 7162, RFC 4469, RFC 6154).

use crate::types::{AString, Atom, Capability, PermanentFlags, UidSet};
use alloc::vec::Vec;
use bytes::Bytes;
use core::num::NonZeroU32;

/// `resp-text-code`: what stands in brackets before the text of a status response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseCode {
    /// `ALERT`: show the text to the user.
    Alert,
    /// `ALREADYEXISTS` (RFC 5530)
    AlreadyExists,
    /// `APPENDUID uidvalidity uids` (RFC 4315); more than one UID after MULTIAPPEND.
    AppendUid {
        /// UIDVALIDITY of the target.
        uid_validity: NonZeroU32,
        /// The new UIDs.
        uids: UidSet,
    },
    /// `AUTHENTICATIONFAILED` (RFC 5530)
    AuthenticationFailed,
    /// `AUTHORIZATIONFAILED` (RFC 5530)
    AuthorizationFailed,
    /// `BADCHARSET (..)`: the charsets that SEARCH does know.
    BadCharset(Vec<AString>),
    /// `CANNOT` (RFC 5530)
    Cannot,
    /// `CAPABILITY ..`
    Capability(Vec<Capability>),
    /// `CLIENTBUG` (RFC 5530)
    ClientBug,
    /// `CLOSED` (RFC 7162)
    Closed,
    /// `CONTACTADMIN` (RFC 5530)
    ContactAdmin,
    /// `COPYUID uidvalidity from to` (RFC 4315)
    CopyUid {
        /// UIDVALIDITY of the target.
        uid_validity: NonZeroU32,
        /// UIDs in the source.
        source: UidSet,
        /// UIDs in the target, in the same order.
        target: UidSet,
    },
    /// `CORRUPTION` (RFC 5530)
    Corruption,
    /// `EXPIRED` (RFC 5530)
    Expired,
    /// `EXPUNGEISSUED` (RFC 5530)
    ExpungeIssued,
    /// `HASCHILDREN` (RFC 9051)
    HasChildren,
    /// `HIGHESTMODSEQ n` (RFC 7162)
    HighestModSeq(u64),
    /// `INUSE` (RFC 5530)
    InUse,
    /// `LIMIT` (RFC 5530)
    Limit,
    /// `NOMODSEQ` (RFC 7162)
    NoModSeq,
    /// `NONEXISTENT` (RFC 5530)
    NonExistent,
    /// `NOPERM` (RFC 5530)
    NoPerm,
    /// `NOTSAVED` (RFC 5182)
    NotSaved,
    /// `OVERQUOTA` (RFC 5530)
    OverQuota,
    /// `PARSE`: a message could not be parsed.
    Parse,
    /// `PERMANENTFLAGS (..)`
    PermanentFlags(PermanentFlags),
    /// `PRIVACYREQUIRED` (RFC 5530)
    PrivacyRequired,
    /// `READ-ONLY`
    ReadOnly,
    /// `READ-WRITE`
    ReadWrite,
    /// `SERVERBUG` (RFC 5530)
    ServerBug,
    /// `TOOBIG` (RFC 4469)
    TooBig,
    /// `TRYCREATE`
    TryCreate,
    /// `UIDNEXT n`; wide and possibly zero, because servers send that.
    UidNext(u64),
    /// `UIDNOTSTICKY` (RFC 4315)
    UidNotSticky,
    /// `UIDVALIDITY n`; wide and possibly zero, because servers send that.
    UidValidity(u64),
    /// `UNAVAILABLE` (RFC 5530)
    Unavailable,
    /// `UNKNOWN-CTE` (RFC 3516)
    UnknownCte,
    /// `UNSEEN n` (RFC 3501): the first unseen message.
    Unseen(u64),
    /// `USEATTR` (RFC 6154)
    UseAttr,
    /// A code this crate does not know, or a known one with arguments that break its grammar.
    Other {
        /// Its name.
        name: Atom,
        /// What follows the space; the encoder leaves out octets that cannot stand there.
        arguments: Option<Bytes>,
    },
}

impl ResponseCode {
    /// The name of a code without arguments, `None` for the others.
    pub(crate) fn plain_name(&self) -> Option<&'static str> {
        PLAIN.iter().find(|(_, code)| code() == *self).map(|(name, _)| *name)
    }

    /// The code without arguments called `name`, in any case.
    pub(crate) fn plain_named(name: &[u8]) -> Option<Self> {
        PLAIN.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes())).map(|(_, code)| code())
    }
}

type PlainCode = (&'static str, fn() -> ResponseCode);

const PLAIN: [PlainCode; 30] = [
    ("ALERT", || ResponseCode::Alert),
    ("ALREADYEXISTS", || ResponseCode::AlreadyExists),
    ("AUTHENTICATIONFAILED", || ResponseCode::AuthenticationFailed),
    ("AUTHORIZATIONFAILED", || ResponseCode::AuthorizationFailed),
    ("CANNOT", || ResponseCode::Cannot),
    ("CLIENTBUG", || ResponseCode::ClientBug),
    ("CLOSED", || ResponseCode::Closed),
    ("CONTACTADMIN", || ResponseCode::ContactAdmin),
    ("CORRUPTION", || ResponseCode::Corruption),
    ("EXPIRED", || ResponseCode::Expired),
    ("EXPUNGEISSUED", || ResponseCode::ExpungeIssued),
    ("HASCHILDREN", || ResponseCode::HasChildren),
    ("INUSE", || ResponseCode::InUse),
    ("LIMIT", || ResponseCode::Limit),
    ("NOMODSEQ", || ResponseCode::NoModSeq),
    ("NONEXISTENT", || ResponseCode::NonExistent),
    ("NOPERM", || ResponseCode::NoPerm),
    ("NOTSAVED", || ResponseCode::NotSaved),
    ("OVERQUOTA", || ResponseCode::OverQuota),
    ("PARSE", || ResponseCode::Parse),
    ("PRIVACYREQUIRED", || ResponseCode::PrivacyRequired),
    ("READ-ONLY", || ResponseCode::ReadOnly),
    ("READ-WRITE", || ResponseCode::ReadWrite),
    ("SERVERBUG", || ResponseCode::ServerBug),
    ("TOOBIG", || ResponseCode::TooBig),
    ("TRYCREATE", || ResponseCode::TryCreate),
    ("UIDNOTSTICKY", || ResponseCode::UidNotSticky),
    ("UNAVAILABLE", || ResponseCode::Unavailable),
    ("UNKNOWN-CTE", || ResponseCode::UnknownCte),
    ("USEATTR", || ResponseCode::UseAttr),
];
