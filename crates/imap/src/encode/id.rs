//! ID (RFC 2971).

use super::envelope::octets;
use super::writer::Writer;
use crate::types::IdParameters;

impl Writer<'_> {
    pub(super) fn id_parameters(&mut self, parameters: &IdParameters) {
        if parameters.pairs().is_empty() {
            return self.text("NIL");
        }
        self.list(parameters.pairs(), |w, (name, value)| {
            w.string_of(name);
            w.octet(b' ');
            w.nstring(octets(value));
        });
    }
}
