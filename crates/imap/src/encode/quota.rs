//! Quotas, commands and responses (RFC 9208).

use super::writer::Writer;
use crate::types::{QuotaLimit, QuotaUsage};

impl Writer<'_> {
    pub(super) fn quota_limits(&mut self, limits: &[QuotaLimit]) {
        self.list(limits, |w, limit| {
            w.text(limit.resource.name());
            w.octet(b' ');
            w.number(limit.limit);
        });
    }

    pub(super) fn quota_usages(&mut self, usages: &[QuotaUsage]) {
        self.list(usages, |w, usage| {
            w.text(usage.resource.name());
            w.octet(b' ');
            w.number(usage.usage);
            w.octet(b' ');
            w.number(usage.limit);
        });
    }
}
