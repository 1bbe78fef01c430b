//! Commands that change messages: STORE, COPY, MOVE, EXPUNGE (RFC 9051 6.4.3, 6.4.6 to 6.4.8; RFC 7162 3.1.3).

use std::num::NonZeroU32;

use posthaste_imap::Misuse;
use posthaste_imap::server::{
    Asked, Copy, CopyUid, Expunge, Feature, Message as Told, Move, Notice, Refusal, Server,
    Store as StoreFlags, Update,
};
use posthaste_imap::types::{
    Addressing, FetchItem, Flag, MessageSet, ResponseCode, SequenceSet, StoreAction, StoreEcho, UidSet,
};

use super::{Message, Store, told};

impl Store {
    pub(super) fn store(&mut self, server: &mut Server, asked: Asked<StoreFlags>) -> Result<(), Misuse> {
        let command = asked.command.clone();
        let addressing = asked.addressing;
        if command.flags.len() > self.flags_max {
            return asked.no(server, Refusal::new("Too many flags").with_code(ResponseCode::Limit));
        }
        let named = self.named(addressing, &command.set);
        let unchanged = |message: &Message| command.unchanged_since.is_none_or(|it| message.mod_seq <= it);
        // All that change in one command change at the same moment.
        let folder = self.folder();
        let may_change = |uid: u32| folder.messages.iter().any(|it| it.uid == uid && unchanged(it));
        let (changing, modified): (Vec<_>, Vec<_>) = named.into_iter().partition(|(_, uid)| may_change(*uid));
        let mod_seq = if changing.is_empty() { 0 } else { folder.tick() };
        for (seq, uid) in changing {
            let message = self.folder().message(uid).unwrap();
            change(message, command.action, command.flags.iter().map(|flag| flag.to_owned()));
            message.mod_seq = mod_seq;
            let flags = FetchItem::Flags(message.flags());
            self.view().flags_told(uid, mod_seq);
            let mut items = Vec::new();
            if server.is_enabled(Feature::CondStore) {
                items.push(FetchItem::ModSeq(mod_seq));
            }
            if command.echo == StoreEcho::Report {
                items.push(flags);
            }
            if items.is_empty() {
                continue;
            }
            if addressing == Addressing::Uid && !server.is_enabled(Feature::UidOnly) {
                items.push(FetchItem::Uid(NonZeroU32::new(uid).unwrap()));
            }
            asked.row(server, told(seq, uid), items)?;
        }
        self.tell(server);
        let number = |(seq, uid): (NonZeroU32, u32)| match addressing {
            Addressing::Sequence => seq,
            Addressing::Uid => NonZeroU32::new(uid).unwrap(),
        };
        let is_gone = |uid: u32| self.selected.as_ref().unwrap().view.is_gone(uid);
        let any_gone = modified.iter().any(|(_, uid)| is_gone(*uid));
        let modified =
            SequenceSet::from_numbers(modified.into_iter().filter(|(_, uid)| !is_gone(*uid)).map(number));
        match modified {
            // RFC 7162 3.1.3, RFC 2180 4.2.3: some of them are not there any more.
            Some(modified) if any_gone => {
                asked.no(server, Refusal::new("Some are gone").with_code(ResponseCode::Modified(modified)))
            }
            Some(modified) => asked.modified(server, modified),
            None if any_gone => asked.no(server, Refusal::new("Some are gone")),
            None => asked.ok(server),
        }
    }

    pub(super) fn copy(&mut self, server: &mut Server, asked: Asked<Copy>) -> Result<(), Misuse> {
        let Some(to) = self.find(asked.mailbox.as_str()) else {
            return asked.no(server, Refusal::try_create());
        };
        if let Some(refusal) = self.trouble(asked.mailbox.as_str()) {
            return asked.no(server, refusal);
        }
        let named = self.named_uids(asked.addressing, &asked.set);
        self.report(named.len(), |done, of| asked.progress(server, done, of))?;
        let copied = self.copy_to(&named, to);
        let octets: u64 = self.folders[to].messages.iter().map(Message::size).sum();
        if self.comfort.is_some_and(|comfort| octets > comfort) {
            server.update(Update::Notice(Notice::OverQuota))?;
        }
        asked.ok(server, copied)
    }

    pub(super) fn move_away(&mut self, server: &mut Server, asked: Asked<Move>) -> Result<(), Misuse> {
        let Some(to) = self.find(asked.mailbox.as_str()) else {
            return asked.no(server, Refusal::try_create());
        };
        let named = self.named_uids(asked.addressing, &asked.set);
        if let Some(moved) = self.copy_to(&named, to) {
            asked.moved(server, moved)?;
        }
        let gone = self.expunge_uids(&named);
        asked.expunged_all(server, &gone)?;
        match self.folder().mod_seq {
            Some(mod_seq) => asked.ok_at(server, mod_seq),
            None => asked.ok(server),
        }
    }

    pub(super) fn expunge(&mut self, server: &mut Server, asked: Asked<Expunge>) -> Result<(), Misuse> {
        let named: Vec<u32> = match &asked.uids {
            Some(uids) => self.named_uids(Addressing::Uid, uids),
            None => self.view().uids().collect(),
        };
        let folder = self.folder();
        let is_deleted = |uid: &u32| folder.message(*uid).is_some_and(|it| it.has(&Flag::Deleted));
        let deleted: Vec<u32> = named.into_iter().filter(is_deleted).collect();
        if deleted.is_empty() {
            return asked.ok(server);
        }
        let gone = self.expunge_uids(&deleted);
        asked.expunged_all(server, &gone)?;
        match self.folder().mod_seq {
            Some(mod_seq) => asked.ok_at(server, mod_seq),
            None => asked.ok(server),
        }
    }

    /// Takes messages out of the selected folder and out of the client's picture: as the client hears of them, one
    /// after the other.
    fn expunge_uids(&mut self, uids: &[u32]) -> Vec<Told> {
        self.folder().expunge(uids);
        let number = |uid: &u32| (self.view().remove(*uid).unwrap(), *uid);
        let gone: Vec<(NonZeroU32, u32)> = uids.iter().map(number).collect();
        gone.into_iter().map(|(seq, uid)| told(seq, uid)).collect()
    }

    fn named_uids(&mut self, addressing: Addressing, set: &MessageSet) -> Vec<u32> {
        self.named(addressing, set).into_iter().map(|(_, uid)| uid).collect()
    }

    /// Tells how far a slow store is, one message before the end of so many.
    pub(super) fn report(
        &self,
        count: usize,
        tell: impl FnOnce(u32, Option<NonZeroU32>) -> Result<(), Misuse>,
    ) -> Result<(), Misuse> {
        let count = u32::try_from(count).unwrap();
        if self.is_slow && count > 0 { tell(count - 1, NonZeroU32::new(count)) } else { Ok(()) }
    }

    fn copy_to(&mut self, uids: &[u32], to: usize) -> Option<CopyUid> {
        let number = |uid: u32| NonZeroU32::new(uid).unwrap();
        let mut target = Vec::new();
        for uid in uids {
            let mut message = self.folder().message(*uid)?.clone();
            let (saved, rights) = (self.date(), self.rights_of(to));
            // RFC 4314 4: flags that the user may not set there are left out.
            message.flags.retain(|flag| {
                rights.contains(match flag {
                    Flag::Seen => 's',
                    Flag::Deleted => 't',
                    _ => 'w',
                })
            });
            target.push(number(self.keep(to, Message { saved: Some(saved), ..message })));
        }
        let uid_validity = number(self.folders[to].uid_validity);
        let source = UidSet::from_numbers(uids.iter().copied().map(number));
        (!uids.is_empty()).then_some(CopyUid { uid_validity, source, target: UidSet::from_numbers(target) })
    }
}

fn change(message: &mut Message, action: StoreAction, flags: impl Iterator<Item = Flag>) {
    let flags: Vec<Flag> = flags.collect();
    match action {
        StoreAction::Replace => message.flags = flags,
        StoreAction::Add => {
            message.flags.retain(|flag| !flags.contains(flag));
            message.flags.extend(flags);
        }
        StoreAction::Remove => message.flags.retain(|flag| !flags.contains(flag)),
    }
}
