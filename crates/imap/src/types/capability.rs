//! Capabilities (RFC 9051, sections 6.1.1 and 7.2.2, and the registry of capabilities).
//!
//! Names ignore ASCII case. A name that is not known, or known with an argument that is none, is kept as it came.

use crate::error::InvalidValue;
use crate::types::{Atom, Label, QuotaResource, Rights, ThreadAlgorithm};
use bytes::Bytes;
use core::fmt::{self, Write as _};
use core::num::NonZeroU32;

/// One capability.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capability {
    /// `ACL` (RFC 4314)
    Acl,
    /// `APPENDLIMIT` (RFC 7889), the limit differs between mailboxes; `APPENDLIMIT=n`, in octets.
    AppendLimit(Option<u64>),
    /// `AUTH=mechanism`
    Auth(Label),
    /// `BINARY` (RFC 3516)
    Binary,
    /// `CATENATE` (RFC 4469)
    Catenate,
    /// `CHILDREN` (RFC 3348)
    Children,
    /// `COMPRESS=DEFLATE` (RFC 4978)
    CompressDeflate,
    /// `CONDSTORE` (RFC 7162)
    CondStore,
    /// `CONTEXT=SEARCH` (RFC 5267)
    ContextSearch,
    /// `CONTEXT=SORT` (RFC 5267)
    ContextSort,
    /// `CREATE-SPECIAL-USE` (RFC 6154)
    CreateSpecialUse,
    /// `ENABLE` (RFC 5161)
    Enable,
    /// `ESEARCH` (RFC 4731)
    Esearch,
    /// `ESORT` (RFC 5267)
    Esort,
    /// `FILTERS` (RFC 5466)
    Filters,
    /// `I18NLEVEL=1` (RFC 5255)
    I18nLevel1,
    /// `I18NLEVEL=2` (RFC 5255)
    I18nLevel2,
    /// `ID` (RFC 2971)
    Id,
    /// `IDLE` (RFC 2177)
    Idle,
    /// `IMAP4rev1` (RFC 3501)
    Imap4Rev1,
    /// `IMAP4rev2` (RFC 9051)
    Imap4Rev2,
    /// `INPROGRESS` (RFC 9585)
    InProgress,
    /// `JMAPACCESS` (RFC 9698)
    JmapAccess,
    /// `LANGUAGE` (RFC 5255)
    Language,
    /// `LIST-EXTENDED` (RFC 5258)
    ListExtended,
    /// `LIST-METADATA` (RFC 9590)
    ListMetadata,
    /// `LIST-MYRIGHTS` (RFC 8440)
    ListMyRights,
    /// `LIST-STATUS` (RFC 5819)
    ListStatus,
    /// `LITERAL+` (RFC 7888)
    LiteralPlus,
    /// `LITERAL-` (RFC 7888)
    LiteralMinus,
    /// `LOGINDISABLED`
    LoginDisabled,
    /// `LOGIN-REFERRALS` (RFC 2221)
    LoginReferrals,
    /// `MAILBOX-REFERRALS` (RFC 2193)
    MailboxReferrals,
    /// `MESSAGELIMIT=n` (RFC 9738): messages one command may be about.
    MessageLimit(NonZeroU32),
    /// `METADATA` (RFC 5464)
    Metadata,
    /// `METADATA-SERVER` (RFC 5464)
    MetadataServer,
    /// `MOVE` (RFC 6851)
    Move,
    /// `MULTIAPPEND` (RFC 3502)
    MultiAppend,
    /// `MULTISEARCH` (RFC 7377)
    MultiSearch,
    /// `NAMESPACE` (RFC 2342)
    Namespace,
    /// `NOTIFY` (RFC 5465)
    Notify,
    /// `OBJECTID` (RFC 8474)
    ObjectId,
    /// `PARTIAL` (RFC 9394)
    Partial,
    /// `PREVIEW` (RFC 8970)
    Preview,
    /// `QRESYNC` (RFC 7162)
    QResync,
    /// `QUOTA` (RFC 2087, RFC 9208)
    Quota,
    /// `QUOTA=RES-resource` (RFC 9208)
    QuotaResource(QuotaResource),
    /// `QUOTASET` (RFC 9208)
    QuotaSet,
    /// `REPLACE` (RFC 8508)
    Replace,
    /// `RIGHTS=letters` (RFC 4314): the rights beyond those of RFC 2086.
    Rights(Rights),
    /// `SASL-IR` (RFC 4959)
    SaslIr,
    /// `SAVEDATE` (RFC 8514)
    SaveDate,
    /// `SAVELIMIT=n` (RFC 9738): messages that a SEARCH can save.
    SaveLimit(NonZeroU32),
    /// `SEARCH=FUZZY` (RFC 6203)
    SearchFuzzy,
    /// `SEARCHRES` (RFC 5182)
    SearchRes,
    /// `SORT` (RFC 5256)
    Sort,
    /// `SORT=DISPLAY` (RFC 5957)
    SortDisplay,
    /// `SPECIAL-USE` (RFC 6154)
    SpecialUse,
    /// `STARTTLS`
    StartTls,
    /// `STATUS=SIZE` (RFC 8438)
    StatusSize,
    /// `THREAD=algorithm` (RFC 5256)
    Thread(ThreadAlgorithm),
    /// `UIDBATCHES` (RFC 10022)
    UidBatches,
    /// `UIDONLY` (RFC 9586)
    UidOnly,
    /// `UIDPLUS` (RFC 4315)
    UidPlus,
    /// `UNAUTHENTICATE` (RFC 8437)
    Unauthenticate,
    /// `UNSELECT` (RFC 3691)
    Unselect,
    /// `URLAUTH` (RFC 4467)
    UrlAuth,
    /// `URLAUTH=BINARY` (RFC 5524); its registration calls it `URLFETCH=BINARY`, which is [`Capability::Other`].
    UrlAuthBinary,
    /// `URL-PARTIAL` (RFC 5550)
    UrlPartial,
    /// `UTF8=ACCEPT` (RFC 9755)
    Utf8Accept,
    /// `UTF8=ONLY` (RFC 9755)
    Utf8Only,
    /// `WITHIN` (RFC 5032)
    Within,
    /// `X-GM-EXT-1`: Gmail's message numbers, thread numbers and labels.
    GmExt1,
    /// `XLIST`: what there was before SPECIAL-USE.
    XList,
    /// Another one, as it came.
    Other(Label),
}

impl Capability {
    /// The capability written as `text`.
    ///
    /// # Errors
    /// When `text` is not an atom.
    pub fn new(text: impl Into<Bytes>) -> Result<Self, InvalidValue> {
        let name = Label::new(text).map_err(|_| InvalidValue::new("capability"))?;
        if let Some((_, known)) = PLAIN.iter().find(|(known, _)| name.is(known)) {
            return Ok(known.clone());
        }
        Ok(Self::with_argument(name.as_bytes()).unwrap_or(Self::Other(name)))
    }

    fn with_argument(text: &[u8]) -> Option<Self> {
        let at = memchr::memchr(b'=', text)?;
        let (name, argument) = text.split_at_checked(at)?;
        let argument = argument.get(1..)?;
        let named = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let label = |octets: &[u8]| Label::new(Bytes::copy_from_slice(octets)).ok();
        let number =
            || core::str::from_utf8(argument).ok()?.parse::<u64>().ok().filter(|_| is_plain(argument));
        let nz_number = || NonZeroU32::new(u32::try_from(number()?).ok()?);
        Some(match () {
            () if named("AUTH") => Self::Auth(label(argument)?),
            () if named("APPENDLIMIT") => Self::AppendLimit(Some(number()?)),
            () if named("MESSAGELIMIT") => Self::MessageLimit(nz_number()?),
            () if named("SAVELIMIT") => Self::SaveLimit(nz_number()?),
            () if named("RIGHTS") => Self::Rights(Rights::of(argument).filter(|rights| !rights.is_empty())?),
            () if named("THREAD") => Self::Thread(ThreadAlgorithm::named(label(argument)?)),
            () if named("QUOTA") => {
                let (prefix, resource) = argument.split_at_checked(4)?;
                let resource = Atom::new(Bytes::copy_from_slice(resource)).ok()?;
                prefix
                    .eq_ignore_ascii_case(b"RES-")
                    .then(|| Self::QuotaResource(QuotaResource::named(resource)))?
            }
            () => return None,
        })
    }

    /// Whether this is the capability written as `name`, in any case.
    pub fn is(&self, name: &str) -> bool {
        let mut rest = Rest(name);
        write!(rest, "{self}").is_ok() && rest.0.is_empty()
    }

    /// The SASL mechanism when this is `AUTH=mechanism`.
    pub fn auth_mechanism(&self) -> Option<&str> {
        if let Self::Auth(mechanism) = self { Some(mechanism.as_str()) } else { None }
    }
}

/// As it is written.
impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AppendLimit(Some(octets)) => write!(f, "APPENDLIMIT={octets}"),
            Self::Auth(mechanism) => write!(f, "AUTH={mechanism}"),
            Self::MessageLimit(limit) => write!(f, "MESSAGELIMIT={limit}"),
            Self::SaveLimit(limit) => write!(f, "SAVELIMIT={limit}"),
            Self::QuotaResource(resource) => write!(f, "QUOTA=RES-{resource}"),
            Self::Rights(rights) => write!(f, "RIGHTS={rights}"),
            Self::Thread(algorithm) => write!(f, "THREAD={}", algorithm.name()),
            Self::Other(name) => name.fmt(f),
            plain => {
                f.write_str(PLAIN.iter().find(|(_, known)| known == plain).map_or("", |(name, _)| *name))
            }
        }
    }
}

/// Takes off its front what is written to it; an error where that differs.
struct Rest<'a>(&'a str);

impl fmt::Write for Rest<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match self.0.split_at_checked(text.len()) {
            Some((front, rest)) if front.eq_ignore_ascii_case(text) => {
                self.0 = rest;
                Ok(())
            }
            _ => Err(fmt::Error),
        }
    }
}

/// A number in its shortest form, so that what is read is written again unchanged.
fn is_plain(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_digit) && (digits.len() == 1 || digits.first() != Some(&b'0'))
}

/// The capabilities without argument.
static PLAIN: [(&str, Capability); 68] = [
    ("ACL", Capability::Acl),
    ("APPENDLIMIT", Capability::AppendLimit(None)),
    ("BINARY", Capability::Binary),
    ("CATENATE", Capability::Catenate),
    ("CHILDREN", Capability::Children),
    ("COMPRESS=DEFLATE", Capability::CompressDeflate),
    ("CONDSTORE", Capability::CondStore),
    ("CONTEXT=SEARCH", Capability::ContextSearch),
    ("CONTEXT=SORT", Capability::ContextSort),
    ("CREATE-SPECIAL-USE", Capability::CreateSpecialUse),
    ("ENABLE", Capability::Enable),
    ("ESEARCH", Capability::Esearch),
    ("ESORT", Capability::Esort),
    ("FILTERS", Capability::Filters),
    ("I18NLEVEL=1", Capability::I18nLevel1),
    ("I18NLEVEL=2", Capability::I18nLevel2),
    ("ID", Capability::Id),
    ("IDLE", Capability::Idle),
    ("IMAP4rev1", Capability::Imap4Rev1),
    ("IMAP4rev2", Capability::Imap4Rev2),
    ("INPROGRESS", Capability::InProgress),
    ("JMAPACCESS", Capability::JmapAccess),
    ("LANGUAGE", Capability::Language),
    ("LIST-EXTENDED", Capability::ListExtended),
    ("LIST-METADATA", Capability::ListMetadata),
    ("LIST-MYRIGHTS", Capability::ListMyRights),
    ("LIST-STATUS", Capability::ListStatus),
    ("LITERAL+", Capability::LiteralPlus),
    ("LITERAL-", Capability::LiteralMinus),
    ("LOGINDISABLED", Capability::LoginDisabled),
    ("LOGIN-REFERRALS", Capability::LoginReferrals),
    ("MAILBOX-REFERRALS", Capability::MailboxReferrals),
    ("METADATA", Capability::Metadata),
    ("METADATA-SERVER", Capability::MetadataServer),
    ("MOVE", Capability::Move),
    ("MULTIAPPEND", Capability::MultiAppend),
    ("MULTISEARCH", Capability::MultiSearch),
    ("NAMESPACE", Capability::Namespace),
    ("NOTIFY", Capability::Notify),
    ("OBJECTID", Capability::ObjectId),
    ("PARTIAL", Capability::Partial),
    ("PREVIEW", Capability::Preview),
    ("QRESYNC", Capability::QResync),
    ("QUOTA", Capability::Quota),
    ("QUOTASET", Capability::QuotaSet),
    ("REPLACE", Capability::Replace),
    ("SASL-IR", Capability::SaslIr),
    ("SAVEDATE", Capability::SaveDate),
    ("SEARCH=FUZZY", Capability::SearchFuzzy),
    ("SEARCHRES", Capability::SearchRes),
    ("SORT", Capability::Sort),
    ("SORT=DISPLAY", Capability::SortDisplay),
    ("SPECIAL-USE", Capability::SpecialUse),
    ("STARTTLS", Capability::StartTls),
    ("STATUS=SIZE", Capability::StatusSize),
    ("UIDBATCHES", Capability::UidBatches),
    ("UIDONLY", Capability::UidOnly),
    ("UIDPLUS", Capability::UidPlus),
    ("UNAUTHENTICATE", Capability::Unauthenticate),
    ("UNSELECT", Capability::Unselect),
    ("URLAUTH", Capability::UrlAuth),
    ("URLAUTH=BINARY", Capability::UrlAuthBinary),
    ("URL-PARTIAL", Capability::UrlPartial),
    ("UTF8=ACCEPT", Capability::Utf8Accept),
    ("UTF8=ONLY", Capability::Utf8Only),
    ("WITHIN", Capability::Within),
    ("X-GM-EXT-1", Capability::GmExt1),
    ("XLIST", Capability::XList),
];
