//! Commands and responses around authorised URLs (RFC 4467).

use super::writer::Writer;
use crate::types::{FetchedUrl, ResetKey, UrlToAuthorise};

impl Writer<'_> {
    pub(super) fn urls_to_authorise(&mut self, urls: &[UrlToAuthorise]) {
        self.separated(urls, |w, pair| {
            w.astring(pair.url.as_bytes());
            w.octet(b' ');
            w.text(pair.mechanism.as_str());
        });
    }

    /// ` mailbox mechanism ..`, or nothing. Mechanisms without a mailbox cannot be written.
    pub(super) fn reset_key(&mut self, reset: &ResetKey) {
        if let Some(mailbox) = &reset.mailbox {
            self.octet(b' ');
            self.mailbox(mailbox);
            for mechanism in &reset.mechanisms {
                self.octet(b' ');
                self.text(mechanism.as_str());
            }
        }
    }

    pub(super) fn fetched_urls(&mut self, urls: &[FetchedUrl]) {
        self.separated(urls, |w, fetched| {
            w.astring(fetched.url.as_bytes());
            w.octet(b' ');
            // No literal8 here: NUL becomes a question mark.
            match &fetched.data {
                Some(data) => w.string(data),
                None => w.text("NIL"),
            }
        });
    }
}
