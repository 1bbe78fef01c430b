//! Commands about mailboxes: LIST, LSUB, CREATE, DELETE, RENAME, SELECT (RFC 9051 6.3; RFC 5258, 5819, 6154, 7162, 8440).

use std::num::NonZeroU32;

use posthaste_imap::Misuse;
use posthaste_imap::pattern::{Listed, MailboxName, Matcher, Selection, hierarchy_order, list};
use posthaste_imap::server::{
    Access, Asked, Lsub, Refusal, Select, SelectData, SelectMore, SelectedFlags, Selecting, Server, UidLife,
};
use posthaste_imap::types::{
    Atom, Create, FetchItem, Flag, ListCommand, ListResponse, ListReturn, ListSelection, ListStyle, Mailbox,
    MailboxAttribute, PermanentFlags, ResponseCode, SelectParameter, SequenceSet, SpecialUse,
};
use posthaste_imap::view::{History, Resync, View};

use super::{Folder, Selected, Store, namespaces, told};

/// What LIST is to tell.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    subscribed: bool,
    children: bool,
    remote: bool,
    is_extended: bool,
}

impl Store {
    pub(super) fn list(&mut self, server: &mut Server, asked: Asked<ListCommand>) -> Result<(), Misuse> {
        let has = |selection| asked.selection.contains(&selection);
        let selection = match (has(ListSelection::Subscribed), has(ListSelection::RecursiveMatch)) {
            (true, true) => Selection::RecursiveSubscribed,
            (true, false) => Selection::Subscribed,
            _ => Selection::Existing,
        };
        let wanted = Wanted {
            // RFC 5258 3.1: what was selected by is told.
            subscribed: has(ListSelection::Subscribed) || asked.returns.contains(&ListReturn::Subscribed),
            children: asked.returns.contains(&ListReturn::Children),
            remote: has(ListSelection::Remote),
            is_extended: asked.style == ListStyle::Extended,
        };
        if asked.patterns.iter().all(|pattern| pattern.as_str().is_empty()) {
            asked.row(server, self.root(asked.reference.as_str()))?;
            return asked.ok(server);
        }
        let patterns: Vec<&str> = asked.patterns.iter().map(|pattern| pattern.as_str()).collect();
        let mut rows = self.rows(asked.reference.as_str(), &patterns, selection, wanted);
        if has(ListSelection::SpecialUse) {
            rows.retain(|row| row.attributes.iter().any(|it| matches!(it, MailboxAttribute::SpecialUse(_))));
        }
        for row in rows {
            let mailbox = row.mailbox.clone();
            asked.row(server, row)?;
            let Some(at) = self.find(mailbox.as_str()) else { continue };
            for option in asked.returns.clone() {
                match option {
                    ListReturn::Status(attributes) => {
                        asked.status(server, mailbox.clone(), self.folders[at].status(&attributes))?;
                    }
                    ListReturn::MyRights => asked.my_rights(server, mailbox.clone(), self.rights_of(at))?,
                    _ => {}
                }
            }
        }
        asked.ok(server)
    }

    /// The root of the hierarchy that a name is in (RFC 9051 6.3.9): that of its namespace.
    fn root(&self, reference: &str) -> ListResponse {
        let namespaces = namespaces(self.namespaces);
        let mut all = [namespaces.personal, namespaces.other_users, namespaces.shared].concat();
        all.sort_by_key(|namespace| std::cmp::Reverse(namespace.prefix.as_str().len()));
        let own = all.into_iter().find(|namespace| reference.starts_with(namespace.prefix.as_str()));
        let root = self.list_row("", vec![MailboxAttribute::NoSelect]);
        match own {
            Some(own) if !reference.is_empty() => {
                ListResponse { mailbox: own.prefix, delimiter: own.delimiter, ..root }
            }
            _ => root,
        }
    }

    pub(super) fn lsub(&mut self, server: &mut Server, asked: Asked<Lsub>) -> Result<(), Misuse> {
        let patterns = [asked.pattern.as_str()];
        for row in self.rows(asked.reference.as_str(), &patterns, Selection::Lsub, Wanted::default()) {
            asked.row(server, row)?;
        }
        asked.ok(server)
    }

    fn rows(
        &self,
        reference: &str,
        patterns: &[&str],
        selection: Selection,
        wanted: Wanted,
    ) -> Vec<ListResponse> {
        let is_there =
            |folder: &&Folder| wanted.remote || !folder.attributes.contains(&MailboxAttribute::Remote);
        let folders = self.folders.iter().filter(is_there).map(|folder| folder.name.as_str());
        let is_subscribed = |name: &str| self.subscribed.iter().any(|it| it == name);
        let mut names: Vec<MailboxName<'_>> =
            folders.map(|name| MailboxName { name, exists: true, subscribed: is_subscribed(name) }).collect();
        for name in &self.subscribed {
            if names.iter().all(|it| it.name != name) && self.folders.iter().all(|it| it.name != *name) {
                names.push(MailboxName { name, exists: false, subscribed: true });
            }
        }
        names.sort_by(|one, other| hierarchy_order(one.name, other.name, self.delimiter));
        let matcher = |pattern: &&str| Matcher::new(reference, pattern, self.delimiter);
        let patterns: Vec<Matcher> = patterns.iter().map(matcher).collect();
        let listed = list(&names, &patterns, selection, self.delimiter);
        let is_lsub = selection == Selection::Lsub;
        listed.iter().map(|listed| self.row(listed, is_lsub, wanted)).collect()
    }

    fn row(&self, listed: &Listed<'_>, is_lsub: bool, wanted: Wanted) -> ListResponse {
        let mut attributes = match self.folders.iter().find(|folder| folder.name == listed.name) {
            Some(folder) if !is_lsub => folder.attributes.clone(),
            _ => Vec::new(),
        };
        let has = |attributes: &[MailboxAttribute], attribute| attributes.contains(&attribute);
        if is_lsub {
            attributes.extend((!listed.subscribed).then_some(MailboxAttribute::NoSelect));
        } else if !listed.exists {
            let (new, old) = (MailboxAttribute::NonExistent, MailboxAttribute::NoSelect);
            attributes.push(if wanted.is_extended { new } else { old });
        }
        // A name that is no mailbox is listed because of what is below it (RFC 5258 3.4).
        let is_parent = !listed.exists && listed.has_children && wanted.is_extended;
        if (wanted.children || is_parent) && !has(&attributes, MailboxAttribute::NoInferiors) {
            let (some, none) = (MailboxAttribute::HasChildren, MailboxAttribute::HasNoChildren);
            attributes.push(if listed.has_children { some } else { none });
        }
        if wanted.subscribed && listed.subscribed {
            attributes.push(MailboxAttribute::Subscribed);
        }
        let child_info = listed.child_info.then(|| Atom::new("SUBSCRIBED").unwrap());
        ListResponse {
            child_info: child_info.into_iter().collect(),
            ..self.list_row(listed.name, attributes)
        }
    }

    pub(super) fn list_row(&self, name: &str, attributes: Vec<MailboxAttribute>) -> ListResponse {
        ListResponse {
            attributes,
            delimiter: Some(self.delimiter),
            mailbox: Mailbox::new(name).unwrap(),
            child_info: Vec::new(),
            old_name: None,
        }
    }

    pub(super) fn create(&mut self, server: &mut Server, asked: Asked<Create>) -> Result<(), Misuse> {
        let name = asked.mailbox.as_str().trim_end_matches(self.delimiter).to_owned();
        if name.is_empty() {
            return asked.no(server, Refusal::cannot());
        }
        let spelling = self.spellings.iter().find(|(given, _)| *given == name);
        let name = spelling.map_or(name, |(_, kept)| (*kept).to_owned());
        if self.find(&name).is_some() {
            return asked.no(server, Refusal::already_exists());
        }
        // Some kinds of mailboxes a user has once, and some he cannot make.
        let is_taken = |role: &SpecialUse| {
            let role = MailboxAttribute::SpecialUse(*role);
            self.folders.iter().any(|folder| folder.attributes.contains(&role))
        };
        if asked.special_use.iter().any(|role| is_taken(role) || *role == SpecialUse::All) {
            return asked.no(server, Refusal::use_attribute());
        }
        let taken = self.folders.iter().filter(|folder| folder.uid_validity >= CREATED).count();
        let mut folder = Folder::new(&name, CREATED + u32::try_from(taken).unwrap());
        folder.attributes =
            asked.special_use.iter().map(|role| MailboxAttribute::SpecialUse(*role)).collect();
        let id = folder.id();
        self.folders.push(folder);
        if name != asked.mailbox.as_str().trim_end_matches(self.delimiter) {
            asked.normalised(server, self.list_row(&name, Vec::new()))?;
        }
        asked.ok_with_id(server, id)
    }

    pub(super) fn delete(&mut self, name: &str) -> Result<(), Refusal> {
        let below = format!("{name}{}", self.delimiter);
        let has_children = self.folders.iter().any(|folder| folder.name.starts_with(&below));
        let at = self.folders.iter().position(|folder| folder.name == name).ok_or(Refusal::nonexistent())?;
        if let Some(refusal) = self.trouble(name) {
            return Err(refusal);
        }
        if has_children && !self.deletes_parents {
            return Err(Refusal::new("Others are below it").with_code(ResponseCode::HasChildren));
        }
        self.folders.remove(at);
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        if self.folders.iter().any(|folder| folder.name == to) {
            return Err(Refusal::already_exists());
        }
        let at = self.folders.iter().position(|folder| folder.name == from).ok_or(Refusal::nonexistent())?;
        if from == "INBOX" {
            let empty = Folder { messages: Vec::new(), ..self.folders[at].clone() };
            let inbox = std::mem::replace(&mut self.folders[at], empty);
            self.folders.push(Folder { name: to.into(), uid_validity: CREATED, ..inbox });
            return Ok(());
        }
        for folder in &mut self.folders {
            let rest = folder.name.strip_prefix(from);
            if let Some(rest) = rest.filter(|it| it.is_empty() || it.starts_with(self.delimiter)) {
                folder.name = format!("{to}{rest}");
            }
        }
        Ok(())
    }

    pub(super) fn select(&mut self, server: &mut Server, asked: Asked<Select>) -> Result<(), Misuse> {
        self.selected = None;
        // RFC 5182 2.1: what was saved was of another mailbox.
        self.saved = posthaste_imap::types::UidSet::default();
        if let Some(refusal) = self.trouble(asked.mailbox.as_str()) {
            return asked.refuse(server, refusal);
        }
        let Some(at) = self.find(asked.mailbox.as_str()) else {
            return asked.refuse(server, Refusal::nonexistent());
        };
        let folder = &self.folders[at];
        let view = View::with_mod_seqs(folder.messages.iter().map(|message| (message.uid, message.mod_seq)));
        let more = SelectMore {
            highest_mod_seq: folder.mod_seq,
            mailbox_id: Some(folder.id()),
            list: Some(self.list_row(&folder.name, folder.attributes.clone())),
            uids: if self.keeps_uids(at) { UidLife::Sticky } else { UidLife::NotSticky },
        };
        let selecting = asked.open(server, self.select_data(at), more)?;
        self.selected = Some(Selected { folder: at, view });
        self.resync(server, &selecting)?;
        selecting.ok(server)
    }

    fn resync(&mut self, server: &mut Server, selecting: &Selecting) -> Result<(), Misuse> {
        let resync = selecting.request().parameters.iter().find_map(|parameter| match parameter {
            SelectParameter::QResync(resync) => Some(resync.clone()),
            _ => None,
        });
        // RFC 7162 3.2.5.1: another UIDVALIDITY is another mailbox.
        let Some(resync) = resync.filter(|it| it.uid_validity.get() == self.folder().uid_validity) else {
            return Ok(());
        };
        let known_uids = resync.known_uids.as_ref().and_then(SequenceSet::from_uids);
        let matches = resync
            .match_data
            .as_ref()
            .and_then(|(seqs, uids)| Some((SequenceSet::from_uids(seqs)?, SequenceSet::from_uids(uids)?)));
        let known = Resync {
            mod_seq: resync.mod_seq,
            known_uids: known_uids.as_ref(),
            matches: matches.as_ref().map(|(seqs, uids)| (seqs, uids)),
        };
        let expunged = self.folder().expunged_since(resync.mod_seq);
        let uid_next = self.folder().uid_next;
        let missed = self.view().resync(&known, History::Expunged(&expunged), uid_next).unwrap();
        selecting.vanished(server, missed.vanished)?;
        for (seq, uid, mod_seq) in missed.changed {
            let flags = self.folder().message(uid).unwrap().flags();
            let uid_item = FetchItem::Uid(NonZeroU32::new(uid).unwrap());
            let items = vec![uid_item, FetchItem::Flags(flags), FetchItem::ModSeq(mod_seq)];
            selecting.row(server, told(seq, uid), items)?;
        }
        Ok(())
    }

    fn select_data(&self, at: usize) -> SelectData {
        let folder = &self.folders[at];
        let unseen = folder.messages.iter().position(|message| !message.has(&Flag::Seen));
        let defined = [Flag::Answered, Flag::Flagged, Flag::Deleted, Flag::Seen, Flag::Draft];
        // RFC 4314 5.1.1: what the user's rights allow.
        let rights = self.rights_of(at);
        let own = [(Flag::Deleted, 't'), (Flag::Seen, 's')].into_iter();
        let own = own.filter(|(_, letter)| rights.contains(*letter)).map(|(flag, _)| flag);
        let permanent = PermanentFlags { flags: own.collect(), new_keywords: rights.contains('w') };
        SelectData {
            flags: SelectedFlags { defined: defined.into_iter().collect(), permanent },
            exists: folder.exists(),
            recent: folder.recent,
            access: Access::ReadWrite,
            unseen: unseen.and_then(|index| NonZeroU32::new(u32::try_from(index).unwrap() + 1)),
            uid_validity: NonZeroU32::new(folder.uid_validity).unwrap(),
            uid_next: NonZeroU32::new(folder.uid_next).unwrap(),
        }
    }

    /// CLOSE: what is marked goes, without a word, unless the mailbox is only looked at.
    pub(super) fn close(&mut self, is_read_only: bool) {
        let folder = self.folder();
        let deleted = folder.messages.iter().filter(|message| message.has(&Flag::Deleted));
        let deleted: Vec<u32> = deleted.map(|message| message.uid).collect();
        if !is_read_only {
            folder.expunge(&deleted);
        }
        self.selected = None;
    }
}

/// UIDVALIDITY of the first mailbox that is made.
const CREATED: u32 = 9000;
