//! Which mailboxes there are: LIST, LSUB, NAMESPACE, SUBSCRIBE, STATUS (RFC 9051 6.3.7 to 6.3.11; RFC 5258, 5819, 6154,
//! 8440; RFC 4314 4).

use std::collections::{BTreeMap, BTreeSet};

use posthaste_imap::pattern::{Listed, MailboxName as Name, Matcher, Selection, hierarchy_order, list};
use posthaste_imap::server::{Asked, Lsub, Namespace as NamespaceCommand, StatusOf, Subscribe, Unsubscribe};
use posthaste_imap::types::{
    Atom, ListCommand, ListResponse, ListReturn, ListSelection, Mailbox as ImapMailbox, MailboxAttribute,
    Namespace, Namespaces, StatusAttribute, StatusItem,
};

use super::access::{Failure, OTHERS, Place, Reached, SHARED, all_rights};
use super::acl;
use super::{Outcome, Session, convert};
use crate::store::{MailboxId, SEPARATOR, Status, StoreError};

/// All that LIST tells of.
pub(super) struct Known {
    /// Mailboxes that may be looked up, by the name the user knows.
    pub(super) mailboxes: BTreeMap<String, Reached>,
    pub(super) subscribed: BTreeSet<String>,
}

impl Session {
    pub(super) fn namespace(&mut self, asked: Asked<NamespaceCommand>) -> Outcome {
        let namespace = |prefix: &str| {
            let prefix = ImapMailbox::new(prefix).ok()?;
            Some(Namespace { prefix, delimiter: Some(SEPARATOR), translation: None })
        };
        let is_public = self.context.config.public_account.is_some();
        let namespaces = Namespaces {
            personal: namespace("").into_iter().collect(),
            other_users: namespace(&format!("{OTHERS}{SEPARATOR}")).into_iter().collect(),
            shared: namespace(&format!("{SHARED}{SEPARATOR}")).filter(|_| is_public).into_iter().collect(),
        };
        asked.ok(self.connection.machine(), namespaces)?;
        Ok(())
    }

    /// The mailboxes that the user may look up, and what the user is subscribed to.
    pub(super) async fn known(&self) -> Result<Known, StoreError> {
        let (own, store) = (self.own_id()?, &self.context.store);
        let (mailboxes, others, subscribed) =
            tokio::try_join!(store.mailboxes(own), self.visible(), store.subscriptions(own))?;
        let mine = mailboxes.into_iter().map(|mailbox| {
            (mailbox.name.clone(), Reached { name: mailbox.name.clone(), mailbox, rights: all_rights() })
        });
        let mut known: BTreeMap<String, Reached> = mine.collect();
        let others = others.into_iter().filter(|it| it.rights.contains('l'));
        known.extend(others.map(|reached| (reached.name.clone(), reached)));
        Ok(Known { mailboxes: known, subscribed: subscribed.into_iter().collect() })
    }

    pub(super) async fn list(&mut self, asked: Asked<ListCommand>) -> Outcome {
        self.sync().await?;
        if asked.patterns.iter().all(|pattern| pattern.as_str().is_empty()) {
            if let Some(row) = root(asked.reference.as_str()) {
                asked.row(self.connection.machine(), row)?;
            }
            asked.ok(self.connection.machine())?;
            return Ok(());
        }
        let known = match self.known().await {
            Ok(known) => known,
            Err(error) => return Ok(asked.no(self.connection.machine(), Failure::from(error).refusal())?),
        };
        let has = |selection| asked.selection.contains(&selection);
        let selection = match (has(ListSelection::Subscribed), has(ListSelection::RecursiveMatch)) {
            (true, true) => Selection::RecursiveSubscribed,
            (true, false) => Selection::Subscribed,
            _ => Selection::Existing,
        };
        // RFC 5258 3.1: what was selected by is told.
        let tells_subscribed =
            has(ListSelection::Subscribed) || asked.returns.contains(&ListReturn::Subscribed);
        let patterns: Vec<&str> = asked.patterns.iter().map(|pattern| pattern.as_str()).collect();
        let rows = known.listed(asked.reference.as_str(), &patterns, selection);
        let mut rows: Vec<ListResponse> =
            rows.iter().filter_map(|listed| known.row(listed, tells_subscribed)).collect();
        if has(ListSelection::SpecialUse) {
            rows.retain(|row| row.attributes.iter().any(|it| matches!(it, MailboxAttribute::SpecialUse(_))));
        }
        for row in rows {
            let mailbox = row.mailbox.clone();
            self.room().await?;
            asked.row(self.connection.machine(), row)?;
            let Some(reached) = known.mailboxes.get(mailbox.as_str()) else { continue };
            self.list_more(&asked, mailbox, reached).await?;
        }
        asked.ok(self.connection.machine())?;
        Ok(())
    }

    /// What an extended LIST wants to know of each mailbox (RFC 5819, RFC 8440).
    async fn list_more(
        &mut self,
        asked: &Asked<ListCommand>,
        mailbox: ImapMailbox,
        reached: &Reached,
    ) -> Outcome {
        for option in &asked.returns {
            match option {
                ListReturn::Status(attributes) if reached.rights.contains('r') => {
                    match self.status_items(reached.mailbox.id, attributes).await {
                        Ok(items) => asked.status(self.connection.machine(), mailbox.clone(), items)?,
                        // RFC 5819 2: then there is none.
                        Err(error) => tracing::debug!(%error, "no status"),
                    }
                }
                ListReturn::MyRights => {
                    let rights = acl::told(reached.rights);
                    asked.my_rights(self.connection.machine(), mailbox.clone(), rights)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) async fn lsub(&mut self, asked: Asked<Lsub>) -> Outcome {
        self.sync().await?;
        let subscribed = match self.own_id() {
            Ok(account) => self.context.store.subscriptions(account).await,
            Err(error) => Err(error),
        };
        let subscribed = match subscribed {
            Ok(subscribed) => subscribed.into_iter().collect(),
            Err(error) => return Ok(asked.no(self.connection.machine(), Failure::from(error).refusal())?),
        };
        let known = Known { mailboxes: BTreeMap::new(), subscribed };
        for listed in known.listed(asked.reference.as_str(), &[asked.pattern.as_str()], Selection::Lsub) {
            let attributes = if listed.subscribed { Vec::new() } else { vec![MailboxAttribute::NoSelect] };
            let Some(row) = row(listed.name, attributes) else { continue };
            self.room().await?;
            asked.row(self.connection.machine(), row)?;
        }
        asked.ok(self.connection.machine())?;
        Ok(())
    }

    /// The name under which a subscription is kept: as the user sees it, in normal form.
    fn subscribed_name(&self, mailbox: &ImapMailbox) -> Result<String, Failure> {
        match self.place_of(mailbox)? {
            Place::Own(name) => Ok(name.to_string()),
            Place::Foreign(_) => Ok(convert::name(mailbox).map_err(StoreError::from)?.to_string()),
        }
    }

    pub(super) async fn subscribe(&mut self, asked: Asked<Subscribe>) -> Outcome {
        let outcome = match (self.own_id(), self.subscribed_name(&asked.mailbox)) {
            (Ok(account), Ok(name)) => {
                self.context.store.subscribe(account, &name).await.map_err(Failure::from)
            }
            (Err(error), _) => Err(error.into()),
            (_, Err(failure)) => Err(failure),
        };
        self.sync().await?;
        asked.done(self.connection.machine(), outcome.map_err(Failure::refusal))?;
        Ok(())
    }

    pub(super) async fn unsubscribe(&mut self, asked: Asked<Unsubscribe>) -> Outcome {
        let outcome = match (self.own_id(), self.subscribed_name(&asked.mailbox)) {
            (Ok(account), Ok(name)) => {
                self.context.store.unsubscribe(account, &name).await.map_err(Failure::from)
            }
            (Err(error), _) => Err(error.into()),
            (_, Err(failure)) => Err(failure),
        };
        self.sync().await?;
        asked.done(self.connection.machine(), outcome.map_err(Failure::refusal))?;
        Ok(())
    }

    pub(super) async fn status(&mut self, asked: Asked<StatusOf>) -> Outcome {
        let items = match self.reach(&asked.mailbox, "r").await {
            Ok(reached) => {
                self.status_items(reached.mailbox.id, &asked.attributes).await.map_err(Failure::from)
            }
            Err(failure) => Err(failure),
        };
        self.sync().await?;
        let server = self.connection.machine();
        match items {
            Ok(items) => asked.ok(server, items)?,
            Err(failure) => asked.no(server, failure.refusal())?,
        }
        Ok(())
    }

    /// What STATUS tells of a mailbox: from memory where it is there.
    pub(super) async fn status_items(
        &self,
        mailbox: MailboxId,
        attributes: &[StatusAttribute],
    ) -> Result<Vec<StatusItem>, StoreError> {
        let wants_recent = attributes.contains(&StatusAttribute::Recent);
        let status = match self.context.index.picture(mailbox).filter(|_| !wants_recent) {
            Some(picture) => picture.status(0),
            None => self.context.store.status(mailbox).await?,
        };
        let item = |attribute: &StatusAttribute| match attribute {
            StatusAttribute::AppendLimit => Some(StatusItem::AppendLimit(Some(self.message_max))),
            StatusAttribute::MailboxId => convert::mailbox_id(mailbox).map(StatusItem::MailboxId),
            attribute => StatusItem::number(*attribute, number(&status, *attribute)?),
        };
        Ok(attributes.iter().filter_map(item).collect())
    }
}

impl Known {
    fn listed<'a>(&'a self, reference: &str, patterns: &[&str], selection: Selection) -> Vec<Listed<'a>> {
        let existing = self.mailboxes.keys().map(String::as_str);
        let names: BTreeSet<&str> = existing.chain(self.subscribed.iter().map(String::as_str)).collect();
        let name = |name: &'a str| Name {
            name,
            exists: self.mailboxes.contains_key(name),
            subscribed: self.subscribed.contains(name),
        };
        let mut names: Vec<Name<'a>> = names.into_iter().map(name).collect();
        names.sort_by(|one, other| hierarchy_order(one.name, other.name, SEPARATOR));
        let matchers: Vec<Matcher> =
            patterns.iter().map(|pattern| Matcher::new(reference, pattern, SEPARATOR)).collect();
        list(&names, &matchers, selection, SEPARATOR)
    }

    fn row(&self, listed: &Listed<'_>, tells_subscribed: bool) -> Option<ListResponse> {
        let mut attributes = Vec::new();
        if !listed.exists {
            attributes.push(MailboxAttribute::NonExistent);
        }
        let (some, none) = (MailboxAttribute::HasChildren, MailboxAttribute::HasNoChildren);
        attributes.push(if listed.has_children { some } else { none });
        if tells_subscribed && listed.subscribed {
            attributes.push(MailboxAttribute::Subscribed);
        }
        // The roles of somebody else's mailboxes are not the user's: no client is to put its drafts there.
        let own = self.mailboxes.get(listed.name).filter(|reached| reached.name == reached.mailbox.name);
        let role = own.and_then(|reached| reached.mailbox.special_use).map(convert::special_use);
        attributes.extend(role.map(MailboxAttribute::SpecialUse));
        let mut row = row(listed.name, attributes)?;
        row.child_info.extend(Atom::new("SUBSCRIBED").ok().filter(|_| listed.child_info));
        Some(row)
    }
}

/// A row with these attributes; `None` for a name that can not be written.
pub(super) fn row(name: &str, attributes: Vec<MailboxAttribute>) -> Option<ListResponse> {
    let mailbox = ImapMailbox::new(name).ok()?;
    Some(ListResponse {
        attributes,
        delimiter: Some(SEPARATOR),
        mailbox,
        child_info: Vec::new(),
        old_name: None,
    })
}

/// The root of the hierarchy that a name is in (RFC 9051 6.3.9): that of its namespace.
fn root(reference: &str) -> Option<ListResponse> {
    let spaces = [OTHERS, SHARED].map(|first| format!("{first}{SEPARATOR}"));
    let own = spaces.iter().find(|prefix| reference.starts_with(prefix.as_str()));
    row(own.map_or("", String::as_str), vec![MailboxAttribute::NoSelect])
}

fn number(status: &Status, attribute: StatusAttribute) -> Option<u64> {
    Some(match attribute {
        StatusAttribute::Messages => status.messages.into(),
        StatusAttribute::Recent => status.recent.into(),
        StatusAttribute::UidNext => status.uidnext.into(),
        StatusAttribute::UidValidity => status.uidvalidity.into(),
        StatusAttribute::Unseen => status.unseen.into(),
        StatusAttribute::Deleted => status.deleted.into(),
        StatusAttribute::DeletedStorage => status.deleted_size,
        StatusAttribute::Size => status.size,
        StatusAttribute::HighestModSeq => status.modseq,
        _ => return None,
    })
}
