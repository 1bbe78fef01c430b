//! SEARCH (RFC 9051 6.4.4): the keys are tested with what is at hand; headers and bodies are read only for the
//! messages that they decide.

use std::num::NonZeroU32;

use posthaste_imap::casemap::casemap;
use posthaste_imap::search::{Facts, Needle, Program, Scope, SearchError};
use posthaste_imap::server::{Asked, Refusal, Search};
use posthaste_imap::types::{Addressing, Date, Flag, UidSet};

use super::content::{Content, Need};
use super::selected::Selected;
use super::{Outcome, Session, convert, refusal};
use crate::store::{MessageMeta, Store, StoreError};

impl Session {
    pub(super) async fn search(&mut self, asked: Asked<Search>) -> Outcome {
        let found = match &self.selected {
            Some(selected) => search(&self.context.store, selected, &asked).await,
            None => Ok(Vec::new()),
        };
        self.sync().await;
        let server = self.connection.machine();
        match found {
            Ok(found) => asked.ok(server, found)?,
            Err(Failure::Search(SearchError::Charset)) => {
                asked.no(server, Refusal::bad_charset())?;
            }
            Err(Failure::Search(_)) => asked.bad(server, "Search keys nest too deeply")?,
            Err(Failure::Store(error)) => asked.no(server, refusal(&error))?,
        }
        Ok(())
    }
}

enum Failure {
    Search(SearchError),
    Store(StoreError),
}

async fn search(store: &Store, selected: &Selected, asked: &Search) -> Result<Vec<NonZeroU32>, Failure> {
    let view = &selected.view;
    // Neither `$` nor WITHIN is announced.
    let saved = UidSet::default();
    let scope =
        Scope { largest_seq: view.largest_seq(), largest_uid: view.largest_uid(), saved: &saved, now: 0 };
    let program = Program::new(&asked.command, &scope).map_err(Failure::Search)?;
    let mut found = Vec::new();
    for (uid, seq) in view.uids().filter_map(|uid| Some((uid, view.seq_of(uid)?))) {
        let Some(meta) = selected.metas.get(&uid) else { continue };
        let recent = selected.is_recent(uid);
        let mut known = Known { seq: seq.get(), meta, recent, header: None, body: None };
        let mut verdict = program.test(&known);
        for need in [Need::Header, Need::All] {
            if verdict.is_some() {
                break;
            }
            match Content::load(store, meta.blob, need).await {
                Ok(content) => known.learn(&content, need),
                // Gone meanwhile: it matches nothing.
                Err(StoreError::NoSuchMessage) => break,
                Err(error) => return Err(Failure::Store(error)),
            }
            verdict = program.test(&known);
        }
        if verdict == Some(true) {
            found.extend(match asked.addressing {
                Addressing::Sequence => Some(seq),
                Addressing::Uid => NonZeroU32::new(uid),
            });
        }
    }
    Ok(found)
}

/// What is known of one message.
struct Known<'a> {
    seq: u32,
    meta: &'a MessageMeta,
    recent: bool,
    header: Option<Header>,
    /// The text of all parts, decoded and mapped for comparison.
    body: Option<String>,
}

struct Header {
    sent: Option<Date>,
    /// Names in lower case; values decoded and mapped for comparison.
    fields: Vec<(String, String)>,
}

impl Known<'_> {
    fn learn(&mut self, content: &Content, need: Need) {
        if self.header.is_none() {
            let fields = content.fields().map(|(name, value)| (name.to_ascii_lowercase(), casemap(&value)));
            self.header = Some(Header { sent: content.sent_day(), fields: fields.collect() });
        }
        if need == Need::All {
            self.body = Some(casemap(&content.body_text()));
        }
    }
}

impl Facts for Known<'_> {
    fn seq(&self) -> u32 {
        self.seq
    }

    fn uid(&self) -> u32 {
        self.meta.uid
    }

    fn has_flag(&self, flag: &Flag) -> bool {
        match flag {
            Flag::Recent => self.recent,
            flag => convert::flags(&self.meta.flags).contains(flag),
        }
    }

    fn internal_date(&self) -> Option<Date> {
        convert::day(self.meta.date)
    }

    fn size(&self) -> u64 {
        self.meta.size
    }

    fn sent_date(&self) -> Option<Option<Date>> {
        self.header.as_ref().map(|header| header.sent)
    }

    fn field_contains(&self, name: &str, needle: &Needle) -> Option<bool> {
        let header = self.header.as_ref()?;
        let fields = header.fields.iter().filter(|(field, _)| name.is_empty() || field == name);
        Some(fields.into_iter().any(|(_, value)| needle.is_in_mapped(value)))
    }

    fn body_contains(&self, needle: &Needle) -> Option<bool> {
        self.body.as_ref().map(|body| needle.is_in_mapped(body))
    }
}
