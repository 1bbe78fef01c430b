//! Response codes (RFC 9051, section 7.1, and the registry of response codes).

use crate::charset::Charset;
use crate::types::{
    AString, Atom, Capability, Label, ObjectId, PermanentFlags, SequenceSet, Tag, UidSet, UrlMechanism,
};
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
    /// `BADCOMPARATOR` (RFC 5255)
    BadComparator,
    /// `BADEVENT (..)`: the events that NOTIFY does know (RFC 5465).
    BadEvent(Vec<Label>),
    /// `BADURL url` (RFC 4469); the encoder leaves out octets that cannot stand there.
    BadUrl(Bytes),
    /// `CANNOT` (RFC 5530)
    Cannot,
    /// `CAPABILITY ..`
    Capability(Vec<Capability>),
    /// `CLIENTBUG` (RFC 5530)
    ClientBug,
    /// `CLOSED` (RFC 7162)
    Closed,
    /// `COMPRESSIONACTIVE` (RFC 4978)
    CompressionActive,
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
    /// `INPROGRESS (tag progress goal)` (RFC 9585)
    InProgress {
        /// The command that is being worked on.
        tag: Option<Tag>,
        /// How many items are done.
        progress: Option<u32>,
        /// How many items there are; only with `progress`.
        goal: Option<NonZeroU32>,
    },
    /// `INUSE` (RFC 5530)
    InUse,
    /// `LIMIT` (RFC 5530)
    Limit,
    /// `MAILBOXID (id)` (RFC 8474)
    MailboxId(ObjectId),
    /// `MESSAGELIMIT n [uid]` (RFC 9738)
    MessageLimit {
        /// How many messages a command may be about.
        limit: NonZeroU32,
        /// The lowest UID that was worked on.
        uid: Option<NonZeroU32>,
    },
    /// `METADATA LONGENTRIES n` (RFC 5464): the longest value that was left out has so many octets.
    MetadataLongEntries(u64),
    /// `METADATA MAXSIZE n` (RFC 5464): values may have so many octets.
    MetadataMaxSize(u64),
    /// `METADATA TOOMANY` (RFC 5464)
    MetadataTooMany,
    /// `METADATA NOPRIVATE` (RFC 5464)
    MetadataNoPrivate,
    /// `MODIFIED set` (RFC 7162): messages that a conditional STORE left alone; numbers or UIDs as in the command.
    Modified(SequenceSet),
    /// `NOMODSEQ` (RFC 7162)
    NoModSeq,
    /// `NONEXISTENT` (RFC 5530)
    NonExistent,
    /// `NOPERM` (RFC 5530)
    NoPerm,
    /// `NOTIFICATIONOVERFLOW` (RFC 5465)
    NotificationOverflow,
    /// `NOTSAVED` (RFC 5182)
    NotSaved,
    /// `NOUPDATE tag` (RFC 5267): the result of this command is not kept up to date.
    NoUpdate(AString),
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
    /// `REFERRAL url` (RFC 2221, RFC 2193); the encoder leaves out octets that cannot stand there.
    Referral(Bytes),
    /// `SERVERBUG` (RFC 5530)
    ServerBug,
    /// `TOOBIG` (RFC 4469)
    TooBig,
    /// `TOOFEW` (RFC 10022)
    TooFew,
    /// `TOOMANY` (RFC 10022)
    TooMany,
    /// `TRYCREATE`
    TryCreate,
    /// `UIDNEXT n`; wide and possibly zero, because servers send that.
    UidNext(u64),
    /// `UIDNOTSTICKY` (RFC 4315)
    UidNotSticky,
    /// `UIDREQUIRED` (RFC 9586)
    UidRequired,
    /// `UIDVALIDITY n`; wide and possibly zero, because servers send that.
    UidValidity(u64),
    /// `UNAVAILABLE` (RFC 5530)
    Unavailable,
    /// `UNDEFINED-FILTER name` (RFC 5466)
    UndefinedFilter(Atom),
    /// `UNKNOWN-CTE` (RFC 3516)
    UnknownCte,
    /// `UNSEEN n` (RFC 3501): the first unseen message.
    Unseen(u64),
    /// `URLMECH INTERNAL ..` (RFC 4467): the mechanisms, `INTERNAL` left out.
    UrlMech(Vec<UrlMechanism>),
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
    /// The first word of the code, in capitals where this crate knows it.
    pub fn name(&self) -> &str {
        match self {
            Self::AppendUid { .. } => "APPENDUID",
            Self::BadCharset(_) => "BADCHARSET",
            Self::BadEvent(_) => "BADEVENT",
            Self::BadUrl(_) => "BADURL",
            Self::Capability(_) => "CAPABILITY",
            Self::CopyUid { .. } => "COPYUID",
            Self::HighestModSeq(_) => "HIGHESTMODSEQ",
            Self::InProgress { .. } => "INPROGRESS",
            Self::MailboxId(_) => "MAILBOXID",
            Self::MessageLimit { .. } => "MESSAGELIMIT",
            Self::MetadataLongEntries(_)
            | Self::MetadataMaxSize(_)
            | Self::MetadataTooMany
            | Self::MetadataNoPrivate => "METADATA",
            Self::Modified(_) => "MODIFIED",
            Self::NoUpdate(_) => "NOUPDATE",
            Self::PermanentFlags(_) => "PERMANENTFLAGS",
            Self::Referral(_) => "REFERRAL",
            Self::UidNext(_) => "UIDNEXT",
            Self::UidValidity(_) => "UIDVALIDITY",
            Self::UndefinedFilter(_) => "UNDEFINED-FILTER",
            Self::Unseen(_) => "UNSEEN",
            Self::UrlMech(_) => "URLMECH",
            Self::Other { name, .. } => name.as_str(),
            // All others are without arguments.
            _ => self.plain_name().unwrap_or_default(),
        }
    }

    /// `BADCHARSET` with the charsets that this crate makes text of (RFC 9051, section 7.1).
    pub fn bad_charset() -> Self {
        Self::BadCharset(Charset::names().map(|name| AString::replacing_nul(name.as_bytes())).collect())
    }

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

const PLAIN: [PlainCode; 36] = [
    ("ALERT", || ResponseCode::Alert),
    ("ALREADYEXISTS", || ResponseCode::AlreadyExists),
    ("AUTHENTICATIONFAILED", || ResponseCode::AuthenticationFailed),
    ("AUTHORIZATIONFAILED", || ResponseCode::AuthorizationFailed),
    ("BADCOMPARATOR", || ResponseCode::BadComparator),
    ("CANNOT", || ResponseCode::Cannot),
    ("CLIENTBUG", || ResponseCode::ClientBug),
    ("CLOSED", || ResponseCode::Closed),
    ("COMPRESSIONACTIVE", || ResponseCode::CompressionActive),
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
    ("NOTIFICATIONOVERFLOW", || ResponseCode::NotificationOverflow),
    ("NOTSAVED", || ResponseCode::NotSaved),
    ("OVERQUOTA", || ResponseCode::OverQuota),
    ("PARSE", || ResponseCode::Parse),
    ("PRIVACYREQUIRED", || ResponseCode::PrivacyRequired),
    ("READ-ONLY", || ResponseCode::ReadOnly),
    ("READ-WRITE", || ResponseCode::ReadWrite),
    ("SERVERBUG", || ResponseCode::ServerBug),
    ("TOOBIG", || ResponseCode::TooBig),
    ("TOOFEW", || ResponseCode::TooFew),
    ("TOOMANY", || ResponseCode::TooMany),
    ("TRYCREATE", || ResponseCode::TryCreate),
    ("UIDNOTSTICKY", || ResponseCode::UidNotSticky),
    ("UIDREQUIRED", || ResponseCode::UidRequired),
    ("UNAVAILABLE", || ResponseCode::Unavailable),
    ("UNKNOWN-CTE", || ResponseCode::UnknownCte),
    ("USEATTR", || ResponseCode::UseAttr),
];
