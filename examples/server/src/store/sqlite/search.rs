//! The search index: which contents may have a string in their header or their text.
//!
//! Of each content the trigrams of its mapped text are kept, nothing else: a content that has a string has all its
//! trigrams. What has them all and not the string is sorted out by whoever asks, who reads the content. The index
//! runs behind: contents that are not in it yet, or have too much text for it, count as having everything.
//!
//! What is text and how it is mapped is what [`posthaste_imap::search`] looks into and how.

use std::collections::BTreeSet;
use std::sync::Arc;

use posthaste_imap::casemap::casemap_into;
use posthaste_imap::charset::decode_words;
use posthaste_imap::message::{Fields, Kind, Limits, Summary, TransferDecoder, TransferEncoding};
use rusqlite::{Connection, OptionalExtension, params};

use super::Inner;
use super::blobs;
use super::files::Files;
use super::writer::Txn;
use crate::store::{BlobId, StoreError};

/// Which of some contents, which ascend, may have the mapped string.
pub(super) fn may_contain(
    sql: &Connection,
    among: &[BlobId],
    mapped: &str,
) -> Result<Option<Vec<BlobId>>, StoreError> {
    let Some(question) = question(mapped) else { return Ok(None) };
    let (Some(first), Some(last)) = (among.first(), among.last()) else { return Ok(Some(Vec::new())) };
    let indexed = indexed(sql)?;
    let mut found: Vec<BlobId> = Vec::new();
    for query in [
        "SELECT rowid FROM search WHERE search MATCH ?3 AND rowid BETWEEN ?1 AND ?2",
        "SELECT blob FROM search_unknown WHERE blob BETWEEN ?1 AND ?2 AND ?3 IS NOT NULL",
    ] {
        let mut query = sql.prepare_cached(query)?;
        let mut rows = query.query(params![first, last, question])?;
        while let Some(row) = rows.next()? {
            let blob = row.get(0)?;
            // Those of other mailboxes lie in between.
            if among.binary_search(&blob).is_ok() {
                found.push(blob);
            }
        }
    }
    found.extend(among.iter().filter(|blob| **blob > indexed));
    found.sort_unstable();
    found.dedup();
    Ok(Some(found))
}

/// The trigrams of a string, all of which must be there; `None` when it has none.
fn question(mapped: &str) -> Option<String> {
    if mapped.contains('\0') {
        return None;
    }
    let characters: Vec<char> = mapped.chars().collect();
    let trigrams: BTreeSet<String> =
        characters.windows(3).take(TRIGRAMS_MAX).map(|three| three.iter().collect()).collect();
    let quoted: Vec<String> =
        trigrams.into_iter().map(|trigram| format!("\"{}\"", trigram.replace('"', "\"\""))).collect();
    (!quoted.is_empty()).then(|| quoted.join(" AND "))
}

/// Adds contents to the index until none is left, or until others have much to write: they go first, and the index
/// costs less a content the more of them it takes at once.
pub(super) async fn catch_up(inner: &Arc<Inner>) -> Result<(), StoreError> {
    loop {
        let before = inner.writer.operations();
        let files = inner.files.clone();
        let portion = inner.readers.read(move |sql| Portion::read(sql, &files)).await?;
        if portion.last <= portion.after {
            return Ok(());
        }
        inner.writer.write(move |txn| portion.add(txn)).await?;
        let others = inner.writer.operations().saturating_sub(before).saturating_sub(1);
        if others > OTHERS_MAX {
            return Ok(());
        }
    }
}

/// Contents that are added to the index at once.
struct Portion {
    /// All up to here were in it before.
    after: BlobId,
    /// All up to here are in it then.
    last: BlobId,
    texts: Vec<(BlobId, Option<String>)>,
}

impl Portion {
    fn read(sql: &Connection, files: &Files) -> Result<Self, StoreError> {
        let after = indexed(sql)?;
        let mut query =
            sql.prepare_cached("SELECT id, size FROM blobs WHERE id > ?1 AND refs > 0 ORDER BY id LIMIT ?2")?;
        let mut rows = query.query(params![after, PORTION_MAX])?;
        let mut portion = Self { after, last: after, texts: Vec::new() };
        let mut octets: usize = 0;
        while let Some(row) = rows.next()? {
            let (blob, size): (BlobId, u64) = (row.get(0)?, row.get(1)?);
            let text =
                if size > CONTENT_MAX { None } else { text_of(&blobs::whole(sql, files, blob, size)?) };
            octets = octets.saturating_add(text.as_ref().map_or(0, String::len));
            portion.texts.push((blob, text));
            portion.last = blob;
            if octets >= PORTION_OCTETS {
                break;
            }
        }
        Ok(portion)
    }

    fn add(self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        // Somebody else may be at it too.
        if indexed(txn.sql)? != self.after {
            return Ok(());
        }
        for (blob, text) in self.texts {
            let query = match text {
                // What has gone meanwhile must not come into the index.
                Some(_) => "INSERT INTO search (rowid, text) SELECT id, ?2 FROM blobs WHERE id = ?1",
                None => "INSERT INTO search_unknown (blob) SELECT id FROM blobs WHERE id = ?1 AND ?2 IS NULL",
            };
            txn.sql.prepare_cached(query)?.execute(params![blob, text])?;
        }
        txn.sql.prepare_cached("UPDATE search_state SET indexed = ?1")?.execute([self.last])?;
        Ok(())
    }
}

/// A content goes.
pub(super) fn forget(sql: &Connection, blob: BlobId) -> Result<(), StoreError> {
    for query in ["DELETE FROM search WHERE rowid = ?1", "DELETE FROM search_unknown WHERE blob = ?1"] {
        sql.prepare_cached(query)?.execute([blob])?;
    }
    Ok(())
}

/// All contents up to this one have been added.
fn indexed(sql: &Connection) -> Result<BlobId, StoreError> {
    let found = sql.prepare_cached("SELECT indexed FROM search_state")?.query_row([], |row| row.get(0));
    Ok(found.optional()?.unwrap_or_default())
}

/// All text of a message in which a search looks, mapped; `None` when it is too much.
fn text_of(message: &[u8]) -> Option<String> {
    let summary = Summary::scan_within(message, &Limits::default());
    let mut mapped = String::new();
    for (at, part) in summary.parts().enumerate() {
        if at == 0 || part.envelope.is_some() {
            add_header(part.header.of(message), &mut mapped);
        }
        if part.kind == Kind::Leaf && part.is_text() {
            // What is written in an unknown way is searched as it is written.
            let encoding = part.transfer_encoding().unwrap_or(TransferEncoding::Identity);
            let decoded = TransferDecoder::all(encoding, part.body.of(message));
            let (mut decoder, mut text) = (part.text_decoder(), String::new());
            decoder.push(&decoded, &mut text);
            decoder.finish(&mut text);
            casemap_into(&text, &mut mapped);
            mapped.push('\n');
        }
        if mapped.len() > TEXT_MAX {
            return None;
        }
    }
    // The index reads a text only up to its first NUL; a string with one is not looked for in it.
    Some(mapped.replace('\0', "\n"))
}

fn add_header(header: &[u8], mapped: &mut String) {
    for field in Fields::of(header) {
        casemap_into(&String::from_utf8_lossy(field.name), mapped);
        mapped.push_str(": ");
        casemap_into(&decode_words(field.value), mapped);
        mapped.push('\n');
    }
}

/// Trigrams of a string that are looked for.
const TRIGRAMS_MAX: usize = 48;
/// Octets of a content that is read for the index.
const CONTENT_MAX: u64 = 16 << 20;
/// Octets of mapped text that are indexed of one content.
const TEXT_MAX: usize = 256 << 10;
/// Contents added to the index in one transaction.
const PORTION_MAX: u32 = 256;
/// Octets of text after which a transaction takes no more.
const PORTION_OCTETS: usize = 128 << 10;
/// Operations of others meanwhile, from which on the index has time.
const OTHERS_MAX: u64 = 4;

#[cfg(test)]
mod tests {
    use posthaste_imap::casemap::casemap;

    use super::*;

    #[test]
    fn what_a_search_finds_is_in_the_text() {
        let message = b"Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8gd29ybGQ=\r\n";
        let text = text_of(message).unwrap();
        for found in ["subject: gr\u{fc}", "lo wo", "encoding: base64"] {
            assert!(text.contains(&casemap(found)), "{found}");
        }
    }

    #[test]
    fn a_question_names_each_trigram_once_and_quotes_it() {
        assert_eq!(question("AB"), None);
        assert_eq!(question("A\0BC"), None);
        assert_eq!(question("AAAA").unwrap(), "\"AAA\"");
        assert_eq!(question("A\"B").unwrap(), "\"A\"\"B\"");
    }
}
