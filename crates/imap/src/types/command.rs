//! Commands (RFC 9051, section 6; RFC 3501, section 6; and the extensions named at each).

use crate::types::{
    AString, AppendData, AppendHead, Authenticate, Capability, CopyCommand, Create, EsearchCommand,
    FetchCommand, GetMetadata, IdParameters, ListCommand, ListPattern, Login, Mailbox, MessageSet,
    MetadataEntry, NotifyCommand, QuotaLimit, ReplaceCommand, ResetKey, RightsChange, SearchCommand,
    SelectParameter, SortCommand, StatusAttribute, StoreCommand, StoreLabels, Tag, ThreadCommand,
    UidBatchesCommand, UrlFetch, UrlToAuthorise,
};
use alloc::vec::Vec;

/// A command with its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedCommand {
    /// The tag the answer repeats.
    pub tag: Tag,
    /// The command.
    pub command: Command,
}

/// Whether numbers are message sequence numbers or UIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Addressing {
    /// Message sequence numbers.
    Sequence,
    /// UIDs: the command begins with `UID`.
    Uid,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// `CAPABILITY`
    Capability,
    /// `NOOP`
    Noop,
    /// `LOGOUT`
    Logout,
    /// `STARTTLS`
    StartTls,
    /// `LOGIN user password`
    Login(Login),
    /// `AUTHENTICATE mechanism [initial-response]`
    Authenticate(Authenticate),
    /// `ID ..` (RFC 2971)
    Id(IdParameters),
    /// `ENABLE ..`
    Enable(Vec<Capability>),
    /// `NAMESPACE`
    Namespace,
    /// `LIST ..`
    List(ListCommand),
    /// `LSUB reference pattern` (RFC 3501)
    Lsub {
        /// The reference; may be empty.
        reference: Mailbox,
        /// The pattern.
        pattern: ListPattern,
    },
    /// `XLIST reference pattern` (XLIST)
    XList {
        /// The reference; may be empty.
        reference: Mailbox,
        /// The pattern.
        pattern: ListPattern,
    },
    /// `SUBSCRIBE mailbox`
    Subscribe(Mailbox),
    /// `UNSUBSCRIBE mailbox`
    Unsubscribe(Mailbox),
    /// `CREATE mailbox [(USE (..))]`
    Create(Create),
    /// `DELETE mailbox`
    Delete(Mailbox),
    /// `RENAME from to`
    Rename {
        /// The old name.
        from: Mailbox,
        /// The new name.
        to: Mailbox,
    },
    /// `STATUS mailbox (..)`
    Status(Mailbox, Vec<StatusAttribute>),
    /// `SELECT mailbox [(..)]`
    Select(Mailbox, Vec<SelectParameter>),
    /// `EXAMINE mailbox [(..)]`
    Examine(Mailbox, Vec<SelectParameter>),
    /// `CLOSE`
    Close,
    /// `UNSELECT`
    Unselect,
    /// `CHECK` (RFC 3501)
    Check,
    /// `EXPUNGE`
    Expunge,
    /// `UID EXPUNGE set` (RFC 4315)
    UidExpunge(MessageSet),
    /// `APPEND ..` up to its first literal, whose octets are not part of the command as a value.
    Append(AppendHead, AppendData),
    /// `REPLACE message ..` up to its first literal (RFC 8508)
    Replace(Addressing, ReplaceCommand),
    /// `FETCH set items [modifiers]`
    Fetch(Addressing, FetchCommand),
    /// `STORE set [modifiers] flags`
    Store(Addressing, StoreCommand),
    /// `STORE set X-GM-LABELS ..` (X-GM-EXT-1)
    StoreLabels(Addressing, StoreLabels),
    /// `COPY set mailbox`
    Copy(Addressing, CopyCommand),
    /// `MOVE set mailbox` (RFC 6851)
    Move(Addressing, CopyCommand),
    /// `SEARCH ..`
    Search(Addressing, SearchCommand),
    /// `SORT ..` (RFC 5256)
    Sort(Addressing, SortCommand),
    /// `THREAD ..` (RFC 5256)
    Thread(Addressing, ThreadCommand),
    /// `ESEARCH ..` (RFC 7377)
    Esearch(EsearchCommand),
    /// `CANCELUPDATE tag ..` (RFC 5267)
    CancelUpdate(Vec<AString>),
    /// `UIDBATCHES ..` (RFC 10022)
    UidBatches(UidBatchesCommand),
    /// `IDLE` (RFC 2177); the line `DONE` that ends it is no command.
    Idle,
    /// `NOTIFY ..` (RFC 5465)
    Notify(NotifyCommand),
    /// `COMPRESS DEFLATE` (RFC 4978)
    CompressDeflate,
    /// `UNAUTHENTICATE` (RFC 8437)
    Unauthenticate,
    /// `GETQUOTA root` (RFC 9208)
    GetQuota(AString),
    /// `GETQUOTAROOT mailbox` (RFC 9208)
    GetQuotaRoot(Mailbox),
    /// `SETQUOTA root (..)` (RFC 9208)
    SetQuota {
        /// The quota root.
        root: AString,
        /// The new limits; resources that are not named lose theirs.
        limits: Vec<QuotaLimit>,
    },
    /// `GETACL mailbox` (RFC 4314)
    GetAcl(Mailbox),
    /// `SETACL mailbox identifier rights` (RFC 4314)
    SetAcl {
        /// The mailbox.
        mailbox: Mailbox,
        /// Whose rights change.
        identifier: AString,
        /// How they change.
        change: RightsChange,
    },
    /// `DELETEACL mailbox identifier` (RFC 4314)
    DeleteAcl {
        /// The mailbox.
        mailbox: Mailbox,
        /// Whose rights go.
        identifier: AString,
    },
    /// `LISTRIGHTS mailbox identifier` (RFC 4314)
    ListRights {
        /// The mailbox.
        mailbox: Mailbox,
        /// Who is asked about.
        identifier: AString,
    },
    /// `MYRIGHTS mailbox` (RFC 4314)
    MyRights(Mailbox),
    /// `GETMETADATA ..` (RFC 5464)
    GetMetadata(GetMetadata),
    /// `SETMETADATA mailbox (..)` (RFC 5464); the empty mailbox stands for the server.
    SetMetadata {
        /// The mailbox, empty for the server.
        mailbox: Mailbox,
        /// The entries and their new values; never empty.
        entries: Vec<MetadataEntry>,
    },
    /// `GENURLAUTH url mechanism ..` (RFC 4467)
    GenUrlAuth(Vec<UrlToAuthorise>),
    /// `URLFETCH url ..` (RFC 4467, RFC 5524)
    UrlFetch(Vec<UrlFetch>),
    /// `RESETKEY ..` (RFC 4467)
    ResetKey(ResetKey),
    /// `LANGUAGE tag ..` (RFC 5255); without a tag it asks which there are.
    Language(Vec<AString>),
    /// `COMPARATOR name ..` (RFC 5255); without a name it asks which is in use.
    Comparator(Vec<AString>),
    /// `GETJMAPACCESS` (RFC 9698)
    GetJmapAccess,
}

impl Command {
    /// The name of the command, for logs; `UID FETCH` and the like for the UID forms.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Capability => "CAPABILITY",
            Self::Noop => "NOOP",
            Self::Logout => "LOGOUT",
            Self::StartTls => "STARTTLS",
            Self::Login(_) => "LOGIN",
            Self::Authenticate(_) => "AUTHENTICATE",
            Self::Id(_) => "ID",
            Self::Enable(_) => "ENABLE",
            Self::Namespace => "NAMESPACE",
            Self::List(_) => "LIST",
            Self::Lsub { .. } => "LSUB",
            Self::XList { .. } => "XLIST",
            Self::Subscribe(_) => "SUBSCRIBE",
            Self::Unsubscribe(_) => "UNSUBSCRIBE",
            Self::Create(_) => "CREATE",
            Self::Delete(_) => "DELETE",
            Self::Rename { .. } => "RENAME",
            Self::Status(..) => "STATUS",
            Self::Select(..) => "SELECT",
            Self::Examine(..) => "EXAMINE",
            Self::Close => "CLOSE",
            Self::Unselect => "UNSELECT",
            Self::Check => "CHECK",
            Self::Expunge => "EXPUNGE",
            Self::UidExpunge(_) => "UID EXPUNGE",
            Self::Append(..) => "APPEND",
            Self::Fetch(Addressing::Sequence, _) => "FETCH",
            Self::Fetch(Addressing::Uid, _) => "UID FETCH",
            Self::Replace(Addressing::Sequence, _) => "REPLACE",
            Self::Replace(Addressing::Uid, _) => "UID REPLACE",
            Self::Store(Addressing::Sequence, _) | Self::StoreLabels(Addressing::Sequence, _) => "STORE",
            Self::Store(Addressing::Uid, _) | Self::StoreLabels(Addressing::Uid, _) => "UID STORE",
            Self::Copy(Addressing::Sequence, _) => "COPY",
            Self::Copy(Addressing::Uid, _) => "UID COPY",
            Self::Move(Addressing::Sequence, _) => "MOVE",
            Self::Move(Addressing::Uid, _) => "UID MOVE",
            Self::Search(Addressing::Sequence, _) => "SEARCH",
            Self::Search(Addressing::Uid, _) => "UID SEARCH",
            Self::Sort(Addressing::Sequence, _) => "SORT",
            Self::Sort(Addressing::Uid, _) => "UID SORT",
            Self::Thread(Addressing::Sequence, _) => "THREAD",
            Self::Thread(Addressing::Uid, _) => "UID THREAD",
            Self::Esearch(_) => "ESEARCH",
            Self::CancelUpdate(_) => "CANCELUPDATE",
            Self::UidBatches(_) => "UIDBATCHES",
            Self::Idle => "IDLE",
            Self::Notify(_) => "NOTIFY",
            Self::CompressDeflate => "COMPRESS",
            Self::Unauthenticate => "UNAUTHENTICATE",
            Self::GetQuota(_) => "GETQUOTA",
            Self::GetQuotaRoot(_) => "GETQUOTAROOT",
            Self::SetQuota { .. } => "SETQUOTA",
            Self::GetAcl(_) => "GETACL",
            Self::SetAcl { .. } => "SETACL",
            Self::DeleteAcl { .. } => "DELETEACL",
            Self::ListRights { .. } => "LISTRIGHTS",
            Self::MyRights(_) => "MYRIGHTS",
            Self::GetMetadata(_) => "GETMETADATA",
            Self::SetMetadata { .. } => "SETMETADATA",
            Self::GenUrlAuth(_) => "GENURLAUTH",
            Self::UrlFetch(_) => "URLFETCH",
            Self::ResetKey(_) => "RESETKEY",
            Self::Language(_) => "LANGUAGE",
            Self::Comparator(_) => "COMPARATOR",
            Self::GetJmapAccess => "GETJMAPACCESS",
        }
    }
}
