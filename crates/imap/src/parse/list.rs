//! LIST and LSUB, commands and responses (RFC 9051, sections 6.3.9 and 7.3.1; RFC 5258, RFC 5819, RFC 6154).

use super::cursor::{Cursor, Result};
use super::fetch::skip_value;
use super::mailbox::{list_mailbox, mailbox};
use super::string::{astring, atom, nil, quoted};
use crate::error::ParseErrorKind;
use crate::types::{
    Atom, ListCommand, ListPattern, ListResponse, ListReturn, ListSelection, ListStyle, Mailbox,
    MailboxAttribute, Repairs,
};
use alloc::vec::Vec;

pub(super) fn list(cursor: &mut Cursor<'_>) -> Result<ListCommand> {
    let mut style = ListStyle::Basic;
    let mut selection = Vec::new();
    if cursor.peek() == Some(b'(') {
        style = ListStyle::Extended;
        selection = selection_options(cursor)?;
        cursor.space("list")?;
    }
    let reference = mailbox(cursor)?;
    cursor.space("list")?;
    let mut patterns = Vec::new();
    if cursor.peek() == Some(b'(') {
        style = ListStyle::Extended;
        cursor.list("patterns", 1, |cursor| {
            patterns.push(list_mailbox(cursor)?);
            Ok(())
        })?;
    } else {
        patterns.push(list_mailbox(cursor)?);
    }
    let mut returns = Vec::new();
    if !cursor.is_at_end() {
        style = ListStyle::Extended;
        cursor.space("list-return-opts")?;
        cursor.word("list-return-opts", "RETURN")?;
        cursor.space("list-return-opts")?;
        returns = return_options(cursor)?;
    }
    Ok(ListCommand { style, selection, reference, patterns, returns })
}

pub(super) fn lsub(cursor: &mut Cursor<'_>) -> Result<(Mailbox, ListPattern)> {
    let reference = mailbox(cursor)?;
    cursor.space("lsub")?;
    Ok((reference, list_mailbox(cursor)?))
}

/// What follows `LIST ` or `LSUB ` in a response.
pub(super) fn response(cursor: &mut Cursor<'_>) -> Result<ListResponse> {
    let mut attributes = Vec::new();
    if nil(cursor) {
        cursor.repair(Repairs::ODD_LIST);
    } else {
        cursor.list("mbx-list-flags", 0, |cursor| {
            if !cursor.eat(b'\\') {
                cursor.repair(Repairs::ODD_FLAG);
            }
            attributes.push(MailboxAttribute::named(atom(cursor, "mbx-list-flags")?));
            Ok(())
        })?;
    }
    cursor.space("mailbox-list")?;
    let delimiter = delimiter(cursor)?;
    cursor.space("mailbox-list")?;
    let mailbox = mailbox(cursor)?;
    let mut response =
        ListResponse { attributes, delimiter, mailbox, child_info: Vec::new(), old_name: None };
    cursor.extra_trailing_spaces();
    if !cursor.is_at_end() {
        cursor.space("mbox-list-extended")?;
        cursor.list("mbox-list-extended", 0, |cursor| extended_item(cursor, &mut response))?;
    }
    Ok(response)
}

/// `DQUOTE QUOTED-CHAR DQUOTE / nil`.
pub(super) fn delimiter(cursor: &mut Cursor<'_>) -> Result<Option<char>> {
    let start = cursor.offset();
    if nil(cursor) {
        return Ok(None);
    }
    let text = quoted(cursor, "delimiter")?;
    let mut characters = core::str::from_utf8(&text).unwrap_or_default().chars();
    match (characters.next(), characters.next()) {
        (Some(delimiter), None) => Ok(Some(delimiter)),
        (None, None) if text.is_empty() => {
            cursor.repair(Repairs::ODD_STRING);
            Ok(None)
        }
        _ => cursor.fail_at(start, "delimiter", ParseErrorKind::Syntax),
    }
}

fn selection_options(cursor: &mut Cursor<'_>) -> Result<Vec<ListSelection>> {
    let start = cursor.offset();
    let mut options = Vec::new();
    cursor.list("list-select-opts", 0, |cursor| {
        let start = cursor.offset();
        let name = atom(cursor, "list-select-opt")?;
        match selection_option(&name) {
            // One that is given twice says nothing new.
            Some(option) if options.contains(&option) => {}
            Some(option) => options.push(option),
            None => return cursor.fail_at(start, "list-select-opt", ParseErrorKind::Unknown),
        }
        Ok(())
    })?;
    // RECURSIVEMATCH only modifies another option (RFC 5258, section 3.1).
    let base = options.iter().any(|o| matches!(o, ListSelection::Subscribed | ListSelection::SpecialUse));
    if options.contains(&ListSelection::RecursiveMatch) && !base {
        return cursor.fail_at(start, "list-select-opts", ParseErrorKind::Syntax);
    }
    Ok(options)
}

fn return_options(cursor: &mut Cursor<'_>) -> Result<Vec<ListReturn>> {
    let mut options = Vec::new();
    cursor.list("list-return-opts", 0, |cursor| {
        let start = cursor.offset();
        let name = atom(cursor, "return-option")?;
        let option = if name.is("SUBSCRIBED") {
            ListReturn::Subscribed
        } else if name.is("CHILDREN") {
            ListReturn::Children
        } else if name.is("SPECIAL-USE") {
            ListReturn::SpecialUse
        } else if name.is("MYRIGHTS") {
            ListReturn::MyRights
        } else if name.is("METADATA") {
            cursor.space("return-option")?;
            ListReturn::Metadata(super::metadata::entry_list(cursor)?)
        } else if name.is("STATUS") {
            cursor.space("status-option")?;
            ListReturn::Status(super::status::attributes(cursor)?)
        } else {
            return cursor.fail_at(start, "return-option", ParseErrorKind::Unknown);
        };
        if !options.contains(&option) {
            options.push(option);
        }
        Ok(())
    })?;
    Ok(options)
}

fn selection_option(name: &Atom) -> Option<ListSelection> {
    Some(match () {
        () if name.is("SUBSCRIBED") => ListSelection::Subscribed,
        () if name.is("REMOTE") => ListSelection::Remote,
        () if name.is("RECURSIVEMATCH") => ListSelection::RecursiveMatch,
        () if name.is("SPECIAL-USE") => ListSelection::SpecialUse,
        () => return None,
    })
}

fn extended_item(cursor: &mut Cursor<'_>, response: &mut ListResponse) -> Result<()> {
    let name = astring(cursor, "mbox-list-extended-item-tag")?;
    cursor.space("mbox-list-extended-item")?;
    if name.as_bytes().eq_ignore_ascii_case(b"CHILDINFO") {
        return cursor.list("childinfo-extended-item", 1, |cursor| {
            let start = cursor.offset();
            let option = astring(cursor, "list-select-base-opt-quoted")?;
            match Atom::new(option.into_bytes()) {
                Ok(option) => response.child_info.push(option),
                Err(_) => return cursor.fail_at(start, "list-select-base-opt", ParseErrorKind::Syntax),
            }
            Ok(())
        });
    }
    if name.as_bytes().eq_ignore_ascii_case(b"OLDNAME") {
        cursor.octet("oldname-extended-item", b'(')?;
        response.old_name = Some(mailbox(cursor)?);
        return cursor.octet("oldname-extended-item", b')');
    }
    skip_value(cursor)
}
