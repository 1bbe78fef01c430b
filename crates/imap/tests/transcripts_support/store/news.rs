//! What others do to the mail while a session is open, and how and when the session tells its client: by the picture
//! the client has of the mailbox, and of other mailboxes as NOTIFY asks for (RFC 9051 5.2, 7.5.1; RFC 5465).

use std::num::NonZeroU32;

use bytes::Bytes;
use posthaste_imap::Misuse;
use posthaste_imap::server::{Asked, Feature, Notice, Notify, Server, Update as Told};
use posthaste_imap::types::{
    EntryName, EventGroup, FetchAttribute, FetchItem, Mailbox, MailboxFilter, NotifyCommand, NotifyEvent,
    StatusAttribute,
};
use posthaste_imap::view::Update;

use super::{Folder, Message, Store, told};

/// Something that somebody else does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// A message is expunged: its folder, its UID.
    Expunged(&'static str, u32),
    /// A message arrives, with these flags and this content.
    Arrived(&'static str, &'static str, &'static str),
    /// A message has these flags now.
    Flags(&'static str, u32, &'static str),
    Created(&'static str),
    Renamed(&'static str, &'static str),
    Subscribed(&'static str),
    /// Something is said that belongs to no command.
    Warned(&'static str),
    Alerted(&'static str),
    /// An annotation, of the server where the mailbox has no name.
    Annotated(&'static str, &'static str, &'static str),
}

/// When it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Before the next NOOP, CHECK or IDLE.
    Asked,
    /// As soon as a mailbox is selected; told with the first answer that tells of such things.
    Selected,
    /// As soon as NOTIFY is in effect, and told at once.
    Watched,
    /// While the first row of a FETCH is written.
    InRow,
}

impl Store {
    /// Does what is to be done next, if it is to be done at this moment.
    pub(super) fn happen(&mut self, moment: Moment) -> bool {
        if self.news.front().is_none_or(|(when, _)| *when != moment) {
            return false;
        }
        let (_, changes) = self.news.pop_front().unwrap();
        changes.iter().for_each(|change| self.change(*change));
        true
    }

    fn at(&self, name: &str) -> usize {
        self.folders.iter().position(|folder| folder.name == name).unwrap()
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Expunged(name, uid) => {
                let at = self.at(name);
                self.folders[at].expunge(&[uid]);
                if let Some(selected) = self.selected.as_mut().filter(|selected| selected.folder == at) {
                    selected.view.expunged(uid);
                }
                self.status_changed(at, &NotifyEvent::MessageExpunge);
            }
            Change::Arrived(name, flags, content) => {
                let at = self.at(name);
                self.keep(at, Message::new(1, flags, content.as_bytes()));
                self.status_changed(at, &NotifyEvent::MessageNew(Vec::new()));
            }
            Change::Flags(name, uid, flags) => {
                let at = self.at(name);
                let folder = &mut self.folders[at];
                let mod_seq = folder.tick();
                folder.with_flags(uid, flags).message(uid).unwrap().mod_seq = mod_seq;
                if let Some(selected) = self.selected.as_mut().filter(|selected| selected.folder == at) {
                    selected.view.flags_changed(uid, mod_seq);
                }
                self.status_changed(at, &NotifyEvent::FlagChange);
            }
            Change::Created(name) => {
                self.folders.push(Folder::new(name, 9100));
                if self.is_watched(self.at(name), &NotifyEvent::MailboxName) {
                    self.elsewhere.push(Told::List(self.list_row(name, Vec::new())));
                }
            }
            Change::Renamed(from, to) => {
                self.rename(from, to).unwrap();
                if self.is_watched(self.at(to), &NotifyEvent::MailboxName) {
                    let mut row = self.list_row(to, Vec::new());
                    row.old_name = Some(Mailbox::new(from).unwrap());
                    self.elsewhere.push(Told::List(row));
                }
            }
            Change::Subscribed(name) => {
                self.subscribed.push(name.into());
                if self.is_watched(self.at(name), &NotifyEvent::SubscriptionChange) {
                    let attributes = vec![posthaste_imap::types::MailboxAttribute::Subscribed];
                    self.elsewhere.push(Told::List(self.list_row(name, attributes)));
                }
            }
            Change::Warned(text) => self.elsewhere.push(Told::Notice(Notice::Warning(text.into()))),
            Change::Alerted(text) => self.elsewhere.push(Told::Notice(Notice::Alert(text.into()))),
            Change::Annotated(name, entry, value) => {
                let entry = EntryName::new(entry).unwrap();
                let value = Bytes::from_static(value.as_bytes());
                if name.is_empty() {
                    self.annotations.insert(entry.clone(), value);
                } else {
                    let at = self.at(name);
                    self.folders[at].annotations.insert(entry.clone(), value);
                }
                let mailbox = Mailbox::new(name).unwrap();
                match self.elsewhere.last_mut() {
                    Some(Told::Metadata(last, entries)) if *last == mailbox => entries.push(entry),
                    _ => self.elsewhere.push(Told::Metadata(mailbox, vec![entry])),
                }
            }
        }
    }

    /// Tells the client what it does not know yet, as far as it may be told now.
    pub(super) fn tell(&mut self, server: &mut Server) {
        if self.selected.is_some() {
            loop {
                let before: Vec<u32> = self.view().uids().collect();
                let Some(update) = self.view().poll_update(server.allowed()) else { break };
                for update in self.updates(server, update, &before) {
                    server.update(update).unwrap();
                }
            }
        }
        self.tell_elsewhere(server);
    }

    /// The same of other mailboxes.
    pub(super) fn tell_elsewhere(&mut self, server: &mut Server) {
        for update in std::mem::take(&mut self.elsewhere) {
            // Too much of it ends NOTIFY, of which the machine tells the client.
            let is_taken = server.update(update);
            assert!(matches!(is_taken, Ok(()) | Err(Misuse::NotNow { .. })), "{is_taken:?}");
        }
    }

    fn updates(&mut self, server: &Server, update: Update, before: &[u32]) -> Vec<Told> {
        let is_new = matches!(update, Update::Exists(_));
        let items = |uid: NonZeroU32| Some(self.items(server, uid.get(), &[FetchAttribute::Flags]));
        let mut updates: Vec<Told> = Told::of(update, items).into_iter().collect();
        if is_new {
            let new: Vec<u32> = self.view().uids().filter(|uid| !before.contains(uid)).collect();
            updates.extend(new.into_iter().filter_map(|uid| self.arrival(server, uid)));
        }
        updates
    }

    /// What NOTIFY wants to know of a new message (RFC 5465 5.2).
    fn arrival(&mut self, server: &Server, uid: u32) -> Option<Told> {
        let attributes = self.watch.iter().find_map(|group| {
            let of_selected =
                matches!(group.mailboxes, MailboxFilter::Selected | MailboxFilter::SelectedDelayed);
            group.events.iter().filter(|_| of_selected).find_map(|event| match event {
                NotifyEvent::MessageNew(attributes) => Some(attributes.clone()),
                _ => None,
            })
        })?;
        let seq = self.view().seq_of(uid)?;
        Some(Told::Fetch(told(seq, uid), self.items(server, uid, &attributes)))
    }

    fn items(&mut self, server: &Server, uid: u32, attributes: &[FetchAttribute]) -> Vec<FetchItem> {
        let message = self.folder().message(uid).unwrap();
        let mut items = vec![FetchItem::Uid(NonZeroU32::new(uid).unwrap())];
        if attributes.contains(&FetchAttribute::Flags) {
            items.push(FetchItem::Flags(message.flags()));
            if server.is_enabled(Feature::CondStore) {
                items.push(FetchItem::ModSeq(message.mod_seq));
            }
        }
        if server.is_enabled(Feature::UidOnly) {
            items.remove(0);
        }
        items
    }

    pub(super) fn notify(&mut self, server: &mut Server, asked: Asked<Notify>) -> Result<(), Misuse> {
        let (status, groups) = match &asked.command {
            NotifyCommand::None => (false, Vec::new()),
            NotifyCommand::Set { status, groups } => (*status, groups.clone()),
        };
        self.watch = groups;
        if status {
            // RFC 5465 3.1: of every mailbox whose messages are watched, but for the selected one.
            for at in 0..self.folders.len() {
                let is_selected = self.selected.as_ref().is_some_and(|selected| selected.folder == at);
                if !is_selected && self.is_watched(at, &NotifyEvent::MessageNew(Vec::new())) {
                    let folder = &self.folders[at];
                    let mailbox = Mailbox::new(folder.name.clone()).unwrap();
                    asked.status(server, mailbox, folder.status(&FIRST))?;
                }
            }
        }
        asked.ok(server)?;
        while self.happen(Moment::Watched) {
            self.tell(server);
        }
        Ok(())
    }

    fn is_watched(&self, at: usize, event: &NotifyEvent) -> bool {
        let has = |group: &EventGroup| group.events.iter().any(|it| it.name() == event.name());
        // RFC 5465 3.1: the first group that a mailbox is in decides.
        let group = self.watch.iter().find(|group| self.is_chosen(&group.mailboxes, at));
        group.is_some_and(has)
    }

    /// Whether a mailbox is meant, by NOTIFY or by ESEARCH. All mail here is Ann's own.
    pub(super) fn is_chosen(&self, filter: &MailboxFilter, at: usize) -> bool {
        let name = &self.folders[at].name;
        let is_selected = self.selected.as_ref().is_some_and(|selected| selected.folder == at);
        let below = |above: &Mailbox| {
            name.strip_prefix(above.as_str()).and_then(|it| it.strip_prefix(self.delimiter))
        };
        let is_one_of = |names: &[Mailbox]| names.iter().any(|it| it.as_str() == name);
        match filter {
            MailboxFilter::Selected | MailboxFilter::SelectedDelayed => is_selected,
            MailboxFilter::Inboxes => name == "INBOX",
            MailboxFilter::Personal => true,
            MailboxFilter::Subscribed => self.subscribed.contains(name),
            MailboxFilter::Subtree(names) => is_one_of(names) || names.iter().any(|it| below(it).is_some()),
            MailboxFilter::SubtreeOne(names) => {
                is_one_of(names) || names.iter().filter_map(below).any(|rest| !rest.contains(self.delimiter))
            }
            MailboxFilter::Mailboxes(names) => is_one_of(names),
        }
    }

    fn status_changed(&mut self, at: usize, event: &NotifyEvent) {
        let is_selected = self.selected.as_ref().is_some_and(|selected| selected.folder == at);
        if is_selected || !self.is_watched(at, event) {
            return;
        }
        // RFC 5465 5.1 to 5.3.
        let attributes: &[StatusAttribute] = match event {
            NotifyEvent::FlagChange => &[StatusAttribute::UidValidity, StatusAttribute::Unseen],
            _ => &[StatusAttribute::UidNext, StatusAttribute::Messages],
        };
        let mailbox = Mailbox::new(self.folders[at].name.clone()).unwrap();
        self.elsewhere.push(Told::Status(mailbox, self.folders[at].status(attributes)));
    }
}

const FIRST: [StatusAttribute; 3] =
    [StatusAttribute::Messages, StatusAttribute::UidNext, StatusAttribute::UidValidity];
