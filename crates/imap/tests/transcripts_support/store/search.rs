//! SEARCH, SORT, THREAD and ESEARCH over several mailboxes: what is found is for the algorithms of the crate to say,
//! which are given what the store knows of each message (RFC 9051 6.4.4; RFC 5032, 5182, 5256, 7162, 7377, 8514).

use std::num::NonZeroU32;

use posthaste_imap::Misuse;
use posthaste_imap::message::{Overview, Summary};
use posthaste_imap::search::{
    BodySearch, Facts, Hit, Needle, Program, Scope, SearchError, field_contains, saved_by,
};
use posthaste_imap::server::{Asked, Found, MultiSearch, Refusal, Search, Server, Sort, Thread};
use posthaste_imap::sort::{self, Entry};
use posthaste_imap::thread;
use posthaste_imap::types::{
    Addressing, Date, Flag, Mailbox, MailboxFilter, ModSeqSearch, ObjectId, SearchCommand, SearchReturn,
    UidSet,
};

use super::{Folder, Message, Store};

/// A message as SEARCH looks at it: all of it is at hand.
struct Known<'a> {
    seq: u32,
    message: &'a Message,
    summary: Summary,
}

impl Facts for Known<'_> {
    fn seq(&self) -> u32 {
        self.seq
    }

    fn uid(&self) -> u32 {
        self.message.uid
    }

    fn has_flag(&self, flag: &Flag) -> bool {
        self.message.has(flag)
    }

    fn internal_date(&self) -> Option<Date> {
        Some(self.message.date.date())
    }

    fn size(&self) -> u64 {
        self.message.size()
    }

    fn sent_date(&self) -> Option<Option<Date>> {
        let sent = self.summary.envelope().sent();
        Some(sent.and_then(|sent| Date::from_unix_days(sent.local_day()).ok()))
    }

    fn field_contains(&self, name: &str, needle: &Needle) -> Option<bool> {
        Some(field_contains(self.summary.root().header.of(&self.message.content), name, needle))
    }

    fn body_contains(&self, needle: &Needle) -> Option<bool> {
        Some(BodySearch::run(&self.summary, &self.message.content, needle))
    }

    fn received(&self) -> Option<i64> {
        Some(self.message.date.unix_seconds())
    }

    /// One for each message: that of a flag is no other.
    fn mod_seq(&self, _: &ModSeqSearch) -> u64 {
        self.message.mod_seq
    }

    fn has_email_id(&self, id: &ObjectId) -> bool {
        self.message.email_id == id.as_str()
    }

    fn has_thread_id(&self, id: &ObjectId) -> bool {
        self.message.thread_id.as_deref() == Some(id.as_str())
    }

    fn saved_date(&self) -> Option<Date> {
        self.message.saved.map(|saved| saved.date())
    }
}

/// The messages of a folder that match, in its order, with the sequence numbers that are given.
fn matching<'a>(
    folder: &'a Folder,
    numbered: &[(NonZeroU32, u32)],
    command: &SearchCommand,
    scope: &Scope<'_>,
) -> Result<Vec<(NonZeroU32, &'a Message)>, SearchError> {
    let program = Program::new(command, scope)?;
    let known = numbered.iter().filter_map(|(seq, uid)| {
        let message = folder.messages.iter().find(|message| message.uid == *uid)?;
        Some((*seq, message))
    });
    let found = known.filter(|(seq, message)| {
        let known = Known { seq: seq.get(), message, summary: Summary::scan(&message.content) };
        program.test(&known) == Some(true)
    });
    Ok(found.collect())
}

fn refusal(error: SearchError) -> Refusal {
    match error {
        SearchError::Charset => Refusal::bad_charset(),
        _ => Refusal::cannot(),
    }
}

impl Store {
    fn find_messages(&mut self, command: &SearchCommand) -> Result<Vec<(NonZeroU32, &Message)>, Refusal> {
        let saved = self.saved.clone();
        let now = self.now;
        let view = self.view();
        let scope =
            Scope { largest_seq: view.largest_seq(), largest_uid: view.largest_uid(), saved: &saved, now };
        let numbered: Vec<(NonZeroU32, u32)> =
            view.uids().map(|uid| (view.seq_of(uid).unwrap(), uid)).collect();
        matching(self.folder(), &numbered, command, &scope).map_err(refusal)
    }

    pub(super) fn search(&mut self, server: &mut Server, asked: Asked<Search>) -> Result<(), Misuse> {
        let Search { addressing, command } = asked.request().clone();
        let returns = command.returns.clone().unwrap_or_default();
        let count = self.folder().messages.len();
        self.report(count, |done, of| asked.progress(server, done, of))?;
        let found = match self.find_messages(&command) {
            Ok(found) => found,
            Err(refusal) => {
                // RFC 5182 2.1: a search with SAVE that fails leaves nothing.
                if returns.contains(&SearchReturn::Save) {
                    self.saved = UidSet::default();
                }
                return asked.no(server, refusal);
            }
        };
        let hits: Vec<Hit> = found.into_iter().map(|(seq, message)| hit(addressing, seq, message)).collect();
        if returns.contains(&SearchReturn::Save) && hits.len() > self.saved_max {
            self.saved = UidSet::default();
            return asked.no(server, Refusal::not_saved());
        }
        if let Some(saved) = saved_by(&hits, &returns) {
            self.saved = saved;
        }
        self.tell(server);
        asked.hits(server, &hits)
    }

    pub(super) fn sort(&mut self, server: &mut Server, asked: Asked<Sort>) -> Result<(), Misuse> {
        let Sort { addressing, command } = asked.request().clone();
        let search = SearchCommand { returns: None, charset: Some(command.charset), keys: command.keys };
        let answer = self.find_messages(&search).map(|found| {
            let overviews = overviews(&found);
            sort::sort(&entries(addressing, &found, &overviews), &command.criteria)
        });
        match answer {
            Ok(numbers) => asked.ok(server, numbers),
            Err(refusal) => asked.no(server, refusal),
        }
    }

    pub(super) fn thread(&mut self, server: &mut Server, asked: Asked<Thread>) -> Result<(), Misuse> {
        let Thread { addressing, command } = asked.request().clone();
        let search = SearchCommand { returns: None, charset: Some(command.charset), keys: command.keys };
        let answer = self.find_messages(&search).map(|found| {
            let overviews = overviews(&found);
            thread::thread(&entries(addressing, &found, &overviews), &command.algorithm).unwrap()
        });
        match answer {
            Ok(threads) => asked.ok(server, threads),
            Err(refusal) => asked.no(server, refusal),
        }
    }

    pub(super) fn multi_search(
        &mut self,
        server: &mut Server,
        asked: Asked<MultiSearch>,
    ) -> Result<(), Misuse> {
        let command = asked.command.clone();
        let (saved, now) = (UidSet::default(), self.now);
        for (at, folder) in self.folders.iter().enumerate() {
            let is_chosen = |filter: &MailboxFilter| self.is_chosen(filter, at);
            if folder.is_no_mailbox() || !command.mailboxes.iter().any(is_chosen) {
                continue;
            }
            let uids = folder.messages.iter().map(|message| message.uid);
            let numbered: Vec<_> = (1..).filter_map(NonZeroU32::new).zip(uids).collect();
            let largest_uid = folder.uid_next - 1;
            let scope = Scope { largest_seq: folder.exists(), largest_uid, saved: &saved, now };
            let found = match matching(folder, &numbered, &command.search, &scope) {
                Ok(found) => found,
                Err(error) => return asked.no(server, refusal(error)),
            };
            let numbers: Vec<NonZeroU32> = found.into_iter().map(|(_, message)| message.uid()).collect();
            let name = Mailbox::new(folder.name.clone()).unwrap();
            let found = Found { numbers, mod_seq: None };
            asked.found(server, name, NonZeroU32::new(folder.uid_validity).unwrap(), found)?;
        }
        asked.ok(server)
    }
}

fn hit(addressing: Addressing, seq: NonZeroU32, message: &Message) -> Hit {
    Hit { number: called(addressing, seq, message), uid: message.uid(), mod_seq: message.mod_seq }
}

fn called(addressing: Addressing, seq: NonZeroU32, message: &Message) -> NonZeroU32 {
    match addressing {
        Addressing::Sequence => seq,
        Addressing::Uid => message.uid(),
    }
}

fn overviews(found: &[(NonZeroU32, &Message)]) -> Vec<Overview<'static>> {
    found.iter().map(|(_, message)| Summary::scan(&message.content).overview().into_owned()).collect()
}

fn entries<'a>(
    addressing: Addressing,
    found: &[(NonZeroU32, &Message)],
    overviews: &'a [Overview<'a>],
) -> Vec<Entry<'a>> {
    let entry = |((seq, message), overview): (&(NonZeroU32, &Message), &'a Overview<'a>)| Entry {
        number: called(addressing, *seq, message),
        arrival: message.date.unix_seconds(),
        size: message.size(),
        overview,
    };
    found.iter().zip(overviews).map(entry).collect()
}
