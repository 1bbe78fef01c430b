//! SELECT, EXAMINE and CLOSE (RFC 9051 6.3.2, 6.3.3, 6.4.1), and what a client that comes back has missed
//! (QRESYNC, RFC 7162 3.2.5).

use std::num::NonZeroU32;
use std::sync::Arc;

use posthaste_imap::server::{Access, Asked, Close, Select, SelectData, SelectMore, Selecting, UidLife};
use posthaste_imap::types::{FetchItem, QResync, SelectParameter, SequenceSet, UidSet};
use posthaste_imap::view::{History, Resync, Resynced, View};

use super::access::{Failure, Reached};
use super::convert::nonzero;
use super::selected::{Selected, message};
use super::{Outcome, Session, convert};
use crate::index::{Open, Picture};
use crate::store::{Expunge, Store, StoreError};

impl Session {
    pub(super) async fn select(&mut self, select: Asked<Select>) -> Outcome {
        self.deselect();
        match self.open(&select).await {
            Ok((selected, data, more)) => {
                let missed = match qresync(&select, &selected.picture) {
                    Some(resync) => missed(&self.context.store, &selected, resync).await,
                    None => Ok(None),
                };
                let selecting = select.open(self.connection.machine(), data, more)?;
                match missed {
                    Ok(None) => {}
                    Ok(Some(missed)) => self.tell_missed(&selected, &selecting, missed).await?,
                    Err(error) => {
                        let refusal = Failure::from(error).refusal();
                        return Ok(selecting.no(self.connection.machine(), refusal)?);
                    }
                }
                self.selected = Some(Box::new(selected));
                selecting.ok(self.connection.machine())?;
            }
            Err(failure) => select.refuse(self.connection.machine(), failure.refusal())?,
        }
        Ok(())
    }

    async fn open(&self, select: &Select) -> Result<(Selected, SelectData, SelectMore), Failure> {
        let mut reached = self.reach(&select.mailbox, "r").await?;
        let id = reached.mailbox.id;
        let open = self.context.index.open(&self.context.store, id).await?;
        // Once more, now that each change is heard of.
        let basis = self.basis(&open);
        reached.rights = self.rights_of(&reached.mailbox).await?;
        if !reached.rights.contains('r') {
            return Err(StoreError::NoSuchMailbox.into());
        }
        let picture = open.picture();
        // Looking does not use up what is recent (RFC 3501 6.3.2).
        let claims = select.access == Access::ReadWrite;
        let recent = open.recent(&self.context.store, picture.uidnext, claims).await?;
        let more = SelectMore {
            highest_mod_seq: Some(picture.modseq.max(1)),
            mailbox_id: convert::mailbox_id(id),
            list: self.list_row_of(&reached).await,
            uids: UidLife::Sticky,
        };
        let selected = Selected::new(open, reached, picture, recent, basis);
        let picture = &selected.picture;
        let data = SelectData {
            flags: selected.selected_flags(),
            exists: picture.largest_seq(),
            recent: selected.recent(),
            unseen: picture.first_unseen(),
            uid_validity: nonzero(picture.uidvalidity)?,
            uid_next: nonzero(picture.uidnext.max(1))?,
            access: selected.access(select.access),
        };
        Ok((selected, data, more))
    }

    async fn tell_missed(&mut self, selected: &Selected, selecting: &Selecting, missed: Resynced) -> Outcome {
        selecting.vanished(self.connection.machine(), missed.vanished)?;
        for (seq, uid, _) in missed.changed {
            let Some((_, row)) = selected.picture.by_uid(uid) else { continue };
            let mut items: Vec<FetchItem> = Vec::with_capacity(3);
            if !self.connection.machine_ref().is_enabled(posthaste_imap::server::Feature::UidOnly) {
                items.extend(NonZeroU32::new(uid).map(FetchItem::Uid));
            }
            items.push(FetchItem::Flags(selected.flags(row)));
            items.push(FetchItem::ModSeq(row.modseq));
            self.room().await?;
            selecting.row(self.connection.machine(), message(seq, uid), items)?;
        }
        Ok(())
    }

    /// CLOSE expunges if the user may, and says nothing of it (RFC 4314 4).
    pub(super) async fn close(&mut self, close: Asked<Close>) -> Outcome {
        self.check_rights().await?;
        if let Some(selected) = &self.selected
            && selected.rights().contains('e')
            && selected.open.picture().counts().deleted > 0
            && let Err(error) = self.context.store.expunge(selected.open.mailbox(), Expunge::Deleted).await
        {
            tracing::error!(%error, "deleted messages were not removed at CLOSE");
        }
        self.deselect();
        close.ok(self.connection.machine())?;
        Ok(())
    }

    /// The row LIST would have for a mailbox, as far as IMAP4rev2 wants it with SELECT (RFC 9051 6.3.2).
    async fn list_row_of(&self, reached: &Reached) -> Option<posthaste_imap::types::ListResponse> {
        super::list::row(&reached.name, Vec::new())
    }
}

/// What the client knows of the mailbox; another UIDVALIDITY is another mailbox (RFC 7162 3.2.5.1).
fn qresync(select: &Select, picture: &Picture) -> Option<QResync> {
    select.parameters.iter().find_map(|parameter| match parameter {
        SelectParameter::QResync(resync) if resync.uid_validity.get() == picture.uidvalidity => {
            Some(resync.clone())
        }
        _ => None,
    })
}

async fn missed(
    store: &Arc<dyn Store>,
    selected: &Selected,
    resync: QResync,
) -> Result<Option<Resynced>, StoreError> {
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
    since(store, &selected.open, &selected.picture, &known).await
}

/// What a client has missed that knows this much; `None` where what it says it knows makes no sense.
pub(super) async fn since(
    store: &Arc<dyn Store>,
    open: &Open,
    picture: &Picture,
    known: &Resync<'_>,
) -> Result<Option<Resynced>, StoreError> {
    let expunged = match open.since(known.mod_seq).1 {
        Some(expunged) => Some(expunged),
        None => store.changed_since(open.mailbox(), known.mod_seq).await?.expunged,
    };
    let expunged: Option<UidSet> = expunged.map(|uids| convert::uid_set(&uids));
    let history = expunged.as_ref().map_or(History::Unknown, History::Expunged);
    let view = View::with_mod_seqs(picture.rows().map(|(_, row)| (row.uid, row.modseq)));
    let resynced = view.resync(known, history, picture.uidnext);
    // Pairs that can not be such prove nothing.
    Ok(resynced.or_else(|| view.resync(&Resync { matches: None, ..*known }, history, picture.uidnext)))
}
