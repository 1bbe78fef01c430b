//! Messages that come in: APPEND, several at once, and REPLACE (RFC 9051 6.3.12, RFC 3502, RFC 8508).

use std::num::NonZeroU32;

use bytes::Bytes;
use posthaste_imap::Misuse;
use posthaste_imap::message::Summary;
use posthaste_imap::server::{Append, AppendEnd, AppendMore, Asked, Refusal, Replace, ReplaceEnd, Server};
use posthaste_imap::types::{DateTime, Flags, SequenceNumber, SequenceRange, SequenceSet, UidSet};

use super::{Message, Store, told};

/// What is being brought, and nobody sees yet.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    folder: usize,
    messages: Vec<Message>,
    /// The message that is replaced.
    old: Option<(NonZeroU32, u32)>,
}

impl Store {
    fn expect(&mut self, flags: &Flags, date: Option<DateTime>) {
        let today = self.date();
        let incoming = self.incoming.as_mut().expect("an APPEND");
        let mut message = Message::new(1, "", b"");
        message.flags = flags.iter().map(|flag| flag.to_owned()).collect();
        message.date = date.unwrap_or(today);
        message.saved = Some(today);
        incoming.messages.push(message);
    }

    /// Gives a new message an EMAILID, and the THREADID of those it is about the same as (RFC 8474 5).
    fn identify(&mut self, message: &mut Message) {
        let subject = |message: &Message| Summary::scan(&message.content).overview().into_owned().subject;
        let known = || self.folders.iter().flat_map(|folder| &folder.messages);
        message.email_id = format!("M{}", 100 + known().count());
        let own = subject(message);
        let same = known().filter(|known| subject(known) == own).find_map(|known| known.thread_id.clone());
        message.thread_id = same.or_else(|| Some(message.email_id.replace('M', "T")));
    }

    fn has_room(&self, length: u64) -> bool {
        self.room.is_none_or(|room| length <= room)
    }

    pub(super) fn append(&mut self, server: &mut Server, asked: Asked<Append>) -> Result<(), Misuse> {
        let Some(folder) = self.find(asked.head.mailbox.as_str()) else {
            return asked.refuse(server, Refusal::try_create());
        };
        if !self.has_room(asked.length) {
            return asked.refuse(server, Refusal::over_quota());
        }
        self.incoming = Some(Incoming { folder, ..Incoming::default() });
        self.expect(&asked.head.flags, asked.head.date_time);
        asked.accept(server)
    }

    pub(super) fn append_more(
        &mut self,
        server: &mut Server,
        asked: Asked<AppendMore>,
    ) -> Result<(), Misuse> {
        if !self.has_room(asked.total) {
            self.incoming = None;
            return asked.refuse(server, Refusal::over_quota());
        }
        self.expect(&asked.options.flags, asked.options.date_time);
        asked.accept(server)
    }

    pub(super) fn replace(&mut self, server: &mut Server, asked: Asked<Replace>) -> Result<(), Misuse> {
        let Some(folder) = self.find(asked.head.mailbox.as_str()) else {
            return asked.no(server, Refusal::try_create());
        };
        if !self.has_room(asked.length) {
            return asked.no(server, Refusal::over_quota());
        }
        let range = match asked.message {
            SequenceNumber::Number(number) => SequenceRange::single(number),
            SequenceNumber::Largest => SequenceRange::from(NonZeroU32::MAX),
        };
        let set = SequenceSet::new(vec![range]).unwrap();
        let Some(old) = self.view().resolve(&set, asked.addressing).next() else {
            return asked.no(server, Refusal::nonexistent());
        };
        self.incoming = Some(Incoming { folder, old: Some(old), ..Incoming::default() });
        self.expect(&asked.head.flags, asked.head.date_time);
        asked.accept(server)
    }

    pub(super) fn body(&mut self, chunk: &Bytes) {
        let message = self.incoming.as_mut().and_then(|it| it.messages.last_mut()).expect("an APPEND");
        message.content = [&message.content[..], chunk].concat().into();
    }

    pub(super) fn append_end(&mut self, server: &mut Server, asked: Asked<AppendEnd>) -> Result<(), Misuse> {
        let Incoming { folder, messages, .. } = self.incoming.take().expect("an APPEND");
        let mut uids = Vec::new();
        for mut message in messages {
            self.identify(&mut message);
            uids.push(self.keep(folder, message));
        }
        self.tell(server);
        if !self.keeps_uids(folder) {
            return asked.ok_without_uids(server);
        }
        let uids = UidSet::from_numbers(uids.into_iter().filter_map(NonZeroU32::new));
        asked.ok_all(server, NonZeroU32::new(self.folders[folder].uid_validity).unwrap(), uids)
    }

    pub(super) fn replace_end(
        &mut self,
        server: &mut Server,
        asked: Asked<ReplaceEnd>,
    ) -> Result<(), Misuse> {
        let Incoming { folder, mut messages, old } = self.incoming.take().expect("a REPLACE");
        let uid = self.keep(folder, messages.pop().unwrap());
        self.tell(server);
        let (seq, gone) = old.unwrap();
        self.folder().expunge(&[gone]);
        self.view().remove(gone);
        let uid_validity = NonZeroU32::new(self.folders[folder].uid_validity).unwrap();
        asked.ok(server, uid_validity, NonZeroU32::new(uid).unwrap(), told(seq, gone))
    }
}
