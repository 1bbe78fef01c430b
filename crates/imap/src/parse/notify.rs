//! NOTIFY, and the choice of mailboxes that ESEARCH shares with it (RFC 5465, section 8; RFC 7377, section 4).

use super::cursor::{Cursor, Result};
use super::fetch::attribute_list;
use super::mailbox::mailbox;
use super::string::{atom, label};
use crate::error::ParseErrorKind;
use crate::types::{EventGroup, Mailbox, MailboxFilter, NotifyCommand, NotifyEvent};
use alloc::vec::Vec;

pub(super) fn notify(cursor: &mut Cursor<'_>) -> Result<NotifyCommand> {
    if cursor.rest().eq_ignore_ascii_case(b"NONE") {
        cursor.seek(usize::MAX);
        return Ok(NotifyCommand::None);
    }
    cursor.word("notify", "SET")?;
    let status = cursor.eat_word(" STATUS");
    let mut groups = Vec::new();
    while groups.is_empty() || !cursor.is_at_end() {
        cursor.bound(groups.len(), cursor.context.limits.list_max, "event-groups")?;
        cursor.space("event-groups")?;
        groups.push(group(cursor)?);
    }
    Ok(NotifyCommand::Set { status, groups })
}

/// `filter-mailboxes`
pub(super) fn filter(cursor: &mut Cursor<'_>) -> Result<MailboxFilter> {
    let start = cursor.offset();
    let name = atom(cursor, "filter-mailboxes")?;
    Ok(match () {
        () if name.is("SELECTED") => MailboxFilter::Selected,
        () if name.is("SELECTED-DELAYED") => MailboxFilter::SelectedDelayed,
        () if name.is("INBOXES") => MailboxFilter::Inboxes,
        () if name.is("PERSONAL") => MailboxFilter::Personal,
        () if name.is("SUBSCRIBED") => MailboxFilter::Subscribed,
        () if name.is("SUBTREE") => MailboxFilter::Subtree(mailboxes(cursor)?),
        () if name.is("SUBTREE-ONE") => MailboxFilter::SubtreeOne(mailboxes(cursor)?),
        () if name.is("MAILBOXES") => MailboxFilter::Mailboxes(mailboxes(cursor)?),
        () => return cursor.fail_at(start, "filter-mailboxes", ParseErrorKind::Unknown),
    })
}

/// ` one-or-more-mailbox`
fn mailboxes(cursor: &mut Cursor<'_>) -> Result<Vec<Mailbox>> {
    cursor.space("one-or-more-mailbox")?;
    let mut mailboxes = Vec::new();
    if cursor.peek() != Some(b'(') {
        mailboxes.push(mailbox(cursor)?);
        return Ok(mailboxes);
    }
    cursor.list("many-mailboxes", 1, |cursor| {
        mailboxes.push(mailbox(cursor)?);
        Ok(())
    })?;
    Ok(mailboxes)
}

fn group(cursor: &mut Cursor<'_>) -> Result<EventGroup> {
    cursor.octet("event-group", b'(')?;
    let mailboxes = filter(cursor)?;
    cursor.space("event-group")?;
    let mut events = Vec::new();
    if cursor.peek() == Some(b'(') {
        cursor.list("events", 1, |cursor| {
            events.push(event(cursor)?);
            Ok(())
        })?;
    } else {
        cursor.word("events", "NONE")?;
    }
    cursor.octet("event-group", b')')?;
    Ok(EventGroup { mailboxes, events })
}

fn event(cursor: &mut Cursor<'_>) -> Result<NotifyEvent> {
    let event = NotifyEvent::named(label(cursor, "event")?);
    if matches!(event, NotifyEvent::MessageNew(_)) && cursor.rest().starts_with(b" (") {
        cursor.space("message-event")?;
        return attribute_list(cursor).map(NotifyEvent::MessageNew);
    }
    Ok(event)
}
