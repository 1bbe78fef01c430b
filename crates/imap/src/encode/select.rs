//! Parameters of SELECT and EXAMINE (RFC 4466, section 2.1).

use super::writer::Writer;
use crate::types::SelectParameter;

impl Writer<'_> {
    pub(super) fn select_parameters(&mut self, parameters: &[SelectParameter]) {
        if !parameters.is_empty() {
            self.octet(b' ');
            self.list(parameters, |w, parameter| match parameter {
                SelectParameter::CondStore => w.text("CONDSTORE"),
            });
        }
    }
}
