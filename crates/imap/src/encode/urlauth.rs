//! Commands and responses around authorised URLs (RFC 4467, RFC 5524).

use super::body::Extensions;
use super::writer::Writer;
use crate::types::{FetchedUrl, ResetKey, UrlData, UrlFetch, UrlItem, UrlToAuthorise};

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
            match &fetched.data {
                UrlData::Octets(octets) => w.octets_of_url(octets.as_deref()),
                UrlData::Items(items) if items.is_empty() => w.text("NIL"),
                UrlData::Items(items) => w.separated(items, Self::url_item),
            }
        });
    }

    /// ` url-fetch-arg ..`
    pub(super) fn urls_to_fetch(&mut self, urls: &[UrlFetch]) {
        for fetch in urls {
            self.octet(b' ');
            if fetch.items.is_empty() {
                self.astring(fetch.url.as_bytes());
                continue;
            }
            self.octet(b'(');
            self.astring(fetch.url.as_bytes());
            for item in &fetch.items {
                self.octet(b' ');
                self.text(item.name());
            }
            self.octet(b')');
        }
    }

    /// `"(" url-metadata-el ")"`
    fn url_item(&mut self, item: &UrlItem) {
        self.octet(b'(');
        match item {
            UrlItem::Body(octets) => {
                self.text("BODY ");
                self.octets_of_url(octets.as_deref());
            }
            UrlItem::Binary(octets) => {
                self.text("BINARY ");
                self.nstring8(octets.as_deref());
            }
            UrlItem::BodyPartStructure(body) => {
                self.text("BODYPARTSTRUCTURE ");
                self.body(&**body, Extensions::Written);
            }
        }
        self.octet(b')');
    }

    /// `nstring`. There is no literal8 here: NUL becomes a question mark.
    fn octets_of_url(&mut self, octets: Option<&[u8]>) {
        match octets {
            Some(octets) => self.string(octets),
            None => self.text("NIL"),
        }
    }
}
