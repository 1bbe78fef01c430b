//! ESEARCH, command and response (RFC 7377, RFC 4731, RFC 5267, RFC 6203, RFC 7162, RFC 9394).

use super::writer::Writer;
use crate::types::{ContextChange, EsearchCommand, EsearchResponse, PartialEnd, PartialRange, SequenceSet};
use core::num::NonZeroU32;

impl Writer<'_> {
    pub(super) fn esearch_command(&mut self, command: &EsearchCommand) {
        if !command.mailboxes.is_empty() {
            self.text("IN ");
            self.list(&command.mailboxes, Self::mailbox_filter);
            self.octet(b' ');
        }
        self.search(&command.search);
    }

    pub(super) fn esearch(&mut self, esearch: &EsearchResponse) {
        self.text("ESEARCH");
        self.correlator(esearch);
        if esearch.uid {
            self.text(" UID");
        }
        if let Some(min) = esearch.min {
            self.text(" MIN ");
            self.number(min.get());
        }
        if let Some(max) = esearch.max {
            self.text(" MAX ");
            self.number(max.get());
        }
        if let Some(all) = &esearch.all {
            self.text(" ALL ");
            self.sequence_set(all);
        }
        if let Some(count) = esearch.count {
            self.text(" COUNT ");
            self.number(count);
        }
        if let Some(mod_seq) = esearch.mod_seq {
            self.text(" MODSEQ ");
            self.number(mod_seq);
        }
        if let Some((range, results)) = &esearch.partial {
            self.text(" PARTIAL (");
            self.partial_range(*range);
            self.octet(b' ');
            match results {
                Some(results) => self.sequence_set(results),
                None => self.text("NIL"),
            }
            self.octet(b')');
        }
        let is_same = |a: &ContextChange, b: &ContextChange| parts(a).0 == parts(b).0;
        for changes in esearch.changes.chunk_by(is_same) {
            self.changes(changes);
        }
        if !esearch.relevancy.is_empty() {
            self.text(" RELEVANCY ");
            self.list(&esearch.relevancy, |w, score| w.number(*score));
        }
    }

    pub(super) fn partial_range(&mut self, range: PartialRange) {
        let sign = range.from() == PartialEnd::Newest;
        for (separator, number) in [("", range.first()), (":", range.last())] {
            self.text(separator);
            if sign {
                self.octet(b'-');
            }
            self.number(number.get());
        }
    }

    fn correlator(&mut self, esearch: &EsearchResponse) {
        if esearch.tag.is_none() && esearch.mailbox.is_none() {
            return;
        }
        self.text(" (");
        if let Some(tag) = &esearch.tag {
            self.text("TAG ");
            self.string_of(tag);
        }
        if let Some((mailbox, uid_validity)) = &esearch.mailbox {
            self.text(if esearch.tag.is_some() { " MAILBOX " } else { "MAILBOX " });
            self.mailbox(mailbox);
            self.text(" UIDVALIDITY ");
            self.number(uid_validity.get());
        }
        self.octet(b')');
    }

    /// Changes of the same kind, as one item.
    fn changes(&mut self, changes: &[ContextChange]) {
        let Some((name, ..)) = changes.first().map(parts) else { return };
        self.text(name);
        self.list(changes, |w, change| {
            let (_, position, numbers) = parts(change);
            w.number(position.map_or(0, NonZeroU32::get));
            w.octet(b' ');
            w.sequence_set(numbers);
        });
    }
}

const fn parts(change: &ContextChange) -> (&'static str, Option<NonZeroU32>, &SequenceSet) {
    match change {
        ContextChange::AddTo { position, numbers } => (" ADDTO ", *position, numbers),
        ContextChange::RemoveFrom { position, numbers } => (" REMOVEFROM ", *position, numbers),
    }
}
