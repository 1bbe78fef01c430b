//! NOTIFY: which events the client wants to hear of (RFC 5465). Watching is the application's business.

use alloc::vec::Vec;
use posthaste_wire::Misuse;

use super::{Asked, Event, Notify, Poll, Refusal, Server};
use crate::types::{
    Label, Mailbox, MailboxFilter, NotifyCommand, NotifyEvent, Response, ResponseCode, StatusItem, Tag,
};

/// What NOTIFY has set, as far as the rules of when to send depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum NotifyState {
    /// NOTIFY was not used, or `NONE`, or it was too much.
    #[default]
    Off,
    /// `SET`; expunges of the selected mailbox wait as always.
    Delayed,
    /// `SET` with `SELECTED`: expunges are told between commands as well.
    Immediate,
}

impl NotifyState {
    fn of(command: &NotifyCommand) -> Self {
        match command {
            NotifyCommand::None => Self::Off,
            NotifyCommand::Set { groups, .. }
                if groups.iter().any(|group| group.mailboxes == MailboxFilter::Selected) =>
            {
                Self::Immediate
            }
            NotifyCommand::Set { .. } => Self::Delayed,
        }
    }

    pub(super) const fn is_set(self) -> bool {
        !matches!(self, Self::Off)
    }

    pub(super) const fn is_immediate(self) -> bool {
        matches!(self, Self::Immediate)
    }

    pub(super) const fn clear(&mut self) {
        *self = Self::Off;
    }
}

impl Asked<Notify> {
    /// Tells how a watched mailbox is now, where `STATUS` was asked for (RFC 5465 3.1).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn status(
        &self,
        server: &mut Server,
        mailbox: Mailbox,
        items: Vec<StatusItem>,
    ) -> Result<(), Misuse> {
        self.data(server, |server| server.send(&Response::Status(mailbox, items)))
    }

    /// Watches from now on, or no longer.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        let state = NotifyState::of(&self.command);
        self.complete(server, None, "NOTIFY completed", |server| server.notify = state)
    }

    /// Cannot watch for all of these: BADEVENT with those that are possible. What was watched before still is.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn bad_event(self, server: &mut Server, possible: &[NotifyEvent]) -> Result<(), Misuse> {
        let names = possible.iter().filter_map(|event| Label::new(event.name().as_bytes().to_vec()).ok());
        let code = ResponseCode::BadEvent(names.collect());
        self.no(server, Refusal::new("Not all of these events").with_code(code))
    }
}

impl Server {
    /// An event nobody knows is refused with those there are (RFC 5465 3.1).
    pub(super) fn notify(&mut self, tag: Tag, command: NotifyCommand) -> Poll {
        let asked = self.ask(tag, Notify { command });
        let is_unknown = |event: &NotifyEvent| matches!(event, NotifyEvent::Other(_));
        let unknown = match &asked.command {
            NotifyCommand::Set { groups, .. } => {
                groups.iter().any(|group| group.events.iter().any(is_unknown))
            }
            NotifyCommand::None => false,
        };
        if unknown {
            // The ticket was issued here.
            let _ = asked.bad_event(self, &EVENTS);
            return Poll::Again;
        }
        Poll::Event(Event::Notify(asked))
    }
}

/// The events of RFC 5465 but those of annotations to messages, which nobody has.
const EVENTS: [NotifyEvent; 7] = [
    NotifyEvent::MessageNew(Vec::new()),
    NotifyEvent::MessageExpunge,
    NotifyEvent::FlagChange,
    NotifyEvent::MailboxName,
    NotifyEvent::SubscriptionChange,
    NotifyEvent::MailboxMetadataChange,
    NotifyEvent::ServerMetadataChange,
];
