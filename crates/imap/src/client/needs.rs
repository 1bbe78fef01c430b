//! What a command needs of the server: capabilities it announces, extensions that are enabled.
//!
//! A command that lacks what it needs is refused before an octet is sent, because a server that does not know it
//! answers BAD at best and misreads it at worst. One table, by the RFC that defines each. What a quirk profile
//! ignores counts as not announced.

use crate::client::pieces::{More, literal_of};
use crate::client::queue::Queued;
use crate::client::{Client, arguments};
use crate::types::{
    Addressing, AppendData, Capability, Command, FetchAttribute, FetchCommand, ListCommand, ListReturn,
    ListSelection, ListStyle, MessageSet, SearchKey, SearchReturn, SelectParameter, SortKey, StatusAttribute,
};
use core::num::NonZeroU32;
use posthaste_wire::Misuse;

/// Any of these capabilities, and how the lack of all is told.
struct Need(&'static [&'static str], &'static str);

macro_rules! need {
    ($name:ident, $first:literal $(, $other:literal)*) => {
        const $name: Need =
            Need(&[$first $(, $other)*], concat!("with a server that does not announce ", $first));
    };
}

need!(ACL, "ACL");
need!(APPEND_LIMIT, "APPENDLIMIT");
need!(BINARY, "BINARY");
need!(BINARY_FETCH, "BINARY", "IMAP4rev2");
need!(CATENATE, "CATENATE");
need!(COMPRESS, "COMPRESS=DEFLATE");
need!(CONDSTORE, "CONDSTORE", "QRESYNC");
need!(CONTEXT, "CONTEXT=SEARCH", "CONTEXT=SORT");
need!(CREATE_SPECIAL_USE, "CREATE-SPECIAL-USE");
// RFC 9755 3: who announces UTF-8 has ENABLE.
need!(ENABLE, "ENABLE", "IMAP4rev2", "UTF8=ACCEPT", "UTF8=ONLY");
need!(ESORT, "ESORT");
need!(FILTERS, "FILTERS");
need!(GMAIL, "X-GM-EXT-1");
need!(I18N, "I18NLEVEL=2");
need!(ID, "ID");
need!(IDLE, "IDLE", "IMAP4rev2");
need!(JMAP_ACCESS, "JMAPACCESS");
need!(LANGUAGE, "LANGUAGE");
need!(LIST_EXTENDED, "LIST-EXTENDED", "IMAP4rev2");
need!(LIST_METADATA, "LIST-METADATA");
need!(LIST_MY_RIGHTS, "LIST-MYRIGHTS");
need!(LIST_STATUS, "LIST-STATUS", "IMAP4rev2");
need!(METADATA, "METADATA");
need!(METADATA_SERVER, "METADATA", "METADATA-SERVER");
need!(MOVE, "MOVE", "IMAP4rev2");
need!(MULTI_APPEND, "MULTIAPPEND");
need!(MULTI_SEARCH, "MULTISEARCH");
need!(NAMESPACE, "NAMESPACE", "IMAP4rev2");
need!(NOTIFY, "NOTIFY");
need!(OBJECT_ID, "OBJECTID");
need!(PARTIAL, "PARTIAL");
need!(PARTIAL_SEARCH, "PARTIAL", "CONTEXT=SEARCH", "CONTEXT=SORT");
need!(PREVIEW, "PREVIEW");
need!(QRESYNC, "QRESYNC");
need!(QUOTA_MESSAGE, "QUOTA=RES-MESSAGE", "IMAP4rev2");
need!(QUOTA_STORAGE, "QUOTA=RES-STORAGE");
need!(REPLACE, "REPLACE");
need!(SAVE_DATE, "SAVEDATE");
need!(SEARCH_FUZZY, "SEARCH=FUZZY");
need!(SEARCH_RES, "SEARCHRES", "IMAP4rev2");
need!(SORT, "SORT");
need!(SORT_DISPLAY, "SORT=DISPLAY");
need!(SPECIAL_USE, "SPECIAL-USE", "IMAP4rev2");
need!(STATUS_SIZE, "STATUS=SIZE", "IMAP4rev2");
need!(UID_BATCHES, "UIDBATCHES");
need!(UID_PLUS, "UIDPLUS", "IMAP4rev2");
need!(UNAUTHENTICATE, "UNAUTHENTICATE");
need!(UNSELECT, "UNSELECT", "IMAP4rev2");
need!(URL_AUTH, "URLAUTH");
// RFC 5524 has one name in its text and another in its registration.
need!(URL_AUTH_BINARY, "URLAUTH=BINARY", "URLFETCH=BINARY");
need!(WITHIN, "WITHIN");
need!(XLIST, "XLIST");

/// Looks at one command.
struct Check<'a> {
    client: &'a Client,
    call: &'static str,
    moment: Moment,
}

/// When a command is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// When it is queued: what stands in front of it is taken for successful.
    Queued,
    /// When its turn has come.
    Now,
}

/// Whether the server takes the command, as far as it has told.
pub(crate) fn check(client: &Client, queued: &Queued, moment: Moment) -> Result<(), Misuse> {
    let check = Check { client, call: queued.command.name(), moment };
    check.uid_only(&queued.command)?;
    if client.capabilities.is_none() {
        // Asked for, and not told yet: it is looked at again when its turn comes.
        return Ok(());
    }
    check.command(queued)?;
    arguments::keys(&queued.command).iter().try_for_each(|key| check.key(key))
}

impl Check<'_> {
    fn command(&self, queued: &Queued) -> Result<(), Misuse> {
        match &queued.command {
            Command::Id(_) => self.announced(&ID),
            Command::Enable(_) => self.announced(&ENABLE),
            Command::Namespace => self.announced(&NAMESPACE),
            Command::List(list) => self.list(list),
            Command::XList { .. } => self.announced(&XLIST),
            Command::Lsub { .. } | Command::Check => self.rev1(),
            Command::Create(create) if !create.special_use.is_empty() => self.announced(&CREATE_SPECIAL_USE),
            Command::Status(_, attributes) => self.status(attributes),
            Command::Select(_, parameters) | Command::Examine(_, parameters) => self.select(parameters),
            Command::Unselect => self.announced(&UNSELECT),
            Command::UidExpunge(set) => self.announced(&UID_PLUS).and_then(|()| self.set(set)),
            Command::Idle => self.announced(&IDLE),
            Command::Append(_, data) => self.append(data, queued),
            Command::Replace(_, replace) => {
                self.announced(&REPLACE).and_then(|()| self.append(&replace.data, queued))
            }
            Command::Fetch(addressing, fetch) => self.fetch(*addressing, fetch),
            Command::Store(_, store) => {
                if store.unchanged_since.is_some() {
                    self.announced(&CONDSTORE)?;
                }
                self.set(&store.set)
            }
            Command::StoreLabels(_, store) => self.announced(&GMAIL).and_then(|()| self.set(&store.set)),
            Command::Copy(_, copy) => self.set(&copy.set),
            Command::Move(_, copy) => self.announced(&MOVE).and_then(|()| self.set(&copy.set)),
            // RETURN has a fallback, see `fallback.rs`.
            Command::Search(_, search) => self.returns(search.returns.as_deref()),
            Command::Sort(_, sort) => {
                self.announced(&SORT)?;
                if sort.returns.is_some() {
                    self.announced(&ESORT)?;
                }
                self.returns(sort.returns.as_deref())?;
                sort.criteria.iter().try_for_each(|criterion| match criterion.key {
                    SortKey::DisplayFrom | SortKey::DisplayTo => self.announced(&SORT_DISPLAY),
                    SortKey::Relevancy => self.announced(&SEARCH_FUZZY),
                    _ => Ok(()),
                })
            }
            Command::Thread(_, thread) => {
                let algorithm = Capability::Thread(thread.algorithm.clone());
                self.has(
                    self.client.capabilities().contains(&algorithm),
                    "with a server that does not announce this algorithm",
                )
            }
            Command::Esearch(esearch) => {
                self.announced(&MULTI_SEARCH).and_then(|()| self.returns(esearch.search.returns.as_deref()))
            }
            Command::CancelUpdate(_) => self.announced(&CONTEXT),
            Command::UidBatches(_) => self.announced(&UID_BATCHES),
            Command::Notify(_) => self.announced(&NOTIFY),
            Command::CompressDeflate => {
                self.has(!self.client.is_compressed(), "on a connection that is compressed already")?;
                self.announced(&COMPRESS)
            }
            Command::Unauthenticate => {
                // RFC 8437 3: compression would have to end behind this very line.
                self.has(!self.client.is_compressed(), "on a compressed connection")?;
                self.announced(&UNAUTHENTICATE)
            }
            Command::GetQuota(_) | Command::GetQuotaRoot(_) => {
                self.has(self.has_quota(), "with a server that does not announce QUOTA")
            }
            Command::SetQuota { .. } => {
                // RFC 2087 had no name of its own for it.
                let old = self.client.has_capability("QUOTA") && !self.has_quota_resources();
                self.has(
                    old || self.client.has_capability("QUOTASET"),
                    "with a server that does not announce QUOTASET",
                )
            }
            Command::GetAcl(_)
            | Command::SetAcl { .. }
            | Command::DeleteAcl { .. }
            | Command::ListRights { .. }
            | Command::MyRights(_) => self.announced(&ACL),
            Command::GetMetadata(get) if get.mailbox.as_str().is_empty() => self.announced(&METADATA_SERVER),
            Command::SetMetadata { mailbox, .. } if mailbox.as_str().is_empty() => {
                self.announced(&METADATA_SERVER)
            }
            Command::GetMetadata(_) | Command::SetMetadata { .. } => self.announced(&METADATA),
            Command::UrlFetch(urls) if urls.iter().any(|url| !url.items.is_empty()) => {
                self.announced(&URL_AUTH).and_then(|()| self.announced(&URL_AUTH_BINARY))
            }
            Command::GenUrlAuth(_) | Command::UrlFetch(_) | Command::ResetKey(_) => self.announced(&URL_AUTH),
            Command::Language(_) => self.announced(&LANGUAGE),
            Command::Comparator(_) => self.announced(&I18N),
            Command::GetJmapAccess => self.announced(&JMAP_ACCESS),
            _ => Ok(()),
        }
    }

    fn list(&self, list: &ListCommand) -> Result<(), Misuse> {
        let is_extended = list.style == ListStyle::Extended
            || !list.selection.is_empty()
            || list.patterns.len() > 1
            || list.returns.iter().any(|it| matches!(it, ListReturn::Subscribed | ListReturn::Children));
        if is_extended {
            self.announced(&LIST_EXTENDED)?;
        }
        if list.selection.contains(&ListSelection::SpecialUse) {
            self.announced(&SPECIAL_USE)?;
        }
        list.returns.iter().try_for_each(|returned| match returned {
            ListReturn::SpecialUse => self.announced(&SPECIAL_USE),
            ListReturn::Status(attributes) => {
                self.announced(&LIST_STATUS).and_then(|()| self.status(attributes))
            }
            ListReturn::MyRights => self.announced(&LIST_MY_RIGHTS),
            ListReturn::Metadata(_) => self.announced(&LIST_METADATA),
            _ => Ok(()),
        })
    }

    fn status(&self, attributes: &[StatusAttribute]) -> Result<(), Misuse> {
        attributes.iter().try_for_each(|attribute| match attribute {
            StatusAttribute::Deleted => self.announced(&QUOTA_MESSAGE),
            StatusAttribute::DeletedStorage => self.announced(&QUOTA_STORAGE),
            StatusAttribute::Size => self.announced(&STATUS_SIZE),
            StatusAttribute::HighestModSeq => self.announced(&CONDSTORE),
            StatusAttribute::AppendLimit => {
                let limit = |capability: &Capability| matches!(capability, Capability::AppendLimit(_));
                self.has(self.client.capabilities().iter().any(limit), APPEND_LIMIT.1)
            }
            StatusAttribute::MailboxId => self.announced(&OBJECT_ID),
            StatusAttribute::Recent => self.rev1(),
            _ => Ok(()),
        })
    }

    fn select(&self, parameters: &[SelectParameter]) -> Result<(), Misuse> {
        // RFC 9755 8: such a server opens no mailbox for a client that has not said it reads UTF-8.
        if self.client.has_capability("UTF8=ONLY") && !self.is_or_will_be_enabled("UTF8=ACCEPT") {
            return self.has(false, "before UTF8=ACCEPT is enabled, which the server demands");
        }
        parameters.iter().try_for_each(|parameter| match parameter {
            SelectParameter::CondStore => self.announced(&CONDSTORE),
            SelectParameter::QResync(_) => {
                // RFC 7162 3.2.5: a server may answer BAD to it before.
                self.announced(&QRESYNC).and_then(|()| self.enabled("QRESYNC", "before QRESYNC is enabled"))
            }
        })
    }

    fn append(&self, data: &AppendData, queued: &Queued) -> Result<(), Misuse> {
        let more = queued.more.iter().map(|more| match more {
            More::Message(_, data) => (Some(data), literal_of(data)),
            More::Parts(run) => (None, run.text.map(|header| header.len)),
        });
        if queued.more.iter().any(|more| matches!(more, More::Message(..))) {
            self.announced(&MULTI_APPEND)?;
        }
        let messages = queued.more.iter().filter(|more| matches!(more, More::Message(..))).count();
        let most = self.client.save_limit().map_or(u32::MAX, NonZeroU32::get);
        if u32::try_from(messages).map_or(true, |more| more >= most) && messages > 0 {
            // RFC 9738 3.1: all or none, and it would be none.
            let problem = "are more than the server stores at once";
            return Err(Misuse::Argument { argument: "messages", problem });
        }
        let limit = self.client.append_limit();
        for (data, length) in core::iter::once((Some(data), literal_of(data))).chain(more) {
            match data {
                Some(AppendData::Literal(header)) if header.binary => self.announced(&BINARY)?,
                Some(AppendData::Utf8(_)) => {
                    self.enabled("UTF8=ACCEPT", "with UTF-8 before UTF8=ACCEPT is enabled")?;
                }
                Some(AppendData::Catenate(_)) => self.announced(&CATENATE)?,
                _ => {}
            }
            if limit.is_some_and(|limit| length.is_some_and(|length| length > limit)) {
                // RFC 7889 3
                return Err(Misuse::Argument {
                    argument: "length",
                    problem: "is over the server's APPENDLIMIT",
                });
            }
        }
        Ok(())
    }

    fn fetch(&self, addressing: Addressing, fetch: &FetchCommand) -> Result<(), Misuse> {
        self.set(&fetch.set)?;
        let modifiers = &fetch.modifiers;
        if modifiers.changed_since.is_some() {
            self.announced(&CONDSTORE)?;
        }
        if modifiers.vanished {
            if addressing != Addressing::Uid || modifiers.changed_since.is_none() {
                let problem = "stands only in UID FETCH and with CHANGEDSINCE";
                return Err(Misuse::Argument { argument: "VANISHED", problem });
            }
            self.announced(&QRESYNC)?;
            self.enabled("QRESYNC", "with VANISHED before QRESYNC is enabled")?;
        }
        if modifiers.partial.is_some() {
            if addressing != Addressing::Uid {
                return Err(Misuse::Argument { argument: "PARTIAL", problem: "stands only in UID FETCH" });
            }
            self.announced(&PARTIAL)?;
        }
        fetch.attributes.iter().try_for_each(|attribute| match attribute {
            FetchAttribute::Binary { .. } | FetchAttribute::BinarySize(_) => self.announced(&BINARY_FETCH),
            FetchAttribute::ModSeq => self.announced(&CONDSTORE),
            FetchAttribute::Rfc822 | FetchAttribute::Rfc822Header | FetchAttribute::Rfc822Text => self.rev1(),
            FetchAttribute::SaveDate => self.announced(&SAVE_DATE),
            FetchAttribute::EmailId | FetchAttribute::ThreadId => self.announced(&OBJECT_ID),
            FetchAttribute::Preview { .. } => self.announced(&PREVIEW),
            FetchAttribute::GmMsgId | FetchAttribute::GmThrId | FetchAttribute::GmLabels => {
                self.announced(&GMAIL)
            }
            _ => Ok(()),
        })
    }

    /// The options that have no fallback.
    fn returns(&self, returns: Option<&[SearchReturn]>) -> Result<(), Misuse> {
        let returns = returns.unwrap_or_default();
        let partials = returns.iter().filter(|option| matches!(option, SearchReturn::Partial(_))).count();
        if partials > 1 || (partials == 1 && returns.contains(&SearchReturn::All)) {
            // RFC 9394 3.1
            return Err(Misuse::Argument { argument: "PARTIAL", problem: "stands once, and not with ALL" });
        }
        returns.iter().try_for_each(|option| match option {
            SearchReturn::Save => self.announced(&SEARCH_RES),
            SearchReturn::Partial(_) => self.announced(&PARTIAL_SEARCH),
            SearchReturn::Relevancy => self.announced(&SEARCH_FUZZY),
            SearchReturn::Context | SearchReturn::Update(_) => self.announced(&CONTEXT),
            _ => Ok(()),
        })
    }

    fn key(&self, key: &SearchKey) -> Result<(), Misuse> {
        let needs = |need: &Need, is: &dyn Fn(&SearchKey) -> bool| {
            if arguments::any(key, &is) { self.announced(need) } else { Ok(()) }
        };
        if arguments::any(key, &|key| matches!(key, SearchKey::New | SearchKey::Old | SearchKey::Recent)) {
            self.rev1()?;
        }
        needs(&SEARCH_RES, &|key| matches!(key, SearchKey::Saved))?;
        needs(&WITHIN, &|key| matches!(key, SearchKey::Older(_) | SearchKey::Younger(_)))?;
        needs(&CONDSTORE, &|key| matches!(key, SearchKey::ModSeq(_)))?;
        needs(&OBJECT_ID, &|key| matches!(key, SearchKey::EmailId(_) | SearchKey::ThreadId(_)))?;
        needs(&SAVE_DATE, &|key| {
            use SearchKey::{SaveDateSupported, SavedBefore, SavedOn, SavedSince};
            matches!(key, SavedBefore(_) | SavedOn(_) | SavedSince(_) | SaveDateSupported)
        })?;
        needs(&SEARCH_FUZZY, &|key| matches!(key, SearchKey::Fuzzy(_)))?;
        needs(&FILTERS, &|key| matches!(key, SearchKey::Filter(_)))?;
        needs(&GMAIL, &|key| {
            use SearchKey::{GmLabels, GmMsgId, GmRaw, GmThrId};
            matches!(key, GmRaw(_) | GmMsgId(_) | GmThrId(_) | GmLabels(_))
        })
    }

    fn set(&self, set: &MessageSet) -> Result<(), Misuse> {
        if *set == MessageSet::Saved { self.announced(&SEARCH_RES) } else { Ok(()) }
    }

    /// RFC 9586 3: with UIDONLY, message numbers do not exist.
    fn uid_only(&self, command: &Command) -> Result<(), Misuse> {
        if !self.is_or_will_be_enabled("UIDONLY") {
            return Ok(());
        }
        let by_number = matches!(
            command,
            Command::Fetch(Addressing::Sequence, _)
                | Command::Store(Addressing::Sequence, _)
                | Command::StoreLabels(Addressing::Sequence, _)
                | Command::Copy(Addressing::Sequence, _)
                | Command::Move(Addressing::Sequence, _)
                | Command::Replace(Addressing::Sequence, _)
                | Command::Search(Addressing::Sequence, _)
                | Command::Sort(Addressing::Sequence, _)
                | Command::Thread(Addressing::Sequence, _)
        );
        let is_number = |key: &SearchKey| matches!(key, SearchKey::Sequence(_));
        let numbers = by_number || arguments::keys(command).iter().any(|key| arguments::any(key, &is_number));
        self.has(!numbers, "with message numbers while UIDONLY is enabled")
    }

    fn has_quota(&self) -> bool {
        self.client.has_capability("QUOTA") || self.has_quota_resources()
    }

    fn has_quota_resources(&self) -> bool {
        self.client.capabilities().iter().any(|capability| matches!(capability, Capability::QuotaResource(_)))
    }

    /// RFC 9051 Appendix E: IMAP4rev2 has dropped it. Every other server has it, be it older than IMAP4rev1.
    fn rev1(&self) -> Result<(), Misuse> {
        self.has(!self.client.is_rev2_only(), "with a server that has IMAP4rev2 alone")
    }

    fn announced(&self, need: &Need) -> Result<(), Misuse> {
        self.has(need.0.iter().any(|name| self.client.has_capability(name)), need.1)
    }

    fn enabled(&self, name: &str, state: &'static str) -> Result<(), Misuse> {
        self.has(self.is_or_will_be_enabled(name), state)
    }

    /// Enabled, or asked for by a command in front of this one.
    fn is_or_will_be_enabled(&self, name: &str) -> bool {
        let queued = self.client.queue.iter().filter_map(|queued| match &queued.command {
            Command::Enable(capabilities) => Some(capabilities),
            _ => None,
        });
        self.client.is_enabled(name)
            || self.moment == Moment::Queued
                && queued.chain([&self.client.enabling]).flatten().any(|capability| capability.is(name))
    }

    const fn has(&self, has: bool, state: &'static str) -> Result<(), Misuse> {
        if has { Ok(()) } else { Err(Misuse::NotNow { call: self.call, state }) }
    }
}
