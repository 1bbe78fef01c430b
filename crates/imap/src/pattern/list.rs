//! What LIST says of the names a user has (RFC 9051 6.3.9, RFC 5258 3 and 4; LSUB of RFC 3501 6.3.9): which are
//! listed, which do not exist, which have children, and which stand for children that are not listed.
//!
//! A pure function over the names; rights are settled before, roles and STATUS are added after. Each name and each
//! level above one is matched once; sorting the names may be done once for many listings ([`hierarchy_order`]).

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::Matcher;

/// One name: a mailbox, a subscription, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxName<'a> {
    /// The name, its levels separated by the delimiter.
    pub name: &'a str,
    /// There is a mailbox of that name.
    pub exists: bool,
    /// The user has subscribed to it.
    pub subscribed: bool,
}

/// Which of the names that match are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Mailboxes; and, for a pattern that ends in `%`, levels above mailboxes that are none themselves.
    Existing,
    /// `SUBSCRIBED`: subscribed names, mailboxes or not.
    Subscribed,
    /// `RECURSIVEMATCH SUBSCRIBED`: also names above subscribed ones that do not match themselves.
    RecursiveSubscribed,
    /// LSUB: subscribed names; and, for a pattern that ends in `%`, levels above subscribed ones (`\Noselect`).
    Lsub,
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The name.
    pub name: &'a str,
    /// Whether there is a mailbox of that name: otherwise `\NonExistent` (RFC 5258), or `\Noselect` to a client that
    /// does not know that.
    pub exists: bool,
    /// `\Subscribed`
    pub subscribed: bool,
    /// `\HasChildren`, otherwise `\HasNoChildren`: whether there are mailboxes below.
    pub has_children: bool,
    /// `CHILDINFO ("SUBSCRIBED")`: there are subscribed names below that match no pattern (RFC 5258 3.5).
    pub child_info: bool,
}

/// The names that are listed, in the order of the hierarchy. `names` are in that order, each once.
///
/// A name is listed once, however many patterns it matches. A pattern that is empty matches no name.
///
/// ```
/// use posthaste_imap::pattern::{MailboxName, Matcher, Selection, list};
///
/// let names = [("Foo/Bar", true, false), ("Foo/Baz", true, true), ("Moo", true, false)]
///     .map(|(name, exists, subscribed)| MailboxName { name, exists, subscribed });
/// let listed = list(&names, &[Matcher::new("", "%", '/')], Selection::RecursiveSubscribed, '/');
/// assert_eq!(listed.len(), 1);
/// assert_eq!(listed[0].name, "Foo");
/// assert!(!listed[0].exists && listed[0].child_info);
/// ```
pub fn list<'a>(
    names: &[MailboxName<'a>],
    patterns: &[Matcher],
    selection: Selection,
    delimiter: char,
) -> Vec<Listed<'a>> {
    let mut lister = Lister { patterns, selection, open: Vec::new(), opened: 0, listed: Vec::new() };
    for name in names {
        lister.close_beside(name.name, delimiter);
        lister.open_parents(name.name, delimiter);
        lister.open(name.name, *name);
    }
    lister.close_all(0);
    // A name is complete when all below it have been seen; it belongs before them.
    let mut listed = lister.listed;
    listed.sort_by_key(|(order, _)| *order);
    listed.into_iter().map(|(_, listed)| listed).collect()
}

/// The order of names in a hierarchy: a name, then all that is below it, then its next sibling. Levels are compared
/// octet by octet.
pub fn hierarchy_order(one: &str, other: &str, delimiter: char) -> Ordering {
    one.split(delimiter).cmp(other.split(delimiter))
}

struct Lister<'p, 'a> {
    patterns: &'p [Matcher],
    selection: Selection,
    /// The name at hand and the names above it.
    open: Vec<Level<'a>>,
    /// How many names have been opened.
    opened: usize,
    listed: Vec<(usize, Listed<'a>)>,
}

struct Level<'a> {
    /// Which one it is in the order of the answer.
    order: usize,
    name: MailboxName<'a>,
    matches: bool,
    matches_level: bool,
    has_children: bool,
    /// A subscribed name is below.
    subscribed_below: bool,
    /// One that matches no pattern.
    unlisted_below: bool,
}

impl<'a> Lister<'_, 'a> {
    /// Closes the names that `name` is not below.
    fn close_beside(&mut self, name: &str, delimiter: char) {
        let kept = self.open.iter().take_while(|level| is_below(name, level.name.name, delimiter)).count();
        self.close_all(kept);
    }

    /// Opens the levels above `name` that are no names themselves.
    fn open_parents(&mut self, name: &'a str, delimiter: char) {
        let known =
            self.open.last().map_or(0, |level| level.name.name.len().saturating_add(delimiter.len_utf8()));
        for (at, _) in name.match_indices(delimiter).filter(|(at, _)| *at >= known) {
            let Some(parent) = name.get(..at).filter(|parent| !parent.is_empty()) else { continue };
            self.open(parent, MailboxName { name: parent, exists: false, subscribed: false });
        }
    }

    fn open(&mut self, text: &str, name: MailboxName<'a>) {
        self.opened = self.opened.saturating_add(1);
        let matching = || self.patterns.iter().filter(|pattern| pattern.matches(text));
        self.open.push(Level {
            order: self.opened,
            name,
            matches: matching().next().is_some(),
            matches_level: matching().any(Matcher::ends_in_level),
            has_children: false,
            subscribed_below: false,
            unlisted_below: false,
        });
    }

    fn close_all(&mut self, kept: usize) {
        while self.open.len() > kept {
            let Some(level) = self.open.pop() else { return };
            if let Some(above) = self.open.last_mut() {
                above.has_children |= level.has_children || level.name.exists;
                above.subscribed_below |= level.subscribed_below || level.name.subscribed;
                above.unlisted_below |= level.unlisted_below || (level.name.subscribed && !level.matches);
            }
            self.close(&level);
        }
    }

    fn close(&mut self, level: &Level<'a>) {
        let MailboxName { name, exists, subscribed } = level.name;
        let child_info = self.selection == Selection::RecursiveSubscribed && level.unlisted_below;
        let is_listed = match self.selection {
            Selection::Existing => exists || (level.matches_level && level.has_children),
            Selection::Subscribed => subscribed,
            Selection::RecursiveSubscribed => subscribed || child_info,
            Selection::Lsub => subscribed || (level.matches_level && level.subscribed_below),
        };
        if level.matches && is_listed {
            let has_children = level.has_children;
            self.listed.push((level.order, Listed { name, exists, subscribed, has_children, child_info }));
        }
    }
}

fn is_below(name: &str, above: &str, delimiter: char) -> bool {
    name.strip_prefix(above).is_some_and(|rest| rest.starts_with(delimiter))
}
