//! What the application has noticed, and when the client may hear of it (RFC 9051 5.5, 7.5.1; RFC 7162 3.2.10). Untagged
//! statuses are in `notice`.
//!
//! An update is sent at once where that is allowed, and held back where it is not: an expunge until numbers may
//! change, with all of the same mailbox that follows it; anything while a row is incomplete. What is held is bounded
//! by `updates_max`, and so is what a client is told that does not read; past that nothing is taken, and
//! [`Event::Resync`] tells when it is worth looking again.

use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::ops::RangeInclusive;
use posthaste_wire::Misuse;

use super::enabled::Feature;
use super::extensions::Switch;
use super::{Event, Notice, Phase, Server};
use crate::session::State;
use crate::types::{
    Condition, EntryName, FetchItem, Flags, ListResponse, Mailbox, Metadata, MetadataData, Response,
    ResponseCode, StatusItem, UidSet,
};
use crate::view::{self, Allowed, UpdateForm, View};

/// A message of the selected mailbox, by both of its numbers.
///
/// From a sequence number alone where neither QRESYNC nor UIDONLY is offered: those need the UID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The sequence number at this moment. Not looked at under UIDONLY.
    pub seq: NonZeroU32,
    /// The UID.
    pub uid: Option<NonZeroU32>,
}

impl Message {
    /// A message by both numbers.
    pub const fn new(seq: NonZeroU32, uid: NonZeroU32) -> Self {
        Self { seq, uid: Some(uid) }
    }
}

impl From<NonZeroU32> for Message {
    fn from(seq: NonZeroU32) -> Self {
        Self { seq, uid: None }
    }
}

/// Something that happened and that no command asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update {
    /// So many messages are in the selected mailbox.
    Exists(u32),
    /// So many of them are `\Recent`. Left out for a client of IMAP4rev2, which has no such thing.
    Recent(u32),
    /// A message is gone. The client is told by EXPUNGE, or by VANISHED under QRESYNC and UIDONLY.
    Expunged(Message),
    /// The messages with these UIDs are gone: one VANISHED, which a client hears only under QRESYNC and UIDONLY.
    Vanished(UidSet),
    /// A message has changed, or is new. The client is told by FETCH, or UIDFETCH under UIDONLY. Once CONDSTORE is enabled
    /// the items hold MODSEQ, and once QRESYNC is, UID (RFC 7162 3.1, 3.2.4).
    Fetch(Message, Vec<FetchItem>),
    /// The flags that are in use in the selected mailbox.
    Flags(Flags),
    /// Something about another mailbox, for NOTIFY (RFC 5465 5.1).
    Status(Mailbox, Vec<StatusItem>),
    /// A mailbox or subscription was made, renamed or removed, for NOTIFY (RFC 5465 5.4, 5.5).
    List(ListResponse),
    /// Annotations have changed (RFC 5464 4.4.2); the empty mailbox stands for the server. For a client that has enabled
    /// METADATA (METADATA-SERVER where only that is offered), or watches for it by NOTIFY.
    Metadata(Mailbox, Vec<EntryName>),
    /// An untagged status: a warning, or something about the selected mailbox as a whole.
    Notice(Notice),
}

/// What an update is about, on which depends where it may wait and what becomes of it when too many do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    /// The selected mailbox: its order counts.
    Selected,
    /// Other mailboxes, of which NOTIFY tells.
    Watched,
    /// The account or the server.
    Session,
}

impl Update {
    /// What a [`View`] wants the client to be told. Of a message whose flags have changed, `items` says what the row
    /// holds, by UID; nothing is told where it has no more to say of that message.
    pub fn of(
        update: view::Update,
        items: impl FnOnce(NonZeroU32) -> Option<Vec<FetchItem>>,
    ) -> Option<Self> {
        Some(match update {
            view::Update::Expunge { seq, uid } => Self::Expunged(Message::new(seq, uid)),
            view::Update::Vanished(uids) => Self::Vanished(uids),
            view::Update::Exists(exists) => Self::Exists(exists),
            view::Update::Flags { seq, uid, .. } => Self::Fetch(Message::new(seq, uid), items(uid)?),
        })
    }

    /// Whether numbers of messages change by it.
    const fn shifts(&self) -> bool {
        matches!(self, Self::Expunged(_) | Self::Vanished(_))
    }

    const fn topic(&self) -> Topic {
        match self {
            Self::Exists(_)
            | Self::Recent(_)
            | Self::Expunged(_)
            | Self::Vanished(_)
            | Self::Fetch(..)
            | Self::Flags(_) => Topic::Selected,
            Self::Notice(notice) if notice.is_of_selected() => Topic::Selected,
            Self::Notice(_) => Topic::Session,
            Self::Status(..) | Self::List(_) | Self::Metadata(..) => Topic::Watched,
        }
    }

    pub(super) const fn is_of_selected(&self) -> bool {
        matches!(self.topic(), Topic::Selected)
    }
}

impl Server {
    /// Tells of something no command asked for: new messages, flags, expunges, other mailboxes, warnings.
    ///
    /// Sent as soon as the rules allow. An expunge waits until [`may_expunge`](Self::may_expunge), and what follows it
    /// about the same mailbox waits with it. Until then the client counts that message, and so must whoever handed the
    /// expunge in too early: in the sets of its commands and in the rows it is answered with, numbers are those from
    /// before. A [`View`] counts as the client does and gives an expunge out only when it may be sent: with
    /// [`tell`](Self::tell) nothing is ever too early.
    ///
    /// # Errors
    ///
    /// [`Misuse::NotNow`] where it cannot be taken, and nothing was: no mailbox is selected; the extension it belongs to
    /// is not offered or not enabled (for VANISHED neither QRESYNC nor UIDONLY) or, for other mailboxes, NOTIFY not in effect; or `updates_max` updates wait already.
    /// In the last case keep the mailbox's picture instead and look again at [`Event::Resync`]; what is not about the
    /// selected mailbox ends NOTIFY, where that is in effect, with NOTIFICATIONOVERFLOW (RFC 5465 5.8), and is `Ok`.
    /// [`Misuse::Argument`] for a message without UID where one is needed.
    pub fn update(&mut self, update: Update) -> Result<(), Misuse> {
        if self.phase == Phase::Closed {
            return Ok(());
        }
        self.check(&update)?;
        if self.held.len() >= self.config.limits.updates_max {
            return self.overflow(&update);
        }
        // The newest STATUS of a mailbox is all that counts.
        if let Update::Status(mailbox, _) = &update {
            self.held.retain(|held| !matches!(held, Update::Status(other, _) if other == mailbox));
        }
        self.held.push(update);
        self.release_if_possible();
        Ok(())
    }

    /// Tells the client all that `view` knows and it does not, as far as that may be said now; expunges in the form the
    /// client has enabled. Of a message whose flags have changed, `items` says what the row holds, as in [`Update::of`].
    ///
    /// Where more would have to wait than may (`updates_max`), the rest stays in the view, and [`Event::Resync`] says when
    /// to call again.
    ///
    /// # Errors
    ///
    /// [`Misuse`] as [`update`](Self::update), of items that cannot be.
    pub fn tell(
        &mut self,
        view: &mut View,
        mut items: impl FnMut(NonZeroU32) -> Option<Vec<FetchItem>>,
    ) -> Result<(), Misuse> {
        view.set_form(if self.uses_vanished() { UpdateForm::Vanished } else { UpdateForm::Expunge });
        loop {
            let allowed = self.allowed();
            if allowed != Allowed::Nothing && self.held.len() >= self.config.limits.updates_max {
                self.resync_due = true;
                return Ok(());
            }
            let Some(update) = view.poll_update(allowed) else { return Ok(()) };
            if let Some(update) = Update::of(update, &mut items) {
                self.update(update)?;
            }
        }
    }

    /// What a [`View`] may give out now of the selected mailbox.
    pub const fn allowed(&self) -> Allowed {
        if !matches!(self.state, State::Selected) {
            Allowed::Nothing
        } else if self.may_expunge() {
            Allowed::All
        } else {
            Allowed::NoExpunge
        }
    }

    /// Sends what may be sent, unless a row is incomplete, the layer is about to change, or the client does not read: then
    /// it waits until there is room, so that a client that is silent in IDLE cannot fill the memory.
    pub(super) fn release_if_possible(&mut self) {
        let between_layers = matches!(self.phase, Phase::Upgrading(_) | Phase::UpgradeDue(_));
        if self.in_row || between_layers || !self.has_greeted() {
            return;
        }
        self.stalled = self.out.is_congested();
        if !self.stalled {
            self.release(self.may_expunge());
        }
    }

    fn check(&self, update: &Update) -> Result<(), Misuse> {
        let not_now = |state| Err(Misuse::NotNow { call: "update", state });
        match update {
            _ if update.is_of_selected() && self.state != State::Selected => {
                not_now("where no mailbox is selected")
            }
            Update::Vanished(_) if !self.uses_vanished() => {
                not_now("where neither QRESYNC nor UIDONLY is enabled")
            }
            Update::Expunged(message) => self.expunge_response(&[*message]).map(|_| ()),
            Update::Fetch(message, _) => self.row_number(*message).map(|_| ()),
            Update::Status(..) | Update::List(_) if !self.notify.is_set() => not_now("without NOTIFY"),
            Update::Metadata(mailbox, _) if self.watches_metadata(mailbox) => Ok(()),
            Update::Metadata(..) => not_now("where METADATA is not enabled"),
            Update::Notice(notice) => self.check_notice(notice),
            _ => Ok(()),
        }
    }

    /// RFC 5464 4.1: to clients that have enabled it; RFC 5465 5.6 and 5.7: or that watch for it.
    fn watches_metadata(&self, mailbox: &Mailbox) -> bool {
        let of_server = mailbox.as_str().is_empty();
        let switch = if of_server { Switch::MetadataServer } else { Switch::Metadata };
        let enabled = self.is_enabled(Feature::Metadata)
            || (of_server && self.is_enabled(Feature::MetadataServer))
            || self.notify.is_set();
        self.config.extensions.has(switch) && enabled
    }

    fn overflow(&mut self, update: &Update) -> Result<(), Misuse> {
        let topic = update.topic();
        self.resync_due |= topic == Topic::Selected;
        if topic != Topic::Watched || !self.notify.is_set() {
            return Err(Misuse::NotNow { call: "update", state: "while updates_max updates wait" });
        }
        self.held.retain(|update| update.topic() != Topic::Watched);
        self.overflowed = true;
        self.notify.clear();
        self.events.push_back(Event::NotifyOverflow);
        self.release_if_possible();
        Ok(())
    }

    /// Whether expunges may be sent now, so that sequence numbers may change: not while a command runs that names
    /// messages by number, nor while no command is in progress or APPEND still brings its message (RFC 9051 7.5.1).
    /// Under `NOTIFY (SELECTED ..)` also between commands (RFC 5465 6.1).
    pub const fn may_expunge(&self) -> bool {
        if self.expunge_forbidden {
            return false;
        }
        self.tickets.is_open()
            || matches!(self.phase, Phase::Idle(_))
            || (self.notify.is_immediate() && matches!(self.phase, Phase::Command))
    }

    /// Sends held updates: those of the selected mailbox up to the first expunge where none may be sent, as what
    /// follows it counts messages without it.
    pub(super) fn release(&mut self, may_expunge: bool) {
        if core::mem::take(&mut self.overflowed) {
            self.untagged(Condition::Ok, Some(ResponseCode::NotificationOverflow), "Too much has happened");
        }
        let mut kept = Vec::new();
        let mut vanished = Vec::new();
        for update in core::mem::take(&mut self.held) {
            let waits = update.is_of_selected() && (!kept.is_empty() || (update.shifts() && !may_expunge));
            if waits {
                kept.push(update);
                continue;
            }
            // One VANISHED for all that are gone in a row (RFC 7162 3.2.10), but no line as long as a mailbox.
            let uids = self.vanished(&update);
            if uids.is_none() || vanished.len() >= VANISHED_RANGES_MAX {
                self.send_vanished(core::mem::take(&mut vanished));
            }
            match uids {
                Some(uids) => vanished.extend(uids),
                None => self.send_update(update),
            }
        }
        self.send_vanished(vanished);
        self.held = kept;
        if self.held.is_empty() && core::mem::take(&mut self.resync_due) {
            self.events.push_back(Event::Resync);
        }
    }

    fn send_update(&mut self, update: Update) {
        let response = match update {
            Update::Exists(exists) => Response::Exists(exists),
            Update::Recent(_) if self.is_enabled(Feature::Imap4Rev2) => return,
            Update::Recent(recent) => Response::Recent(recent),
            // Without a UID, from before the client asked for it, the number still says it.
            Update::Expunged(message) => Response::Expunge(message.seq),
            Update::Vanished(uids) => Response::Vanished { earlier: false, uids },
            Update::Fetch(message, items) => match self.row(message, items) {
                Ok(response) => response,
                // It had no UID, and the client has asked for UIDs since.
                Err(_) => return,
            },
            Update::Flags(flags) => Response::Flags(flags),
            Update::Status(mailbox, items) => Response::Status(mailbox, items),
            Update::List(row) => Response::List(row),
            Update::Metadata(mailbox, names) => {
                Response::Metadata(Metadata { mailbox, data: MetadataData::Changed(names) })
            }
            Update::Notice(notice) => return self.send_notice(notice),
        };
        self.send(&response);
    }

    /// Whether expunges are told by UID.
    pub(super) const fn uses_vanished(&self) -> bool {
        self.is_enabled(Feature::QResync) || self.is_enabled(Feature::UidOnly)
    }

    /// The responses that say that these messages are gone, in the order they go.
    pub(super) fn expunge_response(&self, messages: &[Message]) -> Result<Vec<Response>, Misuse> {
        if !self.uses_vanished() {
            return Ok(messages.iter().map(|message| Response::Expunge(message.seq)).collect());
        }
        let uids: Option<Vec<NonZeroU32>> = messages.iter().map(|message| message.uid).collect();
        let uids = UidSet::from_numbers(uids.ok_or(NO_UID)?);
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        Ok(Vec::from([Response::Vanished { earlier: false, uids }]))
    }

    /// The UIDs that an update says are gone, where the client is told of them by VANISHED.
    fn vanished(&self, update: &Update) -> Option<Vec<RangeInclusive<NonZeroU32>>> {
        match update {
            Update::Vanished(uids) => Some(uids.ranges().to_vec()),
            Update::Expunged(Message { uid: Some(uid), .. }) if self.uses_vanished() => {
                Some(Vec::from([*uid..=*uid]))
            }
            _ => None,
        }
    }

    fn send_vanished(&mut self, ranges: Vec<RangeInclusive<NonZeroU32>>) {
        if !ranges.is_empty() {
            self.send(&Response::Vanished { earlier: false, uids: UidSet::joined(ranges) });
        }
    }

    /// A row about `message`.
    pub(super) fn row(&self, message: Message, items: Vec<FetchItem>) -> Result<Response, Misuse> {
        let number = self.row_number(message)?;
        Ok(if self.is_enabled(Feature::UidOnly) {
            Response::UidFetch(number, items)
        } else {
            Response::Fetch(number, items)
        })
    }

    /// The number a row begins with.
    pub(super) fn row_number(&self, message: Message) -> Result<NonZeroU32, Misuse> {
        if self.is_enabled(Feature::UidOnly) { message.uid.ok_or(NO_UID) } else { Ok(message.seq) }
    }
}

const NO_UID: Misuse = Misuse::Argument { argument: "message", problem: "has no UID" };

/// Ranges of one VANISHED from which on the next one begins: at most 22 octets each.
const VANISHED_RANGES_MAX: usize = 1_000;
