//! What is let in: the command names that are offered, and which arguments need which offer.
//!
//! The parser knows every extension; a client is held to those that are announced, and to those it enabled where the
//! RFC says so. Refused here is what no application need see.

use alloc::vec::Vec;

use super::Server;
use super::enabled::{Feature, has_mod_seq};
use super::extensions::Switch;
use crate::session::State;
use crate::types::{
    Addressing, Command, FetchAttribute, FetchCommand, ListCommand, ListReturn, ListSelection, ListStyle,
    Mailbox, MailboxFilter, MessageSet, QuotaResource, SearchKey, SearchReturn, SelectParameter, SortKey,
    StatusAttribute,
};

/// Why a command is not let in. All of these are BAD, but for `MailboxName`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// It is not announced.
    NotOffered,
    /// It is, and ENABLE has to come first.
    NotEnabled,
    /// It names messages by number under UIDONLY (RFC 9586 3).
    UidRequired,
    /// Its arguments contradict each other.
    Contradiction,
    /// It would make a mailbox whose name is not what the eye sees (RFC 9051 5.1).
    MailboxName,
}

type Gate = Result<(), Closed>;

impl Server {
    fn offers(&self, switch: Switch) -> Gate {
        if self.config.extensions.has(switch) { Ok(()) } else { Err(Closed::NotOffered) }
    }

    fn has_both(&self, switch: Switch, feature: Feature) -> Gate {
        self.offers(switch)?;
        if self.is_enabled(feature) { Ok(()) } else { Err(Closed::NotEnabled) }
    }

    /// Whether `command` keeps to what is announced and enabled.
    pub(super) fn gate(&self, command: &Command) -> Gate {
        match command {
            Command::Select(_, parameters) | Command::Examine(_, parameters) => {
                parameters.iter().try_for_each(|parameter| match parameter {
                    SelectParameter::CondStore => self.offers(Switch::CondStore),
                    SelectParameter::QResync(resync) => {
                        self.has_both(Switch::QResync, Feature::QResync)?;
                        if resync.match_data.is_some() && self.is_enabled(Feature::UidOnly) {
                            return Err(Closed::UidRequired);
                        }
                        match &resync.match_data {
                            Some((numbers, uids)) if numbers.len() != uids.len() => {
                                Err(Closed::Contradiction)
                            }
                            _ => Ok(()),
                        }
                    }
                })
            }
            Command::List(list) => self.gate_list(list),
            Command::Status(_, attributes) => self.gate_status(attributes),
            Command::Create(create) => {
                gate_name(&create.mailbox)?;
                if create.special_use.is_empty() { Ok(()) } else { self.offers(Switch::CreateSpecialUse) }
            }
            Command::Rename { to: name, .. } | Command::Subscribe(name) => gate_name(name),
            Command::Fetch(addressing, fetch) => self.gate_fetch(*addressing, fetch),
            Command::Store(addressing, store) => {
                self.gate_set(*addressing, &store.set)?;
                if store.unchanged_since.is_some() { self.has_mod_seqs() } else { Ok(()) }
            }
            Command::Copy(addressing, copy) | Command::Move(addressing, copy) => {
                self.gate_set(*addressing, &copy.set)
            }
            Command::UidExpunge(set) => self.gate_set(Addressing::Uid, set),
            Command::Search(addressing, search) => {
                self.gate_addressing(*addressing)?;
                // RFC 6855 3: once UTF-8 is enabled there is no other charset to name.
                if search.charset.is_some() && self.is_enabled(Feature::Utf8Accept) {
                    return Err(Closed::Contradiction);
                }
                self.gate_returns(search.returns.as_deref().unwrap_or_default())?;
                self.gate_keys_here(&search.keys)
            }
            Command::Sort(addressing, sort) => {
                self.gate_addressing(*addressing)?;
                if let Some(returns) = &sort.returns {
                    self.offers(Switch::Esort)?;
                    self.gate_returns(returns)?;
                }
                sort.criteria.iter().try_for_each(|criterion| match criterion.key {
                    SortKey::DisplayFrom | SortKey::DisplayTo => self.offers(Switch::SortDisplay),
                    SortKey::Relevancy => Err(Closed::NotOffered),
                    _ => Ok(()),
                })?;
                self.gate_keys_here(&sort.keys)
            }
            Command::Thread(addressing, thread) => {
                self.gate_addressing(*addressing)?;
                if !self.config.extensions.has_thread(&thread.algorithm) {
                    return Err(Closed::NotOffered);
                }
                self.gate_keys_here(&thread.keys)
            }
            Command::Esearch(search) => {
                // RFC 7377 2.2: what is selected has to be, and its expunges do not wait for a search.
                let filters = &search.mailboxes;
                let is_here = filters.is_empty() || filters.contains(&MailboxFilter::Selected);
                if filters.contains(&MailboxFilter::SelectedDelayed)
                    || (is_here && self.state() != State::Selected)
                {
                    return Err(Closed::Contradiction);
                }
                // RFC 6855 3, as with SEARCH.
                if search.search.charset.is_some() && self.is_enabled(Feature::Utf8Accept) {
                    return Err(Closed::Contradiction);
                }
                // A result of several mailboxes cannot be saved (RFC 7377 2.2).
                let returns = search.search.returns.as_deref().unwrap_or_default();
                if returns.contains(&SearchReturn::Save) {
                    return Err(Closed::Contradiction);
                }
                self.gate_returns(returns)?;
                self.gate_keys(&search.search.keys)
            }
            Command::Replace(addressing, _) => self.gate_addressing(*addressing),
            Command::GetMetadata(get) if !get.mailbox.as_str().is_empty() => self.offers(Switch::Metadata),
            Command::SetMetadata { mailbox, .. } if !mailbox.as_str().is_empty() => {
                self.offers(Switch::Metadata)
            }
            Command::SetQuota { .. } => self.offers(Switch::Quota),
            Command::Notify(notify) if !notify.is_consistent() => Err(Closed::Contradiction),
            Command::XList { .. }
            | Command::StoreLabels(..)
            | Command::CancelUpdate(_)
            | Command::GenUrlAuth(_)
            | Command::UrlFetch(_)
            | Command::ResetKey(_)
            | Command::Language(_)
            | Command::Comparator(_)
            | Command::GetJmapAccess => Err(Closed::NotOffered),
            // Commands whose name is all there is to gate: `head` has looked at it.
            _ => Ok(()),
        }
    }

    /// Under UIDONLY no message has a number.
    fn gate_addressing(&self, addressing: Addressing) -> Gate {
        if addressing == Addressing::Sequence && self.is_enabled(Feature::UidOnly) {
            return Err(Closed::UidRequired);
        }
        Ok(())
    }

    fn gate_set(&self, addressing: Addressing, set: &MessageSet) -> Gate {
        self.gate_addressing(addressing)?;
        if *set == MessageSet::Saved { self.offers(Switch::SearchRes) } else { Ok(()) }
    }

    fn gate_list(&self, list: &ListCommand) -> Gate {
        if list.style == ListStyle::Basic {
            return Ok(());
        }
        self.offers(Switch::ListExtended)?;
        // RFC 5258 3.1: RECURSIVEMATCH says nothing by itself, nor with REMOTE.
        let says_nothing =
            |option: &ListSelection| matches!(option, ListSelection::RecursiveMatch | ListSelection::Remote);
        if list.selection.contains(&ListSelection::RecursiveMatch) && list.selection.iter().all(says_nothing)
        {
            return Err(Closed::Contradiction);
        }
        list.returns.iter().try_for_each(|option| match option {
            ListReturn::Subscribed | ListReturn::Children | ListReturn::SpecialUse => Ok(()),
            ListReturn::Status(attributes) => {
                self.offers(Switch::ListStatus)?;
                self.gate_status(attributes)
            }
            ListReturn::MyRights => self.offers(Switch::ListMyRights),
            ListReturn::Metadata(_) => Err(Closed::NotOffered),
        })
    }

    fn gate_status(&self, attributes: &[StatusAttribute]) -> Gate {
        let quota = |resource| self.config.extensions.has_quota(&resource);
        attributes.iter().try_for_each(|attribute| match attribute {
            StatusAttribute::Size => self.offers(Switch::StatusSize),
            StatusAttribute::HighestModSeq => self.offers(Switch::CondStore),
            StatusAttribute::MailboxId => self.offers(Switch::ObjectId),
            StatusAttribute::Deleted if quota(QuotaResource::Message) => Ok(()),
            StatusAttribute::Deleted => self.offers(Switch::Imap4Rev2),
            StatusAttribute::DeletedStorage if quota(QuotaResource::Storage) => Ok(()),
            StatusAttribute::DeletedStorage => Err(Closed::NotOffered),
            StatusAttribute::Messages
            | StatusAttribute::Recent
            | StatusAttribute::UidNext
            | StatusAttribute::UidValidity
            | StatusAttribute::Unseen
            | StatusAttribute::AppendLimit => Ok(()),
        })
    }

    fn gate_fetch(&self, addressing: Addressing, fetch: &FetchCommand) -> Gate {
        self.gate_set(addressing, &fetch.set)?;
        fetch.attributes.iter().try_for_each(|attribute| self.gate_attribute(attribute))?;
        let modifiers = &fetch.modifiers;
        if modifiers.changed_since.is_some() {
            self.has_mod_seqs()?;
        }
        if modifiers.partial.is_some() {
            self.offers(Switch::Partial)?;
            // RFC 9394 3.3
            if addressing != Addressing::Uid {
                return Err(Closed::Contradiction);
            }
        }
        if modifiers.vanished {
            self.has_both(Switch::QResync, Feature::QResync)?;
            // RFC 7162 3.2.6
            if addressing != Addressing::Uid || modifiers.changed_since.is_none() {
                return Err(Closed::Contradiction);
            }
        }
        Ok(())
    }

    fn gate_attribute(&self, attribute: &FetchAttribute) -> Gate {
        match attribute {
            FetchAttribute::Flags
            | FetchAttribute::Uid
            | FetchAttribute::InternalDate
            | FetchAttribute::Rfc822Size
            | FetchAttribute::Envelope
            | FetchAttribute::Body
            | FetchAttribute::BodyStructure
            | FetchAttribute::Section { .. }
            | FetchAttribute::Rfc822
            | FetchAttribute::Rfc822Header
            | FetchAttribute::Rfc822Text => Ok(()),
            FetchAttribute::Binary { .. } | FetchAttribute::BinarySize(_) => self.offers(Switch::Binary),
            FetchAttribute::ModSeq => self.has_mod_seqs(),
            FetchAttribute::SaveDate => self.offers(Switch::SaveDate),
            FetchAttribute::EmailId | FetchAttribute::ThreadId => self.offers(Switch::ObjectId),
            FetchAttribute::Preview { .. } => self.offers(Switch::Preview),
            FetchAttribute::GmMsgId | FetchAttribute::GmThrId | FetchAttribute::GmLabels => {
                Err(Closed::NotOffered)
            }
        }
    }

    fn gate_returns(&self, returns: &[SearchReturn]) -> Gate {
        let is_partial = |option: &SearchReturn| matches!(option, SearchReturn::Partial(_));
        // RFC 9394 3.1: at most one PARTIAL, and not with ALL.
        let partials = returns.iter().filter(|option| is_partial(option)).count();
        if partials > 1 || (partials == 1 && returns.contains(&SearchReturn::All)) {
            return Err(Closed::Contradiction);
        }
        returns.iter().try_for_each(|option| match option {
            SearchReturn::Min | SearchReturn::Max | SearchReturn::All | SearchReturn::Count => Ok(()),
            SearchReturn::Save => self.offers(Switch::SearchRes),
            SearchReturn::Partial(_) => self.offers(Switch::Partial),
            SearchReturn::Relevancy | SearchReturn::Context | SearchReturn::Update(_) => {
                Err(Closed::NotOffered)
            }
        })
    }

    /// Whether the selected mailbox keeps mod-sequences: where NOMODSEQ was told, nothing that needs them is let in
    /// (RFC 7162 3.1.2.2).
    fn has_mod_seqs(&self) -> Gate {
        self.offers(Switch::CondStore)?;
        if self.highest_mod_seq.is_some() { Ok(()) } else { Err(Closed::Contradiction) }
    }

    /// The keys of a search in the selected mailbox.
    fn gate_keys_here(&self, keys: &[SearchKey]) -> Gate {
        self.gate_keys(keys)?;
        if has_mod_seq(keys) { self.has_mod_seqs() } else { Ok(()) }
    }

    fn gate_keys(&self, keys: &[SearchKey]) -> Gate {
        let mut open: Vec<&SearchKey> = keys.iter().collect();
        while let Some(key) = open.pop() {
            match key {
                SearchKey::And(keys) => open.extend(keys),
                SearchKey::Not(key) => open.push(key),
                SearchKey::Or(one, other) => open.extend([&**one, &**other]),
                SearchKey::Older(_) | SearchKey::Younger(_) => self.offers(Switch::Within)?,
                SearchKey::ModSeq(_) => self.offers(Switch::CondStore)?,
                SearchKey::EmailId(_) | SearchKey::ThreadId(_) => self.offers(Switch::ObjectId)?,
                SearchKey::SavedBefore(_)
                | SearchKey::SavedOn(_)
                | SearchKey::SavedSince(_)
                | SearchKey::SaveDateSupported => self.offers(Switch::SaveDate)?,
                SearchKey::Saved => self.offers(Switch::SearchRes)?,
                SearchKey::Sequence(_) => self.gate_addressing(Addressing::Sequence)?,
                SearchKey::Fuzzy(_)
                | SearchKey::Filter(_)
                | SearchKey::GmRaw(_)
                | SearchKey::GmMsgId(_)
                | SearchKey::GmThrId(_)
                | SearchKey::GmLabels(_) => return Err(Closed::NotOffered),
                _ => {}
            }
        }
        Ok(())
    }
}

/// No mailbox gets a name that can pass for another. One that has such a name from elsewhere can still be opened, renamed
/// and deleted.
fn gate_name(name: &Mailbox) -> Gate {
    if name.is_deceptive() { Err(Closed::MailboxName) } else { Ok(()) }
}
