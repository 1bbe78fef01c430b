//! Commands, as a server reads them (RFC 9051, section 9: `command`; strict).

use super::cursor::{Cursor, Result};
use super::mailbox::mailbox;
use super::string::{astring, atom, string};
use super::{
    acl, append, authenticate, batches, capability, copy, create, esearch, fetch, id, list, login, metadata,
    notify, quota, search, select, sequence, sort, status, thread, urlauth,
};
use crate::error::{ParseError, ParseErrorKind};
use crate::types::{AString, Addressing, Atom, Command, ParseContext, Tag, TaggedCommand};
use alloc::vec::Vec;
use bytes::Bytes;

/// Reads a complete command.
///
/// For APPEND and REPLACE the line ends with the header of the first literal, whose octets are not part of it.
///
/// # Errors
/// When the line is no command of this grammar. The error does not tell the tag: see [`tag`].
pub fn command(line: &Bytes, context: &ParseContext) -> core::result::Result<TaggedCommand, ParseError> {
    Cursor::strict(line, context).parse(|cursor| {
        let tag = super::tag::tag(cursor)?;
        cursor.space("command")?;
        let name = atom(cursor, "command")?;
        let command = arguments(cursor, &name)?;
        cursor.end("command")?;
        Ok(TaggedCommand { tag, command })
    })
}

/// The tag in front of a command that may be malformed, so that the answer can be a tagged BAD.
///
/// # Errors
/// When there is no valid tag followed by a space: the answer is an untagged BAD and echoes nothing.
pub fn tag(line: &Bytes, context: &ParseContext) -> core::result::Result<Tag, ParseError> {
    Cursor::strict(line, context).parse(|cursor| {
        let tag = super::tag::tag(cursor)?;
        cursor.space("command")?;
        Ok(tag)
    })
}

/// The tag and the name of a command, before its arguments have arrived or although they are malformed.
///
/// # Errors
/// When the line does not begin with a tag, a space and an atom.
pub fn name(line: &Bytes, context: &ParseContext) -> core::result::Result<(Tag, Atom), ParseError> {
    Cursor::strict(line, context).parse(|cursor| {
        let tag = super::tag::tag(cursor)?;
        cursor.space("command")?;
        Ok((tag, atom(cursor, "command")?))
    })
}

fn arguments(cursor: &mut Cursor<'_>, name: &Atom) -> Result<Command> {
    if let Some((_, command)) = PLAIN.iter().find(|(known, _)| name.is(known)) {
        return Ok(command.clone());
    }
    if let Some((_, read)) = SPACED.iter().find(|(known, _)| name.is(known)) {
        return read(cursor);
    }
    let start = cursor.offset().saturating_sub(name.as_bytes().len());
    if name.is("UID") {
        cursor.space("uid")?;
        let start = cursor.offset();
        let name = atom(cursor, "uid")?;
        if name.is("EXPUNGE") {
            cursor.space("uid-expunge")?;
            return sequence::message_set(cursor).map(Command::UidExpunge);
        }
        return match MESSAGE.iter().find(|(known, _)| name.is(known)) {
            Some((_, read)) => {
                cursor.space("uid")?;
                read(cursor, Addressing::Uid)
            }
            None => cursor.fail_at(start, "uid", ParseErrorKind::Unknown),
        };
    }
    if let Some((_, read)) = MESSAGE.iter().find(|(known, _)| name.is(known)) {
        cursor.space("command")?;
        return read(cursor, Addressing::Sequence);
    }
    match OTHER.iter().find(|(known, _)| name.is(known)) {
        Some((_, read)) => {
            cursor.space("command")?;
            read(cursor)
        }
        None => cursor.fail_at(start, "command", ParseErrorKind::Unknown),
    }
}

static PLAIN: [(&str, Command); 12] = [
    ("CAPABILITY", Command::Capability),
    ("NOOP", Command::Noop),
    ("LOGOUT", Command::Logout),
    ("STARTTLS", Command::StartTls),
    ("NAMESPACE", Command::Namespace),
    ("CLOSE", Command::Close),
    ("UNSELECT", Command::Unselect),
    ("CHECK", Command::Check),
    ("EXPUNGE", Command::Expunge),
    ("IDLE", Command::Idle),
    ("UNAUTHENTICATE", Command::Unauthenticate),
    ("GETJMAPACCESS", Command::GetJmapAccess),
];

type Arguments = fn(&mut Cursor<'_>) -> Result<Command>;

/// Commands whose arguments may be missing altogether: the space is theirs.
const SPACED: [(&str, Arguments); 6] = [
    ("ENABLE", |c| capability::enable(c).map(Command::Enable)),
    ("LANGUAGE", |c| urlauth::astrings(c, "lang-range-quoted", 0).map(Command::Language)),
    ("COMPARATOR", |c| urlauth::astrings(c, "comp-order-quoted", 0).map(Command::Comparator)),
    ("URLFETCH", |c| urlauth::urls_to_fetch(c).map(Command::UrlFetch)),
    ("CANCELUPDATE", |c| cancel_update(c).map(Command::CancelUpdate)),
    ("RESETKEY", |c| urlauth::reset_key(c).map(Command::ResetKey)),
];

const OTHER: [(&str, Arguments); 30] = [
    ("LOGIN", |c| login::login(c).map(Command::Login)),
    ("AUTHENTICATE", |c| authenticate::authenticate(c).map(Command::Authenticate)),
    ("ID", |c| id::parameters(c).map(Command::Id)),
    ("LIST", |c| list::list(c).map(Command::List)),
    ("LSUB", |c| list::lsub(c).map(|(reference, pattern)| Command::Lsub { reference, pattern })),
    ("XLIST", |c| list::lsub(c).map(|(reference, pattern)| Command::XList { reference, pattern })),
    ("SUBSCRIBE", |c| mailbox(c).map(Command::Subscribe)),
    ("UNSUBSCRIBE", |c| mailbox(c).map(Command::Unsubscribe)),
    ("CREATE", |c| create::create(c).map(Command::Create)),
    ("DELETE", |c| mailbox(c).map(Command::Delete)),
    ("RENAME", |c| {
        let from = mailbox(c)?;
        c.space("rename")?;
        Ok(Command::Rename { from, to: mailbox(c)? })
    }),
    ("STATUS", |c| {
        let mailbox = mailbox(c)?;
        c.space("status")?;
        Ok(Command::Status(mailbox, status::attributes(c)?))
    }),
    ("SELECT", |c| Ok(Command::Select(mailbox(c)?, select::parameters(c)?))),
    ("EXAMINE", |c| Ok(Command::Examine(mailbox(c)?, select::parameters(c)?))),
    ("APPEND", |c| append::append(c).map(|(head, data)| Command::Append(head, data))),
    ("ESEARCH", |c| esearch::command(c).map(Command::Esearch)),
    ("UIDBATCHES", |c| batches::command(c).map(Command::UidBatches)),
    ("NOTIFY", |c| notify::notify(c).map(Command::Notify)),
    ("COMPRESS", compress),
    ("GETQUOTA", |c| astring(c, "quota-root-name").map(Command::GetQuota)),
    ("GETQUOTAROOT", |c| mailbox(c).map(Command::GetQuotaRoot)),
    ("SETQUOTA", quota::set_quota),
    ("GETACL", |c| mailbox(c).map(Command::GetAcl)),
    ("SETACL", acl::set_acl),
    ("DELETEACL", acl::delete_acl),
    ("LISTRIGHTS", acl::list_rights),
    ("MYRIGHTS", |c| mailbox(c).map(Command::MyRights)),
    ("GETMETADATA", metadata::get_metadata),
    ("SETMETADATA", metadata::set_metadata),
    ("GENURLAUTH", |c| urlauth::urls_to_authorise(c).map(Command::GenUrlAuth)),
];

type MessageArguments = fn(&mut Cursor<'_>, Addressing) -> Result<Command>;

/// Commands that also come with `UID` in front.
const MESSAGE: [(&str, MessageArguments); 8] = [
    ("FETCH", |c, addressing| fetch::fetch(c).map(|fetch| Command::Fetch(addressing, fetch))),
    ("STORE", super::store::store),
    ("COPY", |c, addressing| copy::copy(c).map(|copy| Command::Copy(addressing, copy))),
    ("MOVE", |c, addressing| copy::copy(c).map(|copy| Command::Move(addressing, copy))),
    ("SEARCH", |c, addressing| search::search(c).map(|search| Command::Search(addressing, search))),
    ("SORT", |c, addressing| sort::sort(c).map(|sort| Command::Sort(addressing, sort))),
    ("THREAD", |c, addressing| thread::command(c).map(|thread| Command::Thread(addressing, thread))),
    ("REPLACE", |c, addressing| copy::replace(c).map(|replace| Command::Replace(addressing, replace))),
];

fn compress(cursor: &mut Cursor<'_>) -> Result<Command> {
    let start = cursor.offset();
    if atom(cursor, "algorithm")?.is("DEFLATE") {
        return Ok(Command::CompressDeflate);
    }
    cursor.fail_at(start, "algorithm", ParseErrorKind::Unknown)
}

/// `1*(SP quoted)`
fn cancel_update(cursor: &mut Cursor<'_>) -> Result<Vec<AString>> {
    let mut tags = Vec::new();
    while tags.is_empty() || !cursor.is_at_end() {
        cursor.bound(tags.len(), cursor.context.limits.list_max, "CANCELUPDATE")?;
        cursor.space("CANCELUPDATE")?;
        tags.push(string(cursor, "CANCELUPDATE")?);
    }
    Ok(tags)
}
