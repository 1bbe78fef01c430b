//! Commands and responses around authorised URLs (RFC 4467, section 9).

use super::acl::more;
use super::cursor::{Cursor, Result};
use super::mailbox::mailbox;
use super::metadata::nstring8;
use super::string::{astring, label};
use crate::types::{AString, FetchedUrl, ResetKey, UrlToAuthorise};
use alloc::vec::Vec;

/// `1*(SP url-rump SP mechanism)`, the first space taken.
pub(super) fn urls_to_authorise(cursor: &mut Cursor<'_>) -> Result<Vec<UrlToAuthorise>> {
    let mut urls = Vec::new();
    loop {
        cursor.bound(urls.len(), cursor.context.limits.list_max, "genurlauth")?;
        let url = astring(cursor, "url-rump")?;
        cursor.space("genurlauth")?;
        urls.push(UrlToAuthorise { url, mechanism: label(cursor, "mechanism")? });
        if !more(cursor)? {
            return Ok(urls);
        }
    }
}

/// `[SP mailbox *(SP mechanism)]`
pub(super) fn reset_key(cursor: &mut Cursor<'_>) -> Result<ResetKey> {
    let mut reset = ResetKey::default();
    if !more(cursor)? {
        return Ok(reset);
    }
    reset.mailbox = Some(mailbox(cursor)?);
    while more(cursor)? {
        cursor.bound(reset.mechanisms.len(), cursor.context.limits.list_max, "resetkey")?;
        reset.mechanisms.push(label(cursor, "mechanism")?);
    }
    Ok(reset)
}

/// `*(SP astring)` to the end of the line, at least `min` of them.
pub(super) fn astrings(cursor: &mut Cursor<'_>, rule: &'static str, min: usize) -> Result<Vec<AString>> {
    let mut strings = Vec::new();
    while more(cursor)? {
        cursor.bound(strings.len(), cursor.context.limits.list_max, rule)?;
        strings.push(astring(cursor, rule)?);
    }
    if strings.len() < min { cursor.fail(rule) } else { Ok(strings) }
}

/// `1*(url-full SP nstring)` with spaces between, the first space taken.
pub(super) fn fetched_urls(cursor: &mut Cursor<'_>) -> Result<Vec<FetchedUrl>> {
    let mut urls = Vec::new();
    loop {
        cursor.bound(urls.len(), cursor.context.limits.list_max, "urlfetch-data")?;
        let url = astring(cursor, "url-full")?;
        cursor.space("urlfetch-data")?;
        urls.push(FetchedUrl { url, data: nstring8(cursor, "urlfetch-data")? });
        if !more(cursor)? {
            return Ok(urls);
        }
    }
}
