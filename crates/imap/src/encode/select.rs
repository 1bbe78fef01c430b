//! Parameters of SELECT and EXAMINE (RFC 4466, section 2.1; RFC 7162, section 3.2.5).

use super::writer::Writer;
use crate::types::{QResync, SelectParameter};

impl Writer<'_> {
    pub(super) fn select_parameters(&mut self, parameters: &[SelectParameter]) {
        if !parameters.is_empty() {
            self.octet(b' ');
            self.list(parameters, |w, parameter| match parameter {
                SelectParameter::CondStore => w.text("CONDSTORE"),
                SelectParameter::QResync(resync) => w.qresync(resync),
            });
        }
    }

    /// Sets that are empty are left out: the grammar has none.
    fn qresync(&mut self, resync: &QResync) {
        self.text("QRESYNC (");
        self.number(resync.uid_validity.get());
        self.octet(b' ');
        self.number(resync.mod_seq);
        if let Some(known) = resync.known_uids.as_ref().filter(|known| !known.is_empty()) {
            self.octet(b' ');
            self.uid_set(known);
        }
        if let Some((numbers, uids)) = &resync.match_data {
            if !numbers.is_empty() && !uids.is_empty() {
                self.text(" (");
                self.uid_set(numbers);
                self.octet(b' ');
                self.uid_set(uids);
                self.octet(b')');
            }
        }
        self.octet(b')');
    }
}
