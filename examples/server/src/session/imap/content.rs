//! The content of a message in memory, as far as a command needs it, and what IMAP wants to know of it.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use posthaste_imap::message::{Fields, StructureForm, Summary};
use posthaste_imap::types::{BodyStructure, Date, Envelope, Section, SectionText};

use crate::store::{BlobId, Store, StoreError};

/// How much of a message is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// Up to the empty line behind the header.
    Header,
    /// All of it.
    All,
}

/// A message, or its header.
pub(super) struct Content {
    octets: Bytes,
    summary: Summary,
}

impl Content {
    /// Whether a section lies in the header of the message.
    pub(super) fn is_in_header(section: &Section) -> bool {
        let in_header = matches!(
            section.text(),
            Some(SectionText::Header | SectionText::HeaderFields(_) | SectionText::HeaderFieldsNot(_))
        );
        section.part().is_none() && in_header
    }

    pub(super) async fn load(store: &Store, blob: BlobId, need: Need) -> Result<Self, StoreError> {
        let mut reader = store.read_blob(blob, 0..u64::MAX).await?;
        let mut octets = BytesMut::new();
        while let Some(chunk) = reader.next_chunk().await? {
            // The empty line may begin in the chunk before; what is further back has been looked at.
            let unseen = octets.len().saturating_sub(3);
            octets.extend_from_slice(&chunk);
            if need == Need::Header
                && let Some(end) = octets.get(unseen..).and_then(header_end)
            {
                octets.truncate(unseen.saturating_add(end));
                break;
            }
        }
        let octets = octets.freeze();
        if octets.len() < LARGE {
            let summary = Summary::scan(&octets);
            return Ok(Self { octets, summary });
        }
        // Other sessions do not wait for a long message to be read.
        let scanned = tokio::task::spawn_blocking(move || {
            let summary = Summary::scan(&octets);
            Self { octets, summary }
        });
        scanned.await.map_err(|_| StoreError::Closed)
    }

    pub(super) fn envelope(&self) -> Envelope {
        self.summary.envelope().into()
    }

    pub(super) fn body_structure(&self, form: StructureForm) -> BodyStructure {
        self.summary.body_structure(form)
    }

    /// The octets of a section; `None` where the message has no such part.
    pub(super) fn section(&self, section: &Section) -> Option<Bytes> {
        Some(match self.summary.section(section, &self.octets)? {
            Cow::Borrowed(octets) => self.octets.slice_ref(octets),
            Cow::Owned(octets) => octets.into(),
        })
    }

    /// The day the `Date` field names.
    pub(super) fn sent_day(&self) -> Option<Date> {
        Date::from_unix_days(self.summary.envelope().sent()?.local_day()).ok()
    }
}

/// Behind the empty line that ends the header.
fn header_end(octets: &[u8]) -> Option<usize> {
    let crlf = octets.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at.saturating_add(4));
    let lf = octets.windows(2).position(|two| two == b"\n\n").map(|at| at.saturating_add(2));
    match (crlf, lf) {
        (Some(crlf), Some(lf)) => Some(crlf.min(lf)),
        (end, None) | (None, end) => end,
    }
}

impl Content {
    /// Field names and values as a reader sees them: encoded words decoded, folding undone (RFC 2047).
    pub(super) fn fields(&self) -> impl Iterator<Item = (String, String)> + '_ {
        Fields::of(&self.octets).filter(|field| !field.name.is_empty()).map(|field| {
            let name = String::from_utf8_lossy(field.name).into_owned();
            (name, decoded(field.value))
        })
    }

    /// The text of the message's parts, decoded.
    pub(super) fn body_text(&self) -> String {
        let Some(message) = mail_parser::MessageParser::default().parse(&self.octets[..]) else {
            return String::new();
        };
        let mut text = String::new();
        collect_text(&message, 0, &mut text);
        text
    }
}

fn decoded(value: &[u8]) -> String {
    let mut line = value.to_vec();
    line.extend_from_slice(b"\r\n");
    match mail_parser::parsers::MessageStream::new(&line).parse_unstructured() {
        mail_parser::HeaderValue::Text(text) => text.into_owned(),
        _ => String::from_utf8_lossy(value).into_owned(),
    }
}

fn collect_text(message: &mail_parser::Message<'_>, depth: usize, text: &mut String) {
    for part in &message.parts {
        match &part.body {
            mail_parser::PartType::Text(part) | mail_parser::PartType::Html(part) => {
                text.push_str(part);
                text.push('\n');
            }
            mail_parser::PartType::Message(inner) if depth < NESTING_MAX => {
                collect_text(inner, depth.saturating_add(1), text);
            }
            _ => {}
        }
    }
}

/// Octets of a message that is not read on a thread that serves connections.
const LARGE: usize = 1024 * 1024;

/// Messages within messages that are searched.
const NESTING_MAX: usize = 10;
