//! NOTIFY (RFC 5465), and the choice of mailboxes that ESEARCH shares with it (RFC 7377).

use crate::types::{FetchAttribute, Label, Mailbox};
use alloc::vec::Vec;

/// The arguments of NOTIFY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotifyCommand {
    /// `NONE`: tell of nothing.
    None,
    /// `SET`: tell of these events and no others.
    Set {
        /// `STATUS`: first send a STATUS response for each mailbox.
        status: bool,
        /// Which events of which mailboxes; never empty.
        groups: Vec<EventGroup>,
    },
}

impl NotifyCommand {
    /// Whether what needs each other stands together: new messages and expunges, and with changed flags both (RFC 5465
    /// 5); and whether the selected mailbox is chosen at most once, for events of messages only (RFC 5465 6.1).
    pub(crate) fn is_consistent(&self) -> bool {
        let Self::Set { groups, .. } = self else { return true };
        groups.iter().filter(|group| group.is_selected()).count() <= 1
            && groups.iter().all(EventGroup::is_consistent)
    }
}

/// `event-group`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventGroup {
    /// The mailboxes.
    pub mailboxes: MailboxFilter,
    /// The events; an empty list is `NONE`.
    pub events: Vec<NotifyEvent>,
}

impl EventGroup {
    pub(crate) const fn is_selected(&self) -> bool {
        matches!(self.mailboxes, MailboxFilter::Selected | MailboxFilter::SelectedDelayed)
    }

    fn is_consistent(&self) -> bool {
        let new = self.events.iter().any(|event| matches!(event, NotifyEvent::MessageNew(_)));
        let expunge = self.events.contains(&NotifyEvent::MessageExpunge);
        let is_change = |event| matches!(event, &NotifyEvent::FlagChange | &NotifyEvent::AnnotationChange);
        let changes = self.events.iter().any(is_change);
        let others = self.is_selected() && self.events.iter().any(NotifyEvent::is_of_mailboxes);
        new == expunge && (new || !changes) && !others
    }
}

/// `filter-mailboxes`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailboxFilter {
    /// `selected`: the selected mailbox, told at once.
    Selected,
    /// `selected-delayed`: the selected mailbox; expunges wait until the client can follow.
    SelectedDelayed,
    /// `inboxes`: where mail is delivered to.
    Inboxes,
    /// `personal`: all in the user's own namespaces.
    Personal,
    /// `subscribed`: all that are subscribed to.
    Subscribed,
    /// `subtree`: these and all below; never empty.
    Subtree(Vec<Mailbox>),
    /// `subtree-one`: these and those directly below (RFC 7377); never empty.
    SubtreeOne(Vec<Mailbox>),
    /// `mailboxes`: exactly these; never empty.
    Mailboxes(Vec<Mailbox>),
}

/// `event`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotifyEvent {
    /// `MessageNew`, with what is to be told of new messages in the selected mailbox.
    MessageNew(Vec<FetchAttribute>),
    /// `MessageExpunge`
    MessageExpunge,
    /// `FlagChange`
    FlagChange,
    /// `AnnotationChange`
    AnnotationChange,
    /// `MailboxName`: created, deleted, renamed.
    MailboxName,
    /// `SubscriptionChange`
    SubscriptionChange,
    /// `MailboxMetadataChange`
    MailboxMetadataChange,
    /// `ServerMetadataChange`
    ServerMetadataChange,
    /// Another one: the server refuses it with BADEVENT.
    Other(Label),
}

impl NotifyEvent {
    /// The name on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::MessageNew(_) => "MessageNew",
            Self::MessageExpunge => "MessageExpunge",
            Self::FlagChange => "FlagChange",
            Self::AnnotationChange => "AnnotationChange",
            Self::MailboxName => "MailboxName",
            Self::SubscriptionChange => "SubscriptionChange",
            Self::MailboxMetadataChange => "MailboxMetadataChange",
            Self::ServerMetadataChange => "ServerMetadataChange",
            Self::Other(name) => name.as_str(),
        }
    }

    /// Whether it is about mailboxes and not about messages.
    const fn is_of_mailboxes(&self) -> bool {
        matches!(
            self,
            Self::MailboxName
                | Self::SubscriptionChange
                | Self::MailboxMetadataChange
                | Self::ServerMetadataChange
        )
    }

    /// The event called `name`, in any case.
    pub fn named(name: Label) -> Self {
        let known = [
            Self::MessageNew(Vec::new()),
            Self::MessageExpunge,
            Self::FlagChange,
            Self::AnnotationChange,
            Self::MailboxName,
            Self::SubscriptionChange,
            Self::MailboxMetadataChange,
            Self::ServerMetadataChange,
        ];
        known.into_iter().find(|event| name.is(event.name())).unwrap_or(Self::Other(name))
    }
}
