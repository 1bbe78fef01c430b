//! NOTIFY (RFC 5465): which events of which mailboxes the client wants to hear of, and telling them.
//!
//! The selected mailbox is told of by `selected`, as wished here. Of the others the index tells that something has
//! happened; what their numbers are then is asked for. Who hears too slowly is told the numbers of all that is watched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use posthaste_imap::server::{Asked, Feature, Notify, Update};
use posthaste_imap::types::{
    EntryName, EventGroup, FetchAttribute, Mailbox as ImapMailbox, MailboxAttribute, MailboxFilter,
    NotifyCommand, NotifyEvent, StatusAttribute,
};

use super::access::{Failure, Reached};
use super::list::{Known, row};
use super::selected::message;
use super::{Outcome, Session};
use crate::index::{News, Picture, Row, Watch};
use crate::store::{AccountId, Annotations, MailboxId, SEPARATOR, StoreError};

/// What a client wants to hear of.
pub(super) struct Notifying {
    groups: Vec<EventGroup>,
    watch: Watch,
    /// What there is, as far as nothing was heard of a change of it.
    known: Arc<Known>,
    /// Of which state of the directory that is.
    directory: u64,
    /// What the user knew of the hierarchy when something was told last: the name and UIDNEXT of each mailbox, and
    /// [`UNTOLD`] where nothing was told of its messages yet.
    mailboxes: BTreeMap<MailboxId, (String, u32)>,
    subscribed: BTreeSet<String>,
}

/// The next thing that happened; never completes where nobody listens.
pub(super) async fn next(notify: &mut Option<Box<Notifying>>) -> (AccountId, News) {
    match notify {
        Some(notify) => notify.watch.next().await,
        None => std::future::pending().await,
    }
}

/// What is to be told of the selected mailbox.
pub(super) struct Wanted {
    /// `None` where NOTIFY is not in effect: everything that is always told.
    events: Option<Vec<NotifyEvent>>,
}

impl Wanted {
    pub(super) fn of(notify: Option<&Notifying>) -> Self {
        let events = notify.map(|notify| {
            let of_selected = notify.groups.iter().find(|group| is_selected(group));
            // RFC 5465 3.1: without it nothing is told of the selected mailbox.
            of_selected.map(|group| group.events.clone()).unwrap_or_default()
        });
        Self { events }
    }

    pub(super) fn nothing(&self) -> bool {
        self.events.as_ref().is_some_and(Vec::is_empty)
    }

    pub(super) fn expunges(&self) -> bool {
        self.events.as_ref().is_none_or(|events| events.contains(&NotifyEvent::MessageExpunge))
    }

    pub(super) fn flags(&self) -> bool {
        self.events.as_ref().is_none_or(|events| events.contains(&NotifyEvent::FlagChange))
    }

    /// What is to be told of new messages, beside that they are there.
    pub(super) fn of_new(&self) -> Option<&[FetchAttribute]> {
        self.events.as_ref()?.iter().find_map(|event| match event {
            NotifyEvent::MessageNew(attributes) if !attributes.is_empty() => Some(attributes.as_slice()),
            _ => None,
        })
    }
}

fn is_selected(group: &EventGroup) -> bool {
    matches!(group.mailboxes, MailboxFilter::Selected | MailboxFilter::SelectedDelayed)
}

impl Session {
    pub(super) async fn notify(&mut self, asked: Asked<Notify>) -> Outcome {
        let (status, groups) = match &asked.command {
            NotifyCommand::None => {
                self.notify = None;
                self.sync().await?;
                return Ok(asked.ok(self.connection.machine())?);
            }
            NotifyCommand::Set { status, groups } => (*status, groups.clone()),
        };
        let unknown =
            |event: &NotifyEvent| matches!(event, NotifyEvent::AnnotationChange | NotifyEvent::Other(_));
        if groups.iter().flat_map(|group| &group.events).any(unknown) {
            return Ok(asked.bad_event(self.connection.machine(), &possible())?);
        }
        // What has been missed so far is told as always (RFC 5465 3.1).
        self.notify = None;
        self.sync().await?;
        let known = match self.listening(groups).await {
            Ok(known) => known,
            Err(failure) => return Ok(asked.no(self.connection.machine(), failure.refusal())?),
        };
        if status {
            for reached in known.mailboxes.values() {
                self.first_status(&asked, reached, &known).await?;
            }
        }
        asked.ok(self.connection.machine())?;
        Ok(())
    }

    async fn listening(&mut self, groups: Vec<EventGroup>) -> Result<Arc<Known>, Failure> {
        let own = self.own_id()?;
        let mut accounts = BTreeSet::from([own]);
        // Heard of before it is looked at, so that nothing falls between.
        accounts.extend(self.visible().await?.into_iter().map(|reached| reached.mailbox.account));
        let watch = self.context.index.watch(&accounts);
        let directory = *self.directory.borrow();
        let known = self.known().await?;
        let mailboxes =
            known.mailboxes.values().map(|it| (it.mailbox.id, (it.name.clone(), it.mailbox.uidnext)));
        let mailboxes = mailboxes.collect();
        let subscribed = known.subscribed.clone();
        let known = Arc::new(known);
        let notifying =
            Notifying { groups, watch, known: Arc::clone(&known), directory, mailboxes, subscribed };
        self.notify = Some(Box::new(notifying));
        Ok(known)
    }

    async fn first_status(&mut self, asked: &Asked<Notify>, reached: &Reached, known: &Known) -> Outcome {
        let events = self.events_of(reached, known);
        let mut attributes = Vec::new();
        if events.iter().any(|event| matches!(event, NotifyEvent::MessageNew(_))) {
            attributes.extend([
                StatusAttribute::Messages,
                StatusAttribute::UidNext,
                StatusAttribute::UidValidity,
            ]);
        }
        if events.contains(&NotifyEvent::FlagChange) {
            attributes.extend([StatusAttribute::Unseen, StatusAttribute::HighestModSeq]);
        }
        if attributes.is_empty() || self.is_open(reached.mailbox.id) {
            return Ok(());
        }
        let Ok(mailbox) = ImapMailbox::new(reached.name.clone()) else { return Ok(()) };
        if let Ok(items) = self.status_items(reached.mailbox.id, &attributes).await {
            self.room().await?;
            asked.status(self.connection.machine(), mailbox, items)?;
        }
        Ok(())
    }

    fn is_open(&self, mailbox: MailboxId) -> bool {
        self.selected.as_ref().is_some_and(|selected| selected.open.mailbox() == mailbox)
    }

    /// The events of a mailbox that the client wants to hear of: the first group that it is in decides
    /// (RFC 5465 3.1).
    fn events_of(&self, reached: &Reached, known: &Known) -> Vec<NotifyEvent> {
        if !reached.rights.contains('r') || !reached.rights.contains('l') {
            return Vec::new();
        }
        let Some(notify) = &self.notify else { return Vec::new() };
        let mut groups = notify.groups.iter().filter(|group| !is_selected(group));
        let group = groups.find(|group| self.is_chosen(&group.mailboxes, reached, known));
        group.map(|group| group.events.clone()).unwrap_or_default()
    }

    /// Whether a mailbox is meant, by NOTIFY or by ESEARCH (RFC 5465 6, RFC 7377 2.2).
    pub(super) fn is_chosen(&self, filter: &MailboxFilter, reached: &Reached, known: &Known) -> bool {
        let name = reached.name.as_str();
        let own = self.own_id().is_ok_and(|own| reached.is_own(own));
        let below = |above: &ImapMailbox| name.strip_prefix(above.as_str())?.strip_prefix(SEPARATOR);
        let is_one_of = |names: &[ImapMailbox]| names.iter().any(|it| it.as_str() == name);
        match filter {
            MailboxFilter::Selected | MailboxFilter::SelectedDelayed => self.is_open(reached.mailbox.id),
            MailboxFilter::Inboxes => own && name == "INBOX",
            MailboxFilter::Personal => own,
            MailboxFilter::Subscribed => known.subscribed.contains(name),
            MailboxFilter::Subtree(names) => is_one_of(names) || names.iter().any(|it| below(it).is_some()),
            MailboxFilter::SubtreeOne(names) => {
                is_one_of(names) || names.iter().filter_map(below).any(|rest| !rest.contains(SEPARATOR))
            }
            MailboxFilter::Mailboxes(names) => is_one_of(names),
        }
    }

    /// What there is now, read again only where that can have changed since.
    async fn known_after(&mut self, news: &News) -> Result<Arc<Known>, StoreError> {
        let directory = *self.directory.borrow();
        let is_within = matches!(news, News::Messages { .. } | News::Annotations(_));
        if let Some(notify) = &self.notify
            && is_within
            && notify.directory == directory
        {
            return Ok(Arc::clone(&notify.known));
        }
        let known = Arc::new(self.known().await?);
        if let Some(notify) = &mut self.notify {
            notify.known = Arc::clone(&known);
            notify.directory = directory;
        }
        Ok(known)
    }

    /// Tells the client of something that happened elsewhere.
    pub(super) async fn heard(&mut self, (_, news): (AccountId, News)) -> Outcome {
        let known = match self.known_after(&news).await {
            Ok(known) => known,
            Err(error) => {
                tracing::error!(%error, "what has changed cannot be found out");
                return Ok(());
            }
        };
        match news {
            News::Messages { mailbox, changed, expunged, uidnext } => {
                let reached = known.mailboxes.values().find(|it| it.mailbox.id == mailbox);
                if let Some(reached) = reached {
                    self.messages_changed(reached, &known, changed, expunged, uidnext).await?;
                }
            }
            News::Annotations(annotations) => self.annotations_changed(&annotations, &known).await?,
            News::Mailbox(..) => self.hierarchy_changed(&known).await?,
            News::Subscriptions => self.subscriptions_changed(&known).await?,
            News::Anything => {
                self.hierarchy_changed(&known).await?;
                self.subscriptions_changed(&known).await?;
                for reached in known.mailboxes.values() {
                    let uidnext = reached.mailbox.uidnext;
                    self.messages_changed(reached, &known, true, true, uidnext).await?;
                }
                self.sync().await?;
            }
        }
        Ok(())
    }

    /// RFC 5465 5.6, 5.7. `/private` entries are the business of whose they are.
    async fn annotations_changed(&mut self, annotations: &Annotations, known: &Known) -> Outcome {
        let name = match annotations.mailbox {
            Some(mailbox) => {
                let reached = known.mailboxes.values().find(|it| it.mailbox.id == mailbox);
                let wanted = NotifyEvent::MailboxMetadataChange;
                let reached = reached.filter(|it| self.events_of(it, known).contains(&wanted));
                reached.map(|it| it.name.clone())
            }
            None => {
                let wanted = NotifyEvent::ServerMetadataChange;
                let groups = self.notify.iter().flat_map(|notify| &notify.groups);
                groups.flat_map(|group| &group.events).any(|event| *event == wanted).then(String::new)
            }
        };
        let Some(Ok(name)) = name.map(ImapMailbox::new) else { return Ok(()) };
        let mine = self.own_id() == Ok(annotations.by);
        let told = annotations.entries.iter().filter(|entry| mine || entry.starts_with("/shared/"));
        let names: Vec<EntryName> = told.filter_map(|entry| EntryName::new(entry.clone()).ok()).collect();
        if names.is_empty() {
            return Ok(());
        }
        self.tell_update(Update::Metadata(name, names)).await
    }

    async fn messages_changed(
        &mut self,
        reached: &Reached,
        known: &Known,
        changed: bool,
        expunged: bool,
        uidnext: u32,
    ) -> Outcome {
        if self.is_open(reached.mailbox.id) {
            return Ok(());
        }
        let events = self.events_of(reached, known);
        let Some(notify) = &mut self.notify else { return Ok(()) };
        let told = notify.mailboxes.get_mut(&reached.mailbox.id);
        let told = told.map_or(UNTOLD, |(_, told)| std::mem::replace(told, uidnext));
        let arrived = told < uidnext;
        let new = arrived && events.iter().any(|event| matches!(event, NotifyEvent::MessageNew(_)));
        let gone = expunged && events.contains(&NotifyEvent::MessageExpunge);
        let flagged = changed && (!arrived || told == UNTOLD) && events.contains(&NotifyEvent::FlagChange);
        let mut attributes = Vec::new();
        // RFC 5465 5.1 to 5.3.
        if new || gone {
            attributes.extend([StatusAttribute::UidNext, StatusAttribute::Messages]);
        }
        if flagged {
            attributes.push(StatusAttribute::UidValidity);
        }
        if attributes.is_empty() {
            return Ok(());
        }
        attributes.push(StatusAttribute::Unseen);
        if self.connection.machine_ref().is_enabled(Feature::CondStore) {
            attributes.push(StatusAttribute::HighestModSeq);
        }
        let Ok(name) = ImapMailbox::new(reached.name.clone()) else { return Ok(()) };
        match self.status_items(reached.mailbox.id, &attributes).await {
            Ok(items) => self.tell_update(Update::Status(name, items)).await,
            // It is gone meanwhile, which is told by itself.
            Err(StoreError::NoSuchMailbox) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "status cannot be told");
                Ok(())
            }
        }
    }

    /// Mailboxes were made, renamed, deleted, or are seen by other people now (RFC 5465 5.4).
    async fn hierarchy_changed(&mut self, known: &Known) -> Outcome {
        let Some(notify) = &mut self.notify else { return Ok(()) };
        let now: BTreeMap<MailboxId, (String, u32)> = known
            .mailboxes
            .values()
            .map(|it| {
                // Of one that is new, messages may have come since: that is still to be told.
                let told = notify.mailboxes.get(&it.mailbox.id).map_or(UNTOLD, |(_, told)| *told);
                (it.mailbox.id, (it.name.clone(), told))
            })
            .collect();
        let before = std::mem::replace(&mut notify.mailboxes, now);
        let mut rows = Vec::new();
        for reached in known.mailboxes.values() {
            let old = before.get(&reached.mailbox.id).map(|(name, _)| name.as_str());
            if old == Some(reached.name.as_str()) {
                continue;
            }
            if !self.events_of(reached, known).contains(&NotifyEvent::MailboxName) {
                continue;
            }
            let Some(mut row) = row(&reached.name, Vec::new()) else { continue };
            row.old_name = old.and_then(|old| ImapMailbox::new(old).ok());
            rows.push(row);
        }
        for (id, (name, _)) in &before {
            let gone = known.mailboxes.values().all(|it| it.mailbox.id != *id);
            let wanted = self.wants_names(name, known);
            if gone && wanted && !known.mailboxes.contains_key(name) {
                rows.extend(row(name, vec![MailboxAttribute::NonExistent]));
            }
        }
        for row in rows {
            self.tell_update(Update::List(row)).await?;
        }
        Ok(())
    }

    /// Whether the client wants to hear of a name that no mailbox has any more.
    fn wants_names(&self, name: &str, known: &Known) -> bool {
        let Some(notify) = &self.notify else { return false };
        let groups = notify.groups.iter().filter(|group| !is_selected(group));
        let below = |above: &ImapMailbox| name.strip_prefix(above.as_str())?.strip_prefix(SEPARATOR);
        let is_one_of = |names: &[ImapMailbox]| names.iter().any(|it| it.as_str() == name);
        let foreign = |first: &str| name.strip_prefix(first).is_some_and(|rest| rest.starts_with(SEPARATOR));
        let is_in = |group: &&EventGroup| match &group.mailboxes {
            MailboxFilter::Selected | MailboxFilter::SelectedDelayed | MailboxFilter::Inboxes => false,
            MailboxFilter::Personal => !foreign(super::access::OTHERS) && !foreign(super::access::SHARED),
            MailboxFilter::Subscribed => known.subscribed.contains(name),
            MailboxFilter::Subtree(names) => is_one_of(names) || names.iter().any(|it| below(it).is_some()),
            MailboxFilter::SubtreeOne(names) => {
                is_one_of(names) || names.iter().filter_map(below).any(|rest| !rest.contains(SEPARATOR))
            }
            MailboxFilter::Mailboxes(names) => is_one_of(names),
        };
        groups.into_iter().find(is_in).is_some_and(|group| group.events.contains(&NotifyEvent::MailboxName))
    }

    /// RFC 5465 5.5.
    async fn subscriptions_changed(&mut self, known: &Known) -> Outcome {
        let Some(notify) = &mut self.notify else { return Ok(()) };
        let before = std::mem::replace(&mut notify.subscribed, known.subscribed.clone());
        let wants = notify.groups.iter().any(|group| group.events.contains(&NotifyEvent::SubscriptionChange));
        if !wants {
            return Ok(());
        }
        for name in before.symmetric_difference(&known.subscribed) {
            let mut attributes = Vec::new();
            if known.subscribed.contains(name) {
                attributes.push(MailboxAttribute::Subscribed);
            }
            if !known.mailboxes.contains_key(name) {
                attributes.push(MailboxAttribute::NonExistent);
            }
            if let Some(row) = row(name, attributes) {
                self.tell_update(Update::List(row)).await?;
            }
        }
        Ok(())
    }

    /// Tells of a new message what NOTIFY wants to know of it (RFC 5465 5.2).
    pub(super) async fn tell_new(
        &mut self,
        picture: &Picture,
        row: &Row,
        attributes: &[FetchAttribute],
    ) -> Outcome {
        let Some((seq, _)) = picture.by_uid(row.uid) else { return Ok(()) };
        match self.new_items(row, attributes).await {
            Ok(items) => self.tell_update(Update::Fetch(message(seq, row.uid), items)).await,
            Err(error) => {
                tracing::warn!(%error, "a new message cannot be read");
                Ok(())
            }
        }
    }
}

/// The events that can be watched here.
fn possible() -> [NotifyEvent; 7] {
    [
        NotifyEvent::MessageNew(Vec::new()),
        NotifyEvent::MessageExpunge,
        NotifyEvent::FlagChange,
        NotifyEvent::MailboxName,
        NotifyEvent::SubscriptionChange,
        NotifyEvent::MailboxMetadataChange,
        NotifyEvent::ServerMetadataChange,
    ]
}

/// Below the UIDNEXT of every mailbox.
const UNTOLD: u32 = 0;
