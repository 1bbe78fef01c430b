//! SORT (RFC 5256, section 5; RFC 5267 for RETURN).

use super::writer::Writer;
use crate::types::{SortCommand, SortOrder};

impl Writer<'_> {
    pub(super) fn sort(&mut self, sort: &SortCommand) {
        self.search_returns(sort.returns.as_deref());
        self.list(&sort.criteria, |w, criterion| {
            w.text(if criterion.order == SortOrder::Reverse { "REVERSE " } else { "" });
            w.text(criterion.key.name());
        });
        self.octet(b' ');
        self.astring(sort.charset.as_bytes());
        self.octet(b' ');
        self.search_keys(&sort.keys);
    }
}
