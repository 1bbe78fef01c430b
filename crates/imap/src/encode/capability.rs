//! Capability lists (RFC 9051, section 7.2.2).

use super::writer::Writer;
use crate::types::Capability;

impl Writer<'_> {
    /// `*(SP capability)`
    pub(super) fn capabilities(&mut self, capabilities: &[Capability]) {
        for capability in capabilities {
            self.octet(b' ');
            self.display(capability);
        }
    }
}
