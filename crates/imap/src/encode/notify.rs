//! NOTIFY, and the choice of mailboxes (RFC 5465, RFC 7377).

use super::writer::Writer;
use crate::types::{EventGroup, Mailbox, MailboxFilter, NotifyCommand, NotifyEvent};

impl Writer<'_> {
    /// Without groups `NONE`, which is what that means.
    pub(super) fn notify(&mut self, notify: &NotifyCommand) {
        match notify {
            NotifyCommand::Set { status, groups } if !groups.is_empty() => {
                self.text(if *status { "SET STATUS " } else { "SET " });
                self.separated(groups, Self::event_group);
            }
            NotifyCommand::Set { .. } | NotifyCommand::None => self.text("NONE"),
        }
    }

    pub(super) fn mailbox_filter(&mut self, filter: &MailboxFilter) {
        match filter {
            MailboxFilter::Selected => self.text("SELECTED"),
            MailboxFilter::SelectedDelayed => self.text("SELECTED-DELAYED"),
            MailboxFilter::Inboxes => self.text("INBOXES"),
            MailboxFilter::Personal => self.text("PERSONAL"),
            MailboxFilter::Subscribed => self.text("SUBSCRIBED"),
            MailboxFilter::Subtree(mailboxes) => self.named_mailboxes("SUBTREE ", mailboxes),
            MailboxFilter::SubtreeOne(mailboxes) => self.named_mailboxes("SUBTREE-ONE ", mailboxes),
            MailboxFilter::Mailboxes(mailboxes) => self.named_mailboxes("MAILBOXES ", mailboxes),
        }
    }

    fn event_group(&mut self, group: &EventGroup) {
        self.octet(b'(');
        self.mailbox_filter(&group.mailboxes);
        self.octet(b' ');
        if group.events.is_empty() {
            self.text("NONE");
        } else {
            self.list(&group.events, Self::notify_event);
        }
        self.octet(b')');
    }

    fn notify_event(&mut self, event: &NotifyEvent) {
        self.text(event.name());
        if let NotifyEvent::MessageNew(attributes) = event {
            if !attributes.is_empty() {
                self.octet(b' ');
                self.fetch_attributes(attributes);
            }
        }
    }

    fn named_mailboxes(&mut self, name: &str, mailboxes: &[Mailbox]) {
        self.text(name);
        match mailboxes {
            [mailbox] => self.mailbox(mailbox),
            mailboxes => self.list(mailboxes, Self::mailbox),
        }
    }
}
