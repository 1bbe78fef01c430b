//! Sequence sets and UID sets (RFC 9051, section 9).

use super::writer::Writer;
use crate::types::{MessageSet, SequenceNumber, SequenceSet, UidSet};

impl Writer<'_> {
    pub(super) fn message_set(&mut self, set: &MessageSet) {
        match set {
            MessageSet::Numbers(set) => self.sequence_set(set),
            MessageSet::Saved => self.octet(b'$'),
        }
    }

    pub(super) fn sequence_set(&mut self, set: &SequenceSet) {
        for (index, range) in set.ranges().iter().enumerate() {
            if index > 0 {
                self.octet(b',');
            }
            self.sequence_number(range.start);
            if range.start != range.end {
                self.octet(b':');
                self.sequence_number(range.end);
            }
        }
    }

    pub(super) fn uid_set(&mut self, set: &UidSet) {
        for (index, range) in set.ranges().iter().enumerate() {
            if index > 0 {
                self.octet(b',');
            }
            self.number(range.start().get());
            if range.start() != range.end() {
                self.octet(b':');
                self.number(range.end().get());
            }
        }
    }

    pub(super) fn sequence_number(&mut self, number: SequenceNumber) {
        match number {
            SequenceNumber::Number(number) => self.number(number.get()),
            SequenceNumber::Largest => self.octet(b'*'),
        }
    }
}
