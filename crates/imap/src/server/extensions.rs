//! The extensions a server offers: what is announced is what is taken, and nothing else is.
//!
//! What costs the application nothing, or no more than IMAP4rev1 asks of it anyway, is on from the start. All else is
//! a promise that only the application or its driver can keep, so it asks for it by name. STARTTLS, AUTH and
//! LOGINDISABLED follow from [`Config`](super::Config). What each offer opens is decided in `gate`.

use alloc::vec::Vec;

use crate::limits::Limits;
use crate::types::{Capability, QuotaResource, Rights, ThreadAlgorithm};

/// The extensions of a server.
///
/// The default: CHILDREN, ENABLE, ESEARCH, ID, IDLE, LITERAL+, MOVE, NAMESPACE, SASL-IR, UIDPLUS, UNSELECT,
/// and APPENDLIMIT with [`Limits::append_max`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extensions {
    switches: u64,
    quota: Vec<QuotaResource>,
    threads: Vec<ThreadAlgorithm>,
    /// Rights beyond those of RFC 4314.
    rights: Rights,
}

/// One extension without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Switch {
    Acl,
    Binary,
    CompressDeflate,
    CondStore,
    CreateSpecialUse,
    Esort,
    Imap4Rev2,
    I18nLevel1,
    InProgress,
    ListExtended,
    ListMyRights,
    ListStatus,
    LiteralMinus,
    Metadata,
    MetadataServer,
    MultiAppend,
    MultiSearch,
    Notify,
    ObjectId,
    Partial,
    Preview,
    QResync,
    Quota,
    QuotaSet,
    Replace,
    SaveDate,
    SearchRes,
    Sort,
    SortDisplay,
    StatusSize,
    UidBatches,
    UidOnly,
    Unauthenticate,
    Utf8Accept,
    Within,
    Thread,
}

impl Default for Extensions {
    fn default() -> Self {
        Self::new()
    }
}

/// Constructors that turn on one extension and what it needs.
macro_rules! offers {
    ($($(#[$doc:meta])* $name:ident: $($switch:ident),+;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(self) -> Self {
            self$(.with(Switch::$switch))+
        }
    )*};
}

impl Extensions {
    /// What costs the application nothing.
    pub const fn new() -> Self {
        Self { switches: 0, quota: Vec::new(), threads: Vec::new(), rights: Rights::NONE }
    }

    offers! {
        /// With LITERAL- in place of LITERAL+: non-synchronising literals of at most 4,096 octets (RFC 7888 5).
        with_literal_minus: LiteralMinus;
        /// With LIST-EXTENDED (RFC 5258), and SPECIAL-USE (RFC 6154), whose options come with it. Promises that selection
        /// and return options and several patterns are heeded. The attributes of roles go into any LIST, with or without.
        with_list_extended: ListExtended;
        /// With LIST-STATUS (RFC 5819), and the LIST-EXTENDED it needs. Promises STATUS for each row that has one.
        with_list_status: ListExtended, ListStatus;
        /// With LIST-MYRIGHTS (RFC 8440), and the LIST-EXTENDED and ACL it needs.
        with_list_my_rights: ListExtended, Acl, ListMyRights;
        /// With CREATE-SPECIAL-USE (RFC 6154 3): roles come with CREATE.
        with_create_special_use: CreateSpecialUse;
        /// With STATUS=SIZE (RFC 8438).
        with_status_size: StatusSize;
        /// With CONDSTORE (RFC 7162). Promises mod-sequences: in SELECT, in every row with flags once it is enabled.
        with_cond_store: CondStore;
        /// With QRESYNC (RFC 7162 3.2), and the CONDSTORE it needs. Promises that expunged UIDs are remembered.
        with_qresync: CondStore, QResync;
        /// With UTF8=ACCEPT (RFC 9755). Promises that messages with UTF-8 in their header are taken and given.
        with_utf8_accept: Utf8Accept;
        /// With IMAP4rev2 (RFC 9051), and what it takes in: BINARY, LIST-EXTENDED, LIST-STATUS, SEARCHRES, STATUS=SIZE.
        with_imap4rev2: Imap4Rev2, Binary, ListExtended, ListStatus, SearchRes, StatusSize;
        /// With COMPRESS=DEFLATE (RFC 4978). Promises that the driver can do
        /// [`Layer::Deflate`](crate::Layer::Deflate), in bounded windows.
        with_compress: CompressDeflate;
        /// With BINARY (RFC 3516). Promises decoded parts, and that messages with NUL are kept as they are.
        with_binary: Binary;
        /// With MULTIAPPEND (RFC 3502). Promises that of several messages all are kept or none.
        with_multi_append: MultiAppend;
        /// With REPLACE (RFC 8508). Promises that the new message is there before the old one goes.
        with_replace: Replace;
        /// With QUOTASET (RFC 9208 4.1.3): limits can be set. Only with [`with_quota`](Self::with_quota).
        with_quota_set: QuotaSet;
        /// With ACL (RFC 4314), and `RIGHTS=` with the letters beyond RFC 2086.
        with_acl: Acl;
        /// With METADATA (RFC 5464), of mailboxes and of the server.
        with_metadata: Metadata, MetadataServer;
        /// With METADATA-SERVER (RFC 5464): annotations of the server only.
        with_metadata_server: MetadataServer;
        /// With OBJECTID (RFC 8474).
        with_object_id: ObjectId;
        /// With SAVEDATE (RFC 8514).
        with_save_date: SaveDate;
        /// With PREVIEW (RFC 8970).
        with_preview: Preview;
        /// With SORT (RFC 5256).
        with_sort: Sort;
        /// With SORT=DISPLAY (RFC 5957), and the SORT it needs.
        with_sort_display: Sort, SortDisplay;
        /// With ESORT (RFC 5267 3), and the SORT it needs.
        with_esort: Sort, Esort;
        /// With SEARCHRES (RFC 5182). Promises that a result is kept and follows expunges.
        with_search_res: SearchRes;
        /// With WITHIN (RFC 5032).
        with_within: Within;
        /// With PARTIAL (RFC 9394): of SEARCH results, done here, and of FETCH, done by the application.
        with_partial: Partial;
        /// With UIDONLY (RFC 9586). Promises that every row and every expunge names its UID.
        with_uid_only: UidOnly;
        /// With UIDBATCHES (RFC 10022).
        with_uid_batches: UidBatches;
        /// With MULTISEARCH (RFC 7377).
        with_multi_search: MultiSearch;
        /// With NOTIFY (RFC 5465), and the LIST-EXTENDED and LIST-STATUS it takes its responses from.
        with_notify: ListExtended, ListStatus, Notify;
        /// With INPROGRESS (RFC 9585): [`Asked::progress`](super::Asked::progress) reaches the client.
        with_in_progress: InProgress;
        /// With I18NLEVEL=1 (RFC 5255 4.3). Promises that SEARCH, SORT and THREAD compare decoded text by
        /// `i;unicode-casemap`, as [`search`](crate::search), [`sort`](crate::sort) and [`thread`](crate::thread) do.
        with_i18n_level_1: I18nLevel1;
        /// With UNAUTHENTICATE (RFC 8437). Promises that the application forgets who was logged in.
        with_unauthenticate: Unauthenticate;
    }

    /// With QUOTA (RFC 9208) of these resources; without any there is no QUOTA (RFC 9208 1).
    #[must_use]
    pub fn with_quota(mut self, resources: impl IntoIterator<Item = QuotaResource>) -> Self {
        self.quota.extend(resources);
        if self.quota.is_empty() { self } else { self.with(Switch::Quota) }
    }

    /// With ACL (RFC 4314) and rights of the server's own. Letters that RFC 4314 defines, and digits, are known anyway.
    #[must_use]
    pub fn with_acl_rights(mut self, rights: Rights) -> Self {
        self.rights = self.rights.with(rights);
        self.with_acl()
    }

    /// With THREAD (RFC 5256) by these algorithms.
    #[must_use]
    pub fn with_thread(mut self, algorithms: impl IntoIterator<Item = ThreadAlgorithm>) -> Self {
        self.threads.extend(algorithms);
        if self.threads.is_empty() { self } else { self.with(Switch::Thread) }
    }

    pub(super) const fn has(&self, switch: Switch) -> bool {
        self.switches & switch.bit() != 0
    }

    pub(super) fn has_quota(&self, resource: &QuotaResource) -> bool {
        self.quota.contains(resource)
    }

    pub(super) fn has_thread(&self, algorithm: &ThreadAlgorithm) -> bool {
        self.threads.contains(algorithm)
    }

    /// What is announced at any time.
    pub(super) fn before_login(&self) -> Vec<Capability> {
        let mut list = Vec::from([Capability::Imap4Rev1]);
        if self.has(Switch::Imap4Rev2) {
            list.push(Capability::Imap4Rev2);
        }
        let literals =
            if self.has(Switch::LiteralMinus) { Capability::LiteralMinus } else { Capability::LiteralPlus };
        list.extend([literals, Capability::Id, Capability::Enable]);
        list
    }

    /// What is announced once somebody has logged in, beside [`before_login`](Self::before_login).
    pub(super) fn after_login(&self, limits: &Limits, compressed: bool) -> Vec<Capability> {
        let mut list = Vec::from([
            Capability::Idle,
            Capability::Namespace,
            Capability::Children,
            Capability::UidPlus,
            Capability::Move,
            Capability::Unselect,
            Capability::Esearch,
            Capability::AppendLimit(Some(limits.append_max)),
        ]);
        let switched = [
            (Switch::ListExtended, Capability::ListExtended),
            // What it announces are options of the extended LIST; the attributes themselves need none (RFC 6154 2).
            (Switch::ListExtended, Capability::SpecialUse),
            (Switch::ListStatus, Capability::ListStatus),
            (Switch::ListMyRights, Capability::ListMyRights),
            (Switch::CreateSpecialUse, Capability::CreateSpecialUse),
            (Switch::StatusSize, Capability::StatusSize),
            (Switch::CondStore, Capability::CondStore),
            (Switch::QResync, Capability::QResync),
            (Switch::Utf8Accept, Capability::Utf8Accept),
            (Switch::Binary, Capability::Binary),
            (Switch::MultiAppend, Capability::MultiAppend),
            (Switch::Replace, Capability::Replace),
            (Switch::Acl, Capability::Acl),
            (Switch::Metadata, Capability::Metadata),
            (Switch::MetadataServer, Capability::MetadataServer),
            (Switch::ObjectId, Capability::ObjectId),
            (Switch::SaveDate, Capability::SaveDate),
            (Switch::Preview, Capability::Preview),
            (Switch::Sort, Capability::Sort),
            (Switch::SortDisplay, Capability::SortDisplay),
            (Switch::Esort, Capability::Esort),
            (Switch::SearchRes, Capability::SearchRes),
            (Switch::Within, Capability::Within),
            (Switch::Partial, Capability::Partial),
            (Switch::UidOnly, Capability::UidOnly),
            (Switch::UidBatches, Capability::UidBatches),
            (Switch::MultiSearch, Capability::MultiSearch),
            (Switch::Notify, Capability::Notify),
            (Switch::InProgress, Capability::InProgress),
            (Switch::I18nLevel1, Capability::I18nLevel1),
        ];
        // METADATA says that METADATA-SERVER is there as well (RFC 5464 1).
        let said = |switch| switch == Switch::MetadataServer && self.has(Switch::Metadata);
        let offered = switched.into_iter().filter(|(switch, _)| self.has(*switch) && !said(*switch));
        list.extend(offered.map(|(_, capability)| capability));
        if self.has(Switch::Acl) {
            let known = Rights::new("lrswipacd0123456789").unwrap_or_default();
            let new = Rights::new("texk").unwrap_or_default().with(self.rights);
            list.push(Capability::Rights(new.without(known)));
        }
        if self.has(Switch::Quota) {
            list.push(Capability::Quota);
            list.extend(self.quota.iter().cloned().map(Capability::QuotaResource));
            list.extend(self.has(Switch::QuotaSet).then_some(Capability::QuotaSet));
        }
        list.extend(self.threads.iter().cloned().map(Capability::Thread));
        // One layer of it is enough, and to end it there is no order to the driver.
        if !compressed {
            list.extend(self.has(Switch::CompressDeflate).then_some(Capability::CompressDeflate));
            list.extend(self.has(Switch::Unauthenticate).then_some(Capability::Unauthenticate));
        }
        list
    }

    const fn with(mut self, switch: Switch) -> Self {
        self.switches |= switch.bit();
        self
    }
}

impl Switch {
    #[expect(clippy::as_conversions, reason = "the number of a variant, of which there are fewer than 64")]
    const fn bit(self) -> u64 {
        1_u64.wrapping_shl(self as u32)
    }
}
