//! LIST and LSUB (RFC 9051, sections 6.3.9 and 7.3.1; RFC 5258).

use super::writer::Writer;
use crate::types::{
    ListCommand, ListPattern, ListResponse, ListReturn, ListSelection, ListStyle, Mailbox, MailboxAttribute,
};

impl Writer<'_> {
    /// Arguments of LIST. In extended style the pattern list has parentheses, so that the style shows.
    pub(super) fn list_command(&mut self, list: &ListCommand) {
        let extended = list.style == ListStyle::Extended
            || list.patterns.len() != 1
            || !list.selection.is_empty()
            || !list.returns.is_empty();
        if !list.selection.is_empty() {
            self.list(&list.selection, |w, option| {
                w.text(match option {
                    ListSelection::Subscribed => "SUBSCRIBED",
                    ListSelection::Remote => "REMOTE",
                    ListSelection::RecursiveMatch => "RECURSIVEMATCH",
                    ListSelection::SpecialUse => "SPECIAL-USE",
                });
            });
            self.octet(b' ');
        }
        self.mailbox(&list.reference);
        self.octet(b' ');
        match list.patterns.as_slice() {
            [] => self.text("\"\""),
            [pattern] if !extended => self.list_mailbox(pattern),
            patterns => self.list(patterns, Self::list_mailbox),
        }
        if !list.returns.is_empty() {
            self.text(" RETURN ");
            self.list(&list.returns, |w, option| match option {
                ListReturn::Subscribed => w.text("SUBSCRIBED"),
                ListReturn::Children => w.text("CHILDREN"),
                ListReturn::SpecialUse => w.text("SPECIAL-USE"),
                ListReturn::MyRights => w.text("MYRIGHTS"),
                ListReturn::Metadata(entries) => {
                    w.text("METADATA ");
                    w.list(entries, Self::entry_name);
                }
                ListReturn::Status(attributes) => {
                    w.text("STATUS ");
                    w.status_attributes(attributes);
                }
            });
        }
    }

    pub(super) fn lsub(&mut self, reference: &Mailbox, pattern: &ListPattern) {
        self.mailbox(reference);
        self.octet(b' ');
        self.list_mailbox(pattern);
    }

    /// What follows `LIST ` or `LSUB ` in a response. Of attributes that contradict each other none is written, as
    /// either may be the wrong one; `\Noselect`, which `\NonExistent` implies, is not written beside it; and none is
    /// written twice (RFC 9051 7.3.1, `mbx-list-flags`).
    pub(super) fn list_response(&mut self, response: &ListResponse) {
        self.list(consistent(&response.attributes), |w, attribute: &MailboxAttribute| {
            w.octet(b'\\');
            w.text(attribute.name());
        });
        self.octet(b' ');
        self.delimiter(response.delimiter);
        self.octet(b' ');
        self.mailbox(&response.mailbox);
        if response.child_info.is_empty() && response.old_name.is_none() {
            return;
        }
        self.text(" (");
        if !response.child_info.is_empty() {
            self.text("\"CHILDINFO\" ");
            self.list(&response.child_info, |w, option| w.string(option.as_bytes()));
        }
        if let Some(old_name) = &response.old_name {
            if !response.child_info.is_empty() {
                self.octet(b' ');
            }
            self.text("\"OLDNAME\" (");
            self.mailbox(old_name);
            self.octet(b')');
        }
        self.octet(b')');
    }

    /// `DQUOTE QUOTED-CHAR DQUOTE / nil`. A delimiter that the session cannot write is NIL.
    pub(super) fn delimiter(&mut self, delimiter: Option<char>) {
        match delimiter {
            Some(delimiter) if !delimiter.is_control() && (delimiter.is_ascii() || self.context.utf8) => {
                self.string(delimiter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => self.text("NIL"),
        }
    }
}

/// The attributes that can stand together.
fn consistent(attributes: &[MailboxAttribute]) -> impl Iterator<Item = &MailboxAttribute> {
    use MailboxAttribute::{
        HasChildren, HasNoChildren, Marked, NoInferiors, NoSelect, NonExistent, Unmarked,
    };
    let has = |attribute: &MailboxAttribute| attributes.contains(attribute);
    let excludes: fn(&MailboxAttribute) -> &'static [MailboxAttribute] = |attribute| match attribute {
        NoSelect => &[NonExistent],
        Marked => &[NonExistent, NoSelect, Unmarked],
        Unmarked => &[NonExistent, NoSelect, Marked],
        HasChildren => &[HasNoChildren, NoInferiors],
        HasNoChildren | NoInferiors => &[HasChildren],
        _ => &[],
    };
    attributes.iter().enumerate().filter_map(move |(index, attribute)| {
        let is_first = !attributes.iter().take(index).any(|before| before == attribute);
        (is_first && !excludes(attribute).iter().any(has)).then_some(attribute)
    })
}
