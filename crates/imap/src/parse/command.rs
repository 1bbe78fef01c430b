//! Commands, as a server reads them (RFC 9051, section 9: `command`; strict).

use super::cursor::{Cursor, Result};
use super::mailbox::mailbox;
use super::string::atom;
use super::{
    append, authenticate, capability, create, fetch, id, list, login, search, select, sequence, status,
};
use crate::error::{ParseError, ParseErrorKind};
use crate::types::{Addressing, Atom, Command, ParseContext, Tag, TaggedCommand};
use bytes::Bytes;

/// Reads a complete command.
///
/// For APPEND the line ends with the header of the message, whose octets are not part of it.
///
/// # Errors
/// When the line is no command of this grammar. The error does not tell the tag: see [`tag`].
pub fn command(line: &Bytes, context: &ParseContext) -> core::result::Result<TaggedCommand, ParseError> {
    let mut cursor = Cursor::strict(line, context);
    let tag = super::tag::tag(&mut cursor)?;
    cursor.space("command")?;
    let name = atom(&mut cursor, "command")?;
    let command = arguments(&mut cursor, &name)?;
    cursor.end("command")?;
    Ok(TaggedCommand { tag, command })
}

/// The tag in front of a command that may be malformed, so that the answer can be a tagged BAD.
///
/// # Errors
/// When there is no valid tag followed by a space: the answer is an untagged BAD and echoes nothing.
pub fn tag(line: &Bytes, context: &ParseContext) -> core::result::Result<Tag, ParseError> {
    let mut cursor = Cursor::strict(line, context);
    let tag = super::tag::tag(&mut cursor)?;
    cursor.space("command")?;
    Ok(tag)
}

/// The tag and the name of a command, before its arguments have arrived or although they are malformed.
///
/// # Errors
/// When the line does not begin with a tag, a space and an atom.
pub fn name(line: &Bytes, context: &ParseContext) -> core::result::Result<(Tag, Atom), ParseError> {
    let mut cursor = Cursor::strict(line, context);
    let tag = super::tag::tag(&mut cursor)?;
    cursor.space("command")?;
    Ok((tag, atom(&mut cursor, "command")?))
}

fn arguments(cursor: &mut Cursor<'_>, name: &Atom) -> Result<Command> {
    if let Some((_, command)) = PLAIN.iter().find(|(known, _)| name.is(known)) {
        return Ok(command.clone());
    }
    if name.is("ENABLE") {
        return capability::enable(cursor).map(Command::Enable);
    }
    let start = cursor.offset().saturating_sub(name.as_bytes().len());
    if name.is("UID") {
        cursor.space("uid")?;
        let start = cursor.offset();
        let name = atom(cursor, "uid")?;
        if name.is("EXPUNGE") {
            cursor.space("uid-expunge")?;
            return sequence::set(cursor).map(Command::UidExpunge);
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

static PLAIN: [(&str, Command); 10] = [
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
];

type Arguments = fn(&mut Cursor<'_>) -> Result<Command>;

const OTHER: [(&str, Arguments); 14] = [
    ("LOGIN", |c| login::login(c).map(Command::Login)),
    ("AUTHENTICATE", |c| authenticate::authenticate(c).map(Command::Authenticate)),
    ("ID", |c| id::parameters(c).map(Command::Id)),
    ("LIST", |c| list::list(c).map(Command::List)),
    ("LSUB", |c| list::lsub(c).map(|(reference, pattern)| Command::Lsub { reference, pattern })),
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
    ("APPEND", |c| append::append(c).map(|(head, header)| Command::Append(head, header))),
];

type MessageArguments = fn(&mut Cursor<'_>, Addressing) -> Result<Command>;

/// Commands that also come with `UID` in front.
const MESSAGE: [(&str, MessageArguments); 5] = [
    ("FETCH", |c, addressing| {
        let set = sequence::set(c)?;
        c.space("fetch")?;
        Ok(Command::Fetch(addressing, set, fetch::attributes(c)?))
    }),
    ("STORE", |c, addressing| super::store::store(c).map(|store| Command::Store(addressing, store))),
    ("COPY", |c, addressing| {
        let set = sequence::set(c)?;
        c.space("copy")?;
        Ok(Command::Copy(addressing, set, mailbox(c)?))
    }),
    ("MOVE", |c, addressing| {
        let set = sequence::set(c)?;
        c.space("move")?;
        Ok(Command::Move(addressing, set, mailbox(c)?))
    }),
    ("SEARCH", |c, addressing| search::search(c).map(|search| Command::Search(addressing, search))),
];
