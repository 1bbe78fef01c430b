//! Commands and responses around authorised URLs (RFC 4467, section 9; RFC 5524, section 5).

use super::acl::more;
use super::cursor::{Cursor, Result};
use super::mailbox::mailbox;
use super::metadata::nstring8;
use super::string::{astring, atom, label};
use crate::error::ParseErrorKind;
use crate::types::{AString, FetchedUrl, ResetKey, UrlData, UrlFetch, UrlFetchItem, UrlItem, UrlToAuthorise};
use alloc::boxed::Box;
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

/// `1*(SP url-fetch-arg)`
pub(super) fn urls_to_fetch(cursor: &mut Cursor<'_>) -> Result<Vec<UrlFetch>> {
    let mut urls = Vec::new();
    while more(cursor)? {
        cursor.bound(urls.len(), cursor.context.limits.list_max, "urlfetch")?;
        urls.push(if cursor.peek() == Some(b'(') {
            extended_url(cursor)?
        } else {
            UrlFetch::from(astring(cursor, "url-full")?)
        });
    }
    if urls.is_empty() { cursor.fail("urlfetch") } else { Ok(urls) }
}

/// `"(" url-full *(SP url-fetch-param) ")"`
fn extended_url(cursor: &mut Cursor<'_>) -> Result<UrlFetch> {
    cursor.octet("url-fetch-ext", b'(')?;
    let mut fetch = UrlFetch::from(astring(cursor, "url-full")?);
    while !cursor.eat(b')') {
        cursor.space("url-fetch-ext")?;
        let start = cursor.offset();
        let name = atom(cursor, "url-fetch-param")?;
        let Some(item) = UrlFetchItem::EVERY.into_iter().find(|item| name.is(item.name())) else {
            return cursor.fail_at(start, "url-fetch-param", ParseErrorKind::Unknown);
        };
        // RFC 5524 3.1: nothing twice, and the octets in one form only.
        let excludes = |other: &UrlFetchItem| {
            *other == item || ![*other, item].contains(&UrlFetchItem::BodyPartStructure)
        };
        if fetch.items.iter().any(excludes) {
            return cursor.fail_at(start, "url-fetch-param", ParseErrorKind::Syntax);
        }
        fetch.items.push(item);
    }
    Ok(fetch)
}

/// `1*(url-full SP (nstring / url-metadata))` with spaces between, the first space taken.
pub(super) fn fetched_urls(cursor: &mut Cursor<'_>) -> Result<Vec<FetchedUrl>> {
    let mut urls = Vec::new();
    loop {
        cursor.bound(urls.len(), cursor.context.limits.list_max, "urlfetch-data")?;
        let url = astring(cursor, "url-full")?;
        cursor.space("urlfetch-data")?;
        if cursor.peek() != Some(b'(') {
            urls.push(FetchedUrl { url, data: UrlData::Octets(nstring8(cursor, "urldata-simple")?) });
            if !more(cursor)? {
                return Ok(urls);
            }
            continue;
        }
        let mut items = Vec::new();
        let has_more = loop {
            cursor.bound(items.len(), cursor.context.limits.list_max, "url-metadata")?;
            items.push(url_item(cursor)?);
            let has_more = more(cursor)?;
            if cursor.peek() != Some(b'(') {
                break has_more;
            }
        };
        urls.push(FetchedUrl { url, data: UrlData::Items(items) });
        if !has_more {
            return Ok(urls);
        }
    }
}

/// `"(" url-metadata-el ")"`
fn url_item(cursor: &mut Cursor<'_>) -> Result<UrlItem> {
    cursor.octet("url-metadata", b'(')?;
    let start = cursor.offset();
    let name = atom(cursor, "url-metadata-el")?;
    cursor.space("url-metadata-el")?;
    let item = match () {
        () if name.is("BODY") => UrlItem::Body(nstring8(cursor, "url-meta-body")?),
        () if name.is("BINARY") => UrlItem::Binary(nstring8(cursor, "url-meta-binary")?),
        () if name.is("BODYPARTSTRUCTURE") => {
            UrlItem::BodyPartStructure(Box::new(super::body::body(cursor)?))
        }
        () => return cursor.fail_at(start, "url-metadata-el", ParseErrorKind::Unknown),
    };
    cursor.octet("url-metadata", b')')?;
    Ok(item)
}
