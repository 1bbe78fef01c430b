//! Commands about mailboxes (RFC 9051 6.3) and CLOSE.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use posthaste_imap::pattern::Matcher;
use posthaste_imap::server::{
    Access, Asked, Close, Delete, Lsub, Namespace as NamespaceCommand, Rename, Select, SelectData,
    SelectedFlags, StatusOf, Subscribe, Unsubscribe,
};
use posthaste_imap::types::{
    Create, ListCommand, ListResponse, Mailbox as ImapMailbox, MailboxAttribute, Namespace, Namespaces,
    PermanentFlags, SpecialUse as ImapSpecialUse, StatusAttribute, StatusItem,
};

use super::selected::Selected;
use super::{Outcome, Session, convert, refusal};
use crate::store::{AccountId, Expunge, Mailbox, MailboxName, SEPARATOR, SpecialUse, Status, StoreError};

impl Session {
    /// The account; before login no command comes that wants one.
    fn account_id(&self) -> Result<AccountId, StoreError> {
        self.account.as_ref().map(|account| account.id).ok_or(StoreError::NoSuchAccount)
    }

    /// The account and the name of a mailbox that it may have.
    fn named(&self, mailbox: &ImapMailbox) -> Result<(AccountId, MailboxName), StoreError> {
        Ok((self.account_id()?, convert::name(mailbox)?))
    }

    pub(super) async fn find(&self, mailbox: &ImapMailbox) -> Result<Mailbox, StoreError> {
        let name = convert::name(mailbox).map_err(|_| StoreError::NoSuchMailbox)?;
        self.context.store.mailbox(self.account_id()?, &name).await
    }

    pub(super) fn namespace(&mut self, asked: Asked<NamespaceCommand>) -> Outcome {
        let prefix = ImapMailbox::new("").ok();
        let own = prefix.map(|prefix| Namespace { prefix, delimiter: Some(SEPARATOR), translation: None });
        let namespaces = Namespaces { personal: own.into_iter().collect(), ..Namespaces::default() };
        asked.ok(self.connection.machine(), namespaces)?;
        Ok(())
    }

    pub(super) async fn list(&mut self, list: Asked<ListCommand>) -> Outcome {
        let asks_for_delimiter = matches!(&*list.patterns, [pattern] if pattern.as_str().is_empty());
        if asks_for_delimiter {
            if let Ok(mailbox) = ImapMailbox::new("") {
                list.row(self.connection.machine(), row(mailbox, vec![MailboxAttribute::NoSelect]))?;
            }
            list.ok(self.connection.machine())?;
            return Ok(());
        }
        let mailboxes = match self.account_id() {
            Ok(account) => self.context.store.mailboxes(account).await,
            Err(error) => Err(error),
        };
        let mailboxes = match mailboxes {
            Ok(mailboxes) => mailboxes,
            Err(error) => return Ok(list.no(self.connection.machine(), refusal(&error))?),
        };
        let parents: BTreeSet<&str> = mailboxes.iter().filter_map(|mailbox| parent(&mailbox.name)).collect();
        let matchers: Vec<Matcher> = list
            .patterns
            .iter()
            .map(|pattern| Matcher::new(list.reference.as_str(), pattern.as_str(), SEPARATOR))
            .collect();
        for mailbox in &mailboxes {
            if !matchers.iter().any(|matcher| matcher.matches(&mailbox.name)) {
                continue;
            }
            let Ok(name) = ImapMailbox::new(mailbox.name.clone()) else { continue };
            let has_children = parents.contains(mailbox.name.as_str());
            let children =
                if has_children { MailboxAttribute::HasChildren } else { MailboxAttribute::HasNoChildren };
            let role = mailbox.special_use.map(special_use).map(MailboxAttribute::SpecialUse);
            let attributes = std::iter::once(children).chain(role).collect();
            self.connection.room().await?;
            list.row(self.connection.machine(), row(name, attributes))?;
        }
        self.sync().await;
        list.ok(self.connection.machine())?;
        Ok(())
    }

    pub(super) async fn lsub(&mut self, lsub: Asked<Lsub>) -> Outcome {
        let subscriptions = match self.account_id() {
            Ok(account) => self.context.store.subscriptions(account).await,
            Err(error) => Err(error),
        };
        let subscriptions = match subscriptions {
            Ok(subscriptions) => subscriptions,
            Err(error) => return Ok(lsub.no(self.connection.machine(), refusal(&error))?),
        };
        let matcher = Matcher::new(lsub.reference.as_str(), lsub.pattern.as_str(), SEPARATOR);
        let mut listed = BTreeSet::new();
        for name in &subscriptions {
            // A parent stands in for a subscription below it that `%` does not reach (RFC 3501 6.3.9).
            let reached = std::iter::successors(Some(name.as_str()), |name| parent(name));
            let Some(matching) = reached.into_iter().find(|name| matcher.matches(name)) else { continue };
            let stands_in = matching != name && !subscriptions.iter().any(|name| name == matching);
            let Ok(mailbox) = ImapMailbox::new(matching) else { continue };
            if listed.insert(matching) {
                let attributes = if stands_in { vec![MailboxAttribute::NoSelect] } else { Vec::new() };
                self.connection.room().await?;
                lsub.row(self.connection.machine(), row(mailbox, attributes))?;
            }
        }
        self.sync().await;
        lsub.ok(self.connection.machine())?;
        Ok(())
    }

    pub(super) async fn subscribe(&mut self, asked: Asked<Subscribe>) -> Outcome {
        let outcome = match self.named(&asked.mailbox) {
            Ok((account, name)) => self.context.store.subscribe(account, &name).await,
            Err(error) => Err(error),
        };
        self.sync().await;
        asked.done(self.connection.machine(), outcome.map_err(|error| refusal(&error)))?;
        Ok(())
    }

    pub(super) async fn unsubscribe(&mut self, asked: Asked<Unsubscribe>) -> Outcome {
        let outcome = match self.named(&asked.mailbox) {
            Ok((account, name)) => self.context.store.unsubscribe(account, &name).await,
            Err(error) => Err(error),
        };
        self.sync().await;
        asked.done(self.connection.machine(), outcome.map_err(|error| refusal(&error)))?;
        Ok(())
    }

    pub(super) async fn create(&mut self, create: Asked<Create>) -> Outcome {
        let outcome = match self.named(&create.mailbox) {
            Ok((account, name)) => self.context.store.create_mailbox(account, &name).await.map(drop),
            Err(error) => Err(error),
        };
        self.sync().await;
        create.done(self.connection.machine(), outcome.map_err(|error| refusal(&error)))?;
        Ok(())
    }

    pub(super) async fn delete(&mut self, delete: Asked<Delete>) -> Outcome {
        let outcome = match (self.account_id(), convert::name(&delete.mailbox)) {
            (Ok(account), Ok(name)) => self.context.store.delete_mailbox(account, &name).await,
            (Err(error), _) => Err(error),
            (_, Err(_)) => Err(StoreError::NoSuchMailbox),
        };
        delete.done(self.connection.machine(), outcome.map_err(|error| refusal(&error)))?;
        Ok(())
    }

    pub(super) async fn rename(&mut self, rename: Asked<Rename>) -> Outcome {
        let outcome = match (self.account_id(), convert::name(&rename.from), convert::name(&rename.to)) {
            (Ok(account), Ok(from), Ok(to)) => {
                self.context.store.rename_mailbox(account, &from, &to).await.map(drop)
            }
            (Err(error), ..) => Err(error),
            (_, Err(_), _) => Err(StoreError::NoSuchMailbox),
            (.., Err(error)) => Err(error.into()),
        };
        self.sync().await;
        rename.done(self.connection.machine(), outcome.map_err(|error| refusal(&error)))?;
        Ok(())
    }

    pub(super) async fn status(&mut self, asked: Asked<StatusOf>) -> Outcome {
        let status = match self.find(&asked.mailbox).await {
            Ok(mailbox) => self.context.store.status(mailbox.id).await,
            Err(error) => Err(error),
        };
        self.sync().await;
        let server = self.connection.machine();
        match status {
            Ok(status) => {
                let items = asked.attributes.iter().filter_map(|attribute| {
                    StatusItem::number(*attribute, status_value(&status, *attribute)?)
                });
                let items = items.collect();
                asked.ok(server, items)?;
            }
            Err(error) => asked.no(server, refusal(&error))?,
        }
        Ok(())
    }

    pub(super) async fn select(&mut self, select: Asked<Select>) -> Outcome {
        self.selected = None;
        match self.open(&select).await {
            Ok((selected, data)) => {
                self.selected = Some(selected);
                select.ok(self.connection.machine(), data)?;
            }
            Err(error) => select.refuse(self.connection.machine(), refusal(&error))?,
        }
        Ok(())
    }

    async fn open(&self, select: &Select) -> Result<(Selected, SelectData), StoreError> {
        let mailbox = self.find(&select.mailbox).await?;
        let store = &self.context.store;
        // Before the first look, so that no change falls between.
        let changes = store.subscribe_changes(mailbox.id);
        let snapshot = store.snapshot(mailbox.id).await?;
        let recent = match select.access {
            Access::ReadWrite => store.claim_recent(mailbox.id).await?,
            // Looking does not use up what is recent (RFC 3501 6.3.2).
            Access::ReadOnly => store.unclaimed_recent(mailbox.id).await?,
        };
        let keywords = store.keywords(mailbox.id).await?;
        let selected = Selected::new(mailbox.id, snapshot, recent, changes);
        let defined: Vec<_> =
            convert::system_flags().chain(keywords.iter().filter_map(convert::keyword)).collect();
        let uid_next = mailbox.uidnext.max(selected.view.largest_uid().saturating_add(1));
        let data = SelectData {
            flags: SelectedFlags {
                permanent: PermanentFlags { flags: defined.clone().into(), new_keywords: true },
                defined,
            },
            exists: selected.view.largest_seq(),
            recent: selected.recent(),
            unseen: selected.first_unseen(),
            uid_validity: nonzero(mailbox.uidvalidity)?,
            uid_next: nonzero(uid_next)?,
            access: select.access,
        };
        Ok((selected, data))
    }

    pub(super) async fn close(&mut self, close: Asked<Close>) -> Outcome {
        if let Some(selected) = self.selected.take()
            && !self.connection.machine_ref().is_read_only()
            && let Err(error) = self.context.store.expunge(selected.mailbox, Expunge::Deleted).await
        {
            tracing::error!(%error, "deleted messages were not removed at CLOSE");
        }
        close.ok(self.connection.machine())?;
        Ok(())
    }
}

fn row(mailbox: ImapMailbox, attributes: Vec<MailboxAttribute>) -> ListResponse {
    ListResponse { attributes, delimiter: Some(SEPARATOR), mailbox, child_info: Vec::new(), old_name: None }
}

fn parent(name: &str) -> Option<&str> {
    name.rsplit_once(SEPARATOR).map(|(parent, _)| parent)
}

fn special_use(role: SpecialUse) -> ImapSpecialUse {
    match role {
        SpecialUse::Archive => ImapSpecialUse::Archive,
        SpecialUse::Drafts => ImapSpecialUse::Drafts,
        SpecialUse::Junk => ImapSpecialUse::Junk,
        SpecialUse::Sent => ImapSpecialUse::Sent,
        SpecialUse::Trash => ImapSpecialUse::Trash,
    }
}

fn status_value(status: &Status, attribute: StatusAttribute) -> Option<u64> {
    Some(match attribute {
        StatusAttribute::Messages => status.messages.into(),
        StatusAttribute::Recent => status.recent.into(),
        StatusAttribute::UidNext => status.uidnext.into(),
        StatusAttribute::UidValidity => status.uidvalidity.into(),
        StatusAttribute::Unseen => status.unseen.into(),
        StatusAttribute::Deleted => status.deleted.into(),
        StatusAttribute::Size => status.size,
        StatusAttribute::HighestModSeq => status.modseq,
        _ => return None,
    })
}

/// A number that the schema keeps above zero.
pub(super) fn nonzero(number: u32) -> Result<NonZeroU32, StoreError> {
    NonZeroU32::new(number).ok_or_else(|| StoreError::Database("a UID or UIDVALIDITY is zero".to_owned()))
}
