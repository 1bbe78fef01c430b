//! What the items of FETCH are: told at once, or octets of the message and where they stand (RFC 9051 6.4.5, 7.5.2;
//! RFC 3516). Nothing is read here and nothing is written.

use std::num::NonZeroU32;
use std::ops::Range;

use bytes::Bytes;
use posthaste_imap::message::{Decoded, FieldChoice, Located, Span, StructureForm, Summary};
use posthaste_imap::types::{AString, FetchAttribute, FetchItem, Partial, Payload, Section, SectionText};

use super::super::{convert, reading};
use crate::index::Row;
use crate::store::{Content, StoreError};

/// One item of a row, ready to be written.
pub(super) enum Ready {
    Item(FetchItem),
    /// There is no such part.
    Nil(Payload),
    /// Octets at hand.
    Octets(Payload, Bytes),
    /// Octets that are read while they are written.
    Stream(Payload, Range<u64>, Option<Content>),
    /// The same without their transfer encoding: how they are read, how many come out, and which of them are wanted.
    Decoded(Payload, Decoded, Range<u64>),
}

/// Why a row can not be told.
pub(super) enum NoRow {
    Gone,
    UnknownEncoding,
    Failed(StoreError),
}

impl From<StoreError> for NoRow {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchMessage => Self::Gone,
            error => Self::Failed(error),
        }
    }
}

/// Whether something of a message is sent that makes it `\Seen`.
pub(super) fn is_read(
    attributes: &[FetchAttribute],
    row: &Row,
    summary: Option<&Summary>,
) -> Result<bool, NoRow> {
    let mut is_read = false;
    for attribute in attributes {
        if needs_summary(attribute) && summary.is_none() {
            return Ok(false);
        }
        let found = payload(attribute, row, summary)?;
        is_read |= reads(attribute) && !matches!(found, None | Some(Found::Ready(Ready::Nil(_))));
    }
    Ok(is_read)
}

/// Whether an item sets `\Seen`.
pub(super) fn reads(attribute: &FetchAttribute) -> bool {
    matches!(
        attribute,
        FetchAttribute::Section { peek: false, .. }
            | FetchAttribute::Binary { peek: false, .. }
            | FetchAttribute::Rfc822
            | FetchAttribute::Rfc822Text
    )
}

/// Octets of the text of a message, or of a part, that an item may have; those of a header do not count.
pub(super) fn text_max(attribute: &FetchAttribute) -> u64 {
    match attribute {
        FetchAttribute::Section { section, partial, .. }
            if matches!(section.text(), None | Some(SectionText::Text)) =>
        {
            partial.map_or(u64::MAX, |partial| partial.count.get().into())
        }
        FetchAttribute::Rfc822 | FetchAttribute::Rfc822Text => u64::MAX,
        _ => 0,
    }
}

/// Whether an item is in the index.
pub(super) fn is_in_index(attribute: &FetchAttribute) -> bool {
    matches!(
        attribute,
        FetchAttribute::Flags
            | FetchAttribute::Uid
            | FetchAttribute::InternalDate
            | FetchAttribute::Rfc822Size
            | FetchAttribute::ModSeq
            | FetchAttribute::SaveDate
            | FetchAttribute::EmailId
            | FetchAttribute::ThreadId
    )
}

/// Whether an item is told from the summary as it is stored.
pub(super) fn is_in_record(attribute: &FetchAttribute) -> bool {
    matches!(
        attribute,
        FetchAttribute::Envelope
            | FetchAttribute::Body
            | FetchAttribute::BodyStructure
            | FetchAttribute::Preview { .. }
    )
}

/// Whether an item is made from the summary.
pub(super) fn needs_summary(attribute: &FetchAttribute) -> bool {
    match attribute {
        FetchAttribute::Section { section, .. } => *section != Section::whole(),
        FetchAttribute::Envelope
        | FetchAttribute::Body
        | FetchAttribute::BodyStructure
        | FetchAttribute::Rfc822Header
        | FetchAttribute::Rfc822Text
        | FetchAttribute::Binary { .. }
        | FetchAttribute::BinarySize(_)
        | FetchAttribute::Preview { .. } => true,
        _ => false,
    }
}

/// What is told at once; `None` for a payload.
pub(super) fn item(attribute: &FetchAttribute, row: &Row, summary: Option<&Summary>) -> Option<FetchItem> {
    Some(match attribute {
        FetchAttribute::Uid => FetchItem::Uid(NonZeroU32::new(row.uid)?),
        FetchAttribute::InternalDate => FetchItem::InternalDate(convert::date_time(row.date())?),
        FetchAttribute::Rfc822Size => FetchItem::Rfc822Size(row.size),
        FetchAttribute::ModSeq => FetchItem::ModSeq(row.modseq),
        FetchAttribute::SaveDate => {
            FetchItem::SaveDate(posthaste_imap::types::DateTime::from_unix_seconds(row.saved, 0).ok())
        }
        FetchAttribute::EmailId => FetchItem::EmailId(convert::email_id(row.blob)?),
        FetchAttribute::ThreadId => FetchItem::ThreadId(convert::thread_id(row.thread)),
        FetchAttribute::Envelope => FetchItem::Envelope(Box::new(summary?.envelope().into())),
        FetchAttribute::Body => FetchItem::Body(Box::new(summary?.body_structure(StructureForm::Plain))),
        FetchAttribute::BodyStructure => {
            FetchItem::BodyStructure(Box::new(summary?.body_structure(StructureForm::Extended)))
        }
        FetchAttribute::Preview { .. } => {
            FetchItem::Preview(AString::new(summary?.preview().to_owned()).ok())
        }
        _ => return None,
    })
}

/// A payload, or where the header is from which it is chosen.
pub(super) enum Found<'a> {
    Ready(Ready),
    Fields(Payload, Span, &'a [AString], FieldChoice, Option<Partial>),
}

impl Found<'_> {
    /// The octets of the message that it is, or is chosen from; `None` where there are none, or they have to be decoded.
    pub(super) fn range(&self) -> Option<Range<u64>> {
        match self {
            Self::Ready(Ready::Stream(_, range, _)) => Some(range.clone()),
            Self::Ready(_) => None,
            Self::Fields(_, header, ..) => Some(reading::range(*header)),
        }
    }
}

/// What an attribute names; `None` for one that is none of a message.
pub(super) fn payload<'a>(
    attribute: &'a FetchAttribute,
    row: &Row,
    summary: Option<&Summary>,
) -> Result<Option<Found<'a>>, NoRow> {
    let ready = |ready| Ok(Some(Found::Ready(ready)));
    match attribute {
        FetchAttribute::Section { section, partial, .. } => {
            let payload = Payload::Section { section: section.clone(), origin: partial.map(|it| it.offset) };
            if *section == Section::whole() {
                return ready(Ready::Stream(payload, part(0..row.size, *partial), None));
            }
            Ok(Some(match summary.and_then(|summary| summary.locate(section)) {
                None => Found::Ready(Ready::Nil(payload)),
                Some(Located::Octets(span)) => {
                    Found::Ready(Ready::Stream(payload, part(reading::range(span), *partial), None))
                }
                Some(Located::Fields { header, names, choice }) => {
                    Found::Fields(payload, header, names, choice, *partial)
                }
            }))
        }
        FetchAttribute::Rfc822 => ready(Ready::Stream(Payload::Rfc822, 0..row.size, None)),
        FetchAttribute::Rfc822Header => {
            ready(of_message(Payload::Rfc822Header, SectionText::Header, summary))
        }
        FetchAttribute::Rfc822Text => ready(of_message(Payload::Rfc822Text, SectionText::Text, summary)),
        FetchAttribute::Binary { part: path, partial, .. } => {
            let payload = Payload::Binary { part: path.clone(), origin: partial.map(|it| it.offset) };
            match summary.and_then(|summary| summary.locate_decoded(path.as_ref())) {
                None => ready(Ready::Nil(payload)),
                Some(decoded) => {
                    let octets = decoded.octets.ok_or(NoRow::UnknownEncoding)?;
                    ready(Ready::Decoded(payload, decoded, part(0..octets, *partial)))
                }
            }
        }
        FetchAttribute::BinarySize(path) => {
            let decoded = summary.and_then(|summary| summary.locate_decoded(path.as_ref()));
            let octets = match decoded {
                Some(decoded) => decoded.octets.ok_or(NoRow::UnknownEncoding)?,
                None => 0,
            };
            let size = u32::try_from(octets).unwrap_or(u32::MAX);
            ready(Ready::Item(FetchItem::BinarySize { part: path.clone(), size }))
        }
        _ => Ok(None),
    }
}

fn of_message(payload: Payload, text: SectionText, summary: Option<&Summary>) -> Ready {
    let section = Section::new(None, Some(text)).ok();
    let located =
        section.as_ref().zip(summary).and_then(|(section, summary)| match summary.locate(section) {
            Some(Located::Octets(span)) => Some(reading::range(span)),
            _ => None,
        });
    match located {
        Some(range) => Ready::Stream(payload, range, None),
        None => Ready::Nil(payload),
    }
}

/// The `<offset.count>` octets of a range.
pub(super) fn part(range: Range<u64>, partial: Option<Partial>) -> Range<u64> {
    let Some(Partial { offset, count }) = partial else { return range };
    let start = range.start.saturating_add(offset.into()).min(range.end);
    start..start.saturating_add(count.get().into()).min(range.end)
}

pub(super) fn slice(data: &Bytes, partial: Option<Partial>) -> Bytes {
    let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
    let range = part(0..length, partial);
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(data.len());
    data.slice(at(range.start)..at(range.end))
}
